// Only final versions are compared: a pre-release is mended by the next one in ways that no user ever met.
#include "actors/miner/release_name.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace mendel::miner {
namespace {

constexpr std::string_view kWheelEnding = ".whl";
constexpr std::string_view kSourceEndings[] = {".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".zip"};
constexpr std::size_t kNumbersMax = 5;
constexpr std::size_t kMinorNumbers = 2;  // what a patch release shares with the one before

std::optional<std::vector<unsigned>> numbers_of(std::string_view version) {
  std::vector<unsigned> out;
  while (true) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), number);
    if (error != std::errc() || out.size() == kNumbersMax) return std::nullopt;
    out.push_back(number);
    version.remove_prefix(static_cast<std::size_t>(end - version.data()));
    if (version.empty()) return out;
    if (version[0] != '.') return std::nullopt;
    version.remove_prefix(1);
  }
}

unsigned number_at(const Release& release, std::size_t i) { return i < release.numbers.size() ? release.numbers[i] : 0; }

bool older(const Release& a, const Release& b) {
  for (std::size_t i = 0; i < kNumbersMax; ++i)
    if (number_at(a, i) != number_at(b, i)) return number_at(a, i) < number_at(b, i);
  return false;
}

}  // namespace

std::optional<Release> release_of(std::string_view file) {
  Release out;
  out.file = file;
  auto name = file.substr(file.rfind('/') + 1);  // npos + 1 is 0
  if (name.ends_with(kWheelEnding)) {
    out.wheel = true;
    const auto first = name.find('-');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = name.find('-', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    out.version = name.substr(first + 1, second - first - 1);
  } else {
    const auto* ending = std::find_if(std::begin(kSourceEndings), std::end(kSourceEndings), [&](auto e) { return name.ends_with(e); });
    if (ending == std::end(kSourceEndings)) return std::nullopt;
    name.remove_suffix(ending->size());
    const auto dash = name.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    out.version = name.substr(dash + 1);
  }
  auto numbers = numbers_of(out.version);
  if (!numbers) return std::nullopt;
  out.numbers = *std::move(numbers);
  return out;
}

std::vector<Release> sorted_releases(std::vector<Release> releases) {
  std::sort(releases.begin(), releases.end(), [](const Release& a, const Release& b) {
    if (older(a, b) || older(b, a)) return older(a, b);
    return std::tie(a.wheel, a.file) < std::tie(b.wheel, b.file);
  });
  const auto same = [](const Release& a, const Release& b) { return !older(a, b) && !older(b, a); };
  releases.erase(std::unique(releases.begin(), releases.end(), same), releases.end());
  return releases;
}

std::vector<std::pair<std::size_t, std::size_t>> patch_steps(const std::vector<Release>& releases, std::size_t releases_max) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  const auto first = releases.size() > releases_max ? releases.size() - releases_max : 0;
  for (auto i = first + 1; i < releases.size(); ++i) {
    bool patch = true;
    for (std::size_t k = 0; k < kMinorNumbers; ++k) patch = patch && number_at(releases[i - 1], k) == number_at(releases[i], k);
    if (patch) out.emplace_back(i - 1, i);
  }
  return out;
}

}  // namespace mendel::miner
