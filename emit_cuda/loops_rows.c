/* One point of a ROWS kernel: its stages, each a loop of `lane` over the inner dims.
 *
 *   float kept_0;
 *   {
 *       float acc_0 = 0.0f;
 *       for (int32_t inner = lane; inner < 768; inner += 128) {
 *           const int32_t r0 = inner;
 *           acc_0 = acc_0 + x[at0 + r0];
 *       }
 *       acc_0 = aotc_reduce<128>(acc_0, [](float a, float b) { return (float)(a + b); });
 *       kept_0 = acc_0;
 *   }
 *
 * Loads of the row to come (reads_ahead) are brought by a lambda: into ahead_<i>, which become
 * cache_<i> when their row's turn is.  fixed_<i> are loads that all rows share (keeps_fixed). */
#include "emit_cuda/loops.h"

/* ---- what later stages read ------------------------------------------------------------------ */

typedef struct Wanted {
    const Buffer *buffer;
    bool          found;
} Wanted;

static void look_at_load(void *cx, const Scalar *s)
{
    Wanted *w = cx;
    w->found |= s->op == S_LOAD && s->buffer == w->buffer;
}

static bool is_read_later(LoopText *t, int stage, const Buffer *b)
{
    Wanted w = {b, false};
    for (int s = stage + 1; s < t->k->n_stages && !w.found; s++)
        for (int l = 0; l < t->k->stages[s]->n_loops; l++)
            emit_walk_loop(t->e->arena, t->k->stages[s]->loops[l], look_at_load, &w);
    return w.found;
}

/* Has the loop one value for the whole row, that a variable can hold? */
static bool is_one_value(const Stage *stage, const Loop *loop)
{
    return loop->kind == LOOP_REDUCE ||
           (!stage->n_inner && !loop->mask && !loop->accumulate && !loop->is_scatter);
}

static const char *kept_name(LoopText *t, const Loop *loop)
{
    return arena_printf(t->e->arena, loops_in_columns(t) ? "%s[v]" : "%s",
                        loops_name(t, "kept_", loop));
}

static void declare_kept(LoopText *t, int stage, int indent)
{
    const Stage *s = t->k->stages[stage];
    for (int l = 0; l < s->n_loops; l++) {
        const Loop *loop = s->loops[l];
        if (!is_one_value(s, loop) || !is_read_later(t, stage, loop->out))
            continue;
        const char *of =
            loops_in_columns(t) ? arena_printf(t->e->arena, "[%d]", t->plan->vector) : "";
        loops_line(t, indent,
                   arena_printf(t->e->arena, "%s %s%s;", c_register_type(loop->out->dtype),
                                loops_name(t, "kept_", loop), of));
    }
}

static void keep(LoopText *t, const Loop *loop)
{
    LoopKept kept = {loop->out, loop->out->kind == BUFFER_LOCAL ? NULL : loop->index,
                     kept_name(t, loop)};
    VEC_PUSH(t->e->arena, t->kept, kept);
}

/* ---- the stage ------------------------------------------------------------------------------- */

static void bind_kept(LoopText *t, Nest *nest, int level)
{
    for (int i = 0; i < t->kept.n; i++)
        nest_bind_at(nest, t->kept.items[i].buffer, t->kept.items[i].index, t->kept.items[i].text,
                     level);
}

/* The loop over a vector of points, where that is not vector_open's. */
static void add_vector_level(LoopText *t, Nest *nest)
{
    Arena *arena = t->e->arena;
    nest_level(nest, t->vector.var,
               arena_printf(arena, "for (int v = 0; v < %d; v++)", t->plan->vector),
               arena_printf(arena, "const %s %s = %s + v;", loops_int(t), t->vector.var->name,
                            t->vector.base->name));
    nest_front(nest, arena_printf(arena, "%*s#pragma unroll\n", 4 * nest->indent, ""));
}

/* Levels of the inner loop, without the one over a vector: a thread's vectors one after the other.
 * `base` of the vector plan is the last inner variable at its first element. */
