/* The tables of a loaded model, before anything follows them: versions, counts, indices, bounds.
 * Code of a package can do what it likes anyway; this is against tables that were made wrong or for
 * another loader. */
#include "loader/internal.h"

#include <inttypes.h>

static aotc_status malformed(aotc_error *error, const aotc_model_entry *e, const char *what,
                             const char *name)
{
    return error_set(error, AOTC_E_FORMAT, "entry point %s is malformed: %s %s", e->name, what,
                     name ? name : "(no name)");
}

static bool good_dims(const aotc_model_entry *e, const aotc_model_tensor *t,
                      const aotc_model_dim *dims, bool may_define)
{
    for (int d = 0; d < t->rank; d++) {
        const aotc_model_dim *dim = &dims[d];
        if (dim->kind == AOTC_DIM_CONST ? dim->value < 0
            : dim->kind == AOTC_DIM_EXPR
                ? dim->index < 0 || dim->index >= e->n_exprs
                : dim->kind != AOTC_DIM_SYMBOL || !may_define || dim->index < 0 ||
                      dim->index >= e->n_symbols || dim->value == 0)
            return false;
    }
    return true;
}

/* Numbers are int64, float64 or bool; an opaque handle stands for None and strings. */
static bool good_type(const aotc_model_tensor *t)
{
    bool is_number = (t->code == kDLBool && t->bits == 8) ||
                     ((t->code == kDLInt || t->code == kDLFloat) && t->bits == 64);
    if (t->flags & AOTC_TENSOR_SCALAR)
        return t->rank == 0 && (is_number || t->code == kDLOpaqueHandle);
    return t->code != kDLOpaqueHandle && t->bits >= 8 && t->bits % 8 == 0;
}

/* Structs of an ABI end where the fields of the next one begin; nothing was released between them.
 */
#define ENDS_AT(s, field) ((s)->struct_size == offsetof(__typeof__(*(s)), field))
#define HAS_ALL(s) ((s)->struct_size >= sizeof *(s))

static aotc_status check_tensor(const aotc_model_entry *e, const aotc_model_tensor *t,
                                bool is_input, int device, aotc_error *error)
{
    if (t->struct_size < sizeof *t)
        return error_set(error, AOTC_E_VERSION,
                         "entry point %s has tensors of another layout than this loader knows",
                         e->name);
    if (!t->name || t->rank < 0 || t->rank > MAX_NDIM || (t->rank && !t->dims) || !good_type(t))
        return malformed(error, e, "rank or dtype of", t->name);
    if (t->device != kDLCPU && t->device != device)
        return error_set(error, AOTC_E_UNSUPPORTED,
                         "%s is on device type %d; the model's code is for device type %d", t->name,
                         t->device, device);
    if (!good_dims(e, t, t->dims, is_input) || (t->strides && !good_dims(e, t, t->strides, false)))
        return malformed(error, e, "a size or stride of", t->name);
    if (is_input
            ? t->symbol < -1 || t->symbol >= e->n_symbols
            : t->expr < -1 || t->expr >= e->n_exprs || t->same_as < -1 || t->same_as >= e->n_inputs)
        return malformed(error, e, "an index of", t->name);
    if (!is_input && t->same_as >= 0) {
        const aotc_model_tensor *x = table_tensor(e->inputs, t->same_as);
        if (x->rank != t->rank || x->code != t->code || x->bits != t->bits ||
            (t->flags & (AOTC_TENSOR_SCALAR | AOTC_TENSOR_LATE)))
            return malformed(error, e, "another type than its input's has", t->name);
    }
    return AOTC_OK;
}

/* Do the sizes lie in the constant's bytes?  Only state is handed out with them. */
static bool fits_bytes(const aotc_model_constant *c)
{
    uint64_t bytes = c->bits / 8u;
    for (int d = 0; d < c->rank; d++)
        if (c->sizes[d] < 0 || __builtin_mul_overflow(bytes, (uint64_t)c->sizes[d], &bytes))
            return false;
    return bytes <= c->size_bytes;
}

static aotc_status check_constants(const aotc_model_entry *e, uint64_t weights, aotc_error *error)
{
    int n_state = 0;
    for (int i = 0; i < e->n_constants; i++) {
        const aotc_model_constant *c = &e->constants[i];
        if (!c->name || c->offset > weights || c->size_bytes > weights - c->offset)
            return malformed(error, e, "outside the weights lies", c->name);
        if (c->offset % 64)
            return malformed(error, e, "not aligned is", c->name);
        if (c->rank < 0 || c->rank > MAX_NDIM || (c->rank && !c->sizes))
            return malformed(error, e, "rank of", c->name);
        if (!(c->flags & AOTC_CONSTANT_STATE))
            continue;
        if (c->state < 0 || c->state >= e->n_state || !fits_bytes(c))
            return malformed(error, e, "state slot of", c->name);
        for (int j = 0; j < i; j++)
            if ((e->constants[j].flags & AOTC_CONSTANT_STATE) && e->constants[j].state == c->state)
                return malformed(error, e, "state slot of", c->name);
        n_state++;
    }
    return n_state == e->n_state ? AOTC_OK : malformed(error, e, "state slots of", e->name);
}

