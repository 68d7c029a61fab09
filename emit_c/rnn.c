/* LSTM and GRU layers: a call of runtime/rnn.c.inc. */
#include "emit_c/templates.h"

static void print_operand(Emit *e, const char *field, const Operand *o, const char *const *steps)
{
    if (!o->buffer)
        return;
    text_printf(e->out, "        .%s = %s,", field, emit_load_operand_base(e, o));
    for (int d = 0; d < o->n; d++)
        text_printf(e->out, " .%s%s = %s,", field, steps[d], emit_expr(e, o->strides[d]));
    text_put(e->out, "\n");
}

Error *emit_lstm(Emit *e, const Kernel *k)
{
    static const char *const three[] = {"_t", "_b", "_j"}, *const two[] = {"_b", "_j"},
                             *const one[] = {"_j"};
    const Lstm                     *s = &k->lstm;
    if (s->dtype != DT_F32)
        return emit_unsupported(e, k, "recurrent layers of %s", dtype_name(s->dtype));
    need_text(e, "rnn");
    emit_kernel_open(e, k);
    text_printf(e->out,
                "    const rt_rnn t_rnn = {\n        .steps = %s, .batch = %s, .hidden = %lld, "
                ".reverse = %d,\n",
                emit_expr(e, s->steps), emit_expr(e, s->batch), (long long)s->hidden, s->reverse);
    print_operand(e, "x", &s->gates_x, three);
    print_operand(e, "h0", &s->h0, two);
    print_operand(e, "c0", &s->c0, two);
    text_printf(e->out, "        .w = %s,\n", emit_buffer_name(e, s->w_hh.buffer));
    if (k->kind == KERNEL_GRU)
        print_operand(e, "b_hn", &s->b_hn, one);
    print_operand(e, "out", &s->out, three);
    print_operand(e, "h_n", &s->h_n, two);
    print_operand(e, "c_n", &s->c_n, two);
    text_put(e->out, "        .waiting = &f->barrier->waiting, .generation = "
                     "&f->barrier->generation,\n    };\n");
    text_printf(e->out, "    rt_rnn_run(&t_rnn, %d, thread, %s, " SCRATCH ");\n}\n\n",
                k->kind == KERNEL_GRU ? 3 : 4, thread_count(k));
    return NULL;
}
