/* Convolutions.  aten.convolution.default is the one form that is left for the template; the others
 * become it:
 *
 *   aten.conv2d.padding(%x, %w, %b, [1, 1], "same")
 *     -> aten.convolution.default(%x, %w, %b, [1, 1], [1, 1], [1, 1], False, [0, 0], 1)
 *
 * In: a node.  Out: result sizes, which may be symbolic, or nodes that replace a composite.  Input
 * without a batch dim gets one. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

static const Expr *dilated(ExprPool *pool, const Expr *kernel, int64_t dilation)
{
    return expr_mul(pool, expr_sub(pool, kernel, expr_int(pool, 1)), expr_int(pool, dilation));
}

/* Size of one spatial dim of the result (torch.nn.Conv2d and ConvTranspose2d, "Shape"). */
static const Expr *out_size(ExprPool *pool, const Expr *in, const Expr *kernel, int64_t stride,
                            int64_t padding, int64_t dilation, int64_t output_padding,
                            bool transposed)
{
    const Expr *one = expr_int(pool, 1), *s = expr_int(pool, stride),
               *span = dilated(pool, kernel, dilation);
    if (transposed) {
        const Expr *spread = expr_mul(pool, expr_sub(pool, in, one), s);
        return expr_add(pool, expr_add(pool, spread, span),
                        expr_int(pool, output_padding + 1 - 2 * padding));
    }
    const Expr *room = expr_sub(pool, expr_add(pool, in, expr_int(pool, 2 * padding - 1)), span);
    return expr_add(pool, expr_floordiv(pool, room, s), one);
}

static Error *infer_convolution(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *x = shape_type(node, "input"), *w = shape_type(node, "weight");
    int64_t           stride[3], padding[3], dilation[3], extra[3], groups;
    const Expr       *sizes[MAX_RANK];
    int               spatial = w->rank - 2;
    bool              transposed = node_bool(node, "transposed");
    if (spatial < 1 || spatial > 3 || x->rank != w->rank)
        return node_error(node, E_VALUE, "input of rank %d, weight of rank %d", x->rank, w->rank);
    TRY(shape_ints(node, "stride", stride, spatial));
    TRY(shape_ints(node, "padding", padding, spatial));
    TRY(shape_ints(node, "dilation", dilation, spatial));
    TRY(shape_const_int(node, "groups", &groups));
    memset(extra, 0, sizeof extra);
    if (transposed)
        TRY(shape_ints(node, "output_padding", extra, spatial));
    if (groups < 1)
        return node_error(node, E_VALUE, "%lld groups", (long long)groups);
    int64_t channels, per_group;
    if (expr_is_int(x->sizes[1], &channels) &&
        expr_is_int(w->sizes[transposed ? 0 : 1], &per_group) &&
        channels != (transposed ? per_group : per_group * groups))
        return node_error(node, E_VALUE,
                          "%lld input channels, the weight takes %lld in each of %lld groups",
                          (long long)channels, (long long)per_group, (long long)groups);
    sizes[0] = x->sizes[0];
    sizes[1] = transposed ? expr_mul(pool, w->sizes[1], expr_int(pool, groups)) : w->sizes[0];
    for (int i = 0; i < spatial; i++) {
        if (stride[i] < 1 || dilation[i] < 1 || padding[i] < 0)
            return node_error(node, E_VALUE, "stride %lld, dilation %lld, padding %lld",
                              (long long)stride[i], (long long)dilation[i], (long long)padding[i]);
        sizes[2 + i] = out_size(pool, x->sizes[2 + i], w->sizes[2 + i], stride[i], padding[i],
                                dilation[i], extra[i], transposed);
    }
    shape_result(node, 0, x->dtype, sizes, x->rank);
    return NULL;
}

/* What the composites have in common: everything constant, one entry a spatial dim. */
typedef struct Settings {
    int     spatial;
    int64_t stride[3], padding[3], dilation[3], extra[3];
    bool    transposed;
} Settings;

static Arg list_arg(const Node *node, const int64_t *v, int n)
{
    return arg_ints(node->graph, v, n);
}

