/* Index arithmetic of the tensor-core kernels, on the CPU (mma_emulation.h), against plain loops: every layout, vector
 * width, piece of k, edges, windows of convolutions. */
#include "lane_emulation.h"

#include <initializer_list>

#include "../../emit_cuda/runtime/mma.cu.inc"
#include "../../emit_cuda/runtime/gemm.cu.inc"
#include "../../emit_cuda/runtime/gemm_sm90.cu.inc"
#include "../../emit_cuda/runtime/conv.cu.inc"
#include "../../emit_cuda/runtime/simt.cu.inc"
#include "../../emit_cuda/runtime/depthwise.cu.inc"

static int      failures, checks;
static uint32_t state = 1;

/* Small integers: sums are exact in any order. */
static float draw()
{
    state = state * 1664525u + 1013904223u;
    return (float)((int)(state >> 24) % 9 - 4);
}
static uint16_t to_half(float v, int type)
{
    uint32_t u;
    memcpy(&u, &v, 4);
    if (type == AOTC_MMA_BF16)
        return (uint16_t)(u >> 16);
    if (v == 0)
        return 0;
    return (uint16_t)((u >> 16 & 0x8000) | ((u >> 23 & 255) - 127 + 15) << 10 | (u >> 13 & 1023));
}

struct Store {
    float  *out;
    int64_t m, n;
    int    *writes;
    void    ahead(int64_t, int64_t, int64_t) const
    {
    }
    template <int V> void operator()(aotc_width<V>, int64_t z, int64_t row, int64_t column, const float (&v)[V]) const
    {
        for (int i = 0; i < V; i++) {
            out[(z * m + row) * n + column + i] = v[i];
            writes[(z * m + row) * n + column + i]++;
        }
    }
};

static void compare(const char *what, const std::vector<float> &got, const std::vector<int> &writes,
                    const std::vector<float> &want)
{
    int bad = 0;
    for (size_t i = 0; i < want.size(); i++)
        bad += got[i] != want[i] || writes[i] != 1;
    checks++;
    failures += bad > 0;
    if (bad)
        printf("%s: %d of %zu differ\n", what, bad, want.size());
}

enum { CLUSTER, PARTIAL };

/* pad: elements by which strides are larger than rows. */
template <class T, int TYPE, bool A_K, int AV, bool B_K, int BV>
static void gemm_case(int64_t z_count, int64_t m, int64_t n, int64_t k, int splits, int mode, int pad)
{
    const int64_t a_m = A_K ? (AV == 1 && pad ? 3 * k : k + pad) : (AV == 1 && pad ? 3 : 1),
                  a_k = A_K ? (AV == 1 && pad ? 3 : 1) : (AV == 1 && pad ? 3 * m : m + pad),
                  b_n = B_K ? k + pad : 1, b_k = B_K ? 1 : n + pad;
    const int64_t         az = (A_K ? m * a_m : k * a_k) + 64, bz = (B_K ? n * b_n : k * b_k) + 64;
    uint16_t             *a = (uint16_t *)aligned_alloc(64, (size_t)(z_count * az * 2 + 63) / 64 * 64);
    uint16_t             *b = (uint16_t *)aligned_alloc(64, (size_t)(z_count * bz * 2 + 63) / 64 * 64);
    std::vector<float>    af((size_t)(z_count * az)), bf((size_t)(z_count * bz));
    for (size_t i = 0; i < af.size(); i++)
        a[i] = to_half(af[i] = draw(), TYPE);
    for (size_t i = 0; i < bf.size(); i++)
        b[i] = to_half(bf[i] = draw(), TYPE);
    std::vector<float> out((size_t)(z_count * m * n)), want(out.size()), partial((size_t)splits * out.size());
    std::vector<int>   writes(out.size());
    for (int64_t z = 0; z < z_count; z++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                float sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum += af[(size_t)(z * az + i * a_m + l * a_k)] * bf[(size_t)(z * bz + l * b_k + j * b_n)];
                want[(size_t)((z * m + i) * n + j)] = sum;
            }
    const aotc_gemm_size g = {m, n, k, splits};
    Store                store = {out.data(), m, n, writes.data()};
    const unsigned tiles = (unsigned)((m + T::BM - 1) / T::BM * ((n + T::BN - 1) / T::BN) * z_count);
    emu_launch(tiles * (unsigned)splits, mode == CLUSTER ? (unsigned)splits : 1, T::THREADS, [&] {
        const aotc_tile t = aotc_tile_at<T::BM, T::BN>(g);
        aotc_gemm_mma<T, TYPE, A_K, AV, B_K, BV, AV == 8, 8>(g, t, a + t.z * az, a_m, a_k, b + t.z * bz, b_k, b_n,
                                                    mode == PARTIAL ? partial.data() : NULL, z_count, store);
    });
    if (mode == PARTIAL)
        emu_launch((unsigned)((z_count * m * ((n + 7) / 8) * 2 + 63) / 64), 1, 64,
                   [&] { aotc_gemm_reduce<2, 8>(g, partial.data(), z_count, store); });
    char what[200];
    snprintf(what, sizeof what, "gemm %dx%d A_K %d/%d B_K %d/%d z %d m %d n %d k %d splits %d mode %d pad %d", T::BM,
             T::BN, A_K, AV, B_K, BV, (int)z_count, (int)m, (int)n, (int)k, splits, mode, pad);
    compare(what, out, writes, want);
    free(a);
    free(b);
}

