/* What the files of the importer share.
 *
 *   import.c           the program: versions, ranges, the graph and its subgraphs
 *   import_json.c      values with their JSON path, and the errors that name it
 *   import_scope.c     names of one graph and what they stand for
 *   import_types.c     TensorMeta, SymInt, SymFloat, SymBool
 *   import_args.c      the 31 variants of Argument, fitted to the parameters of a schema
 *   import_nodes.c     calls and their results, undeclared operators
 *   import_symbolic.c  symbolic scalar calls, evaluated into Expr
 *   import_signature.c inputs, constants, outputs, mutations
 *   import_guards.c    range constraints and guards
 *   import_where.c     stack traces and module paths */
#ifndef AOTC_IR_IMPORT_INTERNAL_H
#define AOTC_IR_IMPORT_INTERNAL_H

#include "ir/import.h"
#include "ir/name_map.h"
#include "ir/schema.h"

#include <jansson.h>

/* A hostile file can nest subgraphs without limit. */
enum { MAX_GRAPH_DEPTH = 64 };

/* A JSON value and the way to it. Lives on the C stack: `up` must outlive it. */
typedef struct Js Js;
struct Js {
    json_t     *v;
    const Js   *up;
    const char *key; /* member of `up`, or NULL: item `index` */
    size_t      index;
};

/* What a name of the export stands for in one graph: a value, an expression, or both (the result of
 * item()). */
typedef struct Binding {
    Value      *value;
    const Expr *expr;
} Binding;

typedef struct Scope {
    Graph *graph;
    int    depth;
    Js tensor_values, sym_int_values, sym_float_values, sym_bool_values; /* v NULL when absent */
    NameMap *bindings;
} Scope;

typedef struct ImportCx {
    Arena              *arena;
    Ir                 *ir;
    ExprPool           *exprs;
    const ImportSource *source;
    const char         *file; /* "mlp.pt2, models/model.json" */
    Graph              *top;
    Where               node;        /* the node being read: node, op and python; empty outside */
    NameMap            *constants;   /* fqn to ImportConstant */
    NameMap            *constant_of; /* fqn to Constant: several names of tied weights have one */
    int                *storage_of;  /* source storage to 1 + index in top->storages */
    NameMap            *defined; /* symbols that an input or a node gives a value: each by one */
} ImportCx;

/* ---- import_json.c --------------------------------------------------------------------------- */
/* The text with what jansson does not take made into strings: integers beyond int64 and bare NaN,
 * Infinity. */
