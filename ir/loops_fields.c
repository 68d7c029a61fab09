/* What buffers, templates and kernels hold, field after field in the order of their text; see
 * loops_text.h.  A new field is one line here. */
#include "ir/loops_text.h"

#include <string.h>

const char *kernel_kind_name(KernelKind kind)
{
    static const char *const names[] = {
        [KERNEL_LOOPS] = "loops",
        [KERNEL_GEMM] = "gemm",
        [KERNEL_CONV] = "conv",
        [KERNEL_DEPTHWISE] = "depthwise",
        [KERNEL_ATTENTION] = "attention",
        [KERNEL_SCAN] = "scan",
        [KERNEL_SORT] = "sort",
        [KERNEL_LSTM] = "lstm",
        [KERNEL_GRU] = "gru",
        [KERNEL_PACK] = "pack",
        [KERNEL_PACK_CONV] = "pack_conv",
        [KERNEL_COPY] = "copy",
        [KERNEL_ITEM] = "item",
        [KERNEL_NONZERO] = "nonzero",
        [KERNEL_EMBEDDING_BAG] = "embedding_bag",
        [KERNEL_CALL] = "call",
        [KERNEL_CUSTOM] = "custom",
    };
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : NULL;
}

const char *const reduce_op_names[] = {"sum", "prod", "max",    "min",
                                       "any", "all",  "argmax", "argmin"};

const char *const sort_ties_names[N_TIES] = {"stable", "sort", "topk", "kth"};

/* An enum of any type as an int. */
#define CHOICE(io, name, names, n, value)                                                          \
    do {                                                                                           \
        int chosen = (int)(value);                                                                 \
        io_choice((io), (name), (names), (n), &chosen);                                            \
        (value) = chosen;                                                                          \
    } while (0)

/* ---- buffers --------------------------------------------------------------------------------- */

static bool is_row_major(PlanIo *io, const Buffer *b)
{
    if (b->rank > MAX_RANK)
        return false;
    TensorType plain = tensor_type(io->plan->ir, b->dtype, b->sizes, b->rank);
    for (int d = 0; d < b->rank; d++)
        if (!b->strides || plain.strides[d] != b->strides[d])
            return false;
    return true;
}

static void put_list(PlanIo *io, const Expr *const *items, int n, const char *open,
                     const char *close)
{
    text_put(io->out, open);
    for (int d = 0; d < n; d++) {
        text_put(io->out, d ? "," : "");
        put_expr(io, items[d]);
    }
    text_put(io->out, close);
}

/* Row-major strides are left out, and those of panels, which have none. */
static void put_buffer_type(PlanIo *io, const Buffer *b)
{
    text_put(io->out, dtype_name(b->dtype));
    put_list(io, b->sizes, b->rank, "[", "]");
    if (b->panel)
        text_printf(io->out, "/%d", b->panel);
    bool is_default = b->panel ? !b->strides : is_row_major(io, b);
    if (!is_default && b->strides)
        put_list(io, b->strides, b->rank, "{", "}");
    else if (!is_default)
        text_put(io->out, "{?}");
}

static void get_strides(PlanIo *io, Buffer *b)
{
    int n;
    b->strides = b->panel ? NULL : tensor_type(io->in.ir, b->dtype, b->sizes, b->rank).strides;
    if (io->error || *io->in.at != '{')
        return;
    io->in.at++;
    if (parse_accept(&io->in, "?")) {
        b->strides = NULL;
        io_fail(io, parse_expect(&io->in, "}"));
        return;
    }
    b->strides = get_exprs(io, "}", &n);
    if (!io->error && n != b->rank)
        io_fail(io, parse_fail(&io->in, "%d strides for %d dims before this", n, b->rank));
}

static void get_buffer_type(PlanIo *io, Buffer *b)
{
    const char *word = parse_word(&io->in);
    b->dtype = word ? dtype_parse(word) : DT_NONE;
    if (b->dtype == DT_NONE)
        io_fail(io, parse_fail(&io->in, "expected a type such as f32[2,3] before this"));
    else
        io_fail(io, parse_expect(&io->in, "["));
    b->sizes = get_exprs(io, "]", &b->rank);
    if (!io->error && b->rank > MAX_RANK)
        io_fail(io, parse_fail(&io->in, "more than %d dims before this", MAX_RANK));
    for (int d = 0; d < b->rank && !io->error; d++)
        if (b->sizes[d]->type != EXPR_TYPE_INT)
            io_fail(io, parse_fail(&io->in, "a size that is no integer before this"));
    if (io->error)
        return;
    if (*io->in.at == '/') {
        int64_t panel = 0;
        io->in.at++;
        io_fail(io, parse_int(&io->in, &panel));
        b->panel = panel > 0 && panel <= 64 ? (int)panel : 0;
        if (!b->panel)
            io_fail(io, parse_fail(&io->in, "no such panel before this"));
    }
    get_strides(io, b);
}

