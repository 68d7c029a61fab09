/* Fusion: kernels of one loop in, kernels of several stages out.
 *
 *   k0: %m[i] = max_r x[i,r]                     over i0 { stage over r0 { m = max(x) }
 *   k1: %e[i,r] = exp(x[i,r] - m[i])        ->              stage over r0 { e = exp(x - m);  s =
 * sum(e) } k2: %s[i] = sum_r e[i,r]                                stage over r0 { y = e / s } }
 *   k3: %y[i,r] = e[i,r] / s[i]
 *
 * Every step is tried on the kernels before it, the nearest first, until one takes it or it depends
 * on one that does not. */
#include "passes/lower_internal.h"

#include <string.h>

/* How many kernels back a step is tried. */
#define FUSE_WINDOW 48
/* Loops in one kernel when --max-fusion-size does not say. */
#define DEFAULT_MAX_LOOPS 32
/* A kernel without outer dims runs on one thread: a reduction longer than this keeps its followers
 * apart. */
#define MAX_SERIAL_ROW (1 << 16)
/* Elements up to which kernels that have nothing in common share a launch on a GPU: fewer than its
 * threads. */
#define MAX_SHARED_LAUNCH (1 << 16)

typedef struct Frame {
    Kernel      *k;
    Symbol     **inner;
    const Expr **inner_sizes;
    int          n_inner;
    ScalarPool  *pool;
} Frame;

/* ---- accesses -------------------------------------------------------------------------------- */

static bool has_epilogue(const Kernel *k)
{
    return k->kind == KERNEL_GEMM || k->kind == KERNEL_CONV || k->kind == KERNEL_DEPTHWISE ||
           k->kind == KERNEL_ATTENTION;
}

typedef struct Touch {
    const Buffer *buffer;
    bool          hit;
} Touch;

static void touch_load(void *user, Scalar *load)
{
    Touch *t = user;
    t->hit |= load->buffer == t->buffer;
}

static bool operand_is(const Operand *o, const Buffer *b)
{
    return o->buffer == b;
}

static bool is_recurrent(const Kernel *k)
{
    return k->kind == KERNEL_LSTM || k->kind == KERNEL_GRU;
}

static bool kernel_reads(const Kernel *k, const Buffer *b)
{
    Touch    t = {b, false};
    Operand *ops[MAX_KERNEL_OPERANDS];
    int      n = kernel_operands(k, ops);
    for (int i = 0; i < n; i++)
        t.hit |= operand_is(ops[i], b);
    if (template_loop(k))
        loop_for_each_load(template_loop(k), touch_load, &t);
    kernel_for_each_load(k, touch_load, &t);
    return t.hit;
}

static int kernel_results(const Kernel *k, Buffer **out)
{
    int n = 0;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops && n < 250; l++)
            out[n++] = k->stages[s]->loops[l]->out;
    if (k->result)
        out[n++] = k->result;
    if (k->kind == KERNEL_SORT) {
        out[n++] = k->sort.values.buffer;
        out[n++] = k->sort.indices.buffer;
    }
    if (k->kind == KERNEL_SCAN)
        out[n++] = k->scan.indices;
    if (is_recurrent(k)) {
        out[n++] = k->lstm.out.buffer;
        out[n++] = k->lstm.h_n.buffer;
        out[n++] = k->lstm.c_n.buffer;
    }
    if (k->kind == KERNEL_CALL)
        for (int i = 0; i < k->call.n_out; i++)
            out[n++] = k->call.out[i].buffer;
    for (int i = 0; k->kind == KERNEL_CUSTOM && i < k->custom.n_items; i++)
        if (k->custom.items[i].is_written || k->custom.items[i].is_result)
            out[n++] = k->custom.items[i].tensor.buffer;
    if (k->kind == KERNEL_NONZERO)
        out[n++] = k->nonzero.out.buffer;
    if (k->kind == KERNEL_PACK)
        out[n++] = k->pack.to;
    if (k->kind == KERNEL_PACK_CONV)
        out[n++] = k->pack_conv.to;
    if (k->kind == KERNEL_EMBEDDING_BAG)
        out[n++] = k->bag.out.buffer;
    int m = 0;
    for (int i = 0; i < n; i++)
        if (out[i])
            out[m++] = out[i];
    return m;
}

