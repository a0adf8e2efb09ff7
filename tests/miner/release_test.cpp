// From names of archives to pairs: which release follows which, what an archive may hold, what a changelog says.
#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "actors/miner/annotations.hpp"
#include "actors/miner/changelog.hpp"
#include "actors/miner/release_archive.hpp"
#include "actors/miner/release_name.hpp"
#include "actors/miner/release_stage.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string path, text;
  std::string link;  // symbolic, if not empty
};

// A folder that is gone with its archives at the end of the scope.
struct Folder {
  std::string path;
  Folder() {
    auto pattern = (fs::temp_directory_path() / "mendel-release-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }

  std::string archive(const std::string& name, const std::vector<Entry>& entries) const {
    const auto file = path + "/" + name;
    auto* out = archive_write_new();
    if (name.ends_with(".gz")) {
      archive_write_add_filter_gzip(out);
      archive_write_set_format_pax_restricted(out);
    } else {
      archive_write_set_format_zip(out);
    }
    REQUIRE(archive_write_open_filename(out, file.c_str()) == ARCHIVE_OK);
    for (const auto& [at, text, link] : entries) {
      auto* entry = archive_entry_new();
      archive_entry_set_pathname(entry, at.c_str());
      archive_entry_set_perm(entry, 0644);
      archive_entry_set_filetype(entry, link.empty() ? AE_IFREG : AE_IFLNK);
      if (!link.empty()) archive_entry_set_symlink(entry, link.c_str());
      archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
      REQUIRE(archive_write_header(out, entry) == ARCHIVE_OK);
      archive_write_data(out, text.data(), text.size());
      archive_entry_free(entry);
    }
    archive_write_close(out);
    archive_write_free(out);
    return file;
  }
};

std::vector<std::string> versions_of(const std::vector<Release>& releases) {
  std::vector<std::string> out;
  for (const auto& release : releases) out.push_back(release.version + (release.wheel ? "w" : ""));
  return out;
}

std::vector<Release> releases_from(std::initializer_list<const char*> files) {
  std::vector<Release> out;
  for (const char* file : files)
    if (auto release = release_of(file)) out.push_back(*release);
  return sorted_releases(out);
}

WorkResult run(const std::string& folder, const Config& config = {}) {
  const auto steps = plan_releases(folder, config);
  REQUIRE(steps);
  REQUIRE(steps->size() == 1);
  WorkItem item;
  *item.mutable_mine_release() = steps->front();
  auto stage = ReleaseStage::start(config);
  REQUIRE(stage);
  auto result = (*stage)->run(item);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("final releases are told from file names, in order of their numbers, source archives first") {
  CHECK(versions_of(releases_from({"a-1.10.0.tar.gz", "a-1.9.0.tar.gz", "x/a-1.9.1-py3-none-any.whl", "a-2.0.0rc1.tar.gz", "a-1.9.2.dev1.zip", "a-1.9.1.tar.gz", "a-2.0.zip",
                                   "a-1.9.3.post1.tar.gz", "notes.txt", "a-3.1.0-py3-none-any.whl"})) ==
        std::vector<std::string>{"1.9.0", "1.9.1", "1.10.0", "2.0", "3.1.0w"});
  CHECK_FALSE(release_of("a-1..2.tar.gz"));
  CHECK_FALSE(release_of("a-1.2.3.4.5.6.tar.gz"));
  CHECK_FALSE(release_of("a-99999999999999.tar.gz"));
}

TEST_CASE("a patch keeps the first two numbers") {
  const auto releases = releases_from({"a-1.0.zip", "a-1.0.1.zip", "a-1.0.2.zip", "a-1.1.0.zip", "a-1.1.1.zip", "a-2.0.0.zip"});
  using Steps = std::vector<std::pair<std::size_t, std::size_t>>;
  CHECK(patch_steps(releases, 100) == Steps{{0, 1}, {1, 2}, {3, 4}});
  CHECK(patch_steps(releases, 3) == Steps{{3, 4}});
  CHECK(patch_steps({}, 10).empty());
}

TEST_CASE("an archive is read without its wrapper, tests and build scripts") {
  const Folder folder;
  const auto file = folder.archive("a-1.0.1.tar.gz", {{"a-1.0.1/src/a/core.py", "x = 1\n", ""},
                                                      {"a-1.0.1/tests/test_core.py", "x = 1\n", ""},
                                                      {"a-1.0.1/setup.py", "raise SystemExit\n", ""},
                                                      {"a-1.0.1/PKG-INFO", "Name: a\nLicense-Expression: MIT\nHome-page: https://example.org/a\n\nLicense-Expression: GPL\n", ""},
                                                      {"a-1.0.1/CHANGES.rst", "1.0.1\n-----\n\n- Fix core.\n", ""}});
  const auto read = read_release(file, {});
  REQUIRE(read);
  CHECK(read->python == std::map<std::string, std::string>{{"a/core.py", "x = 1\n"}});
  CHECK(read->license == "MIT");
  CHECK(read->url == "https://example.org/a");
  CHECK(read->changelog.find("Fix core") != std::string::npos);
}

TEST_CASE("names that climb and links are passed over and counted") {
  const Folder folder;
  const auto file = folder.archive("a-1.0.1.tar.gz", {{"a-1.0.1/a.py", "x = 1\n", ""},
                                                      {"../../evil.py", "x = 2\n", ""},
                                                      {"/etc/evil.py", "x = 3\n", ""},
                                                      {"a-1.0.1/../b.py", "x = 4\n", ""},
                                                      {"a-1.0.1/passwd.py", "", "/etc/passwd"}});
  const auto read = read_release(file, {});
  REQUIRE(read);
  CHECK(read->python.size() == 1);
  CHECK(read->left_out.at("bad_path") == 3);
  CHECK(read->left_out.at("not_a_file") == 1);
}

TEST_CASE("a bomb, a crowd and a torn archive are refused") {
  const Folder folder;
  ArchiveLimits limits;
  limits.bytes_max = 1u << 20;
  const auto bomb = folder.archive("a-1.0.0.tar.gz", {{"a-1.0.0/zeros.bin", std::string(8u << 20, '\0'), ""}});
  REQUIRE(fs::file_size(bomb) < 100'000);
  const auto refused = read_release(bomb, limits);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::too_large);
  const auto deep = folder.archive("a-1.0.1.zip", {{"a-1.0.1/a.py", std::string(900'000, ' '), ""}, {"a-1.0.1/b.py", std::string(900'000, ' '), ""}});
  CHECK(read_release(deep, limits).error().code == ErrorCode::too_large);
  limits.entries_max = 2;
  const auto crowd = folder.archive("a-1.0.2.tar.gz", {{"a/a.py", "", ""}, {"a/b.py", "", ""}, {"a/c.py", "", ""}});
  CHECK(read_release(crowd, limits).error().code == ErrorCode::too_large);
  fs::resize_file(crowd, fs::file_size(crowd) / 2);
  CHECK(read_release(crowd, {}).error().code == ErrorCode::corrupt);
  CHECK(read_release(folder.path + "/none.tar.gz", {}).error().code == ErrorCode::not_found);
}

TEST_CASE("entries of one version are read from Markdown and reStructuredText") {
  const std::string rst = "Version 1.0.2\n-------------\n\nReleased 2024-01-01\n\n-   Fix ``parse`` of empty\n    headers. :issue:`1`\n-   Second.\n\nVersion 1.0.1\n-------------\n\n- Old.\n";
  CHECK(changelog_entries(rst, "1.0.2") == std::vector<std::string>{"Fix ``parse`` of empty headers. :issue:`1`", "Second."});
  CHECK(changelog_entries(rst, "1.0.1") == std::vector<std::string>{"Old."});
  CHECK(changelog_entries(rst, "1.0").empty());
  const std::string markdown = "# Changes\n\n## [2.0.1] - 2024-01-01\n### Fixed\n* One, see 2.0.0.\n\n## v2.0.0\n* Two\n";
  CHECK(changelog_entries(markdown, "2.0.1") == std::vector<std::string>{"One, see 2.0.0."});
  CHECK(changelog_entries(markdown, "2.0.0") == std::vector<std::string>{"Two"});
}

TEST_CASE("an entry is about the function that it names") {
  const std::vector<std::string> entries = {"Headers are kept.", "Fix ``Parser.parse_line`` for empty lines.", "parser: faster"};
  CHECK(entry_about(entries, "a/parser.py", "Parser.parse_line") == entries[1]);
  CHECK(entry_about(entries, "a/parser.py", "other") == entries[2]);
  CHECK(entry_about(entries, "a/core.py", "parse_lines") == "");
  CHECK(entry_about(std::vector<std::string>{"Only one."}, "a.py", "f") == "Only one.");
}

TEST_CASE("functions that a patch release changed by a few lines are pairs with their provenance") {
  const Folder folder;
  const std::string rest = "\n\ndef other():\n    return 0\n";
  folder.archive("demo-1.0.0.tar.gz", {{"demo-1.0.0/shop/core.py", "import os\n\n\ndef first(a):\n    return a[1]\n" + rest, ""}});
  folder.archive("demo-1.0.1.tar.gz", {{"demo-1.0.1/shop/core.py", "import sys\n\n\ndef first(a):\n    return a[0]\n" + rest, ""},
                                       {"demo-1.0.1/CHANGES.md", "## 1.0.1\n- `first` gives the first item\n- docs\n", ""},
                                       {"demo-1.0.1/PKG-INFO", "License-Expression: BSD-3-Clause\n", ""}});
  const auto result = run(folder.path);
  REQUIRE(result.pairs_size() == 1);
  const auto& pair = result.pairs(0);
  CHECK(pair.buggy() == "def first(a):\n    return a[1]");
  CHECK(pair.fixed() == "def first(a):\n    return a[0]");
  CHECK(pair.source().kind() == SourceKind::release);
  CHECK(pair.source().repository() == "demo");
  CHECK(pair.source().release() == "1.0.0 -> 1.0.1");
  CHECK(pair.source().note() == "`first` gives the first item");
  CHECK(pair.source().license() == "BSD-3-Clause");
  CHECK(pair.source().path() == "shop/core.py");
  CHECK(result.funnel().at("release.functions") == 1);
  CHECK(run(folder.path).pairs(0).SerializeAsString() == pair.SerializeAsString());
}

TEST_CASE("an edit that goes through all the code, and a release that changes very much, are no repairs") {
  const Folder folder;
  std::string before, after;
  for (int i = 0; i < 5; ++i) {
    before += "def f" + std::to_string(i) + "(a):\n    return old(a)\n\n\n";
    after += "def f" + std::to_string(i) + "(a):\n    return new(a)\n\n\n";
  }
  folder.archive("demo-1.0.0.tar.gz", {{"d/a.py", before, ""}});
  folder.archive("demo-1.0.1.tar.gz", {{"d/a.py", after, ""}});
  const auto swept = run(folder.path);
  CHECK(swept.pairs_size() == 0);
  CHECK(swept.funnel().at("release.skipped.repeated_edit") == 5);

  const Folder wide;
  std::vector<Entry> old_files, new_files;
  for (int i = 0; i < 50; ++i) {
    old_files.push_back({"d/m" + std::to_string(i) + ".py", "def f(a):\n    return a[" + std::to_string(i) + "]\n", ""});
    new_files.push_back({"d/m" + std::to_string(i) + ".py", "def f(a):\n    return a[" + std::to_string(i + 1) + "]\n", ""});
  }
  wide.archive("demo-1.0.0.zip", old_files);
  wide.archive("demo-1.0.1.zip", new_files);
  const auto refused = run(wide.path);
  REQUIRE(refused.rejections_size() == 1);
  CHECK(refused.rejections(0).reason() == "no_patch");
}

TEST_CASE("annotations are taken off parameters, results and variables, and nothing else is") {
  const auto same = [](const char* a, const char* b) { return what_runs(a) == what_runs(b); };
  CHECK(same("def f(a: int, *, b: t.List[int] = [1]) -> t.Dict[str, int]:\n    return a", "def f(a, *, b=[1]):\n    return a"));
  CHECK(same("async def f(\n    a: 'A[B]',\n) -> None:\n    self.x: int = a\n    y: str\n    return {a: 1}", "async def f(a):\n    self.x = a\n    return {a: 1}"));
  CHECK(same("@wrap(a)\ndef f(a):\n    def g(b: int):\n        return b[1:2]\n    return g", "@wrap(a)\ndef f(a):\n    def g(b):\n        return b[1:2]\n    return g"));
  CHECK(same("@t.overload\ndef f(a: int) -> int: ...", "@overload\ndef f(a: str) -> str: ..."));
  CHECK(same("def f(a):\n  try:\n    g(a)\n  except E as e:\n    raise X(a) from e\n  return t.cast('A', a).encode()", "def f(a):\n    try:\n        g(a)\n    except E as e:\n        raise X(a)\n    return t.cast(B[C, D], a).encode('utf-8')"));
  CHECK_FALSE(same("def f(a):\n    raise X(a) from a\n    return 1", "def f(a):\n    raise X(b) from a\n    return 1"));
  CHECK_FALSE(same("def f(a):\n    return cast(A, a)", "def f(a):\n    return cast(A, b)"));
  CHECK_FALSE(same("def f(a):\n    return a.encode('utf-8')", "def f(a):\n    return a.encode('latin-1')"));
  CHECK_FALSE(same("def f(a):\n    for b in a:\n        c = b\n        return c", "def f(a):\n    for b in a:\n        c = b\n    return c"));
  CHECK_FALSE(same("def f(a: int = 1):\n    return a", "def f(a: int = 2):\n    return a"));
  CHECK_FALSE(same("def f(a):\n    return a[1:2]", "def f(a):\n    return a[1:3]"));
  CHECK_FALSE(same("def f(a):\n    x: int = 1\n    return x", "def f(a):\n    x: int = 2\n    return x"));
  CHECK_FALSE(same("def f(a):\n    if a: return 1", "def f(a):\n    if a: return 2"));
  CHECK_FALSE(same("def f(a):\n    return lambda b: a", "def f(a):\n    return lambda b: b"));
  for (const char* torn : {"def f(", "def f(a:", "x:", "", "def", "a: [", ") ] }", "cast(", "raise x from", "a.encode("}) what_runs(torn);
}

TEST_CASE("what is neither a package nor a folder of releases is told") {
  CHECK(plan_releases("--index-url", {}).error().code == ErrorCode::invalid_input);
  CHECK(plan_releases("a b", {}).error().code == ErrorCode::invalid_input);
  CHECK(plan_releases("no/such/folder", {}).error().code == ErrorCode::not_found);
  const Folder folder;
  CHECK(plan_releases(folder.path, {}).error().code == ErrorCode::not_found);
}
