// mendel dataset build|info|verify|stats|sample|export|diff: from pairs to a dataset, and what is in one.
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "actors/cli/commands.hpp"
#include "actors/cli/dataset_building.hpp"
#include "actors/encoder/grid.hpp"
#include "proto/ids.hpp"
#include "proto/pair_json.hpp"
#include "storage/dataset.hpp"

namespace mendel::cli {
namespace {

using Json = nlohmann::ordered_json;
using storage::DatasetReader;
using storage::SplitName;

constexpr SplitName kSplits[] = {SplitName::train, SplitName::validation, SplitName::test};
constexpr int kGridRows = 64, kGridColumns = 48;

struct Options {
  BuildOptions build;
  std::optional<std::uint32_t> seed;
  std::string dataset, dataset_option, other, out, split;
  std::uint32_t count = 5;
  bool npy = false, jsonl = false, webdataset = false;
  bool pairs = false;

  const std::string& folder(const Context& context) {
    if (dataset.empty()) dataset = dataset_option.empty() ? (context.data / "dataset").string() : dataset_option;
    return dataset;
  }
};

std::vector<int> ids_of(const std::string& grid) {
  std::vector<int> out;
  for (std::size_t at = 0; at + 1 < grid.size(); at += 2)
    out.push_back(static_cast<std::int16_t>(static_cast<std::uint8_t>(grid[at]) | static_cast<std::uint8_t>(grid[at + 1]) << 8));
  return out;
}

// The columns as the Parquet files name them.
Json json_of(const Row& row, bool with_grids) {
  Json out = {{"id", row.id()}};
  if (with_grids) {
    out["buggy_grid"] = ids_of(row.buggy_grid());
    out["fixed_grid"] = ids_of(row.fixed_grid());
  }
  out["rows_buggy"] = row.rows_buggy();
  out["rows_fixed"] = row.rows_fixed();
  out["edits"] = Json::array();
  for (const auto& edit : row.edits())
    out["edits"].push_back({{"first", edit.first()}, {"end", edit.end()}, {"tokens", std::vector<int>(edit.tokens().begin(), edit.tokens().end())}});
  out.update(Json{{"bug_class", row.bug_class()}, {"bug_type", row.bug_type()}, {"operator", row.operator_()}, {"source", row.source()},
                  {"repository", row.repository()}, {"commit", row.commit()}, {"path", row.path()}, {"license", row.license()},
                  {"cluster", row.cluster()}, {"quality", row.quality()}, {"difficulty", row.difficulty()}, {"level", row.level()},
                  {"has_bug", row.has_bug()}, {"window_first_line", row.window_first_line()}, {"symbol", row.symbol()}, {"attribution", row.attribution()}});
  return out;
}

std::string dumped(const Json& json, int indent = -1) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

int info(const Context& context, const DatasetReader& reader, const std::string& folder) {
  if (context.json) {
    std::printf("%s\n", dumped(Json::parse(reader.manifest_json())).c_str());
    return kDone;
  }
  const auto manifest = Json::parse(reader.manifest_json());
  std::printf("%s\n  digest      %s\n  vocabulary  %u tokens\n", folder.c_str(), reader.digest().c_str(), manifest["tokenizer"]["vocabulary"].get<unsigned>());
  for (const auto split : kSplits)
    std::printf("  %-10s  %llu rows in %zu files\n", name_of(split), static_cast<unsigned long long>(reader.rows(split)),
                manifest["splits"][name_of(split)]["shards"].size());
  for (const auto& [reason, count] : manifest["rejected_by_reason"].items())
    std::printf("  rejected    %s: %llu\n", reason.c_str(), static_cast<unsigned long long>(count.get<std::uint64_t>()));
  return kDone;
}

int verify(const Context& context, const DatasetReader& reader, const std::string& folder) {
  if (auto sound = reader.verify(); !sound) return fail(sound.error());
  if (context.json)
    std::printf("%s\n", dumped({{"dataset", folder}, {"digest", reader.digest()}, {"sound", true}}).c_str());
  else
    std::printf("%s: sound; digest %s\n", folder.c_str(), reader.digest().c_str());
  return kDone;
}

int stats(const Context& context, const DatasetReader& reader) {
  const auto manifest = Json::parse(reader.manifest_json());
  Json out;
  for (const auto split : kSplits) {
    Json counts = manifest["splits"][name_of(split)];
    counts.erase("shards");
    out[name_of(split)] = std::move(counts);
  }
  if (context.json) {
    std::printf("%s\n", dumped(out).c_str());
    return kDone;
  }
  std::printf("%-34s %12s %12s %12s\n", "", "train", "validation", "test");
  const auto print = [&](const std::string& name, const auto& value_of) {
    std::printf("%-34s", name.c_str());
    for (const auto split : kSplits) std::printf(" %12llu", static_cast<unsigned long long>(value_of(out[name_of(split)])));
    std::printf("\n");
  };
  print("rows", [](const Json& counts) { return counts["rows"].get<std::uint64_t>(); });
  for (const char* by : {"by_class", "by_type", "by_source", "by_level", "by_license"}) {
    std::set<std::string> names;
    for (const auto& counts : out)
      for (const auto& [name, count] : counts[by].items()) names.insert(name);
    std::printf("%s\n", by + 3);
    for (const auto& name : names) print("  " + name, [&](const Json& counts) { return counts[by].value(name, std::uint64_t{0}); });
  }
  return kDone;
}

Outcome each_of(const DatasetReader& reader, const std::string& split, const std::function<bool(SplitName, const Row&)>& visit) {
  for (const auto one : kSplits) {
    if (!split.empty() && split != name_of(one)) continue;
    auto read = reader.each(one, [&](const Row& row) { return !interrupted() && visit(one, row); });
    if (!read) return read;
  }
  if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
  return Done{};
}

// The rows with the smallest hashes of (seed, id): the same sample whatever the order of files.
Result<std::string> text_of(const encoder::Tokenizer& tokenizer, const std::string& grid) {
  std::vector<std::int16_t> ids;
  for (const int id : ids_of(grid)) ids.push_back(static_cast<std::int16_t>(id));
  const auto cells = encoder::grid_to_cells(ids, tokenizer.size());
  if (!cells) return cells.error();
  return encoder::cells_to_text(tokenizer, *cells);
}

// The row as the pair that it was made of; sides that were windowed are the windows.
Result<std::string> pair_line(const encoder::Tokenizer& tokenizer, const Row& row, const std::string& split) {
  const auto buggy = text_of(tokenizer, row.buggy_grid()), fixed = text_of(tokenizer, row.fixed_grid());
  if (!buggy) return Error{buggy.error().code, "row " + row.id() + ": " + buggy.error().what};
  if (!fixed) return Error{fixed.error().code, "row " + row.id() + ": " + fixed.error().what};
  return dumped(Json{{"id", row.id()},
                     {"buggy", *buggy},
                     {"fixed", *fixed},
                     {"bug", {{"class", row.bug_class()}, {"type", row.bug_type()}, {"operator", row.operator_()}}},
                     {"source",
                      {{"kind", row.source()},
                       {"repository", row.repository()},
                       {"commit", row.commit()},
                       {"path", row.path()},
                       {"symbol", row.symbol()},
                       {"license", row.license()}}},
                     {"split", split}});
}

int sample(const DatasetReader& reader, const Options& options, const std::string& folder, std::uint32_t seed) {
  std::optional<encoder::Tokenizer> tokenizer;
  if (options.pairs) {
    auto loaded = encoder::Tokenizer::load(folder);
    if (!loaded) return fail(loaded.error());
    tokenizer.emplace(std::move(*loaded));
  }
  std::optional<Error> damaged;
  std::map<std::pair<std::uint64_t, std::string>, std::string> chosen;
  const auto read = each_of(reader, options.split, [&](SplitName split, const Row& row) {
    const std::pair key{hash64(row.id(), seed ^ 0x73616d706c65u), row.id()};
    if (chosen.size() < options.count || key < chosen.rbegin()->first) {
      if (tokenizer) {
        auto line = pair_line(*tokenizer, row, name_of(split));
        if (!line) damaged = line.error();
        if (damaged) return false;
        chosen[key] = std::move(*line);
      } else {
        auto json = json_of(row, false);
        json["split"] = name_of(split);
        chosen[key] = dumped(json);
      }
      if (chosen.size() > options.count) chosen.erase(std::prev(chosen.end()));
    }
    return true;
  });
  if (!read) return fail(read.error());
  if (damaged) return fail(*damaged);
  for (const auto& [key, line] : chosen) std::printf("%s\n", line.c_str());
  return kDone;
}

// numpy's own format 1.0: magic, header padded to 64 bytes, little-endian values.
std::string npy_header(const std::string& type, std::uint64_t rows, const std::string& shape) {
  std::string text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + "," + shape + "), }";
  text.append(63 - (10 + text.size()) % 64, ' ').push_back('\n');
  std::string out("\x93NUMPY\x01\x00", 8);
  out.push_back(static_cast<char>(text.size() & 255));
  out.push_back(static_cast<char>(text.size() >> 8));
  return out + text;
}

Outcome export_npy(const DatasetReader& reader, SplitName split, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const auto rows = reader.rows(split);
  const std::string grid_shape = " " + std::to_string(kGridRows) + ", " + std::to_string(kGridColumns);
  std::ofstream buggy(folder / "buggy_grid.npy", std::ios::binary), fixed(folder / "fixed_grid.npy", std::ios::binary);
  std::ofstream has_bug(folder / "has_bug.npy", std::ios::binary), level(folder / "level.npy", std::ios::binary);
  std::ofstream lines(folder / "rows.jsonl", std::ios::binary);
  buggy << npy_header("<i2", rows, grid_shape);
  fixed << npy_header("<i2", rows, grid_shape);
  has_bug << npy_header("|b1", rows, "");
  level << npy_header("|u1", rows, "");
  auto read = reader.each(split, [&](const Row& row) {
    buggy << row.buggy_grid();
    fixed << row.fixed_grid();
    has_bug.put(row.has_bug() ? 1 : 0);
    level.put(static_cast<char>(row.level()));
    lines << dumped(json_of(row, false)) << '\n';
    return !interrupted();
  });
  if (!read) return read;
  for (auto* file : {&buggy, &fixed, &has_bug, &level, &lines})
    if (!file->flush()) return Error{ErrorCode::io_error, folder.string() + ": writing failed"};
  return Done{};
}

Outcome export_jsonl(const DatasetReader& reader, SplitName split, const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary);
  auto read = reader.each(split, [&](const Row& row) {
    out << dumped(json_of(row, true)) << '\n';
    return !interrupted();
  });
  if (read && !out.flush()) return Error{ErrorCode::io_error, file.string() + ": writing failed"};
  return read;
}

// One member of a ustar archive, times and owners zero so that bytes are the same every time.
void put_member(std::ofstream& out, const std::string& name, const std::string& content) {
  std::string head(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { head.replace(at, text.size(), text); };
  char size[13];
  std::snprintf(size, sizeof size, "%011zo", content.size());
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, size);
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, std::string("ustar\0" "00", 8));
  unsigned sum = 0;
  for (const char c : head) sum += static_cast<std::uint8_t>(c);
  std::snprintf(size, sizeof size, "%06o", sum);
  head.replace(148, 7, std::string(size, 7));
  out << head << content << std::string((512 - content.size() % 512) % 512, '\0');
}

