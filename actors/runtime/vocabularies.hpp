// The vocabularies that came with encoding work, parsed once and shared by a node's encoders.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "actors/encoder/tokenizer.hpp"
#include "proto/result.hpp"

namespace mendel::runtime {

// Thread-safe.
class Vocabularies {
 public:
  // corrupt if `merges` is not the vocabulary of that hash.
  Outcome add(const std::string& hash, std::string_view merges) {
    auto parsed = encoder::Tokenizer::from_merges(merges);
    if (!parsed) return parsed.error();
    if (parsed->hash() != hash) return Error{ErrorCode::corrupt, "vocabulary " + hash + " came with the content of " + parsed->hash()};
    const std::lock_guard lock(mutex_);
    known_[hash] = std::make_shared<const encoder::Tokenizer>(std::move(*parsed));
    return Done{};
  }

  // Nothing if it never came.
  std::shared_ptr<const encoder::Tokenizer> get(const std::string& hash) const {
    const std::lock_guard lock(mutex_);
    const auto at = known_.find(hash);
    return at == known_.end() ? nullptr : at->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const encoder::Tokenizer>> known_;
};

}  // namespace mendel::runtime
