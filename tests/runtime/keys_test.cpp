// Key files and the allow-list that they are.
#include "actors/runtime/keys.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/storage/samples.hpp"

using namespace mendel;
using namespace mendel::runtime;
using storage::samples::content_of;
using storage::samples::Folder;
using storage::samples::overwrite;

namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777u;
}

}  // namespace

TEST_CASE("secrets are for the owner only, whatever the umask is") {
  Folder folder;
  const auto before = ::umask(0);
  const KeyFolder keys(folder.path / "keys");
  REQUIRE(keys.init().value());
  REQUIRE(keys.add("collector-1"));
  ::umask(before);
  CHECK(mode_of(keys.folder()) == 0700);
  CHECK(mode_of(keys.secret_file("server")) == 0600);
  CHECK(mode_of(keys.secret_file("collector-1")) == 0600);
  CHECK(keys.faults().empty());
}

TEST_CASE("init keeps keys that exist") {
  Folder folder;
  const KeyFolder keys(folder.path / "keys");
  REQUIRE(keys.init().value());
  const auto secret = content_of(keys.secret_file("server"));
  CHECK_FALSE(keys.init().value());
  CHECK(content_of(keys.secret_file("server")) == secret);
}

TEST_CASE("the allow-list is the set of public keys without the server's") {
  Folder folder;
  const KeyFolder keys(folder.path / "keys");
  REQUIRE(keys.add("a"));
  REQUIRE(keys.add("b"));
  const auto allowed = keys.allowed();
  REQUIRE(allowed);
  REQUIRE(allowed->size() == 2);
  const auto own = public_of(read_key(keys.secret_file("b"), true).value());
  CHECK(allowed->at(own.value()) == "b");
  REQUIRE(keys.revoke("b"));
  CHECK(keys.allowed()->size() == 1);
  CHECK(keys.revoke("b").error().code == ErrorCode::not_found);
}

TEST_CASE("a node has one pair of keys until it is revoked") {
  Folder folder;
  const KeyFolder keys(folder.path / "keys");
  REQUIRE(keys.add("a"));
  CHECK(keys.add("a").error().code == ErrorCode::busy);
  CHECK(keys.ensure("a"));
  std::filesystem::remove(keys.secret_file("a"));
  CHECK(keys.ensure("a"));  // half a pair is no pair
  CHECK(read_key(keys.secret_file("a"), true));
}

TEST_CASE("names that could leave the folder or be the server are refused") {
  for (const char* name : {"", ".", "..", "../x", "a/b", ".hidden", "server", "a b", "ü"}) {
    CAPTURE(name);
    CHECK_FALSE(check_node_name(name));
  }
  CHECK(check_node_name("collector-1.rack_2"));
  CHECK_FALSE(check_node_name(std::string(65, 'a')));
}

TEST_CASE("a secret that others may read, a torn key and a foreign file are refused with the remedy") {
  Folder folder;
  const KeyFolder keys(folder.path / "keys");
  REQUIRE(keys.add("a"));
  const auto secret = keys.secret_file("a");
  ::chmod(secret.c_str(), 0640);
  CHECK(read_key(secret, true).error().what.find("chmod 600") != std::string::npos);
  CHECK(keys.faults().size() == 1);
  ::chmod(secret.c_str(), 0600);
  overwrite(secret, content_of(secret).substr(0, 39));
  CHECK_FALSE(read_key(secret, true));
  overwrite(keys.public_file("b"), "no key at all\n");
  CHECK(keys.allowed()->size() == 1);  // what cannot be read lets nobody in
}
