/* CALL kernels: the same function of a fixed text that the CPU calls, by a thread for each item of
 * the batch (Fourier transforms), or, where the text is written for lanes (factorizations), by a
 * block for each item.
 *
 *   const int64_t t_b = blockIdx.x * (int64_t)32 + threadIdx.x;     or   = blockIdx.x;
 *   const void *const t_in[] = {re + t_b * (64), im + t_b * (64), w};
 *   rt_fft_f32(t_params, t_in, t_out, scratch + t_b * bytes); */
#include "emit_cuda/cuda_internal.h"

#include <string.h>

/* Items take long and are few: small blocks reach more multiprocessors. */
#define BLOCK 32
/* AOTC_LANES of runtime/lanes.cu.inc. */
#define LANES 128

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
    const char *scratch = "0";
    const int   per_block = call->desc->has_lanes ? 1 : BLOCK;
    const int   threads = call->desc->has_lanes ? LANES : BLOCK;
    text_printf(&body, "    const int64_t t_b = %s;\n",
                call->desc->has_lanes
                    ? "blockIdx.x"
                    : arena_printf(e->arena, "blockIdx.x * (int64_t)%d + threadIdx.x", BLOCK));
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
    TRY(cuda_function(
        c, &(CudaFunction){.body = body.data, .threads = threads, .no_restrict = true}, &handle));
    CudaLaunch launch = {.grid = {arena_printf(e->arena, "(%s + %d) / %d", emit_expr(e, items),
                                               per_block - 1, per_block)},
                         .block = {arena_printf(e->arena, "%d", threads)}};
    cuda_launch(c, &handle, &launch, 1);
    return NULL;
}
