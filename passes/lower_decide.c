/* Lowering, first walk: which values get a buffer of their own, and which of those lie
 * channels-last in memory.
 *
 *   %0 = exp(%x)  used twice    ->  a buffer        %0 = neg(%x)  used twice  ->  computed in both
 * users operands of templates, graph outputs, mutated state  ->  a buffer whatever it costs */
#include "passes/lower_internal.h"

#include <string.h>

/* A value with several users is computed again in each of them up to this many operations. */
#define CHEAP_COST 4
/* ... unless that loads more than the value itself would: a chain of residual sums would be read
 * from its beginning by every layer. */
#define MAX_AGAIN_READS 1
/* A chain longer than this is cut by a buffer: bounds recursion and the size of one kernel's body.
 */
#define MAX_INLINE_COST 160

/* ---- which values get a buffer --------------------------------------------------------------- */

static int body_cost(const Node *node)
{
    static const char *const heavy[] = {
        "exp",    "log",     "sin",  "cos",  "tan",       "tanh", "erf",   "sigmoid",
        "pow",    "gelu",    "silu", "mish", "softplus",  "elu",  "sqrt",  "div",
        "lgamma", "digamma", "atan", "sinc", "remainder", "fmod", "logit", "hardswish"};
    if (node->op->kind == OP_INDEXED)
        return 3;
    for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++)
        if (strstr(node->schema->base, heavy[i]))
            return 10;
    return 1;
}

/* Does every element of the operand take part in at most one element of the result (cat, pad, flip
 * …)?  Others, such as windows and interpolation, ask for the same element many times. */
static bool reads_once(const Node *node)
{
    static const char *const names[] = {
        "cat",  "stack",         "constant_pad_nd",  "flip",
        "roll", "slice_scatter", "select_scatter",   "tril",
        "triu", "_to_copy",      "diagonal_scatter", "as_strided_scatter"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(node->schema->base, names[i]))
            return true;
    return false;
}

static bool same_numel(Ir *ir, const Value *a, const Value *b)
{
    return tensor_numel(ir, &a->type) == tensor_numel(ir, &b->type);
}

typedef struct UseCx {
    Lower *lo;
    Node  *node;
} UseCx;

/* A wider copy of another value: that one is kept instead. */
static bool widens(const Node *node)
{
    const Value *in = node->n_args && node->args[0].kind == ARG_VALUE ? node->args[0].value : NULL;
    return !strcmp(node->schema->base, "_to_copy") && in &&
           dtype_size(in->type.dtype) < dtype_size(node->results[0]->type.dtype);
}

/* Is a value with several users stored rather than computed in each of them? */
static bool worth_storing(const Lowered *l, const Node *node)
{
    return l->cost > CHEAP_COST || (l->reads > MAX_AGAIN_READS && !widens(node));
}

static void add_cost(void *user, Arg *arg)
{
    UseCx *u = user;
    if (arg->value->kind != VALUE_TENSOR)
        return;
    Value   *base = under_views(arg->value);
    Lowered *in = lowered(u->lo, base);
    Lowered *out = lowered(u->lo, u->node->results[0]);
    bool     shared = arg->value->n_uses > 1 || base->n_uses > 1;
    out->cost += in->realize || shared ? 1 : in->cost;
    /* Broadcast operands stay in cache; what is asked for at computed places does not.  An element
     * of cat and the like comes from one operand. */
    int reads = in->reads;
    if (in->realize || reads < 1 || (shared && base->def && worth_storing(in, base->def)))
        reads = 1;
    if (u->node->op->kind == OP_INDEXED && reads_once(u->node))
        out->reads = reads > out->reads ? reads : out->reads;
    else if (u->node->op->kind == OP_INDEXED)
        out->reads += 1;
    else if (same_numel(u->lo->ir, arg->value, u->node->results[0]))
        out->reads += reads;
}

/* Costs in execution order, with values of several users counted as realized. */
void estimate_costs(Lower *lo, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        if (!n->n_results || !n->op)
            continue;
        Lowered *out = lowered(lo, n->results[0]);
        if (n->op->kind == OP_POINTWISE || n->op->kind == OP_INDEXED) {
            out->cost = body_cost(n);
            node_for_each_value(n, add_cost, &(UseCx){lo, n});
            if (out->cost > MAX_INLINE_COST) {
                out->forced = out->realize = true;
                out->cost = 1;
            }
        } else {
            out->cost = 1;
        }
    }
}

