/* Inputs, constants, outputs and mutations.
 *
 *   {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "w"}}            a Constant "w"
 *   {"user_input": {"arg": {"as_tensor": {"name": "x"}}}}                     a GraphInput
 *   {"buffer_mutation": {"arg": {"name": "add"}, "buffer_name": "count"}}     a Mutation
 *
 * Tied weights have several names and one storage: equal views of one storage are one Constant. */
#include "ir/import_internal.h"

#include <string.h>

/* ---- constants ------------------------------------------------------------------------------- */

static int top_storage(ImportCx *cx, int source_index)
{
    int *index = &cx->storage_of[source_index];
    if (!*index) {
        const ImportStorage *from = &cx->source->storages[source_index];
        Storage             *storage = ARENA_NEW(cx->arena, Storage);
        *storage = (Storage){.data = from->data,
                             .size_bytes = from->size_bytes,
                             .member = arena_strdup(cx->arena, from->member)};
        VEC_PUSH(cx->arena, cx->top->storages, storage);
        *index = cx->top->storages.n;
    }
    return *index - 1;
}

/* The payload says how the bytes lie; dtype and sizes must be those of the graph. */
static Error *constant_type(ImportCx *cx, const Js *at, const ImportConstant *from,
                            TensorType *type)
{
    const Expr **sizes = ARENA_ARRAY(cx->arena, const Expr *, from->rank + 1);
    const Expr **strides = ARENA_ARRAY(cx->arena, const Expr *, from->rank + 1);
    TensorType   stored = *type;
    for (int i = 0; i < from->rank; i++) {
        sizes[i] = expr_int(cx->exprs, from->sizes[i]);
        strides[i] = expr_int(cx->exprs, from->strides[i]);
    }
    stored.dtype = dtype_from_schema(from->dtype);
    stored.rank = from->rank;
    stored.sizes = sizes;
    stored.strides = strides;
    stored.storage_offset = expr_int(cx->exprs, from->offset);
    if (stored.dtype != type->dtype || !tensor_same_sizes(cx->ir, &stored, type))
        return js_error(cx, at, E_FORMAT, "\"%s\" is %s in the graph, its bytes are %s", from->fqn,
                        tensor_type_text(cx->arena, type), tensor_type_text(cx->arena, &stored));
    *type = stored;
    return NULL;
}

static bool same_view(const TensorType *a, const TensorType *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank || a->storage_offset != b->storage_offset)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->sizes[i] != b->sizes[i] || a->strides[i] != b->strides[i])
            return false;
    return true;
}

static Constant *find_constant(const Graph *graph, int storage, const TensorType *type)
{
    for (int i = 0; i < graph->constants.n; i++) {
        Constant *c = graph->constants.items[i];
        if (c->storage == storage && same_view(&c->value->type, type))
            return c;
    }
    return NULL;
}

static Error *missing_constant(ImportCx *cx, const Js *at, const char *fqn)
{
    Error *error = js_error(cx, at, E_FORMAT, "no bytes for \"%s\"", fqn);
    error->help = "the weights stand beside the export, or are given with --weights-from "
                  "FILE.safetensors|DIR";
    return error;
}

static Error *read_constant(ImportCx *cx, Scope *scope, const Js *at, ConstantKind kind,
                            const char *name_key)
{
    Js          arg, persistent;
    const char *name, *fqn;
    bool        is_persistent = kind == CONSTANT_PARAMETER;
    TensorType  type;
    TRY(js_get(cx, at, "arg", &arg));
    TRY(js_get_string(cx, &arg, "name", &name));
    TRY(js_get_string(cx, at, name_key, &fqn));
    if (js_find(at, "persistent", &persistent))
        TRY(js_bool(cx, &persistent, &is_persistent));
    TRY(read_tensor_value(cx, scope, at, name, &type));
    const NameEntry *entry = name_map_find(cx->constants, fqn);
    if (!entry)
        return missing_constant(cx, at, fqn);
    const ImportConstant *from = entry->item;
    if (from->refused)
        return js_error(cx, at, E_UNSUPPORTED, "\"%s\" %s", fqn, from->refused);
    TRY(constant_type(cx, at, from, &type));
    int       storage = top_storage(cx, from->storage);
    Constant *constant = find_constant(scope->graph, storage, &type);
    if (!constant) {
        /* named as exported; graph_add_constant() would name the value after the fqn */
        constant = graph_add_constant(scope->graph, kind, name, type, storage)->constant;
        constant->fqn = fqn;
        constant->persistent = is_persistent;
    }
    name_map_add(cx->constant_of, fqn)->item = constant;
    return scope_bind(cx, scope, at, name, constant->value, NULL);
}

