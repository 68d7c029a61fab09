/* Device code on the CPU: what CUDA C++ of emit_cuda needs to be compiled by a C++ compiler and
 * run.
 *
 * tests/cuda/emulated-nvcc puts this text in front of a .cu file and an entry
 *
 *   extern "C" void emulated_NAME(const emulated_launch *launch, const void *args);
 *
 * behind it for each __global__ function.  Blocks run one after the other; the threads of a block
 * are fibers, each runs up to its next barrier or shuffle.  Their order changes from block to block
 * so that a missing barrier shows.  A barrier or shuffle that some named thread never reaches ends
 * the process with a message.  One launch at a time.
 *
 * __CUDA_ARCH__ is not defined: what is an instruction has a meaning in plain C++ beside it. */
#ifndef AOTC_TESTS_CUDA_EMULATE_H
#define AOTC_TESTS_CUDA_EMULATE_H

#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define AOTC_EMULATED 1
#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __constant__ static const
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};
static inline uint2 make_uint2(unsigned x, unsigned y)
{
    return {x, y};
}
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {x, y, z, w};
}
static inline float2 make_float2(float x, float y)
{
    return {x, y};
}
static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}

/* ---- threads --------------------------------------------------------------------------------- */
enum { EMULATED_MAX_THREADS = 1024, EMULATED_STACK = 256 * 1024 };

struct emulated_launch {
    unsigned grid[3], block[3], shared_bytes;
};

static uint3     threadIdx, blockIdx;
static dim3      blockDim, gridDim;
static const int warpSize = 32;

struct emulated_barrier {
    int      arrived;
    unsigned generation;
};

struct emulated_fiber {
    ucontext_t start;
    jmp_buf    at;
    bool       is_started, is_done;
};

static struct emulated_state {
    emulated_fiber fibers[EMULATED_MAX_THREADS];
    int            order[EMULATED_MAX_THREADS];
    int n, place, alive, stuck; /* threads; turn in order; not at the end; turns in vain */
    emulated_barrier block,
        warps[EMULATED_MAX_THREADS]; /* of a warp: by the lowest lane of its mask */
    uint64_t values[EMULATED_MAX_THREADS][2];
    void (*body)(const void *);
    const void *args;
    jmp_buf     home;
    char       *stacks;
    uint64_t    seed;
} emulated;

static inline int emulated_thread()
{
    return emulated.order[emulated.place];
}

static inline void emulated_stop(const char *what)
{
    fprintf(stderr, "emulated device: %s (block %u,%u,%u thread %d)\n", what, blockIdx.x,
            blockIdx.y, blockIdx.z, emulated_thread());
    abort();
}

static inline void emulated_enter(int thread)
{
    threadIdx.x = (unsigned)thread % blockDim.x;
    threadIdx.y = (unsigned)thread / blockDim.x % blockDim.y;
    threadIdx.z = (unsigned)thread / blockDim.x / blockDim.y;
}

static void emulated_main()
{
    emulated.body(emulated.args);
    emulated.fibers[emulated_thread()].is_done = true;
    emulated.alive--;
    emulated.stuck = 0;
    if (emulated.block.arrived > 0 && emulated.block.arrived == emulated.alive) {
        emulated.block.arrived = 0;
        emulated.block.generation++;
    }
    _longjmp(emulated.home, 1);
}

static inline void emulated_resume()
{
    emulated_fiber *f = &emulated.fibers[emulated_thread()];
    emulated_enter(emulated_thread());
    if (f->is_started)
        _longjmp(f->at, 1);
    f->is_started = true;
    getcontext(&f->start);
    f->start.uc_stack.ss_sp = emulated.stacks + (size_t)emulated_thread() * EMULATED_STACK;
    f->start.uc_stack.ss_size = EMULATED_STACK;
    f->start.uc_link = NULL;
    makecontext(&f->start, emulated_main, 0);
    setcontext(&f->start);
}

/* The next thread that has not ended. */
static inline void emulated_next()
{
    do
        emulated.place = (emulated.place + 1) % emulated.n;
    while (emulated.fibers[emulated_thread()].is_done);
}

static __attribute__((noinline)) void emulated_yield()
{
    if (++emulated.stuck > 4 * emulated.n)
        emulated_stop("threads wait for one that does not come");
    if (_setjmp(emulated.fibers[emulated_thread()].at))
        return;
    emulated_next();
    emulated_resume();
}

static inline void emulated_wait(emulated_barrier *b, int n)
{
    const unsigned generation = b->generation;
    if (++b->arrived >= n) {
        b->arrived = 0;
        b->generation++;
        emulated.stuck = 0;
        return;
    }
    while (*(volatile unsigned *)&b->generation == generation)
        emulated_yield();
}

