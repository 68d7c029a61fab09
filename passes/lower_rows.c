/* Templates over rows: scans, sorts, recurrent layers, embedding bags, functions of fixed text; and
 * what the host asks for: items, indices of true elements, copies between devices. */
#include "passes/lower_template.h"
#include "ir/ops/shape_util.h"

#include <string.h>

Error *lower_scan(Lower *lo, Node *node)
{
    Ir     *ir = lo->ir;
    Value  *in = node->args[0].value, *out = node->results[0];
    Kernel *k = new_kernel(lo, KERNEL_SCAN, node);
    int     rank = in->type.rank;
    static const struct {
        const char *base;
        ReduceOp    op;
    } table[] = {{"cumsum", REDUCE_SUM},
                 {"cumprod", REDUCE_PROD},
                 {"cummax", REDUCE_MAX},
                 {"cummin", REDUCE_MIN},
                 {"logcumsumexp", REDUCE_SUM}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(node->schema->base, table[i].base))
            k->scan.reduce = table[i].op;
    k->scan.log_sum_exp = !strcmp(node->schema->base, "logcumsumexp");
    ScalarPool *pool = scalar_pool_create(ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_POINTWISE, rank ? rank : 1, pool, node);
    const Expr *index[MAX_RANK];
    for (int d = 0; d < rank; d++) {
        loop->sizes[d] = in->type.sizes[d];
        loop->vars[d] = expr_symbol_index(ir->exprs, "i", in->type.sizes[d]);
        index[d] = loop->vars[d]->self;
    }
    if (!rank) {
        loop->sizes[0] = expr_int(ir->exprs, 1);
        loop->vars[0] = expr_symbol_index(ir->exprs, "i", loop->sizes[0]);
        loop->n_dims = 1;
    }
    Scalar *x = load_element(lower_cx(lo, pool, node), in, index, NULL);
    if (lo->failed)
        return lo->failed;
    loop->value = scalar_cast(pool, dtype_compute(out->type.dtype), x);
    k->scan.axis = rank ? node_dim(node, "dim", rank) : 0;
    k->scan.n_outer = loop->n_dims;
    k->scan.source = loop;
    Buffer *b =
        new_buffer(lo, BUFFER_TEMP, out->name, out->type.dtype, rank, out->type.sizes, NULL);
    loop->out = b;
    loop->index = buffer_index(lo, b, index);
    k->scan.index = loop->index;
    k->result = b;
    lowered(lo, out)->buffer = b;
    if (node->n_results > 1) {
        Value *ind = node->results[1];
        k->scan.indices =
            new_buffer(lo, BUFFER_TEMP, ind->name, ind->type.dtype, rank, ind->type.sizes, NULL);
        lowered(lo, ind)->buffer = k->scan.indices;
    }
    k->outer = loop->vars;
    k->outer_sizes = loop->sizes;
    k->n_outer = loop->n_dims;
    add_kernel(lo, k, node);
    return NULL;
}

Operand whole_operand(Buffer *b)
{
    return (Operand){b, b->offset, b->strides, b->rank};
}

/* Outer dims in logical order, then the sorted axis. */
static Operand axis_last(Lower *lo, const Operand *o, int axis, int rank)
{
    const Expr *strides[MAX_RANK];
    int         n = 0;
    for (int d = 0; d < rank; d++)
        if (d != axis)
            strides[n++] = o->strides[d];
    strides[n] = rank ? o->strides[axis] : expr_int(lo->ir->exprs, 0);
    return operand_pick(lo->ir, o, strides, n + 1);
}

/* Eager PyTorch sorts long rows of integers by radix (SortingKernel.cpp, can_use_radix_sort). */
static bool is_radix_sort(const Sort *s)
{
    int64_t n;
    return !s->n_outer && !s->descending && dtype_info(s->dtype)->is_int &&
           expr_is_int(s->length, &n) && n >= 32768;
}

static SortTies ties_of(const Node *node, const Sort *s)
{
    int stable = schema_param(node->schema, "stable");
    if (!strcmp(node->schema->base, "topk"))
        return TIES_TOPK;
    if (!strcmp(node->schema->base, "kth"))
        return TIES_KTH;
    if (stable >= 0 && node->args[stable].kind == ARG_BOOL && node_bool(node, "stable"))
        return TIES_STABLE;
    return is_radix_sort(s) ? TIES_STABLE : TIES_SORT;
}

