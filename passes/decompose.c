/* decompose: composite operators become what their rows in ir/ops say, until none is left.
 *
 *   %1 = aten.addcmul.default(%a, %b, %c)     becomes  %1 = aten.mul.Tensor(%b, %c)
 *                                                      %2 = aten.add.Tensor(%a, %1)
 *
 * Two passes: `decompose` leaves the rows with keep_for_template, which patterns and templates want
 * whole; `decompose_late` takes those too, except where a row names the template that takes the
 * node as it is. Nodes without a row are collected over all subgraphs and refused in one table. */
#include "passes/graph_util.h"

#include <stdlib.h>
#include <string.h>

/* Rows expand into simpler operators; the deepest honest chain (einsum, loss functions) has about
 * six steps. */
#define MAX_EXPANSION_DEPTH 24

typedef struct Decompose {
    PassCtx *cx;
    bool     late;
    bool     changed;
} Decompose;

/* What match_attention looks for, whatever the row says. */
static const char *const for_patterns[] = {"_softmax", "_safe_softmax", NULL};

static bool wants(const Decompose *d, const Node *node)
{
    if (node->op && (node->op->kind == OP_TEMPLATE || node->op->kind == OP_INDEXED))
        return node->op->expands && node->op->expands(node);
    if (!node->op || node->op->kind != OP_COMPOSITE)
        return false;
    if (!node->op->keep_for_template && (d->late || !node_base_in(node, for_patterns)))
        return true;
    return d->late && node->op->template_kind == TEMPLATE_NONE;
}

/* ---- one node -------------------------------------------------------------------------------- */

static bool can_be_same_sizes(const TensorType *a, const TensorType *b)
{
    int64_t x, y;
    for (int d = 0; d < a->rank; d++)
        if (expr_is_int(a->sizes[d], &x) && expr_is_int(b->sizes[d], &y) && x != y)
            return false;
    return true;
}

static Error *check_result(const Node *node, const Value *from, const Value *to)
{
    if (!to)
        return node_error(node, E_INTERNAL, "the expansion of %s does not give result %d",
                          node->schema->name, from->result);
    if (from->kind == VALUE_TENSOR && to->kind == VALUE_TENSOR &&
        from->type.rank == to->type.rank && from->type.dtype == to->type.dtype &&
        can_be_same_sizes(&from->type, &to->type))
        return NULL;
    if (from->kind != VALUE_TENSOR && to->kind == from->kind)
        return NULL;
    Arena *arena = node->graph->ir->arena;
    return node_error(
        node, E_INTERNAL, "the expansion of %s gives %s where %s was exported", node->schema->name,
        to->kind == VALUE_TENSOR ? tensor_type_text(arena, &to->type) : "no tensor",
        from->kind == VALUE_TENSOR ? tensor_type_text(arena, &from->type) : "no tensor");
}

/* Sizes that the export knows better (an unbacked symbol instead of a formula) are kept, and the
 * device of what no operand places. */
static void take_type(Value *to, const TensorType *type)
{
    to->type.sizes = type->sizes;
    to->type.strides = type->strides;
    to->type.device = type->device;
}

/* Is the value made by this expansion, so that its strides are nobody else's? */
static bool is_fresh(const Value *value, const Node *node)
{
    return value->def && value->scratch == node && value->def->op &&
           value->def->op->kind != OP_VIEW;
}

/* An observed result keeps the strides that were exported, through a copy where the expansion gave
 * a view. */
static Error *replace_result(Node *node, Value *from, Value *to, Value *const *earlier,
                             int n_earlier)
{
    Graph *graph = node->graph;
    bool   differs =
        !to || (from->kind == VALUE_TENSOR && to->kind == VALUE_TENSOR &&
                from->type.rank == to->type.rank && !can_be_same_sizes(&from->type, &to->type));
    if (differs) { /* expansions may leave out results that only backward passes use */
        graph_count_uses(graph);
        if (from->n_uses == 0)
            return NULL;
    }
    TRY(check_result(node, from, to));
    bool again = false;
    for (int i = 0; i < n_earlier; i++)
        again |= earlier[i] == to;
    if (from->kind == VALUE_TENSOR && is_fresh(to, node) && !again &&
        !value_is_observed(graph, to)) {
        take_type(to, &from->type);
    } else if (from->kind == VALUE_TENSOR && value_is_observed(graph, from) &&
               (!to->def || !same_strides(&from->type, &to->type))) {
        Arg args[] = {arg_value(to)};
        TRY(build_like(graph, node, node, "aten.clone.default", args, 1, &to));
        take_type(to, &from->type);
    }
    graph_replace_uses(graph, from, to);
    return NULL;
}

