// URLs and scp-like addresses taken apart by hand: only a host and a path come through, everything else
// (user, password, port, query) is dropped.
#include "actors/miner/remote_name.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace mendel::miner {
namespace {

constexpr std::array<std::string_view, 4> kForges = {"https://github.com/", "https://gitlab.com/", "https://codeberg.org/",
                                                    "https://bitbucket.org/"};

bool is_host(std::string_view text) {
  return !text.empty() && text.find('.') != std::string_view::npos && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

std::string public_url(std::string_view url) {
  if (!is_printable(url)) return {};
  const auto scheme = url.find("://");
  char separator = ':';  // host:path
  if (scheme != std::string_view::npos) {
    const auto name = url.substr(0, scheme);
    if (name != "https" && name != "http" && name != "ssh" && name != "git") return {};
    url.remove_prefix(scheme + 3);
    separator = '/';
  }
  const auto end = url.find(separator);
  if (end == std::string_view::npos) return {};
  auto host = url.substr(0, end);
  auto path = url.substr(end + 1);
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  if (const auto port = host.find(':'); port != std::string_view::npos) host = host.substr(0, port);
  while (path.starts_with('/')) path.remove_prefix(1);
  path = path.substr(0, path.find_first_of("?#"));
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  if (!is_host(host) || path.empty()) return {};
  std::string lower(host);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return "https://" + lower + "/" + std::string(path);
}

std::string folder_name(std::string_view path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(std::filesystem::path(path), error).lexically_normal();
  while (!absolute.empty() && (absolute.filename().empty() || absolute.filename() == ".git")) {
    if (absolute == absolute.root_path()) return "repository";
    absolute = absolute.parent_path();
  }
  auto name = absolute.filename().string();
  if (name.size() > 4 && name.ends_with(".git")) name.resize(name.size() - 4);
  return is_printable(name) ? name : "repository";
}

std::string commit_url(std::string_view repository, std::string_view commit_hex) {
  for (const auto forge : kForges)
    if (repository.starts_with(forge)) {
      const char* middle = forge == kForges[1] ? "/-/commit/" : forge == kForges[3] ? "/commits/" : "/commit/";
      return std::string(repository) + middle + std::string(commit_hex);
    }
  return {};
}

}  // namespace mendel::miner
