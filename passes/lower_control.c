/* Control flow and effects: cond and while_loop become steps with steps inside, assertions become
 * host checks. */
#include "passes/lower_internal.h"

#include <string.h>

static Block *push_block(Lower *lo)
{
    Block *b = ARENA_NEW(lo->ir->arena, Block);
    b->outer = lo->block;
    lo->block = b;
    return b;
}

static void pop_block(Lower *lo)
{
    lo->block = lo->block->outer;
}

#define TAKE_STEPS(list, block)                                                                    \
    do {                                                                                           \
        (list).items = (block)->steps.items;                                                       \
        (list).n = (block)->steps.n;                                                               \
        (list).cap = (block)->steps.cap;                                                           \
    } while (0)

static Step *new_step(Lower *lo, StepKind kind, const Node *node)
{
    Step *s = ARENA_NEW(lo->ir->arena, Step);
    s->kind = kind;
    s->where = node->where;
    if (!s->where.node)
        s->where.node = node->name;
    return s;
}

/* Operands behind the subgraphs, lists flattened. */
static int flat_operands(const Node *node, int from, Arg *out, int cap)
{
    int n = 0;
    for (int i = from; i < node->n_args; i++) {
        const Arg *a = &node->args[i];
        for (int k = 0; k < (a->kind == ARG_LIST ? a->n_items : 1) && n < cap; k++)
            out[n++] = a->kind == ARG_LIST ? a->items[k] : *a;
    }
    return n;
}

static Buffer *plain_buffer(Lower *lo, Value *v)
{
    return new_buffer(lo, BUFFER_TEMP, v->name, v->type.dtype, v->type.rank, v->type.sizes, NULL);
}

static Error *need_tensors(Node *node, const Arg *args, int n)
{
    for (int i = 0; i < n; i++)
        if (args[i].kind != ARG_VALUE || args[i].value->kind != VALUE_TENSOR)
            return node_error(node, E_UNSUPPORTED, "%s: operand %d is not a tensor",
                              node->schema->name, i);
    return NULL;
}

/* A 0-d bool buffer that holds the value. */
static Error *flag_buffer(Lower *lo, Node *node, Value *value, Buffer **out)
{
    if (value->type.rank != 0)
        return node_error(node, E_UNSUPPORTED, "%s: a predicate that is not 0-d",
                          node->schema->name);
    *out = new_buffer(lo, BUFFER_TEMP, "flag", value->type.dtype, 0, NULL, NULL);
    return store_value(lo, value, *out);
}

static Error *lower_branch(Lower *lo, Node *node, Graph *branch, Buffer **results)
{
    TRY(lower_nodes(lo, branch));
    for (int i = 0; i < branch->n_outputs; i++) {
        Arg *a = &branch->outputs[i].arg;
        if (i >= node->n_results || node->results[i]->kind != VALUE_TENSOR)
            continue;
        if (a->kind != ARG_VALUE || a->value->kind != VALUE_TENSOR)
            return node_error(node, E_UNSUPPORTED, "a branch gives something other than a tensor");
        TRY(store_value(lo, a->value, results[i]));
    }
    return NULL;
}

static Error *lower_cond(Lower *lo, Node *node)
{
    Arg    operands[256];
    int    n = flat_operands(node, 3, operands, 256);
    Graph *branches[2] = {node->args[1].graph, node->args[2].graph};
    Step  *step = new_step(lo, STEP_IF, node);
    TRY(need_tensors(node, operands, n));
    if (node->args[0].kind == ARG_VALUE && node->args[0].value->kind == VALUE_TENSOR)
        TRY(flag_buffer(lo, node, node->args[0].value, &step->flag));
    else
        step->condition = arg_as_expr(&node->args[0]);
    Buffer **results = ARENA_ARRAY(lo->ir->arena, Buffer *, node->n_results + 1);
    for (int r = 0; r < node->n_results; r++)
        if (node->results[r]->kind == VALUE_TENSOR)
            lowered(lo, node->results[r])->buffer = results[r] = plain_buffer(lo, node->results[r]);
    for (int b = 0; b < 2; b++) {
        Block *block = push_block(lo);
        TRY(lower_branch(lo, node, branches[b], results));
        pop_block(lo);
        if (b == 0)
            TAKE_STEPS(step->then_steps, block);
        else
            TAKE_STEPS(step->else_steps, block);
    }
    VEC_PUSH(lo->ir->arena, lo->block->steps, step);
    return NULL;
}

