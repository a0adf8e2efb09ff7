// Rows and dumps for the tests.
#pragma once

#include <string>
#include <vector>

#include "actors/miner/stackoverflow/post_rows.hpp"

namespace mendel::miner {

inline std::string escaped(const std::string& html) {
  std::string out;
  for (const char c : html) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (c == '"') out += "&quot;";
    else if (c == '\n') out += "&#xA;";
    else out += c;
  }
  return out;
}

inline std::string code_html(const std::string& code) {
  std::string inner;
  for (const char c : code) inner += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return "<p>Text</p>\n\n<pre><code>" + inner + "\n</code></pre>\n";
}

struct RowText {
  unsigned id = 1, parent = 0, accepted = 0;
  int score = 5;
  std::string tags = "<python>", body = code_html("x = 1"), created = "2020-01-02T03:04:05.678", extra;

  std::string xml() const {
    std::string out = "<row Id=\"" + std::to_string(id) + "\" PostTypeId=\"" + (parent != 0 ? "2" : "1") + "\"";
    if (parent != 0) out += " ParentId=\"" + std::to_string(parent) + "\"";
    if (accepted != 0) out += " AcceptedAnswerId=\"" + std::to_string(accepted) + "\"";
    out += " CreationDate=\"" + created + "\" Score=\"" + std::to_string(score) + "\" Body=\"" + escaped(body) + "\" OwnerUserId=\"" + std::to_string(1000 + id) + "\"";
    if (parent == 0) out += " Tags=\"" + escaped(tags) + "\"";
    return out + (extra.empty() ? "" : " " + extra) + " />";
  }
};

inline RowText question(unsigned id, const std::string& code, unsigned accepted = 0) {
  RowText row;
  row.id = id;
  row.accepted = accepted;
  row.body = code_html(code);
  return row;
}

inline RowText answer(unsigned id, unsigned parent, const std::string& code, int score = 5) {
  RowText row;
  row.id = id;
  row.parent = parent;
  row.score = score;
  row.body = code_html(code);
  return row;
}

inline std::string dump_of(const std::vector<RowText>& rows) {
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<posts>\n";
  for (const auto& row : rows) out += "  " + row.xml() + "\n";
  return out + "</posts>";
}

}  // namespace mendel::miner
