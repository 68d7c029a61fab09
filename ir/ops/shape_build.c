/* Building the nodes of an expansion: what of shape_util.h starts with build_.
 *
 * In: a node that is to be replaced, and calls by name.  Out: new nodes before it, with types. */
#include "ir/ops/shape_util.h"

#include <assert.h>
#include <string.h>

Build build_at(Node *node)
{
    return (Build){.at = node, .graph = node->graph};
}

Value *build_args(Build *b, const char *op, const Arg *args, int n)
{
    Value *out = NULL;
    if (!b->error)
        b->error = build_call(b->graph, b->at, op, args, n, &out);
    return b->error ? NULL : out;
}

Node *build_args_node(Build *b, const char *op, const Arg *args, int n)
{
    Node *out = NULL;
    if (!b->error)
        b->error = build_node(b->graph, b->at, op, args, n, &out);
    return b->error ? NULL : out;
}

/* "aotc::windows(Tensor self" gives "aotc.windows.default". */
static const char *register_internal(Build *b, const char *schema)
{
    const char     *open = strchr(schema, '(');
    const char     *name = arena_printf(b->graph->ir->arena, "aotc.%.*s.default",
                                        (int)(open - schema - 6), schema + 6);
    const OpSchema *found = schema_find(b->graph->ir, name);
    if (!found && !b->error)
        b->error = schema_add(b->graph->ir, schema, &found);
    return name;
}

Value *build_internal(Build *b, const char *schema, const Arg *args, int n)
{
    return b->error ? NULL : build_args(b, register_internal(b, schema), args, n);
}

Node *build_internal_node(Build *b, const char *schema, const Arg *args, int n)
{
    return b->error ? NULL : build_args_node(b, register_internal(b, schema), args, n);
}

Arg arg_text(const char *text)
{
    return (Arg){.kind = ARG_STRING, .string = text};
}

Arg arg_values(Graph *graph, Value *const *values, int n)
{
    Arg *items = ARENA_ARRAY(graph->ir->arena, Arg, n + 1);
    for (int i = 0; i < n; i++)
        items[i] = values[i] ? arg_value(values[i]) : arg_none();
    return arg_list(items, n);
}

Arg arg_dims(Graph *graph, const int *dims, int n)
{
    int64_t wide[MAX_RANK];
    assert(n <= MAX_RANK);
    for (int i = 0; i < n; i++)
        wide[i] = dims[i];
    return arg_ints(graph, wide, n);
}

Value *build_reshape(Build *b, Value *v, const Expr *const *sizes, int rank)
{
    return b->error
               ? NULL
               : BUILD(b, "aten.reshape.default", arg_value(v), arg_exprs(b->graph, sizes, rank));
}

Value *build_permute(Build *b, Value *v, const int *dims, int rank)
{
    return b->error
               ? NULL
               : BUILD(b, "aten.permute.default", arg_value(v), arg_dims(b->graph, dims, rank));
}

Value *build_unsqueeze(Build *b, Value *v, int dim)
{
    return b->error ? NULL
                    : BUILD(b, "aten.unsqueeze.default", arg_value(v), arg_int(b->graph, dim));
}

Value *build_squeeze(Build *b, Value *v, int dim)
{
    return b->error ? NULL : BUILD(b, "aten.squeeze.dim", arg_value(v), arg_int(b->graph, dim));
}

Value *build_expand_to(Build *b, Value *v, const Expr *const *sizes, int rank)
{
    return b->error
               ? NULL
               : BUILD(b, "aten.expand.default", arg_value(v), arg_exprs(b->graph, sizes, rank));
}

Value *build_select(Build *b, Value *v, int dim, int64_t index)
{
    return b->error ? NULL
                    : BUILD(b, "aten.select.int", arg_value(v), arg_int(b->graph, dim),
                            arg_int(b->graph, index));
}

Value *build_slice(Build *b, Value *v, int dim, const Expr *start, const Expr *end)
{
    return b->error ? NULL
                    : BUILD(b, "aten.slice.Tensor", arg_value(v), arg_int(b->graph, dim),
                            arg_expr(start), arg_expr(end));
}

Value *build_transpose(Build *b, Value *v, int dim0, int dim1)
{
    return b->error ? NULL
                    : BUILD(b, "aten.transpose.int", arg_value(v), arg_int(b->graph, dim0),
                            arg_int(b->graph, dim1));
}

Value *build_unary(Build *b, const char *op, Value *x)
{
    return b->error ? NULL : BUILD(b, op, arg_value(x));
}

Value *build_binary(Build *b, const char *op, Value *x, Value *y)
{
    return b->error ? NULL : BUILD(b, op, arg_value(x), arg_value(y));
}

Value *build_with_float(Build *b, const char *op, Value *x, double number)
{
    return b->error ? NULL : BUILD(b, op, arg_value(x), arg_float(number));
}

Value *build_with_int(Build *b, const char *op, Value *x, int64_t number)
{
    return b->error ? NULL : BUILD(b, op, arg_value(x), arg_int(b->graph, number));
}

Value *build_cast(Build *b, Value *v, DType dtype)
{
    if (b->error || v->type.dtype == dtype)
        return v;
    return BUILD(b, "aten._to_copy.default", arg_value(v), arg_dtype(dtype));
}

Error *expand_as_op(Node *node, const char *op, Value **results)
{
    Node *made;
    TRY(build_node(node->graph, node, op, node->args, node->n_args, &made));
    for (int i = 0; i < node->n_results && i < made->n_results; i++)
        results[i] = made->results[i];
    return NULL;
}

Value *build_at_least(Build *b, Value *v, int rank)
{
    if (b->error || v->type.rank >= rank)
        return v;
    const char *op = rank == 1   ? "aten.atleast_1d.default"
                     : rank == 2 ? "aten.atleast_2d.default"
                                 : "aten.atleast_3d.default";
    return BUILD(b, op, arg_value(v));
}
