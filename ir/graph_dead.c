/* Dead code: nodes without effect whose results nobody uses go, last ones first.
 *
 *   %n = aten.nonzero.default(%x) : i64[u0,1]
 *   %z = aten.zeros.default([u0]) : f32[u0]
 *   return %z                                      keeps %n: it sets u0
 *
 * A node that sets an unbacked symbol lives as long as something that lives mentions the symbol. */
#include "ir/graph.h"
#include "ir/ops.h"
#include "ir/schema.h"

/* By Symbol.id; grows with the symbols met. */
typedef struct Symbols {
    Arena *arena;
    Node **first_def; /* the node whose result mentions it first */
    bool  *is_used;
    int    cap;
} Symbols;

typedef struct Visit {
    Symbols *symbols;
    Node    *node; /* being recorded as definition; NULL: a use */
} Visit;

static void reserve_symbol(Symbols *s, int id)
{
    if (id < s->cap)
        return;
    int    cap = 2 * id + 16;
    Node **defs = ARENA_ARRAY(s->arena, Node *, cap);
    bool  *used = ARENA_ARRAY(s->arena, bool, cap);
    for (int i = 0; i < s->cap; i++) {
        defs[i] = s->first_def[i];
        used[i] = s->is_used[i];
    }
    s->first_def = defs;
    s->is_used = used;
    s->cap = cap;
}

static void visit_symbol(void *cx, Symbol *symbol)
{
    Visit *v = cx;
    if (symbol->kind != SYM_UNBACKED)
        return;
    reserve_symbol(v->symbols, symbol->id);
    if (!v->node)
        v->symbols->is_used[symbol->id] = true;
    else if (!v->symbols->first_def[symbol->id])
        v->symbols->first_def[symbol->id] = v->node;
}

static void visit_expr(Visit *v, const Expr *e)
{
    if (e && !expr_is_const(e))
        expr_symbols(e, visit_symbol, v);
}

static void visit_type(Visit *v, const Value *value)
{
    if (value->kind == VALUE_SCALAR)
        visit_symbol(v, value->symbol);
    if (value->kind != VALUE_TENSOR)
        return;
    for (int i = 0; i < value->type.rank; i++) {
        visit_expr(v, value->type.sizes[i]);
        visit_expr(v, value->type.strides[i]);
    }
}

static void use_graph(Visit *v, const Graph *graph);

static void use_arg(Visit *v, const Arg *arg)
{
    visit_expr(v, arg->expr);
    if (arg->kind == ARG_VALUE)
        visit_type(v, arg->value);
    if (arg->kind == ARG_GRAPH)
        use_graph(v, arg->graph);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        use_arg(v, &arg->items[i]);
}

static void use_node(Visit *v, const Node *node)
{
    for (int i = 0; i < node->n_args; i++)
        use_arg(v, &node->args[i]);
    for (int i = 0; i < node->n_results; i++)
        visit_type(v, node->results[i]);
}

static void use_outputs(Visit *v, const Graph *graph)
{
    for (int i = 0; i < graph->n_outputs; i++)
        use_arg(v, &graph->outputs[i].arg);
}

/* What a subgraph mentions counts as used by the node that holds it. */
static void use_graph(Visit *v, const Graph *graph)
{
    for (const Node *node = graph->first; node; node = node->next)
        use_node(v, node);
    use_outputs(v, graph);
}

static void record_definitions(Symbols *symbols, Graph *graph)
{
    for (Node *node = graph->first; node; node = node->next) {
        Visit v = {symbols, node};
        for (int i = 0; i < node->n_results; i++)
            visit_type(&v, node->results[i]);
    }
}

/* Has the node (or a subgraph in its arguments) an effect? */
static bool is_effectful(const Node *node);

static bool arg_is_effectful(const Arg *arg)
{
    if (arg->kind == ARG_GRAPH) {
        if (arg->graph->mutations.n)
            return true;
        for (const Node *node = arg->graph->first; node; node = node->next)
            if (is_effectful(node))
                return true;
    }
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        if (arg_is_effectful(&arg->items[i]))
            return true;
    return false;
}

static bool is_effectful(const Node *node)
{
    if (node_has_effect(node))
        return true;
    for (int i = 0; i < node->n_args; i++)
        if (arg_is_effectful(&node->args[i]))
            return true;
    return false;
}

/* Symbols that the results mention and that this node is the first to set. */
typedef struct Wanted {
    Symbols *symbols;
    Node    *node;
    bool     found;
} Wanted;

static void look_for_wanted(void *cx, Symbol *symbol)
{
    Wanted *w = cx;
    if (symbol->kind == SYM_UNBACKED && symbol->id < w->symbols->cap &&
        w->symbols->is_used[symbol->id] && w->symbols->first_def[symbol->id] == w->node)
        w->found = true;
}

static bool sets_used_symbol(Symbols *symbols, Node *node)
{
    Wanted w = {symbols, node, false};
    for (int i = 0; i < node->n_results; i++) {
        const Value *value = node->results[i];
        if (value->kind == VALUE_SCALAR)
            look_for_wanted(&w, value->symbol);
        for (int d = 0; value->kind == VALUE_TENSOR && d < value->type.rank; d++)
            expr_symbols(value->type.sizes[d], look_for_wanted, &w);
    }
    return w.found;
}

static bool is_live(Symbols *symbols, Node *node)
{
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->n_uses)
            return true;
    return is_effectful(node) || sets_used_symbol(symbols, node);
}

static void drop_use(void *cx, Arg *arg)
{
    (void)cx;
    arg->value->n_uses--;
}

static int clean_subgraphs(Arg *arg)
{
    int n = arg->kind == ARG_GRAPH ? graph_remove_dead(arg->graph) : 0;
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        n += clean_subgraphs(&arg->items[i]);
    return n;
}

int graph_remove_dead(Graph *graph)
{
    int     n_removed = 0;
    Symbols symbols = {.arena = graph->ir->arena};
    Visit   use = {.symbols = &symbols};
    for (Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->n_args; i++)
            n_removed += clean_subgraphs(&node->args[i]);
    graph_count_uses(graph);
    record_definitions(&symbols, graph);
    use_outputs(&use, graph);
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to)
            visit_type(&use, graph->inputs[i].mutated_to);
    for (Node *node = graph->last, *prev; node; node = prev) {
        prev = node->prev;
        if (is_live(&symbols, node)) {
            use_node(&use, node);
            continue;
        }
        node_for_each_value(node, drop_use, NULL);
        graph_remove_node(graph, node);
        n_removed++;
    }
    if (n_removed)
        graph_count_uses(graph);
    return n_removed;
}
