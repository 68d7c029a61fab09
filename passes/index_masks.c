/* index_masks: boolean masks as indices become what they mean.
 *
 *   %1 = aten.index_put.default(%x, [%m], %zero)     becomes  %1 = aten.where.self(%m, %zero, %x)
 *
 *   %1 = aten.index.Tensor(%x, [%m]) : f32[u0,5]     becomes  %n = aten.nonzero.default(%m) :
 * i64[u0,1] %i = aten.select.int(%n, 1, 0) %1 = aten.index.Tensor(%x, [%i])
 *
 *   argwhere, where(condition) and nonzero_numpy         become  nonzero, and its columns; nonzero
 * of a tensor without dims becomes an item
 *
 * The first form needs values that are the same at every true element; no size depends on the data
 * then.  In the second one the symbol of the exported size is set by nonzero.  uint8 masks are the
 * old spelling of boolean ones. */
#include "passes/graph_util.h"

#include <string.h>

typedef struct Masks {
    Graph *graph;
    Node  *node;
    Arg   *list; /* indices */
    Value *self, *mask;
    int    at;       /* dim of self where the mask's dims begin */
    int    n_others; /* index tensors beside the mask */
} Masks;

static bool is_mask(const Arg *arg)
{
    return arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR &&
           (arg->value->type.dtype == DT_BOOL || arg->value->type.dtype == DT_U8);
}

static Error *refuse(const Masks *m, const char *what)
{
    return node_error(m->node, E_UNSUPPORTED, "%s: %s", m->node->schema->name, what);
}

static Error *call(const Masks *m, const char *op, const Arg *args, int n, Value **out)
{
    return build_like(m->graph, m->node, m->node, op, args, n, out);
}

/* False when there is no mask among the indices. */
static Error *read_masks(Graph *graph, Node *node, Masks *m, bool *found)
{
    *m = (Masks){.graph = graph,
                 .node = node,
                 .list = node_arg(node, "indices"),
                 .self = node_tensor(node, "self")};
    int dim = 0, n_masks = 0;
    for (int i = 0; i < m->list->n_items; i++) {
        const Arg *item = &m->list->items[i];
        if (is_mask(item)) {
            n_masks++;
            m->mask = item->value;
            m->at = dim;
            dim += item->value->type.rank;
        } else {
            m->n_others += item->kind != ARG_NONE;
            dim++;
        }
    }
    *found = n_masks > 0;
    if (n_masks > 1)
        return refuse(m, "more than one mask");
    if (n_masks && m->mask->type.rank == 0 && m->list->n_items > 1)
        return refuse(m, "a mask without dims beside other indices");
    if (dim > m->self->type.rank)
        return node_error(node, E_VALUE, "%d indexed dims of a tensor of rank %d", dim,
                          m->self->type.rank);
    return NULL;
}

static Error *finish(const Masks *m, Value *new)
{
    Value *old = m->node->results[0];
    new->type.sizes = old->type.sizes;
    new->type.strides = old->type.strides;
    graph_replace_uses(m->graph, old, new);
    graph_remove_node(m->graph, m->node);
    return NULL;
}

/* ---- through nonzero ------------------------------------------------------------------------- */

/* An earlier nonzero of the mask whose count is `count`; any when count is NULL. */
static Node *earlier_nonzero(const Masks *m, const Expr *count)
{
    for (Node *n = m->node->prev; n; n = n->prev)
        if (!strcmp(n->schema->name, "aten.nonzero.default") && n->args[0].value == m->mask &&
            (!count || n->results[0]->type.sizes[0] == count))
            return n;
    return NULL;
}

static bool is_set_by_run(const Expr *e)
{
    return e && e->kind == EXPR_SYMBOL && e->symbol->kind == SYM_UNBACKED;
}

/* nonzero(mask); `count`: the size that the export has for the number of true elements, or NULL.
 * With `defines` a symbol of the run is set by this node; any other size is asserted. */
