/* KERNEL_LOOPS as scalar C in `#pragma omp simd` loops.
 *
 * Three shapes:  flat: no inner dims; the last outer dim is the vector.
 *                rows: inner dims; the last of them is the vector, accumulators are scalars.
 *                tile: inner dims; the last outer dim is the vector, taken in tiles; accumulators
 * are arrays.
 *
 *   for (int64_t i0 = lo; i0 < hi; i0++) {        rows: softmax
 *       float m;
 *       { float m_acc = -inf; … for (r0 …) … m = m_acc; }
 *       { … }
 *   } */
#include "emit_c/kernel_shape.h"

#include <string.h>

/* Elements that one thread takes at a time when the vector dim itself is split. */
#define FLAT_GRAIN 64
#define FLAT_BLOCK 1024

/* ---- locals ---------------------------------------------------------------------------------- */
typedef struct LoadedIn {
    Shape *shape;
    int    stage;
} LoadedIn;

static Local *find_local(Shape *shape, const Buffer *b)
{
    for (int i = 0; i < shape->locals.n; i++)
        if (shape->locals.items[i].buffer == b)
            return &shape->locals.items[i];
    return NULL;
}

static void note_load(void *cx, const Scalar *s)
{
    LoadedIn *in = cx;
    Local    *local = s->op == S_LOAD ? find_local(in->shape, s->buffer) : NULL;
    if (local && local->stage != in->stage)
        local->is_kept = true;
}

/* LOCAL buffers in order of first store, and whether a later stage reads them. */
static void collect_locals(Shape *shape)
{
    const Kernel *k = shape->k;
    Arena        *arena = shape->e->arena;
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *loop = k->stages[s]->loops[l];
            if (loop->out->kind != BUFFER_LOCAL || find_local(shape, loop->out))
                continue;
            Local local = {
                .buffer = loop->out, .stage = s, .is_reduced = loop->kind == LOOP_REDUCE};
            local.type = c_register_type(loop->out->dtype);
            local.name = emit_buffer_name(shape->e, loop->out);
            local.is_row = k->stages[s]->n_inner > 0 && loop->kind == LOOP_POINTWISE;
            local.n = local.is_row ? expr_product(shape->e->exprs, k->stages[s]->inner_sizes,
                                                  k->stages[s]->n_inner)
                                   : NULL;
            VEC_PUSH(arena, shape->locals, local);
        }
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            emit_walk_loop(arena, k->stages[s]->loops[l], note_load, &(LoadedIn){shape, s});
}

static const Expr *row_bytes(Shape *shape, const Local *local)
{
    return expr_mul(shape->e->exprs, local->n,
                    expr_int(shape->e->exprs, c_register_dtype(local->buffer->dtype) == DT_F32 ? 4
                                              : local->buffer->dtype == DT_BOOL
                                                  ? 4
                                                  : dtype_size(local->buffer->dtype)));
}

static bool row_is_on_stack(Shape *shape, const Local *local)
{
    int64_t bytes;
    return expr_is_int(row_bytes(shape, local), &bytes) && bytes <= EMIT_MAX_STACK_ROW;
}

const Expr *emit_loops_scratch(Emit *e, const Kernel *k)
{
    Shape shape = {.e = e, .k = k};
    collect_locals(&shape);
    const Expr *sum = expr_int(e->exprs, 0), *line = expr_int(e->exprs, 64);
    for (int i = 0; i < shape.locals.n; i++) {
        const Local *local = &shape.locals.items[i];
        if (local->is_row && local->is_kept && !k->vector_is_outer &&
            !row_is_on_stack(&shape, local))
            sum = expr_add(
                e->exprs, sum,
                expr_mul(e->exprs, expr_ceildiv(e->exprs, row_bytes(&shape, local), line), line));
    }
    return expr_is_value(sum, 0) ? NULL : sum;
}

static void print_row_local(Shape *shape, const Local *local, const Expr **scratch, int indent)
{
    Emit     *e = shape->e;
    ExprPool *p = e->exprs;
    text_indent(e->out, indent);
    if (row_is_on_stack(shape, local)) {
        text_printf(e->out, "%s %s[%s];\n", local->type, local->name, emit_expr(e, local->n));
        return;
    }
    text_printf(
        e->out,
        "%s *restrict %s = (%s *)(f->scratch + (uint64_t)thread * f->scratch_bytes + %s);\n",
        local->type, local->name, local->type, emit_expr(e, *scratch));
    const Expr *line = expr_int(p, 64);
    *scratch =
        expr_add(p, *scratch, expr_mul(p, expr_ceildiv(p, row_bytes(shape, local), line), line));
}

