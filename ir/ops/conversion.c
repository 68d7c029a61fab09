/* Copies, conversions and aliases of one tensor (clone, to, alias), and memory formats.
 *
 * In: a node.  Out: a view or a copy of its input, or the input itself:
 *
 *   aten.to.dtype(%x, f32)      %x where it is f32, else aten._to_copy.default(%x, f32) */
#include "ir/ops/creation.h"
#include "ir/ops/rows.h"
#include "ir/ops/ops_internal.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- memory formats -------------------------------------------------------------------------- */

int64_t creation_memory_format(const Node *node, int64_t otherwise)
{
    const Arg *arg = creation_arg(node, "memory_format");
    return arg && arg->kind == ARG_MEMORY_FORMAT ? arg->integer : otherwise;
}

/* N, C, spatial…: the channel moves last. */
static Error *channels_last(Node *node, DType dtype, const Expr *const *sizes, int rank, int wanted)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *strides[MAX_RANK], *stride = expr_int(pool, 1);
    if (rank != wanted)
        return node_error(node, E_VALUE, "this memory format needs rank %d, not %d", wanted, rank);
    strides[1] = stride;
    stride = sizes[1];
    for (int d = rank - 1; d >= 2; d--) {
        strides[d] = stride;
        stride = expr_mul(pool, stride, sizes[d]);
    }
    strides[0] = stride;
    creation_set_type(node, tensor_type_strided(node->graph->ir, dtype, sizes, strides, rank));
    return NULL;
}

Error *creation_set_format(Node *node, DType dtype, const Expr *const *sizes, int rank,
                           int64_t format)
{
    if (format == FORMAT_CHANNELS_LAST || format == FORMAT_CHANNELS_LAST_3D)
        return channels_last(node, dtype, sizes, rank, format == FORMAT_CHANNELS_LAST ? 4 : 5);
    creation_set_type(node, tensor_type(node->graph->ir, dtype, sizes, rank));
    return NULL;
}

Error *creation_infer_like(Node *node)
{
    TensorType in = shape_type(node, "self")[0];
    DType      dtype = creation_dtype(node, in.dtype);
    int64_t    format = creation_memory_format(node, FORMAT_PRESERVE);
    if (format != FORMAT_PRESERVE)
        return creation_set_format(node, dtype, in.sizes, in.rank, format);
    TRY(infer_pointwise(node));
    TensorType type = *node_result_type(node, 0);
    type.dtype = dtype;
    creation_set_type(node, type);
    return NULL;
}

/* ---- views and copies ------------------------------------------------------------------------ */
static Error *infer_alias(Node *node)
{
    TensorType type = shape_type(node, "self")[0];
    type.storage_offset = shape_int(node, 0);
    *node_result_type(node, 0) = type;
    return NULL;
}

static void map_alias(const Node *node, const Expr *const *out, const Expr **in)
{
    memcpy(in, out, sizeof *in * (size_t)node->results[0]->type.rank);
}

Error *creation_check_layout(const Node *node)
{
    const Arg *layout = creation_arg(node, "layout");
    /* 7 is strided in the numbering of the export schema. */
    if (layout && layout->kind == ARG_LAYOUT && layout->integer != 7)
        return node_error(node, E_UNSUPPORTED, "layout %lld: only strided tensors",
                          (long long)layout->integer);
    return NULL;
}

static Error *infer_to_copy(Node *node)
{
    TRY(creation_check_layout(node));
    return creation_infer_like(node);
}

/* A copy, or the tensor itself where nothing changes. */
static Error *build_conversion(Node *node, DType dtype, const Arg *device, Value **results)
{
    Build         b = build_at(node);
    Value        *x = node_tensor(node, "self");
    int64_t       format = creation_memory_format(node, FORMAT_PRESERVE);
    const Device *to = device && device->kind == ARG_DEVICE ? &device->device : NULL;
    bool          moves =
        to && (to->kind != x->type.device.kind ||
               (to->index >= 0 && x->type.device.index >= 0 && to->index != x->type.device.index));
    const Arg *copy = creation_arg(node, "copy");
    bool must = copy && copy->kind == ARG_BOOL && expr_is_const(copy->expr) && copy->expr->value;
    bool keeps = format == FORMAT_PRESERVE ||
                 (format == FORMAT_CONTIGUOUS && tensor_is_contiguous(b.graph->ir, &x->type));
    TRY(creation_check_layout(node));
    if (x->type.dtype == dtype && !moves && !must && keeps) {
        results[0] = x;
        return NULL;
    }
    Arg shape = {.kind = ARG_MEMORY_FORMAT, .integer = format};
    results[0] = BUILD(&b, "aten._to_copy.default", arg_value(x), arg_dtype(dtype), arg_none(),
                       moves ? *device : arg_none(), arg_none(), arg_bool(b.graph, false), shape);
    return b.error;
}

