// From files to pairs: one parse a file; each function is cut out, given bugs of different operators,
// and only the mutated function is parsed again.
//
// What decides the class of a bug: the item's class weights (class_mix), or the operators' weights alone.
//
// Counters: mutate.files, mutate.functions (looked at), mutate.pairs and mutate.pairs.OPERATOR (no_bug
// for clean samples), mutate.skipped.REASON (functions passed over), mutate.discarded.REASON (bugs that
// failed their check), mutate.rejected.REASON (files).
#include "actors/mutator/mutator_stage.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "actors/mutator/operators.hpp"
#include "actors/syntax/source_origin.hpp"
#include "actors/syntax/tree.hpp"
#include "proto/pair_json.hpp"

namespace mendel::mutator {
namespace {

constexpr std::size_t kFunctionBytesMax = 16u << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr int kTriesPerOperator = 3;
constexpr std::size_t kDetailBytesMax = 500;

BugClass::Value class_of(OperatorClass value) {
  static constexpr BugClass::Value kValues[] = {BugClass::syntax,   BugClass::logic, BugClass::style,
                                                BugClass::security, BugClass::async, BugClass::framework};
  return kValues[static_cast<std::size_t>(value)];
}

// Documentation, pass, `...`, `raise NotImplementedError` and `return` alone teach nothing.
bool is_trivial(const FunctionView& view) {
  for (auto s = view.header() + 1; s < view.statements().size(); ++s) {
    const auto& statement = view.statements()[s];
    const auto i = statement.begin;
    const auto tokens = statement.end - i;
    const bool alone = tokens == 1 && (view.kind(i) == syntax::TokenKind::string || view.is(i, "pass") || view.is(i, "...") || view.is(i, "return"));
    if (!alone && !(view.is(i, "raise") && view.is(i + 1, "NotImplementedError"))) return false;
  }
  return true;
}

// The choices about one function, the same wherever and whenever it is mutated.
Random choices(std::uint32_t seed, const SourceFile& file, std::string_view symbol, std::string_view text) {
  const auto id = ContentHash().add(std::uint64_t{seed}).add(file.repository()).add(file.path()).add(symbol).add(text).finish<>();
  return Random(hash64(id.view()));
}

// An operator that is in use, with the weight that the configuration gives it.
struct Choice {
  const Operator* row;
  double weight;
};
using Choices = std::vector<Choice>;

struct MadeBug {
  const Operator* row;
  std::string text;
};

// Index of one of `n` things, each as likely as its weight says; n if all weights are 0.
template <class Weight>
std::size_t drawn(Random& random, std::size_t n, Weight weight) {
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) total += weight(i);
  double left = random.uniform() * total;
  std::size_t last = n;
  for (std::size_t i = 0; i < n; ++i) {
    if (weight(i) <= 0) continue;
    last = i;
    if ((left -= weight(i)) < 0) break;
  }
  return last;
}

class SplicingMutator final : public MutatorStage {
 public:
  SplicingMutator(const Config& config, Choices choices) : config_(config), choices_(std::move(choices)) {
    for (const auto& choice : choices_) by_group_[group_of(choice.row->bug_class)].push_back(choice);
  }

  Result<WorkResult> run(const WorkItem& item) override {
    if (item.input_case() != WorkItem::kMutate) return Error{ErrorCode::invalid_input, "the mutator was given an item of another stage"};
    const auto& given = item.mutate().class_weights();
    if (!given.empty() && given.size() != kGroups) return Error{ErrorCode::invalid_input, "the mutator was given a wrong number of class weights"};
    weights_ = kUsualWeights;
    if (!given.empty()) std::copy(given.begin(), given.end(), weights_.begin());
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::mutate);
    for (const char* counter : {"mutate.files", "mutate.functions", "mutate.pairs"}) (*result.mutable_funnel())[counter];
    for (const auto& file : item.mutate().files()) {
      count("mutate.files", result);
      const char* reason = syntax::why_not_source(file.path(), file.text(), config_.sources().file_bytes_max());
      if (*reason != '\0') reject(file, reason, "", result);
      else add_file(file, result);
    }
    return result;
  }

  std::vector<GroupPlaces> places(const SourceFile& file) override {
    std::vector<GroupPlaces> out;
    if (*syntax::why_not_source(file.path(), file.text(), config_.sources().file_bytes_max()) != '\0') return out;
    WorkResult uncounted;
    each_function(file, uncounted, [&](const syntax::Function&, const std::string& text) {
      const FunctionView view(text);
      if (is_trivial(view)) return;
      auto& found = out.emplace_back();
      for (const auto& choice : choices_) {
        auto& n = found[group_of(choice.row->bug_class)];
        if (n >= config_.mutate().per_function()) continue;
        splices_.clear();
        choice.row->find(view, splices_);
        if (!splices_.empty()) ++n;
      }
    });
    return out;
  }

 private:
  void count(const std::string& counter, WorkResult& result) { ++(*result.mutable_funnel())[counter]; }