/* ---- inputs ---------------------------------------------------------------------------------- */

/* An int, float or bool input: its symbol, or a symbol of its own with a guard when it stands for
 * an expression or for a symbol that has a definition already. */
static Error *scalar_input(ImportCx *cx, Scope *scope, const Js *at, const char *name,
                           GraphInput *out)
{
    const Expr *expr;
    TRY(read_sym_value(cx, scope, name, &expr));
    if (!expr)
        return js_error(cx, at, E_FORMAT, "no table of symbolic values has \"%s\"", name);
    Value *value = graph_new_value(scope->graph, name, VALUE_SCALAR);
    bool   is_top = scope->graph == cx->top;
    if (expr->kind == EXPR_SYMBOL && (!is_top || define_symbol(cx, expr->symbol))) {
        value->symbol = expr->symbol;
    } else {
        value->symbol = fresh_symbol(cx, name, SYM_SIZE, expr->type);
        value->symbol->min = INT64_MIN;
        Guard guard = {.expr = expr_cmp(cx->exprs, EXPR_EQ, value->symbol->self, expr),
                       .text =
                           arena_printf(cx->arena, "%s == %s", name, expr_text(cx->arena, expr))};
        if (is_top)
            VEC_PUSH(cx->arena, cx->top->guards, guard);
    }
    *out = (GraphInput){.kind = INPUT_USER, .name = name, .value = value};
    return scope_bind(cx, scope, at, name, value, expr);
}

static Error *tensor_input(ImportCx *cx, Scope *scope, const Js *at, const char *name,
                           GraphInput *out)
{
    TensorType type;
    TRY(read_tensor_value(cx, scope, at, name, &type));
    Value *value = graph_new_value(scope->graph, name, VALUE_TENSOR);
    value->type = type;
    *out = (GraphInput){.kind = INPUT_USER, .name = name, .value = value};
    return scope_bind(cx, scope, at, name, value, NULL);
}

/* An Argument at the place of an input: a tensor, a symbolic scalar, or a literal that the caller
 * must repeat. */
static Error *user_input(ImportCx *cx, Scope *scope, const Js *at, size_t index, GraphInput *out)
{
    const char *key, *name;
    Js          value, inner;
    TRY(js_union(cx, at, &key, &value));
    if (!strcmp(key, "as_tensor")) {
        TRY(js_get_string(cx, &value, "name", &name));
        return tensor_input(cx, scope, &value, name, out);
    }
    if (js_find(&value, "as_name", &inner)) {
        TRY(js_string(cx, &inner, &name));
        return scalar_input(cx, scope, &value, name, out);
    }
    *out =
        (GraphInput){.kind = INPUT_LITERAL, .name = arena_printf(cx->arena, "literal_%zu", index)};
    TRY(read_argument(cx, scope, at, &out->literal));
    if (out->literal.kind == ARG_GRAPH || out->literal.kind == ARG_LIST)
        return js_error(cx, at, E_UNSUPPORTED, "an input of kind \"%s\"", key);
    return NULL;
}

static Error *constant_input(ImportCx *cx, Scope *scope, const Js *at, GraphInput *out)
{
    Js value;
    *out = (GraphInput){.kind = INPUT_LITERAL};
    TRY(js_get_string(cx, at, "name", &out->name));
    TRY(js_get(cx, at, "value", &value));
    return read_argument(cx, scope, &value, &out->literal);
}

