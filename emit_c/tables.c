/* Const tables of abi/aotc_model.h for one plan: inputs, outputs, symbols, guards, kernels,
 * constants and the function of all size expressions.
 *
 *   static const aotc_model_tensor inputs[] = {{sizeof(aotc_model_tensor), 0, "x", 2, 32, 1, 2,
 * inputs_0_dims, …}}; */
#include "emit_c/kernel_shape.h"
#include "emit_c/templates.h"

#include <string.h>

enum { DLPACK_CPU = 1, DLPACK_CUDA = 2, DLPACK_OPAQUE = 3 };

typedef struct Tables {
    Emit *e;
    VEC(const Expr *) exprs;
    bool *is_defined; /* by slot: an earlier dim or scalar gives the symbol its value */
    int  *definer;    /* by slot: input * MAX_RANK + dim that defines it, -1 none */
} Tables;

static int expr_index(Tables *t, const Expr *e)
{
    for (int i = 0; i < t->exprs.n; i++)
        if (t->exprs.items[i] == e)
            return i;
    VEC_PUSH(t->e->arena, t->exprs, e);
    return t->exprs.n - 1;
}

static const char *int64_text(Arena *arena, int64_t value)
{
    if (value == INT64_MAX)
        return "INT64_MAX";
    return c_const(arena, DT_I64, value, 0);
}

/* ---- which dim gives a symbol its value ------------------------------------------------------ */
typedef struct OneSymbol {
    Symbol *symbol;
    int     n;
} OneSymbol;

static void count_symbol(void *cx, Symbol *symbol)
{
    OneSymbol *one = cx;
    one->symbol = symbol;
    one->n++;
}

/* value * symbol + add, value != 0 */
static Symbol *solvable(Emit *e, const Expr *size, int64_t *value, int64_t *add)
{
    OneSymbol   one = {NULL, 0};
    const Expr *coeff, *rest;
    expr_symbols(size, count_symbol, &one);
    if (one.n != 1 || !expr_linear(e->exprs, size, one.symbol, &coeff, &rest))
        return NULL;
    return expr_is_int(coeff, value) && expr_is_int(rest, add) && *value != 0 ? one.symbol : NULL;
}

static void find_definers(Tables *t)
{
    const Plan *plan = t->e->plan;
    for (int i = 0; i < plan->symbols.n; i++)
        t->definer[i] = -1;
    for (int simple = 1; simple >= 0; simple--)
        for (int i = 0; i < plan->inputs.n; i++)
            for (int d = 0; plan->inputs.items[i].buffer && d < plan->inputs.items[i].type.rank;
                 d++) {
                int64_t value, add;
                Symbol *symbol = solvable(t->e, plan->inputs.items[i].type.sizes[d], &value, &add);
                int     slot = symbol ? emit_symbol_slot(t->e, symbol) : -1;
                if (slot >= 0 && t->definer[slot] < 0 && (!simple || (value == 1 && add == 0)))
                    t->definer[slot] = i * MAX_RANK + d;
            }
    for (int i = 0; i < plan->inputs.n; i++)
        if (plan->inputs.items[i].scalar &&
            emit_symbol_slot(t->e, plan->inputs.items[i].scalar) >= 0)
            t->is_defined[emit_symbol_slot(t->e, plan->inputs.items[i].scalar)] = true;
}

static Error *check_definers(Tables *t)
{
    const Plan *plan = t->e->plan;
    for (int i = 0; i < plan->symbols.n; i++)
        if (plan->symbols.items[i]->kind == SYM_SIZE && t->definer[i] < 0 && !t->is_defined[i])
            return error_new(t->e->arena, E_UNSUPPORTED, (Where){0},
                             "symbol %s cannot be solved from the size of any input",
                             plan->symbols.items[i]->name);
    return NULL;
}

