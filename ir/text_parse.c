/* Reads the text form of a graph; docs/ir-text.md has the form.
 *
 * In: text.  Out: a graph that prints to the same text.  Storages named by constants exist without
 * bytes.  A node without types gets them from infer_node(). */
#include "ir/graph_internal.h"
#include "ir/name_map.h"
#include "ir/ops.h"
#include "ir/text_parse.h"

#include <ctype.h>
#include <string.h>

enum { MAX_NODE_ARGS = 4096, MAX_STORAGES = 1 << 20 };

/* ---- values ---------------------------------------------------------------------------------- */

static Value *new_value(Parser *p, const char *name, const ValueType *type)
{
    Value *value = graph_new_value(p->scope->graph, name, type->kind);
    if (type->kind == VALUE_TENSOR)
        value->type = type->tensor;
    value->symbol = type->symbol;
    return value;
}

/* `as "name"`, or the name itself (NULL: none). */
static Error *parse_as(Parser *p, const char *name, const char **out)
{
    *out = name;
    return parse_accept_word(p, "as") ? parse_string(p, out) : NULL;
}

typedef VEC(GraphInput) Inputs;

static Error *parse_literal_input(Parser *p, Inputs *inputs)
{
    GraphInput input = {.kind = INPUT_LITERAL};
    TRY(parse_string(p, &input.name));
    TRY(parse_expect(p, "="));
    TRY(parse_arg(p, NULL, &input.literal));
    VEC_PUSH(p->ir->arena, *inputs, input);
    return NULL;
}

static Error *reserve_storage(Parser *p, int64_t index)
{
    Graph *graph = p->scope->graph;
    if (index < 0 || index >= MAX_STORAGES)
        return parse_fail(p, "storage index out of range before this");
    while (graph->storages.n <= index) {
        Storage *storage = ARENA_NEW(p->ir->arena, Storage);
        VEC_PUSH(p->ir->arena, graph->storages, storage);
    }
    return NULL;
}

/* After "=": parameter "lin.weight" storage 0 mutated persistent */
static Error *parse_constant(Parser *p, const char *name, const ValueType *type)
{
    ConstantKind kind = CONSTANT_TENSOR;
    const char  *fqn;
    if (parse_accept_word(p, "parameter"))
        kind = CONSTANT_PARAMETER;
    else if (parse_accept_word(p, "buffer"))
        kind = CONSTANT_BUFFER;
    else if (!parse_accept_word(p, "tensor"))
        return parse_fail(p, "expected parameter, buffer or tensor");
    if (type->kind != VALUE_TENSOR)
        return parse_fail(p, "a constant has to be a tensor");
    TRY(parse_string(p, &fqn));
    int64_t storage = -1;
    if (!parse_accept_word(p, "folded")) {
        if (!parse_accept_word(p, "storage"))
            return parse_fail(p, "expected storage or folded");
        TRY(parse_int(p, &storage));
        TRY(reserve_storage(p, storage));
    }
    Constant *constant = ARENA_NEW(p->ir->arena, Constant);
    *constant = (Constant){.kind = kind, .fqn = fqn, .storage = (int)storage};
    constant->is_mutated = parse_accept_word(p, "mutated");
    constant->persistent = parse_accept_word(p, "persistent");
    constant->value = new_value(p, name, type);
    constant->value->constant = constant;
    VEC_PUSH(p->ir->arena, p->scope->graph->constants, constant);
    return parse_define(p, name, constant->value);
}

static Error *parse_parameter(Parser *p, Inputs *inputs)
{
    if (parse_accept_word(p, "literal"))
        return parse_literal_input(p, inputs);
    const char *name;
    ValueType   type;
    GraphInput  input = {.kind = INPUT_USER};
    TRY(parse_value_name(p, &name));
    TRY(parse_as(p, name, &input.name));
    TRY(parse_expect(p, ":"));
    TRY(parse_type(p, false, &type));
    if (parse_accept(p, "="))
        return parse_constant(p, name, &type);
    input.value = new_value(p, name, &type);
    VEC_PUSH(p->ir->arena, *inputs, input);
    return parse_define(p, name, input.value);
}