struct ConvCase {
    int64_t n, in[3], kernel[3], stride[3], dilation[3], padding[3], groups, ic, oc; /* ic, oc: of a group */
    bool    channels_first;
};

static aotc_conv conv_of(const ConvCase &v)
{
    aotc_conv     c = {};
    const int64_t channels = v.groups * v.ic;
    for (int d = 0; d < 3; d++) {
        c.in[d] = v.in[d];
        c.kernel[d] = (int)v.kernel[d];
        c.stride[d] = (int)v.stride[d];
        c.dilation[d] = (int)v.dilation[d];
        c.padding[d] = (int)v.padding[d];
        c.out[d] = (v.in[d] + 2 * v.padding[d] - v.dilation[d] * (v.kernel[d] - 1) - 1) / v.stride[d] + 1;
    }
    c.channels = (int)v.ic;
    c.x_c = v.channels_first ? v.in[0] * v.in[1] * v.in[2] : 1;
    c.x_s[2] = v.channels_first ? 1 : channels;
    c.x_s[1] = c.x_s[2] * v.in[2];
    c.x_s[0] = c.x_s[1] * v.in[1];
    c.x_n = channels * v.in[0] * v.in[1] * v.in[2];
    return c;
}

static void conv_expect(const ConvCase &v, const aotc_conv &c, const std::vector<float> &x, const std::vector<float> &w,
                        std::vector<float> &want)
{
    const int64_t pixels = v.n * c.out[0] * c.out[1] * c.out[2], taps = v.kernel[0] * v.kernel[1] * v.kernel[2];
    for (int64_t z = 0; z < v.groups; z++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t o = 0; o < v.oc; o++) {
                float   sum = 0;
                int64_t b = p / (c.out[0] * c.out[1] * c.out[2]), q = p % (c.out[0] * c.out[1] * c.out[2]);
                int64_t at[3] = {q / (c.out[1] * c.out[2]), q / c.out[2] % c.out[1], q % c.out[2]};
                for (int64_t t = 0; t < taps; t++) {
                    int64_t tap[3] = {t / (v.kernel[1] * v.kernel[2]), t / v.kernel[2] % v.kernel[1], t % v.kernel[2]};
                    int64_t offset = b * c.x_n;
                    bool    inside = true;
                    for (int d = 0; d < 3; d++) {
                        const int64_t i = at[d] * v.stride[d] + tap[d] * v.dilation[d] - v.padding[d];
                        inside = inside && i >= 0 && i < v.in[d];
                        offset += i * c.x_s[d];
                    }
                    for (int64_t i = 0; inside && i < v.ic; i++)
                        sum += x[(size_t)(offset + (z * v.ic + i) * c.x_c)] *
                               w[(size_t)(((z * v.oc + o) * taps + t) * v.ic + i)];
                }
                want[(size_t)((z * pixels + p) * v.oc + o)] = sum;
            }
}

