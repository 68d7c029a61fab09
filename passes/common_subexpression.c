/* common_subexpression: equal calls on equal arguments are computed once.
 *
 *   %1 = aten.exp.default(%0)
 *   %2 = aten.exp.default(%0)
 *   %3 = aten.add.Tensor(%1, %2)      becomes  %3 = aten.add.Tensor(%1, %1)
 *
 * Random operators and effects are never merged; control flow neither.  Two graph outputs may
 * become one value. */
#include "passes/graph_util.h"

#include <string.h>

typedef struct Table {
    Node   **slots;
    uint32_t mask;
} Table;

static uint32_t mix(uint32_t hash, uint64_t word)
{
    word = (word ^ hash) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(word >> 32) ^ (uint32_t)word;
}

/* By ids, never by addresses: the order of probing must not differ between runs. */
static uint32_t hash_arg(uint32_t hash, const Arg *arg)
{
    hash = mix(hash, (uint64_t)arg->kind);
    if (arg->kind == ARG_VALUE)
        hash = mix(hash, (uint64_t)arg->value->id);
    else if (arg->expr)
        hash = mix(hash, (uint64_t)arg->expr->id);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        hash = hash_arg(hash, &arg->items[i]);
    return hash;
}

static uint32_t hash_node(const Node *node)
{
    uint32_t hash = 0;
    for (const char *c = node->schema->name; *c; c++)
        hash = mix(hash, (uint8_t)*c);
    for (int i = 0; i < node->n_args; i++)
        hash = hash_arg(hash, &node->args[i]);
    return hash;
}

static bool nodes_equal(const Graph *graph, const Node *a, const Node *b)
{
    if (a->schema != b->schema || a->n_args != b->n_args || a->n_results != b->n_results)
        return false;
    for (int i = 0; i < a->n_args; i++)
        if (!arg_same(&a->args[i], &b->args[i]))
            return false;
    for (int i = 0; i < a->n_results; i++) {
        const Value *x = a->results[i], *y = b->results[i];
        if (x->kind == VALUE_NONE && y->kind == VALUE_NONE)
            continue;
        /* Symbols set by the two nodes are different symbols, even when their values are equal. */
        if (!same_dtype_and_sizes(graph->ir, x, y) || !same_strides(&x->type, &y->type))
            return false;
    }
    return true;
}

/* The earlier equal node, or NULL after `node` was entered. */
static Node *find_or_add(Table *table, const Graph *graph, Node *node)
{
    for (uint32_t i = hash_node(node) & table->mask;; i = (i + 1) & table->mask) {
        if (!table->slots[i]) {
            table->slots[i] = node;
            return NULL;
        }
        if (nodes_equal(graph, table->slots[i], node))
            return table->slots[i];
    }
}

static Table make_table(Graph *graph)
{
    uint32_t n = 16;
    for (Node *node = graph->first; node; node = node->next)
        n++;
    uint32_t size = 16;
    while (size < 2 * n)
        size *= 2;
    return (Table){ARENA_ARRAY(graph->ir->arena, Node *, size), size - 1};
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    Table table = make_table(graph);
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (!n->n_results || !node_is_pure(n))
            continue;
        Node *same = find_or_add(&table, graph, n);
        if (!same)
            continue;
        for (int i = 0; i < n->n_results; i++)
            graph_replace_uses(graph, n->results[i], same->results[i]);
        graph_remove_node(graph, n);
        pass_count(cx, "common_subexpression", 1);
        *changed = true;
    }
    return NULL;
}

const Pass pass_common_subexpression = {
    .name = "common_subexpression",
    .purpose = "compute equal calls once",
    .run = run,
};
