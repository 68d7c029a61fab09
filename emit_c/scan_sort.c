/* Scans, sorts, top-k, nonzero, embedding bags: plain loops over rows. */
#include "emit_c/templates.h"

#include <string.h>

/* ---- scan ------------------------------------------------------------------------------------ */
/* Accumulators as in PyTorch's CPU kernels: double for float, float for f16 and bf16, wrapping
 * integers. */
static DType scan_dtype(DType dtype)
{
    return dtype == DT_F32 ? DT_F64 : dtype_compute(dtype);
}

static void print_step(Emit *e, const Scan *s, const char *type, bool is_float)
{
    Text       *t = e->out;
    const char *better = s->reduce == REDUCE_MAX ? ">=" : "<=";
    if (s->log_sum_exp)
        text_printf(
            t,
            "                const %s t_min = t_v != t_v || t_v < t_acc ? t_v : t_acc;\n"
            "                const %s t_max = t_v != t_v || t_v > t_acc ? t_v : t_acc;\n"
            "                if (t_min != t_max || t_min - t_min == 0)\n"
            "                    t_acc = __builtin_log1p(__builtin_exp(t_min - t_max)) + t_max;\n",
            type, type);
    else if (s->reduce == REDUCE_SUM)
        text_put(t, "                t_acc += t_v;\n");
    else if (s->reduce == REDUCE_PROD)
        text_put(t, "                t_acc *= t_v;\n");
    else if (!is_float)
        text_printf(t,
                    "                if (!t_at || t_v %s t_acc)\n                    t_acc = t_v, "
                    "t_best = t_at;\n",
                    better);
    else /* NaN wins and stays; among equals the last one */
        text_printf(t,
                    "                if (!t_at || t_v != t_v || (t_acc == t_acc && t_v %s t_acc))\n"
                    "                    t_acc = t_v, t_best = t_at;\n",
                    better);
}

Error *emit_scan(Emit *e, const Kernel *k)
{
    const Scan  *s = &k->scan;
    const Loop  *loop = s->source;
    Buffer      *out = loop->out ? loop->out : k->result;
    const char  *row = arena_printf(e->arena, "%s_row", emit_kernel_name(e, k));
    bool         positional = s->reduce == REDUCE_MAX || s->reduce == REDUCE_MIN;
    DType        dtype = positional ? dtype_compute(out->dtype) : scan_dtype(out->dtype);
    const char  *type = positional ? c_register_type(dtype) : c_accumulator_type(s->reduce, dtype);
    const char  *axis = loop->vars[s->axis]->name;
    const Expr **sizes = ARENA_ARRAY(e->arena, const Expr *, loop->n_dims + 1);
    const char **names = index_names(e, "", loop->n_dims);
    int          n = 0;
    Text        *t = e->out;
    for (int d = 0; d < loop->n_dims; d++)
        if (d != s->axis) {
            sizes[n] = loop->sizes[d];
            names[n++] = loop->vars[d]->name;
        }
    if (!type || dtype_info(out->dtype)->is_complex)
        return emit_unsupported(e, k, "scans of %s", dtype_name(out->dtype));
    TRY(emit_row_function(e, k, loop, s->axis, row));
    emit_kernel_open(e, k);
    emit_split(e, 1, k->parallel != 0, product_text(e, sizes, n), 1);
    text_put(t, "    for (int64_t t_r = lo; t_r < hi; t_r++) {\n");
    emit_decode(e, 2, "t_r", sizes, names, n);
    text_printf(t, "        %s t_acc = %s;\n        int64_t t_best = 0;\n        (void)t_best;\n",
                type,
                s->log_sum_exp             ? "-__builtin_inf()"
                : s->reduce == REDUCE_PROD ? "1"
                                           : "0");
    text_printf(t,
                "        for (int64_t t_from = 0; t_from < %s; t_from += 64) {\n            %s "
                "t_row[64];\n",
                emit_expr(e, loop->sizes[s->axis]), c_register_type(loop->value->dtype));
    text_printf(
        t,
        "            const int64_t t_n = %s - t_from < 64 ? %s - t_from : 64;\n            %s(f, ",
        emit_expr(e, loop->sizes[s->axis]), emit_expr(e, loop->sizes[s->axis]), row);
    for (int d = 0; d < n; d++)
        text_printf(t, "%s, ", names[d]);
    text_printf(
        t,
        "t_from, t_n, t_row);\n            for (int64_t t_j = 0; t_j < t_n; t_j++) {\n"
        "                const int64_t t_at = t_from + t_j, %s = t_at;\n                (void)%s;\n"
        "                const %s t_v = (%s)t_row[t_j];\n",
        axis, axis, type, type);
    print_step(e, s, type, dtype_is_float(dtype));
    text_printf(t, "                %s[%s] = %s;\n", emit_buffer_name(e, out),
                emit_expr(e, s->index),
                c_store(e->arena, out->dtype,
                        arena_printf(e->arena, "(%s)t_acc", c_register_type(out->dtype))));
    if (s->indices)
        text_printf(t, "                %s[%s] = t_best;\n", emit_buffer_name(e, s->indices),
                    emit_expr(e, s->index));
    text_put(t, "            }\n        }\n    }\n}\n\n");
    return NULL;
}

