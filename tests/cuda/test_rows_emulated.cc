/* Scans, sorts, selections, recurrent layers and element functions of emit_cuda/runtime on the CPU
 * (lane_emulation.h), against plain loops. */
#include "lane_emulation.h"

#include <algorithm>

#include "../../emit_cuda/runtime/prelude.cu.inc"
/* Functions of CUDA that C does not have and that no case here calls. */
float  rsqrtf(float);
float  erfinvf(float);
double rsqrt(double);
double erfinv(double);
#include "../../emit_c/runtime/element.c.inc"
#include "../../emit_cuda/runtime/math.cu.inc"
#include "../../emit_cuda/runtime/mma.cu.inc"
#include "../../emit_cuda/runtime/scan.cu.inc"
#include "../../emit_cuda/runtime/sort.cu.inc"
#include "../../emit_cuda/runtime/select.cu.inc"
#include "../../emit_cuda/runtime/rnn.cu.inc"

static int      failures, checks;
static uint32_t state = 1;

static int draw(int n)
{
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (unsigned)n);
}

static void expect(bool is_good, const char *what, int64_t a, int64_t b)
{
    checks++;
    failures += !is_good;
    if (!is_good)
        printf("wrong: %s %lld %lld\n", what, (long long)a, (long long)b);
}

/* ---- scans ----------------------------------------------------------------------------------- */
template <class Op, int SEGS, bool COLUMNS, class T>
static std::vector<typename Op::V> run_scan(const std::vector<T> &x, int64_t rows, int64_t length,
                                            int64_t pieces)
{
    typedef typename Op::V V;
    const int              ITEMS = 4, R = 256 / SEGS;
    std::vector<V>         out(x.size()), totals((size_t)(rows * pieces));
    const int64_t tile = SEGS * ITEMS, piece = (length + pieces * tile - 1) / (pieces * tile) * tile;
    aotc_scan_size s = {rows, length, pieces, piece};
    auto value = [&](int64_t r, int64_t i) { return x[(size_t)(COLUMNS ? i * rows + r : r * length + i)]; };
    auto store = [&](int64_t r, int64_t i, const V &v) {
        out[(size_t)(COLUMNS ? i * rows + r : r * length + i)] = v;
    };
    const unsigned grid = (unsigned)((rows + R - 1) / R * pieces);
    emu_launch(grid, 1, 256, [&] { aotc_scan_totals<Op, SEGS, ITEMS, COLUMNS>(s, totals.data(), value); });
    emu_launch(grid, 1, 256, [&] { aotc_scan_rows<Op, SEGS, ITEMS, COLUMNS>(s, totals.data(), value, store); });
    return out;
}

template <int SEGS, bool COLUMNS> static void scan_case(int64_t rows, int64_t length, int64_t pieces)
{
    std::vector<int64_t> x((size_t)(rows * length));
    std::vector<float>   y(x.size());
    for (size_t i = 0; i < x.size(); i++) {
        x[i] = draw(19) - 9;
        y[i] = draw(40) == 0 ? NAN : (float)(draw(9) - 4);
    }
    const auto sums = run_scan<aotc_scan_sum<uint64_t>, SEGS, COLUMNS>(x, rows, length, pieces);
    const auto tops = run_scan<aotc_scan_extreme<float, true>, SEGS, COLUMNS>(y, rows, length, pieces);
    const auto logs = run_scan<aotc_scan_log_sum<double>, SEGS, COLUMNS>(y, rows, length, pieces);
    bool       is_good = true;
    for (int64_t r = 0; r < rows; r++) {
        uint64_t sum = 0;
        float    top = 0;
        int64_t  place = -1;
        double   total = 0;
        for (int64_t i = 0; i < length; i++) {
            const size_t at = (size_t)(COLUMNS ? i * rows + r : r * length + i);
            sum += (uint64_t)x[at];
            if (place < 0 || y[at] != y[at] || (top == top && y[at] >= top))
                top = y[at], place = i;
            total += exp((double)y[at]);
            const double log_sum = log(total);
            is_good &= sums[at] == sum && tops[at].at == place;
            is_good &= top == top ? tops[at].value == top : tops[at].value != tops[at].value;
            is_good &= log_sum != log_sum ? logs[at] != logs[at] : fabs(logs[at] - log_sum) < 1e-12 * (1 + fabs(log_sum));
        }
    }
    expect(is_good, COLUMNS ? "scan of columns" : "scan of rows", rows, length);
}

