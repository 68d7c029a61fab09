/* Recurrent networks and bags of embeddings.
 *
 *   aten.lstm.input: a layer and direction each becomes
 *     %g = aten.linear.default(%x, %w_ih, %b_ih + %b_hh)                  one large product over
 * all steps %y, %h, %c = aotc.lstm_layer.default(%g, %h0, %c0, %w_hh, reverse)  the recurrence, a
 * template
 *
 * In: a node.  Out: nodes that replace it.  Cells and layers whose number of steps is constant can
 * be written out in plain operators; embedding_bag becomes a scatter of embedding rows into bags.
 */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

#define LSTM_LAYER                                                                                 \
    "aotc::lstm_layer(Tensor gates_x, Tensor h0, Tensor c0, Tensor w_hh, bool reverse) -> "        \
    "(Tensor out, Tensor h_n, "                                                                    \
    "Tensor c_n)"
/* The same for what the template does not take: other dtypes than f32, weights that are no
 * constants, a projection of the hidden state. */
#define LSTM_STEPS                                                                                 \
    "aotc::lstm_steps(Tensor gates_x, Tensor h0, Tensor c0, Tensor w_hh, bool reverse, Tensor? "   \
    "w_hr=None) -> (Tensor out, Tensor h_n, Tensor c_n)"
#define GRU_LAYER                                                                                  \
    "aotc::gru_layer(Tensor gates_x, Tensor h0, Tensor w_hh, Tensor? b_hn, bool reverse) -> "      \
    "(Tensor out, Tensor h_n)"
/* The same written out in steps; the bias is that of all three gates. */
#define GRU_STEPS                                                                                  \
    "aotc::gru_steps(Tensor gates_x, Tensor h0, Tensor w_hh, Tensor? b_hh, bool reverse) -> "      \
    "(Tensor out, Tensor h_n)"
#define RNN_LAYER                                                                                  \
    "aotc::rnn_layer(Tensor gates_x, Tensor h0, Tensor w_hh, bool relu, bool reverse) -> (Tensor " \
    "out, Tensor h_n)"

/* Most steps that are written out one by one. */
enum { MAX_UNROLLED_STEPS = 512 };

/* ---- arithmetic on values -------------------------------------------------------------------- */
static Value *linear(Build *b, Value *x, Value *w, Value *bias)
{
    return BUILD(b, "aten.linear.default", arg_value(x), arg_value(w),
                 bias ? arg_value(bias) : arg_none());
}

static Value *add(Build *b, Value *x, Value *y)
{
    return BUILD(b, "aten.add.Tensor", arg_value(x), arg_value(y));
}

static Value *mul(Build *b, Value *x, Value *y)
{
    return BUILD(b, "aten.mul.Tensor", arg_value(x), arg_value(y));
}

static Value *sub(Build *b, Value *x, Value *y)
{
    return BUILD(b, "aten.sub.Tensor", arg_value(x), arg_value(y));
}

/* Columns [i * hidden, (i + 1) * hidden) of the gates. */
static Value *gate(Build *b, Value *gates, int i, const Expr *hidden)
{
    if (b->error)
        return NULL;
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *start = expr_mul(pool, hidden, expr_int(pool, i));
    return build_slice(b, gates, gates->type.rank - 1, start, expr_add(pool, start, hidden));
}

/* gates = x W_ih^T + h W_hh^T + both biases; order i, f, g, o (torch.nn.LSTM). */
static Value *lstm_step(Build *b, Value *gates, Value *c, const Expr *hidden, Value **c_next)
{
    Value *i = build_unary(b, "aten.sigmoid.default", gate(b, gates, 0, hidden));
    Value *f = build_unary(b, "aten.sigmoid.default", gate(b, gates, 1, hidden));
    Value *g = build_unary(b, "aten.tanh.default", gate(b, gates, 2, hidden));
    Value *o = build_unary(b, "aten.sigmoid.default", gate(b, gates, 3, hidden));
    Value *fresh = mul(b, i, g);
    *c_next = add(b, mul(b, f, c), fresh);
    return mul(b, o, build_unary(b, "aten.tanh.default", *c_next));
}

