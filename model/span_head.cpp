// The span-edit head: its loss on known edits and its search for the best ones.
#include "span_head.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "operations.hpp"

namespace mendel::model {
namespace {

constexpr std::int64_t kCopyDistance = 40;  // beyond that all distances share one bias
constexpr std::uint32_t kStartsConsidered = 3;  // the likeliest start need not have the likeliest edit
constexpr double kMasked = -1e4;
constexpr double kFloor = 1e-8;  // under a token's probability

// rows b * T + index, clamped into the sample: index [B, R] -> cells [B, R, d].
at::Tensor cells_at(const at::Tensor& h_btd, const at::Tensor& index_br) {
  const auto samples = h_btd.size(0), columns = h_btd.size(1), d = h_btd.size(2);
  const auto base_b1 = at::arange(samples, index_br.options()).unsqueeze(1) * columns;
  const auto flat = (index_br.clamp(0, columns - 1) + base_b1).view({-1});
  return h_btd.reshape({samples * columns, d}).index_select(0, flat).view({samples, index_br.size(1), d});
}

at::Tensor distances(const Batch& batch, const at::Tensor& first_br) {
  return at::arange(batch.columns, first_br.options()).view({1, 1, -1}) - first_br.unsqueeze(2);  // [B, R, T]
}

// A table of one column, read at `index` (any shape).
at::Tensor lookup(const Parameter& table, const at::Tensor& index) {
  return table.value.view({-1}).index_select(0, index.reshape({-1})).view(index.sizes());
}

}  // namespace

Targets make_targets(std::span<const Sample> samples, const Batch& batch) {
  Targets t;
  std::int64_t steps = 1;
  for (const auto& s : samples)
    if (s.edit) steps = std::max(steps, static_cast<std::int64_t>(s.edit->tokens.size()) + 1);
  const auto count = batch.samples;
  t.start_b = at::full({count}, batch.columns, at::kLong);
  t.first_b = at::zeros({count}, at::kLong);
  t.end_b = at::zeros({count}, at::kLong);
  t.tokens_bl = at::zeros({count, steps}, at::kLong);
  t.previous_bl = at::zeros({count, steps}, at::kLong);
  t.bug_b = at::zeros({count});
  std::vector<std::int64_t> valid, owner;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& edit = samples[static_cast<std::size_t>(i)].edit;
    auto* tokens = t.tokens_bl.data_ptr<std::int64_t>() + i * steps;
    auto* previous = t.previous_bl.data_ptr<std::int64_t>() + i * steps;
    previous[0] = kBosId;
    if (!edit) continue;
    t.bug_b.data_ptr<float>()[i] = 1;
    t.start_b.data_ptr<std::int64_t>()[i] = t.first_b.data_ptr<std::int64_t>()[i] = edit->first;
    t.end_b.data_ptr<std::int64_t>()[i] = edit->end;
    const auto size = edit->tokens.size();
    for (std::size_t l = 0; l <= size; ++l) {
      tokens[l] = l < size ? edit->tokens[l] : kEosId;
      if (l < size) previous[l + 1] = tokens[l];
      valid.push_back(i * steps + static_cast<std::int64_t>(l));
      owner.push_back(i);
    }
  }
  t.valid_m = at::tensor(valid, at::kLong);
  t.sample_m = at::tensor(owner, at::kLong);
  const auto device = batch.ids_bt.device();
  for (auto* moved : {&t.start_b, &t.first_b, &t.end_b, &t.tokens_bl, &t.previous_bl, &t.valid_m, &t.sample_m, &t.bug_b}) *moved = moved->to(device);
  return t;
}

at::Tensor HeadLoss::total() const {
  auto sum = start + end + tokens;
  for (const auto* t : {&halt, &diversity})
    if (t->defined()) sum = sum + *t;
  return sum;
}

SpanHead::Score SpanHead::add_score(const std::string& name) {
  const Start uniform{Start::Kind::uniform, 1 / std::sqrt(static_cast<double>(d_))};
  return {parameters_.add(name + ".hidden.weight", {d_, d_}, uniform, true), parameters_.add(name + ".hidden.bias", {d_}, uniform, false),
          parameters_.add(name + ".out.weight", {1, d_}, uniform, false), parameters_.add(name + ".out.bias", {1}, uniform, false)};
}

