// The table of names and its matcher: every folder of the path is looked at, then the file, in lower case.
#include "actors/miner/production_path.hpp"

#include <array>
#include <string>

namespace mendel::miner {
namespace {

constexpr std::array kRules = {
    PathRule{"tests", "test tests testing *_test *_tests testsuite unittests testdata fixtures dummyserver", "test test_* *_test *_tests tests conftest testing",
             "src/tests/test_app.py"},
    PathRule{"documentation", "doc docs documentation", "", "docs/conf.py"},
    PathRule{"examples", "example examples sample samples demo demos tutorial tutorials", "example* demo*", "examples/hello.py"},
    PathRule{"benchmarks", "bench benches benchmark benchmarks perf", "bench_* benchmark*", "benchmarks/speed.py"},
    PathRule{"build scripts", "scripts tools ci .github .ci build packaging", "setup noxfile tasks fabfile versioneer _version",
             "setup.py"},
    PathRule{"copies", "vendor vendored _vendor third_party thirdparty extern externals node_modules site-packages dist-packages", "",
             "pkg/_vendor/six.py"},
    PathRule{"generated", "migrations generated", "*_pb2 *_pb2_grpc", "app/migrations/0001_initial.py"},
};

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

bool holds(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const auto space = list.find(' ');
    if (matches(list.substr(0, space), name)) return true;
    if (space == std::string_view::npos) break;
    list.remove_prefix(space + 1);
  }
  return false;
}

}  // namespace

std::span<const PathRule> path_rules() { return kRules; }

bool is_test(const PathRule& rule) { return &rule == kRules.data(); }

const PathRule* not_production(std::string_view path) {
  std::string lower(path);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  std::string_view rest = lower;
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    const auto folder = rest.substr(0, slash);
    for (const auto& rule : kRules)
      if (holds(rule.folders, folder)) return &rule;
    rest.remove_prefix(slash + 1);
  }
  if (rest.ends_with(".py")) rest.remove_suffix(3);
  for (const auto& rule : kRules)
    if (holds(rule.files, rest)) return &rule;
  return nullptr;
}

}  // namespace mendel::miner
