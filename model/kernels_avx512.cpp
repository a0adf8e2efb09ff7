// kernels.hpp for one instruction set; the compiler flags stand in CMakeLists.txt.
#define MENDEL_KERNELS avx512
#include "model/kernels.ipp"
