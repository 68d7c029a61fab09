/* Products and convolutions on a GPU: every candidate checked against a plain kernel and timed, beside cuBLAS where
 * libcublas.so.13 is found.
 *
 *   nvcc -std=c++17 -I. -O2 -gencode=arch=compute_90a,code=sm_90a tests/cuda/bench_gemm.cu -o bench_gemm -ldl
 *   bench_gemm [check] [gemm] [conv]
 *
 * Times are per launch, of a graph of 40 launches that go through weights of more than the L2 cache together. */
#include <cuda.h>
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <string>
#include <vector>

#include "abi/aotc_model.h"
#include "emit_cuda/runtime/prelude.cu.inc"
#include "emit_c/runtime/element.c.inc"
#include "emit_cuda/runtime/math.cu.inc"
#include "emit_cuda/runtime/launch.cu.inc"
#include "emit_cuda/runtime/epilogue.cu.inc"
#include "emit_cuda/runtime/mma.cu.inc"
#include "emit_cuda/runtime/gemm.cu.inc"
#include "emit_cuda/runtime/conv.cu.inc"
#include "emit_cuda/runtime/wgmma.cu.inc"
#include "emit_cuda/runtime/gemm_sm90.cu.inc"

#define OK(call)                                                                                   \
    do {                                                                                           \
        cudaError_t e = (call);                                                                    \
        if (e != cudaSuccess) {                                                                    \
            printf("%s:%d %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(e));            \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static decltype(&cuTensorMapEncodeTiled) encode_map;

struct Args {
    const uint16_t *a, *b, *bias;
    uint16_t       *out;
    float          *partial;
    int64_t         z, m, n, k, a_m, a_k, b_k, b_n;
    int             splits, gelu;
    aotc_tensor_map        map_a, map_b;
};

#define EPILOGUE(p)                                                                                \
    struct nothing {                                                                               \
    };                                                                                             \
    auto fetch = [&](auto, int64_t, int64_t, int64_t) { return nothing(); };                       \
    auto columns = [&](auto width, int64_t, int64_t, int64_t n) {                                  \
        constexpr int w = decltype(width)::value;                                                  \
        return p.n % 8 ? aotc_load_fixed_any<w>(p.bias + n) : aotc_load_fixed<w>(p.bias + n);      \
    };                                                                                             \
    auto finish = [&](auto width, int64_t z, int64_t m, int64_t n, const auto &acc,                \
                      const auto &, const auto &bias) {                                            \
        constexpr int               w = decltype(width)::value;                                    \
        aotc_vec<uint16_t, w>       out;                                                           \
        _Pragma("unroll") for (int v = 0; v < w; v++)                                              \
        {                                                                                          \
            float x = acc[v] + aotc_bf16_to_f32(bias[v]);                                          \
            if (p.gelu)                                                                            \
                x = x * aotc_ndtr_f32(x);                                                               \
            out[v] = aotc_f32_to_bf16(x);                                                          \
        }                                                                                          \
        if (p.n % 8)                                                                               \
            aotc_store_any<w>(p.out + (z * p.m + m) * p.n + n, out);                               \
        else                                                                                       \
            aotc_put<w>(p.out + (z * p.m + m) * p.n + n, out);                                   \
    };                                                                                             \
    auto ahead = [&](int64_t, int64_t, int64_t n) { aotc_prefetch(p.bias + n); };                  \
    auto epilogue = aotc_make_epilogue(fetch, columns, finish, ahead)

template <class T, bool AK, int AV, bool BK, int BV>
__global__ void __launch_bounds__(T::THREADS) mma_kernel(const __grid_constant__ Args p)
{
    aotc_open();
    const aotc_gemm_size g = {p.m, p.n, p.k, p.splits};
    const aotc_tile      t = aotc_tile_at<T::BM, T::BN>(g);
    EPILOGUE(p);
    aotc_gemm_mma<T, AOTC_MMA_BF16, AK, AV, BK, BV, true, 8>(g, t, p.a + t.z * p.m * p.k, p.a_m, p.a_k, p.b + t.z * p.k * p.n,
                                                       p.b_k, p.b_n, p.partial, p.z, epilogue);
}

template <class C, class T, int XV>
__global__ void __launch_bounds__(T::THREADS) conv_kernel(const __grid_constant__ Args p)
{
    aotc_open();
    constexpr aotc_conv  c = C::conv();
    const aotc_gemm_size g = {C::pixels, C::oc, C::depth, p.splits};
    const aotc_tile      t = aotc_tile_at<T::BM, T::BN>(g);
    EPILOGUE(p);
    aotc_conv_mma<T, AOTC_MMA_BF16, XV, C::depth % 8 ? 1 : 8, true, 8>(c, g, t, p.a, p.b, C::depth, p.partial, 1, epilogue);
}

template <class T, bool AK, bool BK>
__global__ void __launch_bounds__(T::THREADS, 1) wgmma_kernel(const __grid_constant__ Args p)
{
    aotc_open();
    const aotc_gemm_size g = {p.m, p.n, p.k, T::SPLITS};
    EPILOGUE(p);
    aotc_gemm_wgmma<T, AOTC_MMA_BF16, AK, BK, true, 8>(g, p.z, p.map_a, 1, p.map_b, 1, epilogue);
}

__global__ void sum_kernel(const __grid_constant__ Args p)
{
    aotc_begin();
    const aotc_gemm_size g = {p.m, p.n, p.k, p.splits};
    EPILOGUE(p);
    if (p.splits >= 32)
        aotc_gemm_reduce<8, 8>(g, p.partial, p.z, epilogue);
    else if (p.splits >= 8)
        aotc_gemm_reduce<4, 8>(g, p.partial, p.z, epilogue);
    else
        aotc_gemm_reduce<1, 8>(g, p.partial, p.z, epilogue);
}

/* ---- candidates ------------------------------------------------------------------------------ */
struct Kernel {
    const void *function;
    int         bm, bn, stages, threads, shared;
    bool        is_wgmma;
    int         layout;
    bool        turns;
    int         pieces; /* of k, wgmma: fixed */
};

template <class T> static int shared_of(bool ak, bool bk)
{
    const int a = ak || T::BM >= 64 ? T::BM * 128 : 8192, b = bk || T::BN >= 64 ? T::BN * 128 : 8192;
    return std::max(T::STAGES * (a + b), T::BM * (T::BN + 8) * 4);
}

enum { TN, NN, NT, TT }; /* a is [m][k] in the first two, b [n][k] in TN, TT */

template <class T, bool AK, int AV, bool BK, int BV> static Kernel mma_of(int layout)
{
    return {(const void *)mma_kernel<T, AK, AV, BK, BV>, T::BM, T::BN, T::STAGES, T::THREADS, shared_of<T>(AK, BK), false,
            layout, false, 1};
}
template <class T, bool AK, bool BK> static Kernel wgmma_of(int layout)
{
    return {(const void *)wgmma_kernel<T, AK, BK>, T::BM, T::BN, T::STAGES, T::THREADS, T::STAGES * T::STAGE_BYTES + T::STORE_BYTES, true,
            layout, T::TURNS, T::SPLITS};
}

typedef aotc_mma_tile<16, 64, 16, 16, 6>    T0;
typedef aotc_mma_tile<32, 64, 16, 32, 6>    T2;
typedef aotc_mma_tile<64, 64, 32, 32, 5>    T3;
typedef aotc_mma_tile<128, 128, 64, 32, 4>  T6;
typedef aotc_wgmma_tile<128, 256, 4, false, 1> W0;
typedef aotc_wgmma_tile<128, 128, 6, false, 1> W1;
typedef aotc_wgmma_tile<128, 64, 8, false, 1>  W2;
typedef aotc_wgmma_tile<64, 64, 8, false, 1>   W3;
typedef aotc_wgmma_tile<128, 128, 6, true, 1>  W4;
template <int S> using P1 = aotc_wgmma_tile<128, 128, 6, false, S>;
template <int S> using P2 = aotc_wgmma_tile<128, 64, 8, false, S>;
template <int S> using P3 = aotc_wgmma_tile<64, 64, 8, false, S>;

static std::vector<Kernel> gemm_kernels()
{
    return {mma_of<T0, true, 8, true, 8>(TN), mma_of<T2, true, 8, true, 8>(TN), mma_of<T3, true, 8, true, 8>(TN),
            mma_of<T6, true, 8, true, 8>(TN), wgmma_of<W0, true, true>(TN),     wgmma_of<W1, true, true>(TN),
            wgmma_of<W2, true, true>(TN),     wgmma_of<W3, true, true>(TN),     wgmma_of<W4, true, true>(TN),
            mma_of<T0, true, 8, false, 8>(NN), mma_of<T3, true, 8, false, 8>(NN), wgmma_of<W2, true, false>(NN),
            wgmma_of<W1, true, false>(NN),    wgmma_of<W3, true, false>(NN),    wgmma_of<W4, true, false>(NN),
            wgmma_of<P1<2>, true, true>(TN),  wgmma_of<P1<4>, true, true>(TN),  wgmma_of<P2<2>, true, true>(TN),
            wgmma_of<P2<4>, true, true>(TN),  wgmma_of<P3<2>, true, true>(TN),  wgmma_of<P3<4>, true, true>(TN),
            wgmma_of<P3<8>, true, true>(TN),  wgmma_of<P1<2>, true, false>(NN),
            wgmma_of<P1<4>, true, false>(NN), wgmma_of<P2<2>, true, false>(NN), wgmma_of<P2<4>, true, false>(NN),
            wgmma_of<P3<2>, true, false>(NN), wgmma_of<P3<4>, true, false>(NN)};
}

static std::vector<Kernel> check_kernels()
{
#ifdef BENCH_ALL_CHECKS
    return {mma_of<T3, true, 1, true, 1>(TN),  mma_of<T3, true, 4, true, 2>(TN),   mma_of<T3, false, 8, true, 8>(TT),
            mma_of<T6, false, 8, false, 8>(NT), wgmma_of<W0, false, true>(TT),     wgmma_of<W1, false, false>(NT),
            wgmma_of<W3, false, false>(NT)};
#else
    return {};
#endif
}

/* ---- data ------------------------------------------------------------------------------------ */
__global__ void fill_kernel(uint16_t *p, int64_t n, uint32_t seed, float scale)
{
    for (int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x; i < n; i += (int64_t)gridDim.x * blockDim.x) {
        uint32_t h = (uint32_t)i * 2654435761u + seed;
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
        h *= 3266489917u;
        h ^= h >> 16;
        p[i] = aotc_f32_to_bf16(((float)(h >> 8) * 0x1p-23f - 1.0f) * scale);
    }
}

__global__ void reference_kernel(const __grid_constant__ Args p, float *out)
{
    const int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i >= p.z * p.m * p.n)
        return;
    const int64_t   z = i / (p.m * p.n), m = i / p.n % p.m, n = i % p.n;
    const uint16_t *a = p.a + z * p.m * p.k, *b = p.b + z * p.k * p.n;
    float           sum = 0;
    for (int64_t k = 0; k < p.k; k++)
        sum += aotc_bf16_to_f32(a[m * p.a_m + k * p.a_k]) * aotc_bf16_to_f32(b[k * p.b_k + n * p.b_n]);
    float x = sum + aotc_bf16_to_f32(p.bias[n]);
    if (p.gelu)
        x = 0.5f * x * (1 + aotc_erf_f32(x * 0.707106769f));
    out[i] = x;
}

__global__ void conv_reference(aotc_conv c, int64_t oc, const __grid_constant__ Args p, float *out)
{
    const int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
    if (i >= p.m * oc)
        return;
    const aotc_window w = aotc_window_at(c, i / oc);
    const int         depth = c.kernel[0] * c.kernel[1] * c.kernel[2] * c.channels;
    float             sum = 0;
    for (int k = 0; k < depth; k++) {
        int64_t at;
        if (aotc_tap(c, w, k, at))
            sum += aotc_bf16_to_f32(p.a[at]) * aotc_bf16_to_f32(p.b[i % oc * depth + k]);
    }
    out[i] = sum + aotc_bf16_to_f32(p.bias[i % oc]);
}

static uint16_t *data_a, *data_b, *data_out, *data_bias;
static float    *data_partial, *data_reference;
static const size_t WEIGHTS = 192u << 20, ACTIVATIONS = 160u << 20;
static cudaStream_t stream;

static void set_up()
{
    OK(cudaMalloc(&data_a, ACTIVATIONS));
    OK(cudaMalloc(&data_b, WEIGHTS));
    OK(cudaMalloc(&data_out, ACTIVATIONS));
    OK(cudaMalloc(&data_bias, 1 << 20));
    OK(cudaMalloc(&data_partial, 512u << 20));
    OK(cudaMalloc(&data_reference, 2 * ACTIVATIONS));
    fill_kernel<<<1024, 256>>>(data_a, ACTIVATIONS / 2, 1, 1.0f);
    fill_kernel<<<1024, 256>>>(data_b, WEIGHTS / 2, 2, 0.05f);
    fill_kernel<<<64, 256>>>(data_bias, 1 << 19, 3, 1.0f);
    OK(cudaDeviceSynchronize());
    cudaDriverEntryPointQueryResult found;
    OK(cudaStreamCreate(&stream));
    OK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", (void **)&encode_map, 12000, cudaEnableDefault, &found));
}

/* ---- launches -------------------------------------------------------------------------------- */
static void tensor_map(aotc_tensor_map *map, const uint16_t *p, int64_t inner, int64_t outer, int64_t z, int box_inner,
                       int box_outer)
{
    const cuuint64_t sizes[3] = {(cuuint64_t)inner, (cuuint64_t)outer, (cuuint64_t)z};
    const cuuint64_t strides[2] = {(cuuint64_t)inner * 2, (cuuint64_t)(inner * outer * 2)};
    const cuuint32_t box[3] = {(cuuint32_t)box_inner, (cuuint32_t)box_outer, 1}, ones[3] = {1, 1, 1};
    CUresult r = encode_map((CUtensorMap *)map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 3, (void *)p, sizes, strides,
                                        box, ones, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                        CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (r != CUDA_SUCCESS)
        printf("tensor map: %d\n", (int)r);
}

static Args args_of(int64_t z, int64_t m, int64_t n, int64_t k, int layout)
{
    Args p = {};
    p.a = data_a;
    p.b = data_b;
    p.bias = data_bias;
    p.out = data_out;
    p.z = z;
    p.m = m;
    p.n = n;
    p.k = k;
    const bool ak = layout == TN || layout == NN, bk = layout == TN || layout == TT;
    p.a_m = ak ? k : 1;
    p.a_k = ak ? 1 : m;
    p.b_n = bk ? k : 1;
    p.b_k = bk ? 1 : n;
    p.splits = 1;
    return p;
}

static void launch(const Kernel &k, Args p, int splits, bool cluster)
{
    p.splits = splits;
    if (k.pieces > 1) {
        splits = k.pieces;
        cluster = true;
    }
    p.partial = splits > 1 && !cluster ? data_partial : NULL;
    const int64_t tiles = (p.m + k.bm - 1) / k.bm * ((p.n + k.bn - 1) / k.bn) * p.z;
    if (k.is_wgmma) {
        const bool ak = p.a_k == 1, bk = p.b_k == 1;
        tensor_map(&p.map_a, p.a, ak ? p.k : p.m, ak ? p.m : p.k, p.z, 64, ak ? k.bm : 64);
        tensor_map(&p.map_b, p.b, bk ? p.k : p.n, bk ? p.n : p.k, p.z, 64, bk ? k.bn : 64);
    }
    cudaLaunchConfig_t  c = {};
    cudaLaunchAttribute attribute[2];
    c.gridDim = dim3((unsigned)(k.is_wgmma && k.pieces == 1 ? std::min<int64_t>(tiles, 132) : tiles * splits));
    c.blockDim = dim3((unsigned)k.threads);
    c.dynamicSmemBytes = (size_t)k.shared;
    c.stream = stream;
    c.attrs = attribute;
    attribute[c.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute[c.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
    if (splits > 1 && cluster) {
        attribute[c.numAttrs].id = cudaLaunchAttributeClusterDimension;
        attribute[c.numAttrs].val.clusterDim.x = (unsigned)splits;
        attribute[c.numAttrs].val.clusterDim.y = attribute[c.numAttrs].val.clusterDim.z = 1;
        c.numAttrs++;
    }
    void *list[] = {&p};
    OK(cudaLaunchKernelExC(&c, k.function, list));
    if (p.partial) {
        c.numAttrs = 1;
        const int lanes = splits >= 32 ? 8 : splits >= 8 ? 4 : 1;
        c.gridDim = dim3((unsigned)((p.z * p.m * ((p.n + 7) / 8) * lanes + 127) / 128));
        c.blockDim = dim3(128);
        c.dynamicSmemBytes = 0;
        OK(cudaLaunchKernelExC(&c, (const void *)sum_kernel, list));
    }
}

static double time_of(void (*one)(void *, int), void *cx)
{
    cudaGraph_t     graph;
    cudaGraphExec_t exec;
    cudaEvent_t     from, to;
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < 40; i++)
        one(cx, i);
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphInstantiate(&exec, graph, 0));
    OK(cudaEventCreate(&from));
    OK(cudaEventCreate(&to));
    float best = 1e30f;
    for (int r = 0; r < 4; r++) {
        float ms;
        OK(cudaEventRecord(from, stream));
        OK(cudaGraphLaunch(exec, stream));
        OK(cudaEventRecord(to, stream));
        OK(cudaEventSynchronize(to));
        OK(cudaEventElapsedTime(&ms, from, to));
        best = r > 0 ? std::min(best, ms) : best;
    }
    OK(cudaGraphExecDestroy(exec));
    OK(cudaGraphDestroy(graph));
    return best * 1000 / 40;
}

struct Case {
    const Kernel *k;
    Args          p;
    int           splits;
    bool          cluster;
    int64_t       b_size;
    int           layout;
};

static void one_case(void *cx, int i)
{
    const Case *c = (const Case *)cx;
    Args        p = c->p;
    const int64_t sets = std::max<int64_t>(1, (int64_t)WEIGHTS / 2 / ((c->b_size + 63) / 64 * 64));
    p.b += i % sets * ((c->b_size + 63) / 64 * 64);
    launch(*c->k, p, c->splits, c->cluster);
}

/* ---- cuBLAS ---------------------------------------------------------------------------------- */
static int (*cublas_gemm)(void *, int, int, int, int, int, const void *, const void *, int, int, long long, const void *, int,
                          int, long long, const void *, void *, int, int, long long, int, int, int);
static void *cublas;

static void open_cublas()
{
    void *lib = dlopen("libcublas.so.13", RTLD_NOW);
    if (!lib) {
        printf("no cuBLAS: %s\n", dlerror());
        return;
    }
    int (*create)(void **) = (int (*)(void **))dlsym(lib, "cublasCreate_v2");
    int (*set_stream)(void *, cudaStream_t) = (int (*)(void *, cudaStream_t))dlsym(lib, "cublasSetStream_v2");
    int (*set_workspace)(void *, void *, size_t) = (int (*)(void *, void *, size_t))dlsym(lib, "cublasSetWorkspace_v2");
    void *space;
    OK(cudaMalloc(&space, 64 << 20));
    if (create(&cublas) || set_stream(cublas, stream) || set_workspace(cublas, space, 64 << 20))
        cublas = NULL;
    cublas_gemm = (decltype(cublas_gemm))dlsym(lib, "cublasGemmStridedBatchedEx");
}

static void one_cublas(void *cx, int i)
{
    const Case   *c = (const Case *)cx;
    const float   one = 1, zero = 0;
    const Args   &p = c->p;
    const int64_t sets = std::max<int64_t>(1, (int64_t)WEIGHTS / 2 / ((c->b_size + 63) / 64 * 64));
    const uint16_t *b = p.b + i % sets * ((c->b_size + 63) / 64 * 64);
    /* row-major out = a b  is  column-major out^T = b^T a^T */
    const bool ak = p.a_k == 1, bk = p.b_k == 1;
    int r = cublas_gemm(cublas, bk ? 1 : 0, ak ? 0 : 1, (int)p.n, (int)p.m, (int)p.k, &one, b, 14, (int)(bk ? p.k : p.n),
                        p.n * p.k, p.a, 14, (int)(ak ? p.k : p.m), p.m * p.k, &zero, p.out, 14, (int)p.n, p.m * p.n,
                        (int)p.z, 68, -1);
    if (r)
        printf("cuBLAS: %d\n", r);
}

/* ---- checks ---------------------------------------------------------------------------------- */
static int failures, checks;

static void compare(const char *what, int64_t count)
{
    std::vector<float>    want((size_t)count);
    std::vector<uint16_t> got((size_t)count);
    OK(cudaStreamSynchronize(stream));
    OK(cudaMemcpy(want.data(), data_reference, (size_t)count * 4, cudaMemcpyDeviceToHost));
    OK(cudaMemcpy(got.data(), data_out, (size_t)count * 2, cudaMemcpyDeviceToHost));
    double error = 0, norm = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t u = (uint32_t)got[(size_t)i] << 16;
        float    g;
        memcpy(&g, &u, 4);
        const double d = (double)g - want[(size_t)i];
        error += d * d;
        norm += (double)want[(size_t)i] * want[(size_t)i];
    }
    checks++;
    if (!(error <= norm * 4e-5)) {
        failures++;
        printf("WRONG %s: relative error %.3g\n", what, sqrt(error / norm));
    }
}

static void check_gemm(const Kernel &k, int64_t z, int64_t m, int64_t n, int64_t depth, int splits, bool cluster)
{
    Args p = args_of(z, m, n, depth, k.layout);
    if (depth < 64 * k.pieces) /* no piece may be empty */
        return;
    p.gelu = 1;
    OK(cudaMemsetAsync(data_out, 0xff, (size_t)(z * m * n * 2), stream));
    reference_kernel<<<(unsigned)((z * m * n + 255) / 256), 256, 0, stream>>>(p, data_reference);
    launch(k, p, splits, cluster);
    cudaError_t e = cudaStreamSynchronize(stream);
    char        what[160];
    snprintf(what, sizeof what, "%s %dx%d layout %d z %d %dx%dx%d splits %d%s", k.is_wgmma ? "wgmma" : "mma", k.bm, k.bn,
             k.layout, (int)z, (int)m, (int)n, (int)depth, splits * k.pieces, cluster ? "c" : "");
    if (e != cudaSuccess) {
        printf("FAILED %s: %s\n", what, cudaGetErrorString(e));
        exit(1);
    }
    compare(what, z * m * n);
}

static void prepare(const std::vector<Kernel> &list)
{
    for (const Kernel &k : list)
        OK(cudaFuncSetAttribute(k.function, cudaFuncAttributeMaxDynamicSharedMemorySize, k.shared));
}

static void check_all()
{
    std::vector<Kernel> list = gemm_kernels(), more = check_kernels();
    list.insert(list.end(), more.begin(), more.end());
    prepare(list);
    for (const Kernel &k : list) {
        check_gemm(k, 1, 256, 512, 512, 1, false);
        check_gemm(k, 3, 200, 328, 200, 1, false);
        check_gemm(k, 1, 8, 136, 1000, 1, false);
        check_gemm(k, 2, 1208, 264, 1048, 1, false);
        check_gemm(k, 1, 2504, 2056, 328, 1, false); /* several tiles a block */
        for (int s = 2; s <= 8 && !k.is_wgmma; s *= 2) {
            check_gemm(k, 1, 200, 328, 1000, s, true);
            check_gemm(k, 2, 200, 328, 1000, s, false);
        }
    }
    printf("%d checks, %d failed\n", checks, failures);
}

/* ---- times of products ----------------------------------------------------------------------- */
struct Shape {
    const char *name;
    int64_t     z, m, n, k;
    int         layout;
};

static const Shape shapes[] = {
    {"4096^3", 1, 4096, 4096, 4096, TN},       {"4096^3", 1, 4096, 4096, 4096, NN},
    {"2048^3", 1, 2048, 2048, 2048, TN},       {"8192x1024x1024", 1, 8192, 1024, 1024, TN},
    {"skinny 16", 1, 16, 4096, 4096, TN},      {"skinny 16", 1, 16, 4096, 4096, NN},
    {"skinny 1", 1, 1, 11008, 4096, TN},       {"skinny 1", 1, 1, 11008, 4096, NN},
    {"splitk", 1, 64, 64, 65536, TN},          {"splitk", 1, 64, 64, 65536, NN},
    {"bert qkv", 1, 128, 768, 768, TN},        {"bert fc1", 1, 128, 3072, 768, TN},
    {"bert fc2", 1, 128, 768, 3072, TN},       {"vit qkv", 1, 197, 2304, 768, TN},
    {"vit proj", 1, 197, 768, 768, TN},        {"vit fc1", 1, 197, 3072, 768, TN},
    {"vit fc2", 1, 197, 768, 3072, TN},        {"gpt2 qkv", 1, 512, 2304, 768, NN},
    {"gpt2 proj", 1, 512, 768, 768, NN},       {"gpt2 fc1", 1, 512, 3072, 768, NN},
    {"gpt2 fc2", 1, 512, 768, 3072, NN},       {"gpt2 head", 1, 512, 50257, 768, TN},
    {"gpt2 decode qkv", 1, 1, 2304, 768, NN},  {"gpt2 decode fc1", 1, 1, 3072, 768, NN},
    {"gpt2 decode fc2", 1, 1, 768, 3072, NN},  {"gpt2 decode head", 1, 1, 50257, 768, TN},
    {"llama qkv", 1, 512, 4096, 4096, TN},     {"llama up", 1, 512, 11008, 4096, TN},
    {"llama down", 1, 512, 4096, 11008, TN},   {"bmm 12x512x64x512", 12, 512, 512, 64, TN},
    {"r50 56 64-256", 1, 3136, 256, 64, TN},   {"r50 56 256-64", 1, 3136, 64, 256, TN},
    {"r50 56 64-64", 1, 3136, 64, 64, TN},     {"r50 56 256-128", 1, 3136, 128, 256, TN},
    {"r50 28 128-512", 1, 784, 512, 128, TN},  {"r50 28 512-128", 1, 784, 128, 512, TN},
    {"r50 28 512-256", 1, 784, 256, 512, TN},  {"r50 14 256-1024", 1, 196, 1024, 256, TN},
    {"r50 14 1024-256", 1, 196, 256, 1024, TN}, {"r50 14 1024-512", 1, 196, 512, 1024, TN},
    {"r50 7 512-2048", 1, 49, 2048, 512, TN},  {"r50 7 2048-512", 1, 49, 512, 2048, TN},
    {"bert16 fc1", 1, 2048, 3072, 768, TN},    {"bert16 fc2", 1, 2048, 768, 3072, TN},
};

static FILE *log_file;

/* Every candidate; the best three are printed, all are logged. */
static void try_all(const char *name, const std::vector<Kernel> &list, Args p, int64_t b_size, int layout, double peer)
{
    struct Result {
        double      us;
        std::string text;
    };
    std::vector<Result> results;
    for (const Kernel &k : list) {
        if (k.layout != layout || (k.bm >= 128 && p.m <= 32) || (k.bm <= 32 && p.m > 1024))
            continue;
        const int64_t tiles = (p.m + k.bm - 1) / k.bm * ((p.n + k.bn - 1) / k.bn) * p.z;
        if (k.is_wgmma && ((p.b_k != 1 ? p.n : p.k) % 8 || p.k % 8))
            continue;
        if (k.pieces > 1 && (p.k < 128 * k.pieces || tiles * k.pieces > 400))
            continue;
        for (int s = 1; s <= 128; s *= 2) {
            if (s > 1 && (k.is_wgmma || p.k < 128 * s || tiles * s > 2048))
                break;
            for (int cluster = s <= 8; cluster >= (s == 1 || s < 4); cluster--) {
                if ((double)s * (double)(p.z * p.m * p.n) * 4 > 500e6)
                    continue;
                Case c = {&k, p, s, cluster != 0, b_size, layout};
                char text[80];
                snprintf(text, sizeof text, "%s%dx%d/%d%s", k.turns ? "t" : k.is_wgmma ? "w" : "", k.bm, k.bn, s * k.pieces, s * k.pieces > 1 && cluster ? "c" : "");
                results.push_back({time_of(one_case, &c), text});
                if (log_file)
                    fprintf(log_file, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%.2f\n", name, (int)p.z, (int)p.m, (int)p.n, (int)p.k,
                            layout, text, results.back().us), fflush(log_file);
            }
        }
    }
    std::sort(results.begin(), results.end(), [](const Result &a, const Result &b) { return a.us < b.us; });
    printf("%-18s %d %5dx%5dx%5d peer %7.2f", name, layout, (int)p.m, (int)p.n, (int)p.k, peer);
    for (size_t i = 0; i < 4 && i < results.size(); i++)
        printf(" | %7.2f %s", results[i].us, results[i].text.c_str());
    printf("\n");
    fflush(stdout);
}

static void bench_gemm()
{
    std::vector<Kernel> list = gemm_kernels();
    prepare(list);
    for (const Shape &s : shapes) {
        Args p = args_of(s.z, s.m, s.n, s.k, s.layout);
        p.gelu = s.m == 4096;
        Case c = {NULL, p, 1, false, s.z * s.n * s.k, s.layout};
        try_all(s.name, list, p, c.b_size, s.layout, cublas ? time_of(one_cublas, &c) : 0);
    }
}

/* ---- convolutions ---------------------------------------------------------------------------- */
template <int IC, int OC, int KERNEL, int STRIDE, int PADDING, int IN, bool CHANNELS_FIRST = false> struct Conv {
    static const int out = (IN + 2 * PADDING - KERNEL) / STRIDE + 1, pixels = out * out, oc = OC, depth = KERNEL * KERNEL * IC;
    static const int ic = IC, kernel = KERNEL, stride = STRIDE, in = IN;
    __host__ __device__ static constexpr aotc_conv conv()
    {
        return CHANNELS_FIRST ? aotc_conv{{1, IN, IN}, {1, out, out}, {1, KERNEL, KERNEL}, {1, STRIDE, STRIDE}, {1, 1, 1},
                                          {0, PADDING, PADDING}, IC, IC * IN * IN, {0, IN, 1}, IN * IN}
                              : aotc_conv{{1, IN, IN}, {1, out, out}, {1, KERNEL, KERNEL}, {1, STRIDE, STRIDE}, {1, 1, 1},
                                          {0, PADDING, PADDING}, IC, IC * IN * IN, {0, IC * IN, IC}, 1};
    }
};

template <class C, class T, int XV> static Kernel conv_of()
{
    return {(const void *)conv_kernel<C, T, XV>, T::BM, T::BN, T::STAGES, T::THREADS, shared_of<T>(true, true), false, TN, false, 1};
}

template <class C, int XV> static void bench_conv(bool check)
{
    std::vector<Kernel> list = {conv_of<C, T2, XV>(), conv_of<C, T3, XV>()};
    Args p = args_of(1, C::pixels, C::oc, C::depth, TN);
    char name[80];
    snprintf(name, sizeof name, "conv %d %d-%d %dx%d/%d", C::in, C::ic, C::oc, C::kernel, C::kernel, C::stride);
    prepare(list);
    if (check) {
        conv_reference<<<(unsigned)((C::pixels * C::oc + 255) / 256), 256, 0, stream>>>(C::conv(), C::oc, p, data_reference);
        for (const Kernel &k : list)
            for (int s = 1; s <= 4; s *= 2) {
                OK(cudaMemsetAsync(data_out, 0xff, (size_t)(p.m * p.n * 2), stream));
                launch(k, p, s, true);
                compare(name, p.m * p.n);
            }
        return;
    }
    try_all(name, list, p, (int64_t)C::oc * C::depth, TN, 0);
}

static void all_convs(bool check)
{
    bench_conv<Conv<3, 64, 7, 2, 3, 224>, 1>(check);
    bench_conv<Conv<3, 64, 7, 2, 3, 224, true>, 1>(check);
    bench_conv<Conv<64, 64, 3, 1, 1, 56>, 8>(check);
    bench_conv<Conv<128, 128, 3, 2, 1, 56>, 8>(check);
    bench_conv<Conv<128, 128, 3, 1, 1, 28>, 8>(check);
    bench_conv<Conv<256, 256, 3, 2, 1, 28>, 8>(check);
    bench_conv<Conv<256, 256, 3, 1, 1, 14>, 8>(check);
    bench_conv<Conv<512, 512, 3, 2, 1, 14>, 8>(check);
    bench_conv<Conv<512, 512, 3, 1, 1, 7>, 8>(check);
    bench_conv<Conv<256, 512, 1, 2, 0, 56>, 8>(check);
    bench_conv<Conv<512, 1024, 1, 2, 0, 28>, 8>(check);
    bench_conv<Conv<1024, 2048, 1, 2, 0, 14>, 8>(check);
    if (check)
        printf("%d checks with convolutions, %d failed\n", checks, failures);
}

int main(int argc, char **argv)
{
    set_up();
    open_cublas();
    log_file = getenv("BENCH_LOG") ? fopen(getenv("BENCH_LOG"), "w") : NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "check")) {
            check_all();
            all_convs(true);
        }
        if (!strcmp(argv[i], "gemm"))
            bench_gemm();
        if (!strcmp(argv[i], "conv"))
            all_convs(false);
    }
    return failures > 0;
}
