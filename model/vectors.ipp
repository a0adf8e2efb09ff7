// Vectors of one instruction set for kernels.ipp: the compiler's own 64-byte type, which it splits where
// registers are smaller; loads and stores that convert bfloat16; e^x.
#pragma once

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

}  // namespace
}  // namespace mendel::model::MENDEL_KERNELS