static Error *read_input_spec(ImportCx *cx, Scope *scope, const Js *spec, size_t index)
{
    const char *kind;
    Js          at, arg;
    GraphInput *input = &scope->graph->inputs[scope->graph->n_inputs];
    TRY(js_union(cx, spec, &kind, &at));
    if (!strcmp(kind, "parameter"))
        return read_constant(cx, scope, &at, CONSTANT_PARAMETER, "parameter_name");
    if (!strcmp(kind, "buffer"))
        return read_constant(cx, scope, &at, CONSTANT_BUFFER, "buffer_name");
    if (!strcmp(kind, "tensor_constant"))
        return read_constant(cx, scope, &at, CONSTANT_TENSOR, "tensor_constant_name");
    if (!strcmp(kind, "user_input")) {
        TRY(js_get(cx, &at, "arg", &arg));
        TRY(user_input(cx, scope, &arg, index, input));
    } else if (!strcmp(kind, "constant_input")) {
        TRY(constant_input(cx, scope, &at, input));
    } else {
        return js_error(cx, spec, E_UNSUPPORTED, "an input of kind %s", kind);
    }
    scope->graph->n_inputs++;
    return NULL;
}

Error *read_signature_inputs(ImportCx *cx, Scope *scope, const Js *graph_js, const Js *signature)
{
    Js  specs, inputs;
    int n, n_inputs;
    TRY(js_get_array(cx, graph_js, "inputs", &inputs, &n_inputs));
    TRY(js_get_array(cx, signature, "input_specs", &specs, &n));
    if (n != n_inputs)
        return js_error(cx, &specs, E_FORMAT, "%d input specs for %d graph inputs", n, n_inputs);
    scope->graph->inputs = ARENA_ARRAY(cx->arena, GraphInput, n + 1);
    for (int i = 0; i < n; i++) {
        Js spec = js_item(&specs, (size_t)i);
        TRY(read_input_spec(cx, scope, &spec, (size_t)i));
    }
    return NULL;
}

Error *read_subgraph_inputs(ImportCx *cx, Scope *scope, const Js *graph_js)
{
    Js  inputs;
    int n;
    TRY(js_get_array(cx, graph_js, "inputs", &inputs, &n));
    scope->graph->inputs = ARENA_ARRAY(cx->arena, GraphInput, n + 1);
    for (int i = 0; i < n; i++) {
        Js item = js_item(&inputs, (size_t)i);
        TRY(user_input(cx, scope, &item, (size_t)i, &scope->graph->inputs[i]));
        scope->graph->n_inputs++;
    }
    return NULL;
}

/* ---- outputs --------------------------------------------------------------------------------- */

static Error *add_output(ImportCx *cx, Scope *scope, const Js *at)
{
    Graph       *graph = scope->graph;
    GraphOutput *output = &graph->outputs[graph->n_outputs];
    const char  *key, *name = NULL;
    Js           value, inner;
    TRY(js_union(cx, at, &key, &value));
    TRY(read_argument(cx, scope, at, &output->arg));
    if (output->arg.kind > ARG_STRING)
        return js_error(cx, at, E_UNSUPPORTED, "an output of kind \"%s\"", key);
    if (js_find(&value, "name", &inner) || js_find(&value, "as_name", &inner))
        TRY(js_string(cx, &inner, &name));
    output->name = name ? name : arena_printf(cx->arena, "output_%d", graph->n_outputs);
    graph->n_outputs++;
    return NULL;
}

