/* Memory: one arena for each device, planned offline.
 *
 * Buffers of constant size are placed greedily, largest first, at the lowest offset free during
 * their whole life.  Sizes that hold symbols get slots behind them: a buffer takes a slot whose
 * last user is dead and whose size is provably enough, else a new one; offsets are then sums of
 * slot sizes. */
#include "passes/lower_internal.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN 64
/* From this size on a part of a page more does not count. */
#define LARGE (1 << 18)
#define PAGE 4096
#define STAGGER 1600 /* four buffers in a row are 700 bytes apart in it, or more */

static void touch(Buffer *b, int first, int last)
{
    if (!b)
        return;
    if (b->first_step < 0 || first < b->first_step)
        b->first_step = first;
    if (last > b->last_step)
        b->last_step = last;
}

static int number_steps(Step *const *steps, int n, int at);

static void touch_nested(Step *const *steps, int n, int first, int last)
{
    for (int i = 0; i < n; i++) {
        Step *s = steps[i];
        if (s->kernel)
            for (int k = 0; k < s->kernel->n_reads; k++)
                touch(s->kernel->reads[k], first, last);
        if (s->kernel)
            for (int k = 0; k < s->kernel->n_writes; k++)
                touch(s->kernel->writes[k], first, last);
        touch(s->flag, first, last);
        touch(s->from, first, last);
        touch(s->to, first, last);
        touch_nested(s->then_steps.items, s->then_steps.n, first, last);
        touch_nested(s->else_steps.items, s->else_steps.n, first, last);
    }
}

/* Positions of steps in one flat order; everything that a loop touches lives through all of it. */
static int number_steps(Step *const *steps, int n, int at)
{
    for (int i = 0; i < n; i++) {
        Step *s = steps[i];
        int   first = at++;
        touch_nested(&steps[i], 1, first, first);
        at = number_steps(s->then_steps.items, s->then_steps.n, at);
        at = number_steps(s->else_steps.items, s->else_steps.n, at);
        if (s->kind == STEP_WHILE || s->kind == STEP_IF) {
            int last = at++;
            touch(s->flag, first, last);
            touch_nested(s->then_steps.items, s->then_steps.n, first, last);
            touch_nested(s->else_steps.items, s->else_steps.n, first, last);
        }
    }
    return at;
}

static int larger_first(const void *a, const void *b)
{
    const Buffer *const *x = a, *const *y = b;
    int64_t              nx = 0, ny = 0;
    expr_is_int((*x)->numel, &nx);
    expr_is_int((*y)->numel, &ny);
    nx *= dtype_size((*x)->dtype);
    ny *= dtype_size((*y)->dtype);
    if (nx != ny)
        return nx > ny ? -1 : 1;
    return (*x)->id - (*y)->id;
}

/* One line more than the elements: vectors may read past the end.  Large buffers that follow each
 * other start at other places of a page: a load just behind a store in the low 12 bits of the
 * address waits for it (Intel's optimization manual, "4-KByte Aliasing"; AMD's cores alike). */