static Error *parse_parameters(Parser *p)
{
    Inputs inputs = {0};
    bool   is_first = true;
    TRY(parse_expect(p, "("));
    while (!parse_accept(p, ")")) {
        if (!is_first)
            TRY(parse_expect(p, ","));
        is_first = false;
        TRY(parse_parameter(p, &inputs));
    }
    p->scope->graph->inputs = inputs.items;
    p->scope->graph->n_inputs = inputs.n;
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

typedef VEC(const char *) Names;
typedef VEC(Arg) Args;

static Error *parse_result_names(Parser *p, Names *names)
{
    do {
        const char *name;
        TRY(parse_value_name(p, &name));
        VEC_PUSH(p->ir->arena, *names, name);
    } while (parse_accept(p, ","));
    return parse_expect(p, "=");
}

/* "dtype=" before an argument; -1: none. */
static Error *parse_keyword(Parser *p, const OpSchema *schema, int *at)
{
    parse_skip(p);
    const char *start = p->at, *word = parse_word(p);
    *at = -1;
    if (!word || !parse_accept(p, "=") || *p->at == '=') {
        p->at = start;
        return NULL;
    }
    *at = schema ? schema_param(schema, word) : -1;
    return *at >= 0 ? NULL : parse_fail(p, "there is no argument %s", word);
}

static Error *parse_schema_args(Parser *p, const OpSchema *schema, Arg *args)
{
    bool *is_given = ARENA_ARRAY(p->ir->arena, bool, schema->n_params);
    int   position = 0;
    bool  is_first = true;
    while (!parse_accept(p, ")")) {
        int at;
        if (!is_first)
            TRY(parse_expect(p, ","));
        is_first = false;
        TRY(parse_keyword(p, schema, &at));
        at = at < 0 ? position++ : at;
        if (at >= schema->n_params)
            return parse_fail(p, "%s takes %d arguments", schema->name, schema->n_params);
        if (is_given[at])
            return parse_fail(p, "argument %s is given twice", schema->params[at].name);
        TRY(parse_arg(p, &schema->params[at], &args[at]));
        is_given[at] = true;
    }
    for (int i = 0; i < schema->n_params; i++) {
        const Param *param = &schema->params[i];
        if (!is_given[i] && !param->has_default && !param->is_optional)
            return parse_fail(p, "%s: argument %s is missing", schema->name, param->name);
        if (!is_given[i] && param->has_default)
            args[i] = param->fallback;
    }
    return NULL;
}

static Error *parse_open_args(Parser *p, Args *args)
{
    while (!parse_accept(p, ")")) {
        Arg arg;
        if (args->n)
            TRY(parse_expect(p, ","));
        if (args->n == MAX_NODE_ARGS)
            return parse_fail(p, "more than %d arguments", MAX_NODE_ARGS);
        TRY(parse_arg(p, NULL, &arg));
        VEC_PUSH(p->ir->arena, *args, arg);
    }
    return NULL;
}

/* The operator and its arguments. */
static Error *parse_call(Parser *p, const OpSchema **schema, Arg **args)
{
    const char *start = p->at, *op = parse_dotted_word(p);
    if (!op || !strchr(op, '.')) {
        p->at = start;
        return parse_fail(p, "expected an operator");
    }
    TRY(parse_expect(p, "("));
    if (strncmp(op, "higher_order.", 13) == 0) {
        Args open = {0};
        TRY(parse_open_args(p, &open));
        *schema = schema_higher_order(p->ir, op, open.n);
        *args = open.items;
        return NULL;
    }
    *schema = op_schema(p->ir, op);
    if (!*schema) {
        p->at = start;
        return parse_fail(p, "there is no operator %s", op);
    }
    *args = ARENA_ARRAY(p->ir->arena, Arg, (*schema)->n_params);
    TRY(parse_schema_args(p, *schema, *args));
    for (int i = 0; i < (*schema)->n_params; i++) {
        const char *expected = arg_mismatch(&(*schema)->params[i], &(*args)[i]);
        if (expected)
            return parse_fail(p, "%s: argument %s has to be %s", op, (*schema)->params[i].name,
                              expected);
    }
    return NULL;
}

static Error *parse_results(Parser *p, Node *node, const Names *names)
{
    node->results = ARENA_ARRAY(p->ir->arena, Value *, names->n);
    node->n_results = names->n;
    bool has_types = parse_accept(p, ":");
    for (int i = 0; i < names->n; i++) {
        ValueType type = {.kind = VALUE_TENSOR};
        type.tensor.device.index = -1;
        if (has_types && i)
            TRY(parse_expect(p, ","));
        if (has_types)
            TRY(parse_type(p, true, &type));
        node->results[i] = new_value(p, names->items[i], &type);
        node->results[i]->def = node;
        node->results[i]->result = i;
    }
    if (!has_types && names->n)
        TRY(infer_node(node));
    if (node->n_results != names->n)
        return parse_fail(p, "%s has %d results", node->schema->name, node->n_results);
    for (int i = 0; i < names->n; i++)
        TRY(parse_define(p, names->items[i], node->results[i]));
    return NULL;
}

static Error *parse_node(Parser *p, const Names *names)
{
    const OpSchema *schema = NULL;
    Arg            *args = NULL;
    TRY(parse_call(p, &schema, &args));
    const char *name = names->n ? names->items[0] : schema->base;
    Node *node = graph_add_node(p->scope->graph, NULL, schema, name, args, schema->n_params, 0);
    return parse_results(p, node, names);
}

/* ---- other statements ------------------------------------------------------------------------ */

/* The condition ends with its line: the next line may start with '%', which would read as a
 * remainder. */
static Error *parse_guard_expr(Parser *p, const Expr **out)
{
    Parser line = *p;
    Arg    arg;
    size_t n = strcspn(p->at, "\n");
    line.text = line.at = arena_strndup(p->ir->arena, p->at, n);
    Error *error = parse_arg(&line, NULL, &arg);
    if (error || arg.kind != ARG_BOOL) {
        Error *here = parse_fail(p, "expected a condition");
        here->cause = error;
        return here;
    }
    p->at += line.at - line.text;
    *out = arg.expr;
    return NULL;
}

static Error *parse_guard(Parser *p)
{
    Guard guard = {0};
    TRY(parse_string(p, &guard.text));
    if (parse_accept(p, ":"))
        TRY(parse_guard_expr(p, &guard.expr));
    VEC_PUSH(p->ir->arena, p->scope->graph->guards, guard);
    return NULL;
}

/* "%x <- %y", after "%x" */
static Error *parse_mutation(Parser *p, Value *target)
{
    Graph *graph = p->scope->graph;
    Value *value;
    TRY(parse_value(p, &value));
    if (target->constant) {
        Mutation mutation = {target->constant, value};
        VEC_PUSH(p->ir->arena, graph->mutations, mutation);
        return NULL;
    }
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].value == target) {
            graph->inputs[i].mutated_to = value;
            return NULL;
        }
    return parse_fail(p, "only inputs and constants can be written: %%%s is neither", target->name);
}