  void reject(const SourceFile& file, const char* reason, const std::string& detail, WorkResult& result) {
    auto& rejection = *result.add_rejections();
    rejection.set_subject(file.path());
    rejection.set_reason(reason);
    rejection.set_detail(detail.substr(0, kDetailBytesMax));
    count(std::string("mutate.rejected.") + reason, result);
  }

  void add_file(const SourceFile& file, WorkResult& result) {
    ids_.clear();
    const auto add = [&](const syntax::Function& function, const std::string& text) { add_function(file, function, text, result); };
    each_function(file, result, add);
  }

  // Calls `use` with each function that is to be mutated and its text; rejects the file if there can be none.
  template <class Use>
  void each_function(const SourceFile& file, WorkResult& result, const Use& use) {
    // A function on the first line would be indented by the byte order mark.
    std::string_view text = file.text();
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    const auto tree = parser_.parse(text);
    if (!tree) return reject(file, tree.error().code == ErrorCode::too_large ? "too_large" : "too_complex", tree.error().what, result);
    if (tree->has_error()) return reject(file, "does_not_parse", "", result);
    std::uint32_t covered = 0;  // bytes of functions that pairs were made of
    for (const auto& function : syntax::functions(*tree)) {
      // A function inside another comes with it.
      if (function.bytes.begin < covered) continue;
      count("mutate.functions", result);
      const auto cut = cut_if_wanted(*tree, function, result);
      if (!cut) continue;
      covered = function.bytes.end;
      use(function, *cut);
    }
  }

  std::optional<std::string> cut_if_wanted(const syntax::Tree& tree, const syntax::Function& function, WorkResult& result) {
    const auto lines = function.line_end - function.line_begin;
    const char* reason = nullptr;
    std::optional<syntax::Cut> cut;
    if (lines < config_.mutate().lines_min()) reason = "too_short";
    else if (lines > config_.mutate().lines_max()) reason = "too_long";
    else if (!(cut = syntax::cut_function(tree, function))) reason = "not_cuttable";
    else if (cut->text.size() > kFunctionBytesMax) reason = "too_long";
    if (reason == nullptr) return std::move(cut->text);
    count(std::string("mutate.skipped.") + reason, result);
    return std::nullopt;
  }

  void add_function(const SourceFile& file, const syntax::Function& function, const std::string& text, WorkResult& result) {
    const FunctionView view(text);
    if (is_trivial(view)) return count("mutate.skipped.trivial", result);
    auto random = choices(config_.seed(), file, function.symbol, text);
    const auto bugs = wants_class_mix(config_) ? bugs_by_class(view, random, result) : bugs_by_weight(view, random, result);
    if (bugs.empty()) return count("mutate.skipped.no_place", result);
    // So many clean samples go with the bugs that the whole has the share asked for; a function gives
    // one at most, so where more are due bugs are left out.
    const double share = config_.mutate().clean_share();
    const double clean_due = static_cast<double>(bugs.size()) * share / (1 - share);
    for (const auto& bug : bugs)
      if (random.uniform() * clean_due < 1) add_pair(file, function, bug.text, text, bug.row, result);
    if (random.uniform() < clean_due) add_pair(file, function, text, text, nullptr, result);
  }

  std::vector<MadeBug> bugs_by_weight(const FunctionView& view, Random& random, WorkResult& result) {
    std::vector<MadeBug> bugs;
    for (const auto* row : shuffled(random)) {
      if (bugs.size() == config_.mutate().per_function()) break;
      make_bug(view, *row, random, result, bugs);
    }
    return bugs;
  }

  // Operators in a random order in which heavy ones come early.
  std::vector<const Operator*> shuffled(Random& random) const {
    std::vector<std::pair<double, const Operator*>> keyed;
    for (const auto& choice : choices_) keyed.emplace_back(-random.uniform() * choice.weight, choice.row);
    std::stable_sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const Operator*> out;
    for (const auto& [key, row] : keyed) out.push_back(row);
    return out;
  }

  // For each bug first its class is drawn, then the operator, each among those that are left and have a place.
  std::vector<MadeBug> bugs_by_class(const FunctionView& view, Random& random, WorkResult& result) {
    std::vector<MadeBug> bugs;
    auto left = by_group_;
    while (bugs.size() < config_.mutate().per_function()) {
      const auto g = drawn(random, kGroups, [&](std::size_t i) { return left[i].empty() ? 0.0 : weights_[i]; });
      if (g == kGroups) break;
      // A group without a place is empty after this and is not drawn again.
      while (!left[g].empty()) {
        const auto at = drawn(random, left[g].size(), [&](std::size_t i) { return left[g][i].weight; });
        const auto* row = left[g][at].row;
        left[g].erase(left[g].begin() + static_cast<std::ptrdiff_t>(at));
        if (make_bug(view, *row, random, result, bugs)) break;
      }
    }
    return bugs;
  }