template <class T, int XV, int WV> static void conv_case(const ConvCase &v, int splits)
{
    const aotc_conv    c = conv_of(v);
    const int64_t      pixels = v.n * c.out[0] * c.out[1] * c.out[2], taps = v.kernel[0] * v.kernel[1] * v.kernel[2];
    const int64_t      k = taps * v.ic;
    const size_t       nx = (size_t)(v.n * c.x_n), nw = (size_t)(v.groups * v.oc * k);
    std::vector<float> xf(nx), wf(nw), out((size_t)(v.groups * pixels * v.oc)), want(out.size());
    std::vector<int>   writes(out.size());
    uint16_t *x = (uint16_t *)aligned_alloc(64, (nx * 2 + 63) / 64 * 64), *w = (uint16_t *)aligned_alloc(64, (nw * 2 + 63) / 64 * 64);
    for (size_t i = 0; i < nx; i++)
        x[i] = to_half(xf[i] = draw(), AOTC_MMA_BF16);
    for (size_t i = 0; i < nw; i++)
        w[i] = to_half(wf[i] = draw(), AOTC_MMA_BF16);
    conv_expect(v, c, xf, wf, want);
    const aotc_gemm_size g = {pixels, v.oc, k, splits};
    Store                store = {out.data(), pixels, v.oc, writes.data()};
    const unsigned tiles = (unsigned)((pixels + T::BM - 1) / T::BM * ((v.oc + T::BN - 1) / T::BN) * v.groups);
    emu_launch(tiles * (unsigned)splits, (unsigned)splits, T::THREADS, [&] {
        const aotc_tile t = aotc_tile_at<T::BM, T::BN>(g);
        aotc_conv_mma<T, AOTC_MMA_BF16, XV, WV, true, 8>(c, g, t, x + t.z * v.ic * c.x_c, w + t.z * v.oc * k, k, NULL,
                                                   v.groups, store);
    });
    char what[200];
    snprintf(what, sizeof what, "conv XV %d WV %d in %dx%dx%d ic %d oc %d groups %d splits %d", XV, WV, (int)v.in[0],
             (int)v.in[1], (int)v.in[2], (int)v.ic, (int)v.oc, (int)v.groups, splits);
    compare(what, out, writes, want);
    free(x);
    free(w);
}

template <int BM, int BN, bool A_K, bool B_K, int VA, int VB> static void simt_case(int64_t m, int64_t n, int64_t k, int splits)
{
    std::vector<float> a((size_t)(m * k)), b((size_t)(n * k)), out((size_t)(m * n)), want(out.size()),
        partial(out.size() * (size_t)splits);
    std::vector<int> writes(out.size());
    for (float &v : a)
        v = draw();
    for (float &v : b)
        v = draw();
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t l = 0; l < k; l++)
                want[(size_t)(i * n + j)] += a[(size_t)(A_K ? i * k + l : l * m + i)] * b[(size_t)(B_K ? j * k + l : l * n + j)];
    const aotc_gemm_size g = {m, n, k, splits};
    Store                store = {out.data(), m, n, writes.data()};
    const int64_t        a_row = A_K ? k : 1, a_k = A_K ? 1 : m, b_row = B_K ? k : 1, b_k = B_K ? 1 : n;
    auto at_a = [&](int64_t i) { return i * a_row; };
    auto at_b = [&](int64_t j) { return j * b_row; };
    auto va = [&](int64_t at, int64_t l, float(&v)[VA]) {
        for (int e = 0; e < VA; e++)
            v[e] = a.at((size_t)(at + l * a_k + e));
    };
    auto vb = [&](int64_t at, int64_t l, float(&v)[VB]) {
        for (int e = 0; e < VB; e++)
            v[e] = b.at((size_t)(at + l * b_k + e));
    };
    emu_launch((unsigned)((m + BM - 1) / BM * ((n + BN - 1) / BN) * splits), 1, 256, [&] {
        const aotc_tile t = aotc_tile_at<BM, BN>(g);
        aotc_gemm_simt<BM, BN, 16, A_K, B_K, VA, VB, float, 4>(g, t, at_a, va, at_b, vb,
                                                                splits > 1 ? partial.data() : (float *)NULL, 1, store);
    });
    if (splits > 1)
        emu_launch((unsigned)((m * ((n + 3) / 4) + 63) / 64), 1, 64, [&] { aotc_gemm_reduce<1, 4>(g, partial.data(), 1, store); });
    char what[200];
    snprintf(what, sizeof what, "simt %dx%d %d %d by %d %d m %d n %d k %d splits %d", BM, BN, A_K, B_K, VA, VB, (int)m, (int)n, (int)k, splits);
    compare(what, out, writes, want);
}

