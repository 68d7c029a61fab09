/* Part of unroll_loops: a scan or map over many steps, or a number of steps that the run decides,
 * becomes a while_loop that counts.
 *
 *   %c, %ys = higher_order.scan(@body, [%init], [%xs], [])             with %xs : f32[s0,6]
 *                    becomes  %n, %c, %ys = higher_order.while_loop(@cond, @step,
 *                                               [0, %init, zeros(s0,6)], [%xs])
 *                             @cond  n < s0
 *                             @step  %c1, %y = higher_order.wrap(@body, %c, %xs[n]),  n + 1, %c1,
 *                                    index_copy(%ys, 0, n, %y)
 *
 * In: a loop that was read.  Out: its node is replaced; inline_regions puts the body in its place.
 */
#include "passes/unroll_loops.h"

#include "ir/ops/shape_util.h"

#include <string.h>

typedef struct Roll {
    Unroll *u;
    int     n_carried, n_ys, n_xs, n_more; /* n_more: tensors among u->more */
    Arg    *operands;                      /* counter, carried, ys, then xs, more */
    int     n_operands;
} Roll;

static const Expr *count_of(const Unroll *u)
{
    return u->xs.items[0].value->type.sizes[0];
}

static bool is_tensor(const Arg *arg)
{
    return arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR;
}

/* ys before the first step: [steps, sizes of a step's result…] of zeros. */
static Value *empty_results(Build *b, const Unroll *u, const TensorType *row)
{
    const Expr *sizes[MAX_RANK + 1];
    sizes[0] = count_of(u);
    memcpy(sizes + 1, row->sizes, sizeof *sizes * (size_t)row->rank);
    return b->error ? NULL
                    : BUILD(b, "aten.zeros.default", arg_exprs(b->graph, sizes, row->rank + 1),
                            arg_dtype(row->dtype));
}

static Error *read_operands(Roll *r, Build *b)
{
    Unroll *u = r->u;
    int     n = 0;
    r->n_carried = u->carried.n_items;
    r->n_ys = u->node->n_results - r->n_carried;
    r->n_xs = u->xs.n_items;
    r->operands = ARENA_ARRAY(u->graph->ir->arena, Arg, u->body->n_inputs + r->n_ys + 1);
    Value *zero =
        BUILD(b, "aten.full.default", arg_list(NULL, 0), arg_int(b->graph, 0), arg_dtype(DT_I64));
    r->operands[n++] = zero ? arg_value(zero) : arg_none();
    for (int i = 0; i < r->n_carried; i++)
        r->operands[n++] = u->carried.items[i];
    for (int i = 0; i < r->n_ys; i++) {
        const Value *y = u->body->outputs[r->n_carried + i].arg.value;
        if (y->type.rank + 1 > MAX_RANK)
            return node_error(u->node, E_LIMIT, "results of rank %d", y->type.rank + 1);
        Value *all = empty_results(b, u, &y->type);
        r->operands[n++] = all ? arg_value(all) : arg_none();
    }
    for (int i = 0; i < r->n_xs; i++)
        r->operands[n++] = u->xs.items[i];
    for (int i = 0; i < u->more.n_items; i++)
        if (is_tensor(&u->more.items[i])) {
            r->operands[n++] = u->more.items[i];
            r->n_more++;
        }
    r->n_operands = n;
    return b->error;
}

/* A subgraph whose inputs stand for the operands. */
static Graph *subgraph(const Roll *r, const char *name, int n_outputs)
{
    Graph *g = graph_create(r->u->graph->ir, name);
    g->parent = r->u->graph;
    for (int i = 0; i < r->n_operands; i++)
        graph_add_input(g, arena_printf(g->ir->arena, "arg%d", i), r->operands[i].value->type);
    g->outputs = ARENA_ARRAY(g->ir->arena, GraphOutput, n_outputs);
    g->n_outputs = n_outputs;
    return g;
}

static Error *make_condition(const Roll *r, Graph **out)
{
    Graph *g = subgraph(r, "cond", 1);
    Build  b = {.graph = g};
    Value *less =
        BUILD(&b, "aten.lt.Scalar", arg_value(g->inputs[0].value), arg_expr(count_of(r->u)));
    if (less)
        g->outputs[0].arg = arg_value(less);
    *out = g;
    return b.error;
}

