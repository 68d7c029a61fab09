/* Calls of operators.
 *
 *   {"target": "torch.ops.aten.add.Tensor", "inputs": …, "outputs": [{"as_tensor": {"name":
 * "add"}}]} becomes  %add = aten.add.Tensor(%x, %y, 1) : f32[s0,64]
 *
 * A call of an operator that no schema describes gets a schema from its own arguments; the passes
 * refuse it together with the operators that have a schema and no row. */
#include "ir/import_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- results --------------------------------------------------------------------------------- */

typedef struct Results {
    Scope *scope;
    Node  *node;
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

/* ---- undeclared operators -------------------------------------------------------------------- */

static const char *guessed_type(const char *kind)
{
    static const struct {
        const char *kind, *type;
    } table[] = {
        {"as_tensor", "Tensor"},
        {"as_tensors", "Tensor[]"},
        {"as_optional_tensor", "Tensor?"},
        {"as_optional_tensors", "Tensor?[]"},
        {"as_none", "Tensor?"},
        {"as_int", "SymInt"},
        {"as_sym_int", "SymInt"},
        {"as_ints", "SymInt[]"},
        {"as_sym_ints", "SymInt[]"},
        {"as_float", "float"},
        {"as_sym_float", "float"},
        {"as_floats", "float[]"},
        {"as_sym_floats", "float[]"},
        {"as_bool", "bool"},
        {"as_sym_bool", "bool"},
        {"as_bools", "bool[]"},
        {"as_sym_bools", "bool[]"},
        {"as_string", "str"},
        {"as_strings", "str[]"},
        {"as_scalar_type", "ScalarType"},
        {"as_device", "Device"},
        {"as_layout", "Layout"},
        {"as_memory_format", "MemoryFormat"},
        {"as_complex", "complex"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(kind, table[i].kind))
            return table[i].type;
    return NULL;
}

static Error *put_guessed_type(ImportCx *cx, Text *t, const Js *at)
{
    const char *kind, *type;
    Js          value;
    TRY(js_union(cx, at, &kind, &value));
    type = guessed_type(kind);
    if (!type)
        return js_error(cx, at, E_UNSUPPORTED, "a value of kind %s for an undeclared operator",
                        kind);
    text_put(t, type);
    return NULL;
}

static Error *put_guessed_params(ImportCx *cx, Text *t, const Js *inputs)
{
    int  n;
    bool has_keywords = false;
    TRY(js_array(cx, inputs, &n));
    for (int i = 0; i < n; i++) {
        Js          input = js_item(inputs, (size_t)i), arg, kind;
        const char *name;
        int64_t     number = 0;
        TRY(js_get(cx, &input, "arg", &arg));
        TRY(js_get_string(cx, &input, "name", &name));
        if (js_find(&input, "kind", &kind))
            TRY(js_int(cx, &kind, &number));
        text_put(t, i ? ", " : "");
        if (number == 2 && !has_keywords)
            text_put(t, "*, ");
        has_keywords |= number == 2;
        TRY(put_guessed_type(cx, t, &arg));
        text_printf(t, " %s", *name ? name : arena_printf(cx->arena, "arg%d", i));
    }
    return NULL;
}

/* A call that no schema describes still becomes a node, so that the passes report all that is not
 * supported in one table. */
static Error *guess_schema(ImportCx *cx, const Js *inputs, const Js *outputs, const char *op,
                           const OpSchema **out)
{
    Text        t = text_new(cx->arena);
    const char *dot = strchr(op, '.');
    int         n;
    if (!dot || dot == op || !dot[1] || strchr(op, '(') || strchr(op, ':'))
        return js_error(cx, inputs->up, E_UNSUPPORTED, "\"%s\" is no operator", op);
    size_t length = strlen(dot + 1), end = strlen(".default");
    bool   is_default = length > end && !strcmp(dot + 1 + length - end, ".default");
    text_printf(&t, "%.*s::%.*s(", (int)(dot - op), op, (int)(is_default ? length - end : length),
                dot + 1);
    TRY(put_guessed_params(cx, &t, inputs));
    TRY(js_array(cx, outputs, &n));
    text_put(&t, n == 1 ? ") -> " : ") -> (");
    for (int i = 0; i < n; i++) {
        Js output = js_item(outputs, (size_t)i);
        text_put(&t, i ? ", " : "");
        TRY(put_guessed_type(cx, &t, &output));
    }
    text_put(&t, n == 1 ? "" : ")");
    return schema_guess(cx->ir, t.data, out);
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
    if ((!schema || schema->is_guessed) && !is_higher_order(op)) /* each from its own arguments */
        TRY(guess_schema(cx, &inputs, &outputs, op, &schema));
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
