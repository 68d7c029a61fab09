/* A library on a device: the images that run there as modules, its functions, the weights.
 *
 *   images sm_80 (parts 0, 1), sm_90a (parts 0, 1), PTX sm_90     on an H100: modules of sm_90a */
#include "loader/cuda.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool is_cuda_table(const aotc_model_table *t)
{
    return t->struct_size >= sizeof *t && t->device == kDLCUDA;
}

/* ---- choosing -------------------------------------------------------------------------------- */

static bool runs_on(const aotc_model_image *image, int sm)
{
    if (image->flags & AOTC_IMAGE_EXACT)
        return image->sm == sm;
    if (image->flags & AOTC_IMAGE_PTX)
        return image->sm <= sm;
    return image->sm / 10 == sm / 10 && image->sm <= sm;
}

/* Of two images for one sm: what was made for it alone, machine code, text. */
static int rank_of(const aotc_model_image *image)
{
    return 4 * image->sm + (image->flags & AOTC_IMAGE_EXACT ? 2 : image->flags ? 0 : 1);
}

bool cuda_choose_image(const aotc_model_table *t, int device_sm, int *sm, uint32_t *flags)
{
    const aotc_model_image *best = NULL;
    for (int i = 0; i < t->n_images; i++)
        if (runs_on(&t->images[i], device_sm) && (!best || rank_of(&t->images[i]) > rank_of(best)))
            best = &t->images[i];
    if (best) {
        *sm = best->sm;
        *flags = best->flags;
    }
    return best != NULL;
}

void cuda_image_names(const aotc_model_table *t, char *text, size_t n)
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < t->n_images && used < n; i++) {
        const aotc_model_image *image = &t->images[i];
        if (image->part == 0)
            used += (size_t)snprintf(text + used, n - used, "%s%s%d%s", used ? ", " : "",
                                     image->flags & AOTC_IMAGE_PTX ? "compute_" : "sm_", image->sm,
                                     image->flags & AOTC_IMAGE_EXACT ? "a" : "");
    }
}

/* ---- modules --------------------------------------------------------------------------------- */

static int n_parts_of(const aotc_model_table *t, int sm, uint32_t flags)
{
    int n = 0;
    for (int i = 0; i < t->n_images; i++)
        if (t->images[i].sm == sm && t->images[i].flags == flags && t->images[i].data &&
            t->images[i].part >= n)
            n = t->images[i].part + 1;
    return n;
}

static aotc_status load_modules(CudaCode *c, const aotc_model_table *t, uint32_t flags,
                                aotc_error *error)
{
    const CudaDriver *d = c->device->driver;
    c->n_parts = n_parts_of(t, c->sm, flags);
    c->modules = calloc((size_t)c->n_parts + 1, sizeof *c->modules);
    if (!c->modules)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    for (int i = 0; i < t->n_images; i++) {
        const aotc_model_image *image = &t->images[i];
        if (image->sm != c->sm || image->flags != flags || !image->data || c->modules[image->part])
            continue;
        CuResult r = d->ModuleLoadData(&c->modules[image->part], image->data);
        if (r) {
            char text[256];
            cuda_describe(d, r, "cuModuleLoadData", text, sizeof text);
            return error_set(error, r == CU_OUT_OF_MEMORY ? AOTC_E_MEMORY : AOTC_E_DEVICE,
                             "cannot load the model's code for sm_%d (part %d): %s", c->sm,
                             image->part, text);
        }
    }
    return AOTC_OK;
}

/* Above 48 KiB of dynamic shared memory a function must be told (CUDA C++ Programming Guide,
 * "Shared Memory", compute capability 7.x on). */
static aotc_status prepare_function(const CudaDriver *d, CuFunction f,
                                    const aotc_model_function *from, aotc_error *error)
{
    CuResult r = CU_OK;
    if (from->max_shared_bytes > 48 << 10)
        r = d->FuncSetAttribute(f, CU_MAX_DYNAMIC_SHARED, from->max_shared_bytes);
    if (r) {
        char text[256];
        cuda_describe(d, r, "cuFuncSetAttribute", text, sizeof text);
        return error_set(error, AOTC_E_DEVICE, "kernel %s needs %d bytes of shared memory: %s",
                         from->name, from->max_shared_bytes, text);
    }
    if (d->FuncLoad)
        (void)d->FuncLoad(f);
    return AOTC_OK;
}

