/* Scaled dot product attention: one template row, and the fused variants of eager PyTorch as
 * composites on it.
 *
 *   out[b…, q, e] = softmax(scale * Q K^T + mask) V       query [b…, L, E], key [b…, S, E], value
 * [b…, S, Ev]
 *
 * In: a node.  Out: its type, or nodes that replace a variant; the log-sum-exp that some variants
 * give as well is written out, and is dead code where nobody asks for it. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

static Error *check_attention(const Node *node, const TensorType *q, const TensorType *k,
                              const TensorType *v)
{
    if (q->rank < 2 || k->rank < 2 || v->rank < 2)
        return node_error(node, E_VALUE, "query, key and value need rank 2 or more");
    if (q->dtype != k->dtype || q->dtype != v->dtype)
        return node_error(node, E_VALUE, "query, key and value of different dtypes");
    int64_t a, b;
    if (expr_is_int(q->sizes[q->rank - 1], &a) && expr_is_int(k->sizes[k->rank - 1], &b) && a != b)
        return node_error(node, E_VALUE, "query of width %lld, key of width %lld", (long long)a,
                          (long long)b);
    return NULL;
}

static Error *check_mask(const Node *node, const TensorType *q, const TensorType *k)
{
    const Value *mask = node_tensor(node, "attn_mask");
    const Expr  *both[MAX_RANK], *score[2] = {q->sizes[q->rank - 2], k->sizes[k->rank - 2]};
    int          n;
    if (!mask)
        return NULL;
    if (node_bool(node, "is_causal"))
        return node_error(node, E_VALUE, "attn_mask and is_causal exclude each other");
    if (mask->type.dtype != DT_BOOL && !dtype_is_float(mask->type.dtype))
        return node_error(node, E_VALUE, "attn_mask of dtype %s", dtype_name(mask->type.dtype));
    int last = mask->type.rank < 2 ? mask->type.rank : 2;
    return shape_broadcast(node, mask->type.sizes + mask->type.rank - last, last, score, 2, both,
                           &n);
}

/* Batch dims broadcast; with enable_gqa the heads (the last batch dim) are the query's. */
static Error *attention_sizes(Node *node, const Expr **sizes, int *rank)
{
    const TensorType *q = shape_type(node, "query"), *k = shape_type(node, "key"),
                     *v = shape_type(node, "value");
    const Expr *part[MAX_RANK];
    bool gqa = schema_param(node->schema, "enable_gqa") >= 0 && node_bool(node, "enable_gqa");
    int  heads = gqa ? 1 : 0, n;
    TRY(check_attention(node, q, k, v));
    if (gqa && (q->rank < 3 || k->rank < 3 || v->rank < 3))
        return node_error(node, E_VALUE, "enable_gqa needs rank 3 or more");
    TRY(shape_broadcast(node, q->sizes, q->rank - 2 - heads, k->sizes, k->rank - 2 - heads, part,
                        &n));
    TRY(shape_broadcast(node, part, n, v->sizes, v->rank - 2 - heads, sizes, rank));
    if (gqa)
        sizes[(*rank)++] = q->sizes[q->rank - 3];
    sizes[(*rank)++] = q->sizes[q->rank - 2];
    sizes[(*rank)++] = v->sizes[v->rank - 1];
    return NULL;
}

static Error *infer_attention(Node *node)
{
    const Expr *sizes[MAX_RANK];
    int         rank;
    TRY(attention_sizes(node, sizes, &rank));
    TRY(check_mask(node, shape_type(node, "query"), shape_type(node, "key")));
    shape_result(node, 0, shape_type(node, "query")->dtype, sizes, rank);
    return NULL;
}

