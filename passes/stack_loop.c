/* Part of unroll_loops: a while_loop that gives what it carried after every turn.
 *
 *   %ys = higher_order.while_loop_stack_output(@cond, @body, [%c], [%w]) : f32[u0,6]
 *       becomes  %n, %c1 = higher_order.while_loop(@count_cond, @count_step, [0, %c], [%w])
 *                %u = aten.item.default(clamp_min(%n, 1)) : int u0
 *                %n1, %c2, %ys = higher_order.while_loop(@stack_cond, @stack_step,
 *                                    [0, %c, %c repeated u0 times], [%n, %w])
 *
 * How many turns there are is known only behind the last one, so they are counted by a first loop.
 * Without any, PyTorch gives one row: what was carried in. */
#include "passes/unroll_loops.h"

#include "ir/ops/shape_util.h"

#include <string.h>

typedef struct Stack {
    Graph       *graph;
    Node        *node;
    const Arg   *carried, *more; /* lists */
    const Expr  *turns;          /* first size of the results */
    const Value *count;          /* turns that there are, as a tensor */
} Stack;

/* The operands of a loop: what changes, then what stays. */
typedef struct Operands {
    VEC(Arg) state, fixed;
} Operands;

static Graph *subgraph(const Stack *s, const Operands *operands, const char *name, int n_outputs)
{
    Graph *g = graph_create(s->graph->ir, name);
    g->parent = s->graph;
    for (int i = 0; i < operands->state.n + operands->fixed.n; i++) {
        const Arg *arg = i < operands->state.n ? &operands->state.items[i]
                                               : &operands->fixed.items[i - operands->state.n];
        graph_add_input(g, arena_printf(g->ir->arena, "arg%d", i), arg->value->type);
    }
    g->outputs = ARENA_ARRAY(g->ir->arena, GraphOutput, n_outputs);
    g->n_outputs = n_outputs;
    return g;
}

/* The user's condition or body as a node of g; its operands are inputs of g. */
static Node *add_wrap(const Stack *s, Graph *g, Graph *body, int first_more)
{
    int  n = 0;
    Arg *args = ARENA_ARRAY(g->ir->arena, Arg, 1 + s->carried->n_items + s->more->n_items);
    args[n++] = (Arg){.kind = ARG_GRAPH, .graph = graph_clone(body)};
    args[0].graph->parent = g;
    for (int i = 0; i < s->carried->n_items; i++)
        args[n++] = arg_value(g->inputs[1 + i].value);
    for (int i = 0; i < s->more->n_items; i++)
        args[n++] = arg_value(g->inputs[first_more + i].value);
    const OpSchema *schema = schema_higher_order(g->ir, "higher_order.wrap", n);
    Node           *wrap = graph_add_node(g, NULL, schema, s->node->name, args, n, body->n_outputs);
    inherit_where(wrap, s->node);
    for (int i = 0; i < wrap->n_results; i++)
        wrap->results[i]->type = args[0].graph->outputs[i].arg.value->type;
    return wrap;
}

static Error *count_up(Graph *g, Build *b)
{
    Value *next = BUILD(b, "aten.add.Scalar", arg_value(g->inputs[0].value), arg_int(g, 1));
    g->outputs[0].arg = next ? arg_value(next) : arg_none();
    return b->error;
}

static Node *add_loop(const Stack *s, const Operands *o, Graph *cond, Graph *step)
{
    Arg             args[] = {{.kind = ARG_GRAPH, .graph = cond},
                              {.kind = ARG_GRAPH, .graph = step},
                              arg_list(o->state.items, o->state.n),
                              arg_list(o->fixed.items, o->fixed.n)};
    const OpSchema *schema = schema_higher_order(s->graph->ir, "higher_order.while_loop", 4);
    Node *loop = graph_add_node(s->graph, s->node, schema, s->node->name, args, 4, o->state.n);
    inherit_where(loop, s->node);
    for (int i = 0; i < o->state.n; i++)
        loop->results[i]->type = o->state.items[i].value->type;
    return loop;
}

