/* fold_noop: calls that give their argument back go.
 *
 *   %1 = aten.view.default(%0, [4,8])     with %0 : f32[4,8]
 *   %2 = aten.mul.Tensor(%1, 1)
 *   %3 = aten.relu.default(%2)            becomes  %3 = aten.relu.default(%0)
 *
 * Only where it is exact: x + 0.0 turns -0.0 into 0.0 and stays.  Copies (clone, contiguous) only
 * change memory layout, which matters for graph outputs, as_strided and view.dtype alone
 * (graph_util.c).  A graph output that copies an input stays a copy: the input may be written at
 * the end of the run.  Assertions that hold by the types go, too: as users of a value they would
 * force it to memory. */
#include "passes/graph_util.h"

#include <string.h>

/* Give their first tensor back when dtype and sizes are the same, whatever the other arguments say.
 */
static const char *const same_when_same_type[] = {
    "view",
    "_unsafe_view",
    "reshape",
    "_reshape_alias",
    "view_as",
    "reshape_as",
    "ravel",
    "flatten",
    "unflatten",
    "squeeze",
    "unsqueeze",
    "expand",
    "expand_as",
    "broadcast_to",
    "alias",
    "detach",
    "contiguous",
    "clone",
    "positive",
    "to",
    "_to_copy",
    "type_as",
    "lift_fresh",
    "lift_fresh_copy",
    "lift",
    "resolve_conj",
    "resolve_neg",
    "view_copy",
    "expand_copy",
    "alias_copy",
    "detach_copy",
    "slice",
    "narrow",
    "slice_copy",
    "constant_pad_nd",
    "float",
    "double",
    "half",
    NULL,
};
static const char *const dropouts[] = {"dropout", "native_dropout", "feature_dropout",
                                       "alpha_dropout", NULL};
static const char *const transposes[] = {"transpose", "swapdims", "swapaxes", NULL};

/* Crop and fill with the same total: sizes alone do not say that nothing happened. */
static bool pads_nothing(const Node *node)
{
    const Arg *pad = node_arg_or_null(node, "pad");
    for (int i = 0; pad && i < pad->n_items; i++)
        if (!arg_is_number(&pad->items[i], 0))
            return false;
    return true;
}

/* A slice with as many elements as its input is the input, where the step does not turn it around.
 */
static bool is_whole_slice(const Node *node)
{
    const Arg *step = node_arg_or_null(node, "step");
    return !step || arg_is_number(step, 1);
}

static bool permutes_nothing(const Node *node)
{
    const Arg *dims = node_arg(node, "dims");
    int        rank = node->results[0]->type.rank;
    for (int i = 0; i < dims->n_items; i++)
        if (!arg_is_number(&dims->items[i], i) && !arg_is_number(&dims->items[i], i - rank))
            return false;
    return true;
}

static bool transposes_nothing(const Node *node)
{
    bool axes = !strcmp(node->schema->base, "swapaxes");
    int  rank = node->results[0]->type.rank;
    return node_dim(node, axes ? "axis0" : "dim0", rank) ==
           node_dim(node, axes ? "axis1" : "dim1", rank);
}

/* x*1, x/1, x-0, x**1; x+0 for integers.  The other operand must not widen dtype or sizes: the
 * types are compared. */
static bool is_neutral_scalar(const Node *node)
{
    const Arg *other = node_arg_or_null(node, "other"), *alpha = node_arg_or_null(node, "alpha");
    const Arg *exponent = node_arg_or_null(node, "exponent");
    const Arg *rounding = node_arg_or_null(node, "rounding_mode");
    bool       is_int = node->results[0]->kind == VALUE_TENSOR &&
                  !dtype_is_float(node->results[0]->type.dtype) &&
                  !dtype_info(node->results[0]->type.dtype)->is_complex;
    if (node_is(node, "mul"))
        return arg_is_number(other, 1);
    if (node_is(node, "div") || node_is(node, "true_divide"))
        return arg_is_number(other, 1) && (!rounding || rounding->kind == ARG_NONE);
    if (node_is(node, "sub") || node_is(node, "subtract"))
        return arg_is_number(other, 0);
    if (node_is(node, "add"))
        return (is_int && arg_is_number(other, 0)) || (is_int && alpha && arg_is_number(alpha, 0));
    if (node_is(node, "pow"))
        return exponent && arg_is_number(exponent, 1);
    return false;
}