/* Order r, z, n (torch.nn.GRU); the reset gate scales the hidden part with its bias. */
static Value *gru_step(Build *b, Value *gx, Value *gh, Value *h, const Expr *hidden)
{
    Value *from_h = gate(b, gh, 0, hidden);
    Value *r = build_unary(b, "aten.sigmoid.default", add(b, gate(b, gx, 0, hidden), from_h));
    from_h = gate(b, gh, 1, hidden);
    Value *z = build_unary(b, "aten.sigmoid.default", add(b, gate(b, gx, 1, hidden), from_h));
    from_h = mul(b, r, gate(b, gh, 2, hidden));
    Value *n = build_unary(b, "aten.tanh.default", add(b, gate(b, gx, 2, hidden), from_h));
    return add(b, n, mul(b, sub(b, h, n), z));
}

/* ---- internal layers ------------------------------------------------------------------------- */
/* gates_x is [steps, batch, gates * hidden], h0 [batch, hidden or its projection]. */
static Error *infer_layer(Node *node)
{
    const TensorType *g = shape_type(node, "gates_x"), *h = shape_type(node, "h0");
    if (g->rank != 3 || h->rank != 2)
        return node_error(node, E_VALUE, "gates of rank %d, state of rank %d", g->rank, h->rank);
    const Expr *out[3] = {g->sizes[0], g->sizes[1], h->sizes[1]};
    shape_result(node, 0, g->dtype, out, 3);
    for (int i = 1; i < node->n_results; i++) {
        const Expr *state[2] = {g->sizes[1],
                                i == 1 ? h->sizes[1] : shape_type(node, "c0")->sizes[1]};
        shape_result(node, i, g->dtype, state, 2);
    }
    return NULL;
}

/* Every step in plain operators; only for a constant number of steps. */
static Error *unroll_layer(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *gates = node_tensor(node, "gates_x"), *h = node_tensor(node, "h0"), *c = NULL;
    Value      *w = node_tensor(node, "w_hh"), *projection = NULL;
    const Expr *hidden = h->type.sizes[1];
    char        kind = node->schema->base[0]; /* lstm, gru, rnn */
    bool        reverse = node_bool(node, "reverse");
    int64_t     steps;
    if (!expr_is_int(gates->type.sizes[0], &steps) || steps < 1 || steps > MAX_UNROLLED_STEPS)
        return node_error(node, E_UNSUPPORTED, "a recurrence over %s steps is not supported",
                          expr_text(node->graph->ir->arena, gates->type.sizes[0]));
    if (kind == 'l') {
        c = node_tensor(node, "c0");
        hidden = c->type.sizes[1];
        if (schema_param(node->schema, "w_hr") >= 0)
            projection = node_tensor(node, "w_hr");
    }
    Value **out = ARENA_ARRAY(node->graph->ir->arena, Value *, steps);
    for (int64_t k = 0; k < steps && !b.error; k++) {
        int64_t t = reverse ? steps - 1 - k : k;
        Value  *gx = build_select(&b, gates, 0, t);
        Value  *gh = linear(&b, h, w, kind == 'g' ? node_tensor(node, "b_hh") : NULL);
        if (kind == 'g')
            h = gru_step(&b, gx, gh, h, hidden);
        else if (kind == 'l')
            h = lstm_step(&b, add(&b, gx, gh), c, hidden, &c);
        else
            h = build_unary(&b, node_bool(node, "relu") ? "aten.relu.default" : "aten.tanh.default",
                            add(&b, gx, gh));
        if (projection)
            h = linear(&b, h, projection, NULL);
        out[t] = h;
    }
    results[0] = BUILD(&b, "aten.stack.default", arg_values(b.graph, out, (int)steps));
    results[1] = h;
    if (kind == 'l')
        results[2] = c;
    return b.error;
}

/* ---- whole networks -------------------------------------------------------------------------- */
typedef struct Rnn {
    char    kind; /* 'l', 'g', 't'anh, 'r'elu */
    int64_t layers;
    int     directions, per_cell; /* weights a cell */
    bool    biases, batch_first;
    bool    projects; /* the last weight of a cell is that of a projection of its hidden state */
    double  dropout;  /* between layers */
    Value **weights;
    Value  *h0, *c0; /* [layers * directions, batch, hidden] */
} Rnn;