int64_t plan_padded_bytes(int64_t bytes)
{
    int64_t padded = (bytes + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
    if (padded >= LARGE)
        padded += (STAGGER - padded % PAGE + PAGE) % PAGE;
    return padded;
}

static bool lives_overlap(const Buffer *a, const Buffer *b)
{
    return a->first_step <= b->last_step && b->first_step <= a->last_step;
}

typedef struct Placed {
    Buffer *buffer;
    int64_t at, bytes;
} Placed;

static int lower_offset(const void *a, const void *b)
{
    const Placed *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int64_t place_constant_sizes(Lower *lo, Buffer **buffers, int n)
{
    Placed *placed = ARENA_ARRAY(lo->ir->arena, Placed, n + 1);
    Placed *busy = ARENA_ARRAY(lo->ir->arena, Placed, n + 1);
    int64_t end = 0;
    qsort(buffers, (size_t)n, sizeof *buffers, larger_first);
    for (int i = 0; i < n; i++) {
        int64_t numel = 0, at = 0;
        int     m = 0;
        expr_is_int(buffers[i]->numel, &numel);
        int64_t bytes = plan_padded_bytes(numel * dtype_size(buffers[i]->dtype));
        for (int j = 0; j < i; j++)
            if (lives_overlap(placed[j].buffer, buffers[i]))
                busy[m++] = placed[j];
        qsort(busy, (size_t)m, sizeof *busy, lower_offset);
        for (int j = 0; j < m; j++) {
            if (busy[j].at >= at + bytes)
                break;
            if (busy[j].at + busy[j].bytes > at)
                at = busy[j].at + busy[j].bytes;
        }
        placed[i] = (Placed){buffers[i], at, bytes};
        buffers[i]->arena_offset = expr_int(lo->ir->exprs, at);
        if (at + bytes > end)
            end = at + bytes;
    }
    return end;
}

typedef struct Slot {
    const Expr *bytes;
    int         last_step;
    VEC(Buffer *) buffers;
} Slot;

static const Expr *padded_expr(ExprPool *p, const Expr *bytes)
{
    const Expr *align = expr_int(p, ALIGN);
    return expr_add(p, expr_mul(p, expr_ceildiv(p, bytes, align), align), align);
}

static int earlier_first(const void *a, const void *b)
{
    const Buffer *const *x = a, *const *y = b;
    return (*x)->first_step != (*y)->first_step ? (*x)->first_step - (*y)->first_step
                                                : (*x)->id - (*y)->id;
}

static const Expr *place_symbolic_sizes(Lower *lo, Buffer **buffers, int n, int64_t start)
{
    ExprPool *p = lo->ir->exprs;
    VEC(Slot *) slots = {0};
    qsort(buffers, (size_t)n, sizeof *buffers, earlier_first);
    for (int i = 0; i < n; i++) {
        Buffer     *b = buffers[i];
        const Expr *bytes = expr_mul(p, b->numel, expr_int(p, dtype_size(b->dtype)));
        Slot       *slot = NULL;
        for (int s = 0; s < slots.n && !slot; s++)
            if (slots.items[s]->last_step < b->first_step && slots.items[s]->bytes == bytes)
                slot = slots.items[s];
        for (int s = 0; s < slots.n && !slot; s++)
            if (slots.items[s]->last_step < b->first_step &&
                expr_prove_le(p, bytes, slots.items[s]->bytes))
                slot = slots.items[s];
        if (!slot) {
            slot = ARENA_NEW(lo->ir->arena, Slot);
            slot->bytes = bytes;
            VEC_PUSH(lo->ir->arena, slots, slot);
        }
        slot->last_step = b->last_step;
        VEC_PUSH(lo->ir->arena, slot->buffers, b);
    }
    const Expr *at = expr_int(p, start);
    for (int s = 0; s < slots.n; s++) {
        for (int i = 0; i < slots.items[s]->buffers.n; i++)
            slots.items[s]->buffers.items[i]->arena_offset = at;
        at = expr_add(p, at, padded_expr(p, slots.items[s]->bytes));
    }
    return at;
}

/* The arena of one device: how many bytes it has. */
static const Expr *place_buffers(Lower *lo, bool is_host)
{
    Plan    *plan = lo->plan;
    Buffer **fixed = ARENA_ARRAY(lo->ir->arena, Buffer *, plan->buffers.n + 1);
    Buffer **symbolic = ARENA_ARRAY(lo->ir->arena, Buffer *, plan->buffers.n + 1);
    int      n_fixed = 0, n_symbolic = 0;
    for (int i = 0; i < plan->buffers.n; i++) {
        Buffer *b = plan->buffers.items[i];
        if (b->kind != BUFFER_TEMP || b->first_step < 0 || b->is_host != is_host)
            continue;
        if (expr_contains_kind(b->numel, SYM_UNBACKED)) {
            b->arena_offset = NULL; /* memory during the run, from host->temporary */
        } else if (expr_is_int(b->numel, NULL)) {
            fixed[n_fixed++] = b;
        } else {
            symbolic[n_symbolic++] = b;
        }
    }
    int64_t end = place_constant_sizes(lo, fixed, n_fixed);
    return place_symbolic_sizes(lo, symbolic, n_symbolic, end);
}

Error *plan_memory(Lower *lo)
{
    Plan *plan = lo->plan;
    number_steps(plan->steps.items, plan->steps.n, 0);
    plan->arena_bytes = place_buffers(lo, false);
    if (lo->graph->is_placed && !lo->is_fold)
        plan->host_arena_bytes = place_buffers(lo, true);
    return NULL;
}