template <int C> static void depthwise_case(const ConvCase &v)
{
    const aotc_conv    c = conv_of(v);
    const int64_t      pixels = v.n * c.out[0] * c.out[1] * c.out[2], taps = v.kernel[0] * v.kernel[1] * v.kernel[2];
    std::vector<float> x((size_t)(v.n * c.x_n)), w((size_t)(v.groups * taps)), packed(w.size()),
        raw((size_t)(v.groups * pixels)), want(raw.size()), out(raw.size());
    std::vector<int> writes(out.size());
    for (float &f : x)
        f = draw();
    for (float &f : w)
        f = draw();
    for (int64_t z = 0; z < v.groups; z++)
        for (int64_t t = 0; t < taps; t++)
            packed[(size_t)(t * v.groups + z)] = w[(size_t)(z * taps + t)];
    conv_expect(v, c, x, w, raw);
    for (int64_t z = 0; z < v.groups; z++)
        for (int64_t p = 0; p < pixels; p++)
            want[(size_t)(p * v.groups + z)] = raw[(size_t)(z * pixels + p)];
    Store store = {out.data(), pixels, v.groups, writes.data()};
    auto  vx = [&](int64_t at, int64_t left, float(&f)[C]) {
        for (int i = 0; i < C; i++)
            f[i] = i < left ? x[(size_t)(at + i * c.x_c)] : 0;
    };
    auto vw = [&](int64_t at, int64_t left, float(&f)[C]) {
        for (int i = 0; i < C; i++)
            f[i] = i < left ? packed[(size_t)(at + i)] : 0;
    };
    emu_launch((unsigned)((pixels * ((v.groups + C - 1) / C) + 63) / 64), 1, 64,
               [&] { aotc_depthwise<C, float>(c, pixels, v.groups, vx, vw, store); });
    compare("depthwise", out, writes, want);
}

typedef aotc_mma_tile<64, 64, 32, 32, 3>   Small;
typedef aotc_mma_tile<128, 64, 64, 32, 4>  Tall;
typedef aotc_mma_tile<16, 64, 16, 16, 4>   Skinny;
typedef aotc_mma_tile<64, 128, 32, 64, 2>  Wide;
typedef aotc_mma_tile<32, 64, 16, 32, 3>   Low;

/* The store of a warpgroup, whose sums lie in registers as wgmma leaves them; FLOATS: what an epilogue reads of a
 * column, beside the value that it adds. */
template <int FLOATS> struct Beside {
    template <int V> struct Columns {
        float v[V], more[FLOATS];
    };
    template <int V> struct Rows {
        float v[V];
    };
    const float *bias, *residual;
    float       *out;
    int         *writes;
    int64_t      m, n;
    template <int V> Rows<V> fetch(aotc_width<V>, int64_t z, int64_t row, int64_t column) const
    {
        Rows<V> r;
        for (int i = 0; i < V; i++)
            r.v[i] = residual[(z * m + row) * n + column + i];
        return r;
    }
    template <int V> Columns<V> columns(aotc_width<V>, int64_t, int64_t, int64_t column) const
    {
        Columns<V> c = {};
        for (int i = 0; i < V; i++)
            c.v[i] = bias[column + i];
        return c;
    }
    template <int V>
    void finish(aotc_width<V>, int64_t z, int64_t row, int64_t column, const float (&v)[V], const Rows<V> &r,
                const Columns<V> &c) const
    {
        for (int i = 0; i < V; i++) {
            out[(z * m + row) * n + column + i] = v[i] + 100 * r.v[i] + 10000 * c.v[i];
            writes[(z * m + row) * n + column + i]++;
        }
    }
    template <int V>
    void operator()(aotc_width<V> width, int64_t z, int64_t row, int64_t column, const float (&v)[V]) const
    {
        finish(width, z, row, column, v, fetch(width, z, row, column), columns(width, z, row, column));
    }
};

