/* The run function of a CUDA plan: the steps in order, each a call of a launcher or of the loader's
 * services.
 *
 *   static void run(const aotc_model_frame *f, int32_t thread)
 *   {
 *       k0_fused_add_launch(f);
 *       f->cuda->copy(f, f->state[0], (f->arena + 256), 1024);
 *   }
 *
 * What a condition or size reads from the device goes through read() or enter(); the loader decides
 * whether that waits or becomes part of a graph.
 *
 * Steps on the CPU that follow each other are one function, which the loader queues as a host
 * function:
 *
 *   static void host_0(const aotc_model_frame *f, int32_t thread)
 *   {
 *       k0_fused_embedding(f, thread);
 *   }
 *   …
 *       f->cuda->host(f, 0, host_0, 0);
 *       f->cuda->upload(f, (f->arena + 0), (f->host_arena + 0), 1024);
 */
#include "emit_c/host.h"
#include "emit_cuda/cuda_internal.h"

static Error *print_steps(CudaEmit *c, Step *const *steps, int n, int indent);

static void print_kernel(CudaEmit *c, const Kernel *k, int indent)
{
    Emit *e = &c->e;
    bool  allocates_itself = k->kind == KERNEL_NONZERO;
    if (!allocates_itself)
        host_allocate_before(e, k->writes, k->n_writes, indent);
    text_indent(e->out, indent);
    text_printf(e->out, "%s_launch(f);\n", emit_kernel_name(e, k));
    if (!allocates_itself)
        return;
    for (int i = 0; i < k->n_writes; i++)
        if (emit_is_late(k->writes[i])) {
            host_note_allocated(e, k->writes[i]);
            host_check_allocated(e, k->writes[i], indent);
        }
    host_range_check(e, k->nonzero.count, indent);
}

/* The symbol is an expression, or the element of a 0-d buffer. */
static Error *print_symbol(CudaEmit *c, const Step *s, int indent)
{
    Emit *e = &c->e;
    int   slot = emit_symbol_slot(e, s->symbol);
    bool  is_float = s->symbol->type == EXPR_TYPE_FLOAT;
    if (slot < 0)
        return error_new(e->arena, E_INTERNAL, s->where, "symbol %s has no slot", s->symbol->name);
    bool        is_read = s->flag && !s->flag->is_host;
    const char *value = NULL;
    if (s->flag && !is_read) {
        host_line(e, indent, "if (!f->cuda->wait(f))");
        host_line(e, indent + 1, "return;");
        value =
            c_cast(e->arena, s->flag->dtype, is_float ? DT_F64 : DT_I64, host_element(e, s->flag));
    } else if (!s->flag) {
        value = host_expr(e, s->condition);
    }
    if (is_read) {
        host_line(e, indent, "{");
        text_indent(e->out, ++indent);
        text_printf(e->out, "%s element;\n", c_storage_type(s->flag->dtype));
        text_indent(e->out, indent);
        text_printf(e->out, "if (!f->cuda->read(f, &element, %s, sizeof element))\n",
                    host_address(e, s->flag));
        host_line(e, indent + 1, "return;");
        value = c_cast(e->arena, s->flag->dtype, is_float ? DT_F64 : DT_I64,
                       c_load(e->arena, s->flag->dtype, "element"));
    }
    text_indent(e->out, indent);
    text_printf(e->out,
                is_float ? "f->sym[%d] = (int64_t)aotc_bits_f64(%s);\n" : "f->sym[%d] = %s;\n",
                slot, value);
    if (is_read)
        host_line(e, --indent, "}");
    host_range_check(e, s->symbol, indent);
    return NULL;
}

/* A condition on sizes is the host's; info on the device is read by a kernel that reports. */
static void print_assert(CudaEmit *c, const Step *s, int indent)
{
    Emit *e = &c->e;
    if (s->condition) {
        host_assert(e, s, host_expr(e, s->condition), indent);
        return;
    }
    text_indent(e->out, indent);
    text_printf(e->out, "aotc_assert_launch(f, %d, %d, %s, %s);\n", cuda_assert_function(c),
                host_writer(e, s->flag), host_address(e, s->flag), c_string(e->arena, s->message));
}