static bool kernel_writes(const Kernel *k, const Buffer *b)
{
    Buffer *out[256];
    int     n = kernel_results(k, out);
    for (int i = 0; i < n; i++)
        if (out[i] == b)
            return true;
    return false;
}

typedef struct Collect {
    Buffer **items;
    int      n, cap;
} Collect;

static void collect_buffer(Collect *c, Buffer *b)
{
    for (int i = 0; i < c->n; i++)
        if (c->items[i] == b)
            return;
    if (b && c->n < c->cap)
        c->items[c->n++] = b;
}

static void collect_load(void *user, Scalar *load)
{
    collect_buffer(user, load->buffer);
}

/* b must come after a: it reads what a writes, or writes what a reads or writes. */
static bool depends(const Kernel *b, const Kernel *a)
{
    Buffer *out[256];
    int     n = kernel_results(a, out);
    for (int i = 0; i < n; i++)
        if (kernel_reads(b, out[i]) || kernel_writes(b, out[i]))
            return true;
    n = kernel_results(b, out);
    for (int i = 0; i < n; i++)
        if (kernel_reads(a, out[i]))
            return true;
    return false;
}

/* ---- legality -------------------------------------------------------------------------------- */

static Frame kernel_frame(Kernel *k)
{
    Frame f = {.k = k};
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_inner && !f.n_inner) {
            f.inner = k->stages[s]->inner;
            f.inner_sizes = k->stages[s]->inner_sizes;
            f.n_inner = k->stages[s]->n_inner;
        }
    f.pool = k->n_stages ? k->stages[0]->loops[0]->pool : NULL;
    return f;
}

/* Where the kernel stores into b (its frame's vars), and in which stage; NULL when it does not. */
static const Expr *store_index(const Kernel *k, const Buffer *b, int *stage, bool *is_reduce)
{
    for (int s = k->n_stages - 1; s >= 0; s--)
        for (int l = k->stages[s]->n_loops - 1; l >= 0; l--)
            if (k->stages[s]->loops[l]->out == b) {
                *stage = s;
                *is_reduce = k->stages[s]->loops[l]->kind == LOOP_REDUCE;
                return k->stages[s]->loops[l]->index;
            }
    return NULL;
}

static const Expr *result_index(Lower *lo, const Kernel *k)
{
    const Expr   *at[MAX_RANK];
    const Buffer *b = k->result;
    const Expr   *sum = b->offset;
    ExprPool     *p = lo->ir->exprs;
    if (k->kind == KERNEL_GEMM) { /* raw is row-major in (batch…, m, n) whatever rank it has */
        const Expr *step = expr_int(p, 1);
        for (int d = k->n_outer - 1; d >= 0; d--) {
            sum = expr_add(p, sum, expr_mul(p, k->outer[d]->self, step));
            step = expr_mul(p, step, k->outer_sizes[d]);
        }
        return sum;
    }
    if (k->kind == KERNEL_ATTENTION) {
        for (int d = 0; d < k->n_outer; d++)
            at[d] = k->outer[d]->self;
    } else { /* n, d, h, w, c to n, c, spatial… */
        int spatial = b->rank - 2;
        at[0] = k->outer[0]->self;
        at[1] = k->outer[4]->self;
        for (int d = 0; d < spatial; d++)
            at[2 + d] = k->outer[1 + (3 - spatial) + d]->self;
    }
    for (int d = 0; d < b->rank; d++) /* a dim of size one has no place in the index of loops */
        if (!expr_is_value(b->sizes[d], 1))
            sum = expr_add(p, sum, expr_mul(p, at[d], b->strides[d]));
    return sum;
}

typedef struct Legality {
    Lower      *lo;
    Kernel     *k;
    const Loop *loop;
    int         min_stage; /* first stage that sees all its inputs */
    int         shared;    /* buffers that both touch */
    const char *why_not;
} Legality;

static void check_load(void *user, Scalar *load)
{
    Legality   *g = user;
    int         stage;
    bool        is_reduce;
    const Expr *at = store_index(g->k, load->buffer, &stage, &is_reduce);
    if (at) {
        g->shared++;
        if (at != load->index)
            g->why_not = "reads another element of a value that the kernel makes";
        int first = stage + (is_reduce ? 1 : 0);
        if (first > g->min_stage)
            g->min_stage = first;
    } else if (has_epilogue(g->k) && load->buffer == g->k->result) {
        g->shared++;
        if (load->index != result_index(g->lo, g->k))
            g->why_not = "reads another element of the template's result";
    } else if (kernel_reads(g->k, load->buffer)) {
        g->shared++;
    }
}

