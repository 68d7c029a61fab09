// Device code of the hand-written model: nvcc -cubin or -ptx; see test_device.c.
#define AOTC_TESTS_CUDA_DEVICE
#include "tests/cuda/kernels.h"
