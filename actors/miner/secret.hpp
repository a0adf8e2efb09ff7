// A text that must not be seen: not printed, not copied, wiped when it goes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace mendel::miner {

class Secret {
 public:
  explicit Secret(std::string text) : text_(std::move(text)) {}
  ~Secret() { wipe(); }
  Secret(Secret&& other) noexcept : text_(other.text_) { other.wipe(); }
  Secret& operator=(Secret&&) = delete;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // For the one who sends it, and for the one who looks whether a text holds it.
  std::string_view reveal() const { return text_; }

 private:
  // Through volatile, because a store before the end of a life is otherwise left out.
  void wipe() {
    for (volatile char* at = text_.data(); at != text_.data() + text_.size(); ++at) *at = '\0';
    text_.clear();
  }

  std::string text_;
};

}  // namespace mendel::miner
