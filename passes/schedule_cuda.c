/* How LOOPS kernels run on a GPU: shape, threads of a block, threads of a row; see CudaSchedule.
 *
 *   stage over r0 < 768 { %m = max(%x[768*i0 + r0]) }            row_threads 128: six elements each
 *   stage over r0 < 768 { %e = exp(sub(%x[…], %m));  %s = sum(%e) }
 *   stage over r0 < 768 { %y[768*i0 + r0] = div(%e, %s) }        %e is computed again from %x
 *
 * Rows of known size stay in registers from stage to stage; LOCAL rows of others are no memory:
 * what reads one in a later stage computes it again. */
#include "ir/access.h"
#include "passes/lower_internal.h"

#include <math.h>

#define FLAT_THREADS 256
#define MAX_ROW_THREADS 1024
/* Registers of a thread that hold its part of a row. */
#define ROW_WORDS 32
/* Rows that one thread reads: windows of pooling. */
#define SHORT_ROW 16
/* Warps that share the inner dims of 32 points. */
#define COLUMN_WARPS 8
/* An H100: its multiprocessors, threads that one has when each takes 64 registers, blocks that fill
 * it. */
#define N_SM 132
#define RESIDENT_THREADS 1024
#define ENOUGH_BLOCKS (N_SM * 4)
/* Elements that are worth a second launch. */
#define MIN_SPLIT (1 << 16)
/* Threads that leave an H100 (132 multiprocessors) idle. */
#define FEW_THREADS (N_SM * 256)
/* Sides of tiles that go through shared memory. */
#define SMALL_TILE 32
#define LARGE_TILE 64

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

typedef struct Overwritten {
    const Kernel *k;
    int           from, to; /* stages */
    bool          found;
} Overwritten;

static void look_for_store(void *cx, Scalar *load)
{
    Overwritten *o = cx;
    for (int s = o->from; s < o->to; s++)
        for (int l = 0; l < o->k->stages[s]->n_loops; l++)
            o->found |= load->buffer->kind != BUFFER_LOCAL &&
                        o->k->stages[s]->loops[l]->out == load->buffer;
}

/* Does a stage store to memory that a row is made of, before a later stage asks for the row again?
 */
static bool rows_are_overwritten(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            Overwritten o = {k, s, k->n_stages - 1, false};
            const Loop *loop = k->stages[s]->loops[l];
            if (loop->out->kind == BUFFER_LOCAL && loop->out->is_row)
                loop_for_each_load(loop, look_for_store, &o);
            if (o.found)
                return true;
        }
    return false;
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

/* ---- vectors --------------------------------------------------------------------------------- */

typedef struct Accesses {
    ExprPool     *pool;
    const Symbol *var;
    int           width, n_adjacent, n_apart, smallest; /* bytes of an adjacent element */
} Accesses;

static void note_access(Accesses *a, const Buffer *b, const Expr *index, bool is_masked)
{
    AccessKind kind = access_kind(a->pool, index, a->var, a->width);
    if (b->kind == BUFFER_LOCAL || kind == ACCESS_SAME)
        return;
    if (kind == ACCESS_APART || is_masked) {
        a->n_apart++;
        return;
    }
    a->n_adjacent++;
    if (dtype_size(b->dtype) < a->smallest)
        a->smallest = dtype_size(b->dtype);
}

static void note_load(void *cx, Scalar *load)
{
    note_access(cx, load->buffer, load->index, load->mask != NULL);
}

/* Elements along `var` that a thread takes at a time: 16 bytes of the smallest type, at most 8; as
 * long as most accesses are adjacent, and the size is a multiple (or the end may be cut). */
static int vector_width(Lower *lo, const Kernel *k, const Symbol *var, const Expr *size,
                        bool may_cut)
{
    ExprPool *p = lo->ir->exprs;
    for (int width = 8; width > 1; width /= 2) {
        Accesses a = {p, var, width, 0, 0, 16};
        if (!may_cut && !expr_is_value(expr_mod(p, size, expr_int(p, width)), 0))
            continue;
        kernel_for_each_load(k, note_load, &a);
        for (int s = 0; s < k->n_stages; s++)
            for (int l = 0; l < k->stages[s]->n_loops; l++) {
                const Loop *loop = k->stages[s]->loops[l];
                bool        is_plain = !loop->mask && !loop->is_scatter && !loop->accumulate;
                if (loop->kind == LOOP_POINTWISE)
                    note_access(&a, loop->out, loop->index, !is_plain);
            }
        if (a.n_adjacent && a.n_adjacent >= a.n_apart && width * a.smallest <= 16)
            return width;
    }
    return 1;
}

