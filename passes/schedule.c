/* How each kernel runs: dims merged where every access allows, which dim is the vector, what
 * threads share, its name, and what it reads and writes for --stats. */
#include "passes/lower_internal.h"

#include <string.h>

/* Elements below which a kernel is not worth waking threads for. */
#define MIN_PARALLEL_NUMEL 8192

/* ---- merging dims ---------------------------------------------------------------------------- */

static int kernel_divisions(const Kernel *k)
{
    int n = 0;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            n += count_divisions(k->stages[s]->loops[l]);
    return n;
}

/* Replaces vars[at], vars[at+1] by one of their product in all loops; undone unless no index gets a
 * division. */
static bool merge_pair(Lower *lo, Kernel *k, Symbol **vars, const Expr **sizes, int n, int at)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *product = expr_mul(p, sizes[at], sizes[at + 1]);
    Symbol     *merged = expr_symbol_index(p, "i", product);
    Symbol     *from[2] = {vars[at], vars[at + 1]};
    const Expr *to[2] = {expr_floordiv(p, merged->self, sizes[at + 1]),
                         expr_mod(p, merged->self, sizes[at + 1])};
    Arena      *arena = lo->ir->arena;
    int         before = kernel_divisions(k);
    Loop       *saved[256];
    int         n_saved = 0;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            Loop *loop = k->stages[s]->loops[l];
            if (n_saved == 256)
                return false;
            saved[n_saved++] = loop;
            Loop *copy = ARENA_NEW(arena, Loop);
            *copy = *loop;
            copy->value = scalar_rewrite(loop->pool, loop->value, from, to, 2, NULL, NULL);
            copy->mask =
                loop->mask ? scalar_rewrite(loop->pool, loop->mask, from, to, 2, NULL, NULL) : NULL;
            copy->index = expr_subst(p, loop->index, from, to, 2);
            k->stages[s]->loops[l] = copy;
        }
    if (kernel_divisions(k) > before) {
        n_saved = 0;
        for (int s = 0; s < k->n_stages; s++)
            for (int l = 0; l < k->stages[s]->n_loops; l++)
                k->stages[s]->loops[l] = saved[n_saved++];
        return false;
    }
    vars[at] = merged;
    sizes[at] = product;
    for (int d = at + 1; d + 1 < n; d++) {
        vars[d] = vars[d + 1];
        sizes[d] = sizes[d + 1];
    }
    return true;
}

static bool has_positions(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *loop = k->stages[s]->loops[l];
            if (loop->is_scatter || loop->accumulate)
                return true;
        }
    return false;
}

static void merge_dims(Lower *lo, Kernel *k)
{
    if (has_positions(k))
        return;
    for (int d = k->n_outer - 2; d >= 0; d--)
        if (merge_pair(lo, k, k->outer, k->outer_sizes, k->n_outer, d))
            k->n_outer--;
    /* Stages share their inner vars: merged once, for all. */
    Stage *first = NULL;
    for (int s = 0; s < k->n_stages && !first; s++)
        if (k->stages[s]->n_inner)
            first = k->stages[s];
    if (!first)
        return;
    Symbol     **inner = first->inner;
    const Expr **sizes = first->inner_sizes;
    int          n = first->n_inner;
    for (int d = n - 2; d >= 0; d--)
        if (merge_pair(lo, k, inner, sizes, n, d))
            n--;
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_inner) {
            k->stages[s]->inner = inner;
            k->stages[s]->inner_sizes = sizes;
            k->stages[s]->n_inner = n;
        }
}

/* Loops of a kernel carry their own dims: what the kernel and stage say. */
static void set_loop_dims(Lower *lo, Kernel *k)
{
    Arena *arena = lo->ir->arena;
    for (int s = 0; s < k->n_stages; s++) {
        Stage *st = k->stages[s];
        for (int l = 0; l < st->n_loops; l++) {
            Loop *loop = st->loops[l];
            loop->n_dims = k->n_outer + st->n_inner;
            loop->vars = ARENA_ARRAY(arena, Symbol *, loop->n_dims + 1);
            loop->sizes = ARENA_ARRAY(arena, const Expr *, loop->n_dims + 1);
            loop->reduced = ARENA_ARRAY(arena, bool, loop->n_dims + 1);
            for (int d = 0; d < loop->n_dims; d++) {
                bool is_outer = d < k->n_outer;
                loop->vars[d] = is_outer ? k->outer[d] : st->inner[d - k->n_outer];
                loop->sizes[d] = is_outer ? k->outer_sizes[d] : st->inner_sizes[d - k->n_outer];
                loop->reduced[d] = !is_outer && loop->kind == LOOP_REDUCE;
            }
        }
    }
}

/* ---- the vector dim -------------------------------------------------------------------------- */

