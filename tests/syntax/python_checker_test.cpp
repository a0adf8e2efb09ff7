// The judge of validity: right verdicts, and nothing it is sent can hurt us.
#include "actors/syntax/python_checker.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace mendel::syntax;
using Kind = Validity::Kind;

namespace {

std::unique_ptr<PythonChecker> checker(CheckerOptions options = {}) {
  auto started = PythonChecker::start(std::move(options));
  REQUIRE(started);
  return std::move(started).value();
}

Kind kind_of(PythonChecker& judge, std::string_view text) { return judge.check(std::span(&text, 1))[0].kind; }

}  // namespace

TEST_CASE("valid and invalid code are told apart, with line and message") {
  const auto judge = checker();
  const std::string_view texts[] = {"def f():\n    return 1\n", "def f()\n    return 1\n", "", "return 1", "x = 1\n  y = 2"};
  const auto verdicts = judge->check(texts);
  CHECK(verdicts[0].kind == Kind::valid);
  CHECK(verdicts[1].kind == Kind::syntax_error);
  CHECK(verdicts[1].line == 1);
  CHECK_FALSE(verdicts[1].message.empty());
  CHECK(verdicts[2].kind == Kind::valid);
  CHECK(verdicts[3].kind == Kind::valid);  // parsing alone, as the pairs are single functions
  CHECK(verdicts[4].kind == Kind::syntax_error);
  CHECK(judge->version().starts_with("3."));
}

TEST_CASE("NUL bytes and invalid UTF-8 are invalid text") {
  const auto judge = checker();
  CHECK(kind_of(*judge, std::string_view("a\0b", 3)) != Kind::valid);
  CHECK(kind_of(*judge, "a = '\xff'") == Kind::invalid_text);
}

TEST_CASE("what is too deep for CPython is too complex and the judge lives") {
  const auto judge = checker();
  CHECK(kind_of(*judge, std::string(100000, '-') + "1") == Kind::too_complex);
  std::string sum = "1";
  for (int i = 0; i < 50000; ++i) sum += "+1";
  const auto deep = kind_of(*judge, sum);
  CHECK((deep == Kind::too_complex || deep == Kind::valid));  // depends on the version
  CHECK(kind_of(*judge, std::string(100000, '(')) != Kind::valid);
  CHECK(kind_of(*judge, "x = 1") == Kind::valid);
}

TEST_CASE("one bad text in a batch does not spoil the others") {
  const auto judge = checker({.interpreter = {}, .helpers = 1, .timeout_ms = 10000});
  const std::string deep = std::string(100000, '-') + "1";
  std::vector<std::string_view> texts(40, "x = 1");
  texts[17] = deep;
  const auto verdicts = judge->check(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(verdicts[i].kind == (i == 17 ? Kind::too_complex : Kind::valid));
}

TEST_CASE("many threads share the helpers") {
  const auto judge = checker();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const std::string_view texts[] = {"x = 1", "x ="};
        const auto verdicts = judge->check(texts);
        if (verdicts[0].kind != Kind::valid || verdicts[1].kind != Kind::syntax_error) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("an interpreter that is not there is named with the remedy") {
  const auto started = PythonChecker::start({.interpreter = "/no/such/python", .helpers = 1, .timeout_ms = 1000});
  REQUIRE_FALSE(started);
  CHECK(started.error().what.find("/no/such/python") != std::string::npos);
  CHECK(started.error().what.find("python.interpreter") != std::string::npos);
}
