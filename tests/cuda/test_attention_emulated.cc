/* Attention of emit_cuda/runtime on the CPU (lane_emulation.h), against plain loops: masks, groups
 * of heads, pieces of the keys, odd heads, strides. */
#include "lane_emulation.h"

#include "../../emit_cuda/runtime/prelude.cu.inc"
#include "../../emit_cuda/runtime/mma.cu.inc"
#include "../../emit_cuda/runtime/attention.cu.inc"
#include "../../emit_cuda/runtime/attention_plain.cu.inc"

static int      failures, checks;
static uint32_t state = 1;

static float draw()
{
    state = state * 1664525u + 1013904223u;
    return (float)((int)(state >> 24) % 33 - 16) / 16;
}

struct Case {
    int   batch, heads, group, q_len, kv_len, d, dv;
    bool  causal, mask, turned; /* turned: the head's elements lie kv_len (q_len) apart */
    int   splits;
};

struct Data {
    Case                  c;
    std::vector<float>    q, k, v, mask, want, got;
    std::vector<uint16_t> qh, kh, vh;
    int64_t at(int64_t head, int64_t row, int64_t e, int len, int d) const
    {
        return c.turned ? (head * d + e) * len + row : (head * len + row) * d + e;
    }
};

static void fill(std::vector<float> &f, std::vector<uint16_t> &h, size_t n)
{
    f.resize(n);
    h.resize(n + 8);
    for (size_t i = 0; i < n; i++)
        h[i] = aotc_f32_to_bf16(f[i] = draw());
}

static Data make(const Case &c)
{
    Data         d = {c};
    const size_t bh = (size_t)(c.batch * c.heads), bk = bh / (size_t)c.group;
    fill(d.q, d.qh, bh * (size_t)(c.q_len * c.d));
    fill(d.k, d.kh, bk * (size_t)(c.kv_len * c.d));
    fill(d.v, d.vh, bk * (size_t)(c.kv_len * c.dv));
    d.mask.resize(bh * (size_t)(c.q_len * c.kv_len));
    for (size_t i = 0; i < d.mask.size(); i++)
        d.mask[i] = !c.mask ? 0 : draw() > 0.6f || i / (size_t)c.kv_len % 5 == 2 ? -INFINITY : draw();
    d.want.resize(bh * (size_t)(c.q_len * c.dv));
    d.got.assign(d.want.size(), NAN);
    std::vector<double> s((size_t)c.kv_len);
    for (int64_t b = 0; b < (int64_t)bh; b++)
        for (int64_t i = 0; i < c.q_len; i++) {
            double top = -INFINITY, sum = 0;
            for (int64_t j = 0; j < c.kv_len; j++) {
                double x = 0;
                for (int64_t e = 0; e < c.d; e++)
                    x += d.q[(size_t)d.at(b, i, e, c.q_len, c.d)] * d.k[(size_t)d.at(b / c.group, j, e, c.kv_len, c.d)];
                x = x * 0.3f + d.mask[(size_t)((b * c.q_len + i) * c.kv_len + j)];
                s[(size_t)j] = c.causal && j > i ? -INFINITY : x;
                top = fmax(top, s[(size_t)j]);
            }
            for (double &x : s)
                sum += x = top == -INFINITY ? 0 : exp(x - top);
            for (int64_t n = 0; n < c.dv; n++) {
                double x = 0;
                for (int64_t j = 0; j < c.kv_len; j++)
                    x += s[(size_t)j] * d.v[(size_t)d.at(b / c.group, j, n, c.kv_len, c.dv)];
                d.want[(size_t)((b * c.q_len + i) * c.dv + n)] = (float)(sum == 0 ? 0 : x / sum);
            }
        }
    return d;
}

static void compare(const char *what, const Data &d, float bound)
{
    float worst = 0;
    for (size_t i = 0; i < d.want.size(); i++)
        worst = fabsf(d.got[i] - d.want[i]) <= worst ? worst : fabsf(d.got[i] - d.want[i]);
    checks++;
    if (!(worst <= bound)) {
        failures++;
        printf("%s q%d kv%d d%d/%d: off by %g\n", what, d.c.q_len, d.c.kv_len, d.c.d, d.c.dv, worst);
    }
}

static aotc_attention sizes_of(const Case &c, float *partial)
{
    aotc_attention x;
    x.batch = c.batch * c.heads, x.q_len = c.q_len, x.kv_len = c.kv_len, x.d = c.d, x.dv = c.dv;
    x.q_col = c.turned ? c.q_len : 1;
    x.k_row = c.turned ? 1 : c.d, x.k_col = c.turned ? c.kv_len : 1;
    x.v_row = c.turned ? 1 : c.dv, x.v_col = c.turned ? c.kv_len : 1;
    x.scale = 0.3f, x.splits = c.splits, x.partial = partial;
    return x;
}

