// Reading and writing the two files; a format that is not ours is refused before RocksDB sees the folder.
#include "storage/store_format.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include "proto/ids.hpp"
#include "storage/durable_file.hpp"
#include "storage/store_keys.hpp"

namespace mendel::storage {
namespace {

constexpr std::string_view kWord = "mendel-store ";

}  // namespace

Outcome check_format(const std::filesystem::path& folder) {
  const auto file = folder / kFormatFile;
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{ErrorCode::not_found, folder.string() + ": no store there (no file " + kFormatFile + ")"};
  std::string line;
  std::getline(in, line);
  const std::string expected = std::string(kWord) + std::to_string(kStoreFormat);
  if (line == expected) return Done{};
  if (line.starts_with(kWord))
    return Error{ErrorCode::corrupt, folder.string() + ": the store has format " + line.substr(kWord.size(), 20) +
                                         ", this program reads format " + std::to_string(kStoreFormat) +
                                         "; use the program that wrote it, or a new --data folder"};
  return Error{ErrorCode::corrupt, file.string() + ": damaged, expected the line \"" + expected + "\""};
}

Outcome write_format(const std::filesystem::path& folder) {
  return write_durably(folder / kFormatFile, std::string(kWord) + std::to_string(kStoreFormat) + "\n");
}

Result<ClosedState> closed_state(const std::filesystem::path& folder, std::uint64_t sequence) {
  std::string manifest;
  std::ifstream current(folder / "CURRENT", std::ios::binary);
  std::getline(current, manifest);
  std::ifstream file(folder / manifest, std::ios::binary);
  if (manifest.empty() || manifest.find('/') != std::string::npos || !file)
    return Error{ErrorCode::corrupt, (folder / "CURRENT").string() + ": missing or damaged; put back a copy of the folder"};
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  return ClosedState{sequence, hash64(content)};
}

Outcome write_closed(const std::filesystem::path& folder, const ClosedState& state) {
  return write_durably(folder / kClosedFile, std::to_string(state.sequence) + " " + std::to_string(state.manifest_hash) + "\n");
}

std::optional<ClosedState> read_closed(const std::filesystem::path& folder) {
  std::ifstream file(folder / kClosedFile, std::ios::binary);
  ClosedState state;
  if (file >> state.sequence >> state.manifest_hash) return state;
  return std::nullopt;
}

}  // namespace mendel::storage
