/* Attention that match_attention has found, or the export says: Q, K, V and the mask become strided
 * operands of one KERNEL_ATTENTION. */
#include "passes/lower_template.h"
#include "ir/ops/shape_util.h"

#include <math.h>

static Operand attention_operand(Ir *ir, Value *v, const Operand *o)
{
    const Expr *strides[MAX_RANK];
    for (int d = 0; d < v->type.rank; d++)
        strides[d] = d < v->type.rank - 2 && expr_is_value(v->type.sizes[d], 1)
                         ? expr_int(ir->exprs, 0)
                         : o->strides[d];
    return operand_pick(ir, o, strides, v->type.rank);
}

static Error *attention_mask(Lower *lo, Node *node, Value *mask, const Attention *a, int rank,
                             Loop **out)
{
    ScalarPool *pool = scalar_pool_create(lo->ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_POINTWISE, rank, pool, node);
    const Expr *index[MAX_RANK], *own[MAX_RANK];
    for (int d = 0; d < rank; d++) {
        loop->sizes[d] = d < rank - 2 ? a->batch[d] : d == rank - 2 ? a->q_len : a->kv_len;
        loop->vars[d] = expr_symbol_index(lo->ir->exprs, "i", loop->sizes[d]);
        index[d] = loop->vars[d]->self;
    }
    int skip = rank - mask->type.rank;
    for (int d = 0; d < mask->type.rank; d++)
        own[d] =
            expr_is_value(mask->type.sizes[d], 1) ? expr_int(lo->ir->exprs, 0) : index[skip + d];
    Scalar *x = load_element(lower_cx(lo, pool, node), mask, own, NULL);
    if (lo->failed)
        return lo->failed;
    loop->value = x->dtype == DT_BOOL ? x : scalar_cast(pool, DT_F32, x);
    *out = loop;
    return NULL;
}

Error *lower_attention(Lower *lo, Node *node)
{
    Ir    *ir = lo->ir;
    Value *q = node_tensor(node, "query"), *kk = node_tensor(node, "key"),
          *v = node_tensor(node, "value");
    Value  *mask = node_tensor(node, "attn_mask"), *out = node->results[0];
    int     rank = q->type.rank;
    Kernel *k = new_kernel(lo, KERNEL_ATTENTION, node);
    Operand oq, ok, ov;
    if (rank < 3 || rank != kk->type.rank || rank != v->type.rank)
        return lower_refuse(node, "query, key and value need the same rank, at least 3");
    Attention a = {.n_batch = rank - 2,
                   .group = 1,
                   .dtype = q->type.dtype,
                   .causal = node_bool(node, "is_causal")};
    a.batch =
        arena_memdup(ir->arena, out->type.sizes, (size_t)(rank - 2) * sizeof *out->type.sizes);
    a.q_len = q->type.sizes[rank - 2];
    a.kv_len = kk->type.sizes[rank - 2];
    a.d = q->type.sizes[rank - 1];
    a.dv = v->type.sizes[rank - 1];
    int64_t d = 0, heads, kv_heads;
    Arg    *scale = node_arg(node, "scale");
    if (scale->kind == ARG_NONE) {
        if (!expr_is_int(a.d, &d))
            return lower_refuse(node, "a symbolic head size without a scale");
        a.scale = d ? 1 / sqrt((double)d) : 1;
    } else {
        a.scale = node_float(node, "scale");
    }
    if (q->type.sizes[rank - 3] != kk->type.sizes[rank - 3] &&
        !expr_is_value(kk->type.sizes[rank - 3], 1)) {
        if (!expr_is_int(q->type.sizes[rank - 3], &heads) ||
            !expr_is_int(kk->type.sizes[rank - 3], &kv_heads) || heads % kv_heads)
            return lower_refuse(node, "numbers of query and key heads that do not divide");
        a.group = heads / kv_heads;
    }
    TRY(operand_of(lo, q, &oq));
    TRY(operand_of(lo, kk, &ok));
    TRY(operand_of(lo, v, &ov));
    a.q = attention_operand(ir, q, &oq);
    a.k = attention_operand(ir, kk, &ok);
    a.v = attention_operand(ir, v, &ov);
    if (mask)
        TRY(attention_mask(lo, node, mask, &a, rank, &a.mask));
    /* Heads inside positions: the transpose and reshape that follow every attention are then views.
     */
    int order[MAX_RANK], n = 0;
    for (int b = 0; b < rank - 3; b++)
        order[n++] = b;
    order[n++] = rank - 2;
    order[n++] = rank - 3;
    order[n++] = rank - 1;
    k->result = raw_buffer(lo, out, accumulator_dtype(a.dtype), order);
    lowered(lo, out)->raw_is_value = lowered(lo, out)->raw->dtype == out->type.dtype;
    set_outer(lo, k, out->type.sizes, rank);
    k->attention = a;
    const Expr *per =
        expr_mul(ir->exprs, a.q_len, expr_mul(ir->exprs, a.kv_len, expr_add(ir->exprs, a.d, a.dv)));
    k->flops = expr_mul(ir->exprs, expr_int(ir->exprs, 2),
                        expr_mul(ir->exprs, per, expr_product(ir->exprs, a.batch, a.n_batch)));
    add_kernel(lo, k, node);
    return NULL;
}
