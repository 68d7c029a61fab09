/* Higher-order operators: their arguments are subgraphs and what these capture.
 *
 * In and out: the importer gives their results types; lowering turns cond and while_loop into
 * steps, the wrappers are inlined by passes/decompose.c.  No schema describes their arguments, so
 * the rows are found by name alone. */
#include "ir/ops.h"

#define HIGHER_ORDER(name, ...)                                                                    \
    {                                                                                              \
        .schema = "higher_order::" name "(...) -> (...)", .kind = OP_HIGHER_ORDER, __VA_ARGS__     \
    }

const OpDesc higher_order_ops[] = {
    HIGHER_ORDER("cond"),
    HIGHER_ORDER("while_loop"),
    HIGHER_ORDER("while_loop_stack_output"),
    HIGHER_ORDER("scan"),
    HIGHER_ORDER("associative_scan"),
    HIGHER_ORDER("map_impl"),
    HIGHER_ORDER("wrap_with_set_grad_enabled"),
    HIGHER_ORDER("wrap_with_autocast"),
    HIGHER_ORDER("invoke_subgraph"),
    HIGHER_ORDER("invoke_quant"),
    HIGHER_ORDER("invoke_quant_packed"),
    HIGHER_ORDER("tag_activation_checkpoint"),
    {0},
};
