// Rows of a dump: any cut of the bytes, any order of attributes, what is refused, what is passed over.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "actors/miner/stackoverflow/post_rows.hpp"

using namespace mendel;
using namespace mendel::miner;

namespace {

constexpr std::size_t kRowMax = 4096;

struct Seen {
  std::vector<std::string> rows;  // "id|type|body"
  Outcome outcome = Done{};
  std::uint64_t malformed = 0, too_large = 0, counted = 0;
};

Seen scan(const std::string& text, std::size_t piece = 1u << 20, std::size_t row_max = kRowMax) {
  Seen seen;
  PostScanner scanner(row_max);
  const auto sink = [&](const PostRow& row) {
    std::string body;
    append_decoded(row[Field::body], body);
    seen.rows.push_back(std::string(row[Field::id]) + "|" + std::string(row[Field::type]) + "|" + body);
  };
  for (std::size_t at = 0; at < text.size() && seen.outcome; at += piece) seen.outcome = scanner.feed(std::string_view(text).substr(at, piece), sink);
  if (seen.outcome) seen.outcome = scanner.finish();
  seen.malformed = scanner.malformed();
  seen.too_large = scanner.too_large();
  seen.counted = scanner.rows();
  return seen;
}

const std::string kHead = "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<posts>\r\n";
const std::string kTail = "</posts>";

}  // namespace

TEST_CASE("rows are the same wherever the bytes are cut") {
  const auto text = kHead + "  <row Id=\"1\" PostTypeId=\"1\" Body=\"&lt;p&gt;a &amp;amp; b&lt;/p&gt;&#xA;\" Tags=\"&lt;python&gt;\" />\r\n" +
                    "  <row\tBody='say \"hi\" > now' PostTypeId='2' Unknown='x' Id='2'/>\n<row Id=\"3\" PostTypeId=\"1\"></row>" + kTail;
  const std::vector<std::string> expected = {"1|1|<p>a &amp; b</p>\n", "2|2|say \"hi\" > now", "3|1|"};
  for (std::size_t piece = 1; piece < 140; ++piece) {
    CAPTURE(piece);
    const auto seen = scan(text, piece);
    REQUIRE(seen.outcome);
    CHECK(seen.rows == expected);
    CHECK(seen.malformed == 0);
  }
}

TEST_CASE("a document type, an entity, a comment and a processing instruction are refused") {
  const std::string laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><posts><row Id=\"1\" Body=\"&lol2;\"/></posts>";
  const std::string outside = "<!DOCTYPE posts SYSTEM \"file:///etc/passwd\"><posts/>";
  for (const auto& text : {laughs, outside, std::string("<posts><!-- x --></posts>"), std::string("<posts><?php x ?></posts>"), std::string("<?xml-stylesheet href='x'?><posts/>")})
    for (const std::size_t piece : {1u, 7u, 1000u}) {
      CAPTURE(text);
      const auto seen = scan(text, piece);
      REQUIRE_FALSE(seen.outcome);
      CHECK(seen.outcome.error().code == ErrorCode::invalid_input);
      CHECK(seen.outcome.error().what.find("refused") != std::string::npos);
    }
}

TEST_CASE("an undeclared entity stays text") { CHECK(scan("<posts><row Id=\"1\" Body=\"&lol; &#0; &#xD800; &#x110000; &\"/></posts>").rows[0] == "1||&lol; \xEF\xBF\xBD \xEF\xBF\xBD \xEF\xBF\xBD &"); }

TEST_CASE("a row that is broken is passed over and the next is read") {
  for (const std::size_t piece : {1u, 13u, 1000u}) {
    CAPTURE(piece);
    const auto seen = scan(kHead + "<row Id=\"1\" Body=\"no end\n<row Id=\"2\" PostTypeId=\"1\"/><row Id=3 PostTypeId=\"1\"/><row Id=\"4\" PostTypeId=\"2\"/>" + kTail, piece);
    REQUIRE(seen.outcome);
    CHECK(seen.rows == std::vector<std::string>{"2|1|", "4|2|"});
    CHECK(seen.malformed == 2);
    CHECK(seen.counted == 4);
  }
}

TEST_CASE("a row above the limit is left out and the next is read, wherever the bytes are cut") {
  const auto text = kHead + "<row Id=\"1\" Body=\"" + std::string(100000, 'x') + "\" PostTypeId=\"1\"/><row Id=\"2\" PostTypeId=\"1\"/>" + kTail;
  for (const std::size_t piece : {1000u, 1u << 20}) {
    CAPTURE(piece);
    const auto seen = scan(text, piece);
    REQUIRE(seen.outcome);
    CHECK(seen.rows == std::vector<std::string>{"2|1|"});
    CHECK(seen.too_large == 1);
  }
}

TEST_CASE("odd tags and blanks are read alike wherever the bytes are cut") {
  const std::vector<std::string> texts = {kHead + "<row ab<row Id=\"1\" />" + kTail, "<posts a='>'><row Id=\"1\" / b=\">\" ><row Id=\"2\"/></posts>", "<posts><row a\"b=\"1\"/>",
                                          "<posts><foo <row Id=\"1\"/>", "<posts><row Id=3 b=\"x", "    \n \tabc<posts>", "   \n <posts><row Id=\"1\"/>"};
  for (const auto& text : texts) {
    CAPTURE(text);
    const auto whole = scan(text);
    for (std::size_t piece = 1; piece < text.size(); ++piece) {
      CAPTURE(piece);
      const auto seen = scan(text, piece);
      CHECK(bool(seen.outcome) == bool(whole.outcome));
      CHECK(seen.rows == whole.rows);
      CHECK(seen.malformed == whole.malformed);
      CHECK(seen.counted == whole.counted);
    }
  }
}

TEST_CASE("what is no dump of posts is told") {
  for (const auto& [text, words] : {std::pair<std::string, std::string>{"", "no element"}, {"\xFF\xFE<\0", "UTF-16"}, {"7z\xBC\xAF\x27\x1C", "no XML"},
                                    {"{\"a\": 1}", "no XML"}, {"<users><row Id=\"1\"/></users>", "<users>"}, {"<html>", "<html>"}}) {
    CAPTURE(text);
    const auto seen = scan(text);
    REQUIRE_FALSE(seen.outcome);
    CHECK(seen.outcome.error().what.find(words) != std::string::npos);
  }
}

TEST_CASE("a dump that ends inside a row is told") {
  const auto seen = scan(kHead + "<row Id=\"1\" PostTypeId=\"1\"/><row Id=\"2\" Body=\"");
  REQUIRE_FALSE(seen.outcome);
  CHECK(seen.outcome.error().code == ErrorCode::corrupt);
}

TEST_CASE("entities of XML are decoded once") {
  std::string out;
  append_decoded("&lt;b&gt; &amp;lt; &quot;&apos; &#65;&#x42;&#xe4;&#x1F600;", out);
  CHECK(out == "<b> &lt; \"' AB\xC3\xA4\xF0\x9F\x98\x80");
}
