// The rows of Posts.xml, found by a scanner that looks at quotes and '<' only, 16 bytes at once. Nothing
// is decoded here: whoever gets a row decides by its tags and its score first whether anything is.
//
// Not an XML parser, on purpose: a document type, entities, comments and processing instructions other
// than the XML declaration are refused outright, so that there is nothing to expand and nothing to fetch.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace mendel::miner {

// The attributes that we know, in any order in the row; others are passed over.
enum class Field : std::uint8_t {
  id, body, tags, score, title, parent, type, answer_count, owner, created, deleted, license, accepted, owner_name, count
};

// Raw attribute values, entities and all; valid during the call.
struct PostRow {
  std::array<std::string_view, static_cast<std::size_t>(Field::count)> values;

  std::string_view operator[](Field field) const { return values[static_cast<std::size_t>(field)]; }
};

// Feed it the bytes in pieces of any size; what it answers does not depend on where they are cut.
class PostScanner {
 public:
  using Sink = std::function<void(const PostRow&)>;

  explicit PostScanner(std::size_t row_bytes_max) : row_bytes_max_(row_bytes_max) {}

  // invalid_input if the bytes are no dump of posts.
  Outcome feed(std::string_view bytes, const Sink& sink);
  // At the end of the bytes. invalid_input if there was no element at all, or it ends inside one.
  Outcome finish() const;

  std::uint64_t rows() const { return rows_; }
  std::uint64_t malformed() const { return malformed_; }  // passed over; the next one is read again
  std::uint64_t too_large() const { return too_large_; }  // rows above row_bytes_max, in constant memory

 private:
  // How far a tag goes that does not end in this piece.
  struct Unfinished {
    bool open = false, dropped = false;  // dropped: too large, its bytes are not kept
    char quote = '\0';  // inside a value
  };

  Outcome go_on(std::string_view bytes, const Sink& sink);
  Outcome scan(std::string_view bytes, const Sink& sink);
  bool take_row(const char*& at, const char* end, const Sink& sink);
  Outcome take_tag(std::string_view tag, const Sink& sink);
  const char* end_of_tag(const char* at, const char* end);
  Outcome keep(std::string_view bytes);
  Result<bool> check_start();

  std::size_t row_bytes_max_;
  std::string start_;  // the first bytes, until there are enough to tell what they are
  std::string kept_;  // of a tag that is cut
  Unfinished unfinished_;
  bool started_ = false, seen_tag_ = false;
  std::uint64_t rows_ = 0, malformed_ = 0, too_large_ = 0;
};

// Appends `raw` with its entities decoded: the five of XML and character references. Anything else that
// begins with '&' stays as it is; references to no character or to NUL become U+FFFD.
void append_decoded(std::string_view raw, std::string& out);

// Decimal digits alone, below 2^32; 0 for anything else.
std::uint32_t number_of(std::string_view digits);

}  // namespace mendel::miner
