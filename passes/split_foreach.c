/* split_foreach: a _foreach_ operator that writes becomes one call for each item, in order: eager
 * PyTorch goes through the lists, and a later item may read what an earlier one wrote.
 *
 *   aten._foreach_add_.List([%a, %b], [%b, %a])
 * becomes
 *   aten._foreach_add_.List([%a], [%b])
 *   aten._foreach_add_.List([%b], [%a])
 *
 * Before functionalize, which then sees the writes one by one. */
#include "passes/graph_util.h"

#include <string.h>

static bool writes_lists(const Node *node)
{
    return node->schema->writes && strncmp(node->schema->base, "_foreach_", 9) == 0 &&
           node->args[0].kind == ARG_LIST && node->args[0].n_items > 1;
}

/* The factors of addcmul_ and addcdiv_ may be one tensor of as many elements. */
static Error *item_arg(Node *node, int arg, int i, Arg *out)
{
    Graph     *graph = node->graph;
    const Arg *of = &node->args[arg];
    *out = *of;
    if (of->kind == ARG_LIST && of->n_items <= i)
        return node_error(node, E_VALUE, "lists of %d and %d items", node->args[0].n_items,
                          of->n_items);
    if (of->kind == ARG_LIST)
        *out = arg_list(&of->items[i], 1);
    if (strcmp(node->schema->params[arg].name, "scalars") != 0 || of->kind != ARG_VALUE)
        return NULL;
    Value *part;
    Arg    slice[] = {*of, arg_int(graph, 0), arg_int(graph, i), arg_int(graph, i + 1)};
    TRY(build_call(graph, node, "aten.slice.Tensor", slice, 4, &part));
    *out = arg_value(part);
    return NULL;
}

static Error *split(Node *node)
{
    Graph *graph = node->graph;
    Arg   *args = ARENA_ARRAY(graph->ir->arena, Arg, node->n_args);
    for (int i = 0; i < node->args[0].n_items; i++) {
        for (int a = 0; a < node->n_args; a++)
            TRY(item_arg(node, a, i, &args[a]));
        Node *item = graph_add_node(graph, node, node->schema, node->name, args, node->n_args, 0);
        item->op = node->op;
        inherit_where(item, node);
    }
    graph_remove_node(graph, node);
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    (void)cx;
    for (Node *node = graph->first, *next; node; node = next) {
        next = node->next;
        if (!writes_lists(node))
            continue;
        TRY(split(node));
        *changed = true;
    }
    return NULL;
}

const Pass pass_split_foreach = {
    .name = "split_foreach",
    .purpose = "one call for each item of a _foreach_ operator that writes",
    .run = run,
};