/* ---- sort, topk ------------------------------------------------------------------------------ */
static const char *key_text(Emit *e, DType dtype, const char *element)
{
    const DTypeInfo *info = dtype_info(dtype);
    const char      *kind = info->is_float ? "float" : info->is_signed ? "signed" : "unsigned";
    return arena_printf(e->arena, "rt_key_%s(%s)", kind, c_load(e->arena, dtype, element));
}

/* The call that brings the kept items to the front. */
static const char *sort_call(Emit *e, const Sort *s, const char *length, const char *keep)
{
    switch (s->ties) {
    case TIES_SORT:
        return arena_printf(e->arena, "rt_sort_as_eager(t_items, %s)", length);
    case TIES_TOPK:
        return arena_printf(e->arena, "rt_topk_as_eager(t_items, %s, %s, %d)", length, keep,
                            s->sorted);
    case TIES_KTH:
        return arena_printf(e->arena, "rt_kth_as_eager(t_items, %s, %s)", length, keep);
    default:
        return arena_printf(e->arena, "rt_sort_first(t_items, t_items + %s, %s, %s)", length,
                            length, keep);
    }
}

Error *emit_sort(Emit *e, const Kernel *k)
{
    const Sort  *s = &k->sort;
    const char **names = index_names(e, "t_o", s->n_outer);
    const char  *length = emit_expr(e, s->length), *keep = emit_expr(e, s->keep);
    const char  *type = c_storage_type(s->dtype);
    int          n = s->n_outer;
    Text        *t = e->out;
    if (!type || dtype_info(s->dtype)->is_complex)
        return emit_unsupported(e, k, "sorts of %s", dtype_name(s->dtype));
    need_text(e, "scan_sort");
    emit_kernel_open(e, k);
    emit_split(e, 1, k->parallel != 0, product_text(e, s->outer, n), 1);
    text_put(t, "    rt_item *const t_items = (rt_item *)(f->scratch + (uint64_t)thread * "
                "f->scratch_bytes);\n"
                "    for (int64_t t_r = lo; t_r < hi; t_r++) {\n");
    emit_decode(e, 2, "t_r", s->outer, names, n);
    text_printf(t,
                "        const %s *t_x = %s;\n        for (int64_t t_i = 0; t_i < %s; t_i++) {\n",
                type, operand_at(e, &s->x, names, n), length);
    text_printf(
        t,
        "            t_items[t_i].key = %s%s;\n            t_items[t_i].index = t_i;\n        }\n",
        s->descending ? "~" : "",
        key_text(e, s->dtype,
                 arena_printf(e->arena, "t_x[t_i * (%s)]", emit_expr(e, s->x.strides[n]))));
    text_printf(t, "        %s;\n", sort_call(e, s, length, keep));
    const char *skip = s->skip ? emit_expr(e, s->skip) : "0";
    text_printf(t, "        for (int64_t t_i = %s; t_i < %s; t_i++) {\n", skip, keep);
    const char *at = s->skip ? arena_printf(e->arena, "(t_i - (%s))", skip) : "t_i";
    if (s->values.buffer)
        text_printf(t, "            (%s)[%s * (%s)] = t_x[t_items[t_i].index * (%s)];\n",
                    operand_at(e, &s->values, names, n), at, emit_expr(e, s->values.strides[n]),
                    emit_expr(e, s->x.strides[n]));
    if (s->indices.buffer)
        text_printf(t, "            (%s)[%s * (%s)] = t_items[t_i].index;\n",
                    operand_at(e, &s->indices, names, n), at, emit_expr(e, s->indices.strides[n]));
    text_put(t, "        }\n    }\n}\n\n");
    return NULL;
}