static Value *convolution(Build *b, const Settings *s, Value *x, Value *w, Value *bias, Arg groups)
{
    if (b->error)
        return NULL;
    bool   lone = x->type.rank == s->spatial + 1;
    Value *in = lone ? build_unsqueeze(b, x, 0) : x;
    Value *out =
        BUILD(b, "aten.convolution.default", arg_value(in), arg_value(w),
              bias ? arg_value(bias) : arg_none(), list_arg(b->at, s->stride, s->spatial),
              list_arg(b->at, s->padding, s->spatial), list_arg(b->at, s->dilation, s->spatial),
              arg_bool(b->graph, s->transposed), list_arg(b->at, s->extra, s->spatial), groups);
    return lone ? build_squeeze(b, out, 0) : out;
}

static Error *settings(const Node *node, Settings *s)
{
    const OpSchema *schema = node->schema;
    *s = (Settings){.spatial = shape_type(node, "weight")->rank - 2};
    if (s->spatial < 1 || s->spatial > 3)
        return node_error(node, E_VALUE, "weight of rank %d", s->spatial + 2);
    for (int i = 0; i < 3; i++)
        s->dilation[i] = 1;
    TRY(shape_ints(node, "stride", s->stride, s->spatial));
    if (schema->params[schema_param(schema, "padding")].type == PARAM_INT)
        TRY(shape_ints(node, "padding", s->padding, s->spatial));
    if (schema_param(schema, "dilation") >= 0)
        TRY(shape_ints(node, "dilation", s->dilation, s->spatial));
    if (schema_param(schema, "output_padding") >= 0) {
        TRY(shape_ints(node, "output_padding", s->extra, s->spatial));
        s->transposed = true;
    }
    if (schema_param(schema, "transposed") >= 0)
        s->transposed = node_bool(node, "transposed");
    return NULL;
}

static Value *input_of(const Node *node)
{
    return node->args[0].value;
}

/* Depthwise operators say it by their name. */
static Arg groups_of(const Node *node)
{
    if (strstr(node->schema->base, "depthwise"))
        return arg_expr(input_of(node)->type.sizes[input_of(node)->type.rank -
                                                   shape_type(node, "weight")->rank + 1]);
    return schema_param(node->schema, "groups") >= 0 ? *node_arg(node, "groups")
                                                     : arg_int(node->graph, 1);
}

static Error *expand_conv(Node *node, Value **results)
{
    Build    b = build_at(node);
    Settings s;
    TRY(settings(node, &s));
    results[0] = convolution(&b, &s, input_of(node), node_tensor(node, "weight"),
                             node_tensor(node, "bias"), groups_of(node));
    return b.error;
}

/* padding "valid" or "same"; where "same" is odd, the input gets one more element at its end. */
static Error *expand_conv_text(Node *node, Value **results)
{
    Build             b = build_at(node);
    ExprPool         *pool = shape_pool(node);
    Value            *x = input_of(node);
    const TensorType *w = shape_type(node, "weight");
    const char       *text = node_arg(node, "padding")->string;
    const Expr       *pad[6];
    Settings          s;
    bool              odd = false;
    TRY(settings(node, &s));
    if (strcmp(text, "same") != 0 && strcmp(text, "valid") != 0)
        return node_error(node, E_VALUE, "padding is '%s'", text);
    for (int i = 0; i < s.spatial; i++) {
        int64_t total;
        if (strcmp(text, "valid") == 0)
            continue;
        if (s.stride[i] != 1)
            return node_error(node, E_VALUE, "padding 'same' with a stride");
        if (!expr_is_int(dilated(pool, w->sizes[2 + i], s.dilation[i]), &total))
            return node_error(node, E_UNSUPPORTED, "padding 'same' with a symbolic kernel size");
        s.padding[i] = total / 2;
        odd = odd || total % 2;
        pad[2 * (s.spatial - 1 - i)] = expr_int(pool, 0);
        pad[2 * (s.spatial - 1 - i) + 1] = expr_int(pool, total % 2);
    }
    if (odd)
        x = BUILD(&b, "aten.constant_pad_nd.default", arg_value(x),
                  arg_exprs(b.graph, pad, 2 * s.spatial));
    results[0] = convolution(&b, &s, x, node_tensor(node, "weight"), node_tensor(node, "bias"),
                             groups_of(node));
    return b.error;
}

