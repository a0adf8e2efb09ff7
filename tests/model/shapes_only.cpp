// Kernels that LibTorch has no C++ ones of for its device `meta`, whose tensors have shapes and no numbers.
#include <ATen/ATen.h>
#include <torch/library.h>

namespace {

at::Tensor index_select(const at::Tensor& self, std::int64_t dim, const at::Tensor& index) {
  TORCH_CHECK(index.is_meta(), "index_select: the index is on another device");
  auto shape = self.sizes().vec();
  shape[static_cast<std::size_t>(dim < 0 ? dim + self.dim() : dim)] = index.numel();
  return at::empty(shape, self.options());
}

at::Tensor embedding_dense_backward(const at::Tensor& grad, const at::Tensor& indices, c10::SymInt rows, c10::SymInt, bool) {
  TORCH_CHECK(indices.is_meta(), "embedding: the indices are on another device");
  return at::empty({rows.expect_int(), grad.size(-1)}, grad.options());
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("index_select", &index_select);
  m.impl("embedding_dense_backward", &embedding_dense_backward);
}
