// Implementation of kernels.hpp, compiled once for each instruction set (kernels_base.cpp and its
// siblings set MENDEL_KERNELS and the compiler flags). Vectors are the compiler's own 64-byte type, which
// it splits where registers are smaller. No templates of the standard library: their code would be
// shared between the instruction sets.
#include <math.h>

#include "model/kernels.hpp"

namespace mendel::model::MENDEL_KERNELS {
namespace {

typedef std::int64_t Index;
constexpr double kEpsilon = 1e-5;

template <class S>
struct VectorOf {
  typedef S type __attribute__((vector_size(64)));
  static constexpr Index lanes = 64 / sizeof(S);
};
template <class S>
using Vector = typename VectorOf<S>::type;
template <class S>
constexpr Index kLanes = VectorOf<S>::lanes;

typedef float F16 __attribute__((vector_size(64)));
typedef double D8 __attribute__((vector_size(64)));
typedef std::uint32_t U16 __attribute__((vector_size(64)));
typedef std::int32_t I16 __attribute__((vector_size(64)));
typedef std::uint16_t H16 __attribute__((vector_size(32)));

#define MENDEL_INLINE inline __attribute__((always_inline))

MENDEL_INLINE F16 load(const float* p) {
  F16 v;
  __builtin_memcpy(&v, p, 64);
  return v;
}
MENDEL_INLINE D8 load(const double* p) {
  D8 v;
  __builtin_memcpy(&v, p, 64);
  return v;
}
MENDEL_INLINE F16 load(const Bf16* p) {
  H16 h;
  __builtin_memcpy(&h, p, 32);
  return (F16)(__builtin_convertvector(h, U16) << 16);
}
MENDEL_INLINE void store(float* p, F16 v) { __builtin_memcpy(p, &v, 64); }
MENDEL_INLINE void store(double* p, D8 v) { __builtin_memcpy(p, &v, 64); }
// Rounds to nearest even. A NaN of the processor's own making stays one.
MENDEL_INLINE void store(Bf16* p, F16 v) {
  const U16 u = (U16)v;
  const H16 h = __builtin_convertvector((u + 0x7fffu + ((u >> 16) & 1u)) >> 16, H16);
  __builtin_memcpy(p, &h, 32);
}
MENDEL_INLINE float get(const float* p) { return *p; }
MENDEL_INLINE double get(const double* p) { return *p; }
MENDEL_INLINE float get(const Bf16* p) {
  const std::uint32_t u = static_cast<std::uint32_t>(p->bits) << 16;
  float f;
  __builtin_memcpy(&f, &u, 4);
  return f;
}
MENDEL_INLINE void put(float* p, float v) { *p = v; }
MENDEL_INLINE void put(double* p, double v) { *p = v; }
MENDEL_INLINE void put(Bf16* p, float v) {
  std::uint32_t u;
  __builtin_memcpy(&u, &v, 4);
  p->bits = static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

template <class S>
MENDEL_INLINE S sum(Vector<S> v) {
  S out = 0;
  for (Index i = 0; i < kLanes<S>; ++i) out += v[i];
  return out;
}
template <class S>
MENDEL_INLINE Vector<S> all(S value) {
  return Vector<S>{} + value;
}

// e^x within 2 units in the last place: 2^k times a polynomial of degree 6 on [-ln 2 / 2, ln 2 / 2].
MENDEL_INLINE F16 exponential(F16 x) {
  const F16 low = all<float>(-87.0f), high = all<float>(88.0f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  const F16 shifter = all<float>(12582912.0f);
  const F16 k = (x * 1.44269504f + shifter) - shifter;
  const F16 r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
  F16 p = all<float>(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const I16 exponent = __builtin_convertvector(k, I16) + 127;
  return p * (F16)(exponent << 23);
}
MENDEL_INLINE D8 exponential(D8 x) {
  for (Index i = 0; i < 8; ++i) x[i] = ::exp(x[i]);
  return x;
}
template <class V>
MENDEL_INLINE V sigmoid(V x) {
  return 1 / (1 + exponential(-x));
}
MENDEL_INLINE float sigmoid_of(float x) { return 1 / (1 + ::expf(-x)); }
MENDEL_INLINE double sigmoid_of(double x) { return 1 / (1 + ::exp(-x)); }

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

// C [m, n] (+)= A [m, k] B [k, n] on small blocks: A by element strides, B and C rows of whole vectors.
template <class S>
struct Block {
  Index m, n, k;
  const S* a;
  Index a_row, a_column;
  const S* b;
  Index b_row;
  S* c;
  Index c_row;
};

template <class S, int R, int W>
MENDEL_INLINE void product_tile(const Block<S>& p, Index i, Index j) {
  constexpr Index L = kLanes<S>;
  Vector<S> acc[R][W] = {};
  const S* a = p.a + i * p.a_row;
  const S* b = p.b + j;
  for (Index k = 0; k < p.k; ++k, a += p.a_column, b += p.b_row) {
    Vector<S> row[W];
    for (int w = 0; w < W; ++w) row[w] = load(b + w * L);
    for (int r = 0; r < R; ++r) {
      const Vector<S> x = all<S>(a[r * p.a_row]);
      for (int w = 0; w < W; ++w) acc[r][w] += x * row[w];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int w = 0; w < W; ++w) store(p.c + (i + r) * p.c_row + j + w * L, acc[r][w]);
}

template <class S, int W>
void product_columns(const Block<S>& p, Index j) {
  Index i = 0;
  for (; i + 8 <= p.m; i += 8) product_tile<S, 8, W>(p, i, j);
  for (; i + 4 <= p.m; i += 4) product_tile<S, 4, W>(p, i, j);
  for (; i + 2 <= p.m; i += 2) product_tile<S, 2, W>(p, i, j);
  for (; i < p.m; ++i) product_tile<S, 1, W>(p, i, j);
}

template <class S>
void product(const Block<S>& p) {
  constexpr Index L = kLanes<S>;
  Index j = 0;
  for (; j + 2 * L <= p.n; j += 2 * L) product_columns<S, 2>(p, j);
  for (; j < p.n; j += L) product_columns<S, 1>(p, j);
}

template <class S>
MENDEL_INLINE Index whole(Index n) {
  return (n + kLanes<S> - 1) / kLanes<S> * kLanes<S>;
}

// Rotated and gathered operands of one head of one segment, in scratch. n cells, hd head width, each row
// padded with zeros to whole vectors.
template <class S>
struct HeadBlock {
  Index n, np, hd, hp;
  S *q, *k, *v;  // [n, hp]; q is scaled by 1 / sqrt(hd)
  S *kt, *vt;  // [hd, np]
  S *p, *ds;  // [n, np]
  S *out, *grad;  // [n, hp]
};

template <class S>
HeadBlock<S> lay_out(S* scratch, Index cells_max, Index hd) {
  HeadBlock<S> b{};
  const Index np = whole<S>(cells_max), hp = whole<S>(hd);
  b.hd = hd;
  b.hp = hp;
  S** narrow[] = {&b.q, &b.k, &b.v, &b.out, &b.grad};
  for (S** at : narrow) {
    *at = scratch;
    scratch += np * hp;
  }
  S** turned[] = {&b.kt, &b.vt};
  for (S** at : turned) {
    *at = scratch;
    scratch += np * hp;
  }
  b.p = scratch;
  b.ds = scratch + np * np;
  return b;
}

template <class S, class P>
void rotate(const P* x, const S* cos, const S* sin, Index hd, S scale, S* out) {
  const Index half = hd / 2;
  for (Index j = 0; j < half; ++j) {
    const S a = get(x + j), b = get(x + j + half);
    out[j] = (a * cos[j] - b * sin[j]) * scale;
    out[j + half] = (b * cos[j] + a * sin[j]) * scale;
  }
}

template <class S, class P>
void unrotate(const S* grad, const S* cos, const S* sin, Index hd, S scale, P* out) {
  const Index half = hd / 2;
  for (Index j = 0; j < half; ++j) {
    const S a = grad[j], b = grad[j + half];
    put(out + j, (a * cos[j] + b * sin[j]) * scale);
    put(out + j + half, (b * cos[j] - a * sin[j]) * scale);
  }
}

template <class S>
void transpose(const S* x, Index n, Index hp, Index hd, Index np, S* out) {
  for (Index c = 0; c < hd; ++c) {
    for (Index i = 0; i < n; ++i) out[c * np + i] = x[i * hp + c];
    for (Index i = n; i < np; ++i) out[c * np + i] = 0;
  }
}

template <class S, class P>
void gather(const AttentionShape& shape, const std::int32_t* cells, Index head, const P* qkv, const S* cos, const S* sin,
            HeadBlock<S>& b) {
  const Index d = shape.width, hd = b.hd, half = hd / 2;
  const S scale = static_cast<S>(1 / ::sqrt(static_cast<double>(hd)));
  for (Index i = 0; i < b.n; ++i) {
    const P* row = qkv + cells[i] * 3 * d + head * hd;
    const Index at = shape.positions[cells[i]] * half;
    rotate(row, cos + at, sin + at, hd, scale, b.q + i * b.hp);
    rotate(row + d, cos + at, sin + at, hd, S(1), b.k + i * b.hp);
    for (Index j = 0; j < hd; ++j) b.v[i * b.hp + j] = get(row + 2 * d + j);
    for (Index j = hd; j < b.hp; ++j) b.q[i * b.hp + j] = b.k[i * b.hp + j] = b.v[i * b.hp + j] = 0;
  }
  transpose(b.k, b.n, b.hp, hd, b.np, b.kt);
  product<S>({b.n, b.np, hd, b.q, b.hp, 1, b.kt, b.np, b.p, b.np});
}

// Scores in b.p become probabilities; the columns beyond n become 0. Answers log(sum(exp(scores))) by row.
template <class S>
S softmax_row(S* row, Index n, Index np) {
  constexpr Index L = kLanes<S>;
  S highest = row[0];
  for (Index j = 1; j < n; ++j) highest = row[j] > highest ? row[j] : highest;
  for (Index j = n; j < np; ++j) row[j] = -S(INFINITY);
  Vector<S> sums{};
  for (Index j = 0; j < np; j += L) {
    const Vector<S> e = exponential(load(row + j) - highest);
    store(row + j, e);
    sums += e;
  }
  // The clamp of the exponential leaves e^-87 in the padded columns; take it out again.
  S total = 0;
  for (Index j = n; j < np; ++j) row[j] = 0;
  for (Index j = 0; j < np; j += L) total += sum<S>(load(row + j));
  const S inverse = 1 / total;
  for (Index j = 0; j < np; j += L) store(row + j, load(row + j) * inverse);
  return highest + static_cast<S>(::log(static_cast<double>(total)));
}

template <class S, class P>
void attention_forward(const AttentionShape& shape, const P* qkv, const S* cos, const S* sin, P* o, S* log_sum, S* scratch) {
  const Index d = shape.width, hd = d / shape.heads;
  HeadBlock<S> b = lay_out(scratch, shape.segments.cells_max, hd);
  __builtin_memset(o, 0, static_cast<std::size_t>(shape.rows * d) * sizeof(P));
  for (Index s = 0; s < shape.segments.count; ++s) {
    const std::int32_t* cells = shape.segments.order + shape.segments.offsets[s];
    b.n = shape.segments.offsets[s + 1] - shape.segments.offsets[s];
    b.np = whole<S>(b.n);
    for (Index h = 0; h < shape.heads; ++h) {
      gather(shape, cells, h, qkv, cos, sin, b);
      for (Index i = 0; i < b.n; ++i) log_sum[cells[i] * shape.heads + h] = softmax_row(b.p + i * b.np, b.n, b.np);
      product<S>({b.n, b.hp, b.n, b.p, b.np, 1, b.v, b.hp, b.out, b.hp});
      for (Index i = 0; i < b.n; ++i)
        for (Index j = 0; j < hd; ++j) put(o + cells[i] * d + h * hd + j, b.out[i * b.hp + j]);
    }
  }
}

// b.p holds scores and becomes P; b.ds holds dP and becomes dS = P (dP - sum(dO O)).
template <class S>
void softmax_backward_row(S* p, S* ds, S log_sum, S dot, Index n, Index np) {
  constexpr Index L = kLanes<S>;
  for (Index j = n; j < np; ++j) p[j] = -S(INFINITY);
  for (Index j = 0; j < np; j += L) {
    const Vector<S> e = exponential(load(p + j) - log_sum);
    store(p + j, e);
    store(ds + j, e * (load(ds + j) - dot));
  }
  for (Index j = n; j < np; ++j) p[j] = ds[j] = 0;
}

template <class S, class P>
void scatter_gradients(const AttentionShape& shape, const std::int32_t* cells, Index head, const S* cos, const S* sin,
                       HeadBlock<S>& b, P* dqkv) {
  const Index d = shape.width, hd = b.hd;
  const S scale = static_cast<S>(1 / ::sqrt(static_cast<double>(hd)));
  const auto each = [&](auto write) {
    for (Index i = 0; i < b.n; ++i) write(i, dqkv + cells[i] * 3 * d + head * hd, shape.positions[cells[i]] * (hd / 2));
  };
  product<S>({b.n, b.hp, b.n, b.ds, b.np, 1, b.k, b.hp, b.out, b.hp});
  each([&](Index i, P* row, Index at) { unrotate(b.out + i * b.hp, cos + at, sin + at, hd, scale, row); });
  product<S>({b.n, b.hp, b.n, b.ds, 1, b.np, b.q, b.hp, b.out, b.hp});
  each([&](Index i, P* row, Index at) { unrotate(b.out + i * b.hp, cos + at, sin + at, hd, S(1), row + d); });
  product<S>({b.n, b.hp, b.n, b.p, 1, b.np, b.grad, b.hp, b.out, b.hp});
  each([&](Index i, P* row, Index) {
    for (Index j = 0; j < hd; ++j) put(row + 2 * d + j, b.out[i * b.hp + j]);
  });
}

template <class S, class P>
void attention_backward(const AttentionShape& shape, const P* qkv, const S* cos, const S* sin, const P* o, const S* log_sum,
                        const P* d_o, P* dqkv, S* scratch) {
  const Index d = shape.width, hd = d / shape.heads;
  HeadBlock<S> b = lay_out(scratch, shape.segments.cells_max, hd);
  __builtin_memset(dqkv, 0, static_cast<std::size_t>(shape.rows * 3 * d) * sizeof(P));
  for (Index s = 0; s < shape.segments.count; ++s) {
    const std::int32_t* cells = shape.segments.order + shape.segments.offsets[s];
    b.n = shape.segments.offsets[s + 1] - shape.segments.offsets[s];
    b.np = whole<S>(b.n);
    for (Index h = 0; h < shape.heads; ++h) {
      gather(shape, cells, h, qkv, cos, sin, b);
      transpose(b.v, b.n, b.hp, hd, b.np, b.vt);
      for (Index i = 0; i < b.n; ++i) {
        for (Index j = 0; j < hd; ++j) b.grad[i * b.hp + j] = get(d_o + cells[i] * d + h * hd + j);
        for (Index j = hd; j < b.hp; ++j) b.grad[i * b.hp + j] = 0;
      }
      product<S>({b.n, b.np, hd, b.grad, b.hp, 1, b.vt, b.np, b.ds, b.np});
      for (Index i = 0; i < b.n; ++i) {
        S dot = 0;
        for (Index j = 0; j < hd; ++j) dot += b.grad[i * b.hp + j] * get(o + cells[i] * d + h * hd + j);
        softmax_backward_row(b.p + i * b.np, b.ds + i * b.np, log_sum[cells[i] * shape.heads + h], dot, b.n, b.np);
      }
      scatter_gradients(shape, cells, h, cos, sin, b, dqkv);
    }
  }
}

constexpr Index kNeighbours = 5;

template <class S, class P>
void cells_forward(const InputCells& in, const S* embedding, const S* row_table, const S* column_table, S* u, P* neighbours) {
  const Index d = in.width;
  const S scale = static_cast<S>(::sqrt(static_cast<double>(d)));
  __builtin_memset(u, 0, static_cast<std::size_t>(in.rows * d) * sizeof(S));
  __builtin_memset(neighbours, 0, static_cast<std::size_t>(in.rows * kNeighbours * d) * sizeof(P));
  for (Index s = 0; s < in.samples; ++s)
    for (Index t = 0; t < in.lengths[s]; ++t) {
      const Index cell = s * in.columns + t;
      const S* e = embedding + in.ids[cell] * d;
      const S* row = row_table + in.grid_rows[cell] * d;
      const S* column = column_table + in.grid_columns[cell] * d;
      for (Index j = 0; j < d; ++j) u[cell * d + j] = e[j] * scale + row[j] + column[j];
      for (Index k = 0; k < kNeighbours; ++k) {
        const Index to = t + 2 - k;  // this cell is neighbour k of cell `to`
        if (to < 0 || to >= in.columns) continue;
        P* out = neighbours + ((s * in.columns + to) * kNeighbours + k) * d;
        for (Index j = 0; j < d; ++j) put(out + j, e[j] * scale);
      }
    }
}

template <class S, class P>
void cells_backward(const InputCells& in, const S* du, const P* dneighbours, S* dembedding, S* drow_table, S* dcolumn_table) {
  const Index d = in.width;
  const S scale = static_cast<S>(::sqrt(static_cast<double>(d)));
  for (Index s = 0; s < in.samples; ++s)
    for (Index t = 0; t < in.lengths[s]; ++t) {
      const Index cell = s * in.columns + t;
      S* e = dembedding + in.ids[cell] * d;
      S* row = drow_table + in.grid_rows[cell] * d;
      S* column = dcolumn_table + in.grid_columns[cell] * d;
      const S* grad = du + cell * d;
      for (Index j = 0; j < d; ++j) {
        e[j] += grad[j] * scale;
        row[j] += grad[j];
        column[j] += grad[j];
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