void io_buffer_type(PlanIo *io, Buffer *b)
{
    if (io->mode == IO_PRINT)
        put_buffer_type(io, b);
    else if (io->mode == IO_PARSE && !io->error)
        get_buffer_type(io, b);
}

static const char *const buffer_kinds[] = {
    [BUFFER_INPUT] = "input", [BUFFER_OUTPUT] = "output", [BUFFER_CONSTANT] = "constant",
    [BUFFER_STATE] = "state", [BUFFER_TEMP] = "temp",     [BUFFER_LOCAL] = "local",
};

static void io_buffer_kind(PlanIo *io, Buffer *b)
{
    if (io->mode == IO_PRINT) {
        io_put(io, buffer_kinds[b->kind]);
        return;
    }
    for (int i = 0; io->mode == IO_PARSE && i <= BUFFER_LOCAL; i++)
        if (parse_accept_word(&io->in, buffer_kinds[i])) {
            b->kind = (BufferKind)i;
            return;
        }
    io_fail(io, parse_fail(&io->in, "expected input, output, constant, state, temp or local"));
}

/* After the type: kind, place and life.  What is as in a fresh buffer is left out. */
void io_buffer_fields(PlanIo *io, Buffer *b)
{
    Ir         *ir = io->plan->ir;
    const Expr *plain = io->error ? NULL : expr_product(ir->exprs, b->sizes, b->rank);
    const Expr *zero = expr_int(ir->exprs, 0);
    const Expr *numel = b->numel == plain ? NULL : b->numel;
    const Expr *offset = b->offset == zero ? NULL : b->offset;
    io_buffer_kind(io, b);
    io_index(io, "slot", &b->slot);
    io_expr_if(io, "numel", &numel);
    io_expr_if(io, "offset", &offset);
    io_flag(io, "row", &b->is_row);
    io_flag(io, "host", &b->is_host);
    io_expr_if(io, "at", &b->arena_offset);
    if (b->kind == BUFFER_TEMP) {
        io_index(io, "from", &b->first_step);
        io_index(io, "to", &b->last_step);
    }
    b->numel = numel ? numel : plain;
    b->offset = offset ? offset : zero;
}

/* ---- templates ------------------------------------------------------------------------------- */

static bool is_panels(const Operand *o)
{
    return o->buffer && o->buffer->panel;
}

static void io_gemm(PlanIo *io, Gemm *g)
{
    io_dtype(io, "dtype", &g->dtype);
    io_dtype(io, "accumulate", &g->accumulate);
    io_exprs(io, "batch", &g->batch, &g->n_batch);
    io_expr(io, "m", &g->m);
    io_expr(io, "n", &g->n);
    io_expr(io, "k", &g->k);
    io_operand(io, "a", &g->a, g->n_batch + 2);
    io_packed(io, "b", &g->b, g->n_batch + 2, is_panels(&g->b));
}

static void io_conv(PlanIo *io, Conv *c)
{
    io_dtype(io, "dtype", &c->dtype);
    io_int(io, "spatial", &c->spatial);
    io_expr(io, "batch", &c->batch);
    io_expr(io, "in_d", &c->in[0]);
    io_expr(io, "in_h", &c->in[1]);
    io_expr(io, "in_w", &c->in[2]);
    io_expr(io, "out_d", &c->out[0]);
    io_expr(io, "out_h", &c->out[1]);
    io_expr(io, "out_w", &c->out[2]);
    io_int64s(io, "kernel", c->kernel, 3);
    io_int64s(io, "stride", c->stride, 3);
    io_int64s(io, "dilation", c->dilation, 3);
    io_int64s(io, "padding", c->padding, 3);
    io_int64(io, "groups", &c->groups);
    io_int64(io, "in_channels", &c->in_channels);
    io_int64(io, "out_channels", &c->out_channels);
    io_operand(io, "x", &c->x, 5);
    io_flag(io, "weight_strided", &c->weight_strided);
    io_packed(io, "weight", &c->weight, 5, !c->weight_strided);
}