/* Scores after scale and masks; used for log-sum-exp alone. */
static Value *scores(Build *b, Node *node, Value *q, Value *k, Value *mask)
{
    bool    causal = node_bool(node, "is_causal");
    Value  *kt = build_transpose(b, k, k->type.rank - 2, k->type.rank - 1);
    Value  *s = BUILD(b, "aten.matmul.default", arg_value(q), arg_value(kt));
    Arg     scale = *node_arg(node, "scale");
    int64_t width;
    if (b->error)
        return NULL;
    if (scale.kind == ARG_NONE && expr_is_int(q->type.sizes[q->type.rank - 1], &width))
        scale = arg_float(1 / sqrt((double)width));
    if (scale.kind == ARG_NONE) {
        b->error = node_error(node, E_UNSUPPORTED, "a query of symbolic width needs a scale");
        return NULL;
    }
    s = build_cast(b, s, DT_F32);
    s = BUILD(b, "aten.mul.Scalar", arg_value(s), scale);
    if (causal && !b->error) {
        const Expr *lk[2] = {q->type.sizes[q->type.rank - 2], k->type.sizes[k->type.rank - 2]};
        Value *ones = BUILD(b, "aten.ones.default", arg_exprs(b->graph, lk, 2), arg_dtype(DT_BOOL));
        Value *keep = BUILD(b, "aten.tril.default", arg_value(ones));
        return BUILD(b, "aten.where.ScalarOther", arg_value(keep), arg_value(s),
                     arg_float(-INFINITY));
    }
    if (mask && !b->error && mask->type.dtype == DT_BOOL)
        return BUILD(b, "aten.where.ScalarOther", arg_value(mask), arg_value(s),
                     arg_float(-INFINITY));
    return mask ? BUILD(b, "aten.add.Tensor", arg_value(s), arg_value(mask)) : s;
}

/* ---- with dropout ---------------------------------------------------------------------------- */

static bool drops(const Node *node)
{
    return node_float(node, "dropout_p") != 0;
}

/* Heads of key and value, each for a group of the query's. */
static Value *repeat_heads(Build *b, Value *q, Value *x)
{
    int heads = q->type.rank - 3;
    if (b->error || q->type.sizes[heads] == x->type.sizes[x->type.rank - 3])
        return x;
    const Expr *group = shape_quotient(b->graph->ir->exprs, &q->type.sizes[heads], 1,
                                       &x->type.sizes[x->type.rank - 3], 1);
    return BUILD(b, "aten.repeat_interleave.self_int", arg_value(x), arg_expr(group),
                 arg_int(b->graph, -3));
}

/* softmax(scores), some of its elements dropped, times value: no template. */
static Error *expand_dropping(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *q = node_tensor(node, "query"), *k = node_tensor(node, "key"),
          *v = node_tensor(node, "value");
    const char *name = schema_param(node->schema, "attn_bias") >= 0 ? "attn_bias" : "attn_mask";
    Value      *mask = schema_param(node->schema, name) >= 0 ? node_tensor(node, name) : NULL;
    TRY(check_attention(node, &q->type, &k->type, &v->type));
    if (schema_param(node->schema, "enable_gqa") >= 0 && node_bool(node, "enable_gqa")) {
        k = repeat_heads(&b, q, k);
        v = repeat_heads(&b, q, v);
    }
    Value *s = b.error ? NULL : scores(&b, node, q, k, mask);
    Value *w = BUILD(&b, "aten._safe_softmax.default", arg_value(s), arg_int(b.graph, -1));
    w = BUILD(&b, "aten.dropout.default", arg_value(w), *node_arg(node, "dropout_p"),
              arg_bool(b.graph, true));
    w = b.error ? NULL : build_cast(&b, w, q->type.dtype);
    results[0] = BUILD(&b, "aten.matmul.default", arg_value(w), arg_value(v));
    if (node->n_results > 1) {
        int64_t last = -1;
        results[1] = BUILD(&b, "aten.logsumexp.default", arg_value(s), arg_ints(b.graph, &last, 1));
    }
    for (int i = 2; i < node->n_results; i++)
        results[i] = NULL;
    return b.error;
}

/* ---- of different ranks ---------------------------------------------------------------------- */

