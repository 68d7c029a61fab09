/* Candidates of the tensor-core products and the model that picks one.
 *
 * The model counts what the busiest multiprocessor does: steps of 64 values of k, each as long as
 * its loads from L2, its multiplications or the latency that its stages cannot hide, whichever is
 * longest.  Constants (nanoseconds, bytes) are fitted to what tests/cuda/bench_gemm.cu measured on
 * an H100: 54 products and convolutions of batch-1 models, decoding, and large ones; the choice
 * takes 1.02 times the best candidate's time there (geometric mean). */
#include "emit_cuda/product.h"

static const ProductTile tiles[] = {
    {16, 64, 16, 16, 6, false, false},   {32, 64, 16, 32, 6, false, false},
    {64, 64, 32, 32, 3, false, false},   {64, 64, 32, 32, 5, false, false},
    {128, 128, 64, 32, 4, false, false}, {64, 64, 64, 64, 8, true, false},
    {128, 64, 64, 64, 8, true, false},   {128, 128, 64, 128, 6, true, false},
    {128, 256, 64, 256, 4, true, false}, {128, 128, 64, 128, 6, true, true},
};

enum {
    N_SM = 132,
    STORE_ROW = 40 /* AOTC_STORE_ROW of gemm_sm90.cu.inc */
};

int product_warpgroups(const ProductTile *t)
{
    return t->in_turns ? 2 : t->bm / 64;
}

int product_shared_bytes(const ProductTile *t, bool a_is_k_major, bool b_is_k_major)
{
    int a = a_is_k_major || t->bm >= 64 ? t->bm * 128 : 64 * 128;
    int b = b_is_k_major || t->bn >= 64 ? t->bn * 128 : 64 * 128;
    if (t->is_sm90)
        return t->stages * (t->bm + t->bn) * 128 + product_warpgroups(t) * 4 * 16 * STORE_ROW * 4;
    int stages = t->stages * (a + b), sums = t->bm * (t->bn + 8) * 4;
    return stages > sums ? stages : sums;
}

static double at_least(double a, double b)
{
    return a > b ? a : b;
}

static double ceil_of(int64_t a, int64_t b)
{
    return (double)((a + b - 1) / b);
}

/* The weights come from memory once. */
static double memory_bound(const ProductSizes *s)
{
    return (double)s->z * (double)s->n * (double)s->k * 2 / 2950 + 1860;
}

/* Blocks that stay and take tile after tile; in turns, a tile is stored while the next one is
 * multiplied.  Blocks of a cluster read each other's sums: all of them share that way. */
static double estimate_sm90(const ProductSizes *s, const ProductTile *t, int splits)
{
    double tiles_all = ceil_of(s->m, t->bm) * ceil_of(s->n, t->bn) * (double)s->z;
    double blocks = tiles_all * splits, area = (double)t->bm * t->bn;
    double rounds = ceil_of((int64_t)blocks, N_SM);
    double step = at_least(area * 128 / 7000, (t->bm + t->bn) * 128.0 / 95);
    double store = t->bn * (t->in_turns ? rounds > 1 ? 16 : 41 : 20.5);
    if (splits > 1)
        store = 900 + (blocks < N_SM ? blocks : N_SM) * area * 4 * (splits - 1) / splits / 830;
    step = at_least(step, 1400.0 / (t->stages - 1));
    return rounds * (ceil_of((s->sm90_k + 63) / 64, splits) * step + 500 + store) + 1340;
}

static double estimate_mma(const ProductSizes *s, const ProductTile *t, int splits)
{
    int     threads = t->bm / t->wm * (t->bn / t->wn) * 32;
    int     per_sm = 227 * 1024 / (product_shared_bytes(t, true, true) + 1024);
    int     by_registers = 65536 / (threads * (t->wm * t->wn / 32 + 64));
    bool    is_cluster = splits <= PRODUCT_MAX_CLUSTER && s->sm >= 90;
    double  area = (double)t->bm * t->bn, tiles_all = ceil_of(s->m, t->bm) * ceil_of(s->n, t->bn);
    int64_t blocks = (int64_t)tiles_all * s->z * splits;
    int64_t all_steps = (s->k + 63) / 64;
    double  steps = ceil_of(all_steps > 0 ? all_steps : 1, splits);
    if (per_sm > by_registers)
        per_sm = by_registers < 1 ? 1 : by_registers;
    double waves = ceil_of(blocks, (int64_t)N_SM * per_sm);
    double beside = ceil_of(blocks, N_SM) < per_sm ? ceil_of(blocks, N_SM) : per_sm;
    double load = (t->bm + t->bn) * 128.0 / (blocks >= N_SM ? 44 : 149);
    double step = beside * at_least(area * 128 / 1457, load);
    double time =
        waves * (steps * at_least(step, 2370.0 / (t->stages - 1)) + 396 + area * beside / 16.8) +
        1860;
    if (splits > 1)
        time += is_cluster ? 1350 + area * 4 / 36
                           : 1900 + (double)s->z * (double)s->m * (double)s->n * 8 * splits / 12460;
    return time;
}

static double estimate(const ProductSizes *s, const ProductTile *t, int splits)
{
    return at_least(memory_bound(s),
                    t->is_sm90 ? estimate_sm90(s, t, splits) : estimate_mma(s, t, splits));
}

/* Can blocks of one cluster have pieces of k?  Their sums take the place of the stages. */
static bool may_share(const ProductSizes *s, const ProductTile *t, int splits)
{
    return s->least_k >= 64 * splits && splits <= PRODUCT_MAX_CLUSTER && !t->in_turns &&
           t->bn <= 128;
}

ProductChoice product_choose(const ProductSizes *s)
{
    static const int splits[] = {1, 2, 4, 8, 16, 32, 64, 128};
    ProductChoice    best = {&tiles[0], 1};
    double           least = estimate(s, best.tile, 1);
    for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++)
        for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
            double time = estimate(s, &tiles[t], splits[i]);
            if (splits[i] > 1 && (s->k < 128 * splits[i] ||
                                  (tiles[t].is_sm90 && !may_share(s, &tiles[t], splits[i]))))
                break;
            if (tiles[t].is_sm90 && !s->is_sm90)
                break;
            if (time < least) {
                least = time;
                best = (ProductChoice){&tiles[t], splits[i]};
            }
        }
    return best;
}