static Error *begin(const Stack *s, Build *b, Operands *o)
{
    Arena *arena = s->graph->ir->arena;
    Value *zero =
        BUILD(b, "aten.full.default", arg_list(NULL, 0), arg_int(b->graph, 0), arg_dtype(DT_I64));
    VEC_PUSH(arena, o->state, arg_value(zero));
    for (int i = 0; i < s->carried->n_items; i++)
        VEC_PUSH(arena, o->state, s->carried->items[i]);
    return b->error;
}

static Error *add_count(Stack *s, Build *b)
{
    Arena   *arena = s->graph->ir->arena;
    Operands o = {0};
    int      n_carried = s->carried->n_items;
    TRY(begin(s, b, &o));
    for (int i = 0; i < s->more->n_items; i++)
        VEC_PUSH(arena, o.fixed, s->more->items[i]);
    Graph *cond = subgraph(s, &o, "count_cond", 1);
    cond->outputs[0].arg =
        arg_value(add_wrap(s, cond, s->node->args[0].graph, 1 + n_carried)->results[0]);
    Graph *step = subgraph(s, &o, "count_step", 1 + n_carried);
    Build  in_step = {.graph = step};
    TRY(count_up(step, &in_step));
    Node *body = add_wrap(s, step, s->node->args[1].graph, 1 + n_carried);
    for (int i = 0; i < n_carried; i++)
        step->outputs[1 + i].arg = arg_value(body->results[i]);
    s->count = add_loop(s, &o, cond, step)->results[0];
    return NULL;
}

/* The symbol of the results' first size: the turns, at least 1. */
static Error *define_turns(Stack *s, Build *b)
{
    Value *rows =
        BUILD(b, "aten.clamp_min.default", arg_value((Value *)s->count), arg_int(b->graph, 1));
    if (b->error)
        return b->error;
    const OpSchema *schema = schema_find(s->graph->ir, "aten.item.default");
    Arg             arg = arg_value(rows);
    Node           *item = graph_add_node(s->graph, s->node, schema, "turns", &arg, 1, 1);
    inherit_where(item, s->node);
    item->results[0]->kind = VALUE_SCALAR;
    item->results[0]->symbol = s->turns->symbol;
    return NULL;
}

static Error *make_stack_step(const Stack *s, const Operands *o, Graph **out)
{
    int         n_carried = s->carried->n_items;
    Graph      *g = subgraph(s, o, "stack_step", 1 + 2 * n_carried);
    Build       b = {.graph = g};
    const Expr *one = expr_int(g->ir->exprs, 1);
    Value      *at = build_reshape(&b, g->inputs[0].value, &one, 1);
    TRY(count_up(g, &b));
    Node *body = add_wrap(s, g, s->node->args[1].graph, 2 + 2 * n_carried);
    for (int i = 0; i < n_carried && !b.error; i++) {
        int    k = 1 + n_carried + i;
        Value *row = build_unsqueeze(&b, body->results[i], 0);
        Value *all = b.error ? NULL
                             : BUILD(&b, "aten.index_copy.default", arg_value(g->inputs[k].value),
                                     arg_int(g, 0), arg_value(at), arg_value(row));
        g->outputs[1 + i].arg = arg_value(body->results[i]);
        g->outputs[k].arg = all ? arg_value(all) : arg_none();
    }
    *out = g;
    return b.error;
}

/* Rows to begin with: each what was carried in. */
static Value *first_rows(const Stack *s, Build *b, Value *carried)
{
    const Expr *times[MAX_RANK + 1];
    times[0] = s->turns;
    for (int d = 0; d < carried->type.rank; d++)
        times[1 + d] = expr_int(b->graph->ir->exprs, 1);
    Value *row = build_unsqueeze(b, carried, 0);
    return b->error ? NULL
                    : BUILD(b, "aten.repeat.default", arg_value(row),
                            arg_exprs(b->graph, times, carried->type.rank + 1));
}