SpanHead::SpanHead(const ModelSettings& settings, ParameterSet& parameters, const TokenTable& tokens)
    : d_(settings.width), parameters_(parameters), tokens_(tokens), halts_(settings.supervision_steps > 1) {
  const auto root = [](std::int64_t n) { return 1 / std::sqrt(static_cast<double>(n)); };
  const Start uniform{Start::Kind::uniform, root(d_)}, zero{};
  const auto matrix = [&](const char* name, std::int64_t in) {
    return parameters.add(name, {d_, in}, {Start::Kind::truncated_normal, root(in)}, true);
  };
  start_ = add_score("head.start");
  no_bug_ = add_score("head.no_bug");
  end_query_ = matrix("head.end.query", d_);
  end_key_ = matrix("head.end.key", d_);
  end_length_ = parameters.add("head.end.length", {kDeletedMax + 1, 1}, zero, false);
  context_ = matrix("head.context", 4 * d_);
  first_state_ = parameters.add("head.first_state.weight", {d_, d_}, uniform, true);
  first_state_bias_ = parameters.add("head.first_state.bias", {d_}, uniform, false);
  gru_input_ = parameters.add("head.gru.input.weight", {3 * d_, d_}, uniform, true);
  gru_hidden_ = parameters.add("head.gru.hidden.weight", {3 * d_, d_}, uniform, true);
  gru_input_bias_ = parameters.add("head.gru.input.bias", {3 * d_}, uniform, false);
  gru_hidden_bias_ = parameters.add("head.gru.hidden.bias", {3 * d_}, uniform, false);
  copy_query_ = matrix("head.copy.query", d_);
  copy_key_ = matrix("head.copy.key", d_);
  copy_out_ = matrix("head.copy.out", d_);
  copy_distance_ = parameters.add("head.copy.distance", {2 * kCopyDistance + 1, 1}, zero, false);
  const std::int64_t rank = settings.embedding_rank > 0 ? settings.embedding_rank : d_;
  vocabulary_out_ = parameters.add("head.vocabulary.out", {rank, d_}, {Start::Kind::truncated_normal, root(d_)}, true);
  vocabulary_bias_ = parameters.add("head.vocabulary.bias", {static_cast<std::int64_t>(settings.vocabulary)}, zero, false);
  gate_ = parameters.add("head.gate.weight", {1, d_}, uniform, false);
  gate_bias_ = parameters.add("head.gate.bias", {1}, uniform, false);
  if (!halts_) return;
  // At first nothing halts.
  halt_ = parameters.add("head.halt.weight", {1, d_}, zero, false);
  halt_bias_ = parameters.add("head.halt.bias", {1}, {Start::Kind::constant, -5}, false);
}

at::Tensor SpanHead::cells(const Hidden& h, const Batch& batch) const {
  return h.x_nd.narrow(0, 0, batch.samples * batch.columns).view({batch.samples, batch.columns, d_});
}

at::Tensor SpanHead::scored(const Hidden& x, const Score& s) const {
  return parameters_.operations() ? scores_by_operations(x.x_nd, score(s)) : scores(x, score(s));
}

at::Tensor SpanHead::start_logits(const Hidden& h, const Batch& batch) const {
  const auto h_btd = cells(h, batch);
  const auto real = batch.samples * batch.columns;
  const auto cells_bt = scored(h, start_).narrow(0, 0, real).view({batch.samples, batch.columns}) + batch.pad_bt;
  const auto share_b1t = (batch.mask_bt / batch.mask_bt.sum(1, true)).unsqueeze(1).to(h_btd.scalar_type());
  const auto mean_bd = at::bmm(share_b1t, h_btd).squeeze(1);
  const auto none_b1 = scored(with_product(mean_bd, parameters_.product_type()), no_bug_).unsqueeze(1);
  return at::cat({cells_bt, none_b1}, 1);
}

at::Tensor SpanHead::start_log_probabilities(const Hidden& h, const Batch& batch, const Guidance& guidance) const {
  const auto own_bt1 = start_logits(h, batch);
  return (guidance.start_bt1.defined() ? own_bt1 + guidance.start_bt1 : own_bt1).log_softmax(1);
}

