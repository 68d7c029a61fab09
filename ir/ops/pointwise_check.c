/* See pointwise_check.h.  In: a node.  Out: its type, or an E_VALUE error where eager PyTorch
 * raises one, too. */
#include "ir/ops/pointwise_check.h"

#include "ir/ops/ops_internal.h"
#include "ir/ops/shape_util.h"

static DType result_dtype(Node *node)
{
    return node_result_type(node, 0)->dtype;
}

static Error *no_kernel(Node *node)
{
    return node_error(node, E_VALUE, "%s of %s", node->schema->base,
                      dtype_name(result_dtype(node)));
}

static const Value *tensor_arg(const Node *node, int i)
{
    const Arg *arg = &node->args[i];
    return arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR ? arg->value : NULL;
}

Error *infer_bits(Node *node)
{
    TRY(infer_pointwise(node));
    return dtype_is_float(result_dtype(node)) ? no_kernel(node) : NULL;
}

Error *infer_alpha(Node *node)
{
    TRY(infer_pointwise(node));
    DType dtype = result_dtype(node);
    if (node_arg(node, "alpha")->kind == ARG_FLOAT && (dtype_is_int(dtype) || dtype == DT_BOOL))
        return node_error(node, E_VALUE, "alpha is a fraction and the result %s",
                          dtype_name(dtype));
    return NULL;
}

Error *infer_minus(Node *node)
{
    TRY(schema_param(node->schema, "alpha") < 0 ? infer_pointwise(node) : infer_alpha(node));
    if (result_dtype(node) == DT_BOOL)
        return node_error(node, E_VALUE, "%s of bool tensors; use bitwise_xor or logical_not",
                          node->schema->base);
    return NULL;
}

static void swap_operands(Node *node)
{
    Arg first = node->args[0];
    node->args[0] = node->args[1];
    node->args[1] = first;
}

Error *infer_rsub(Node *node)
{
    if (!tensor_arg(node, 0) || !tensor_arg(node, 1))
        return infer_minus(node);
    swap_operands(node);
    Error *error = infer_minus(node);
    swap_operands(node);
    return error;
}

Error *infer_no_bool(Node *node)
{
    TRY(infer_pointwise(node));
    return result_dtype(node) == DT_BOOL ? no_kernel(node) : NULL;
}

Error *infer_floating(Node *node)
{
    TRY(infer_pointwise(node));
    DType dtype = result_dtype(node);
    return dtype_is_int(dtype) || dtype == DT_BOOL ? no_kernel(node) : NULL;
}

Error *infer_floating_row_major(Node *node)
{
    TRY(infer_floating(node));
    return infer_like_first(node);
}

Error *infer_celu(Node *node)
{
    if (node_float(node, "alpha") == 0)
        return node_error(node, E_VALUE, "alpha is 0");
    return infer_floating(node);
}

Error *infer_softshrink(Node *node)
{
    if (!(node_float(node, "lambd") >= 0))
        return node_error(node, E_VALUE, "lambd is %g, below 0", node_float(node, "lambd"));
    return infer_floating(node);
}

Error *infer_same_dtype(Node *node)
{
    TRY(infer_pointwise(node));
    const Value *first = tensor_arg(node, 0);
    for (int i = 1; first && i < node->n_args; i++) {
        const Value *other = tensor_arg(node, i);
        if (other && other->type.dtype != first->type.dtype)
            return node_error(node, E_VALUE, "%s is %s, %s is %s", node->schema->params[0].name,
                              dtype_name(first->type.dtype), node->schema->params[i].name,
                              dtype_name(other->type.dtype));
    }
    return NULL;
}

Error *infer_lerp(Node *node)
{
    TRY(infer_same_dtype(node));
    return infer_floating(node);
}

Error *infer_clamp(Node *node)
{
    if (node_arg(node, "min")->kind == ARG_NONE && node_arg(node, "max")->kind == ARG_NONE)
        return node_error(node, E_VALUE, "%s: both min and max are None", node->schema->base);
    return infer_pointwise(node);
}

Error *infer_where(Node *node)
{
    DType dtype = shape_type(node, "condition")->dtype;
    if (dtype != DT_BOOL && dtype != DT_U8)
        return node_error(node, E_VALUE, "condition is %s, not bool", dtype_name(dtype));
    return infer_pointwise(node);
}

Error *infer_fill(Node *node)
{
    const Arg *value = node_arg(node, "value");
    if (value->kind == ARG_VALUE && value->value->kind == VALUE_TENSOR &&
        value->value->type.rank != 0)
        return node_error(node, E_VALUE, "value has %d dims, not 0", value->value->type.rank);
    return infer_pointwise(node);
}

Error *infer_masked_fill(Node *node)
{
    const TensorType *mask = shape_type(node, "mask");
    if (mask->dtype != DT_BOOL)
        return node_error(node, E_VALUE, "mask is %s, not bool", dtype_name(mask->dtype));
    return infer_fill(node);
}