/* A random number depends on the run and on the element, not on the turn of a loop: every turn
 * would draw the same. */
static Error *refuse_random(Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        if (n->op && n->op->is_random)
            return node_error(n, E_UNSUPPORTED, "random numbers inside a while_loop");
        for (int i = 0; i < n->n_args; i++)
            if (n->args[i].kind == ARG_GRAPH)
                TRY(refuse_random(n->args[i].graph));
    }
    return NULL;
}

/* while_loop(cond, body, carried, additional): carried values live in buffers that the body
 * rewrites. */
static Error *lower_while(Lower *lo, Node *node)
{
    Graph *cond = node->args[0].graph, *body = node->args[1].graph;
    Arg    operands[256];
    int    n = flat_operands(node, 2, operands, 256), n_carried = node->n_results;
    TRY(need_tensors(node, operands, n));
    TRY(refuse_random(cond));
    TRY(refuse_random(body));
    Buffer **carried = ARENA_ARRAY(lo->ir->arena, Buffer *, n_carried + 1);
    for (int i = 0; i < n_carried; i++) {
        carried[i] = plain_buffer(lo, operands[i].value);
        TRY(store_value(lo, operands[i].value, carried[i]));
        lowered(lo, cond->inputs[i].value)->buffer = carried[i];
        lowered(lo, body->inputs[i].value)->buffer = carried[i];
        lowered(lo, node->results[i])->buffer = carried[i];
    }
    Step  *step = new_step(lo, STEP_WHILE, node);
    Block *block = push_block(lo);
    TRY(lower_nodes(lo, cond));
    Arg *flag = &cond->outputs[0].arg;
    if (flag->kind != ARG_VALUE || flag->value->kind != VALUE_TENSOR)
        return node_error(node, E_UNSUPPORTED, "the condition of a while_loop is not a tensor");
    TRY(flag_buffer(lo, node, flag->value, &step->flag));
    pop_block(lo);
    TAKE_STEPS(step->else_steps, block);
    block = push_block(lo);
    TRY(lower_nodes(lo, body));
    Buffer **next = ARENA_ARRAY(lo->ir->arena, Buffer *, n_carried + 1);
    for (int i = 0; i < n_carried; i++) {
        next[i] = plain_buffer(lo, body->outputs[i].arg.value);
        TRY(store_value(lo, body->outputs[i].arg.value, next[i]));
    }
    for (int i = 0; i < n_carried; i++) {
        Step *copy = new_step(lo, STEP_COPY, node);
        copy->from = next[i];
        copy->to = carried[i];
        VEC_PUSH(lo->ir->arena, block->steps, copy);
    }
    pop_block(lo);
    TAKE_STEPS(step->then_steps, block);
    VEC_PUSH(lo->ir->arena, lo->block->steps, step);
    return NULL;
}

Error *lower_higher_order(Lower *lo, Node *node)
{
    if (!strcmp(node->schema->name, "higher_order.cond"))
        return lower_cond(lo, node);
    if (!strcmp(node->schema->name, "higher_order.while_loop"))
        return lower_while(lo, node);
    return node_error(node, E_UNSUPPORTED, "higher-order operator %s is not supported",
                      node->schema->name);
}

/* Inputs of branches are names for operands: the branch reads the operand itself. */
Error *bind_subgraph_inputs(Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        bool is_cond = !strcmp(n->schema->name, "higher_order.cond");
        bool is_while = !strcmp(n->schema->name, "higher_order.while_loop");
        if (!is_cond && !is_while)
            continue;
        Arg operands[256];
        int m = flat_operands(n, is_cond ? 3 : 2, operands, 256);
        for (int a = 0; a < n->n_args; a++) {
            Graph *sub = n->args[a].kind == ARG_GRAPH ? n->args[a].graph : NULL;
            if (!sub)
                continue;
            if (sub->n_inputs != m)
                return node_error(n, E_VALUE, "a branch takes %d operands, %d are given",
                                  sub->n_inputs, m);
            for (int i = is_while ? n->n_results : 0; i < m; i++) {
                Value *in = sub->inputs[i].value;
                if (in && in->kind == VALUE_TENSOR && operands[i].kind == ARG_VALUE)
                    graph_replace_uses(sub, in, operands[i].value);
            }
            TRY(bind_subgraph_inputs(sub));
        }
    }
    return NULL;
}

