// Files that are copies or were written by tools.
#include <doctest/doctest.h>

#include <string>

#include "actors/syntax/source_origin.hpp"

using namespace mendel::syntax;

TEST_CASE("every rule finds its own example") {
  for (const auto& rule : origin_rules()) {
    CAPTURE(std::string(rule.description));
    CHECK(std::string(why_not_own(rule.example_path, rule.example_text)) == rule.reason);
  }
}

TEST_CASE("a project's own code is left alone") {
  CHECK(std::string(why_not_own("lib/python3/site-packages/flask/app.py", "import os\n")).empty());
  CHECK(std::string(why_not_own("vendors.py", "")).empty());
  CHECK(std::string(why_not_own("sql/HtmlParser.py", "# A parser\n")).empty());
  CHECK(std::string(why_not_own("a.py", "import os\n# DO NOT EDIT\n")).empty());
  CHECK(std::string(why_not_own("a.py", "\"\"\"Title\"\"\"\nx = 'do not edit'\n")).empty());
}

TEST_CASE("the words count in comments and docstrings of the head alone") {
  CHECK(std::string(why_not_own("a.py", "#!/usr/bin/python\n\n# DO NOT EDIT\n")) == "generated");
  CHECK(std::string(why_not_own("a.py", "\"\"\"Title\n\nDo not edit.\n\"\"\"\nx = 1\n")) == "generated");
  CHECK(std::string(why_not_own("a.py", std::string(25, '\n') + "# do not edit\n")).empty());
  CHECK(std::string(why_not_own("x/site-packages/pip/_vendor/six.py", "")) == "vendored");
}

TEST_CASE("what is no text is told before whose it is") {
  CHECK(std::string(why_not_source("_vendor/a.py", std::string_view("\0", 1), 100)) == "has_nul");
  CHECK(std::string(why_not_source("_vendor/a.py", "x", 100)) == "vendored");
  CHECK(std::string(why_not_source("a.py", "x", 100)).empty());
}
