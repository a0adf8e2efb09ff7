// Secrets out of texts that are kept or shown: user and password in addresses, tokens by their known
// shapes, and what stands behind words like "token=" or "Authorization:".
#pragma once

#include <string>
#include <string_view>

namespace mendel::runtime {

// The text with each secret replaced by "***". Linear in the text.
std::string redacted(std::string_view text);

}  // namespace mendel::runtime
