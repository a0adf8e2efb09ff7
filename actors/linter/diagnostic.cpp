// A diagnostic as one line of JSON. Messages quote the linted file, so bytes that are no UTF-8 are
// replaced rather than refused.
#include "actors/linter/diagnostic.hpp"

#include <nlohmann/json.hpp>

namespace mendel::linter {

std::string to_json(const Diagnostic& d) {
  nlohmann::ordered_json out = {{"tool", d.tool}, {"rule", d.rule}, {"message", d.message}, {"severity", d.severity},
                                {"path", d.path}, {"line", d.begin.line}, {"column", d.begin.column},
                                {"end_line", d.end.line}, {"end_column", d.end.column}};
  if (d.fix) {
    auto edits = nlohmann::ordered_json::array();
    for (const auto& edit : d.fix->edits)
      edits.push_back({{"line", edit.begin.line}, {"column", edit.begin.column}, {"end_line", edit.end.line},
                       {"end_column", edit.end.column}, {"content", edit.content}});
    out["fix"] = {{"applicability", d.fix->applicability}, {"message", d.fix->message}, {"edits", std::move(edits)}};
  }
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace mendel::linter
