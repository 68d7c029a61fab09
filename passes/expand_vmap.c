/* expand_vmap: levels of torch.vmap that an export leaves in the graph.
 *
 *   _vmap_increment_nesting(n, "error")
 *   %a = _add_batch_dim(%x, 1, 1) : f32[6]               with %x : f32[6,n]
 *   %r = aten.sin.default(%a) : f32[6]
 *   %y = _remove_batch_dim(%r, 1, n, 0) : f32[n,6]
 *   _vmap_decrement_nesting()
 *                      becomes  %a = aten.movedim.int(%x, 1, 0) : f32[n,6]
 *                               %r = aten.sin.default(%a) : f32[n,6]
 *
 * A call inside a level sees one item of the batched values.  Where all calls on batched values are
 * elementwise, these take the batch as their first dim; other levels become a map over the batch,
 * which unroll_loops writes out or makes a while_loop of.  Innermost levels first. */
#include "passes/graph_util.h"

#include "ir/ops/shape_util.h"

#include <string.h>

#define PREDISPATCH "torch._functorch.predispatch."

typedef struct Level {
    Graph      *graph;
    Node       *first, *last; /* the calls that open and close it */
    const Expr *size;
    bool        draws_apart; /* randomness="different": every item its own numbers */
} Level;

/* Values that are one item of a batch have their node's level in Value.scratch. */
static bool is_batched(const Value *value, const Level *level)
{
    return value->scratch == level;
}

static bool is_vmap_call(const Node *node, const char *name)
{
    const char *at = node->schema->name;
    size_t      prefix = strlen(PREDISPATCH), length = strlen(name);
    return !strncmp(at, PREDISPATCH, prefix) && !strncmp(at + prefix, name, length) &&
           (!at[prefix + length] || at[prefix + length] == '.');
}

static bool arg_is_tensor(const Arg *arg)
{
    return arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR;
}

static bool is_add(const Node *node)
{
    return is_vmap_call(node, "_add_batch_dim") && node->n_args == 3 &&
           arg_is_tensor(&node->args[0]);
}

static bool is_remove(const Node *node)
{
    return is_vmap_call(node, "_remove_batch_dim") && node->n_args == 4 &&
           arg_is_tensor(&node->args[0]);
}

typedef struct Seen {
    const Level *level;
    bool         batched;
} Seen;

static void look_for_batched(void *user, Arg *arg)
{
    Seen *seen = user;
    seen->batched |= is_batched(arg->value, seen->level);
}

/* Does the node compute with an item of the batch?  What its subgraphs take stands in its operands.
 */
static bool reads_batch(const Level *level, Node *node)
{
    Seen seen = {level, level->draws_apart && node->op && node->op->is_random};
    node_for_each_value(node, look_for_batched, &seen);
    return seen.batched;
}

/* Marks what depends on the batch. */
static Error *mark_level(const Level *level)
{
    for (Node *n = level->first->next; n != level->last; n = n->next) {
        if (n->schema->writes)
            return node_error(n, E_UNSUPPORTED, "%s writes inside torch.vmap", n->schema->name);
        bool batched = is_add(n) || (!is_remove(n) && reads_batch(level, n));
        for (int i = 0; batched && i < n->n_results; i++)
            n->results[i]->scratch = (void *)level;
    }
    return NULL;
}

/* ---- elementwise levels ---------------------------------------------------------------------- */

/* With another rank promotion could choose another dtype: 0-d tensors give way to others. */
static bool keeps_dtype(const Level *level, const Node *node)
{
    DType dtype = DT_NONE;
    bool  has_0d = false, is_mixed = false;
    for (int i = 0; i < node->n_args; i++) {
        if (node->args[i].kind == ARG_LIST)
            return false;
        if (!arg_is_tensor(&node->args[i]))
            continue;
        const Value *value = node->args[i].value;
        has_0d |= is_batched(value, level) && value->type.rank == 0;
        if (value->type.dtype == DT_BOOL)
            continue; /* below all others */
        is_mixed |= dtype != DT_NONE && dtype != value->type.dtype;
        dtype = value->type.dtype;
    }
    return !has_0d || !is_mixed;
}

static bool is_elementwise(const Level *level, const Node *node)
{
    return node->op && node->op->kind == OP_POINTWISE && node_is_pure(node) &&
           node->n_results == 1 && keeps_dtype(level, node);
}

static bool level_is_elementwise(const Level *level)
{
    for (const Node *n = level->first->next; n != level->last; n = n->next)
        if (!is_add(n) && n->n_results && is_batched(n->results[0], level) &&
            !is_elementwise(level, n))
            return false;
    return true;
}

