/* Functions around templates: epilogues over rows of accumulators, and values of a loop along one
 * dim.
 *
 *   k3_epilogue(&a, m, n0, 16, acc):  y[768*m + n0 + v] = acc[v] + bias[n0 + v]   for v < 16 */
#include "emit_c/nest.h"

#include <string.h>

static Error *check_dims(Emit *e, const Kernel *k)
{
    if (k->n_outer > 0)
        return NULL;
    return error_new(e->arena, E_INTERNAL, k->where, "template kernel %s has no result dims",
                     k->name);
}

int emit_result_rank(const Kernel *k)
{
    return k->n_outer;
}

const Expr *emit_result_index(Emit *e, const Kernel *k)
{
    const Buffer *b = k->result;
    ExprPool     *p = e->exprs;
    const Expr   *sum = b->offset ? b->offset : expr_int(p, 0);
    const Expr   *step = expr_int(p, 1);
    bool          is_conv = k->kind == KERNEL_CONV || k->kind == KERNEL_DEPTHWISE;
    if (k->kind == KERNEL_GEMM || (!is_conv && b->rank != k->n_outer)) {
        for (int d = k->n_outer - 1; d >= 0; d--) {
            sum = expr_add(p, sum, expr_mul(p, k->outer[d]->self, step));
            step = expr_mul(p, step, k->outer_sizes[d]);
        }
        return sum;
    }
    for (int d = 0; d < b->rank; d++) {
        int outer = d; /* a convolution's n, [d, [h,]] w, c; its buffer is n, c, spatial */
        if (is_conv)
            outer = d == 0 ? 0 : d == 1 ? k->n_outer - 1 : k->n_outer - 1 - (b->rank - d);
        if (!expr_is_value(b->sizes[d], 1))
            sum = expr_add(p, sum, expr_mul(p, k->outer[outer]->self, b->strides[d]));
    }
    return sum;
}

typedef struct Column {
    const Loop *loop; /* NULL: the raw result */
    const char *index;
    int         item, mask;
} Column;

static const char *column_value(Emit *e, Nest *nest, const Column *c, const Buffer *out)
{
    if (!c->loop)
        return c_store(e->arena, out->dtype, "acc[v]");
    DType       from = c->loop->value->dtype, to = c_register_dtype(out->dtype);
    const char *value = nest_text(nest, c->item);
    return c_store(e->arena, out->dtype,
                   c_register_dtype(from) == to ? value : c_cast(e->arena, from, to, value));
}

static void add_columns(Emit *e, Nest *nest, const Kernel *k, Column *columns, int *n)
{
    *n = 0;
    if (k->result && (k->n_stages == 0 || k->result->kind != BUFFER_LOCAL))
        columns[(*n)++] = (Column){.index = nest_index(nest, emit_result_index(e, k)), .mask = -1};
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++) {
            const Loop *loop = k->stages[s]->loops[l];
            Column      c = {.loop = loop, .item = nest_root(nest, loop->value), .mask = -1};
            if (loop->mask) {
                c.mask = nest_root(nest, loop->mask);
                nest_want_variable(nest, c.mask);
            }
            if (loop->out->kind != BUFFER_LOCAL)
                c.index = nest_index(nest, loop->index);
            nest_stored(nest, loop->out, loop->index, c.item);
            columns[(*n)++] = c;
        }
}

static int count_loops(const Kernel *k)
{
    int n = 1;
    for (int s = 0; s < k->n_stages; s++)
        n += k->stages[s]->n_loops;
    return n;
}

static Error *check_epilogue(Emit *e, const Kernel *k)
{
    for (int s = 0; s < k->n_stages; s++)
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            if (k->stages[s]->n_inner || k->stages[s]->loops[l]->kind != LOOP_POINTWISE ||
                k->stages[s]->loops[l]->accumulate)
                return emit_unsupported(e, k, "an epilogue that is not pointwise");
    return check_dims(e, k);
}

/* The loop over the columns, into e->out. */
static Error *print_columns(Emit *e, const Kernel *k)
{
    Nest          nest;
    const Symbol *last = k->outer[k->n_outer - 1];
    Column       *columns = ARENA_ARRAY(e->arena, Column, count_loops(k));
    int           n;
    nest_init(&nest, e, k, 1);
    nest.simd = true;
    nest_level(&nest, last, "for (int64_t v = 0; v < n_count; v++)",
               arena_printf(e->arena, "const int64_t %s AOTC_UNUSED = n0 + v;", last->name));
    if (k->result)
        nest_bind(&nest, k->result, "acc[v]", 1);
    add_columns(e, &nest, k, columns, &n);
    TRY(nest_open(&nest));
    for (int i = 0; i < n; i++) {
        const Buffer *out = columns[i].loop ? columns[i].loop->out : k->result;
        if (!columns[i].index)
            continue;
        if (columns[i].mask >= 0)
            nest_line(&nest, "if (%s)", nest_text(&nest, columns[i].mask));
        nest_line(&nest, "%s[%s] = %s;", emit_buffer_name(e, out), columns[i].index,
                  column_value(e, &nest, &columns[i], out));
    }
    nest_close(&nest);
    return nest.error;
}

/* "const float *restrict x = (const float *)f->inputs[0];" lines -> struct fields, assignments and
 * locals. */