/* input [T, B, C], weight [K, C, OC]. */
static Error *expand_conv_tbc(Node *node, Value **results)
{
    Build   b = build_at(node);
    int64_t pad;
    TRY(shape_const_int(node, "pad", &pad));
    Settings s = {.spatial = 1, .stride = {1}, .padding = {pad}, .dilation = {1}};
    Value   *x = build_permute(&b, node_tensor(node, "self"), (const int[]){1, 2, 0}, 3);
    Value   *w = build_permute(&b, node_tensor(node, "weight"), (const int[]){2, 1, 0}, 3);
    Value   *z = convolution(&b, &s, x, w, node_tensor(node, "bias"), arg_int(node->graph, 1));
    results[0] = build_permute(&b, z, (const int[]){2, 0, 1}, 3);
    return b.error;
}

/* ---- aotc::spread: elements stride apart, zeros between and around them; a negative border crops
 */
static Error *infer_spread(Node *node)
{
    const TensorType *t = shape_type(node, "self");
    ExprPool         *pool = shape_pool(node);
    const Expr       *sizes[MAX_RANK];
    int64_t           stride[3], low[3], high[3];
    int               n = t->rank - 2;
    TRY(shape_ints(node, "stride", stride, n));
    TRY(shape_ints(node, "low", low, n));
    TRY(shape_ints(node, "high", high, n));
    sizes[0] = t->sizes[0];
    sizes[1] = t->sizes[1];
    for (int i = 0; i < n; i++) {
        const Expr *span = expr_mul(pool, expr_sub(pool, t->sizes[2 + i], expr_int(pool, 1)),
                                    expr_int(pool, stride[i]));
        sizes[2 + i] = expr_add(pool, span, expr_int(pool, 1 + low[i] + high[i]));
    }
    shape_result(node, 0, t->dtype, sizes, t->rank);
    return NULL;
}

static Scalar *element_spread(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    Value            *self = node_tensor(node, "self");
    const TensorType *t = &self->type;
    Scalar           *mask = NULL, *zero = scalar_int(cx->scalars, t->dtype, 0);
    const Expr       *in[MAX_RANK] = {index[0], index[1]};
    int64_t           stride[3], low[3];
    int               n = t->rank - 2;
    if (shape_ints(node, "stride", stride, n) || shape_ints(node, "low", low, n))
        return zero; /* infer has refused it */
    for (int i = 0; i < n; i++) {
        const Expr *at = expr_sub(pool, index[2 + i], expr_int(pool, low[i]));
        const Expr *s = expr_int(pool, stride[i]);
        in[2 + i] = expr_floordiv(pool, at, s);
        mask = scalar_and(cx->scalars, mask, shape_in_range(cx, in[2 + i], t->sizes[2 + i]));
        if (stride[i] > 1)
            mask = scalar_and(cx->scalars, mask,
                              shape_condition(cx, expr_cmp(pool, EXPR_EQ, expr_mod(pool, at, s),
                                                           expr_int(pool, 0))));
    }
    return shape_masked_load(cx, self, in, mask, zero);
}

