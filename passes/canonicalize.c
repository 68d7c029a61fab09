/* canonicalize: one spelling for what can be written in several ways, so that patterns and lowering
 * see few.
 *
 *   %1 = aten.transpose.int(%0, 1, 2)             %1 = aten.permute.default(%0, [0,2,1])
 *   %2 = aten.permute.default(%1, [0,2,1])        gone: the two cancel
 *   %3 = aten.unsqueeze.default(%2, 0)
 *   %4 = aten.view.default(%3, [6])               %4 = aten.view.default(%2, [6])
 *   %5 = aten.rsub.Scalar(...), aten.sub.Tensor(%4, 3), aten.div.Tensor(%4, 4)
 *                                                 aten.add.Tensor(%4, -3), aten.mul.Tensor(%4,
 * 0.25)
 *
 * All of it is exact.  Values that are graph outputs keep their exported strides. */
#include "passes/graph_util.h"

#include <math.h>
#include <string.h>

static const char *const reshapes[] = {
    "view",    "_unsafe_view", "reshape", "_reshape_alias", "view_as", "reshape_as", "ravel",
    "flatten", "unflatten",    "squeeze", "unsqueeze",      "alias",   "detach",     NULL};
static const char *const permutes[] = {"permute",  "transpose", "t",       "numpy_T", "mT",
                                       "mH",       "matrix_H",  "adjoint", "movedim", "moveaxis",
                                       "swapaxes", "swapdims",  NULL};

static bool is_reshape(const Node *node)
{
    return node_base_in(node, reshapes) && strcmp(node->schema->overload, "dtype");
}

/* A new node in the place of an old one: same result type, name of the operator changed. */
static Error *rewrite(Graph *graph, Node *node, const char *op, const Arg *args, int n_args)
{
    Value *old = node->results[0], *new;
    TRY(build_like(graph, node, node, op, args, n_args, &new));
    if (new->type.dtype != old->type.dtype || new->type.rank != old->type.rank)
        return node_error(node, E_INTERNAL, "rewriting %s to %s changes %s to %s",
                          node->schema->name, op, tensor_type_text(graph->ir->arena, &old->type),
                          tensor_type_text(graph->ir->arena, &new->type));
    new->type.sizes = old->type.sizes;
    take_strides(new, &old->type);
    graph_replace_uses(graph, old, new);
    graph_remove_node(graph, node);
    return NULL;
}

/* ---- permutations ---------------------------------------------------------------------------- */

/* order[i]: dim of the input that dim i of the result is, read off the strides-free definition of
 * each operator. */
static bool permute_order(const Node *node, int *order)
{
    const char *base = node->schema->base;
    int         rank = node->results[0]->type.rank;
    for (int i = 0; i < rank; i++)
        order[i] = i;
    if (!strcmp(base, "permute")) {
        const Arg *dims = node_arg(node, "dims");
        for (int i = 0; i < rank; i++) {
            int64_t d;
            if (i >= dims->n_items || !expr_is_int(dims->items[i].expr, &d))
                return false;
            order[i] = (int)(d < 0 ? d + rank : d);
        }
        return true;
    }
    if (!strcmp(base, "numpy_T")) {
        for (int i = 0; i < rank; i++)
            order[i] = rank - 1 - i;
        return true;
    }
    if (!strncmp(base, "move", 4))
        return false; /* rare; its row maps the index */
    int a = rank - 2, b = rank - 1;
    if (!strcmp(base, "transpose") || !strcmp(base, "swapdims"))
        a = node_dim(node, "dim0", rank), b = node_dim(node, "dim1", rank);
    else if (!strcmp(base, "swapaxes"))
        a = node_dim(node, "axis0", rank), b = node_dim(node, "axis1", rank);
    if (a >= 0 && b >= 0)
        order[a] = b, order[b] = a;
    return true;
}

static Error *permute_to(Graph *graph, Node *node, Value *from, const int *order, int rank)
{
    int64_t dims[MAX_RANK];
    for (int i = 0; i < rank; i++)
        dims[i] = order[i];
    Arg args[] = {arg_value(from), arg_ints(graph, dims, rank)};
    return rewrite(graph, node, "aten.permute.default", args, 2);
}

static Error *canonicalize_permute(Graph *graph, Node *node, bool *changed)
{
    if (!node_base_in(node, permutes))
        return NULL;
    int    rank = node->results[0]->type.rank, order[MAX_RANK], inner[MAX_RANK], both[MAX_RANK];
    Value *in = node_first_tensor(node);
    if (!in || !permute_order(node, order))
        return NULL;
    bool compose = in->def && node_base_in(in->def, permutes) && permute_order(in->def, inner);
    bool identity = true;
    for (int i = 0; i < rank; i++) {
        both[i] = compose ? inner[order[i]] : order[i];
        identity &= both[i] == i;
    }
    Value *from = compose ? node_first_tensor(in->def) : in;
    if (identity && try_replace(graph, node->results[0], from)) {
        graph_remove_node(graph, node);
        *changed = true;
        return NULL;
    }
    if (!compose && !strcmp(node->schema->base, "permute"))
        return NULL;
    *changed = true;
    return permute_to(graph, node, from, both, rank);
}

/* ---- reshapes -------------------------------------------------------------------------------- */

/* A reshape of a reshape is one reshape; every reshape is written `view`, except the ones that say
 * what they mean. */
