/* Calls of operators.
 *
 *   {"target": "torch.ops.aten.add.Tensor", "inputs": …, "outputs": [{"as_tensor": {"name":
 * "add"}}]} becomes  %add = aten.add.Tensor(%x, %y, 1) : f32[s0,64]
 *
 * A call of an operator that no schema describes is counted and its results get types, so that
 * reading goes on and the error at the end names all of them. */
#include "ir/import_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- results --------------------------------------------------------------------------------- */

typedef struct Results {
    Scope *scope;
    Node  *node; /* NULL: the operator is unknown, results only get names and types */
    VEC(Value *) values;
    VEC(const Expr *)
    equal_to; /* of a scalar result: what the export says it is, when that is no fresh symbol */
} Results;

static void add_result(ImportCx *cx, Results *r, Value *value, const Expr *equal_to)
{
    VEC_PUSH(cx->arena, r->values, value);
    VEC_PUSH(cx->arena, r->equal_to, equal_to);
}

static Error *tensor_result(ImportCx *cx, Results *r, const Js *at)
{
    const char *name;
    TensorType  type;
    TRY(js_get_string(cx, at, "name", &name));
    TRY(read_tensor_value(cx, r->scope, at, name, &type));
    type.storage_offset = expr_int(cx->exprs, 0);
    Value *value = graph_new_value(r->scope->graph, name, VALUE_TENSOR);
    value->type = type;
    add_result(cx, r, value, NULL);
    return scope_bind(cx, r->scope, at, name, value, NULL);
}

static void none_result(ImportCx *cx, Results *r)
{
    const char *name = arena_printf(cx->arena, "%s_none_%d", cx->node.node, r->values.n);
    add_result(cx, r, graph_new_value(r->scope->graph, name, VALUE_NONE), NULL);
}

/* The symbol that an exported result stands for: u0, or u0 of `Eq(u0, 1)`, which is how a bool is
 * written. */
static Symbol *symbol_of_result(const Expr *expr)
{
    if (expr->kind == EXPR_EQ && expr->n == 2)
        for (int i = 0; i < 2; i++)
            if (expr_is_value(expr->args[i], 1))
                expr = expr->args[1 - i];
    return expr->kind == EXPR_SYMBOL ? expr->symbol : NULL;
}

/* item() and the like. A symbol has one definition; another call that the export found equal gets a
 * symbol of its own and a check. */
static Error *scalar_result(ImportCx *cx, Results *r, const Js *at)
{
    const char *key, *name;
    Js          inner;
    const Expr *expr;
    TRY(js_union(cx, at, &key, &inner));
    if (strcmp(key, "as_name")) {
        none_result(cx, r);
        return NULL;
    }
    TRY(js_string(cx, &inner, &name));
    TRY(read_sym_value(cx, r->scope, name, &expr));
    if (!expr)
        return js_error(cx, at, E_FORMAT, "no table of symbolic values has \"%s\"", name);
    Value  *value = graph_new_value(r->scope->graph, name, VALUE_SCALAR);
    Symbol *symbol = symbol_of_result(expr);
    bool    is_new = symbol && symbol->kind == SYM_UNBACKED && define_symbol(cx, symbol);
    value->symbol = is_new ? symbol : fresh_symbol(cx, "u", SYM_UNBACKED, expr->type);
    add_result(cx, r, value, is_new ? NULL : expr);
    return scope_bind(cx, r->scope, at, name, value, expr);
}

static Error *read_result(ImportCx *cx, Results *r, const Js *at);

static Error *result_list(ImportCx *cx, Results *r, const Js *at,
                          Error *(*one)(ImportCx *, Results *, const Js *))
{
    int n;
    TRY(js_array(cx, at, &n));
    for (int i = 0; i < n; i++) {
        Js item = js_item(at, (size_t)i);
        TRY(one(cx, r, &item));
    }
    return NULL;
}

