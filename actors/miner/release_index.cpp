// The helper is a few lines of Python around pip's finder and session; both honour pip's configuration.
#include "actors/miner/release_index.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "actors/syntax/child_process.hpp"

namespace mendel::miner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolderByDefault = "mendel-data/raw/releases";
constexpr int kTooLarge = 3, kWrongHash = 4;

constexpr char kScript[] = R"(
import hashlib, sys
from pip._internal.commands import create_command
verb, name = sys.argv[1:3]
command = create_command('download')
with command.main_context():
    options, _ = command.parse_args(['--retries', '1', '--timeout', '10', '--disable-pip-version-check', name])
    session = command.get_default_session(options)
    found = command._build_package_finder(options, session).find_all_candidates(name)
    links = {c.link.filename: c.link for c in found if not c.link.is_yanked}
    if verb == 'list':
        sys.stdout.write(''.join(file + '\n' for file in sorted(links)))
        sys.exit(0 if links else 1)
    file, target, most = sys.argv[3], sys.argv[4], int(sys.argv[5])
    link = links[file]
    digest, size = hashlib.new(link.hash_name) if link.hash else None, 0
    if link.is_file:
        source = open(link.file_path, 'rb')
    else:
        response = session.get(link.url_without_fragment, headers={'Accept-Encoding': 'identity'}, stream=True)
        response.raise_for_status()
        source = response.raw
    with open(target, 'wb') as out:
        while True:
            piece = source.read(1 << 16)
            if not piece:
                break
            size += len(piece)
            if size > most:
                sys.exit(3)
            if digest:
                digest.update(piece)
            out.write(piece)
    if digest and digest.hexdigest() != link.hash:
        sys.exit(4)
)";

bool is_package_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 100 && plain(name.front()) && plain(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '.' || c == '-' || c == '_'; });
}

fs::path folder_of(const std::string& package, const Config& config) {
  const fs::path folder = config.mine().releases().empty() ? kFolderByDefault : config.mine().releases();
  return folder / package;
}

// pip reads its configuration from the home folder and the environment, and reaches the index as both say.
std::vector<std::string> environment_of_pip() {
  std::vector<std::string> out = {"LC_ALL=C.UTF-8"};
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view variable = *at;
    const auto name = variable.substr(0, variable.find('='));
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.starts_with("PIP_") || name.starts_with("XDG_") || name.starts_with("SSL_CERT_") || lower.ends_with("_proxy") || name == "HOME" ||
        name == "PATH" || name == "REQUESTS_CA_BUNDLE" || name == "NETRC")
      out.emplace_back(variable);
  }
  return out;
}

// An interpreter that has pip: beside an installed pip, else python3.
std::string interpreter_with_pip() {
  if (const auto pip = syntax::find_program("pip"); !pip.empty())
    for (const char* name : {"python3", "python"})
      if (const auto beside = fs::path(pip).parent_path() / name; access(beside.c_str(), X_OK) == 0) return beside.string();
  return syntax::find_program("python3");
}

Result<syntax::ChildResult> ask(std::vector<std::string> arguments, const Config& config) {
  const auto interpreter = interpreter_with_pip();
  if (interpreter.empty()) return Error{ErrorCode::unavailable, "python3 with pip is not installed; releases are found by it"};
  syntax::ChildOptions child;
  child.argv = {interpreter, "-I", "-c", kScript};
  std::move(arguments.begin(), arguments.end(), std::back_inserter(child.argv));
  child.environment = environment_of_pip();
  child.timeout = std::chrono::milliseconds(config.mine().index_timeout_ms());
  return syntax::run_child(child);
}

std::string last_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

std::vector<Release> archives_in(const fs::path& folder) {
  std::vector<Release> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (auto release = release_of(at->path().string()); release && at->is_regular_file(ignored)) out.push_back(*std::move(release));
  }
  return sorted_releases(std::move(out));
}

Result<std::vector<Release>> found_or(std::vector<Release> releases, Error otherwise) {
  if (releases.empty()) return otherwise;
  return releases;
}

}  // namespace

// A folder that happens to bear the package's name, such as its own checkout, is not meant.
bool is_release_folder(const std::string& package) { return package == "." || package.find('/') != std::string::npos; }

Result<std::vector<Release>> releases_of(const std::string& package, const Config& config) {
  std::error_code error;
  if (is_release_folder(package)) {
    if (!fs::is_directory(package, error)) return Error{ErrorCode::not_found, package + ": no such folder of release archives"};
    return found_or(archives_in(package), {ErrorCode::not_found, package + ": holds no archive of a final release (NAME-1.2.3.tar.gz, .zip, .whl)"});
  }
  if (!is_package_name(package)) return Error{ErrorCode::invalid_input, "\"" + package + "\" is neither a package name nor a folder of release archives"};
  const auto answer = ask({"list", package}, config);
  if (!answer || answer->exit_status != 0) {
    auto here = archives_in(folder_of(package, config));
    for (auto& release : here) release.file = fs::path(release.file).filename().string();
    const auto why = answer ? last_line(answer->error_output) : answer.error().what;
    return found_or(std::move(here), {ErrorCode::unavailable, package + ": the package index names no release" + (why.empty() ? "" : " (" + why + ")")});
  }
  std::vector<Release> out;
  for (std::string_view rest = answer->output; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (auto release = release_of(line); release && line.find('/') == std::string_view::npos) out.push_back(*std::move(release));
  }
  return found_or(sorted_releases(std::move(out)), {ErrorCode::not_found, package + ": the package index has no final release with an archive"});
}

Result<std::string> release_file(const std::string& package, const std::string& file, const Config& config) {
  if (file.find('/') != std::string::npos) return file;
  const auto folder = folder_of(package, config);
  const auto target = folder / file;
  std::error_code error;
  if (fs::exists(target, error)) return target.string();
  fs::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, folder.string() + ": " + error.message()};
  auto half_done = (folder / ".download-XXXXXX").string();
  const int fd = mkstemp(half_done.data());
  if (fd < 0) return Error{ErrorCode::io_error, folder.string() + ": cannot be written"};
  close(fd);
  const auto most = std::uint64_t{config.mine().archive_mib_max()} << 20;
  const auto answer = ask({"fetch", package, file, half_done, std::to_string(most)}, config);
  if (answer && answer->exit_status == 0) {
    fs::rename(half_done, target, error);
    if (!error) return target.string();
  }
  std::error_code ignored;
  fs::remove(half_done, ignored);
  if (!answer) return Error{ErrorCode::unavailable, file + ": " + answer.error().what};
  if (answer->exit_status == kTooLarge)
    return Error{ErrorCode::too_large, file + ": larger than mine.archive_mib_max = " + std::to_string(config.mine().archive_mib_max()) + " MiB"};
  if (answer->exit_status == kWrongHash) return Error{ErrorCode::corrupt, file + ": its hash is not the one that the index names"};
  return Error{ErrorCode::unavailable, file + ": cannot be downloaded (" + last_line(answer->error_output) + ")"};
}

}  // namespace mendel::miner
