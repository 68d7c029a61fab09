/* Plan and kernels as text (docs/ir-text.md), and their verifier. */
#include "ir/loops.h"

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
        [KERNEL_CALL] = "call",
        [KERNEL_EMBEDDING_BAG] = "embedding_bag",
    };
    return names[kind];
}

static const char *const reduce_names[] = {"sum", "prod", "max",    "min",
                                           "any", "all",  "argmax", "argmin"};

static void print_sizes(Text *t, const Buffer *b)
{
    text_printf(t, "%s[", dtype_name(b->dtype));
    for (int d = 0; d < b->rank; d++) {
        if (d)
            text_put(t, ",");
        expr_print(t, b->sizes[d]);
    }
    text_put(t, "]");
    if (b->panel) {
        text_printf(t, "/%d", b->panel);
        return;
    }
    text_put(t, "{");
    for (int d = 0; d < b->rank; d++) {
        if (d)
            text_put(t, ",");
        expr_print(t, b->strides[d]);
    }
    text_put(t, "}");
}

static void print_operand(Text *t, const char *name, const Operand *o)
{
    if (!o->buffer)
        return;
    text_printf(t, " %s=%%%s[", name, o->buffer->name);
    expr_print(t, o->offset);
    for (int d = 0; d < o->n; d++) {
        text_put(t, d ? "," : ";");
        expr_print(t, o->strides[d]);
    }
    text_put(t, "]");
}

static void print_loop(Text *t, const Loop *l)
{
    text_indent(t, 2);
    text_printf(t, "%%%s[", l->out->name);
    expr_print(t, l->index);
    text_put(t, l->accumulate ? "] += " : "] = ");
    if (l->kind == LOOP_REDUCE)
        text_printf(t, "%s(", reduce_names[l->reduce]);
    scalar_print(t, l->value);
    if (l->kind == LOOP_REDUCE)
        text_put(t, ")");
    if (l->mask) {
        text_put(t, " where ");
        scalar_print(t, l->mask);
    }
    text_put(t, "\n");
}

static void print_dims(Text *t, Symbol *const *vars, const Expr *const *sizes, int n)
{
    for (int d = 0; d < n; d++) {
        text_printf(t, "%s%s < ", d ? ", " : " over ", vars[d]->name);
        expr_print(t, sizes[d]);
    }
}

static void print_template(Text *t, const Kernel *k)
{
    text_indent(t, 1);
    text_printf(t, "%s", kernel_kind_name(k->kind));
    switch (k->kind) {
    case KERNEL_GEMM:
        print_operand(t, "a", &k->gemm.a);
        print_operand(t, "b", &k->gemm.b);
        break;
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
        print_operand(t, "x", &k->conv.x);
        print_operand(t, "weight", &k->conv.weight);
        text_printf(
            t, " kernel %lldx%lldx%lld stride %lldx%lldx%lld padding %lldx%lldx%lld groups %lld",
            (long long)k->conv.kernel[0], (long long)k->conv.kernel[1],
            (long long)k->conv.kernel[2], (long long)k->conv.stride[0],
            (long long)k->conv.stride[1], (long long)k->conv.stride[2],
            (long long)k->conv.padding[0], (long long)k->conv.padding[1],
            (long long)k->conv.padding[2], (long long)k->conv.groups);
        break;
    case KERNEL_ATTENTION:
        print_operand(t, "q", &k->attention.q);
        print_operand(t, "k", &k->attention.k);
        print_operand(t, "v", &k->attention.v);
        if (k->attention.mask) {
            text_put(t, " mask=");
            scalar_print(t, k->attention.mask->value);
        }
        break;
    default:
        break;
    }
    if (k->result)
        text_printf(t, " -> %%%s", k->result->name);
    text_put(t, "\n");
}

static void print_cuda(Text *t, const CudaSchedule *c)
{
    static const char *const shapes[] = {
        [CUDA_FLAT] = "flat", [CUDA_ROWS] = "rows", [CUDA_COLUMNS] = "columns"};
    text_indent(t, 1);
    text_printf(t, "cuda %s threads %d row_threads %d vector %d chunks %d split %d%s\n",
                shapes[c->shape], c->threads, c->row_threads, c->vector, c->chunks, c->split,
                c->is_int32 ? " int32" : "");
}

void kernel_print(Text *t, const Kernel *k)
{
    text_printf(t, "kernel @%s(", k->name);
    for (int i = 0; i < k->n_reads + k->n_writes; i++) {
        const Buffer *b = i < k->n_reads ? k->reads[i] : k->writes[i - k->n_reads];
        text_printf(t, "%s%s %%%s: ", i ? ", " : "", i < k->n_reads ? "in" : "out", b->name);
        print_sizes(t, b);
    }
    text_put(t, ")");
    print_dims(t, k->outer, k->outer_sizes, k->n_outer);
    text_printf(t, " {%s%s\n", k->where.python ? "      # " : "",
                k->where.python ? k->where.python : "");
    if (k->kind != KERNEL_LOOPS)
        print_template(t, k);
    if (k->cuda.threads)
        print_cuda(t, &k->cuda);
    for (int s = 0; s < k->n_stages; s++) {
        bool reduces = k->stages[s]->loops[0]->kind == LOOP_REDUCE;
        text_indent(t, 1);
        text_put(t, reduces ? "reduction" : "stage");
        print_dims(t, k->stages[s]->inner, k->stages[s]->inner_sizes, k->stages[s]->n_inner);
        text_put(t, "\n");
        for (int l = 0; l < k->stages[s]->n_loops; l++)
            print_loop(t, k->stages[s]->loops[l]);
    }
    text_put(t, "}\n");
}