static Error *expand_to(Node *node, Value **results)
{
    return build_conversion(node, creation_dtype(node, shape_type(node, "self")->dtype),
                            creation_arg(node, "device"), results);
}

static Error *expand_to_other(Node *node, Value **results)
{
    const TensorType *other = shape_type(node, "other");
    Arg               device = {.kind = ARG_DEVICE, .device = other->device};
    return build_conversion(node, other->dtype, &device, results);
}

/* The operators _cast_Float and so on. */
static Error *expand_cast(Node *node, Value **results)
{
    static const struct {
        const char *base;
        DType       dtype;
    } table[] = {{"_cast_Byte", DT_U8},   {"_cast_Char", DT_I8},   {"_cast_Short", DT_I16},
                 {"_cast_Int", DT_I32},   {"_cast_Long", DT_I64},  {"_cast_Half", DT_F16},
                 {"_cast_Float", DT_F32}, {"_cast_Double", DT_F64}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(node->schema->base, table[i].base))
            return build_conversion(node, table[i].dtype, NULL, results);
    return node_error(node, E_INTERNAL, "no dtype known");
}

static Error *expand_contiguous(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self");
    int64_t format = creation_memory_format(node, FORMAT_CONTIGUOUS);
    Arg     shape = {.kind = ARG_MEMORY_FORMAT, .integer = format};
    results[0] = x;
    if (format == FORMAT_PRESERVE)
        return node_error(node, E_VALUE, "contiguous() to preserve_format");
    if (format != FORMAT_CONTIGUOUS || !tensor_is_contiguous(b.graph->ir, &x->type))
        results[0] = BUILD(&b, "aten.clone.default", arg_value(x), shape);
    return b.error;
}

/* Every tensor expanded to the sizes of all; those that have them already pass through. */
static Error *expand_broadcast_tensors(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value     **v;
    const Expr *sizes[MAX_RANK], *joined[MAX_RANK];
    int         n, rank = 0;
    TRY(shape_tensors(node, "tensors", &v, &n));
    for (int i = 0; i < n; i++) {
        TRY(shape_broadcast(node, sizes, rank, v[i]->type.sizes, v[i]->type.rank, joined, &rank));
        memcpy(sizes, joined, sizeof *sizes * (size_t)rank);
    }
    for (int i = 0; i < n && i < node->n_results; i++) {
        bool same = v[i]->type.rank == rank;
        for (int d = 0; same && d < rank; d++)
            same = v[i]->type.sizes[d] == sizes[d];
        results[i] = same ? v[i] : build_expand_to(&b, v[i], sizes, rank);
    }
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define ALIAS(text, ...)                                                                           \
    {                                                                                              \
        .schema = text, .kind = OP_VIEW, .infer = infer_alias, .view = map_alias, __VA_ARGS__      \
    }
#define COPY(text, ...)                                                                            \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_NONE, .infer = infer_to_copy,     \
        .body = "self", __VA_ARGS__                                                                \
    }

