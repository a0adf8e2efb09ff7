// One process a batch. The place of a text below the private folder says which text a diagnostic belongs to.
#include "actors/linter/ruff.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <simdjson.h>
#include <tuple>
#include <unordered_map>

#include "actors/linter/private_folder.hpp"
#include "actors/linter/rule_table.hpp"
#include "actors/syntax/child_process.hpp"

namespace mendel::linter {
namespace {

using Json = simdjson::dom::element;

constexpr std::size_t kNameBytesMax = 100;
// It keeps what it has freed, in large pages: 5 % of its time were page faults.
constexpr const char* kMemory = "_RJEM_MALLOC_CONF=thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1";
constexpr const char* kRemedy = "run `make deps` (installed: PREFIX/lib/mendel/install-linters), or name it by lint.ruff";

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

// Where each text lies below the private folder: texts of one name are in different folders, and an
// __init__.py is alone, because it would make a package of its neighbours.
std::vector<std::string> places_of(std::span<const LintedText> texts) {
  std::map<std::string, std::size_t> seen;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto name = plain_name(texts[i].path);
    const auto folder = name == "__init__.py" ? "alone" + std::to_string(i) : std::to_string(seen[name]++);
    out.push_back(folder + "/" + name);
  }
  return out;
}

Outcome write_texts(const std::string& folder, std::span<const std::string> places, std::span<const LintedText> texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto place = folder + "/" + places[i];
    const int fd = [&] {
      const int first = open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (first >= 0 || errno != ENOENT) return first;
      mkdir(place.substr(0, place.rfind('/')).c_str(), 0700);
      return open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }();
    auto rest = texts[i].text;
    while (fd >= 0 && !rest.empty()) {
      const auto n = write(fd, rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) break;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (fd < 0 || close(fd) != 0 || !rest.empty()) return Error{ErrorCode::io_error, place + ": cannot be written: " + std::strerror(errno)};
  }
  return Done{};
}

std::string text_of(Json json) { return std::string(std::string_view(json)); }

Position position(Json at) {
  return {static_cast<std::uint32_t>(std::uint64_t(at["row"])), static_cast<std::uint32_t>(std::uint64_t(at["column"]))};
}

Fix fix_of(Json json) {
  Fix fix;
  fix.applicability = text_of(json["applicability"]);
  if (Json message = json["message"]; message.is_string()) fix.message = text_of(message);
  for (Json edit : simdjson::dom::array(json["edits"]))
    fix.edits.push_back({position(edit["location"]), position(edit["end_location"]), text_of(edit["content"])});
  return fix;
}

Diagnostic diagnostic_of(Json json) {
  Diagnostic out;
  out.tool = "ruff";
  Json code = json["code"], fix = json["fix"];
  out.rule = code.is_string() ? text_of(code) : std::string(kUnparsableRule);
  out.message = text_of(json["message"]);
  std::string_view severity;
  const bool said = json["severity"].get(severity) == simdjson::SUCCESS;  // older ones do not say it
  out.severity = said ? severity : "warning";
  out.begin = position(json["location"]);
  out.end = position(json["end_location"]);
  if (fix.is_object()) out.fix = fix_of(fix);
  return out;
}

// One diagnostic a line: the parser's memory is that of a line, whatever the answer's size. Throws what simdjson throws on
// an answer of another shape. `places` are below `folder`.
std::vector<Linted> read_answer(std::string answer, const std::string& folder, std::span<const std::string> places, std::span<const LintedText> texts) {
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < places.size(); ++i) index.emplace(places[i], i);
  std::vector<Linted> out(texts.size());
  const std::string below = folder + "/";
  const auto size = answer.size();
  answer.append(simdjson::SIMDJSON_PADDING, ' ');
  simdjson::dom::parser parser;
  for (std::size_t begin = 0, end = 0; begin < size; begin = end + 1) {
    end = std::min(answer.find('\n', begin), size);
    if (end == begin) continue;
    const Json json = parser.parse(answer.data() + begin, end - begin, false);
    std::string_view file = json["filename"];
    if (!file.starts_with(below)) continue;
    const auto at = index.find(file.substr(below.size()));
    if (at == index.end()) continue;
    auto& list = out[at->second].diagnostics;
    list.push_back(diagnostic_of(json));
    list.back().path = texts[at->second].path;
  }
  for (auto& [list, failure] : out)
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

Result<std::vector<Linted>> Ruff::check(std::span<const LintedText> texts) {
  std::uint64_t bytes = 0;
  for (const auto& text : texts) bytes += text.text.size();
  const PrivateFolder folder(bytes);
  if (folder.path().empty()) return Error{ErrorCode::io_error, "no temporary folder can be made for the linter"};
  const auto places = places_of(texts);
  if (auto written = write_texts(folder.path(), places, texts); !written) return written.error();
  syntax::ChildOptions child;
  child.argv = {program_, "check", "--isolated", "--no-cache", "--quiet", "--no-respect-gitignore", "--exit-zero",
                "--output-format", "json-lines", "--select", selected_rules("ruff"), "."};
  child.folder = folder.path();
  child.environment = {"RAYON_NUM_THREADS=1", "HOME=/nonexistent", "LC_ALL=C.UTF-8", "NO_COLOR=1", kMemory};
  child.timeout = timeout_;
  auto done = syntax::run_child(child);
  if (!done) return done.error();
  if (done->exit_status != 0)
    return Error{ErrorCode::unavailable, program_ + " ended with " + std::to_string(done->exit_status) + ": " + done->error_output};
  try {
    return read_answer(std::move(done->output), folder.path(), places, texts);
  } catch (const simdjson::simdjson_error& error) {
    return Error{ErrorCode::unavailable, program_ + " gave an answer of another shape (" + error.what() + "): " + kRemedy};
  }
}

}  // namespace mendel::linter
