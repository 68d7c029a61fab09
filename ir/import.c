/* The importer: ExportedProgram JSON to Graph.
 *
 * In:  {"graph_module": {"graph": …, "signature": …}, "range_constraints": …, "guards_code": …}
 * Out: graph @model(%x: f32[s0,64], …) where 2 <= s0 <= 100 { … }
 *
 * Order matters: ranges first, since expressions simplify with them; then inputs, nodes, outputs;
 * then guards, which speak of inputs. */
#include "ir/import_internal.h"

#include <stdlib.h>
#include <string.h>

enum { SCHEMA_MAJOR = 8 };

/* ---- symbols --------------------------------------------------------------------------------- */

bool define_symbol(ImportCx *cx, const Symbol *symbol)
{
    NameEntry *entry = name_map_add(cx->defined, symbol->name);
    return entry->number++ == 0;
}

Symbol *fresh_symbol(ImportCx *cx, const char *name, SymbolKind kind, ExprType type)
{
    for (int i = 0;; i++) {
        const char *unique = arena_printf(cx->arena, "%s_%d", name, i);
        if (!expr_symbol_find(cx->exprs, unique))
            return expr_symbol_named(cx->exprs, unique, kind, type);
    }
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static Error *read_nodes(ImportCx *cx, Scope *scope, const Js *graph_js)
{
    Js  nodes;
    int n;
    TRY(js_get_array(cx, graph_js, "nodes", &nodes, &n));
    for (int i = 0; i < n; i++) {
        Js node = js_item(&nodes, (size_t)i);
        TRY(read_node(cx, scope, &node));
    }
    return NULL;
}

Error *read_subgraph(ImportCx *cx, const Js *at, const char *name, Graph *parent, int depth,
                     Graph **out)
{
    Scope scope;
    if (depth > MAX_GRAPH_DEPTH)
        return js_error(cx, at, E_LIMIT, "subgraphs nest deeper than %d", MAX_GRAPH_DEPTH);
    TRY(js_object(cx, at));
    Graph *graph = graph_create(cx->ir, name);
    graph->parent = parent;
    TRY(scope_open(cx, graph, at, depth, &scope));
    TRY(read_subgraph_inputs(cx, &scope, at));
    TRY(read_nodes(cx, &scope, at));
    TRY(read_subgraph_outputs(cx, &scope, at));
    *out = graph;
    return NULL;
}

/* ---- the program ----------------------------------------------------------------------------- */

static Error *check_version(const ImportCx *cx, const Js *program)
{
    Js      version;
    int64_t major;
    TRY(js_get(cx, program, "schema_version", &version));
    TRY(js_get_int(cx, &version, "major", &major));
    if (major == SCHEMA_MAJOR)
        return NULL;
    Error *error = js_error(cx, &version, E_UNSUPPORTED, "export schema %lld: this reader knows %d",
                            (long long)major, SCHEMA_MAJOR);
    error->help = "export the model again with torch 2.13";
    return error;
}

static Error *read_dialect(const ImportCx *cx, const Js *program, const char **out)
{
    Js  verifiers;
    int n = 0;
    *out = "ATEN";
    if (js_find(program, "verifiers", &verifiers))
        TRY(js_array(cx, &verifiers, &n));
    if (!n)
        return NULL;
    Js first = js_item(&verifiers, 0);
    TRY(js_string(cx, &first, out));
    if (strcmp(*out, "TRAINING") && strcmp(*out, "ATEN"))
        return js_error(cx, &first, E_UNSUPPORTED, "dialect \"%s\": TRAINING and ATEN are known",
                        *out);
    return NULL;
}

static void index_constants(ImportCx *cx)
{
    cx->constants = name_map_create(cx->arena, cx->source->n_constants);
    cx->constant_of = name_map_create(cx->arena, cx->source->n_constants);
    for (int i = 0; i < cx->source->n_constants; i++)
        name_map_add(cx->constants, cx->source->constants[i].fqn)->item = &cx->source->constants[i];
    cx->storage_of = ARENA_ARRAY(cx->arena, int, cx->source->n_storages + 1);
}

static Error *read_top_graph(ImportCx *cx, const Js *graph_module)
{
    Js    graph_js, signature;
    Scope scope;
    TRY(js_get(cx, graph_module, "graph", &graph_js));
    TRY(js_object(cx, &graph_js));
    TRY(js_get(cx, graph_module, "signature", &signature));
    TRY(scope_open(cx, cx->top, &graph_js, 0, &scope));
    TRY(read_signature_inputs(cx, &scope, &graph_js, &signature));
    TRY(read_nodes(cx, &scope, &graph_js));
    return read_signature_outputs(cx, &scope, &graph_js, &signature);
}

static Error *read_program(ImportCx *cx, json_t *root)
{
    Js program = {.v = root}, graph_module, version;
    TRY(js_object(cx, &program));
    TRY(check_version(cx, &program));
    cx->top = graph_create(cx->ir, cx->source->model ? cx->source->model : "model");
    TRY(read_dialect(cx, &program, &cx->top->dialect));
    if (js_find(&program, "torch_version", &version))
        TRY(js_string(cx, &version, &cx->top->torch_version));
    TRY(js_get(cx, &program, "graph_module", &graph_module));
    TRY(read_ranges(cx, &program));
    TRY(read_top_graph(cx, &graph_module));
    TRY(read_derived_ranges(cx, &program));
    return read_guards(cx, &program, &graph_module);
}

/* Line and column of a syntax error, and the text there. */
static Error *syntax_error(const ImportCx *cx, const json_error_t *at)
{
    Where where = {.file = cx->file,
                   .path = arena_printf(cx->arena, "line %d, column %d", at->line, at->column)};
    return error_new(cx->arena, E_FORMAT, where, "not valid JSON: %s", at->text);
}

Error *graph_import(Ir *ir, const ImportSource *source, Graph **out)
{
    ImportCx cx = {.arena = ir->arena, .ir = ir, .exprs = ir->exprs, .source = source};
    cx.file = source->member ? arena_printf(ir->arena, "%s, %s", source->file, source->member)
                             : source->file;
    cx.defined = name_map_create(ir->arena, 16);
    index_constants(&cx);

    json_error_t at;
    size_t       n_bytes = source->json_bytes;
    const char  *text = json_prepare(ir->arena, source->json, &n_bytes);
    json_t      *root = json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES, &at);
    Error       *error = root ? read_program(&cx, root) : syntax_error(&cx, &at);
    json_decref(root);
    if (error)
        return error;
    *out = cx.top;
    graph_note_devices(cx.top);
    return NULL;
}