/* [n, sizes] as [n, 1…, sizes], so that it broadcasts with results of `rank`, the batch aside. */
static Value *align(Build *b, Value *value, int rank)
{
    const Expr *sizes[MAX_RANK + 1];
    int         own = value->type.rank - 1, n = 0;
    if (own >= rank)
        return value;
    sizes[n++] = value->type.sizes[0];
    for (int d = 0; d < rank - own; d++)
        sizes[n++] = expr_int(b->graph->ir->exprs, 1);
    for (int d = 0; d < own; d++)
        sizes[n++] = value->type.sizes[1 + d];
    return build_reshape(b, value, sizes, n);
}

static Error *batch_call(const Level *level, Node *node)
{
    Build b = build_at(node);
    int   rank = node->results[0]->type.rank;
    if (rank + 1 > MAX_RANK)
        return node_error(node, E_LIMIT, "results of rank %d", rank + 1);
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_VALUE && is_batched(node->args[i].value, level)) {
            Value *aligned = align(&b, node->args[i].value, rank);
            if (b.error)
                return b.error;
            node->args[i].value = aligned;
        }
    return infer_node(node);
}

/* x with its batch first. */
static Error *batch_first(const Level *level, Node *add, Value **out)
{
    Build b = build_at(add);
    *out = BUILD(&b, "aten.movedim.int", add->args[0], add->args[1], arg_int(level->graph, 0));
    return b.error;
}

static Error *replace_removed(const Level *level, Node *node, Value *batched)
{
    Build       b = build_at(node);
    Value      *value = batched;
    const Expr *sizes[MAX_RANK + 1];
    if (!batched) { /* the same for all items */
        const TensorType *type = &node->args[0].value->type;
        sizes[0] = level->size;
        memcpy(sizes + 1, type->sizes, sizeof *sizes * (size_t)type->rank);
        value =
            build_expand_to(&b, build_unsqueeze(&b, node->args[0].value, 0), sizes, type->rank + 1);
    }
    if (!b.error)
        value = BUILD(&b, "aten.movedim.int", arg_value(value), arg_int(b.graph, 0), node->args[3]);
    if (b.error)
        return b.error;
    graph_replace_uses(level->graph, node->results[0], value);
    graph_remove_node(level->graph, node);
    return NULL;
}

static Error *expand_elementwise(Level *level)
{
    for (Node *n = level->first->next, *next; n != level->last; n = next) {
        next = n->next;
        if (is_add(n)) {
            Value *value;
            TRY(batch_first(level, n, &value));
            value->scratch = level;
            graph_replace_uses(level->graph, n->results[0], value);
            graph_remove_node(level->graph, n);
        } else if (is_remove(n)) {
            Value *of = n->args[0].value;
            TRY(replace_removed(level, n, is_batched(of, level) ? of : NULL));
        } else if (n->n_results && is_batched(n->results[0], level)) {
            TRY(batch_call(level, n));
        }
    }
    return NULL;
}

/* ---- levels as maps -------------------------------------------------------------------------- */

typedef struct Map {
    const Level *level;
    Graph       *body;
    VEC(Arg) xs, more;
    VEC(Value *) captured;
    VEC(Node *) removes;
    VEC(Value *) outputs;
} Map;

/* Tensors from outside become operands behind the batched ones. */
static void note_captured(void *user, Arg *arg)
{
    Map   *m = user;
    Value *value = arg->value;
    if (value->kind != VALUE_TENSOR || is_batched(value, m->level))
        return;
    for (int i = 0; i < m->captured.n; i++)
        if (m->captured.items[i] == value)
            return;
    VEC_PUSH(m->body->ir->arena, m->captured, value);
}

static Error *move_calls(Map *m)
{
    Arena *arena = m->body->ir->arena;
    for (Node *n = m->level->first->next, *next; n != m->level->last; n = next) {
        next = n->next;
        if (is_add(n)) {
            Value *x, *item = graph_add_input(m->body, n->name, n->results[0]->type);
            TRY(batch_first(m->level, n, &x));
            VEC_PUSH(arena, m->xs, arg_value(x));
            item->scratch = (void *)m->level;
            graph_replace_uses(m->level->graph, n->results[0], item);
            graph_remove_node(m->level->graph, n);
        } else if (is_remove(n)) {
            VEC_PUSH(arena, m->removes, n);
            note_captured(m, &n->args[0]);
        } else if (n->n_results && is_batched(n->results[0], m->level)) {
            graph_adopt_node(m->body, n);
            node_for_each_value(n, note_captured, m);
        }
    }
    return NULL;
}