/* ---- flat ------------------------------------------------------------------------------------ */

static bool is_positional(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            if (k->stages[s]->loops[l]->is_scatter || k->stages[s]->loops[l]->accumulate)
                return true;
    return false;
}

static bool stores_along(Lower *lo, const Kernel *k, const Symbol *var)
{
    for (int l = 0; l < k->stages[0]->n_loops; l++)
        if (access_kind(lo->ir->exprs, k->stages[0]->loops[l]->index, var, 1) != ACCESS_ADJACENT)
            return false;
    return true;
}

/* Is each element read once?  What points share comes from a cache. */
static bool is_read_once(const Kernel *k, const Expr *index)
{
    for (int d = 0; d < k->n_outer; d++)
        if (!expr_is_value(k->outer_sizes[d], 1) && !access_depends(index, k->outer[d]))
            return false;
    return true;
}

/* Bytes that a point reads, and no other one, of what stands in memory along the dim; the widest
 * element of all that would go through tiles. */
static int tiled_bytes(Lower *lo, const Kernel *k, int dim, int *widest)
{
    const Scalar *loads[MAX_TILED_LOADS];
    int           n = kernel_tiled_loads(lo->ir->exprs, k, dim, SMALL_TILE, loads), bytes = 0;
    *widest = 0;
    for (int i = 0; i < n; i++) {
        int size = dtype_size(loads[i]->buffer->dtype);
        bytes += is_read_once(k, loads[i]->index) ? size : 0;
        *widest = size > *widest ? size : *widest;
    }
    return bytes;
}

/* Some memory is adjacent along the last dim, which all stores follow, and some along another one:
 * tiles of both, unless one of them is short, or points are few: then the second level of cache has
 * what is read element by element.  A row of a tile is 128 bytes where there are tiles enough. */
static bool schedule_tiles(Lower *lo, Kernel *k, int64_t numel)
{
    CudaSchedule *c = &k->cuda;
    int           last = k->n_outer - 1, best = 0, widest;
    if (numel < (int64_t)N_SM * RESIDENT_THREADS || !stores_along(lo, k, k->outer[last]) ||
        typical(lo, k->outer_sizes[last], SMALL_TILE) < SMALL_TILE / 2)
        return false;
    for (int d = 0; d < last; d++) {
        int bytes = tiled_bytes(lo, k, d, &widest);
        if (bytes <= best || typical(lo, k->outer_sizes[d], SMALL_TILE) < SMALL_TILE / 2)
            continue;
        best = bytes;
        c->tile_dim = d;
        c->tile = widest <= 2 && numel >= LARGE_TILE * LARGE_TILE * (int64_t)ENOUGH_BLOCKS
                      ? LARGE_TILE
                      : SMALL_TILE;
    }
    if (!best)
        return false;
    c->shape = CUDA_TILES;
    c->row_threads = c->threads;
    return true;
}

