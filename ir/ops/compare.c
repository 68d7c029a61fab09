/* Comparisons, truth, and choice by truth.
 *
 * In: a node.  Out: `body`, as in pointwise.c, or nodes before it:
 *
 *   aten.lt.Scalar(%a, 2)              lt(self, other)
 *   aten.where.self(%c, %a, %b)        select(condition, self, other) */
#include "ir/ops/pointwise_body.h"
#include "ir/ops/pointwise_check.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

/* |self - other| <= atol + |rtol * other|, and equal infinities; integers are compared in f64. */
static Scalar *body_isclose(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype)
{
    Scalar *wide[64] = {0};
    DType   compute = dtype_is_float(dtype) ? dtype : DT_F64;
    wide[0] = scalar_cast(cx->scalars, compute, in[0]);
    wide[1] = scalar_cast(cx->scalars, compute, in[1]);
    const char *nans = node_bool(node, "equal_nan") ? "and(isnan(self), isnan(other))" : "false";
    const char *text =
        arena_printf(cx->ir->arena,
                     "or(or(eq(self, other), %s), and(lt(abs(sub(self, other)), inf), "
                     "le(abs(sub(self, other)), add(%.17g, abs(mul(%.17g, other))))))",
                     nans, node_float(node, "atol"), node_float(node, "rtol"));
    return body_text(cx, node, wide, compute, text);
}

static Value *build_invert(Build *b, Value *v, bool invert)
{
    return b->error || !invert ? v : BUILD(b, "aten.logical_not.default", arg_value(v));
}

/* isin: compare with every test element, any of them. */
static Error *expand_isin(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *x = node_tensor(node, "elements"), *test = node_tensor(node, "test_elements");
    const Expr *n = tensor_numel(b.graph->ir, &test->type);
    Value *column = build_unsqueeze(&b, x, x->type.rank), *row = build_reshape(&b, test, &n, 1);
    if (b.error)
        return b.error;
    Value *equal = BUILD(&b, "aten.eq.Tensor", arg_value(column), arg_value(row));
    if (!b.error)
        equal = BUILD(&b, "aten.any.dim", arg_value(equal), arg_expr(expr_int(pool, -1)));
    results[0] = build_invert(&b, equal, node_bool(node, "invert"));
    return b.error;
}

static Error *expand_isin_number(Node *node, Value **results)
{
    Build b = build_at(node);
    results[0] = build_invert(&b, BUILD(&b, "aten.eq.Scalar", node->args[0], node->args[1]),
                              node_bool(node, "invert"));
    return b.error;
}

