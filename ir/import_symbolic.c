/* Symbolic scalar calls: they become expressions, not nodes.
 *
 *   _operator.floordiv(sym_size_int, 2) -> floordiv      with sym_int_values floordiv = s39
 *   binds the name "floordiv" to s39
 *
 * The export states the result; only where it does not, it is computed from the operands. */
#include "ir/import_internal.h"

#include <math.h>
#include <string.h>

static const char *const type_queries[] = {
    "torch.ops.aten.sym_size.int", "torch.ops.aten.sym_stride.int",
    "torch.ops.aten.sym_numel.default", "torch.ops.aten.sym_storage_offset.default"};

static bool is_type_query(const char *target)
{
    for (size_t i = 0; i < sizeof type_queries / sizeof *type_queries; i++)
        if (!strcmp(target, type_queries[i]))
            return true;
    return false;
}

bool is_symbolic_target(const char *target)
{
    return !strncmp(target, "_operator.", 10) || !strncmp(target, "math.", 5) ||
           !strncmp(target, "torch.sym_", 10) || !strncmp(target, "torch._sym_", 11) ||
           !strcmp(target, "round") || is_type_query(target);
}

/* ---- computing a result that the export does not state --------------------------------------- */

/* How to make the expression: kind 0 is "see compute_other". `swap` exchanges the operands: a > b
 * is b < a. */
static const struct SymbolicOp {
    const char *name;
    ExprKind    kind;
    int         n;
    bool        swap;
    const char *call;
} symbolic_ops[] = {
    {"add", EXPR_ADD, 2, false, NULL},
    {"mul", EXPR_MUL, 2, false, NULL},
    {"truediv", EXPR_TRUEDIV, 2, false, NULL},
    {"floordiv", EXPR_FLOORDIV, 2, false, NULL},
    {"mod", EXPR_MOD, 2, false, NULL},
    {"pow", EXPR_POW, 2, false, NULL},
    {"lshift", EXPR_LSHIFT, 2, false, NULL},
    {"rshift", EXPR_RSHIFT, 2, false, NULL},
    {"and_", EXPR_AND, 2, false, NULL},
    {"or_", EXPR_OR, 2, false, NULL},
    {"eq", EXPR_EQ, 2, false, NULL},
    {"ne", EXPR_NE, 2, false, NULL},
    {"lt", EXPR_LT, 2, false, NULL},
    {"le", EXPR_LE, 2, false, NULL},
    {"gt", EXPR_LT, 2, true, NULL},
    {"ge", EXPR_LE, 2, true, NULL},
    {"sym_max", EXPR_MAX, 2, false, NULL},
    {"sym_min", EXPR_MIN, 2, false, NULL},
    {"trunc", EXPR_TRUNC, 1, false, NULL},
    {"sym_int", EXPR_TRUNC, 1, false, NULL},
    {"ceil", EXPR_CEIL, 1, false, NULL},
    {"floor", EXPR_FLOOR, 1, false, NULL},
    {"round", EXPR_ROUND, 1, false, NULL},
    {"sym_float", EXPR_TO_FLOAT, 1, false, NULL},
    {"sym_not", EXPR_NOT, 1, false, NULL},
    {"sym_ite", EXPR_WHERE, 3, false, NULL},
    {"sym_sqrt", EXPR_CALL, 1, false, "sqrt"},
};

/* Makes what integer-only kinds get: `and_` of ints is bitwise, trunc of an int is itself. */
static const Expr *make_symbolic(ExprPool *pool, const struct SymbolicOp *op, const Expr *const *in)
{
    const Expr *args[3] = {in[0], in[op->n > 1], in[op->n > 2 ? 2 : 0]};
    ExprKind    kind = op->kind;
    bool        is_int = in[0]->type == EXPR_TYPE_INT;
    if ((kind == EXPR_AND || kind == EXPR_OR) && is_int)
        kind = kind == EXPR_AND ? EXPR_BITAND : EXPR_BITOR;
    if (is_int &&
        (kind == EXPR_TRUNC || kind == EXPR_CEIL || kind == EXPR_FLOOR || kind == EXPR_ROUND))
        return in[0];
    if (op->swap) {
        args[0] = in[1];
        args[1] = in[0];
    }
    return expr_make(pool, kind, op->call, args, op->n);
}

