// Chooses among the instruction sets that kernels.ipp was compiled for.
#include "model/kernels.hpp"

namespace mendel::model {

#define MENDEL_DECLARE(set)                    \
  namespace set {                              \
  extern const Kernels<float, Bf16> bf16;      \
  extern const Kernels<float, float> f32;      \
  extern const Kernels<double, double> f64;    \
  }
MENDEL_DECLARE(base)
#ifdef MENDEL_X86
MENDEL_DECLARE(avx2)
MENDEL_DECLARE(avx512)
#endif
#undef MENDEL_DECLARE

namespace {

enum class Set { base, avx2, avx512 };

Set instruction_set() {
#ifdef MENDEL_X86
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return Set::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Set::avx2;
#endif
  return Set::base;
}

template <class Table>
const Table& choose([[maybe_unused]] const Table& for_base, [[maybe_unused]] const Table& for_avx2, [[maybe_unused]] const Table& for_avx512) {
  static const Set set = instruction_set();
  return set == Set::avx512 ? for_avx512 : set == Set::avx2 ? for_avx2 : for_base;
}

constexpr std::size_t kLanes = 64 / sizeof(float);

}  // namespace

std::size_t attention_scratch(const AttentionShape& shape) {
  const auto whole = [](std::int64_t n) { return (static_cast<std::size_t>(n) + kLanes - 1) / kLanes * kLanes; };
  const std::size_t cells = whole(shape.segments.cells_max), head = whole(shape.width / shape.heads);
  return 7 * cells * head + 2 * cells * cells;
}

#ifdef MENDEL_X86
const Kernels<float, Bf16>& kernels_bf16() { return choose(base::bf16, avx2::bf16, avx512::bf16); }
const Kernels<float, float>& kernels_f32() { return choose(base::f32, avx2::f32, avx512::f32); }
const Kernels<double, double>& kernels_f64() { return choose(base::f64, avx2::f64, avx512::f64); }
#else
const Kernels<float, Bf16>& kernels_bf16() { return base::bf16; }
const Kernels<float, float>& kernels_f32() { return base::f32; }
const Kernels<double, double>& kernels_f64() { return base::f64; }
#endif

bool has_bf16_products() {
#ifdef MENDEL_X86
  return __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

}  // namespace mendel::model
