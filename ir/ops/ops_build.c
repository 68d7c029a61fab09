/* Building one call: arguments completed from the schema, the node added and its results typed.
 *
 * In: "aten.sum.dim_IntList" and (%x, [1]).  Out: a node with all four arguments before a given
 * one. */
#include "ir/ops.h"
#include "ir/ops/ops_internal.h"

#include <string.h>

/* ---- arguments ------------------------------------------------------------------------------- */

static bool is_number(const Arg *arg)
{
    return arg->kind == ARG_INT || arg->kind == ARG_BOOL || arg->kind == ARG_FLOAT ||
           (arg->kind == ARG_VALUE && arg->value->kind == VALUE_SCALAR);
}

/* A lone number for int[2] stands for each item, for int[] for one. */
static Arg spread(Graph *graph, const Param *param, Arg arg)
{
    int  n = param->list_length > 0 ? param->list_length : 1;
    Arg *items = ARENA_ARRAY(graph->ir->arena, Arg, n);
    for (int i = 0; i < n; i++)
        items[i] = arg;
    return arg_list(items, n);
}

static Arg fit_arg(Graph *graph, const Param *param, Arg arg)
{
    bool takes_numbers =
        param->type == PARAM_INT || param->type == PARAM_FLOAT || param->type == PARAM_BOOL;
    if (param->is_list && takes_numbers && is_number(&arg))
        return spread(graph, param, arg);
    int64_t value;
    if (!param->is_list && param->type == PARAM_FLOAT && arg.kind == ARG_INT &&
        expr_is_int(arg.expr, &value))
        return arg_float((double)value);
    return arg;
}

static Error *complete_args(Graph *graph, Node *before, const OpSchema *schema, const Arg *args,
                            int n_args, Arg *out)
{
    Where where = before ? node_where(before) : (Where){.file = graph->ir->file};
    if (n_args > schema->n_params)
        return error_new(graph->ir->arena, E_INTERNAL, where, "%s takes %d arguments, got %d",
                         schema->name, schema->n_params, n_args);
    for (int i = 0; i < schema->n_params; i++) {
        const Param *param = &schema->params[i];
        if (i < n_args)
            out[i] = fit_arg(graph, param, args[i]);
        else if (param->has_default)
            out[i] = param->fallback;
        else if (param->is_optional)
            out[i] = arg_none();
        else
            return error_new(graph->ir->arena, E_INTERNAL, where, "%s: argument %s is missing",
                             schema->name, param->name);
    }
    return NULL;
}

/* ---- results of operators that return a list ------------------------------------------------- */

static const Arg *find_arg(const Node *node, const char *name)
{
    int at = schema_param(node->schema, name);
    return at < 0 ? NULL : &node->args[at];
}

/* Size of the dim that is split: "dim", else the one that the name says. */
static const Expr *split_size_of(const Node *node)
{
    const Value *value = node->args[0].kind == ARG_VALUE ? node->args[0].value : NULL;
    if (!value || value->kind != VALUE_TENSOR || value->type.rank == 0)
        return NULL;
    int rank = value->type.rank, dim = 0;
    if (schema_param(node->schema, "dim") >= 0)
        dim = node_dim(node, "dim", rank);
    else if (node->schema->base[0] == 'd')
        dim = 2;
    else if (node->schema->base[0] == 'h')
        dim = rank == 1 ? 0 : 1;
    return dim < 0 || dim >= rank ? NULL : value->type.sizes[dim];
}

static int constant_count(const Expr *e)
{
    int64_t value;
    return e && expr_is_int(e, &value) && value >= 0 && value < 1 << 20 ? (int)value : -1;
}

/* Pieces of `piece` elements each; an empty dim gives one empty piece. */
static int count_pieces(ExprPool *pool, const Expr *size, const Expr *piece)
{
    if (!size || !piece || expr_is_value(piece, 0))
        return expr_is_value(size ? size : expr_int(pool, 1), 0) ? 1 : -1;
    int n = constant_count(expr_ceildiv(pool, size, piece));
    return n == 0 ? 1 : n;
}

