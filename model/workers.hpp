// A few threads that share the parts of a step. Each product inside a part runs on its own thread alone
// (one thread in Torch), so results do not depend on how many workers there are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace mendel::model {

class Workers {
 public:
  // `threads` >= 1, the caller's own included.
  explicit Workers(std::uint32_t threads);
  ~Workers();

  // Calls part(i) for i in [0, parts), each once, on any of the threads; returns when all are done. An
  // exception of a part is thrown here once the others have ended. Not for two callers at once.
  void run(std::size_t parts, const std::function<void(std::size_t)>& part);

  // CPU seconds of the calling thread (all it ever took) and of the other workers; differences count.
  double cpu_s() const;
  std::uint32_t threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mendel::model
