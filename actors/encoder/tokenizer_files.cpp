// The tokenizer's files, in the formats of Hugging Face: tokenizer.json (all that is needed),
// vocab.json and merges.txt (the same in two parts), token_frequencies.json (counts of the training).
//
// The specials stand in the vocabulary but are not "added tokens": the text "<pad>" in code stays
// text, whoever encodes it.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_map>

#include "actors/encoder/bpe_training.hpp"
#include "actors/encoder/byte_alphabet.hpp"
#include "actors/encoder/pretokenizer.hpp"
#include "actors/encoder/tokenizer.hpp"
#include "actors/encoder/tokenizer_state.hpp"

namespace mendel::encoder {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char kMergesHeader[] = "#version: 0.2";
constexpr std::uintmax_t kFileBytesMax = 64u << 20;
constexpr std::size_t kMergesMax = kVocabularyMax - static_cast<std::size_t>(kMergeFirst);

Error corrupt(std::string_view file, std::string_view what) {
  return {ErrorCode::corrupt, std::string(file) + ": " + std::string(what)};
}

// Turns the two parts of merges, as written in files, into ids.
class MergeReader {
 public:
  MergeReader() {
    for (std::uint32_t i = 0; i < 256; ++i) {
      const char byte = static_cast<char>(kByteOfId[i]);
      ids_.emplace(to_alphabet({&byte, 1}), static_cast<std::uint16_t>(kByteFirst + static_cast<TokenId>(i)));
    }
  }

  // Answers what is wrong, or nothing.
  std::string add(std::string_view left, std::string_view right) {
    if (merges_.size() == kMergesMax) return "more than " + std::to_string(kMergesMax) + " merges";
    const auto first = ids_.find(std::string(left)), second = ids_.find(std::string(right));
    if (first == ids_.end() || second == ids_.end())
      return "merge " + std::to_string(merges_.size()) + " uses a token that no merge before it makes";
    const auto id = static_cast<std::uint16_t>(kMergeFirst + static_cast<TokenId>(merges_.size()));
    if (left.size() + right.size() > kWrittenBytesMax)
      return "merge " + std::to_string(merges_.size()) + " makes a token that is too long";
    if (!ids_.emplace(std::string(left).append(right), id).second)
      return "merge " + std::to_string(merges_.size()) + " makes a token that exists already";
    merges_.emplace_back(first->second, second->second);
    return {};
  }

  std::vector<Merge> take() { return std::move(merges_); }

 private:
  static constexpr std::size_t kWrittenBytesMax = 2 * kPieceBytesMax;  // a byte takes up to two
  std::unordered_map<std::string, std::uint16_t> ids_;
  std::vector<Merge> merges_;
};

Result<std::string> read_bounded(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return Error{ErrorCode::not_found, path.string() + ": no such file"};
  if (!fs::is_regular_file(status)) return Error{ErrorCode::invalid_input, path.string() + ": not a file"};
  const auto size = fs::file_size(path, error);
  if (error) return Error{ErrorCode::io_error, path.string() + ": " + error.message()};
  if (size > kFileBytesMax)
    return Error{ErrorCode::too_large, path.string() + ": over " + std::to_string(kFileBytesMax >> 20) + " MiB"};
  std::ifstream in(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(text.size())))
    return Error{ErrorCode::io_error, path.string() + ": cannot be read"};
  return text;
}

Outcome write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error{ErrorCode::io_error, std::strerror(errno)};
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0) return Error{ErrorCode::io_error, std::strerror(errno)};
  return Done{};
}

// A reader sees the old file or the whole new one.
Outcome write_atomically(const fs::path& path, std::string_view content) {
  const std::string partial = path.string() + ".partial";
  const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return Error{ErrorCode::io_error, partial + ": " + std::strerror(errno)};
  const auto written = write_all(file, content);
  ::close(file);
  if (written && ::rename(partial.c_str(), path.c_str()) == 0) return Done{};
  const std::string why = written ? std::strerror(errno) : written.error().what;
  ::unlink(partial.c_str());
  return Error{ErrorCode::io_error, path.string() + ": " + why};
}

std::string json_string(std::string_view text) { return Json(text).dump(); }

