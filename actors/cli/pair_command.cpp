// mendel pair show ID: one pair as a coloured diff, out of a plant's store or of a file.
#include <cstdio>
#include <memory>

#include "actors/cli/commands.hpp"
#include "actors/syntax/tokens.hpp"
#include "proto/pair_json.hpp"
#include "storage/plant_store.hpp"

namespace mendel::cli {
namespace {

struct ShowOptions {
  std::string id, pairs;
};

Result<Pair> find_in_file(const std::string& file, const PairId& id) {
  std::optional<Pair> found;
  auto read = each_line(file, [&](std::string_view line, std::uint64_t) -> Outcome {
    if (found || line.find(id.hex()) == std::string_view::npos) return Done{};
    if (auto pair = pair_from_json(line); pair && pair->id() == id.hex()) found = std::move(*pair);
    return Done{};
  });
  if (!read) return read.error();
  if (!found) return Error{ErrorCode::not_found, file + ": no pair " + id.hex()};
  return *std::move(found);
}

Result<Pair> find_in_store(const Context& context, const PairId& id) {
  const auto folder = context.data / "store";
  const auto store = storage::PlantStore::open(folder, storage::OpenMode::read_only);
  if (!store) return store.error();
  auto pair = (*store)->pair(id);
  if (pair) return *std::move(pair);
  if (auto intact = (*store)->intact(); !intact) return intact.error();
  return Error{ErrorCode::not_found, folder.string() + ": no pair " + id.hex()};
}

void print_fact(const char* name, const std::string& value) {
  if (!value.empty()) std::printf("%-11s %s\n", name, value.c_str());
}

void print_diff(const Context& context, const Pair& pair) {
  std::string_view text = pair.buggy() == pair.fixed() ? std::string_view(pair.fixed()) : std::string_view();
  const auto diff = syntax::unified_diff(pair.buggy(), pair.fixed(), pair.source().path().empty() ? "pair.py" : pair.source().path());
  if (text.empty()) text = diff;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!diff.empty() && line.starts_with('\\')) continue;  // functions stand here without their last line feed
    const char first = line.empty() || diff.empty() ? ' ' : line[0];
    const char* colour = !context.colour_out ? "" : first == '-' ? "\x1b[31m" : first == '+' ? "\x1b[32m" : first == '@' ? "\x1b[36m" : "";
    std::printf("%s%.*s%s\n", colour, static_cast<int>(line.size()), line.data(), *colour == '\0' ? "" : "\x1b[0m");
  }
}

int show(const Context& context, const ShowOptions& options) {
  const auto id = PairId::from_hex(options.id);
  if (!id) return fail_use("pair show: an id is 32 lower-case hex digits, not \"" + options.id + "\"");
  const auto pair = options.pairs.empty() ? find_in_store(context, *id) : find_in_file(options.pairs, *id);
  if (!pair) return fail(pair.error());
  if (context.json) {
    std::printf("%s\n", to_json(*pair).c_str());
    return kDone;
  }
  const auto& bug = pair->bug();
  const auto& source = pair->source();
  print_fact("pair", pair->id());
  print_fact("bug", std::string(name_of(bug.class_())) + " " + bug.type());
  print_fact("operator", bug.operator_());
  print_fact("rule", bug.rule());
  print_fact("source", std::string(name_of(source.kind())) + " " + source.repository() + (source.commit().empty() ? "" : " at " + source.commit()));
  print_fact("symbol", source.symbol());
  print_fact("license", source.license());
  print_fact("author", source.author());
  print_fact("url", source.url());
  std::printf("\n");
  print_diff(context, *pair);
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  const auto options = std::make_shared<ShowOptions>();
  auto* show_app = app.add_subcommand("show", "one pair as a diff from its buggy to its fixed side")->fallthrough();
  show_app->add_option("ID", options->id, "32 hex digits")->required();
  show_app->add_option("PAIRS", options->pairs, "JSON lines to look in, - for stdin (default: the store of --data)");
  return [options, &context] { return show(context, *options); };
}

}  // namespace

const Subcommand kPairCommand = {"pair", "show one pair as a coloured diff",
                                 "  mendel pair show 0123456789abcdef0123456789abcdef\n"
                                 "  mendel pair show 0123456789abcdef0123456789abcdef pairs.jsonl",
                                 declare};

}  // namespace mendel::cli
