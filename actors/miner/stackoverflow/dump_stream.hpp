// The bytes of Posts.xml, from the file itself, from an archive (7z, zip) or compressed (gzip, bzip2, xz,
// zstd), block by block: no unpacked copy anywhere. First on the way from a dump to pairs.
//
// Archives are hostile until shown otherwise: nothing is ever written, paths that leave the archive,
// links and a second Posts.xml are refused, and the unpacked size is bounded in itself and by its ratio.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::miner {

// Not thread-safe.
class DumpStream {
 public:
  // `path` or "-" for stdin (a .7z cannot be read from a pipe: it must be searched). not_found,
  // invalid_input (no Posts.xml in it, a hostile entry), too_large (declared size).
  static Result<std::unique_ptr<DumpStream>> open(const std::string& path, const Stackoverflow& limits);
  virtual ~DumpStream() = default;

  // The next block, empty at the end; valid until the next call. corrupt, too_large.
  virtual Result<std::string_view> next() = 0;

  virtual std::uint64_t packed() const = 0;  // bytes read of the file so far
  virtual std::uint64_t packed_total() const = 0;  // 0: unknown
  virtual std::uint64_t unpacked() const = 0;
};

// Host name of the site that a file or folder name tells ("stackoverflow.com-Posts.7z", "x.stackexchange.com/Posts.xml");
// stackoverflow.com if none.
std::string site_of(std::string_view path);

}  // namespace mendel::miner
