/* Order of steps in a plan for a GPU with a part on the CPU: what runs on the CPU stands as early
 * as its operands allow.
 *
 *   launch @a (CPU);  copy %a to %x;  launch @b (CPU);  launch @k (GPU)          (before)
 *   launch @a (CPU);  launch @b (CPU);  copy %a to %x;  launch @k (GPU)          (after)
 *
 * Steps on the CPU that follow each other are one call of the stream. */
#include "passes/lower_internal.h"

static bool is_copy(const Step *s)
{
    return s->kind == STEP_COPY;
}

static bool is_plain_step(const Step *s)
{
    return s->kind == STEP_KERNEL || is_copy(s);
}

static bool is_host_step(const Step *s)
{
    return is_copy(s) ? s->from->is_host && s->to->is_host : s->kernel->is_host;
}

static bool step_writes(const Step *s, const Buffer *b)
{
    for (int i = 0; s->kernel && i < s->kernel->n_writes; i++)
        if (s->kernel->writes[i] == b)
            return true;
    return s->to == b;
}

static bool step_reads(const Step *s, const Buffer *b)
{
    for (int i = 0; s->kernel && i < s->kernel->n_reads; i++)
        if (s->kernel->reads[i] == b)
            return true;
    return s->from == b;
}

/* Does `b` see what `a` writes, or write what `a` touches? */
static bool must_follow(const Step *b, const Step *a)
{
    bool must = is_copy(a)
                    ? step_reads(b, a->to) || step_writes(b, a->from) || step_writes(b, a->to)
                    : false;
    for (int i = 0; a->kernel && i < a->kernel->n_writes; i++)
        must |= step_reads(b, a->kernel->writes[i]) || step_writes(b, a->kernel->writes[i]);
    for (int i = 0; a->kernel && i < a->kernel->n_reads; i++)
        must |= step_writes(b, a->kernel->reads[i]);
    return must;
}

/* Sizes of what follows may come from steps of other kinds: nothing goes past them. */
void order_steps(Plan *plan)
{
    Step **steps = plan->steps.items;
    for (int i = 1; i < plan->steps.n; i++) {
        Step *s = steps[i];
        int   at = i;
        if (!is_plain_step(s) || !is_host_step(s))
            continue;
        while (at > 0 && is_plain_step(steps[at - 1]) && !is_host_step(steps[at - 1]) &&
               !must_follow(s, steps[at - 1])) {
            steps[at] = steps[at - 1];
            at--;
        }
        steps[at] = s;
    }
}