at::Tensor SpanHead::end_log_probabilities(const at::Tensor& h_btd, const Batch& batch, const at::Tensor& first_br, const Guidance& guidance) const {
  auto asked_brd = linear(cells_at(h_btd, first_br), p(end_query_));
  if (guidance.end_query_bd.defined()) asked_brd = asked_brd + guidance.end_query_bd.unsqueeze(1);
  // The key map goes to the query's side: one product for each edit instead of one for each cell.
  const auto query_brd = linear_transposed(asked_brd, p(end_key_));
  const auto length_brt = distances(batch, first_br);
  const auto score_brt = at::bmm(query_brd, h_btd.transpose(1, 2)) / std::sqrt(static_cast<double>(d_)) +
                         lookup(p(end_length_), length_brt.clamp(0, kDeletedMax)) + batch.pad_bt.unsqueeze(1);
  return score_brt.masked_fill((length_brt < 0).logical_or(length_brt > kDeletedMax), kMasked).log_softmax(2);
}

at::Tensor SpanHead::context(const at::Tensor& h_btd, const at::Tensor& first_br, const at::Tensor& end_br, const Guidance& guidance) const {
  const auto count = first_br.size(1);
  const auto around = cells_at(h_btd, at::cat({first_br - 1, first_br, end_br - 1, end_br}, 1));  // [B, 4 R, d]
  const auto joined = around.view({-1, 4, count, d_}).transpose(1, 2).reshape({-1, count, 4 * d_});
  const auto own_brd = linear(joined, p(context_));
  return rms(guidance.context_bd.defined() ? own_brd + guidance.context_bd.unsqueeze(1) : own_brd);
}

at::Tensor SpanHead::decode(const at::Tensor& previous_kl, const at::Tensor& context_kd, at::Tensor& hidden) const {
  const auto input_lkd = embedded(parameters_, tokens_, previous_kl.t(), d_) + context_kd;
  const Gru weights{&p(gru_input_), &p(gru_hidden_), &p(gru_input_bias_), &p(gru_hidden_bias_)};
  const auto out_lkd = parameters_.operations() ? gru_by_operations(linear(input_lkd, *weights.input), hidden, weights) : gru(input_lkd, hidden, weights);
  hidden = out_lkd.select(0, out_lkd.size(0) - 1);
  return rms(out_lkd + context_kd).transpose(0, 1).contiguous();
}

SpanHead::Mixture SpanHead::mix(const at::Tensor& query_bqd, const at::Tensor& h_btd, const Batch& batch,
                                const at::Tensor& first_bq) const {
  const auto key_bqd = linear_transposed(linear(query_bqd, p(copy_query_)), p(copy_key_));
  const auto near_bqt = lookup(p(copy_distance_), distances(batch, first_bq).clamp(-kCopyDistance, kCopyDistance) + kCopyDistance);
  const auto score_bqt =
      at::bmm(key_bqd, h_btd.transpose(1, 2)) / std::sqrt(static_cast<double>(d_)) + near_bqt + batch.pad_bt.unsqueeze(1);
  const auto copy_bqt = score_bqt.softmax(2);
  return {copy_bqt, rms(query_bqd + linear(at::bmm(copy_bqt, h_btd), p(copy_out_)))};
}

at::Tensor SpanHead::vocabulary_logits(const at::Tensor& state_md) const {
  return linear(linear(state_md, p(vocabulary_out_)), p(tokens_.table), p(vocabulary_bias_));
}

at::Tensor SpanHead::gate_logits(const at::Tensor& state_md) const {
  return at::matmul(state_md, p(gate_).value.view({-1})) + p(gate_bias_).value;
}

at::Tensor SpanHead::halt_logits(const Hidden& h, const Batch& batch) const {
  const auto first_bd = cells(h, batch).select(1, 0);
  return at::matmul(first_bd, p(halt_).value.view({-1})) + p(halt_bias_).value;
}

at::Tensor SpanHead::tokens_right(const at::Tensor& copy_mt, const at::Tensor& vocabulary_mv, const at::Tensor& gate_m, const at::Tensor& target_m,
                                  const Batch& batch, const Targets& t) const {
  const c10::NoGradGuard no_grad;
  const auto gate_m1 = gate_m.unsqueeze(1);
  const auto p_mv = (gate_m1 * vocabulary_mv.exp()).scatter_add(1, batch.ids_bt.index_select(0, t.sample_m), (1 - gate_m1) * copy_mt);
  const auto wrong_m = p_mv.argmax(1).ne(target_m).to(at::kFloat);
  return at::zeros({batch.samples}, wrong_m.options()).index_add(0, t.sample_m, wrong_m).eq(0).to(at::kFloat);
}