static Error *expand_number_isin(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *equal = BUILD(&b, "aten.eq.Scalar", node->args[1], node->args[0]);
    if (!b.error)
        equal = BUILD(&b, "aten.any.default", arg_value(equal));
    results[0] = build_invert(&b, equal, node_bool(node, "invert"));
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc compare_ops[] = {
    /* truth */
    BODY("aten::eq.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "eq(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::eq.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "eq(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::ne.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::ne.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::not_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::not_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ne(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::lt.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::lt.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::less.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::less.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "lt(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::le.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "le(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::le.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "le(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::less_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "le(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::less_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "le(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::gt.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::gt.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::greater.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::greater.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "gt(self, other)",
         .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::ge.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE, "ge(self, other)",
         .samples = COMPARE_SAMPLES),
    BODY("aten::ge.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE, "ge(self, other)",
         .samples = COMPARE_SCALAR_SAMPLES),
    BODY("aten::greater_equal.Tensor(Tensor self, Tensor other) -> Tensor", COMPARE,
         "ge(self, other)", .samples = "self=i64[9]@0..2 other=i64[9]@0..2"),
    BODY("aten::greater_equal.Scalar(Tensor self, Scalar other) -> Tensor", COMPARE,
         "ge(self, other)", .samples = "self=i64[9]@0..2 other=1"),
    BODY("aten::logical_and(Tensor self, Tensor other) -> Tensor", COMPARE,
         "and(ne(self, 0), ne(other, 0))",
         .samples = "self=bool[8] other=bool[8] | self=f32[16]@special other=f32[16]@[0,1] | "
                    "self=i64[2,1] other=f32[3]@[0,1] | self=f32[0] other=bool[]"),
    BODY("aten::logical_or(Tensor self, Tensor other) -> Tensor", COMPARE,
         "or(ne(self, 0), ne(other, 0))",
         .samples = "self=bool[8] other=bool[8] | self=f32[16]@special other=f32[16]@[0,1] | "
                    "self=i64[2,1] other=f32[3]@[0,1] | self=f32[0] other=bool[]"),
    BODY("aten::logical_xor(Tensor self, Tensor other) -> Tensor", COMPARE,
         "xor(ne(self, 0), ne(other, 0))",
         .samples = "self=bool[8] other=bool[8] | self=f32[16]@special other=f32[16]@[0,1] | "
                    "self=i64[2,1] other=f32[3]@[0,1] | self=f32[0] other=bool[]"),
    BODY("aten::logical_not(Tensor self) -> Tensor", COMPARE, "eq(self, 0)",
         .samples = "self=bool[8] | self=f32[16]@special | self=i64[5]@0..1 | self=f32[0]"),
    BODY("aten::isnan(Tensor self) -> Tensor", COMPARE, "isnan(self)",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isinf(Tensor self) -> Tensor", COMPARE, "isinf(self)",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isfinite(Tensor self) -> Tensor", COMPARE, "not(or(isnan(self), isinf(self)))",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isposinf(Tensor self) -> Tensor", COMPARE, "and(isinf(self), gt(self, 0))",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isneginf(Tensor self) -> Tensor", COMPARE, "and(isinf(self), lt(self, 0))",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY("aten::isreal(Tensor self) -> Tensor", COMPARE, "true",
         .samples = "self=f32[3] | self=i64[2,0]"),
    BODY("aten::signbit(Tensor self) -> Tensor", COMPARE, "signbit(self)",
         .samples = "self=f32[16]@special | self=f16[16]@special | self=bf16[16]@special | "
                    "self=f64[16]@special | self=i64[4] | self=bool[3] | self=f32[0]"),
    BODY_FN("aten::isclose(Tensor self, Tensor other, float rtol=1.0000000000000001e-05, float "
            "atol=1e-08, bool "
            "equal_nan=False) -> Tensor",
            COMPARE, infer_same_dtype, body_isclose,
            .samples = "self=f32[6]@0..1 other=f32[6]@0..1 rtol=0.5 | self=f32[16]@special "
                       "other=f32[16]@special | self=f32[16]@special other=f32[16]@special "
                       "equal_nan=true | self=i64[5]@0..2 other=i64[5]@0..2 | self=f64[3] "
                       "other=f64[] atol=2.0 | ! self=f32[2] other=f64[2]"),
    EXPAND_FN("aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_isin,
              .samples = "elements=i64[3,4] test_elements=i64[3] | elements=i64[7] "
                         "test_elements=i64[20] invert=true | elements=f32[4] test_elements=f32[0] "
                         "| elements=i64[5] test_elements=i64[2,2]"),
    EXPAND_FN("aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_isin_number,
              .samples = "elements=i64[9]@0..3 test_element=2 | elements=f32[3]@[1,2,3] "
                         "test_element=2 invert=true"),
    EXPAND_FN("aten::isin.Scalar_Tensor(Scalar element, Tensor test_elements, *, bool "
              "assume_unique=False, bool "
              "invert=False) -> Tensor",
              expand_number_isin,
              .samples =
                  "element=2 test_elements=i64[9]@0..3 | element=1.5 test_elements=f32[4]@[1.5,2]"),

    /* choice */
    BODY_INFER("aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_where, "select(condition, self, other)",
               .samples = "condition=bool[3,4] self=f32[3,4] other=f32[3,4] | condition=bool[4] "
                          "self=f32[3,1] other=f32[] | condition=bool[5] self=i64[5] other=f32[5] "
                          "| condition=u8[5]@0..1 self=bf16[5] other=bf16[5] | condition=bool[] "
                          "self=f32[0] other=f32[0] | condition=bool[6] self=f32[6]@special "
                          "other=f32[6] | ! condition=f32[3] self=f32[3] other=f32[3]"),
    BODY_INFER(
        "aten::where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor", DEFAULT,
        infer_where, "select(condition, self, other)",
        .samples =
            "condition=bool[3,4] self=1 other=f32[4] | condition=bool[4] self=2.5 other=i64[4]"),
    BODY_INFER(
        "aten::where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor", DEFAULT,
        infer_where, "select(condition, self, other)",
        .samples =
            "condition=bool[3,4] self=f32[4] other=1 | condition=bool[4] self=i64[4] other=0.5"),
    BODY_INFER("aten::where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor", DEFAULT,
               infer_where, "select(condition, self, other)",
               .samples =
                   "condition=bool[3,4] self=1 other=0 | condition=bool[4] self=1.5 other=2"),
    BODY_INFER("aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", FIRST,
               infer_masked_fill, "select(mask, value, self)",
               .samples = "self=f32[3,4] mask=bool[3,4] value=-inf | self=f32[2,3,4] "
                          "mask=bool[3,1] value=7 | self=i64[5] mask=bool[5] value=2 | "
                          "self=bf16[0] mask=bool[0] value=1 | self=f32[] mask=bool[3] value=1 | "
                          "self=i64[3] mask=bool[3] value=1.5 | ! self=f32[3] mask=i64[3] value=1"),
    BODY_INFER("aten::masked_fill.Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor", FIRST,
               infer_masked_fill, "select(mask, value, self)",
               .samples = "self=f32[3,4] mask=bool[3,4] value=f32[] | self=i64[5] mask=bool[5] "
                          "value=i64[] | ! self=f32[3] mask=bool[3] value=f32[3]"),
    BODY("aten::fill.Scalar(Tensor self, Scalar value) -> Tensor", FIRST, "value",
         .samples = "self=f32[3,4] value=2.5 | self=i64[4] value=7 | self=bool[3] value=1 | "
                    "self=bf16[0] value=1"),
    BODY_INFER(
        "aten::fill.Tensor(Tensor self, Tensor value) -> Tensor", FIRST, infer_fill, "value",
        .samples =
            "self=f32[3,4] value=f32[] | self=i64[4] value=f32[] | ! self=f32[3] value=f32[3]"),
    BODY("aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor", FIRST, "src",
         .samples = "self=f32[3,4] src=f32[4] | self=i64[4] src=f32[4] | self=f16[3] src=f32[3] | "
                    "self=bool[5] src=f32[5] | self=f32[0] src=f32[]"),
    EXPAND("aten::zero(Tensor self) -> Tensor", "return aten.zeros_like.default(%self)",
           .samples = "self=f32[3,4] | self=i64[0] | self=bf16[5]"),
    {0},
};
