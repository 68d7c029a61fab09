/* Writes in place: a copy of a buffer that nobody reads afterwards is dropped, and what was written
 * to the copy goes to the buffer itself.
 *
 *   %t = copy(%cache);  %t[pos] = %k;  ... attention(%t) ...;  copy %t to %cache     (before)
 *   %cache[pos] = %k;   ... attention(%cache) ...                                    (after) */
#include "passes/lower_internal.h"

typedef struct Reads {
    const Buffer *buffer;
    const Expr   *same; /* reads at this index do not count; NULL: all count */
    bool          hit;
} Reads;

static void look(void *user, Scalar *load)
{
    Reads *r = user;
    if (load->buffer == r->buffer && (!r->same || load->index != r->same))
        r->hit = true;
}

typedef struct Swap {
    Buffer *from, *to;
} Swap;

static void swap_load(void *user, Scalar *load)
{
    Swap *s = user;
    if (load->buffer == s->from)
        load->buffer = s->to;
}

/* Does the step read the buffer (nested steps too)?  Reads at `same` by loops do not count. */
static bool step_reads(const Step *s, const Buffer *b, const Expr *same)
{
    Reads r = {b, same, s->from == b || s->flag == b};
    if (s->kernel) {
        Operand *ops[MAX_KERNEL_OPERANDS];
        int      n = kernel_operands(s->kernel, ops);
        for (int i = 0; i < n; i++)
            r.hit |= ops[i]->buffer == b;
        if (template_loop(s->kernel))
            loop_for_each_load(template_loop(s->kernel), look, &r);
        kernel_for_each_load(s->kernel, look, &r);
    }
    for (int i = 0; i < s->then_steps.n && !r.hit; i++)
        r.hit = step_reads(s->then_steps.items[i], b, NULL);
    for (int i = 0; i < s->else_steps.n && !r.hit; i++)
        r.hit = step_reads(s->else_steps.items[i], b, NULL);
    return r.hit;
}

static void replace_in_steps(Step *const *steps, int n, Swap *swap)
{
    for (int i = 0; i < n; i++) {
        Step *s = steps[i];
        if (s->flag == swap->from)
            s->flag = swap->to;
        if (s->from == swap->from)
            s->from = swap->to;
        if (s->to == swap->from)
            s->to = swap->to;
        if (s->kernel) {
            Operand *ops[MAX_KERNEL_OPERANDS];
            int      n_ops = kernel_operands(s->kernel, ops);
            for (int k = 0; k < n_ops; k++)
                if (ops[k]->buffer == swap->from)
                    ops[k]->buffer = swap->to;
            if (s->kernel->result == swap->from)
                s->kernel->result = swap->to;
            if (template_loop(s->kernel))
                loop_for_each_load(template_loop(s->kernel), swap_load, swap);
            kernel_for_each_load(s->kernel, swap_load, swap);
            for (int g = 0; g < s->kernel->n_stages; g++)
                for (int l = 0; l < s->kernel->stages[g]->n_loops; l++)
                    if (s->kernel->stages[g]->loops[l]->out == swap->from)
                        s->kernel->stages[g]->loops[l]->out = swap->to;
        }
        replace_in_steps(s->then_steps.items, s->then_steps.n, swap);
        replace_in_steps(s->else_steps.items, s->else_steps.n, swap);
    }
}

static void remove_step(Block *block, int at)
{
    for (int i = at; i + 1 < block->steps.n; i++)
        block->steps.items[i] = block->steps.items[i + 1];
    block->steps.n--;
}

static Loop *single_loop(const Step *s)
{
    if (s->kind != STEP_KERNEL || s->kernel->kind != KERNEL_LOOPS || s->kernel->n_stages != 1 ||
        s->kernel->stages[0]->n_loops != 1)
        return NULL;
    return s->kernel->stages[0]->loops[0];
}

/* Is the memory ours to change? */
static bool is_writable(Lower *lo, const Buffer *b)
{
    if (b->kind == BUFFER_STATE)
        return true;
    if (b->kind == BUFFER_INPUT && b->slot >= 0 && b->slot < lo->plan->inputs.n)
        return lo->plan->inputs.items[b->slot].is_mutated;
    return b->kind == BUFFER_TEMP;
}