typedef struct WriteAfterRead {
    const Loop *loop;
    bool        conflict;
} WriteAfterRead;

static void check_overwrite(void *user, Scalar *load)
{
    WriteAfterRead *w = user;
    if (load->buffer == w->loop->out && load->index != w->loop->index)
        w->conflict = true;
}

static bool is_plain(const Loop *loop)
{
    return !loop->is_scatter && !loop->accumulate;
}

/* Two stores into one buffer, `by` elements apart: does no element belong to both?  The dims whose
 * strides are below `by` must not reach that far, and all others must step over both.
 *
 *   cat of [16,64] and [16,64] along dim 1:   128*i + j   and   128*i + j + 64 */
static bool boxes_differ(Lower *lo, const Expr *index, Symbol *const *vars,
                         const Expr *const *sizes, int n, int64_t by)
{
    int64_t reach = 0, step, size;
    for (int d = 0; d < n; d++) {
        const Expr *coeff, *rest;
        if (!expr_linear(lo->ir->exprs, index, vars[d], &coeff, &rest) ||
            !expr_is_int(coeff, &step) || step < 0)
            return false;
        if (step > 0 && step <= by) {
            if (!expr_is_int(sizes[d], &size) || size > INT32_MAX || step > INT32_MAX)
                return false;
            reach += (size - 1) * step;
        }
    }
    for (int d = 0; d < n; d++) {
        const Expr *coeff, *rest;
        expr_linear(lo->ir->exprs, index, vars[d], &coeff, &rest);
        if (expr_is_int(coeff, &step) && step > by && step <= by + reach)
            return false;
    }
    return by > reach;
}

/* Pieces of one buffer (cat, stack) may be written by one kernel when they have no element in
 * common. */
static bool writes_apart(Lower *lo, Kernel *k, const Loop *loop)
{
    ExprPool *p = lo->ir->exprs;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *other = k->stages[s]->loops[l];
            int64_t     by;
            if (other->out != loop->out)
                continue;
            if (other->kind != LOOP_POINTWISE || loop->kind != LOOP_POINTWISE ||
                k->stages[s]->n_inner || !is_plain(other) || !is_plain(loop) ||
                !expr_is_int(expr_sub(p, loop->index, other->index), &by) ||
                !boxes_differ(lo, loop->index, k->outer, k->outer_sizes, k->n_outer,
                              by < 0 ? -by : by))
                return false;
        }
    return true;
}

/* On a GPU a launch costs more than what a small kernel does: those of equal dims share one. */
static bool shares_launch(Lower *lo, const Kernel *k, const Loop *loop)
{
    if (!lower_for_cuda(lo) || k->is_host || loop->kind != LOOP_POINTWISE ||
        k->kind != KERNEL_LOOPS)
        return false;
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_inner)
            return false;
    return expr_range(expr_product(lo->ir->exprs, k->outer_sizes, k->n_outer)).max <=
           MAX_SHARED_LAUNCH;
}

/* Is it right to run the loop (already in the kernel's frame) inside the kernel? */
static bool can_fuse(Lower *lo, Kernel *k, const Loop *loop, Legality *g)
{
    *g = (Legality){.lo = lo, .k = k, .loop = loop};
    loop_for_each_load(loop, check_load, g);
    WriteAfterRead w = {loop, false};
    kernel_for_each_load(k, check_overwrite, &w);
    Operand *ops[MAX_KERNEL_OPERANDS];
    int      n = kernel_operands(k, ops);
    for (int i = 0; i < n; i++)
        w.conflict |= operand_is(ops[i], loop->out);
    if (w.conflict)
        g->why_not = "overwrites what the kernel still reads";
    int  stage;
    bool is_reduce;
    if (store_index(k, loop->out, &stage, &is_reduce) && !writes_apart(lo, k, loop))
        g->why_not = "both write one buffer";
    if (!g->shared && !g->why_not && !shares_launch(lo, k, loop))
        g->why_not = "shares no memory with the kernel";
    lo->why_not = g->why_not;
    return !g->why_not;
}

/* ---- joining --------------------------------------------------------------------------------- */