/* ---- tensors --------------------------------------------------------------------------------- */
static void print_dim(Tables *t, const Expr *size, int definer)
{
    Emit   *e = t->e;
    int64_t value = 0, add = 0;
    if (expr_is_int(size, &value)) {
        text_printf(e->out, "{AOTC_DIM_CONST, -1, %s, 0}", int64_text(e->arena, value));
        return;
    }
    Symbol *symbol = definer >= 0 ? solvable(e, size, &value, &add) : NULL;
    int     slot = symbol ? emit_symbol_slot(e, symbol) : -1;
    if (slot >= 0 && t->definer[slot] == definer && !t->is_defined[slot])
        text_printf(e->out, "{AOTC_DIM_SYMBOL, %d, %s, %s}", slot, int64_text(e->arena, value),
                    int64_text(e->arena, add));
    else
        text_printf(e->out, "{AOTC_DIM_EXPR, %d, 0, 0}", expr_index(t, size));
}

static bool is_row_major(Emit *e, const TensorType *type)
{
    const Expr *step = expr_int(e->exprs, 1);
    for (int d = type->rank - 1; d >= 0; d--) {
        if (type->strides[d] != step && !expr_is_value(type->sizes[d], 1))
            return false;
        step = expr_mul(e->exprs, step, type->sizes[d]);
    }
    return true;
}

static void print_dims_of(Tables *t, const PlanTensor *tensor, const char *table, int index,
                          bool is_input)
{
    Emit             *e = t->e;
    const TensorType *type = &tensor->type;
    if (!tensor->buffer || type->rank == 0)
        return;
    text_printf(e->out, "static const aotc_model_dim %s%s_%d_dims[] = {", e->prefix, table, index);
    for (int d = 0; d < type->rank; d++) {
        text_put(e->out, d ? ", " : "");
        print_dim(t, type->sizes[d], is_input ? index * MAX_RANK + d : -1);
    }
    text_put(e->out, "};\n");
    if (is_row_major(e, type))
        return;
    text_printf(e->out, "static const aotc_model_dim %s%s_%d_strides[] = {", e->prefix, table,
                index);
    for (int d = 0; d < type->rank; d++) {
        text_put(e->out, d ? ", " : "");
        print_dim(t, type->strides[d], -1);
    }
    text_put(e->out, "};\n");
}

static bool kernel_uses(const Kernel *k, const Buffer *b)
{
    for (int i = 0; i < k->n_reads; i++)
        if (emit_shares_memory(k->reads[i], b))
            return true;
    for (int i = 0; i < k->n_writes; i++)
        if (emit_shares_memory(k->writes[i], b))
            return true;
    return false;
}

static bool steps_use(Step *const *steps, int n, const Buffer *b)
{
    for (int i = 0; i < n; i++) {
        const Step *s = steps[i];
        if ((s->kernel && kernel_uses(s->kernel, b)) ||
            (s->flag && emit_shares_memory(s->flag, b)) ||
            (s->from && emit_shares_memory(s->from, b)) ||
            (s->to && emit_shares_memory(s->to, b)) ||
            steps_use(s->then_steps.items, s->then_steps.n, b) ||
            steps_use(s->else_steps.items, s->else_steps.n, b))
            return true;
    }
    return false;
}

/* Scalars are 0-d tensors of the Python type's dtype; None and strings carry nothing. */
static DType tensor_dtype(const PlanTensor *tensor)
{
    if (tensor->buffer)
        return tensor->type.dtype;
    ExprType type = EXPR_TYPE_INT;
    if (tensor->scalar)
        type = tensor->scalar->type;
    else if (tensor->expr)
        type = tensor->expr->type;
    else if (tensor->is_literal && tensor->literal.kind == ARG_FLOAT)
        type = EXPR_TYPE_FLOAT;
    else if (tensor->is_literal && tensor->literal.kind == ARG_BOOL)
        type = EXPR_TYPE_BOOL;
    else if (tensor->is_literal && tensor->literal.kind != ARG_INT)
        return DT_NONE;
    return type == EXPR_TYPE_FLOAT ? DT_F64 : type == EXPR_TYPE_BOOL ? DT_BOOL : DT_I64;
}

