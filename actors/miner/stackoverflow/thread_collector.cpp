// A record on the way: its length, then a Post whose body is still as in the dump. Ranges of question ids
// are joined one by one: all of a range's records, sorted by question, then the question before its answers.
#include "actors/miner/stackoverflow/thread_collector.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <tuple>

#include "actors/miner/stackoverflow/dump_funnel.hpp"

namespace mendel::miner {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kRangeBits = 18;  // ids of one range; about 30 MB of posts in the largest of 2024
constexpr std::uint64_t kRangeBytesMax = 128u << 20;
constexpr std::uint32_t kPlanted[] = {1000000001, 1000000010};  // bait in the dumps since 2024
constexpr std::string_view kLeftOut = "stackoverflow.left_out.";

// Only what may hold a block of code is worth keeping: both tags, escaped as they are.
bool may_hold_code(std::string_view raw_body) {
  constexpr std::string_view kPre = "&lt;pre", kCode = "&lt;code";
  const auto holds = [](std::string_view text, std::string_view word) { return static_cast<const char*>(::memmem(text.data(), text.size(), word.data(), word.size())); };
  const char* pre = holds(raw_body, kPre);
  return pre != nullptr && holds(raw_body.substr(static_cast<std::size_t>(pre - raw_body.data())), kCode) != nullptr;
}

bool is_wanted(std::string_view tag, const Stackoverflow& settings) {
  if (settings.tags().empty()) return tag == "python" || tag.starts_with("python-");
  return std::find(settings.tags().begin(), settings.tags().end(), tag) != settings.tags().end();
}

std::int32_t score_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto n = static_cast<std::int32_t>(std::min<std::uint32_t>(number_of(negative ? text.substr(1) : text), 1u << 30));
  return negative ? -n : n;
}

std::string decoded(std::string_view raw) {
  std::string out;
  append_decoded(raw, out);
  return out;
}

void decode(Post& post) {
  post.set_body(decoded(post.body()));
  post.set_owner_name(decoded(post.owner_name()));
  post.set_created(decoded(post.created()));
  post.set_license(decoded(post.license()));
}

// Where a record lies; the order of the join.
struct Place {
  std::uint32_t question, post;
  std::size_t offset;
  std::uint32_t size;
  auto key() const { return std::tuple(question, post != question, post, offset); }
};

std::optional<std::vector<Place>> places_in(const std::string& records) {
  std::vector<Place> out;
  constexpr std::size_t kHead = 12;
  for (std::size_t at = 0; at < records.size();) {
    std::uint32_t head[3];
    if (records.size() - at < kHead) return std::nullopt;
    std::memcpy(head, records.data() + at, kHead);
    at += kHead;
    if (records.size() - at < head[2]) return std::nullopt;
    out.push_back({head[0], head[1], at, head[2]});
    at += head[2];
  }
  std::sort(out.begin(), out.end(), [](const Place& a, const Place& b) { return a.key() < b.key(); });
  return out;
}

bool append_to(const std::string& file, std::string_view bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::app);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return static_cast<bool>(out.flush());
}

}  // namespace

bool PostIdSet::insert(std::uint32_t id) {
  const auto page = id >> kPageBits;
  if (page >= pages_.size()) pages_.resize(page + 1);
  if (!pages_[page]) pages_[page] = std::make_unique<std::uint64_t[]>((1u << kPageBits) / 64);
  auto& word = pages_[page][(id & ((1u << kPageBits) - 1)) / 64];
  const auto bit = std::uint64_t{1} << (id % 64);
  const bool fresh = (word & bit) == 0;
  word |= bit;
  return fresh;
}

bool PostIdSet::contains(std::uint32_t id) const {
  const auto page = id >> kPageBits;
  return page < pages_.size() && pages_[page] && (pages_[page][(id & ((1u << kPageBits) - 1)) / 64] >> (id % 64) & 1) != 0;
}

