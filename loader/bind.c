/* Inputs against the model's tables: dtype, rank, sizes, ranges, guards.  Fills the symbols, all
 * expressions and what depends on them: strides, extents, the arena.  Inputs like those of the last
 * run are only compared. */
#include "loader/cuda.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct DtypeText {
    char text[24];
} DtypeText;

static DtypeText dtype_text(unsigned code, unsigned bits, unsigned lanes)
{
    static const char *const names[] = {"int", "uint", "float", "handle", "bfloat", "complex"};
    DtypeText                t;
    if (code == kDLBool)
        snprintf(t.text, sizeof t.text, "bool");
    else if (code == kDLFloat8_e4m3fn || code == kDLFloat8_e5m2)
        snprintf(t.text, sizeof t.text, code == kDLFloat8_e5m2 ? "float8_e5m2" : "float8_e4m3fn");
    else if (code < sizeof names / sizeof *names)
        snprintf(t.text, sizeof t.text, "%s%u", names[code], bits);
    else
        snprintf(t.text, sizeof t.text, "code %u bits %u", code, bits);
    if (lanes != 1)
        snprintf(t.text + strlen(t.text), sizeof t.text - strlen(t.text), "x%u", lanes);
    return t;
}

static bool takes_device(const aotc_context *c, const Slot *s, DLDevice device)
{
    return c->cuda ? cuda_takes_device(c, s, device) : device.device_type == kDLCPU;
}

static aotc_status wrong_device(const aotc_context *c, const Slot *s, DLDevice device,
                                aotc_error *error)
{
    if (!c->cuda || s->is_on_host || (s->flags & AOTC_TENSOR_SCALAR))
        return error_set(error, AOTC_E_GUARD,
                         "input \"%s\" is on device type %d, the model %s the CPU (1)",
                         s->model->name, (int)device.device_type,
                         !c->cuda        ? "runs on"
                         : s->is_on_host ? "takes it on"
                                         : "takes this number on");
    return error_set(error, AOTC_E_GUARD,
                     "input \"%s\" is on device type %d, number %d; the model runs on CUDA (2), "
                     "number %d, and copies what is on the CPU (1)",
                     s->model->name, (int)device.device_type, device.device_id,
                     c->model->device.device_id);
}

static aotc_status check_type(const aotc_context *c, const Slot *s, const DLTensor *x,
                              aotc_error *error)
{
    const aotc_model_tensor *t = s->model;
    if (dtype_word(x->dtype) != s->dtype)
        return error_set(error, AOTC_E_GUARD, "input \"%s\" has dtype %s, the model takes %s",
                         t->name, dtype_text(x->dtype.code, x->dtype.bits, x->dtype.lanes).text,
                         dtype_text(t->code, t->bits, 1).text);
    if (x->ndim != t->rank)
        return error_set(error, AOTC_E_GUARD, "input \"%s\" has %d dims, the model takes %d",
                         t->name, x->ndim, t->rank);
    if (!takes_device(c, s, x->device))
        return wrong_device(c, s, x->device, error);
    if (t->rank && !x->shape)
        return error_set(error, AOTC_E_ARGUMENT, "input \"%s\" has no shape", t->name);
    if ((s->flags & AOTC_TENSOR_SCALAR) && !x->data)
        return error_set(error, AOTC_E_ARGUMENT, "input \"%s\" has no data", t->name);
    return AOTC_OK;
}

/* ---- symbols --------------------------------------------------------------------------------- */

/* a symbol's bound as one of the dim value*s + add; open stays open */
static int64_t dim_bound(int64_t bound, const aotc_model_dim *dim)
{
    int64_t v;
    if (bound == INT64_MAX || __builtin_mul_overflow(bound, dim->value, &v) ||
        __builtin_add_overflow(v, dim->add, &v))
        return INT64_MAX;
    return v;
}