/* ---- nonzero: counted, allocated, written, by thread 0 --------------------------------------- */
static void open_rows(Emit *e, const Loop *loop, const char *row, const char *const *names)
{
    int   n = loop->n_dims - 1;
    Text *t = e->out;
    text_printf(t, "        for (int64_t t_r = 0; t_r < %s; t_r++) {\n",
                product_text(e, loop->sizes, n));
    emit_decode(e, 3, "t_r", loop->sizes, names, n);
    text_printf(t,
                "            for (int64_t t_from = 0; t_from < %s; t_from += 64) {\n               "
                " int t_row[64];\n",
                emit_expr(e, loop->sizes[n]));
    text_printf(t,
                "                const int64_t t_n = %s - t_from < 64 ? %s - t_from : 64;\n        "
                "        %s(f, ",
                emit_expr(e, loop->sizes[n]), emit_expr(e, loop->sizes[n]), row);
    for (int d = 0; d < n; d++)
        text_printf(t, "%s, ", names[d]);
    text_put(t,
             "t_from, t_n, t_row);\n                for (int64_t t_j = 0; t_j < t_n; t_j++) {\n");
}

Error *emit_nonzero(Emit *e, const Kernel *k)
{
    const Nonzero *z = &k->nonzero;
    const Loop    *loop = z->source;
    const char    *row = arena_printf(e->arena, "%s_row", emit_kernel_name(e, k));
    const char   **names = index_names(e, "t_d", loop->n_dims);
    int            slot = emit_symbol_slot(e, z->count);
    Text          *t = e->out;
    if (loop->value->dtype != DT_BOOL || loop->n_dims < 1 || slot < 0)
        return emit_unsupported(e, k, "nonzero of this form");
    TRY(emit_row_function(e, k, loop, loop->n_dims - 1, row));
    emit_kernel_open(e, k);
    text_put(t, "    if (thread)\n        return;\n    int64_t t_count = 0;\n    {\n");
    open_rows(e, loop, row, names);
    text_put(t, "                    t_count += t_row[t_j] != 0;\n                }\n            "
                "}\n        }\n    }\n");
    text_printf(t,
                "    f->sym[%d] = t_count;\n    {\n        const int64_t %s = t_count;\n        "
                "(void)%s;\n",
                slot, z->count->name, z->count->name);
    emit_allocate(e, z->out.buffer, 2);
    text_printf(t, "        int64_t *t_out = (int64_t *)%s + (%s);\n        int64_t t_at = 0;\n",
                emit_address(e, z->out.buffer), emit_expr(e, z->out.offset));
    open_rows(e, loop, row, names);
    text_put(t, "                    if (!t_row[t_j])\n                        continue;\n");
    for (int d = 0; d < loop->n_dims; d++)
        text_printf(t, "                    t_out[t_at * (%s) + %d * (%s)] = %s;\n",
                    emit_expr(e, z->out.strides[0]), d, emit_expr(e, z->out.strides[1]),
                    d == loop->n_dims - 1 ? "t_from + t_j" : names[d]);
    text_put(
        t,
        "                    t_at++;\n                }\n            }\n        }\n    }\n}\n\n");
    return NULL;
}