  // Appends a bug of the operator, if it has a place that holds what its class promises.
  bool make_bug(const FunctionView& view, const Operator& row, Random& random, WorkResult& result, std::vector<MadeBug>& bugs) {
    splices_.clear();
    row.find(view, splices_);
    for (int attempt = 0; attempt < kTriesPerOperator && !splices_.empty(); ++attempt) {
      std::swap(splices_[random.below(splices_.size())], splices_.back());
      auto text = spliced(view.text(), splices_.back());
      splices_.pop_back();
      const char* reason = why_discarded(view.text(), text, row);
      if (std::any_of(bugs.begin(), bugs.end(), [&](const MadeBug& bug) { return bug.text == text; })) reason = "same_text";
      if (*reason == '\0') {
        bugs.push_back({&row, std::move(text)});
        return true;
      }
      count(std::string("mutate.discarded.") + reason, result);
    }
    return false;
  }

  const char* why_discarded(std::string_view before, const std::string& after, const Operator& row) {
    if (after == before) return "unchanged";
    if ((row.traits & kOnlyCpython) != 0) return "";
    const auto tree = parser_.parse(after);
    if (!tree) return "too_complex";
    const bool broken = tree->has_error();
    if (row.bug_class != OperatorClass::syntax) return broken ? "does_not_parse" : "";
    // The grammar is lenient about indentation, CPython is not.
    return broken || !indentation_holds(FunctionView(after)) ? "" : "parses";
  }

  void add_pair(const SourceFile& file, const syntax::Function& function, const std::string& buggy, const std::string& fixed,
                const Operator* row, WorkResult& result) {
    Pair pair;
    pair.set_buggy(buggy);
    pair.set_fixed(fixed);
    auto& bug = *pair.mutable_bug();
    bug.set_class_(row == nullptr ? BugClass::none : class_of(row->bug_class));
    bug.set_type(row == nullptr ? "no_bug" : row->name);
    if (row != nullptr) bug.set_operator_(row->name);
    auto& source = *pair.mutable_source();
    source.set_kind(SourceKind::mutation);
    source.set_repository(file.repository());
    source.set_path(file.path());
    source.set_symbol(function.symbol);
    source.set_license(file.license());
    source.set_seed(config_.seed());
    set_pair_id(pair);
    if (!ids_.insert(pair.id()).second) return count("mutate.discarded.same_pair", result);
    count("mutate.pairs", result);
    count("mutate.pairs." + pair.bug().type(), result);
    *result.add_pairs() = std::move(pair);
  }

  Config config_;
  Choices choices_;
  std::array<Choices, kGroups> by_group_;
  GroupWeights weights_ = kUsualWeights;  // of the item in hand
  syntax::Parser parser_;
  std::vector<Splice> splices_;
  std::set<std::string> ids_;  // of the pairs of one file
};

}  // namespace

namespace {

Error unknown_operator(const std::string& key, const std::string& name) {
  return Error{ErrorCode::invalid_input, key + ": there is no operator \"" + name + "\"; did you mean \"" + std::string(nearest_operator(name)) +
                                             "\"? `mendel mutate --list` prints all"};
}

// "name=number" entries over the table's weights.
Outcome set_weights(const Config& config, Choices& choices) {
  for (const auto& entry : config.mutate().weights()) {
    const auto equals = entry.find('=');
    const auto name = entry.substr(0, equals);
    if (find_operator(name) == nullptr) return unknown_operator("mutate.weights", name);
    double weight = -1;
    const char* end = entry.data() + entry.size();
    const bool read = equals != std::string::npos && std::from_chars(entry.data() + equals + 1, end, weight).ptr == end;
    if (!read || !(weight >= 0 && weight <= 1e6))
      return Error{ErrorCode::invalid_input, "mutate.weights: \"" + entry + "\" is no OPERATOR=NUMBER with a number from 0 to 1000000"};
    for (auto& choice : choices)
      if (name == choice.row->name) choice.weight = weight;
  }
  std::erase_if(choices, [](const Choice& choice) { return choice.weight == 0; });
  if (choices.empty()) return Error{ErrorCode::invalid_input, "mutate.weights: all operators in use have weight 0"};
  return Done{};
}

}  // namespace

Result<std::unique_ptr<MutatorStage>> MutatorStage::start(const Config& config) {
  const auto& wanted = config.mutate().operators();
  for (const auto& name : wanted)
    if (find_operator(name) == nullptr) return unknown_operator("mutate.operators", name);
  Choices choices;
  for (const auto& row : operators())
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), row.name) != wanted.end()) choices.push_back({&row, row.weight});
  if (auto set = set_weights(config, choices); !set) return set.error();
  return std::unique_ptr<MutatorStage>(std::make_unique<SplicingMutator>(config, std::move(choices)));
}

bool wants_class_mix(const Config& config) { return config.mutate().mix() == "classes"; }

GroupWeights class_weights(const Config& config, const ClassMix& mix) {
  const auto& m = config.mutate();
  return mix.weights({m.syntax_share(), m.logic_share(), m.style_share(), m.other_share()}, m.per_function());
}

}  // namespace mendel::mutator
