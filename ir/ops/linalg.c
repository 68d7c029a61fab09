/* Linear algebra of ATen: Cholesky, LU, QR and what is said with them, in calls of linalg_calls.c.
 *
 *   aten.linalg_cholesky_ex.default(%a, upper=true)   becomes   %l, %info = aotc.cholesky(%a^H);
 *                                                               %l^H, %info
 *
 * Expansions are the same for real and for complex tensors: passes/complexify.c comes after. */
#include "ir/ops/linalg.h"

#include <string.h>

/* ---- helpers --------------------------------------------------------------------------------- */

bool la_is_complex(const Value *value)
{
    return dtype_info(value->type.dtype)->is_complex;
}

Value *la_columns(Build *b, Value *value)
{
    if (b->error)
        return NULL;
    TensorType *t = &value->type;
    ExprPool   *p = b->graph->ir->exprs;
    const Expr *strides[MAX_RANK], *step = NULL;
    int         m = t->rank - 2;
    const Expr *rows = expr_max(p, t->sizes[m], expr_int(p, 1));
    const Expr *cols = expr_max(p, t->sizes[m + 1], expr_int(p, 1));
    strides[m] = expr_int(p, 1);
    strides[m + 1] = rows;
    step = expr_mul(p, rows, cols);
    for (int d = m - 1; d >= 0; d--) {
        strides[d] = step;
        step = expr_mul(p, step, expr_max(p, t->sizes[d], expr_int(p, 1)));
    }
    *t = tensor_type_strided(b->graph->ir, t->dtype, t->sizes, strides, t->rank);
    return value;
}

Value *la_transpose(Build *b, Value *value)
{
    return b->error ? NULL : build_transpose(b, value, value->type.rank - 2, value->type.rank - 1);
}

Value *la_adjoint(Build *b, Value *value)
{
    Value *t = la_transpose(b, value);
    return b->error || !la_is_complex(t) ? t : BUILD(b, "aten.conj_physical.default", arg_value(t));
}

void la_broadcast_batch(Build *b, const Node *node, Value **x, Value **y)
{
    const Expr *batch[MAX_RANK];
    int         n;
    if (b->error)
        return;
    const TensorType *s = &(*x)->type, *t = &(*y)->type;
    b->error = shape_broadcast(node, s->sizes, s->rank - 2, t->sizes, t->rank - 2, batch, &n);
    for (int i = 0; i < 2 && !b->error; i++) {
        Value     **v = i ? y : x;
        const Expr *sizes[MAX_RANK];
        memcpy(sizes, batch, sizeof *sizes * (size_t)n);
        memcpy(sizes + n, (*v)->type.sizes + (*v)->type.rank - 2, sizeof *sizes * 2);
        *v = build_expand_to(b, *v, sizes, n + 2);
    }
}

/* ---- Cholesky -------------------------------------------------------------------------------- */

static Error *expand_cholesky_ex(Node *node, Value **results)
{
    Build  b = build_at(node);
    bool   upper = node_bool(node, "upper");
    Value *a = node_tensor(node, "self");
    Node  *made = BUILD_NODE(&b, "aotc.cholesky", arg_value(upper ? la_adjoint(&b, a) : a));
    if (b.error)
        return b.error;
    results[0] = upper ? la_adjoint(&b, made->results[0]) : made->results[0];
    results[0] = la_columns(&b, results[0]);
    results[1] = made->results[1];
    return b.error;
}

#define COMPOSITE(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }

const OpDesc linalg_ops[] = {
    COMPOSITE("aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) "
              "-> (Tensor L, Tensor info)",
              expand_cholesky_ex,
              .samples = "self=f32[3,3]@definite | self=f64[2,4,4]@definite upper=true | "
                         "self=f32[0,0] | ! self=f32[2,3] | ! self=i64[2,2]"),
    {0},
};
