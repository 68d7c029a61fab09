/* What has to hold in a plan before it is emitted.
 *
 * In: a plan, made by lowering or read from text.  Out: E_INTERNAL with the kernel, step or buffer
 * that is wrong.  Nothing is taken for granted but what plan_parse() makes sure of: lists hold no
 * NULL, buffers have a type, alias chains end. */
#include "ir/loops_text.h"

#include <string.h>

typedef struct VerifyCx {
    const Plan   *plan;
    const Kernel *kernel;
    const Stage  *stage;
    const Loop   *loop;
    Buffer      **stored; /* LOCAL buffers that earlier loops of the kernel have stored */
    int           n_stored;
    const char   *problem;
} VerifyCx;

/* The first problem counts. */
#define PROBLEM(v, ...)                                                                            \
    do {                                                                                           \
        if (!(v)->problem)                                                                         \
            (v)->problem = arena_printf((v)->plan->ir->arena, __VA_ARGS__);                        \
    } while (0)

static bool is_of_plan(const Plan *plan, const Buffer *b)
{
    return b && b->id >= 0 && b->id < plan->buffers.n && plan->buffers.items[b->id] == b;
}

static bool is_port(const Kernel *k, const Buffer *b)
{
    for (int i = 0; i < k->n_reads; i++)
        if (k->reads[i] == b)
            return true;
    for (int i = 0; i < k->n_writes; i++)
        if (k->writes[i] == b)
            return true;
    return false;
}