static inline void __syncthreads()
{
    emulated_wait(&emulated.block, emulated.alive);
}

static void emulated_block()
{
    for (int i = 0; i < emulated.n; i++)
        emulated.fibers[i].is_started = emulated.fibers[i].is_done = false;
    for (int i = emulated.n - 1; i > 0; i--) { /* another order for every block */
        emulated.seed = emulated.seed * 6364136223846793005u + 1442695040888963407u;
        const int j = (int)((emulated.seed >> 33) % (unsigned)(i + 1)), old = emulated.order[i];
        emulated.order[i] = emulated.order[j];
        emulated.order[j] = old;
    }
    emulated.alive = emulated.n;
    emulated.place = emulated.stuck = 0;
    memset(&emulated.block, 0, sizeof emulated.block);
    memset(emulated.warps, 0, sizeof emulated.warps);
    (void)_setjmp(emulated.home); /* again for every thread that ends */
    if (!emulated.alive)
        return;
    if (emulated.fibers[emulated_thread()].is_done)
        emulated_next();
    emulated_resume();
}

static inline void emulated_run(const emulated_launch *l, void (*body)(const void *),
                                const void            *args)
{
    emulated.n = (int)(l->block[0] * l->block[1] * l->block[2]);
    emulated.body = body;
    emulated.args = args;
    blockDim = {l->block[0], l->block[1], l->block[2]};
    gridDim = {l->grid[0], l->grid[1], l->grid[2]};
    if (emulated.n < 1 || emulated.n > EMULATED_MAX_THREADS)
        emulated_stop("a block of no or more than 1024 threads");
    if (!emulated.stacks)
        emulated.stacks = (char *)mmap(NULL, (size_t)EMULATED_MAX_THREADS * EMULATED_STACK,
                                       PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < emulated.n; i++)
        emulated.order[i] = i;
    for (unsigned z = 0; z < l->grid[2]; z++)
        for (unsigned y = 0; y < l->grid[1]; y++)
            for (unsigned x = 0; x < l->grid[0]; x++) {
                blockIdx = {x, y, z};
                emulated_block();
            }
}

/* ---- warps ----------------------------------------------------------------------------------- */
static inline void emulated_warp_wait(unsigned mask)
{
    const int thread = emulated_thread(), first = thread & ~31;
    if (!(mask >> (thread & 31) & 1))
        emulated_stop("the mask of a warp operation lacks the calling thread");
    emulated_wait(&emulated.warps[first + __builtin_ctz(mask)], __builtin_popcount(mask));
}

static inline void __syncwarp(unsigned mask = 0xffffffffu)
{
    const int left = emulated.n - (emulated_thread() & ~31); /* the last warp may not be full */
    emulated_warp_wait(left < 32 ? mask & ((1u << left) - 1) : mask);
}

template <class T> static inline T emulated_shuffle(unsigned mask, T value, int from)
{
    static_assert(sizeof(T) <= 16, "");
    const int thread = emulated_thread(), first = thread & ~31;
    T         out;
    memcpy(emulated.values[thread], &value, sizeof value);
    emulated_warp_wait(mask);
    memcpy(&out, emulated.values[first + (from & 31)], sizeof out);
    if (!(mask >> (from & 31) & 1))
        emulated_stop("a shuffle reads a lane that its mask lacks");
    emulated_warp_wait(mask);
    return out;
}

template <class T> static inline T __shfl_sync(unsigned mask, T value, int from, int width = 32)
{
    return emulated_shuffle(mask, value,
                            (emulated_thread() & 31 & ~(width - 1)) | (from & (width - 1)));
}

template <class T> static inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int = 32)
{
    return emulated_shuffle(mask, value, (emulated_thread() & 31) ^ lanes);
}

template <class T>
static inline T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32)
{
    const int lane = emulated_thread() & 31, low = lane & ~(width - 1);
    return emulated_shuffle(mask, value, lane - (int)by < low ? lane : lane - (int)by);
}

template <class T>
static inline T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32)
{
    const int lane = emulated_thread() & 31, high = lane | (width - 1);
    return emulated_shuffle(mask, value, lane + (int)by > high ? lane : lane + (int)by);
}

static inline unsigned __ballot_sync(unsigned mask, int predicate)
{
    const int thread = emulated_thread(), first = thread & ~31;
    unsigned  out = 0;
    emulated.values[thread][0] = predicate != 0;
    emulated_warp_wait(mask);
    for (int i = 0; i < 32; i++)
        out |= mask >> i & 1 ? (unsigned)emulated.values[first + i][0] << i : 0;
    emulated_warp_wait(mask);
    return out;
}