/* The operands are settled: inputs of the body for what is captured, then its outputs. */
static void finish_body(Map *m)
{
    Arena *arena = m->body->ir->arena;
    m->body->n_outputs = m->removes.n;
    m->body->outputs = ARENA_ARRAY(arena, GraphOutput, m->removes.n + 1);
    for (int i = 0; i < m->removes.n; i++)
        m->body->outputs[i].arg = arg_value(m->removes.items[i]->args[0].value);
    for (int i = 0; i < m->captured.n; i++) {
        Value *from = m->captured.items[i];
        graph_replace_uses(m->body, from, graph_add_input(m->body, from->name, from->type));
        VEC_PUSH(arena, m->more, arg_value(from));
    }
}

static Error *expand_as_map(Level *level)
{
    Ir *ir = level->graph->ir;
    Map m = {.level = level, .body = graph_create(ir, "vmap")};
    m.body->parent = level->graph;
    TRY(move_calls(&m));
    if (!m.removes.n)
        return NULL;
    if (!m.xs.n)
        return node_error(level->first, E_FORMAT, "torch.vmap without a batched operand");
    finish_body(&m);
    Arg             args[] = {{.kind = ARG_GRAPH, .graph = m.body},
                              arg_list(m.xs.items, m.xs.n),
                              arg_list(m.more.items, m.more.n)};
    const OpSchema *schema = schema_higher_order(ir, "higher_order.map_impl", 3);
    Node *map = graph_add_node(level->graph, level->last, schema, "vmap", args, 3, m.removes.n);
    inherit_where(map, m.removes.items[0]);
    for (int i = 0; i < m.removes.n; i++) {
        const TensorType *item = &m.body->outputs[i].arg.value->type;
        const Expr       *sizes[MAX_RANK + 1];
        if (item->rank + 1 > MAX_RANK)
            return node_error(m.removes.items[i], E_LIMIT, "results of rank %d", item->rank + 1);
        sizes[0] = level->size;
        memcpy(sizes + 1, item->sizes, sizeof *sizes * (size_t)item->rank);
        map->results[i]->type = tensor_type(ir, item->dtype, sizes, item->rank + 1);
        graph_move_node(level->graph, m.removes.items[i], level->last);
        TRY(replace_removed(level, m.removes.items[i], map->results[i]));
    }
    return NULL;
}

/* ---- all levels ------------------------------------------------------------------------------ */

static Error *refuse_random(const Level *level)
{
    const Arg *randomness = &level->first->args[1];
    if (randomness->kind == ARG_STRING && strcmp(randomness->string, "same"))
        return NULL;
    for (const Node *n = level->first->next; n != level->last; n = n->next)
        if (n->op && n->op->is_random && n->n_results && is_batched(n->results[0], level))
            return node_error(n, E_UNSUPPORTED,
                              "%s draws the same numbers for all items of torch.vmap",
                              n->schema->name);
    return NULL;
}

static Error *expand_level(Graph *graph, Node *first, Node *last)
{
    Level *level = ARENA_NEW(graph->ir->arena, Level);
    *level = (Level){.graph = graph, .first = first, .last = last};
    if (first->n_args != 2 || !(level->size = arg_as_expr(&first->args[0])))
        return node_error(first, E_FORMAT, "%s: no batch size", first->schema->name);
    level->draws_apart =
        first->args[1].kind == ARG_STRING && !strcmp(first->args[1].string, "different");
    TRY(mark_level(level));
    TRY(refuse_random(level));
    TRY(level_is_elementwise(level) ? expand_elementwise(level) : expand_as_map(level));
    graph_remove_node(graph, first);
    graph_remove_node(graph, last);
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    Node *open = NULL;
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (is_vmap_call(n, "lazy_load_decompositions")) {
            graph_remove_node(graph, n); /* registers rules of vmap in PyTorch */
        } else if (is_vmap_call(n, "_vmap_increment_nesting")) {
            n->scratch = open;
            open = n;
        } else if (is_vmap_call(n, "_vmap_decrement_nesting")) {
            if (!open)
                return node_error(n, E_FORMAT, "%s closes no level", n->schema->name);
            Node *outer = open->scratch;
            TRY(expand_level(graph, open, n));
            open = outer;
            pass_count(cx, "expand_vmap", 1);
            *changed = true;
        }
    }
    return open ? node_error(open, E_FORMAT, "%s is not closed", open->schema->name) : NULL;
}

const Pass pass_expand_vmap = {
    .name = "expand_vmap",
    .purpose = "give the calls inside torch.vmap their batch, or make a map of them",
    .run = run,
};