static void add_inner_levels(LoopText *t, Nest *nest, const Stage *stage)
{
    const CudaSchedule *s = t->plan;
    Arena              *arena = t->e->arena;
    bool                in_columns = s->shape == CUDA_COLUMNS;
    const Symbol       *last = in_columns ? stage->inner[stage->n_inner - 1] : t->vector.base;
    const char         *type = loops_int(t);
    int                 step = in_columns ? 1 : s->vector;
    const Expr         *size = expr_product(t->e->exprs, stage->inner_sizes, stage->n_inner);
    const char         *n = loops_expr(t, size), *flat = stage->n_inner == 1 ? last->name : "inner";
    const char         *lane = s->row_threads == 1 ? "0" : "lane", *decode = NULL;
    if (stage->n_inner > 1) {
        const Symbol **vars = ARENA_ARRAY(arena, const Symbol *, stage->n_inner);
        for (int d = 0; d < stage->n_inner; d++)
            vars[d] = d + 1 < stage->n_inner ? stage->inner[d] : last;
        decode = loops_decode(t, flat, vars, stage->inner_sizes, stage->n_inner, 1);
    }
    if (s->chunks) {
        const char *first = arena_printf(arena, "const %s %s = (chunk * %d + %s) * %d;", type, flat,
                                         s->row_threads, lane, s->vector);
        bool        is_whole = expr_is_value(size, (int64_t)s->chunks * s->row_threads * s->vector);
        if (decode && is_whole)
            first = arena_printf(arena, "%s %s", first, decode);
        nest_level(nest, NULL,
                   arena_printf(arena, "for (int chunk = 0; chunk < %d; chunk++)", s->chunks),
                   first);
        nest_front(nest, arena_printf(arena, "%*s#pragma unroll\n", 4 * nest->indent, ""));
        if (!is_whole)
            nest_level(nest, NULL, arena_printf(arena, "if (%s < %s)", flat, n), decode);
    } else {
        const char *from = step > 1 ? arena_printf(arena, "%s * %d", lane, step) : lane;
        if (t->from)
            from = arena_printf(arena, "%s + %s", t->from, from);
        nest_level(nest, NULL,
                   arena_printf(arena, "for (%s %s = %s; %s < %s; %s += %d)", type, flat, from,
                                flat, t->to ? t->to : n, flat, s->row_threads * step),
                   decode);
        /* A short row of one thread: places in a window are constants then. */
        bool is_short = s->row_threads == 1 && expr_is_int(size, NULL);
        nest_front(nest, arena_printf(arena, "%*s#pragma unroll%s\n", 4 * nest->indent, "",
                                      is_short ? "" : " 4"));
    }
    for (int d = 0; d + 1 < stage->n_inner; d++)
        nest_var(nest, stage->inner[d], nest->levels.n);
    nest_var(nest, last, nest->levels.n);
}

static void bind_loads(LoopText *t, Nest *nest, const LoopLoads *l, const char *stem, int level)
{
    Arena *arena = t->e->arena;
    for (int i = 0; i < l->n; i++) {
        const char *at =
            arena_printf(arena, "%s_%d[chunk][%s]", stem, i, t->plan->vector > 1 ? "v" : "0");
        nest_bind_at(nest, l->loads[i]->buffer, l->loads[i]->index,
                     c_load(arena, l->loads[i]->buffer->dtype, at), level);
    }
}

/* What stands in registers, at the level of the innermost loop to come. */
static void bind_registers(LoopText *t, Nest *nest)
{
    Arena      *arena = t->e->arena;
    const char *element = t->plan->vector > 1 ? "v" : "0";
    int         level = nest->levels.n + (t->plan->vector > 1);
    for (int i = 0; i < t->n_rows; i++)
        nest_bind(nest, t->rows[i], arena_printf(arena, "row_%d[chunk][%s]", i, element), level);
    bind_loads(t, nest, &t->caches, "cache", level);
    bind_loads(t, nest, &t->fixed, "fixed", level);
}

static void declare_loads(LoopText *t, const LoopLoads *l, const char *stem, int indent)
{
    for (int i = 0; i < l->n; i++)
        loops_line(t, indent,
                   arena_printf(t->e->arena, "aotc_vec<%s, %d> %s_%d[%d];",
                                c_storage_type(l->loads[i]->buffer->dtype), t->plan->vector, stem,
                                i, t->plan->chunks));
}

