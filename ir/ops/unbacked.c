/* Sizes and numbers that only the run knows: nonzero, item.
 *
 * In: a node.  Out: types with a symbol u0 that the kernel sets. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

static Symbol *new_unbacked(Node *node, const char *prefix, ExprType type)
{
    Ir *ir = node->graph->ir;
    for (;; ir->next_id++) {
        const char *name = arena_printf(ir->arena, "%s%d", prefix, ir->next_id);
        if (!expr_symbol_find(ir->exprs, name))
            return expr_symbol_named(ir->exprs, name, SYM_UNBACKED, type);
    }
}

/* The importer's symbol stays: its range is in the export. */
static Error *infer_nonzero(Node *node)
{
    const TensorType *t = shape_first_type(node), *known = node_result_type(node, 0);
    const Expr       *rows;
    if (known->rank == 2 && known->sizes && expr_contains_kind(known->sizes[0], SYM_UNBACKED)) {
        rows = known->sizes[0];
    } else {
        Symbol *symbol = new_unbacked(node, "u", EXPR_TYPE_INT);
        symbol->min = 0;
        rows = symbol->self;
    }
    shape_result(node, 0, DT_I64, (const Expr *[]){rows, shape_int(node, t->rank)}, 2);
    return NULL;
}

static Error *infer_item(Node *node)
{
    const TensorType *t = shape_first_type(node);
    Value            *result = node->results[0];
    int64_t           n;
    if (expr_is_int(expr_product(shape_pool(node), t->sizes, t->rank), &n) && n != 1)
        return node_error(node, E_VALUE, "takes a tensor of one element, not %lld", (long long)n);
    if (dtype_info(t->dtype)->is_complex)
        return node_error(node, E_UNSUPPORTED, "complex numbers are not supported");
    if (result->kind == VALUE_SCALAR && result->symbol)
        return NULL;
    ExprType type = t->dtype == DT_BOOL        ? EXPR_TYPE_BOOL
                    : dtype_is_float(t->dtype) ? EXPR_TYPE_FLOAT
                                               : EXPR_TYPE_INT;
    result->kind = VALUE_SCALAR;
    result->symbol = new_unbacked(node, type == EXPR_TYPE_FLOAT ? "zuf" : "u", type);
    return NULL;
}

const OpDesc unbacked_ops[] = {
    TEMPLATE("aten::nonzero(Tensor self) -> Tensor", TEMPLATE_NONZERO, infer_nonzero,
             .samples = "self=i64[3,4]@0..1 | self=f32[5]@[0,1] | self=bool[0] | self=f32[] | "
                        "self=bool[4]@[0]"),
    TEMPLATE("aten::item(Tensor self) -> Scalar", TEMPLATE_ITEM, infer_item,
             .samples = "self=f32[] | self=i64[1] | self=bool[1] | self=bf16[] | ! self=f32[2]"),
    TEMPLATE("aten::_local_scalar_dense(Tensor self) -> Scalar", TEMPLATE_ITEM, infer_item,
             .samples = "self=f32[] | self=i64[1]"),
    {0},
};
