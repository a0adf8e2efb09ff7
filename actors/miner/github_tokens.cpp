// A file is opened first and looked at then, so that what was checked is what is read.
#include "actors/miner/github_tokens.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "actors/syntax/descriptor.hpp"

namespace mendel::miner {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCredentialPrefix = "github-token";
constexpr mode_t kOthers = 077;

Error refused(const std::string& file, const std::string& why) { return {ErrorCode::invalid_input, file + ": " + why}; }

Result<Secret> read_token(const std::string& file) {
  const syntax::Descriptor opened(open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!opened.is_open() && errno == ENOENT) return Error{ErrorCode::not_found, file + ": no such token file; see sources.github.token_files"};
  if (!opened.is_open()) return refused(file, errno == ELOOP ? "a token file must not be a link" : std::string("cannot be read: ") + std::strerror(errno));
  struct stat info {};
  if (fstat(opened.get(), &info) != 0 || !S_ISREG(info.st_mode)) return refused(file, "a token file must be a regular file");
  if ((info.st_mode & kOthers) != 0) return refused(file, "others may read this token file; run chmod 600 " + file);
  if (info.st_uid != geteuid() && info.st_uid != 0) return refused(file, "a token file must belong to you or to root");
  std::array<char, kTokenBytesMax + 2> bytes{};
  const auto got = read(opened.get(), bytes.data(), bytes.size());
  Secret text(std::string(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
  bytes.fill('\0');
  auto word = text.reveal();
  while (!word.empty() && (word.back() == '\n' || word.back() == '\r' || word.back() == ' ')) word.remove_suffix(1);
  const bool printable = std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (word.size() < kTokenBytesMin || word.size() > kTokenBytesMax || !printable)
    return refused(file, "holds no token: one line of " + std::to_string(kTokenBytesMin) + " to " + std::to_string(kTokenBytesMax) + " printable characters was expected");
  return Secret(std::string(word));
}

std::vector<std::string> credential_files(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  if (folder.empty()) return out;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().filename().string().starts_with(kCredentialPrefix)) out.push_back(at->path().string());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Result<std::vector<GithubToken>> read_tokens(std::span<const std::string> files, const std::string& credentials) {
  std::vector<std::string> all(files.begin(), files.end());
  for (auto& file : credential_files(credentials)) all.push_back(std::move(file));
  std::vector<GithubToken> out;
  for (const auto& file : all) {
    auto token = read_token(file);
    if (!token) return token.error();
    out.push_back({file, std::move(token).value()});
  }
  return out;
}

bool holds_token(std::string_view text, std::span<const GithubToken> tokens) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const GithubToken& token) { return text.find(token.secret.reveal()) != std::string_view::npos; });
}

std::string without_tokens(std::string text, std::span<const GithubToken> tokens) {
  for (const auto& token : tokens)
    for (auto at = text.find(token.secret.reveal()); at != std::string::npos; at = text.find(token.secret.reveal()))
      text.replace(at, token.secret.reveal().size(), "[token]");
  return text;
}

}  // namespace mendel::miner
