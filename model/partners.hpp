// Several processes that train one model together: torch's own c10d over gloo.
//
// All processes run the same program on the same dataset; each computes its share of every batch's parts, then
// everyone has everyone's sums. Traffic is neither encrypted nor authenticated (nor is torchrun's): use a
// network that only the partners share. A build without c10d's headers has `join` say so.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "model/training.hpp"

namespace mendel::model {

// Not thread-safe. All partners must call the same functions in the same order. A partner that ends, or that
// answers nothing for the timeout, is a failure of every call from then on (Fault::partner_lost).
class Partners {
 public:
  // Blocks until all have come. invalid: a rank or size that cannot be, or a build without c10d.
  static Expected<std::unique_ptr<Partners>> join(const Group& group);
  virtual ~Partners() = default;

  virtual std::uint32_t rank() const = 0;
  virtual std::uint32_t size() const = 0;
  // Everyone's tensor, in order of rank; all have the shape, type and device of `mine`. What is on a GPU goes by way of
  // the host: gradients of these models are some 30 to 60 MB, a step of theirs takes far longer than that copy.
  virtual Expected<std::vector<at::Tensor>> gather(const at::Tensor& mine) = 0;
  // The first partner's numbers, into `tensor` of all.
  virtual Expected<bool> broadcast(at::Tensor& tensor) = 0;
};

// The first partner's text, at all of them.
Expected<std::string> broadcast_text(Partners& partners, const std::string& text);

}  // namespace mendel::model
