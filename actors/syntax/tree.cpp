// Tree-sitter behind a small seam; every pointer of the library stays in this file.
#include "actors/syntax/tree.hpp"

#include <tree_sitter/api.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "actors/syntax/tokens.hpp"

extern "C" const TSLanguage* tree_sitter_python(void);

namespace mendel::syntax {
namespace {

constexpr std::size_t kTextBytesMax = 16u << 20;
constexpr std::uint64_t kParseMicrosMax = 5'000'000;

bool is_type(TSNode node, const char* type) { return std::strcmp(ts_node_type(node), type) == 0; }

std::size_t line_start(std::string_view text, std::size_t at) {
  const auto feed = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return feed == std::string_view::npos ? 0 : feed + 1;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\f") == std::string_view::npos; }

// For each line of `text` whether it begins inside a string.
std::vector<bool> lines_inside_strings(std::string_view text) {
  std::vector<bool> inside(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1, false);
  for (const auto& token : tokens(text)) {
    if (token.kind != TokenKind::string && token.kind != TokenKind::error) continue;
    const auto piece = text.substr(token.bytes.begin, token.bytes.size());
    const auto feeds = static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
    for (std::size_t i = 1; i <= feeds; ++i) inside[token.line + i] = true;
  }
  return inside;
}

// Applies `change` to each line that is neither blank nor begins inside a string; false stops.
template <class Change>
bool each_code_line(std::string_view text, std::string& out, const Change& change) {
  const auto inside = lines_inside_strings(text);
  std::size_t begin = 0;
  for (std::size_t line = 0; line < inside.size(); ++line) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto content = text.substr(begin, end - begin);
    if (inside[line] || is_blank(content)) out.append(content);
    else if (!change(content, out)) return false;
    if (end < text.size()) out.push_back('\n');
    begin = end + 1;
  }
  return true;
}

class FunctionWalk {
 public:
  FunctionWalk(std::string_view text, std::vector<Function>& out) : text_(text), out_(out) {}

  void visit(TSTreeCursor& cursor, std::uint32_t depth, std::uint32_t nesting) {
    if (nesting > kNestingMax) return;
    const TSNode node = ts_tree_cursor_current_node(&cursor);
    const bool is_function = is_type(node, "function_definition");
    const std::size_t scope = scope_.size();
    if (is_function || is_type(node, "class_definition")) {
      const TSNode name = ts_node_child_by_field_name(node, "name", 4);
      if (!scope_.empty()) scope_.push_back('.');
      if (!ts_node_is_null(name)) scope_.append(text_.substr(ts_node_start_byte(name), ts_node_end_byte(name) - ts_node_start_byte(name)));
      if (is_function) add(node, depth);
    }
    if (ts_tree_cursor_goto_first_child(&cursor)) {
      do visit(cursor, depth + (is_function ? 1 : 0), nesting + 1);
      while (ts_tree_cursor_goto_next_sibling(&cursor));
      ts_tree_cursor_goto_parent(&cursor);
    }
    scope_.resize(scope);
  }

 private:
  static constexpr std::uint32_t kNestingMax = 2000;  // deeper functions are not looked for

  void add(TSNode node, std::uint32_t depth) {
    const TSNode parent = ts_node_parent(node);
    const bool decorated = !ts_node_is_null(parent) && is_type(parent, "decorated_definition");
    const TSNode whole = decorated ? parent : node;
    Function function;
    function.bytes = {ts_node_start_byte(whole), ts_node_end_byte(whole)};
    function.definition = {ts_node_start_byte(node), ts_node_end_byte(node)};
    function.line_begin = ts_node_start_point(whole).row;
    while (function.bytes.end > function.bytes.begin && std::strchr(" \t\r\n\f", text_[function.bytes.end - 1]) != nullptr) --function.bytes.end;
    function.definition.end = std::min(function.definition.end, function.bytes.end);
    const auto body = text_.substr(function.bytes.begin, function.bytes.size());
    function.line_end = function.line_begin + static_cast<std::uint32_t>(std::count(body.begin(), body.end(), '\n')) + 1;
    function.symbol = scope_;
    function.depth = depth;
    function.has_error = ts_node_has_error(whole);
    out_.push_back(std::move(function));
  }

  std::string_view text_;
  std::vector<Function>& out_;
  std::string scope_;
};

}  // namespace

Tree::Tree(TSTree* tree, std::string_view text) : tree_(tree), text_(text) {}
Tree::~Tree() {
  if (tree_ != nullptr) ts_tree_delete(tree_);
}
Tree::Tree(Tree&& other) noexcept : tree_(std::exchange(other.tree_, nullptr)), text_(other.text_) {}
Tree& Tree::operator=(Tree&& other) noexcept {
  std::swap(tree_, other.tree_);
  std::swap(text_, other.text_);
  return *this;
}
bool Tree::has_error() const { return ts_node_has_error(ts_tree_root_node(tree_)); }

struct Parser::State {
  TSParser* parser = nullptr;
  ~State() { ts_parser_delete(parser); }
};

Parser::Parser() : state_(std::make_unique<State>()) {
  state_->parser = ts_parser_new();
  [[maybe_unused]] const bool accepted = ts_parser_set_language(state_->parser, tree_sitter_python());
  assert(accepted);  // the grammar's ABI is pinned with the library
  ts_parser_set_timeout_micros(state_->parser, kParseMicrosMax);
}
Parser::~Parser() = default;

Result<Tree> Parser::parse(std::string_view text) {
  if (text.size() > kTextBytesMax) return Error{ErrorCode::too_large, "text over 16 MiB"};
  TSTree* tree = ts_parser_parse_string(state_->parser, nullptr, text.data(), static_cast<std::uint32_t>(text.size()));
  if (tree == nullptr) {
    ts_parser_reset(state_->parser);
    return Error{ErrorCode::too_complex, "parsing took longer than 5 s"};
  }
  return Tree(tree, text);
}

std::vector<Function> functions(const Tree& tree) {
  std::vector<Function> out;
  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree.raw()));
  FunctionWalk(tree.text(), out).visit(cursor, 0, 0);
  ts_tree_cursor_delete(&cursor);
  return out;
}

std::optional<Cut> cut_function(const Tree& tree, const Function& function) {
  const auto text = tree.text();
  const auto begin = line_start(text, function.bytes.begin);
  auto end = std::min(text.find('\n', function.bytes.end), text.size());
  if (end > function.bytes.end && text[end - 1] == '\r') --end;  // half of the line feed
  const auto rest = text.substr(function.bytes.end, end - function.bytes.end);
  const auto code_after = rest.find_first_not_of(" \t\r\f");
  if (code_after != std::string_view::npos && rest[code_after] != '#') return std::nullopt;
  Cut cut;
  cut.indent = text.substr(begin, function.bytes.begin - begin);
  if (cut.indent.find_first_not_of(" \t") != std::string::npos) return std::nullopt;
  cut.bytes = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  const auto removed = [&](std::string_view line, std::string& out) {
    if (!line.starts_with(cut.indent)) return false;
    out.append(line.substr(cut.indent.size()));
    return true;
  };
  if (!each_code_line(text.substr(begin, end - begin), cut.text, removed)) return std::nullopt;
  return cut;
}

std::string paste_function(std::string_view text, std::string_view indent) {
  std::string out;
  each_code_line(text, out, [&](std::string_view line, std::string& to) {
    to.append(indent).append(line);
    return true;
  });
  return out;
}

}  // namespace mendel::syntax
