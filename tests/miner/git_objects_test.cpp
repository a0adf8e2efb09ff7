// Commits and trees read from raw bytes, damaged ones included.
#include <doctest/doctest.h>

#include <string>

#include "actors/miner/git_objects.hpp"

using namespace mendel::miner;

namespace {

const std::string kId(40, 'a');

std::string tree_of(const std::string& mode, const std::string& name) { return mode + " " + name + '\0' + std::string(20, 'x'); }

}  // namespace

TEST_CASE("a commit gives its parents, author and message") {
  const auto commit = parse_commit("tree " + kId + "\nparent " + std::string(40, 'b') + "\nauthor J\xC3\xB6rg D <j@x> 5 +0000\ncommitter C <c@x> 1700000000 +0100\n"
                                   "gpgsig -----\n abc\n\nfix it\n\nnow\n");
  REQUIRE(commit);
  CHECK(commit->parents.size() == 1);
  CHECK(commit->author == "J\xC3\xB6rg D");
  CHECK(commit->time_s == 1700000000);
  CHECK(commit->message == "fix it\n\nnow\n");
}

TEST_CASE("an author that is not UTF-8 is mended, not passed on") {
  const auto commit = parse_commit("tree " + kId + "\nauthor J\xF6rg <j@x> 5 +0000\n\nm");
  REQUIRE(commit);
  CHECK(commit->author == "J\xEF\xBF\xBDrg");
}

TEST_CASE("damaged commits are told") {
  for (const std::string& bytes : {std::string(), std::string("tree"), std::string("tree abc\n"), "tree " + kId + "\nparent zz\n", "tree " + kId})
    CHECK_FALSE(parse_commit(bytes));
}

TEST_CASE("a tree reads entry by entry and tells damage from the end") {
  const auto bytes = tree_of("100644", "a.py") + tree_of("40000", "b");
  TreeReader reader(bytes);
  CHECK(reader.next()->is_file());
  CHECK(reader.next()->is_folder());
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.corrupt());
  for (std::size_t n = 1; n < tree_of("100644", "a.py").size(); ++n) {
    const auto cut = bytes.substr(0, n);
    TreeReader damaged(cut);
    CHECK_FALSE(damaged.next());
    CHECK(damaged.corrupt());
  }
}

TEST_CASE("a folder sorts as if a slash stood behind its name") {
  TreeEntry folder{0040000, "a", {}}, file{0100644, "a.py", {}}, same{0100644, "a", {}};
  CHECK(compare_entries(folder, file) > 0);
  CHECK(compare_entries(same, file) < 0);
  CHECK(compare_entries(folder, same) > 0);
}

TEST_CASE("object ids are 40 lower-case digits") {
  CHECK(ObjectId::from_hex(kId)->hex() == kId);
  CHECK_FALSE(ObjectId::from_hex(std::string(39, 'a')));
  CHECK_FALSE(ObjectId::from_hex(std::string(40, 'G')));
}
