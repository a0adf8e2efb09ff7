// XXH3 over every field of a row in a fixed order, lengths included; a split is the chain of its rows.
#include "storage/row_digest.hpp"

#include <xxhash.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "storage/dataset.hpp"

namespace mendel::storage {
namespace {

constexpr std::size_t kChunkBytes = 1u << 20;

std::uint64_t number(std::int64_t value) { return static_cast<std::uint64_t>(value); }

}  // namespace

ContentId row_hash(const Row& row) {
  ContentHash hash;
  hash.add(row.id()).add(row.buggy_grid()).add(row.fixed_grid());
  hash.add(std::uint64_t{row.rows_buggy()}).add(std::uint64_t{row.rows_fixed()});
  hash.add(number(row.edits_size()));
  for (const auto& edit : row.edits()) {
    hash.add(std::uint64_t{edit.first()}).add(std::uint64_t{edit.end()}).add(number(edit.tokens_size()));
    for (const auto token : edit.tokens()) hash.add(number(token));
  }
  hash.add(row.bug_class()).add(row.bug_type()).add(row.operator_()).add(row.source());
  hash.add(row.repository()).add(row.commit()).add(row.path()).add(row.license()).add(row.cluster());
  hash.add(std::bit_cast<std::uint64_t>(row.quality())).add(std::bit_cast<std::uint64_t>(row.difficulty()));
  hash.add(std::uint64_t{row.level()}).add(std::uint64_t{row.has_bug()}).add(number(row.window_first_line())).add(row.symbol()).add(row.attribution());
  return hash.finish();
}

std::string dataset_digest(const SplitDigest& train, const SplitDigest& validation, const SplitDigest& test) {
  ContentHash hash;
  hash.add(std::uint64_t{kDatasetSchemaVersion});
  for (const auto* split : {&train, &validation, &test}) hash.add(split->rows()).add(split->link().view());
  return hash.finish().hex();
}

Result<std::string> file_checksum(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return Error{errno == ENOENT ? ErrorCode::corrupt : ErrorCode::io_error, path.string() + ": " + std::strerror(errno)};
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> chunk(kChunkBytes);
  for (std::size_t n; (n = std::fread(chunk.data(), 1, chunk.size(), file.get())) > 0;) XXH3_128bits_update(state.get(), chunk.data(), n);
  if (std::ferror(file.get())) return Error{ErrorCode::io_error, path.string() + ": " + std::strerror(errno)};
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  ContentId id;
  std::memcpy(id.bytes.data(), canonical.digest, sizeof canonical.digest);
  return id.hex();
}

}  // namespace mendel::storage