/* "fold graph @f(…) {…} gives [%a,%b]" */
static Error *parse_fold(Parser *p)
{
    Graph *graph = p->scope->graph;
    if (!parse_accept_word(p, "graph"))
        return parse_fail(p, "expected graph");
    TRY(parse_inner_graph(p, &graph->fold));
    graph->fold->parent = NULL;
    if (!parse_accept_word(p, "gives"))
        return parse_fail(p, "expected gives");
    TRY(parse_expect(p, "["));
    while (!parse_accept(p, "]")) {
        Value *value;
        if (graph->folded.n)
            TRY(parse_expect(p, ","));
        TRY(parse_value(p, &value));
        if (!value->constant)
            return parse_fail(p, "%%%s is not a constant", value->name);
        VEC_PUSH(p->ir->arena, graph->folded, value->constant);
    }
    return NULL;
}

static Error *parse_return(Parser *p)
{
    VEC(GraphOutput) outputs = {0};
    while (!parse_accept(p, "}")) {
        GraphOutput output = {0};
        if (outputs.n)
            TRY(parse_expect(p, ","));
        TRY(parse_arg(p, NULL, &output.arg));
        /* Without `as` an output has no name of its own: it may become another value, which must
         * not show. */
        TRY(parse_as(p, NULL, &output.name));
        VEC_PUSH(p->ir->arena, outputs, output);
    }
    p->scope->graph->outputs = outputs.items;
    p->scope->graph->n_outputs = outputs.n;
    return NULL;
}