// {"token": value, ...}, one entry a line, in the order of ids.
template <class Value>
std::string object_by_token(const Tokenizer& tokenizer, const std::vector<std::string>& names, const Value& value,
                            std::string_view indent) {
  std::string out = "{\n";
  for (std::uint32_t id = 0; id < tokenizer.size(); ++id) {
    out.append(indent).append("  ").append(json_string(names[id])).append(": ").append(std::to_string(value(id)));
    out.append(id + 1 < tokenizer.size() ? ",\n" : "\n");
  }
  return out.append(indent).append("}");
}

constexpr char kJsonHead[] = R"({
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [],
  "normalizer": null,
  "pre_tokenizer": {
    "type": "Sequence",
    "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": )";
constexpr char kJsonMiddle[] = R"(}, "behavior": "Isolated", "invert": false},
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}
    ]
  },
  "post_processor": null,
  "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
  "model": {
    "type": "BPE",
    "dropout": null,
    "unk_token": null,
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": false,
    "byte_fallback": false,
    "ignore_merges": false,
    "vocab": )";

// The value at a path of keys and indices, or null.
const Json* at_path(const Json& json, std::initializer_list<Json::json_pointer> path) {
  for (const auto& pointer : path)
    if (json.contains(pointer)) return &json.at(pointer);
  return nullptr;
}

// Merges are ["a", "b"] or, in older files, "a b".
std::string add_merge(MergeReader& reader, const Json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return reader.add(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
  if (merge.is_string()) {
    const std::string_view text = merge.get_ref<const std::string&>();
    const auto space = text.find(' ');
    if (space != text.npos) return reader.add(text.substr(0, space), text.substr(space + 1));
  }
  return "an entry is not a pair of tokens";
}

Result<std::vector<Merge>> merges_of(const Json& json, const std::string& file) {
  using Pointer = Json::json_pointer;
  const Json* pattern = at_path(json, {Pointer("/pre_tokenizer/pretokenizers/0/pattern/Regex")});
  if (!pattern || !pattern->is_string() || pattern->get_ref<const std::string&>() != kPiecePattern)
    return corrupt(file, "pre_tokenizer: not the pattern of this version; learn the vocabulary again");
  const Json* merges = at_path(json, {Pointer("/model/merges")});
  if (!merges || !merges->is_array()) return corrupt(file, "model.merges: missing or not a list");
  MergeReader reader;
  for (const auto& merge : *merges)
    if (const auto wrong = add_merge(reader, merge); !wrong.empty()) return corrupt(file, "model.merges: " + wrong);
  return reader.take();
}

Outcome check_vocabulary(const Json& json, const std::vector<std::string>& names, const std::string& file) {
  const Json* vocabulary = at_path(json, {Json::json_pointer("/model/vocab")});
  if (!vocabulary || !vocabulary->is_object()) return corrupt(file, "model.vocab: missing or not an object");
  if (vocabulary->size() != names.size())
    return corrupt(file, "model.vocab: " + std::to_string(vocabulary->size()) + " tokens where the merges give " +
                             std::to_string(names.size()));
  for (std::size_t id = 0; id < names.size(); ++id) {
    const auto found = vocabulary->find(names[id]);
    if (found == vocabulary->end() || *found != id)
      return corrupt(file, "model.vocab: the id of " + json_string(names[id]) + " is not " + std::to_string(id));
  }
  return Done{};
}

Result<std::vector<std::uint64_t>> read_frequencies(const fs::path& path, const std::vector<std::string>& names) {
  std::vector<std::uint64_t> frequencies(names.size());
  auto text = read_bounded(path);
  if (!text) return text.error().code == ErrorCode::not_found ? Result(frequencies) : text.error();
  const auto json = Json::parse(*text, nullptr, false);
  if (!json.is_object()) return corrupt(path.string(), "not a JSON object");
  for (std::size_t id = 0; id < names.size(); ++id) {
    const auto found = json.find(names[id]);
    if (found == json.end() || !found->is_number_unsigned())
      return corrupt(path.string(), "no count for " + json_string(names[id]));
    frequencies[id] = found->get<std::uint64_t>();
  }
  return frequencies;
}

}  // namespace

