/* The attention kernels of emit_cuda/runtime on a device: results against plain loops in double,
 * then times.  Stands alone:
 *
 *   nvcc -O3 -std=c++17 -gencode=arch=compute_90a,code=sm_90a -I. tests/cuda/bench_attention.cu \
 *       -o bench_attention && ./bench_attention
 *
 * Prints one line a case and exits with 1 when one is wrong. */
#include "abi/aotc_model.h"
#include "emit_cuda/runtime/prelude.cu.inc"
#include "emit_cuda/runtime/mma.cu.inc"
#include "emit_cuda/runtime/attention.cu.inc"
#include "emit_cuda/runtime/attention_sm90.cu.inc"
#include "emit_cuda/runtime/attention_plain.cu.inc"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <vector>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        cudaError_t error = (call);                                                                \
        if (error != cudaSuccess) {                                                                \
            printf("%s:%d %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(error));        \
            exit(2);                                                                               \
        }                                                                                          \
    } while (0)

enum { NO_MASK, BOOL_MASK, ADD_MASK };
enum { HEADS_FIRST, ROWS_FIRST, TURNED }; /* [b,h,s,d], [b,s,h,d], [b,h,d,s] */

struct Case {
    int   batch, heads, kv_heads, q_len, kv_len, d, dv;
    int   mask, layout;
    float scale;
};

struct View {
    int64_t b, h, s, d;
};

static View view_of(int layout, int heads, int len, int d)
{
    if (layout == ROWS_FIRST)
        return {(int64_t)heads * len * d, d, (int64_t)heads * d, 1};
    if (layout == TURNED)
        return {(int64_t)heads * len * d, (int64_t)len * d, 1, len};
    return {(int64_t)heads * len * d, (int64_t)len * d, d, 1};
}

struct Args {
    Case           c;
    View           q, k, v, o;
    const void    *qp, *kp, *vp;
    void          *op;
    const uint8_t *bools;
    const float   *adds;
    float         *partial;
    int64_t        splits;
};

template <class T> struct element;
template <> struct element<float> {
    static __host__ __device__ float load(float x) { return x; }
    static __device__ float store(float x) { return x; }
};
template <> struct element<double> {
    static __host__ __device__ double load(double x) { return x; }
    static __device__ double store(double x) { return x; }
};
struct bf16 {
    uint16_t bits;
};
struct f16 {
    uint16_t bits;
};
template <> struct element<bf16> {
    static __device__ float load(bf16 x) { return aotc_bf16_to_f32(x.bits); }
    static __device__ bf16  store(float x) { return {aotc_f32_to_bf16(x)}; }
};
template <> struct element<f16> {
    static __device__ float load(f16 x) { return aotc_f16_to_f32(x.bits); }
    static __device__ f16   store(float x) { return {aotc_f32_to_f16(x)}; }
};

static __device__ int64_t key_head(int64_t b, int group)
{
    return group == 1 ? b : b / group;
}

/* b counts heads of all batches.  Heads that follow each other evenly need no division, which
 * kernels whose sizes are known do not have either. */
static __device__ int64_t at(const View &v, int64_t b, int heads, int64_t s, int64_t d)
{
    if (v.b == v.h * heads)
        return b * v.h + s * v.s + d * v.d;
    return b / heads * v.b + b % heads * v.h + s * v.s + d * v.d;
}

static __device__ float mask_value(const Args &a, int64_t b, int64_t i, int64_t j)
{
    const int64_t place = (b / a.c.heads * a.c.q_len + i) * a.c.kv_len + j;
    if (a.c.mask == BOOL_MASK)
        return a.bools[place] ? 0.f : -INFINITY;
    return a.c.mask == ADD_MASK ? a.adds[place] : 0.f;
}

static __device__ aotc_attention sizes_of(const Args &a)
{
    aotc_attention x;
    x.batch = (int64_t)a.c.batch * a.c.heads;
    x.q_len = a.c.q_len, x.kv_len = a.c.kv_len, x.d = a.c.d, x.dv = a.c.dv;
    x.q_col = a.q.d, x.k_row = a.k.s, x.k_col = a.k.d, x.v_row = a.v.s, x.v_col = a.v.d;
    x.scale = a.c.scale, x.splits = a.splits, x.partial = a.partial;
    return x;
}

template <class T, class Width, class V>
static __device__ void store_value(Width, const Args &a, int64_t b, int64_t i, int64_t n,
                                   const V &value)
{
    aotc_vec<T, Width::value> out;
#pragma unroll
    for (int v = 0; v < Width::value; v++)
        out[v] = element<T>::store(value[v]);
    T *to = (T *)a.op + at(a.o, b, a.c.heads, i, n);
    if (AOTC_ADDRESS(to) % sizeof out == 0)
        aotc_store<Width::value>(to, out);
    else
        aotc_store_some<Width::value>(to, out, Width::value);
}

template <class S, class T, int WGMMA>
__global__ void __launch_bounds__(S::WARPS * 32, WGMMA ? WGMMA : 1) by_tensor_cores(const Args a)
{
    const int  group = a.c.heads / a.c.kv_heads, heads = a.c.heads;
    const auto run = [&](auto... rows) {
        if constexpr (WGMMA)
            aotc_attention_wgmma<S>(rows...);
        else
            aotc_attention_mma<S>(rows...);
    };
    run(
        sizes_of(a),
        [&](int64_t b, int64_t i) {
            return (const uint16_t *)a.qp + at(a.q, b, heads, i, 0);
        },
        [&](int64_t b, int64_t j) {
            return (const uint16_t *)a.kp + at(a.k, key_head(b, group), heads / group, j, 0);
        },
        [&](int64_t b, int64_t j) {
            return (const uint16_t *)a.vp + at(a.v, key_head(b, group), heads / group, j, 0);
        },
        [&](int64_t b, int64_t i, int64_t j) { return mask_value(a, b, i, j); },
        [&](auto w, int64_t b, int64_t i, int64_t n, const auto &v) { store_value<T>(w, a, b, i, n, v); });
}

template <class T> __global__ void __launch_bounds__(128) combine(const Args a)
{
    aotc_attention_combine(sizes_of(a), [&](auto w, int64_t b, int64_t i, int64_t n, const auto &v) {
        store_value<T>(w, a, b, i, n, v);
    });
}

template <class S, class T> __global__ void __launch_bounds__(256) by_plain(const Args a)
{
    typedef typename S::Acc Acc;
    const int               group = a.c.heads / a.c.kv_heads, heads = a.c.heads;
    aotc_attention_plain<S>(
        sizes_of(a), (Acc)a.c.scale,
        [&](int64_t b, int64_t i, int64_t c) {
            return (Acc)element<T>::load(((const T *)a.qp)[at(a.q, b, heads, i, c)]);
        },
        [&](int64_t b, int64_t j, int64_t c) {
            return (Acc)element<T>::load(
                ((const T *)a.kp)[at(a.k, key_head(b, group), heads / group, j, c)]);
        },
        [&](int64_t b, int64_t j, int64_t c) {
            return (Acc)element<T>::load(
                ((const T *)a.vp)[at(a.v, key_head(b, group), heads / group, j, c)]);
        },
        [&](int64_t b, int64_t i, int64_t j) { return mask_value(a, b, i, j); },
        [&](auto w, int64_t b, int64_t i, int64_t n, const auto &v) { store_value<T>(w, a, b, i, n, v); });
}

/* One block a query: scores in double in shared memory. */
template <class T> __global__ void reference(const Args a, bool causal, double *out)
{
    extern __shared__ double s[];
    const int                group = a.c.heads / a.c.kv_heads, heads = a.c.heads;
    const int64_t b = blockIdx.x / a.c.q_len, i = blockIdx.x % a.c.q_len, kv = b / group;
    __shared__ double        total;
    for (int j = threadIdx.x; j < a.c.kv_len; j += blockDim.x) {
        double sum = 0;
        for (int e = 0; e < a.c.d; e++)
            sum += (double)element<T>::load(((const T *)a.qp)[at(a.q, b, heads, i, e)]) *
                   (double)element<T>::load(((const T *)a.kp)[at(a.k, kv, heads / group, j, e)]);
        s[j] = sum * a.c.scale + mask_value(a, b, i, j);
        if (causal && j > i)
            s[j] = -INFINITY;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        double top = -INFINITY;
        for (int j = 0; j < a.c.kv_len; j++)
            top = s[j] > top ? s[j] : top;
        total = 0;
        for (int j = 0; j < a.c.kv_len; j++) {
            s[j] = top == -INFINITY ? 0 : exp(s[j] - top);
            total += s[j];
        }
    }
    __syncthreads();
    for (int n = threadIdx.x; n < a.c.dv; n += blockDim.x) {
        double sum = 0;
        for (int j = 0; j < a.c.kv_len; j++)
            sum += s[j] * (double)element<T>::load(((const T *)a.vp)[at(a.v, kv, heads / group, j, n)]);
        out[(b * a.c.q_len + i) * a.c.dv + n] = total == 0 ? 0 : sum / total;
    }
}

/* |out - reference| / |reference| */
template <class T> __global__ void compare(const Args a, const double *ref, double *sums)
{
    const int64_t all = (int64_t)a.c.batch * a.c.heads * a.c.q_len * a.c.dv;
    double        error = 0, norm = 0;
    for (int64_t e = blockIdx.x * blockDim.x + threadIdx.x; e < all; e += gridDim.x * blockDim.x) {
        const int64_t n = e % a.c.dv, i = e / a.c.dv % a.c.q_len, b = e / a.c.dv / a.c.q_len;
        const double  got = (double)element<T>::load(
            ((const T *)a.op)[at(a.o, b, a.c.heads, i, n)]);
        error += (got - ref[e]) * (got - ref[e]);
        norm += ref[e] * ref[e];
    }
    atomicAdd(sums, error);
    atomicAdd(sums + 1, norm);
}

static uint32_t state = 12345;
static float    random_float()
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 8388608.f - 1.f;
}

template <class T> __global__ void convert(T *to, const float *from, int64_t n)
{
    for (int64_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        to[i] = element<T>::store(from[i]);
}

template <class T> static T *make(int64_t n, float by)
{
    std::vector<float> host(n + 1);
    float             *from;
    T                 *to;
    for (int64_t i = 0; i < n; i++)
        host[i] = (random_float() + random_float() + random_float()) * by;
    CHECK(cudaMalloc(&from, (n + 1) * sizeof(float)));
    CHECK(cudaMalloc(&to, (n + 1) * sizeof(T)));
    CHECK(cudaMemcpy(from, host.data(), n * sizeof(float), cudaMemcpyHostToDevice));
    convert<<<256, 256>>>(to, from, n);
    CHECK(cudaDeviceSynchronize());
    cudaFree(from);
    return to;
}

static int failures;

/* run(): launches. */
template <class T, class Run>
static void check(const char *name, Args a, bool causal, double bound, bool timed, Run run)
{
    const Case   &c = a.c;
    const int64_t nq = (int64_t)c.batch * c.heads * c.q_len, nk = (int64_t)c.batch * c.kv_heads * c.kv_len;
    double       *ref, *sums, host[2];
    a.q = view_of(c.layout, c.heads, c.q_len, c.d), a.k = view_of(c.layout, c.kv_heads, c.kv_len, c.d);
    a.v = view_of(c.layout, c.kv_heads, c.kv_len, c.dv), a.o = view_of(ROWS_FIRST, c.heads, c.q_len, c.dv);
    a.qp = make<T>(nq * c.d, 1), a.kp = make<T>(nk * c.d, 1), a.vp = make<T>(nk * c.dv, 1);
    CHECK(cudaMalloc(&a.op, (nq * c.dv + 1) * sizeof(T)));
    CHECK(cudaMemset(a.op, 0xff, (nq * c.dv + 1) * sizeof(T)));
    CHECK(cudaMalloc(&a.partial, (nq * (c.dv + 1) * 64 + 1) * sizeof(float)));
    const int64_t        nm = (int64_t)c.batch * c.q_len * c.kv_len;
    std::vector<uint8_t> bools(nm + 1);
    std::vector<float>   adds(nm + 1);
    for (int64_t i = 0; i < nm && c.mask; i++) {
        const bool row_is_hidden = i / c.kv_len % 7 == 3;
        bools[i] = !row_is_hidden && random_float() > 0;
        adds[i] = row_is_hidden ? -INFINITY : random_float() * 4;
    }
    CHECK(cudaMalloc((void **)&a.bools, nm + 1));
    CHECK(cudaMalloc((void **)&a.adds, (nm + 1) * 4));
    CHECK(cudaMemcpy((void *)a.bools, bools.data(), nm, cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy((void *)a.adds, adds.data(), nm * 4, cudaMemcpyHostToDevice));
    CHECK(cudaMalloc(&ref, (nq * c.dv + 1) * 8));
    CHECK(cudaMalloc(&sums, 16));
    CHECK(cudaMemset(sums, 0, 16));
    CHECK(cudaFuncSetAttribute(reference<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, 8 * (c.kv_len + 1)));
    reference<T><<<(unsigned)nq, 128, 8 * (c.kv_len + 1)>>>(a, causal, ref);
    CHECK(cudaDeviceSynchronize());
    run(a);
    CHECK(cudaGetLastError());
    CHECK(cudaDeviceSynchronize());
    compare<T><<<128, 256>>>(a, ref, sums);
    CHECK(cudaMemcpy(host, sums, 16, cudaMemcpyDeviceToHost));
    const double error = host[1] == 0 ? host[0] : sqrt(host[0] / host[1]);
    const bool   is_good = error <= bound;
    failures += !is_good;
    printf("%-4s %-22s b%d h%d/%d q%d kv%d d%d/%d causal%d mask%d layout%d splits%d  error %.2e",
           is_good ? "ok" : "BAD", name, c.batch, c.heads, c.kv_heads, c.q_len, c.kv_len, c.d, c.dv,
           causal, c.mask, c.layout, (int)a.splits, error);
    if (timed) {
        cudaEvent_t t0, t1;
        float       best = 1e9, ms;
        cudaEventCreate(&t0), cudaEventCreate(&t1);
        for (int i = 0; i < 20; i++) {
            cudaEventRecord(t0);
            run(a);
            cudaEventRecord(t1);
            CHECK(cudaEventSynchronize(t1));
            cudaEventElapsedTime(&ms, t0, t1);
            best = ms < best ? ms : best;
        }
        const double flops = 2.0 * nq * c.kv_len * (c.d + c.dv) * (causal ? 0.5 : 1);
        const double bytes = (double)(nq + nk) * (c.d + c.dv) * sizeof(T);
        printf("  %.1f us  %.1f TFLOP/s  %.0f GB/s", best * 1e3, flops / best * 1e-9, bytes / best * 1e-6);
    }
    printf("\n");
    fflush(stdout);
    cudaFree((void *)a.qp), cudaFree((void *)a.kp), cudaFree((void *)a.vp), cudaFree(a.op);
    cudaFree(a.partial), cudaFree((void *)a.bools), cudaFree((void *)a.adds), cudaFree(ref), cudaFree(sums);
}

template <class S, int WGMMA> static void tensor_case(const char *name, const Case &c, int splits, bool timed)
{
    typedef typename std::conditional<S::TYPE == AOTC_MMA_BF16, bf16, f16>::type T;
    Args a = {c};
    a.splits = splits;
    CHECK(cudaFuncSetAttribute(by_tensor_cores<S, T, WGMMA>, cudaFuncAttributeMaxDynamicSharedMemorySize, S::BYTES));
    check<T>(name, a, S::CAUSAL, S::TYPE == AOTC_MMA_BF16 ? 6e-3 : 1e-3, timed, [&](const Args &x) {
        const int64_t tiles = ((int64_t)c.q_len * S::GROUP + S::M - 1) / S::M;
        const int64_t blocks = tiles * c.batch * c.heads / S::GROUP * splits;
        by_tensor_cores<S, T, WGMMA><<<(unsigned)blocks, S::WARPS * 32, S::BYTES>>>(x);
        if (splits > 1)
            combine<T><<<(unsigned)((c.batch * c.heads * c.q_len + 3) / 4), 128>>>(x);
    });
}

template <int D, int DV, int WARPS, int MI, int KEYS, int TYPE, int GROUP, bool CAUSAL, bool MASK, bool SPLIT>
static void mma_case(const Case &c, int splits, bool timed)
{
    typedef aotc_attention_shape<D, DV, WARPS, MI, KEYS, TYPE, 8, GROUP, CAUSAL, MASK, SPLIT> S;
    tensor_case<S, 0>(TYPE == AOTC_MMA_BF16 ? "mma bf16" : "mma f16", c, splits, timed);
}

/* BLOCKS: a multiprocessor. */
template <int D, int DV, int KEYS, int TYPE, bool CAUSAL, bool MASK, int BLOCKS>
static void wgmma_case(const Case &c, bool timed)
{
    typedef aotc_attention_sm90_shape<D, DV, KEYS, TYPE, 8, CAUSAL, MASK> S;
    tensor_case<S, BLOCKS>(TYPE == AOTC_MMA_BF16 ? "wgmma bf16" : "wgmma f16", c, 1, timed);
}

static void all_wgmma()
{
    const int B = AOTC_MMA_BF16, F = AOTC_MMA_F16;
    wgmma_case<64, 64, 64, B, true, false, 2>({4, 16, 16, 2048, 2048, 64, 64, NO_MASK, HEADS_FIRST, 0.125f}, true);
    wgmma_case<64, 64, 128, B, true, false, 1>({4, 16, 16, 2048, 2048, 64, 64, NO_MASK, HEADS_FIRST, 0.125f}, true);
    wgmma_case<64, 64, 64, B, false, false, 2>({4, 16, 16, 2048, 2048, 64, 64, NO_MASK, ROWS_FIRST, 0.125f}, true);
    wgmma_case<128, 128, 64, B, true, false, 1>({4, 16, 16, 2048, 2048, 128, 128, NO_MASK, HEADS_FIRST, 0.08f}, true);
    wgmma_case<128, 128, 128, B, true, false, 1>({4, 16, 16, 2048, 2048, 128, 128, NO_MASK, HEADS_FIRST, 0.08f}, true);
    wgmma_case<64, 64, 64, F, true, false, 2>({2, 3, 3, 77, 130, 64, 64, NO_MASK, TURNED, 0.125f}, false);
    wgmma_case<64, 64, 64, F, true, false, 2>({2, 3, 1, 130, 77, 61, 57, NO_MASK, ROWS_FIRST, 0.125f}, false);
    wgmma_case<64, 64, 64, F, false, true, 1>({2, 6, 2, 130, 77, 64, 64, BOOL_MASK, ROWS_FIRST, 0.125f}, false);
    wgmma_case<64, 64, 64, F, false, true, 1>({4, 16, 16, 2048, 2048, 64, 64, BOOL_MASK, HEADS_FIRST, 0.125f}, true);
    wgmma_case<128, 64, 64, F, false, true, 1>({2, 6, 2, 300, 200, 96, 40, ADD_MASK, ROWS_FIRST, 0.125f}, false);
    wgmma_case<64, 128, 128, F, true, false, 1>({2, 6, 2, 300, 200, 50, 128, NO_MASK, ROWS_FIRST, 0.125f}, false);
    wgmma_case<64, 64, 64, B, false, false, 2>({1, 2, 2, 100, 0, 64, 64, NO_MASK, ROWS_FIRST, 0.3f}, false);
}

template <class T, class Acc, int SLAB, bool CAUSAL, bool MASK>
static void plain_case(const char *name, const Case &c, double bound, bool timed)
{
    typedef aotc_plain_shape<Acc, SLAB, CAUSAL, MASK> S;
    Args                                                    a = {c};
    a.splits = 1;
    CHECK(cudaFuncSetAttribute(by_plain<S, T>, cudaFuncAttributeMaxDynamicSharedMemorySize, S::BYTES));
    check<T>(name, a, CAUSAL, bound, timed, [&](const Args &x) {
        const int64_t blocks = (int64_t)(c.q_len + 63) / 64 * c.batch * c.heads * ((c.dv + SLAB - 1) / SLAB);
        by_plain<S, T><<<(unsigned)blocks, 256, S::BYTES>>>(x);
    });
}

static void all_mma()
{
    /* the row of the goals, and larger heads */
    mma_case<64, 64, 4, 2, 64, AOTC_MMA_BF16, 1, true, false, false>({4, 16, 16, 2048, 2048, 64, 64, NO_MASK, HEADS_FIRST, 0.125f}, 1, true);
    mma_case<64, 64, 4, 2, 64, AOTC_MMA_BF16, 1, false, false, false>({4, 16, 16, 2048, 2048, 64, 64, NO_MASK, ROWS_FIRST, 0.125f}, 1, true);
    mma_case<64, 64, 4, 1, 64, AOTC_MMA_BF16, 1, true, false, false>({4, 16, 16, 2048, 2048, 64, 64, NO_MASK, HEADS_FIRST, 0.125f}, 1, true);
    mma_case<128, 128, 8, 1, 64, AOTC_MMA_BF16, 1, true, false, false>({4, 16, 16, 2048, 2048, 128, 128, NO_MASK, HEADS_FIRST, 0.08f}, 1, true);
    mma_case<256, 256, 4, 1, 32, AOTC_MMA_F16, 1, false, false, false>({1, 4, 4, 513, 300, 256, 250, NO_MASK, HEADS_FIRST, 0.0625f}, 1, true);
    /* strides, odd sizes, masks, groups */
    mma_case<64, 64, 4, 2, 64, AOTC_MMA_F16, 1, true, false, false>({2, 3, 3, 77, 130, 64, 64, NO_MASK, TURNED, 0.125f}, 1, false);
    mma_case<64, 64, 4, 2, 64, AOTC_MMA_F16, 1, true, false, false>({2, 3, 1, 130, 77, 61, 57, NO_MASK, ROWS_FIRST, 0.125f}, 1, false);
    mma_case<64, 64, 4, 2, 64, AOTC_MMA_F16, 1, false, true, false>({2, 6, 2, 130, 77, 64, 64, BOOL_MASK, ROWS_FIRST, 0.125f}, 1, false);
    mma_case<64, 64, 4, 2, 64, AOTC_MMA_F16, 1, false, true, false>({2, 6, 2, 130, 77, 64, 64, ADD_MASK, ROWS_FIRST, -0.125f}, 1, false);
    mma_case<64, 64, 4, 2, 64, AOTC_MMA_F16, 1, false, true, false>({2, 2, 2, 512, 512, 64, 64, BOOL_MASK, ROWS_FIRST, 0.125f}, 1, true);
    mma_case<16, 48, 4, 2, 64, AOTC_MMA_BF16, 1, false, false, false>({1, 2, 2, 100, 1, 9, 40, NO_MASK, ROWS_FIRST, 0.3f}, 1, false);
    mma_case<16, 48, 4, 2, 64, AOTC_MMA_BF16, 1, false, false, false>({1, 2, 2, 100, 0, 9, 40, NO_MASK, ROWS_FIRST, 0.3f}, 1, false);
    /* few queries */
    mma_case<64, 64, 4, 1, 64, AOTC_MMA_BF16, 1, false, true, true>({1, 12, 12, 1, 1024, 64, 64, BOOL_MASK, HEADS_FIRST, 0.125f}, 16, true);
    mma_case<128, 128, 4, 1, 64, AOTC_MMA_BF16, 4, false, false, true>({4, 32, 8, 1, 8192, 128, 128, NO_MASK, HEADS_FIRST, 0.08f}, 8, true);
    mma_case<128, 128, 4, 1, 64, AOTC_MMA_BF16, 4, false, false, true>({4, 32, 8, 1, 8192, 128, 128, NO_MASK, ROWS_FIRST, 0.08f}, 16, true);
    mma_case<128, 128, 4, 1, 64, AOTC_MMA_BF16, 4, true, false, true>({2, 32, 8, 13, 300, 128, 128, NO_MASK, ROWS_FIRST, 0.08f}, 3, false);
    mma_case<128, 128, 4, 1, 64, AOTC_MMA_BF16, 4, true, false, true>({2, 32, 8, 40, 300, 128, 128, NO_MASK, ROWS_FIRST, 0.08f}, 7, false);
}

static void all_plain()
{
    plain_case<float, float, 64, true, false>("plain f32", {4, 16, 16, 1024, 1024, 64, 64, NO_MASK, HEADS_FIRST, 0.125f}, 2e-6, true);
    plain_case<float, float, 128, false, false>("plain f32", {4, 8, 8, 512, 512, 128, 128, NO_MASK, ROWS_FIRST, 0.08f}, 2e-6, true);
    plain_case<float, float, 64, false, true>("plain f32", {1, 6, 2, 130, 77, 61, 57, BOOL_MASK, ROWS_FIRST, 0.125f}, 2e-6, false);
    plain_case<float, float, 64, true, false>("plain f32", {1, 6, 2, 77, 130, 33, 65, NO_MASK, TURNED, 0.125f}, 2e-6, false);
    plain_case<double, double, 64, true, false>("plain f64", {2, 4, 2, 200, 300, 80, 72, NO_MASK, HEADS_FIRST, 0.125f}, 1e-13, true);
    plain_case<double, double, 64, false, true>("plain f64", {2, 4, 2, 1, 300, 80, 72, ADD_MASK, HEADS_FIRST, 0.125f}, 1e-13, false);
    plain_case<bf16, float, 128, false, false>("plain bf16", {1, 2, 2, 100, 300, 500, 400, NO_MASK, HEADS_FIRST, 0.04f}, 6e-3, false);
}

int main()
{
    all_wgmma();
    all_mma();
    all_plain();
    printf(failures ? "%d cases are wrong\n" : "all good\n", failures);
    return failures != 0;
}