static Error *read_mutation(ImportCx *cx, Scope *scope, const Js *at, const char *name_key)
{
    Js          arg;
    const char *name, *fqn;
    Mutation    mutation;
    TRY(js_get(cx, at, "arg", &arg));
    TRY(js_get_string(cx, &arg, "name", &name));
    TRY(js_get_string(cx, at, name_key, &fqn));
    TRY(scope_tensor(cx, scope, &arg, name, &mutation.value));
    const NameEntry *entry = name_map_find(cx->constant_of, fqn);
    if (!entry)
        return js_error(cx, at, E_FORMAT, "the signature has no \"%s\" to be mutated", fqn);
    mutation.constant = (Constant *)(uintptr_t)entry->item;
    mutation.constant->is_mutated = true;
    VEC_PUSH(cx->arena, scope->graph->mutations, mutation);
    return NULL;
}

static Error *read_input_mutation(ImportCx *cx, Scope *scope, const Js *at)
{
    Js          arg;
    const char *name, *input_name;
    Value      *value;
    TRY(js_get(cx, at, "arg", &arg));
    TRY(js_get_string(cx, &arg, "name", &name));
    TRY(js_get_string(cx, at, "user_input_name", &input_name));
    TRY(scope_tensor(cx, scope, &arg, name, &value));
    for (int i = 0; i < scope->graph->n_inputs; i++) {
        GraphInput *input = &scope->graph->inputs[i];
        if (!input->value || strcmp(input->name, input_name))
            continue;
        if (input->value->kind != VALUE_TENSOR || input->mutated_to)
            return js_error(cx, at, E_FORMAT, "input \"%s\" cannot be mutated, or is mutated twice",
                            input_name);
        input->mutated_to = value;
        return NULL;
    }
    return js_error(cx, at, E_FORMAT, "the graph has no input \"%s\" to be mutated", input_name);
}

static Error *read_output_spec(ImportCx *cx, Scope *scope, const Js *spec)
{
    const char *kind;
    Js          at, arg;
    TRY(js_union(cx, spec, &kind, &at));
    if (!strcmp(kind, "buffer_mutation"))
        return read_mutation(cx, scope, &at, "buffer_name");
    if (!strcmp(kind, "parameter_mutation"))
        return read_mutation(cx, scope, &at, "parameter_name");
    if (!strcmp(kind, "user_input_mutation"))
        return read_input_mutation(cx, scope, &at);
    if (!strcmp(kind, "user_output")) {
        TRY(js_get(cx, &at, "arg", &arg));
        return add_output(cx, scope, &arg);
    }
    bool is_training = !strcmp(kind, "loss_output") || !strncmp(kind, "gradient_to_", 12);
    return js_error(cx, spec, E_UNSUPPORTED, "an output of kind %s%s", kind,
                    is_training ? ": this is an export for training; export the forward pass alone"
                                : "");
}

static Error *start_outputs(ImportCx *cx, Scope *scope, const Js *graph_js, int *n)
{
    Js outputs;
    TRY(js_get_array(cx, graph_js, "outputs", &outputs, n));
    scope->graph->outputs = ARENA_ARRAY(cx->arena, GraphOutput, *n + 1);
    return NULL;
}

Error *read_signature_outputs(ImportCx *cx, Scope *scope, const Js *graph_js, const Js *signature)
{
    Js  specs;
    int n, n_outputs;
    TRY(start_outputs(cx, scope, graph_js, &n_outputs));
    TRY(js_get_array(cx, signature, "output_specs", &specs, &n));
    if (n != n_outputs)
        return js_error(cx, &specs, E_FORMAT, "%d output specs for %d graph outputs", n, n_outputs);
    for (int i = 0; i < n; i++) {
        Js spec = js_item(&specs, (size_t)i);
        TRY(read_output_spec(cx, scope, &spec));
    }
    return NULL;
}

Error *read_subgraph_outputs(ImportCx *cx, Scope *scope, const Js *graph_js)
{
    Js  outputs;
    int n;
    TRY(start_outputs(cx, scope, graph_js, &n));
    TRY(js_get_array(cx, graph_js, "outputs", &outputs, &n));
    for (int i = 0; i < n; i++) {
        Js item = js_item(&outputs, (size_t)i);
        TRY(add_output(cx, scope, &item));
    }
    return NULL;
}