template <int BN, int HALVES, int V, int FLOATS> static void store_case(int64_t m, int64_t n)
{
    const int64_t        rows = HALVES * 64;
    const aotc_gemm_size g = {m, n, 0, 1};
    std::vector<float>   sums((size_t)(rows * BN)), bias((size_t)n), residual((size_t)(2 * m * n)), out(residual.size()),
        want(out.size());
    std::vector<int> writes(out.size());
    for (float &x : sums)
        x = draw();
    for (float &x : bias)
        x = draw();
    for (float &x : residual)
        x = draw();
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < BN; j++)
            if (i < m && j < n)
                want[(size_t)((m + i) * n + j)] =
                    sums[(size_t)(i * BN + j)] + 100 * residual[(size_t)((m + i) * n + j)] + 10000 * bias[(size_t)j];
    Beside<FLOATS> epilogue = {bias.data(), residual.data(), out.data(), writes.data(), m, n};
    emu_launch(1, 1, 128, [&] {
        const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
        float     acc[HALVES][BN / 2];
        for (int h = 0; h < HALVES; h++)
            for (int b = 0; b < BN / 8; b++)
                for (int e = 0; e < 4; e++)
                    acc[h][b * 4 + e] =
                        sums[(size_t)((h * 64 + warp * 16 + lane / 4 + e / 2 * 8) * BN + b * 8 + lane % 4 * 2 + e % 2)];
        typename Beside<FLOATS>::template Rows<V>    next[16 / V] = {};
        typename Beside<FLOATS>::template Columns<V> beside = {};
        aotc_wgmma_fetch<V>(g, 1, warp * 16, 0, epilogue, next);
        aotc_wgmma_columns<V>(g, 1, 0, 0, epilogue, beside);
        aotc_wgmma_store<BN, HALVES, V>(g, 1, 0, 0, acc, (float *)aotc_shared + warp * 16 * AOTC_STORE_ROW, epilogue,
                                        next, beside);
    });
    for (int64_t i = 0; i < m * n; i++)
        writes[(size_t)i]++; /* the other z */
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            if (i >= rows || j >= BN)
                writes[(size_t)((m + i) * n + j)]++; /* of other tiles */
    char what[100];
    snprintf(what, sizeof what, "store %d x %d of %d, vectors of %d, m %d n %d", (int)rows, BN, FLOATS, V, (int)m, (int)n);
    compare(what, out, writes, want);
}

