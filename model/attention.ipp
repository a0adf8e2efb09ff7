// Attention over segments for kernels.ipp: small blocks of one head of one segment at a time, gathered and
// rotated into scratch, so that no mask and no [T, T] tensor is ever stored.
#include "model/vectors.ipp"

namespace mendel::model::MENDEL_KERNELS {
namespace {

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

}  // namespace
}  // namespace mendel::model::MENDEL_KERNELS
