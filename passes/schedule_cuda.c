/* How LOOPS kernels run on a GPU: shape, threads of a block, threads of a row; see CudaSchedule.
 *
 *   stage over r0 < 768 { %m = max(%x[768*i0 + r0]) }            row_threads 128: six elements each
 *   stage over r0 < 768 { %e = exp(sub(%x[…], %m));  %s = sum(%e) }
 *   stage over r0 < 768 { %y[768*i0 + r0] = div(%e, %s) }        %e is computed again from %x
 *
 * LOCAL rows are no memory: what reads one in a later stage computes it again. */
#include "passes/lower_internal.h"

#include <math.h>

#define FLAT_THREADS 256
#define MAX_ROW_THREADS 512
/* Elements of a row that are worth a thread. */
#define ROW_GRAIN 4

/* ---- sizes ----------------------------------------------------------------------------------- */

static bool look_up_hint(void *cx, const Symbol *symbol, int64_t *i, double *f)
{
    (void)cx;
    if (isnan(symbol->hint))
        return false;
    *i = (int64_t)symbol->hint;
    *f = symbol->hint;
    return true;
}

/* What the size is, or was in the example of the export. */
static int64_t typical(Lower *lo, const Expr *size, int64_t unknown)
{
    int64_t value;
    Error  *error = expr_eval(lo->ir->arena, size, look_up_hint, NULL, &value, NULL);
    return error ? unknown : value;
}

static const Stage *inner_stage(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_inner)
            return k->stages[s];
    return NULL;
}

/* ---- indices --------------------------------------------------------------------------------- */

static void check_load_fits(void *cx, Scalar *load)
{
    bool *fits = cx;
    *fits = *fits && expr_fits_int32(load->index, true);
}

static bool product_fits(Lower *lo, const Expr *const *sizes, int n)
{
    return expr_range(expr_product(lo->ir->exprs, sizes, n)).max <= INT32_MAX / 2;
}

static bool indices_fit(Lower *lo, const Kernel *k)
{
    bool fits = product_fits(lo, k->outer_sizes, k->n_outer);
    kernel_for_each_load(k, check_load_fits, &fits);
    for (int s = 0; s < k->n_stages && fits; s++) {
        const Stage *stage = k->stages[s];
        fits = product_fits(lo, stage->inner_sizes, stage->n_inner);
        for (int l = 0; l < stage->n_loops && fits; l++)
            fits = expr_fits_int32(stage->loops[l]->index, true);
    }
    return fits;
}

/* ---- rows that are computed again ------------------------------------------------------------ */

typedef struct Again {
    const Kernel *k;
    int           stage;
} Again;

static Scalar *row_value(void *cx, Scalar *load)
{
    const Again *again = cx;
    if (load->buffer->kind != BUFFER_LOCAL || !load->buffer->is_row)
        return NULL;
    for (int s = 0; s < again->stage; s++)
        for (int l = 0; l < again->k->stages[s]->n_loops; l++)
            if (again->k->stages[s]->loops[l]->out == load->buffer)
                return again->k->stages[s]->loops[l]->value;
    return NULL;
}

static void compute_rows_again(Lower *lo, Kernel *k)
{
    Arena *arena = lo->ir->arena;
    for (int s = 1; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            Again again = {k, s};
            Loop *loop = ARENA_NEW(arena, Loop);
            *loop = *k->stages[s]->loops[l];
            loop->value = scalar_rewrite(loop->pool, loop->value, NULL, NULL, 0, row_value, &again);
            if (loop->mask)
                loop->mask =
                    scalar_rewrite(loop->pool, loop->mask, NULL, NULL, 0, row_value, &again);
            k->stages[s]->loops[l] = loop;
        }
}

/* ---- the schedule ---------------------------------------------------------------------------- */

/* Threads for a row: one where neighbouring outer points stand side by side in memory. */
static int row_threads(Lower *lo, const Kernel *k)
{
    const Stage *stage = inner_stage(k);
    int64_t n = typical(lo, expr_product(lo->ir->exprs, stage->inner_sizes, stage->n_inner), 1024);
    int     threads = 1;
    if (k->vector_is_outer && k->n_outer)
        return 1;
    while (threads < MAX_ROW_THREADS && threads * ROW_GRAIN < n)
        threads *= 2;
    return threads;
}

void schedule_cuda(Lower *lo, Kernel *k)
{
    CudaSchedule *c = &k->cuda;
    *c = (CudaSchedule){.shape = CUDA_FLAT, .threads = FLAT_THREADS, .row_threads = 1};
    c->is_int32 = indices_fit(lo, k);
    if (!inner_stage(k))
        return;
    compute_rows_again(lo, k);
    c->shape = CUDA_ROWS;
    c->row_threads = row_threads(lo, k);
    c->threads = c->row_threads > 32 ? c->row_threads : 128;
}
