/* Tensors of one number, made from nothing (full, zeros) or like another (full_like, new_zeros).
 *
 * In: a node.  Out: `element`, the value at an index, so that they never need memory:
 *
 *   aten.full.default([2, 3], 7)      out[i,j] = 7 */
#include "ir/ops/creation.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

const Arg *creation_arg(const Node *node, const char *name)
{
    int at = schema_param(node->schema, name);
    return at < 0 || node->args[at].kind == ARG_NONE ? NULL : &node->args[at];
}

DType creation_dtype(const Node *node, DType otherwise)
{
    const Arg *arg = creation_arg(node, "dtype");
    return arg && arg->kind == ARG_DTYPE ? arg->dtype : otherwise;
}

void creation_set_type(Node *node, TensorType type)
{
    const Value *first = shape_first_tensor(node);
    const Arg   *device = creation_arg(node, "device");
    if (first)
        type.device = first->type.device;
    if (device && device->kind == ARG_DEVICE)
        type.device = device->device;
    *node_result_type(node, 0) = type;
}

DType creation_element_dtype(const Node *node)
{
    return dtype_compute(node->results[0]->type.dtype);
}

static Scalar *number_scalar(LowerCx *cx, const Node *node, const Arg *arg)
{
    DType dtype = creation_element_dtype(node);
    if (arg->kind == ARG_FLOAT && !arg->expr)
        return scalar_float(cx->scalars, dtype, arg->number);
    const Expr *e = arg->kind == ARG_FLOAT ? arg->expr : arg_as_expr(arg);
    int64_t     value;
    if (!e)
        return NULL;
    if (expr_is_int(e, &value))
        return scalar_int(cx->scalars, dtype, value);
    if (e->kind == EXPR_BOOL)
        return scalar_int(cx->scalars, dtype, e->value);
    DType own = e->type == EXPR_TYPE_BOOL ? DT_BOOL : e->type == EXPR_TYPE_FLOAT ? DT_F64 : DT_I64;
    return scalar_cast(cx->scalars, dtype, scalar_index(cx->scalars, own, e));
}

static Scalar *element_number(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result, (void)index;
    int at = schema_param(node->schema, "fill_value");
    return number_scalar(cx, node, &node->args[at >= 0 ? at : schema_param(node->schema, "s")]);
}

static Scalar *element_zero(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result, (void)index;
    return scalar_int(cx->scalars, creation_element_dtype(node), 0);
}

static Scalar *element_one(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result, (void)index;
    return scalar_int(cx->scalars, creation_element_dtype(node), 1);
}

DType creation_dtype_of_number(const Arg *arg)
{
    if (arg->kind == ARG_BOOL)
        return DT_BOOL;
    if (arg->kind == ARG_COMPLEX)
        return DT_C64;
    const Expr *e = arg->kind == ARG_FLOAT ? NULL : arg_as_expr(arg);
    return !e || e->type == EXPR_TYPE_FLOAT ? DT_F32 : e->type == EXPR_TYPE_BOOL ? DT_BOOL : DT_I64;
}

static Error *infer_sized(Node *node, DType dtype)
{
    const Expr *sizes[MAX_RANK];
    int         rank;
    TRY(creation_check_layout(node));
    TRY(shape_exprs(node, "size", sizes, &rank));
    for (int d = 0; d < rank; d++)
        if (expr_range(sizes[d]).max < 0)
            return node_error(node, E_VALUE, "size %d is negative", d);
    return creation_set_format(node, dtype, sizes, rank,
                               creation_memory_format(node, FORMAT_CONTIGUOUS));
}

static Error *infer_full(Node *node)
{
    return infer_sized(
        node, creation_dtype(node, creation_dtype_of_number(node_arg(node, "fill_value"))));
}

static Error *infer_zeros(Node *node)
{
    return infer_sized(node, creation_dtype(node, DT_F32));
}

static Error *infer_new(Node *node)
{
    return infer_sized(node, creation_dtype(node, shape_type(node, "self")->dtype));
}

static Error *infer_scalar_tensor(Node *node)
{
    const Expr *no_size = NULL;
    creation_set_type(node,
                      tensor_type(node->graph->ir, creation_dtype(node, DT_F32), &no_size, 0));
    return NULL;
}

