/* unroll_loops: map, scan and associative_scan become one region a step, or, where the number of
 * steps is large or not constant, a while_loop (roll_loops.c).
 *
 *   %c, %ys = higher_order.scan(@body, [%init], [%xs], [%w])          with %xs : f32[2,6]
 *                    becomes  %x0 = aten.select.int(%xs, 0, 0)
 *                             %c0, %y0 = higher_order.wrap(@body, %init, %x0, %w)
 *                             %x1 = aten.select.int(%xs, 0, 1)
 *                             %c1, %y1 = higher_order.wrap(@body, %c0, %x1, %w)
 *                             %ys = aten.stack.default([%y0, %y1])
 *
 * inline_regions then puts the body's nodes in the place of each wrap.  map is a scan without
 * carried values; associative_scan carries the joined rows, and its first result is the first row.
 */
#include "passes/unroll_loops.h"

#include <string.h>

/* Bounds the code: steps, and nodes of all steps together. */
enum { MAX_STEPS = 256, MAX_NODES = 1 << 14 };

static Error *refuse(const Unroll *u, const char *what)
{
    return node_error(u->node, E_UNSUPPORTED, "%s: %s", u->node->schema->name, what);
}

/* A symbol that a step sets would be set by all of them. */
static bool sets_symbols(const Graph *body)
{
    for (const Node *n = body->first; n; n = n->next)
        for (int i = 0; i < n->n_results; i++) {
            if (n->results[i]->kind == VALUE_SCALAR)
                return true;
            for (int d = 0; n->results[i]->kind == VALUE_TENSOR && d < n->results[i]->type.rank;
                 d++)
                if (expr_contains_kind(n->results[i]->type.sizes[d], SYM_UNBACKED))
                    return true;
        }
    return false;
}

static bool all_tensors(const Arg *list)
{
    for (int i = 0; i < list->n_items; i++)
        if (list->items[i].kind != ARG_VALUE || list->items[i].value->kind != VALUE_TENSOR)
            return false;
    return true;
}

static int count_nodes(const Graph *body)
{
    int n = 0;
    for (const Node *node = body->first; node; node = node->next)
        n++;
    return n;
}

static Error *read_loop(Unroll *u)
{
    const Node *node = u->node;
    bool        is_scan = !strcmp(node->schema->base, "scan");
    int         n = is_scan ? 4 : 3;
    if (node->n_args != n || node->args[0].kind != ARG_GRAPH)
        return node_error(node, E_FORMAT, "%s has other arguments than expected",
                          node->schema->name);
    for (int i = 1; i < n; i++)
        if (node->args[i].kind != ARG_LIST)
            return node_error(node, E_FORMAT, "argument %d of %s is no list", i,
                              node->schema->name);
    u->body = node->args[0].graph;
    u->is_associative = !strcmp(node->schema->base, "associative_scan");
    u->carried = is_scan ? node->args[1] : arg_list(NULL, 0);
    u->xs = node->args[n - 2];
    u->more = node->args[n - 1];
    if (!u->xs.n_items || !all_tensors(&u->xs) || !all_tensors(&u->carried) ||
        !u->xs.items[0].value->type.rank)
        return refuse(u, "needs tensors to go over");
    if (!expr_is_int(u->xs.items[0].value->type.sizes[0], &u->steps) || u->steps < 1 ||
        u->steps > MAX_STEPS || u->steps * count_nodes(u->body) > MAX_NODES)
        u->steps = -1;
    if (u->steps < 0 && u->is_associative)
        return refuse(u, "a number of steps that is not constant, or too many to write out");
    int n_carried = u->is_associative ? u->xs.n_items : u->carried.n_items;
    if (u->body->n_inputs != n_carried + u->xs.n_items + u->more.n_items ||
        u->body->n_outputs != node->n_results || node->n_results < n_carried)
        return node_error(node, E_FORMAT, "operands and results of %s do not fit its subgraph",
                          node->schema->name);
    for (int i = 0; i < u->body->n_outputs; i++)
        if (u->body->outputs[i].arg.kind != ARG_VALUE ||
            u->body->outputs[i].arg.value->kind != VALUE_TENSOR)
            return refuse(u, "a step whose result is no tensor");
    return sets_symbols(u->body) ? refuse(u, "a step with sizes or numbers that depend on data")
                                 : NULL;
}

