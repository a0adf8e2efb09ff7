// A diagnostic as one line of JSON. Messages quote the linted file, so bytes that are no UTF-8 are
// replaced rather than refused.
#include "actors/linter/diagnostic.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace mendel::linter {

namespace {

void put_text(std::string& out, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (plain) out.append(1, '"').append(text).append(1, '"');
  else out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void put(std::string& out, const char* name, std::string_view text) {
  out.append(name);
  put_text(out, text);
}

void put(std::string& out, const char* name, std::uint32_t number) { out.append(name).append(std::to_string(number)); }

void put(std::string& out, Position begin, Position end) {
  put(out, "\"line\":", begin.line);
  put(out, ",\"column\":", begin.column);
  put(out, ",\"end_line\":", end.line);
  put(out, ",\"end_column\":", end.column);
}

}  // namespace

std::string to_json(const Diagnostic& d) {
  std::string out;
  put(out, "{\"tool\":", d.tool);
  put(out, ",\"rule\":", d.rule);
  put(out, ",\"message\":", d.message);
  put(out, ",\"severity\":", d.severity);
  put(out, ",\"path\":", d.path);
  out += ',';
  put(out, d.begin, d.end);
  if (d.fix) {
    put(out, ",\"fix\":{\"applicability\":", d.fix->applicability);
    put(out, ",\"message\":", d.fix->message);
    out += ",\"edits\":[";
    for (const auto& edit : d.fix->edits) {
      if (&edit != &d.fix->edits.front()) out += ',';
      out += '{';
      put(out, edit.begin, edit.end);
      put(out, ",\"content\":", edit.content);
      out += '}';
    }
    out += "]}";
  }
  return out += '}';
}

}  // namespace mendel::linter