/* A row's loads into `stem`_<i>. */
static Error *print_loads(LoopText *t, const LoopLoads *l, const char *stem, int indent)
{
    Nest nest;
    loops_nest(t, &nest, indent);
    add_inner_levels(t, &nest, kernel_inner_stage(t->k));
    const char *text[64];
    for (int i = 0; i < l->n; i++)
        text[i] = vector_load_text(&t->vector, &nest, l->loads[i]);
    TRY(nest_open(&nest));
    for (int i = 0; i < l->n; i++)
        nest_line(&nest, "%s_%d[chunk] = %s;", stem, i, text[i]);
    nest_close(&nest);
    return nest.error;
}

static void take_ahead(LoopText *t, int indent)
{
    Arena *arena = t->e->arena;
    loops_line(t, indent, "#pragma unroll");
    loops_line(t, indent,
               arena_printf(arena, "for (int chunk = 0; chunk < %d; chunk++) {", t->plan->chunks));
    for (int i = 0; i < t->caches.n; i++)
        loops_line(t, indent + 1, arena_printf(arena, "cache_%d[chunk] = ahead_%d[chunk];", i, i));
    loops_line(t, indent, "}");
    loops_line(t, indent, arena_printf(arena, "bring(point + (%s)gridDim.x);", loops_int(t)));
}

/* Loads that several stages make stand in registers from here on. */
static Error *print_registers(LoopText *t, int indent)
{
    for (int i = 0; i < t->n_rows; i++)
        loops_line(t, indent,
                   arena_printf(t->e->arena, "%s row_%d[%d][%d];",
                                c_register_type(t->rows[i]->dtype), i, t->plan->chunks,
                                t->plan->vector));
    if (!t->caches.n)
        return NULL;
    declare_loads(t, &t->caches, "cache", indent);
    if (t->plan->reads_ahead) {
        take_ahead(t, indent);
        return NULL;
    }
    loops_line(t, indent, "{");
    TRY(print_loads(t, &t->caches, "cache", indent + 1));
    loops_line(t, indent, "}");
    return NULL;
}

static void store_reduced(LoopText *t, Nest *nest, const LoopStore *store, int stage)
{
    const Loop *loop = store->loop;
    const char *value = loops_result(t, store);
    if (is_read_later(t, stage, loop->out)) {
        nest_line(nest, "%s = %s;", kept_name(t, loop), value);
        value = kept_name(t, loop);
        keep(t, loop);
    }
    if (loop->out->kind != BUFFER_LOCAL)
        nest_line(nest, "%s%s[%s] = %s;", t->plan->row_threads > 1 ? "if (lane == 0) " : "",
                  emit_buffer_name(t->e, loop->out), store->index,
                  c_store(t->e->arena, loop->out->dtype, value));
}

/* Indices of reduced values stand outside the loop: a nest of their own. */
static Error *finish_reductions(LoopText *t, int stage, int indent)
{
    Nest nest;
    bool any = false;
    loops_nest(t, &nest, indent + 1);
    if (loops_in_columns(t))
        add_vector_level(t, &nest);
    for (int i = 0; i < t->stores.n; i++) {
        LoopStore *store = &t->stores.items[i];
        if (store->loop->kind != LOOP_REDUCE)
            continue;
        any = true;
        loops_combine(t, store, indent);
        if (store->loop->out->kind != BUFFER_LOCAL)
            store->index = nest_index(&nest, store->loop->index);
    }
    if (!any)
        return NULL;
    bind_kept(t, &nest, nest.levels.n);
    loops_line(t, indent, "{");
    TRY(nest_open(&nest));
    for (int i = 0; i < t->stores.n; i++)
        if (t->stores.items[i].loop->kind == LOOP_REDUCE)
            store_reduced(t, &nest, &t->stores.items[i], stage);
    nest_close(&nest);
    loops_line(t, indent, "}");
    return nest.error;
}

static void keep_points(LoopText *t, Nest *nest, int stage)
{
    for (int i = 0; i < t->stores.n; i++) {
        const LoopStore *store = &t->stores.items[i];
        const Loop      *loop = store->loop;
        if (loop->kind == LOOP_REDUCE || !is_one_value(t->k->stages[stage], loop) ||
            !is_read_later(t, stage, loop->out))
            continue;
        nest_line(nest, "%s = %s;", kept_name(t, loop),
                  c_cast(t->e->arena, loop->value->dtype, loop->out->dtype,
                         nest_text(nest, store->item)));
        keep(t, loop);
    }
}

