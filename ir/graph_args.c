/* Arguments of nodes: making, copying, comparing and reading them. */
#include "ir/graph.h"
#include "ir/schema.h"

#include <assert.h>
#include <string.h>

Arg arg_none(void)
{
    return (Arg){.kind = ARG_NONE};
}

Arg arg_value(Value *value)
{
    return (Arg){.kind = ARG_VALUE, .value = value};
}

Arg arg_int(Graph *graph, int64_t value)
{
    return (Arg){.kind = ARG_INT, .expr = expr_int(graph->ir->exprs, value)};
}

Arg arg_expr(const Expr *expr)
{
    if (expr->kind == EXPR_FLOAT)
        return arg_float(expr->fvalue);
    ArgKind kind = expr->type == EXPR_TYPE_FLOAT  ? ARG_FLOAT
                   : expr->type == EXPR_TYPE_BOOL ? ARG_BOOL
                                                  : ARG_INT;
    return (Arg){.kind = kind, .expr = expr};
}

Arg arg_float(double value)
{
    return (Arg){.kind = ARG_FLOAT, .number = value};
}

Arg arg_bool(Graph *graph, bool value)
{
    return (Arg){.kind = ARG_BOOL, .expr = expr_bool(graph->ir->exprs, value)};
}

Arg arg_dtype(DType dtype)
{
    return (Arg){.kind = ARG_DTYPE, .dtype = dtype};
}

Arg arg_list(const Arg *items, int n)
{
    return (Arg){.kind = ARG_LIST, .items = (Arg *)items, .n_items = n};
}

Arg arg_ints(Graph *graph, const int64_t *values, int n)
{
    Arg *items = ARENA_ARRAY(graph->ir->arena, Arg, n);
    for (int i = 0; i < n; i++)
        items[i] = arg_int(graph, values[i]);
    return arg_list(items, n);
}

Arg arg_exprs(Graph *graph, const Expr *const *values, int n)
{
    Arg *items = ARENA_ARRAY(graph->ir->arena, Arg, n);
    for (int i = 0; i < n; i++)
        items[i] = arg_expr(values[i]);
    return arg_list(items, n);
}

Arg arg_copy(Arena *arena, const Arg *arg)
{
    Arg copy = *arg;
    if (arg->kind == ARG_LIST) {
        copy.items = ARENA_ARRAY(arena, Arg, arg->n_items);
        for (int i = 0; i < arg->n_items; i++)
            copy.items[i] = arg_copy(arena, &arg->items[i]);
    }
    return copy;
}

/* Bits, not values: -0.0 differs from 0.0 and NaN equals itself. */
static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_lists(const Arg *a, const Arg *b)
{
    if (a->n_items != b->n_items)
        return false;
    for (int i = 0; i < a->n_items; i++)
        if (!arg_same(&a->items[i], &b->items[i]))
            return false;
    return true;
}

bool arg_same(const Arg *a, const Arg *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case ARG_NONE:
        return true;
    case ARG_VALUE:
        return a->value == b->value;
    case ARG_INT:
    case ARG_BOOL:
        return a->expr == b->expr;
    case ARG_FLOAT:
        return a->expr == b->expr && (a->expr || same_bits(a->number, b->number));
    case ARG_STRING:
        return strcmp(a->string, b->string) == 0;
    case ARG_DTYPE:
        return a->dtype == b->dtype;
    case ARG_LAYOUT:
    case ARG_MEMORY_FORMAT:
        return a->integer == b->integer;
    case ARG_DEVICE:
        return a->device.kind == b->device.kind && a->device.index == b->device.index;
    case ARG_LIST:
        return same_lists(a, b);
    case ARG_GRAPH:
        return a->graph == b->graph;
    case ARG_COMPLEX:
        return same_bits(a->number, b->number) && same_bits(a->imag, b->imag);
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

Arg *node_arg(const Node *node, const char *name)
{
    int at = schema_param(node->schema, name);
    assert(at >= 0 && at < node->n_args && "the schema has no such parameter");
    return &node->args[at];
}

Value *node_tensor(const Node *node, const char *name)
{
    const Arg *arg = node_arg(node, name);
    return arg->kind == ARG_VALUE ? arg->value : NULL;
}

const Expr *arg_as_expr(const Arg *arg)
{
    switch (arg->kind) {
    case ARG_INT:
    case ARG_BOOL:
    case ARG_FLOAT:
        return arg->expr;
    case ARG_VALUE:
        return arg->value->kind == VALUE_SCALAR ? arg->value->symbol->self : NULL;
    default:
        return NULL;
    }
}

/* INT and BOOL constants both keep their number in Expr.value. */
static int64_t constant_of(const Arg *arg)
{
    assert((arg->kind == ARG_INT || arg->kind == ARG_BOOL) && "not an int");
    assert((arg->expr->kind == EXPR_INT || arg->expr->kind == EXPR_BOOL) && "not a constant");
    return arg->expr->value;
}

int64_t node_int(const Node *node, const char *name)
{
    return constant_of(node_arg(node, name));
}

bool node_bool(const Node *node, const char *name)
{
    return constant_of(node_arg(node, name)) != 0;
}

double node_float(const Node *node, const char *name)
{
    const Arg *arg = node_arg(node, name);
    if (arg->kind != ARG_FLOAT)
        return (double)constant_of(arg);
    assert(!arg->expr && "not a constant");
    return arg->number;
}

int node_dim(const Node *node, const char *name, int rank)
{
    const Arg *arg = node_arg(node, name);
    int64_t    dim;
    if (arg->kind != ARG_INT || !expr_is_int(arg->expr, &dim))
        return -1;
    /* PyTorch lets a 0-d tensor be asked for dim 0 or -1 */
    int64_t n = rank ? rank : 1;
    if (dim < -n || dim >= n)
        return -1;
    return (int)(dim < 0 ? dim + n : dim);
}