static int kernel_n_loops(const Kernel *k)
{
    int n = 0;
    for (int s = 0; s < k->n_stages; s++)
        n += k->stages[s]->n_loops;
    return n;
}

static void stage_add(Lower *lo, Stage *stage, Loop *loop)
{
    Loop **loops = ARENA_ARRAY(lo->ir->arena, Loop *, stage->n_loops + 1);
    if (stage->n_loops)
        memcpy(loops, stage->loops, (size_t)stage->n_loops * sizeof *loops);
    loops[stage->n_loops++] = loop;
    stage->loops = loops;
}

static Stage *kernel_add_stage(Lower *lo, Kernel *k, const Frame *f, bool is_inner)
{
    Stage  *stage = ARENA_NEW(lo->ir->arena, Stage);
    Stage **stages = ARENA_ARRAY(lo->ir->arena, Stage *, k->n_stages + 1);
    if (k->n_stages)
        memcpy(stages, k->stages, (size_t)k->n_stages * sizeof *stages);
    if (is_inner) {
        stage->inner = f->inner;
        stage->inner_sizes = f->inner_sizes;
        stage->n_inner = f->n_inner;
    }
    stages[k->n_stages++] = stage;
    k->stages = stages;
    return stage;
}

static void join(Lower *lo, Kernel *k, const Frame *f, Loop *loop, bool is_inner, int min_stage,
                 const Kernel *from)
{
    Stage *stage = NULL;
    for (int s = k->n_stages - 1; s >= min_stage && s >= 0; s--)
        if ((k->stages[s]->n_inner > 0) == is_inner) {
            stage = k->stages[s];
            break;
        }
    if (!stage)
        stage = kernel_add_stage(lo, k, f, is_inner);
    stage_add(lo, stage, loop);
    if (strlen(k->name) < 400)
        k->name = arena_printf(lo->ir->arena, "%s,%s", k->name, from->name);
    k->nodes =
        k->nodes[0] ? arena_printf(lo->ir->arena, "%s, %s", k->nodes, from->nodes) : from->nodes;
}

static ScalarPool *frame_pool(Lower *lo, const Frame *f)
{
    return f->pool ? f->pool : scalar_pool_create(lo->ir->exprs);
}

/* An access that loop and kernel make to one buffer: how their dims correspond when row-major order
 * does not say. */
typedef struct SharedAccess {
    const Kernel *k;
    Lower        *lo;
    const Expr   *here, *there;
    const Buffer *wanted;
} SharedAccess;

static void find_kernel_load(void *user, Scalar *load)
{
    SharedAccess *s = user;
    if (load->buffer == s->wanted && !s->there)
        s->there = load->index;
}

static void find_shared(void *user, Scalar *load)
{
    SharedAccess *s = user;
    int           stage;
    bool          is_reduce;
    if (s->here)
        return;
    s->wanted = load->buffer;
    s->there = store_index(s->k, load->buffer, &stage, &is_reduce);
    if (!s->there && has_epilogue(s->k) && load->buffer == s->k->result)
        s->there = result_index(s->lo, s->k);
    if (!s->there)
        kernel_for_each_load(s->k, find_kernel_load, s);
    if (s->there)
        s->here = load->index;
}

/* The loop in the kernel's dims (with or without its inner ones), or NULL. */
static Loop *into_frame(Lower *lo, const Frame *f, const Loop *loop, bool with_inner)
{
    Kernel     *k = f->k;
    ScalarPool *pool = frame_pool(lo, f);
    int         n_inner = with_inner ? f->n_inner : 0;
    Legality    g;
    Loop *mapped = loop_reindex(lo, loop, pool, k->outer, k->outer_sizes, k->n_outer, f->inner,
                                f->inner_sizes, n_inner);
    if (mapped && can_fuse(lo, k, mapped, &g))
        return mapped;
    SharedAccess s = {k, lo, NULL, NULL, NULL};
    loop_for_each_load(loop, find_shared, &s);
    if (!s.here)
        return NULL;
    if (has_epilogue(k)) { /* dims of size one are no dims of loops */
        Symbol     *vars[MAX_RANK];
        const Expr *sizes[MAX_RANK];
        int         n = 0;
        for (int d = 0; d < k->n_outer; d++)
            if (!expr_is_value(k->outer_sizes[d], 1)) {
                vars[n] = k->outer[d];
                sizes[n++] = k->outer_sizes[d];
            }
        return loop_map_through(lo, loop, pool, s.here, s.there, vars, sizes, n, NULL, NULL, 0);
    }
    return loop_map_through(lo, loop, pool, s.here, s.there, k->outer, k->outer_sizes, k->n_outer,
                            f->inner, f->inner_sizes, n_inner);
}