static Error *make_nonzero(const Masks *m, const Expr *count, bool defines, Value **out)
{
    Ir   *ir = m->graph->ir;
    Node *node = earlier_nonzero(m, count);
    defines = defines && is_set_by_run(count);
    if (!node && !defines)
        node = earlier_nonzero(m, NULL);
    if (!node) {
        Arg args[] = {arg_value(m->mask)};
        TRY(build_node(m->graph, m->node, "aten.nonzero.default", args, 1, &node));
        inherit_where(node, m->node);
        if (defines) {
            const Expr *sizes[2] = {count, expr_int(ir->exprs, m->mask->type.rank)};
            node->results[0]->type = tensor_type(ir, DT_I64, sizes, 2);
        }
    }
    const Expr *made = node->results[0]->type.sizes[0];
    if (count && made != count) {
        Arg args[] = {
            arg_expr(expr_cmp(ir->exprs, EXPR_EQ, made, count)),
            {.kind = ARG_STRING, .string = "a mask does not have as many true elements as values"}};
        Node *check;
        TRY(build_node(m->graph, m->node, "aten._assert_scalar.default", args, 2, &check));
        inherit_where(check, m->node);
    }
    *out = node->results[0];
    return NULL;
}

/* The indices with the mask replaced by the columns of nonzero(mask). */
static Error *expand_list(const Masks *m, const Expr *count, bool defines, Arg *out)
{
    int    rank = m->mask->type.rank, n = 0;
    Arg   *items = ARENA_ARRAY(m->graph->ir->arena, Arg, m->list->n_items + rank);
    Value *where;
    TRY(make_nonzero(m, count, defines, &where));
    for (int i = 0; i < m->list->n_items; i++) {
        if (!is_mask(&m->list->items[i])) {
            items[n++] = m->list->items[i];
            continue;
        }
        for (int d = 0; d < rank; d++) {
            Arg    args[] = {arg_value(where), arg_int(m->graph, 1), arg_int(m->graph, d)};
            Value *column;
            TRY(call(m, "aten.select.int", args, 3, &column));
            items[n++] = arg_value(column);
        }
    }
    *out = arg_list(items, n);
    return NULL;
}

/* Where the number of true elements stands in x[indices]; -1 when another index tensor may hide it.
 */
static int count_dim(const Masks *m)
{
    int first = -1, last = -1, n = 0, rank = 1;
    for (int i = 0; i < m->list->n_items; i++) {
        const Arg *item = &m->list->items[i];
        if (item->kind == ARG_NONE)
            continue;
        first = first < 0 ? i : first;
        last = i;
        n++;
        if (is_mask(item))
            continue;
        const TensorType *t = &item->value->type;
        if (t->rank && !expr_is_value(t->sizes[t->rank - 1], 1))
            return -1;
        rank = t->rank > rank ? t->rank : rank;
    }
    return (last - first + 1 == n ? first : 0) + rank - 1;
}

static Error *rewrite_index(const Masks *m)
{
    int dim = count_dim(m);
    if (dim < 0)
        return refuse(m, "a mask beside an index tensor of several elements");
    Arg args[2] = {arg_value(m->self)};
    Value *new;
    TRY(expand_list(m, m->node->results[0]->type.sizes[dim], true, &args[1]));
    TRY(call(m, "aten.index.Tensor", args, 2, &new));
    return finish(m, new);
}

/* x[mask] of a mask without dims is x[None][mask[None]]. */
static Error *give_dims(Masks *m)
{
    Arg args[] = {arg_value(m->self), arg_int(m->graph, 0)};
    TRY(call(m, "aten.unsqueeze.default", args, 2, &m->self));
    args[0] = arg_value(m->mask);
    return call(m, "aten.unsqueeze.default", args, 2, &m->mask);
}

/* masked_select(x, mask): both broadcast, then x[mask]. */
static Error *rewrite_select(Graph *graph, Node *node)
{
    Masks              m = {.graph = graph, .node = node};
    Value             *self = node_tensor(node, "self"), *mask = node_tensor(node, "mask");
    const TensorType  *types[] = {&self->type, &mask->type};
    const Expr *const *sizes;
    int                rank;
    TRY(infer_broadcast(node, types, 2, &sizes, &rank));
    Arg item, list = arg_list(&item, 1);
    m.list = &list;
    if (rank == 0) {
        m.self = self, m.mask = mask;
        TRY(give_dims(&m));
        item = arg_value(m.mask);
        return rewrite_index(&m);
    }
    Arg to = arg_exprs(graph, sizes, rank);
    Arg self_args[] = {arg_value(self), to}, mask_args[] = {arg_value(mask), to};
    TRY(call(&m, "aten.expand.default", self_args, 2, &m.self));
    m.mask = mask;
    if (mask->type.rank != rank || !tensor_same_sizes(graph->ir, &mask->type, &m.self->type))
        TRY(call(&m, "aten.expand.default", mask_args, 2, &m.mask));
    item = arg_value(m.mask);
    return rewrite_index(&m);
}