/* The body of the loop as a node of g, on the row of this step. */
static Node *add_body(const Roll *r, Graph *g, Build *b, Value *at)
{
    const Unroll *u = r->u;
    int           n = 0, first_x = 1 + r->n_carried + r->n_ys, next_more = first_x + r->n_xs;
    Arg          *args = ARENA_ARRAY(g->ir->arena, Arg, u->body->n_inputs + 1);
    args[n++] = u->node->args[0];
    for (int i = 0; i < r->n_carried; i++)
        args[n++] = arg_value(g->inputs[1 + i].value);
    for (int i = 0; i < r->n_xs && !b->error; i++) {
        Value *row = BUILD(b, "aten.index_select.default", arg_value(g->inputs[first_x + i].value),
                           arg_int(g, 0), arg_value(at));
        row = b->error ? NULL : build_squeeze(b, row, 0);
        args[n++] = row ? arg_value(row) : arg_none();
    }
    for (int i = 0; i < u->more.n_items; i++)
        args[n++] = is_tensor(&u->more.items[i]) ? arg_value(g->inputs[next_more++].value)
                                                 : u->more.items[i];
    if (b->error)
        return NULL;
    const OpSchema *schema = schema_higher_order(g->ir, "higher_order.wrap", n);
    Node *wrap = graph_add_node(g, NULL, schema, u->node->name, args, n, u->body->n_outputs);
    inherit_where(wrap, u->node);
    u->body->parent = g;
    for (int i = 0; i < wrap->n_results; i++) {
        wrap->results[i]->kind = VALUE_TENSOR;
        wrap->results[i]->type = u->body->outputs[i].arg.value->type;
    }
    return wrap;
}

static Error *make_step(const Roll *r, Graph **out)
{
    Graph      *g = subgraph(r, "step", 1 + r->n_carried + r->n_ys);
    Build       b = {.graph = g};
    const Expr *one = expr_int(g->ir->exprs, 1);
    Value      *counter = g->inputs[0].value, *at = build_reshape(&b, counter, &one, 1);
    Node       *body = b.error ? NULL : add_body(r, g, &b, at);
    if (!body)
        return b.error;
    Value *next = BUILD(&b, "aten.add.Scalar", arg_value(counter), arg_int(g, 1));
    g->outputs[0].arg = next ? arg_value(next) : arg_none();
    for (int i = 0; i < r->n_carried; i++)
        g->outputs[1 + i].arg = arg_value(body->results[i]);
    for (int i = 0; i < r->n_ys && !b.error; i++) {
        int    k = 1 + r->n_carried + i;
        Value *row = build_unsqueeze(&b, body->results[r->n_carried + i], 0);
        Value *all = b.error ? NULL
                             : BUILD(&b, "aten.index_copy.default", arg_value(g->inputs[k].value),
                                     arg_int(g, 0), arg_value(at), arg_value(row));
        g->outputs[k].arg = all ? arg_value(all) : arg_none();
    }
    *out = g;
    return b.error;
}

Error *roll_loop(Unroll *u)
{
    Roll  r = {.u = u};
    Build b = build_at(u->node);
    Ir   *ir = u->graph->ir;
    Arg   args[4] = {{.kind = ARG_GRAPH}, {.kind = ARG_GRAPH}};
    TRY(read_operands(&r, &b));
    int n_state = 1 + r.n_carried + r.n_ys;
    TRY(make_condition(&r, &args[0].graph));
    TRY(make_step(&r, &args[1].graph));
    args[2] = arg_list(r.operands, n_state);
    args[3] = arg_list(r.operands + n_state, r.n_operands - n_state);
    const OpSchema *schema = schema_higher_order(ir, "higher_order.while_loop", 4);
    Node *loop = graph_add_node(u->graph, u->node, schema, u->node->name, args, 4, n_state);
    loop->op = op_find(ir, schema);
    inherit_where(loop, u->node);
    for (int i = 0; i < n_state; i++) {
        loop->results[i]->kind = VALUE_TENSOR;
        loop->results[i]->type = r.operands[i].value->type;
    }
    for (int i = 0; i < u->node->n_results; i++)
        if (u->node->results[i]->kind == VALUE_TENSOR)
            graph_replace_uses(u->graph, u->node->results[i], loop->results[1 + i]);
    graph_remove_node(u->graph, u->node);
    return NULL;
}
