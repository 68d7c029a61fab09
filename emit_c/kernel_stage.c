/* One stage of a KERNEL_LOOPS kernel: its loops side by side in one nest.
 *
 *   stage over r0 < 768 { %s = sum(%x[768*i0 + r0]) }     ->    float s_acc = 0.0f;
 *                                                               const int64_t at0 = 768*i0;
 *                                                               #pragma omp simd reduction(+:s_acc)
 *                                                               for (int32_t r0 = 0; r0 < 768;
 * r0++) s_acc = s_acc + x[at0 + r0]; s = s_acc;                            */
#include "emit_c/kernel_shape.h"

#include <string.h>

static bool is_positional_reduce(ReduceOp op)
{
    return op == REDUCE_ARGMAX || op == REDUCE_ARGMIN;
}

static bool is_extremum(ReduceOp op)
{
    return op == REDUCE_MAX || op == REDUCE_MIN;
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

/* Extrema of floats over the vector are reduced as integers of the same order. */
static bool uses_keys(const Shape *shape, const Loop *loop)
{
    return shape->kind == SHAPE_ROWS && is_extremum(loop->reduce) &&
           dtype_is_float(loop->value->dtype);
}

static const char *key_type(const Loop *loop)
{
    return accumulator_dtype(loop) == DT_F64 ? "int64_t" : "int32_t";
}

/* ---- announcing ------------------------------------------------------------------------------ */
static void add_loop(Shape *shape, Nest *nest, const Loop *loop)
{
    ShapeStore store = {.loop = loop, .mask = -1};
    Local     *local = loop->out->kind == BUFFER_LOCAL ? shape_local(shape, loop->out) : NULL;
    store.item = nest_root(nest, loop->value);
    if (loop->mask) {
        store.mask = nest_root(nest, loop->mask);
        nest_want_variable(nest, store.mask);
    }
    if (loop->kind == LOOP_REDUCE &&
        (is_extremum(loop->reduce) || is_positional_reduce(loop->reduce)))
        nest_want_variable(nest, store.item);
    if (loop->kind == LOOP_REDUCE)
        store.acc = arena_printf(shape->e->arena, "%s_acc", emit_buffer_name(shape->e, loop->out));
    if (!local && !(loop->kind == LOOP_REDUCE && shape->kind == SHAPE_TILE))
        store.index = nest_index(nest, loop->index);
    if (loop->kind == LOOP_POINTWISE && !loop->mask && !loop->is_scatter && !loop->accumulate)
        nest_stored(nest, loop->out, loop->index, store.item);
    VEC_PUSH(shape->e->arena, shape->stores, store);
}

void shape_add_stage(Shape *shape, Nest *nest, const Stage *stage)
{
    shape->stage = stage;
    for (int l = 0; l < stage->n_loops; l++)
        add_loop(shape, nest, stage->loops[l]);
}

/* ---- stores ---------------------------------------------------------------------------------- */
static const char *combine(Shape *shape, const Loop *loop, const char *element, const char *value)
{
    Arena      *arena = shape->e->arena;
    DType       dtype = loop->out->dtype;
    const char *old = c_load(arena, dtype, element);
    const char *now = c_cast(arena, loop->value->dtype, dtype, value);
    DType       computed = c_register_dtype(dtype);
    bool        wraps = !dtype_is_float(computed) &&
                 (loop->accumulate_op == REDUCE_SUM || loop->accumulate_op == REDUCE_PROD);
    if (computed == DT_BOOL)
        return arena_printf(arena,
                            loop->accumulate_op == REDUCE_SUM || loop->accumulate_op == REDUCE_MAX
                                ? "(%s | %s)"
                                : "(%s & %s)",
                            old, now);
    if (wraps) {
        const char *type = c_accumulator_type(loop->accumulate_op, computed);
        old = arena_printf(arena, "(%s)%s", type, old);
        now = arena_printf(arena, "(%s)%s", type, now);
    }
    const char *step = c_reduce_step(arena, loop->accumulate_op, computed, old, now);
    return arena_printf(arena, "(%s)(%s)", c_register_type(dtype), step);
}

static void print_pointwise(Shape *shape, Nest *nest, const ShapeStore *store)
{
    Arena      *arena = shape->e->arena;
    const Loop *loop = store->loop;
    const char *value = nest_text(nest, store->item), *name = emit_buffer_name(shape->e, loop->out);
    if (loop->out->kind == BUFFER_LOCAL) {
        const Local *local = shape_local(shape, loop->out);
        if (local->is_kept && shape->kind != SHAPE_FLAT)
            nest_line(nest, "%s = %s;", shape_local_text(shape, local, shape->stage),
                      c_cast(arena, loop->value->dtype, loop->out->dtype, value));
        return;
    }
    const char *element = arena_printf(arena, "%s[%s]", name, store->index);
    const char *stored = loop->accumulate ? combine(shape, loop, element, value) : NULL;
    if (!stored && loop->value->dtype != loop->out->dtype) {
        DType to = loop->out->dtype; /* the store itself rounds to narrow floats */
        stored = c_cast(arena, loop->value->dtype, c_register_dtype(to), value);
    }
    stored = c_store(arena, loop->out->dtype, stored ? stored : value);
    if (loop->mask)
        nest_line(nest, "if (%s)", nest_text(nest, store->mask));
    nest_line(nest, "%s%s = %s;", loop->mask ? "    " : "", element, stored);
}

static void print_positional_step(Shape *shape, Nest *nest, const ShapeStore *store)
{
    const char *value = nest_text(nest, store->item), *acc = store->acc;
    bool        is_max = store->loop->reduce == REDUCE_ARGMAX;
    const char *nan = "";
    if (dtype_is_float(accumulator_dtype(store->loop)))
        nan = arena_printf(shape->e->arena, " || (%s != %s && %s == %s)", value, value, acc, acc);
    nest_line(nest, "if (%s %s %s%s) {", value, is_max ? ">" : "<", acc, nan);
    nest_line(nest, "    %s = %s;", acc, value);
    nest_line(nest, "    %s_at = %s;", acc, shape_inner_position(shape, shape->stage));
    nest_line(nest, "}");
}

static void print_reduce_step(Shape *shape, Nest *nest, const ShapeStore *store)
{
    Arena      *arena = shape->e->arena;
    const Loop *loop = store->loop;
    const char *value = nest_text(nest, store->item), *acc = store->acc;
    DType       dtype = accumulator_dtype(loop);
    if (is_positional_reduce(loop->reduce)) {
        print_positional_step(shape, nest, store);
        return;
    }
    if (shape->kind == SHAPE_TILE)
        acc = arena_printf(arena, "%s[v]", acc);
    if (uses_keys(shape, loop)) {
        const char *key = arena_printf(arena, "%s_key", acc);
        nest_line(nest, "const %s %s = aotc_%s_key_%s(%s);", key_type(loop), key,
                  loop->reduce == REDUCE_MAX ? "max" : "min", dtype_name(dtype), value);
        nest_line(nest, "%s = %s %s %s ? %s : %s;", acc, key,
                  loop->reduce == REDUCE_MAX ? ">" : "<", acc, key, acc);
        return;
    }
    const char *type = c_accumulator_type(loop->reduce, dtype);
    if (strcmp(type, c_register_type(loop->value->dtype)) != 0 &&
        (loop->reduce == REDUCE_SUM || loop->reduce == REDUCE_PROD))
        value = arena_printf(arena, "(%s)%s", type, value);
    nest_line(nest, "%s = %s;", acc, c_reduce_step(arena, loop->reduce, dtype, acc, value));
}

void shape_print_stores(Shape *shape, Nest *nest)
{
    for (int i = 0; i < shape->stores.n; i++) {
        const ShapeStore *store = &shape->stores.items[i];
        if (store->loop->kind == LOOP_REDUCE)
            print_reduce_step(shape, nest, store);
        else
            print_pointwise(shape, nest, store);
    }
}

/* ---- accumulators ---------------------------------------------------------------------------- */
static const char *reduction_operator(ReduceOp op)
{
    switch (op) {
    case REDUCE_PROD:
        return "*";
    case REDUCE_MAX:
        return "max";
    case REDUCE_MIN:
        return "min";
    case REDUCE_ANY:
        return "|";
    case REDUCE_ALL:
        return "&";
    default:
        return "+";
    }
}

static void declare_accumulators(Shape *shape, const Stage *stage, int indent, Text *clauses)
{
    Emit *e = shape->e;
    for (int l = 0; l < stage->n_loops; l++) {
        const Loop *loop = stage->loops[l];
        if (loop->kind != LOOP_REDUCE)
            continue;
        DType       dtype = accumulator_dtype(loop);
        const char *acc = arena_printf(e->arena, "%s_acc", emit_buffer_name(e, loop->out));
        const char *type = c_accumulator_type(loop->reduce, dtype),
                   *init = c_reduce_init(loop->reduce, dtype, e->arena);
        text_indent(e->out, indent);
        if (shape->kind == SHAPE_TILE) {
            text_printf(e->out, "%s %s[%d];\n", type, acc, shape->tile);
            text_put(e->out, "#pragma omp simd\n");
            text_indent(e->out, indent);
            text_printf(e->out, "for (int32_t v = 0; v < tile; v++)\n");
            text_indent(e->out, indent + 1);
            text_printf(e->out, "%s[v] = %s;\n", acc, init);
            continue;
        }
        if (uses_keys(shape, loop))
            text_printf(e->out, "%s %s = aotc_order_%s(%s);\n", key_type(loop), acc,
                        dtype_name(dtype), init);
        else
            text_printf(e->out, "%s %s = %s;\n", type, acc, init);
        if (is_positional_reduce(loop->reduce)) {
            text_indent(e->out, indent);
            text_printf(e->out, "int64_t %s_at = 0;\n", acc);
            continue;
        }
        text_printf(clauses, " reduction(%s:%s)", reduction_operator(loop->reduce), acc);
    }
}

static const char *result_text(Shape *shape, const Loop *loop, const char *acc)
{
    Arena *arena = shape->e->arena;
    DType  dtype = accumulator_dtype(loop);
    if (is_positional_reduce(loop->reduce))
        return arena_printf(arena, "%s_at", acc);
    if (shape->kind == SHAPE_TILE)
        acc = arena_printf(arena, "%s[v]", acc);
    else if (uses_keys(shape, loop))
        return arena_printf(arena, "aotc_of_key_%s(%s)", dtype_name(dtype), acc);
    if ((loop->reduce == REDUCE_SUM || loop->reduce == REDUCE_PROD) && !dtype_is_float(dtype))
        return arena_printf(arena, "(%s)%s", c_register_type(dtype), acc);
    return acc;
}

/* Results to their places, at the end of a row's stage. */
static void store_row_results(Shape *shape, Nest *nest)
{
    Arena *arena = shape->e->arena;
    for (int i = 0; i < shape->stores.n; i++) {
        const ShapeStore *store = &shape->stores.items[i];
        const Loop       *loop = store->loop;
        if (loop->kind != LOOP_REDUCE)
            continue;
        DType       to = loop->out->dtype;
        const char *name = emit_buffer_name(shape->e, loop->out),
                   *value = result_text(shape, loop, store->acc);
        if (loop->out->kind != BUFFER_LOCAL)
            nest_line(
                nest, "%s[%s] = %s;", name, store->index,
                c_store(arena, to, c_cast(arena, result_dtype(loop), c_register_dtype(to), value)));
        else if (shape_local(shape, loop->out)->is_kept)
            nest_line(nest, "%s = %s;", name, c_cast(arena, result_dtype(loop), to, value));
    }
}

/* The same for a tile: one more loop over it. */
static Error *store_tile_results(Shape *shape, int indent)
{
    Emit         *e = shape->e;
    const Kernel *k = shape->k;
    const Symbol *var = k->outer[k->n_outer - 1];
    for (int i = 0; i < shape->stores.n; i++) {
        const ShapeStore *store = &shape->stores.items[i];
        const Loop       *loop = store->loop;
        if (loop->kind != LOOP_REDUCE)
            continue;
        const Local *local = loop->out->kind == BUFFER_LOCAL ? shape_local(shape, loop->out) : NULL;
        if (local && !local->is_kept)
            continue;
        Nest nest;
        text_indent(e->out, indent); /* a scope of its own: every store hoists its base as at0 */
        text_put(e->out, "{\n");
        nest_init(&nest, e, k, indent + 1);
        nest.simd = true;
        nest_level(&nest, var, "for (int32_t v = 0; v < tile; v++)",
                   arena_printf(e->arena, "const int64_t %s AOTC_UNUSED = %s_0 + v;", var->name,
                                var->name));
        const char *index = local ? NULL : nest_index(&nest, loop->index);
        TRY(nest_open(&nest));
        DType       to = loop->out->dtype;
        const char *value = result_text(shape, loop, store->acc);
        if (local)
            nest_line(&nest, "%s[v] = %s;", local->name,
                      c_cast(e->arena, result_dtype(loop), to, value));
        else
            nest_line(&nest, "%s[%s] = %s;", emit_buffer_name(e, loop->out), index,
                      c_store(e->arena, to,
                              c_cast(e->arena, result_dtype(loop), c_register_dtype(to), value)));
        nest_close(&nest);
        text_indent(e->out, indent);
        text_put(e->out, "}\n");
    }
    return NULL;
}

/* ---- the stage ------------------------------------------------------------------------------- */
/* Kept locals of earlier stages are read by name. */
static void bind_locals(Shape *shape, Nest *nest, const Stage *stage, int number)
{
    for (int i = 0; i < shape->locals.n; i++) {
        const Local *local = &shape->locals.items[i];
        if (local->stage >= number || !local->is_kept)
            continue;
        if (local->is_row && !stage->n_inner)
            continue;
        bool moves = local->is_row || shape->kind == SHAPE_TILE;
        nest_bind(nest, local->buffer, shape_local_text(shape, local, stage),
                  moves ? nest->levels.n : 0);
    }
}

static bool stage_is_vector(const Stage *stage)
{
    for (int l = 0; l < stage->n_loops; l++) {
        const Loop *loop = stage->loops[l];
        if (loop->accumulate || loop->is_scatter ||
            (loop->kind == LOOP_REDUCE && is_positional_reduce(loop->reduce)))
            return false;
    }
    return true;
}

static void add_levels(Shape *shape, Nest *nest, const Stage *stage)
{
    Emit         *e = shape->e;
    const Kernel *k = shape->k;
    bool          is_tile = shape->kind == SHAPE_TILE;
    for (int d = 0; d < stage->n_inner; d++) {
        bool narrow =
            !is_tile && d == stage->n_inner - 1 && shape_is_narrow(shape, stage->inner_sizes[d]);
        nest_level(nest, stage->inner[d],
                   shape_loop(shape, stage->inner[d], stage->inner_sizes[d], narrow), NULL);
        if (narrow)
            nest->narrow = stage->inner[d];
    }
    if (is_tile) {
        const Symbol *var = k->outer[k->n_outer - 1];
        nest_level(nest, var, "for (int32_t v = 0; v < tile; v++)",
                   arena_printf(e->arena, "const int64_t %s AOTC_UNUSED = %s_0 + v;", var->name,
                                var->name));
    }
    nest->simd = nest->levels.n > 0 && stage_is_vector(stage);
}

Error *shape_print_stage(Shape *shape, const Stage *stage, int number, int indent)
{
    Emit *e = shape->e;
    Nest  nest;
    Text  clauses = text_new(e->arena);
    shape->stores.n = 0;
    shape->stage = stage;
    for (int l = 0; l < stage->n_loops && shape->kind == SHAPE_TILE; l++)
        if (stage->loops[l]->kind == LOOP_REDUCE && is_positional_reduce(stage->loops[l]->reduce))
            return emit_unsupported(e, shape->k,
                                    "a positional reduction with the vector over the outer dim");
    text_indent(e->out, indent);
    text_put(e->out, "{\n");
    declare_accumulators(shape, stage, indent + 1, &clauses);
    nest_init(&nest, e, shape->k, indent + 1);
    nest.reductions = shape->kind == SHAPE_ROWS ? clauses.data : "";
    add_levels(shape, &nest, stage);
    bind_locals(shape, &nest, stage, number);
    shape_add_stage(shape, &nest, stage);
    TRY(nest_open(&nest));
    shape_print_stores(shape, &nest);
    nest_close(&nest);
    if (shape->kind == SHAPE_ROWS)
        store_row_results(shape, &nest);
    else
        TRY(store_tile_results(shape, indent + 1));
    text_indent(e->out, indent);
    text_put(e->out, "}\n");
    return nest.error;
}

void emit_used_symbols_of(Emit *e, const Kernel *k, const char *body, int indent)
{
    Text pointers = text_new(e->arena), *out = e->out;
    e->out = &pointers;
    emit_used_pointers(e, k, body, indent);
    e->out = out;
    emit_used_symbols(e, arena_printf(e->arena, "%s%s", pointers.data, body), indent, "f");
    text_put(e->out, pointers.data);
}