static void io_attention(PlanIo *io, Attention *a)
{
    io_dtype(io, "dtype", &a->dtype);
    io_exprs(io, "batch", &a->batch, &a->n_batch);
    io_expr(io, "q_len", &a->q_len);
    io_expr(io, "kv_len", &a->kv_len);
    io_expr(io, "d", &a->d);
    io_expr(io, "dv", &a->dv);
    io_int64(io, "group", &a->group);
    io_double(io, "scale", &a->scale);
    io_flag(io, "causal", &a->causal);
    io_operand(io, "q", &a->q, a->n_batch + 2);
    io_operand(io, "k", &a->k, a->n_batch + 2);
    io_operand(io, "v", &a->v, a->n_batch + 2);
    io_loop(io, "mask", &a->mask, false);
}

static void io_scan(PlanIo *io, Scan *s)
{
    CHOICE(io, "reduce", reduce_op_names, N_REDUCE_OPS, s->reduce);
    io_flag(io, "log_sum_exp", &s->log_sum_exp);
    io_int(io, "n_outer", &s->n_outer);
    io_int(io, "axis", &s->axis);
    io_buffer_if(io, "indices", &s->indices);
    io_loop(io, "source", &s->source, true);
    io_loop_expr(io, "index", &s->index); /* of the source's variables */
}

static void io_sort(PlanIo *io, Sort *s)
{
    io_dtype(io, "dtype", &s->dtype);
    io_exprs(io, "outer", &s->outer, &s->n_outer);
    io_expr(io, "length", &s->length);
    io_expr(io, "keep", &s->keep);
    io_flag(io, "descending", &s->descending);
    io_expr_if(io, "skip", &s->skip);
    CHOICE(io, "ties", sort_ties_names, N_TIES, s->ties);
    io_flag(io, "sorted", &s->sorted);
    io_operand(io, "x", &s->x, s->n_outer + 1);
    io_operand_if(io, "values", &s->values, s->n_outer + 1);
    io_operand_if(io, "indices", &s->indices, s->n_outer + 1);
}

static void io_lstm(PlanIo *io, Lstm *l)
{
    io_dtype(io, "dtype", &l->dtype);
    io_expr(io, "steps", &l->steps);
    io_expr(io, "batch", &l->batch);
    io_int64(io, "input", &l->input);
    io_int64(io, "hidden", &l->hidden);
    io_flag(io, "reverse", &l->reverse);
    io_operand(io, "gates_x", &l->gates_x, 3);
    io_operand_if(io, "h0", &l->h0, 2);
    io_operand_if(io, "c0", &l->c0, 2);
    io_packed(io, "w_hh", &l->w_hh, 2, is_panels(&l->w_hh));
    io_operand_if(io, "b_hn", &l->b_hn, 1);
    io_operand_if(io, "out", &l->out, 3);
    io_operand_if(io, "h_n", &l->h_n, 2);
    io_operand_if(io, "c_n", &l->c_n, 2);
}

static void io_pack(PlanIo *io, Pack *p)
{
    io_expr(io, "n", &p->n);
    io_expr(io, "k", &p->k);
    io_operand(io, "from", &p->from, 2);
    io_buffer(io, "to", &p->to);
}

static void io_pack_conv(PlanIo *io, PackConv *p)
{
    io_int64(io, "groups", &p->groups);
    io_int64(io, "oc", &p->oc);
    io_int64(io, "ic", &p->ic);
    io_int64s(io, "kernel", p->kernel, 3);
    io_flag(io, "depthwise", &p->depthwise);
    io_flag(io, "plain", &p->plain);
    io_operand(io, "from", &p->from, 5);
    io_buffer(io, "to", &p->to);
}

static void io_embedding_bag(PlanIo *io, EmbeddingBag *b)
{
    static const char *const modes[] = {"sum", "mean", "max"};
    io_dtype(io, "dtype", &b->dtype);
    io_expr(io, "n_bags", &b->n_bags);
    io_expr(io, "n_indices", &b->n_indices);
    io_expr(io, "rows", &b->rows);
    io_expr(io, "width", &b->width);
    CHOICE(io, "mode", modes, 3, b->mode);
    io_int64(io, "padding", &b->padding);
    io_flag(io, "include_last", &b->include_last);
    io_operand(io, "weight", &b->weight, 2);
    io_operand(io, "indices", &b->indices, 1);
    io_operand(io, "offsets", &b->offsets, 1);
    io_operand_if(io, "sample_weights", &b->sample_weights, 1);
    io_operand(io, "out", &b->out, 2);
}

static void io_nonzero(PlanIo *io, Nonzero *n)
{
    io_symbol(io, "count", &n->count);
    io_operand(io, "out", &n->out, 2);
    io_loop(io, "source", &n->source, true);
}

