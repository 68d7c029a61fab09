/* Operators that are called for what they check: assertions on tensors and sizes.
 *
 * In: a node without results.  Out: nothing to type; lowering turns them into checks of a run, or
 * drops what the types already say.  The functional forms pass a token from one to the next and
 * become the plain ones. */
#include "ir/ops/shape_util.h"

#include <string.h>

/* _functional_assert_async(self, message, token) and the like: the plain form, and the token goes
 * on. */
static Error *expand_functional(Node *node, Value **results)
{
    Build       b = build_at(node);
    const char *base = node->schema->base, *op = NULL;
    int         n = node->n_args - 1; /* without the token */
    Arg         args[4];
    if (!strcmp(base, "_functional_assert_async"))
        op = "aten._assert_async.msg";
    else if (!strcmp(base, "_functional_assert_scalar"))
        op = "aten._assert_scalar.default";
    else if (!strcmp(base, "_functional_sym_constrain_range"))
        op = "aten.sym_constrain_range.default";
    else
        op = "aten.sym_constrain_range_for_size.default";
    if (n > 4)
        return node_error(node, E_INTERNAL, "%d arguments", n);
    memcpy(args, node->args, sizeof *args * (size_t)n);
    build_args_node(&b, op, args, n);
    results[0] = node_tensor(node, "dep_token");
    return b.error;
}

static Error *infer_functional(Node *node)
{
    *node_result_type(node, 0) = *shape_type(node, "dep_token");
    return NULL;
}

/* What was exported was checked: it has to hold for the types that passes compute, too. */
static Error *infer_metadata(Node *node)
{
    const TensorType *a = shape_type(node, "a");
    const Arg        *dtype = node_arg(node, "dtype");
    if (dtype->kind == ARG_DTYPE && dtype->dtype != a->dtype)
        return node_error(node, E_VALUE, "asserts %s of a tensor of %s", dtype_name(dtype->dtype),
                          dtype_name(a->dtype));
    return NULL;
}

#define EFFECT(text, ...)                                                                          \
    {                                                                                              \
        .schema = text, .kind = OP_EFFECT, __VA_ARGS__                                             \
    }
#define FUNCTIONAL(text, ...)                                                                      \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .infer = infer_functional,                           \
        .expand_fn = expand_functional, __VA_ARGS__                                                \
    }

const OpDesc effect_ops[] = {
    EFFECT("aten::_assert_async(Tensor self) -> ()",
           .samples = "self=bool[]@[1] | self=f32[1]@[2] | ! self=bool[]@[0] | ! self=f32[2]"),
    EFFECT("aten::_assert_async.msg(Tensor self, str assert_msg) -> ()",
           .samples =
               "self=bool[]@[1] assert_msg='holds' | ! self=bool[]@[0] assert_msg='does not hold'"),
    EFFECT("aten::_assert_scalar(Scalar self, str assert_msg) -> ()",
           .samples = "self=1 assert_msg='holds' | ! self=0 assert_msg='does not hold'"),
    EFFECT("aten::sym_constrain_range(Scalar size, *, int? min=None, int? max=None) -> ()",
           .samples = "size=3 min=1 max=5 | ! size=7 min=1 max=5"),
    EFFECT("aten::sym_constrain_range_for_size(Scalar size, *, int? min=None, int? max=None) -> ()",
           .samples = "size=3 min=1 max=5"),
    EFFECT("aten::_print(str s) -> ()", .samples = "s='text'"),
    FUNCTIONAL("aten::_functional_assert_async.msg(Tensor self, str assert_msg, Tensor dep_token) "
               "-> Tensor",
               .samples = "self=bool[]@[1] assert_msg='holds' dep_token=f32[]"),
    FUNCTIONAL(
        "aten::_functional_assert_scalar(Scalar self, str assert_msg, Tensor dep_token) -> Tensor",
        .samples = "self=1 assert_msg='holds' dep_token=f32[]"),
    FUNCTIONAL("aten::_functional_sym_constrain_range(Scalar size, int? min, int? max, Tensor "
               "dep_token) -> Tensor",
               .samples = "size=3 min=1 max=5 dep_token=f32[]"),
    FUNCTIONAL("aten::_functional_sym_constrain_range_for_size(Scalar size, int? min, int? max, "
               "Tensor dep_token) "
               "-> Tensor",
               .samples = "size=3 min=None max=None dep_token=f32[]"),
    {.schema = "aten::_assert_tensor_metadata(Tensor a, SymInt[]? size=None, SymInt[]? "
               "stride=None, ScalarType? "
               "dtype=None, *, Device? device=None, Layout? layout=None) -> ()",
     .kind = OP_EFFECT,
     .infer = infer_metadata,
     .samples =
         "a=f32[2,3] dtype=f32 | a=f32[2,3] size=[2,3] stride=[3,1] | ! a=f32[2,3] dtype=f64"},
    {.schema = "aten::_make_dep_token(*, ScalarType? dtype=None, Layout? layout=None, Device? "
               "device=None, bool? "
               "pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     .kind = OP_COMPOSITE,
     .expand = "return aten.zeros.default([])",
     .samples = "~ ()"},
    {0},
};