/* Vector loads, in units of one contiguous vector: what an access costs when `var` is the vector
 * dim. */
#define COST_CONTIGUOUS 1.0
#define COST_INVARIANT 0.1
#define COST_GATHER 16.0

typedef struct Dependence {
    const Symbol *var;
    bool          found;
} Dependence;

static void look_for_var(void *user, Scalar *a)
{
    Dependence *d = user;
    if (a->index && expr_contains(a->index, d->var))
        d->found = true;
}

static void look_into_scalar(void *user, Symbol *symbol)
{
    Dependence *d = user;
    if (symbol->kind == SYM_SCALAR && symbol->scalar)
        scalar_walk(&symbol->scalar, 1, look_for_var, d);
}

static double access_cost(ExprPool *p, const Expr *index, const Symbol *var)
{
    const Expr *coeff, *rest;
    Dependence  d = {var, false};
    expr_symbols(index, look_into_scalar, &d);
    if (d.found)
        return COST_GATHER;
    if (!expr_contains(index, var))
        return COST_INVARIANT;
    return expr_linear(p, index, var, &coeff, &rest) && expr_is_value(coeff, 1) ? COST_CONTIGUOUS
                                                                                : COST_GATHER;
}

typedef struct AccessCosts {
    ExprPool     *p;
    const Symbol *inner, *outer;
    double        inner_cost, outer_cost;
} AccessCosts;

static void add_access(AccessCosts *c, const Expr *index)
{
    c->inner_cost += access_cost(c->p, index, c->inner);
    c->outer_cost += access_cost(c->p, index, c->outer);
}

static void add_load_cost(void *cx, Scalar *load)
{
    add_access(cx, load->index);
}

/* A vector loop of n elements loses about half a vector at its end. */
static double short_loop_factor(const Expr *size)
{
    int64_t n;
    return expr_is_int(size, &n) && n > 0 ? 1 + 12.0 / (double)n : 1;
}

static bool vector_outer(Lower *lo, const Kernel *k)
{
    const Stage *inner = NULL;
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_inner)
            inner = k->stages[s];
    if (!inner)
        return true;
    if (!k->n_outer)
        return false;
    AccessCosts c = {lo->ir->exprs, inner->inner[inner->n_inner - 1], k->outer[k->n_outer - 1], 0,
                     0};
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *loop = k->stages[s]->loops[l];
            /* A positional reduction keeps its order in the vector: leave it scalar over rows. */
            if (loop->kind == LOOP_REDUCE &&
                (loop->reduce == REDUCE_ARGMAX || loop->reduce == REDUCE_ARGMIN))
                return false;
            if (loop->out->kind == BUFFER_LOCAL && loop->out->is_row)
                return false;
            if (!k->stages[s]->n_inner)
                continue;
            loop_for_each_load(loop, add_load_cost, &c);
            if (loop->kind == LOOP_POINTWISE)
                add_access(&c, loop->index);
        }
    c.inner_cost *= short_loop_factor(inner->inner_sizes[inner->n_inner - 1]);
    c.outer_cost *= short_loop_factor(k->outer_sizes[k->n_outer - 1]);
    return c.outer_cost < c.inner_cost;
}

static int parallel_dims(Lower *lo, const Kernel *k)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *numel = expr_product(p, k->outer_sizes, k->n_outer);
    for (int s = 0; s < k->n_stages; s++)
        if (k->stages[s]->n_inner) {
            numel = expr_mul(p, numel,
                             expr_product(p, k->stages[s]->inner_sizes, k->stages[s]->n_inner));
            break;
        }
    if (has_positions(k) || !k->n_outer || expr_range(numel).max < MIN_PARALLEL_NUMEL)
        return 0;
    if (!k->vector_is_outer)
        return k->n_outer;
    if (k->n_outer == 1)
        return 1;
    /* All but the vector, unless too few are left to share. */
    const Expr *leading = expr_product(p, k->outer_sizes, k->n_outer - 1);
    int64_t     n;
    return expr_is_int(leading, &n) && n < 8 && k->n_stages == 1 && !k->stages[0]->n_inner
               ? k->n_outer
               : k->n_outer - 1;
}

/* ---- names ----------------------------------------------------------------------------------- */

#define MAX_NAME 80

static bool has_token(const char *list, const char *token, size_t n)
{
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        if (len == n && !strncmp(at, token, n))
            return true;
        at += len + (at[len] == ',');
    }
    return false;
}