static int count_chunks(ExprPool *pool, const Expr *size, const Expr *chunks)
{
    if (!size || !chunks || constant_count(chunks) < 1)
        return -1;
    /* fewer than asked for where the pieces do not fill them: 5 in 4 chunks gives 2 2 1 */
    int n = count_pieces(pool, size, expr_ceildiv(pool, size, chunks));
    return expr_is_value(size, 0) || n < 0 ? constant_count(chunks) : n;
}

/* One for each dim; a number is one dim, None is all. */
static int count_gradients(const Node *node)
{
    const Arg *dim = find_arg(node, "dim");
    return dim->kind == ARG_LIST   ? dim->n_items
           : dim->kind != ARG_NONE ? 1
                                   : node->args[0].value->type.rank;
}

int count_list_results(const Node *node)
{
    ExprPool   *pool = node->graph->ir->exprs;
    const Arg  *arg;
    const Expr *size = node->n_args ? split_size_of(node) : NULL;
    if ((arg = find_arg(node, "split_sizes")) && arg->kind == ARG_LIST)
        return arg->n_items;
    if ((arg = find_arg(node, "split_size")))
        return arg->kind == ARG_LIST ? arg->n_items : count_pieces(pool, size, arg_as_expr(arg));
    if ((arg = find_arg(node, "chunks")))
        return count_chunks(pool, size, arg_as_expr(arg));
    if ((arg = find_arg(node, "sections")))
        return constant_count(arg_as_expr(arg));
    if ((arg = find_arg(node, "indices")) && arg->kind == ARG_LIST)
        return arg->n_items + 1;
    if (strncmp(node->schema->base, "unbind", 6) == 0)
        return constant_count(size);
    if (!strcmp(node->schema->base, "gradient"))
        return count_gradients(node);
    if (!strcmp(node->schema->base, "histogramdd") && node->args[0].value->type.rank > 0)
        return constant_count(node->args[0].value->type.sizes[node->args[0].value->type.rank - 1]);
    if ((arg = find_arg(node, "tensor_indices_or_sections")) && arg->value->type.rank == 1)
        return constant_count(arg->value->type.sizes[0]) + 1;
    for (int i = 0; i < node->n_args; i++)
        if (node->schema->params[i].type == PARAM_TENSOR && node->args[i].kind == ARG_LIST)
            return node->args[i].n_items;
    return -1;
}

/* A list stands alone or behind single results (histogramdd). */
static bool returns_list(const OpSchema *schema)
{
    return schema->n_returns > 0 && schema->returns[schema->n_returns - 1].is_list;
}

static Error *add_list_results(Node *node)
{
    int n = count_list_results(node);
    if (n < 0)
        return node_error(node, E_UNSUPPORTED, "%s: the number of results is not known",
                          node->schema->name);
    n += node->schema->n_returns - 1;
    while (node->n_results < n)
        node_add_result(node);
    return NULL;
}

/* ---- building -------------------------------------------------------------------------------- */

Error *build_node(Graph *graph, Node *before, const char *op, const Arg *args, int n_args,
                  Node **out)
{
    Ir             *ir = graph->ir;
    const OpSchema *schema = op_schema(ir, op);
    if (!schema)
        return error_new(ir->arena, E_INTERNAL,
                         before ? node_where(before) : (Where){.file = ir->file},
                         "there is no operator %s", op);
    Arg *complete = ARENA_ARRAY(ir->arena, Arg, schema->n_params);
    TRY(complete_args(graph, before, schema, args, n_args, complete));
    bool  is_list = returns_list(schema);
    Node *node = graph_add_node(graph, before, schema, schema->base, complete, schema->n_params,
                                is_list ? schema->n_returns - 1 : schema->n_returns);
    if (before) {
        node->where = before->where;
        node->module = before->module;
    }
    Error *error = is_list ? add_list_results(node) : NULL;
    if (!error)
        error = infer_node(node);
    if (error) {
        graph_remove_node(graph, node);
        return error;
    }
    *out = node;
    return NULL;
}

Error *build_call(Graph *graph, Node *before, const char *op, const Arg *args, int n_args,
                  Value **out)
{
    Node *node;
    TRY(build_node(graph, before, op, args, n_args, &node));
    if (node->n_results == 0)
        return node_error(node, E_INTERNAL, "%s has no result", op);
    *out = node->results[0];
    return NULL;
}
