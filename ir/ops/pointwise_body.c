/* Element computations of pointwise rows that a function chooses.
 *
 * In: a text of the scalar vocabulary and a node.  Out: the scalar, with numbers of the node in
 * place. */
#include "ir/ops/pointwise_body.h"

typedef struct BodyNames {
    LowerCx       *cx;
    const Node    *node;
    Scalar *const *in;
    DType          dtype;
} BodyNames;

static Scalar *number_of(const BodyNames *names, const Arg *arg)
{
    ScalarPool *pool = names->cx->scalars;
    if (arg->kind == ARG_FLOAT && !arg->expr)
        return scalar_float(pool, names->dtype, arg->number);
    const Expr *e = arg->kind == ARG_FLOAT ? arg->expr : arg_as_expr(arg);
    if (!e)
        return NULL;
    int64_t value;
    if (expr_is_int(e, &value))
        return scalar_int(pool, names->dtype, value);
    DType own = e->type == EXPR_TYPE_BOOL ? DT_BOOL : e->type == EXPR_TYPE_FLOAT ? DT_F64 : DT_I64;
    return scalar_cast(pool, names->dtype, scalar_index(pool, own, e));
}

static Scalar *body_name(void *user, const char *name)
{
    const BodyNames *names = user;
    int              i = schema_param(names->node->schema, name);
    if (i < 0)
        return NULL;
    return names->in[i] ? names->in[i] : number_of(names, &names->node->args[i]);
}
Scalar *body_text(LowerCx *cx, const Node *node, Scalar *const *in, DType dtype, const char *text)
{
    BodyNames names = {cx, node, in, dtype};
    Scalar   *out = NULL;
    return scalar_parse(cx->scalars, text, dtype, body_name, &names, &out) ? NULL : out;
}