/* Few elements are spread over all multiprocessors rather than put into vectors. */
static void schedule_flat(Lower *lo, Kernel *k)
{
    CudaSchedule *c = &k->cuda;
    int64_t numel = typical(lo, expr_product(lo->ir->exprs, k->outer_sizes, k->n_outer), INT32_MAX);
    if (!k->n_outer || is_positional(k) || schedule_tiles(lo, k, numel))
        return;
    c->vector = vector_width(lo, k, k->outer[k->n_outer - 1], k->outer_sizes[k->n_outer - 1],
                             k->n_outer == 1);
    while (c->vector > 1 && numel / c->vector < FEW_THREADS)
        c->vector /= 2;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Registers that one element of a row takes: LOCAL rows, and loads that several stages make. */
static double words_per_element(Lower *lo, const Kernel *k, int width)
{
    const Buffer *rows[64];
    const Scalar *loads[64];
    int           n_rows = kernel_kept_rows(k, rows, 64);
    int           n_loads = kernel_repeated_loads(lo->ir->exprs, k, width, loads, 64);
    double        words = 0;
    for (int i = 0; i < n_rows; i++)
        words += dtype_size(rows[i]->dtype) == 8 ? 2 : 1;
    for (int i = 0; i < n_loads; i++)
        words += width > 1 || dtype_size(loads[i]->buffer->dtype) > 4
                     ? dtype_size(loads[i]->buffer->dtype) / 4.0
                     : 1;
    return words < 1 ? 1 : words;
}

/* A warp where the row fits its registers; more threads for long rows, and where rows are few. */
static void schedule_row(Lower *lo, Kernel *k, int64_t n)
{
    CudaSchedule *c = &k->cuda;
    double        words = words_per_element(lo, k, c->vector);
    int64_t rows = typical(lo, expr_product(lo->ir->exprs, k->outer_sizes, k->n_outer), 1 << 20);
    int     t = 1;
    while (t < 32 && (int64_t)t * c->vector < n && n > SHORT_ROW)
        t *= 2;
    while (t < MAX_ROW_THREADS && (double)n / t * words > ROW_WORDS)
        t *= 2;
    while (t < MAX_ROW_THREADS && (int64_t)t * c->vector * 2 <= n && rows * t < FEW_THREADS)
        t *= 2;
    c->row_threads = t;
    int64_t chunks = (n + (int64_t)t * c->vector - 1) / ((int64_t)t * c->vector);
    if ((double)chunks * c->vector * words <= 1.5 * ROW_WORDS)
        c->chunks = (int)chunks;
}

static void look_for_work(void *cx, Scalar *a)
{
    bool *found = cx;
    *found |= scalar_is_transcendental(a->op);
}

/* Words of one element. */
static double words_of(const Scalar *const *loads, int n)
{
    double words = 0;
    for (int i = 0; i < n; i++)
        words += dtype_size(loads[i]->buffer->dtype) / 4.0;
    return words;
}

/* Blocks wait for their row and then compute: where both take long, the next row should be on its
 * way meanwhile.  Two rows of loads and one of values have to fit 64 registers, of which 1024
 * threads of a multiprocessor can have so many. */
static bool reads_ahead(Lower *lo, const Kernel *k)
{
    const CudaSchedule *c = &k->cuda;
    const Stage        *stage = kernel_inner_stage(k);
    const Buffer       *rows[64];
    const Scalar       *loads[64];
    bool                has_work = false;
    int64_t points = typical(lo, expr_product(lo->ir->exprs, k->outer_sizes, k->n_outer), 0);
    if (!c->chunks || c->split || c->vector == 1 || c->row_threads <= 32 ||
        points * c->row_threads < INT64_C(4) * N_SM * RESIDENT_THREADS)
        return false;
    for (int l = 0; l < stage->n_loops; l++)
        scalar_walk(&stage->loops[l]->value, 1, look_for_work, &has_work);
    int    n = kernel_row_loads(lo->ir->exprs, k, c->vector, true, loads, 64);
    double each = c->chunks * c->vector, kept = kernel_kept_rows(k, rows, 64);
    return has_work && n > 0 && each * words_of(loads, n) <= ROW_WORDS / 2 &&
           each * kept <= ROW_WORDS;
}

static bool stores_rows(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops && k->stages[s]->n_inner; l++)
            if (k->stages[s]->loops[l]->kind == LOOP_POINTWISE &&
                k->stages[s]->loops[l]->out->kind != BUFFER_LOCAL)
                return true;
    return false;
}

/* A bias or scale of such rows: 80 registers hold it too where nothing but results of reductions is
 * stored, for 768 threads, which are enough where the next row is on its way. */
