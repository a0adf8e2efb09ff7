// mendel validate [FILE|-]: pairs in, verdicts out in the same order; --keep prints the accepted pairs.
//
// Near-duplicates need all pairs, so what will be printed waits in an unnamed temporary file; memory
// holds about 700 bytes an accepted pair.
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "actors/cli/commands.hpp"
#include "actors/cli/pair_lines.hpp"
#include "actors/cli/sandbox_note.hpp"
#include "actors/validator/reasons.hpp"
#include "actors/validator/reduce.hpp"
#include "actors/validator/validator_stage.hpp"
#include "proto/pair_json.hpp"

namespace mendel::cli {
namespace {

using validator::ValidatorStage;

constexpr std::uint32_t kBatchesPerJob = 4;  // read before the next round of proofs

struct ValidateOptions {
  std::string pairs = "-";
  bool keep = false, list_reasons = false, tests = false;
  std::uint32_t jobs = 1;
  std::string out;
};

// Records of bytes in the order they came; read again once.
class Spool {
 public:
  Spool() : file_(std::tmpfile(), std::fclose) {}
  bool is_open() const { return file_ != nullptr; }

  bool write(std::string_view record) {
    const auto size = static_cast<std::uint32_t>(record.size());
    return std::fwrite(&size, sizeof size, 1, file_.get()) == 1 && std::fwrite(record.data(), 1, size, file_.get()) == size;
  }
  bool rewind() { return std::fflush(file_.get()) == 0 && std::fseek(file_.get(), 0, SEEK_SET) == 0; }
  bool read(std::string& record) {
    std::uint32_t size = 0;
    if (std::fread(&size, sizeof size, 1, file_.get()) != 1) return false;
    record.resize(size);
    return std::fread(record.data(), 1, size, file_.get()) == size;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

class Validation {
 public:
  Validation(const Context& context, const ValidateOptions& options)
      : context_(context), options_(options), progress_(context, "validating", 0, "pairs") {}

  Outcome read() {
    if (!spool_.is_open()) return Error{ErrorCode::io_error, "no temporary file could be made in " + std::filesystem::temp_directory_path().string()};
    // Keeps the syntax helpers alive between batches, and fails early if there is no interpreter.
    auto keeper = ValidatorStage::start(context_.config, options_.tests);
    if (!keeper) return keeper.error();
    const std::size_t round = std::size_t{context_.config.validate().pairs_per_item()} * options_.jobs * kBatchesPerJob;
    auto read = each_pair_batch(options_.pairs, round, bad_lines_, [this](std::vector<Pair>& pairs) { return prove(pairs); });
    progress_.finish();
    if (read && bad_lines_ > kBadLinesNamedMax) warn(std::to_string(bad_lines_ - kBadLinesNamedMax) + " more lines are no pairs");
    return read;
  }

  Outcome print(std::FILE* out) {
    validator::ReduceOptions all_together;
    all_together.threshold = context_.config.validate().near_duplicate_threshold();
    all_together.validation_share = all_together.test_share = 0;
    for (auto& decision : validator::reduce(std::move(candidates_), all_together)) decisions_.emplace(decision.id, std::move(decision));
    if (!spool_.rewind()) return Error{ErrorCode::io_error, "the temporary file could not be read back"};
    std::string verdict_bytes, pair_line;
    bool written = true;
    while (spool_.read(verdict_bytes) && (!options_.keep || spool_.read(pair_line))) {
      Verdict verdict;
      verdict.ParseFromString(verdict_bytes);
      decide(verdict);
      if (options_.keep && !verdict.accepted()) continue;
      written = std::fprintf(out, "%s\n", options_.keep ? pair_line.c_str() : to_json(verdict).c_str()) >= 0 && written;
      if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    }
    if (!written || std::fflush(out) != 0) return Error{ErrorCode::io_error, "the results could not be written"};
    return Done{};
  }

  int summarise() const {
    std::string text = std::to_string(pairs_) + " pairs: " + std::to_string(accepted_) + " accepted";
    for (const auto& [name, count] : tested_) text += ", " + std::to_string(count) + " " + name;
    for (const auto& [reason, count] : rejected_) text += ", " + std::to_string(count) + " " + reason;
    if (bad_lines_ > 0) text += "; " + std::to_string(bad_lines_) + " lines are no pairs";
    note(text);
    return bad_lines_ > 0 ? kLeftovers : kDone;
  }

 private:
  Outcome prove(const std::vector<Pair>& pairs) {
    const std::size_t per_item = context_.config.validate().pairs_per_item();
    Outcome outcome = Done{};
    in_order<Result<WorkResult>>(
        (pairs.size() + per_item - 1) / per_item, options_.jobs,
        [&](std::uint64_t batch) {
          const auto first = batch * per_item;
          return prove_batch(std::span(pairs).subspan(first, std::min(per_item, pairs.size() - first)));
        },
        [&](std::uint64_t batch, Result<WorkResult> result) {
          if (outcome) outcome = result ? take(std::span(pairs).subspan(batch * per_item), *result) : Outcome(result.error());
        });
    if (outcome && interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    return outcome;
  }

  Result<WorkResult> prove_batch(std::span<const Pair> pairs) const {
    auto stage = ValidatorStage::start(context_.config, options_.tests);
    if (!stage) return stage.error();
    WorkItem item;
    item.set_stage(Stage::validate);
    for (const auto& pair : pairs) {
      item.mutable_validate()->add_pair_ids(pair.id());
      *item.mutable_validate()->add_pairs() = pair;
    }
    return (*stage)->run(item);
  }

  Outcome take(std::span<const Pair> pairs, const WorkResult& result) {
    for (int i = 0; i < result.proofs_size(); ++i) {
      const auto& pair = pairs[static_cast<std::size_t>(i)];
      const auto& proof = result.proofs(i);
      if (proof.verdict().accepted()) {
        validator::Candidate candidate;
        candidate.id = *PairId::from_hex(pair.id());
        candidate.minhash = proof.minhash();
        candidate.edit_signature = proof.edit_signature();
        candidate.has_bug = pair.bug().class_() != BugClass::none;
        candidates_.push_back(std::move(candidate));
      }
      if (!spool_.write(proof.verdict().SerializeAsString()) || (options_.keep && !spool_.write(kept_line(pair, proof))))
        return Error{ErrorCode::io_error, "the temporary file could not be written: is the disk full?"};
    }
    for (const auto& [name, count] : result.funnel())
      if (name.starts_with("tests.")) tested_[name] += count;
    progress_.add(static_cast<std::uint64_t>(result.proofs_size()));
    return Done{};
  }

  // The pair as it is kept: with the tests that were made of it, and so with an id of its own.
  static std::string kept_line(const Pair& pair, const Proof& proof) {
    if (proof.witnesses_size() == 0) return to_json(pair);
    Pair with = pair;
    for (const auto& test : proof.witnesses()) *with.add_tests() = test;
    set_pair_id(with);
    return to_json(with);
  }

  // Fills in what only all pairs together tell, and counts.
  void decide(Verdict& verdict) {
    ++pairs_;
    if (verdict.accepted()) {
      const auto& decision = decisions_.at(*PairId::from_hex(verdict.pair_id()));
      const bool again = !printed_.insert(decision.id).second;
      verdict.set_cluster(decision.cluster.hex());
      verdict.set_accepted(decision.accepted && !again);
      for (auto& stage : *verdict.mutable_stages()) {
        if (stage.name() != "near_duplicate") continue;
        stage.set_result(verdict.accepted() ? StageResult::pass : StageResult::fail);
        stage.set_reason(verdict.accepted() ? "" : "duplicate");
        stage.set_detail(!decision.accepted ? decision.detail
                         : again            ? "an earlier line has the same id"
                                            : "no other pair makes the same change here");
      }
    }
    if (verdict.accepted()) ++accepted_;
    for (const auto& stage : verdict.stages())
      if (stage.result() == StageResult::fail) ++rejected_[stage.reason()];
  }

  const Context& context_;
  const ValidateOptions& options_;
  Progress progress_;
  Spool spool_;
  std::vector<validator::Candidate> candidates_;
  std::unordered_map<PairId, validator::Decision> decisions_;
  std::unordered_set<PairId> printed_;
  std::map<std::string, std::uint64_t> rejected_, tested_;
  std::uint64_t pairs_ = 0, accepted_ = 0, bad_lines_ = 0;
};

int list_reasons(const Context& context) {
  auto rows = nlohmann::ordered_json::array();
  for (const auto& reason : validator::reasons()) {
    if (!context.json) {
      std::printf("%-22s %-15s %-8s %s\n", std::string(reason.word).c_str(), std::string(reason.stage).c_str(),
                  StageResult::Value_Name(reason.result).c_str(), std::string(reason.sentence).c_str());
      continue;
    }
    nlohmann::ordered_json row = {{"reason", reason.word}, {"stage", reason.stage}, {"result", StageResult::Value_Name(reason.result)},
                                  {"sentence", reason.sentence}, {"example", nullptr}};
    if (!reason.example.fixed.empty())
      row["example"] = {{"class", name_of(reason.example.bug_class)}, {"buggy", reason.example.buggy}, {"fixed", reason.example.fixed}};
    rows.push_back(std::move(row));
  }
  if (context.json) std::printf("%s\n", rows.dump().c_str());
  return kDone;
}

int validate(const Context& context, const ValidateOptions& options) {
  if (options.list_reasons) return list_reasons(context);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(options.out.empty() ? nullptr : std::fopen(options.out.c_str(), "wb"),
                                                             [](std::FILE* f) { return std::fclose(f); });
  if (!options.out.empty() && !file) return fail({ErrorCode::io_error, options.out + ": cannot be written"});
  if (options.tests) note_missing_group(context.config);
  Validation validation(context, options);
  if (auto read = validation.read(); !read) return fail(read.error());
  if (auto printed = validation.print(file ? file.get() : stdout); !printed) return fail(printed.error());
  return validation.summarise();
}

std::function<int()> declare(CLI::App& app, Context& context) {
  const auto options = std::make_shared<ValidateOptions>();
  options->jobs = std::max(1u, std::thread::hardware_concurrency());
  app.add_option("FILE", options->pairs, "pairs as JSON lines, - for stdin (the default)");
  app.add_flag("--keep", options->keep, "print the accepted pairs instead of the verdicts");
  app.add_flag("--tests", options->tests, "run code of the pairs in the sandbox: their tests, docstring examples, generated calls; what tells the sides apart is kept as a test");
  app.add_flag("--list-reasons", options->list_reasons, "print the closed list of reasons that verdicts use");
  app.add_option("--jobs", options->jobs, "threads (default: all cores); the output does not depend on it")->check(CLI::Range(1u, 1024u));
  app.add_option("--out", options->out, "file to write to (default: stdout)");
  return [options, &context] { return validate(context, *options); };
}

}  // namespace

const Subcommand kValidateCommand = {"validate", "prove pairs: syntax, difference, near-duplicates, tests, quality; status 4 if lines were no pairs",
                                     "  mendel validate pairs.jsonl\n"
                                     "  mendel lint src --pairs | mendel validate --keep - >accepted.jsonl\n"
                                     "  mendel validate --tests --keep pairs.jsonl >proven.jsonl\n"
                                     "  mendel validate --list-reasons",
                                     declare};

}  // namespace mendel::cli