static const Expr *compute(ExprPool *pool, const char *name, const Expr *const *in, int n)
{
    for (size_t i = 0; i < sizeof symbolic_ops / sizeof *symbolic_ops; i++)
        if (!strcmp(symbolic_ops[i].name, name))
            return n == symbolic_ops[i].n ? make_symbolic(pool, &symbolic_ops[i], in) : NULL;
    if (!strcmp(name, "sub") && n == 2) {
        const Expr *minus = expr_int(pool, -1);
        const Expr *product[] = {minus, in[1]},
                   *sum[] = {in[0], expr_make(pool, EXPR_MUL, NULL, product, 2)};
        return expr_make(pool, EXPR_ADD, NULL, sum, 2);
    }
    if (!strcmp(name, "neg") && n == 1) {
        const Expr *product[] = {expr_int(pool, -1), in[0]};
        return expr_make(pool, EXPR_MUL, NULL, product, 2);
    }
    if (!strcmp(name, "pos") && n == 1)
        return in[0];
    if (!strcmp(name, "sym_sum"))
        return n ? expr_make(pool, EXPR_ADD, NULL, in, n) : expr_int(pool, 0);
    return NULL;
}

/* Operands as expressions; false when one is a tensor or the like. */
static bool collect_operands(ImportCx *cx, const Arg *args, int n_args, const Expr **out, int cap,
                             int *n)
{
    for (int i = 0; i < n_args; i++) {
        const Arg *arg = &args[i];
        if (arg->kind == ARG_LIST) {
            if (!collect_operands(cx, arg->items, arg->n_items, out, cap, n))
                return false;
            continue;
        }
        if (*n == cap || (arg->kind != ARG_INT && arg->kind != ARG_FLOAT && arg->kind != ARG_BOOL))
            return false;
        out[(*n)++] = arg->expr ? arg->expr : expr_float(cx->exprs, arg->number);
    }
    return true;
}

static const Expr *query_type(ImportCx *cx, const char *target, const Arg *args, int n)
{
    int64_t dim = 0;
    if (n < 1 || args[0].kind != ARG_VALUE || args[0].value->kind != VALUE_TENSOR)
        return NULL;
    const TensorType *type = &args[0].value->type;
    if (strstr(target, "sym_numel"))
        return expr_product(cx->exprs, type->sizes, type->rank);
    if (strstr(target, "sym_storage_offset"))
        return type->storage_offset;
    if (n != 2 || args[1].kind != ARG_INT || !expr_is_int(args[1].expr, &dim))
        return NULL;
    if (dim < 0)
        dim += type->rank;
    if (dim < 0 || dim >= type->rank)
        return NULL;
    return strstr(target, "sym_size") ? type->sizes[dim] : type->strides[dim];
}

static Error *compute_result(ImportCx *cx, Scope *scope, const Js *inputs, const char *target,
                             const Expr **out)
{
    enum { MAX_OPERANDS = 64 };
    const Expr *in[MAX_OPERANDS];
    Arg        *args;
    int         n_args, n = 0;
    TRY(read_hop_arguments(cx, scope, inputs, &args, &n_args));
    *out = NULL;
    if (is_type_query(target))
        *out = query_type(cx, target, args, n_args);
    else if (collect_operands(cx, args, n_args, in, MAX_OPERANDS, &n) && n)
        *out = compute(cx->exprs, strrchr(target, '.') ? strrchr(target, '.') + 1 : target, in, n);
    if (!*out)
        return js_error(cx, inputs, E_UNSUPPORTED, "cannot evaluate %s on these arguments", target);
    return NULL;
}

/* The name that the call binds; NULL when its result is a literal that nothing refers to. */
static Error *result_name(ImportCx *cx, const Js *outputs, const char **name)
{
    int n;
    Js  value, inner;
    *name = NULL;
    TRY(js_array(cx, outputs, &n));
    if (n != 1)
        return js_error(cx, outputs, E_FORMAT, "a symbolic call has one result, found %d", n);
    Js          output = js_item(outputs, 0);
    const char *key, *inner_key;
    TRY(js_union(cx, &output, &key, &value));
    if (strncmp(key, "as_sym_", 7))
        return NULL;
    TRY(js_union(cx, &value, &inner_key, &inner));
    return strcmp(inner_key, "as_name") ? NULL : js_string(cx, &inner, name);
}

Error *read_symbolic_node(ImportCx *cx, Scope *scope, const Js *at, const char *target)
{
    Js          inputs, outputs;
    const char *name;
    const Expr *expr = NULL;
    TRY(js_get(cx, at, "inputs", &inputs));
    TRY(js_get(cx, at, "outputs", &outputs));
    TRY(result_name(cx, &outputs, &name));
    if (!name)
        return NULL;
    Error *error = read_sym_value(cx, scope, name, &expr);
    if (error && error->code != E_UNSUPPORTED)
        return error;
    if (error || !expr)
        TRY(compute_result(cx, scope, &inputs, target, &expr));
    return scope_bind(cx, scope, &outputs, name, NULL, expr);
}