int main()
{
    gemm_case<Small, AOTC_MMA_BF16, true, 8, true, 8>(1, 64, 64, 64, 1, CLUSTER, 0);
    gemm_case<Small, AOTC_MMA_F16, true, 8, true, 8>(1, 70, 90, 136, 1, CLUSTER, 0);
    gemm_case<Small, AOTC_MMA_BF16, true, 8, false, 8>(2, 65, 72, 200, 1, CLUSTER, 8);
    gemm_case<Small, AOTC_MMA_BF16, false, 8, true, 8>(1, 72, 65, 40, 1, CLUSTER, 0);
    gemm_case<Small, AOTC_MMA_F16, false, 8, false, 8>(1, 136, 200, 100, 1, CLUSTER, 8);
    gemm_case<Small, AOTC_MMA_BF16, true, 4, false, 2>(1, 33, 50, 60, 1, CLUSTER, 0);
    gemm_case<Small, AOTC_MMA_BF16, true, 1, true, 1>(1, 33, 51, 77, 1, CLUSTER, 1);
    gemm_case<Small, AOTC_MMA_BF16, false, 1, false, 1>(3, 33, 51, 77, 1, CLUSTER, 1);
    gemm_case<Small, AOTC_MMA_BF16, true, 8, true, 8>(1, 65, 65, 640, 4, CLUSTER, 0);
    gemm_case<Small, AOTC_MMA_BF16, true, 8, true, 8>(2, 65, 66, 640, 3, PARTIAL, 0);
    gemm_case<Small, AOTC_MMA_BF16, true, 8, true, 8>(1, 65, 64, 64, 8, CLUSTER, 0);
    gemm_case<Tall, AOTC_MMA_BF16, true, 8, true, 8>(1, 300, 130, 320, 1, CLUSTER, 0);
    gemm_case<Tall, AOTC_MMA_BF16, false, 8, false, 8>(1, 136, 136, 320, 2, CLUSTER, 0);
    gemm_case<Skinny, AOTC_MMA_BF16, true, 8, true, 8>(1, 1, 200, 520, 4, CLUSTER, 0);
    gemm_case<Skinny, AOTC_MMA_F16, true, 8, false, 8>(1, 16, 264, 520, 5, CLUSTER, 0);
    gemm_case<Skinny, AOTC_MMA_F16, false, 8, false, 8>(1, 8, 64, 64, 1, CLUSTER, 0);
    gemm_case<Wide, AOTC_MMA_BF16, true, 8, false, 8>(1, 1200, 128, 64, 1, CLUSTER, 0);
    gemm_case<Low, AOTC_MMA_BF16, false, 4, true, 8>(1, 32, 100, 72, 1, CLUSTER, 0);
    gemm_case<Small, AOTC_MMA_BF16, true, 8, true, 8>(1, 5, 7, 0, 1, CLUSTER, 0);

    const ConvCase square = {2, {1, 9, 10}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, 1, 16, 40, false};
    const ConvCase stride = {1, {1, 15, 13}, {1, 3, 5}, {1, 2, 3}, {1, 1, 2}, {0, 1, 3}, 1, 12, 64, false};
    const ConvCase first = {1, {1, 17, 18}, {1, 7, 7}, {1, 2, 2}, {1, 1, 1}, {0, 3, 3}, 1, 3, 24, true};
    const ConvCase groups = {1, {1, 6, 6}, {1, 3, 3}, {1, 1, 1}, {1, 2, 2}, {0, 2, 2}, 4, 8, 10, false};
    const ConvCase deep = {1, {4, 5, 6}, {2, 3, 2}, {2, 1, 1}, {1, 1, 2}, {1, 0, 1}, 2, 2, 9, true};
    conv_case<Small, 8, 8>(square, 1);
    conv_case<Small, 8, 8>(square, 2);
    conv_case<Small, 4, 4>(stride, 1);
    conv_case<Tall, 1, 1>(first, 1);
    conv_case<Small, 8, 8>(groups, 1);
    conv_case<Small, 1, 1>(deep, 1);
    conv_case<Skinny, 2, 2>(stride, 3);

    simt_case<64, 64, true, true, 1, 1>(70, 65, 50, 1);
    simt_case<128, 128, true, false, 1, 1>(130, 131, 33, 1);
    simt_case<128, 128, false, true, 1, 1>(130, 131, 33, 3);
    simt_case<64, 64, false, false, 1, 1>(5, 6, 7, 1);
    simt_case<64, 64, true, true, 4, 4>(70, 65, 52, 1);
    simt_case<128, 128, true, false, 4, 4>(130, 132, 36, 1);
    simt_case<128, 128, false, true, 4, 1>(132, 131, 33, 3);
    simt_case<64, 64, false, false, 1, 4>(5, 8, 7, 1);
    simt_case<64, 64, false, true, 4, 4>(68, 3, 200, 2);
    simt_case<64, 64, true, true, 4, 4>(3, 5, 0, 1);

    const ConvCase channel = {2, {1, 9, 10}, {1, 3, 3}, {1, 2, 1}, {1, 1, 1}, {0, 1, 1}, 11, 1, 1, false};
    const ConvCase planes = {1, {1, 9, 10}, {1, 5, 3}, {1, 1, 1}, {1, 1, 2}, {0, 2, 2}, 7, 1, 1, true};
    depthwise_case<4>(channel);
    depthwise_case<8>(channel);
    depthwise_case<1>(planes);

    store_case<128, 2, 8, 1>(128, 128);
    store_case<128, 2, 8, 16>(128, 128);
    store_case<128, 1, 4, 1>(64, 131);
    store_case<256, 1, 8, 1>(37, 300);
    store_case<64, 1, 8, 16>(50, 60);
    store_case<64, 2, 4, 20>(100, 35);
    printf("%d checks, %d failed\n", checks, failures);
    return failures > 0;
}