static Error *read_rnn(const Node *node, Rnn *r)
{
    const char *base = node->schema->base;
    Value     **states;
    int         n, n_states;
    *r = (Rnn){.kind = strcmp(base, "rnn_tanh") == 0 ? 't' : base[0]};
    TRY(shape_const_int(node, "num_layers", &r->layers));
    r->directions = node_bool(node, "bidirectional") ? 2 : 1;
    r->biases = node_bool(node, "has_biases");
    r->batch_first = node_bool(node, "batch_first");
    r->per_cell = r->biases ? 4 : 2;
    r->dropout = node_bool(node, "train") ? node_float(node, "dropout") : 0;
    TRY(shape_tensors(node, "params", &r->weights, &n));
    r->projects = r->kind == 'l' && n == r->layers * r->directions * (r->per_cell + 1);
    r->per_cell += r->projects;
    if (n != r->layers * r->directions * r->per_cell)
        return node_error(node, E_VALUE, "%d weights for %lld layers", n, (long long)r->layers);
    if (r->kind != 'l') {
        r->h0 = node_tensor(node, "hx");
    } else {
        TRY(shape_tensors(node, "hx", &states, &n_states));
        if (n_states != 2)
            return node_error(node, E_VALUE, "%d states instead of 2", n_states);
        r->h0 = states[0];
        r->c0 = states[1];
    }
    if (shape_first_tensor(node)->type.rank != 3 || r->h0->type.rank != 3)
        return node_error(node, E_UNSUPPORTED, "input without a batch dim is not supported");
    return NULL;
}

static bool takes_template(const Value *weight)
{
    bool is_input = !weight->constant && !weight->def;
    return weight->type.dtype == DT_F32 && !is_input;
}

/* What the product with the input can take of the biases: b_hh of r and z too, but not of n, which
 * the reset gate scales. */
static Value *gru_bias(Build *b, Value *b_ih, Value *b_hh, const Expr *hidden)
{
    if (!b_hh || b->error)
        return b_ih;
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *zero = expr_int(pool, 0), *pad[2] = {zero, hidden};
    Value      *gates = build_slice(b, b_hh, 0, zero, expr_mul(pool, hidden, expr_int(pool, 2)));
    return add(
        b, b_ih,
        BUILD(b, "aten.constant_pad_nd.default", arg_value(gates), arg_exprs(b->graph, pad, 2)));
}

/* One layer in one direction: results out, h_n, c_n. */
static void build_layer(Build *b, const Rnn *r, Value *x, int cell, Value **out)
{
    Value *const *w = r->weights + cell * r->per_cell;
    Value        *b_ih = r->biases ? w[2] : NULL, *b_hh = r->biases ? w[3] : NULL;
    Value        *h = build_select(b, r->h0, 0, cell);
    Arg           reverse = arg_bool(b->graph, r->directions == 2 && cell % 2);
    Node         *layer;
    if (r->kind == 'g' && takes_template(w[1])) {
        const Expr *hidden = h->type.sizes[1];
        Value      *gates = linear(b, x, w[0], gru_bias(b, b_ih, b_hh, hidden));
        Value      *b_hn = b_hh ? gate(b, b_hh, 2, hidden) : NULL;
        layer = build_internal_node(b, GRU_LAYER,
                                    (const Arg[]){arg_value(gates), arg_value(h), arg_value(w[1]),
                                                  b_hn ? arg_value(b_hn) : arg_none(), reverse},
                                    5);
    } else if (r->kind == 'g') {
        Value *gates = linear(b, x, w[0], b_ih);
        layer = build_internal_node(b, GRU_STEPS,
                                    (const Arg[]){arg_value(gates), arg_value(h), arg_value(w[1]),
                                                  b_hh ? arg_value(b_hh) : arg_none(), reverse},
                                    5);
    } else {
        Value *gates = linear(b, x, w[0], r->biases ? add(b, b_ih, b_hh) : NULL);
        Arg    projection = r->projects ? arg_value(w[r->per_cell - 1]) : arg_none();
        bool   is_template = takes_template(w[1]) && !r->projects;
        if (r->kind == 'l')
            layer = build_internal_node(b, is_template ? LSTM_LAYER : LSTM_STEPS,
                                        (const Arg[]){arg_value(gates), arg_value(h),
                                                      arg_value(build_select(b, r->c0, 0, cell)),
                                                      arg_value(w[1]), reverse, projection},
                                        is_template ? 5 : 6);
        else
            layer =
                build_internal_node(b, RNN_LAYER,
                                    (const Arg[]){arg_value(gates), arg_value(h), arg_value(w[1]),
                                                  arg_bool(b->graph, r->kind == 'r'), reverse},
                                    5);
    }
    for (int i = 0; !b->error && i < layer->n_results; i++)
        out[i] = layer->results[i];
}

