/* Views for functionalize: aliasing, replay and inverse.
 *
 *   %v = aten.slice.Tensor(%x, 0, 1, 3)
 *   write %w into %v              gives  %x2 = aten.slice_scatter.default(%x, %w, 0, 1, 3)
 */
#include "passes/functionalize_views.h"

#include <string.h>

/* ---- does a result alias? -------------------------------------------------------------------- */

/* Same elements in the same order: the inverse is a reshape. */
static const char *const reshapes[] = {
    "view",       "_unsafe_view", "reshape",         "_reshape_alias",
    "view_as",    "reshape_as",   "ravel",           "flatten",
    "unflatten",  "squeeze",      "unsqueeze",       "alias",
    "detach",     "contiguous",   "positive",        "to",
    "type_as",    "dropout",      "feature_dropout", "alpha_dropout",
    "lift_fresh", "atleast_1d",   "resolve_conj",    "resolve_neg",
    "expand",     "expand_as",    "broadcast_to",    "_conj",
    "conj",       NULL,
};
static const char *const permutes[] = {
    "permute", "transpose", "t",        "numpy_T",  "mT",       "mH", "matrix_H",
    "adjoint", "movedim",   "moveaxis", "swapaxes", "swapdims", NULL,
};
/* Marked as views in their schemas, but only when nothing has to be copied. */
static const char *const maybe_copies[] = {"contiguous", "to", "type_as", NULL};
static const char *const maybe_views[] = {"reshape", "flatten", "reshape_as", "ravel", NULL};
/* Give their argument back although the schema does not say so. */
static const char *const unmarked[] = {"dropout", "feature_dropout", "alpha_dropout",
                                       "type_as", "atleast_1d",      NULL};

/* at::detail::computeStride: can `in` be seen with these sizes without a copy?  Unknown comparisons
 * count as no. */
static bool can_view(Ir *ir, const TensorType *in, const TensorType *out)
{
    if (tensor_is_contiguous(ir, in))
        return true;
    int         o = out->rank - 1;
    const Expr *chunk = expr_int(ir->exprs, 1);
    for (int d = in->rank - 1; d >= 0; d--) {
        chunk = expr_mul(ir->exprs, chunk, in->sizes[d]);
        bool end =
            d == 0 || (!expr_is_value(in->sizes[d - 1], 1) &&
                       in->strides[d - 1] != expr_mul(ir->exprs, in->strides[d], in->sizes[d]));
        if (!end)
            continue;
        const Expr *view = expr_int(ir->exprs, 1);
        while (o >= 0 && (view != chunk || expr_is_value(out->sizes[o], 1)))
            view = expr_mul(ir->exprs, view, out->sizes[o--]);
        if (view != chunk)
            return false;
        chunk = expr_int(ir->exprs, 1);
    }
    return o < 0;
}

static bool is_identity_dropout(const Node *node)
{
    const Arg *train = node_arg_or_null(node, "train");
    return arg_is_number(node_arg_or_null(node, "p"), 0) || (train && arg_is_number(train, 0));
}

static Arg *first_tensor_arg(Node *node)
{
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_VALUE && node->args[i].value->kind == VALUE_TENSOR)
            return &node->args[i];
    return NULL;
}

static Arg *marked_base(Node *node)
{
    const OpSchema *schema = node->schema;
    if (schema->n_returns == 0 || !schema->returns[0].alias || schema->returns[0].is_written)
        return NULL;
    for (int i = 0; i < schema->n_params && i < node->n_args; i++)
        if (schema->params[i].alias && !schema->params[i].is_written &&
            node->args[i].kind == ARG_VALUE)
            return &node->args[i];
    return NULL;
}

