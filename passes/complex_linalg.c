/* Calls of functions on complex tensors: the row of the parts.
 *
 *   aotc.lu.default(%a: c64[3,3])   becomes   aotc.lu_complex.default(%re, %im)
 *
 *   aotc.eig.default(%a: f32[3,3])  becomes   aotc.eig_real.default(%a), whose results are complex
 *
 * Each complex argument stands as two there, and each complex result; all others as they are. */
#include "passes/complex.h"

static bool is_complex(const Value *value)
{
    return value->kind == VALUE_TENSOR && complex_part(value->type.dtype) != DT_NONE;
}

static Error *rule_call(Complexify *c, Pair *results)
{
    const Node *node = c->node;
    Arg         args[2 * MAX_CALL_TENSORS];
    int         n = 0, at = 0, n_plain = 0;
    for (int i = 0; i < node->n_args; i++) {
        const Arg *arg = &node->args[i];
        if (n + 2 > 2 * MAX_CALL_TENSORS)
            return node_error(node, E_INTERNAL, "too many arguments");
        if (arg->kind != ARG_VALUE || !is_complex(arg->value)) {
            args[n++] = *arg;
            n_plain++;
            continue;
        }
        Pair   a = complex_operand(c, arg);
        Value *im = cx_im(c, a);
        if (c->b.error)
            return c->b.error;
        args[n++] = arg_value(a.re);
        args[n++] = arg_value(im);
    }
    const char *op = arena_printf(c->graph->ir->arena, "aotc.%s_%s", node->schema->base,
                                  n_plain == node->n_args ? "real" : "complex");
    Node       *made = build_args_node(&c->b, op, args, n);
    for (int i = 0; made && i < node->n_results; i++) {
        results[i].re = made->results[at++];
        if (is_complex(node->results[i]))
            results[i].im = made->results[at++];
    }
    return c->b.error;
}

ComplexRule complex_call_rule(const Node *node)
{
    return node->op && node->op->call ? rule_call : NULL;
}