static bool read_later(Block *block, int after, const Buffer *b)
{
    for (int i = after + 1; i < block->steps.n; i++)
        if (step_reads(block->steps.items[i], b, NULL))
            return true;
    return false;
}

/* State and inputs keep what is written to them: only a final copy of the same value makes that
 * right. */
static bool is_written_back(Block *block, const Buffer *from, const Buffer *to)
{
    for (int i = 0; i < block->steps.n; i++)
        if (block->steps.items[i]->kind == STEP_COPY && block->steps.items[i]->to == to)
            return block->steps.items[i]->from == from;
    return false;
}

/* Does the content of `t` end up in `state`, directly or through later in-place copies of it? */
static bool ends_in(Block *block, int at, const Buffer *t, const Buffer *state, int depth)
{
    if (is_written_back(block, t, state))
        return true;
    for (int i = at + 1; i < block->steps.n && depth < 1000; i++) {
        Loop *copy = single_loop(block->steps.items[i]);
        if (copy && copy->value->op == S_LOAD && copy->value->buffer == t &&
            copy->value->index == copy->index && copy->out->kind == BUFFER_TEMP &&
            ends_in(block, i, copy->out, state, depth + 1))
            return true;
    }
    return false;
}

static void drop_self_copies(Block *block)
{
    for (int i = block->steps.n - 1; i >= 0; i--)
        if (block->steps.items[i]->kind == STEP_COPY &&
            block->steps.items[i]->from == block->steps.items[i]->to)
            remove_step(block, i);
}

/* Copies before scatters. */
static void scatter_in_place(Lower *lo, Block *block)
{
    for (int i = 0; i + 1 < block->steps.n; i++) {
        Loop *copy = single_loop(block->steps.items[i]);
        Loop *scatter = single_loop(block->steps.items[i + 1]);
        if (!copy || !scatter || !scatter->is_scatter || scatter->out != copy->out ||
            copy->kind != LOOP_POINTWISE || copy->value->op != S_LOAD || copy->value->mask ||
            copy->value->index != copy->index || copy->out->kind != BUFFER_TEMP ||
            copy->value->buffer->dtype != copy->out->dtype)
            continue;
        Buffer *base = copy->value->buffer;
        if (!is_writable(lo, base) || read_later(block, i, base) ||
            (base->kind != BUFFER_TEMP && !ends_in(block, i, copy->out, base, 0))) {
            pass_count(lo->cx, "inplace_missed", 1);
            continue;
        }
        Swap swap = {copy->out, base};
        remove_step(block, i);
        replace_in_steps(block->steps.items, block->steps.n, &swap);
        pass_count(lo->cx, "inplace", 1);
        i--;
    }
}

/* Values computed element by element from the old content. */
static void update_in_place(Lower *lo, Block *block)
{
    for (int c = 0; c < block->steps.n; c++) {
        Step *copy = block->steps.items[c];
        if (copy->kind != STEP_COPY || copy->from->kind != BUFFER_TEMP ||
            copy->from->is_host != copy->to->is_host || !is_writable(lo, copy->to))
            continue;
        int   writers = 0, at = -1;
        Loop *producer = NULL;
        for (int i = 0; i < c; i++) {
            Loop *l = single_loop(block->steps.items[i]);
            if (l && l->out == copy->from) {
                writers++;
                at = i;
                producer = l;
            }
        }
        bool same_size =
            copy->from->dtype == copy->to->dtype && copy->from->numel == copy->to->numel;
        if (writers != 1 || !same_size || producer->is_scatter || read_later(block, at, copy->to) ||
            step_reads(block->steps.items[at], copy->to,
                       producer->kind == LOOP_POINTWISE ? producer->index : NULL))
            continue;
        Swap swap = {copy->from, copy->to};
        replace_in_steps(block->steps.items, block->steps.n, &swap);
        pass_count(lo->cx, "inplace", 1);
    }
}

Error *inplace_block(Lower *lo, Block *block)
{
    scatter_in_place(lo, block);
    drop_self_copies(block);
    update_in_place(lo, block);
    drop_self_copies(block);
    return NULL;
}
