/* CALL kernels: a thread for each item of the batch calls the same function of a fixed text that
 * the CPU calls (Fourier transforms).  Simple and right; an item is not shared among threads.
 *
 *   const int64_t t_b = blockIdx.x * (int64_t)64 + threadIdx.x;
 *   const void *const t_in[] = {re + t_b * (64), im + t_b * (64), w};
 *   rt_fft_f32(t_params, t_in, t_out, scratch + t_b * bytes); */
#include "emit_cuda/cuda_internal.h"

#include <string.h>

/* Items take long and are few: small blocks reach more multiprocessors. */
#define BLOCK 32

static void print_items(CudaEmit *c, Text *t, const char *head, const Operand *operands,
                        const Expr *const *items, int n)
{
    text_printf(t, "    %s[] = {", head);
    for (int i = 0; i < n; i++) {
        text_printf(t, "%s%s", i ? ", " : "", emit_load_operand_base(&c->e, &operands[i]));
        if (!expr_is_value(items[i], 0))
            text_printf(t, " + t_b * (%s)", emit_expr(&c->e, items[i]));
    }
    text_put(t, "};\n");
}

Error *cuda_emit_call(CudaEmit *c, const Kernel *k)
{
    Emit       *e = &c->e;
    ExprPool   *p = e->exprs;
    const Call *call = &k->call;
    Text        body = text_new(e->arena);
    const Expr *items = expr_product(p, k->outer_sizes, k->n_outer), *line = expr_int(p, 64);
    CudaHandle  handle = {0};
    if (call->dtype != DT_F32 && call->dtype != DT_F64)
        return emit_unsupported(e, k, "%s of %s", call->desc->function, dtype_name(call->dtype));
    const char *scratch = "0";
    text_printf(&body, "    const int64_t t_b = blockIdx.x * (int64_t)%d + threadIdx.x;\n", BLOCK);
    text_printf(&body, "    if (t_b >= %s)\n        return;\n", emit_expr(e, items));
    text_put(&body, "    const int64_t t_params[] = {0");
    for (int i = 0; i < call->n_params; i++)
        text_printf(&body, ", %s", emit_expr(e, call->params[i]));
    text_put(&body, "};\n");
    print_items(c, &body, "const void *const t_in", call->in, call->item_in, call->n_in);
    print_items(c, &body, "void *const t_out", call->out, call->item_out, call->n_out);
    if (call->scratch_bytes) {
        const Expr *each = expr_mul(p, expr_ceildiv(p, call->scratch_bytes, line), line);
        cuda_need_scratch(c, expr_mul(p, items, each));
        scratch = arena_printf(e->arena, "scratch + t_b * (%s)", emit_expr(e, each));
    }
    text_printf(&body, "    %s_%s(t_params + 1, t_in, t_out, (%s *)(%s));\n", call->desc->function,
                dtype_name(call->dtype), c_storage_type(call->dtype), scratch);
    cuda_need(c, call->desc->text);
    TRY(cuda_function(c, &(CudaFunction){.body = body.data, .threads = BLOCK, .no_restrict = true},
                      &handle));
    CudaLaunch launch = {
        .grid = {arena_printf(e->arena, "(%s + %d) / %d", emit_expr(e, items), BLOCK - 1, BLOCK)},
        .block = {arena_printf(e->arena, "%d", BLOCK)}};
    cuda_launch(c, &handle, &launch, 1);
    return NULL;
}
