// Strict reading of the JSON of tensor headers; escaping and numbers for the writers.
#include "json.hpp"

#include <cmath>
#include <cstdio>

namespace mendel::model {

void JsonReader::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
}

void JsonReader::fail(std::string why) {
  if (!failed_) why_ = std::move(why) + " at byte " + std::to_string(at_) + " of the header";
  failed_ = true;
}

bool JsonReader::take(char c) {
  skip_space();
  if (failed_ || at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char c) {
  if (!failed_ && !take(c)) fail(std::string("'") + c + "' is missing");
}

bool JsonReader::at_end() {
  skip_space();
  return at_ == text_.size();
}

std::optional<std::uint32_t> JsonReader::unit() {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : ' ';
    if (c >= '0' && c <= '9') value = value * 16 + static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f') value = value * 16 + static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') value = value * 16 + static_cast<std::uint32_t>(c - 'A' + 10);
    else {
      fail("a bad \\u escape");
      return std::nullopt;
    }
  }
  return value;
}

void JsonReader::escape(std::string& out) {
  const char c = at_ < text_.size() ? text_[at_++] : '\0';
  static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
  if (const auto i = kFrom.find(c); i != std::string_view::npos && c != '\0') {
    out += kTo[i];
    return;
  }
  if (c != 'u') return fail("a bad escape");
  auto code = unit();
  if (!code) return;
  if (*code >= 0xD800 && *code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    const auto low = unit();
    if (!low) return;
    if (*low < 0xDC00 || *low > 0xDFFF) return fail("half a surrogate pair");
    code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
  } else if (*code >= 0xD800 && *code < 0xE000) {
    return fail("half a surrogate pair");
  }
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (*code < 0x80) return byte(*code);
  if (*code < 0x800) byte(0xC0 | (*code >> 6));
  else if (*code < 0x10000) byte(0xE0 | (*code >> 12)), byte(0x80 | ((*code >> 6) & 0x3F));
  else byte(0xF0 | (*code >> 18)), byte(0x80 | ((*code >> 12) & 0x3F)), byte(0x80 | ((*code >> 6) & 0x3F));
  byte(0x80 | (*code & 0x3F));
}

std::string JsonReader::string() {
  std::string out;
  expect('"');
  while (!failed_) {
    if (at_ >= text_.size()) fail("a string without end");
    else if (const char c = text_[at_++]; c == '"') return out;
    else if (c == '\\') escape(out);
    else if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
    else out += c;
  }
  return {};
}

std::uint64_t JsonReader::natural() {
  skip_space();
  const auto digit = [&] { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; };
  const auto first = at_;
  std::uint64_t value = 0;
  while (!failed_ && digit()) {
    const auto next = static_cast<std::uint64_t>(text_[at_] - '0');
    if (value > ((std::uint64_t{1} << 63) - 1 - next) / 10) fail("a number of 2^63 or more");
    value = value * 10 + next;
    ++at_;
  }
  if (at_ == first || (at_ - first > 1 && text_[first] == '0')) fail("no natural number");
  return failed_ ? 0 : value;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

}  // namespace mendel::model
