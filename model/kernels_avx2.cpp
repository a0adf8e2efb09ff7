// kernels.hpp for one instruction set; the compiler flags stand in CMakeLists.txt.
#define MENDEL_KERNELS avx2
#include "model/kernels.ipp"