static bool is_large(const Expr *const *sizes, int n, ExprPool *p, int64_t limit)
{
    ExprRange r = expr_range(expr_product(p, sizes, n));
    return r.max > limit;
}

/* Pointwise loop into a template's epilogue. */
static bool try_epilogue(Lower *lo, Kernel *k, Kernel *from, const int *readers)
{
    Loop *loop = from->stages[0]->loops[0];
    if (loop->kind != LOOP_POINTWISE || !is_plain(loop) || loop->mask)
        return false;
    Frame    f = kernel_frame(k);
    Legality g;
    if (!k->n_stages && (!kernel_reads(from, k->result) || readers[k->result->id] != 1 ||
                         k->result->kind != BUFFER_TEMP))
        return false;
    Loop *mapped = into_frame(lo, &f, loop, false);
    if (!mapped || !can_fuse(lo, k, mapped, &g))
        return false;
    /* Only what continues from the accumulators: anything else is better off in a kernel of its
     * own. */
    bool    from_result = false;
    Buffer *out[256];
    int     n = kernel_results(k, out);
    for (int i = 0; i < n; i++)
        from_result |= kernel_reads(from, out[i]);
    if (!from_result)
        return false;
    join(lo, k, &f, mapped, false, 0, from);
    return true;
}

/* Pure pointwise kernel: its loops are put into the dims of a reduction that follows, if they
 * correspond. */
static bool split_for_reduction(Lower *lo, Kernel *k, Kernel *from)
{
    Stage *s = k->stages[0], *r = from->stages[0];
    Loop  *reduce = r->loops[0];
    Loop **loops = ARENA_ARRAY(lo->ir->arena, Loop *, s->n_loops);
    Frame  f = {.k = k};
    for (int l = 0; l < s->n_loops; l++) {
        Loop *loop = s->loops[l];
        loops[l] = loop_reindex(lo, loop, reduce->pool, from->outer, from->outer_sizes,
                                from->n_outer, r->inner, r->inner_sizes, r->n_inner);
        bool fits = loops[l] != NULL;
        if (fits) { /* row-major order may be another correspondence than the one meant: look at the
                       shared buffer */
            Kernel   probe = *k;
            Stage    stage = {r->n_inner, r->inner, r->inner_sizes, loops, l + 1};
            Stage   *stages[1] = {&stage};
            Legality g;
            probe.outer = from->outer;
            probe.outer_sizes = from->outer_sizes;
            probe.n_outer = from->n_outer;
            probe.stages = stages;
            probe.n_stages = 1;
            can_fuse(lo, &probe, reduce, &g);
            fits = !g.why_not || !strcmp(g.why_not, "shares no memory with the kernel");
        }
        if (!fits) {
            SharedAccess sa = {from, lo, NULL, NULL, loop->out};
            loop_for_each_load(reduce, find_kernel_load, &sa);
            if (sa.there)
                sa.here = loop->index;
            else
                loop_for_each_load(loop, find_shared, &sa);
            loops[l] = sa.here ? loop_map_through(lo, loop, reduce->pool, sa.here, sa.there,
                                                  from->outer, from->outer_sizes, from->n_outer,
                                                  r->inner, r->inner_sizes, r->n_inner)
                               : NULL;
        }
        if (!loops[l])
            return false;
    }
    Kernel   trial = *k;
    Stage   *stage = ARENA_NEW(lo->ir->arena, Stage);
    Legality g;
    *stage = (Stage){r->n_inner, r->inner, r->inner_sizes, loops, s->n_loops};
    trial.outer = from->outer;
    trial.outer_sizes = from->outer_sizes;
    trial.n_outer = from->n_outer;
    trial.stages = ARENA_ARRAY(lo->ir->arena, Stage *, 1);
    trial.stages[0] = stage;
    trial.n_stages = 1;
    if (!can_fuse(lo, &trial, reduce, &g))
        return false;
    *k = trial;
    f = kernel_frame(k);
    join(lo, k, &f, reduce, true, g.min_stage, from);
    return true;
}