static Error *parse_statement(Parser *p)
{
    Names names = {0};
    if (parse_accept_word(p, "guard"))
        return parse_guard(p);
    if (parse_accept_word(p, "fold")) {
        if (p->scope->graph->fold)
            return parse_fail(p, "a second fold graph before this");
        return parse_fold(p);
    }
    if (*p->at != '%')
        return parse_node(p, &names);
    const char *start = p->at, *name;
    TRY(parse_value_name(p, &name));
    if (parse_accept(p, "<-")) {
        NameEntry *entry = name_map_find(p->scope->values, name);
        return entry ? parse_mutation(p, (Value *)entry->item)
                     : parse_fail(p, "%%%s is not defined", name);
    }
    p->at = start;
    TRY(parse_result_names(p, &names));
    return parse_node(p, &names);
}

static Error *parse_body(Parser *p)
{
    TRY(parse_expect(p, "{"));
    while (!parse_accept_word(p, "return")) {
        if (*p->at == '}' || *p->at == '\0')
            return parse_fail(p, "expected return at the end of the graph");
        TRY(parse_statement(p));
    }
    return parse_return(p);
}

/* ---- symbols --------------------------------------------------------------------------------- */

/* A symbol by the rules for names of expr_parse_infix(). */
static Error *parse_named_symbol(Parser *p, Symbol **out)
{
    const char *word = parse_word(p);
    const Expr *expr;
    if (!word || isdigit((unsigned char)*word))
        return parse_fail(p, "expected a symbol");
    TRY(expr_parse_infix(p->ir->exprs, word, &expr));
    if (expr->kind != EXPR_SYMBOL)
        return parse_fail(p, "expected a symbol before this");
    *out = expr->symbol;
    return NULL;
}

/* <s1, s0, b: bool> */
static Error *parse_symbol_order(Parser *p)
{
    bool is_first = true;
    while (!parse_accept(p, ">")) {
        if (!is_first)
            TRY(parse_expect(p, ","));
        is_first = false;
        const char *start = p->at, *word = parse_word(p);
        bool        has_type = parse_accept(p, ":");
        ExprType    type = has_type && parse_accept_word(p, "bool")    ? EXPR_TYPE_BOOL
                           : has_type && parse_accept_word(p, "float") ? EXPR_TYPE_FLOAT
                                                                       : EXPR_TYPE_INT;
        const char *end = p->at;
        Symbol     *symbol;
        if (word && type == EXPR_TYPE_BOOL && !expr_symbol_find(p->ir->exprs, word)) {
            expr_symbol_named(p->ir->exprs, word, *word == 'u' ? SYM_UNBACKED : SYM_SIZE, type);
            continue;
        }
        p->at = start;
        TRY(parse_named_symbol(p, &symbol));
        p->at = end;
    }
    return NULL;
}

static bool starts_number(Parser *p)
{
    parse_skip(p);
    return isdigit((unsigned char)*p->at) || *p->at == '-';
}