/* ---- sorts ----------------------------------------------------------------------------------- */
template <class Key> struct Rows {
    int64_t            rows, length, keep;
    std::vector<Key>   x;
    std::vector<int>   index;
    void check(const char *what) const
    {
        bool is_good = true;
        for (int64_t r = 0; r < rows; r++) {
            std::vector<int> order((size_t)length);
            for (int64_t i = 0; i < length; i++)
                order[(size_t)i] = (int)i;
            const Key *row = x.data() + r * length;
            std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return row[a] < row[b]; });
            for (int64_t i = 0; i < keep; i++)
                is_good &= index[(size_t)(r * keep + i)] == order[(size_t)i];
        }
        expect(is_good, what, length, keep);
    }
};

template <class Key> static Rows<Key> make_rows(int64_t rows, int64_t length, int64_t keep, int distinct)
{
    Rows<Key> r = {rows, length, keep, std::vector<Key>((size_t)(rows * length)),
                   std::vector<int>((size_t)(rows * keep), -1)};
    for (Key &k : r.x)
        k = (Key)draw(distinct) << (draw(2) * (sizeof(Key) * 8 - 16));
    if (length > 5)
        r.x[3] = r.x[5] = ~(Key)0;
    return r;
}

template <class Key> static void rows_case(int64_t rows, int64_t length, int64_t keep)
{
    Rows<Key>      r = make_rows<Key>(rows, length, keep, 100);
    aotc_sort_size s = {rows, length, keep, 2, 512};
    while (s.width < length)
        s.width *= 2;
    s.span = s.width > 512 ? s.width : 512;
    emu_launch((unsigned)((rows + s.span / s.width - 1) / (s.span / s.width)), 1, 256, [&] {
        aotc_sort_rows<Key>(
            s, aotc_shared, [&](int64_t row, int64_t i) { return r.x[(size_t)(row * length + i)]; },
            [&](int64_t row, int64_t i, uint32_t at) { r.index[(size_t)(row * keep + i)] = (int)at; });
    });
    r.check("sort of short rows");
}

template <class Key> static void long_case(int64_t rows, int64_t length, int64_t keep)
{
    Rows<Key>             r = make_rows<Key>(rows, length, keep, 1000);
    aotc_sort_size        s = {rows, length, keep, AOTC_SORT_TILE, AOTC_SORT_TILE};
    std::vector<Key>      keys[2] = {std::vector<Key>(r.x.size()), std::vector<Key>(r.x.size())};
    std::vector<uint32_t> at[2] = {std::vector<uint32_t>(r.x.size()), std::vector<uint32_t>(r.x.size())};
    int                   from = 0;
    emu_launch((unsigned)((length + AOTC_SORT_TILE - 1) / AOTC_SORT_TILE * rows), 1, 1024, [&] {
        aotc_sort_tiles<Key>(s, aotc_shared, keys[0].data(), at[0].data(),
                             [&](int64_t row, int64_t i) { return r.x[(size_t)(row * length + i)]; });
    });
    for (int64_t run = AOTC_SORT_TILE; run < length; run *= 2, from ^= 1)
        emu_launch((unsigned)((length + 2047) / 2048 * rows), 1, 256, [&] {
            aotc_sort_merge<Key>(s, run, keys[from].data(), at[from].data(), keys[from ^ 1].data(),
                                 at[from ^ 1].data());
        });
    emu_launch(7, 1, 256, [&] {
        aotc_sort_put(s, at[from].data(),
                      [&](int64_t row, int64_t i, uint32_t a) { r.index[(size_t)(row * keep + i)] = (int)a; });
    });
    r.check("sort of long rows");
}

template <class Key> static void select_case(int64_t rows, int64_t length, int64_t keep, int distinct)
{
    Rows<Key>      r = make_rows<Key>(rows, length, keep, distinct);
    aotc_sort_size s = {rows, length, keep, 64, 64};
    while (s.width < keep)
        s.width *= 2;
    s.span = s.width;
    emu_launch((unsigned)rows, 1, 1024, [&] {
        aotc_sort_select<Key>(
            s, aotc_shared, [&](int64_t row, int64_t i) { return r.x[(size_t)(row * length + i)]; },
            [&](int64_t row, int64_t i, uint32_t at) { r.index[(size_t)(row * keep + i)] = (int)at; });
    });
    r.check("selection");
}