static void print_steps(Text *t, Step *const *steps, int n, int level)
{
    for (int i = 0; i < n; i++) {
        const Step *s = steps[i];
        text_indent(t, level);
        switch (s->kind) {
        case STEP_KERNEL:
            text_printf(t, "launch @%s\n", s->kernel->name);
            break;
        case STEP_SYMBOL:
            text_printf(t, "%s = ", s->symbol->name);
            if (s->flag)
                text_printf(t, "item %%%s", s->flag->name);
            else
                expr_print(t, s->condition);
            text_putc(t, '\n');
            break;
        case STEP_ASSERT:
            text_put(t, "assert ");
            expr_print(t, s->condition);
            text_printf(t, " \"%s\"\n", s->message);
            break;
        case STEP_COPY:
            text_printf(t, "copy %%%s to %%%s\n", s->from->name, s->to->name);
            break;
        case STEP_IF:
        case STEP_WHILE:
            text_put(t, s->kind == STEP_IF ? "if " : "while ");
            if (s->flag)
                text_printf(t, "%%%s", s->flag->name);
            else
                expr_print(t, s->condition);
            text_put(t, " {\n");
            print_steps(t, s->then_steps.items, s->then_steps.n, level + 1);
            text_indent(t, level);
            text_put(t, s->kind == STEP_IF ? "} else {\n" : "} flag {\n");
            print_steps(t, s->else_steps.items, s->else_steps.n, level + 1);
            text_indent(t, level);
            text_put(t, "}\n");
            break;
        }
    }
}

void plan_print(Text *t, const Plan *plan)
{
    for (int k = 0; k < plan->kernels.n; k++)
        kernel_print(t, plan->kernels.items[k]);
    text_printf(t, "plan @%s {\n    arena bytes ", plan->name);
    expr_print(t, plan->arena_bytes);
    text_put(t, "\n");
    for (int i = 0; i < plan->buffers.n; i++) {
        const Buffer *b = plan->buffers.items[i];
        if (b->kind != BUFFER_TEMP || b->first_step < 0)
            continue;
        text_printf(t, "    %%%s = ", b->name);
        print_sizes(t, b);
        if (b->arena_offset) {
            text_put(t, " at ");
            expr_print(t, b->arena_offset);
        }
        text_printf(t, " steps %d to %d\n", b->first_step, b->last_step);
    }
    print_steps(t, plan->steps.items, plan->steps.n, 1);
    text_put(t, "}\n");
    if (plan->fold)
        plan_print(t, plan->fold);
}

/* ---- verifier -------------------------------------------------------------------------------- */

typedef struct VerifyCx {
    const Plan   *plan;
    const Kernel *kernel;
    const Stage  *stage;
    const char   *problem;
} VerifyCx;

static void check_symbol(void *user, Symbol *s)
{
    VerifyCx *v = user;
    if (s->kind != SYM_INDEX)
        return;
    for (int d = 0; d < v->kernel->n_outer; d++)
        if (v->kernel->outer[d] == s)
            return;
    for (int d = 0; v->stage && d < v->stage->n_inner; d++)
        if (v->stage->inner[d] == s)
            return;
    v->problem =
        arena_printf(v->plan->ir->arena, "uses loop variable %s, which is not in scope", s->name);
}

static void check_scalar(void *user, Scalar *a)
{
    VerifyCx *v = user;
    if (a->index)
        expr_symbols(a->index, check_symbol, v);
    if (a->op == S_LOAD && a->buffer->kind == BUFFER_TEMP && a->buffer->first_step < 0 &&
        a->buffer != v->kernel->result)
        v->problem =
            arena_printf(v->plan->ir->arena, "reads %%%s, which no step makes", a->buffer->name);
}

static Error *verify_kernel(const Plan *plan, const Kernel *k)
{
    VerifyCx v = {plan, k, NULL, NULL};
    for (int s = 0; s < k->n_stages; s++) {
        v.stage = k->stages[s];
        for (int l = 0; l < v.stage->n_loops; l++) {
            Loop   *loop = v.stage->loops[l];
            Scalar *roots[2] = {loop->value, loop->mask};
            scalar_walk(roots, loop->mask ? 2 : 1, check_scalar, &v);
            expr_symbols(loop->index, check_symbol, &v);
            bool positional = loop->reduce == REDUCE_ARGMAX || loop->reduce == REDUCE_ARGMIN;
            if (!(loop->kind == LOOP_REDUCE && positional) &&
                loop->value->dtype != loop->out->dtype)
                v.problem = arena_printf(plan->ir->arena, "stores %s into %%%s of %s",
                                         dtype_name(loop->value->dtype), loop->out->name,
                                         dtype_name(loop->out->dtype));
        }
    }
    if (!v.problem)
        return NULL;
    return error_new(plan->ir->arena, E_INTERNAL, k->where, "kernel @%s %s", k->name, v.problem);
}

Error *plan_verify(const Plan *plan)
{
    for (int i = 0; i < plan->kernels.n; i++)
        TRY(verify_kernel(plan, plan->kernels.items[i]));
    return plan->fold ? plan_verify(plan->fold) : NULL;
}
