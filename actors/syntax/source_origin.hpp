// Which files are no work of the project that holds them: copies of other projects and what tools wrote.
// Bugs put into them would be counted as the project's, and copies lie in many projects.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mendel::syntax {

// One row: by the path or by the head of the text.
struct OriginRule {
  const char* reason;  // vendored, generated
  const char* description;
  const char* folders;  // names, separated by spaces; any folder of the path
  const char* files;  // patterns of file names with one '*' at most
  const char* phrase;  // in a comment or docstring of the head of the text, lower case
  const char* example_path;
  const char* example_text;
};

std::span<const OriginRule> origin_rules();

// The reason of the first rule that fits, or empty. Folders above installed packages (site-packages,
// dist-packages) do not count: they hold what is looked at. Reads kHeadLines lines of the text at most.
const char* why_not_own(std::string_view path, std::string_view text);

inline constexpr int kHeadLines = 20;

// As why_not_source(bytes, bytes_max) of source_text.hpp, then why_not_own.
const char* why_not_source(std::string_view path, std::string_view bytes, std::uint64_t bytes_max);

}  // namespace mendel::syntax