static Error *print_branch(CudaEmit *c, const char *condition, Step *const *steps, int n,
                           bool is_device, int indent)
{
    Emit *e = &c->e;
    if (!n)
        return NULL;
    text_indent(e->out, indent);
    text_printf(e->out, "if (%s) {\n", condition);
    TRY(print_steps(c, steps, n, indent + 1));
    if (is_device)
        host_line(e, indent + 1, "f->cuda->leave(f);");
    host_line(e, indent, "}");
    return NULL;
}

static Error *print_if(CudaEmit *c, const Step *s, int indent)
{
    Emit       *e = &c->e;
    bool        is_device = !s->condition;
    /* Both branches may change what the condition is made of: it is taken once. */
    const char *test, *other;
    if (is_device) {
        const char *flag = host_address(e, s->flag);
        test = arena_printf(e->arena, "f->cuda->enter(f, AOTC_BRANCH_IF, %s)", flag);
        other = arena_printf(e->arena, "f->cuda->enter(f, AOTC_BRANCH_UNLESS, %s)", flag);
    } else {
        host_line(e, indent++, "{");
        text_indent(e->out, indent);
        text_printf(e->out, "const int holds = %s != 0;\n", host_expr(e, s->condition));
        test = "holds";
        other = "!holds";
    }
    int mark = host_branch(e);
    TRY(print_branch(c, test, s->then_steps.items, s->then_steps.n, is_device, indent));
    host_other_branch(e, mark);
    TRY(print_branch(c, other, s->else_steps.items, s->else_steps.n, is_device, indent));
    host_join(e, mark);
    if (!is_device)
        host_line(e, --indent, "}");
    return NULL;
}

/* else_steps compute the flag, then_steps are the body. */
static Error *print_while(CudaEmit *c, const Step *s, int indent)
{
    Emit *e = &c->e;
    int   mark = host_branch(e);
    TRY(print_steps(c, s->else_steps.items, s->else_steps.n, indent));
    host_other_branch(e, mark);
    text_indent(e->out, indent);
    text_printf(e->out, "while (f->cuda->enter(f, AOTC_BRANCH_WHILE, %s)) {\n",
                host_address(e, s->flag));
    TRY(print_steps(c, s->then_steps.items, s->then_steps.n, indent + 1));
    TRY(print_steps(c, s->else_steps.items, s->else_steps.n, indent + 1));
    host_join(e, mark);
    host_line(e, indent + 1, "f->cuda->leave(f);");
    host_line(e, indent, "}");
    return NULL;
}

static void print_copy(CudaEmit *c, const Step *s, int indent)
{
    Emit       *e = &c->e;
    const char *service = s->from->is_host ? "upload" : s->to->is_host ? "download" : "copy";
    host_allocate_before(e, &(Buffer *){s->to}, 1, indent);
    text_indent(e->out, indent);
    text_printf(e->out, "f->cuda->%s(f, %s, %s, (uint64_t)%s*%d);\n", service,
                host_address(e, s->to), host_address(e, s->from), host_expr(e, s->to->numel),
                dtype_size(s->to->dtype));
}

static Error *print_step(CudaEmit *c, const Step *s, int indent)
{
    switch (s->kind) {
    case STEP_KERNEL:
        print_kernel(c, s->kernel, indent);
        return NULL;
    case STEP_SYMBOL:
        return print_symbol(c, s, indent);
    case STEP_ASSERT:
        print_assert(c, s, indent);
        return NULL;
    case STEP_IF:
        return print_if(c, s, indent);
    case STEP_WHILE:
        return print_while(c, s, indent);
    case STEP_COPY:
        print_copy(c, s, indent);
        return NULL;
    }
    return error_new(c->e.arena, E_INTERNAL, s->where, "unknown step kind %d", s->kind);
}

/* ---- steps on the CPU ------------------------------------------------------------------------ */

static bool is_host_step(const Step *s)
{
    switch (s->kind) {
    case STEP_KERNEL:
        return s->kernel->is_host;
    case STEP_COPY:
        return s->from->is_host && s->to->is_host;
    case STEP_ASSERT:
    case STEP_WHILE:
        return s->flag && s->flag->is_host;
    case STEP_IF:
        return s->flag           ? s->flag->is_host
               : s->then_steps.n ? is_host_step(s->then_steps.items[0])
                                 : s->else_steps.n && is_host_step(s->else_steps.items[0]);
    case STEP_SYMBOL:
        return false;
    }
    return false;
}

static Error *unfit_step(CudaEmit *c, const Step *s, const char *why)
{
    return error_new(c->e.arena, E_UNSUPPORTED, s->where, "%s on the CPU, in a model for a GPU: %s",
                     s->kernel ? s->kernel->name : "a branch or loop", why);
}