static aotc_status out_of_range(const char *input, const aotc_model_symbol *s,
                                const aotc_model_dim *dim, int d, int64_t size, aotc_error *error)
{
    int64_t low = dim_bound(s->min, dim), high = dim_bound(s->max, dim);
    if (dim->value < 0) {
        low = s->max == INT64_MAX ? 0 : dim_bound(s->max, dim);
        high = dim_bound(s->min, dim);
    }
    if (high == INT64_MAX)
        return error_set(error, AOTC_E_GUARD,
                         "input \"%s\" has size %" PRId64
                         " in dim %d, the model takes at least %" PRId64 " (%s)",
                         input, size, d, low, s->name);
    return error_set(error, AOTC_E_GUARD,
                     "input \"%s\" has size %" PRId64 " in dim %d, the model takes %" PRId64
                     " to %" PRId64 " (%s)",
                     input, size, d, low, high, s->name);
}

/* value * symbol + add == size */
static aotc_status bind_symbol(aotc_context *c, const char *input, const aotc_model_dim *dim, int d,
                               int64_t size, aotc_error *error)
{
    const aotc_model_symbol *s = &c->model->entry->symbols[dim->index];
    int64_t                  rest;
    if (__builtin_sub_overflow(size, dim->add, &rest) || (dim->value == -1 && rest == INT64_MIN))
        return out_of_range(input, s, dim, d, size, error);
    if (rest % dim->value) {
        if (dim->add)
            return error_set(error, AOTC_E_GUARD,
                             "input \"%s\" has size %" PRId64 " in dim %d, the model takes %" PRId64
                             "*%s %+" PRId64,
                             input, size, d, dim->value, s->name, dim->add);
        return error_set(error, AOTC_E_GUARD,
                         "input \"%s\" has size %" PRId64
                         " in dim %d, the model takes multiples of %" PRId64,
                         input, size, d, dim->value);
    }
    int64_t value = rest / dim->value;
    if (c->sym_set[dim->index] && c->sym[dim->index] != value)
        return error_set(error, AOTC_E_GUARD,
                         "input \"%s\" has size %" PRId64 " in dim %d, so %s is %" PRId64
                         ", another input made it %" PRId64,
                         input, size, d, s->name, value, c->sym[dim->index]);
    c->sym[dim->index] = value;
    c->sym_set[dim->index] = 1;
    return value < s->min || value > s->max ? out_of_range(input, s, dim, d, size, error) : AOTC_OK;
}