/* Declarations at the top of an outer point, or of a tile. */
static void print_locals(Shape *shape, int indent)
{
    Emit       *e = shape->e;
    const Expr *scratch = expr_int(e->exprs, 0);
    for (int i = 0; i < shape->locals.n; i++) {
        const Local *local = &shape->locals.items[i];
        if (!local->is_kept)
            continue;
        if (shape->kind == SHAPE_ROWS && local->is_row) {
            print_row_local(shape, local, &scratch, indent);
            continue;
        }
        text_indent(e->out, indent);
        if (shape->kind == SHAPE_ROWS)
            text_printf(e->out, "%s %s;\n", local->type, local->name);
        else if (local->is_row)
            text_printf(e->out, "%s %s[(%s)*%d];\n", local->type, local->name,
                        emit_expr(e, local->n), shape->tile);
        else
            text_printf(e->out, "%s %s[%d];\n", local->type, local->name, shape->tile);
    }
}

const char *shape_inner_position(Shape *shape, const Stage *stage)
{
    ExprPool   *p = shape->e->exprs;
    const Expr *position = expr_int(p, 0);
    for (int d = 0; d < stage->n_inner; d++)
        position = expr_add(p, expr_mul(p, position, stage->inner_sizes[d]), stage->inner[d]->self);
    return emit_expr(shape->e, position);
}

const char *shape_local_text(Shape *shape, const Local *local, const Stage *stage)
{
    Arena *arena = shape->e->arena;
    if (shape->kind == SHAPE_ROWS)
        return local->is_row
                   ? arena_printf(arena, "%s[%s]", local->name, shape_inner_position(shape, stage))
                   : local->name;
    if (!local->is_row)
        return arena_printf(arena, "%s[v]", local->name);
    return arena_printf(arena, "%s[(%s)*%d + v]", local->name, shape_inner_position(shape, stage),
                        shape->tile);
}

Local *shape_local(Shape *shape, const Buffer *b)
{
    return find_local(shape, b);
}

/* ---- outer loops ----------------------------------------------------------------------------- */
static bool fits_int32_count(const Expr *size)
{
    ExprRange range = expr_range(size);
    return range.min >= 0 && range.max <= INT32_MAX - 4096;
}

const char *shape_loop(Shape *shape, const Symbol *var, const Expr *size, bool narrow)
{
    Arena      *arena = shape->e->arena;
    const char *to = emit_expr(shape->e, size);
    if (narrow)
        return arena_printf(arena,
                            size->n || size->kind == EXPR_SYMBOL
                                ? "for (int32_t %s = 0; %s < (int32_t)%s; %s++)"
                                : "for (int32_t %s = 0; %s < %s; %s++)",
                            var->name, var->name, to, var->name);
    return arena_printf(arena, "for (int64_t %s = 0; %s < %s; %s++)", var->name, var->name, to,
                        var->name);
}

static void find_wide_load(void *cx, Scalar *s)
{
    bool *found = cx;
    *found |= s->op == S_LOAD && s->mask && dtype_size(s->dtype) == 8;
}

/* gcc 12 loses elements of two interleaved loads of 8 bytes that share a mask, where the mask is
 * made of a 32-bit counter. */