/* Does a later stage read from memory what one thread of the row stores here? */
static bool needs_sync(LoopText *t, int stage)
{
    const Stage *s = t->k->stages[stage];
    for (int l = 0; l < s->n_loops && !s->n_inner; l++)
        if (!is_one_value(s, s->loops[l]) && is_read_later(t, stage, s->loops[l]->out))
            return t->plan->row_threads > 1;
    return false;
}

static Error *print_stage(LoopText *t, int number, int indent)
{
    const Stage *stage = t->k->stages[number];
    Nest         nest;
    t->stores.n = 0;
    declare_kept(t, number, indent);
    loops_line(t, indent, "{");
    for (int l = 0; l < stage->n_loops; l++)
        if (stage->loops[l]->kind == LOOP_REDUCE)
            loops_declare(t, stage->loops[l], indent + 1);
    loops_nest(t, &nest, indent + 1);
    if (stage->n_inner) {
        add_inner_levels(t, &nest, stage);
        bind_registers(t, &nest);
    }
    bool in_vector = loops_has_vector(t, stage);
    bind_kept(t, &nest, loops_in_columns(t) ? nest.levels.n + 1 : 0);
    if (in_vector)
        vector_open(&t->vector, &nest, stage->loops, stage->n_loops);
    else if (loops_in_columns(t))
        add_vector_level(t, &nest);
    loops_announce(t, &nest, stage);
    if (in_vector)
        vector_close(&t->vector, &nest);
    TRY(nest_open(&nest));
    TRY(loops_print_stores(t, &nest, stage));
    keep_points(t, &nest, number);
    nest_close(&nest);
    TRY(nest.error);
    TRY(finish_reductions(t, number, indent + 1));
    loops_line(t, indent, "}");
    if (needs_sync(t, number))
        loops_line(t, indent,
                   arena_printf(t->e->arena, "aotc_group_sync<%d>();", t->plan->row_threads));
    return NULL;
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Accumulators in scratch memory: those of one loop one after the other, [part][point]. */
static const Expr *scratch_before(LoopText *t, int loop)
{
    ExprPool   *p = t->e->exprs;
    const Expr *bytes = expr_int(p, 0), *line = expr_int(p, 16), *each = loops_points(t);
    int         lanes = loops_in_columns(t) ? t->plan->vector : 1;
    for (int l = 0; l < loop; l++) {
        const Loop *of = t->k->stages[0]->loops[l];
        const Expr *size =
            expr_mul(p, each, expr_int(p, (int64_t)t->k->cuda.split * lanes * loops_acc_bytes(of)));
        bytes = expr_add(p, bytes, expr_mul(p, expr_ceildiv(p, size, line), line));
    }
    return bytes;
}

const Expr *loops_scratch(LoopText *t)
{
    return scratch_before(t, t->k->stages[0]->n_loops);
}

static const char *scratch_of(LoopText *t, int loop)
{
    return arena_printf(t->e->arena, "((%s *)(scratch + %s))",
                        loops_acc_type(t, t->k->stages[0]->loops[loop]),
                        emit_expr(t->e, scratch_before(t, loop)));
}

Error *loops_print_part(LoopText *t, int indent)
{
    const Stage *stage = t->k->stages[0];
    Arena       *arena = t->e->arena;
    bool         in_columns = loops_in_columns(t);
    Nest         nest;
    for (int l = 0; l < stage->n_loops; l++)
        loops_declare(t, stage->loops[l], indent);
    loops_nest(t, &nest, indent);
    add_inner_levels(t, &nest, stage);
    if (t->plan->vector > 1)
        vector_open(&t->vector, &nest, stage->loops, stage->n_loops);
    loops_announce(t, &nest, stage);
    if (t->plan->vector > 1)
        vector_close(&t->vector, &nest);
    TRY(nest_open(&nest));
    TRY(loops_print_stores(t, &nest, stage));
    nest_close(&nest);
    TRY(nest.error);
    for (int l = 0; l < stage->n_loops; l++) {
        loops_combine(t, &t->stores.items[l], indent);
        const char *at = arena_printf(arena, "(int64_t)blockIdx.y * %s + point",
                                      emit_expr(t->e, loops_points(t)));
        if (in_columns)
            at = arena_printf(arena, "(%s) * %d + v", at, t->plan->vector);
        if (in_columns)
            loops_line(t, indent,
                       arena_printf(arena, "for (int v = 0; v < %d; v++)", t->plan->vector));
        loops_line(t, indent + in_columns,
                   arena_printf(arena, "if (lane == 0) %s[%s] = %s;", scratch_of(t, l), at,
                                t->stores.items[l].acc));
    }
    return NULL;
}

/* Behind it: a warp for each point.  `second` is the schedule; the layout is the first one's. */
Error *loops_print_sum(LoopText *t, int indent)
{
    const Stage *stage = t->k->stages[0];
    Arena       *arena = t->e->arena;
    Nest         nest;
    const char **from = ARENA_ARRAY(arena, const char *, stage->n_loops);
    t->plan = &t->k->cuda;
    int         lanes = loops_in_columns(t) ? t->plan->vector : 1;
    const char *points =
        emit_expr(t->e, expr_mul(t->e->exprs, loops_points(t), expr_int(t->e->exprs, lanes)));
    for (int l = 0; l < stage->n_loops; l++)
        from[l] = scratch_of(t, l);
    t->plan = &t->second;
    t->stores.n = 0;
    declare_kept(t, 0, indent);
    loops_line(t, indent, "{");
    loops_nest(t, &nest, indent + 1);
    for (int l = 0; l < stage->n_loops; l++) {
        const Loop *loop = stage->loops[l];
        LoopStore   store = {.loop = loop, .mask = -1, .acc = loops_name(t, "acc_", loop)};
        VEC_PUSH(arena, t->stores, store);
        loops_declare(t, loop, indent + 1);
        loops_line(t, indent + 1,
                   arena_printf(arena, "for (int part = lane; part < %d; part += %d)",
                                t->k->cuda.split, t->plan->row_threads));
        loops_line(t, indent + 2,
                   arena_printf(arena, "%s = %s(%s, %s[(int64_t)part * %s + point]);", store.acc,
                                loops_step_function(t, loop), store.acc, from[l], points));
    }
    TRY(finish_reductions(t, 0, indent + 1));
    loops_line(t, indent, "}");
    for (int s = 1; s < t->k->n_stages; s++)
        TRY(print_stage(t, s, indent));
    return NULL;
}

static bool is_fixed(const LoopText *t, const Scalar *load)
{
    for (int i = 0; i < t->fixed.n; i++)
        if (t->fixed.loads[i] == load)
            return true;
    return false;
}

static void find_registers(LoopText *t)
{
    const CudaSchedule *p = t->plan;
    ExprPool           *pool = t->e->exprs;
    const Scalar       *loads[64];
    if (!p->chunks)
        return;
    t->n_rows = kernel_kept_rows(t->k, t->rows, 64);
    t->fixed.n = p->keeps_fixed ? kernel_fixed_loads(pool, t->k, p->vector, t->fixed.loads, 64) : 0;
    int n = kernel_row_loads(pool, t->k, p->vector, p->reads_ahead, loads, 64);
    t->caches.n = 0;
    for (int i = 0; i < n; i++)
        if (!is_fixed(t, loads[i]))
            t->caches.loads[t->caches.n++] = loads[i];
}

Error *loops_print_ahead(LoopText *t, const char *decode, int indent)
{
    Arena      *arena = t->e->arena;
    const char *n = loops_expr(t, loops_points(t));
    find_registers(t);
    declare_loads(t, &t->caches, "ahead", indent);
    loops_line(t, indent, arena_printf(arena, "const auto bring = [&](%s point) {", loops_int(t)));
    loops_line(t, indent + 1, arena_printf(arena, "if (point >= %s)", n));
    loops_line(t, indent + 2, "return;");
    if (decode)
        loops_line(t, indent + 1, decode);
    TRY(print_loads(t, &t->caches, "ahead", indent + 1));
    loops_line(t, indent, "};");
    if (t->fixed.n) {
        declare_loads(t, &t->fixed, "fixed", indent);
        loops_line(t, indent, "{");
        TRY(print_loads(t, &t->fixed, "fixed", indent + 1));
        loops_line(t, indent, "}");
    }
    loops_line(t, indent, "bring(point);");
    return NULL;
}

Error *loops_print_row(LoopText *t, int indent)
{
    find_registers(t);
    if (t->plan->chunks)
        TRY(print_registers(t, indent));
    for (int s = 0; s < t->k->n_stages; s++)
        TRY(print_stage(t, s, indent));
    return NULL;
}