static aotc_status bind_dims(aotc_context *c, Slot *slot, const DLTensor *x, aotc_error *error)
{
    const aotc_model_tensor *t = slot->model;
    for (int d = 0; d < t->rank; d++) {
        const aotc_model_dim *dim = &t->dims[d];
        int64_t               size = slot->sizes[d] = x->shape[d];
        if (size < 0)
            return error_set(error, AOTC_E_GUARD, "input \"%s\" has size %" PRId64 " in dim %d",
                             t->name, size, d);
        if (dim->kind == AOTC_DIM_CONST && size != dim->value)
            return error_set(error, AOTC_E_GUARD,
                             "input \"%s\" has size %" PRId64
                             " in dim %d, the model takes %" PRId64,
                             t->name, size, d, dim->value);
        if (dim->kind != AOTC_DIM_SYMBOL)
            continue;
        aotc_status s = bind_symbol(c, t->name, dim, d, size, error);
        if (s)
            return s;
    }
    return AOTC_OK;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* The number in a 0-d tensor, as the bits of a symbol. */
static int64_t scalar_value(const Slot *s, const DLTensor *x)
{
    const char *data = tensor_data(x);
    int64_t     v = 0;
    if (s->item_bytes == 1)
        return *(const uint8_t *)data != 0;
    memcpy(&v, data, sizeof v);
    return v;
}

static aotc_status check_literal(const aotc_model_tensor *t, int64_t v, aotc_error *error)
{
    double f, want = t->literal_float;
    memcpy(&f, &v, sizeof f);
    if (t->code == kDLFloat)
        return f == want || (f != f && want != want)
                   ? AOTC_OK
                   : error_set(error, AOTC_E_GUARD,
                               "input \"%s\" is %.17g, the model was exported with %.17g", t->name,
                               f, want);
    return v == t->literal_int
               ? AOTC_OK
               : error_set(error, AOTC_E_GUARD,
                           "input \"%s\" is %" PRId64 ", the model was exported with %" PRId64,
                           t->name, v, t->literal_int);
}

static aotc_status bind_scalar(aotc_context *c, Slot *slot, const DLTensor *x, aotc_error *error)
{
    const aotc_model_tensor *t = slot->model;
    int64_t                  v = slot->scalar = scalar_value(slot, x);
    if (t->flags & AOTC_TENSOR_LITERAL)
        return check_literal(t, v, error);
    if (t->symbol < 0)
        return AOTC_OK;
    const aotc_model_symbol *s = &c->model->entry->symbols[t->symbol];
    if (c->sym_set[t->symbol] && c->sym[t->symbol] != v)
        return error_set(error, AOTC_E_GUARD,
                         "input \"%s\" is %" PRId64 ", another input made %s %" PRId64, t->name, v,
                         s->name, c->sym[t->symbol]);
    c->sym[t->symbol] = v;
    c->sym_set[t->symbol] = 1;
    if (t->flags & AOTC_TENSOR_SYM_FLOAT || (v >= s->min && v <= s->max))
        return AOTC_OK;
    if (v < s->min)
        return error_set(error, AOTC_E_GUARD,
                         "input \"%s\" is %" PRId64 ", the model takes at least %" PRId64, t->name,
                         v, s->min);
    return error_set(error, AOTC_E_GUARD,
                     "input \"%s\" is %" PRId64 ", the model takes at most %" PRId64, t->name, v,
                     s->max);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Symbols that the run will set: of no meaning before it, but expressions over them are computed
 * all the same. */
static void set_unbacked(aotc_context *c)
{
    const aotc_model_entry *e = c->model->entry;
    for (int i = 0; i < e->n_symbols; i++)
        if (e->symbols[i].is_unbacked)
            c->sym[i] = e->symbols[i].is_float || e->symbols[i].max < 2 ? 0
                        : e->symbols[i].min > 2                         ? e->symbols[i].min
                                                                        : 2;
}

static aotc_status bind_symbols(aotc_context *c, const DLTensor *inputs, aotc_error *error)
{
    const aotc_model_entry *e = c->model->entry;
    memset(c->sym_set, 0, (size_t)e->n_symbols);
    for (int i = 0; i < e->n_inputs; i++) {
        Slot       *s = &c->in[i];
        aotc_status status = s->is_opaque ? AOTC_OK : check_type(c, s, &inputs[i], error);
        if (!status && !s->is_opaque)
            status = s->flags & AOTC_TENSOR_SCALAR ? bind_scalar(c, s, &inputs[i], error)
                                                   : bind_dims(c, s, &inputs[i], error);
        if (status)
            return status;
    }
    for (int i = 0; i < e->n_symbols; i++)
        if (!c->sym_set[i] && !e->symbols[i].is_unbacked)
            return error_set(error, AOTC_E_FORMAT,
                             "the model is malformed: no input tells the size %s",
                             e->symbols[i].name);
    set_unbacked(c);
    int32_t overflow = e->exprs(c->sym, c->exprs);
    return overflow ? error_set(error, AOTC_E_GUARD, "a size overflows 64 bits (expression %d)",
                                overflow - 1)
                    : AOTC_OK;
}

static aotc_status check_conditions(const aotc_context *c, aotc_error *error)
{
    const aotc_model_entry *e = c->model->entry;
    for (int i = 0; i < e->n_inputs; i++) {
        const Slot *s = &c->in[i];
        for (int d = 0; d < s->rank; d++) {
            const aotc_model_dim *dim = &s->model->dims[d];
            if (dim->kind == AOTC_DIM_EXPR && c->exprs[dim->index] != s->sizes[d])
                return error_set(error, AOTC_E_GUARD,
                                 "input \"%s\" has size %" PRId64
                                 " in dim %d, the other sizes make it %" PRId64,
                                 s->model->name, s->sizes[d], d, c->exprs[dim->index]);
        }
    }
    for (int i = 0; i < e->n_guards; i++)
        if (!c->exprs[e->guards[i].expr])
            return error_set(error, AOTC_E_GUARD, "the inputs break a condition of the export: %s",
                             e->guards[i].text);
    return AOTC_OK;
}

static aotc_status lay_out(aotc_context *c, aotc_error *error)
{
    const aotc_model_entry *e = c->model->entry;
    for (int k = 0; k < e->n_inputs + e->n_outputs; k++) {
        bool  is_input = k < e->n_inputs;
        Slot *s = is_input ? &c->in[k] : &c->out[k - e->n_inputs];
        if (s->is_opaque || (s->flags & AOTC_TENSOR_LATE))
            continue;
        for (int d = 0; d < s->rank && !is_input; d++) {
            const aotc_model_dim *dim = &s->model->dims[d];
            s->sizes[d] = dim->kind == AOTC_DIM_EXPR ? c->exprs[dim->index] : dim->value;
            if (s->sizes[d] < 0)
                return error_set(error, AOTC_E_GUARD,
                                 "these inputs make output \"%s\" %" PRId64 " long in dim %d",
                                 s->model->name, s->sizes[d], d);
        }
        if (!slot_layout(c, s))
            return error_set(error, AOTC_E_GUARD, "%s \"%s\" is too large",
                             is_input ? "input" : "output", s->model->name);
    }
    return AOTC_OK;
}

static aotc_status reserve_memory(aotc_context *c, aotc_error *error)
{
    const aotc_model_entry *e = c->model->entry;
    int64_t                 arena = e->arena_expr >= 0 ? c->exprs[e->arena_expr] : 0;
    int64_t                 scratch = e->scratch_expr >= 0 ? c->exprs[e->scratch_expr] : 0, all;
    if (arena < 0 || scratch < 0 || arena > INT64_MAX - 4096 || scratch > INT64_MAX - 4096 ||
        __builtin_mul_overflow((scratch + 63) / 64 * 64, (int64_t)c->n_threads, &all) ||
        all > INT64_MAX - 4096)
        return error_set(error, AOTC_E_GUARD, "these inputs need more memory than 64 bits can say");
    c->arena_used = (size_t)arena;
    /* what is empty takes no memory on a device: a capture could not have it */
    if ((arena || !c->cuda) && !block_reserve(c, &c->arena, (size_t)arena))
        return error_set(error, AOTC_E_MEMORY, "out of memory for an arena of %" PRId64 " bytes",
                         arena);
    if ((all || !c->cuda) && !block_reserve(c, &c->scratch, (size_t)all))
        return error_set(error, AOTC_E_MEMORY, "out of memory for scratch of %" PRId64 " bytes",
                         all);
    c->frame.arena = c->arena.memory ? c->arena.memory : c->nothing;
    c->frame.scratch = c->scratch.memory ? c->scratch.memory : c->nothing;
    c->frame.scratch_bytes = (uint64_t)(scratch + 63) / 64 * 64;
    return c->cuda ? cuda_reserve_host(c, error) : AOTC_OK;
}

/* Are types, sizes and numbers those of the last run?  Then everything that follows from them still
 * holds. */
static bool same_as_last(const aotc_context *c, const DLTensor *inputs)
{
    int n = c->model->entry->n_inputs;
    for (int i = 0; i < n; i++) {
        const Slot     *s = &c->in[i];
        const DLTensor *x = &inputs[i];
        if (s->is_opaque)
            continue;
        if (dtype_word(x->dtype) != s->dtype || x->ndim != s->rank ||
            !takes_device(c, s, x->device))
            return false;
        if (s->flags & AOTC_TENSOR_SCALAR) {
            if (!x->data || scalar_value(s, x) != s->scalar)
                return false;
            continue;
        }
        if (s->rank && !x->shape)
            return false;
        for (int d = 0; d < s->rank; d++)
            if (x->shape[d] != s->sizes[d])
                return false;
    }
    return true;
}

aotc_status bind_inputs(aotc_context *c, const DLTensor *inputs, aotc_error *error)
{
    if (c->bound && same_as_last(c, inputs))
        return AOTC_OK;
    c->bound = false;
    if (c->cuda)
        c->cuda->current = NULL;
    aotc_status s = bind_symbols(c, inputs, error);
    if (!s)
        s = check_conditions(c, error);
    if (!s)
        s = lay_out(c, error);
    if (!s)
        s = reserve_memory(c, error);
    c->bound = !s;
    return s;
}