/* The kernels take operands of one rank, and at least one batch dim. */
static bool needs_dims(const Node *node)
{
    int q = shape_type(node, "query")->rank, k = shape_type(node, "key")->rank,
        v = shape_type(node, "value")->rank;
    return q != k || q != v || q < 3;
}

static Value *with_rank(Build *b, Value *x, int rank)
{
    while (!b->error && x->type.rank < rank)
        x = build_unsqueeze(b, x, 0);
    return x;
}

static Error *expand_more_dims(Node *node, Value **results)
{
    static const char *const names[] = {"query", "key", "value"};
    Build                    b = build_at(node);
    const Expr              *sizes[MAX_RANK];
    int                      rank = 3, wanted;
    Arg                      args[16];
    TRY(attention_sizes(node, sizes, &wanted));
    for (int i = 0; i < node->n_args; i++)
        args[i] = node->args[i];
    for (int i = 0; i < 3; i++)
        rank = shape_type(node, names[i])->rank > rank ? shape_type(node, names[i])->rank : rank;
    for (int i = 0; i < 3; i++) {
        Value *x = with_rank(&b, node_tensor(node, names[i]), rank);
        args[i] = x ? arg_value(x) : arg_none();
    }
    Value *out =
        b.error ? NULL
                : build_args(&b, "aten.scaled_dot_product_attention.default", args, node->n_args);
    results[0] = out && wanted < rank ? build_squeeze(&b, out, 0) : out;
    return b.error;
}

static bool expands_attention(const Node *node)
{
    return drops(node) || needs_dims(node);
}

static Error *expand_attention(Node *node, Value **results)
{
    return drops(node) ? expand_dropping(node, results) : expand_more_dims(node, results);
}

/* ---- variants ----------------------------------------------------------------------------------
 */

/* All fused variants: result 0 is the attention, result 1 its log-sum-exp; what else there is stays
 * NULL (random state and sequence tables have no use without dropout). */
static Error *expand_fused(Node *node, Value **results)
{
    if (drops(node))
        return expand_dropping(node, results);
    Build       b = build_at(node);
    Graph      *g = node->graph;
    const char *name = schema_param(node->schema, "attn_mask") >= 0   ? "attn_mask"
                       : schema_param(node->schema, "attn_bias") >= 0 ? "attn_bias"
                                                                      : NULL;
    Value      *q = node_tensor(node, "query"), *k = node_tensor(node, "key"),
          *v = node_tensor(node, "value");
    Value  *mask = name ? node_tensor(node, name) : NULL;
    int64_t last = -1;
    TRY(check_attention(node, &q->type, &k->type, &v->type));
    results[0] = BUILD(&b, "aten.scaled_dot_product_attention.default", arg_value(q), arg_value(k),
                       arg_value(v), mask ? arg_value(mask) : arg_none(), arg_float(0),
                       *node_arg(node, "is_causal"), *node_arg(node, "scale"));
    if (node->n_results > 1) {
        Value *s = scores(&b, node, q, k, mask);
        results[1] = BUILD(&b, "aten.logsumexp.default", arg_value(s), arg_ints(g, &last, 1));
    }
    for (int i = 2; i < node->n_results; i++)
        results[i] = NULL;
    return b.error;
}

/* _scaled_dot_product_attention_math: result 1 holds the weights. */
static Error *expand_math(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *q = node_tensor(node, "query"), *k = node_tensor(node, "key"),
          *v = node_tensor(node, "value");
    TRY(check_attention(node, &q->type, &k->type, &v->type));
    if (node_tensor(node, "dropout_mask") || drops(node))
        return node_error(node, E_UNSUPPORTED, "weights after dropout are not supported");
    results[0] = BUILD(&b, "aten.scaled_dot_product_attention.default", arg_value(q), arg_value(k),
                       arg_value(v), *node_arg(node, "attn_mask"), arg_float(0),
                       *node_arg(node, "is_causal"), *node_arg(node, "scale"),
                       *node_arg(node, "enable_gqa"));
    if (node_bool(node, "enable_gqa"))
        return b.error;
    Value *s = scores(&b, node, q, k, node_tensor(node, "attn_mask"));
    Value *w = BUILD(&b, "aten._softmax.default", arg_value(s), arg_int(b.graph, -1),
                     arg_bool(b.graph, false));
    results[1] = b.error ? NULL : build_cast(&b, w, q->type.dtype);
    return b.error;
}

