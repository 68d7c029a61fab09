/* Epilogues of products on a GPU: the kernel's stage as a lambda over adjacent sums of one row.
 *
 *   y[768*i0 + i1] = relu(result + bias[i1])   becomes
 *
 *   auto t_fetch = [&](auto t_width, int64_t t_z, int64_t t_m, int64_t t_n) {
 *       struct { } t_from = {};
 *       return t_from;
 *   };
 *   auto t_columns = [&](auto t_width, int64_t t_z, int64_t t_m, int64_t t_n) {
 *       struct { aotc_vec<float, t_w> t_in0; } t_from = {aotc_load_fixed<t_w>(bias + (n0))};
 *       return t_from;
 *   };
 *   auto t_finish = [&](auto t_width, int64_t t_z, int64_t t_m, int64_t t_n, const auto &acc,
 *                       const auto &t_from, const auto &t_beside) {
 *       aotc_vec<float, t_w> t_out0;
 *       for (int v = 0; v < t_w; v++)
 *           t_out0[v] = aotc_maximum_f32(acc[v] + t_beside.t_in0[v], 0);
 *       aotc_put<t_w>(y + (768*i0 + n0), t_out0);
 *   };
 *   auto t_ahead = [&](int64_t t_z, int64_t t_m, int64_t t_n) { aotc_prefetch(bias + (n0)); };
 *   auto t_epilogue = aotc_make_epilogue(t_fetch, t_columns, t_finish, t_ahead);
 *
 * Buffers that the last dim steps through one by one are loaded before the loop and stored after
 * it: in t_fetch when the kernel does not write them, so that callers can load before they have the
 * sums, in t_columns when they are also the same for each row; constants can be asked for before
 * launches in front have ended. */
#include "emit_cuda/product.h"

typedef struct Stream {
    const Buffer *buffer;
    const Expr   *index; /* with the last variable */
    const Expr   *rest;  /* without it */
    bool          usable;
} Stream;

typedef struct Streams {
    CudaEmit     *c;
    const Kernel *k;
    const Symbol *last;
    VEC(Stream) items;
} Streams;

typedef struct Column {
    const Loop   *loop; /* NULL: the raw result */
    const Buffer *out;
    const char   *index;
    const Expr   *rest; /* stored as a vector at rest + n0, or NULL */
    int           item, mask;
} Column;

/* Does the last variable step through the buffer one by one? */
static const Expr *stream_rest(Streams *s, const Expr *index)
{
    const Expr *coeff, *rest;
    if (!expr_linear(s->c->e.exprs, index, s->last, &coeff, &rest) || !expr_is_value(coeff, 1) ||
        expr_contains_kind(rest, SYM_SCALAR))
        return NULL;
    return rest;
}

static bool is_written(const Kernel *k, const Buffer *b)
{
    for (int i = 0; i < k->n_writes; i++)
        if (k->writes[i] == b)
            return true;
    return false;
}

static void note_load(void *cx, const Scalar *scalar)
{
    Streams *s = cx;
    if (scalar->op != S_LOAD || scalar->buffer->kind == BUFFER_LOCAL ||
        scalar->buffer == s->k->result)
        return;
    for (int i = 0; i < s->items.n; i++)
        if (s->items.items[i].buffer == scalar->buffer) {
            s->items.items[i].usable &= s->items.items[i].index == scalar->index && !scalar->mask;
            return;
        }
    const Expr *rest = stream_rest(s, scalar->index);
    VEC_PUSH(s->c->e.arena, s->items,
             ((Stream){scalar->buffer, scalar->index, rest,
                       rest && !scalar->mask && !is_written(s->k, scalar->buffer)}));
}

static void find_streams(Streams *s)
{
    for (int i = 0; i < s->k->n_stages; i++)
        for (int l = 0; l < s->k->stages[i]->n_loops; l++)
            emit_walk_loop(s->c->e.arena, s->k->stages[i]->loops[l], note_load, s);
}

/* ---- columns that are stored ----------------------------------------------------------------- */

static Error *check(CudaEmit *c, const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            if (k->stages[s]->n_inner || k->stages[s]->loops[l]->kind != LOOP_POINTWISE ||
                k->stages[s]->loops[l]->accumulate)
                return emit_unsupported(&c->e, k, "an epilogue that is not pointwise");
    if (k->n_outer > 0)
        return NULL;
    return error_new(c->e.arena, E_INTERNAL, k->where, "template kernel %s has no result dims",
                     k->name);
}

