// The span-edit head: P(start cell or NO_BUG) * P(end | start) * P(new tokens | span), the last by a GRU
// that mixes copying a cell's token with the vocabulary (tied to the embedding).
//
// Shapes: B samples, T cells, R edits of one sample under consideration (1 in training), L new tokens,
// V vocabulary, d width.
#pragma once

#include <vector>

#include "model/layers.hpp"
#include "model/repair_model.hpp"

namespace mendel::model {

// What a batch should answer.
struct Targets {
  at::Tensor start_b;  // int64: first cell, or T for a clean sample
  at::Tensor first_b, end_b;  // int64; 0 for clean samples
  at::Tensor tokens_bl, previous_bl;  // int64: new tokens and <eos>, padded; the same one step later after <bos>
  at::Tensor valid_m, sample_m;  // int64: the M real steps of bugs as indices into [B * L], and their samples
  at::Tensor bug_b;  // float 1 or 0
};
Targets make_targets(std::span<const Sample> samples, const Batch& batch);

// Sums over the samples of the batch, nats. `halt` is defined where a model learns when to stop,
// `diversity` where synchronisations are kept apart.
struct HeadLoss {
  at::Tensor start, end, tokens, halt, diversity;
  at::Tensor total() const;
};

// What the thought between cells and head adds to the head's own readings: a start and NO_BUG logit
// [B, T + 1], and terms of the end's query and of the decoder's context [B, d]. Undefined: nothing.
struct Guidance {
  at::Tensor start_bt1, end_query_bd, context_bd;
};

class SpanHead {
 public:
  SpanHead(const ModelSettings& settings, ParameterSet& parameters, const TokenTable& tokens);

  // The rows of real and padded cells as [B, T, d].
  at::Tensor cells(const Hidden& h, const Batch& batch) const;
  // Logits of the start cells and of NO_BUG [B, T + 1], before any guidance; -1e4 on padding.
  at::Tensor start_logits(const Hidden& h, const Batch& batch) const;
  // Loss of end and tokens given the true start. With `right_b` also which samples' ends and tokens are
  // all likeliest (1 or 0; clean ones are).
  HeadLoss edit_loss(const Hidden& h, const Batch& batch, const Targets& targets, const Guidance& guidance, at::Tensor* right_b) const;
  // All three.
  HeadLoss loss(const Hidden& h, const Batch& batch, const Targets& targets, const Guidance& guidance = {}) const;
  // The same and the halting score's: half the binary cross entropy with "everything right", where `halts`.
  HeadLoss halting_loss(const Hidden& h, const Batch& batch, const Targets& targets) const;
  bool halts() const { return halts_; }
  at::Tensor halt_logits(const Hidden& h, const Batch& batch) const;  // [B], from a sample's first cell

  // The best `candidates` proposals of each sample, likeliest first: so many starts (three at least), the best end of
  // each, tokens greedily, and where more than one is asked for also after the second best first token.
  std::vector<std::vector<Proposal>> propose(const Hidden& h, const Batch& batch, std::uint32_t candidates, const Guidance& guidance = {}) const;

 private:
  struct Edits;
  at::Tensor start_log_probabilities(const Hidden& h, const Batch& batch, const Guidance& guidance) const;  // [B, T + 1]
  at::Tensor end_log_probabilities(const at::Tensor& h_btd, const Batch& batch, const at::Tensor& first_br, const Guidance& guidance) const;  // [B, R, T]
  at::Tensor context(const at::Tensor& h_btd, const at::Tensor& first_br, const at::Tensor& end_br, const Guidance& guidance) const;  // [B, R, d]
  // Which samples have all of their new tokens likeliest: [B] of 1 and 0.
  at::Tensor tokens_right(const at::Tensor& copy_mt, const at::Tensor& vocabulary_mv, const at::Tensor& gate_m, const at::Tensor& target_m, const Batch& batch,
                          const Targets& targets) const;
  struct Mixture {
    at::Tensor copy_bqt;  // probability of copying each cell
    at::Tensor state_bqd;  // what vocabulary and gate are read from
  };
  Mixture mix(const at::Tensor& query_bqd, const at::Tensor& h_btd, const Batch& batch, const at::Tensor& first_bq) const;
  at::Tensor vocabulary_logits(const at::Tensor& state_md) const;
  at::Tensor gate_logits(const at::Tensor& state_md) const;
  // previous [K, L] tokens, context [K, d], hidden [K, d] -> queries [K, L, d]; `hidden` is replaced.
  at::Tensor decode(const at::Tensor& previous_kl, const at::Tensor& context_kd, at::Tensor& hidden) const;
  void write_tokens(Edits& edits, const at::Tensor& h_btd, const Batch& batch, const Guidance& guidance) const;

  const Parameter& p(std::size_t index) const { return parameters_[index]; }
  std::int64_t d_;
  ParameterSet& parameters_;
  struct Score {
    std::size_t hidden, hidden_bias, weight, bias;
  };
  Score add_score(const std::string& name);
  at::Tensor scored(const Hidden& x, const Score& s) const;
  ScoreHead score(const Score& s) const { return {&p(s.hidden), &p(s.hidden_bias), &p(s.weight), &p(s.bias)}; }
  Score start_, no_bug_;
  TokenTable tokens_;
  bool halts_;
  std::size_t halt_ = 0, halt_bias_ = 0;
  std::size_t end_query_, end_key_, end_length_, context_, first_state_, first_state_bias_;
  std::size_t gru_input_, gru_hidden_, gru_input_bias_, gru_hidden_bias_;
  std::size_t copy_query_, copy_key_, copy_out_, vocabulary_out_, vocabulary_bias_, gate_, gate_bias_, copy_distance_;
};

}  // namespace mendel::model
