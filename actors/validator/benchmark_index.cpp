// Bands as in near_duplicates, but kept: few benchmarks, many pairs.
#include "actors/validator/benchmark_index.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "actors/syntax/tokens.hpp"
#include "actors/syntax/tree.hpp"
#include "actors/validator/minhash.hpp"
#include "actors/validator/near_duplicates.hpp"
#include "proto/ids.hpp"

namespace mendel::validator {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uintmax_t kFileBytesMax = 256u << 20;

bool holds_function(const std::string& text) { return text.find("def ") != std::string::npos && text.find('\n') != std::string::npos; }

void add_strings(const Json& value, const std::string& name, BenchmarkIndex& index) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (holds_function(text)) index.add(text, name);
    return;
  }
  if (value.is_object()) {
    const auto prompt = value.find("prompt"), solution = value.find("canonical_solution");
    if (prompt != value.end() && solution != value.end() && prompt->is_string() && solution->is_string())
      index.add(prompt->get<std::string>() + solution->get<std::string>(), name);
  }
  if (value.is_structured())
    for (const auto& inner : value) add_strings(inner, name, index);
}

void add_json(const std::string& text, bool lines, const std::string& name, BenchmarkIndex& index) {
  if (!lines) return add_strings(Json::parse(text, nullptr, false), name, index);
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    add_strings(Json::parse(rest.substr(0, end), nullptr, false), name + ":" + std::to_string(++number), index);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

Outcome add_file(const fs::path& file, const std::string& name, BenchmarkIndex& index) {
  const auto ending = file.extension();
  if (ending != ".py" && ending != ".json" && ending != ".jsonl") return Done{};
  std::error_code error;
  if (fs::file_size(file, error) > kFileBytesMax || error) return Error{ErrorCode::too_large, file.string() + ": too large or unreadable for a benchmark"};
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) return Error{ErrorCode::io_error, file.string() + ": cannot be read"};
  if (ending == ".py") index.add(text, name);
  else add_json(text, ending == ".jsonl", name, index);
  return Done{};
}

std::size_t code_tokens(std::span<const syntax::Token> tokens) {
  return static_cast<std::size_t>(std::count_if(tokens.begin(), tokens.end(), [](const auto& token) {
    return token.kind != syntax::TokenKind::comment && token.kind != syntax::TokenKind::newline;
  }));
}

}  // namespace

BenchmarkIndex::BenchmarkIndex(double threshold) : threshold_(threshold), band_bytes_(rows_per_band(threshold) * std::size_t{4}) {}

Result<BenchmarkIndex> BenchmarkIndex::read(const std::vector<std::string>& folders, double threshold) {
  BenchmarkIndex index(threshold);
  for (const auto& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return Error{ErrorCode::not_found, folder + ": no such folder of benchmarks (clean.decontaminate)"};
    std::vector<fs::path> files;
    for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end; !error && at != end; at.increment(error))
      if (at->is_regular_file(error) && !at->is_symlink(error)) files.push_back(at->path());
    if (error) return Error{ErrorCode::io_error, folder + ": " + error.message()};
    std::sort(files.begin(), files.end());
    const auto before = index.size();
    for (const auto& file : files)
      if (auto added = add_file(file, file.lexically_relative(folder).generic_string(), index); !added) return added.error();
    if (index.size() == before) return Error{ErrorCode::invalid_input, folder + ": holds no Python code in *.py, *.json or *.jsonl"};
  }
  return index;
}

void BenchmarkIndex::add(std::string_view text, const std::string& name) {
  add_piece(text, name);
  syntax::Parser parser;
  const auto tree = parser.parse(text);
  if (!tree) return;
  for (const auto& function : syntax::functions(*tree))
    if (const auto cut = syntax::cut_function(*tree, function)) add_piece(cut->text, name + ":" + function.symbol);
}

void BenchmarkIndex::add_piece(std::string_view text, const std::string& name) {
  const auto tokens = syntax::tokens(text);
  if (code_tokens(tokens) < kTokensLeast) return;
  const auto number = static_cast<std::uint32_t>(signatures_.size());
  signatures_.push_back(to_bytes(minhash(text, tokens)));
  names_.push_back(name);
  const std::string_view signature = signatures_.back();
  for (std::size_t band = 0; band * band_bytes_ < kMinHashBytes; ++band) bands_.emplace(hash64(signature.substr(band * band_bytes_, band_bytes_), band), number);
}

std::string_view BenchmarkIndex::resembled(std::string_view signature) const {
  if (signature.size() != kMinHashBytes || signatures_.empty()) return {};
  std::uint32_t first = static_cast<std::uint32_t>(signatures_.size());
  for (std::size_t band = 0; band * band_bytes_ < kMinHashBytes; ++band) {
    const auto [begin, end] = bands_.equal_range(hash64(signature.substr(band * band_bytes_, band_bytes_), band));
    for (auto at = begin; at != end; ++at)
      if (at->second < first && similarity(signature, signatures_[at->second]) >= threshold_) first = at->second;
  }
  return first < signatures_.size() ? std::string_view(names_[first]) : std::string_view();
}

std::string_view BenchmarkIndex::resembled_by(std::string_view text) const {
  if (signatures_.empty()) return {};
  return resembled(to_bytes(minhash(text, syntax::tokens(text))));
}

}  // namespace mendel::validator