static Error *expand_node(Decompose *d, Node *node)
{
    int     n = node->n_results ? node->n_results : 1;
    Graph  *graph = node->graph;
    Value **results = ARENA_ARRAY(graph->ir->arena, Value *, n);
    Node   *before = node->prev;
    if (!node->op->expand && !node->op->expand_fn)
        return node_error(node, E_INTERNAL, "the row of %s has no expansion", node->schema->name);
    TRY(node->op->expand ? build_expand(node, node->op->expand, results)
                         : node->op->expand_fn(node, results));
    uintptr_t depth = (uintptr_t)node->scratch + 1;
    if (depth > MAX_EXPANSION_DEPTH)
        return node_error(node, E_LIMIT, "expansions of %s are nested deeper than %d",
                          node->schema->name, MAX_EXPANSION_DEPTH);
    for (Node *m = before ? before->next : graph->first; m != node; m = m->next) {
        m->scratch = (void *)depth;
        inherit_where(m, node);
        for (int i = 0; i < m->n_results; i++)
            m->results[i]->scratch = node;
    }
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind != VALUE_NONE)
            TRY(replace_result(node, node->results[i], results[i], results, i));
    graph_remove_node(graph, node);
    d->changed = true;
    return NULL;
}

static Error *decompose_graph(void *user, Graph *graph)
{
    Decompose *d = user;
    for (Node *n = graph->first; n; n = n->next)
        n->scratch = NULL;
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (!wants(d, n))
            continue;
        Node *before = n->prev;
        TRY(expand_node(d, n));
        next = before ? before->next : graph->first;
    }
    graph_count_uses(graph);
    graph_remove_dead(graph);
    return graph_for_each_subgraph(graph, decompose_graph, d);
}

/* ---- what nobody knows ----------------------------------------------------------------------- */

typedef struct Report {
    Arena   *arena;
    PassCtx *cx;
} Report;

/* What the user called: not the functional form that the export has wrapped it into. */
static const char *called_name(const Node *node)
{
    bool is_wrapped = !strncmp(node->schema->base, "auto_functionalized", 19) && node->n_args &&
                      node->args[0].kind == ARG_STRING;
    const char *name = is_wrapped ? node->args[0].string : node->schema->name;
    return strncmp(name, "torch.ops.", 10) ? name : name + 10;
}

static void note_unknown(Report *r, const Node *node)
{
    const char *op = called_name(node);
    for (int i = 0; i < r->cx->unsupported.n; i++)
        if (!strcmp(r->cx->unsupported.items[i].name, op)) {
            r->cx->unsupported.items[i].times++;
            return;
        }
    VEC_PUSH(r->arena, r->cx->unsupported, ((UnsupportedOp){op, node, 1}));
}

static Error *find_unknown(void *user, Graph *graph)
{
    for (const Node *n = graph->first; n; n = n->next)
        if (!n->op)
            note_unknown(user, n);
    return graph_for_each_subgraph(graph, find_unknown, user);
}

static int by_times(const void *a, const void *b)
{
    const UnsupportedOp *x = a, *y = b;
    return x->times != y->times ? y->times - x->times : strcmp(x->name, y->name);
}

static const char *table_text(Arena *arena, const UnsupportedOp *ops, int n)
{
    int  width = 8;
    Text t = text_new(arena);
    for (int i = 0; i < n; i++)
        if ((int)strlen(ops[i].name) > width)
            width = (int)strlen(ops[i].name);
    text_printf(&t, "%d operator%s not supported\n  %-*s  times  first node", n,
                n == 1 ? " is" : "s are", width, "operator");
    for (int i = 0; i < n; i++) {
        const char *name = ops[i].node->name, *python = ops[i].node->where.python;
        text_printf(&t, "\n  %-*s  %5d  %%%s%s%s", width, ops[i].name, ops[i].times,
                    name ? name : "?", python ? "  " : "", python ? python : "");
    }
    return t.data;
}

static Error *refuse_unknown(Graph *graph, PassCtx *cx)
{
    Report r = {.arena = graph->ir->arena, .cx = cx};
    cx->unsupported.n = 0;
    TRY(find_unknown(&r, graph));
    UnsupportedOp *ops = cx->unsupported.items;
    int            n = cx->unsupported.n;
    if (!n)
        return NULL;
    Where where = ops[0].node->where;
    where.file = where.file ? where.file : graph->ir->file;
    where.node = where.node ? where.node : ops[0].node->name;
    where.op = ops[0].name;
    qsort(ops, (size_t)n, sizeof *ops, by_times);
    Error *error = error_new(r.arena, E_UNSUPPORTED, where, "%s", table_text(r.arena, ops, n));
    error->help = "write them as custom operators: --explain-unsupported prints a start "
                  "(docs/custom-operators.md)";
    return error;
}

/* ---- the passes ------------------------------------------------------------------------------ */

static Error *run_passes(Graph *graph, PassCtx *cx, bool late, bool *changed)
{
    if (graph->parent) /* the walk from the top has been here */
        return NULL;
    Decompose d = {.cx = cx, .late = late};
    TRY(decompose_graph(&d, graph));
    *changed |= d.changed;
    return refuse_unknown(graph, cx);
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    return run_passes(graph, cx, false, changed);
}

static Error *run_late(Graph *graph, PassCtx *cx, bool *changed)
{
    return run_passes(graph, cx, true, changed);
}

const Pass pass_decompose = {
    .name = "decompose",
    .purpose = "expand composite operators, except those that a template may take whole",
    .run = run,
};

const Pass pass_decompose_late = {
    .name = "decompose_late",
    .purpose = "expand the composite operators that no template took",
    .run = run_late,
};
