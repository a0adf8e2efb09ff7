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

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr std::size_t kTextBytesMax = 16u << 20;
constexpr std::uint32_t kReusedChangesMax = 400;  // lines; more are one edit
constexpr std::uint64_t kParseMicrosMax = 5'000'000;

std::size_t line_start(std::string_view text, std::size_t at) {
  const auto feed = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return feed == std::string_view::npos ? 0 : feed + 1;
}

// Starts of the lines of `text` and, last, its end.
std::vector<std::size_t> line_starts(std::string_view text) {
  std::vector<std::size_t> out{0};
  for (auto feed = text.find('\n'); feed != std::string_view::npos; feed = text.find('\n', feed + 1)) out.push_back(feed + 1);
  if (out.back() != text.size()) out.push_back(text.size());
  return out;
}

// Row and column (in bytes) of the end of `text`, which begins at the start of `row`.
TSPoint point_after(std::string_view text, std::size_t row) {
  const auto rows = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const auto rest = rows == 0 ? text.size() : text.size() - text.rfind('\n') - 1;
  return {static_cast<std::uint32_t>(row + rows), static_cast<std::uint32_t>(rest)};
}

// Tells `tree`, a tree of `before`, what is otherwise in `after`: from the end to the front, so that places
// of `before` stay what they are.
void edit_by_lines(TSTree* tree, std::string_view before, std::string_view after) {
  const auto hunks = line_difference(before, after, kReusedChangesMax);
  const auto old_starts = line_starts(before), new_starts = line_starts(after);
  for (auto hunk = hunks.rbegin(); hunk != hunks.rend(); ++hunk) {
    const auto start = old_starts[hunk->before_begin], old_end = old_starts[hunk->before_end];
    const auto added = after.substr(new_starts[hunk->after_begin], new_starts[hunk->after_end] - new_starts[hunk->after_begin]);
    TSInputEdit edit;
    edit.start_byte = static_cast<std::uint32_t>(start);
    edit.old_end_byte = static_cast<std::uint32_t>(old_end);
    edit.new_end_byte = static_cast<std::uint32_t>(start + added.size());
    edit.start_point = {hunk->before_begin, 0};
    edit.old_end_point = point_after(before.substr(start, old_end - start), hunk->before_begin);
    edit.new_end_point = point_after(added, hunk->before_begin);
    ts_tree_edit(tree, &edit);
  }
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

// What a node is to the walk over functions.
enum class Role : std::uint8_t { other, function, class_, decorated, without };

// Nodes that hold no definition unless they hold an error.
constexpr std::string_view kWithout[] = {
    "argument_list", "assert_statement", "attribute", "binary_operator", "boolean_operator", "call", "comment", "comparison_operator", "decorator",
    "delete_statement", "dictionary", "expression_statement", "future_import_statement", "global_statement", "identifier", "import_from_statement",
    "import_statement", "list", "nonlocal_statement", "not_operator", "parameters", "pass_statement", "raise_statement", "return_statement",
    "string", "subscript", "tuple", "type"};

Role role_of(std::string_view name) {
  if (name == "function_definition") return Role::function;
  if (name == "class_definition") return Role::class_;
  if (name == "decorated_definition") return Role::decorated;
  return std::find(std::begin(kWithout), std::end(kWithout), name) != std::end(kWithout) ? Role::without : Role::other;
}

// By symbol of the grammar; comparing names at every node would cost more than the walk.
const std::vector<Role>& roles() {
  static const std::vector<Role> table = [] {
    const auto* language = tree_sitter_python();
    std::vector<Role> out;
    for (std::uint32_t symbol = 0; symbol < ts_language_symbol_count(language); ++symbol)
      out.push_back(role_of(ts_language_symbol_name(language, static_cast<TSSymbol>(symbol))));
    return out;
  }();
  return table;
}

class FunctionWalk {
 public:
  FunctionWalk(std::string_view text, std::vector<Function>& out) : text_(text), out_(out), roles_(roles()) {}

  // `parent` is that of the cursor's node if it is a decorated definition.
  void visit(TSTreeCursor& cursor, const TSNode* parent, std::uint32_t depth, std::uint32_t nesting) {
    if (nesting > kNestingMax) return;
    const TSNode node = ts_tree_cursor_current_node(&cursor);
    const Role role = role_at(node);
    if (role == Role::without && !ts_node_has_error(node)) return;
    const bool is_function = role == Role::function;
    const std::size_t scope = scope_.size();
    if (is_function || role == Role::class_) {
      const TSNode name = ts_node_child_by_field_name(node, "name", 4);
      if (!scope_.empty()) scope_.push_back('.');
      if (!ts_node_is_null(name)) scope_.append(text_.substr(ts_node_start_byte(name), ts_node_end_byte(name) - ts_node_start_byte(name)));
      if (is_function) add(node, parent == nullptr ? node : *parent, depth);
    }
    if (ts_tree_cursor_goto_first_child(&cursor)) {
      do visit(cursor, role == Role::decorated ? &node : nullptr, depth + (is_function ? 1 : 0), nesting + 1);
      while (ts_tree_cursor_goto_next_sibling(&cursor));
      ts_tree_cursor_goto_parent(&cursor);
    }
    scope_.resize(scope);
  }

 private:
  static constexpr std::uint32_t kNestingMax = 2000;  // deeper functions are not looked for

  Role role_at(TSNode node) const {
    const auto symbol = ts_node_symbol(node);  // that of an error node lies outside the table
    return symbol < roles_.size() ? roles_[symbol] : Role::other;
  }

  // `whole` is `node` with its decorators.
  void add(TSNode node, TSNode whole, std::uint32_t depth) {
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
  const std::vector<Role>& roles_;
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

Result<Tree> Parser::parse(std::string_view text, const Tree& similar) {
  if (similar.has_error() || text.size() > kTextBytesMax) return parse(text);
  auto* copy = ts_tree_copy(similar.raw());
  const Tree edited(copy, similar.text());
  edit_by_lines(copy, similar.text(), text);
  TSTree* tree = ts_parser_parse_string(state_->parser, copy, text.data(), static_cast<std::uint32_t>(text.size()));
  if (tree == nullptr) {
    ts_parser_reset(state_->parser);
    return parse(text);
  }
  Tree out(tree, text);
  if (out.has_error()) return parse(text);
  return out;
}

std::vector<Function> functions(const Tree& tree) {
  std::vector<Function> out;
  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree.raw()));
  FunctionWalk(tree.text(), out).visit(cursor, nullptr, 0, 0);
  ts_tree_cursor_delete(&cursor);
  return out;
}

std::optional<Cut> cut_function(const Tree& tree, const Function& function) {
  const auto text = tree.text();
  auto begin = line_start(text, function.bytes.begin);
  if (begin == 0 && text.starts_with(kByteOrderMark)) begin = kByteOrderMark.size();
  auto end = std::min(text.find('\n', function.bytes.end), text.size());
  if (end < text.size() && end > function.bytes.end && text[end - 1] == '\r') --end;  // the line ends in CRLF
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
