// Implementation of kernels.hpp, compiled once for each instruction set (kernels_base.cpp and its
// siblings set MENDEL_KERNELS and the compiler flags). No templates of the standard library: their code
// would be shared between the instruction sets.
#include "model/attention.ipp"

namespace mendel::model::MENDEL_KERNELS {
namespace {

template <class S, class P>
void rms_forward(Index n, Index d, const S* x, const P* r, S* y, P* y_product, S* inv) {
  constexpr Index L = kLanes<S>;
  for (Index i = 0; i < n; ++i, x += d, y += d, y_product += d, r = r ? r + d : r) {
    Vector<S> squares{};
    S rest = 0;
    Index j = 0;
    for (; j + L <= d; j += L) {
      const Vector<S> u = r ? load(x + j) + load(r + j) : load(x + j);
      squares += u * u;
      store(y + j, u);
    }
    for (; j < d; ++j) {
      const S u = r ? x[j] + get(r + j) : x[j];
      rest += u * u;
      y[j] = u;
    }
    const S scale = 1 / static_cast<S>(::sqrt(static_cast<double>((sum<S>(squares) + rest) / static_cast<S>(d)) + kEpsilon));
    inv[i] = scale;
    for (j = 0; j + L <= d; j += L) {
      const Vector<S> v = load(y + j) * scale;
      store(y + j, v);
      store(y_product + j, v);
    }
    for (; j < d; ++j) {
      y[j] *= scale;
      put(y_product + j, y[j]);
    }
  }
}

template <class S, class P>
void rms_backward(Index n, Index d, const S* y, const S* inv, const S* dy_stream, const P* dy_product, S* du, P* du_product) {
  constexpr Index L = kLanes<S>;
  for (Index i = 0; i < n; ++i, y += d, dy_stream += d, du += d, du_product += d, dy_product = dy_product ? dy_product + d : dy_product) {
    Vector<S> dots{};
    S rest = 0;
    Index j = 0;
    for (; j + L <= d; j += L) {
      const Vector<S> dy = dy_product ? load(dy_stream + j) + load(dy_product + j) : load(dy_stream + j);
      dots += dy * load(y + j);
      store(du + j, dy);
    }
    for (; j < d; ++j) {
      const S dy = dy_product ? dy_stream[j] + get(dy_product + j) : dy_stream[j];
      rest += dy * y[j];
      du[j] = dy;
    }
    const S mean = (sum<S>(dots) + rest) / static_cast<S>(d), scale = inv[i];
    for (j = 0; j + L <= d; j += L) {
      const Vector<S> v = (load(du + j) - load(y + j) * mean) * scale;
      store(du + j, v);
      store(du_product + j, v);
    }
    for (; j < d; ++j) {
      du[j] = (du[j] - y[j] * mean) * scale;
      put(du_product + j, du[j]);
    }
  }
}

template <class S, class P>
void swiglu_forward(Index n, Index inner, const P* gate_up, P* a) {
  constexpr Index L = kLanes<S>;
  for (Index i = 0; i < n; ++i, gate_up += 2 * inner, a += inner) {
    const P* up = gate_up + inner;
    Index j = 0;
    for (; j + L <= inner; j += L) {
      const Vector<S> g = load(gate_up + j);
      store(a + j, g * sigmoid(g) * load(up + j));
    }
    for (; j < inner; ++j) {
      const S g = get(gate_up + j);
      put(a + j, g * sigmoid_of(g) * get(up + j));
    }
  }
}

template <class S, class P>
void swiglu_backward(Index n, Index inner, const P* gate_up, const P* da, P* dgate_up) {
  constexpr Index L = kLanes<S>;
  for (Index i = 0; i < n; ++i, gate_up += 2 * inner, dgate_up += 2 * inner, da += inner) {
    Index j = 0;
    for (; j + L <= inner; j += L) {
      const Vector<S> g = load(gate_up + j), u = load(gate_up + inner + j), grad = load(da + j), s = sigmoid(g);
      store(dgate_up + j, grad * u * s * (1 + g * (1 - s)));
      store(dgate_up + inner + j, grad * g * s);
    }
    for (; j < inner; ++j) {
      const S g = get(gate_up + j), u = get(gate_up + inner + j), grad = get(da + j), s = sigmoid_of(g);
      put(dgate_up + j, grad * u * s * (1 + g * (1 - s)));
      put(dgate_up + inner + j, grad * g * s);
    }
  }
}

constexpr Index kNeighbours = 5;

template <class S, class P>
void cells_forward(const InputCells& in, const S* embedding, const S* const* tables, S* u, P* neighbours) {
  const Index d = in.width;
  const S scale = static_cast<S>(::sqrt(static_cast<double>(d)));
  __builtin_memset(u, 0, static_cast<std::size_t>(in.rows * d) * sizeof(S));
  __builtin_memset(neighbours, 0, static_cast<std::size_t>(in.rows * kNeighbours * d) * sizeof(P));
  for (Index s = 0; s < in.samples; ++s)
    for (Index t = 0; t < in.lengths[s]; ++t) {
      const Index cell = s * in.columns + t;
      const S* e = embedding + in.ids[cell] * d;
      S* out_u = u + cell * d;
      for (Index j = 0; j < d; ++j) out_u[j] = e[j] * scale;
      for (int table = 0; table < kPlaceTables; ++table) {
        const S* place = tables[table] + in.places[table][cell] * d;
        for (Index j = 0; j < d; ++j) out_u[j] += place[j];
      }
      for (Index k = 0; k < kNeighbours; ++k) {
        const Index to = t + 2 - k;  // this cell is neighbour k of cell `to`
        if (to < 0 || to >= in.columns) continue;
        P* out = neighbours + ((s * in.columns + to) * kNeighbours + k) * d;
        for (Index j = 0; j < d; ++j) put(out + j, e[j] * scale);
      }
    }
}

template <class S, class P>
void cells_backward(const InputCells& in, const S* du, const P* dneighbours, S* dembedding, S* const* dtables) {
  const Index d = in.width;
  const S scale = static_cast<S>(::sqrt(static_cast<double>(d)));
  for (Index s = 0; s < in.samples; ++s)
    for (Index t = 0; t < in.lengths[s]; ++t) {
      const Index cell = s * in.columns + t;
      S* e = dembedding + in.ids[cell] * d;
      const S* grad = du + cell * d;
      for (Index j = 0; j < d; ++j) e[j] += grad[j] * scale;
      for (int table = 0; table < kPlaceTables; ++table) {
        S* place = dtables[table] + in.places[table][cell] * d;
        for (Index j = 0; j < d; ++j) place[j] += grad[j];
      }
      for (Index k = 0; k < kNeighbours; ++k) {
        const Index to = t + 2 - k;
        if (to < 0 || to >= in.columns) continue;
        const P* from = dneighbours + ((s * in.columns + to) * kNeighbours + k) * d;
        for (Index j = 0; j < d; ++j) e[j] += get(from + j) * scale;
      }
    }
}

template <class S, class P>
void score_forward(Index n, Index d, const P* t, const S* bias, const S* weight, const S* bias_out, S* score) {
  constexpr Index L = kLanes<S>;
  for (Index i = 0; i < n; ++i, t += d) {
    Vector<S> sums{};
    S rest = *bias_out;
    Index j = 0;
    for (; j + L <= d; j += L) {
      const Vector<S> x = load(t + j) + load(bias + j);
      sums += x * sigmoid(x) * load(weight + j);
    }
    for (; j < d; ++j) {
      const S x = get(t + j) + bias[j];
      rest += x * sigmoid_of(x) * weight[j];
    }
    score[i] = sum<S>(sums) + rest;
  }
}

template <class S, class P>
void score_backward(Index n, Index d, const P* t, const S* bias, const S* weight, const S* dscore, P* dt, S* dbias, S* dweight) {
  constexpr Index L = kLanes<S>;
  for (Index i = 0; i < n; ++i, t += d, dt += d) {
    const S g = dscore[i];
    Index j = 0;
    for (; j + L <= d; j += L) {
      const Vector<S> x = load(t + j) + load(bias + j), s = sigmoid(x);
      const Vector<S> dx = g * load(weight + j) * s * (1 + x * (1 - s));
      store(dt + j, dx);
      store(dbias + j, load(dbias + j) + dx);
      store(dweight + j, load(dweight + j) + g * x * s);
    }
    for (; j < d; ++j) {
      const S x = get(t + j) + bias[j], s = sigmoid_of(x);
      const S dx = g * weight[j] * s * (1 + x * (1 - s));
      put(dt + j, dx);
      dbias[j] += dx;
      dweight[j] += g * x * s;
    }
  }
}

template <class S, class P>
void gru_forward(Index n, Index d, const S* input, const P* recurrent, const S* input_bias, const S* hidden_bias, const S* before, S* saved,
                 S* h, P* h_product) {
  for (Index i = 0; i < n; ++i, input += 3 * d, recurrent += 3 * d, before += d, saved += 4 * d, h += d, h_product += d)
    for (Index j = 0; j < d; ++j) {
      const S r = sigmoid_of(input[j] + input_bias[j] + get(recurrent + j) + hidden_bias[j]);
      const S z = sigmoid_of(input[d + j] + input_bias[d + j] + get(recurrent + d + j) + hidden_bias[d + j]);
      const S own = get(recurrent + 2 * d + j) + hidden_bias[2 * d + j];
      const S fresh = 2 * sigmoid_of(2 * (input[2 * d + j] + input_bias[2 * d + j] + r * own)) - 1;  // tanh
      saved[j] = r;
      saved[d + j] = z;
      saved[2 * d + j] = fresh;
      saved[3 * d + j] = own;
      h[j] = fresh + z * (before[j] - fresh);
      put(h_product + j, h[j]);
    }
}

template <class S, class P>
void gru_backward(Index n, Index d, const S* saved, const S* before, const S* dout, S* dh, S* dinput, P* drecurrent) {
  for (Index i = 0; i < n; ++i, saved += 4 * d, before += d, dout += d, dh += d, dinput += 3 * d, drecurrent += 3 * d)
    for (Index j = 0; j < d; ++j) {
      const S r = saved[j], z = saved[d + j], fresh = saved[2 * d + j], own = saved[3 * d + j], grad = dout[j] + dh[j];
      const S dfresh = grad * (1 - z) * (1 - fresh * fresh), dz = grad * (before[j] - fresh) * z * (1 - z), dr = dfresh * own * r * (1 - r);
      dinput[j] = dr;
      dinput[d + j] = dz;
      dinput[2 * d + j] = dfresh;
      put(drecurrent + j, dr);
      put(drecurrent + d + j, dz);
      put(drecurrent + 2 * d + j, dfresh * r);
      dh[j] = grad * z;
    }
}

template <class S>
double sum_squares(Index n, const S* x) {
  constexpr Index L = kLanes<S>, kBlock = 1024;
  double total = 0;
  Index i = 0;
  while (i + L <= n) {
    Vector<S> sums{};
    const Index end = i + kBlock < n ? i + kBlock : n;
    for (; i + L <= end; i += L) sums += load(x + i) * load(x + i);
    total += static_cast<double>(sum<S>(sums));
  }
  for (; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

template <class S>
void adamw(Index n, const S* gradient, const AdamwStep& step, S* first, S* second, S* value) {
  const S scale = static_cast<S>(step.gradient_scale), beta1 = static_cast<S>(step.beta1), beta2 = static_cast<S>(step.beta2);
  const S rate = static_cast<S>(step.rate / step.correction1), epsilon = static_cast<S>(step.epsilon);
  const S root = static_cast<S>(1 / ::sqrt(step.correction2));
  for (Index i = 0; i < n; ++i) {
    const S g = gradient[i] * scale;
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    second[i] = beta2 * second[i] + (1 - beta2) * g * g;
    value[i] -= rate * first[i] / (static_cast<S>(__builtin_sqrt(second[i])) * root + epsilon);
  }
}

template <class S, class P>
void muon_momentum(Index n, const S* gradient, double scale, double keep, S* momentum, P* update) {
  const S s = static_cast<S>(scale), k = static_cast<S>(keep);
  for (Index i = 0; i < n; ++i) {
    const S g = gradient[i] * s;
    momentum[i] = k * momentum[i] + (1 - k) * g;
    put(update + i, k * momentum[i] + (1 - k) * g);
  }
}

template <class S, class P>
void muon_apply(Index n, const P* update, double decay, double rate, S* value) {
  const S d = static_cast<S>(decay), r = static_cast<S>(rate);
  for (Index i = 0; i < n; ++i) value[i] = d * value[i] - r * get(update + i);
}

template <class S, class P>
void follow(Index n, const S* value, double weight, S* average, P* product) {
  const S w = static_cast<S>(weight);
  for (Index i = 0; i < n; ++i) {
    average[i] += w * (value[i] - average[i]);
    put(product + i, value[i]);
  }
}

template <class S, class P>
constexpr Kernels<S, P> kTable = {rms_forward<S, P>,       rms_backward<S, P>,       swiglu_forward<S, P>, swiglu_backward<S, P>,
                                  attention_forward<S, P>, attention_backward<S, P>, cells_forward<S, P>,  cells_backward<S, P>,
                                  score_forward<S, P>,     score_backward<S, P>,     gru_forward<S, P>,    gru_backward<S, P>,
                                  sum_squares<S>,          adamw<S>,                 muon_momentum<S, P>,  muon_apply<S, P>,
                                  follow<S, P>};

}  // namespace

extern const Kernels<float, Bf16> bf16;
extern const Kernels<float, float> f32;
extern const Kernels<double, double> f64;
const Kernels<float, Bf16> bf16 = kTable<float, Bf16>;
const Kernels<float, float> f32 = kTable<float, float>;
const Kernels<double, double> f64 = kTable<double, double>;

}  // namespace mendel::model::MENDEL_KERNELS