static bool type_is_late(const TensorType *type)
{
    for (int d = 0; d < type->rank; d++)
        if (expr_contains_kind(type->sizes[d], SYM_UNBACKED))
            return true;
    return false;
}

static const char *tensor_flags(Tables *t, const PlanTensor *tensor, bool is_input)
{
    Text flags = text_new(t->e->arena);
    text_put(&flags, "0");
    if (!tensor->buffer)
        text_put(&flags, " | AOTC_TENSOR_SCALAR");
    if (!tensor->buffer && tensor_dtype(tensor) == DT_F64)
        text_put(&flags, " | AOTC_TENSOR_SYM_FLOAT");
    if (tensor->is_mutated)
        text_put(&flags, " | AOTC_TENSOR_MUTATED");
    if (tensor->is_literal)
        text_put(&flags, " | AOTC_TENSOR_LITERAL");
    if (!is_input && tensor->buffer && type_is_late(&tensor->type))
        text_put(&flags, " | AOTC_TENSOR_LATE");
    if (is_input && tensor->buffer &&
        !steps_use(t->e->plan->steps.items, t->e->plan->steps.n, tensor->buffer))
        text_put(&flags, " | AOTC_TENSOR_UNUSED");
    return flags.n > 1 ? flags.data + 4 : flags.data;
}

static void print_literal(Emit *e, const PlanTensor *tensor)
{
    const Arg *a = &tensor->literal;
    int64_t    i = 0;
    double     f = 0;
    if (tensor->is_literal && a->expr) {
        i = a->expr->value;
        f = a->expr->type == EXPR_TYPE_FLOAT ? a->expr->fvalue : (double)i;
    } else if (tensor->is_literal && a->kind == ARG_FLOAT) {
        f = a->number;
    }
    text_printf(e->out, "%s, %s}", int64_text(e->arena, i), c_const(e->arena, DT_F64, 0, f));
}

static void print_tensor(Tables *t, const PlanTensor *tensor, const char *table, int index,
                         bool is_input)
{
    Emit            *e = t->e;
    DType            dtype = tensor_dtype(tensor);
    const DTypeInfo *info = dtype_info(dtype);
    int              rank = tensor->buffer ? tensor->type.rank : 0;
    bool             strided = rank && !is_row_major(e, &tensor->type);
    const char      *stem = arena_printf(e->arena, "%s%s_%d", e->prefix, table, index);
    text_printf(e->out, "    {sizeof(aotc_model_tensor), %s, %s, %d, %d, %d, %d, ",
                tensor_flags(t, tensor, is_input),
                c_string(e->arena, tensor->name ? tensor->name : ""),
                dtype == DT_NONE ? DLPACK_OPAQUE : info->dlpack_code, info->dlpack_bits,
                e->device == EMIT_CUDA && tensor->buffer && !tensor->buffer->is_host ? DLPACK_CUDA
                                                                                     : DLPACK_CPU,
                rank);
    text_put(e->out, rank ? arena_printf(e->arena, "%s_dims, ", stem) : "0, ");
    text_put(e->out, strided ? arena_printf(e->arena, "%s_strides, ", stem) : "0, ");
    int expr = !is_input && tensor->expr ? expr_index(t, tensor->expr) : -1;
    text_printf(e->out, "%d, %d, %d, 0, ",
                is_input && tensor->scalar ? emit_symbol_slot(e, tensor->scalar) : -1, expr,
                is_input ? -1 : tensor->same_as);
    print_literal(e, tensor);
    text_put(e->out, ",\n");
}

static void print_tensors(Tables *t, const PlanTensor *tensors, int n, const char *table,
                          bool is_input)
{
    Emit *e = t->e;
    if (!n)
        return;
    for (int i = 0; i < n; i++)
        print_dims_of(t, &tensors[i], table, i, is_input);
    text_printf(e->out, "static const aotc_model_tensor %s%s[] = {\n", e->prefix, table);
    for (int i = 0; i < n; i++)
        print_tensor(t, &tensors[i], table, i, is_input);
    text_put(e->out, "};\n\n");
}