static bool is_identity_dropout(const Node *node)
{
    const Arg *train = node_arg_or_null(node, "train");
    return arg_is_number(node_arg_or_null(node, "p"), 0) || (train && arg_is_number(train, 0));
}

/* cat and stack of one tensor. */
static Value *only_part(const Node *node)
{
    if (!node_is(node, "cat") || node->args[0].kind != ARG_LIST || node->args[0].n_items != 1)
        return NULL;
    const Arg *item = &node->args[0].items[0];
    return item->kind == ARG_VALUE ? item->value : NULL;
}

static Value *given_back(Node *node)
{
    Value *in = node_first_tensor(node);
    if (only_part(node))
        return only_part(node);
    if (!in)
        return NULL;
    if (node_is(node, "aten.view.dtype") || node_is(node, "aten.view_copy.dtype"))
        return in; /* sizes and dtype are compared by the caller */
    if (node_is(node, "slice") || node_is(node, "narrow") || node_is(node, "slice_copy"))
        return is_whole_slice(node) ? in : NULL;
    if (node_is(node, "constant_pad_nd"))
        return pads_nothing(node) ? in : NULL;
    if (node_is(node, "permute"))
        return permutes_nothing(node) ? in : NULL;
    if (node_base_in(node, transposes))
        return transposes_nothing(node) ? in : NULL;
    if (node_base_in(node, dropouts))
        return is_identity_dropout(node) ? in : NULL;
    if (node_base_in(node, same_when_same_type) || is_neutral_scalar(node))
        return in;
    return NULL;
}

/* ---- assertions that the types prove --------------------------------------------------------- */

static bool list_matches(const Arg *list, const Expr *const *sizes, int rank)
{
    if (!list || list->kind == ARG_NONE)
        return true;
    for (int i = 0; i < rank; i++)
        if (list->kind != ARG_LIST || list->n_items != rank ||
            arg_as_expr(&list->items[i]) != sizes[i])
            return false;
    return list->kind == ARG_LIST && list->n_items == rank;
}

/* _assert_tensor_metadata(a, size, stride, dtype, …): layouts and devices are checked where inputs
 * come in. */
static bool is_proven(const Node *node)
{
    if (node_is(node, "_assert_scalar"))
        return arg_is_number(&node->args[0], 1) && node->args[0].kind == ARG_BOOL;
    if (!node_is(node, "_assert_tensor_metadata"))
        return false;
    const Value *a = node_first_tensor(node);
    const Arg   *dtype = node_arg(node, "dtype");
    return a &&
           (dtype->kind == ARG_NONE ||
            (dtype->kind == ARG_DTYPE && dtype->dtype == a->type.dtype)) &&
           list_matches(node_arg(node, "size"), a->type.sizes, a->type.rank) &&
           list_matches(node_arg(node, "stride"), a->type.strides, a->type.rank);
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (is_proven(n)) {
            graph_remove_node(graph, n);
            pass_count(cx, "proven_assertions", 1);
            *changed = true;
            continue;
        }
        if (!n->n_results || n->results[0]->kind != VALUE_TENSOR || n->schema->is_higher_order ||
            n->schema->writes)
            continue;
        Value *in = given_back(n);
        /* native_dropout also gives a mask: only when nobody looks at it. */
        if (!in || (n->n_results > 1 && n->results[1]->n_uses > 0) ||
            !try_replace(graph, n->results[0], in))
            continue;
        graph_remove_node(graph, n);
        pass_count(cx, "fold_noop", 1);
        *changed = true;
    }
    return NULL;
}

const Pass pass_fold_noop = {
    .name = "fold_noop",
    .purpose = "drop calls that give their argument back",
    .needs = HAVE_USES,
    .run = run,
};