static bool stores_raw(const Kernel *k)
{
    return k->result && (k->n_stages == 0 || k->result->kind != BUFFER_LOCAL);
}

static int count_columns(const Kernel *k)
{
    int n = stores_raw(k);
    for (int s = 0; s < k->n_stages; s++)
        n += k->stages[s]->n_loops;
    return n;
}

static void add_column(Streams *s, Nest *nest, Column *out, const Loop *loop)
{
    const Kernel *k = s->k;
    *out = (Column){.loop = loop, .mask = -1, .out = loop ? loop->out : k->result};
    const Expr *index = loop ? loop->index : emit_result_index(&s->c->e, k);
    if (loop) {
        out->item = nest_root(nest, loop->value);
        if (loop->mask) {
            out->mask = nest_root(nest, loop->mask);
            nest_want_variable(nest, out->mask);
        }
    }
    if (out->out->kind != BUFFER_LOCAL) {
        out->rest = loop && loop->mask ? NULL : stream_rest(s, index);
        if (!out->rest)
            out->index = nest_index(nest, index);
    }
    if (loop)
        nest_stored(nest, loop->out, loop->index, out->item);
}

static void add_columns(Streams *s, Nest *nest, Column *columns)
{
    int n = 0;
    if (stores_raw(s->k))
        add_column(s, nest, &columns[n++], NULL);
    for (int i = 0; i < s->k->n_stages; i++)
        for (int l = 0; l < s->k->stages[i]->n_loops; l++)
            add_column(s, nest, &columns[n++], s->k->stages[i]->loops[l]);
}

/* Sums of integers are unsigned, where overflow wraps. */
static const char *raw_text(Emit *e, const Kernel *k)
{
    return dtype_is_float(k->result->dtype)
               ? "acc[v]"
               : arena_printf(e->arena, "(%s)acc[v]", c_register_type(k->result->dtype));
}

static const char *column_value(Emit *e, const Nest *nest, const Column *c, const char *raw)
{
    if (!c->loop)
        return c_store(e->arena, c->out->dtype, raw);
    DType       from = c->loop->value->dtype, to = c_register_dtype(c->out->dtype);
    const char *value = nest_text(nest, c->item);
    return c_store(e->arena, c->out->dtype,
                   c_register_dtype(from) == to ? value : c_cast(e->arena, from, to, value));
}