/* Given strides (empty_strided), or an order of dims, outermost first (empty_permuted). */
static Error *infer_empty_strided(Node *node)
{
    const Expr  *sizes[MAX_RANK], *strides[MAX_RANK];
    int          rank, n;
    const Value *self = shape_first_tensor(node);
    DType        dtype = creation_dtype(node, self ? self->type.dtype : DT_F32);
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_exprs(node, "stride", strides, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and %d strides", rank, n);
    creation_set_type(node, tensor_type_strided(node->graph->ir, dtype, sizes, strides, rank));
    return NULL;
}

static Error *infer_empty_permuted(Node *node)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *sizes[MAX_RANK], *strides[MAX_RANK], *stride = expr_int(pool, 1);
    int         rank, n, order[MAX_RANK];
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_dims(node, "physical_layout", rank, order, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and an order of %d", rank, n);
    for (int i = rank - 1; i >= 0; i--) {
        strides[order[i]] = stride;
        stride = expr_mul(pool, stride, sizes[order[i]]);
    }
    creation_set_type(node, tensor_type_strided(node->graph->ir, creation_dtype(node, DT_F32),
                                                sizes, strides, rank));
    return NULL;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc creation_ops[] = {
    INDEXED("aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_full, element_number,
            .samples = "size=[2,3] fill_value=1.5 | size=[2] fill_value=3 | size=[] "
                       "fill_value=true | size=[0,2] fill_value=1 | size=[3] fill_value=2 "
                       "dtype=bf16 | size=[3] fill_value=2.5 dtype=i32 | size=[2] fill_value=-inf"),
    INDEXED("aten::new_full(Tensor self, SymInt[] size, Scalar fill_value, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_number,
            .samples = "self=f32[1] size=[2,3] fill_value=1.5 | self=i64[1] size=[2] "
                       "fill_value=2.5 | self=f32[1] size=[2] fill_value=1 dtype=bool"),
    INDEXED(
        "aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? "
        "layout=None, "
        "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
        creation_infer_like, element_number,
        .samples = "self=f32[2,3] fill_value=1.5 | self=i64[2] fill_value=7 dtype=f32 | "
                   "self=f32[3,2]{1,3} fill_value=2"),
    INDEXED("aten::scalar_tensor(Scalar s, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None) -> Tensor",
            infer_scalar_tensor, element_number,
            .samples = "s=1.5 | s=3 | s=true | s=2 dtype=f64 | s=nan"),
    INDEXED("aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_zeros, element_zero,
            .samples = "size=[2,3] | size=[] | size=[0,4] | size=[3] dtype=i64 | size=[2] "
                       "dtype=bool | size=[5] dtype=bf16 | ! size=[-1]"),
    INDEXED("aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            infer_zeros, element_zero,
            .samples = "~ size=[2,3] | ~ size=[2,3] dtype=i64 | ~ size=[] | ~ size=[1,2,3,4] "
                       "memory_format=channels_last"),
    INDEXED("aten::_efficientzerotensor(SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_zeros, element_zero, .samples = "size=[2,3] | size=[3] dtype=f64"),
    INDEXED("aten::new_zeros(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_zero,
            .samples =
                "self=f32[1] size=[2,3] | self=i64[1] size=[2] | self=f32[1] size=[0] dtype=bool"),
    INDEXED("aten::new_empty(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_zero,
            .samples = "~ self=f32[1] size=[2,3] | ~ self=f32[1] size=[2] dtype=i64"),
    INDEXED("aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            creation_infer_like, element_zero,
            .samples = "self=f32[2,3] | self=i64[0] | self=f32[3,2]{1,3} | self=f32[2] dtype=bool "
                       "| self=f32[1,2,3,4] memory_format=channels_last | self=bf16[]"),
    INDEXED("aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            creation_infer_like, element_zero,
            .samples = "~ self=f32[2,3] | ~ self=f32[3,2]{1,3} | ~ self=f32[2] dtype=i64"),
    INDEXED("aten::empty_strided(SymInt[] size, SymInt[] stride, *, ScalarType? dtype=None, "
            "Layout? layout=None, "
            "Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_empty_strided, element_zero,
            .samples = "~ size=[2,3] stride=[1,2] | ~ size=[2] stride=[1] dtype=i64"),
    INDEXED("aten::new_empty_strided(Tensor self, SymInt[] size, SymInt[] stride, *, ScalarType? "
            "dtype=None, "
            "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_empty_strided, element_zero, .samples = "~ self=f32[1] size=[2,3] stride=[3,1]"),
    INDEXED("aten::empty_permuted(SymInt[] size, int[] physical_layout, *, ScalarType? dtype=None, "
            "Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_empty_permuted, element_zero,
            .samples = "~ size=[2,3,4] physical_layout=[0,2,1]"),
    INDEXED("aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_zeros, element_one,
            .samples = "size=[2,3] | size=[] | size=[0,4] | size=[3] dtype=i64 | size=[2] "
                       "dtype=bool | size=[5] dtype=bf16 | ! size=[-1]"),
    INDEXED("aten::new_ones(Tensor self, SymInt[] size, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_new, element_one,
            .samples =
                "self=f32[1] size=[2,3] | self=i64[1] size=[2] | self=f32[1] size=[0] dtype=bool"),
    INDEXED("aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, "
            "bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
            creation_infer_like, element_one,
            .samples = "self=f32[2,3] | self=i64[0] | self=f32[3,2]{1,3} | self=f32[2] dtype=bool "
                       "| self=f32[1,2,3,4] memory_format=channels_last | self=bf16[]"),
    {0},
};