Arg *view_base(Node *node)
{
    if (node->schema->is_higher_order || node->schema->writes || node->n_results == 0)
        return NULL;
    Arg *base = marked_base(node);
    if (!base && node_base_in(node, unmarked))
        base = first_tensor_arg(node);
    if (!base || base->value->kind != VALUE_TENSOR || node->results[0]->kind != VALUE_TENSOR)
        return NULL;
    Ir               *ir = node->graph->ir;
    const TensorType *in = &base->value->type, *out = &node->results[0]->type;
    if (strstr(node->schema->base, "dropout"))
        return is_identity_dropout(node) ? base : NULL;
    if (node_base_in(node, maybe_copies)) {
        const Arg *copy = node_arg_or_null(node, "copy");
        bool       same =
            in->dtype == out->dtype && in->device.kind == out->device.kind && same_strides(in, out);
        return same && !(copy && arg_is_number(copy, 1)) ? base : NULL;
    }
    if (node_base_in(node, maybe_views))
        return can_view(ir, in, out) ? base : NULL;
    return base;
}

const char *view_of_inplace(const Node *node)
{
    static const char *const names[] = {"unsqueeze_", "squeeze_",  "transpose_",  "t_",
                                        "swapaxes_",  "swapdims_", "as_strided_", NULL};
    if (!node_base_in(node, names))
        return NULL;
    const char *base = node->schema->base;
    return arena_printf(node->graph->ir->arena, "aten.%.*s.%s", (int)strlen(base) - 1, base,
                        node->schema->overload);
}

/* ---- replay ---------------------------------------------------------------------------------- */

Error *view_replay(Graph *graph, Node *before, Node *view, int base_arg, int result, Value *base,
                   Value **out)
{
    Node *copy = graph_add_node(graph, before, view->schema, view->name, view->args, view->n_args,
                                view->n_results);
    copy->op = view->op;
    copy->args[base_arg].value = base;
    inherit_where(copy, view);
    for (int i = 0; i < view->n_results; i++) {
        copy->results[i]->kind = view->results[i]->kind;
        copy->results[i]->type = view->results[i]->type;
    }
    *out = copy->results[result];
    return NULL;
}

/* ---- inverse --------------------------------------------------------------------------------- */

static int wrap(int64_t dim, int rank)
{
    return (int)(dim < 0 ? dim + rank : dim);
}

static int dim_arg(const Node *node, const char *name, int rank)
{
    return node_dim(node, name, rank);
}

/* movedim: the dims that are moved go to their places, the others fill the rest in order. */
static void movedim_order(const int *from, const int *to, int n, int rank, int *order)
{
    bool moved[MAX_RANK] = {false};
    for (int i = 0; i < rank; i++)
        order[i] = -1;
    for (int i = 0; i < n; i++) {
        order[to[i]] = from[i];
        moved[from[i]] = true;
    }
    for (int i = 0, next = 0; i < rank; i++) {
        if (order[i] >= 0)
            continue;
        while (moved[next])
            next++;
        order[i] = next++;
    }
}

static int dims_of(const Arg *arg, int rank, int *dims)
{
    if (arg->kind != ARG_LIST) {
        int64_t d = 0;
        expr_is_int(arg->expr, &d);
        dims[0] = wrap(d, rank);
        return 1;
    }
    for (int i = 0; i < arg->n_items; i++)
        dims_of(&arg->items[i], rank, &dims[i]);
    return arg->n_items;
}

/* order[i]: the dim of the base that dim i of the result is. */
static void permute_order(const Node *view, int rank, int *order)
{
    const char *base = view->schema->base;
    for (int i = 0; i < rank; i++)
        order[i] = i;
    if (!strcmp(base, "permute")) {
        dims_of(node_arg(view, "dims"), rank, order);
    } else if (!strncmp(base, "move", 4)) {
        int from[MAX_RANK], to[MAX_RANK];
        int n = dims_of(node_arg(view, "source"), rank, from);
        dims_of(node_arg(view, "destination"), rank, to);
        movedim_order(from, to, n, rank, order);
    } else if (!strcmp(base, "numpy_T")) {
        for (int i = 0; i < rank; i++)
            order[i] = rank - 1 - i;
    } else {
        int a = rank - 2, b = rank - 1;
        if (!strcmp(base, "transpose") || !strcmp(base, "swapdims"))
            a = dim_arg(view, "dim0", rank), b = dim_arg(view, "dim1", rank);
        else if (!strcmp(base, "swapaxes"))
            a = dim_arg(view, "axis0", rank), b = dim_arg(view, "axis1", rank);
        if (a >= 0 && b >= 0)
            order[a] = b, order[b] = a;
    }
}