bool has_tag(std::string_view raw, const Stackoverflow& settings) {
  const bool bars = raw.starts_with('|');
  const std::string_view open = bars ? "|" : "&lt;", close = bars ? "|" : "&gt;";
  while (raw.starts_with(open)) {
    raw.remove_prefix(open.size());
    const auto end = raw.find(close);
    if (end == std::string_view::npos) return false;
    if (is_wanted(raw.substr(0, end), settings)) return true;
    raw.remove_prefix(bars ? end : end + close.size());
  }
  return false;
}

ThreadCollector::ThreadCollector(const Stackoverflow& settings, std::string scratch) : settings_(settings), scratch_(std::move(scratch)) {}

ThreadCollector::~ThreadCollector() {
  std::error_code ignored;
  if (scratch_made_) fs::remove_all(scratch_, ignored);
}

void ThreadCollector::take(const PostRow& row) {
  const auto type = row[Field::type];
  const auto left_out = [this](const char* reason) { ++counts_[std::string(kLeftOut) + reason]; };
  if (type != "1" && type != "2") return left_out("other_post_type");
  ++counts_[kPosts];
  const auto id = number_of(row[Field::id]);
  if (std::find(std::begin(kPlanted), std::end(kPlanted), id) != std::end(kPlanted)) return left_out("planted");
  if (id == 0 || id >= kPostIdsEnd) return left_out("bad_id");
  if (!row[Field::deleted].empty()) return left_out("deleted");
  type == "1" ? take_question(row, id) : take_answer(row, id);
}

void ThreadCollector::take_question(const PostRow& row, std::uint32_t id) {
  ++counts_[kQuestions];
  if (!has_tag(row[Field::tags], settings_)) {
    others_.insert(id);
    return;
  }
  ++counts_[kAsked];
  if (!may_hold_code(row[Field::body])) {
    others_.insert(id);
    return;
  }
  ++counts_[kAskedWithCode];
  if (asked_.insert(id)) keep(row, id, id);
  else ++counts_[std::string(kLeftOut) + "seen_twice"];
}

// An answer whose question has not come yet is kept as if it were wanted: the join decides.
void ThreadCollector::take_answer(const PostRow& row, std::uint32_t id) {
  const auto question = number_of(row[Field::parent]);
  if (question == 0 || question == id || question >= kPostIdsEnd) {
    ++counts_[std::string(kLeftOut) + "bad_id"];
    return;
  }
  if (others_.contains(question)) return;
  const bool known = asked_.contains(question);
  if (known) ++counts_[kAnswers];
  if (score_of(row[Field::score]) < static_cast<std::int32_t>(settings_.min_score())) return;
  if (known) ++counts_[kScored];
  if (!may_hold_code(row[Field::body])) return;
  keep(row, id, question);
}

void ThreadCollector::keep(const PostRow& row, std::uint32_t id, std::uint32_t question) {
  if (!state_) return;
  Post post;
  post.set_id(id);
  if (id != question) post.set_parent(question);
  post.set_accepted_answer(number_of(row[Field::accepted]));
  post.set_score(score_of(row[Field::score]));
  post.set_created(std::string(row[Field::created]));
  post.set_license(std::string(row[Field::license]));
  post.set_owner(number_of(row[Field::owner]));
  post.set_owner_name(std::string(row[Field::owner_name]));
  post.set_body(std::string(row[Field::body]));
  auto& range = ranges_[question >> kRangeBits];
  const std::uint32_t head[3] = {question, id, static_cast<std::uint32_t>(post.ByteSizeLong())};
  const auto before = range.waiting.size();
  range.waiting.append(reinterpret_cast<const char*>(head), sizeof head);
  post.AppendToString(&range.waiting);
  waiting_bytes_ += range.waiting.size() - before;
  if (waiting_bytes_ > std::uint64_t{settings_.memory_mib()} << 20) spill();
}

std::string ThreadCollector::file_of(std::uint32_t range) const { return scratch_ + "/range-" + std::to_string(range); }