Error *lower_sort(Lower *lo, Node *node)
{
    Ir     *ir = lo->ir;
    Value  *in = node->args[0].value;
    int     rank = in->type.rank, axis = rank ? node_dim(node, "dim", rank) : 0;
    Kernel *k = new_kernel(lo, KERNEL_SORT, node);
    Sort    s = {.dtype = in->type.dtype, .sorted = true};
    Operand x;
    bool    is_topk = !strcmp(node->schema->base, "topk");
    bool    only_index = !strcmp(node->schema->base, "argsort");
    bool    is_kth = !strcmp(node->schema->base, "kth");
    if (schema_param(node->schema, "descending") >= 0)
        s.descending = node_bool(node, "descending");
    if (is_topk) {
        s.descending = node_bool(node, "largest");
        s.sorted = node_bool(node, "sorted");
    }
    TRY(operand_of(lo, in, &x));
    s.x = axis_last(lo, &x, axis, rank);
    const Expr **outer = ARENA_ARRAY(ir->arena, const Expr *, rank + 1);
    for (int d = 0; d < rank; d++)
        if (d != axis)
            outer[s.n_outer++] = in->type.sizes[d];
    s.outer = outer;
    s.length = rank ? in->type.sizes[axis] : expr_int(ir->exprs, 1);
    s.keep = is_topk || is_kth ? arg_as_expr(node_arg(node, "k")) : s.length;
    s.skip = is_kth ? expr_sub(ir->exprs, s.keep, expr_int(ir->exprs, 1)) : NULL;
    s.ties = ties_of(node, &s);
    for (int r = 0; r < node->n_results; r++) {
        Value *v = node->results[r];
        if (v->kind != VALUE_TENSOR)
            continue;
        Buffer *b = new_buffer(lo, BUFFER_TEMP, v->name, v->type.dtype, rank, v->type.sizes, NULL);
        Operand whole = whole_operand(b);
        lowered(lo, v)->buffer = b;
        if (r == 0 && !only_index)
            s.values = axis_last(lo, &whole, axis, rank);
        else
            s.indices = axis_last(lo, &whole, axis, rank);
    }
    k->sort = s;
    set_outer(lo, k, outer, s.n_outer);
    add_kernel(lo, k, node);
    return NULL;
}

static Operand result_operand(Lower *lo, Node *node, int r)
{
    Value *v = r < node->n_results ? node->results[r] : NULL;
    if (!v || v->kind != VALUE_TENSOR)
        return (Operand){0};
    Buffer *b =
        new_buffer(lo, BUFFER_TEMP, v->name, v->type.dtype, v->type.rank, v->type.sizes, NULL);
    lowered(lo, v)->buffer = b;
    return whole_operand(b);
}

static const Expr *item_numel(Ir *ir, const TensorType *t, int core, bool has_batch)
{
    return has_batch ? expr_product(ir->exprs, t->sizes + t->rank - core, core)
                     : expr_int(ir->exprs, 0);
}

Error *dense_operand(Lower *lo, Value *value, Operand *out)
{
    TRY(operand_of(lo, value, out));
    const Expr *step = expr_int(lo->ir->exprs, 1);
    bool        is_dense = true;
    for (int d = value->type.rank - 1; d >= 0; d--) {
        is_dense &= out->strides[d] == step || expr_is_value(value->type.sizes[d], 1);
        step = expr_mul(lo->ir->exprs, step, value->type.sizes[d]);
    }
    if (is_dense)
        return NULL;
    Buffer *copy = new_buffer(lo, BUFFER_TEMP, value->name, value->type.dtype, value->type.rank,
                              value->type.sizes, NULL);
    TRY(store_value(lo, value, copy));
    *out = whole_operand(copy);
    return NULL;
}

Error *lower_call(Lower *lo, Node *node)
{
    const CallDesc *desc = node->op->call;
    Kernel         *k = new_kernel(lo, KERNEL_CALL, node);
    Call            c = {.desc = desc, .scratch_bytes = desc->scratch(node)};
    int             at = 0;
    for (int i = 0; i < node->n_args; i++) {
        Value *v = node->args[i].kind == ARG_VALUE ? node->args[i].value : NULL;
        if (!v || v->kind != VALUE_TENSOR)
            continue;
        int core = desc->core[at++];
        TRY(dense_operand(lo, v, &c.in[c.n_in]));
        c.item_in[c.n_in++] = item_numel(lo->ir, &v->type, core, v->type.rank > core);
        c.dtype = c.n_in == 1 ? v->type.dtype : c.dtype;
    }
    const TensorType *first = &node->results[0]->type;
    int               n_batch = first->rank - desc->core[at];
    for (int r = 0; r < node->n_results; r++) {
        c.item_out[r] = item_numel(lo->ir, &node->results[r]->type, desc->core[at + r], true);
        c.out[c.n_out++] = result_operand(lo, node, r);
    }
    c.n_params = desc->params(node, c.params);
    k->call = c;
    set_outer(lo, k, first->sizes, n_batch);
    add_kernel(lo, k, node);
    return NULL;
}