/* nonzero(x) of a tensor without dims: rows without columns, of which there are as many as x is
 * true. */
static Error *rewrite_without_dims(const Masks *m)
{
    Ir         *ir = m->graph->ir;
    const Expr *count = m->node->results[0]->type.sizes[0];
    Value      *truth, *new;
    Node       *item;
    Arg         args[] = {arg_value(m->mask), arg_int(m->graph, 0)};
    TRY(call(m, "aten.ne.Scalar", args, 2, &truth));
    args[0] = arg_value(truth), args[1] = arg_dtype(DT_I64);
    TRY(call(m, "aten._to_copy.default", args, 2, &truth));
    TRY(build_node(m->graph, m->node, "aten.item.default", (Arg[]){arg_value(truth)}, 1, &item));
    inherit_where(item, m->node);
    if (!is_set_by_run(count))
        return refuse(m, "a number of results that the export has fixed");
    item->results[0]->symbol = count->symbol;
    const Expr *sizes[2] = {count, expr_int(ir->exprs, 0)};
    Arg         full[] = {arg_exprs(m->graph, sizes, 2), arg_int(m->graph, 0), arg_dtype(DT_I64)};
    TRY(call(m, "aten.full.default", full, 3, &new));
    return finish(m, new);
}

/* argwhere(x) is nonzero(x); where(condition) and nonzero_numpy(x) give its columns as a list, of a
 * tensor without dims one column. */
static Error *rewrite_nonzero(Graph *graph, Node *node)
{
    Masks  m = {.graph = graph, .node = node, .mask = node->args[0].value};
    Value *found;
    bool   is_matrix = node_is(node, "argwhere") || node_is(node, "nonzero");
    if (!node->n_results) {
        graph_remove_node(graph, node);
        return NULL;
    }
    if (m.mask->type.rank == 0 && is_matrix)
        return rewrite_without_dims(&m);
    if (m.mask->type.rank == 0) {
        Arg args[] = {arg_value(m.mask), arg_int(graph, 0)};
        TRY(call(&m, "aten.unsqueeze.default", args, 2, &m.mask));
    }
    TRY(make_nonzero(&m, node->results[0]->type.sizes[0], true, &found));
    if (is_matrix) {
        Arg args[] = {arg_value(found)};
        if (found->type.sizes[0] != node->results[0]->type.sizes[0])
            TRY(call(&m, "aten.clone.default", args, 1, &found)); /* it takes the exported size */
        return finish(&m, found);
    }
    for (int d = 0; d < node->n_results; d++) {
        Arg    args[] = {arg_value(found), arg_int(graph, 1), arg_int(graph, d)};
        Value *column;
        TRY(call(&m, "aten.select.int", args, 3, &column));
        graph_replace_uses(graph, node->results[d], column);
    }
    graph_remove_node(graph, node);
    return NULL;
}

/* ---- through where --------------------------------------------------------------------------- */

/* Dims of values that line up with what stands behind the mask's dims in self. */
static int n_behind(const Masks *m)
{
    return m->self->type.rank - m->at - m->mask->type.rank;
}

/* Is the value the same for every true element? */
static bool is_uniform(const Masks *m, const Value *values)
{
    int d = values->type.rank - 1 - n_behind(m);
    return m->n_others == 0 && (d < 0 || expr_is_value(values->type.sizes[d], 1));
}

/* Sizes of one in the place of the other dims, so that the value broadcasts against self. */
static Error *spread(const Masks *m, Value *value, int before, int middle, int behind, Value **out)
{
    const Expr *sizes[2 * MAX_RANK], *one = expr_int(m->graph->ir->exprs, 1);
    int         n = 0;
    for (int d = 0; d < before; d++)
        sizes[n++] = value->type.sizes[d];
    for (int d = 0; d < middle; d++)
        sizes[n++] = one;
    for (int d = value->type.rank - behind; d < value->type.rank; d++)
        sizes[n++] = value->type.sizes[d];
    Arg args[] = {arg_value(value), arg_exprs(m->graph, sizes, n)};
    return call(m, "aten.view.default", args, 2, out);
}