/* aten._native_multi_head_attention (eval mode): packed projections around the attention. */
static Error *expand_native_mha(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *q = node_tensor(node, "query"), *parts[3];
    int64_t     embed, heads;
    const Expr *minus = shape_int(node, -1);
    TRY(shape_const_int(node, "embed_dim", &embed));
    TRY(shape_const_int(node, "num_head", &heads));
    TRY(shape_check_rank(node, "query", 3, 3));
    if (node_tensor(node, "mask") || node_bool(node, "need_weights"))
        return node_error(node, E_UNSUPPORTED, "masks and returned weights are not supported");
    if (heads < 1 || embed % heads)
        return node_error(node, E_VALUE, "%lld features in %lld heads", (long long)embed,
                          (long long)heads);
    const char *inputs[3] = {"query", "key", "value"};
    for (int i = 0; i < 3 && !b.error; i++) {
        const Expr *from = expr_int(pool, i * embed), *to = expr_int(pool, (i + 1) * embed);
        Value      *w = build_slice(&b, node_tensor(node, "qkv_weight"), 0, from, to);
        Value      *bias = build_slice(&b, node_tensor(node, "qkv_bias"), 0, from, to);
        Value      *x = BUILD(&b, "aten.linear.default", *node_arg(node, inputs[i]), arg_value(w),
                              arg_value(bias));
        if (b.error)
            return b.error;
        const Expr *split[4] = {x->type.sizes[0], x->type.sizes[1], expr_int(pool, heads),
                                expr_int(pool, embed / heads)};
        parts[i] = build_transpose(&b, build_reshape(&b, x, split, 4), 1, 2);
    }
    Value      *z = BUILD(&b, "aten.scaled_dot_product_attention.default", arg_value(parts[0]),
                          arg_value(parts[1]), arg_value(parts[2]));
    const Expr *joined[3] = {q->type.sizes[0], q->type.sizes[1], minus};
    z = build_reshape(&b, build_transpose(&b, z, 1, 2), joined, 3);
    results[0] = BUILD(&b, "aten.linear.default", arg_value(z), *node_arg(node, "proj_weight"),
                       *node_arg(node, "proj_bias"));
    return b.error;
}

/* ---- pieces of attention --------------------------------------------------------------------- */
/* What the mask names counts nothing.  mask_type 1: a mask of [batch, keys]. */
static Error *expand_masked_softmax(Node *node, Value **results)
{
    Build      b = build_at(node);
    Value     *x = node_tensor(node, "self"), *mask = node_tensor(node, "mask");
    const Arg *type = node_arg(node, "mask_type"), *dim = node_arg(node, "dim");
    if (type->kind != ARG_NONE && node_int(node, "mask_type") == 1)
        for (int i = 0; i < x->type.rank - 2; i++)
            mask = b.error ? NULL : build_unsqueeze(&b, mask, 1);
    if (b.error)
        return b.error;
    Value *seen =
        BUILD(&b, "aten.masked_fill.Scalar", arg_value(x), arg_value(mask), arg_float(-INFINITY));
    results[0] = BUILD(&b, "aten.softmax.int", arg_value(seen),
                       dim->kind == ARG_NONE ? arg_int(b.graph, -1) : *dim);
    return b.error;
}