void ThreadCollector::spill() {
  std::error_code error;
  if (!scratch_made_) fs::remove_all(scratch_, error);
  fs::create_directories(scratch_, error);
  scratch_made_ = true;
  for (auto& [number, range] : ranges_) {
    if (range.waiting.empty()) continue;
    if (!append_to(file_of(number), range.waiting)) {
      state_ = Error{ErrorCode::io_error, file_of(number) + ": cannot be written (" + std::strerror(errno) + "); stackoverflow.scratch names another folder"};
      return;
    }
    range.on_disk = true;
    range.waiting = {};
  }
  disk_bytes_ += std::exchange(waiting_bytes_, 0);
  if (disk_bytes_ > std::uint64_t{settings_.spill_gib_max()} << 30)
    state_ = Error{ErrorCode::too_large, scratch_ + ": more than " + std::to_string(settings_.spill_gib_max()) + " GiB of posts (stackoverflow.spill_gib_max)"};
}

Result<std::string> ThreadCollector::load(std::uint32_t number, Range& range) {
  std::string records;
  if (range.on_disk) {
    std::error_code error;
    const auto size = fs::file_size(file_of(number), error);
    if (!error && size > kRangeBytesMax)
      return Error{ErrorCode::too_large, file_of(number) + ": " + std::to_string(size) + " bytes of posts around one id: no dump has so many"};
    std::ifstream in(file_of(number), std::ios::binary);
    records.resize(error ? 0 : size);
    if (error || !in.read(records.data(), static_cast<std::streamsize>(size))) return Error{ErrorCode::io_error, file_of(number) + ": cannot be read"};
    fs::remove(file_of(number), error);
  }
  records += range.waiting;
  range.waiting = {};
  return records;
}

Outcome ThreadCollector::each_thread(const std::function<Outcome(Thread)>& visit) {
  if (!state_) return state_;
  for (auto& [number, range] : ranges_) {
    auto records = load(number, range);
    if (!records) return records.error();
    if (auto joined = join(*records, visit); !joined) return joined;
  }
  ranges_.clear();
  return Done{};
}

Outcome ThreadCollector::join(const std::string& records, const std::function<Outcome(Thread)>& visit) {
  const auto places = places_in(records);
  if (!places) return Error{ErrorCode::corrupt, scratch_ + ": the posts there changed while they were read"};
  for (auto at = places->begin(); at != places->end();) {
    const auto end = std::find_if(at, places->end(), [&](const Place& place) { return place.question != at->question; });
    const bool orphans = at->post != at->question, alone = end - at == 1;
    if (orphans) counts_[std::string(kLeftOut) + "orphan"] += static_cast<std::uint64_t>(end - at);
    if (orphans || alone) {
      at = end;
      continue;
    }
    Thread thread;
    std::uint32_t previous = at->question;
    if (!thread.mutable_question()->ParseFromArray(records.data() + at->offset, static_cast<int>(at->size))) return Error{ErrorCode::corrupt, scratch_};
    for (++at; at != end; ++at) {
      if (std::exchange(previous, at->post) == at->post) {
        ++counts_[std::string(kLeftOut) + "seen_twice"];
        continue;
      }
      if (!thread.add_answers()->ParseFromArray(records.data() + at->offset, static_cast<int>(at->size))) return Error{ErrorCode::corrupt, scratch_};
    }
    choose(thread);
    if (auto visited = visit(std::move(thread)); !visited) return visited;
  }
  return Done{};
}

// The accepted answer first, then the best one (the oldest of equals), if that is another.
void ThreadCollector::choose(Thread& thread) {
  counts_[kAnswersWithCode] += static_cast<std::uint64_t>(thread.answers_size());
  ++counts_[kThreads];
  const auto accepted = thread.question().accepted_answer();
  std::vector<Post> chosen;
  const Post* best = nullptr;
  for (auto& answer : *thread.mutable_answers()) {
    if (best == nullptr || answer.score() > best->score()) best = &answer;
    if (answer.id() == accepted) chosen.push_back(answer);
  }
  if (best->id() != accepted) chosen.push_back(*best);
  counts_[kChosen] += chosen.size();
  thread.clear_answers();
  decode(*thread.mutable_question());
  for (auto& answer : chosen) {
    decode(answer);
    *thread.add_answers() = std::move(answer);
  }
}

}  // namespace mendel::miner