static inline int __any_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) != 0;
}
static inline int __all_sync(unsigned mask, int predicate)
{
    return __ballot_sync(mask, predicate) == mask;
}

static inline int __syncthreads_or(int predicate)
{
    static int any;
    __syncthreads();
    any = 0;
    __syncthreads();
    any |= predicate != 0;
    __syncthreads();
    return any;
}

/* ---- memory ---------------------------------------------------------------------------------- */
static inline void __threadfence()
{
}
static inline void __threadfence_block()
{
}
static inline void __threadfence_system()
{
}
template <class T> static inline T __ldg(const T *p)
{
    return *p;
}
template <class T> static inline T __ldcs(const T *p)
{
    return *p;
}
template <class T> static inline void __stcs(T *p, T v)
{
    *p = v;
}

/* Threads change at barriers only. */
#define EMULATED_ATOMIC(name, now)                                                                 \
    template <class T, class V> static inline T name(T *p, V given)                                \
    {                                                                                              \
        const T old = *p, v = (T)given;                                                            \
        *p = now;                                                                                  \
        return old;                                                                                \
    }
EMULATED_ATOMIC(atomicAdd, (T)(old + v))
EMULATED_ATOMIC(atomicMax, old > v ? old : v)
EMULATED_ATOMIC(atomicMin, old < v ? old : v)
EMULATED_ATOMIC(atomicExch, v)
EMULATED_ATOMIC(atomicAnd, (T)(old &v))
EMULATED_ATOMIC(atomicOr, (T)(old | v))

template <class T, class U, class V> static inline T atomicCAS(T *p, U seen, V now)
{
    const T old = *p;
    if (old == (T)seen)
        *p = (T)now;
    return old;
}

/* ---- functions ------------------------------------------------------------------------------- */
template <class To, class From> static inline To emulated_bits(From x)
{
    static_assert(sizeof(To) == sizeof(From), "");
    To y;
    memcpy(&y, &x, sizeof y);
    return y;
}

static inline float __uint_as_float(unsigned x)
{
    return emulated_bits<float>(x);
}
static inline long long __double_as_longlong(double x)
{
    long long u;
    memcpy(&u, &x, sizeof u);
    return u;
}
/* Addresses of shared memory are for instructions that have no meaning here. */
static inline size_t __cvta_generic_to_shared(const void *)
{
    fprintf(stderr, "an instruction that is not emulated\n");
    abort();
}
/* Blocks run one after the other: what a block waits for does not come. */
static inline void __nanosleep(unsigned)
{
    emulated_stop("a block waits for another one");
}
template <class T> static inline T __ldcg(const T *p)
{
    return *p;
}
static inline unsigned __float_as_uint(float x)
{
    return emulated_bits<unsigned>(x);
}
static inline float __int_as_float(int x)
{
    return emulated_bits<float>(x);
}
static inline int __float_as_int(float x)
{
    return emulated_bits<int>(x);
}
static inline float __fmaf_rn(float a, float b, float c)
{
    return fmaf(a, b, c);
}
#define __expf(x) expf(x) /* the C library has one of its own */
static inline float __fdividef(float a, float b)
{
    return a / b;
}
static inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
static inline int __clz(int x)
{
    return x ? __builtin_clz((unsigned)x) : 32;
}
static inline int __clzll(long long x)
{
    return x ? __builtin_clzll((unsigned long long)x) : 64;
}
static inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
static inline unsigned __umulhi(unsigned a, unsigned b)
{
    return (unsigned)((uint64_t)a * b >> 32);
}
static inline float rsqrtf(float x)
{
    return 1 / sqrtf(x);
}
static inline double rsqrt(double x)
{
    return 1 / sqrt(x);
}
template <class T> static inline T min(T a, T b)
{
    return b < a ? b : a;
}
template <class T> static inline T max(T a, T b)
{
    return a < b ? b : a;
}

/* A start by the tail's asymptote, then Newton's steps on erf or erfc. */
static inline double erfinv(double y)
{
    const double a = fabs(y);
    if (!(a < 1))
        return a == 1 ? copysign(INFINITY, y) : NAN;
    double x = a < 0.7 ? a * 0.886226925452758 : sqrt(-log(1 - a));
    for (int i = 0; i < 60; i++) {
        const double error = a < 0.9 ? erf(x) - a : 1 - a - erfc(x);
        x -= (a < 0.9 ? error : -error) / (1.1283791670955126 * exp(-x * x));
    }
    return copysign(x, y);
}

static inline float erfinvf(float y)
{
    return (float)erfinv(y);
}

#endif
