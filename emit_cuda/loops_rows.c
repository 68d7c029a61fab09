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
 *   } */
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
    return loops_name(t, "kept_", loop);
}

static void declare_kept(LoopText *t, int stage, int indent)
{
    const Stage *s = t->k->stages[stage];
    for (int l = 0; l < s->n_loops; l++) {
        const Loop *loop = s->loops[l];
        if (!is_one_value(s, loop) || !is_read_later(t, stage, loop->out))
            continue;
        text_indent(t->e->out, indent);
        text_printf(t->e->out, "%s %s;\n", c_register_type(loop->out->dtype), kept_name(t, loop));
    }
}

static void keep(LoopText *t, const Loop *loop)
{
    LoopKept kept = {loop->out, loop->out->kind == BUFFER_LOCAL ? NULL : loop->index,
                     kept_name(t, loop)};
    VEC_PUSH(t->e->arena, t->kept, kept);
}

/* ---- the stage ------------------------------------------------------------------------------- */

static void bind_kept(LoopText *t, Nest *nest)
{
    for (int i = 0; i < t->kept.n; i++)
        nest_bind_at(nest, t->kept.items[i].buffer, t->kept.items[i].index, t->kept.items[i].text,
                     0);
}

/* `inner` runs over the points of the stage; with one inner dim it is the variable itself. */
static void add_inner_loop(LoopText *t, Nest *nest, const Stage *stage)
{
    Arena      *arena = t->e->arena;
    const char *type = loops_int(t);
    const char *n = loops_expr(t, expr_product(t->e->exprs, stage->inner_sizes, stage->n_inner));
    Text        decode = text_new(arena);
    const char *name = stage->n_inner == 1 ? stage->inner[0]->name : "inner";
    const char *from = t->plan->row_threads == 1 ? "0" : "lane";
    const char *loop = arena_printf(arena, "for (%s %s = %s; %s < %s; %s += %d)", type, name, from,
                                    name, n, name, t->plan->row_threads);
    if (stage->n_inner > 1)
        loops_decode(t, &decode, 0, "inner", stage->inner, stage->inner_sizes, stage->n_inner);
    nest_level(nest, NULL, loop, stage->n_inner > 1 ? decode.data : NULL);
    for (int d = 0; d < stage->n_inner; d++)
        nest_var(nest, stage->inner[d], nest->levels.n);
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
    bind_kept(t, &nest);
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
    if (stage->n_inner)
        add_inner_loop(t, &nest, stage);
    bind_kept(t, &nest);
    loops_announce(t, &nest, stage);
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

Error *loops_print_row(LoopText *t, int indent)
{
    for (int s = 0; s < t->k->n_stages; s++)
        TRY(print_stage(t, s, indent));
    return NULL;
}
