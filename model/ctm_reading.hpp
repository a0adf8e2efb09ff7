// How the span-edit head hears a CTM: its synchronisation S adds to the head's own logits of start and
// NO_BUG, to the query of the end and to the decoder's context. The cells go to the head as they are.
#pragma once

#include "model/ctm.hpp"
#include "model/span_head.hpp"

namespace mendel::model {

// B samples, K ticks, T cells, S width of the synchronisation, d width of the cells. S comes in normalised
// (`normal`). The parameters must outlive it and its graphs.
class CtmReading {
 public:
  CtmReading(ParameterSet& parameters, const std::string& prefix, std::int64_t synchronisation, std::int64_t width);

  // LayerNorm without gain: it bounds what is read however loud the machine became.
  static at::Tensor normal(const at::Tensor& s) { return at::layer_norm(s, {s.size(-1)}); }

  // Terms of the start logits and of NO_BUG's: [B, K, S], cells [B, T, d] -> [B, K, T + 1].
  at::Tensor start_terms(const at::Tensor& s_bks, const at::Tensor& h_btd) const;
  // Terms of the end's query and of the decoder's context at one tick, S [B, S].
  Guidance edit_guidance(const at::Tensor& s_bs) const;

 private:
  ParameterSet& parameters_;
  std::int64_t width_;
  std::size_t query_, key_, end_, context_;
  LinearIndex none_;
};

// Mean squared cosine between different rows of S [B, S], as `normal` made them; B > 1.
at::Tensor alikeness(const at::Tensor& normal_bs);

// Which ticks are trained, for each sample: the start is trained at both (half each), end and tokens at
// one of the two in turn. loss: as CtmSettings::loss; ce and certainty [B, K] without gradient.
struct TickChoice {
  at::Tensor first_b, second_b, edit_b;  // int64
};
TickChoice choose_ticks(const std::string& loss, const at::Tensor& ce_bk, const at::Tensor& certainty_bk);

}  // namespace mendel::model
