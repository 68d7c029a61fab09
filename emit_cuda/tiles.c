/* Candidates of the tensor-core products and the model that picks one.
 *
 * The model counts what the busiest multiprocessor does: steps of 64 values of k, each as long as
 * its loads from L2, its multiplications or the latency that its stages cannot hide, whichever is
 * longest.  Constants are those of an H100 (nanoseconds, bytes); what matters is the order of the
 * candidates. */
#include "emit_cuda/product.h"

static const ProductTile tiles[] = {
    {16, 64, 16, 16, 6},  {16, 128, 16, 32, 5}, {32, 64, 16, 32, 6},   {64, 64, 32, 32, 5},
    {64, 128, 32, 64, 4}, {128, 64, 64, 32, 4}, {128, 128, 64, 32, 4},
};

enum { N_SM = 132 };

int product_shared_bytes(const ProductTile *t, bool a_is_k_major, bool b_is_k_major)
{
    int a = a_is_k_major || t->bm >= 64 ? t->bm * 128 : 64 * 128;
    int b = b_is_k_major || t->bn >= 64 ? t->bn * 128 : 64 * 128;
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

static double estimate(const ProductSizes *s, const ProductTile *t, int splits)
{
    int     threads = t->bm / t->wm * (t->bn / t->wn) * 32;
    int     per_sm = 227 * 1024 / (product_shared_bytes(t, true, true) + 1024);
    int     by_registers = 65536 / (threads * (t->wm * t->wn / 32 + 64));
    bool    is_cluster = splits <= PRODUCT_MAX_CLUSTER && s->sm >= 90;
    int64_t blocks = (int64_t)(ceil_of(s->m, t->bm) * ceil_of(s->n, t->bn)) * s->z * splits;
    double  steps = ceil_of(ceil_of(s->k, 64) > 0 ? (int64_t)ceil_of(s->k, 64) : 1, splits);
    if (per_sm > by_registers)
        per_sm = by_registers < 1 ? 1 : by_registers;
    double waves = ceil_of(blocks, (int64_t)N_SM * per_sm);
    double beside = ceil_of(blocks, N_SM) < per_sm ? ceil_of(blocks, N_SM) : per_sm;
    double multiply = (double)t->bm * t->bn * 128 / 3400;
    double load = (t->bm + t->bn) * 128.0 / (blocks >= N_SM ? 45 : 80) * (s->gathered ? 1.3 : 1);
    double step = at_least(beside * at_least(multiply, load), 1000.0 / (t->stages - 1));
    double time = waves * (steps * step + 700 + t->bm * t->bn / 12.0 * beside / 4) + 1200;
    if (splits > 1)
        time += is_cluster ? 700 + t->bm * t->bn * 4.0 / 60
                           : 3000 + (double)s->z * (double)s->m * (double)s->n * 8 * splits / 2500;
    return time;
}

ProductChoice product_choose(const ProductSizes *s)
{
    static const int splits[] = {1, 2, 4, 8, 16, 32, 64, 128};
    ProductChoice    best = {&tiles[0], 1};
    double           least = estimate(s, best.tile, 1);
    for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++)
        for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
            double time = estimate(s, &tiles[t], splits[i]);
            if (splits[i] > 1 && s->k < 128 * splits[i])
                break;
            if (time < least) {
                least = time;
                best = (ProductChoice){&tiles[t], splits[i]};
            }
        }
    return best;
}