static bool loads_wide_masked(const Kernel *k)
{
    bool found = false, reads_wide = false;
    for (int i = 0; i < k->n_reads; i++)
        reads_wide |= dtype_size(k->reads[i]->dtype) == 8;
    for (int s = 0; s < k->n_stages && reads_wide; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            scalar_walk(&k->stages[s]->loops[l]->value, 1, find_wide_load, &found);
    return found;
}

bool shape_is_narrow(const Shape *shape, const Expr *size)
{
    return fits_int32_count(size) && !loads_wide_masked(shape->k);
}

/* i0 = p / (s1*s2), i1 = p / s2 % s1, i2 = p % s2 for the collapsed leading dims. */
static void print_decode(Shape *shape, const char *flat, int n, int indent)
{
    Emit         *e = shape->e;
    const Kernel *k = shape->k;
    for (int d = 0; d < n; d++) {
        const Expr *below = expr_product(e->exprs, k->outer_sizes + d + 1, n - d - 1);
        text_indent(e->out, indent);
        text_printf(e->out, "const int64_t %s AOTC_UNUSED = %s", k->outer[d]->name, flat);
        if (!expr_is_value(below, 1))
            text_printf(e->out, " / %s", emit_expr(e, below));
        if (d > 0)
            text_printf(e->out, " %% %s", emit_expr(e, k->outer_sizes[d]));
        text_put(e->out, ";\n");
    }
}

/* Opens loops over all outer dims but the last `rest`; the vector dim comes in blocks when it is
 * shared by threads too. Gives the indent inside. */
static int open_outer(Shape *shape, int rest)
{
    Emit         *e = shape->e;
    const Kernel *k = shape->k;
    int           whole = k->n_outer - rest, collapsed = k->parallel < whole ? k->parallel : whole,
        indent = 1;
    const Expr *total = expr_product(e->exprs, k->outer_sizes, collapsed);
    shape->is_blocked = rest == 1 && k->parallel == k->n_outer && shape->block > 0;
    if (shape->is_blocked) {
        text_printf(e->out, "    const int64_t blocks = (%s + %d) / %d;\n",
                    emit_expr(e, k->outer_sizes[whole]), shape->block - 1, shape->block);
        emit_split(e, 1, true, arena_printf(e->arena, "%s * blocks", emit_expr(e, total)), 1);
    } else {
        emit_split(e, 1, k->parallel > 0, emit_expr(e, total), 1);
    }
    if (shape->is_blocked) {
        text_put(e->out, "    for (int64_t p = lo; p < hi; p++) {\n");
        if (collapsed)
            print_decode(shape, "(p / blocks)", collapsed, 2);
        return 2;
    }
    bool        by_name = collapsed == 1;
    const char *p = by_name ? k->outer[0]->name : "p";
    text_printf(e->out, "    for (int64_t %s = lo; %s < hi; %s++) {\n", p, p, p);
    if (!by_name)
        print_decode(shape, "p", collapsed, 2);
    for (int d = collapsed; d < whole; d++) {
        text_indent(e->out, ++indent);
        text_printf(e->out, "%s {\n", shape_loop(shape, k->outer[d], k->outer_sizes[d], false));
    }
    return indent + 1;
}

static void close_braces(Emit *e, int from, int to)
{
    for (int indent = from; indent >= to; indent--) {
        text_indent(e->out, indent);
        text_put(e->out, "}\n");
    }
}

/* ---- flat ------------------------------------------------------------------------------------ */
static bool is_positional(const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            if (k->stages[s]->loops[l]->accumulate || k->stages[s]->loops[l]->is_scatter)
                return true;
    return false;
}

/* `for` of the vector dim: all of it, this thread's part, or one block. */
static const char *flat_vector_loop(Shape *shape, bool narrow)
{
    const Kernel *k = shape->k;
    const Symbol *var = k->outer[k->n_outer - 1];
    const Expr   *size = k->outer_sizes[k->n_outer - 1];
    const char   *type = narrow ? "int32_t" : "int64_t", *cast = narrow ? "(int32_t)" : "";
    if (k->n_outer == 1 || shape->is_blocked)
        return arena_printf(shape->e->arena, "for (%s %s = %s%s; %s < %s%s; %s++)", type, var->name,
                            cast, shape->is_blocked ? "first" : "lo", var->name, cast,
                            shape->is_blocked ? "end" : "hi", var->name);
    return shape_loop(shape, var, size, narrow);
}

static Error *print_flat_nest(Shape *shape, int indent)
{
    const Kernel *k = shape->k;
    Nest          nest;
    nest_init(&nest, shape->e, k, indent);
    if (k->n_outer) {
        const Expr *size = k->outer_sizes[k->n_outer - 1];
        bool        narrow = shape_is_narrow(shape, size);
        nest.simd = !is_positional(k);
        nest.narrow = narrow ? k->outer[k->n_outer - 1] : NULL;
        nest_level(&nest, k->outer[k->n_outer - 1], flat_vector_loop(shape, narrow), NULL);
    }
    for (int s = 0; s < k->n_stages; s++)
        shape_add_stage(shape, &nest, k->stages[s]);
    TRY(nest_open(&nest));
    shape_print_stores(shape, &nest);
    nest_close(&nest);
    return nest.error;
}

static Error *print_flat(Shape *shape)
{
    Emit         *e = shape->e;
    const Kernel *k = shape->k;
    int           indent = 1;
    if (k->n_outer == 1) {
        emit_split(e, 1, k->parallel > 0, emit_expr(e, k->outer_sizes[0]), FLAT_GRAIN);
    } else if (k->n_outer > 1) {
        shape->block = FLAT_BLOCK;
        indent = open_outer(shape, 1);
    } else {
        text_put(e->out, "    if (thread != 0)\n        return;\n");
    }
    if (shape->is_blocked) {
        const char *size = emit_expr(e, k->outer_sizes[k->n_outer - 1]);
        text_printf(e->out, "        const int64_t first = p %% blocks * %d;\n", FLAT_BLOCK);
        text_printf(e->out, "        const int64_t end = first + %d < %s ? first + %d : %s;\n",
                    FLAT_BLOCK, size, FLAT_BLOCK, size);
    }
    TRY(print_flat_nest(shape, indent));
    close_braces(e, indent - 1, 1);
    return NULL;
}

/* ---- rows and tiles -------------------------------------------------------------------------- */
static Error *print_rows(Shape *shape)
{
    Emit *e = shape->e;
    int   indent = open_outer(shape, 0);
    print_locals(shape, indent);
    for (int s = 0; s < shape->k->n_stages; s++)
        TRY(shape_print_stage(shape, shape->k->stages[s], s, indent));
    close_braces(e, indent - 1, 1);
    return NULL;
}

/* Large tiles read long pieces of memory; kept rows have to fit the stack with them. */
static int tile_size(Shape *shape)
{
    const Kernel *k = shape->k;
    int64_t       last = 0, row = 0;
    int           tile = 256;
    for (int i = 0; i < shape->locals.n; i++) {
        int64_t n = 0;
        if (shape->locals.items[i].is_row && shape->locals.items[i].is_kept)
            row += expr_is_int(shape->locals.items[i].n, &n) ? n * 8 : INT32_MAX;
    }
    while (tile > 16 && expr_is_int(k->outer_sizes[k->n_outer - 1], &last) && last <= tile / 2)
        tile /= 2;
    while (tile > 8 && row * tile > EMIT_MAX_STACK_ROW)
        tile /= 2;
    return row * tile > 4 * EMIT_MAX_STACK_ROW ? 0 : tile;
}

static Error *print_tiles(Shape *shape)
{
    Emit         *e = shape->e;
    const Kernel *k = shape->k;
    const Symbol *var = k->outer[k->n_outer - 1];
    const char   *size = emit_expr(e, k->outer_sizes[k->n_outer - 1]);
    shape->tile = shape->block = tile_size(shape);
    if (!shape->tile)
        return emit_unsupported(
            e, k, "rows of intermediate values are too long for tiles over the outer dim");
    int indent = open_outer(shape, 1);
    text_indent(e->out, indent);
    if (shape->is_blocked) {
        text_printf(e->out, "const int64_t %s_0 = p %% blocks * %d;\n", var->name, shape->tile);
    } else {
        text_printf(e->out, "for (int64_t %s_0 = 0; %s_0 < %s; %s_0 += %d) {\n", var->name,
                    var->name, size, var->name, shape->tile);
        indent++;
    }
    text_indent(e->out, indent);
    text_printf(e->out, "const int32_t tile = %s - %s_0 < %d ? (int32_t)(%s - %s_0) : %d;\n", size,
                var->name, shape->tile, size, var->name, shape->tile);
    print_locals(shape, indent);
    for (int s = 0; s < k->n_stages; s++)
        TRY(shape_print_stage(shape, k->stages[s], s, indent));
    close_braces(e, indent - 1, 1);
    return NULL;
}

/* ---- the function ---------------------------------------------------------------------------- */
static Error *print_body(Shape *shape)
{
    const Kernel *k = shape->k;
    bool          has_inner = false;
    for (int s = 0; s < k->n_stages; s++)
        has_inner |= k->stages[s]->n_inner > 0;
    shape->kind = !has_inner                         ? SHAPE_FLAT
                  : k->vector_is_outer && k->n_outer ? SHAPE_TILE
                                                     : SHAPE_ROWS;
    collect_locals(shape);
    switch (shape->kind) {
    case SHAPE_FLAT:
        return print_flat(shape);
    case SHAPE_ROWS:
        return print_rows(shape);
    default:
        return print_tiles(shape);
    }
}

Error *emit_loops_kernel(Emit *e, const Kernel *k)
{
    Shape shape = {.e = e, .k = k};
    Text  body = text_new(e->arena), *out = e->out;
    e->out = &body;
    Error *error = print_body(&shape);
    e->out = out;
    if (error)
        return error_wrap(e->arena, error, "emitting kernel %s", k->name);
    emit_kernel_signature(e, k);
    emit_used_symbols_of(e, k, body.data, 1);
    text_put(e->out, body.data);
    text_put(e->out, "}\n\n");
    return NULL;
}