static Error *read_result(ImportCx *cx, Results *r, const Js *at)
{
    const char *key;
    Js          value;
    TRY(js_union(cx, at, &key, &value));
    if (!strcmp(key, "as_tensor"))
        return tensor_result(cx, r, &value);
    if (!strcmp(key, "as_tensors"))
        return result_list(cx, r, &value, tensor_result);
    if (!strcmp(key, "as_optional_tensor"))
        return read_result(cx, r, &value);
    if (!strcmp(key, "as_optional_tensors"))
        return result_list(cx, r, &value, read_result);
    if (!strcmp(key, "as_sym_int") || !strcmp(key, "as_sym_float") || !strcmp(key, "as_sym_bool"))
        return scalar_result(cx, r, &value);
    if (!strcmp(key, "as_sym_ints") || !strcmp(key, "as_sym_floats") ||
        !strcmp(key, "as_sym_bools"))
        return result_list(cx, r, &value, scalar_result);
    if (strcmp(key, "as_none") && strcmp(key, "as_int") && strcmp(key, "as_float") &&
        strcmp(key, "as_bool"))
        return js_error(cx, at, E_UNSUPPORTED, "a result of kind \"%s\"", key);
    none_result(cx, r);
    return NULL;
}

/* Checks what the export knows of a scalar result: fresh == expr. */
static Error *assert_equal(ImportCx *cx, Scope *scope, const Js *at, const Value *value,
                           const Expr *expr)
{
    const OpSchema *schema = schema_find(cx->ir, "aten._assert_scalar.default");
    if (!schema || schema->n_params != 2)
        return js_error(cx, at, E_INTERNAL, "no schema for aten._assert_scalar.default");
    const char *message = arena_printf(cx->arena, "%s differs from %s, which it equalled at export",
                                       value->name, expr_text(cx->arena, expr));
    Arg         args[2] = {arg_expr(expr_cmp(cx->exprs, EXPR_EQ, value->symbol->self, expr)),
                           {.kind = ARG_STRING, .string = message}};
    Node       *node = graph_add_node(scope->graph, NULL, schema,
                                      arena_printf(cx->arena, "%s_check", value->name), args, 2, 0);
    node->where = cx->node;
    return NULL;
}

static Error *read_results(ImportCx *cx, Scope *scope, const Js *outputs, Results *r)
{
    *r = (Results){.scope = scope};
    return result_list(cx, r, outputs, read_result);
}

/* ---- unknown operators ----------------------------------------------------------------------- */

static void count_unknown(ImportCx *cx, const char *op)
{
    NameEntry *entry = name_map_add(cx->unknown_by_name, op);
    if (!entry->number) {
        UnknownOp *row = ARENA_NEW(cx->arena, UnknownOp);
        *row = (UnknownOp){.op = op, .node = cx->node.node, .python = cx->node.python};
        VEC_PUSH(cx->arena, cx->unknown, row);
        entry->number = cx->unknown.n;
    }
    cx->unknown.items[entry->number - 1]->times++;
}

