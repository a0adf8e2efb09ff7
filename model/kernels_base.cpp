// kernels.hpp for one instruction set; the compiler flags stand in CMakeLists.txt.
#define MENDEL_KERNELS base
#include "model/kernels.ipp"