static Error *rewrite_uniform(const Masks *m, Value *values)
{
    int    behind = n_behind(m), d = values->type.rank - 1 - behind;
    Value *mask = m->mask, *new;
    if (d >= 0 && m->mask->type.rank >
                      1) /* the dim of the true elements becomes one for each of the mask's */
        TRY(spread(m, values, d, m->mask->type.rank, behind, &values));
    if (mask->type.dtype == DT_U8) {
        Arg args[] = {arg_value(mask), arg_int(m->graph, 0)};
        TRY(call(m, "aten.ne.Scalar", args, 2, &mask));
    }
    if (behind)
        TRY(spread(m, mask, mask->type.rank, behind, 0, &mask));
    if (node_bool(m->node, "accumulate")) {
        Arg args[] = {arg_value(m->self), arg_value(values)};
        TRY(call(m, "aten.add.Tensor", args, 2, &values));
    }
    Arg args[] = {arg_value(mask), arg_value(values), arg_value(m->self)};
    TRY(call(m, "aten.where.self", args, 3, &new));
    if (new->type.dtype != m->self->type.dtype || new->type.rank != m->self->type.rank)
        return refuse(m, "values of another dtype or rank than the tensor");
    return finish(m, new);
}

static Error *rewrite_put(const Masks *m)
{
    Value *values = node_tensor(m->node, "values"), *new;
    if (values->type.dtype != m->self->type.dtype)
        return refuse(m, "values of another dtype than the tensor");
    if (is_uniform(m, values))
        return rewrite_uniform(m, values);
    if (m->n_others)
        return refuse(m, "values for a mask beside other index tensors");
    /* Not uniform: values have the dim of the true elements, before those behind the mask. */
    const Expr *count = values->type.sizes[values->type.rank - 1 - n_behind(m)];
    Arg         args[] = {arg_value(m->self), arg_none(), arg_value(values),
                          *node_arg(m->node, "accumulate")};
    TRY(expand_list(m, count, false, &args[1]));
    TRY(call(m, "aten.index_put.default", args, 4, &new));
    return finish(m, new);
}

/* ---- the pass -------------------------------------------------------------------------------- */

static Error *rewrite_node(Graph *graph, Node *node, PassCtx *cx, bool *changed)
{
    static const char *const reads[] = {"index", "_unsafe_index", NULL};
    static const char *const puts[] = {"index_put", "_unsafe_index_put", NULL};
    Masks                    m;
    bool                     found = false, is_read = node_base_in(node, reads);
    if (node_is(node, "masked_select")) {
        TRY(rewrite_select(graph, node));
    } else if (node_is(node, "argwhere") || node_is(node, "nonzero_numpy") ||
               node_is(node, "aten.where.default") ||
               (node_is(node, "nonzero") && node->args[0].value->type.rank == 0)) {
        TRY(rewrite_nonzero(graph, node));
    } else {
        if ((!is_read && !node_base_in(node, puts)) || schema_param(node->schema, "indices") < 0)
            return NULL;
        TRY(read_masks(graph, node, &m, &found));
        if (!found)
            return NULL;
        Arg item, list = arg_list(&item, 1);
        if (is_read && m.mask->type.rank == 0) {
            TRY(give_dims(&m));
            item = arg_value(m.mask);
            m.list = &list;
        }
        TRY(is_read ? rewrite_index(&m) : rewrite_put(&m));
    }
    pass_count(cx, "index_masks", 1);
    *changed = true;
    return NULL;
}

static bool replaces(const OpSchema *schema)
{
    return !strcmp(schema->name, "aten.masked_select.default") ||
           !strcmp(schema->name, "aten.argwhere.default") ||
           !strcmp(schema->name, "aten.nonzero_numpy.default") ||
           !strcmp(schema->name, "aten.where.default");
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        TRY(rewrite_node(graph, n, cx, changed));
    }
    return NULL;
}

const Pass pass_index_masks = {
    .name = "index_masks",
    .purpose = "boolean masks as indices become where or nonzero",
    .run = run,
    .replaces = replaces,
};
