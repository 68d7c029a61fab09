/* Kernels of the hand-written CUDA model (model.c): CUDA C++ for nvcc, and plain C for the fake
 * driver, which runs one as a loop over all elements.  Arguments are shared with the host part. */
#ifndef AOTC_TESTS_CUDA_KERNELS_H
#define AOTC_TESTS_CUDA_KERNELS_H

#include "abi/aotc_model.h"

/* y[i] = scale * x[i] + bias[i % 4] + add */
typedef struct AffineArgs {
    const float *x, *bias;
    float       *y;
    int64_t      n;
    float        scale, add;
} AffineArgs;

/* y[i] = a hash of seed, offset and i */
typedef struct RandomArgs {
    const uint64_t *rng;
    float          *y;
    int64_t         n;
} RandomArgs;

/* where[0..count) = the i with x[i] > 0, in order (one thread) */
typedef struct FindArgs {
    const float *x;
    int64_t     *where, *count;
    int64_t      n;
} FindArgs;

/* flag = x[0] > limit */
typedef struct TestArgs {
    const float *x;
    uint8_t     *flag;
    float        limit, reserved;
} TestArgs;

/* reports the first x[i] < 0 */
typedef struct CheckArgs {
    const float               *x;
    aotc_model_device_failure *failure;
    int64_t                    n, kernel;
} CheckArgs;

/* y[0] = bytes of dynamic shared memory, after writing to all of it */
typedef struct SharedArgs {
    float  *y;
    int64_t bytes;
} SharedArgs;

#ifdef AOTC_TESTS_CUDA_DEVICE /* the code itself */
#ifdef __CUDACC__
#define KERNEL(name, Args) extern "C" __global__ void name(const __grid_constant__ Args a)
#define FOR_EACH(i, n)                                                                             \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n);                      \
         i += (int64_t)gridDim.x * blockDim.x)
#define IS_FIRST (threadIdx.x == 0 && blockIdx.x == 0)
__device__ static void wait_for_previous(void)
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
__device__ static int take(int32_t *word, int32_t value)
{
    return atomicCAS(word, 0, value) == 0;
}
__device__ static void publish(int32_t *word)
{
    __threadfence_system();
    *(volatile int32_t *)word = 1;
}
#define DEVICE __device__
#else
#define KERNEL(name, Args)                                                                         \
    static void name(const Args a);                                                                \
    static void run_##name(const void *args)                                                       \
    {                                                                                              \
        name(*(const Args *)args);                                                                 \
    }                                                                                              \
    static void name(const Args a)
#define FOR_EACH(i, n) for (int64_t i = 0; i < (n); i++)
#define IS_FIRST 1
static void wait_for_previous(void)
{
}
static int take(int32_t *word, int32_t value)
{
    int32_t none = 0;
    return __atomic_compare_exchange_n(word, &none, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
static void publish(int32_t *word)
{
    __atomic_store_n(word, 1, __ATOMIC_RELEASE);
}
#define DEVICE
#endif

KERNEL(affine, AffineArgs)
{
    wait_for_previous();
    FOR_EACH(i, a.n)
    a.y[i] = a.scale * a.x[i] + a.bias[i % 4] + a.add;
}

/* SplitMix64 */
DEVICE static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

KERNEL(random_fill, RandomArgs)
{
    FOR_EACH(i, a.n)
    a.y[i] = (float)(mix(mix(a.rng[0] + 1) + 1000003 * a.rng[1] + (uint64_t)i) >> 40);
}

KERNEL(find, FindArgs)
{
    int64_t n = 0;
    if (!IS_FIRST)
        return;
    for (int64_t i = 0; i < a.n; i++)
        if (a.x[i] > 0)
            a.where[n++] = i;
    *a.count = n;
}

KERNEL(test_above, TestArgs)
{
    if (IS_FIRST)
        *a.flag = a.x[0] > a.limit;
}

KERNEL(check, CheckArgs)
{
    FOR_EACH(i, a.n)
    if (a.x[i] < 0 && take(&a.failure->code, AOTC_FAIL_INDEX)) {
        const char text[] = "index";
        a.failure->kernel = (int32_t)a.kernel;
        a.failure->value = (int64_t)a.x[i];
        a.failure->bound = a.n;
        for (unsigned k = 0; k < sizeof text; k++)
            a.failure->message[k] = text[k];
        publish(&a.failure->ready);
    }
}

#ifdef __CUDACC__
KERNEL(use_shared, SharedArgs)
{
    extern __shared__ unsigned char memory[];
    for (int64_t i = threadIdx.x; i < a.bytes; i += blockDim.x)
        memory[i] = 1;
    __syncthreads();
    if (!IS_FIRST)
        return;
    int64_t sum = 0;
    for (int64_t i = 0; i < a.bytes; i++)
        sum += memory[i];
    *a.y = (float)sum;
}
#else
KERNEL(use_shared, SharedArgs)
{
    *a.y = (float)a.bytes;
}
#endif
#endif

#endif