/* ---- symbols, guards, kernels, constants ----------------------------------------------------- */
static void print_symbols(Tables *t)
{
    Emit *e = t->e;
    if (!e->plan->symbols.n)
        return;
    text_printf(e->out, "static const aotc_model_symbol %ssymbols[] = {\n", e->prefix);
    for (int i = 0; i < e->plan->symbols.n; i++) {
        const Symbol *s = e->plan->symbols.items[i];
        text_printf(e->out, "    {%s, %s, %s, %d, %d},\n", c_string(e->arena, s->name),
                    int64_text(e->arena, s->min), int64_text(e->arena, s->max),
                    s->kind == SYM_UNBACKED, s->type == EXPR_TYPE_FLOAT);
    }
    text_put(e->out, "};\n\n");
}

static void check_slot(void *cx, Symbol *symbol)
{
    Tables *t = cx;
    if (emit_symbol_slot(t->e, symbol) < 0)
        t->e = NULL;
}

/* Guards over symbols that the plan does not have are about nothing that code depends on. */
static bool is_checkable(Tables *t, const Guard *g)
{
    Tables probe = *t;
    if (g->expr)
        expr_symbols(g->expr, check_slot, &probe);
    return g->expr && probe.e;
}

static int print_guards(Tables *t)
{
    Emit *e = t->e;
    int   n = 0;
    if (!e->plan->graph || e->prefix[0])
        return 0;
    for (int i = 0; i < e->plan->graph->guards.n; i++) {
        const Guard *g = &e->plan->graph->guards.items[i];
        if (!is_checkable(t, g))
            continue;
        if (n++ == 0)
            text_printf(e->out, "static const aotc_model_guard %sguards[] = {\n", e->prefix);
        text_printf(e->out, "    {%s, %d, 0},\n", c_string(e->arena, g->text ? g->text : ""),
                    expr_index(t, g->expr));
    }
    text_put(e->out, n ? "};\n\n" : "");
    return n;
}

static const Expr *kernel_bytes(Emit *e, const Kernel *k)
{
    if (!k->bytes_read || !k->bytes_written)
        return NULL;
    return expr_add(e->exprs, k->bytes_read, k->bytes_written);
}

static void print_kernels(Tables *t)
{
    Emit *e = t->e;
    if (!e->plan->kernels.n)
        return;
    text_printf(e->out, "static const aotc_model_kernel %skernels[] = {\n", e->prefix);
    for (int i = 0; i < e->plan->kernels.n; i++) {
        const Kernel *k = e->plan->kernels.items[i];
        const Expr   *bytes = kernel_bytes(e, k);
        const char   *texts[] = {k->name, k->nodes, k->where.node, k->where.op, k->where.python};
        text_put(e->out, "    {");
        for (int j = 0; j < 5; j++)
            text_printf(e->out, "%s, ", c_string(e->arena, texts[j] ? texts[j] : ""));
        text_printf(e->out, "%d, %d},\n", k->flops ? expr_index(t, k->flops) : -1,
                    bytes ? expr_index(t, bytes) : -1);
    }
    text_put(e->out, "};\n\n");
}

static bool device_uses(const Plan *plan, const Buffer *b)
{
    for (int i = 0; i < plan->kernels.n; i++)
        if (!plan->kernels.items[i]->is_host && kernel_uses(plan->kernels.items[i], b))
            return true;
    return false;
}

static const char *constant_flags(Emit *e, const PlanConstant *c)
{
    if (c->is_state)
        return c->buffer->is_host ? "AOTC_CONSTANT_STATE | AOTC_CONSTANT_HOST"
                                  : "AOTC_CONSTANT_STATE";
    return e->device == EMIT_CUDA && !device_uses(e->plan, c->buffer) ? "AOTC_CONSTANT_HOST" : "0";
}

/* Output of the fold plan that makes constant i: by name, as folded constants are outputs named
 * like them. */