const char *json_prepare(Arena *arena, const char *text, size_t *n_bytes);
Error      *js_error(const ImportCx *cx, const Js *at, ErrorCode code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const char *js_kind(const json_t *v); /* "a string" */

Error *js_get(const ImportCx *cx, const Js *object, const char *key, Js *out); /* must be there */
bool   js_find(const Js *object, const char *key, Js *out); /* false: missing or null */
Js     js_item(const Js *array, size_t index);
Error *js_object(const ImportCx *cx, const Js *at);
Error *js_array(const ImportCx *cx, const Js *at, int *n);
Error *js_string(const ImportCx *cx, const Js *at, const char **out); /* in the arena */
Error *js_int(const ImportCx *cx, const Js *at, int64_t *out);
Error *js_saturated(const ImportCx *cx, const Js *at,
                    int64_t *out); /* beyond int64: the nearest one */
Error *js_bool(const ImportCx *cx, const Js *at, bool *out);
Error *js_number(const ImportCx *cx, const Js *at,
                 double *out); /* also "Infinity", "-Infinity", "NaN" */
/* A union: an object with exactly one key. */
Error *js_union(const ImportCx *cx, const Js *at, const char **key, Js *value);
/* Shorthands of js_get and the reader. */
Error *js_get_string(const ImportCx *cx, const Js *object, const char *key, const char **out);
Error *js_get_int(const ImportCx *cx, const Js *object, const char *key, int64_t *out);
Error *js_get_array(const ImportCx *cx, const Js *object, const char *key, Js *out, int *n);

/* ---- import_scope.c -------------------------------------------------------------------------- */
Error         *scope_open(ImportCx *cx, Graph *graph, const Js *graph_js, int depth, Scope *out);
const Binding *scope_find(const Scope *scope, const char *name);
/* E_FORMAT when the name is bound already. */
Error         *scope_bind(ImportCx *cx, Scope *scope, const Js *at, const char *name, Value *value,
                          const Expr *expr);
Error *scope_tensor(ImportCx *cx, const Scope *scope, const Js *at, const char *name, Value **out);
/* The expression of a symbolic name: bound, or from the tables of the graph. */
Error *scope_symbolic(ImportCx *cx, const Scope *scope, const Js *at, const char *name,
                      const Expr **out);

/* ---- import_types.c -------------------------------------------------------------------------- */
Error *read_dtype(const ImportCx *cx, const Js *at, DType *out);
Error *read_device(const ImportCx *cx, const Js *at, Device *out);
Error *read_tensor_meta(ImportCx *cx, const Js *at, TensorType *out);
/* SymInt, SymFloat or SymBool. */
Error *read_sym(ImportCx *cx, const Js *at, const Expr **out);
/* The table entry of a name: E_FORMAT when there is none. */
Error *read_tensor_value(ImportCx *cx, const Scope *scope, const Js *at, const char *name,
                         TensorType *out);
/* *out NULL when no table has it; E_UNSUPPORTED from the expression parser is given back as such.
 */
Error *read_sym_value(ImportCx *cx, const Scope *scope, const char *name, const Expr **out);
/* bytes of a tensor of constant sizes fit int64 */
Error *check_tensor_size(const ImportCx *cx, const Js *at, const TensorType *type);

/* ---- import_args.c --------------------------------------------------------------------------- */
/* As written, no parameter known: for higher-order operators, inputs and outputs. */
Error *read_argument(ImportCx *cx, Scope *scope, const Js *at, Arg *out);
/* Fits what was read to a parameter: 2 where a float is expected, 3 where int[2] is, ... */
Error *fit_argument(ImportCx *cx, const Js *at, const Param *param, Arg *arg);
/* All arguments of a call in schema order, defaults filled in. */
Error *read_arguments(ImportCx *cx, Scope *scope, const Js *inputs, const OpSchema *schema,
                      Arg **out);
/* Arguments of a higher-order operator in written order; a keyword argument is the list ["name",
 * value]. */
Error *read_hop_arguments(ImportCx *cx, Scope *scope, const Js *inputs, Arg **out, int *n);

/* ---- import_nodes.c -------------------------------------------------------------------------- */
Error *read_node(ImportCx *cx, Scope *scope, const Js *at);

/* ---- import_symbolic.c ----------------------------------------------------------------------- */
bool   is_symbolic_target(const char *target);
Error *read_symbolic_node(ImportCx *cx, Scope *scope, const Js *at, const char *target);

/* ---- import.c -------------------------------------------------------------------------------- */
Error  *read_subgraph(ImportCx *cx, const Js *at, const char *name, Graph *parent, int depth,
                      Graph **out);
/* True when the symbol had no definition yet. */
bool    define_symbol(ImportCx *cx, const Symbol *symbol);
/* A symbol with a name that no other has. */
Symbol *fresh_symbol(ImportCx *cx, const char *name, SymbolKind kind, ExprType type);

/* ---- import_signature.c ---------------------------------------------------------------------- */
Error *read_signature_inputs(ImportCx *cx, Scope *scope, const Js *graph_js, const Js *signature);
Error *read_signature_outputs(ImportCx *cx, Scope *scope, const Js *graph_js, const Js *signature);
Error *read_subgraph_inputs(ImportCx *cx, Scope *scope, const Js *graph_js);
Error *read_subgraph_outputs(ImportCx *cx, Scope *scope, const Js *graph_js);

/* ---- import_guards.c ------------------------------------------------------------------------- */
Error *read_ranges(ImportCx *cx,
                   const Js *program); /* before anything else: simplification uses them */
Error *read_derived_ranges(ImportCx *cx, const Js *program); /* after the inputs */
Error *read_guards(ImportCx *cx, const Js *program, const Js *graph_module);

/* ---- import_where.c -------------------------------------------------------------------------- */
/* "model.py:41  out = F.grid_sample(x, grid)" of the user's innermost frame, or NULL. */
const char *python_line(Arena *arena, const char *stack_trace);
const char *module_path(Arena *arena, const char *nn_module_stack);

#endif