static aotc_status check_rest(const aotc_model_entry *e, aotc_error *error)
{
    for (int i = 0; i < e->n_guards; i++)
        if (!e->guards[i].text || e->guards[i].expr < 0 || e->guards[i].expr >= e->n_exprs)
            return malformed(error, e, "guard", e->guards[i].text);
    for (int i = 0; i < e->n_symbols; i++)
        if (!e->symbols[i].name)
            return malformed(error, e, "symbol", NULL);
    for (int i = 0; i < e->n_kernels; i++) {
        const aotc_model_kernel *k = &e->kernels[i];
        if (!k->name || k->flops < -1 || k->flops >= e->n_exprs || k->bytes < -1 ||
            k->bytes >= e->n_exprs)
            return malformed(error, e, "kernel", k->name);
    }
    return AOTC_OK;
}

static bool good_counts(const aotc_model_entry *e)
{
    const int32_t     counts[] = {e->n_inputs, e->n_outputs, e->n_symbols,
                                  e->n_guards, e->n_kernels, e->n_constants};
    const void *const tables[] = {e->inputs, e->outputs, e->symbols,
                                  e->guards, e->kernels, e->constants};
    for (int i = 0; i < 6; i++)
        if (counts[i] < 0 || counts[i] > 1 << 24 || (counts[i] && !tables[i]))
            return false;
    return e->n_exprs >= 0 && e->n_state >= 0 && e->n_temporaries >= 0 &&
           e->n_temporaries <= 1 << 24 && e->arena_expr >= -1 && e->arena_expr < e->n_exprs &&
           e->scratch_expr >= -1 && e->scratch_expr < e->n_exprs;
}

static aotc_status check_functions(const aotc_model_entry *e, aotc_error *error)
{
    if (ENDS_AT(e, n_functions))
        return malformed(error, e, "a layout without device code has", e->name);
    if (e->n_functions < 0 || e->n_functions > 1 << 24 || (e->n_functions && !e->functions))
        return malformed(error, e, "counts of", e->name);
    for (int i = 0; i < e->n_functions; i++) {
        const aotc_model_function *f = &e->functions[i];
        if (!f->name || f->part < 0 || f->part > MAX_PARTS || f->max_shared_bytes < 0)
            return malformed(error, e, "kernel function", f->name);
    }
    return AOTC_OK;
}

/* Of ABI 4: what a CUDA model does on the CPU. */
static aotc_status check_host_part(const aotc_model_entry *e, aotc_error *error)
{
    bool good = HAS_ALL(e) && e->host_arena_expr >= -1 && e->host_arena_expr < e->n_exprs &&
                e->host_scratch_expr >= -1 && e->host_scratch_expr < e->n_exprs;
    return good ? AOTC_OK : malformed(error, e, "memory on the CPU of", e->name);
}

static aotc_status check_images(const aotc_model_table *t, aotc_error *error)
{
    bool good = t->n_images >= 0 && t->n_images <= 1 << 16 && (!t->n_images || t->images);
    for (int i = 0; i < t->n_images && good; i++) {
        const aotc_model_image *image = &t->images[i];
        good = image->sm >= 10 && image->sm < 10000 && image->part >= 0 &&
               image->part <= MAX_PARTS && (!image->data || image->data < image->end);
    }
    return good ? AOTC_OK
                : error_set(error, AOTC_E_FORMAT, "the model is malformed: its device code");
}

static aotc_status check_entry(const aotc_model_entry *e, uint64_t weights, int device,
                               aotc_error *error)
{
    bool is_known = HAS_ALL(e) || ENDS_AT(e, host_arena_expr) || ENDS_AT(e, n_functions);
    if (!is_known || !e->exprs || !e->run || !e->name)
        return error_set(error, AOTC_E_VERSION,
                         "an entry point has another layout than this loader knows");
    if (!good_counts(e))
        return malformed(error, e, "counts of", e->name);
    for (int k = 0; k < e->n_inputs + e->n_outputs; k++) {
        bool        is_input = k < e->n_inputs;
        aotc_status s = check_tensor(
            e, is_input ? table_tensor(e->inputs, k) : table_tensor(e->outputs, k - e->n_inputs),
            is_input, device, error);
        if (s)
            return s;
    }
    aotc_status s = check_rest(e, error);
    return s ? s : check_constants(e, weights, error);
}

aotc_status check_table(const aotc_model_table *t, uint64_t weights, aotc_error *error)
{
    if (!t)
        return error_set(error, AOTC_E_VERSION,
                         "the model needs a newer loader: this one knows ABI %u", AOTC_MODEL_ABI);
    if (!(HAS_ALL(t) || ENDS_AT(t, device)) || t->abi < 1 || t->abi > AOTC_MODEL_ABI)
        return error_set(error, AOTC_E_VERSION, "the model has ABI %u, this loader knows up to %u",
                         t->abi, AOTC_MODEL_ABI);
    if (t->n_entries < 1 || !t->entries)
        return error_set(error, AOTC_E_FORMAT, "the model has no entry point");
    if (t->weights_bytes != weights)
        return error_set(error, AOTC_E_FORMAT,
                         "the weights have %" PRIu64 " bytes, the code was made for %" PRIu64,
                         weights, t->weights_bytes);
    bool has_device = HAS_ALL(t) && t->device && t->device != kDLCPU;
    int  device = has_device ? t->device : kDLCPU;
    if (has_device && device != kDLCUDA)
        return error_set(error, AOTC_E_UNSUPPORTED,
                         "the model is for device type %d; this loader knows the CPU and CUDA",
                         device);
    aotc_status s = has_device ? check_images(t, error) : AOTC_OK;
    for (int i = 0; i < t->n_entries && !s; i++) {
        s = check_entry(table_entry(t, i), weights, device, error);
        if (!s && has_device)
            s = check_functions(table_entry(t, i), error);
        if (!s && has_device && t->abi >= 4)
            s = check_host_part(table_entry(t, i), error);
    }
    return s;
}
