/* Stores and reductions of LOOPS kernels on a GPU.
 *
 *   %y[i0] = add(…)     y[at0] = (x[at0] + v1);
 *   %s = sum(…)         float s_acc = 0.0f;  …  s_acc = s_acc + v3;  …
 *                       s_acc = aotc_reduce<128>(s_acc, [](float a, float b) { return a + b; });
 *   %y[t5] += …         atomicAdd(&y[t5], v2); */
#include "emit_cuda/loops.h"

#include <string.h>

bool loops_is_placed(const Loop *loop)
{
    return loop->kind == LOOP_REDUCE &&
           (loop->reduce == REDUCE_ARGMAX || loop->reduce == REDUCE_ARGMIN);
}

/* Names of what is a loop's own do not hold names of buffers: kernels of equal text are shared. */
const char *loops_name(LoopText *t, const char *stem, const Loop *loop)
{
    int n = 0;
    for (int s = 0; s < t->k->n_stages; s++)
        for (int l = 0; l < t->k->stages[s]->n_loops; l++, n++)
            if (t->k->stages[s]->loops[l] == loop)
                return arena_printf(t->e->arena, "%s%d", stem, n);
    return stem;
}

/* dtype in which a reduction accumulates */
static DType accumulator_dtype(const Loop *loop)
{
    return c_register_dtype(loop->value->dtype);
}

/* dtype of the accumulator as a value */
static DType result_dtype(const Loop *loop)
{
    switch (loop->reduce) {
    case REDUCE_ANY:
    case REDUCE_ALL:
        return DT_BOOL;
    case REDUCE_COUNT:
    case REDUCE_ARGMAX:
    case REDUCE_ARGMIN:
        return DT_I64;
    default:
        return accumulator_dtype(loop);
    }
}

/* ---- announcing ------------------------------------------------------------------------------ */

static void announce_loop(LoopText *t, Nest *nest, const Loop *loop, bool in_vector)
{
    LoopStore store = {.loop = loop, .mask = -1};
    bool      reduces = loop->kind == LOOP_REDUCE;
    store.item = nest_root(nest, loop->value);
    if (loop->mask) {
        store.mask = nest_root(nest, loop->mask);
        nest_want_variable(nest, store.mask);
    }
    if ((reduces && loop->reduce != REDUCE_SUM && loop->reduce != REDUCE_PROD) || loop->accumulate)
        nest_want_variable(nest, store.item);
    if (reduces)
        store.acc = arena_printf(t->e->arena, loops_in_columns(t) ? "%s[v]" : "%s",
                                 loops_name(t, "acc_", loop));
    store.to = in_vector ? vector_store(&t->vector, nest, loop) : NULL;
    if (loop->out->kind != BUFFER_LOCAL && !reduces && !store.to)
        store.index = nest_index(nest, loop->index);
    if (!reduces && !loop->mask && !loop->is_scatter && !loop->accumulate)
        nest_stored(nest, loop->out, loop->index, store.item);
    VEC_PUSH(t->e->arena, t->stores, store);
}

void loops_announce(LoopText *t, Nest *nest, const Stage *stage)
{
    bool in_vector = loops_has_vector(t, stage);
    for (int l = 0; l < stage->n_loops; l++)
        announce_loop(t, nest, stage->loops[l], in_vector);
}

/* ---- pointwise stores ------------------------------------------------------------------------ */

/* A value as it stands in memory. */
static const char *stored_text(LoopText *t, const Loop *loop, const char *value)
{
    Arena *arena = t->e->arena;
    DType  from = loop->value->dtype, to = loop->out->dtype;
    if (from != to) /* the store itself rounds to narrow floats */
        value = c_cast(arena, from, c_register_dtype(to), value);
    return c_store(arena, to, value);
}

/* Has the hardware an instruction for the update? */
static const char *atomic_name(const Loop *loop)
{
    DType dtype = loop->out->dtype;
    bool  is_word = dtype == DT_I32 || dtype == DT_U32 || dtype == DT_I64 || dtype == DT_U64;
    switch (loop->accumulate_op) {
    case REDUCE_SUM:
        return is_word || dtype == DT_F32 || dtype == DT_F64 ? "atomicAdd" : NULL;
    case REDUCE_MAX:
        return is_word ? "atomicMax" : NULL;
    case REDUCE_MIN:
        return is_word ? "atomicMin" : NULL;
    default:
        return NULL;
    }
}

/* Type that the atomic functions know; sums of signed integers wrap as unsigned ones. */
static const char *atomic_type(const Loop *loop)
{
    switch (loop->out->dtype) {
    case DT_I32:
        return "int";
    case DT_U32:
        return "unsigned";
    case DT_I64:
        return loop->accumulate_op == REDUCE_SUM ? "unsigned long long" : "long long";
    case DT_U64:
        return "unsigned long long";
    default:
        return c_storage_type(loop->out->dtype);
    }
}

