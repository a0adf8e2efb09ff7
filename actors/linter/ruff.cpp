// One process a batch. Each text lies in a numbered folder of its own below the private one, so that equal
// file names do not meet and the number says which text a diagnostic belongs to.
#include "actors/linter/ruff.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "actors/linter/rule_table.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::linter {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kNameBytesMax = 100;
constexpr const char* kRemedy = "run `make deps`, or name it by lint.ruff";

constexpr const char* kMemoryFolder = "/dev/shm";
constexpr std::uint64_t kRoomBytes = 64u << 20;  // stays free there, for others
constexpr std::string_view kFolderPrefix = "mendel-lint-";
constexpr auto kStaleAfter = std::chrono::hours(2);  // longer than any run may take: lint.timeout_ms ends at one

// Memory if it has room for `bytes` and nobody asked for another place: creating hundreds of small files
// on a disk costs more than linting them.
fs::path place_for(std::uint64_t bytes) {
  std::error_code error;
  struct statvfs room {};
  if (std::getenv("TMPDIR") == nullptr && access(kMemoryFolder, W_OK | X_OK) == 0 && statvfs(kMemoryFolder, &room) == 0 &&
      room.f_bavail * room.f_frsize >= 2 * bytes + kRoomBytes)
    return kMemoryFolder;
  return fs::temp_directory_path(error);
}

// Folders of processes that were killed.
void remove_stale(const fs::path& place) {
  std::error_code error;
  for (fs::directory_iterator at(place, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;
    const auto changed = fs::last_write_time(at->path(), unknown);
    if (!unknown && at->path().filename().string().starts_with(kFolderPrefix) && changed + kStaleAfter < fs::file_time_type::clock::now())
      fs::remove_all(at->path(), unknown);
  }
}

// A folder with room for `bytes` that is gone with its content at the end of the scope.
class PrivateFolder {
 public:
  explicit PrivateFolder(std::uint64_t bytes) {
    const auto place = place_for(bytes);
    static const bool swept = (remove_stale(place), true);
    static_cast<void>(swept);
    std::error_code error;
    auto pattern = (place / (std::string(kFolderPrefix) + "XXXXXX")).string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = fs::canonical(pattern, error).string();
  }
  ~PrivateFolder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The last part of a path if it is a plain name, else a plain name.
std::string plain_name(std::string_view path) {
  const auto slash = path.rfind('/');
  const auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const bool plain = name.size() > 3 && name.size() <= kNameBytesMax && name.ends_with(".py") &&
                     std::all_of(name.begin(), name.end() - 3, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                     });
  return plain ? std::string(name) : "module.py";
}

Outcome write_texts(const std::string& folder, std::span<const LintedText> texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto place = folder + "/" + std::to_string(i);
    std::error_code error;
    fs::create_directory(place, error);
    std::ofstream file(place + "/" + plain_name(texts[i].path), std::ios::binary);
    file.write(texts[i].text.data(), static_cast<std::streamsize>(texts[i].text.size()));
    if (!file.flush()) return Error{ErrorCode::io_error, place + ": cannot be written"};
  }
  return Done{};
}

Position position(const Json& at) { return {at.at("row").get<std::uint32_t>(), at.at("column").get<std::uint32_t>()}; }

Fix fix_of(const Json& json) {
  Fix fix;
  fix.applicability = json.at("applicability").get<std::string>();
  if (json.at("message").is_string()) fix.message = json.at("message").get<std::string>();
  for (const auto& edit : json.at("edits"))
    fix.edits.push_back({position(edit.at("location")), position(edit.at("end_location")), edit.at("content").get<std::string>()});
  return fix;
}

Diagnostic diagnostic_of(const Json& json) {
  Diagnostic out;
  out.tool = "ruff";
  out.rule = json.at("code").is_string() ? json.at("code").get<std::string>() : "invalid-syntax";
  out.message = json.at("message").get<std::string>();
  out.severity = json.value("severity", "warning");
  out.begin = position(json.at("location"));
  out.end = position(json.at("end_location"));
  if (json.at("fix").is_object()) out.fix = fix_of(json.at("fix"));
  return out;
}

// Which text a diagnostic is about: the folder right below ours has its number.
std::optional<std::size_t> index_of(std::string_view file, const std::string& folder, std::size_t count) {
  if (!file.starts_with(folder) || file.size() <= folder.size()) return std::nullopt;
  file.remove_prefix(folder.size() + 1);
  std::size_t index = count;
  std::from_chars(file.data(), file.data() + file.size(), index);
  return index < count ? std::optional(index) : std::nullopt;
}

// Throws what nlohmann throws on an answer of another shape.
std::vector<std::vector<Diagnostic>> read_answer(const std::string& answer, const std::string& folder, std::span<const LintedText> texts) {
  std::vector<std::vector<Diagnostic>> out(texts.size());
  for (const auto& json : Json::parse(answer)) {
    const auto index = index_of(json.at("filename").get_ref<const std::string&>(), folder, texts.size());
    if (!index) continue;
    out[*index].push_back(diagnostic_of(json));
    out[*index].back().path = texts[*index].path;
  }
  for (auto& list : out)
    std::stable_sort(list.begin(), list.end(),
                     [](const Diagnostic& a, const Diagnostic& b) { return std::tie(a.begin, a.rule, a.end) < std::tie(b.begin, b.rule, b.end); });
  return out;
}

}  // namespace

Result<Ruff> Ruff::find(const Config& config) {
  Ruff out;
  const auto& named = config.lint().ruff();
  out.program_ = named.empty() ? syntax::find_program("ruff") : named;
  if (out.program_.empty()) return Error{ErrorCode::unavailable, std::string("ruff is not installed: ") + kRemedy};
  if (access(out.program_.c_str(), X_OK) != 0)
    return Error{ErrorCode::unavailable, out.program_ + " (lint.ruff) cannot be run: " + kRemedy};
  out.timeout_ = std::chrono::milliseconds(config.lint().timeout_ms());
  return out;
}

Result<std::vector<std::vector<Diagnostic>>> Ruff::check(std::span<const LintedText> texts) const {
  std::uint64_t bytes = 0;
  for (const auto& text : texts) bytes += text.text.size();
  const PrivateFolder folder(bytes);
  if (folder.path().empty()) return Error{ErrorCode::io_error, "no temporary folder can be made for the linter"};
  if (auto written = write_texts(folder.path(), texts); !written) return written.error();
  syntax::ChildOptions child;
  child.argv = {program_, "check", "--isolated", "--no-cache", "--quiet", "--no-respect-gitignore", "--exit-zero",
                "--output-format", "json", "--select", selected_rules(), "."};
  child.folder = folder.path();
  child.environment = {"RAYON_NUM_THREADS=1", "HOME=/nonexistent", "LC_ALL=C.UTF-8", "NO_COLOR=1"};
  child.timeout = timeout_;
  const auto done = syntax::run_child(child);
  if (!done) return done.error();
  if (done->exit_status != 0)
    return Error{ErrorCode::unavailable, program_ + " ended with " + std::to_string(done->exit_status) + ": " + done->error_output};
  try {
    return read_answer(done->output, folder.path(), texts);
  } catch (const Json::exception& error) {
    return Error{ErrorCode::unavailable, program_ + " gave an answer of another shape (" + error.what() + "): " + kRemedy};
  }
}

}  // namespace mendel::linter
