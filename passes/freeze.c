/* freeze: what depends on weights alone is computed once, when the package is made.
 *
 *   %1 = aten.mul.Tensor(%w, %scale)              Graph.fold:  %0 = aten.mul.Tensor(%w, %scale)
 * return %0 %2 = aten.permute.default(%1, [1,0])          %2 = aten.permute.default(%"folded.0",
 * [1,0]) %3 = aten.mm.default(%x, %2)                  %3 = aten.mm.default(%x, %2)
 *
 * In: a functional graph.  Out: Graph.fold, whose inputs are named like the constants they are, and
 * one new constant without storage for each of its outputs.  Not folded are views of constants
 * (lowering reads through them), generators (they are expressions inside kernels), mutated state,
 * and what would make the weights much larger. */
#include "passes/graph_util.h"

#include <string.h>

/* Results of up to that many elements are folded however much they grow. */
#define SMALL_NUMEL 4096
/* By how many bytes folding may enlarge the weights in all: a package is its weights and little
 * more.  What comes first is folded first: early layers have the most positions, so that their
 * tables save most. */
#define GROWTH_BUDGET (128 * 1024)

typedef struct Freeze {
    Graph   *graph;
    PassCtx *cx;
    Origin  *of; /* by value id */
    int      n_of;
    int64_t  budget; /* bytes of growth that are left */
    bool    *wanted; /* values that the fold graph computes */
    Value  **map;    /* value of the fold graph for one of this graph */
    VEC(Value *) roots;
} Freeze;

static int64_t numel(const Value *value)
{
    int64_t n = 1, size;
    for (int i = 0; i < value->type.rank; i++)
        n = expr_is_int(value->type.sizes[i], &size) && (size == 0 || n <= INT64_MAX / size)
                ? n * size
                : INT64_MAX;
    return n;
}

/* Saturating. */
static int64_t add_bytes(int64_t sum, const Value *value)
{
    int64_t n = numel(value), size = dtype_size(value->type.dtype);
    return n > (INT64_MAX - sum) / size ? INT64_MAX : sum + n * size;
}

static bool is_view(const Node *node)
{
    return node->op && node->op->kind == OP_VIEW;
}

/* ---- what must not be folded ----------------------------------------------------------------- */

typedef struct InputSizes {
    Freeze *f;
    int64_t bytes, numel;
    bool    is_narrow; /* a quantized weight among them */
} InputSizes;

static void add_input_size(void *user, Arg *arg)
{
    InputSizes  *s = user;
    const Value *v = arg->value;
    if (v->kind != VALUE_TENSOR || s->f->of[v->id] != FROM_CONSTANTS)
        return;
    while (v->def && is_view(v->def)) /* an expanded constant is as large as what is stored */
        v = node_first_tensor(v->def);
    int64_t n = numel(v);
    s->bytes = add_bytes(s->bytes, v);
    s->numel = n > INT64_MAX - s->numel ? INT64_MAX : s->numel + n;
    s->is_narrow |= n > SMALL_NUMEL && dtype_size(v->type.dtype) == 1 && v->type.dtype != DT_BOOL;
}

/* A one-byte weight that is widened is a weight-only quantized one: it is widened in registers by
 * its matmul. */
static bool grows(Freeze *f, Node *node)
{
    InputSizes s = {.f = f};
    node_for_each_value(node, add_input_size, &s);
    int64_t out = 0, bytes = 0;
    for (int i = 0; i < node->n_results; i++) {
        const Value *v = node->results[i];
        if (v->kind != VALUE_TENSOR)
            continue;
        out = numel(v) > out ? numel(v) : out;
        bytes = add_bytes(bytes, v);
    }
    if (s.is_narrow && dtype_size(node->results[0]->type.dtype) > 1)
        return true;
    if (out <= SMALL_NUMEL || bytes <= s.bytes)
        return false;
    if (node->op &&
        node->op->kind ==
            OP_POINTWISE) /* a broadcast sum costs nothing where it is used; a cast does */
        return out > s.numel;
    if (bytes - s.bytes > f->budget)
        return true;
    f->budget -= bytes - s.bytes;
    return false;
}

/* An operand that is not folded makes what is built on it a value of the run. */
static void note_input(void *user, Arg *arg)
{
    InputSizes *s = user;
    if (s->f->of[arg->value->id] == FROM_INPUTS)
        s->is_narrow = true;
}

static void refuse_growth(Freeze *f)
{
    for (Node *n = f->graph->first; n; n = n->next) {
        if (!n->n_results || f->of[n->results[0]->id] != FROM_CONSTANTS)
            continue;
        InputSizes s = {.f = f};
        node_for_each_value(n, note_input, &s);
        if (!s.is_narrow && (is_view(n) || !grows(f, n)))
            continue;
        for (int i = 0; i < n->n_results; i++)
            f->of[n->results[i]->id] = FROM_INPUTS;
    }
}

/* ---- roots: the last folded value before the run needs it ------------------------------------ */

static void need(Freeze *f, Value *value)
{
    if (value->kind != VALUE_TENSOR || f->of[value->id] != FROM_CONSTANTS)
        return;
    while (value->def && is_view(value->def))
        value = node_first_tensor(value->def);
    if (value->constant || !value->def || f->of[value->id] != FROM_CONSTANTS ||
        f->wanted[value->id])
        return;
    f->wanted[value->id] = true;
    VEC_PUSH(f->cx->arena, f->roots, value);
}

