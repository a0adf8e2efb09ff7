// One pass over the dump; items are cut by size, so they depend on the threads alone.
#include "actors/miner/stackoverflow/dump_reader.hpp"

#include <unistd.h>

#include "actors/miner/stackoverflow/dump_funnel.hpp"
#include "actors/miner/stackoverflow/dump_stream.hpp"
#include "actors/miner/stackoverflow/post_rows.hpp"
#include "actors/miner/stackoverflow/thread_collector.hpp"
#include "proto/ids.hpp"

namespace mendel::miner {
namespace {

constexpr std::uint64_t kLookBytes = 8u << 20;  // of the dump between two looks at progress
constexpr const char* kScratchByDefault = "mendel-data/raw/stackoverflow";

std::string scratch_for(const std::string& path, const Stackoverflow& settings) {
  const std::string folder = settings.scratch().empty() ? kScratchByDefault : settings.scratch();
  return folder + "/" + ContentHash().add(path).finish().hex().substr(0, 12) + "-" + std::to_string(::getpid());
}

Error named(const std::string& path, const Error& error) {
  const bool names_it = error.what.find(path) != std::string::npos || error.what.starts_with("stdin");
  return {error.code, names_it ? error.what : (path == "-" ? "stdin" : path) + " " + error.what};
}

class Reader {
 public:
  Reader(const std::string& path, const Config& config, const DumpSinks& sinks)
      : path_(path), settings_(config.stackoverflow()), sinks_(sinks), scanner_(settings_.row_bytes_max()), collector_(settings_, scratch_for(path, settings_)) {}

  Outcome run() {
    auto stream = DumpStream::open(path_, settings_);
    if (!stream) return stream.error();
    if (auto scanned = scan(**stream); !scanned) return scanned;
    site_ = !settings_.site().empty() ? settings_.site() : site_of(path_);
    auto joined = collector_.each_thread([this](Thread thread) { return add(std::move(thread)); });
    return joined ? finish() : joined;
  }

 private:
  Outcome scan(DumpStream& stream) {
    const PostScanner::Sink sink = [this](const PostRow& row) { collector_.take(row); };
    std::uint64_t looked = 0;
    for (;;) {
      const auto block = stream.next();
      if (!block) return block.error();
      if (block->empty()) break;
      if (auto fed = scanner_.feed(*block, sink); !fed) return fed;
      if (auto state = collector_.state(); !state) return state;
      if (stream.unpacked() - looked < kLookBytes) continue;
      looked = stream.unpacked();
      if (!look(stream)) return Error{ErrorCode::interrupted, "interrupted"};
    }
    if (auto whole = scanner_.finish(); !whole) return whole;
    if (!look(stream)) return Error{ErrorCode::interrupted, "interrupted"};
    return Done{};
  }

  bool look(const DumpStream& stream) {
    progress_ = {stream.packed(), stream.packed_total(), stream.unpacked(), scanner_.rows(), 0};
    return !sinks_.going_on || sinks_.going_on(progress_);
  }

  Outcome add(Thread thread) {
    const auto size = thread.ByteSizeLong();
    if (bytes_ > 0 && bytes_ + size > kItemBytes)
      if (auto handed = hand_over(); !handed) return handed;
    bytes_ += size;
    *item_.mutable_mine_stackoverflow()->add_threads() = std::move(thread);
    if (++progress_.threads % 1000 == 0 && sinks_.going_on && !sinks_.going_on(progress_)) return Error{ErrorCode::interrupted, "interrupted"};
    return Done{};
  }

  Outcome hand_over() {
    bytes_ = 0;
    WorkItem item = std::exchange(item_, {});
    item.set_stage(Stage::mine_stackoverflow);
    item.mutable_mine_stackoverflow()->set_site(site_);
    return sinks_.item(std::move(item));
  }

  Outcome finish() {
    auto counts = collector_.counts();
    counts[kRows] = scanner_.rows();
    if (scanner_.malformed() > 0) counts["stackoverflow.left_out.malformed"] = scanner_.malformed();
    if (scanner_.too_large() > 0) counts["stackoverflow.left_out.too_large"] = scanner_.too_large();
    for (const auto& [name, n] : counts) {
      auto& count = *item_.mutable_mine_stackoverflow()->add_scanned();
      count.set_name(name);
      count.set_n(n);
    }
    return hand_over();
  }

  const std::string& path_;
  const Stackoverflow settings_;
  const DumpSinks& sinks_;
  PostScanner scanner_;
  ThreadCollector collector_;
  DumpProgress progress_;
  std::string site_;
  WorkItem item_;
  std::size_t bytes_ = 0;
};

}  // namespace

Outcome read_dump(const std::string& path, const Config& config, const DumpSinks& sinks) {
  auto read = Reader(path, config, sinks).run();
  if (!read && read.error().code != ErrorCode::interrupted) return named(path, read.error());
  return read;
}

}  // namespace mendel::miner