/* ---- embedding bag --------------------------------------------------------------------------- */
static void print_bag_row(Emit *e, const Kernel *k)
{
    const EmbeddingBag *b = &k->bag;
    const char         *at_index[1] = {"t_j"}, *at_row[2] = {"t_row", "t_e + t_i"};
    const char         *type = c_register_type(dtype_compute(b->dtype));
    Text               *t = e->out;
    text_printf(t, "                const int64_t t_row = (%s)[%s];\n",
                emit_load_operand_base(e, &b->indices), strided_index(e, &b->indices, at_index, 1));
    if (b->padding >= 0)
        text_printf(t, "                if (t_row == %lld)\n                    continue;\n",
                    (long long)b->padding);
    text_printf(t, "                if (t_row < 0 || t_row >= %s) {\n", emit_expr(e, b->rows));
    text_printf(t,
                "                    f->failure->kernel = %d, f->failure->value = t_row;\n"
                "                    f->failure->bound = %s;\n"
                "                    __atomic_store_n(&f->failure->code, AOTC_FAIL_INDEX, "
                "__ATOMIC_RELEASE);\n"
                "                    continue;\n                }\n",
                k->id, emit_expr(e, b->rows));
    text_printf(t,
                "                for (int64_t t_i = 0; t_i < t_n; t_i++) {\n                    %s "
                "t_v = %s;\n",
                type,
                c_load(e->arena, b->dtype,
                       arena_printf(e->arena, "(%s)[%s]", emit_load_operand_base(e, &b->weight),
                                    strided_index(e, &b->weight, at_row, 2))));
    if (b->sample_weights.buffer)
        text_printf(
            t, "                    t_v *= %s;\n",
            c_load(e->arena, b->sample_weights.buffer->dtype,
                   arena_printf(e->arena, "(%s)[%s]", emit_load_operand_base(e, &b->sample_weights),
                                strided_index(e, &b->sample_weights, at_index, 1))));
    text_printf(
        t, "                    t_acc[t_i] = %s;\n                }\n                t_used++;\n",
        b->mode == 2 ? "!t_used || t_v > t_acc[t_i] || t_v != t_v ? t_v : t_acc[t_i]"
                     : "t_acc[t_i] + t_v");
}

Error *emit_embedding_bag(Emit *e, const Kernel *k)
{
    const EmbeddingBag *b = &k->bag;
    const char *bag[1] = {"t_bag"}, *next[1] = {"(t_bag + 1)"}, *at_out[2] = {"t_bag", "t_e + t_i"};
    const char *offsets = emit_load_operand_base(e, &b->offsets), *width = emit_expr(e, b->width);
    const char *type = c_register_type(dtype_compute(b->dtype));
    Text       *t = e->out;
    if (!dtype_is_float(b->dtype))
        return emit_unsupported(e, k, "embedding bags of %s", dtype_name(b->dtype));
    emit_kernel_open(e, k);
    emit_split(e, 1, k->parallel != 0, emit_expr(e, b->n_bags), 1);
    text_put(t, "    for (int64_t t_bag = lo; t_bag < hi; t_bag++) {\n");
    text_printf(t, "        const int64_t t_first = (%s)[%s];\n", offsets,
                strided_index(e, &b->offsets, bag, 1));
    if (b->include_last)
        text_printf(t, "        int64_t t_end = (%s)[%s];\n", offsets,
                    strided_index(e, &b->offsets, next, 1));
    else
        text_printf(t, "        int64_t t_end = t_bag + 1 < %s ? (int64_t)(%s)[%s] : %s;\n",
                    emit_expr(e, b->n_bags), offsets, strided_index(e, &b->offsets, next, 1),
                    emit_expr(e, b->n_indices));
    text_printf(t, "        t_end = t_end < %s ? t_end : %s;\n", emit_expr(e, b->n_indices),
                emit_expr(e, b->n_indices));
    text_printf(t, "        for (int64_t t_e = 0; t_e < %s; t_e += 256) {\n", width);
    text_printf(t, "            const int64_t t_n = %s - t_e < 256 ? %s - t_e : 256;\n", width,
                width);
    text_printf(t, "            %s t_acc[256] = {0};\n            int64_t t_used = 0;\n", type);
    text_put(t,
             "            for (int64_t t_j = t_first < 0 ? 0 : t_first; t_j < t_end; t_j++) {\n");
    print_bag_row(e, k);
    text_put(t, "            }\n            for (int64_t t_i = 0; t_i < t_n; t_i++)\n");
    const char *value = b->mode == 1
                            ? arena_printf(e->arena, "(t_used ? t_acc[t_i] / (%s)t_used : 0)", type)
                            : "t_acc[t_i]";
    text_printf(t, "                (%s)[%s] = %s;\n        }\n    }\n}\n\n",
                emit_load_operand_base(e, &b->out), strided_index(e, &b->out, at_out, 2),
                c_store(e->arena, b->dtype, value));
    return NULL;
}