static void need_arg(void *user, Arg *arg)
{
    need(user, arg->value);
}

static void need_captures(void *user, Graph *graph)
{
    for (Node *n = graph->first; n; n = n->next) {
        node_for_each_value(n, need_arg, user);
        node_for_each_graph(n, need_captures, user);
    }
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE)
            need(user, graph->outputs[i].arg.value);
}

static void find_roots(Freeze *f)
{
    Graph *graph = f->graph;
    for (Node *n = graph->first; n; n = n->next) {
        if (n->n_results && f->of[n->results[0]->id] != FROM_INPUTS)
            continue;
        node_for_each_value(n, need_arg, f);
        node_for_each_graph(n, need_captures, f);
    }
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE)
            need(f, graph->outputs[i].arg.value);
    for (int i = 0; i < graph->mutations.n; i++)
        need(f, graph->mutations.items[i].value);
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to)
            need(f, graph->inputs[i].mutated_to);
}

/* ---- the fold graph -------------------------------------------------------------------------- */

static void want_arg(void *user, Arg *arg)
{
    ((Freeze *)user)->wanted[arg->value->id] = true;
}

static bool is_wanted(const Freeze *f, const Node *node)
{
    for (int i = 0; i < node->n_results; i++)
        if (f->wanted[node->results[i]->id])
            return true;
    return false;
}

static void mark_operands(Freeze *f)
{
    for (Node *n = f->graph->last; n; n = n->prev)
        if (is_wanted(f, n))
            node_for_each_value(n, want_arg, f);
}

static void add_fold_inputs(Freeze *f, Graph *fold)
{
    for (int i = 0; i < f->graph->constants.n; i++) {
        Constant *c = f->graph->constants.items[i];
        if (!f->wanted[c->value->id])
            continue;
        TensorType type = c->value->type;
        type.storage_offset = expr_int(f->graph->ir->exprs, 0);
        f->map[c->value->id] = graph_add_input(fold, c->fqn, type);
        fold->inputs[fold->n_inputs - 1].name = c->fqn;
    }
}

static Arg copy_arg(const Freeze *f, const Arg *arg)
{
    Arg copy = *arg;
    if (arg->kind == ARG_VALUE)
        copy.value = f->map[arg->value->id];
    if (arg->kind == ARG_LIST) {
        copy.items = ARENA_ARRAY(f->graph->ir->arena, Arg, arg->n_items ? arg->n_items : 1);
        for (int i = 0; i < arg->n_items; i++)
            copy.items[i] = copy_arg(f, &arg->items[i]);
    }
    return copy;
}

static void copy_node(Freeze *f, Graph *fold, const Node *node)
{
    Arg *args = ARENA_ARRAY(f->graph->ir->arena, Arg, node->n_args ? node->n_args : 1);
    for (int i = 0; i < node->n_args; i++)
        args[i] = copy_arg(f, &node->args[i]);
    Node *copy =
        graph_add_node(fold, NULL, node->schema, node->name, args, node->n_args, node->n_results);
    copy->op = node->op;
    copy->where = node->where;
    copy->module = node->module;
    for (int i = 0; i < node->n_results; i++) {
        copy->results[i]->kind = node->results[i]->kind;
        copy->results[i]->type = node->results[i]->type;
        f->map[node->results[i]->id] = copy->results[i];
    }
}

static void add_fold_outputs(Freeze *f, Graph *fold)
{
    Arena *arena = f->graph->ir->arena;
    fold->outputs = ARENA_ARRAY(arena, GraphOutput, f->roots.n);
    fold->n_outputs = f->roots.n;
    for (int i = 0; i < f->roots.n; i++) {
        Value *root = f->roots.items[i];
        char  *fqn = arena_printf(arena, "folded.%d", i);
        Value *value = graph_add_constant(f->graph, CONSTANT_TENSOR, fqn, root->type, -1);
        VEC_PUSH(arena, f->graph->folded, value->constant);
        fold->outputs[i] = (GraphOutput){.name = fqn, .arg = arg_value(f->map[root->id])};
        graph_replace_uses(f->graph, root, value);
    }
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    if (graph->parent || graph->fold)
        return NULL;
    Freeze f = {.graph = graph, .cx = cx, .budget = GROWTH_BUDGET};
    f.of = graph_origins(graph, &f.n_of);
    f.wanted = ARENA_ARRAY(cx->arena, bool, f.n_of);
    f.map = ARENA_ARRAY(cx->arena, Value *, f.n_of);
    refuse_growth(&f);
    find_roots(&f);
    if (!f.roots.n)
        return NULL;
    mark_operands(&f);
    Graph *fold = graph_create(graph->ir, "fold");
    add_fold_inputs(&f, fold);
    for (Node *n = graph->first; n; n = n->next)
        if (is_wanted(&f, n))
            copy_node(&f, fold, n);
    add_fold_outputs(&f, fold);
    graph->fold = fold;
    graph_count_uses(graph);
    graph_remove_dead(graph);
    pass_count(cx, "constant_folding", f.roots.n);
    *changed = true;
    return graph_verify(fold);
}

const Pass pass_freeze = {
    .name = "freeze",
    .purpose = "compute what depends on weights alone when the package is made",
    .run = run,
};