/* Functions of fixed texts go by their name. */
typedef struct FindCall {
    const char     *name;
    const CallDesc *found;
} FindCall;

static void match_call(void *cx, const OpDesc *row)
{
    FindCall *find = cx;
    if (row->call && !find->found && !strcmp(row->call->function, find->name))
        find->found = row->call;
}

static void io_call_desc(PlanIo *io, const CallDesc **desc)
{
    const char *name = *desc ? (*desc)->function : NULL;
    io_string(io, "function", &name);
    if (io->mode != IO_PARSE || io->error || !name)
        return;
    FindCall find = {name, NULL};
    op_for_each(match_call, &find);
    *desc = find.found;
    if (!*desc)
        io_fail(io, parse_fail(&io->in, "there is no function %s", name));
}

enum { MAX_CALL_PARAMS = 8 };

/* Operands are whole tensors: any number of strides. */
static void io_call(PlanIo *io, Call *c)
{
    static const char *const in[MAX_CALL_TENSORS] = {"in0", "in1", "in2", "in3",
                                                     "in4", "in5", "in6", "in7"};
    static const char *const out[MAX_CALL_TENSORS] = {"out0", "out1", "out2", "out3",
                                                      "out4", "out5", "out6", "out7"};
    static const char *const item_in[MAX_CALL_TENSORS] = {"item_in0", "item_in1", "item_in2",
                                                          "item_in3", "item_in4", "item_in5",
                                                          "item_in6", "item_in7"};
    static const char *const item_out[MAX_CALL_TENSORS] = {"item_out0", "item_out1", "item_out2",
                                                           "item_out3", "item_out4", "item_out5",
                                                           "item_out6", "item_out7"};
    const Expr *const       *params = c->params;
    io_call_desc(io, &c->desc);
    io_dtype(io, "dtype", &c->dtype);
    io_exprs(io, "params", &params, &c->n_params);
    if (io->mode == IO_PARSE && c->n_params > MAX_CALL_PARAMS)
        io_fail(io, parse_fail(&io->in, "more than %d params before this", MAX_CALL_PARAMS));
    for (int i = 0; i < c->n_params && io->mode == IO_PARSE && !io->error; i++)
        c->params[i] = params[i];
    io_expr_if(io, "scratch_bytes", &c->scratch_bytes);
    io_int(io, "n_in", &c->n_in);
    io_int(io, "n_out", &c->n_out);
    for (int i = 0; i < MAX_CALL_TENSORS; i++) {
        io_operand_if(io, in[i], &c->in[i], c->in[i].n);
        io_expr_if(io, item_in[i], &c->item_in[i]);
    }
    for (int i = 0; i < MAX_CALL_TENSORS; i++) {
        io_operand_if(io, out[i], &c->out[i], c->out[i].n);
        io_expr_if(io, item_out[i], &c->item_out[i]);
    }
}

static void io_schema(PlanIo *io, const OpSchema **schema)
{
    const char *text = *schema ? (*schema)->text : NULL;
    io_string(io, "schema", &text);
    if (io->mode != IO_PARSE || io->error)
        return;
    if (text)
        io_fail(io, schema_add(io->in.ir, text, schema));
    else
        io_fail(io, parse_fail(&io->in, "expected the schema of a custom operator"));
}

static void io_custom_item(PlanIo *io, CustomItem *item)
{
    static const char *const kinds[] = {
        [CUSTOM_NONE] = "none",   [CUSTOM_TENSOR] = "tensor", [CUSTOM_INT] = "int",
        [CUSTOM_FLOAT] = "float", [CUSTOM_STRING] = "string", [CUSTOM_DTYPE] = "dtype",
        [CUSTOM_LIST] = "list"};
    CHOICE(io, "item", kinds, CUSTOM_LIST + 1, item->kind);
    if (item->kind == CUSTOM_NONE)
        io_word(io, "none");
    if (item->kind == CUSTOM_TENSOR) {
        io_exprs(io, "sizes", &item->sizes, &item->tensor.n);
        io_operand(io, "of", &item->tensor, item->tensor.n);
        io_flag(io, "written", &item->is_written);
        io_flag(io, "result", &item->is_result);
    }
    io_expr_if(io, "number", &item->number);
    io_double(io, "real", &item->real);
    io_string(io, "string", &item->string);
    io_dtype(io, "dtype", &item->dtype);
    io_int(io, "n", &item->n);
}

enum { MAX_CUSTOM_ITEMS = 4096 };

