// The synchronisation as terms of the head's readings, and the ticks that a loss looks at.
#include "ctm_reading.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace mendel::model {

CtmReading::CtmReading(ParameterSet& parameters, const std::string& prefix, std::int64_t synchronisation, std::int64_t width)
    : parameters_(parameters), width_(width) {
  const auto matrix = [&](const char* name, std::int64_t in) {
    return parameters.add(prefix + name, {width, in}, {Start::Kind::truncated_normal, 1 / std::sqrt(static_cast<double>(in))}, true);
  };
  query_ = matrix("read.start.query", synchronisation);
  key_ = matrix("read.start.key", width);
  end_ = matrix("read.end", synchronisation);
  context_ = matrix("read.context", synchronisation);
  none_ = add_linear(parameters, prefix + "read.no_bug", synchronisation, 1);
}

at::Tensor CtmReading::start_terms(const at::Tensor& s_bks, const at::Tensor& h_btd) const {
  // The key map goes to the query's side, as in the head.
  const auto query_bkd = linear_transposed(linear(s_bks, parameters_[query_]), parameters_[key_]);
  const auto cells_bkt = at::bmm(query_bkd, h_btd.transpose(1, 2)) / std::sqrt(static_cast<double>(width_));
  const auto none_bk1 = at::linear(s_bks, parameters_[none_.weight].value, parameters_[none_.bias].value);
  return at::cat({cells_bkt, none_bk1}, 2);
}

Guidance CtmReading::edit_guidance(const at::Tensor& s_bs) const {
  return {{}, linear(s_bs, parameters_[end_]), linear(s_bs, parameters_[context_])};
}

at::Tensor alikeness(const at::Tensor& normal_bs) {
  const auto b = static_cast<double>(normal_bs.size(0));
  const auto cosine_bb = at::mm(normal_bs, normal_bs.t()) / static_cast<double>(normal_bs.size(1));
  return (cosine_bb.square().sum() - cosine_bb.diagonal().square().sum()) / (b * (b - 1));
}

TickChoice choose_ticks(const std::string& loss, const at::Tensor& ce_bk, const at::Tensor& certainty_bk) {
  const auto b = ce_bk.size(0), k = ce_bk.size(1);
  const auto whole = ce_bk.options().dtype(at::kLong);
  const auto last_b = at::full({b}, k - 1, whole), turn_b = at::arange(b, whole);
  TickChoice out{last_b, last_b, last_b};
  if (loss == "mean") {
    out.edit_b = turn_b.remainder(k);
    return out;
  }
  if (loss == "last") return out;
  out.second_b = certainty_bk.argmax(1);
  if (loss == "least-certain") out.first_b = ce_bk.argmin(1);
  out.edit_b = at::where(turn_b.remainder(2).eq(0), out.second_b, out.first_b);
  return out;
}

}  // namespace mendel::model
