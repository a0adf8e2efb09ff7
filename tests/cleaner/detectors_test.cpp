// Every row of the table by its own example.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "actors/cleaner/cleaning.hpp"
#include "actors/cleaner/detectors.hpp"

using namespace mendel;
using namespace mendel::cleaner;

namespace {

// The text after cleaning and what was found in it.
std::pair<std::string, CleanCounts> cleaned(const std::string& text) {
  Pair pair;
  pair.set_fixed(text);
  pair.set_buggy("x");
  CleanCounts counts;
  clean_pair(pair, counts);
  return {pair.fixed(), counts};
}

}  // namespace

TEST_CASE("every detector finds its own example and leaves its counter-example alone") {
  for (const auto& detector : detectors()) {
    CAPTURE(std::string(detector.name));
    const auto [text, counts] = cleaned(detector.example);
    CHECK(counts.contains(std::string("clean.") + detector.name));
    CHECK(text != detector.example);
    const auto [kept, none] = cleaned(detector.counter_example);
    CHECK(kept == detector.counter_example);
    CHECK(none.empty());
  }
}

TEST_CASE("names of detectors are unique and no placeholder is found again") {
  std::set<std::string> names;
  for (const auto& detector : detectors()) {
    CAPTURE(std::string(detector.name));
    CHECK(names.insert(detector.name).second);
    const auto once = cleaned(detector.example).first;
    CHECK(cleaned(once).first == once);
    CHECK(cleaned("password = '" + detector.placeholder(12, "x") + "'").second.empty());
  }
}

TEST_CASE("all lines of a private key go, their ends stay") {
  const auto text = cleaned("k = '''-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabcdefghijklmnop+/=\n-----END RSA PRIVATE KEY-----'''\n").first;
  CHECK(text == "k = '''-----BEGIN RSA PRIVATE KEY-----\nPRIVATE_KEY_1\nPRIVATE_KEY_2\n-----END RSA PRIVATE KEY-----'''\n");
  CHECK(cleaned("k = '-----BEGIN PRIVATE KEY-----\\nMIIEowIBAAKCAQEA\\nabcdefghijk=\\n-----END PRIVATE KEY-----'").first ==
        "k = '-----BEGIN PRIVATE KEY-----\\nPRIVATE_KEY_1\\nPRIVATE_KEY_2\\n-----END PRIVATE KEY-----'");
}

TEST_CASE("code outside strings and comments is never touched") {
  const std::string code = "y = a@b.transpose()\nx = 93.184\nf(212-555-1234, jane.doe @ acme.de)\n";
  CHECK(cleaned(code).first == code);
}

TEST_CASE("a password in a URL goes and the rest of the URL stays") {
  CHECK(cleaned("u = 'redis://:s3cr3tpw@cache.acme.io:6379/0'").first == "u = 'redis://:PASSWORD_1@cache.acme.io:6379/0'");
  CHECK(cleaned("u = f'postgres://{user}:{password}@{host}/db'").second.empty());
}

TEST_CASE("values of secret names go by how random they are") {
  for (const char* line : {"SECRET_KEY = 'j3k9s8d7f6g5h4j3k2'", "d = {'api_key': '9f8a7b6c5d4e3f2a1b0c'}", "connect(password=\"Xk29fjA83kLmQ2\")",
                           "os.environ['AUTH_TOKEN'] = 'a8f5f167f44f4964e6c998de'"}) {
    CAPTURE(std::string(line));
    CHECK(cleaned(line).second.contains("clean.secret_value"));
  }
  for (const char* line : {"password = 'correct horse battery 12'", "token = 'access_token_expired'", "name = '9f8a7b6c5d4e3f2a1b0c'", "if token == '9f8a7b6c5d4e3f2a1b0c': pass",
                           "api_key = os.environ['API_KEY_PRODUCTION_2']"}) {
    CAPTURE(std::string(line));
    CHECK(cleaned(line).second.empty());
  }
}

TEST_CASE("long hostile strings take linear time") {
  for (const std::string& piece : {std::string("@"), std::string("a@a."), std::string("1."), std::string("eyJ."), std::string("://:"), std::string("+1 "), std::string("-----BEGIN ")}) {
    std::string text = "x = '";
    while (text.size() < 60000) text += piece;
    CHECK_FALSE(cleaned(text + "'").first.empty());
  }
}