static void add_sites(void *user, Arg *arg)
{
    UseCx *u = user;
    Value *value = arg->value;
    if (value->kind != VALUE_TENSOR)
        return;
    Value      *base = under_views(value);
    Lowered    *l = lowered(u->lo, base);
    const Node *node = u->node;
    int         sites = 1;
    switch (node->op ? node->op->kind : OP_EFFECT) {
    case OP_VIEW:
        return; /* its users speak for it */
    case OP_POINTWISE:
    case OP_INDEXED: {
        Lowered *out = lowered(u->lo, node->results[0]);
        if (!out->realize)
            sites = out->sites > 1 ? out->sites : 1;
        bool again = node->op->kind == OP_INDEXED ? !reads_once(node)
                                                  : !same_numel(u->lo->ir, value, node->results[0]);
        if (again)
            sites++;
        break;
    }
    case OP_REDUCTION:
        break;
    default:
        l->forced = true; /* templates, control flow, effects take buffers */
    }
    l->sites += sites;
}

static void decide_value(Lower *lo, Node *node, Value *value)
{
    Lowered *l = lowered(lo, value);
    if (value->kind != VALUE_TENSOR || node->op->kind == OP_VIEW)
        return;
    if (l->forced)
        l->realize = true;
    else if (node->op->kind == OP_TEMPLATE)
        l->realize = l->sites > 1;
    else if (node->op->kind == OP_POINTWISE || node->op->kind == OP_INDEXED)
        l->realize = l->sites > 1 && worth_storing(l, node);
}

static void force_output(Lower *lo, Arg *arg)
{
    if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR) {
        Lowered *l = lowered(lo, under_views(arg->value));
        l->sites++;
        if (under_views(arg->value) == arg->value)
            l->forced = true;
    }
}

void decide_graph(Lower *lo, Graph *graph)
{
    for (int i = 0; i < graph->n_outputs; i++)
        force_output(lo, &graph->outputs[i].arg);
    for (int i = 0; i < graph->mutations.n; i++)
        lowered(lo, graph->mutations.items[i].value)->forced = true;
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to)
            lowered(lo, graph->inputs[i].mutated_to)->forced = true;
    for (Node *n = graph->last; n; n = n->prev) {
        for (int r = 0; r < n->n_results && n->op; r++)
            decide_value(lo, n, n->results[r]);
        node_for_each_value(n, add_sites, &(UseCx){lo, n});
        for (int i = 0; i < n->n_args; i++)
            if (n->args[i].kind == ARG_GRAPH) {
                estimate_costs(lo, n->args[i].graph);
                decide_graph(lo, n->args[i].graph);
            }
    }
}

/* ---- channels last --------------------------------------------------------------------------- */

typedef struct SpreadCx {
    Lower *lo;
    Node  *node;
    bool   any, changed;
} SpreadCx;

static void spread_look(void *user, Arg *arg)
{
    SpreadCx *s = user;
    if (arg->value->kind == VALUE_TENSOR &&
        arg->value->type.rank == s->node->results[0]->type.rank &&
        lowered(s->lo, arg->value)->channels_last)
        s->any = true;
}

static void spread_set(void *user, Arg *arg)
{
    SpreadCx *s = user;
    Value    *v = arg->value;
    if (v->kind != VALUE_TENSOR || v->type.rank != s->node->results[0]->type.rank ||
        lowered(s->lo, v)->channels_last)
        return;
    lowered(s->lo, v)->channels_last = true;
    s->changed = true;
}

/* Convolutions work on channels-last data; what is between them (pointwise, pooling, padding, cat)
 * follows. */
void spread_channels_last(Lower *lo, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next)
        if (n->op && n->op->template_kind == TEMPLATE_CONV) {
            lowered(lo, n->results[0])->channels_last = true;
            lowered(lo, node_tensor(n, "input"))->channels_last = true;
        }
    for (int sweep = 0; sweep < 8; sweep++) {
        bool changed = false;
        for (Node *n = graph->first; n; n = n->next) {
            if (!n->op || !n->n_results || n->results[0]->kind != VALUE_TENSOR ||
                n->results[0]->type.rank < 3 ||
                (n->op->kind != OP_POINTWISE && n->op->kind != OP_INDEXED &&
                 n->op->kind != OP_REDUCTION))
                continue;
            SpreadCx s = {lo, n, lowered(lo, n->results[0])->channels_last, false};
            node_for_each_value(n, spread_look, &s);
            if (!s.any)
                continue;
            if (!lowered(lo, n->results[0])->channels_last)
                lowered(lo, n->results[0])->channels_last = s.changed = true;
            node_for_each_value(n, spread_set, &s);
            changed |= s.changed;
        }
        if (!changed)
            break;
    }
}