static Error *add_stack(const Stack *s, Build *b)
{
    Arena   *arena = s->graph->ir->arena;
    Operands o = {0};
    int      n_carried = s->carried->n_items;
    TRY(begin(s, b, &o));
    for (int i = 0; i < n_carried; i++) {
        Value *rows = first_rows(s, b, s->carried->items[i].value);
        if (b->error)
            return b->error;
        VEC_PUSH(arena, o.state, arg_value(rows));
    }
    VEC_PUSH(arena, o.fixed, arg_value((Value *)s->count));
    for (int i = 0; i < s->more->n_items; i++)
        VEC_PUSH(arena, o.fixed, s->more->items[i]);
    Graph *cond = subgraph(s, &o, "stack_cond", 1), *step;
    Build  in_cond = {.graph = cond};
    Value *less = BUILD(&in_cond, "aten.lt.Tensor", arg_value(cond->inputs[0].value),
                        arg_value(cond->inputs[1 + 2 * n_carried].value));
    if (in_cond.error)
        return in_cond.error;
    cond->outputs[0].arg = arg_value(less);
    TRY(make_stack_step(s, &o, &step));
    Node *loop = add_loop(s, &o, cond, step);
    for (int i = 0; i < n_carried; i++)
        graph_replace_uses(s->graph, s->node->results[i], loop->results[1 + n_carried + i]);
    graph_remove_node(s->graph, s->node);
    return NULL;
}

static bool all_tensors(const Arg *list)
{
    for (int i = 0; i < list->n_items; i++)
        if (list->items[i].kind != ARG_VALUE || list->items[i].value->kind != VALUE_TENSOR)
            return false;
    return list->kind == ARG_LIST;
}

static Error *read_stack(Stack *s)
{
    Node *node = s->node;
    if (node->n_args != 4 || node->args[0].kind != ARG_GRAPH || node->args[1].kind != ARG_GRAPH ||
        node->args[2].kind != ARG_LIST || node->args[3].kind != ARG_LIST)
        return node_error(node, E_FORMAT, "%s has other arguments than expected",
                          node->schema->name);
    s->carried = &node->args[2];
    s->more = &node->args[3];
    Graph *cond = node->args[0].graph, *body = node->args[1].graph;
    int    n = s->carried->n_items + s->more->n_items;
    if (!all_tensors(s->carried) || !all_tensors(s->more) || !s->carried->n_items)
        return node_error(node, E_UNSUPPORTED, "%s: an operand that is no tensor",
                          node->schema->name);
    if (cond->n_inputs != n || body->n_inputs != n || cond->n_outputs != 1 ||
        body->n_outputs != s->carried->n_items || node->n_results != s->carried->n_items)
        return node_error(node, E_FORMAT, "operands and results of %s do not fit its subgraphs",
                          node->schema->name);
    for (int i = 0; i <= body->n_outputs; i++) {
        const Arg *arg = i ? &body->outputs[i - 1].arg : &cond->outputs[0].arg;
        if (arg->kind != ARG_VALUE || arg->value->kind != VALUE_TENSOR)
            return node_error(node, E_UNSUPPORTED, "%s: a subgraph that gives no tensor",
                              node->schema->name);
    }
    for (int i = 0; i < node->n_results; i++) {
        const Value *ys = node->results[i];
        if (ys->kind != VALUE_TENSOR || ys->type.rank < 1 ||
            ys->type.sizes[0]->kind != EXPR_SYMBOL ||
            ys->type.sizes[0] != node->results[0]->type.sizes[0])
            return node_error(node, E_FORMAT, "%s: result %d does not have the turns as a size",
                              node->schema->name, i);
    }
    s->turns = node->results[0]->type.sizes[0];
    return NULL;
}

Error *stack_loop(Graph *graph, Node *node)
{
    Stack s = {.graph = graph, .node = node};
    Build b = build_at(node);
    TRY(read_stack(&s));
    TRY(add_count(&s, &b));
    TRY(define_turns(&s, &b));
    return add_stack(&s, &b);
}