/* Operators of the kernel, each once, in order: "add,cos,add" gives fused_add_cos_3. */
static void name_kernel(Lower *lo, Kernel *k)
{
    Text seen = text_new(lo->ir->arena), name = text_new(lo->ir->arena);
    text_put(&name, k->kind == KERNEL_LOOPS || k->n_stages ? "fused" : kernel_kind_name(k->kind));
    for (const char *at = k->name ? k->name : ""; *at && name.n < MAX_NAME;) {
        size_t n = strcspn(at, ",");
        if (n && !has_token(seen.data, at, n)) {
            text_printf(&seen, "%.*s,", (int)n, at);
            text_printf(&name, "_%.*s", (int)n, at);
        }
        at += n + (at[n] == ',');
    }
    text_printf(&name, "_%d", k->id);
    k->name = name.data;
}

void schedule_kernel(Lower *lo, Kernel *k)
{
    name_kernel(lo, k);
    if (k->kind != KERNEL_LOOPS) {
        k->parallel = k->n_outer ? 1 : 0;
        if (k->n_stages)
            set_loop_dims(lo, k);
        return;
    }
    merge_dims(lo, k);
    set_loop_dims(lo, k);
    k->vector_is_outer = vector_outer(lo, k);
    k->parallel = parallel_dims(lo, k);
    if (lo->cx->target_is_cuda && !k->is_host)
        schedule_cuda(lo, k);
}

/* ---- what it reads and writes ---------------------------------------------------------------- */

typedef struct Traffic {
    Lower        *lo;
    const Buffer *buffer;
    const Expr   *iterated; /* elements that the accesses iterate over, with repetitions */
    const Expr   *points;   /* of the loop at hand */
} Traffic;

static void add_traffic(void *user, Scalar *load)
{
    Traffic *t = user;
    if (load->buffer == t->buffer)
        t->iterated = expr_add(t->lo->ir->exprs, t->iterated, t->points);
}

static const Expr *logical_numel(Lower *lo, const Buffer *b)
{
    return b->panel ? b->numel : expr_product(lo->ir->exprs, b->sizes, b->rank);
}

static const Expr *loop_points(Lower *lo, const Loop *loop, bool kept_only)
{
    const Expr *n = expr_int(lo->ir->exprs, 1);
    for (int d = 0; d < loop->n_dims; d++)
        if (!kept_only || !loop->reduced[d])
            n = expr_mul(lo->ir->exprs, n, loop->sizes[d]);
    return n;
}

/* min(iterated, buffer): the accounting of Inductor's num_bytes_accessed. */
static const Expr *traffic_bytes(Lower *lo, const Buffer *b, const Expr *iterated)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *numel = logical_numel(lo, b);
    const Expr *n = expr_prove_le(p, numel, iterated) ? numel : expr_min(p, iterated, numel);
    return expr_mul(p, n, expr_int(p, dtype_size(b->dtype)));
}

/* Does a load see what stood in the buffer before the kernel, or only what its own loops stored? */
static bool reads_before_storing(Lower *lo, const Kernel *k, const Buffer *b)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *loop = k->stages[s]->loops[l];
            Traffic     t = {lo, b, expr_int(lo->ir->exprs, 0), expr_int(lo->ir->exprs, 1)};
            loop_for_each_load(loop, add_traffic, &t);
            if (!expr_is_value(t.iterated, 0))
                return true;
            if (loop->out == b)
                return loop->accumulate;
        }
    return true;
}

void kernel_set_accesses(Lower *lo, Kernel *k)
{
    ExprPool *p = lo->ir->exprs;
    k->bytes_read = k->bytes_written = expr_int(p, 0);
    if (!k->flops)
        k->flops = expr_int(p, 0);
    for (int i = 0; i < k->n_reads; i++) {
        Traffic t = {lo, k->reads[i], expr_int(p, 0), NULL};
        if (!reads_before_storing(lo, k, k->reads[i]))
            continue;
        for (int s = 0; s < k->n_stages; s++)
            for (int l = 0; l < k->stages[s]->n_loops; l++) {
                t.points = loop_points(lo, k->stages[s]->loops[l], false);
                loop_for_each_load(k->stages[s]->loops[l], add_traffic, &t);
            }
        bool by_loops = !expr_is_value(t.iterated, 0);
        k->bytes_read = expr_add(
            p, k->bytes_read,
            traffic_bytes(lo, k->reads[i], by_loops ? t.iterated : logical_numel(lo, k->reads[i])));
    }
    for (int i = 0; i < k->n_writes; i++) {
        const Expr *iterated = expr_int(p, 0);
        for (int s = 0; s < k->n_stages; s++)
            for (int l = 0; l < k->stages[s]->n_loops; l++)
                if (k->stages[s]->loops[l]->out == k->writes[i])
                    iterated = expr_add(p, iterated, loop_points(lo, k->stages[s]->loops[l], true));
        if (expr_is_value(iterated, 0))
            iterated = logical_numel(lo, k->writes[i]);
        k->bytes_written = expr_add(p, k->bytes_written, traffic_bytes(lo, k->writes[i], iterated));
    }
}