int cuda_epilogue_width(CudaEmit *c, const Kernel *k)
{
    Streams s = {.c = c, .k = k, .last = k->outer[k->n_outer - 1]};
    int64_t n;
    int     width = 4;
    if (expr_is_int(k->outer_sizes[k->n_outer - 1], &n) && n % 8)
        return 4;
    if (stores_raw(k) && dtype_size(k->result->dtype) <= 2 &&
        stream_rest(&s, emit_result_index(&c->e, k)))
        width = 8;
    for (int i = 0; i < k->n_stages; i++)
        for (int l = 0; l < k->stages[i]->n_loops; l++) {
            const Loop *loop = k->stages[i]->loops[l];
            if (loop->out->kind != BUFFER_LOCAL && dtype_size(loop->out->dtype) <= 2 &&
                stream_rest(&s, loop->index))
                width = 8;
        }
    return width;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Storage of these starts at a multiple of 16 bytes. */
static bool is_aligned(CudaEmit *c, const EpilogueDims *dims, const Buffer *b, const Expr *rest,
                       int width)
{
    while (b->alias)
        b = b->alias;
    return dims->column_is_aligned && (b->kind == BUFFER_TEMP || b->kind == BUFFER_CONSTANT) &&
           expr_is_value(expr_mod(c->e.exprs, rest, expr_int(c->e.exprs, width)), 0);
}

/* An index without the last variable.  Where rows lie at one stride, as in a dense result, that is
 * a multiple of t_m: the digits of t_m, divisions in 64 bits, are not needed. */
static const char *row_text(CudaEmit *c, const Kernel *k, const EpilogueDims *dims,
                            const Expr *index)
{
    ExprPool   *pool = c->e.exprs;
    const Expr *left = index, *unit = NULL, *next = NULL, *coeff;
    for (int d = dims->row + dims->n_row - 1; d >= dims->row; d--) {
        if (!expr_linear(pool, left, k->outer[d], &coeff, &left))
            return emit_expr(&c->e, index);
        if (expr_is_value(k->outer_sizes[d], 1))
            continue;
        if (unit && coeff != next)
            return emit_expr(&c->e, index);
        if (!unit)
            unit = coeff;
        next = expr_mul(pool, coeff, k->outer_sizes[d]);
    }
    if (!unit || expr_is_value(unit, 0))
        return emit_expr(&c->e, index);
    const char *rows = arena_printf(c->e.arena, "(%s)*t_m", emit_expr(&c->e, unit));
    return expr_is_value(left, 0)
               ? rows
               : arena_printf(c->e.arena, "%s + (%s)", rows, emit_expr(&c->e, left));
}

static const char *address(const Streams *s, const EpilogueDims *dims, const Buffer *b,
                           const Expr *rest)
{
    Emit       *e = &s->c->e;
    const char *name = emit_buffer_name(e, b);
    return expr_is_value(rest, 0)
               ? arena_printf(e->arena, "%s + n0", name)
               : arena_printf(e->arena, "%s + (%s + n0)", name, row_text(s->c, s->k, dims, rest));
}

/* Does nothing that the kernel writes stand in the buffer's memory? */
static bool is_fixed(const Kernel *k, const Buffer *b)
{
    for (int i = 0; i < k->n_writes; i++)
        if (emit_shares_memory(k->writes[i], b))
            return false;
    return true;
}

static bool is_constant(const Buffer *b)
{
    while (b->alias)
        b = b->alias;
    return b->kind == BUFFER_CONSTANT;
}

typedef enum StreamPlace {
    STREAM_HERE,    /* loaded in t_finish: the kernel writes it */
    STREAM_ROWS,    /* in t_fetch */
    STREAM_COLUMNS, /* in t_columns */
} StreamPlace;

static StreamPlace stream_place(const Streams *s, const EpilogueDims *dims, const Stream *stream)
{
    if (!is_fixed(s->k, stream->buffer))
        return STREAM_HERE;
    for (int d = dims->row; d < dims->row + dims->n_row; d++)
        if (expr_contains(stream->rest, s->k->outer[d]))
            return STREAM_ROWS;
    return STREAM_COLUMNS;
}

static const char *stream_load(const Streams *s, const EpilogueDims *dims, const Stream *stream,
                               int width)
{
    return arena_printf(s->c->e.arena, "aotc_load%s%s<t_w>(%s)",
                        is_fixed(s->k, stream->buffer) ? "_fixed" : "",
                        is_aligned(s->c, dims, stream->buffer, stream->rest, width) ? "" : "_any",
                        address(s, dims, stream->buffer, stream->rest));
}

static const char *stream_type(const Streams *s, const Stream *stream)
{
    return arena_printf(s->c->e.arena, "aotc_vec<%s, t_w>", c_storage_type(stream->buffer->dtype));
}

static void open_streams(Streams *s, Nest *nest, const EpilogueDims *dims, int width)
{
    Emit *e = &s->c->e;
    for (int i = 0; i < s->items.n; i++) {
        const Stream *stream = &s->items.items[i];
        if (!stream->usable)
            continue;
        StreamPlace place = stream_place(s, dims, stream);
        const char *of[] = {"", "t_from.", "t_beside."};
        const char *name = arena_printf(e->arena, "%st_in%d", of[place], i);
        if (place == STREAM_HERE)
            nest_line(nest, "const %s %s = %s;", stream_type(s, stream), name,
                      stream_load(s, dims, stream, width));
        nest_bind(nest, stream->buffer,
                  c_load(e->arena, stream->buffer->dtype, arena_printf(e->arena, "%s[v]", name)),
                  1);
    }
}

static void print_stores(CudaEmit *c, Nest *nest, const Column *columns, int n)
{
    const char *raw = nest->k->result ? raw_text(&c->e, nest->k) : NULL;
    for (int i = 0; i < n; i++) {
        const Column *col = &columns[i];
        const char   *value = column_value(&c->e, nest, col, raw);
        if (col->mask >= 0)
            nest_line(nest, "if (%s)", nest_text(nest, col->mask));
        if (col->rest)
            nest_line(nest, "t_out%d[v] = %s;", i, value);
        else if (col->index)
            nest_line(nest, "%s[%s] = %s;", emit_buffer_name(&c->e, col->out), col->index, value);
    }
}

static Error *print_body(Streams *s, const EpilogueDims *dims)
{
    Nest          nest;
    CudaEmit     *c = s->c;
    const Kernel *k = s->k;
    int           n = count_columns(k), width = cuda_epilogue_width(c, k);
    Column       *columns = ARENA_ARRAY(c->e.arena, Column, n + 1);
    nest_init(&nest, &c->e, k, 2);
    nest_level(&nest, s->last, "_Pragma(\"unroll\") for (int v = 0; v < t_w; v++)",
               arena_printf(c->e.arena, "const int64_t %s AOTC_UNUSED = n0 + v;", s->last->name));
    if (k->result)
        nest_bind(&nest, k->result, raw_text(&c->e, k), 1);
    open_streams(s, &nest, dims, width);
    add_columns(s, &nest, columns);
    for (int i = 0; i < n; i++)
        if (columns[i].rest)
            nest_line(&nest, "aotc_vec<%s, t_w> t_out%d;", c_storage_type(columns[i].out->dtype),
                      i);
    TRY(nest_open(&nest));
    print_stores(c, &nest, columns, n);
    nest_close(&nest);
    for (int i = 0; i < n; i++)
        if (columns[i].rest)
            nest_line(&nest, "aotc_%s<t_w>(%s, t_out%d);",
                      is_aligned(c, dims, columns[i].out, columns[i].rest, width) ? "put"
                                                                                  : "store_any",
                      address(s, dims, columns[i].out, columns[i].rest), i);
    return nest.error;
}

/* ---- the parts ------------------------------------------------------------------------------- */

static const char *part_head(CudaEmit *c, const EpilogueDims *dims, const char *name,
                             const char *more, bool has_width)
{
    return arena_printf(c->e.arena,
                        "    auto %s = [&](%sint64_t t_z, int64_t t_m, int64_t t_n%s) {\n"
                        "%s%s        const int64_t n0 AOTC_UNUSED = %s;\n",
                        name, has_width ? "auto t_width, " : "", more,
                        has_width ? "        constexpr int t_w = decltype(t_width)::value;\n" : "",
                        dims->decode, dims->column);
}

static void print_fetch(const Streams *s, const EpilogueDims *dims, int width, const char *name,
                        StreamPlace place, Text *out)
{
    Text members = text_new(s->c->e.arena), values = text_new(s->c->e.arena);
    for (int i = 0; i < s->items.n; i++) {
        const Stream *stream = &s->items.items[i];
        if (!stream->usable || stream_place(s, dims, stream) != place)
            continue;
        text_printf(&members, "            %s t_in%d;\n", stream_type(s, stream), i);
        text_printf(&values, "%s%s", values.n ? ", " : "", stream_load(s, dims, stream, width));
    }
    text_printf(out,
                "%s        struct {\n%s        } t_from = {%s};\n        return t_from;\n    };\n",
                part_head(s->c, dims, name, "", true), members.n ? members.data : "",
                values.n ? values.data : "");
}

static void print_ahead(const Streams *s, const EpilogueDims *dims, Text *out)
{
    text_put(out, part_head(s->c, dims, "t_ahead", "", false));
    for (int i = 0; i < s->items.n; i++)
        if (s->items.items[i].usable && is_constant(s->items.items[i].buffer))
            text_printf(out, "        aotc_prefetch(%s);\n",
                        address(s, dims, s->items.items[i].buffer, s->items.items[i].rest));
    text_put(out, "    };\n");
}

Error *cuda_epilogue(CudaEmit *c, const Kernel *k, const EpilogueDims *dims, Text *out)
{
    TRY(check(c, k));
    Streams s = {.c = c, .k = k, .last = k->outer[k->n_outer - 1]};
    Text   *was = c->e.out, body = text_new(c->e.arena);
    find_streams(&s);
    c->e.out = &body;
    Error *error = print_body(&s, dims);
    c->e.out = was;
    if (error)
        return error_wrap(c->e.arena, error, "emitting the epilogue of kernel %s", k->name);
    print_fetch(&s, dims, cuda_epilogue_width(c, k), "t_fetch", STREAM_ROWS, out);
    print_fetch(&s, dims, cuda_epilogue_width(c, k), "t_columns", STREAM_COLUMNS, out);
    text_printf(out, "%s%s    };\n",
                part_head(c, dims, "t_finish",
                          ", const auto &acc, const auto &t_from, const auto &t_beside", true),
                body.data);
    print_ahead(&s, dims, out);
    text_put(out,
             "    auto t_epilogue = aotc_make_epilogue(t_fetch, t_columns, t_finish, t_ahead);\n");
    return NULL;
}
