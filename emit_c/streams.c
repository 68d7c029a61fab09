/* What the epilogue of a product reads and writes in whole rows, for the runtime to prefetch.
 *
 *   y[256*m + n] = acc + bias[n] + x[256*m + n]
 *   ->  const rt_stream t_streams[] = {{x, 1024}, {y, 1024}};   (base of row 0, bytes of a row) */
#include "emit_c/templates.h"
#include "emit_c/nest.h"

#define MAX_STREAMS 4 /* RT_MAX_STREAMS */

typedef struct Streams {
    Emit         *e;
    const Kernel *k;
    int           n_batch;
    Text          list;
    int           n;
    const Buffer *buffers[MAX_STREAMS];
    const Expr   *indices[MAX_STREAMS];
} Streams;

/* Are the elements at `index` of all rows and columns one dense block?  *base: the index of the
 * first, as C text. */
static bool is_dense(const Streams *s, const Expr *index, const char **base)
{
    ExprPool   *p = s->e->exprs;
    const Expr *step = expr_int(p, 1), *rest = index, *factor;
    Text        text = text_new(s->e->arena);
    for (int d = s->k->n_outer - 1; d >= 0; d--) {
        if (!expr_linear(p, rest, s->k->outer[d], &factor, &rest))
            return false;
        if (d < s->n_batch) {
            if (!expr_is_value(factor, 0))
                text_printf(&text, " + t_b%d * (%s)", d, emit_expr(s->e, factor));
        } else if (!expr_is_value(s->k->outer_sizes[d], 1)) {
            if (!expr_prove_eq(p, factor, step))
                return false;
            step = expr_mul(p, step, s->k->outer_sizes[d]);
        }
    }
    if (expr_contains_kind(rest, SYM_SCALAR))
        return false;
    if (!expr_is_value(rest, 0))
        text_printf(&text, " + (%s)", emit_expr(s->e, rest));
    *base = text.n ? text.data : "";
    return true;
}

static void add_stream(Streams *s, const Buffer *buffer, const Expr *index)
{
    const char *base;
    if (buffer->kind == BUFFER_LOCAL || s->n == MAX_STREAMS)
        return;
    for (int i = 0; i < s->n; i++)
        if (s->buffers[i] == buffer && s->indices[i] == index)
            return;
    if (!is_dense(s, index, &base))
        return;
    s->buffers[s->n] = buffer, s->indices[s->n] = index;
    text_printf(&s->list, "%s{%s%s, %s}", s->n ? ", " : "", emit_buffer_name(s->e, buffer), base,
                emit_expr(s->e, expr_mul(s->e->exprs, s->k->outer_sizes[s->k->n_outer - 1],
                                         expr_int(s->e->exprs, dtype_size(buffer->dtype)))));
    s->n++;
}

static void visit_load(void *cx, const Scalar *scalar)
{
    if (scalar->op == S_LOAD)
        add_stream(cx, scalar->buffer, scalar->index);
}

int emit_streams(Emit *e, const Kernel *k, int n_batch, int indent)
{
    Streams s = {.e = e, .k = k, .n_batch = n_batch, .list = text_new(e->arena)};
    for (int i = 0; i < k->n_stages; i++)
        for (int l = 0; l < k->stages[i]->n_loops; l++)
            emit_walk_loop(e->arena, k->stages[i]->loops[l], visit_load, &s);
    for (int i = 0; i < k->n_stages; i++)
        for (int l = 0; l < k->stages[i]->n_loops; l++)
            add_stream(&s, k->stages[i]->loops[l]->out, k->stages[i]->loops[l]->index);
    if (k->result)
        add_stream(&s, k->result, emit_result_index(e, k));
    if (s.n == 0)
        return 0;
    text_indent(e->out, indent);
    text_printf(e->out, "const rt_stream t_streams[] = {%s};\n", s.list.data);
    return s.n;
}