/* ---- effects --------------------------------------------------------------------------------- */

static void add_assert(Lower *lo, const Node *node, const Expr *condition, const char *message)
{
    if (expr_is_value(condition, 1))
        return;
    Step *s = new_step(lo, STEP_ASSERT, node);
    s->condition = condition;
    s->message = message;
    VEC_PUSH(lo->ir->arena, lo->block->steps, s);
}

static const char *assert_message(Lower *lo, const Node *node)
{
    int p = schema_param(node->schema, "assert_msg");
    if (p >= 0 && node->args[p].kind == ARG_STRING)
        return node->args[p].string;
    return arena_printf(lo->ir->arena, "%s failed", node->schema->name);
}

/* The element becomes a symbol, the symbol is checked on the host. */
static Error *assert_tensor(Lower *lo, Node *node, Value *value)
{
    Buffer *flag = NULL;
    TRY(flag_buffer(lo, node, value, &flag));
    Step *read = new_step(lo, STEP_SYMBOL, node);
    read->symbol =
        expr_symbol_named(lo->ir->exprs, arena_printf(lo->ir->arena, "uassert%d", flag->id),
                          SYM_UNBACKED, EXPR_TYPE_INT);
    read->flag = flag;
    VEC_PUSH(lo->ir->arena, lo->block->steps, read);
    add_assert(lo, node,
               expr_cmp(lo->ir->exprs, EXPR_NE, read->symbol->self, expr_int(lo->ir->exprs, 0)),
               assert_message(lo, node));
    return NULL;
}

/* The number says what failed: it is read where it lies. */
static Error *assert_info(Lower *lo, Node *node)
{
    Value *info = node_tensor(node, "info");
    Step  *s = new_step(lo, STEP_ASSERT, node);
    TRY(realize_value(lo, info));
    s->flag = lowered(lo, info)->buffer;
    s->message = node_arg(node, "api_name")->string;
    VEC_PUSH(lo->ir->arena, lo->block->steps, s);
    return NULL;
}

static Error *assert_range(Lower *lo, Node *node)
{
    ExprPool   *p = lo->ir->exprs;
    const Expr *size = arg_as_expr(&node->args[0]);
    const Expr *low = arg_as_expr(node_arg(node, "min")),
               *high = arg_as_expr(node_arg(node, "max"));
    if (!size)
        return NULL;
    /* The range constraints say the same of the symbol, so that the comparison would fold to true:
     * it must not. */
    if (low)
        add_assert(lo, node, expr_cmp(p, EXPR_LE, low, size),
                   arena_printf(lo->ir->arena, "value is below its minimum %s",
                                expr_text(lo->ir->arena, low)));
    if (high)
        add_assert(lo, node, expr_cmp(p, EXPR_LE, size, high),
                   arena_printf(lo->ir->arena, "value is above its maximum %s",
                                expr_text(lo->ir->arena, high)));
    return NULL;
}

Error *lower_effect(Lower *lo, Node *node)
{
    const char *op = node->schema->base;
    if (!strcmp(op, "_assert_scalar")) {
        const Expr *e = arg_as_expr(&node->args[0]);
        if (e && e->type != EXPR_TYPE_BOOL)
            e = expr_cmp(lo->ir->exprs, EXPR_NE, e, expr_int(lo->ir->exprs, 0));
        if (e)
            add_assert(lo, node, e, assert_message(lo, node));
        return NULL;
    }
    if (!strcmp(op, "_assert_async") || !strcmp(op, "_functional_assert_async"))
        return assert_tensor(lo, node, node->args[0].value);
    if (!strcmp(op, "assert_info"))
        return assert_info(lo, node);
    if (!strncmp(op, "sym_constrain_range", 19))
        return assert_range(lo, node);
    if (!strcmp(op, "_assert_tensor_metadata") || !strcmp(op, "_print"))
        return NULL; /* types are checked by the importer; printing has no reader */
    return node_error(node, E_UNSUPPORTED, "effect %s is not supported", node->schema->name);
}
