/* _foreach_…: one operator over lists of tensors, as optimizers and averages of weights are
 * written.
 *
 *   %0 = aten._foreach_add.List([%a, %b], [%c, %d])      ->  aten.add.Tensor(%a, %c),
 * aten.add.Tensor(%b, %d)
 *
 * Every argument that is a list gives its i-th item, others stand for all; the loops are fused as
 * any others (ATen/native/ForeachOpsKernels.cpp, the slow path). */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <assert.h>
#include <string.h>

enum { MAX_PARAMS = 8 };

/* Operators of one element that are not called as the list's: "mul" of "mul.default". */
static const struct {
    const char *list, *element;
} elements[] = {
    {"_foreach_clamp_max.Scalar", "aten.clamp_max.default"},
    {"_foreach_clamp_min.Scalar", "aten.clamp_min.default"},
    {"_foreach_clamp_max.ScalarList", "aten.clamp_max.default"},
    {"_foreach_clamp_min.ScalarList", "aten.clamp_min.default"},
    {"_foreach_clamp_max.List", "aten.clamp_max.Tensor"},
    {"_foreach_clamp_min.List", "aten.clamp_min.Tensor"},
    {"_foreach_maximum.Scalar", "aten.clamp_min.default"},
    {"_foreach_maximum.ScalarList", "aten.clamp_min.default"},
    {"_foreach_minimum.Scalar", "aten.clamp_max.default"},
    {"_foreach_minimum.ScalarList", "aten.clamp_max.default"},
    {"_foreach_maximum.List", "aten.maximum.default"},
    {"_foreach_minimum.List", "aten.minimum.default"},
    {"_foreach_addcdiv.Scalar", "aten.addcdiv.default"},
    {"_foreach_addcdiv.ScalarList", "aten.addcdiv.default"},
    {"_foreach_addcmul.Scalar", "aten.addcmul.default"},
    {"_foreach_addcmul.ScalarList", "aten.addcmul.default"},
    {"_foreach_lerp.List", "aten.lerp.Tensor"},
    {"_foreach_lerp.Scalar", "aten.lerp.Scalar"},
    {"_foreach_lerp.ScalarList", "aten.lerp.Scalar"},
    {"_foreach_pow.List", "aten.pow.Tensor_Tensor"},
    {"_foreach_pow.Scalar", "aten.pow.Tensor_Scalar"},
    {"_foreach_pow.ScalarList", "aten.pow.Tensor_Scalar"},
    {"_foreach_pow.ScalarAndTensor", "aten.pow.Scalar"},
    {"_foreach_zero", "aten.zeros_like.default"},
    {"_foreach_add.List", "aten.add.Tensor"},
    {"_foreach_add.Scalar", "aten.add.Scalar"},
    {"_foreach_add.ScalarList", "aten.add.Scalar"},
    {"_foreach_add.Tensor", "aten.add.Tensor"},
    {"_foreach_sub.List", "aten.sub.Tensor"},
    {"_foreach_sub.Scalar", "aten.sub.Scalar"},
    {"_foreach_sub.ScalarList", "aten.sub.Scalar"},
    {"_foreach_mul.List", "aten.mul.Tensor"},
    {"_foreach_mul.Scalar", "aten.mul.Scalar"},
    {"_foreach_mul.ScalarList", "aten.mul.Scalar"},
    {"_foreach_mul.Tensor", "aten.mul.Tensor"},
    {"_foreach_div.List", "aten.div.Tensor"},
    {"_foreach_div.Scalar", "aten.div.Scalar"},
    {"_foreach_div.ScalarList", "aten.div.Scalar"},
    {"_foreach_div.Tensor", "aten.div.Tensor"},
};

static const char *element_of(const Node *node)
{
    const OpSchema *schema = node->schema;
    const char     *name = schema->name + strlen("aten.");
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (!strcmp(name, elements[i].list))
            return elements[i].element;
    return arena_printf(node->graph->ir->arena, "aten.%s.default",
                        schema->base + strlen("_foreach_"));
}

static Error *check_lists(const Node *node)
{
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_LIST && node->args[i].n_items != node->n_results)
            return node_error(node, E_VALUE, "lists of %d and %d items", node->n_results,
                              node->args[i].n_items);
    return NULL;
}

/* The arguments of item i; returns how many. */
static int item_args(const Node *node, int i, Arg out[MAX_PARAMS])
{
    assert(node->n_args <= MAX_PARAMS);
    for (int a = 0; a < node->n_args; a++)
        out[a] = node->args[a].kind == ARG_LIST ? node->args[a].items[i] : node->args[a];
    return node->n_args;
}

static Error *expand_foreach(Node *node, Value **results)
{
    Build b = build_at(node);
    Arg   args[MAX_PARAMS];
    TRY(check_lists(node));
    for (int i = 0; i < node->n_results; i++) {
        int n = item_args(node, i, args);
        results[i] = build_args(&b, element_of(node), args, n);
    }
    return b.error;
}