Outcome export_webdataset(const DatasetReader& reader, SplitName split, const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary);
  const std::string header = npy_header("<i2", kGridRows, " " + std::to_string(kGridColumns));
  auto read = reader.each(split, [&](const Row& row) {
    put_member(out, row.id() + ".buggy.npy", header + row.buggy_grid());
    put_member(out, row.id() + ".fixed.npy", header + row.fixed_grid());
    put_member(out, row.id() + ".json", dumped(json_of(row, false)));
    return !interrupted();
  });
  out << std::string(1024, '\0');
  if (read && !out.flush()) return Error{ErrorCode::io_error, file.string() + ": writing failed"};
  return read;
}

int export_dataset(const DatasetReader& reader, const Options& options) {
  if (options.npy + options.jsonl + options.webdataset != 1) return fail_use("dataset export: give one of --npy, --jsonl, --webdataset");
  std::error_code error;
  const std::filesystem::path out = options.out;
  std::filesystem::create_directories(out, error);
  if (error) return fail({ErrorCode::io_error, options.out + ": " + error.message()});
  for (const auto split : kSplits) {
    if (!options.split.empty() && options.split != name_of(split)) continue;
    const std::string name = name_of(split);
    auto written = options.npy     ? export_npy(reader, split, out / name)
                   : options.jsonl ? export_jsonl(reader, split, out / (name + ".jsonl"))
                                   : export_webdataset(reader, split, out / (name + ".tar"));
    if (!written) return fail(written.error());
    if (interrupted()) return fail({ErrorCode::interrupted, "interrupted"});
    note(name + ": " + std::to_string(reader.rows(split)) + " rows");
  }
  return kDone;
}