Error *unknown_operators_error(ImportCx *cx)
{
    if (!cx->unknown.n)
        return NULL;
    int width = (int)strlen("operator"), node_width = (int)strlen("first node");
    for (int i = 0; i < cx->unknown.n; i++) {
        const UnknownOp *row = cx->unknown.items[i];
        width = (int)strlen(row->op) > width ? (int)strlen(row->op) : width;
        node_width = (int)strlen(row->node) > node_width ? (int)strlen(row->node) : node_width;
    }
    Text text = text_new(cx->arena);
    text_printf(&text, "%d unknown operator%s\n", cx->unknown.n, cx->unknown.n > 1 ? "s" : "");
    text_printf(&text, "    %-*s  times  %-*s  python", width, "operator", node_width,
                "first node");
    for (int i = 0; i < cx->unknown.n; i++) {
        const UnknownOp *row = cx->unknown.items[i];
        text_printf(&text, "\n    %-*s  %5d  %-*s  %s", width, row->op, row->times, node_width,
                    row->node, row->python ? row->python : "-");
    }
    Where  where = {.file = cx->file,
                    .op = cx->unknown.items[0]->op,
                    .node = cx->unknown.items[0]->node,
                    .python = cx->unknown.items[0]->python};
    Error *error = error_new(cx->arena, E_UNSUPPORTED, where, "%s", text.data);
    error->help = "a custom operator needs its source: --op-source FILE or --op-library FILE";
    return error;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* Name, operator and place, for errors and for Node.where. */
static Error *read_where(ImportCx *cx, const Js *at, const char **module)
{
    Js          name_js, metadata, text_js, outputs;
    const char *name = NULL, *text;
    *module = NULL;
    cx->node = (Where){.file = cx->file};
    if (js_find(at, "name", &name_js))
        TRY(js_string(cx, &name_js, &name));
    cx->node.node = name;
    if (js_find(at, "metadata", &metadata)) {
        TRY(js_object(cx, &metadata));
        if (js_find(&metadata, "stack_trace", &text_js)) {
            TRY(js_string(cx, &text_js, &text));
            cx->node.python = python_line(cx->arena, text);
        }
        if (js_find(&metadata, "nn_module_stack", &text_js)) {
            TRY(js_string(cx, &text_js, &text));
            *module = module_path(cx->arena, text);
        }
    }
    if (name && *name)
        return NULL;
    /* Older files name results only. */
    const char *key;
    Js          value, inner;
    if (js_find(at, "outputs", &outputs) && json_array_size(outputs.v)) {
        Js output = js_item(&outputs, 0);
        TRY(js_union(cx, &output, &key, &value));
        if (js_find(&value, "name", &inner) || js_find(&value, "as_name", &inner))
            TRY(js_string(cx, &inner, &name));
    }
    cx->node.node = name && *name ? name : arena_printf(cx->arena, "node_%zu", at->index);
    return NULL;
}

/* "torch.ops.aten.add.Tensor" to "aten.add.Tensor"; others stay. */
static const char *dotted_name(const char *target)
{
    return strncmp(target, "torch.ops.", 10) ? target : target + 10;
}

static bool is_higher_order(const char *op)
{
    return !strncmp(op, "higher_order.", 13);
}

/* The values have their exported names already: graph_add_node() would make others. Symbolic
 * results are checked against what the export says of them. */
static Error *attach_results(ImportCx *cx, Scope *scope, const Js *at, Node *node, const Results *r)
{
    node->results = r->values.items;
    node->n_results = r->values.n;
    for (int i = 0; i < node->n_results; i++) {
        node->results[i]->def = node;
        node->results[i]->result = i;
    }
    for (int i = 0; i < r->values.n; i++)
        if (r->equal_to.items[i])
            TRY(assert_equal(cx, scope, at, r->values.items[i], r->equal_to.items[i]));
    return NULL;
}

static Error *read_call(ImportCx *cx, Scope *scope, const Js *at, const char *op,
                        const char *module)
{
    Js              inputs, outputs;
    Arg            *args;
    int             n_args;
    Results         results;
    const OpSchema *schema = is_higher_order(op) ? NULL : schema_find(cx->ir, op);
    TRY(js_get(cx, at, "inputs", &inputs));
    TRY(js_get(cx, at, "outputs", &outputs));
    if (!schema && !is_higher_order(op)) {
        count_unknown(cx, op);
        return read_results(cx, scope, &outputs, &results);
    }
    Where where = cx->node; /* nodes of subgraphs change cx->node */
    if (schema) {
        TRY(read_arguments(cx, scope, &inputs, schema, &args));
        n_args = schema->n_params;
    } else {
        TRY(read_hop_arguments(cx, scope, &inputs, &args, &n_args));
        schema = schema_higher_order(cx->ir, op, n_args);
    }
    cx->node = where;
    TRY(read_results(cx, scope, &outputs, &results));
    Node *node = graph_add_node(scope->graph, NULL, schema, where.node, args, n_args, 0);
    node->where = where;
    node->module = module;
    if (results.values.n && results.values.items[0]->kind == VALUE_TENSOR)
        node->where.type = tensor_type_text(cx->arena, &results.values.items[0]->type);
    return attach_results(cx, scope, &outputs, node, &results);
}

Error *read_node(ImportCx *cx, Scope *scope, const Js *at)
{
    const char *target, *module;
    Where       outer = cx->node;
    TRY(js_object(cx, at));
    TRY(read_where(cx, at, &module));
    TRY(js_get_string(cx, at, "target", &target));
    cx->node.op = dotted_name(target);
    if (is_symbolic_target(target))
        TRY(read_symbolic_node(cx, scope, at, target));
    else
        TRY(read_call(cx, scope, at, cx->node.op, module));
    cx->node = outer;
    return NULL;
}
