/* See emulated_run.h; models for the CPU run too, on one thread. */
#include "tests/cuda/emulated_run.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct DeviceLaunch {
    unsigned grid[3], block[3], shared_bytes;
} DeviceLaunch;

typedef struct Host {
    EmulatedModel *model;
    EmulatedRun   *run;
    void          *temporaries[256];
    int            n_temporaries;
} Host;

static void *open_image(const aotc_model_image *image)
{
    size_t n = (size_t)(image->end - image->data);
    char   path[64];
    int    fd = memfd_create("image", 0);
    if (fd < 0 || write(fd, image->data, n) != (ssize_t)n)
        return NULL;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so)
        fprintf(stderr, "%s\n", dlerror());
    return so; /* fd stays open: dlopen() knows libraries by their names */
}

int emulated_open(EmulatedModel *model, const char *path)
{
    *model = (EmulatedModel){.so = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (!model->so) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    aotc_model_query_fn query;
    *(void **)&query = dlsym(model->so, "aotc_model_query");
    model->table = query ? query(AOTC_MODEL_ABI) : NULL;
    if (!model->table)
        return 0;
    for (int i = 0; i < model->table->n_images; i++) {
        const aotc_model_image *image = &model->table->images[i];
        if (image->sm != model->table->images[0].sm || image->part >= 64 || !image->data ||
            model->parts[image->part])
            continue;
        model->parts[image->part] = open_image(image);
        if (!model->parts[image->part])
            return 0;
    }
    return 1;
}

void emulated_close(EmulatedModel *model)
{
    for (int i = 0; i < 64; i++)
        if (model->parts[i])
            dlclose(model->parts[i]);
    if (model->so)
        dlclose(model->so);
}

/* ---- services -------------------------------------------------------------------------------- */

static void launch(const aotc_model_frame *f, const aotc_model_launch *l, const void *args,
                   uint32_t args_bytes)
{
    Host                      *h = f->host_cx;
    const aotc_model_function *function = &h->model->table->entries[0].functions[l->function];
    EmulatedRun               *run = h->run;
    char                       name[512];
    void (*call)(const DeviceLaunch *, const void *);
    if (run->n_launches < (int)(sizeof run->launches / sizeof *run->launches))
        run->launches[run->n_launches] = (EmulatedLaunch){function->name, *l, args_bytes};
    run->n_launches++;
    if (run->only_record || !l->grid[0] || !l->grid[1] || !l->grid[2])
        return;
    snprintf(name, sizeof name, "emulated_%s", function->name);
    *(void **)&call = dlsym(h->model->parts[function->part], name);
    if (!call) {
        fprintf(stderr, "no %s\n", name);
        abort();
    }
    DeviceLaunch device = {{l->grid[0], l->grid[1], l->grid[2]},
                           {l->block[0], l->block[1], l->block[2]},
                           l->shared_bytes};
    call(&device, args);
}

static void copy(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes)
{
    (void)f;
    memmove(to, from, bytes);
}

static void fill(const aotc_model_frame *f, void *to, uint32_t value, uint32_t item_bytes,
                 uint64_t count)
{
    (void)f;
    for (uint64_t i = 0; i < count; i++)
        memcpy((char *)to + i * item_bytes, &value, item_bytes);
}

static int32_t read_back(const aotc_model_frame *f, void *to, const void *from, uint64_t bytes)
{
    (void)f;
    memcpy(to, from, bytes);
    return 1;
}

static void *temporary(const aotc_model_frame *f, uint64_t bytes)
{
    Host *h = f->host_cx;
    return h->temporaries[h->n_temporaries++] = calloc(1, bytes + 64);
}

static int32_t enter(const aotc_model_frame *f, int32_t branch, const void *flag)
{
    (void)f;
    return (*(const uint8_t *)flag != 0) != (branch == AOTC_BRANCH_UNLESS);
}

static void leave(const aotc_model_frame *f)
{
    (void)f;
}

/* ---- the run --------------------------------------------------------------------------------- */

static uint64_t bytes_of(const int64_t *exprs, int32_t index)
{
    return index < 0 ? 64 : (uint64_t)exprs[index] + 64;
}

void emulated_model_run(EmulatedModel *model, void *const *inputs, void **outputs,
                        const void *weights, int64_t *sym, uint64_t seed, EmulatedRun *run)
{
    const aotc_model_entry *entry = &model->table->entries[0];
    Host                    host = {.model = model, .run = run};
    int64_t                *exprs = calloc((size_t)entry->n_exprs + 1, sizeof *exprs);
    uint64_t                rng[2] = {seed, 0};
    aotc_model_cuda         cuda = {.struct_size = sizeof cuda,
                                    .sm = model->table->images ? model->table->images[0].sm : 80,
                                    .n_sm = 8,
                                    .max_shared = 232448,
                                    .l2_bytes = 1 << 20,
                                    .failure = &run->device_failure,
                                    .launch = launch,
                                    .copy = copy,
                                    .fill = fill,
                                    .read = read_back,
                                    .enter = enter,
                                    .leave = leave};
    aotc_model_host         services = {.struct_size = sizeof services, .temporary = temporary};
    aotc_model_barrier      barrier = {0, 0, {0}};
    void                   *temporaries[256] = {0};
    aotc_model_frame        f = {.struct_size = sizeof f,
                                 .n_threads = 1,
                                 .inputs = inputs,
                                 .outputs = outputs,
                                 .weights = weights,
                                 .temporaries = temporaries,
                                 .sym = sym,
                                 .barrier = &barrier,
                                 .failure = &run->failure,
                                 .host = &services,
                                 .host_cx = &host,
                                 .seed = seed,
                                 .cuda = model->table->device ? &cuda : NULL,
                                 .rng = rng};
    entry->exprs(sym, exprs);
    f.scratch_bytes = bytes_of(exprs, entry->scratch_expr);
    if (!run->only_record) { /* sizes may be larger than any memory */
        f.arena = aligned_alloc(64, (bytes_of(exprs, entry->arena_expr) + 63) / 64 * 64);
        f.scratch = aligned_alloc(256, (f.scratch_bytes + 255) / 256 * 256);
        memset(f.arena, 0xff, bytes_of(exprs, entry->arena_expr));
        memset(f.scratch, 0xff, f.scratch_bytes);
    }
    entry->run(&f, 0);
    for (int i = 0; i < host.n_temporaries; i++)
        free(host.temporaries[i]);
    free(f.arena);
    free(f.scratch);
    free(exprs);
}