static Error *expand_rnn(Node *node, Value **results)
{
    Build  b = build_at(node);
    Rnn    r;
    Value *x = shape_first_tensor(node);
    TRY(read_rnn(node, &r));
    int     cells = (int)r.layers * r.directions;
    Value **h_n = ARENA_ARRAY(node->graph->ir->arena, Value *, cells + 1);
    Value **c_n = ARENA_ARRAY(node->graph->ir->arena, Value *, cells + 1);
    if (r.batch_first)
        x = build_transpose(&b, x, 0, 1);
    for (int layer = 0; layer < r.layers && !b.error; layer++) {
        Value *out[2] = {0};
        for (int d = 0; d < r.directions && !b.error; d++) {
            int    cell = layer * r.directions + d;
            Value *made[3] = {0};
            build_layer(&b, &r, x, cell, made);
            out[d] = made[0];
            h_n[cell] = made[1];
            c_n[cell] = made[2];
        }
        x = r.directions == 1
                ? out[0]
                : BUILD(&b, "aten.cat.default", arg_values(b.graph, out, 2), arg_int(b.graph, -1));
        if (r.dropout != 0 && layer + 1 < r.layers && !b.error)
            x = BUILD(&b, "aten.dropout.default", arg_value(x), arg_float(r.dropout),
                      arg_bool(b.graph, true));
    }
    results[0] = r.batch_first ? build_transpose(&b, x, 0, 1) : x;
    results[1] = BUILD(&b, "aten.stack.default", arg_values(b.graph, h_n, cells));
    if (r.kind == 'l')
        results[2] = BUILD(&b, "aten.stack.default", arg_values(b.graph, c_n, cells));
    return b.error;
}

/* lstm_cell, gru_cell, rnn_tanh_cell, rnn_relu_cell. */
static Error *expand_cell(Node *node, Value **results)
{
    Build   b = build_at(node);
    char    kind = node->schema->base[0];
    Value **states = NULL, *h, *c = NULL;
    int     n;
    if (kind == 'l') {
        TRY(shape_tensors(node, "hx", &states, &n));
        if (n != 2)
            return node_error(node, E_VALUE, "%d states instead of 2", n);
        h = states[0];
        c = states[1];
    } else {
        h = node_tensor(node, "hx");
    }
    const Expr *hidden = h->type.sizes[h->type.rank - 1];
    Value      *gx = linear(&b, node_tensor(node, "input"), node_tensor(node, "w_ih"),
                            node_tensor(node, "b_ih"));
    Value      *gh = linear(&b, h, node_tensor(node, "w_hh"), node_tensor(node, "b_hh"));
    if (kind == 'g')
        results[0] = gru_step(&b, gx, gh, h, hidden);
    else if (kind == 'l')
        results[0] = lstm_step(&b, add(&b, gx, gh), c, hidden, &results[1]);
    else
        results[0] = build_unary(
            &b, strstr(node->schema->base, "relu") ? "aten.relu.default" : "aten.tanh.default",
            add(&b, gx, gh));
    return b.error;
}

/* ---- embedding_bag --------------------------------------------------------------------------- */
enum { BAG_SUM, BAG_MEAN, BAG_MAX };

static const Expr *bag_count(const Node *node)
{
    const Expr *n = shape_type(node, "offsets")->sizes[0];
    return node_bool(node, "include_last_offset")
               ? expr_sub(shape_pool(node), n, shape_int(node, 1))
               : n;
}

/* Results: rows of bags, the bag of each index, sizes of bags, and where maxima came from (not
 * made). */
static Error *infer_bag(Node *node)
{
    const TensorType *w = shape_type(node, "weight"), *k = shape_type(node, "indices");
    const TensorType *o = shape_type(node, "offsets");
    if (w->rank != 2 || k->rank != 1 || o->rank != 1)
        return node_error(node, E_VALUE, "weight, indices and offsets have ranks %d, %d and %d",
                          w->rank, k->rank, o->rank);
    const Expr *sizes[2] = {bag_count(node), w->sizes[1]};
    shape_result(node, 0, w->dtype, sizes, 2);
    if (node->n_results == 4) {
        shape_result(node, 1, k->dtype, k->sizes, 1);
        shape_result(node, 2, k->dtype, sizes, 1);
        shape_result(node, 3, k->dtype, sizes, node_int(node, "mode") == BAG_MAX ? 2 : 1);
    }
    return NULL;
}