/* A host function can ask for no memory, and tells the host nothing before it has run: what is
 * inside of a branch or loop, or finds out its own size, cannot be one. */
static Error *check_host_step(CudaEmit *c, const Step *s, bool is_inner)
{
    const char *late = "a size that it computes decides how much memory is needed";
    bool        is_late = s->kind == STEP_COPY && emit_is_late(s->to);
    if (is_inner && !is_host_step(s))
        return unfit_step(c, s, "it sets sizes, or goes on to a CUDA device");
    if (s->kernel && s->kernel->kind == KERNEL_NONZERO)
        return unfit_step(c, s, late);
    for (int i = 0; s->kernel && i < s->kernel->n_writes; i++)
        is_late |= emit_is_late(s->kernel->writes[i]);
    if (is_inner && is_late)
        return unfit_step(c, s, late);
    for (int i = 0; i < s->then_steps.n; i++)
        TRY(check_host_step(c, s->then_steps.items[i], true));
    for (int i = 0; i < s->else_steps.n; i++)
        TRY(check_host_step(c, s->else_steps.items[i], true));
    return NULL;
}

static void allocate_for_step(Emit *e, const Step *s, int indent)
{
    if (s->kind == STEP_KERNEL)
        host_allocate_before(e, s->kernel->writes, s->kernel->n_writes, indent);
    else if (s->kind == STEP_COPY)
        host_allocate_before(e, &(Buffer *){s->to}, 1, indent);
}

typedef struct Group {
    int  first_kernel; /* -1: none */
    bool draws;
} Group;

static void note_kernels(CudaEmit *c, Step *const *steps, int n, Group *g)
{
    for (int i = 0; i < n; i++) {
        int k = steps[i]->kernel ? emit_kernel_index(&c->e, steps[i]->kernel) : -1;
        if (g->first_kernel < 0)
            g->first_kernel = k;
        g->draws |= k >= 0 && c->draws[k];
        note_kernels(c, steps[i]->then_steps.items, steps[i]->then_steps.n, g);
        note_kernels(c, steps[i]->else_steps.items, steps[i]->else_steps.n, g);
    }
}

/* Prints the function of the steps to c->host, and its call. */
static Error *print_host_steps(CudaEmit *c, Step *const *steps, int n, int indent)
{
    Emit *e = &c->e;
    Text *out = e->out;
    Group g = {-1, false};
    int   number = c->n_groups++;
    for (int i = 0; i < n; i++) {
        TRY(check_host_step(c, steps[i], false));
        allocate_for_step(e, steps[i], indent);
    }
    note_kernels(c, steps, n, &g);
    e->out = c->host;
    e->device = EMIT_CPU;
    text_printf(e->out,
                "static void host_%d(const aotc_model_frame *f, int32_t thread AOTC_UNUSED)\n{\n",
                number);
    Error *error = host_steps(e, steps, n, 1);
    text_put(e->out, "}\n\n");
    e->device = EMIT_CUDA;
    e->out = out;
    text_indent(e->out, indent);
    text_printf(e->out, "f->cuda->host(f, %d, host_%d, %s);\n", g.first_kernel, number,
                g.draws ? "AOTC_HOST_RANDOM" : "0");
    return error;
}

static Error *print_steps(CudaEmit *c, Step *const *steps, int n, int indent)
{
    for (int i = 0, end; i < n; i = end) {
        for (end = i; end < n && is_host_step(steps[end]);)
            end++;
        if (end > i)
            TRY(print_host_steps(c, steps + i, end - i, indent));
        else
            TRY(print_step(c, steps[end++], indent));
    }
    return NULL;
}

Error *cuda_emit_host(CudaEmit *c)
{
    Emit *e = &c->e;
    Text  functions = text_new(e->arena), body = text_new(e->arena), *out = e->out;
    c->host = &functions;
    e->out = &body;
    Error *error = print_steps(c, e->plan->steps.items, e->plan->steps.n, 1);
    e->out = out;
    c->host = NULL;
    if (error)
        return error;
    text_printf(e->out,
                "%sstatic void run(const aotc_model_frame *f AOTC_UNUSED, int32_t thread "
                "AOTC_UNUSED)\n{\n%s}\n\n",
                functions.data, body.data);
    return NULL;
}
