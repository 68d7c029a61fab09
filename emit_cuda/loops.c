/* LOOPS kernels on a GPU: which points a thread takes, and the launch.
 *
 *   for (int32_t point = blockIdx.x * 256 + threadIdx.x; point < 98304; point += gridDim.x * 256) {
 *       const int32_t i0 = point / 768, i1 = point % 768;
 *       y[768*i0 + i1] = …;
 *   }
 *
 * A grid has 2^31 - 1 blocks at most: threads go on in steps of the grid where that may be too few.
 */
#include "emit_cuda/loops.h"

#define MAX_GRID INT64_C(2147483647)

const char *loops_int(const LoopText *t)
{
    return t->plan->is_int32 ? "int32_t" : "int64_t";
}

void loops_nest(LoopText *t, Nest *nest, int indent)
{
    nest_init(nest, t->e, t->k, indent);
    nest->is_int32 = t->plan->is_int32;
}

static const char *narrow_symbol(void *cx, const Symbol *symbol)
{
    const LoopText *t = cx;
    return symbol->kind == SYM_INDEX ? symbol->name
                                     : arena_printf(t->e->arena, "(int32_t)%s", symbol->name);
}

const char *loops_expr(LoopText *t, const Expr *e)
{
    CExprStyle style = {t->plan->is_int32 ? narrow_symbol : NULL, t, false};
    Text       text = text_new(t->e->arena);
    c_print_expr(&text, e, &style);
    return text.data;
}

void loops_line(LoopText *t, int indent, const char *text)
{
    text_indent(t->e->out, indent);
    text_printf(t->e->out, "%s\n", text);
}

const char *loops_decode(LoopText *t, const char *flat, const Symbol *const *vars,
                         const Expr *const *sizes, int n, int step)
{
    Text out = text_new(t->e->arena);
    text_printf(&out, "const %s ", loops_int(t));
    for (int d = 0; d < n; d++) {
        const Expr *below = expr_product(t->e->exprs, sizes + d + 1, n - d - 1);
        text_printf(&out, "%s%s = %s", d ? ", " : "", vars[d]->name, flat);
        if (!expr_is_value(below, 1))
            text_printf(&out, " / %s", loops_expr(t, below));
        if (d > 0)
            text_printf(&out, " %% %s", loops_expr(t, sizes[d]));
        if (d == n - 1 && step > 1)
            text_printf(&out, " * %d", step);
    }
    text_putc(&out, ';');
    return out.data;
}

bool loops_in_columns(const LoopText *t)
{
    return t->plan->shape == CUDA_COLUMNS && t->plan->vector > 1;
}

bool loops_has_vector(const LoopText *t, const Stage *stage)
{
    return t->plan->vector > 1 && (t->plan->shape == CUDA_FLAT || stage->n_inner > 0 ||
                                   (loops_in_columns(t) && t->plan->row_threads == 1));
}

int loops_row_of(const LoopText *t, const Buffer *b)
{
    for (int i = 0; i < t->n_rows; i++)
        if (t->rows[i] == b)
            return i;
    return -1;
}

/* ---- points ---------------------------------------------------------------------------------- */

/* Elements of an outer dim that a point has: a vector of the last one, or tiles of two. */
static int elements_of_point(const LoopText *t, int d)
{
    bool is_last = d == t->k->n_outer - 1;
    if (t->plan->shape == CUDA_TILES)
        return is_last || d == t->plan->tile_dim ? t->plan->tile : 1;
    return is_last && t->plan->shape != CUDA_ROWS ? t->plan->vector : 1;
}

static const Expr *size_in_points(LoopText *t, int d)
{
    int elements = elements_of_point(t, d);
    return expr_ceildiv(t->e->exprs, t->k->outer_sizes[d], expr_int(t->e->exprs, elements));
}

/* What counts a dim's points. */
static const Symbol *point_variable(const LoopText *t, int d)
{
    if (elements_of_point(t, d) == 1)
        return t->k->outer[d];
    if (t->plan->shape == CUDA_TILES)
        return t->tiles[d == t->k->n_outer - 1];
    return t->vector.base;
}

const Expr *loops_points(LoopText *t)
{
    const Expr *points = expr_int(t->e->exprs, 1);
    for (int d = 0; d < t->k->n_outer; d++)
        points = expr_mul(t->e->exprs, points, size_in_points(t, d));
    return points;
}