/* In panels, or on CUDA where it lies; neither when it is no constant on the CPU. */
static Error *gemm_weight_operand(Lower *lo, Value *w, Operand *out)
{
    Buffer *panels = NULL;
    *out = (Operand){0};
    if (lower_for_cuda(lo))
        return operand_of(lo, w, out);
    TRY(packed_gemm_operand(lo, w, false, &panels));
    if (panels)
        *out = (Operand){panels, expr_int(lo->ir->exprs, 0), NULL, 0};
    return NULL;
}

/* aotc.lstm_layer(gates_x [T,B,4H], h0 [B,H], c0 [B,H], w_hh [4H,H], reverse) -> (out [T,B,H], h_n,
 * c_n) aotc.gru_layer(gates_x [T,B,3H], h0 [B,H], w_hh [3H,H], b_hn [H] or None, reverse) -> (out
 * [T,B,H], h_n) */
Error *lower_recurrent(Lower *lo, Node *node)
{
    Ir     *ir = lo->ir;
    Value  *x = node_tensor(node, "gates_x"), *w = node_tensor(node, "w_hh");
    bool    is_gru = node->op->template_kind == TEMPLATE_GRU;
    Kernel *k = new_kernel(lo, is_gru ? KERNEL_GRU : KERNEL_LSTM, node);
    Lstm    s = {.dtype = x->type.dtype, .steps = x->type.sizes[0], .batch = x->type.sizes[1]};
    if (s.dtype != DT_F32)
        return lower_refuse(node, "recurrent layers in other dtypes than float32");
    if (!expr_is_int(w->type.sizes[1], &s.hidden))
        return lower_refuse(node, "a symbolic hidden size");
    s.reverse = node_bool(node, "reverse");
    TRY(operand_of(lo, x, &s.gates_x));
    TRY(operand_of(lo, node_tensor(node, "h0"), &s.h0));
    if (!is_gru)
        TRY(operand_of(lo, node_tensor(node, "c0"), &s.c0));
    else if (node_tensor(node, "b_hn"))
        TRY(operand_of(lo, node_tensor(node, "b_hn"), &s.b_hn));
    TRY(gemm_weight_operand(lo, w, &s.w_hh));
    if (!s.w_hh.strides && !s.w_hh.buffer)
        return lower_refuse(node, "recurrent weights that are no constants");
    s.out = result_operand(lo, node, 0);
    s.h_n = result_operand(lo, node, 1);
    if (!is_gru)
        s.c_n = result_operand(lo, node, 2);
    k->lstm = s;
    const Expr *sizes[3] = {s.steps, s.batch, expr_int(ir->exprs, s.hidden)};
    set_outer(lo, k, sizes, 2);
    k->flops = expr_mul(ir->exprs, expr_product(ir->exprs, sizes, 2),
                        expr_int(ir->exprs, (is_gru ? 6 : 8) * s.hidden * s.hidden));
    add_kernel(lo, k, node);
    return NULL;
}

Error *lower_embedding_bag(Lower *lo, Node *node)
{
    Value *w = node_tensor(node, "weight"), *indices = node_tensor(node, "indices"),
          *offsets = node_tensor(node, "offsets");
    Value       *samples = node_tensor(node, "per_sample_weights"), *out = node->results[0];
    Kernel      *k = new_kernel(lo, KERNEL_EMBEDDING_BAG, node);
    EmbeddingBag b = {
        .dtype = w->type.dtype, .rows = w->type.sizes[0], .width = w->type.sizes[1], .padding = -1};
    if (indices->type.rank != 1)
        return lower_refuse(node, "indices that are not 1-d");
    for (int r = 1; r < node->n_results; r++)
        if (node->results[r]->kind == VALUE_TENSOR && node->results[r]->n_uses)
            return lower_refuse(node, "only the first result is supported");
    b.n_indices = indices->type.sizes[0];
    b.n_bags = out->type.sizes[0];
    b.mode = (int)node_int(node, "mode");
    int p = schema_param(node->schema, "padding_idx");
    if (p >= 0 && node->args[p].kind == ARG_INT)
        expr_is_int(node->args[p].expr, &b.padding);
    b.include_last = node_bool(node, "include_last_offset");
    TRY(operand_of(lo, w, &b.weight));
    TRY(operand_of(lo, indices, &b.indices));
    TRY(operand_of(lo, offsets, &b.offsets));
    if (samples)
        TRY(operand_of(lo, samples, &b.sample_weights));
    b.out = result_operand(lo, node, 0);
    k->bag = b;
    const Expr *sizes[3] = {b.n_bags, b.width};
    set_outer(lo, k, sizes, 2);
    add_kernel(lo, k, node);
    return NULL;
}

