/* merge_linear: linear layers of one input whose weights are constants become one.
 *
 *   %q = aten.linear.default(%x, %wq, %bq)        %w = aten.cat.default([%wq, %wk, %wv])
 *   %k = aten.linear.default(%x, %wk, %bk)   ->   %b = aten.cat.default([%bq, %bk, %bv])
 *   %v = aten.linear.default(%x, %wv, %bv)        %y = aten.linear.default(%x, %w, %b)
 *                                                 %q = aten.slice.Tensor(%y, -1, 0, 768)  ...
 *
 * freeze computes %w and %b.  Every element is the same sum in the same order; the input is read
 * once, and the product is wide enough for many threads.  A layer with a single user that could be
 * computed where the product is stored (an activation) stays: a slice cannot be stored through it.
 */
#include "passes/graph_util.h"

#include "ir/ops/shape_util.h"

#include <string.h>

/* Layers in one product. */
#define MAX_LAYERS 8

typedef struct Group {
    Node *nodes[MAX_LAYERS];
    int   n;
} Group;

typedef struct Users {
    const Value *value;
    int          n, n_pointwise;
    bool         is_output;
} Users;

static const Value *behind_views(const Value *v)
{
    while (v->def && v->def->op && v->def->op->kind == OP_VIEW)
        v = node_first_tensor(v->def);
    return v;
}

static void count_user(void *cx, Arg *arg)
{
    Users *u = cx;
    if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR &&
        behind_views(arg->value) == u->value)
        u->n++;
}

static Users users_of(Graph *graph, const Value *value)
{
    Users u = {.value = value};
    for (Node *n = graph->first; n; n = n->next) {
        int before = u.n;
        if (n->op && n->op->kind == OP_VIEW)
            continue;
        node_for_each_value(n, count_user, &u);
        u.n_pointwise += u.n > before && n->op && n->op->kind == OP_POINTWISE;
    }
    for (int i = 0; i < graph->n_outputs; i++) {
        const Arg *a = &graph->outputs[i].arg;
        u.is_output |= a->kind == ARG_VALUE && a->value->kind == VALUE_TENSOR &&
                       behind_views(a->value) == value;
    }
    return u;
}

static bool has_private_weight(const Node *node, const Origin *of, int n_of)
{
    const Value *weight = node_tensor(node, "weight"), *bias = node_tensor(node, "bias");
    int64_t      rows;
    return weight->id < n_of && of[weight->id] == FROM_CONSTANTS && weight->type.rank == 2 &&
           weight->n_uses == 1 && expr_is_int(weight->type.sizes[0], &rows) &&
           (!bias || (bias->id < n_of && of[bias->id] == FROM_CONSTANTS));
}

static bool is_candidate(Graph *graph, const Node *node, const Origin *of, int n_of)
{
    if (!node_is(node, "linear") || node->results[0]->type.rank < 2 ||
        !has_private_weight(node, of, n_of) || value_is_observed(graph, node->results[0]))
        return false;
    Users u = users_of(graph, node->results[0]);
    return u.n > 0 && !u.is_output && !(u.n == 1 && u.n_pointwise == 1);
}

static bool go_together(const Node *a, const Node *b)
{
    const Value *ba = node_tensor(a, "bias"), *bb = node_tensor(b, "bias");
    return node_tensor(a, "input") == node_tensor(b, "input") && !ba == !bb &&
           node_tensor(a, "weight")->type.dtype == node_tensor(b, "weight")->type.dtype &&
           (!ba || ba->type.dtype == bb->type.dtype);
}

static bool stands_before(const Node *node, const Node *other)
{
    while (node && node != other)
        node = node->next;
    return node == other && node;
}

/* The product stands where the first layer does: its weights have to be there by then. */
static bool is_ready(const Node *layer, const Node *first)
{
    const Value *weight = node_tensor(layer, "weight"), *bias = node_tensor(layer, "bias");
    return (!weight->def || stands_before(weight->def, first)) &&
           (!bias || !bias->def || stands_before(bias->def, first));
}

static void collect(Graph *graph, Node *first, const Origin *of, int n_of, Group *g)
{
    *g = (Group){{first}, 1};
    for (Node *n = first->next; n && g->n < MAX_LAYERS; n = n->next)
        if (node_is(n, "linear") && go_together(first, n) && is_ready(n, first) &&
            is_candidate(graph, n, of, n_of))
            g->nodes[g->n++] = n;
}

/* The layers' constants one under the other. */
static Value *stacked(Build *b, const Group *g, const char *name)
{
    Value *parts[MAX_LAYERS];
    for (int i = 0; i < g->n; i++)
        parts[i] = node_tensor(g->nodes[i], name);
    return parts[0] ? BUILD(b, "aten.cat.default", arg_values(b->graph, parts, g->n),
                            arg_int(b->graph, 0))
                    : NULL;
}

static Error *merge(Graph *graph, Group *g)
{
    Build       b = build_at(g->nodes[0]);
    ExprPool   *p = graph->ir->exprs;
    const Expr *at = expr_int(p, 0);
    Value      *x = node_tensor(g->nodes[0], "input"), *weight = stacked(&b, g, "weight"),
          *bias = stacked(&b, g, "bias");
    Value *y = BUILD(&b, "aten.linear.default", arg_value(x), arg_value(weight),
                     bias ? arg_value(bias) : arg_none());
    if (b.error)
        return b.error;
    inherit_where(y->def, g->nodes[0]);
    for (int i = 0; i < g->n; i++) {
        Value      *out = g->nodes[i]->results[0];
        const Expr *end = expr_add(p, at, out->type.sizes[out->type.rank - 1]);
        Value      *part = build_slice(&b, y, out->type.rank - 1, at, end);
        if (b.error)
            return b.error;
        inherit_where(part->def, g->nodes[i]);
        graph_replace_uses(graph, out, part);
        at = end;
    }
    for (int i = 0; i < g->n; i++)
        graph_remove_node(graph, g->nodes[i]);
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    int     n_of;
    Origin *of = graph_origins(graph, &n_of);
    if (graph->parent) /* what a branch is given is no constant of it */
        return NULL;
    for (Node *n = graph->first, *next; n; n = next) {
        Group g;
        next = n->next;
        if (!is_candidate(graph, n, of, n_of))
            continue;
        collect(graph, n, of, n_of, &g);
        if (g.n < 2)
            continue;
        TRY(merge(graph, &g));
        pass_count(cx, "batch_linear_lhs", 1);
        *changed = true;
        next = graph->first; /* nodes in front of `next` may be gone */
        graph_count_uses(graph);
        of = graph_origins(graph, &n_of);
    }
    return NULL;
}

const Pass pass_merge_linear = {
    .name = "merge_linear",
    .purpose = "linear layers of one input with constant weights become one product",
    .needs = HAVE_USES,
    .run = run,
};
