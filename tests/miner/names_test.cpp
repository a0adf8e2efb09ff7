// Public addresses and licences of repositories.
#include <doctest/doctest.h>

#include <string>

#include "actors/miner/clone.hpp"
#include "actors/miner/license_guess.hpp"
#include "actors/miner/remote_name.hpp"

using namespace mendel;
using namespace mendel::miner;

TEST_CASE("every form of an address gives the one public address") {
  for (const char* url : {"https://github.com/a/b", "https://github.com/a/b.git", "git@github.com:a/b.git", "ssh://git@github.com/a/b",
                          "http://user:secret@GitHub.com/a/b/", "git://github.com/a/b.git", "https://github.com:443/a/b?x=1"}) {
    CAPTURE(std::string(url));
    CHECK(public_url(url) == "https://github.com/a/b");
  }
}

TEST_CASE("a path of this machine is no address") {
  for (const char* url : {"/srv/git/a.git", "../a", "file:///srv/a", "C:\\a", "", "a b", "ext::sh -c x", "https://", "localhost:a"}) {
    CAPTURE(std::string(url));
    CHECK(public_url(url).empty());
  }
}

TEST_CASE("a folder lends its name") {
  CHECK(folder_name("/srv/git/flask.git") == "flask");
  CHECK(folder_name("/srv/flask/") == "flask");
  CHECK(folder_name("/srv/flask/.git") == "flask");
  CHECK(folder_name("/") == "repository");
}

TEST_CASE("known forges have a page for a commit") {
  CHECK(commit_url("https://github.com/a/b", "ff") == "https://github.com/a/b/commit/ff");
  CHECK(commit_url("https://gitlab.com/a/b", "ff") == "https://gitlab.com/a/b/-/commit/ff");
  CHECK(commit_url("flask", "ff").empty());
}

TEST_CASE("licences are told by their phrases") {
  for (const auto& rule : license_rules()) {
    std::string text = "Preamble\n";
    for (const char* phrase : rule.phrases)
      if (phrase != nullptr) text += std::string(phrase) + "\n  ";
    CAPTURE(std::string(rule.spdx));
    CHECK(guess_license(text) == rule.spdx);
  }
  CHECK(guess_license("All rights reserved.").empty());
  CHECK(is_license_name("LICENSE.txt"));
  CHECK(is_license_name("Copying"));
  CHECK_FALSE(is_license_name("my_license"));
}

TEST_CASE("only https addresses without a password are cloned") {
  Config config;
  for (const char* url : {"http://github.com/a/b", "file:///etc", "ssh://git@github.com/a/b", "git@github.com:a/b.git", "ext::sh -c id",
                          "https://user:secret@github.com/a/b", "https://", "https://a b/c"}) {
    CAPTURE(std::string(url));
    const auto folder = local_repository(url, config);
    REQUIRE_FALSE(folder);
    CHECK(folder.error().code == ErrorCode::invalid_input);
    CHECK(folder.error().what.find("secret") == std::string::npos);
  }
  CHECK(*local_repository("/no/such/place", config) == "/no/such/place");
}