static int folded_by(Emit *e, const PlanConstant *c)
{
    const Plan *fold = e->plan->fold;
    for (int i = 0; !c->storage && fold && i < fold->outputs.n; i++)
        if (strcmp(fold->outputs.items[i].name, c->fqn) == 0)
            return i;
    return -1;
}

static Error *print_constant_sizes(Emit *e, int i)
{
    const PlanConstant *c = &e->plan->constants.items[i];
    if (!c->buffer->rank)
        return NULL;
    text_printf(e->out, "static const int64_t %sconstants_%d_sizes[] = {", e->prefix, i);
    for (int d = 0; d < c->buffer->rank; d++) {
        int64_t size;
        if (!expr_is_int(c->buffer->sizes[d], &size))
            return error_new(e->arena, E_INTERNAL, (Where){0}, "constant %s has a symbolic size",
                             c->fqn);
        text_printf(e->out, "%s%s", d ? ", " : "", int64_text(e->arena, size));
    }
    text_put(e->out, "};\n");
    return NULL;
}

static Error *print_constants(Emit *e, int *n_state)
{
    int n = e->plan->constants.n;
    *n_state = 0;
    if (!n)
        return NULL;
    for (int i = 0; i < n; i++)
        TRY(print_constant_sizes(e, i));
    text_printf(e->out, "static const aotc_model_constant %sconstants[] = {\n", e->prefix);
    for (int i = 0; i < n; i++) {
        const PlanConstant *c = &e->plan->constants.items[i];
        const DTypeInfo    *info = dtype_info(c->buffer->dtype);
        int                 folded = folded_by(e, c);
        if (!c->storage && folded < 0)
            return error_new(e->arena, E_INTERNAL, (Where){0},
                             "constant %s has no bytes and no fold output", c->fqn);
        text_printf(e->out, "    {%s, %llu, %llu, %d, %d, %s, %d, ", c_string(e->arena, c->fqn),
                    (unsigned long long)e->layout->offsets[i],
                    (unsigned long long)emit_constant_bytes(c), info->dlpack_code,
                    info->dlpack_bits, constant_flags(e, c), c->buffer->rank);
        text_put(e->out, c->buffer->rank
                             ? arena_printf(e->arena, "%sconstants_%d_sizes, ", e->prefix, i)
                             : "0, ");
        text_printf(e->out, "%d, %d},\n", c->is_state ? (*n_state)++ : -1, folded);
    }
    text_put(e->out, "};\n\n");
    return NULL;
}

/* ---- expressions ----------------------------------------------------------------------------- */
static const char *slot_symbol(void *cx, const Symbol *symbol)
{
    Emit *e = cx;
    int   slot = emit_symbol_slot(e, symbol);
    if (slot < 0)
        return "0";
    return arena_printf(
        e->arena, symbol->type == EXPR_TYPE_FLOAT ? "aotc_sym_float(sym[%d])" : "sym[%d]", slot);
}

/* Those with unbacked symbols cannot fail: they are meaningful only after the run. */
static void print_expr_function(Tables *t)
{
    Emit *e = t->e;
    text_printf(
        e->out,
        "static int32_t %sexprs(const int64_t *sym AOTC_UNUSED, int64_t *out AOTC_UNUSED)\n{\n",
        e->prefix);
    text_put(e->out, "    int bad = 0;\n    int32_t first AOTC_UNUSED = 0;\n");
    for (int i = 0; i < t->exprs.n; i++) {
        const Expr *expr = t->exprs.items[i];
        Text        text = text_new(e->arena);
        c_print_expr(&text, expr, &(CExprStyle){slot_symbol, e, true});
        text_printf(e->out,
                    expr->type == EXPR_TYPE_FLOAT ? "    out[%d] = (int64_t)aotc_bits_f64(%s);\n"
                                                  : "    out[%d] = %s;\n",
                    i, text.data);
        if (!emit_mentions(text.data, "bad"))
            continue;
        if (expr_contains_kind(expr, SYM_UNBACKED))
            text_put(e->out, "    bad = 0;\n");
        else
            text_printf(e->out, "    if (bad)\n        return %d;\n", i + 1);
    }
    text_put(e->out, "    return bad;\n}\n\n");
}