static bool has_slot(const Plan *plan, const Symbol *s)
{
    for (int i = 0; i < plan->symbols.n; i++)
        if (plan->symbols.items[i] == s)
            return true;
    return false;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static bool is_loop_var(const VerifyCx *v, const Symbol *s)
{
    for (int d = 0; v->loop && d < v->loop->n_dims; d++)
        if (v->loop->vars[d] == s)
            return true;
    for (int d = 0; d < v->kernel->n_outer; d++)
        if (v->kernel->outer[d] == s)
            return true;
    for (int d = 0; v->stage && d < v->stage->n_inner; d++)
        if (v->stage->inner[d] == s)
            return true;
    return false;
}

static void check_symbol(void *user, Symbol *s)
{
    VerifyCx *v = user;
    if (s->kind == SYM_INDEX && !is_loop_var(v, s))
        PROBLEM(v, "uses loop variable %s, which is not in scope", s->name);
    if ((s->kind == SYM_SIZE || s->kind == SYM_UNBACKED) && !has_slot(v->plan, s))
        PROBLEM(v, "uses symbol %s, which has no slot", s->name);
}

static bool is_stored(const VerifyCx *v, const Buffer *b)
{
    for (int i = 0; i < v->n_stored; i++)
        if (v->stored[i] == b)
            return true;
    return false;
}

static void check_load(VerifyCx *v, const Scalar *a)
{
    const Buffer *b = a->buffer;
    if (!a->index || !is_of_plan(v->plan, b)) {
        PROBLEM(v, "loads from a buffer that is none of the plan's");
        return;
    }
    if (a->dtype != b->dtype)
        PROBLEM(v, "loads %s from %%%s of %s", dtype_name(a->dtype), b->name, dtype_name(b->dtype));
    if (b == v->kernel->result)
        return;
    if (b->kind == BUFFER_LOCAL && !is_stored(v, b))
        PROBLEM(v, "reads %%%s before it stores it", b->name);
    else if (b->kind != BUFFER_LOCAL && !is_port(v->kernel, b))
        PROBLEM(v, "reads %%%s, which is not among what it takes", b->name);
}

/* The operands from there on have one dtype: before them stand the condition of select, and what
 * says which random number a distribution takes (stream and place: i64). */
static int first_of_one_dtype(ScalarOp op)
{
    switch (op) {
    case S_SELECT:
    case S_BINOMIAL:
        return 1;
    case S_POISSON:
    case S_GAMMA:
        return 2;
    default:
        return 0;
    }
}

static void check_operands(VerifyCx *v, const Scalar *a)
{
    int first = first_of_one_dtype(a->op);
    for (int i = 0; i < a->n_in; i++) {
        if (a->op == S_SELECT && i == 0 && a->in[0]->dtype != DT_BOOL)
            PROBLEM(v, "selects by a value of %s", dtype_name(a->in[0]->dtype));
        if (i > first && a->in[i]->dtype != a->in[first]->dtype)
            PROBLEM(v, "has %s of %s and %s", scalar_op_name(a->op),
                    dtype_name(a->in[first]->dtype), dtype_name(a->in[i]->dtype));
    }
}

static void check_scalar(void *user, Scalar *a)
{
    VerifyCx *v = user;
    if (a->index)
        expr_symbols(a->index, check_symbol, v);
    if (a->op == S_LOAD)
        check_load(v, a);
    if (a->op == S_INDIRECT)
        expr_symbols(a->symbol->bound, check_symbol, v);
    if (a->mask && a->mask->dtype != DT_BOOL)
        PROBLEM(v, "loads under a mask of %s", dtype_name(a->mask->dtype));
    check_operands(v, a);
}

/* ---- loops ----------------------------------------------------------------------------------- */

typedef struct IndexCx {
    VerifyCx *v;
} IndexCx;

static void check_index_symbol(void *user, Symbol *s)
{
    IndexCx *cx = user;
    check_symbol(cx->v, s);
    if (s->kind == SYM_SCALAR && s->scalar)
        scalar_walk(&s->scalar, 1, check_scalar, cx->v);
}

static void check_index(VerifyCx *v, const Expr *index)
{
    IndexCx cx = {v};
    expr_symbols(index, check_index_symbol, &cx);
}

/* also: another expression over its variables, or NULL */
static void check_loop(VerifyCx *v, const Loop *loop, const Expr *also)
{
    Scalar *roots[2] = {loop->value, loop->mask};
    if (!loop->value) {
        PROBLEM(v, "has a loop without a value");
        return;
    }
    v->loop = loop;
    scalar_walk(roots, loop->mask ? 2 : 1, check_scalar, v);
    if (loop->mask && loop->mask->dtype != DT_BOOL)
        PROBLEM(v, "stores under a mask of %s", dtype_name(loop->mask->dtype));
    if (loop->index)
        check_index(v, loop->index);
    if (also)
        check_index(v, also);
    for (int d = 0; d < loop->n_dims; d++)
        expr_symbols(loop->sizes[d], check_symbol, v);
    v->loop = NULL;
}

static void check_store(VerifyCx *v, const Loop *loop)
{
    bool positional = loop->reduce == REDUCE_ARGMAX || loop->reduce == REDUCE_ARGMIN;
    if (!loop->out || !loop->index || !is_of_plan(v->plan, loop->out)) {
        PROBLEM(v, "has a loop that stores nowhere");
        return;
    }
    if (loop->out->kind != BUFFER_LOCAL && !is_port(v->kernel, loop->out))
        PROBLEM(v, "stores into %%%s, which is not among what it gives", loop->out->name);
    if (loop->value && !(loop->kind == LOOP_REDUCE && positional) &&
        loop->value->dtype != loop->out->dtype)
        PROBLEM(v, "stores %s into %%%s of %s", dtype_name(loop->value->dtype), loop->out->name,
                dtype_name(loop->out->dtype));
}

static void note_stored(VerifyCx *v, const Loop *loop)
{
    if (loop->out && loop->out->kind == BUFFER_LOCAL)
        v->stored[v->n_stored++] = loop->out;
}

/* What a reduction gives is there after its stage, what a pointwise loop gives for the loops behind
 * it. */
static void check_stage(VerifyCx *v, const Stage *stage)
{
    v->stage = stage;
    if (!stage->n_loops)
        PROBLEM(v, "has a stage without loops");
    for (int d = 0; d < stage->n_inner; d++)
        expr_symbols(stage->inner_sizes[d], check_symbol, v);
    for (int l = 0; l < stage->n_loops && !v->problem; l++) {
        check_loop(v, stage->loops[l], NULL);
        check_store(v, stage->loops[l]);
        if (!v->problem && stage->loops[l]->kind == LOOP_POINTWISE)
            note_stored(v, stage->loops[l]);
    }
    for (int l = 0; l < stage->n_loops && !v->problem; l++)
        if (stage->loops[l]->kind == LOOP_REDUCE)
            note_stored(v, stage->loops[l]);
    v->stage = NULL;
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void check_ports(VerifyCx *v, const Kernel *k)
{
    for (int i = 0; i < k->n_reads + k->n_writes; i++) {
        const Buffer *b = i < k->n_reads ? k->reads[i] : k->writes[i - k->n_reads];
        if (!is_of_plan(v->plan, b))
            PROBLEM(v, "takes or gives a buffer that is none of the plan's");
    }
}

/* The fields that a template has to have are stated once, with their text. */
static void check_template(VerifyCx *v, const Kernel *k)
{
    PlanIo io = {
        .mode = IO_CHECK, .arena = v->plan->ir->arena, .plan = (Plan *)v->plan, .kernel = k};
    io_template(&io, (Kernel *)k);
    if (io.problem)
        PROBLEM(v, "%s", io.problem);
}

static const Loop *own_loop(const Kernel *k)
{
    switch (k->kind) {
    case KERNEL_ATTENTION:
        return k->attention.mask;
    case KERNEL_SCAN:
        return k->scan.source;
    case KERNEL_NONZERO:
        return k->nonzero.source;
    default:
        return NULL;
    }
}

/* Numbers that emitters divide by, or index lists with. */
static void check_positive(VerifyCx *v, const char *name, const int64_t *values, int n)
{
    for (int i = 0; i < n; i++)
        if (values[i] < 1)
            PROBLEM(v, "has %lld as %s", (long long)values[i], name);
}

static void check_conv(VerifyCx *v, const Conv *c)
{
    const int64_t counts[] = {c->groups, c->in_channels, c->out_channels};
    check_positive(v, "kernel", c->kernel, 3);
    check_positive(v, "stride", c->stride, 3);
    check_positive(v, "dilation", c->dilation, 3);
    check_positive(v, "groups or channels", counts, 3);
    if (c->spatial < 1 || c->spatial > 3)
        PROBLEM(v, "has %d spatial dims", c->spatial);
}

static void check_attention(VerifyCx *v, const Attention *a)
{
    check_positive(v, "group", &a->group, 1);
    if (a->n_batch < 1)
        PROBLEM(v, "has no heads");
    if (a->mask && a->mask->n_dims != a->n_batch + 2)
        PROBLEM(v, "has a mask of %d dims instead of %d", a->mask->n_dims, a->n_batch + 2);
}

static void check_call(VerifyCx *v, const Call *c)
{
    bool fits = c->desc && c->scratch_bytes && c->n_in >= 1 && c->n_in <= MAX_CALL_TENSORS &&
                c->n_out >= 1 && c->n_out <= MAX_CALL_TENSORS && c->n_params <= 8;
    for (int i = 0; fits && i < c->n_in; i++)
        fits = c->in[i].buffer && c->in[i].offset && c->item_in[i];
    for (int i = 0; fits && i < c->n_out; i++)
        fits = c->out[i].buffer && c->out[i].offset && c->item_out[i];
    if (!fits)
        PROBLEM(v, "calls a function without all that it takes");
}

/* Parameters and results of the schema, in order: where the items of one end, or NULL. */
static const CustomItem *check_item(VerifyCx *v, const Custom *c, const CustomItem *at)
{
    const CustomItem *end = c->items + c->n_items;
    if (!at || at == end) {
        PROBLEM(v, "calls %s with too few items", c->schema->name);
        return NULL;
    }
    int n = at->kind == CUSTOM_LIST ? at->n : 0;
    if (n < 0 || n > end - at - 1) {
        PROBLEM(v, "calls %s with a list of %d items", c->schema->name, n);
        return NULL;
    }
    for (int i = 1; i <= n; i++)
        if (at[i].kind == CUSTOM_LIST)
            PROBLEM(v, "calls %s with a list of lists", c->schema->name);
    return at + 1 + n;
}

static void check_custom(VerifyCx *v, const Custom *c)
{
    const CustomItem *at = c->items;
    int               n_tensors = 0;
    if (!c->schema) {
        PROBLEM(v, "calls no operator");
        return;
    }
    for (int i = 0; i < c->schema->n_params; i++)
        at = check_item(v, c, at);
    for (int i = 0; i < c->schema->n_returns; i++)
        if (!c->schema->returns[i].alias)
            at = check_item(v, c, at);
    if (at && at != c->items + c->n_items)
        PROBLEM(v, "calls %s with too many items", c->schema->name);
    for (int i = 0; i < c->n_items; i++) {
        const CustomItem *item = &c->items[i];
        n_tensors += item->kind == CUSTOM_TENSOR;
        if ((item->kind == CUSTOM_TENSOR && !item->tensor.buffer) ||
            (item->kind == CUSTOM_INT && !item->number) ||
            (item->kind == CUSTOM_STRING && !item->string))
            PROBLEM(v, "calls %s with an item that holds nothing", c->schema->name);
    }
    if (n_tensors > MAX_CUSTOM_TENSORS)
        PROBLEM(v, "calls %s with %d tensors", c->schema->name, n_tensors);
}

/* Of templates: dims that fit together. */
static void check_numbers(VerifyCx *v, const Kernel *k)
{
    switch (k->kind) {
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
        check_conv(v, &k->conv);
        break;
    case KERNEL_ATTENTION:
        check_attention(v, &k->attention);
        break;
    case KERNEL_SCAN:
        if (k->scan.axis < 0 || k->scan.axis >= k->scan.source->n_dims ||
            k->scan.n_outer != k->scan.source->n_dims)
            PROBLEM(v, "scans axis %d of %d dims of %d", k->scan.axis, k->scan.n_outer,
                    k->scan.source->n_dims);
        if (!k->scan.source->out && !k->result)
            PROBLEM(v, "scans into nothing");
        break;
    case KERNEL_NONZERO:
        if (k->nonzero.source->n_dims < 1)
            PROBLEM(v, "looks for elements of no dims");
        break;
    case KERNEL_LSTM:
    case KERNEL_GRU:
        check_positive(v, "hidden", &k->lstm.hidden, 1);
        break;
    case KERNEL_CALL:
        check_call(v, &k->call);
        break;
    case KERNEL_CUSTOM:
        check_custom(v, &k->custom);
        break;
    case KERNEL_PACK_CONV:
        check_positive(v, "groups", &k->pack_conv.groups, 1);
        check_positive(v, "kernel", k->pack_conv.kernel, 3);
        break;
    default:
        break;
    }
}

static int template_dims(const Kernel *k)
{
    switch (k->kind) {
    case KERNEL_GEMM:
        return k->gemm.n_batch + 2;
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
        return 5;
    case KERNEL_ATTENTION:
        return k->attention.n_batch + 2;
    default:
        return -1;
    }
}

/* One stage over the dims of the result, without inner dims. */
static void check_epilogue(VerifyCx *v, const Kernel *k)
{
    int n = template_dims(k);
    if (k->kind == KERNEL_LOOPS || !k->n_stages)
        return;
    if (!k->result)
        PROBLEM(v, "has an epilogue and no result that it reads");
    if (k->n_stages != 1 || k->stages[0]->n_inner || n < 0 || k->n_outer != n)
        PROBLEM(v, "has an epilogue of %d stages over %d dims", k->n_stages, k->n_outer);
}

static void check_schedule(VerifyCx *v, const Kernel *k)
{
    if (k->parallel < 0 || k->parallel > k->n_outer)
        PROBLEM(v, "splits %d of its %d dims over threads", k->parallel, k->n_outer);
    const Expr *exprs[] = {k->scratch_bytes, k->flops, k->bytes_read, k->bytes_written};
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++)
        if (exprs[i])
            expr_symbols(exprs[i], check_symbol, v);
    for (int d = 0; d < k->n_outer; d++)
        expr_symbols(k->outer_sizes[d], check_symbol, v);
}

static int count_loops(const Kernel *k)
{
    int n = 1;
    for (int s = 0; s < k->n_stages; s++)
        n += k->stages[s]->n_loops;
    return n;
}

static Error *verify_kernel(const Plan *plan, const Kernel *k, int id)
{
    VerifyCx v = {.plan = plan, .kernel = k};
    v.stored = ARENA_ARRAY(plan->ir->arena, Buffer *, count_loops(k));
    if (k->id != id)
        PROBLEM(&v, "is number %d and stands at %d", k->id, id);
    if (k->kind == KERNEL_LOOPS && !k->n_stages)
        PROBLEM(&v, "has no stage");
    check_ports(&v, k);
    check_schedule(&v, k);
    check_template(&v, k);
    check_epilogue(&v, k);
    if (!v.problem)
        check_numbers(&v, k);
    if (own_loop(k))
        check_loop(&v, own_loop(k), k->kind == KERNEL_SCAN ? k->scan.index : NULL);
    for (int s = 0; s < k->n_stages && !v.problem; s++)
        check_stage(&v, k->stages[s]);
    if (!v.problem)
        return NULL;
    return error_new(plan->ir->arena, E_INTERNAL, k->where, "kernel @%s %s", k->name, v.problem);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* Which buffers hold something by now, by id of what the memory belongs to. */
typedef struct StepCx {
    const Plan *plan;
    bool       *is_written;
} StepCx;

static const Buffer *root_of(const Buffer *b)
{
    while (b->alias)
        b = b->alias;
    return b;
}

static Error *step_error(const StepCx *cx, const Step *s, const char *what, const char *name)
{
    return error_new(cx->plan->ir->arena, E_INTERNAL, s->where, "%s%s", what, name ? name : "");
}

static Error *check_read(StepCx *cx, const Step *s, const Buffer *b)
{
    if (!is_of_plan(cx->plan, b))
        return step_error(cx, s, "a step reads a buffer that is none of the plan's", NULL);
    const Buffer *root = root_of(b);
    if (root->kind == BUFFER_TEMP && !cx->is_written[root->id])
        return step_error(cx, s, "a step reads a buffer that no step before it makes: %", b->name);
    return NULL;
}

static Error *check_written(StepCx *cx, const Step *s, const Buffer *b)
{
    if (!is_of_plan(cx->plan, b))
        return step_error(cx, s, "a step writes a buffer that is none of the plan's", NULL);
    cx->is_written[root_of(b)->id] = true;
    return NULL;
}

static Error *check_launch(StepCx *cx, const Step *s)
{
    const Kernel *k = s->kernel;
    if (!k || k->id < 0 || k->id >= cx->plan->kernels.n || cx->plan->kernels.items[k->id] != k)
        return step_error(cx, s, "a step launches a kernel that is none of the plan's", NULL);
    for (int i = 0; i < k->n_reads; i++)
        if (!is_port(&(Kernel){.reads = k->writes, .n_reads = k->n_writes}, k->reads[i]))
            TRY(check_read(cx, s, k->reads[i]));
    for (int i = 0; i < k->n_writes; i++)
        TRY(check_written(cx, s, k->writes[i]));
    return NULL;
}

static Error *check_flag(StepCx *cx, const Step *s)
{
    if (!s->flag && !s->condition)
        return step_error(cx, s, "a step without a condition", NULL);
    if (!s->flag)
        return NULL;
    TRY(check_read(cx, s, s->flag));
    if (s->kind == STEP_ASSERT && s->flag->dtype != DT_I64)
        return step_error(cx, s, "a step asks a buffer that is no info: %", s->flag->name);
    if ((s->kind == STEP_IF || s->kind == STEP_WHILE) && s->flag->dtype != DT_BOOL)
        return step_error(cx, s, "a step asks a buffer that is not bool: %", s->flag->name);
    return NULL;
}

static Error *check_copy(StepCx *cx, const Step *s)
{
    TRY(check_read(cx, s, s->from));
    TRY(check_written(cx, s, s->to));
    if (s->from->dtype != s->to->dtype)
        return step_error(cx, s, "a step copies into another dtype: %", s->to->name);
    return NULL;
}

static Error *check_steps(StepCx *cx, Step *const *steps, int n);

static Error *check_nested(StepCx *cx, const Step *s)
{
    if (s->kind == STEP_IF)
        TRY(check_flag(cx, s));
    else /* the flag is computed first */
        TRY(check_steps(cx, s->else_steps.items, s->else_steps.n));
    TRY(check_steps(cx, s->then_steps.items, s->then_steps.n));
    if (s->kind == STEP_IF)
        return check_steps(cx, s->else_steps.items, s->else_steps.n);
    return s->flag ? check_flag(cx, s) : step_error(cx, s, "a loop without a flag", NULL);
}

static Error *check_step(StepCx *cx, const Step *s)
{
    switch (s->kind) {
    case STEP_KERNEL:
        return check_launch(cx, s);
    case STEP_SYMBOL:
        if (!s->symbol || !has_slot(cx->plan, s->symbol))
            return step_error(cx, s, "a step sets a symbol that has no slot", NULL);
        return check_flag(cx, s);
    case STEP_ASSERT:
        return check_flag(cx, s);
    case STEP_COPY:
        return check_copy(cx, s);
    case STEP_IF:
    case STEP_WHILE:
        return check_nested(cx, s);
    }
    return step_error(cx, s, "a step of no kind", NULL);
}

static Error *check_steps(StepCx *cx, Step *const *steps, int n)
{
    for (int i = 0; i < n; i++)
        TRY(check_step(cx, steps[i]));
    return NULL;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static Error *check_tensor(const Plan *plan, const char *what, const PlanTensor *t, int i,
                           BufferKind kind)
{
    Arena *arena = plan->ir->arena;
    if (!t->buffer && !t->scalar && !t->expr && !t->is_literal)
        return error_new(arena, E_INTERNAL, (Where){0}, "%s %d is nothing", what, i);
    if (t->scalar && !has_slot(plan, t->scalar))
        return error_new(arena, E_INTERNAL, (Where){0}, "%s %d: symbol %s has no slot", what, i,
                         t->scalar->name);
    if (t->buffer &&
        (!is_of_plan(plan, t->buffer) || t->buffer->kind != kind || t->buffer->slot != i))
        return error_new(arena, E_INTERNAL, (Where){0}, "%s %d: %%%s has kind or slot of another",
                         what, i, t->buffer->name);
    return NULL;
}

static Error *verify_tables(const Plan *plan)
{
    Arena *arena = plan->ir->arena;
    for (int i = 0; i < plan->inputs.n; i++)
        TRY(check_tensor(plan, "input", &plan->inputs.items[i], i, BUFFER_INPUT));
    for (int i = 0; i < plan->outputs.n; i++) {
        const PlanTensor *t = &plan->outputs.items[i];
        TRY(check_tensor(plan, "output", t, i, BUFFER_OUTPUT));
        if (t->same_as >= plan->inputs.n)
            return error_new(arena, E_INTERNAL, (Where){0}, "output %d aliases no input", i);
    }
    for (int i = 0; i < plan->constants.n; i++) {
        const PlanConstant *c = &plan->constants.items[i];
        if (!is_of_plan(plan, c->buffer) || c->buffer->slot != i ||
            (c->buffer->kind != BUFFER_CONSTANT && c->buffer->kind != BUFFER_STATE))
            return error_new(arena, E_INTERNAL, (Where){0}, "constant %s has a buffer of another",
                             c->fqn);
    }
    return NULL;
}

/* Buffers that kernels and steps touch have a place. */
static Error *check_place(const Plan *plan, const Buffer *b)
{
    const Buffer *root = root_of(b);
    int           limit = root->kind == BUFFER_INPUT    ? plan->inputs.n
                          : root->kind == BUFFER_OUTPUT ? plan->outputs.n
                                                        : plan->constants.n;
    bool          is_late = expr_contains_kind(root->numel, SYM_UNBACKED);
    bool          has_place = root->kind == BUFFER_LOCAL ||
                     (root->kind == BUFFER_TEMP ? is_late || root->arena_offset != NULL
                                                : root->slot >= 0 && root->slot < limit);
    if (has_place)
        return NULL;
    return error_new(plan->ir->arena, E_INTERNAL, (Where){0}, "buffer %%%s has no place in memory",
                     b->name);
}

/* Only copies go from one device to another. */
static Error *check_device(const Plan *plan, const Kernel *k, const Buffer *b)
{
    if (b->kind == BUFFER_CONSTANT || b->is_host == k->is_host)
        return NULL;
    return error_new(plan->ir->arena, E_INTERNAL, k->where,
                     "kernel %s and buffer %%%s are on different devices", k->name, b->name);
}

static Error *verify_places(const Plan *plan)
{
    for (int i = 0; i < plan->kernels.n; i++) {
        const Kernel *k = plan->kernels.items[i];
        for (int r = 0; r < k->n_reads; r++) {
            TRY(check_place(plan, k->reads[r]));
            TRY(check_device(plan, k, k->reads[r]));
        }
        for (int w = 0; w < k->n_writes; w++) {
            TRY(check_place(plan, k->writes[w]));
            TRY(check_device(plan, k, k->writes[w]));
        }
    }
    return NULL;
}

Error *plan_verify(const Plan *plan)
{
    StepCx cx = {plan, ARENA_ARRAY(plan->ir->arena, bool, plan->buffers.n + 1)};
    TRY(verify_tables(plan));
    for (int i = 0; i < plan->kernels.n; i++)
        TRY(verify_kernel(plan, plan->kernels.items[i], i));
    TRY(check_steps(&cx, plan->steps.items, plan->steps.n));
    TRY(verify_places(plan));
    return plan->fold ? plan_verify(plan->fold) : NULL;
}