const OpDesc convolution_ops[] = {
    {.schema = "aotc::spread(Tensor self, int[] stride, int[] low, int[] high) -> Tensor",
     .kind = OP_INDEXED,
     .infer = infer_spread,
     .element = element_spread},
    {.schema =
         "aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] "
         "padding, "
         "SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups) -> Tensor",
     .kind = OP_TEMPLATE,
     .template_kind = TEMPLATE_CONV,
     .infer = infer_convolution,
     .samples = "input=f32[1,3,6,5] weight=f32[4,3,3,3] bias=f32[4] stride=[1,1] padding=[1,1] "
                "dilation=[1,1] transposed=false output_padding=[0,0] groups=1 | input=f32[2,4,7] "
                "weight=f32[6,2,3] bias=None stride=[2] padding=[1] dilation=[2] transposed=false "
                "output_padding=[0] groups=2 | input=f32[1,3,4,4] weight=f32[3,2,3,3] bias=f32[2] "
                "stride=[2,2] padding=[1,1] dilation=[1,1] transposed=true output_padding=[1,1] "
                "groups=1 | input=bf16[1,2,5,5] weight=bf16[2,1,3,3] bias=None stride=[1,1] "
                "padding=[1,1] dilation=[1,1] transposed=false output_padding=[0,0] groups=2 | ! "
                "input=f32[1,3,6,5] weight=f32[4,2,3,3] bias=None stride=[1,1] padding=[0,0] "
                "dilation=[1,1] transposed=false output_padding=[0,0] groups=1"},

    EXPAND_FN("aten::conv1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] stride=[1], "
              "SymInt[1] "
              "padding=[0], SymInt[1] dilation=[1], SymInt groups=1) -> Tensor",
              expand_conv,
              .samples =
                  "input=f32[2,3,8] weight=f32[4,3,3] bias=f32[4] | input=f32[3,8] "
                  "weight=f32[4,3,3] | input=f32[1,4,9] weight=f32[4,1,3] stride=[2] padding=[1] "
                  "groups=4 | input=f16[1,2,6] weight=f16[2,2,3] | ! input=f32[2,3,8] "
                  "weight=f32[4,2,3] | ! input=f32[1,1,2] weight=f32[1,1,3]"),
    EXPAND_FN("aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] stride=[1, "
              "1], SymInt[2] "
              "padding=[0, 0], SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor",
              expand_conv,
              .samples =
                  "input=f32[2,3,6,7] weight=f32[4,3,3,2] bias=f32[4] | input=f32[1,3,7,7] "
                  "weight=f32[4,3,3,3] stride=[2,1] padding=[1,0] dilation=[1,2] | "
                  "input=f32[3,5,5] weight=f32[2,3,1,1] | input=f32[1,4,6,6] weight=f32[4,1,3,3] "
                  "padding=[1,1] groups=4 | input=f32[1,4,5,5] weight=f32[6,2,3,3] groups=2 | "
                  "input=f64[1,2,4,4] weight=f64[1,2,2,2] | input=f32[1,3,6,6]{108,1,18,3} "
                  "weight=f32[4,3,3,3] padding=[1,1] | input=f32[0,3,5,5] weight=f32[2,3,3,3]"),
    EXPAND_FN("aten::conv3d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] stride=[1, "
              "1, 1], SymInt[3] "
              "padding=[0, 0, 0], SymInt[3] dilation=[1, 1, 1], SymInt groups=1) -> Tensor",
              expand_conv,
              .samples = "input=f32[1,2,4,4,4] weight=f32[3,2,2,2,2] bias=f32[3] | "
                         "input=f32[1,2,4,4,4] weight=f32[2,1,3,3,3] padding=[1,1,1] groups=2"),
    EXPAND_FN(
        "aten::conv1d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] "
        "stride=[1], str "
        "padding=\"valid\", SymInt[1] dilation=[1], SymInt groups=1) -> Tensor",
        expand_conv_text,
        .samples =
            "input=f32[2,3,8] weight=f32[4,3,3] padding='same' | input=f32[2,3,8] "
            "weight=f32[4,3,4] padding='same' | input=f32[2,3,8] weight=f32[4,3,3] padding='valid' "
            "| ! input=f32[2,3,8] weight=f32[4,3,3] stride=[2] padding='same'"),
    EXPAND_FN("aten::conv2d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[2] "
              "stride=[1, 1], str "
              "padding=\"valid\", SymInt[2] dilation=[1, 1], SymInt groups=1) -> Tensor",
              expand_conv_text,
              .samples = "input=f32[1,2,5,6] weight=f32[3,2,3,2] padding='same' | "
                         "input=f32[1,2,5,6] weight=f32[3,2,3,2]"),
    EXPAND_FN("aten::conv3d.padding(Tensor input, Tensor weight, Tensor? bias=None, SymInt[3] "
              "stride=[1, 1, 1], str "
              "padding=\"valid\", SymInt[3] dilation=[1, 1, 1], SymInt groups=1) -> Tensor",
              expand_conv_text,
              .samples = "input=f32[1,1,3,3,3] weight=f32[2,1,2,3,2] padding='same'"),
    EXPAND_FN("aten::_convolution_mode(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, "
              "str padding, "
              "SymInt[] dilation, SymInt groups) -> Tensor",
              expand_conv_text,
              .samples = "input=f32[1,2,5,6] weight=f32[3,2,3,2] bias=f32[3] stride=[1,1] "
                         "padding='same' dilation=[1,1] groups=1"),
    EXPAND_FN("aten::conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, SymInt[1] "
              "stride=[1], SymInt[1] "
              "padding=[0], SymInt[1] output_padding=[0], SymInt groups=1, SymInt[1] dilation=[1]) "
              "-> Tensor",
              expand_conv,
              .samples = "input=f32[2,3,5] weight=f32[3,2,3] bias=f32[2] | input=f32[1,4,5] "
                         "weight=f32[4,1,3] stride=[2] padding=[1] output_padding=[1] groups=2"),
    EXPAND_FN("aten::conv_transpose2d.input(Tensor input, Tensor weight, Tensor? bias=None, "
              "SymInt[2] stride=[1, 1], "
              "SymInt[2] padding=[0, 0], SymInt[2] output_padding=[0, 0], SymInt groups=1, "
              "SymInt[2] dilation=[1, 1]) "
              "-> Tensor",
              expand_conv,
              .samples = "input=f32[1,3,4,4] weight=f32[3,2,3,3] bias=f32[2] | input=f32[1,4,3,3] "
                         "weight=f32[4,1,2,2] stride=[2,2] groups=2 | input=f32[1,2,3,3] "
                         "weight=f32[2,2,3,3] dilation=[2,2] padding=[1,0]"),
    EXPAND_FN("aten::conv_transpose3d.input(Tensor input, Tensor weight, Tensor? bias=None, "
              "SymInt[3] stride=[1, 1, "
              "1], SymInt[3] padding=[0, 0, 0], SymInt[3] output_padding=[0, 0, 0], SymInt "
              "groups=1, SymInt[3] "
              "dilation=[1, 1, 1]) -> Tensor",
              expand_conv, .samples = "input=f32[1,2,3,3,3] weight=f32[2,2,2,2,2] stride=[2,1,1]"),
    EXPAND_FN("aten::_convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, "
              "SymInt[] padding, "
              "SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups, bool "
              "benchmark, bool "
              "deterministic, bool cudnn_enabled, bool allow_tf32) -> Tensor",
              expand_conv,
              .samples =
                  "input=f32[1,2,5,5] weight=f32[3,2,3,3] bias=f32[3] stride=[1,1] padding=[1,1] "
                  "dilation=[1,1] transposed=false output_padding=[0,0] groups=1 benchmark=false "
                  "deterministic=false cudnn_enabled=false allow_tf32=false"),
    EXPAND_FN("aten::_convolution.deprecated(Tensor input, Tensor weight, Tensor? bias, SymInt[] "
              "stride, SymInt[] "
              "padding, SymInt[] dilation, bool transposed, int[] output_padding, SymInt groups, "
              "bool benchmark, bool "
              "deterministic, bool cudnn_enabled) -> Tensor",
              expand_conv,
              .samples = "input=f32[1,2,5,5] weight=f32[3,2,3,3] bias=f32[3] stride=[1,1] "
                         "padding=[1,1] dilation=[1,1] transposed=false output_padding=[0,0] "
                         "groups=1 benchmark=false deterministic=false cudnn_enabled=false"),
    EXPAND_FN("aten::convolution_overrideable(Tensor input, Tensor weight, Tensor? bias, SymInt[] "
              "stride, SymInt[] "
              "padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt "
              "groups) -> Tensor",
              expand_conv,
              .samples =
                  "input=f32[1,2,5,5] weight=f32[3,2,3,3] bias=f32[3] stride=[1,1] padding=[1,1] "
                  "dilation=[1,1] transposed=false output_padding=[0,0] groups=1"),
    EXPAND_FN(
        "aten::thnn_conv2d(Tensor self, Tensor weight, SymInt[2] kernel_size, Tensor? "
        "bias=None, SymInt[2] "
        "stride=[1, 1], SymInt[2] padding=[0, 0]) -> Tensor",
        expand_conv,
        .samples =
            "self=f32[1,2,5,5] weight=f32[3,2,3,3] kernel_size=[3,3] bias=f32[3] padding=[1,1]"),
    EXPAND_FN("aten::_slow_conv2d_forward(Tensor self, Tensor weight, SymInt[2] kernel_size, "
              "Tensor? bias, SymInt[2] "
              "stride, SymInt[2] padding) -> Tensor",
              expand_conv,
              .samples = "self=f32[1,2,5,5] weight=f32[3,2,3,3] kernel_size=[3,3] bias=f32[3] "
                         "stride=[1,1] padding=[0,0]"),
    EXPAND_FN("aten::_conv_depthwise2d(Tensor self, Tensor weight, SymInt[2] kernel_size, Tensor? "
              "bias, SymInt[2] "
              "stride, SymInt[2] padding, SymInt[2] dilation) -> Tensor",
              expand_conv,
              .samples = "self=f32[1,2,5,5] weight=f32[2,1,3,3] kernel_size=[3,3] bias=f32[2] "
                         "stride=[1,1] padding=[1,1] dilation=[1,1]"),
    EXPAND_FN("aten::conv_depthwise3d(Tensor self, Tensor weight, SymInt[3] kernel_size, Tensor? "
              "bias, SymInt[3] stride, SymInt[3] padding, SymInt[3] dilation) -> Tensor",
              expand_conv,
              .samples =
                  "self=f32[1,2,4,5,5] weight=f32[4,1,3,3,3] kernel_size=[3,3,3] bias=f32[4] "
                  "stride=[1,1,1] padding=[1,1,1] dilation=[1,1,1]"),
    EXPAND_FN("aten::slow_conv3d(Tensor self, Tensor weight, SymInt[3] kernel_size, Tensor? "
              "bias=None, SymInt[3] stride=[1, 1, 1], SymInt[3] padding=[0, 0, 0]) -> Tensor",
              expand_conv,
              .samples =
                  "self=f32[1,2,4,5,5] weight=f32[3,2,3,3,3] kernel_size=[3,3,3] bias=f32[3] "
                  "padding=[1,1,1]"),
    EXPAND_FN(
        "aten::slow_conv3d_forward(Tensor self, Tensor weight, SymInt[3] kernel_size, Tensor? "
        "bias, SymInt[3] stride, SymInt[3] padding) -> Tensor",
        expand_conv,
        .samples = "self=f32[1,2,4,5,5] weight=f32[3,2,3,3,3] kernel_size=[3,3,3] bias=None "
                   "stride=[2,1,1] padding=[0,0,0]"),
    EXPAND_FN(
        "aten::slow_conv_dilated2d(Tensor self, Tensor weight, SymInt[2] kernel_size, Tensor? "
        "bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0], SymInt[2] dilation=[1, "
        "1]) -> Tensor",
        expand_conv,
        .samples = "self=f32[1,2,7,7] weight=f32[3,2,3,3] kernel_size=[3,3] bias=f32[3] "
                   "padding=[1,1] dilation=[2,2]"),
    EXPAND_FN(
        "aten::slow_conv_dilated3d(Tensor self, Tensor weight, SymInt[3] kernel_size, Tensor? "
        "bias=None, SymInt[3] stride=[1, 1, 1], SymInt[3] padding=[0, 0, 0], SymInt[3] "
        "dilation=[1, 1, 1]) -> Tensor",
        expand_conv,
        .samples = "self=f32[1,2,5,6,6] weight=f32[3,2,2,3,3] kernel_size=[2,3,3] "
                   "dilation=[2,2,1]"),
    EXPAND_FN("aten::slow_conv_transpose2d(Tensor self, Tensor weight, SymInt[2] kernel_size, "
              "Tensor? bias=None, SymInt[2] stride=[1, 1], SymInt[2] padding=[0, 0], SymInt[2] "
              "output_padding=[0, 0], SymInt[2] dilation=[1, 1]) -> Tensor",
              expand_conv,
              .samples = "self=f32[1,2,5,4] weight=f32[2,3,3,3] kernel_size=[3,3] bias=f32[3] "
                         "stride=[2,2] padding=[1,1] output_padding=[1,1]"),
    EXPAND_FN(
        "aten::slow_conv_transpose3d(Tensor self, Tensor weight, SymInt[3] kernel_size, "
        "Tensor? bias=None, SymInt[3] stride=[1, 1, 1], SymInt[3] padding=[0, 0, 0], SymInt[3] "
        "output_padding=[0, 0, 0], SymInt[3] dilation=[1, 1, 1]) -> Tensor",
        expand_conv,
        .samples = "self=f32[1,2,3,3,3] weight=f32[2,3,2,2,2] kernel_size=[2,2,2] "
                   "stride=[2,1,1]"),
    EXPAND_FN("aten::conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor",
              expand_conv_tbc, .samples = "self=f32[5,2,3] weight=f32[3,3,4] bias=f32[4] pad=1"),
    {0},
};