static void key_cases()
{
    const float order[] = {-INFINITY, -3.5f, -1e-40f, 0, 1e-40f, 2, INFINITY, NAN};
    for (int i = 0; i + 1 < 8; i++) {
        expect(aotc_key_float(order[i]) < aotc_key_float(order[i + 1]), "float keys", i, 0);
        expect(aotc_key_float((double)order[i]) < aotc_key_float((double)order[i + 1]), "double keys", i, 0);
    }
    expect(aotc_key_float(-0.f) == aotc_key_float(0.f), "keys of zeros", 0, 0);
    expect(aotc_key_signed(INT64_MIN) == 0 && aotc_key_signed((int32_t)-1) < aotc_key_signed((int32_t)0), "keys of integers", 0, 0);
}

/* ---- places of true elements ----------------------------------------------------------------- */
static void select_places(int64_t total, int parts, int one_in)
{
    std::vector<int>     set((size_t)total), got;
    std::vector<int64_t> counts(AOTC_SELECT_PARTS + 1), want;
    for (int64_t i = 0; i < total; i++) {
        set[(size_t)i] = draw(one_in) == 0;
        if (set[(size_t)i])
            want.push_back(i);
    }
    aotc_select_size s = {total, (total + parts - 1) / parts};
    auto             is_set = [&](int64_t i) { return set[(size_t)i] != 0; };
    emu_launch((unsigned)parts, 1, 256, [&] { aotc_select_count(s, counts.data(), is_set); });
    emu_launch(1, 1, AOTC_SELECT_PARTS, [&] { aotc_select_sum(parts, counts.data()); });
    expect(counts[AOTC_SELECT_PARTS] == (int64_t)want.size(), "count", total, parts);
    std::vector<int64_t> out(want.size(), -1);
    emu_launch((unsigned)parts, 1, 256, [&] {
        aotc_select_put(s, counts.data(), is_set, [&](int64_t n, int64_t i) { out[(size_t)n] = i; });
    });
    expect(out == want, "places", total, parts);
}

/* ---- recurrent layers ------------------------------------------------------------------------ */
template <int GATES> static void rnn_case(int steps, int batch, int hidden, bool is_reverse, int columns, bool is_cached)
{
    const int          rows = GATES * hidden;
    std::vector<float> x((size_t)(steps * batch * rows)), w((size_t)(rows * hidden)), h0((size_t)(batch * hidden)),
        c0(h0.size()), bias((size_t)hidden), out((size_t)(steps * batch * hidden)), h_n(h0.size()), c_n(h0.size()),
        cell(h0.size());
    for (std::vector<float> *v : {&x, &w, &h0, &c0, &bias})
        for (float &f : *v)
            f = (float)(draw(201) - 100) / 200;
    unsigned arrived = 0;
    aotc_rnn r = {steps, batch, hidden, columns, is_reverse, is_cached, &arrived, cell.data()};
    const unsigned grid = (unsigned)((hidden + columns - 1) / columns);
    emu_launch(grid, grid, 256, [&] {
        aotc_rnn_run<GATES>(
            r, (float *)aotc_shared, [&](int64_t t, int64_t b, int64_t j) { return x[(size_t)((t * batch + b) * rows + j)]; },
            [&](int64_t b, int64_t j) { return h0[(size_t)(b * hidden + j)]; },
            [&](int64_t b, int64_t j) { return c0[(size_t)(b * hidden + j)]; },
            [&](int64_t row, int64_t k) { return w[(size_t)(row * hidden + k)]; },
            [&](int64_t j) { return bias[(size_t)j]; },
            [&](int64_t t, int64_t b, int64_t j) { return &out[(size_t)((t * batch + b) * hidden + j)]; },
            [&](int64_t b, int64_t j, float v) { h_n[(size_t)(b * hidden + j)] = v; },
            [&](int64_t b, int64_t j, float v) { c_n[(size_t)(b * hidden + j)] = v; });
    });
    std::vector<double> h(h0.begin(), h0.end()), c(c0.begin(), c0.end());
    double              worst = 0;
    auto                sigmoid = [](double v) { return 1 / (1 + exp(-v)); };
    for (int s = 0; s < steps; s++) {
        const int           t = is_reverse ? steps - 1 - s : s;
        std::vector<double> next(h);
        for (int b = 0; b < batch; b++)
            for (int j = 0; j < hidden; j++) {
                double g[GATES], xg[GATES];
                for (int i = 0; i < GATES; i++) {
                    xg[i] = x[(size_t)((t * batch + b) * rows + i * hidden + j)], g[i] = 0;
                    for (int k = 0; k < hidden; k++)
                        g[i] += w[(size_t)((i * hidden + j) * hidden + k)] * h[(size_t)(b * hidden + k)];
                }
                const size_t at = (size_t)(b * hidden + j);
                if (GATES == 4) {
                    c[at] = sigmoid(g[1] + xg[1]) * c[at] + sigmoid(g[0] + xg[0]) * tanh(g[2] + xg[2]);
                    next[at] = sigmoid(g[GATES - 1] + xg[GATES - 1]) * tanh(c[at]);
                } else {
                    const double n = tanh(xg[2] + sigmoid(g[0] + xg[0]) * (g[2] + bias[(size_t)j]));
                    next[at] = n + sigmoid(g[1] + xg[1]) * (h[at] - n);
                }
                worst = fmax(worst, fabs(next[at] - out[(size_t)((t * batch + b) * hidden + j)]));
            }
        h = next;
    }
    for (size_t i = 0; i < h.size(); i++) {
        worst = fmax(worst, fabs(h[i] - h_n[i]));
        if (GATES == 4)
            worst = fmax(worst, fabs(c[i] - c_n[i]));
    }
    expect(worst < 2e-6, GATES == 4 ? "lstm" : "gru", hidden, steps);
}