static void io_custom(PlanIo *io, Custom *c)
{
    io_schema(io, &c->schema);
    io_int(io, "items", &c->n_items);
    if (io->mode == IO_PARSE && (c->n_items < 0 || c->n_items > MAX_CUSTOM_ITEMS))
        io_fail(io, parse_fail(&io->in, "more than %d items before this", MAX_CUSTOM_ITEMS));
    if (io->mode == IO_PARSE)
        c->items = ARENA_ARRAY(io->arena, CustomItem, io->error ? 1 : c->n_items + 1);
    for (int i = 0; i < c->n_items && !io->error; i++)
        io_custom_item(io, &c->items[i]);
}

void io_template(PlanIo *io, Kernel *k)
{
    switch (k->kind) {
    case KERNEL_GEMM:
        io_gemm(io, &k->gemm);
        break;
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
        io_conv(io, &k->conv);
        break;
    case KERNEL_ATTENTION:
        io_attention(io, &k->attention);
        break;
    case KERNEL_SCAN:
        io_scan(io, &k->scan);
        break;
    case KERNEL_SORT:
        io_sort(io, &k->sort);
        break;
    case KERNEL_LSTM:
    case KERNEL_GRU:
        io_lstm(io, &k->lstm);
        break;
    case KERNEL_PACK:
        io_pack(io, &k->pack);
        break;
    case KERNEL_PACK_CONV:
        io_pack_conv(io, &k->pack_conv);
        break;
    case KERNEL_EMBEDDING_BAG:
        io_embedding_bag(io, &k->bag);
        break;
    case KERNEL_NONZERO:
        io_nonzero(io, &k->nonzero);
        break;
    case KERNEL_CALL:
        io_call(io, &k->call);
        break;
    case KERNEL_CUSTOM:
        io_custom(io, &k->custom);
        break;
    case KERNEL_LOOPS:
    case KERNEL_COPY:
    case KERNEL_ITEM:
        break;
    }
    io_buffer_if(io, "result", &k->result);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void io_schedule(PlanIo *io, Kernel *k)
{
    static const char *const shapes[] = {[CUDA_FLAT] = "flat",
                                         [CUDA_ROWS] = "rows",
                                         [CUDA_COLUMNS] = "columns",
                                         [CUDA_TILES] = "tiles"};
    io_flag(io, "host", &k->is_host);
    io_flag(io, "vector_is_outer", &k->vector_is_outer);
    io_int(io, "parallel", &k->parallel);
    CHOICE(io, "cuda_shape", shapes, CUDA_TILES + 1, k->cuda.shape);
    io_int(io, "threads", &k->cuda.threads);
    io_int(io, "row_threads", &k->cuda.row_threads);
    io_int(io, "vector", &k->cuda.vector);
    io_int(io, "chunks", &k->cuda.chunks);
    io_int(io, "split", &k->cuda.split);
    io_int(io, "tile", &k->cuda.tile);
    io_int(io, "tile_dim", &k->cuda.tile_dim);
    io_flag(io, "reads_ahead", &k->cuda.reads_ahead);
    io_flag(io, "keeps_fixed", &k->cuda.keeps_fixed);
    io_flag(io, "is_int32", &k->cuda.is_int32);
    io_flag(io, "is_impossible", &k->cuda.is_impossible);
    io_expr_if(io, "scratch", &k->scratch_bytes);
}

static void io_costs(PlanIo *io, Kernel *k)
{
    io_expr_if(io, "flops", &k->flops);
    io_expr_if(io, "bytes_read", &k->bytes_read);
    io_expr_if(io, "bytes_written", &k->bytes_written);
}

/* What messages and comments of emitted code say; the file is that of the whole plan. */
void io_where(PlanIo *io, Where *w)
{
    io_string(io, "node", &w->node);
    io_string(io, "op", &w->op);
    io_string(io, "python", &w->python);
    if (io->mode == IO_PARSE)
        w->file = io->in.ir->file;
}

/* One line each. */
void io_kernel_fields(PlanIo *io, Kernel *k)
{
    static void (*const lines[])(PlanIo *, Kernel *) = {io_schedule, io_costs};
    static const char *const names[] = {"run", "cost"};
    for (int i = 0; i < 2; i++) {
        if (io->mode == IO_PRINT) {
            text_putc(io->out, '\n');
            text_indent(io->out, 2);
            io->is_at_start = true;
        }
        io_word(io, names[i]);
        lines[i](io, k);
    }
    if (io->mode == IO_PRINT) {
        text_putc(io->out, '\n');
        text_indent(io->out, 2);
        io->is_at_start = true;
    }
    io_string(io, "nodes", &k->nodes);
    io_where(io, &k->where);
}