static bool keeps_fixed(Lower *lo, const Kernel *k)
{
    const CudaSchedule *c = &k->cuda;
    const Scalar       *loads[64];
    int                 n = kernel_fixed_loads(lo->ir->exprs, k, c->vector, loads, 64);
    return c->reads_ahead && !stores_rows(k) && c->threads <= 256 && n > 0 &&
           c->chunks * c->vector * words_of(loads, n) <= ROW_WORDS;
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Neighbouring points stand side by side in memory: warps share the inner dims, or a thread has the
 * few inner points of a vector of points. */
static void schedule_columns(Lower *lo, Kernel *k, int64_t n)
{
    CudaSchedule *c = &k->cuda;
    const Expr   *last = k->outer_sizes[k->n_outer - 1];
    int64_t points = typical(lo, expr_product(lo->ir->exprs, k->outer_sizes, k->n_outer), 1 << 20);
    c->row_threads = n <= SHORT_ROW ? 1 : COLUMN_WARPS;
    c->vector = vector_width(lo, k, k->outer[k->n_outer - 1], last, false);
    while (c->vector > 2 && points / c->vector * c->row_threads < FEW_THREADS)
        c->vector /= 2;
    if (c->row_threads > 1 || c->vector > 1)
        c->shape = CUDA_COLUMNS;
}

/* ---- parts ----------------------------------------------------------------------------------- */

static bool may_split(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        if ((s == 0) != (k->stages[s]->n_inner > 0))
            return false;
    for (int l = 0; l < k->stages[0]->n_loops; l++)
        if (k->stages[0]->loops[l]->kind != LOOP_REDUCE)
            return false;
    return true;
}

/* Blocks for a point where points alone leave multiprocessors idle, as long as each thread has some
 * vectors. */
static void schedule_split(Lower *lo, Kernel *k, int64_t n)
{
    CudaSchedule *c = &k->cuda;
    int64_t points = typical(lo, expr_product(lo->ir->exprs, k->outer_sizes, k->n_outer), 1 << 20);
    int64_t per_block = c->shape == CUDA_COLUMNS ? 32 * c->vector : c->threads / c->row_threads;
    int64_t blocks = (points + per_block - 1) / per_block;
    int64_t each = (int64_t)c->row_threads * (c->shape == CUDA_COLUMNS ? 1 : c->vector) * 4;
    int64_t parts = blocks > 0 ? ENOUGH_BLOCKS / blocks : 0;
    if (parts > n / each)
        parts = n / each;
    if (c->row_threads > 1 && parts > 1 && n * points >= MIN_SPLIT && may_split(k)) {
        c->split = (int)parts;
        c->chunks = 0;
    }
}

static void schedule_rows(Lower *lo, Kernel *k)
{
    CudaSchedule *c = &k->cuda;
    const Stage  *stage = kernel_inner_stage(k);
    const Expr   *size = expr_product(lo->ir->exprs, stage->inner_sizes, stage->n_inner);
    int64_t       n = typical(lo, size, 1024);
    c->shape = CUDA_ROWS;
    if (k->vector_is_outer && k->n_outer) {
        schedule_columns(lo, k, n);
    } else {
        c->vector = vector_width(lo, k, stage->inner[stage->n_inner - 1],
                                 stage->inner_sizes[stage->n_inner - 1], false);
        schedule_row(lo, k, n > 1 ? n : 1);
        if (!expr_is_int(size, NULL))
            c->chunks = 0;
    }
    c->threads = c->shape == CUDA_COLUMNS && c->row_threads > 1 ? 32 * c->row_threads
                 : c->row_threads > 32                          ? c->row_threads
                                                                : 128;
    schedule_split(lo, k, n);
    c->reads_ahead = reads_ahead(lo, k);
    c->keeps_fixed = keeps_fixed(lo, k);
    if (!c->chunks)
        c->is_impossible = rows_are_overwritten(k);
    if (!c->chunks)
        compute_rows_again(lo, k);
}

void schedule_cuda(Lower *lo, Kernel *k)
{
    CudaSchedule *c = &k->cuda;
    *c = (CudaSchedule){CUDA_FLAT, .threads = FLAT_THREADS, .row_threads = 1, .vector = 1};
    c->is_int32 = indices_fit(lo, k);
    exp_below_max(k, lo->ir->arena);
    if (kernel_inner_stage(k))
        schedule_rows(lo, k);
    else
        schedule_flat(lo, k);
}
