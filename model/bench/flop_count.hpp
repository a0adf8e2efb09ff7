// How many floating point operations the matrix products of a piece of work are: what "share of the peak" is a share of.
#pragma once

#include <functional>

namespace mendel::model {

// Calls `work` and answers 2 x rows x columns x depth of every product that LibTorch was asked for meanwhile, in this
// process. Fused attention hides its products: count with LibTorch's plain attention (plain_attention). One caller at a time.
double count_flop(const std::function<void()>& work);

// Attention by products and softmax instead of one fused kernel, from now on.
void plain_attention(bool on);

}  // namespace mendel::model