std::string Tokenizer::State::written(TokenId id) const {
  const auto token = bytes_of(id);
  return id < kByteFirst ? std::string(token) : to_alphabet(token);
}

std::string Tokenizer::State::merges_text() const {
  std::string out = std::string(kMergesHeader) + "\n";
  for (const auto& [left, right] : merges) out.append(written(left)).append(" ").append(written(right)).append("\n");
  return out;
}

std::string Tokenizer::merges() const { return state_->merges_text(); }

Result<Tokenizer> Tokenizer::from_merges(std::string_view merges) {
  constexpr char kFile[] = "merges.txt";
  if (merges.size() > kFileBytesMax) return Error{ErrorCode::too_large, "merges.txt: too large"};
  std::istringstream lines{std::string(merges)};
  std::string line;
  if (!std::getline(lines, line) || line != kMergesHeader)
    return corrupt(kFile, std::string("line 1: not \"") + kMergesHeader + "\"");
  MergeReader reader;
  for (std::uint64_t number = 2; std::getline(lines, line); ++number) {
    const auto space = line.find(' ');
    const auto wrong = space == line.npos ? std::string("not two tokens")
                                          : reader.add(std::string_view(line).substr(0, space),
                                                       std::string_view(line).substr(space + 1));
    if (!wrong.empty()) return corrupt(kFile, "line " + std::to_string(number) + ": " + wrong);
  }
  if (!merges.ends_with('\n')) return corrupt(kFile, "the last line has no line feed: truncated");
  auto state = State::build(reader.take(), {});
  if (!state) return corrupt(kFile, state.error().what);
  return Tokenizer(std::move(state).value());
}

Result<Tokenizer> Tokenizer::load(const fs::path& folder) {
  const fs::path path = folder / "tokenizer.json";
  const std::string file = path.string();
  const auto text = read_bounded(path);
  if (!text) return text.error();
  const auto json = Json::parse(*text, nullptr, false);
  if (json.is_discarded()) return corrupt(file, "not JSON, or truncated");
  auto merges = merges_of(json, file);
  if (!merges) return merges.error();
  auto state = State::build(std::move(merges).value(), {});
  if (!state) return corrupt(file, "model.merges: " + state.error().what);
  std::vector<std::string> names(state.value()->size());
  for (std::size_t id = 0; id < names.size(); ++id) names[id] = state.value()->written(static_cast<TokenId>(id));
  if (auto checked = check_vocabulary(json, names, file); !checked) return checked.error();
  auto frequencies = read_frequencies(folder / "token_frequencies.json", names);
  if (!frequencies) return frequencies.error();
  state.value()->frequencies = std::move(frequencies).value();
  return Tokenizer(std::move(state).value());
}

Outcome Tokenizer::save(const fs::path& folder) const {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  std::vector<std::string> names(size());
  for (std::size_t id = 0; id < names.size(); ++id) names[id] = state_->written(static_cast<TokenId>(id));

  const auto id_of = [](std::uint32_t id) { return id; };
  const auto frequency_of = [&](std::uint32_t id) { return state_->frequencies[id]; };
  std::string json = std::string(kJsonHead) + json_string(kPiecePattern) + kJsonMiddle;
  json += object_by_token(*this, names, id_of, "    ") + ",\n    \"merges\": [\n";
  for (std::size_t i = 0; i < state_->merges.size(); ++i) {
    const auto& [left, right] = state_->merges[i];
    json += "      [" + json_string(names[left]) + ", " + json_string(names[right]) + "]";
    json += i + 1 < state_->merges.size() ? ",\n" : "\n";
  }
  json += "    ]\n  }\n}\n";
  // tokenizer.json last: what `load` finds is complete.
  const std::pair<const char*, std::string> files[] = {
      {"vocab.json", object_by_token(*this, names, id_of, "") + "\n"},
      {"merges.txt", merges()},
      {"token_frequencies.json", object_by_token(*this, names, frequency_of, "") + "\n"},
      {"tokenizer.json", std::move(json)},
  };
  for (const auto& [name, content] : files)
    if (auto done = write_atomically(folder / name, content); !done) return done;
  return Done{};
}

}  // namespace mendel::encoder
