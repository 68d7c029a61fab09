/* Nonzero: counts of parts, their sums, a read of the number by the host, memory for the result,
 * the places.  The number becomes the kernel's symbol. */
#include "emit_cuda/element.h"

#include "emit_c/templates.h"

#define PARTS 1024 /* AOTC_SELECT_PARTS */

static Error *print_is_set(CudaEmit *c, const Loop *loop)
{
    Text *t = c->e.out;
    text_printf(t, "    aotc_select_size t_s;\n    t_s.total = %s;\n    t_s.part = t_part;\n",
                product_text(&c->e, loop->sizes, loop->n_dims));
    text_put(t, "    const auto t_is_set = [&](int64_t t_i) -> bool {\n");
    cuda_element_decode(c, 2, "t_i", loop->vars, loop->sizes, loop->n_dims);
    TRY(cuda_element_value(c, loop, 2));
    text_put(t, "    };\n");
    return NULL;
}

static Error *count_body(CudaEmit *c, const Nonzero *z)
{
    TRY(print_is_set(c, z->source));
    text_put(c->e.out, "    aotc_select_count(t_s, (int64_t *)scratch, t_is_set);\n");
    return NULL;
}

static Error *sum_body(CudaEmit *c, const Nonzero *z)
{
    (void)z;
    text_put(c->e.out, "    aotc_select_sum(t_parts, (int64_t *)scratch);\n");
    return NULL;
}

static Error *put_body(CudaEmit *c, const Nonzero *z)
{
    Emit        *e = &c->e;
    int          n = z->source->n_dims;
    const char **names = index_names(e, "t_d", n);
    TRY(print_is_set(c, z->source));
    text_put(e->out, "    const auto t_put = [&](int64_t t_n, int64_t t_i) {\n");
    emit_decode(e, 2, "t_i", z->source->sizes, names, n);
    text_printf(e->out, "        int64_t *const t_to = %s + t_n * (%s);\n",
                emit_load_operand_base(e, &z->out), emit_expr(e, z->out.strides[0]));
    for (int d = 0; d < n; d++)
        text_printf(e->out, "        t_to[%d * (%s)] = %s;\n", d, emit_expr(e, z->out.strides[1]),
                    names[d]);
    text_put(e->out,
             "    };\n    aotc_select_put(t_s, (const int64_t *)scratch, t_is_set, t_put);\n");
    return NULL;
}

static Error *make(CudaEmit *c, const Kernel *k, const char *suffix, int threads,
                   Error *(*print)(CudaEmit *c, const Nonzero *z), CudaHandle *handle)
{
    static const CudaField fields[] = {{"int64_t", "t_part", "t_part"},
                                       {"int64_t", "t_parts", "t_parts"}};
    bool                   is_sum = print == sum_body;
    CudaFunction           f = {
                  .suffix = suffix, .threads = threads, .fields = fields + is_sum, .n_fields = 1};
    Text body = text_new(c->e.arena), *out = c->e.out;
    c->e.out = &body;
    Error *error = print(c, &k->nonzero);
    c->e.out = out;
    if (error)
        return error;
    f.body = body.data;
    cuda_need(c, "select");
    return cuda_function(c, &f, handle);
}

/* The number comes to the host; the result's memory is asked for between two launches, so its
 * address is taken anew. */
static void print_allocation(CudaEmit *c, const Kernel *k)
{
    const Nonzero *z = &k->nonzero;
    Emit          *e = &c->e;
    Text          *t = c->launch, *out = e->out;
    text_printf(t,
                "    int64_t t_count = 0;\n"
                "    if (!f->cuda->read(f, &t_count, f->scratch + %d, sizeof t_count))\n"
                "        return;\n    f->sym[%d] = t_count;\n    {\n"
                "    const int64_t %s = t_count;\n    (void)%s;\n",
                8 * PARTS, emit_symbol_slot(e, z->count), z->count->name, z->count->name);
    e->out = t;
    emit_allocate(e, z->out.buffer, 1);
    e->out = out;
    text_put(t, "    }\n");
    if (emit_is_late(z->out.buffer))
        text_printf(t, "    if (!%s)\n        return;\n", emit_address(e, z->out.buffer));
}

Error *cuda_emit_nonzero(CudaEmit *c, const Kernel *k)
{
    const Nonzero *z = &k->nonzero;
    const Loop    *loop = z->source;
    CudaHandle     count = {0}, sum = {0}, put = {0};
    if (loop->value->dtype != DT_BOOL || loop->n_dims < 1 || emit_symbol_slot(&c->e, z->count) < 0)
        return emit_unsupported(&c->e, k, "nonzero of this form");
    cuda_need_scratch(c, expr_int(c->e.exprs, 8 * (PARTS + 1)));
    TRY(make(c, k, "_count", 256, count_body, &count));
    TRY(make(c, k, "_sum", PARTS, sum_body, &sum));
    TRY(make(c, k, "", 256, put_body, &put));
    text_printf(c->launch,
                "    const int64_t t_total = %s;\n"
                "    int64_t t_parts = (t_total + 1023) / 1024;\n"
                "    t_parts = t_parts < %d ? t_parts : %d;\n"
                "    const int64_t t_part = t_parts ? (t_total + t_parts - 1) / t_parts : 1;\n",
                product_text(&c->e, loop->sizes, loop->n_dims), PARTS, PARTS);
    CudaLaunch parts = {.grid[0] = "t_parts", .block[0] = "256"};
    cuda_launch(c, &count, &parts, 1);
    cuda_launch(c, &sum, &(CudaLaunch){.block[0] = "1024"}, 1);
    print_allocation(c, k);
    cuda_launch(c, &put, &parts, 1);
    return NULL;
}