/* The most that any kernel on the CPU needs. */
static const Expr *scratch_bytes(Emit *e)
{
    ExprPool   *p = e->exprs;
    const Expr *most = e->plan->scratch_bytes ? e->plan->scratch_bytes : expr_int(p, 0),
               *line = expr_int(p, 64);
    for (int i = 0; i < e->plan->kernels.n; i++) {
        const Kernel *k = e->plan->kernels.items[i];
        if (e->device == EMIT_CUDA && !k->is_host)
            continue;
        const Expr *own =
            k->kind == KERNEL_LOOPS ? emit_loops_scratch(e, k) : template_scratch(p, k);
        if (own)
            most = expr_max(p, most, own);
        if (k->scratch_bytes)
            most = expr_max(p, most, k->scratch_bytes);
    }
    return expr_is_value(most, 0) ? NULL : expr_mul(p, expr_ceildiv(p, most, line), line);
}

/* ---- the entry ------------------------------------------------------------------------------- */
static const char *table_or_null(Emit *e, int n, const char *name)
{
    return n ? arena_printf(e->arena, "%s%s", e->prefix, name) : "0";
}

/* What a copy may have that is not worth waking a thread for. */
#define SMALL_COPY 16384

/* Would a second thread only wait?  Waking it costs more than a small model. */
static bool runs_alone(Step *const *steps, int n)
{
    for (int i = 0; i < n; i++) {
        const Step *s = steps[i];
        int64_t     numel;
        if (s->kernel && (s->kernel->kind != KERNEL_LOOPS || s->kernel->parallel))
            return false;
        if (s->kind == STEP_COPY &&
            !(expr_is_int(s->to->numel, &numel) && numel * dtype_size(s->to->dtype) <= SMALL_COPY))
            return false;
        if (!runs_alone(s->then_steps.items, s->then_steps.n) ||
            !runs_alone(s->else_steps.items, s->else_steps.n))
            return false;
    }
    return true;
}

/* Bytes of memory by what they are for, as indices of expressions. */
typedef struct MemoryExprs {
    int arena, scratch, host_arena, host_scratch;
} MemoryExprs;

static void print_entry(Tables *t, const char *entry_name, int n_guards, int n_state,
                        const MemoryExprs *memory)
{
    Emit       *e = t->e;
    const Plan *p = e->plan;
    text_printf(
        e->out,
        "static const aotc_model_entry %sentry = {\n    .struct_size = sizeof(aotc_model_entry),\n",
        e->prefix);
    text_printf(
        e->out,
        "    .n_inputs = %d, .n_outputs = %d, .n_symbols = %d, .n_exprs = %d, .n_guards = %d,\n",
        p->inputs.n, p->outputs.n, p->symbols.n, t->exprs.n, n_guards);
    text_printf(e->out,
                "    .n_kernels = %d, .n_constants = %d, .n_state = %d, .n_temporaries = %d,\n",
                p->kernels.n, p->constants.n, n_state, e->temporaries.n);
    text_printf(e->out, "    .arena_expr = %d, .scratch_expr = %d,\n    .name = %s,\n",
                memory->arena, memory->scratch, c_string(e->arena, entry_name));
    text_printf(e->out, "    .inputs = %s, .outputs = %s,\n",
                table_or_null(e, p->inputs.n, "inputs"), table_or_null(e, p->outputs.n, "outputs"));
    text_printf(e->out, "    .symbols = %s, .guards = %s,\n",
                table_or_null(e, p->symbols.n, "symbols"), table_or_null(e, n_guards, "guards"));
    text_printf(e->out, "    .kernels = %s, .constants = %s,\n",
                table_or_null(e, p->kernels.n, "kernels"),
                table_or_null(e, p->constants.n, "constants"));
    text_printf(e->out, "    .exprs = %sexprs, .run = %srun,\n", e->prefix, e->prefix);
    if (e->device != EMIT_CUDA && runs_alone(p->steps.items, p->steps.n))
        text_put(e->out, "    .max_threads = 1,\n");
    if (e->n_functions)
        text_printf(e->out, "    .n_functions = %d, .functions = functions,\n", e->n_functions);
    if (e->device == EMIT_CUDA)
        text_printf(e->out, "    .host_arena_expr = %d, .host_scratch_expr = %d,\n",
                    memory->host_arena, memory->host_scratch);
    text_put(e->out, "};\n\n");
}

