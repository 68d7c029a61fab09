/* The run function of a plan: every thread goes through all steps; barriers stand where data
 * crosses threads.
 *
 *   static void run(const aotc_model_frame *f, int32_t thread)
 *   {
 *       k0_fused_add(f, thread);
 *       aotc_barrier(f);
 *       k1_gemm(f, thread);
 *   }
 * All threads take the same way: what conditions read was written before a barrier, and is not
 * written again before all have read it. */
#include "emit_c/host.h"
#include "emit_c/nest.h"

void host_line(Emit *e, int indent, const char *text)
{
    text_indent(e->out, indent);
    text_put(e->out, text);
    text_putc(e->out, '\n');
}

static const char *frame_symbol(void *cx, const Symbol *symbol)
{
    Emit *e = cx;
    int   slot = emit_symbol_slot(e, symbol);
    if (symbol->type == EXPR_TYPE_FLOAT)
        return arena_printf(e->arena, "aotc_sym_float(f->sym[%d])", slot);
    return arena_printf(e->arena, "f->sym[%d]", slot);
}

const char *host_expr(Emit *e, const Expr *expr)
{
    Text text = text_new(e->arena);
    c_print_expr(&text, expr, &(CExprStyle){frame_symbol, e, false});
    return text.data;
}

/* Address of the buffer's first element, sizes from the frame. */
const char *host_address(Emit *e, const Buffer *b)
{
    const char   *base = NULL;
    const Buffer *root = b;
    while (root->alias)
        root = root->alias;
    if (root->kind == BUFFER_TEMP && root->arena_offset && !emit_is_late(root))
        base = arena_printf(e->arena, "(f->%s + %s)", emit_arena(e, root),
                            host_expr(e, root->arena_offset));
    else
        base = emit_address(e, b);
    if (!b->offset || expr_is_value(b->offset, 0))
        return base;
    const char *cast = b->kind == BUFFER_CONSTANT ? "const unsigned char" : "unsigned char";
    return arena_printf(e->arena, "((%s *)%s + %s*%d)", cast, base, host_expr(e, b->offset),
                        dtype_size(b->dtype));
}

const char *host_element(Emit *e, const Buffer *b)
{
    const char *pointer =
        arena_printf(e->arena, "(*(const %s *)%s)", c_storage_type(b->dtype), host_address(e, b));
    return c_load(e->arena, b->dtype, pointer);
}

/* ---- memory that the run asks for ------------------------------------------------------------ */
static const char *late_pointer(Emit *e, const Buffer *b)
{
    return emit_address(e, b);
}

static void print_allocation(Emit *e, const Buffer *b, int indent)
{
    Text lines = text_new(e->arena), *out = e->out;
    e->out = &lines;
    emit_allocate(e, b, indent + 1);
    e->out = out;
    host_line(e, indent, "if (thread == 0) {");
    emit_used_symbols(e, lines.data, indent + 1, "f");
    text_put(e->out, lines.data);
    host_line(e, indent, "}");
}

void host_check_allocated(Emit *e, const Buffer *b, int indent)
{
    text_indent(e->out, indent);
    text_printf(e->out, "if (!%s)\n", late_pointer(e, b));
    host_line(e, indent + 1, "return;");
}

static const Buffer *memory_of(const Buffer *b)
{
    while (b->alias)
        b = b->alias;
    return b;
}

static bool wants_memory(const Emit *e, const Buffer *b)
{
    if (!b || !emit_is_late(b))
        return false;
    for (int i = 0; i < e->allocated.n; i++)
        if (e->allocated.items[i].root == memory_of(b) && !e->allocated.items[i].elsewhere)
            return false;
    return true;
}

void host_note_allocated(Emit *e, const Buffer *b)
{
    VEC_PUSH(e->arena, e->allocated, ((LateBuffer){memory_of(b), false}));
}

int host_branch(Emit *e)
{
    return e->allocated.n;
}

void host_other_branch(Emit *e, int mark)
{
    for (int i = mark; i < e->allocated.n; i++)
        e->allocated.items[i].elsewhere = true;
}

void host_join(Emit *e, int mark)
{
    for (int i = mark; i < e->allocated.n; i++)
        e->allocated.items[i].elsewhere = false;
}

/* Before the first step that writes it: a scatter into what an earlier step has filled keeps the
 * memory. */
void host_allocate_before(Emit *e, Buffer *const *buffers, int n, int indent)
{
    VEC(const Buffer *) late = {0};
    for (int i = 0; i < n; i++)
        if (wants_memory(e, buffers[i])) {
            VEC_PUSH(e->arena, late, buffers[i]);
            host_note_allocated(e, buffers[i]);
        }
    if (!late.n)
        return;
    for (int i = 0; i < late.n; i++)
        print_allocation(e, late.items[i], indent);
    host_line(e, indent, "aotc_barrier(f);");
    for (int i = 0; i < late.n; i++)
        host_check_allocated(e, late.items[i], indent);
}

