/* TensorMeta and symbolic scalars of the export.
 *
 *   {"dtype": 7, "sizes": [{"as_int": 3}, {"as_expr": {"expr_str": "Symbol('s27', …)"}}], …}
 *   becomes  f32[3,s27] */
#include "ir/import_internal.h"

#include <math.h>
#include <string.h>

/* ScalarType numbers without a DType of ours. */
static const char *unsupported_dtype(int64_t number)
{
    switch (number) {
    case 9:
        return "complex32";
    case 31:
        return "float8_e4m3fnuz";
    case 32:
        return "float8_e5m2fnuz";
    case 33:
        return "float8_e8m0fnu";
    default:
        return NULL;
    }
}

Error *read_dtype(const ImportCx *cx, const Js *at, DType *out)
{
    int64_t number;
    TRY(js_int(cx, at, &number));
    *out = dtype_from_schema(number);
    if (*out != DT_NONE)
        return NULL;
    const char *name = unsupported_dtype(number);
    if (name)
        return js_error(cx, at, E_UNSUPPORTED, "element type %s", name);
    return js_error(cx, at, E_FORMAT, "%lld is no ScalarType of the export schema",
                    (long long)number);
}

Error *read_device(const ImportCx *cx, const Js *at, Device *out)
{
    const char *type;
    Js          index_js;
    int64_t     index = -1;
    TRY(js_get_string(cx, at, "type", &type));
    if (js_find(at, "index", &index_js))
        TRY(js_int(cx, &index_js, &index));
    if (index < -1 || index > 1024)
        return js_error(cx, at, E_FORMAT, "device index %lld", (long long)index);
    if (strcmp(type, "cpu") && strcmp(type, "cuda"))
        return js_error(cx, at, E_UNSUPPORTED, "device \"%s\": only cpu and cuda are known", type);
    *out = (Device){!strcmp(type, "cuda") ? DEVICE_CUDA : DEVICE_CPU, (int)index};
    return NULL;
}

/* ---- symbolic scalars ------------------------------------------------------------------------ */

/* The hint belongs to the whole expression; a linear one in a single symbol gives the symbol's. */
static const Expr *split_const(const Expr *e, ExprKind kind, int64_t *constant)
{
    if (e->kind == kind && e->n == 2)
        for (int i = 0; i < 2; i++)
            if (expr_is_int(e->args[i], constant))
                return e->args[1 - i];
    return e;
}

static void take_hint(const Expr *e, double hint)
{
    int64_t coeff = 1, rest = 0;
    e = split_const(split_const(e, EXPR_ADD, &rest), EXPR_MUL, &coeff);
    if (e->kind == EXPR_SYMBOL && coeff && isnan(e->symbol->hint))
        e->symbol->hint = (hint - (double)rest) / (double)coeff;
}

static Error *read_hint(ImportCx *cx, const Js *at, const Expr *e)
{
    Js          hint_js, value;
    const char *key;
    double      hint;
    if (!js_find(at, "hint", &hint_js))
        return NULL;
    TRY(js_union(cx, &hint_js, &key, &value));
    if (json_is_boolean(value.v))
        hint = json_is_true(value.v);
    else
        TRY(js_number(cx, &value, &hint));
    take_hint(e, hint);
    return NULL;
}

static Error *read_expr(ImportCx *cx, const Js *at, const Expr **out)
{
    const char *text;
    TRY(js_get_string(cx, at, "expr_str", &text));
    Error *error = expr_parse_srepr(cx->exprs, text, out);
    if (error)
        return js_error(cx, at, error->code, "expression \"%s\": %s", text, error->message);
    return read_hint(cx, at, *out);
}