HeadLoss SpanHead::loss(const Hidden& h, const Batch& batch, const Targets& t, const Guidance& guidance) const {
  auto out = edit_loss(h, batch, t, guidance, nullptr);
  out.start = -start_log_probabilities(h, batch, guidance).gather(1, t.start_b.unsqueeze(1)).sum();
  return out;
}

HeadLoss SpanHead::halting_loss(const Hidden& h, const Batch& batch, const Targets& t) const {
  at::Tensor right_b;
  auto out = edit_loss(h, batch, t, {}, &right_b);
  const auto start_bt1 = start_log_probabilities(h, batch, {});
  out.start = -start_bt1.gather(1, t.start_b.unsqueeze(1)).sum();
  const auto q_b = halt_logits(h, batch);
  const auto target_b = (right_b * start_bt1.argmax(1).eq(t.start_b)).to(q_b.scalar_type());
  out.halt = at::binary_cross_entropy_with_logits(q_b, target_b, {}, {}, at::Reduction::Sum) * 0.5;
  return out;
}

HeadLoss SpanHead::edit_loss(const Hidden& h, const Batch& batch, const Targets& t, const Guidance& guidance, at::Tensor* right_b) const {
  const auto h_btd = cells(h, batch);
  HeadLoss out;
  const auto first_b1 = t.first_b.unsqueeze(1), end_b1 = t.end_b.unsqueeze(1);
  const auto end_bt = end_log_probabilities(h_btd, batch, first_b1, guidance).squeeze(1);
  out.end = -(end_bt.gather(1, end_b1).squeeze(1) * t.bug_b).sum();
  const auto context_bd = context(h_btd, first_b1, end_b1, guidance).squeeze(1);
  auto hidden = at::tanh(linear(context_bd, p(first_state_), p(first_state_bias_)));
  const auto query_bld = decode(t.previous_bl, context_bd, hidden);
  const auto mixture = mix(query_bld, h_btd, batch, first_b1);
  // Only the M real steps of bugs meet the vocabulary.
  const auto state_md = mixture.state_bqd.reshape({-1, d_}).index_select(0, t.valid_m);
  const auto copy_mt = mixture.copy_bqt.reshape({-1, batch.columns}).index_select(0, t.valid_m);
  const auto target_m1 = t.tokens_bl.view({-1}).index_select(0, t.valid_m).unsqueeze(1);
  const auto same_mt = batch.ids_bt.index_select(0, t.sample_m).eq(target_m1);
  const auto copied_m = (copy_mt * same_mt).sum(1);
  const auto vocabulary_mv = vocabulary_logits(state_md).log_softmax(1);
  const auto written_m = vocabulary_mv.gather(1, target_m1).squeeze(1).exp();
  const auto gate_m = at::sigmoid(gate_logits(state_md));
  out.tokens = -at::log(gate_m * written_m + (1 - gate_m) * copied_m + kFloor).sum();
  if (right_b) {
    const auto ends_b = end_bt.argmax(1).eq(t.end_b).logical_or(t.bug_b.eq(0)).to(at::kFloat);
    *right_b = tokens_right(copy_mt, vocabulary_mv, gate_m, target_m1.squeeze(1), batch, t) * ends_b;
  }
  return out;
}

// The edits under consideration: R of each sample, K = B * R in all.
struct SpanHead::Edits {
  at::Tensor first_br, end_br, log_probability_br, rank_br;  // rank: which of the likeliest first tokens
  std::vector<std::vector<std::int32_t>> tokens;  // [K]
};