static Value *zeros(Build *b, const Expr *const *sizes, int rank, DType dtype)
{
    return BUILD(b, "aten.full.default", arg_exprs(b->graph, sizes, rank), arg_int(b->graph, 0),
                 arg_dtype(dtype));
}

/* The bag of index i is the number of offsets <= i, less one. */
static Value *bag_of_index(Build *b, const Node *node, const Expr *bags)
{
    const Expr *zero = shape_int(node, 0), *n = shape_type(node, "indices")->sizes[0];
    Value      *offsets = build_slice(b, node_tensor(node, "offsets"), 0, zero, bags);
    Value      *i = BUILD(b, "aten.arange.default", arg_expr(n), arg_dtype(DT_I64));
    Value      *bag = BUILD(b, "aten.bucketize.Tensor", arg_value(i), arg_value(offsets),
                            arg_bool(b->graph, false), arg_bool(b->graph, true));
    return BUILD(b, "aten.sub.Scalar", arg_value(bag), arg_int(b->graph, 1));
}

static Value *index_add(Build *b, Value *base, Value *bag, Value *rows)
{
    return BUILD(b, "aten.index_add.default", arg_value(base), arg_int(b->graph, 0), arg_value(bag),
                 arg_value(rows));
}

static Value *max_of_bags(Build *b, Value *base, Value *bag, Value *rows)
{
    Value *out =
        BUILD(b, "aten.index_reduce.default", arg_value(base), arg_int(b->graph, 0), arg_value(bag),
              arg_value(rows), arg_text("amax"), arg_bool(b->graph, false));
    Value *real = BUILD(b, "aten.ne.Scalar", arg_value(out), arg_float(-INFINITY));
    return BUILD(b, "aten.where.ScalarOther", arg_value(real), arg_value(out), arg_float(0));
}

/* -1: none.  In the public overload a negative one counts from the end. */
static Error *padding_index(const Node *node, int64_t *pad)
{
    int64_t rows;
    *pad = -1;
    if (schema_param(node->schema, "padding_idx") < 0 || shape_is_none(node, "padding_idx"))
        return NULL;
    TRY(shape_const_int(node, "padding_idx", pad));
    if (strcmp(node->schema->base, "embedding_bag") != 0 || *pad >= 0)
        return NULL;
    if (!expr_is_int(shape_type(node, "weight")->sizes[0], &rows))
        return node_error(node, E_UNSUPPORTED,
                          "a negative padding_idx with a symbolic number of rows");
    *pad += rows;
    return NULL;
}

static Error *expand_bag(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *weight = node_tensor(node, "weight"), *indices = node_tensor(node, "indices");
    Value      *scale = node_tensor(node, "per_sample_weights"), *keep = NULL;
    DType       dtype = weight->type.dtype, wide = dtype_compute(dtype);
    int64_t     mode, pad;
    const Expr *bags = bag_count(node), *out_sizes[2] = {bags, weight->type.sizes[1]};
    TRY(shape_const_int(node, "mode", &mode));
    TRY(padding_index(node, &pad));
    if (scale && mode != BAG_SUM)
        return node_error(node, E_VALUE, "per_sample_weights need mode 'sum'");
    Value *bag = bag_of_index(&b, node, bags);
    Value *rows = BUILD(&b, "aten.embedding.default", arg_value(weight), arg_value(indices));
    rows = b.error ? NULL : build_cast(&b, rows, wide);
    if (scale)
        rows = mul(&b, rows, build_unsqueeze(&b, scale, 1));
    if (pad >= 0) {
        keep = BUILD(&b, "aten.ne.Scalar", arg_value(indices), arg_int(b.graph, pad));
        rows = BUILD(&b, "aten.where.ScalarOther", arg_value(build_unsqueeze(&b, keep, 1)),
                     arg_value(rows), arg_float(mode == BAG_MAX ? -INFINITY : 0));
    }
    Value *base = zeros(&b, out_sizes, 2, wide);
    Value *sum =
        mode == BAG_MAX ? max_of_bags(&b, base, bag, rows) : index_add(&b, base, bag, rows);
    Value *ones = keep ? keep : BUILD(&b, "aten.ones_like.default", arg_value(indices));
    ones = b.error ? NULL : build_cast(&b, ones, DT_I64);
    Value *count = index_add(&b, zeros(&b, &bags, 1, DT_I64), bag, ones);
    if (mode == BAG_MEAN) {
        Value *least = BUILD(&b, "aten.clamp_min.default", arg_value(count), arg_int(b.graph, 1));
        sum =
            BUILD(&b, "aten.div.Tensor", arg_value(sum), arg_value(build_unsqueeze(&b, least, 1)));
    }
    results[0] = b.error ? NULL : build_cast(&b, sum, dtype);
    if (node->n_results == 4) {
        results[1] = b.error ? NULL : build_cast(&b, bag, indices->type.dtype);
        results[2] = b.error ? NULL : build_cast(&b, count, indices->type.dtype);
        results[3] = NULL; /* only a backward pass asks for it */
    }
    return b.error;
}