static int points_per_block(const LoopText *t)
{
    return t->plan->threads / t->plan->row_threads;
}

/* May the points need more blocks than a grid has? */
static bool is_folded(LoopText *t)
{
    return expr_range(loops_points(t)).max / points_per_block(t) >= MAX_GRID;
}

static bool takes_several(LoopText *t)
{
    return t->plan->reads_ahead || is_folded(t);
}

/* "for (…)" or "if (…)" around a point, its variable `point` declared. */
static const char *point_loop(LoopText *t)
{
    Arena      *arena = t->e->arena;
    const char *type = loops_int(t), *n = loops_expr(t, loops_points(t));
    if (takes_several(t))
        return arena_printf(arena, "for (; point < %s; point += (%s)gridDim.x * %d)", n, type,
                            points_per_block(t));
    return arena_printf(arena, "if (point < %s)", n);
}

static void declare_point(LoopText *t)
{
    const char *type = loops_int(t);
    int         per_block = points_per_block(t), threads = t->plan->row_threads;
    const char *own = threads == 1    ? " + threadIdx.x"
                      : per_block > 1 ? arena_printf(t->e->arena, " + threadIdx.x / %d", threads)
                                      : "";
    text_printf(t->e->out, "    %s%s point = (%s)blockIdx.x * %d%s;\n",
                takes_several(t) ? "" : "const ", type, type, per_block, own);
    if (threads > 1)
        text_printf(t->e->out, "    const %s lane = threadIdx.x%s;\n", type,
                    per_block > 1 ? arena_printf(t->e->arena, " %% %d", threads) : "");
}

static const char *outer_decode(LoopText *t)
{
    int            n = t->k->n_outer;
    int            step = t->plan->shape == CUDA_TILES || !n ? 1 : elements_of_point(t, n - 1);
    const Symbol **vars = ARENA_ARRAY(t->e->arena, const Symbol *, n + 1);
    const Expr   **sizes = ARENA_ARRAY(t->e->arena, const Expr *, n + 1);
    if (!n)
        return NULL;
    for (int d = 0; d < n; d++) {
        vars[d] = point_variable(t, d);
        sizes[d] = size_in_points(t, d);
    }
    return loops_decode(t, "point", vars, sizes, n, step);
}

/* ---- vectors --------------------------------------------------------------------------------- */

/* Rows are made by code of their own where all addresses are aligned: their many loads are then one
 * instruction each. */
static bool has_two_bodies(const LoopText *t)
{
    return t->vector.whole && t->plan->shape == CUDA_ROWS;
}

/* The variable that vectors run along, and what is known of their memory: `whole`, `count`. */
static void start_vector(LoopText *t)
{
    const Stage *inner = kernel_inner_stage(t->k);
    int          n = t->k->n_outer;
    VectorPlan  *v = &t->vector;
    *v = (VectorPlan){.e = t->e, .width = t->plan->vector};
    bool along_inner = inner && t->plan->shape == CUDA_ROWS;
    v->var = along_inner ? inner->inner[inner->n_inner - 1] : n ? t->k->outer[n - 1] : NULL;
    v->base = v->var;
    if (v->width == 1)
        return;
    v->base = expr_symbol_index(t->e->exprs, "i", v->var->bound);
    const char *addresses = vector_addresses(t->e, t->k);
    if (addresses) {
        v->whole = "whole";
        text_printf(t->e->out, "    const bool %s = aotc_aligned(%s);\n",
                    has_two_bodies(t) ? "aligned" : "whole", addresses);
    }
}

/* Has the last vector of a FLAT kernel fewer elements than the others? */
static bool has_tail(LoopText *t)
{
    ExprPool   *p = t->e->exprs;
    const Expr *size = t->k->outer_sizes[t->k->n_outer - 1];
    return !expr_is_value(expr_mod(p, size, expr_int(p, t->plan->vector)), 0);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static const char *flat_first(LoopText *t)
{
    const char *decode = outer_decode(t);
    if (t->plan->vector == 1 || !has_tail(t))
        return decode;
    bool aligned = t->vector.whole != NULL;
    t->vector.whole = "part";
    t->vector.count = "count";
    return arena_printf(t->e->arena,
                        "%s const %s count = %s - %s; const bool part = %scount >= %d;", decode,
                        loops_int(t), loops_expr(t, t->k->outer_sizes[t->k->n_outer - 1]),
                        t->vector.base->name, aligned ? "whole && " : "", t->plan->vector);
}

static int all_loops(const Kernel *k, Loop **out, int cap)
{
    int n = 0;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops && n < cap; l++)
            out[n++] = k->stages[s]->loops[l];
    return n;
}