static Error *canonicalize_reshape(Graph *graph, Node *node, bool *changed)
{
    if (!is_reshape(node))
        return NULL;
    Value *in = node_first_tensor(node), *from = in;
    Value *out = node->results[0];
    while (from->def && is_reshape(from->def))
        from = node_first_tensor(from->def);
    if (from != in && try_replace(graph, out, from)) {
        graph_remove_node(graph, node);
        *changed = true;
        return NULL;
    }
    bool keeps_name =
        node_is(node, "view") || node_is(node, "unsqueeze") || node_is(node, "squeeze");
    if (from == in && keeps_name)
        return NULL;
    *changed = true;
    Arg args[] = {arg_value(from), arg_exprs(graph, out->type.sizes, out->type.rank)};
    return rewrite(graph, node, "aten.view.default", args, 2);
}

/* ---- copies that only change the layout ------------------------------------------------------ */

/* A reshape or permutation that looks through a copy: the copy stays for its other users, if any.
 */
static Error *skip_copy(Graph *graph, Node *node, bool *changed)
{
    static const char *const copies[] = {"clone", "contiguous", NULL};
    for (int i = 0; i < node->n_args; i++) {
        Arg *arg = &node->args[i];
        if (arg->kind != ARG_VALUE || arg->value->kind != VALUE_TENSOR || !arg->value->def ||
            !node_base_in(arg->value->def, copies))
            continue;
        if (node_reads_layout(node) || node_base_in(node, copies))
            continue;
        Value *from = node_first_tensor(arg->value->def);
        if (!same_dtype_and_sizes(graph->ir, arg->value, from))
            continue;
        arg->value = from;
        *changed = true;
    }
    return NULL;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static bool is_unit_alpha(const Node *node)
{
    const Arg *alpha = node_arg_or_null(node, "alpha");
    return !alpha || arg_is_number(alpha, 1);
}

/* A number as Arg of the kind the other operand had. */
static Arg number_like(Graph *graph, const Arg *like, double x)
{
    return like->kind == ARG_INT ? arg_int(graph, (int64_t)x) : arg_float(x);
}

static bool is_power_of_two(double x)
{
    int exponent;
    return isfinite(x) && x != 0 && fabs(frexp(x, &exponent)) == 0.5 && exponent > -100 &&
           exponent < 100;
}

static Error *canonicalize_scalar(Graph *graph, Node *node, bool *changed)
{
    const Arg *other = node_arg_or_null(node, "other");
    double     x;
    if (!other || node->n_results != 1 || node->results[0]->kind != VALUE_TENSOR ||
        !arg_number(other, &x))
        return NULL;
    bool floating = dtype_is_float(node->results[0]->type.dtype);
    Arg  self = node->args[0];
    if (self.kind != ARG_VALUE || self.value->kind != VALUE_TENSOR)
        return NULL;
    if (node_is(node, "sub") && is_unit_alpha(node) && other->kind != ARG_BOOL &&
        fabs(x) < 0x1p53) {
        Arg args[] = {self, number_like(graph, other, -x)};
        *changed = true;
        return rewrite(graph, node, "aten.add.Tensor", args, 2);
    }
    if (node_is(node, "mul") && x == -1 && floating &&
        self.value->type.dtype == node->results[0]->type.dtype) {
        *changed = true;
        return rewrite(graph, node, "aten.neg.default", &self, 1);
    }
    const Arg *rounding = node_arg_or_null(node, "rounding_mode");
    if (node_is(node, "div") && is_power_of_two(x) && (!rounding || rounding->kind == ARG_NONE) &&
        dtype_is_float(self.value->type.dtype)) {
        Arg args[] = {self, arg_float(1 / x)};
        *changed = true;
        return rewrite(graph, node, "aten.mul.Tensor", args, 2);
    }
    return NULL;
}

/* add(2, x), mul(2, x): the number goes to the right. */
static Error *commute_scalar(Graph *graph, Node *node, bool *changed)
{
    static const char *const commuting[] = {"aten.add.Tensor", "aten.mul.Tensor", NULL};
    double                   x;
    if (!node_base_in(node, (const char *const[]){"add", "mul", NULL}) || !is_unit_alpha(node))
        return NULL;
    for (int i = 0; commuting[i]; i++)
        if (node_is(node, commuting[i]) && arg_number(&node->args[0], &x) &&
            node->args[1].kind == ARG_VALUE && node->args[1].value->kind == VALUE_TENSOR) {
            Arg args[] = {node->args[1], node->args[0]};
            *changed = true;
            return rewrite(graph, node, commuting[i], args, 2);
        }
    return NULL;
}

/* ---- the pass -------------------------------------------------------------------------------- */

typedef Error     *Rule(Graph *graph, Node *node, bool *changed);
static Rule *const rules[] = {skip_copy, canonicalize_permute, canonicalize_reshape, commute_scalar,
                              canonicalize_scalar};

static Error *canonicalize_node(Graph *graph, Node *node, PassCtx *cx, bool *changed)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        bool done = false;
        TRY(rules[i](graph, node, &done));
        if (!done)
            continue;
        pass_count(cx, "canonicalize", 1);
        *changed = true;
        if (rules[i] != skip_copy) /* the node is gone */
            return NULL;
    }
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (!n->schema->is_higher_order && !n->schema->writes && n->n_results == 1 &&
            n->results[0]->kind == VALUE_TENSOR)
            TRY(canonicalize_node(graph, n, cx, changed));
    }
    return NULL;
}

const Pass pass_canonicalize = {
    .name = "canonicalize",
    .purpose = "one spelling for views, copies and scalar operands",
    .run = run,
};
