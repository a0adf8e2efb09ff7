// The funnel of one step from release to release. Releases of one package mend many things at once, so
// rules keep out what is no repair: a release that changes very many files, and an edit that is made again and again.
#include "actors/miner/release_stage.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "actors/miner/changelog.hpp"
#include "actors/miner/function_pairs.hpp"
#include "actors/miner/release_archive.hpp"
#include "actors/miner/release_index.hpp"
#include "actors/syntax/tokens.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/pair_json.hpp"

namespace mendel::miner {
namespace {

constexpr char kReleases[] = "release.steps";
constexpr char kPatches[] = "release.patches";
constexpr char kFiles[] = "release.files";
constexpr char kFunctions[] = "release.functions";
constexpr char kReleasePairs[] = "release.pairs";
constexpr char kNoted[] = "release.noted";
constexpr std::size_t kSameEditsMax = 2;  // of one step; more are a sweep through the code, not repairs

constexpr std::array<FunnelStep, 6> kSteps = {{
    {kReleases, "steps from one patch release to the next"},
    {kPatches, "that change few enough production files"},
    {kFiles, "files that both releases have and that differ"},
    {kFunctions, "functions of both sides that differ"},
    {kReleasePairs, "pairs: few enough lines, and not one edit again and again"},
    {kNoted, "pairs of which the changelog speaks"},
}};

struct Found {
  std::string path;
  FunctionPair pair;
  std::string edit;  // the exchanged tokens as text
};

// The tokens that an edit takes away and puts in; equal for the same edit in two functions.
std::string edit_text(const FunctionPair& pair) {
  std::string out;
  for (const auto& edit : edits_between(pair.buggy, pair.fixed).tokens) {
    for (const auto token : edit.removed) out.append(token).append(1, ' ');
    out += "\x01";
    for (const auto token : edit.added) out.append(token).append(1, ' ');
    out += "\x02";
  }
  return out;
}

class ReleaseMiner final : public ReleaseStage {
 public:
  explicit ReleaseMiner(const Config& config) : config_(config) {}

  Result<WorkResult> run(const WorkItem& item) override {
    if (item.input_case() != WorkItem::kMineRelease)
      return Error{ErrorCode::invalid_input, "the miner of releases was given an item of another stage"};
    const auto& input = item.mine_release();
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::mine_release);
    for (const auto& step : kSteps) (*result.mutable_funnel())[step.counter];
    count(kReleases, result);
    ReleaseTree trees[2];
    const std::string* archives[] = {&input.before_archive(), &input.after_archive()};
    for (int side = 0; side < 2; ++side) {
      const auto file = release_file(input.package(), *archives[side], config_);
      if (!file && (file.error().code == ErrorCode::unavailable || file.error().code == ErrorCode::io_error)) return file.error();
      auto read = file ? read_release(*file, limits()) : Result<ReleaseTree>(file.error());
      if (!read) {
        reject(*archives[side], read.error().code == ErrorCode::too_large ? "archive_too_large" : "archive_unreadable", read.error().what, result);
        return result;
      }
      for (const auto& [reason, entries] : read->left_out) count(std::string("release.left_out.") + reason, result, entries);
      trees[side] = *std::move(read);
    }
    compare(input, trees[0], trees[1], result);
    return result;
  }

 private:
  ArchiveLimits limits() const {
    ArchiveLimits out;
    out.bytes_max = std::uint64_t{config_.mine().archive_mib_max()} << 20;
    out.file_bytes_max = config_.mine().blob_bytes_max();
    return out;
  }

  void count(const std::string& counter, WorkResult& result, std::uint64_t n = 1) { (*result.mutable_funnel())[counter] += n; }

  void reject(const std::string& subject, const char* reason, const std::string& detail, WorkResult& result) {
    auto& rejection = *result.add_rejections();
    rejection.set_subject(subject);
    rejection.set_reason(reason);
    rejection.set_detail(detail);
    count(std::string("release.rejected.") + reason, result);
  }

  void compare(const MineRelease& step, const ReleaseTree& before, const ReleaseTree& after, WorkResult& result) {
    std::vector<const std::pair<const std::string, std::string>*> changed;
    for (const auto& file : before.python) {
      const auto other = after.python.find(file.first);
      if (other != after.python.end() && other->second != file.second) changed.push_back(&file);
    }
    const auto subject = step.package() + " " + step.before() + " -> " + step.after();
    if (changed.size() > config_.mine().release_files_max()) return reject(subject, "no_patch", std::to_string(changed.size()) + " files changed", result);
    count(kPatches, result);
    count(kFiles, result, changed.size());
    std::vector<Found> found;
    for (const auto* file : changed) {
      auto changes = function_changes(parser_, file->second, after.python.at(file->first), config_.mine().changed_lines_max());
      count(kFunctions, result, changes.changed);
      for (const char* reason : changes.refused) count(std::string("release.skipped.") + reason, result);
      for (auto& pair : changes.pairs) {
        auto edit = edit_text(pair);
        found.push_back({file->first, std::move(pair), std::move(edit)});
      }
    }
    std::map<std::string_view, std::size_t> same;
    for (const auto& one : found) ++same[one.edit];
    const auto entries = changelog_entries(after.changelog, step.after());
    for (const auto& one : found) {
      if (same[one.edit] > kSameEditsMax) count("release.skipped.repeated_edit", result);
      else add_pair(step, after, one, entries, result);
    }
  }

  void add_pair(const MineRelease& step, const ReleaseTree& after, const Found& found, std::span<const std::string> entries, WorkResult& result) {
    auto& pair = *result.add_pairs();
    pair.set_buggy(found.pair.buggy);
    pair.set_fixed(found.pair.fixed);
    pair.mutable_bug()->set_class_(found.pair.bug.bug_class);
    pair.mutable_bug()->set_type(found.pair.bug.type);
    auto& source = *pair.mutable_source();
    source.set_kind(SourceKind::release);
    source.set_repository(package_name(step));
    source.set_release(step.before() + " -> " + step.after());
    source.set_note(entry_about(entries, found.path, found.pair.symbol));
    source.set_path(found.path);
    source.set_symbol(found.pair.symbol);
    source.set_license(after.license);
    source.set_url(after.url);
    set_pair_id(pair);
    count(kReleasePairs, result);
    if (!source.note().empty()) count(kNoted, result);
  }

  // Of a folder: what the archive is called, so that no path of this machine gets into the provenance.
  static std::string package_name(const MineRelease& step) {
    if (!is_release_folder(step.package())) return step.package();
    const auto& file = step.after_archive();
    const auto name = file.substr(file.rfind('/') + 1);
    return name.substr(0, name.find("-" + step.after()));
  }

  Config config_;
  syntax::Parser parser_;
};

}  // namespace

std::span<const FunnelStep> release_funnel() { return kSteps; }

Result<std::vector<MineRelease>> plan_releases(const std::string& package, const Config& config) {
  const auto releases = releases_of(package, config);
  if (!releases) return releases.error();
  std::vector<MineRelease> out;
  for (const auto& [before, after] : patch_steps(*releases, config.mine().releases_max())) {
    auto& step = out.emplace_back();
    step.set_package(package);
    step.set_before((*releases)[before].version);
    step.set_after((*releases)[after].version);
    step.set_before_archive((*releases)[before].file);
    step.set_after_archive((*releases)[after].file);
  }
  return out;
}

Result<std::unique_ptr<ReleaseStage>> ReleaseStage::start(const Config& config) {
  return std::unique_ptr<ReleaseStage>(std::make_unique<ReleaseMiner>(config));
}

}  // namespace mendel::miner