/* combine(old, now) of an accumulating scatter, both of register type */
static const char *combine(LoopText *t, const Loop *loop, const char *old, const char *now)
{
    Arena   *arena = t->e->arena;
    DType    dtype = loop->out->dtype, computed = c_register_dtype(dtype);
    ReduceOp op = loop->accumulate_op;
    if (computed == DT_BOOL)
        return arena_printf(arena, op == REDUCE_SUM || op == REDUCE_MAX ? "(%s | %s)" : "(%s & %s)",
                            old, now);
    if (!dtype_is_float(computed) && (op == REDUCE_SUM || op == REDUCE_PROD)) {
        const char *type = c_accumulator_type(op, computed);
        old = arena_printf(arena, "(%s)%s", type, old);
        now = arena_printf(arena, "(%s)%s", type, now);
    }
    return arena_printf(arena, "(%s)(%s)", c_register_type(dtype),
                        c_reduce_step(arena, op, computed, old, now));
}

static void print_update(LoopText *t, Nest *nest, const LoopStore *store, const char *prefix)
{
    Arena      *arena = t->e->arena;
    const Loop *loop = store->loop;
    DType       dtype = loop->out->dtype;
    const char *name = emit_buffer_name(t->e, loop->out);
    const char *now =
        c_cast(arena, loop->value->dtype, c_register_dtype(dtype), nest_text(nest, store->item));
    const char *atomic = atomic_name(loop);
    if (atomic) {
        const char *type = atomic_type(loop);
        nest_line(nest, "%s%s((%s *)&%s[%s], (%s)%s);", prefix, atomic, type, name, store->index,
                  type, now);
        return;
    }
    const char *type = c_storage_type(dtype), *old = c_load(arena, dtype, "old");
    nest_line(nest, "%saotc_update(&%s[%s], [=](%s old) { return (%s)%s; });", prefix, name,
              store->index, type, type, c_store(arena, dtype, combine(t, loop, old, now)));
}

/* `guard`: only one thread of the row stores. */
static void print_store(LoopText *t, Nest *nest, const LoopStore *store, const char *guard)
{
    Arena      *arena = t->e->arena;
    const Loop *loop = store->loop;
    const char *mask = store->mask >= 0 ? nest_text(nest, store->mask) : NULL, *prefix = "";
    if (mask && guard)
        prefix = arena_printf(arena, "if (%s && %s) ", guard, mask);
    else if (mask || guard)
        prefix = arena_printf(arena, "if (%s) ", mask ? mask : guard);
    if (loop->accumulate) {
        print_update(t, nest, store, prefix);
        return;
    }
    nest_line(nest, "%s%s[%s] = %s;", prefix, emit_buffer_name(t->e, loop->out), store->index,
              stored_text(t, loop, nest_text(nest, store->item)));
}

static void print_row_element(LoopText *t, Nest *nest, const LoopStore *store)
{
    const Loop *loop = store->loop;
    nest_line(
        nest, "row_%d[chunk][%s] = %s;", loops_row_of(t, loop->out),
        t->plan->vector > 1 ? "v" : "0",
        c_cast(t->e->arena, loop->value->dtype, loop->out->dtype, nest_text(nest, store->item)));
}

/* ---- reductions ------------------------------------------------------------------------------ */

const char *loops_position(LoopText *t, const Stage *stage)
{
    ExprPool   *p = t->e->exprs;
    const Expr *position = expr_int(p, 0);
    for (int d = 0; d < stage->n_inner; d++)
        position = expr_add(p, expr_mul(p, position, stage->inner_sizes[d]), stage->inner[d]->self);
    return loops_expr(t, position);
}

static void print_placed_step(LoopText *t, Nest *nest, const LoopStore *store, const Stage *stage)
{
    const char *value = nest_text(nest, store->item), *acc = store->acc;
    const char *nan = "";
    if (dtype_is_float(accumulator_dtype(store->loop)))
        nan = arena_printf(t->e->arena, " || (%s != %s && %s.value == %s.value)", value, value, acc,
                           acc);
    nest_line(nest, "if (%s %s %s.value%s) {", value,
              store->loop->reduce == REDUCE_ARGMAX ? ">" : "<", acc, nan);
    nest_line(nest, "    %s.value = %s;", acc, value);
    nest_line(nest, "    %s.at = %s;", acc, loops_position(t, stage));
    nest_line(nest, "}");
}

static void print_step(LoopText *t, Nest *nest, const LoopStore *store)
{
    Arena      *arena = t->e->arena;
    const Loop *loop = store->loop;
    const char *value = nest_text(nest, store->item);
    DType       dtype = accumulator_dtype(loop);
    const char *type = c_accumulator_type(loop->reduce, dtype);
    if ((loop->reduce == REDUCE_SUM || loop->reduce == REDUCE_PROD) &&
        strcmp(type, c_register_type(loop->value->dtype)) != 0)
        value = arena_printf(arena, "(%s)%s", type, value);
    nest_line(nest, "%s = %s;", store->acc,
              c_reduce_step(arena, loop->reduce, dtype, store->acc, value));
}