// Hashes of the rows in order; 16 bytes a row are held.
struct Ids {
  std::vector<std::pair<std::string, std::uint64_t>> rows;
};

Result<Ids> ids_of(const DatasetReader& reader, SplitName split) {
  Ids out;
  auto read = reader.each(split, [&](const Row& row) {
    out.rows.emplace_back(row.id(), hash64(row.SerializeAsString()));
    return true;
  });
  if (!read) return read.error();
  return out;
}

Json nth_row(const DatasetReader& reader, SplitName split, std::size_t n) {
  Json out;
  std::size_t at = 0;
  (void)reader.each(split, [&](const Row& row) {
    if (at++ == n) out = json_of(row, true);
    return at <= n;
  });
  return out;
}

// Names of the columns in which two rows differ; none if one of them is not there.
Json differing_columns(const Json& a, const Json& b) {
  Json out = Json::array();
  if (a.is_null() || b.is_null()) return out;
  for (const auto& [name, value] : a.items())
    if (b[name] != value) out.push_back(name);
  return out;
}

// A row for people: nobody reads grids.
Json without_grids(Json row) {
  if (row.is_object())
    for (const char* grid : {"buggy_grid", "fixed_grid"}) row.erase(grid);
  return row;
}

int diff(const Context& context, const DatasetReader& a, const DatasetReader& b) {
  for (const auto split : kSplits) {
    const auto first = ids_of(a, split), second = ids_of(b, split);
    if (!first) return fail(first.error());
    if (!second) return fail(second.error());
    const auto [x, y] = std::mismatch(first->rows.begin(), first->rows.end(), second->rows.begin(), second->rows.end());
    if (x == first->rows.end() && y == second->rows.end()) continue;
    const auto at = static_cast<std::size_t>(x - first->rows.begin());
    const Json first_row = nth_row(a, split, at), second_row = nth_row(b, split, at), columns = differing_columns(first_row, second_row);
    const Json out = {{"equal", false}, {"split", name_of(split)}, {"row", at}, {"columns", columns}, {"a", without_grids(first_row)}, {"b", without_grids(second_row)}};
    if (context.json)
      std::printf("%s\n", dumped(out).c_str());
    else
      std::printf("%s row %zu differs%s\na: %s\nb: %s\n", name_of(split), at, columns.empty() ? ": one has no such row" : (" in " + dumped(columns)).c_str(), dumped(out["a"], 2).c_str(), dumped(out["b"], 2).c_str());
    return kFailed;
  }
  if (context.json)
    std::printf("%s\n", dumped({{"equal", true}, {"digest", a.digest()}}).c_str());
  else
    std::printf("equal rows; digests %s and %s\n", a.digest().c_str(), b.digest().c_str());
  return kDone;
}

