/* Vectors of adjacent elements; see vector.h. */
#include "emit_cuda/vector.h"

#include <string.h>

static const char *first_index(const VectorPlan *plan, Nest *nest, const Expr *index)
{
    Symbol     *from[1] = {(Symbol *)plan->var};
    const Expr *to[1] = {plan->base->self};
    return nest_index(nest, expr_subst(plan->e->exprs, index, from, to, 1));
}

/* `mask`: text of a bool, or NULL. */
static const char *load_text(const VectorPlan *plan, Nest *nest, const Scalar *load,
                             const char *mask)
{
    Arena      *arena = plan->e->arena;
    const char *name = emit_buffer_name(plan->e, load->buffer);
    const char *at = first_index(plan, nest, load->index), *whole = plan->whole;
    const char *count = plan->count ? plan->count : arena_printf(arena, "%d", plan->width);
    if (mask) {
        count = whole ? arena_printf(arena, "%s ? %s : 0", mask, count) : "0";
        whole = whole ? arena_printf(arena, "%s && %s", whole, mask) : mask;
    }
    if (whole)
        return arena_printf(arena, "aotc_load_part<%d>(%s + (%s), %s, %s)", plan->width, name, at,
                            whole, count);
    return arena_printf(arena, "aotc_load<%d>(%s + (%s))", plan->width, name, at);
}

const char *vector_load_text(const VectorPlan *plan, Nest *nest, const Scalar *load)
{
    return load_text(plan, nest, load, NULL);
}

/* ---- loads ----------------------------------------------------------------------------------- */

typedef struct Loads {
    VectorPlan  *plan;
    Nest        *nest;
    Loop *const *loops;
    int          n_loops;
} Loads;

static bool is_bound(const Nest *nest, const Scalar *load)
{
    for (int i = 0; i < nest->bindings.n; i++)
        if (nest->bindings.items[i].buffer == load->buffer &&
            (!nest->bindings.items[i].index || nest->bindings.items[i].index == load->index))
            return true;
    return false;
}

typedef struct Twin {
    const Scalar *load;
    bool          found;
} Twin;

static void look_for_twin(void *cx, const Scalar *s)
{
    Twin *t = cx;
    t->found |= s->op == S_LOAD && s->buffer == t->load->buffer && s->index == t->load->index &&
                s->mask != t->load->mask;
}

/* Is the element also read under another mask? */
static bool has_twin(const Loads *l, const Scalar *load)
{
    Twin twin = {load, false};
    for (int i = 0; i < l->n_loops; i++)
        emit_walk_loop(l->plan->e->arena, l->loops[i], look_for_twin, &twin);
    return twin.found;
}

/* The mask's text, or NULL where it is another one for each element. */
static const char *mask_text(Nest *nest, const Scalar *mask)
{
    int item = nest_root(nest, mask);
    if (nest_is_innermost(nest, item))
        return NULL;
    nest_want_variable(nest, item);
    return nest_later(nest, item);
}

static void take_load(void *cx, const Scalar *s)
{
    Loads      *l = cx;
    VectorPlan *plan = l->plan;
    Arena      *arena = plan->e->arena;
    const char *mask = NULL;
    if (s->op != S_LOAD || s->buffer->kind == BUFFER_LOCAL || is_bound(l->nest, s) ||
        access_kind(plan->e->exprs, s->index, plan->var, plan->width) != ACCESS_ADJACENT)
        return;
    if (s->mask && (has_twin(l, s) || !(mask = mask_text(l->nest, s->mask))))
        return;
    const char *name = arena_printf(arena, "load_%d", plan->n_loads++);
    text_indent(&plan->front, plan->indent);
    text_printf(&plan->front, "const aotc_vec<%s, %d> %s = %s;\n", c_storage_type(s->buffer->dtype),
                plan->width, name, load_text(plan, l->nest, s, mask));
    nest_bind_at(l->nest, s->buffer, s->index,
                 c_load(arena, s->buffer->dtype, arena_printf(arena, "%s[v]", name)),
                 l->nest->levels.n);
}

void vector_open(VectorPlan *plan, Nest *nest, Loop *const *loops, int n)
{
    Arena      *arena = plan->e->arena;
    const char *type = nest->is_int32 ? "int32_t" : "int64_t";
    Loads       loads = {plan, nest, loops, n};
    plan->front = text_new(arena);
    plan->behind = text_new(arena);
    plan->indent = nest->indent + nest->levels.n;
    nest_level(
        nest, plan->var,
        arena_printf(arena, "for (int v = 0; v < %d; v++)%s", plan->width,
                     plan->count ? arena_printf(arena, " if (v < %s)", plan->count) : ""),
        arena_printf(arena, "const %s %s = %s + v;", type, plan->var->name, plan->base->name));
    for (int l = 0; l < n; l++)
        emit_walk_loop(arena, loops[l], take_load, &loads);
}

/* ---- stores ---------------------------------------------------------------------------------- */

bool vector_is_store(const VectorPlan *plan, const Loop *loop)
{
    return loop->kind == LOOP_POINTWISE && !loop->mask && !loop->accumulate && !loop->is_scatter &&
           loop->out->kind != BUFFER_LOCAL &&
           access_kind(plan->e->exprs, loop->index, plan->var, plan->width) == ACCESS_ADJACENT;
}

const char *vector_store(VectorPlan *plan, Nest *nest, const Loop *loop)
{
    Arena *arena = plan->e->arena;
    if (!vector_is_store(plan, loop))
        return NULL;
    const char *name = arena_printf(arena, "store_%d", plan->n_stores++);
    const char *to = emit_buffer_name(plan->e, loop->out);
    const char *at = first_index(plan, nest, loop->index);
    text_indent(&plan->front, plan->indent);
    text_printf(&plan->front, "aotc_vec<%s, %d> %s;\n", c_storage_type(loop->out->dtype),
                plan->width, name);
    text_indent(&plan->behind, plan->indent);
    if (plan->whole)
        text_printf(&plan->behind, "aotc_store_part(%s + (%s), %s, %s, %s);\n", to, at, name,
                    plan->whole,
                    plan->count ? plan->count : arena_printf(arena, "%d", plan->width));
    else
        text_printf(&plan->behind, "aotc_store(%s + (%s), %s);\n", to, at, name);
    return arena_printf(arena, "%s[v]", name);
}

void vector_close(VectorPlan *plan, Nest *nest)
{
    text_indent(&plan->front, plan->indent);
    text_put(&plan->front, "#pragma unroll\n");
    nest_front(nest, plan->front.data);
    nest_behind(nest, plan->behind.data);
}

/* ---- alignment ------------------------------------------------------------------------------- */

static const Buffer *root_of(const Buffer *b)
{
    while (b->alias)
        b = b->alias;
    return b;
}

const char *vector_addresses(Emit *e, const Kernel *k)
{
    Text text = text_new(e->arena);
    for (int i = 0; i < k->n_reads + k->n_writes; i++) {
        const Buffer *b = i < k->n_reads ? k->reads[i] : k->writes[i - k->n_reads];
        BufferKind    kind = root_of(b)->kind;
        bool          is_second = false;
        for (int j = 0; j < i; j++)
            is_second |= b == (j < k->n_reads ? k->reads[j] : k->writes[j - k->n_reads]);
        if (!is_second && (kind == BUFFER_INPUT || kind == BUFFER_OUTPUT))
            text_printf(&text, "%sAOTC_ADDRESS(%s)", text.n ? " | " : "", emit_buffer_name(e, b));
    }
    return text.n ? text.data : NULL;
}