template <class S> static void mma_case(const Case &c)
{
    Data               d = make(c);
    std::vector<float> partial(d.got.size() * (size_t)c.splits + (size_t)(c.splits * c.batch * c.heads * c.q_len));
    const aotc_attention x = sizes_of(c, partial.data());
    auto store = [&](auto w, int64_t b, int64_t i, int64_t n, const auto &v) {
        for (int e = 0; e < decltype(w)::value; e++)
            d.got[(size_t)((b * c.q_len + i) * c.dv + n + e)] = v[e];
    };
    const int tiles = (c.q_len * S::GROUP + S::M - 1) / S::M;
    emu_launch((unsigned)(tiles * c.batch * c.heads / S::GROUP * c.splits), 1, S::WARPS * 32, [&] {
        aotc_attention_mma<S>(
            x, [&](int64_t b, int64_t i) { return d.qh.data() + d.at(b, i, 0, c.q_len, c.d); },
            [&](int64_t b, int64_t j) { return d.kh.data() + d.at(b / c.group, j, 0, c.kv_len, c.d); },
            [&](int64_t b, int64_t j) { return d.vh.data() + d.at(b / c.group, j, 0, c.kv_len, c.dv); },
            [&](int64_t b, int64_t i, int64_t j) { return d.mask[(size_t)((b * c.q_len + i) * c.kv_len + j)]; }, store);
    });
    if (c.splits > 1)
        emu_launch((unsigned)((c.batch * c.heads * c.q_len + 3) / 4), 1, 128, [&] { aotc_attention_combine(x, store); });
    compare("mma", d, 0.012f); /* probabilities are bf16 */
}

template <class S> static void plain_case(const Case &c)
{
    Data                 d = make(c);
    const aotc_attention x = sizes_of(c, NULL);
    const unsigned       blocks = (unsigned)((c.q_len + 63) / 64 * c.batch * c.heads * ((c.dv + S::SLAB - 1) / S::SLAB));
    emu_launch(blocks, 1, 256, [&] {
        aotc_attention_plain<S>(
            x, 0.3f, [&](int64_t b, int64_t i, int64_t e) { return d.q[(size_t)d.at(b, i, e, c.q_len, c.d)]; },
            [&](int64_t b, int64_t j, int64_t e) { return d.k[(size_t)d.at(b / c.group, j, e, c.kv_len, c.d)]; },
            [&](int64_t b, int64_t j, int64_t e) { return d.v[(size_t)d.at(b / c.group, j, e, c.kv_len, c.dv)]; },
            [&](int64_t b, int64_t i, int64_t j) { return d.mask[(size_t)((b * c.q_len + i) * c.kv_len + j)]; },
            [&](auto w, int64_t b, int64_t i, int64_t n, const auto &v) {
                for (int e = 0; e < decltype(w)::value; e++)
                    d.got[(size_t)((b * c.q_len + i) * c.dv + n + e)] = (float)v[e];
            });
    });
    compare("plain", d, 1e-5f);
}

int main()
{
    mma_case<aotc_attention_shape<16, 32, 2, 2, 32, AOTC_MMA_BF16, 8, 1, true, false, false>>({1, 2, 1, 70, 75, 16, 32, true, false, false, 1});
    mma_case<aotc_attention_shape<32, 16, 2, 1, 32, AOTC_MMA_BF16, 4, 1, false, true, false>>({2, 2, 2, 37, 65, 24, 12, false, true, false, 1});
    mma_case<aotc_attention_shape<16, 16, 2, 1, 32, AOTC_MMA_BF16, 8, 1, true, true, false>>({1, 2, 1, 37, 20, 9, 11, true, true, true, 1});
    mma_case<aotc_attention_shape<16, 16, 2, 1, 32, AOTC_MMA_BF16, 8, 1, false, false, false>>({1, 2, 1, 5, 0, 16, 16, false, false, false, 1});
    mma_case<aotc_attention_shape<16, 16, 4, 1, 32, AOTC_MMA_BF16, 8, 3, true, true, true>>({2, 6, 3, 7, 150, 16, 15, true, true, false, 1});
    mma_case<aotc_attention_shape<16, 16, 2, 1, 32, AOTC_MMA_BF16, 8, 3, false, true, true>>({2, 6, 3, 7, 150, 16, 15, false, true, false, 4});
    mma_case<aotc_attention_shape<16, 16, 2, 1, 32, AOTC_MMA_BF16, 8, 1, true, false, true>>({2, 2, 1, 9, 40, 16, 16, true, false, false, 2});
    plain_case<aotc_plain_shape<float, 64, true, false>>({1, 2, 1, 70, 66, 40, 65, true, false, false, 1});
    plain_case<aotc_plain_shape<double, 64, false, true>>({1, 4, 2, 5, 66, 7, 20, false, true, true, 1});
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
