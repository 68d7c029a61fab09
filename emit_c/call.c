/* CALL kernels: a function of a fixed text for each item of the batch, the items split over
 * threads.
 *
 *   const int64_t t_params[] = {64, 0};
 *   for (int64_t t_b = lo; t_b < hi; t_b++) {
 *       const void *const t_in[] = {re + t_b * (64), im + t_b * (64), w};
 *       void *const t_out[] = {out_re + t_b * (64), out_im + t_b * (64)};
 *       rt_fft_f32(t_params, t_in, t_out, scratch);
 *   } */
#include "emit_c/templates.h"

static void print_items(Emit *e, const char *head, const Operand *operands,
                        const Expr *const *items, int n)
{
    text_printf(e->out, "        %s[] = {", head);
    for (int i = 0; i < n; i++) {
        text_printf(e->out, "%s%s", i ? ", " : "", emit_load_operand_base(e, &operands[i]));
        if (!expr_is_value(items[i], 0))
            text_printf(e->out, " + t_b * (%s)", emit_expr(e, items[i]));
    }
    text_put(e->out, "};\n");
}

Error *emit_call(Emit *e, const Kernel *k)
{
    const Call *c = &k->call;
    need_text(e, c->desc->text);
    emit_kernel_open(e, k);
    text_put(e->out, "    const int64_t t_params[] = {0");
    for (int i = 0; i < c->n_params; i++)
        text_printf(e->out, ", %s", emit_expr(e, c->params[i]));
    text_put(e->out, "};\n");
    emit_split(e, 1, k->parallel != 0, product_text(e, k->outer_sizes, k->n_outer), 1);
    text_put(e->out, "    for (int64_t t_b = lo; t_b < hi; t_b++) {\n");
    print_items(e, "const void *const t_in", c->in, c->item_in, c->n_in);
    print_items(e, "void *const t_out", c->out, c->item_out, c->n_out);
    text_printf(e->out, "        %s_%s(t_params + 1, t_in, t_out, " SCRATCH ");\n    }\n}\n\n",
                c->desc->function, dtype_name(c->dtype));
    return NULL;
}