void SpanHead::write_tokens(Edits& edits, const at::Tensor& h_btd, const Batch& batch, const Guidance& guidance) const {
  const auto samples = batch.samples, count = edits.first_br.size(1), all = samples * count;
  const auto context_kd = context(h_btd, edits.first_br, edits.end_br, guidance).view({all, d_});
  auto hidden = at::tanh(linear(context_kd, p(first_state_), p(first_state_bias_)));
  auto previous_k1 = at::full({all, 1}, kBosId, batch.ids_bt.options());
  auto done_k = at::zeros({all}, batch.ids_bt.options().dtype(at::kBool));
  const auto ids_brt = batch.ids_bt.unsqueeze(1).expand({-1, count, -1});
  edits.tokens.assign(static_cast<std::size_t>(all), {});
  for (std::int64_t l = 0; l <= kNewTokensMax; ++l) {
    const auto query_brd = decode(previous_k1, context_kd, hidden).view({samples, count, d_});
    const auto mixture = mix(query_brd, h_btd, batch, edits.first_br);
    const auto gate_br1 = at::sigmoid(gate_logits(mixture.state_bqd)).unsqueeze(2);
    const auto p_brv = (gate_br1 * vocabulary_logits(mixture.state_bqd).softmax(2)).scatter_add(2, ids_brt, (1 - gate_br1) * mixture.copy_bqt);
    auto [best_br, token_br] = p_brv.max(2);
    if (l == 0 && edits.rank_br.gt(0).any().item<bool>()) {
      const auto [two_br2, tokens_br2] = p_brv.topk(2, 2);
      best_br = two_br2.gather(2, edits.rank_br.unsqueeze(2)).squeeze(2);
      token_br = tokens_br2.gather(2, edits.rank_br.unsqueeze(2)).squeeze(2);
    }
    const auto token_k = token_br.reshape({-1});
    edits.log_probability_br = edits.log_probability_br + best_br.log().masked_fill(done_k.view({samples, count}), 0);
    done_k = done_k.logical_or(token_k.eq(kEosId));
    const auto token_here_k = token_k.cpu(), done_here_k = done_k.cpu();
    const auto* token = token_here_k.data_ptr<std::int64_t>();
    const auto* done = done_here_k.data_ptr<bool>();
    for (std::int64_t k = 0; k < all; ++k)
      if (!done[k] && l < kNewTokensMax) edits.tokens[static_cast<std::size_t>(k)].push_back(static_cast<std::int32_t>(token[k]));
    if (done_here_k.all().item<bool>()) break;
    previous_k1 = token_k.unsqueeze(1);
  }
}

std::vector<std::vector<Proposal>> SpanHead::propose(const Hidden& h, const Batch& batch, std::uint32_t candidates, const Guidance& guidance) const {
  const auto h_btd = cells(h, batch);
  const auto start_bt = start_log_probabilities(h, batch, guidance);
  const auto none_b = start_bt.select(1, batch.columns);
  const auto starts = std::min<std::int64_t>(std::max(candidates, kStartsConsidered), batch.columns);
  auto [best_br, first_br] = start_bt.narrow(1, 0, batch.columns).topk(starts, 1);
  auto [end_log_br, end_br] = end_log_probabilities(h_btd, batch, first_br, guidance).max(2);
  Edits edits{first_br, end_br, best_br + end_log_br, at::zeros_like(first_br), {}};
  if (candidates > 1) {
    for (auto* t : {&edits.first_br, &edits.end_br, &edits.log_probability_br}) *t = at::cat({*t, *t}, 1);
    edits.rank_br = at::cat({edits.rank_br, edits.rank_br + 1}, 1);
  }
  write_tokens(edits, h_btd, batch, guidance);
  const auto count = edits.first_br.size(1);
  const auto as_double = [](const at::Tensor& t) { return t.cpu().to(at::kDouble).contiguous(); };
  const auto none = as_double(none_b), log_probability = as_double(edits.log_probability_br);
  const auto first = edits.first_br.cpu().contiguous(), end = edits.end_br.cpu().contiguous();
  std::vector<std::vector<Proposal>> out(static_cast<std::size_t>(batch.samples));
  for (std::int64_t b = 0; b < batch.samples; ++b) {
    auto& proposals = out[static_cast<std::size_t>(b)];
    const auto none_log = none.data_ptr<double>()[b];
    for (std::int64_t k = b * count; k < (b + 1) * count; ++k) {
      Proposal p;
      p.edit.first = static_cast<std::uint32_t>(first.data_ptr<std::int64_t>()[k]);
      p.edit.end = static_cast<std::uint32_t>(end.data_ptr<std::int64_t>()[k]);
      p.edit.tokens = std::move(edits.tokens[static_cast<std::size_t>(k)]);
      p.log_probability = log_probability.data_ptr<double>()[k];
      p.margin = none_log - p.log_probability;
      p.bug_probability = -std::expm1(std::min(none_log, 0.0));
      const bool real = p.edit.first < static_cast<std::uint32_t>(batch.lengths[static_cast<std::size_t>(b)]);
      if (real && std::none_of(proposals.begin(), proposals.end(), [&](const auto& q) { return q.edit == p.edit; }))
        proposals.push_back(std::move(p));
    }
    std::stable_sort(proposals.begin(), proposals.end(), [](const auto& x, const auto& y) { return x.log_probability > y.log_probability; });
    if (proposals.size() > candidates) proposals.resize(candidates);
  }
  return out;
}

}  // namespace mendel::model
