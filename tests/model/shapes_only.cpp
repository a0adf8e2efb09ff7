// Kernels that LibTorch has no C++ ones of for its device `meta`, whose tensors have shapes and no numbers.
#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
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

at::Tensor& where_out(const at::Tensor& condition, const at::Tensor& a, const at::Tensor& b, at::Tensor& out) {
  // Numbers without a dimension may come from the host, as everywhere.
  for (const auto* t : {&condition, &a, &b}) TORCH_CHECK(t->is_meta() || t->dim() == 0, "where: an argument is on another device");
  out.resize_(at::infer_size(at::infer_size(condition.sizes(), a.sizes()), b.sizes()));
  return out;
}

at::Tensor& both_out(const at::Tensor& a, const at::Tensor& b, at::Tensor& out) {
  for (const auto* t : {&a, &b}) TORCH_CHECK(t->is_meta() || t->dim() == 0, "an argument is on another device");
  out.resize_(at::infer_size(a.sizes(), b.sizes()));
  return out;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm_backward(const at::Tensor& grad, const at::Tensor& x, c10::SymIntArrayRef, const at::Tensor&, const at::Tensor&,
                                                                   const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias, std::array<bool, 3> wanted) {
  TORCH_CHECK(grad.is_meta() && x.is_meta(), "layer_norm: an argument is on another device");
  const auto like = [](bool wants, const std::optional<at::Tensor>& t) { return wants && t && t->defined() ? at::empty_like(*t) : at::Tensor(); };
  return {wanted[0] ? at::empty_like(x) : at::Tensor(), like(wanted[1], weight), like(wanted[2], bias)};
}

at::Tensor glu_backward(const at::Tensor& grad, const at::Tensor& x, std::int64_t) {
  TORCH_CHECK(grad.is_meta() && x.is_meta(), "glu: an argument is on another device");
  return at::empty_like(x);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm(const at::Tensor& x, c10::SymIntArrayRef normalized, const std::optional<at::Tensor>& weight,
                                                          const std::optional<at::Tensor>& bias, double) {
  for (const auto* t : {&weight, &bias}) TORCH_CHECK(!*t || !(*t)->defined() || (*t)->is_meta(), "layer_norm: an argument is on another device");
  auto shape = x.sizes().vec();
  std::fill(shape.end() - static_cast<std::ptrdiff_t>(normalized.size()), shape.end(), 1);
  const auto mean = at::empty(shape, x.options());
  return {at::empty_like(x), mean, at::empty_like(mean)};
}

std::tuple<at::Tensor, at::Tensor> log_sigmoid(const at::Tensor& x) { return {at::empty_like(x), at::empty_like(x)}; }

at::Tensor log_sigmoid_backward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& buffer) {
  TORCH_CHECK(grad.is_meta() && x.is_meta() && buffer.is_meta(), "log_sigmoid: an argument is on another device");
  return at::empty_like(x);
}

at::Tensor where(const at::Tensor& condition, const at::Tensor& a, const at::Tensor& b) {
  auto out = at::empty({0}, (a.is_meta() ? a : b).options().dtype(at::result_type(a, b)).device(at::kMeta));
  return where_out(condition, a, b, out);
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("index_select", &index_select);
  m.impl("logical_or.out", &both_out);
  m.impl("logical_and.out", &both_out);
  m.impl("native_layer_norm", &layer_norm);
  m.impl("native_layer_norm_backward", &layer_norm_backward);
  m.impl("glu_backward", &glu_backward);
  m.impl("log_sigmoid_forward", &log_sigmoid);
  m.impl("log_sigmoid_backward", &log_sigmoid_backward);
  m.impl("where.self", &where);
  m.impl("where.self_out", &where_out);
  m.impl("embedding_dense_backward", &embedding_dense_backward);
}