static Error *print_flat(LoopText *t)
{
    Nest  nest;
    Loop *loops[256];
    declare_point(t);
    loops_nest(t, &nest, 1);
    nest_level(&nest, NULL, point_loop(t), flat_first(t));
    for (int d = 0; d < t->k->n_outer; d++)
        if (t->k->outer[d] != t->vector.var)
            nest_var(&nest, t->k->outer[d], 1);
    if (t->k->n_outer)
        nest_var(&nest, t->vector.base, 1);
    if (t->plan->vector > 1)
        vector_open(&t->vector, &nest, loops, all_loops(t->k, loops, 256));
    for (int s = 0; s < t->k->n_stages; s++)
        loops_announce(t, &nest, t->k->stages[s]);
    if (t->plan->vector > 1)
        vector_close(&t->vector, &nest);
    TRY(nest_open(&nest));
    TRY(loops_print_stores(t, &nest, t->k->stages[0]));
    nest_close(&nest);
    return nest.error;
}

static Error *print_rows(LoopText *t)
{
    if (has_two_bodies(t))
        loops_line(t, 1,
                   "const auto rows = [&](auto known) {\n"
                   "    constexpr bool whole = decltype(known)::value;");
    declare_point(t);
    if (t->plan->reads_ahead)
        TRY(loops_print_ahead(t, outer_decode(t), 1));
    loops_line(t, 1, arena_printf(t->e->arena, "%s {", point_loop(t)));
    if (t->k->n_outer)
        loops_line(t, 2, outer_decode(t));
    TRY(t->from                 ? loops_print_part(t, 2)
        : t->plan == &t->second ? loops_print_sum(t, 2)
                                : loops_print_row(t, 2));
    loops_line(t, 1, "}");
    if (has_two_bodies(t))
        loops_line(t, 1,
                   "};\n"
                   "    if (aligned)\n"
                   "        rows(aotc_known<true>());\n"
                   "    else\n"
                   "        rows(aotc_known<false>());");
    return NULL;
}

/* All threads of a block take the same tiles; the next one is not written before all are done. */
static Error *print_tiles(LoopText *t)
{
    for (int i = 0; i < 2; i++)
        t->tiles[i] = expr_symbol_index(t->e->exprs, "i", NULL);
    declare_point(t);
    loops_line(t, 1, arena_printf(t->e->arena, "%s {", point_loop(t)));
    loops_line(t, 2, outer_decode(t));
    TRY(loops_print_tile(t));
    if (takes_several(t))
        loops_line(t, 2, "__syncthreads();");
    loops_line(t, 1, "}");
    return NULL;
}

/* A thread has all of its points' inner dims. */
static Error *print_short_columns(LoopText *t)
{
    declare_point(t);
    loops_line(t, 1, arena_printf(t->e->arena, "%s {", point_loop(t)));
    loops_line(t, 2, outer_decode(t));
    TRY(loops_print_row(t, 2));
    loops_line(t, 1, "}");
    return NULL;
}

/* All threads of a block reach its barriers: those without a point have no inner points. */
static Error *print_columns(LoopText *t)
{
    if (t->plan->row_threads == 1)
        return print_short_columns(t);
    Arena      *arena = t->e->arena;
    const char *type = loops_int(t), *n = loops_expr(t, loops_points(t));
    loops_line(
        t, 1,
        is_folded(t)
            ? arena_printf(arena,
                           "for (%s block = blockIdx.x; block * 32 < %s; block += gridDim.x) {",
                           type, n)
            : arena_printf(arena, "{\n        const %s block = blockIdx.x;", type));
    loops_line(t, 2,
               arena_printf(arena, "const bool active = block * 32 + (%s)(threadIdx.x & 31) < %s;",
                            type, n));
    loops_line(t, 2,
               arena_printf(arena,
                            "const %s point = active ? block * 32 + (%s)(threadIdx.x & 31) : 0;",
                            type, type));
    loops_line(t, 2,
               arena_printf(arena, "const %s lane = active ? (%s)(threadIdx.x / 32) : (%s)1 << %d;",
                            type, type, type, t->plan->is_int32 ? 30 : 60));
    loops_line(t, 2, outer_decode(t));
    TRY(t->from ? loops_print_part(t, 2) : loops_print_row(t, 2));
    loops_line(t, 1, "}");
    return NULL;
}

