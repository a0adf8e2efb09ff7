// The little JSON that this folder needs: a strict reader by events for headers and lines of its own, and
// escaping for the writers. Nesting, sizes and numbers are bounded by the caller's text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mendel::model {

// Reads a text from left to right. After the first mismatch `failed` is true and all answers are empty.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  // Skips white space and takes `c` if it comes next.
  bool take(char c);
  // A mismatch if `c` does not come next.
  void expect(char c);
  std::string string();  // escapes resolved, \u as UTF-8; control characters are a mismatch
  std::uint64_t natural();  // digits only, no sign, no leading zero, below 2^63
  bool at_end();
  void fail(std::string why);

  bool failed() const { return failed_; }
  const std::string& why() const { return why_; }  // with the byte's number

 private:
  void skip_space();
  std::optional<std::uint32_t> unit();  // four hexadecimal digits
  void escape(std::string& out);

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
  std::string why_;
};

// `text` in quotes with everything escaped that must be.
std::string json_string(std::string_view text);
// Seventeen digits: the same double when read back. A value that is no number becomes null.
std::string json_number(double value);

}  // namespace mendel::model
