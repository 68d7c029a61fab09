/* check_calls: every exported call against its operator's row.
 *
 * The export states the types of all results, so a row's `infer` is not needed for them; but it
 * also refuses argument values that the row does not cover (overlapping windows, overlapping
 * scatters).  Here it runs for each call, and the result must be what was exported: the row then
 * means the same operator as the export does.  Changes nothing. */
#include "passes/graph_util.h"

/* Sizes may be written differently; two different numbers are a contradiction. */
static bool same_type(const TensorType *a, const TensorType *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank)
        return false;
    for (int d = 0; d < a->rank; d++) {
        int64_t x, y;
        if (expr_is_int(a->sizes[d], &x) && expr_is_int(b->sizes[d], &y) && x != y)
            return false;
    }
    return true;
}

static Error *check_results(const Node *node, const Value *exported)
{
    Arena *arena = node->graph->ir->arena;
    for (int i = 0; i < node->n_results; i++) {
        const Value *now = node->results[i];
        if (exported[i].kind != VALUE_TENSOR || now->kind != VALUE_TENSOR || !exported[i].n_uses)
            continue;
        if (!same_type(&now->type, &exported[i].type))
            return node_error(node, E_UNSUPPORTED, "%s: result %d is %s here, %s in the export",
                              node->schema->name, i, tensor_type_text(arena, &now->type),
                              tensor_type_text(arena, &exported[i].type));
    }
    return NULL;
}

/* No row computes with complex numbers. */
static Error *check_real(const Node *node)
{
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind == VALUE_TENSOR &&
            dtype_info(node->results[i]->type.dtype)->is_complex)
            return node_error(node, E_UNSUPPORTED,
                              "%s makes a complex tensor; those are not supported",
                              node->schema->name);
    for (int i = 0; i < node->n_args; i++) {
        const Arg *arg = &node->args[i];
        if (arg->kind == ARG_COMPLEX ||
            (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR &&
             dtype_info(arg->value->type.dtype)->is_complex))
            return node_error(node, E_UNSUPPORTED,
                              "%s takes a complex number; those are not supported",
                              node->schema->name);
    }
    return NULL;
}

static Error *check_node(Node *node)
{
    const OpDesc *op = node->op;
    TRY(check_real(node));
    if (!op || op->kind == OP_HIGHER_ORDER || op->kind == OP_EFFECT)
        return NULL;
    if (op->kind == OP_COMPOSITE &&
        !op->infer) /* its expansion is compared with the exported types */
        return NULL;
    int    n = node->n_results;
    Value *exported = ARENA_ARRAY(node->graph->ir->arena, Value, n + 1);
    for (int i = 0; i < n; i++)
        exported[i] = *node->results[i];
    TRY(infer_node(node));
    Error *error = check_results(node, exported);
    node->n_results = n;
    for (int i = 0; i < n; i++)
        *node->results[i] = exported[i];
    return error;
}

static Error *check_graph(void *user, Graph *graph)
{
    graph_count_uses(graph);
    for (Node *n = graph->first; n; n = n->next)
        TRY(check_node(n));
    return graph_for_each_subgraph(graph, check_graph, user);
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    (void)cx, (void)changed;
    return graph->parent ? NULL : check_graph(NULL, graph);
}

const Pass pass_check_calls = {
    .name = "check_calls",
    .purpose = "refuse calls that the operators' rows do not cover",
    .run = run,
};