Error *loops_print_stores(LoopText *t, Nest *nest, const Stage *stage)
{
    bool        is_of_row = !stage->n_inner && t->plan->shape != CUDA_TILES;
    const char *guard = is_of_row && t->plan->row_threads > 1 ? "lane == 0" : NULL;
    for (int i = 0; i < t->stores.n; i++) {
        const LoopStore *store = &t->stores.items[i];
        if (loops_is_placed(store->loop))
            print_placed_step(t, nest, store, stage);
        else if (store->loop->kind == LOOP_REDUCE)
            print_step(t, nest, store);
        else if (store->to)
            nest_line(nest, "%s = %s;", store->to,
                      stored_text(t, store->loop, nest_text(nest, store->item)));
        else if (store->index)
            print_store(t, nest, store, guard);
        else if (loops_row_of(t, store->loop->out) >= 0)
            print_row_element(t, nest, store);
    }
    return NULL;
}

const char *loops_acc_type(LoopText *t, const Loop *loop)
{
    const char *type = c_accumulator_type(loop->reduce, accumulator_dtype(loop));
    return loops_is_placed(loop) ? arena_printf(t->e->arena, "aotc_placed<%s>", type) : type;
}

int loops_acc_bytes(const Loop *loop)
{
    int bytes = dtype_size(accumulator_dtype(loop));
    if (loops_is_placed(loop))
        return 16;
    return loop->reduce == REDUCE_COUNT ? 8 : bytes < 4 ? 4 : bytes;
}

void loops_declare(LoopText *t, const Loop *loop, int indent)
{
    Arena      *arena = t->e->arena;
    const char *init = c_reduce_init(loop->reduce, accumulator_dtype(loop), arena);
    const char *name = loops_name(t, "acc_", loop), *type = loops_acc_type(t, loop);
    if (loops_is_placed(loop))
        init = arena_printf(arena, "{%s, 0}", init);
    if (!loops_in_columns(t)) {
        loops_line(t, indent, arena_printf(arena, "%s %s = %s;", type, name, init));
        return;
    }
    loops_line(t, indent, arena_printf(arena, "%s %s[%d];", type, name, t->plan->vector));
    loops_line(t, indent,
               arena_printf(arena, "for (int v = 0; v < %d; v++)\n%*s%s[v] = %s%s;",
                            t->plan->vector, 4 * indent + 4, "", name,
                            loops_is_placed(loop) ? type : "", init));
}

/* How two accumulators become one. */
static const char *combining_step(LoopText *t, const Loop *loop)
{
    Arena *arena = t->e->arena;
    switch (loop->reduce) {
    case REDUCE_ARGMAX:
        return "aotc_first_max(a, b)";
    case REDUCE_ARGMIN:
        return "aotc_first_min(a, b)";
    case REDUCE_COUNT:
        return "a + b";
    case REDUCE_ANY:
    case REDUCE_ALL:
        return c_reduce_step(arena, loop->reduce, DT_BOOL, "a", "b");
    default:
        return c_reduce_step(arena, loop->reduce, accumulator_dtype(loop), "a", "b");
    }
}

const char *loops_step_function(LoopText *t, const Loop *loop)
{
    const char *type = loops_acc_type(t, loop);
    return arena_printf(t->e->arena, "[](%s a, %s b) { return (%s)(%s); }", type, type, type,
                        combining_step(t, loop));
}

void loops_combine(LoopText *t, const LoopStore *store, int indent)
{
    Arena      *arena = t->e->arena;
    const char *step = loops_step_function(t, store->loop);
    if (t->plan->row_threads == 1)
        return;
    if (loops_in_columns(t))
        loops_line(t, indent,
                   arena_printf(arena, "#pragma unroll\n%*sfor (int v = 0; v < %d; v++)",
                                4 * indent, "", t->plan->vector));
    loops_line(t, indent + loops_in_columns(t),
               arena_printf(arena, "%s = %s<%d>(%s, %s);", store->acc,
                            t->plan->shape == CUDA_COLUMNS ? "aotc_reduce_column" : "aotc_reduce",
                            t->plan->row_threads, store->acc, step));
}

const char *loops_result(LoopText *t, const LoopStore *store)
{
    Arena      *arena = t->e->arena;
    const Loop *loop = store->loop;
    DType       dtype = accumulator_dtype(loop);
    const char *acc = store->acc;
    if (loops_is_placed(loop))
        acc = arena_printf(arena, "%s.at", acc);
    else if ((loop->reduce == REDUCE_SUM || loop->reduce == REDUCE_PROD) && !dtype_is_float(dtype))
        acc = arena_printf(arena, "(%s)%s", c_register_type(dtype), acc);
    return c_cast(arena, result_dtype(loop), loop->out->dtype, acc);
}