/* norm and powsum: over all of a tensor. */
static Error *expand_foreach_norm(Node *node, Value **results)
{
    Build       b = build_at(node);
    const char *op = !strcmp(node->schema->base, "_foreach_norm")
                         ? "aten.linalg_vector_norm.default"
                         : "aten.linalg__powsum.default";
    for (int i = 0; i < node->n_results; i++)
        results[i] = BUILD(&b, op, node->args[0].items[i], *node_arg(node, "ord"), arg_none(),
                           arg_bool(b.graph, false), *node_arg(node, "dtype"));
    return b.error;
}

/* addcmul and addcdiv with the factors in a tensor. */
static Error *expand_foreach_factors(Node *node, Value **results)
{
    Build       b = build_at(node);
    const char *op =
        !strcmp(node->schema->base, "_foreach_addcmul") ? "aten.mul.Tensor" : "aten.div.Tensor";
    Arg args[MAX_PARAMS];
    for (int i = 0; i < node->n_results; i++) {
        item_args(node, i, args);
        Value *factor = build_select(&b, node_tensor(node, "scalars"), 0, i);
        Value *scaled = BUILD(&b, "aten.mul.Tensor", args[1], arg_value(factor));
        Value *term = BUILD(&b, op, arg_value(scaled), args[2]);
        results[i] = BUILD(&b, "aten.add.Tensor", args[0], arg_value(term));
    }
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc foreach_ops[] = {
    EXPAND_FN("aten::_foreach_abs(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_acos(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@-0.9..0.9,f32[4]@-0.9..0.9]"),
    EXPAND_FN(
        "aten::_foreach_add.List(Tensor[] self, Tensor[] other, *, Scalar alpha=1) -> Tensor[]",
        expand_foreach, .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3],f32[4]] alpha=1.5"),
    EXPAND_FN("aten::_foreach_add.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_add.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN(
        "aten::_foreach_add.Tensor(Tensor[] self, Tensor other, *, Scalar alpha=1) -> Tensor[]",
        expand_foreach, .samples = "self=[f32[2,3],f32[4]] other=f32[]@[1.5] alpha=1.5"),
    EXPAND_FN("aten::_foreach_addcdiv.Scalar(Tensor[] self, Tensor[] tensor1, Tensor[] tensor2, "
              "Scalar value=1) -> Tensor[]",
              expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] tensor1=[f32[2,3],f32[4]] "
                         "tensor2=[f32[2,3]@0.5..3,f32[4]@0.5..3] value=1.5"),
    EXPAND_FN("aten::_foreach_addcdiv.ScalarList(Tensor[] self, Tensor[] tensor1, Tensor[] "
              "tensor2, Scalar[] scalars) -> Tensor[]",
              expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] tensor1=[f32[2,3],f32[4]] "
                         "tensor2=[f32[2,3]@0.5..3,f32[4]@0.5..3] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_addcdiv.Tensor(Tensor[] self, Tensor[] tensor1, Tensor[] tensor2, "
              "Tensor scalars) -> Tensor[]",
              expand_foreach_factors,
              .samples = "self=[f32[2,3],f32[4]] tensor1=[f32[2,3],f32[4]] "
                         "tensor2=[f32[2,3]@0.5..3,f32[4]@0.5..3] scalars=f32[2]@[0.5,-2]"),
    EXPAND_FN(
        "aten::_foreach_addcmul.Scalar(Tensor[] self, Tensor[] tensor1, Tensor[] tensor2, Scalar "
        "value=1) -> Tensor[]",
        expand_foreach,
        .samples =
            "self=[f32[2,3],f32[4]] tensor1=[f32[2,3],f32[4]] tensor2=[f32[2,3],f32[4]] value=1.5"),
    EXPAND_FN("aten::_foreach_addcmul.ScalarList(Tensor[] self, Tensor[] tensor1, Tensor[] "
              "tensor2, Scalar[] scalars) -> Tensor[]",
              expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] tensor1=[f32[2,3],f32[4]] "
                         "tensor2=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_addcmul.Tensor(Tensor[] self, Tensor[] tensor1, Tensor[] tensor2, "
              "Tensor scalars) -> Tensor[]",
              expand_foreach_factors,
              .samples = "self=[f32[2,3],f32[4]] tensor1=[f32[2,3],f32[4]] "
                         "tensor2=[f32[2,3],f32[4]] scalars=f32[2]@[0.5,-2]"),
    EXPAND_FN("aten::_foreach_asin(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@-0.9..0.9,f32[4]@-0.9..0.9]"),
    EXPAND_FN("aten::_foreach_atan(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_ceil(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_clamp_max.List(Tensor[] self, Tensor[] other) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_clamp_max.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_clamp_max.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_clamp_min.List(Tensor[] self, Tensor[] other) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_clamp_min.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_clamp_min.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN(
        "aten::_foreach_clone(Tensor[] self, *, MemoryFormat? memory_format=None) -> Tensor[]",
        expand_foreach, .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_copy(Tensor[] self, Tensor[] src, bool non_blocking=False) -> "
              "Tensor[] self_out",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] src=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_cos(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_cosh(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_div.List(Tensor[] self, Tensor[] other) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_div.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_div.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_div.Tensor(Tensor[] self, Tensor other) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] other=f32[]@[1.5]"),
    EXPAND_FN("aten::_foreach_erf(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_erfc(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_exp(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_expm1(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_floor(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_frac(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN(
        "aten::_foreach_lerp.List(Tensor[] self, Tensor[] tensors1, Tensor[] weights) -> Tensor[]",
        expand_foreach,
        .samples = "self=[f32[2,3],f32[4]] tensors1=[f32[2,3],f32[4]] weights=[f32[2,3],f32[4]]"),
    EXPAND_FN(
        "aten::_foreach_lerp.Scalar(Tensor[] self, Tensor[] tensors1, Scalar weight) -> Tensor[]",
        expand_foreach, .samples = "self=[f32[2,3],f32[4]] tensors1=[f32[2,3],f32[4]] weight=1.5"),
    EXPAND_FN("aten::_foreach_lerp.ScalarList(Tensor[] self, Tensor[] tensors1, Scalar[] weight) "
              "-> Tensor[]",
              expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] tensors1=[f32[2,3],f32[4]] weight=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_lgamma(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_log(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_log10(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_log1p(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_log2(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_max(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_maximum.List(Tensor[] self, Tensor[] other) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_maximum.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_maximum.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_minimum.List(Tensor[] self, Tensor[] other) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_minimum.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_minimum.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_mm(Tensor[] self, Tensor[] mat2) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4,5]] mat2=[f32[3,2],f32[5,1]]"),
    EXPAND_FN("aten::_foreach_mul.List(Tensor[] self, Tensor[] other) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_mul.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_mul.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_mul.Tensor(Tensor[] self, Tensor other) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] other=f32[]@[1.5]"),
    EXPAND_FN("aten::_foreach_neg(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_norm.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) -> "
              "Tensor[]",
              expand_foreach_norm,
              .samples = "self=[f32[2,3],f32[4]] | self=[f32[2,3],f32[4]] ord=1 | self=[bf16[5]] "
                         "ord=3 dtype=f32"),
    EXPAND_FN(
        "aten::_foreach_pow.List(Tensor[] self, Tensor[] exponent) -> Tensor[]", expand_foreach,
        .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3] exponent=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_pow.Scalar(Tensor[] self, Scalar exponent) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3] exponent=1.5"),
    EXPAND_FN("aten::_foreach_pow.ScalarAndTensor(Scalar self, Tensor[] exponent) -> Tensor[]",
              expand_foreach, .samples = "self=2.5 exponent=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_pow.ScalarList(Tensor[] self, Scalar[] exponent) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3] exponent=[0.5,2]"),
    EXPAND_FN("aten::_foreach_powsum.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) "
              "-> Tensor[]",
              expand_foreach_norm,
              .samples = "self=[f32[2,3],f32[4]] | self=[f32[2,3],f32[4]] ord=1 | self=[bf16[5]] "
                         "ord=3 dtype=f32"),
    EXPAND_FN("aten::_foreach_reciprocal(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_round(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_rsqrt(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN("aten::_foreach_sigmoid(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_sign(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_sin(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_sinh(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_sqrt(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3]@0.5..3,f32[4]@0.5..3]"),
    EXPAND_FN(
        "aten::_foreach_sub.List(Tensor[] self, Tensor[] other, *, Scalar alpha=1) -> Tensor[]",
        expand_foreach, .samples = "self=[f32[2,3],f32[4]] other=[f32[2,3],f32[4]] alpha=1.5"),
    EXPAND_FN("aten::_foreach_sub.Scalar(Tensor[] self, Scalar scalar) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]] scalar=1.5"),
    EXPAND_FN("aten::_foreach_sub.ScalarList(Tensor[] self, Scalar[] scalars) -> Tensor[]",
              expand_foreach, .samples = "self=[f32[2,3],f32[4]] scalars=[0.5,-1.5]"),
    EXPAND_FN("aten::_foreach_tan(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_tanh(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_trunc(Tensor[] self) -> Tensor[]", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    EXPAND_FN("aten::_foreach_zero(Tensor[] self) -> Tensor[] self_out", expand_foreach,
              .samples = "self=[f32[2,3],f32[4]]"),
    {0},
};