/* One step; carried[] goes in and out, the other results are put in column `step` of ys. */
static Error *add_step(Unroll *u, int64_t step, Arg *carried, Arg **ys)
{
    Graph *graph = u->graph;
    int    n = 0, n_carried = u->carried.n_items;
    Arg   *args = ARENA_ARRAY(graph->ir->arena, Arg, u->body->n_inputs + 1);
    args[n++] = u->node->args[0];
    for (int i = 0; i < n_carried; i++)
        args[n++] = carried[i];
    for (int i = 0; u->is_associative && i < u->xs.n_items; i++)
        args[n++] = ys[i][step - 1];
    for (int i = 0; i < u->xs.n_items; i++) {
        Arg    select[] = {u->xs.items[i], arg_int(graph, 0), arg_int(graph, step)};
        Value *x;
        TRY(build_like(graph, u->node, u->node, "aten.select.int", select, 3, &x));
        args[n++] = arg_value(x);
    }
    for (int i = 0; i < u->more.n_items; i++)
        args[n++] = u->more.items[i];
    const OpSchema *schema = schema_higher_order(graph->ir, "higher_order.wrap", n);
    Node *wrap = graph_add_node(graph, u->node, schema, u->node->name, args, n, u->body->n_outputs);
    inherit_where(wrap, u->node);
    for (int i = 0; i < wrap->n_results; i++) {
        wrap->results[i]->kind = VALUE_TENSOR;
        wrap->results[i]->type = u->body->outputs[i].arg.value->type;
        if (i < n_carried)
            carried[i] = arg_value(wrap->results[i]);
        else
            ys[i - n_carried][step] = arg_value(wrap->results[i]);
    }
    return NULL;
}

/* associative_scan is a scan that carries its last results, and begins at the second row. */
static Error *begin_associative(Unroll *u, Arg **ys)
{
    for (int i = 0; i < u->xs.n_items; i++) {
        Arg    select[] = {u->xs.items[i], arg_int(u->graph, 0), arg_int(u->graph, 0)};
        Value *x;
        TRY(build_like(u->graph, u->node, u->node, "aten.select.int", select, 3, &x));
        ys[i][0] = arg_value(x);
    }
    return NULL;
}

static Error *replace_loop(Unroll *u, const Arg *carried, Arg **ys)
{
    int n_carried = u->carried.n_items;
    for (int i = 0; i < u->node->n_results; i++) {
        Value *old = u->node->results[i], *new = i < n_carried ? carried[i].value : NULL;
        if (!new) {
            Arg args[] = {arg_list(ys[i - n_carried], (int)u->steps), arg_int(u->graph, 0)};
            TRY(build_like(u->graph, u->node, u->node, "aten.stack.default", args, 2, &new));
        }
        if (old->kind == VALUE_TENSOR)
            graph_replace_uses(u->graph, old, new);
    }
    graph_remove_node(u->graph, u->node);
    return NULL;
}

static Error *unroll(Graph *graph, Node *node)
{
    Unroll u = {.graph = graph, .node = node};
    Arena *arena = graph->ir->arena;
    if (!strcmp(node->schema->base, "while_loop_stack_output"))
        return stack_loop(graph, node);
    TRY(read_loop(&u));
    if (u.steps < 0)
        return roll_loop(&u);
    int   n_ys = node->n_results - u.carried.n_items;
    Arg  *carried = ARENA_ARRAY(arena, Arg, u.carried.n_items + 1);
    Arg **ys = ARENA_ARRAY(arena, Arg *, n_ys + 1);
    for (int i = 0; i < u.carried.n_items; i++)
        carried[i] = u.carried.items[i];
    for (int i = 0; i < n_ys; i++)
        ys[i] = ARENA_ARRAY(arena, Arg, u.steps);
    if (u.is_associative)
        TRY(begin_associative(&u, ys));
    for (int64_t step = u.is_associative; step < u.steps; step++)
        TRY(add_step(&u, step, carried, ys));
    return replace_loop(&u, carried, ys);
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    static const char *const loops[] = {"map_impl", "scan", "associative_scan",
                                        "while_loop_stack_output"};
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        for (size_t i = 0; n->schema->is_higher_order && i < sizeof loops / sizeof *loops; i++) {
            if (strcmp(n->schema->base, loops[i]))
                continue;
            TRY(unroll(graph, n));
            pass_count(cx, "unroll_loops", 1);
            *changed = true;
            break;
        }
    }
    return NULL;
}

const Pass pass_unroll_loops = {
    .name = "unroll_loops",
    .purpose = "write out the steps of map and scan, or make a while_loop of them",
    .run = run,
};