/* ---- steps ----------------------------------------------------------------------------------- */
static void print_profile(Emit *e, int kernel, int indent)
{
    host_line(e, indent, "if (f->profile) {");
    host_line(e, indent + 1, "aotc_barrier(f);");
    host_line(e, indent + 1, "if (thread == 0)");
    text_indent(e->out, indent + 2);
    text_printf(e->out, "f->host->profile(f, %d);\n", kernel);
    host_line(e, indent, "}");
}

static const char *bound_text(Emit *e, int64_t bound)
{
    if (bound == INT64_MIN || bound == INT64_MAX)
        return bound < 0 ? "-inf" : "inf";
    return arena_printf(e->arena, "%lld", (long long)bound);
}

/* The export takes the range of a symbol for granted: what sets it checks it. All threads see the
 * same value. */
void host_range_check(Emit *e, const Symbol *symbol, int indent)
{
    int  slot = emit_symbol_slot(e, symbol);
    Text test = text_new(e->arena);
    if (symbol->type == EXPR_TYPE_FLOAT)
        return;
    if (symbol->min != INT64_MIN)
        text_printf(&test, "f->sym[%d] < %lld", slot, (long long)symbol->min);
    if (symbol->max != INT64_MAX)
        text_printf(&test, "%sf->sym[%d] > %lld", test.n ? " || " : "", slot,
                    (long long)symbol->max);
    if (!test.n)
        return;
    text_indent(e->out, indent);
    text_printf(e->out, "if (%s) {\n", test.data);
    const char *range = arena_printf(e->arena, "%s is outside of its range [%s, %s]", symbol->name,
                                     bound_text(e, symbol->min), bound_text(e, symbol->max));
    text_indent(e->out, indent + 1);
    text_printf(e->out, "aotc_fail(f, AOTC_FAIL_ASSERT, -1, f->sym[%d], 0, %s);\n", slot,
                c_string(e->arena, range));
    host_line(e, indent + 1, "return;");
    host_line(e, indent, "}");
}

static void print_kernel(Emit *e, const Kernel *k, int indent)
{
    bool allocates_itself = k->kind == KERNEL_NONZERO;
    if (!allocates_itself)
        host_allocate_before(e, k->writes, k->n_writes, indent);
    text_indent(e->out, indent);
    text_printf(e->out, "%s(f, thread);\n", emit_kernel_name(e, k));
    print_profile(e, emit_kernel_index(e, k), indent);
    if (!allocates_itself)
        return;
    host_line(e, indent, "aotc_barrier(f);");
    for (int i = 0; i < k->n_writes; i++)
        if (emit_is_late(k->writes[i])) {
            host_note_allocated(e, k->writes[i]);
            host_check_allocated(e, k->writes[i], indent);
        }
    host_range_check(e, k->nonzero.count, indent);
}

/* Thread 0 reads the element, or evaluates the size; the barrier after it lets the others see the
 * symbol. */
static Error *print_symbol(Emit *e, const Step *s, int indent)
{
    int slot = emit_symbol_slot(e, s->symbol);
    if (slot < 0)
        return error_new(e->arena, E_INTERNAL, s->where, "symbol %s has no slot", s->symbol->name);
    bool        is_float = s->symbol->type == EXPR_TYPE_FLOAT;
    const char *value = s->flag ? c_cast(e->arena, s->flag->dtype, is_float ? DT_F64 : DT_I64,
                                         host_element(e, s->flag))
                                : host_expr(e, s->condition);
    host_line(e, indent, "if (thread == 0)");
    text_indent(e->out, indent + 1);
    text_printf(e->out,
                is_float ? "f->sym[%d] = (int64_t)aotc_bits_f64(%s);\n" : "f->sym[%d] = %s;\n",
                slot, value);
    host_line(e, indent, "aotc_barrier(f);");
    host_range_check(e, s->symbol, indent);
    return NULL;
}

int host_writer(const Emit *e, const Buffer *b)
{
    for (int i = 0; i < e->plan->kernels.n; i++)
        for (int w = 0; w < e->plan->kernels.items[i]->n_writes; w++)
            if (e->plan->kernels.items[i]->writes[w] == b)
                return i;
    return -1;
}