aotc_status cuda_find_functions(const CudaCode *c, const aotc_model_entry *e, CuFunction **out,
                                aotc_error *error)
{
    const CudaDriver *d = c->device->driver;
    CudaScope         scope;
    *out = calloc((size_t)e->n_functions + 1, sizeof **out);
    if (!*out)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    CuResult    r = cuda_enter(c->device, &scope, true);
    aotc_status s = r ? cuda_error(d, r, "cuCtxPushCurrent", error) : AOTC_OK;
    for (int i = 0; i < e->n_functions && !s; i++) {
        const aotc_model_function *f = &e->functions[i];
        CuModule                   module = f->part < c->n_parts ? c->modules[f->part] : NULL;
        if (!module || d->ModuleGetFunction(&(*out)[i], module, f->name))
            s = error_set(error, AOTC_E_FORMAT, "the model's code for sm_%d has no kernel %s",
                          c->sm, f->name);
        else
            s = prepare_function(d, (*out)[i], f, error);
    }
    cuda_leave(&scope);
    if (s) {
        free(*out);
        *out = NULL;
    }
    return s;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* What the entry points read: a package may hold weights of other targets too. */
static void weights_range(const aotc_model_table *t, uint64_t *first, uint64_t *end)
{
    *first = UINT64_MAX;
    *end = 0;
    for (int i = 0; i < t->n_entries; i++) {
        const aotc_model_entry *e = table_entry(t, i);
        for (int k = 0; k < e->n_constants; k++) {
            const aotc_model_constant *c = &e->constants[k];
            if (c->flags & (AOTC_CONSTANT_STATE | AOTC_CONSTANT_HOST) || !c->size_bytes)
                continue;
            *first = c->offset < *first ? c->offset : *first;
            *end = c->offset + c->size_bytes > *end ? c->offset + c->size_bytes : *end;
        }
    }
    /* Vectors may touch a line behind the last element; addresses keep their alignment. */
    *first = *end ? *first / 256 * 256 : 0;
}

static aotc_status load_weights(CudaCode *c, const aotc_model_table *t, const uint8_t *weights,
                                aotc_error *error)
{
    const CudaDriver *d = c->device->driver;
    uint64_t          first, end;
    weights_range(t, &first, &end);
    c->weights_first = first;
    if (end <= first)
        return AOTC_OK;
    CuResult r = d->MemAlloc(&c->weights, (size_t)(end - first + 127) / 64 * 64);
    if (r) {
        char text[256];
        c->weights = 0;
        cuda_describe(d, r, "cuMemAlloc", text, sizeof text);
        return error_set(error, r == CU_OUT_OF_MEMORY ? AOTC_E_MEMORY : AOTC_E_DEVICE,
                         "no memory on CUDA device %d for %" PRIu64 " bytes of weights: %s",
                         c->device->ordinal, end - first, text);
    }
    return cuda_upload(c->device, c->weights, weights + first, (size_t)(end - first), error);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void free_code(CudaCode *c)
{
    const CudaDriver *d = c->device ? c->device->driver : NULL;
    CudaScope         scope;
    if (c->device && cuda_enter(c->device, &scope, true) == CU_OK) {
        for (int i = 0; c->modules && i < c->n_parts; i++)
            if (c->modules[i])
                d->ModuleUnload(c->modules[i]);
        if (c->weights)
            d->MemFree(c->weights);
        cuda_leave(&scope);
    }
    if (c->device)
        cuda_device_close(c->device);
    free(c->modules);
    free(c);
}

static aotc_status open_code(const aotc_package *p, const aotc_model_table *t, CudaCode *c,
                             int ordinal, aotc_error *error)
{
    CudaScope   scope;
    uint32_t    flags;
    aotc_status s = cuda_device_open(ordinal, &c->device, error);
    if (s)
        return s;
    if (!cuda_choose_image(t, 10 * c->device->major + c->device->minor, &c->sm, &flags))
        return error_set(error, AOTC_E_TARGET, "the package has no code for sm_%d",
                         10 * c->device->major + c->device->minor);
    if (cuda_enter(c->device, &scope, true))
        s = error_set(error, AOTC_E_DEVICE, "cannot use the context of CUDA device %d", ordinal);
    if (!s)
        s = load_modules(c, t, flags, error);
    if (!s)
        s = load_weights(c, t, p->weights ? p->weights->data : NULL, error);
    cuda_leave(&scope);
    return s;
}

aotc_status cuda_code_open(aotc_package *p, Code *code, int ordinal, CudaCode **out,
                           aotc_error *error)
{
    aotc_status s = AOTC_OK;
    CudaCode   *c;
    pthread_mutex_lock(&p->lock);
    for (c = code->cuda; c && c->device->ordinal != ordinal;)
        c = c->next;
    if (!c) {
        c = calloc(1, sizeof *c);
        s = c ? open_code(p, code->table, c, ordinal, error)
              : error_set(error, AOTC_E_MEMORY, "out of memory");
        if (s && c)
            free_code(c);
        if (!s) {
            c->next = code->cuda;
            code->cuda = c;
        }
    }
    if (!s)
        c->refs++;
    *out = s ? NULL : c;
    pthread_mutex_unlock(&p->lock);
    return s;
}

void cuda_code_close(aotc_package *p, Code *code, CudaCode *c)
{
    pthread_mutex_lock(&p->lock);
    if (--c->refs == 0) {
        CudaCode **at = &code->cuda;
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
        free_code(c);
    }
    pthread_mutex_unlock(&p->lock);
}
