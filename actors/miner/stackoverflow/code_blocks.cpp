// Fragments are found by their tags. Most are plain text between them; in any other the parser decides, as a browser would.
#include "actors/miner/stackoverflow/code_blocks.hpp"

#include <gumbo.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "actors/miner/stackoverflow/post_rows.hpp"

namespace mendel::miner {
namespace {

constexpr std::string_view kOpen = "<pre", kClose = "</pre>", kLanguage = "lang-";

std::string language_of(std::string_view value) {
  const auto at = value.find(kLanguage);
  if (at == std::string_view::npos) return {};
  const auto name = value.substr(at + kLanguage.size());
  return std::string(name.substr(0, name.find_first_of(" \t")));
}

std::string language_in(const GumboNode& element) {
  const GumboAttribute* attribute = gumbo_get_attribute(&element.v.element.attributes, "class");
  return attribute == nullptr ? std::string() : language_of(attribute->value);
}

// Text in which HTML means what XML means.
bool is_plain(std::string_view text) {
  static constexpr std::string_view kEntities[] = {"&lt;", "&gt;", "&amp;", "&quot;"};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c < ' ' && c != '\n' && c != '\t') || c == '<' || c == '\x7F') return false;
    const auto rest = text.substr(i);
    if (c == '&' && std::none_of(std::begin(kEntities), std::end(kEntities), [&](auto entity) { return rest.starts_with(entity); })) return false;
  }
  return true;
}

// <pre><code>plain text</code></pre>, with or without a class of the <pre>; nothing of any other fragment.
std::optional<CodeBlock> plain_block(std::string_view fragment) {
  static constexpr std::string_view kClass = " class=\"", kCode = "><code>", kEnd = "</code></pre>";
  if (!fragment.ends_with(kEnd)) return std::nullopt;
  fragment.remove_prefix(kOpen.size());
  fragment.remove_suffix(kEnd.size());
  CodeBlock out;
  if (fragment.starts_with(kClass)) {
    fragment.remove_prefix(kClass.size());
    const auto value = fragment.substr(0, fragment.find('"'));
    if (value.find_first_of("&\n") != std::string_view::npos || !is_plain(value) || value.size() == fragment.size()) return std::nullopt;
    out.language = language_of(value);
    fragment.remove_prefix(value.size() + 1);
  }
  if (!fragment.starts_with(kCode)) return std::nullopt;
  fragment.remove_prefix(kCode.size());
  if (!is_plain(fragment)) return std::nullopt;
  append_decoded(fragment, out.text);
  return out;
}

void append_text(const GumboNode& node, std::string& out) {
  if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE || node.type == GUMBO_NODE_CDATA) out += node.v.text.text;
  if (node.type != GUMBO_NODE_ELEMENT) return;
  for (unsigned i = 0; i < node.v.element.children.length; ++i) append_text(*static_cast<const GumboNode*>(node.v.element.children.data[i]), out);
}

// The first element of the kind below `node`, or null.
const GumboNode* find(const GumboNode& node, GumboTag tag) {
  if (node.type != GUMBO_NODE_ELEMENT) return nullptr;
  if (node.v.element.tag == tag) return &node;
  for (unsigned i = 0; i < node.v.element.children.length; ++i)
    if (const auto* found = find(*static_cast<const GumboNode*>(node.v.element.children.data[i]), tag); found != nullptr) return found;
  return nullptr;
}

std::optional<CodeBlock> parse(std::string_view fragment) {
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;
  const auto close = [&options](GumboOutput* output) { gumbo_destroy_output(&options, output); };
  const std::unique_ptr<GumboOutput, decltype(close)> output(gumbo_parse_with_options(&options, fragment.data(), fragment.size()), close);
  const auto* pre = output ? find(*output->root, GUMBO_TAG_PRE) : nullptr;
  const auto* code = pre == nullptr ? nullptr : find(*pre, GUMBO_TAG_CODE);
  if (code == nullptr) return std::nullopt;
  CodeBlock block;
  append_text(*code, block.text);
  block.language = language_in(*pre);
  if (block.language.empty()) block.language = language_in(*code);
  return block;
}

}  // namespace

std::vector<CodeBlock> code_blocks(std::string_view html) {
  std::vector<CodeBlock> out;
  while (out.size() < kBlocksMax) {
    const auto begin = html.find(kOpen);
    if (begin == std::string_view::npos) break;
    const auto end = html.find(kClose, begin);
    const auto fragment = html.substr(begin, end == std::string_view::npos ? end : end - begin + kClose.size());
    html.remove_prefix(begin + fragment.size());
    if (fragment.size() > kPreBytesMax || std::count(fragment.begin(), fragment.end(), '<') > static_cast<std::ptrdiff_t>(kPreTagsMax)) continue;
    auto block = plain_block(fragment);
    if (!block) block = parse(fragment);
    if (block) out.push_back(*std::move(block));
  }
  return out;
}

}  // namespace mendel::miner
