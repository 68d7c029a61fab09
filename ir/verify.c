/* Checks what ir/graph.h promises of a graph; the pass runner calls it after every pass.
 *
 * In: any graph.  Out: NULL, or E_INTERNAL that names the node and what is wrong with it. */
#include "ir/graph_internal.h"
#include "ir/name_map.h"

#include <stdarg.h>
#include <string.h>

typedef struct Scope {
    const Graph  *graph;
    NameMap      *names; /* of this graph: value names -> Value */
    struct Scope *outer;
} Scope;

typedef struct Verifier {
    Ir         *ir;
    Scope      *scope;
    const Node *node;    /* being checked; NULL: inputs, outputs */
    bool       *defined; /* by value id: may be used from here on */
    NameMap    *symbols; /* unbacked ones that have been set */
    Symbol     *bad_symbol;
} Verifier;

static Error *fail(const Verifier *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static Error *fail(const Verifier *v, const char *format, ...)
{
    Where where = {.file = v->ir->file};
    if (v->node) {
        where = v->node->where;
        where.node = where.node ? where.node : v->node->name;
        where.op = v->node->schema ? v->node->schema->name : NULL;
    }
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(v->ir->arena, format, args);
    va_end(args);
    return error_new(v->ir->arena, E_INTERNAL, where, "graph @%s: %s", v->scope->graph->name,
                     message);
}

/* ---- symbols --------------------------------------------------------------------------------- */

static void define_symbol(void *cx, Symbol *symbol)
{
    Verifier *v = cx;
    if (symbol->kind == SYM_UNBACKED)
        name_map_add(v->symbols, symbol->name);
}

static void check_symbol(void *cx, Symbol *symbol)
{
    Verifier *v = cx;
    bool      is_known = symbol->kind == SYM_SIZE ||
                    (symbol->kind == SYM_UNBACKED && name_map_find(v->symbols, symbol->name));
    if (!is_known && !v->bad_symbol)
        v->bad_symbol = symbol;
}

static Error *check_expr(Verifier *v, const Expr *e, const char *what)
{
    v->bad_symbol = NULL;
    expr_symbols(e, check_symbol, v);
    if (!v->bad_symbol)
        return NULL;
    return fail(v, "%s uses symbol %s, which nothing before it sets", what, v->bad_symbol->name);
}

/* ---- values ---------------------------------------------------------------------------------- */

static Error *check_tensor(const Verifier *v, const Value *value)
{
    const TensorType *type = &value->type;
    if (type->dtype <= DT_NONE || type->dtype >= DT_COUNT)
        return fail(v, "%%%s has no dtype", value->name);
    if (type->rank < 0 || type->rank > MAX_RANK)
        return fail(v, "%%%s has rank %d", value->name, type->rank);
    if (type->rank && (!type->sizes || !type->strides))
        return fail(v, "%%%s has no sizes or strides", value->name);
    for (int i = 0; i < type->rank; i++) {
        const Expr *size = type->sizes[i], *stride = type->strides[i];
        if (!size || !stride || size->type != EXPR_TYPE_INT || stride->type != EXPR_TYPE_INT)
            return fail(v, "%%%s: dim %d has no integer size and stride", value->name, i);
        if (expr_is_int(size, NULL) && size->value < 0)
            return fail(v, "%%%s: size %lld of dim %d is negative", value->name,
                        (long long)size->value, i);
    }
    if (!type->storage_offset)
        return fail(v, "%%%s has no storage offset", value->name);
    if (value->def && !expr_is_value(type->storage_offset, 0))
        return fail(v, "%%%s has a storage offset and is neither input nor constant", value->name);
    return NULL;
}

static void define_type_symbols(Verifier *v, const Value *value)
{
    if (value->kind == VALUE_SCALAR)
        define_symbol(v, value->symbol);
    for (int i = 0; value->kind == VALUE_TENSOR && i < value->type.rank; i++) {
        expr_symbols(value->type.sizes[i], define_symbol, v);
        expr_symbols(value->type.strides[i], define_symbol, v);
    }
}

/* A value becomes usable; its unbacked symbols are set by it. */
static Error *define_value(Verifier *v, Value *value)
{
    if (!value || !value->name || !*value->name)
        return fail(v, "a value is missing or has no name");
    if (value->id < 0 || value->id >= v->ir->next_id)
        return fail(v, "%%%s has an id of another Ir", value->name);
    if (v->defined[value->id])
        return fail(v, "%%%s is defined twice", value->name);
    v->defined[value->id] = true;
    NameEntry *entry = name_map_add(v->scope->names, value->name);
    if (entry->item)
        return fail(v, "two values are named %%%s", value->name);
    entry->item = value;
    if (value->kind == VALUE_TENSOR)
        TRY(check_tensor(v, value));
    if (value->kind == VALUE_SCALAR && !value->symbol)
        return fail(v, "%%%s is a scalar without symbol", value->name);
    define_type_symbols(v, value);
    return NULL;
}

static Error *check_use(const Verifier *v, const Value *value, const char *what)
{
    if (!value)
        return fail(v, "%s is missing", what);
    if (value->id < 0 || value->id >= v->ir->next_id || !v->defined[value->id])
        return fail(v, "%s uses %%%s, which is not defined before it", what, value->name);
    if (value->kind == VALUE_NONE)
        return fail(v, "%s uses %%%s, an absent result", what, value->name);
    return NULL;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static bool is_scalar_value(const Arg *arg, ExprType type)
{
    if (arg->kind != ARG_VALUE || arg->value->kind != VALUE_SCALAR)
        return false;
    ExprType own = arg->value->symbol->type;
    /* bool is an int, an int is a float, as in Python */
    return own == type || (type == EXPR_TYPE_FLOAT && own == EXPR_TYPE_INT) ||
           (type == EXPR_TYPE_INT && own == EXPR_TYPE_BOOL);
}

static bool is_any_number(const Arg *arg)
{
    return arg->kind == ARG_INT || arg->kind == ARG_FLOAT || arg->kind == ARG_BOOL ||
           arg->kind == ARG_COMPLEX || (arg->kind == ARG_VALUE && arg->value->kind == VALUE_SCALAR);
}

static const char *item_mismatch(const Param *param, const Arg *arg)
{
    ArgKind kind = arg->kind;
    switch (param->type) {
    case PARAM_TENSOR: /* exports put numbers where a tensor could stand: aten.add.Tensor(%x, 2) */
        return (kind == ARG_VALUE && arg->value->kind != VALUE_NONE) || is_any_number(arg)
                   ? NULL
                   : "a tensor";
    case PARAM_INT:
        return kind == ARG_INT || kind == ARG_BOOL || is_scalar_value(arg, EXPR_TYPE_INT)
                   ? NULL
                   : "an int";
    case PARAM_FLOAT:
        return kind == ARG_INT || kind == ARG_FLOAT || is_scalar_value(arg, EXPR_TYPE_FLOAT)
                   ? NULL
                   : "a float";
    case PARAM_BOOL:
        return kind == ARG_BOOL || is_scalar_value(arg, EXPR_TYPE_BOOL) ? NULL : "a bool";
    case PARAM_SCALAR:
        return is_any_number(arg) ? NULL : "a number";
    case PARAM_STRING:
        return kind == ARG_STRING ? NULL : "a string";
    case PARAM_DTYPE:
        return kind == ARG_DTYPE ? NULL : "a dtype";
    case PARAM_LAYOUT:
        return kind == ARG_LAYOUT ? NULL : "a layout";
    case PARAM_DEVICE:
        return kind == ARG_DEVICE ? NULL : "a device";
    case PARAM_MEMORY_FORMAT:
        return kind == ARG_MEMORY_FORMAT ? NULL : "a memory format";
    case PARAM_GENERATOR:
    case PARAM_OTHER:
        return NULL;
    }
    return NULL;
}

const char *arg_mismatch(const Param *param, const Arg *arg)
{
    if (param->type == PARAM_OTHER)
        return NULL;
    if (arg->kind == ARG_NONE) {
        bool may_be_none =
            param->is_optional || (param->has_default && param->fallback.kind == ARG_NONE);
        return may_be_none ? NULL : param->is_list ? "a list" : item_mismatch(param, arg);
    }
    if (!param->is_list)
        return item_mismatch(param, arg);
    if (arg->kind != ARG_LIST) /* int[2]: one number stands for both */
        return param->list_length > 0 ? item_mismatch(param, arg) : "a list";
    for (int i = 0; i < arg->n_items; i++) {
        if (arg->items[i].kind == ARG_NONE && param->items_optional)
            continue;
        if (item_mismatch(param, &arg->items[i]))
            return "a list of matching items";
    }
    return NULL;
}

static Error *verify_graph(Verifier *v, const Graph *graph);

static Error *check_arg(Verifier *v, const Arg *arg, const char *what)
{
    if (arg->kind == ARG_VALUE)
        return check_use(v, arg->value, what);
    bool needs_expr = arg->kind == ARG_INT || arg->kind == ARG_BOOL;
    if (needs_expr && !arg->expr)
        return fail(v, "%s has no expression", what);
    if ((needs_expr || arg->kind == ARG_FLOAT) && arg->expr)
        return check_expr(v, arg->expr, what);
    if (arg->kind == ARG_STRING && !arg->string)
        return fail(v, "%s has no string", what);
    if (arg->kind == ARG_GRAPH) {
        if (!arg->graph)
            return fail(v, "%s has no graph", what);
        if (arg->graph->parent != v->scope->graph)
            return fail(v, "%s: graph @%s does not know the graph that holds it", what,
                        arg->graph->name);
        return verify_graph(v, arg->graph);
    }
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        TRY(check_arg(v, &arg->items[i], what));
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static Error *check_args(Verifier *v, const Node *node)
{
    if (node->n_args != node->schema->n_params)
        return fail(v, "%d arguments for %d parameters", node->n_args, node->schema->n_params);
    for (int i = 0; i < node->n_args; i++) {
        const Param *param = &node->schema->params[i];
        TRY(check_arg(v, &node->args[i], arena_printf(v->ir->arena, "argument %s", param->name)));
        const char *expected = arg_mismatch(param, &node->args[i]);
        if (expected)
            return fail(v, "argument %s has to be %s", param->name, expected);
    }
    return NULL;
}

static Error *check_results(Verifier *v, const Node *node)
{
    const OpSchema *schema = node->schema;
    /* A list is flattened: it stands alone or behind single results (histogramdd). */
    int             n_single = schema->n_returns - 1;
    bool            ends_in_list = n_single >= 0 && schema->returns[n_single].is_list;
    bool is_open = schema->is_higher_order || (ends_in_list && node->n_results >= n_single);
    if (!is_open && node->n_results != schema->n_returns)
        return fail(v, "%d results, the operator returns %d", node->n_results, schema->n_returns);
    for (int i = 0; i < node->n_results; i++) {
        const Value *value = node->results[i];
        if (!value || value->def != node || value->result != i)
            return fail(v, "result %d does not belong to its node", i);
        TRY(define_value(v, node->results[i]));
    }
    return NULL;
}

static Error *check_node(Verifier *v, const Node *node, const Node *prev)
{
    v->node = node;
    if (!node->schema)
        return fail(v, "node %s has no operator", node->name);
    if (node->prev != prev || node->graph != v->scope->graph)
        return fail(v, "node %s is not linked into its graph", node->name);
    TRY(check_args(v, node));
    TRY(check_results(v, node));
    v->node = NULL;
    return NULL;
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static Error *check_inputs(Verifier *v, const Graph *graph)
{
    for (int i = 0; i < graph->n_inputs; i++) {
        const GraphInput *input = &graph->inputs[i];
        if (input->kind == INPUT_LITERAL && input->value)
            return fail(v, "literal input %s has a value", input->name);
        if (input->kind == INPUT_LITERAL)
            continue;
        TRY(define_value(v, input->value));
        if (input->value->def)
            return fail(v, "input %%%s is made by a node", input->value->name);
    }
    return NULL;
}

static Error *check_constants(Verifier *v, const Graph *graph)
{
    for (int i = 0; i < graph->constants.n; i++) {
        const Constant *constant = graph->constants.items[i];
        if (!constant || !constant->value || constant->value->constant != constant ||
            constant->value->def)
            return fail(v, "constant %d does not belong to its value", i);
        if (constant->value->kind != VALUE_TENSOR)
            return fail(v, "constant %s is not a tensor", constant->fqn);
        if (constant->storage < -1 || constant->storage >= graph->storages.n)
            return fail(v, "constant %s: there is no storage %d", constant->fqn, constant->storage);
        TRY(define_value(v, constant->value));
    }
    return NULL;
}

static Error *check_ends(Verifier *v, const Graph *graph)
{
    for (int i = 0; i < graph->n_outputs; i++)
        TRY(check_arg(v, &graph->outputs[i].arg, arena_printf(v->ir->arena, "output %d", i)));
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to)
            TRY(check_use(v, graph->inputs[i].mutated_to, "the new content of an input"));
    for (int i = 0; i < graph->mutations.n; i++) {
        const Mutation *m = &graph->mutations.items[i];
        if (!m->constant || !m->constant->value)
            return fail(v, "mutation %d writes no constant", i);
        TRY(check_use(v, m->constant->value, "a mutation"));
        TRY(check_use(v, m->value, "the new content of a buffer"));
    }
    return NULL;
}

/* Its own world: constants with the names of the outer graph's, nothing captured. */
static Error *check_fold(const Graph *graph)
{
    Verifier v = {.ir = graph->ir, .scope = &(Scope){.graph = graph}};
    if (!graph->fold)
        return NULL;
    if (graph->fold->n_outputs != graph->folded.n)
        return fail(&v, "the fold graph has %d outputs for %d constants", graph->fold->n_outputs,
                    graph->folded.n);
    return graph_verify(graph->fold);
}

static Error *verify_in_scope(Verifier *v, const Graph *graph)
{
    const Node *prev = NULL;
    TRY(check_inputs(v, graph));
    TRY(check_constants(v, graph));
    for (const Node *node = graph->first; node; prev = node, node = node->next)
        TRY(check_node(v, node, prev));
    if (graph->last != prev)
        return fail(v, "the last node is not the last one");
    TRY(check_ends(v, graph));
    return check_fold(graph);
}

/* What is inside a graph is not to be used outside of it. */
static void leave_graph(Verifier *v, const Graph *graph)
{
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].value)
            v->defined[graph->inputs[i].value->id] = false;
    for (int i = 0; i < graph->constants.n; i++)
        v->defined[graph->constants.items[i]->value->id] = false;
    for (const Node *node = graph->first; node; node = node->next)
        for (int i = 0; i < node->n_results; i++)
            v->defined[node->results[i]->id] = false;
}

static Error *verify_graph(Verifier *v, const Graph *graph)
{
    Scope       scope = {graph, name_map_create(v->ir->arena, 64), v->scope};
    const Node *holder = v->node;
    v->scope = &scope;
    v->node = NULL;
    Error *error = verify_in_scope(v, graph);
    if (!error)
        leave_graph(v, graph);
    v->scope = scope.outer;
    v->node = holder;
    return error;
}

Error *graph_verify(const Graph *graph)
{
    Ir       *ir = graph->ir;
    ArenaMark mark = arena_mark(ir->arena);
    Verifier  v = {.ir = ir,
                   .defined = ARENA_ARRAY(ir->arena, bool, ir->next_id),
                   .symbols = name_map_create(ir->arena, 16)};
    Error    *error = verify_graph(&v, graph);
    if (!error) /* an error lives in the same arena */
        arena_release(ir->arena, mark);
    return error;
}
