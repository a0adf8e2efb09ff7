// No group and no cluster lies in two splits, and shares are met.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "actors/validator/splits.hpp"
#include "tests/validator/samples.hpp"

using namespace mendel;
using namespace mendel::validator;
using samples::id_of;

namespace {

std::map<Split, std::size_t> sizes_of(const std::vector<Placement>& placements) {
  std::map<Split, std::size_t> out;
  for (const auto& placement : placements) ++out[placement.split];
  return out;
}

}  // namespace

TEST_CASE("a single repository is held out by files, so that shares are met") {
  std::vector<std::string> paths;
  for (int i = 0; i < 100; ++i) paths.push_back("file" + std::to_string(i) + ".py");
  std::vector<SplitInput> inputs;
  for (std::uint64_t i = 0; i < 1000; ++i) inputs.push_back({"repository", paths[i / 10], id_of(i)});
  const auto placements = place(inputs, {});
  CHECK(sizes_of(placements)[Split::test] == 50);
  CHECK(sizes_of(placements)[Split::validation] == 50);
  std::map<std::string_view, std::set<Split>> of_file;
  for (std::size_t i = 0; i < inputs.size(); ++i) of_file[inputs[i].path].insert(placements[i].split);
  for (const auto& [file, splits] : of_file) CHECK(splits.size() == 1);
}

TEST_CASE("a single file is held out by clusters") {
  std::vector<SplitInput> inputs;
  for (std::uint64_t i = 0; i < 200; ++i) inputs.push_back({"repository", "file.py", id_of(i / 2)});
  const auto placements = place(inputs, {});
  CHECK(sizes_of(placements)[Split::test] == 10);
  for (std::size_t i = 0; i < inputs.size(); i += 2) CHECK(placements[i].split == placements[i + 1].split);
}

TEST_CASE("a package that dwarfs the others is trained on whole if the others meet the shares") {
  std::vector<std::string> groups;
  for (int i = 0; i < 40; ++i) groups.push_back("small" + std::to_string(i));
  std::vector<SplitInput> inputs;
  for (std::uint64_t i = 0; i < 800; ++i) inputs.push_back({"large", "file.py", id_of(i)});
  for (std::uint64_t i = 0; i < 200; ++i) inputs.push_back({groups[i / 5], "file.py", id_of(1000 + i)});
  const auto placements = place(inputs, {});
  for (std::size_t i = 0; i < 800; ++i) CHECK(placements[i].split == Split::train);
  CHECK(sizes_of(placements)[Split::test] == 50);
  CHECK(sizes_of(placements)[Split::validation] == 50);
}

TEST_CASE("a cluster over several splits stays where most of it is and leaks elsewhere") {
  std::vector<std::string> groups;
  for (int i = 0; i < 20; ++i) groups.push_back("group" + std::to_string(i));
  std::vector<SplitInput> inputs;
  for (std::uint64_t i = 0; i < 200; ++i) inputs.push_back({groups[i / 10], "file.py", i % 10 == 0 ? id_of(9999) : id_of(i)});
  const auto placements = place(inputs, {});
  std::size_t leaks = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    leaks += placements[i].leaks;
    if (i % 10 != 0) CHECK_FALSE(placements[i].leaks);
    else CHECK(placements[i].split == Split::train);
  }
  CHECK(leaks == 2);  // one of the group in test, one of the group in validation
}

TEST_CASE("the few mined and the few released pairs have their share in every split, each on its own") {
  std::vector<std::string> groups, paths;
  for (int i = 0; i < 40; ++i) groups.push_back("package" + std::to_string(i)), paths.push_back("file" + std::to_string(i) + ".py");
  std::vector<SplitInput> inputs;
  for (std::uint64_t i = 0; i < 4000; ++i) inputs.push_back({groups[i / 100], "file.py", id_of(i)});
  for (std::uint64_t i = 0; i < 120; ++i) inputs.push_back({"history", paths[i / 3], id_of(10000 + i), Stratum::mined});
  for (std::uint64_t i = 0; i < 80; ++i) inputs.push_back({"package", paths[i / 2], id_of(20000 + i), Stratum::released});
  const auto placements = place(inputs, {});
  const std::vector<Placement> mined(placements.begin() + 4000, placements.begin() + 4120);
  const std::vector<Placement> released(placements.begin() + 4120, placements.end());
  CHECK(sizes_of(released)[Split::test] == 4);
  CHECK(sizes_of(released)[Split::validation] == 4);
  CHECK(sizes_of(mined)[Split::test] == 6);
  CHECK(sizes_of(mined)[Split::validation] == 6);
}

TEST_CASE("a group that holds mined and other pairs stays in one split") {
  std::vector<std::string> groups;
  for (int i = 0; i < 40; ++i) groups.push_back("group" + std::to_string(i));
  std::vector<SplitInput> inputs;
  for (std::uint64_t i = 0; i < 400; ++i) inputs.push_back({groups[i / 10], "file.py", id_of(i), i % 20 == 0 ? Stratum::mined : Stratum::made});
  const auto placements = place(inputs, {});
  for (std::size_t i = 0; i < inputs.size(); i += 10)
    for (std::size_t k = i; k < i + 10; ++k) CHECK(placements[k].split == placements[i].split);
}

TEST_CASE("pairs without a group are placed by cluster") {
  std::vector<SplitInput> inputs;
  for (std::uint64_t i = 0; i < 400; ++i) inputs.push_back({"", "", id_of(i)});
  CHECK(sizes_of(place(inputs, {}))[Split::test] == 20);
}

TEST_CASE("fewer than three pairs are all trained on, three give each split one") {
  const std::vector<SplitInput> inputs = {{"a", "x.py", id_of(1)}, {"b", "x.py", id_of(2)}, {"c", "x.py", id_of(3)}};
  CHECK(sizes_of(place(std::span(inputs).first(2), {}))[Split::train] == 2);
  CHECK(sizes_of(place(inputs, {})).size() == 3);
}
