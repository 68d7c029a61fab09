/* Barriers between steps: which of them wait for all threads.
 *
 *   launch @embedding_bag_3 (out %a at 0)      no barrier: other memory than all steps since the
 * last one, launch @embedding_bag_4 (out %b at 128)    so a thread that is done goes on barrier
 * launch @cat_5 (in %a, %b)          reads what other threads write
 *
 * A step waits when it touches memory that a step since the last barrier touches, one of them
 * writing.  Memory is what plan_memory made of it: a buffer in the bytes of a dead one conflicts
 * with that one's readers.  Steps that one thread runs alone follow each other in it. */
#include "passes/lower_internal.h"

typedef struct Access {
    const Buffer *buffer;
    bool          is_write;
    bool          is_alone; /* by the thread that runs kernels without parallel dims */
} Access;

typedef struct Barriers {
    Arena *arena;
    VEC(Access) open; /* of the steps since the last barrier */
    bool waits;       /* the next step, whatever it touches */
} Barriers;

static const Buffer *root(const Buffer *b)
{
    while (b->alias)
        b = b->alias;
    return b;
}

static bool arena_bytes(const Buffer *b, int64_t *at, int64_t *end)
{
    int64_t numel;
    if (!expr_is_int(b->arena_offset, at) || !expr_is_int(b->numel, &numel))
        return false;
    *end = *at + plan_padded_bytes(numel * dtype_size(b->dtype));
    return true;
}

static bool shares_memory(const Buffer *a, const Buffer *b)
{
    a = root(a), b = root(b);
    if (a == b)
        return true;
    if (a->kind != b->kind || a->is_host != b->is_host)
        return false;
    /* Views of one storage, or one tensor that the caller gives twice. */
    if (a->kind == BUFFER_STATE || a->kind == BUFFER_CONSTANT || a->kind == BUFFER_INPUT)
        return true;
    if (a->kind != BUFFER_TEMP) /* outputs overlap nothing: docs/abi.md */
        return false;
    if (!a->arena_offset || !b->arena_offset)
        return true;
    int64_t    at, end, other_at, other_end;
    const bool is_fixed = arena_bytes(a, &at, &end),
               other_is_fixed = arena_bytes(b, &other_at, &other_end);
    if (is_fixed && other_is_fixed)
        return at < other_end && other_at < end;
    /* Slots of symbolic size lie behind all that is constant; two buffers are in one slot or apart.
     */
    return a->arena_offset == b->arena_offset;
}

static bool conflicts(const Barriers *x, Access new)
{
    for (int i = 0; i < x->open.n; i++) {
        const Access *old = &x->open.items[i];
        if ((old->is_write || new.is_write) && !(old->is_alone && new.is_alone) &&
            shares_memory(old->buffer, new.buffer))
            return true;
    }
    return false;
}

static bool has_planned_memory(const Buffer *b)
{
    return b->kind != BUFFER_TEMP || root(b)->arena_offset;
}

/* Steps whose threads do their part and go on; the others wait inside, allocate, or run code of the
 * user. */
static bool is_plain(const Step *s)
{
    if (s->kind == STEP_COPY)
        return has_planned_memory(s->to);
    if (s->kind != STEP_KERNEL)
        return false;
    const Kernel *k = s->kernel;
    switch (k->kind) {
    case KERNEL_LOOPS:
    case KERNEL_GEMM:
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
    case KERNEL_ATTENTION:
    case KERNEL_EMBEDDING_BAG:
        break;
    default:
        return false;
    }
    for (int i = 0; i < k->n_writes; i++)
        if (!has_planned_memory(k->writes[i]))
            return false;
    return true;
}

static int list_accesses(Barriers *x, const Step *s, Access **accesses)
{
    const Kernel *k = s->kernel;
    if (s->kind == STEP_COPY) {
        *accesses = ARENA_ARRAY(x->arena, Access, 2);
        (*accesses)[0] = (Access){s->from, false, false};
        (*accesses)[1] = (Access){s->to, true, false};
        return 2;
    }
    const bool is_alone = k->kind == KERNEL_LOOPS && !k->parallel;
    *accesses = ARENA_ARRAY(x->arena, Access, k->n_reads + k->n_writes + 1);
    for (int i = 0; i < k->n_reads; i++)
        (*accesses)[i] = (Access){k->reads[i], false, is_alone};
    for (int i = 0; i < k->n_writes; i++)
        (*accesses)[k->n_reads + i] = (Access){k->writes[i], true, is_alone};
    return k->n_reads + k->n_writes;
}

static void mark_plain(Barriers *x, Step *s)
{
    Access *accesses;
    int     n = list_accesses(x, s, &accesses);
    s->barrier_before = x->waits;
    for (int i = 0; i < n && !s->barrier_before; i++)
        s->barrier_before = conflicts(x, accesses[i]);
    if (s->barrier_before)
        x->open.n = 0;
    for (int i = 0; i < n; i++)
        VEC_PUSH(x->arena, x->open, accesses[i]);
    x->waits = false;
}

static void mark_barriers(Barriers *x, Step *const *steps, int n)
{
    for (int i = 0; i < n; i++) {
        Step *s = steps[i];
        if (is_plain(s)) {
            mark_plain(x, s);
            continue;
        }
        s->barrier_before = x->waits || x->open.n;
        x->waits = true, x->open.n = 0;
        mark_barriers(x, s->then_steps.items, s->then_steps.n);
        mark_barriers(x, s->else_steps.items, s->else_steps.n);
        x->waits = true, x->open.n = 0;
    }
}

void plan_barriers(Lower *lo)
{
    Barriers x = {.arena = lo->ir->arena};
    mark_barriers(&x, lo->plan->steps.items, lo->plan->steps.n);
}
