// Planning of Python sources: what is taken, in which order, whose it is, and what is left out and why.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "actors/runtime/planning.hpp"
#include "tests/storage/samples.hpp"

using namespace mendel;
using namespace mendel::runtime;
using storage::samples::Folder;
using storage::samples::overwrite;
namespace fs = std::filesystem;

namespace {

struct Planned {
  std::vector<WorkItem> items;
  std::map<std::string, std::string> rejected;  // file name → reason
  Outcome outcome = Done{};
};

Planned plan(const Config& config) {
  Planned out;
  PlanSink sink;
  sink.items = [&](std::vector<WorkItem> items) -> Outcome {
    out.items.insert(out.items.end(), items.begin(), items.end());
    return Done{};
  };
  sink.rejected = [&](const Rejection& rejection) { out.rejected[fs::path(rejection.subject()).filename()] = rejection.reason(); };
  sink.stopped = [] { return false; };
  out.outcome = plan_sources(config, sink);
  return out;
}

Config config_of(const fs::path& source) {
  Config config;
  config.mutable_sources()->add_python(source.string());
  return config;
}

// Files one.py … of package `name`.
void fill(const fs::path& folder, const std::string& name, int count) {
  fs::create_directories(folder / name);
  for (int i = 0; i < count; ++i) overwrite(folder / name / ("m" + std::to_string(i) + ".py"), "x = " + std::to_string(i) + "\n");
}

}  // namespace

TEST_CASE("every file is mutated once and linted once, in one order whatever the file system says") {
  Folder first, second;
  fill(first.path / "code", "alpha", 5);
  fill(first.path / "code", "beta", 5);
  fill(second.path / "code", "beta", 5);
  fill(second.path / "code", "alpha", 5);
  auto config = config_of(first.path / "code");
  config.mutable_lint()->set_files_per_item(4);
  const auto planned = plan(config);
  config.mutable_sources()->set_python(0, (second.path / "code").string());
  const auto other = plan(config);
  REQUIRE(planned.outcome);
  REQUIRE(planned.items.size() == 10 + 3);
  REQUIRE(other.items.size() == planned.items.size());
  std::multiset<std::string> mutated, linted;
  for (std::size_t i = 0; i < planned.items.size(); ++i) {
    CHECK(planned.items[i].SerializeAsString() == other.items[i].SerializeAsString());
    for (const auto& file : planned.items[i].mutate().files()) mutated.insert(file.path());
    for (const auto& file : planned.items[i].lint().files()) linted.insert(file.path());
  }
  CHECK(mutated.size() == 10);
  CHECK(mutated == linted);
}

TEST_CASE("what cannot be used is left out with its reason") {
  Folder folder;
  fill(folder.path, "alpha", 1);
  overwrite(folder.path / "alpha/empty.py", "");
  overwrite(folder.path / "alpha/large.py", std::string(5000, '#'));
  fs::create_symlink("m0.py", folder.path / "alpha/link.py");
  fs::create_symlink("nowhere.py", folder.path / "alpha/dangling.py");
  fs::create_directory(folder.path / "alpha/folder.py");
  overwrite(folder.path / "alpha/text.txt", "not Python\n");
  auto config = config_of(folder.path);
  config.mutable_sources()->set_file_bytes_max(4096);
  const auto planned = plan(config);
  REQUIRE(planned.outcome);
  CHECK(planned.items.size() == 2);
  CHECK(planned.rejected == std::map<std::string, std::string>{{"dangling.py", "dangling_link"}, {"empty.py", "empty"}, {"large.py", "too_large"}, {"link.py", "symbolic_link"}});
}

TEST_CASE("a file belongs to its top-level package and has that package's licence") {
  Folder folder;
  fill(folder.path, "alpha", 1);
  fs::create_directories(folder.path / "alpha-1.0.dist-info");
  overwrite(folder.path / "alpha-1.0.dist-info/METADATA", "Name: alpha\nLicense-Expression: MIT\n\nText\n");
  const auto planned = plan(config_of(folder.path));
  REQUIRE(planned.items.size() == 2);
  const auto& file = planned.items[0].mutate().files(0);
  CHECK(file.repository() == "alpha");
  CHECK(file.license() == "MIT");
  CHECK(file.path() == "alpha/m0.py");
  CHECK(file.text() == "x = 0\n");
}

TEST_CASE("a limit on files takes the same ones every time, and excluded ones never") {
  Folder folder;
  fill(folder.path, "alpha", 20);
  fill(folder.path, "tests", 5);
  auto config = config_of(folder.path);
  config.mutable_sources()->set_python_files_max(7);
  config.mutable_sources()->add_exclude("/tests/");
  const auto planned = plan(config);
  CHECK(std::count_if(planned.items.begin(), planned.items.end(), [](const auto& item) { return item.has_mutate(); }) == 7);
  for (const auto& item : planned.items)
    for (const auto& file : item.mutate().files()) CHECK(file.repository() == "alpha");
}

TEST_CASE("a source that does not exist is named with its key") {
  const auto planned = plan(config_of("/nowhere/at/all"));
  REQUIRE_FALSE(planned.outcome);
  CHECK(planned.outcome.error().what.find("sources.python: /nowhere/at/all") != std::string::npos);
  Config git;
  git.mutable_sources()->add_git("/nowhere/at/all");
  CHECK(plan(git).outcome.error().what.find("sources.git") != std::string::npos);
}
