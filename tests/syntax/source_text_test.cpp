// Which bytes are source, and what UTF-8 is.
#include "actors/syntax/source_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mendel::syntax;

namespace {

std::string reason(std::string_view bytes, std::uint64_t bytes_max = 100) { return why_not_source(bytes, bytes_max); }

}  // namespace

TEST_CASE("text is source up to the limit") {
  CHECK(reason("x = 1\n").empty());
  CHECK(reason("\xEF\xBB\xBFx = '\xC3\xA4\xF0\x9F\x90\x8D'\r\n\f\t").empty());
  CHECK(reason("xx", 2).empty());
  CHECK(reason("xxx", 2) == "too_large");
  CHECK(reason("") == "empty_file");
  CHECK(reason(std::string_view("x\0y", 3)) == "has_nul");
}

TEST_CASE("overlong forms, surrogates, cut sequences and stray bytes are no UTF-8") {
  for (const char* bytes : {"\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xC3", "\xE2\x82", "abcdefgh\xFFx"})
    CHECK(reason(bytes) == "bad_utf8");
}

TEST_CASE("the length of a sequence is that of its first byte") {
  CHECK(utf8_length("a\xC3") == 1);
  CHECK(utf8_length("\xC3\xA4") == 2);
  CHECK(utf8_length("\xE2\x82\xAC") == 3);
  CHECK(utf8_length("\xF0\x9F\x90\x8D") == 4);
  CHECK(utf8_length("\xF0\x9F\x90") == 0);
}
