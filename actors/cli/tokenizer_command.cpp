// mendel tokenizer train|encode|decode: learns a vocabulary of Python files; text to ids and back.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "actors/cli/commands.hpp"
#include "actors/cli/vocabulary.hpp"

namespace mendel::cli {
namespace {

using encoder::TokenId;

struct Options {
  std::vector<std::string> paths;
  std::string out;
  std::optional<std::uint32_t> vocabulary, min_frequency;
  std::string tokenizer;
  std::string file = "-";
};

Outcome print_line(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fputc('\n', stdout) != EOF) return Done{};
  return Error{ErrorCode::io_error, std::string("standard output: ") + std::strerror(errno)};
}

int train(const Context& context, const Options& options) {
  const auto files = python_files(options.paths);
  if (!files) return fail(files.error());
  auto sizes = train_options(context);
  if (options.vocabulary) sizes.vocabulary = *options.vocabulary;
  if (options.min_frequency) sizes.min_frequency = *options.min_frequency;
  const auto learned = learn_vocabulary(context, *files, sizes);
  if (!learned) return fail(learned.error());
  const auto& tokenizer = learned->tokenizer;
  if (auto saved = tokenizer.save(options.out); !saved) return fail(saved.error());
  if (context.json) {
    const nlohmann::ordered_json summary = {{"out", options.out},       {"files", learned->files},
                                            {"bytes", learned->bytes},  {"passed_over", learned->passed_over},
                                            {"tokens", tokenizer.size()}, {"merges", tokenizer.size() - encoder::kMergeFirst},
                                            {"hash", tokenizer.hash()}};
    std::printf("%s\n", summary.dump().c_str());
  } else {
    std::printf("%s: %u tokens (70 specials, 256 bytes, %u merges) of %llu files, %.1f MB; hash %s\n", options.out.c_str(),
                tokenizer.size(), tokenizer.size() - static_cast<std::uint32_t>(encoder::kMergeFirst),
                static_cast<unsigned long long>(learned->files), static_cast<double>(learned->bytes) / 1e6, tokenizer.hash().c_str());
  }
  return kDone;
}

int encode(const Options& options) {
  const auto tokenizer = encoder::Tokenizer::load(options.tokenizer);
  if (!tokenizer) return fail(tokenizer.error());
  std::vector<TokenId> ids;
  const auto done = each_line(options.file, [&](std::string_view line, std::uint64_t) -> Outcome {
    if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    ids.clear();
    tokenizer->encode(line, ids);
    std::string out = "[";
    for (const auto id : ids) out.append(out.size() > 1 ? "," : "").append(std::to_string(id));
    return print_line(out + "]");
  });
  return done ? static_cast<int>(kDone) : fail(done.error());
}

Result<std::vector<TokenId>> parse_ids(std::string_view line, std::uint32_t vocabulary) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_array()) return Error{ErrorCode::invalid_input, "not a JSON array of ids"};
  std::vector<TokenId> ids;
  ids.reserve(json.size());
  for (const auto& id : json) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= vocabulary)
      return Error{ErrorCode::invalid_input, id.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace).substr(0, 40) +
                                                 " is no id of a vocabulary of " + std::to_string(vocabulary) + " tokens"};
    ids.push_back(id.get<TokenId>());
  }
  return ids;
}

int decode(const Options& options) {
  const auto tokenizer = encoder::Tokenizer::load(options.tokenizer);
  if (!tokenizer) return fail(tokenizer.error());
  const auto done = each_line(options.file, [&](std::string_view line, std::uint64_t number) -> Outcome {
    if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    const auto ids = parse_ids(line, tokenizer->size());
    if (!ids) return Error{ids.error().code, options.file + ":" + std::to_string(number) + ": " + ids.error().what};
    return print_line(tokenizer->decode(*ids));
  });
  return done ? static_cast<int>(kDone) : fail(done.error());
}

std::function<int()> declare(CLI::App& app, Context& context) {
  app.require_subcommand(1);
  auto options = std::make_shared<Options>();
  auto* train_app = app.add_subcommand("train", "learn a byte-level BPE of Python files; writes tokenizer.json, vocab.json, "
                                                "merges.txt and token_frequencies.json")->fallthrough();
  train_app->add_option("PATH", options->paths, "files or folders of Python code, - for stdin")->required();
  train_app->add_option("--out", options->out, "folder to write to")->required();
  train_app->add_option("--vocabulary", options->vocabulary, "tokens in all: 70 specials, 256 bytes, the rest merges (default: tokenizer.vocabulary)")
      ->check(CLI::Range(static_cast<std::uint32_t>(encoder::kMergeFirst), encoder::kVocabularyMax));
  train_app->add_option("--min-frequency", options->min_frequency, "a merge must be seen this often (default: tokenizer.min_frequency)")
      ->check(CLI::PositiveNumber);
  const auto add_files = [&options](CLI::App* part, const char* what) {
    part->add_option("FILE", options->file, what);
    part->add_option("--tokenizer", options->tokenizer, "folder that `tokenizer train` wrote")->required();
    return part;
  };
  auto* encode_app = add_files(app.add_subcommand("encode", "each line of text as a JSON array of ids")->fallthrough(), "text, - for stdin");
  add_files(app.add_subcommand("decode", "each JSON array of ids as a line of text")->fallthrough(), "arrays, one a line, - for stdin");
  return [=, &context] {
    if (train_app->parsed()) return train(context, *options);
    return encode_app->parsed() ? encode(*options) : decode(*options);
  };
}

}  // namespace

const Subcommand kTokenizerCommand = {"tokenizer", "learn a vocabulary; text to token ids and back",
                                      "  mendel tokenizer train src --out vocabulary --vocabulary 8192\n"
                                      "  echo 'return a + b' | mendel tokenizer encode --tokenizer vocabulary\n"
                                      "  mendel tokenizer encode code.py --tokenizer vocabulary | mendel tokenizer decode --tokenizer vocabulary",
                                      declare};

}  // namespace mendel::cli