typedef struct Fields {
    Text fields, open, locals;
} Fields;

static void split_declarations(Emit *e, const char *lines, Fields *out)
{
    while (*lines) {
        const char *end = strchr(lines, '\n'), *equals = strstr(lines, " = ");
        lines += strspn(lines, " ");
        const char *declaration = arena_strndup(e->arena, lines, (size_t)(equals - lines));
        const char *name = declaration + strlen(declaration);
        while (name > declaration && name[-1] != ' ' && name[-1] != '*')
            name--;
        if (strncmp(declaration, "const int64_t ", 14) == 0 ||
            strncmp(declaration, "const double ", 13) == 0)
            text_printf(&out->fields, "    %s;\n",
                        strchr(declaration, ' ') + (strstr(declaration, "*") ? 0 : 1));
        else
            text_printf(&out->fields, "    %s;\n", declaration);
        text_printf(&out->open, "    a->%s = %s\n", name,
                    arena_strndup(e->arena, equals + 3, (size_t)(end - equals - 3)));
        text_printf(&out->locals, "    %s = a->%s;\n", declaration, name);
        lines = end + 1;
    }
}

static const char *declarations_for(Emit *e, const Kernel *k, const char *body, bool symbols)
{
    Text lines = text_new(e->arena), *out = e->out;
    e->out = &lines;
    if (symbols)
        emit_used_symbols(e, body, 0, "f");
    else
        emit_used_pointers(e, k, body, 0);
    e->out = out;
    return lines.data;
}

static void print_functions(Emit *e, const Kernel *k, const char *acc_type, const char *body)
{
    const char *name = emit_kernel_name(e, k);
    Fields      fields = {text_new(e->arena), text_new(e->arena), text_new(e->arena)};
    const char *pointers = declarations_for(e, k, body, false);
    split_declarations(e, declarations_for(e, k, body, true), &fields);
    split_declarations(e, pointers, &fields);
    text_printf(e->out,
                "typedef struct %s_args {\n    const aotc_model_frame *f;\n%s} %s_args;\n\n", name,
                fields.fields.data, name);
    text_printf(
        e->out,
        "static inline AOTC_UNUSED void %s_open(const aotc_model_frame *f, %s_args *a)\n{\n", name,
        name);
    emit_used_symbols(e, pointers, 1, "f");
    text_printf(e->out, "    a->f = f;\n%s}\n\n", fields.open.data);
    text_printf(e->out, "static inline AOTC_UNUSED void %s_epilogue(const %s_args *a", name, name);
    for (int d = 0; d + 1 < k->n_outer; d++)
        text_printf(e->out, ", int64_t %s AOTC_UNUSED", k->outer[d]->name);
    text_printf(e->out, ", int64_t n0, int64_t n_count, const %s *restrict acc)\n{\n", acc_type);
    if (emit_mentions(body, "f"))
        text_put(e->out, "    const aotc_model_frame *f = a->f;\n");
    text_printf(e->out, "%s%s}\n\n", fields.locals.data, body);
}

Error *emit_epilogue(Emit *e, const Kernel *k, const char *acc_type)
{
    TRY(check_epilogue(e, k));
    Text body = text_new(e->arena), *out = e->out;
    e->out = &body;
    Error *error = print_columns(e, k);
    e->out = out;
    if (error)
        return error_wrap(e->arena, error, "emitting the epilogue of kernel %s", k->name);
    print_functions(e, k, acc_type, body.data);
    return NULL;
}

/* ---- values along one dim -------------------------------------------------------------------- */
static Error *print_row_values(Emit *e, const Kernel *k, const Loop *loop, int axis)
{
    Nest nest;
    nest_init(&nest, e, k, 1);
    nest.simd = true;
    nest_level(
        &nest, loop->vars[axis], "for (int64_t v = 0; v < count; v++)",
        arena_printf(e->arena, "const int64_t %s AOTC_UNUSED = from + v;", loop->vars[axis]->name));
    int item = nest_root(&nest, loop->value);
    TRY(nest_open(&nest));
    nest_line(&nest, "out[v] = %s;", nest_text(&nest, item));
    nest_close(&nest);
    return nest.error;
}

Error *emit_row_function(Emit *e, const Kernel *k, const Loop *loop, int axis, const char *name)
{
    Text body = text_new(e->arena), *out = e->out;
    e->out = &body;
    Error *error = print_row_values(e, k, loop, axis);
    e->out = out;
    if (error)
        return error_wrap(e->arena, error, "emitting a row of kernel %s", k->name);
    text_printf(e->out, "static inline AOTC_UNUSED void %s(const aotc_model_frame *f AOTC_UNUSED",
                name);
    for (int d = 0; d < loop->n_dims; d++)
        if (d != axis)
            text_printf(e->out, ", int64_t %s AOTC_UNUSED", loop->vars[d]->name);
    text_printf(e->out, ", int64_t from, int64_t count, %s *restrict out)\n{\n",
                c_register_type(loop->value->dtype));
    const char *pointers = declarations_for(e, k, body.data, false);
    emit_used_symbols(e, arena_printf(e->arena, "%s%s", pointers, body.data), 1, "f");
    emit_used_pointers(e, k, body.data, 1);
    text_printf(e->out, "%s}\n\n", body.data);
    return NULL;
}
