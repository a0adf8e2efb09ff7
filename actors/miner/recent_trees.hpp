// Parse trees of the files seen last. A history is walked from version to version, and the next version
// of a file is parsed in little more than the time of what changed (syntax::Parser::parse beside a tree).
#pragma once

#include <list>
#include <string>
#include <string_view>

#include "actors/syntax/tree.hpp"
#include "proto/result.hpp"

namespace mendel::miner {

// Owns its parser. Not thread-safe. What it answers does not depend on what it holds.
class RecentTrees {
 public:
  // Keeps at most `text_bytes_max` bytes of text with their trees (each about twenty times as large), but
  // always the newest.
  explicit RecentTrees(std::size_t text_bytes_max = 1u << 20) : text_bytes_max_(text_bytes_max) {}

  // The tree of `text` over a copy of it; both live until the next call. Errors are those of the parser.
  Result<const syntax::Tree*> parse(std::string_view path, std::string_view text);

  syntax::Parser& parser() { return parser_; }

 private:
  struct Version {
    std::string path, text;
    syntax::Tree tree;  // over `text`
  };
  using Versions = std::list<Version>;  // newest first; places in memory stay

  syntax::Parser parser_;
  std::size_t text_bytes_max_;
  Versions versions_;
};

}  // namespace mendel::miner