static bool is_pure_pointwise(const Kernel *k)
{
    return k->kind == KERNEL_LOOPS && k->n_stages == 1 && !k->stages[0]->n_inner &&
           k->stages[0]->loops[0]->kind == LOOP_POINTWISE;
}

static bool try_loops(Lower *lo, Kernel *k, Kernel *from)
{
    Loop    *loop = from->stages[0]->loops[0];
    Frame    f = kernel_frame(k);
    Legality g;
    if (!is_plain(loop) || !is_plain(k->stages[0]->loops[0]))
        return false;
    /* One thread would do all that follows a full reduction. */
    if (f.n_inner && !k->n_outer &&
        is_large(f.inner_sizes, f.n_inner, lo->ir->exprs, MAX_SERIAL_ROW))
        return loop->kind == LOOP_REDUCE && into_frame(lo, &f, loop, true) &&
               can_fuse(lo, k, into_frame(lo, &f, loop, true), &g) && g.min_stage == 0 &&
               (join(lo, k, &f, into_frame(lo, &f, loop, true), true, 0, from), true);
    if (loop->kind == LOOP_REDUCE) {
        if (!f.n_inner) {
            bool serial =
                !from->n_outer && is_large(from->stages[0]->inner_sizes, from->stages[0]->n_inner,
                                           lo->ir->exprs, MAX_SERIAL_ROW);
            return is_pure_pointwise(k) && !serial && split_for_reduction(lo, k, from);
        }
        Loop *mapped = into_frame(lo, &f, loop, true);
        if (!mapped || !can_fuse(lo, k, mapped, &g))
            return false;
        join(lo, k, &f, mapped, true, g.min_stage, from);
        return true;
    }
    for (int with_inner = f.n_inner ? 1 : 0; with_inner >= 0; with_inner--) {
        Loop *mapped = into_frame(lo, &f, loop, with_inner);
        if (!mapped || !can_fuse(lo, k, mapped, &g))
            continue;
        join(lo, k, &f, mapped, with_inner, g.min_stage, from);
        return true;
    }
    return false;
}