Error *lower_item(Lower *lo, Node *node)
{
    Value *in = node->args[0].value;
    TRY(realize_base(lo, in));
    Buffer *b = new_buffer(lo, BUFFER_TEMP, in->name, in->type.dtype, 0, NULL, NULL);
    TRY(store_value(lo, in, b));
    Step *s = ARENA_NEW(lo->ir->arena, Step);
    s->kind = STEP_SYMBOL;
    s->symbol = node->results[0]->symbol;
    s->flag = b;
    s->where = node->where;
    VEC_PUSH(lo->ir->arena, lo->block->steps, s);
    return NULL;
}

/* The count is the symbol of the result's first size; the kernel sets it and asks for the memory.
 */
Error *lower_nonzero(Lower *lo, Node *node)
{
    Ir         *ir = lo->ir;
    Value      *in = node->args[0].value, *out = node->results[0];
    Kernel     *k = new_kernel(lo, KERNEL_NONZERO, node);
    int         rank = in->type.rank;
    const Expr *count = out->type.sizes[0], *index[MAX_RANK];
    if (!rank)
        return lower_refuse(node, "a tensor without dims");
    if (count->kind != EXPR_SYMBOL || count->symbol->kind != SYM_UNBACKED)
        return lower_refuse(node, "a number of results that the export has fixed");
    ScalarPool *pool = scalar_pool_create(ir->exprs);
    Loop       *loop = new_loop(lo, LOOP_POINTWISE, rank, pool, node);
    for (int d = 0; d < rank; d++) {
        loop->sizes[d] = in->type.sizes[d];
        loop->vars[d] = expr_symbol_index(ir->exprs, "i", in->type.sizes[d]);
        index[d] = loop->vars[d]->self;
    }
    loop->value =
        scalar_cast(pool, DT_BOOL, load_element(lower_cx(lo, pool, node), in, index, NULL));
    if (lo->failed)
        return lo->failed;
    k->nonzero.source = loop;
    k->nonzero.count = count->symbol;
    k->nonzero.out = result_operand(lo, node, 0);
    add_kernel(lo, k, node);
    return NULL;
}

/* Memory that a copy between devices reads: all of a buffer that is pinned on the CPU (what the
 * caller gives is not), or any whole one on the GPU.  NULL: the value has none. */
static Buffer *copied_buffer(Lower *lo, const Value *value)
{
    Buffer *b = lowered(lo, value)->buffer;
    bool    is_pinned = b && (b->kind == BUFFER_TEMP || b->kind == BUFFER_STATE);
    bool    is_whole = b && b->strides && !b->panel && b->dtype == value->type.dtype &&
                    expr_is_value(b->offset, 0);
    return is_whole && (is_pinned || !lo->on_host) && b->kind != BUFFER_CONSTANT ? b : NULL;
}

/* aotc.move: a copy of a whole buffer, as it lies in memory. */
Error *lower_move(Lower *lo, Node *node)
{
    Value *in = node->args[0].value, *out = node->results[0];
    bool   to_host = lo->on_host;
    lo->on_host = !to_host;
    TRY(realize_base(lo, in));
    Buffer *from = copied_buffer(lo, in);
    if (!from) {
        from = new_buffer(lo, BUFFER_TEMP, in->name, in->type.dtype, in->type.rank, in->type.sizes,
                          NULL);
        TRY(store_value(lo, in, from));
    }
    lo->on_host = to_host;
    Buffer *to = new_buffer(lo, BUFFER_TEMP, out->name, out->type.dtype, out->type.rank,
                            out->type.sizes, from->strides);
    to->numel = from->numel;
    copy_step(lo, from, to, node->where);
    lowered(lo, out)->buffer = to;
    return NULL;
}
