/* Custom operators: one row for all of them, the schema is the user's.
 *
 * The types of the results are those that the export states, from the user's register_fake; sizes
 * may be symbolic. */
#include "ir/ops/ops_internal.h"

#include <string.h>

/* What a function of abi/aotc_op.h can be given. */
static const char *unfit(const Param *p)
{
    return p->type == PARAM_OTHER       ? "of an unknown type"
           : p->type == PARAM_GENERATOR ? "a generator"
           : p->is_list && (p->type == PARAM_DTYPE || p->type == PARAM_DEVICE)
               ? "a list of dtypes or devices"
               : NULL;
}

const char *custom_op_problem(Arena *arena, const OpSchema *s)
{
    for (int i = 0; i < s->n_params; i++)
        if (unfit(&s->params[i]))
            return arena_printf(arena, "%s: parameter %s is %s", s->name, s->params[i].name,
                                unfit(&s->params[i]));
    for (int i = 0; i < s->n_returns; i++) {
        if (s->returns[i].type != PARAM_TENSOR)
            return arena_printf(arena, "%s: result %d is no tensor; custom operators give tensors",
                                s->name, i);
        if (s->returns[i].alias && !s->writes)
            return arena_printf(arena, "%s: result %d is a view of an argument", s->name, i);
    }
    return NULL;
}

static Error *check_schema(const Node *node)
{
    const char *problem = custom_op_problem(node->graph->ir->arena, node->schema);
    return problem ? node_error(node, E_UNSUPPORTED, "%s", problem) : NULL;
}

/* Lists of tensors are flattened: how long one is, only the export says. */
static Error *check_count(const Node *node)
{
    const OpSchema *s = node->schema;
    bool            has_list = false;
    for (int i = 0; i < s->n_returns; i++)
        has_list |= s->returns[i].is_list;
    if (has_list ? node->n_results >= s->n_returns - 1 : node->n_results == s->n_returns)
        return NULL;
    return node_error(node, E_VALUE, "%s gives %d results in the export, its schema says %d: %s",
                      s->name, node->n_results, s->n_returns, s->text);
}

static Error *infer_custom(Node *node)
{
    TRY(check_schema(node));
    TRY(check_count(node));
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind == VALUE_TENSOR && node->results[i]->type.dtype == DT_NONE)
            return node_error(node, E_VALUE, "%s: the types of its results have to be given",
                              node->schema->name);
    return NULL;
}

const OpDesc custom_op = {.kind = OP_TEMPLATE,
                          .promote = PROMOTE_NONE,
                          .infer = infer_custom,
                          .template_kind = TEMPLATE_CUSTOM,
                          .is_opaque = true};