static bool try_fuse(Lower *lo, Kernel *k, Kernel *from, const int *readers)
{
    int limit = lo->cx->max_fusion_size ? lo->cx->max_fusion_size : DEFAULT_MAX_LOOPS;
    lo->why_not = kernel_n_loops(k) >= limit ? "the kernel has --max-fusion-size loops already"
                                             : "takes whole operands";
    if (from->kind != KERNEL_LOOPS || from->n_stages != 1 || from->stages[0]->n_loops != 1 ||
        kernel_n_loops(k) >= limit)
        return false;
    for (int i = 0; i < lo->cx->n_disabled; i++)
        if (!strcmp(lo->cx->disabled[i], "fuse")) {
            lo->why_not = "fusion is switched off";
            return false;
        }
    lo->why_not = "runs on another device";
    if (k->is_host != from->is_host)
        return false;
    lo->why_not = "iterates over other dims";
    if (has_epilogue(k))
        return try_epilogue(lo, k, from, readers);
    return k->kind == KERNEL_LOOPS && try_loops(lo, k, from);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void count_load(void *user, Scalar *load)
{
    Collect *c = user;
    collect_buffer(c, load->buffer);
}

/* readers[b]: kernels and steps that read buffer b. */
static void count_readers(Step *const *steps, int n, int *readers)
{
    for (int i = 0; i < n; i++) {
        Step *s = steps[i];
        if (s->kind == STEP_KERNEL) {
            Buffer  *items[512];
            Collect  c = {items, 0, 512};
            Operand *ops[MAX_KERNEL_OPERANDS];
            int      m = kernel_operands(s->kernel, ops);
            for (int o = 0; o < m; o++)
                collect_buffer(&c, ops[o]->buffer);
            if (template_loop(s->kernel))
                loop_for_each_load(template_loop(s->kernel), count_load, &c);
            kernel_for_each_load(s->kernel, count_load, &c);
            for (int b = 0; b < c.n; b++)
                readers[c.items[b]->id]++;
        }
        if (s->flag)
            readers[s->flag->id]++;
        if (s->from)
            readers[s->from->id]++;
        count_readers(s->then_steps.items, s->then_steps.n, readers);
        count_readers(s->else_steps.items, s->else_steps.n, readers);
    }
}

void mark_step_buffers(Step *const *steps, int n, bool *used)
{
    for (int i = 0; i < n; i++) {
        if (steps[i]->flag)
            used[steps[i]->flag->id] = true;
        if (steps[i]->from)
            used[steps[i]->from->id] = true;
        if (steps[i]->to)
            used[steps[i]->to->id] = true;
        mark_step_buffers(steps[i]->then_steps.items, steps[i]->then_steps.n, used);
        mark_step_buffers(steps[i]->else_steps.items, steps[i]->else_steps.n, used);
    }
}

/* Why the kernel stays apart from the one before it that it depends on (or that stands before it).
 */
static void explain(Lower *lo, const Kernel *from, const Kernel *k)
{
    if (!lo->cx->explain_fusion || !lo->cx->print)
        return;
    lo->cx->print(lo->cx->print_cx, "fusion",
                  arena_printf(lo->ir->arena, "# %s is not fused into %s: %s\n", from->nodes,
                               k->nodes, lo->why_not));
}

static void fuse_steps(Lower *lo, Step **steps, int *n_steps, const int *readers)
{
    int n = 0;
    for (int i = 0; i < *n_steps; i++) {
        Step *s = steps[i];
        fuse_steps(lo, s->then_steps.items, &s->then_steps.n, readers);
        fuse_steps(lo, s->else_steps.items, &s->else_steps.n, readers);
        bool taken = false;
        for (int j = n - 1; s->kind == STEP_KERNEL && j >= 0 && j >= n - FUSE_WINDOW && !taken;
             j--) {
            if (steps[j]->kind != STEP_KERNEL)
                break;
            taken = try_fuse(lo, steps[j]->kernel, s->kernel, readers);
            if (taken)
                pass_count(lo->cx, "fused_nodes", 1);
            else if (depends(s->kernel, steps[j]->kernel)) {
                explain(lo, s->kernel, steps[j]->kernel);
                break;
            }
        }
        if (!taken)
            steps[n++] = s;
    }
    *n_steps = n;
}

/* ---- values that stay inside a kernel -------------------------------------------------------- */

typedef struct Forward {
    Lower *lo;
    Stage *stage;
    int    upto; /* loops before this one have been made */
} Forward;

/* A load of what an earlier loop of the same stage stores is that loop's value. */
static Scalar *forward_load(void *user, Scalar *load)
{
    Forward *f = user;
    for (int l = f->upto - 1; l >= 0; l--) {
        Loop *w = f->stage->loops[l];
        if (w->kind == LOOP_POINTWISE && w->out == load->buffer && w->index == load->index &&
            !w->mask && !load->mask)
            return w->value;
    }
    return NULL;
}

static void forward_values(Lower *lo, Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++) {
        Stage *stage = k->stages[s];
        for (int l = 1; l < stage->n_loops; l++) {
            Forward f = {lo, stage, l};
            Loop   *loop = stage->loops[l];
            if (is_plain(loop))
                loop->value =
                    scalar_rewrite(loop->pool, loop->value, NULL, NULL, 0, forward_load, &f);
        }
    }
}

static int n_writers(const Kernel *k, const Buffer *b)
{
    int n = 0;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            n += k->stages[s]->loops[l]->out == b;
    return n;
}

static void localize(Kernel *k, const int *readers)
{
    for (int s = 0; s < k->n_stages; s++) {
        Stage *stage = k->stages[s];
        int    n = 0;
        for (int l = 0; l < stage->n_loops; l++) {
            Loop *loop = stage->loops[l];
            Touch t = {loop->out, false};
            bool is_private = (loop->out->kind == BUFFER_TEMP || loop->out->kind == BUFFER_LOCAL) &&
                              is_plain(loop);
            kernel_for_each_load(k, touch_load, &t);
            is_private &= readers[loop->out->id] == (t.hit ? 1 : 0);
            if (t.hit && n_writers(k, loop->out) > 1) /* pieces are no one value */
                is_private = false;
            if (is_private && t.hit) {
                loop->out->kind = BUFFER_LOCAL;
                loop->out->is_row = loop->kind == LOOP_POINTWISE && stage->n_inner > 0;
            }
            if (!is_private || t.hit)
                stage->loops[n++] = loop;
        }
        stage->n_loops = n;
    }
    int n = 0;
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_loops)
            k->stages[n++] = k->stages[s];
    k->n_stages = n;
    if (has_epilogue(k) && k->n_stages && k->result->kind == BUFFER_TEMP &&
        readers[k->result->id] == 1)
        k->result->kind = BUFFER_LOCAL;
}

