// Names of release archives, and which release follows which.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mendel::miner {

struct Release {
  std::string version;  // "1.2.3"
  std::vector<unsigned> numbers;  // {1, 2, 3}
  std::string file;  // archive: a name, or a path
  bool wheel = false;  // a built archive, without changelog
};

// "flask-3.0.1.tar.gz", "flask-3.0.1-py3-none-any.whl", folders in front allowed. Nothing for other endings and for
// versions that are not final (a, b, rc, dev, post, local).
std::optional<Release> release_of(std::string_view file);

// Ascending by version, one a version: a source archive rather than a wheel, then the first by name.
std::vector<Release> sorted_releases(std::vector<Release> releases);

// Indices (before, after) of neighbours of which the second is a patch of the first: same first two numbers.
// Of the newest `releases_max` releases; oldest step first.
std::vector<std::pair<std::size_t, std::size_t>> patch_steps(const std::vector<Release>& releases, std::size_t releases_max);

}  // namespace mendel::miner