std::function<int()> declare(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  auto options = std::make_shared<Options>();
  options->build.jobs = std::max(1u, std::thread::hardware_concurrency());
  auto* build_app = app.add_subcommand("build", "prove pairs, select, encode and write them; status 4 if lines were no pairs")->fallthrough();
  build_app->add_option("PAIRS", options->build.pairs, "JSON lines, - for stdin")->required();
  build_app->add_option("--out", options->build.out, "folder of the dataset")->required();
  build_app->add_option("--tokenizer", options->build.tokenizer, "folder that `tokenizer train` wrote (default: learn of the training pairs)");
  build_app->add_option("--decontaminate", options->build.benchmarks, "folder of benchmarks; pairs that resemble code in it are rejected (default: clean.decontaminate)")
      ->allow_extra_args(false);
  build_app->add_option("--jobs", options->build.jobs, "threads (default: all cores)")->check(CLI::Range(1u, 1024u));
  build_app->add_option("--seed", options->seed, "decides splits and order (default: seed of the configuration)");
  const auto reading = [&](const char* name, const char* summary) {
    auto* part = app.add_subcommand(name, summary)->fallthrough();
    part->add_option("DIR", options->dataset, "the dataset");
    part->add_option("--dataset", options->dataset_option, "the same (default: DATA/dataset)");
    return part;
  };
  auto* info_app = reading("info", "digest, sizes, what was rejected");
  auto* verify_app = reading("verify", "recompute digest, checksums, ranges and counts");
  auto* stats_app = reading("stats", "rows by split, class, type, source, level and license");
  auto* sample_app = reading("sample", "some rows without their grids, as JSON lines");
  sample_app->add_option("--count", options->count, "rows")->capture_default_str();
  sample_app->add_flag("--pairs", options->pairs, "with both sides as text, as pairs that the other commands read");
  sample_app->add_option("--seed", options->seed, "another seed, another sample");
  auto* export_app = reading("export", "the same rows for other tools");
  export_app->add_option("--out", options->out, "folder to write to")->required();
  export_app->add_flag("--npy", options->npy, "SPLIT/buggy_grid.npy [rows, 64, 48] and so on, the rest as rows.jsonl");
  export_app->add_flag("--jsonl", options->jsonl, "SPLIT.jsonl");
  export_app->add_flag("--webdataset", options->webdataset, "SPLIT.tar");
  for (auto* part : {sample_app, export_app})
    part->add_option("--split", options->split, "this split alone")->check(CLI::IsMember({"train", "validation", "test"}));
  auto* diff_app = app.add_subcommand("diff", "name the first row that differs; status 1 if one does")->fallthrough();
  diff_app->add_option("A", options->dataset, "a dataset")->required();
  diff_app->add_option("B", options->other, "another")->required();
  return [=, &context]() -> int {
    if (options->seed) context.config.set_seed(*options->seed);
    for (const auto& folder : options->build.benchmarks) context.config.mutable_clean()->add_decontaminate(folder);
    if (build_app->parsed()) return build_dataset(context, options->build);
    const std::string folder = options->folder(context);
    const auto reader = DatasetReader::open(folder);
    if (!reader) return fail(reader.error());
    if (info_app->parsed()) return info(context, **reader, folder);
    if (verify_app->parsed()) return verify(context, **reader, folder);
    if (stats_app->parsed()) return stats(context, **reader);
    if (sample_app->parsed()) return sample(**reader, *options, folder, context.config.seed());
    if (export_app->parsed()) return export_dataset(**reader, *options);
    const auto other = DatasetReader::open(options->other);
    if (!other) return fail(other.error());
    return diff(context, **reader, **other);
  };
}

}  // namespace

const Subcommand kDatasetCommand = {"dataset", "build a dataset of pairs; look into one, check, compare, export it",
                                    "  mendel dataset build pairs.jsonl --out dataset --jobs 2\n"
                                    "  mendel dataset verify dataset\n"
                                    "  mendel dataset export dataset --npy --out arrays\n"
                                    "  mendel dataset diff dataset other",
                                    declare};

}  // namespace mendel::cli