static Error *inverse_permute(Graph *graph, Node *before, Node *view, Value *base, Value *content,
                              Value **out)
{
    int     rank = base->type.rank, order[MAX_RANK];
    int64_t back[MAX_RANK];
    permute_order(view, rank, order);
    for (int i = 0; i < rank; i++)
        back[order[i]] = i;
    Arg args[] = {arg_value(content), arg_ints(graph, back, rank)};
    return build_like(graph, before, view, "aten.permute.default", args, 2, out);
}

static Error *inverse_reshape(Graph *graph, Node *before, Node *view, Value *base, Value *content,
                              Value **out)
{
    Ir *ir = graph->ir;
    if (tensor_same_sizes(ir, &base->type, &content->type)) {
        *out = content;
        return NULL;
    }
    if (tensor_numel(ir, &base->type) != tensor_numel(ir, &content->type))
        return node_error(view, E_UNSUPPORTED,
                          "a write through %s, where several elements share memory",
                          view->schema->name);
    Arg args[] = {arg_value(content), arg_exprs(graph, base->type.sizes, base->type.rank)};
    return build_like(graph, before, view, "aten.reshape.default", args, 2, out);
}

static Error *scatter_slice(Graph *graph, Node *before, Node *view, Value *base, Value *content,
                            int dim, const Expr *start, const Expr *step, Value **out)
{
    const Expr *one = expr_int(graph->ir->exprs, 1);
    const Expr *last =
        expr_mul(graph->ir->exprs, expr_sub(graph->ir->exprs, content->type.sizes[dim], one), step);
    const Expr *end = expr_add(graph->ir->exprs, start, expr_add(graph->ir->exprs, last, one));
    Arg         args[] = {arg_value(base), arg_value(content), arg_int(graph, dim),
                          arg_expr(start), arg_expr(end),      arg_expr(step)};
    return build_like(graph, before, view, "aten.slice_scatter.default", args, 6, out);
}

static Error *inverse_slice(Graph *graph, Node *before, Node *view, Value *base, Value *content,
                            Value **out)
{
    const Arg *step = node_arg_or_null(view, "step"), *start = node_arg_or_null(view, "start");
    int        dim = dim_arg(view, "dim", base->type.rank);
    if (dim < 0)
        return node_error(view, E_VALUE, "dim is out of range");
    const Expr *zero = expr_int(graph->ir->exprs, 0), *one = expr_int(graph->ir->exprs, 1);
    const Expr *from = start && start->kind != ARG_NONE ? arg_as_expr(start) : zero;
    int64_t     at;
    if (node_is(view, "narrow") && expr_is_int(from, &at) && at < 0)
        from = expr_add(graph->ir->exprs, base->type.sizes[dim], from);
    if (node_is(view, "narrow"))
        return scatter_slice(graph, before, view, base, content, dim, from, one, out);
    if (!expr_prove_le(graph->ir->exprs, zero, from) ||
        (step && !expr_is_value(arg_as_expr(step), 1))) {
        /* A negative or clamped start keeps its meaning when the arguments are passed on. */
        Arg args[] = {arg_value(base), arg_value(content),     arg_int(graph, dim),
                      *start,          *node_arg(view, "end"), *step};
        return build_like(graph, before, view, "aten.slice_scatter.default", args, 6, out);
    }
    int64_t size;
    if (expr_is_int(base->type.sizes[dim], &size) && expr_is_int(from, &at) && at > size)
        from = base->type.sizes[dim];
    return scatter_slice(graph, before, view, base, content, dim, from, one, out);
}