/* Inner points [from, to) of a part. */
static void start_part(LoopText *t)
{
    ExprPool    *p = t->e->exprs;
    const Stage *stage = t->k->stages[0];
    const Expr  *n = expr_product(p, stage->inner_sizes, stage->n_inner);
    int64_t      step = t->plan->shape == CUDA_ROWS ? t->plan->vector : 1;
    const Expr  *each =
        expr_mul(p, expr_ceildiv(p, n, expr_int(p, step * t->plan->split)), expr_int(p, step));
    const char *type = loops_int(t), *per = loops_expr(t, each), *end = loops_expr(t, n);
    text_printf(t->e->out, "    const %s from = (%s)blockIdx.y * %s;\n", type, type, per);
    text_printf(t->e->out, "    const %s to = from + %s < %s ? from + %s : %s;\n", type, per, end,
                per, end);
    t->from = "from";
    t->to = "to";
}

/* ---- the kernel ------------------------------------------------------------------------------ */

/* Blocks of a multiprocessor whose threads have 64 registers each, or 80 with the fixed loads. */
static int resident_blocks(const LoopText *t)
{
    int threads = t->plan->keeps_fixed ? 768 : 1024;
    return t->plan->threads < threads ? threads / t->plan->threads : 1;
}

static void print_launch(LoopText *t, const CudaHandle *handle, int split)
{
    Arena      *arena = t->e->arena;
    int         per_block = points_per_block(t);
    const char *n = emit_expr(t->e, loops_points(t));
    const char *blocks = arena_printf(arena, "(%s + %d) / %d", n, per_block - 1, per_block);
    if (is_folded(t))
        blocks = arena_printf(arena, "aotc_min_i64(%s, INT64_C(2147483647))", blocks);
    if (t->plan->reads_ahead)
        blocks = arena_printf(arena, "aotc_min_i64(%s, f->cuda->n_sm * INT64_C(%d))", blocks,
                              resident_blocks(t));
    CudaLaunch launch = {.grid = {blocks}, .block = {arena_printf(arena, "%d", t->plan->threads)}};
    if (split)
        launch.grid[1] = arena_printf(arena, "%d", split);
    cuda_launch(t->c, handle, &launch, 1);
}

static Error *print_body(LoopText *t)
{
    start_vector(t);
    if (t->plan->split)
        start_part(t);
    switch (t->plan->shape) {
    case CUDA_FLAT:
        return print_flat(t);
    case CUDA_ROWS:
        return print_rows(t);
    case CUDA_COLUMNS:
        return print_columns(t);
    default:
        return print_tiles(t);
    }
}

/* One function of the kernel and its launch. */
static Error *print_function(LoopText *t, const char *suffix)
{
    CudaEmit  *c = t->c;
    Text       body = text_new(c->e.arena), *out = c->e.out;
    CudaHandle handle = {0};
    c->e.out = &body;
    Error *error = print_body(t);
    c->e.out = out;
    TRY(error);
    CudaFunction spec = {.suffix = suffix,
                         .body = body.data,
                         .threads = t->plan->threads,
                         .min_blocks = t->plan->reads_ahead ? resident_blocks(t) : 0,
                         .no_restrict = emit_has_aliases(t->k)};
    TRY(cuda_function(c, &spec, &handle));
    print_launch(t, &handle, t->plan->split);
    return NULL;
}

Error *cuda_emit_loops(CudaEmit *c, const Kernel *k)
{
    LoopText t = {.c = c, .e = &c->e, .k = k, .plan = &k->cuda};
    if (k->cuda.is_impossible)
        return emit_unsupported(&c->e, k, "long rows are made of memory that is overwritten");
    if (!k->cuda.split)
        return print_function(&t, "");
    cuda_need_scratch(c, loops_scratch(&t));
    TRY(print_function(&t, "_part"));
    t.second = (CudaSchedule){CUDA_ROWS, .threads = 128, .row_threads = 32, .vector = 1};
    t.second.is_int32 = k->cuda.is_int32;
    t.plan = &t.second;
    t.from = t.to = NULL;
    t.stores.n = t.kept.n = 0;
    return print_function(&t, "");
}