const OpDesc conversion_ops[] = {
    /* the same storage */
    ALIAS("aten::alias(Tensor(a) self) -> Tensor(a)", .samples = SAME_SAMPLES),
    ALIAS("aten::detach(Tensor(a) self) -> Tensor(a)", .samples = SAME_SAMPLES),
    ALIAS("aten::lift_fresh(Tensor(a) self) -> Tensor(a)", .samples = SAME_SAMPLES),
    ALIAS("aten::positive(Tensor(a) self) -> Tensor(a)",
          .samples = "self=f32[2,3] | self=i64[0] | ! self=bool[4]"),

    /* copies and conversions */
    COPY("aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor",
         .samples =
             SAME_SAMPLES " | self=f32[2,3,4,5] memory_format=channels_last | self=f32[3,2]{1,3} "
                          "memory_format=contiguous | self=f32[3,2]{1,3} memory_format=preserve | "
                          "! self=f32[2,3] memory_format=channels_last"),
    COPY("aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
         "device=None, bool? "
         "pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor",
         .samples = "self=f32[2,3] dtype=f64 | self=f32[5]@-90..90 dtype=i8 | self=f32[3,2]{1,3} | "
                    "self=i64[4] dtype=bool | self=f64[5] dtype=bf16 | self=f32[7]@-90..90 "
                    "dtype=f8e4m3 | self=f32[7]@-90..90 dtype=f8e5m2 | self=bf16[5] dtype=f16 | "
                    "self=f32[4]@0..200 dtype=u8 | self=bool[4] dtype=f32 | self=i32[0] dtype=i16 "
                    "| self=f32[1,2,3,4] memory_format=channels_last"),
    COPY("aten::alias_copy(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    COPY("aten::detach_copy(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    COPY("aten::lift(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    COPY("aten::lift_fresh_copy(Tensor self) -> Tensor", .samples = "self=f32[2,3] | self=i64[0]"),
    EXPAND_FN(
        "aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool "
        "copy=False, "
        "MemoryFormat? memory_format=None) -> Tensor(a)",
        expand_to,
        .samples =
            "self=f32[2,3] dtype=f16 | self=f32[3] dtype=f32 | self=f32[3] dtype=f32 copy=true | "
            "self=i64[6]@special dtype=i32 | self=f64[3,2]{1,3} dtype=f32 | self=f32[16]@special "
            "dtype=bf16 | self=f32[16]@special dtype=f16 | self=f32[16]@special dtype=bool"),
    EXPAND_FN("aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool "
              "non_blocking=False, bool "
              "copy=False, MemoryFormat? memory_format=None) -> Tensor(a)",
              expand_to, .samples = "self=f32[2,3] device=cpu dtype=f64"),
    EXPAND_FN("aten::to.dtype_layout(Tensor(a) self, *, ScalarType? dtype=None, Layout? "
              "layout=None, Device? "
              "device=None, bool? pin_memory=None, bool non_blocking=False, bool copy=False, "
              "MemoryFormat? "
              "memory_format=None) -> Tensor(a)",
              expand_to,
              .samples =
                  "self=f32[2,3] dtype=i64 | self=i32[3] dtype=f32 layout=strided device=cpu"),
    EXPAND_FN(
        "aten::to.other(Tensor(a) self, Tensor other, bool non_blocking=False, bool copy=False, "
        "MemoryFormat? memory_format=None) -> Tensor(a)",
        expand_to_other, .samples = "self=f32[2,3] other=i64[] | self=i64[3] other=bf16[2]"),
    EXPAND("aten::to_dense(Tensor self, ScalarType? dtype=None, *, bool? masked_grad=None) -> "
           "Tensor",
           "return aten._to_copy.default(%self, %dtype)",
           .samples = "self=f32[2,3] | self=f32[3] dtype=f64"),
    EXPAND_FN("aten::type_as(Tensor self, Tensor other) -> Tensor", expand_to_other,
              .samples = "self=f32[2,3] other=i32[] | self=bool[3] other=f32[1]"),
    EXPAND_FN("aten::_cast_Byte(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Char(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Short(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Int(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Long(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5]@0..90 | self=i64[3]"),
    EXPAND_FN("aten::_cast_Half(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5] | self=i64[3]"),
    EXPAND_FN("aten::_cast_Float(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5] | self=i64[3]"),
    EXPAND_FN("aten::_cast_Double(Tensor self, bool non_blocking=False) -> Tensor", expand_cast,
              .samples = "self=f32[5] | self=i64[3]"),
    EXPAND_FN("aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)",
              expand_contiguous,
              .samples = "self=f32[3,2]{1,3} | self=f32[2,3] | self=f32[1,2,3,4] "
                         "memory_format=channels_last | self=f32[0,2]"),
    EXPAND_FN("aten::broadcast_tensors(Tensor[] tensors) -> Tensor[]", expand_broadcast_tensors,
              .samples =
                  "tensors=[f32[3,1],f32[4],f32[]] | tensors=[i64[2]] | ! tensors=[f32[3],f32[4]]"),
    {0},
};
