/* Which operator of PyTorch does the same as a writing one, to fresh memory.
 *
 *   aten.relu_.default      aten.relu.default
 *   aten.add.out            aten.add.Tensor
 *   aten.__iadd__.Tensor    aten.add.Tensor     (renamed[]: names that no rule finds) */
#include "passes/functionalize_views.h"

#include <string.h>

static const struct {
    const char *from, *to;
} renamed[] = {
    {"normal_.default", "normal_functional.default"},
    {"bernoulli_.float", "bernoulli.p"},
    {"__iadd__.Tensor", "add.Tensor"},
    {"__iadd__.Scalar", "add.Scalar"},
    {"__isub__.Tensor", "sub.Tensor"},
    {"__isub__.Scalar", "sub.Scalar"},
    {"__imul__.Tensor", "mul.Tensor"},
    {"__imul__.Scalar", "mul.Scalar"},
    {"__iand__.Tensor", "bitwise_and.Tensor"},
    {"__iand__.Scalar", "bitwise_and.Scalar"},
    {"__ior__.Tensor", "bitwise_or.Tensor"},
    {"__ior__.Scalar", "bitwise_or.Scalar"},
    {"__ixor__.Tensor", "bitwise_xor.Tensor"},
    {"__ixor__.Scalar", "bitwise_xor.Scalar"},
    {"__ilshift__.Tensor", "bitwise_left_shift.Tensor"},
    {"__ilshift__.Scalar", "bitwise_left_shift.Tensor_Scalar"},
    {"__irshift__.Tensor", "bitwise_right_shift.Tensor"},
    {"__irshift__.Scalar", "bitwise_right_shift.Tensor_Scalar"},
    {"_index_put_impl_.default", "index_put.default"},
    {"_native_batch_norm_legit.default", "_native_batch_norm_legit_functional.default"},
    {"rrelu_with_noise.default", "rrelu_with_noise_functional.default"},
    {"rrelu_with_noise_.default", "rrelu_with_noise_functional.default"},
    {"_batch_norm_with_update.default", "_batch_norm_with_update_functional.default"},
};

static bool is_out_param(const Param *param)
{
    return param->is_written && param->kwarg_only;
}

/* Every argument of the functional operator must come from one of the writing operator; what is
 * left over are outs and arguments that do not matter (`unsafe`). */
static bool params_fit(const OpSchema *from, const OpSchema *to)
{
    if (to->writes)
        return false;
    for (int i = 0; i < to->n_params; i++) {
        int j = schema_param(from, to->params[i].name);
        if (j < 0 || from->params[j].type != to->params[i].type)
            return false;
    }
    for (int j = 0; j < from->n_params; j++)
        if (!is_out_param(&from->params[j]) && !from->params[j].has_default &&
            schema_param(to, from->params[j].name) < 0)
            return false;
    return true;
}

static const OpSchema *find_fitting(Ir *ir, const OpSchema *from, const char *base)
{
    char  *prefix = arena_printf(ir->arena, "%s.%s.", from->ns, base);
    size_t n = strlen(prefix);
    for (int i = 0; i < schema_count(); i++) {
        if (strncmp(schema_name_at(i), prefix, n))
            continue;
        const OpSchema *to = schema_find(ir, schema_name_at(i));
        if (to && params_fit(from, to))
            return to;
    }
    return NULL;
}

/* "add_.Tensor" is add.Tensor; "add.out" is the overload of add that takes the same arguments
 * without out. */
const OpSchema *functional_schema(Ir *ir, const OpSchema *from)
{
    char *name = arena_printf(ir->arena, "%s.%s", from->base, from->overload);
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (!strcmp(name, renamed[i].from))
            return schema_find(ir, arena_printf(ir->arena, "aten.%s", renamed[i].to));
    size_t n = strlen(from->base);
    char  *base =
        arena_strndup(ir->arena, from->base, n > 1 && from->base[n - 1] == '_' ? n - 1 : n);
    const OpSchema *to =
        schema_find(ir, arena_printf(ir->arena, "%s.%s.%s", from->ns, base, from->overload));
    return to && params_fit(from, to) ? to : find_fitting(ir, from, base);
}