void each_kernel(Lower *lo, Step *const *steps, int n,
                 void (*visit)(Lower *lo, Kernel *k, void *cx), void *cx)
{
    for (int i = 0; i < n; i++) {
        if (steps[i]->kind == STEP_KERNEL)
            visit(lo, steps[i]->kernel, cx);
        each_kernel(lo, steps[i]->then_steps.items, steps[i]->then_steps.n, visit, cx);
        each_kernel(lo, steps[i]->else_steps.items, steps[i]->else_steps.n, visit, cx);
    }
}

/* A kernel all of whose loops were dropped is no step. */
static void drop_empty(Step **steps, int *n)
{
    int kept = 0;
    for (int i = 0; i < *n; i++) {
        Step *s = steps[i];
        drop_empty(s->then_steps.items, &s->then_steps.n);
        drop_empty(s->else_steps.items, &s->else_steps.n);
        bool is_empty =
            s->kind == STEP_KERNEL && s->kernel->kind == KERNEL_LOOPS && !s->kernel->n_stages;
        if (!is_empty)
            steps[kept++] = s;
    }
    *n = kept;
}

static void forward_one(Lower *lo, Kernel *k, void *cx)
{
    (void)cx;
    forward_values(lo, k);
}

static void localize_one(Lower *lo, Kernel *k, void *cx)
{
    (void)lo;
    localize(k, cx);
}

static void finish_one(Lower *lo, Kernel *k, void *cx)
{
    (void)cx;
    k->id = lo->plan->kernels.n;
    VEC_PUSH(lo->ir->arena, lo->plan->kernels, k);
    schedule_kernel(lo, k);
    Buffer  *reads[512], *writes[256];
    Collect  c = {reads, 0, 512}, w = {writes, 0, 256};
    Operand *ops[MAX_KERNEL_OPERANDS];
    int      n = kernel_operands(k, ops);
    for (int i = 0; i < n; i++)
        collect_buffer(&c, ops[i]->buffer);
    if (template_loop(k))
        loop_for_each_load(template_loop(k), collect_load, &c);
    kernel_for_each_load(k, collect_load, &c);
    Buffer *out[256];
    n = kernel_results(k, out);
    for (int i = 0; i < n; i++)
        collect_buffer(&w, out[i]);
    k->reads = ARENA_ARRAY(lo->ir->arena, Buffer *, c.n + 1);
    k->writes = ARENA_ARRAY(lo->ir->arena, Buffer *, w.n + 1);
    for (int i = 0; i < c.n; i++)
        if (reads[i]->kind != BUFFER_LOCAL)
            k->reads[k->n_reads++] = reads[i];
    for (int i = 0; i < w.n; i++)
        if (writes[i]->kind != BUFFER_LOCAL)
            k->writes[k->n_writes++] = writes[i];
    kernel_set_accesses(lo, k);
}

Error *fuse_block(Lower *lo, Block *block)
{
    int *readers = ARENA_ARRAY(lo->ir->arena, int, lo->plan->buffers.n + 1);
    count_readers(block->steps.items, block->steps.n, readers);
    fuse_steps(lo, block->steps.items, &block->steps.n, readers);
    each_kernel(lo, block->steps.items, block->steps.n, forward_one, NULL);
    memset(readers, 0, (size_t)lo->plan->buffers.n * sizeof *readers);
    count_readers(block->steps.items, block->steps.n, readers);
    each_kernel(lo, block->steps.items, block->steps.n, localize_one, readers);
    /* A dropped loop may have been the last reader of another local. */
    memset(readers, 0, (size_t)lo->plan->buffers.n * sizeof *readers);
    count_readers(block->steps.items, block->steps.n, readers);
    each_kernel(lo, block->steps.items, block->steps.n, localize_one, readers);
    drop_empty(block->steps.items, &block->steps.n);
    return NULL;
}

Error *finish_kernels(Lower *lo)
{
    each_kernel(lo, lo->plan->steps.items, lo->plan->steps.n, finish_one, NULL);
    if (lo->graph->is_placed && !lo->is_fold)
        order_steps(lo->plan);
    TRY(plan_memory(lo));
    plan_barriers(lo);
    return NULL;
}