/* 1 <= s0 <= 4096; "-inf" stands for no lower bound. */
static Error *parse_range(Parser *p)
{
    int64_t low = 0, high = INT64_MAX;
    bool    has_low = starts_number(p);
    if (has_low) {
        if (parse_accept(p, "-inf"))
            low = INT64_MIN;
        else
            TRY(parse_int(p, &low));
        TRY(parse_expect(p, "<="));
    }
    Symbol *symbol = NULL;
    TRY(parse_named_symbol(p, &symbol));
    if (parse_accept(p, "<="))
        TRY(parse_int(p, &high));
    symbol->min = has_low ? low : symbol->kind == SYM_SIZE ? 0 : INT64_MIN;
    symbol->max = high;
    return low <= high ? NULL : parse_fail(p, "an empty range before this");
}

/* The ')' that closes the '(' at p->at, strings and comments skipped. */
static void skip_parens(Parser *p)
{
    int depth = 0;
    for (; *p->at; p->at++) {
        if (*p->at == '#')
            p->at += strcspn(p->at, "\n");
        if (*p->at == '"')
            for (p->at++; *p->at && *p->at != '"'; p->at++)
                p->at += *p->at == '\\' && p->at[1];
        depth += *p->at == '(';
        depth -= *p->at == ')';
        if (*p->at == ')' && depth == 0) {
            p->at++;
            return;
        }
        if (!*p->at)
            return;
    }
}

/* Ranges are read before the parameters: what the simplifier may do with a size depends on them. */
static Error *parse_where(Parser *p)
{
    parse_skip(p);
    skip_parens(p);
    if (!parse_accept_word(p, "where"))
        return NULL;
    do
        TRY(parse_range(p));
    while (parse_accept(p, ","));
    return NULL;
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static Error *parse_graph_name(Parser *p, const char **out)
{
    TRY(parse_expect(p, "@"));
    *out = parse_dotted_word(p);
    return *out ? NULL : parse_fail(p, "expected the name of the graph");
}

Error *parse_inner_graph(Parser *p, Graph **out)
{
    const char *name;
    TRY(parse_graph_name(p, &name));
    Graph *graph = graph_create(p->ir, name);
    Scope  scope = {graph, name_map_create(p->ir->arena, 16), p->scope};
    graph->parent = p->scope->graph;
    p->scope = &scope;
    Error *error = parse_parameters(p);
    if (!error)
        error = parse_body(p);
    p->scope = scope.outer;
    *out = graph;
    return error;
}

/* schema "mylib::twice(Tensor x) -> Tensor"; undeclared "…" for one that was guessed */
static Error *parse_schemas(Parser *p)
{
    for (;;) {
        const char     *text;
        const OpSchema *schema;
        bool            is_guessed = parse_accept_word(p, "undeclared");
        if (!is_guessed && !parse_accept_word(p, "schema"))
            return NULL;
        TRY(parse_string(p, &text));
        TRY(is_guessed ? schema_guess(p->ir, text, &schema) : schema_add(p->ir, text, &schema));
    }
}

static Error *parse_outer_graph(Parser *p)
{
    TRY(parse_schemas(p));
    if (!parse_accept_word(p, "graph"))
        return parse_fail(p, "expected graph");
    const char *name;
    TRY(parse_graph_name(p, &name));
    p->scope->graph = graph_create(p->ir, name);
    if (parse_accept(p, "<"))
        TRY(parse_symbol_order(p));
    const char *parameters = p->at;
    TRY(parse_where(p));
    const char *body = p->at;
    p->at = parameters;
    TRY(parse_parameters(p));
    p->at = body;
    TRY(parse_body(p));
    parse_skip(p);
    return *p->at ? parse_fail(p, "expected the end after the graph") : NULL;
}

Error *graph_parse(Ir *ir, const char *source, Graph **out)
{
    Scope  scope = {NULL, name_map_create(ir->arena, 64), NULL};
    Parser p = {.ir = ir, .text = source, .at = source, .scope = &scope};
    TRY(parse_outer_graph(&p));
    *out = scope.graph;
    graph_note_devices(*out);
    return NULL;
}
