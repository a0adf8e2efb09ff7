// Python source as tree-sitter sees it: survives broken code, says where functions and tokens are.
//
// On the data's way: every source of pairs cuts functions out of files here; the mutator edits at
// node positions; the validator compares tokens. What is *valid* only CPython says (python_checker).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

struct TSTree;

namespace mendel::syntax {

// Bytes [begin, end) of the text.
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t size() const { return end - begin; }
  auto operator<=>(const Range&) const = default;
};

// A parse tree over a text that the caller keeps alive and unchanged. Movable, not thread-safe.
class Tree {
 public:
  Tree(TSTree* tree, std::string_view text);
  ~Tree();
  Tree(Tree&&) noexcept;
  Tree& operator=(Tree&&) noexcept;

  std::string_view text() const { return text_; }
  const TSTree* raw() const { return tree_; }
  // True if the tree holds an error or a missing node anywhere.
  bool has_error() const;

 private:
  TSTree* tree_;
  std::string_view text_;
};

// Owns one tree-sitter parser; keep one a thread.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Parses UTF-8 text. too_large above 16 MiB, too_complex if the parser gives up (its time limit,
  // `kParseMicrosMax`); a text with errors is a value, see Tree::has_error.
  Result<Tree> parse(std::string_view text);

  // The same tree as parse(text), in little more than the time of the lines that `text` does not share with
  // the text of `similar`: for versions of a file. Anything broken on either side is parsed afresh.
  Result<Tree> parse(std::string_view text, const Tree& similar);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One function definition. Lines are 0-based, `line_end` one past the last.
struct Function {
  Range bytes;  // from the first decorator, or `def`/`async`, to the end of the body, no line feed
  Range definition;  // without decorators
  std::uint32_t line_begin = 0;
  std::uint32_t line_end = 0;
  std::string symbol;  // dotted: Class.method, outer.inner
  std::uint32_t depth = 0;  // functions around it: 0 for one that is in no other function
  bool has_error = false;
};

// All functions in order of their start, nested ones included.
std::vector<Function> functions(const Tree& tree);

// A function's text on its own: whole lines, the indentation of its first line removed from every
// line that is neither blank nor begins inside a string. No line feed at the end. Nothing if a line is
// indented less or otherwise (mixed tabs), or the function shares a line with other code.
struct Cut {
  std::string text;
  std::string indent;  // what was removed from each line
  Range bytes;  // of the whole lines in the file: what paste_function(text, indent) gives back
};
std::optional<Cut> cut_function(const Tree& tree, const Function& function);

// The inverse: puts `indent` back in front of every line that is neither blank nor begins inside a
// string. `text` need not parse; strings are found by the scanner of tokens.hpp.
std::string paste_function(std::string_view text, std::string_view indent);

}  // namespace mendel::syntax