/* [batch, length, 3 * width] to Q, K, V of [batch, heads, length, width / heads], Q scaled. */
static Error *expand_transform_qkv(Node *node, Value **results)
{
    Build       b = build_at(node);
    ExprPool   *pool = shape_pool(node);
    Value      *qkv = node_tensor(node, "qkv");
    const Expr *heads = arg_as_expr(node_arg(node, "num_heads"));
    int64_t     width, n;
    if (qkv->type.rank != 3 || !expr_is_int(qkv->type.sizes[2], &width) ||
        !expr_is_int(heads, &n) || n < 1 || width % (3 * n))
        return node_error(node, E_VALUE, "qkv of these sizes");
    const Expr      *sizes[5] = {qkv->type.sizes[0], qkv->type.sizes[1], expr_int(pool, 3), heads,
                                 expr_int(pool, width / 3 / n)};
    static const int dims[] = {2, 0, 3, 1, 4};
    Value           *x = build_binary(&b, "aten.add.Tensor", qkv, node_tensor(node, "qkv_bias"));
    x = b.error ? NULL : build_permute(&b, build_reshape(&b, x, sizes, 5), dims, 5);
    for (int i = 0; i < 3; i++) {
        Value *part = b.error ? NULL : build_select(&b, x, 0, i);
        if (i == 0)
            part = build_with_float(&b, "aten.mul.Scalar", part,
                                    1 / sqrt((double)width / 3 / (double)n));
        results[i] = build_unary(&b, "aten.contiguous.default", part);
    }
    return b.error;
}