static int bytes_index(Tables *t, const Expr *bytes)
{
    return bytes && !expr_is_value(bytes, 0) ? expr_index(t, bytes) : -1;
}

static MemoryExprs memory_exprs(Tables *t)
{
    Emit       *e = t->e;
    const Expr *own = scratch_bytes(e);
    MemoryExprs memory = {bytes_index(t, e->plan->arena_bytes), -1, -1, -1};
    if (e->device != EMIT_CUDA) {
        memory.scratch = bytes_index(t, own);
        return memory;
    }
    memory.scratch = bytes_index(t, e->scratch);
    memory.host_arena = bytes_index(t, e->plan->host_arena_bytes);
    memory.host_scratch = bytes_index(t, own);
    return memory;
}

Error *emit_entry_table(Emit *e, const char *entry_name)
{
    Tables t = {.e = e};
    int    n_state = 0;
    t.is_defined = ARENA_ARRAY(e->arena, bool, e->plan->symbols.n + 1);
    t.definer = ARENA_ARRAY(e->arena, int, e->plan->symbols.n + 1);
    find_definers(&t);
    TRY(check_definers(&t));
    print_tensors(&t, e->plan->inputs.items, e->plan->inputs.n, "inputs", true);
    print_tensors(&t, e->plan->outputs.items, e->plan->outputs.n, "outputs", false);
    print_symbols(&t);
    int n_guards = print_guards(&t);
    print_kernels(&t);
    TRY(print_constants(e, &n_state));
    const MemoryExprs memory = memory_exprs(&t);
    print_expr_function(&t);
    print_entry(&t, entry_name, n_guards, n_state, &memory);
    return NULL;
}

static bool calls_operators(const Plan *plan)
{
    for (int i = 0; i < plan->kernels.n; i++)
        if (plan->kernels.items[i]->kind == KERNEL_CUSTOM)
            return true;
    return false;
}

static bool has_host_part(const Plan *plan)
{
    for (int i = 0; i < plan->buffers.n; i++)
        if (plan->buffers.items[i]->is_host)
            return true;
    return false;
}

Error *emit_model_table(Emit *e, const EmitOptions *options, bool has_fold)
{
    int abi = options->device != EMIT_CUDA ? 1
              : has_host_part(e->root)     ? 4
              : calls_operators(e->root)   ? 3
                                           : 2;
    if (abi < e->least_abi)
        abi = e->least_abi;
    text_printf(e->out,
                "static const aotc_model_table table = {\n    .struct_size = "
                "sizeof(aotc_model_table), .abi = %d,\n",
                abi);
    text_printf(e->out, "    .producer = %s, .target = %s,\n",
                c_string(e->arena, options->producer ? options->producer : "aotc"),
                c_string(e->arena, options->target ? options->target : ""));
    text_printf(e->out,
                "    .n_entries = 1, .entries = &entry, .fold = %s, .weights_bytes = %lluu,\n",
                has_fold ? "&fold_entry" : "0", (unsigned long long)e->layout->total);
    if (e->device == EMIT_CUDA)
        text_printf(e->out, "    .device = %d, .n_images = %d, .images = images,\n", DLPACK_CUDA,
                    e->n_images);
    text_put(e->out, "};\n\n");
    text_put(e->out, "__attribute__((visibility(\"default\"))) const aotc_model_table "
                     "*aotc_model_query(uint32_t max_abi);\n");
    text_printf(e->out,
                "const aotc_model_table *aotc_model_query(uint32_t max_abi)\n{\n"
                "    return max_abi >= %d ? &table : 0;\n}\n",
                abi);
    return NULL;
}