/* info != 0: the number, with the place in the batch above it. */
static void print_info_assert(Emit *e, const Step *s, int indent)
{
    const char *info = host_element(e, s->flag);
    text_indent(e->out, indent);
    text_printf(e->out, "if (%s != 0) {\n", info);
    text_indent(e->out, indent + 1);
    text_printf(e->out, "aotc_fail(f, AOTC_FAIL_MATRIX, %d, (int32_t)%s, %s >> 32, %s);\n",
                host_writer(e, s->flag), info, info, c_string(e->arena, s->message));
    host_line(e, indent + 1, "return;");
    host_line(e, indent, "}");
}

void host_assert(Emit *e, const Step *s, const char *condition, int indent)
{
    text_indent(e->out, indent);
    text_printf(e->out, "if (!%s) {\n", condition);
    text_indent(e->out, indent + 1);
    text_printf(e->out, "aotc_fail(f, AOTC_FAIL_ASSERT, -1, 0, 0, %s);\n",
                c_string(e->arena, s->message ? s->message : "assertion failed"));
    host_line(e, indent + 1, "return;");
    host_line(e, indent, "}");
}

static Error *print_if(Emit *e, const Step *s, int indent)
{
    host_line(e, indent, "{");
    text_indent(e->out, indent + 1);
    if (s->condition) {
        text_printf(e->out, "const int holds = %s != 0;\n", host_expr(e, s->condition));
    } else {
        text_printf(e->out, "const int holds = %s != 0;\n", host_element(e, s->flag));
        host_line(e, indent + 1, "aotc_barrier(f);");
    }
    host_line(e, indent + 1, "if (holds) {");
    int mark = host_branch(e);
    TRY(host_steps(e, s->then_steps.items, s->then_steps.n, indent + 2));
    host_other_branch(e, mark);
    if (s->else_steps.n) {
        host_line(e, indent + 1, "} else {");
        TRY(host_steps(e, s->else_steps.items, s->else_steps.n, indent + 2));
    }
    host_join(e, mark);
    host_line(e, indent + 1, "}");
    host_line(e, indent, "}");
    return NULL;
}

/* else_steps compute the flag, then_steps are the body. */
static Error *print_while(Emit *e, const Step *s, int indent)
{
    host_line(e, indent, "for (;;) {");
    TRY(host_steps(e, s->else_steps.items, s->else_steps.n, indent + 1));
    host_line(e, indent + 1, "aotc_barrier(f);");
    text_indent(e->out, indent + 1);
    text_printf(e->out, "const int goes_on = %s != 0;\n", host_element(e, s->flag));
    host_line(e, indent + 1, "aotc_barrier(f);");
    host_line(e, indent + 1, "if (!goes_on)");
    host_line(e, indent + 2, "break;");
    TRY(host_steps(e, s->then_steps.items, s->then_steps.n, indent + 1));
    host_line(e, indent + 1, "aotc_barrier(f);");
    host_line(e, indent, "}");
    return NULL;
}

static void print_copy(Emit *e, const Step *s, int indent)
{
    host_allocate_before(e, &(Buffer *){s->to}, 1, indent);
    text_indent(e->out, indent);
    text_printf(e->out, "aotc_copy(f, thread, %s, %s, (int64_t)%s*%d);\n", host_address(e, s->to),
                host_address(e, s->from), host_expr(e, s->to->numel), dtype_size(s->to->dtype));
}

static Error *print_step(Emit *e, const Step *s, int indent)
{
    switch (s->kind) {
    case STEP_KERNEL:
        print_kernel(e, s->kernel, indent);
        return NULL;
    case STEP_SYMBOL:
        return print_symbol(e, s, indent);
    case STEP_ASSERT:
        if (s->flag)
            print_info_assert(e, s, indent);
        else
            host_assert(e, s, host_expr(e, s->condition), indent);
        return NULL;
    case STEP_IF:
        return print_if(e, s, indent);
    case STEP_WHILE:
        return print_while(e, s, indent);
    case STEP_COPY:
        print_copy(e, s, indent);
        return NULL;
    }
    return error_new(e->arena, E_INTERNAL, s->where, "unknown step kind %d", s->kind);
}

Error *host_steps(Emit *e, Step *const *steps, int n, int indent)
{
    for (int i = 0; i < n; i++) {
        if (steps[i]->barrier_before)
            host_line(e, indent, "aotc_barrier(f);");
        TRY(print_step(e, steps[i], indent));
    }
    return NULL;
}

Error *emit_host(Emit *e)
{
    text_printf(
        e->out,
        "static void %srun(const aotc_model_frame *f AOTC_UNUSED, int32_t thread AOTC_UNUSED)\n{\n",
        e->prefix);
    TRY(host_steps(e, e->plan->steps.items, e->plan->steps.n, 1));
    text_put(e->out, "}\n\n");
    return NULL;
}