const OpDesc attention_ops[] = {
    EXPAND_FN(
        "aten::_masked_softmax(Tensor self, Tensor mask, int? dim=None, int? mask_type=None) -> "
        "Tensor",
        expand_masked_softmax,
        .samples = "self=f32[2,3,4,5] mask=bool[2,3,4,5] | self=f32[2,3,5,5] mask=bool[5,5] dim=3 "
                   "mask_type=0 | self=f32[2,3,5,5] mask=bool[2,5] mask_type=1"),
    EXPAND_FN("aten::_transform_bias_rescale_qkv(Tensor qkv, Tensor qkv_bias, int num_heads) -> "
              "(Tensor, Tensor, Tensor)",
              expand_transform_qkv, .samples = "qkv=f32[2,3,24] qkv_bias=f32[24] num_heads=2"),
    {.schema = "aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? "
               "attn_mask=None, "
               "float dropout_p=0., bool is_causal=False, *, float? scale=None, bool "
               "enable_gqa=False) -> Tensor",
     .kind = OP_TEMPLATE,
     .template_kind = TEMPLATE_ATTENTION,
     .infer = infer_attention,
     .expands = expands_attention,
     .expand_fn = expand_attention,
     .samples =
         "query=f32[1,2,5,8] key=f32[1,2,7,8] value=f32[1,2,7,8] | query=f32[1,2,5,8] "
         "key=f32[1,2,5,8] value=f32[1,2,5,8] is_causal=true | query=f32[2,3,4,4] key=f32[2,3,6,4] "
         "value=f32[2,3,6,4] attn_mask=f32[4,6] scale=0.3 | query=f32[1,2,3,4] key=f32[1,2,3,4] "
         "value=f32[1,2,3,4] attn_mask=bool[3,3]@[1,0,1,1] | query=f32[1,4,3,8] key=f32[1,2,5,8] "
         "value=f32[1,2,5,8] enable_gqa=true | query=bf16[1,1,4,8] key=bf16[1,1,4,8] "
         "value=bf16[1,1,4,8] | query=f32[3,4] key=f32[5,4] value=f32[5,4] | "
         "query=f32[4,3,8] key=f32[2,4,6,8] value=f32[2,4,6,8] is_causal=true | ! "
         "query=f32[1,2,5,8] "
         "key=f32[1,2,7,6] value=f32[1,2,7,8]"},

    EXPAND_FN("aten::_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor "
              "value, float "
              "dropout_p=0., bool is_causal=False, *, Tensor? attn_mask=None, float? scale=None) "
              "-> (Tensor output, "
              "Tensor logsumexp)",
              expand_fused,
              .samples = "^ query=f32[1,2,5,8] key=f32[1,2,7,8] value=f32[1,2,7,8] | ^ "
                         "query=f32[1,2,5,8] key=f32[1,2,5,8] value=f32[1,2,5,8] is_causal=true"),
    EXPAND_FN("aten::_scaled_dot_product_flash_attention(Tensor query, Tensor key, Tensor value, "
              "float dropout_p=0., "
              "bool is_causal=False, bool return_debug_mask=False, *, float? scale=None) -> "
              "(Tensor output, Tensor "
              "logsumexp, Tensor cum_seq_q, Tensor cum_seq_k, SymInt max_q, SymInt max_k, Tensor "
              "rng_state, Tensor "
              "unused, Tensor debug_attn_mask)",
              expand_fused, .samples = "^ query=f32[1,2,5,8] key=f32[1,2,7,8] value=f32[1,2,7,8]"),
    EXPAND_FN("aten::_scaled_dot_product_efficient_attention(Tensor query, Tensor key, Tensor "
              "value, Tensor? "
              "attn_bias, bool compute_log_sumexp, float dropout_p=0., bool is_causal=False, *, "
              "float? scale=None) -> "
              "(Tensor output, Tensor log_sumexp, Tensor philox_seed, Tensor philox_offset)",
              expand_fused,
              .samples = "^ query=f32[1,2,5,8] key=f32[1,2,7,8] value=f32[1,2,7,8] "
                         "attn_bias=f32[1,2,5,7] compute_log_sumexp=false"),
    EXPAND_FN(
        "aten::_scaled_dot_product_cudnn_attention(Tensor query, Tensor key, Tensor value, Tensor? "
        "attn_bias, "
        "bool compute_log_sumexp, float dropout_p=0., bool is_causal=False, bool "
        "return_debug_mask=False, *, "
        "float? scale=None) -> (Tensor output, Tensor logsumexp, Tensor cum_seq_q, Tensor "
        "cum_seq_k, SymInt "
        "max_q, SymInt max_k, Tensor philox_seed, Tensor philox_offset, Tensor debug_attn_mask)",
        expand_fused,
        .samples = "^ query=f32[1,2,5,8] key=f32[1,2,7,8] value=f32[1,2,7,8] attn_bias=None "
                   "compute_log_sumexp=false"),
    EXPAND_FN("aten::_scaled_dot_product_fused_attention_overrideable(Tensor query, Tensor key, "
              "Tensor value, Tensor? "
              "attn_bias=None, float dropout_p=0., bool is_causal=False, bool "
              "return_debug_mask=False, *, float? "
              "scale=None) -> (Tensor output, Tensor logsumexp, Tensor cum_seq_q, Tensor "
              "cum_seq_k, SymInt max_q, "
              "SymInt max_k, Tensor philox_seed, Tensor philox_offset, Tensor debug_attn_mask)",
              expand_fused, .samples = "^ query=f32[1,2,5,8] key=f32[1,2,7,8] value=f32[1,2,7,8]"),
    EXPAND_FN(
        "aten::_scaled_dot_product_attention_math(Tensor query, Tensor key, Tensor value, Tensor? "
        "attn_mask=None, float dropout_p=0., bool is_causal=False, Tensor? dropout_mask=None, *, "
        "float? "
        "scale=None, bool enable_gqa=False) -> (Tensor, Tensor)",
        expand_math, .samples = "query=f32[1,2,5,8] key=f32[1,2,7,8] value=f32[1,2,7,8]"),
    EXPAND_FN("aten::_native_multi_head_attention(Tensor query, Tensor key, Tensor value, int "
              "embed_dim, int "
              "num_head, Tensor qkv_weight, Tensor qkv_bias, Tensor proj_weight, Tensor proj_bias, "
              "Tensor? mask=None, "
              "bool need_weights=True, bool average_attn_weights=True, int? mask_type=None) -> "
              "(Tensor, Tensor)",
              expand_native_mha,
              .samples = "query=f32[2,3,8] key=f32[2,3,8] value=f32[2,3,8] embed_dim=8 num_head=2 "
                         "qkv_weight=f32[24,8] qkv_bias=f32[24] proj_weight=f32[8,8] "
                         "proj_bias=f32[8] need_weights=false"),
    {0},
};