/* ndtr(x) and 1 + tanh(x) beside double: as near as a sum of 1 and a float can be. */
static void gelu_case()
{
    double worst = 0;
    for (float x = -12; x < 12; x += 1.0f / 4096)
        worst = fmax(worst, fabs(aotc_ndtr_f32(x) - erfc(x * -0.70710678118654752) / 2));
    expect(worst < 1.25e-7, "ndtr(x), 1e-10 of error", (int64_t)(worst * 1e10), 0);
    worst = 0;
    for (float x = -12; x < 12; x += 1.0f / 4096) {
        const double want = 2 / (1 + exp(-2 * (double)x));
        worst = fmax(worst, fabs(aotc_tanh_plus_1_f32(x) - want) / want);
    }
    expect(worst < 2.5e-6, "1 + tanh(x), 1e-10 of relative error", (int64_t)(worst * 1e10), 0);
    expect(aotc_tanh_plus_1_f32(INFINITY) == 2 && aotc_tanh_plus_1_f32(-INFINITY) == 0, "1 + tanh(inf)", 0, 0);
    expect(isnan(aotc_tanh_plus_1_f32(NAN)), "1 + tanh(NaN)", 0, 0);
    expect(aotc_ndtr_f32(INFINITY) == 1 && aotc_ndtr_f32(-INFINITY) == 0, "ndtr(inf)", 0, 0);
    expect(aotc_ndtr_f32(0) == 0.5f && isnan(aotc_ndtr_f32(NAN)), "ndtr(0), NaN", 0, 0);
}

/* e^x for x <= 0: relative error all the way down to the least normal number. */
static void exp_case()
{
    double worst = 0;
    for (float x = 0; x > -87.3f; x -= 1.0f / 4096) {
        const double want = exp((double)x);
        worst = fmax(worst, fabs(aotc_exp_to_1_f32(x) - want) / want);
    }
    expect(worst < 3.5e-7, "exp_to_1(x), 1e-10 of relative error", (int64_t)(worst * 1e10), 0);
    expect(aotc_exp_to_1_f32(0) == 1 && aotc_exp_to_1_f32(-INFINITY) < 1e-38f, "exp_to_1(0), (-inf)", 0, 0);
    expect(isnan(aotc_exp_to_1_f32(NAN)), "exp_to_1(NaN)", 0, 0);
}

int main()
{
    gelu_case();
    exp_case();
    scan_case<256, false>(3, 2500, 1);
    scan_case<256, false>(2, 5000, 3);
    scan_case<32, false>(11, 300, 1);
    scan_case<32, false>(9, 300, 2);
    scan_case<8, true>(70, 100, 1);
    scan_case<8, true>(33, 130, 3);
    scan_case<8, true>(5, 1, 1);
    key_cases();
    rows_case<uint32_t>(700, 1, 1);
    rows_case<uint32_t>(9, 100, 100);
    rows_case<uint64_t>(3, 700, 20);
    long_case<uint32_t>(2, 4097, 4097);
    long_case<uint64_t>(1, 20000, 300);
    select_case<uint32_t>(2, 5000, 1, 30000);
    select_case<uint32_t>(2, 5000, 70, 20);
    select_case<uint64_t>(2, 4100, 600, 3000);
    select_places(5000, 5, 3);
    select_places(700, 1, 50);
    rnn_case<4>(5, 3, 37, false, 5, true);
    rnn_case<4>(3, 6, 40, true, 40, false);
    rnn_case<3>(5, 2, 33, true, 9, true);
    rnn_case<3>(0, 2, 33, false, 9, true);
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