Error *read_sym(ImportCx *cx, const Js *at, const Expr **out)
{
    const char *key;
    Js          value;
    int64_t     i;
    double      f;
    bool        b;
    TRY(js_union(cx, at, &key, &value));
    if (!strcmp(key, "as_expr"))
        return read_expr(cx, &value, out);
    if (!strcmp(key, "as_int")) {
        TRY(js_int(cx, &value, &i));
        *out = expr_int(cx->exprs, i);
    } else if (!strcmp(key, "as_float")) {
        TRY(js_number(cx, &value, &f));
        *out = expr_float(cx->exprs, f);
    } else if (!strcmp(key, "as_bool")) {
        TRY(js_bool(cx, &value, &b));
        *out = expr_bool(cx->exprs, b);
    } else {
        return js_error(cx, at, E_UNSUPPORTED, "unknown kind of symbolic scalar \"%s\"", key);
    }
    return NULL;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static Error *read_dims(ImportCx *cx, const Js *meta, const char *key, int rank,
                        const Expr *const **out)
{
    Js  list;
    int n;
    TRY(js_get_array(cx, meta, key, &list, &n));
    if (n != rank)
        return js_error(cx, &list, E_FORMAT, "%d %s for a tensor of rank %d", n, key, rank);
    const Expr **dims = ARENA_ARRAY(cx->arena, const Expr *, n + 1);
    for (int i = 0; i < n; i++) {
        Js      item = js_item(&list, (size_t)i);
        int64_t value;
        TRY(read_sym(cx, &item, &dims[i]));
        if (dims[i]->type != EXPR_TYPE_INT)
            return js_error(cx, &item, E_FORMAT, "an integer is expected");
        if (expr_is_int(dims[i], &value) && value < 0)
            return js_error(cx, &item, E_FORMAT, "%s of dimension %d is %lld", key, i,
                            (long long)value);
    }
    *out = dims;
    return NULL;
}

Error *check_tensor_size(const ImportCx *cx, const Js *at, const TensorType *type)
{
    int64_t bytes = dtype_size(type->dtype), extent = 1, size, stride, step;
    bool    too_large = false, is_empty = false;
    for (int i = 0; i < type->rank; i++) {
        if (!expr_is_int(type->sizes[i], &size))
            continue;
        is_empty |= size == 0;
        too_large |= size && __builtin_mul_overflow(bytes, size, &bytes);
        if (size && expr_is_int(type->strides[i], &stride))
            too_large |= __builtin_mul_overflow(size - 1, stride, &step) ||
                         __builtin_add_overflow(extent, step, &extent);
    }
    too_large |= __builtin_mul_overflow(extent, (int64_t)dtype_size(type->dtype), &extent);
    if (too_large && !is_empty)
        return js_error(cx, at, E_LIMIT, "a tensor of more than 2^63 bytes");
    return NULL;
}

Error *read_tensor_meta(ImportCx *cx, const Js *at, TensorType *out)
{
    Js      dtype, sizes, device, offset;
    int64_t layout, value;
    *out = (TensorType){0};
    TRY(js_get(cx, at, "dtype", &dtype));
    TRY(read_dtype(cx, &dtype, &out->dtype));
    TRY(js_get_array(cx, at, "sizes", &sizes, &out->rank));
    if (out->rank > MAX_RANK)
        return js_error(cx, &sizes, E_LIMIT, "a tensor of rank %d: at most %d is supported",
                        out->rank, MAX_RANK);
    TRY(js_get_int(cx, at, "layout", &layout));
    if (layout != 7)
        return js_error(cx, at, E_UNSUPPORTED,
                        "tensor layout %lld: only strided tensors are supported",
                        (long long)layout);
    TRY(read_dims(cx, at, "sizes", out->rank, &out->sizes));
    TRY(read_dims(cx, at, "strides", out->rank, &out->strides));
    TRY(js_get(cx, at, "storage_offset", &offset));
    TRY(read_sym(cx, &offset, &out->storage_offset));
    if (out->storage_offset->type != EXPR_TYPE_INT ||
        (expr_is_int(out->storage_offset, &value) && value < 0))
        return js_error(cx, &offset, E_FORMAT, "a storage offset is an integer >= 0");
    TRY(js_get(cx, at, "device", &device));
    TRY(read_device(cx, &device, &out->device));
    return check_tensor_size(cx, at, out);
}

Error *read_tensor_value(ImportCx *cx, const Scope *scope, const Js *at, const char *name,
                         TensorType *out)
{
    Js meta;
    if (!scope->tensor_values.v || !js_find(&scope->tensor_values, name, &meta))
        return js_error(cx, at, E_FORMAT, "tensor_values has no \"%s\"", name);
    return read_tensor_meta(cx, &meta, out);
}

Error *read_sym_value(ImportCx *cx, const Scope *scope, const char *name, const Expr **out)
{
    const Js *tables[] = {&scope->sym_int_values, &scope->sym_float_values,
                          &scope->sym_bool_values};
    Js        entry;
    *out = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i]->v && js_find(tables[i], name, &entry))
            return read_sym(cx, &entry, out);
    return NULL;
}