/* The template gives the bags alone: where more is asked for, the bags are written out. */
static Error *expand_bag_call(Node *node, Value **results)
{
    Build   b = build_at(node);
    Node   *made;
    Arg     args[9];
    int64_t pad;
    bool    more = false;
    TRY(padding_index(node, &pad));
    graph_count_uses(b.graph);
    for (int i = 1; i < node->n_results; i++)
        more = more || node->results[i]->n_uses > 0;
    if (more)
        return expand_bag(node, results);
    memcpy(args, node->args, sizeof *args * 8);
    args[8] = arg_int(b.graph, pad);
    TRY(build_node(b.graph, node, "aten._embedding_bag_forward_only.default", args, 9, &made));
    for (int i = 0; i < node->n_results; i++)
        results[i] = made->results[i];
    return NULL;
}

const OpDesc rnn_ops[] = {
    {.schema = LSTM_LAYER,
     .kind = OP_TEMPLATE,
     .template_kind = TEMPLATE_LSTM,
     .infer = infer_layer},
    {.schema = LSTM_STEPS, .kind = OP_COMPOSITE, .infer = infer_layer, .expand_fn = unroll_layer},
    {.schema = GRU_LAYER, .kind = OP_TEMPLATE, .template_kind = TEMPLATE_GRU, .infer = infer_layer},
    {.schema = GRU_STEPS, .kind = OP_COMPOSITE, .infer = infer_layer, .expand_fn = unroll_layer},
    {.schema = RNN_LAYER, .kind = OP_COMPOSITE, .infer = infer_layer, .expand_fn = unroll_layer},

    EXPAND_FN(
        "aten::lstm.input(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int "
        "num_layers, float "
        "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor, Tensor)",
        expand_rnn,
        .samples = "input=f32[5,2,3] hx=[f32[1,2,4],f32[1,2,4]] "
                   "params=[f32[16,3],f32[16,4],f32[16],f32[16]] has_biases=true num_layers=1 "
                   "dropout=0.0 train=false bidirectional=false batch_first=false | "
                   "input=f32[2,4,3] hx=[f32[2,2,4],f32[2,2,4]] "
                   "params=[f32[16,3],f32[16,4],f32[16,3],f32[16,4]] has_biases=false num_layers=1 "
                   "dropout=0.0 train=false bidirectional=true batch_first=true | "
                   "input=f32[5,2,3] hx=[f32[1,2,2],f32[1,2,4]] "
                   "params=[f32[16,3],f32[16,2],f32[16],f32[16],f32[2,4]] has_biases=true "
                   "num_layers=1 dropout=0.0 train=false bidirectional=false batch_first=false"),
    EXPAND_FN("aten::gru.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
              "num_layers, float "
              "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
              expand_rnn,
              .samples =
                  "input=f32[5,2,3] hx=f32[1,2,4] params=[f32[12,3],f32[12,4],f32[12],f32[12]] "
                  "has_biases=true num_layers=1 dropout=0.0 train=false bidirectional=false "
                  "batch_first=false | input=f32[2,4,3] hx=f32[2,2,4] "
                  "params=[f32[12,3],f32[12,4],f32[12,4],f32[12,4]] has_biases=false num_layers=2 "
                  "dropout=0.0 train=false bidirectional=false batch_first=true"),
    EXPAND_FN("aten::rnn_tanh.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
              "num_layers, float "
              "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
              expand_rnn,
              .samples = "input=f32[5,2,3] hx=f32[1,2,4] params=[f32[4,3],f32[4,4],f32[4],f32[4]] "
                         "has_biases=true num_layers=1 dropout=0.0 train=false bidirectional=false "
                         "batch_first=false"),
    EXPAND_FN("aten::rnn_relu.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
              "num_layers, float "
              "dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
              expand_rnn,
              .samples = "input=f32[5,2,3] hx=f32[1,2,4] params=[f32[4,3],f32[4,4],f32[4],f32[4]] "
                         "has_biases=true num_layers=1 dropout=0.0 train=false bidirectional=false "
                         "batch_first=false"),
    EXPAND_FN(
        "aten::lstm_cell(Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, Tensor? "
        "b_ih=None, Tensor? "
        "b_hh=None) -> (Tensor, Tensor)",
        expand_cell,
        .samples =
            "input=f32[2,3] hx=[f32[2,4],f32[2,4]] w_ih=f32[16,3] w_hh=f32[16,4] b_ih=f32[16] "
            "b_hh=f32[16] | input=f32[2,3] hx=[f32[2,4],f32[2,4]] w_ih=f32[16,3] w_hh=f32[16,4]"),
    EXPAND_FN(
        "aten::gru_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? "
        "b_ih=None, Tensor? "
        "b_hh=None) -> Tensor",
        expand_cell,
        .samples =
            "input=f32[2,3] hx=f32[2,4] w_ih=f32[12,3] w_hh=f32[12,4] b_ih=f32[12] b_hh=f32[12]"),
    EXPAND_FN("aten::rnn_tanh_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? "
              "b_ih=None, Tensor? "
              "b_hh=None) -> Tensor",
              expand_cell,
              .samples =
                  "input=f32[2,3] hx=f32[2,4] w_ih=f32[4,3] w_hh=f32[4,4] b_ih=f32[4] b_hh=f32[4]"),
    EXPAND_FN("aten::rnn_relu_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? "
              "b_ih=None, Tensor? "
              "b_hh=None) -> Tensor",
              expand_cell,
              .samples =
                  "input=f32[2,3] hx=f32[2,4] w_ih=f32[4,3] w_hh=f32[4,4] b_ih=f32[4] b_hh=f32[4]"),

    {.schema =
         "aten::_embedding_bag_forward_only(Tensor weight, Tensor indices, Tensor offsets, bool "
         "scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? "
         "per_sample_weights=None, bool "
         "include_last_offset=False, int padding_idx=-1) -> (Tensor, Tensor, Tensor, Tensor)",
     .kind = OP_TEMPLATE,
     .template_kind = TEMPLATE_EMBEDDING_BAG,
     .infer = infer_bag,
     .samples = "^ weight=f32[6,4] indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] mode=1 | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] mode=2 | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,3,3] per_sample_weights=f32[7]"},
    {.schema = "aten::_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool "
               "scale_grad_by_freq=False, int "
               "mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool "
               "include_last_offset=False, int "
               "padding_idx=-1) -> (Tensor, Tensor, Tensor, Tensor)",
     .kind = OP_COMPOSITE,
     .infer = infer_bag,
     .expand_fn = expand_bag_call,
     .samples = "^ weight=f32[6,4] indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] mode=1 | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] mode=2 | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,3,3] per_sample_weights=f32[7]"},
    {.schema = "aten::embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool "
               "scale_grad_by_freq=False, int "
               "mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool "
               "include_last_offset=False) -> "
               "(Tensor, Tensor, Tensor, Tensor)",
     .kind = OP_COMPOSITE,
     .infer = infer_bag,
     .expand_fn = expand_bag_call,
     .samples = "^ weight=f32[6,4] indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] mode=1 | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] mode=2 | ^ weight=f32[6,4] "
                "indices=i64[7]@0..5 offsets=i64[3]@[0,3,3] per_sample_weights=f32[7]"},
    {.schema =
         "aten::embedding_bag.padding_idx(Tensor weight, Tensor indices, Tensor offsets, bool "
         "scale_grad_by_freq, int mode, bool sparse, Tensor? per_sample_weights, bool "
         "include_last_offset, int? "
         "padding_idx) -> (Tensor, Tensor, Tensor, Tensor)",
     .kind = OP_COMPOSITE,
     .infer = infer_bag,
     .expand_fn = expand_bag_call,
     .samples =
         "^ weight=f32[6,4] indices=i64[7]@0..5 offsets=i64[3]@[0,2,5] scale_grad_by_freq=false "
         "mode=0 sparse=false per_sample_weights=None include_last_offset=false padding_idx=2"},
    {0},
};
