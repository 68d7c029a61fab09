/* See freeze.h.  Exported constants are borrowed from the mapped archive; results lie in one
 * anonymous mapping, in the order of the package, so that a compile holds each weight once beside
 * the export's own pages. */
#include "aotc/freeze.h"

#include "abi/aotc_model.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static Error *load_code(Arena *arena, const BuiltObject *object, void **handle,
                        const aotc_model_table **table)
{
    int fd = memfd_create("aotc-fold", MFD_CLOEXEC);
    if (fd < 0)
        return error_new(arena, E_IO, (Where){0}, "cannot create a memory file: %s",
                         strerror(errno));
    const char *at = object->data;
    for (size_t left = object->size_bytes; left;) {
        ssize_t n = write(fd, at, left);
        if (n <= 0) {
            close(fd);
            return error_new(arena, E_IO, (Where){0}, "cannot write a memory file: %s",
                             strerror(errno));
        }
        at += n;
        left -= (size_t)n;
    }
    *handle = dlopen(arena_printf(arena, "/proc/self/fd/%d", fd), RTLD_NOW | RTLD_LOCAL);
    close(fd);
    if (!*handle)
        return error_new(arena, E_TOOLCHAIN, (Where){0},
                         "cannot load the compiled code to fold constants: %s", dlerror());
    aotc_model_query_fn query = NULL;
    *(void **)&query = dlsym(*handle, "aotc_model_query");
    *table = query ? query(AOTC_MODEL_ABI) : NULL;
    if (*table)
        return NULL;
    dlclose(*handle);
    return error_new(arena, E_INTERNAL, (Where){0}, "the compiled code has no model table");
}

/* Bytes of an exported constant: its first element. */
static const char *constant_data(const Plan *plan, const char *fqn)
{
    for (int i = 0; i < plan->graph->constants.n; i++) {
        const Constant *c = plan->graph->constants.items[i];
        if (strcmp(c->fqn, fqn) || c->storage < 0)
            continue;
        int64_t offset = 0;
        if (c->value->type.storage_offset)
            expr_is_int(c->value->type.storage_offset, &offset);
        return (const char *)plan->graph->storages.items[c->storage]->data +
               offset * dtype_size(c->value->type.dtype);
    }
    return NULL;
}

typedef struct Fold {
    void   **inputs, **outputs;
    int64_t *exprs;
    void    *arena, *scratch;
} Fold;

static Error *run_fold(Arena *arena, const Plan *plan, const aotc_model_table *table, Fold *f)
{
    const aotc_model_entry *e = table->fold;
    aotc_model_failure      failure = {.kernel = -1};
    aotc_model_barrier      barrier = {0};
    aotc_model_host         host = {.struct_size = sizeof host};
    int64_t                 sym[1] = {0};
    for (int i = 0; i < e->n_inputs; i++) {
        f->inputs[i] = (void *)constant_data(plan, e->inputs[i].name);
        if (!f->inputs[i])
            return error_new(arena, E_INTERNAL, (Where){0},
                             "the fold entry takes %s, which is no constant of the export",
                             e->inputs[i].name);
    }
    f->exprs = ARENA_ARRAY(arena, int64_t, e->n_exprs + 1);
    e->exprs(sym, f->exprs);
    size_t arena_bytes = e->arena_expr >= 0 ? (size_t)f->exprs[e->arena_expr] : 0;
    size_t scratch_bytes = e->scratch_expr >= 0 ? (size_t)f->exprs[e->scratch_expr] : 0;
    if (posix_memalign(&f->arena, 64, arena_bytes + 128) ||
        posix_memalign(&f->scratch, 64, scratch_bytes + 128))
        return error_new(arena, E_IO, (Where){0}, "out of memory folding constants (%zu bytes)",
                         arena_bytes + scratch_bytes);
    aotc_model_frame frame = {
        .struct_size = sizeof frame,
        .n_threads = 1,
        .inputs = f->inputs,
        .outputs = f->outputs,
        .arena = f->arena,
        .scratch = f->scratch,
        .scratch_bytes = scratch_bytes,
        .sym = sym,
        .barrier = &barrier,
        .failure = &failure,
        .host = &host,
    };
    e->run(&frame, 0);
    if (failure.code)
        return error_new(arena, E_VALUE, (Where){0},
                         "folding constants failed: %s (%lld, bound %lld)",
                         failure.message ? failure.message : "?", (long long)failure.value,
                         (long long)failure.bound);
    return NULL;
}

static int by_offset(const void *a, const void *b)
{
    const WeightPiece *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* One piece a distinct offset; folded ones get memory of their own. */
static Error *place_pieces(Arena *arena, const Plan *plan, const aotc_model_table *table,
                           FrozenWeights *w, Fold *f)
{
    const aotc_model_entry *e = &table->entries[0];
    uint64_t                at = 0;
    w->pieces = ARENA_ARRAY(arena, WeightPiece, e->n_constants + 1);
    for (int i = 0; i < e->n_constants; i++)
        if (e->constants[i].folded >= 0)
            w->memory_bytes += (e->constants[i].size_bytes + 191) / 64 * 64;
    if (w->memory_bytes) {
        w->memory =
            mmap(NULL, w->memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (w->memory == MAP_FAILED) {
            w->memory = NULL;
            return error_new(arena, E_IO, (Where){0},
                             "out of memory for %zu bytes of folded constants", w->memory_bytes);
        }
    }
    for (int i = 0; i < e->n_constants; i++) {
        const aotc_model_constant *c = &e->constants[i];
        const PlanConstant        *p = &plan->constants.items[i];
        WeightPiece                piece = {c->offset, c->size_bytes, NULL};
        if (c->folded >= 0) {
            piece.data = f->outputs[c->folded] = (char *)w->memory + at;
            at += (c->size_bytes + 191) / 64 * 64;
        } else {
            piece.data = p->storage->data;
        }
        bool seen = false;
        for (int k = 0; k < w->n && !seen; k++)
            seen =
                w->pieces[k].offset == piece.offset && w->pieces[k].size_bytes == piece.size_bytes;
        if (!seen && piece.size_bytes)
            w->pieces[w->n++] = piece;
    }
    qsort(w->pieces, (size_t)w->n, sizeof *w->pieces, by_offset);
    return NULL;
}

Error *freeze_weights(Arena *arena, const Plan *plan, const BuiltObject *object, FrozenWeights *out)
{
    void                   *handle = NULL;
    const aotc_model_table *table = NULL;
    Fold                    f = {0};
    *out = (FrozenWeights){0};
    TRY(load_code(arena, object, &handle, &table));
    if (table->fold) {
        f.inputs = ARENA_ARRAY(arena, void *, table->fold->n_inputs + 1);
        f.outputs = ARENA_ARRAY(arena, void *, table->fold->n_outputs + 1);
    }
    Error *error = place_pieces(arena, plan, table, out, &f);
    if (!error && table->fold)
        error = run_fold(arena, plan, table, &f);
    out->bytes = table->weights_bytes;
    free(f.arena);
    free(f.scratch);
    dlclose(handle);
    return error;
}

void freeze_release(FrozenWeights *w)
{
    if (w->memory)
        munmap(w->memory, w->memory_bytes);
    w->memory = NULL;
}