static Error *scatter_select(Graph *graph, Node *before, Node *view, Value *base, Value *content,
                             int dim, Arg index, Value **out)
{
    Arg args[] = {arg_value(base), arg_value(content), arg_int(graph, dim), index};
    return build_like(graph, before, view, "aten.select_scatter.default", args, 4, out);
}

/* Part `result` of a split starts where the parts before it end.  The dim of the h, v and d
 * variants is fixed. */
static Error *inverse_part(Graph *graph, Node *before, Node *view, int result, Value *base,
                           Value *content, Value **out)
{
    const char *name = view->schema->base;
    int         rank = base->type.rank;
    int         dim = strchr("hvd", name[0]) && strlen(name) == 6 ? (name[0] == 'v'   ? 0
                                                                     : name[0] == 'd' ? 2
                                                                                      : rank > 1)
                                                                  : dim_arg(view, "dim", rank);
    if (dim < 0 || dim >= rank)
        return node_error(view, E_VALUE, "dim is out of range");
    if (!strcmp(name, "unbind"))
        return scatter_select(graph, before, view, base, content, dim, arg_int(graph, result), out);
    const Expr *start = expr_int(graph->ir->exprs, 0);
    for (int i = 0; i < result; i++)
        start = expr_add(graph->ir->exprs, start, view->results[i]->type.sizes[dim]);
    return scatter_slice(graph, before, view, base, content, dim, start,
                         expr_int(graph->ir->exprs, 1), out);
}

static Error *inverse_diagonal(Graph *graph, Node *before, Node *view, Value *base, Value *content,
                               Value **out)
{
    Arg args[] = {arg_value(base), arg_value(content), *node_arg(view, "offset"),
                  *node_arg(view, "dim1"), *node_arg(view, "dim2")};
    return build_like(graph, before, view, "aten.diagonal_scatter.default", args, 5, out);
}

static Error *inverse_as_strided(Graph *graph, Node *before, Node *view, Value *base,
                                 Value *content, Value **out)
{
    Arg args[] = {arg_value(base), arg_value(content), *node_arg(view, "size"),
                  *node_arg(view, "stride"), *node_arg(view, "storage_offset")};
    return build_like(graph, before, view, "aten.as_strided_scatter.default", args, 5, out);
}

static Error *inverse(Graph *graph, Node *before, Node *view, int result, Value *base,
                      Value *content, Value **out)
{
    static const char *const parts[] = {"split",        "split_with_sizes", "chunk",
                                        "tensor_split", "hsplit",           "vsplit",
                                        "dsplit",       "unbind",           NULL};
    if (node_is(view, "aten.view.dtype")) {
        Arg args[] = {arg_value(content), arg_dtype(base->type.dtype)};
        return build_like(graph, before, view, "aten.view.dtype", args, 2, out);
    }
    if (node_base_in(view, reshapes))
        return inverse_reshape(graph, before, view, base, content, out);
    if (node_base_in(view, permutes))
        return inverse_permute(graph, before, view, base, content, out);
    if (node_is(view, "slice") || node_is(view, "narrow"))
        return inverse_slice(graph, before, view, base, content, out);
    if (node_base_in(view, parts))
        return inverse_part(graph, before, view, result, base, content, out);
    if (node_is(view, "select"))
        return scatter_select(graph, before, view, base, content,
                              dim_arg(view, "dim", base->type.rank), *node_arg(view, "index"), out);
    if (node_is(view, "diagonal"))
        return inverse_diagonal(graph, before, view, base, content, out);
    if (node_is(view, "as_strided"))
        return inverse_as_strided(graph, before, view, base, content, out);
    return node_error(view, E_UNSUPPORTED, "a write through a view made by %s", view->schema->name);
}

Error *view_inverse(Graph *graph, Node *before, Node *view, int result, Value *base, Value *content,
                    Value **out)
{
    TRY(inverse(graph, before, view, result, base, content, out));
    if (*out != content)
        take_strides(*out, &base->type);
    return NULL;
}
