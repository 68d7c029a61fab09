/* See fake.h. */
#include "tests/cuda/fake_internal.h"

#include <dlfcn.h>
#include <elf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

FakeState       fake;
pthread_mutex_t fake_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

typedef struct Range {
    char         *at;
    size_t        bytes, mapped_bytes; /* mapped: by mmap, 0 else */
    bool          is_host, is_shared;  /* shared: the device may use it too */
    struct Range *next;
} Range;
typedef struct Stream {
    OpList queue, captured;
    bool   is_capturing;
    bool   is_dead;
} Stream;
typedef struct Event {
    bool     is_recorded, has_time;
    uint64_t time;
    Stream  *stream;
} Event;
typedef struct Module {
    char      kind; /* 'h' helpers, 'c' condition, 'm' a model's */
    Function *functions[512];
    int       n;
    void     *so; /* of an image that is a shared object */
} Module;

static Range                  *ranges;
static Stream                  default_stream, *streams[256];
static int                     n_streams;
static FakeKernel              kernels[64];
static int                     n_kernels;
static OpList                  captured;
static uint64_t                now;
static unsigned                conditions[4096];
static int                     contexts[4]; /* one for each device: its address is the handle */
static _Thread_local CuContext current[16];
static _Thread_local int       n_current;
static _Thread_local int       capture_mode;

#define LOCK() pthread_mutex_lock(&fake_lock)
#define UNLOCK() pthread_mutex_unlock(&fake_lock)

void fake_breach(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!fake.n_breaches++)
        vsnprintf(fake.breach, sizeof fake.breach, format, args);
    va_end(args);
}

static _Thread_local bool is_in_host_function;

/* CUDA Driver API, cuLaunchHostFunc: "The host function must not make any CUDA API calls". */
static void check_caller(void)
{
    if (is_in_host_function)
        fake_breach("a host function calls the driver");
}

bool fake_take(void)
{
    check_caller();
    return __atomic_fetch_add(&fake.n_takes, 1, __ATOMIC_RELAXED) != fake.fail_at;
}

bool fake_has_context(const char *call)
{
    check_caller();
    if (n_current && current[n_current - 1])
        return true;
    fake_breach("%s without a current context", call);
    return false;
}

static Range *range_of(const void *p)
{
    for (Range *r = ranges; r; r = r->next)
        if ((const char *)p >= r->at && (const char *)p < r->at + r->bytes)
            return r;
    return NULL;
}

bool fake_is_mapped(const void *p, size_t bytes, const char *what)
{
    const Range *r = range_of(p);
    if (r && (!r->is_host || r->is_shared) && (const char *)p + bytes <= r->at + r->bytes)
        return true;
    fake_breach("%s: %zu bytes at %p are not the device's", what, bytes, p);
    return false;
}

/* What a copy on the host's side is made from or to without a wait. */
bool fake_is_pinned(const void *p, size_t bytes, const char *what)
{
    const Range *r = range_of(p);
    if (r && r->is_host && (const char *)p + bytes <= r->at + r->bytes)
        return true;
    fake_breach("%s: %zu bytes at %p are not pinned", what, bytes, p);
    return false;
}

/* The caller's own memory, or pinned. */
static void check_host_memory(const void *p, const char *what)
{
    const Range *r = range_of(p);
    if (r && !r->is_host)
        fake_breach("%s: %p is not on the host", what, p);
}

/* ---- who may touch what ---------------------------------------------------------------------- */

typedef enum Side { SIDE_HOST, SIDE_DEVICE, SIDE_BOTH } Side;

static void protect(const Range *r, Side side)
{
    bool is_open = side == SIDE_BOTH || r->is_shared || r->is_host == (side == SIDE_HOST);
    if (r->mapped_bytes)
        mprotect(r->at, r->mapped_bytes, is_open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static void open_to(Side side)
{
    for (const Range *r = ranges; fake.protects && r; r = r->next)
        protect(r, side);
}

static const char *running = "code between runs";

static void on_fault(int number, siginfo_t *info, void *cx)
{
    char text[200];
    (void)cx;
    int n = snprintf(text, sizeof text, "fake driver: %s touches memory of the other side at %p\n",
                     running, info->si_addr);
    (void)!write(2, text, (size_t)n);
    signal(number, SIG_DFL);
}

__attribute__((constructor)) static void watch(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    fake.protects = getenv("AOTC_FAKE_PROTECTS") != NULL;
    if (fake.protects)
        sigaction(SIGSEGV, &action, NULL);
}

__attribute__((destructor)) static void report(void)
{
    if (!fake.n_breaches || !getenv("AOTC_FAKE_PROTECTS"))
        return;
    fprintf(stderr, "fake driver: %s\n", fake.breach);
    _exit(98);
}

void fake_set_condition(uint64_t handle, unsigned value)
{
    conditions[handle % 4096] = value;
}

unsigned fake_condition(uint64_t handle)
{
    return conditions[handle % 4096];
}

/* ---- work ------------------------------------------------------------------------------------ */

void fake_push(OpList *list, Op op)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 16;
        list->ops = realloc(list->ops, (size_t)list->cap * sizeof *list->ops);
    }
    list->ops[list->n++] = op;
}

static size_t args_bytes(const Function *f)
{
    size_t n = 0;
    for (int i = 0; i < f->n_params; i++)
        n += f->sizes[i];
    return n;
}

Op fake_copy_of(const Op *op)
{
    Op copy = *op;
    if (op->args) {
        copy.args = malloc(args_bytes(op->function) + 1);
        memcpy(copy.args, op->args, args_bytes(op->function));
    }
    if (op->staged) {
        copy.staged = malloc(op->bytes);
        memcpy(copy.staged, op->staged, op->bytes);
    }
    if (op->body) {
        copy.body = calloc(1, sizeof *copy.body);
        for (int i = 0; i < op->body->n; i++)
            fake_push(copy.body, fake_copy_of(&op->body->ops[i]));
    }
    return copy;
}

static void free_op(Op *op)
{
    free(op->args);
    free(op->staged);
    if (op->body) {
        fake_free_list(op->body);
        free(op->body);
    }
}

void fake_free_list(OpList *list)
{
    for (int i = 0; i < list->n; i++)
        free_op(&list->ops[i]);
    free(list->ops);
    *list = (OpList){0};
}

static void flush(Stream *s);
static void run_list(OpList *list);

/* As cuda_helpers.cu. */
typedef struct CopyArgs {
    unsigned char       *to;
    const unsigned char *from;
    int64_t              numel;
    int32_t              rank, item_bytes, unit, reserved;
    int64_t              sizes[64], to_strides[64], from_strides[64];
} CopyArgs;

static void copy_strided(const CopyArgs *a)
{
    for (int64_t i = 0; i < a->numel; i++) {
        int64_t              rest = i;
        unsigned char       *to = a->to;
        const unsigned char *from = a->from;
        for (int d = a->rank - 1; d >= 0; d--) {
            int64_t k = rest % a->sizes[d];
            rest /= a->sizes[d];
            to += k * a->to_strides[d];
            from += k * a->from_strides[d];
        }
        if ((uintptr_t)to % (unsigned)a->unit || (uintptr_t)from % (unsigned)a->unit)
            fake_breach("a strided copy is not aligned to %d", a->unit);
        if (fake_is_mapped(to, (size_t)a->item_bytes, "copy") &&
            fake_is_mapped(from, (size_t)a->item_bytes, "copy"))
            memcpy(to, from, (size_t)a->item_bytes);
    }
}

enum { HELP_COPY = 1, HELP_SET, HELP_NEXT, HELP_CONDITION };

static void run_helper(int helper, const unsigned char *args)
{
    uint64_t *rng, seed = 0, offset;
    memcpy(&rng, args, 8);
    if (helper == HELP_SET || helper == HELP_CONDITION)
        memcpy(&seed, args + 8, 8);
    switch (helper) {
    case HELP_COPY:
        copy_strided((const CopyArgs *)(const void *)args);
        break;
    case HELP_SET:
        memcpy(&offset, args + 16, 8);
        rng[0] = seed;
        rng[1] = offset;
        break;
    case HELP_NEXT:
        rng[1]++;
        break;
    case HELP_CONDITION: {
        unsigned unless;
        memcpy(&unless, args + 16, sizeof unless);
        fake_set_condition((uint64_t)(uintptr_t)rng,
                           (*(const uint8_t *)(uintptr_t)seed != 0) != (unless != 0));
    }
    }
}

static void fill(const Op *op)
{
    for (size_t i = 0; i < op->count; i++)
        memcpy((char *)op->to + i * op->item_bytes, &op->value, op->item_bytes);
}

static void run_op(Op *op)
{
    Event *e = op->event;
    switch (op->kind) {
    case OP_KERNEL:
        fake.last = op->launch;
        fake.n_launches++;
        running = op->launch.name;
        open_to(SIDE_DEVICE);
        if (op->function->emulated)
            op->function->emulated(&op->launch, op->args);
        else if (op->function->kernel)
            op->function->kernel->run(op->args);
        else
            run_helper(op->function->helper, op->args);
        open_to(SIDE_HOST);
        break;
    case OP_COPY:
        open_to(SIDE_BOTH);
        memmove(op->to, op->staged ? op->staged : op->from, op->bytes);
        open_to(SIDE_HOST);
        break;
    case OP_FILL:
        open_to(SIDE_BOTH);
        fill(op);
        open_to(SIDE_HOST);
        break;
    case OP_HOST:
        running = "a host function";
        fake.n_host_calls++;
        is_in_host_function = true;
        op->call(op->user);
        is_in_host_function = false;
        break;
    case OP_IF:
        if (fake_condition(op->condition))
            run_list(op->body);
        break;
    case OP_WHILE:
        while (fake_condition(op->condition))
            run_list(op->body);
        break;
    case OP_CHILD:
        run_list(op->body);
        break;
    case OP_EVENT:
        e->has_time = true;
        e->time = now += 1000;
        break;
    case OP_WAIT:
        flush(op->stream);
    }
}

static void run_list(OpList *list)
{
    for (int i = 0; i < list->n; i++)
        run_op(&list->ops[i]);
}

static void flush(Stream *s)
{
    OpList queue = s->queue;
    s->queue = (OpList){0};
    run_list(&queue);
    fake_free_list(&queue);
}

static void flush_all(void)
{
    flush(&default_stream);
    for (int i = 0; i < n_streams; i++)
        flush(streams[i]);
}

static Stream *stream_of(CuStream s)
{
    Stream *stream = s ? (Stream *)(void *)s : &default_stream;
    check_caller();
    if (stream->is_dead)
        fake_breach("a destroyed stream is used");
    return stream;
}

CuResult fake_queue(CuStream s, Op op)
{
    Stream *stream = stream_of(s);
    if (!fake_has_context("queueing work")) {
        free_op(&op);
        return INVALID_CONTEXT;
    }
    fake_push(stream->is_capturing ? &stream->captured : &stream->queue, op);
    return CU_OK;
}

Op fake_kernel_op(const Function *f, const unsigned *grid, const unsigned *block, unsigned shared,
                  void **params)
{
    Op op = {.kind = OP_KERNEL, .function = f};
    memcpy(op.launch.grid, grid, sizeof op.launch.grid);
    memcpy(op.launch.block, block, sizeof op.launch.block);
    op.launch.shared_bytes = shared;
    snprintf(op.launch.name, sizeof op.launch.name, "%s", f->name);
    if (!grid[0] || !grid[1] || !grid[2] || !block[0] || block[0] * block[1] * block[2] > 1024)
        fake_breach("%s is launched with an impossible grid or block", f->name);
    if (shared > 48u << 10 && (int)shared > f->max_shared)
        fake_breach("%s has %u bytes of shared memory without an opt-in", f->name, shared);
    op.args = malloc(args_bytes(f) + 32);
    unsigned char *at = op.args;
    for (int i = 0; i < f->n_params; i++) {
        memcpy(at, params[i], f->sizes[i]);
        at += f->sizes[i];
    }
    return op;
}

/* ---- the test's side ------------------------------------------------------------------------- */

static void reset(void)
{
    fake.version = 13000;
    fake.init = fake.instantiate = fake.launch = 0;
    fake.n_devices = 1;
    fake.devices[0] = (FakeDevice){"Fake H100", 90};
    fake.devices[1] = (FakeDevice){"Fake A100", 80};
    fake.fail_at = -1;
    fake.no_conditions = fake.has_threads = false;
    fake.n_takes = fake.n_launches = fake.n_nodes = fake.n_set_params = fake.n_graph_launches = 0;
    fake.n_host_calls = 0;
    fake.n_programmatic_edges = fake.n_conditionals = fake.n_syncs = fake.n_uploaded_bytes = 0;
    fake.last = (FakeLaunch){.grid = {0}};
    fake.n_breaches = 0;
    fake.breach[0] = 0;
}

static void add_kernels(const FakeKernel *from, int n)
{
    for (int i = 0; i < n; i++)
        kernels[n_kernels++] = from[i];
}

static void capture_begin(void *stream)
{
    ((Stream *)stream)->is_capturing = true;
}

static void capture_end(void *stream)
{
    Stream *s = stream;
    fake_free_list(&captured);
    captured = s->captured;
    s->captured = (OpList){0};
    s->is_capturing = false;
}

static void capture_launch(void *stream)
{
    for (int i = 0; i < captured.n; i++)
        fake_push(&stream_of(stream)->queue, fake_copy_of(&captured.ops[i]));
}

static bool is_idle(void)
{
    int n = default_stream.queue.n;
    for (int i = 0; i < n_streams; i++)
        n += streams[i]->queue.n;
    return n == 0;
}

EXPORT const FakeApi *fake_api(void);
const FakeApi        *fake_api(void)
{
    static const FakeApi api = {&fake,       reset,          add_kernels, capture_begin,
                                capture_end, capture_launch, is_idle};
    if (!fake.version)
        reset();
    return &api;
}

/* ---- libcuda: devices and contexts ----------------------------------------------------------- */
#define API EXPORT CuResult
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-declarations"

API cuInit(unsigned flags)
{
    return flags ? INVALID_VALUE : fake.init;
}

API cuDriverGetVersion(int *version)
{
    fake_api();
    *version = fake.version;
    return CU_OK;
}

#ifdef FAKE_KERNELS /* for programs that register none */
#define AOTC_TESTS_CUDA_DEVICE
#include "tests/cuda/kernels.h"

__attribute__((constructor)) static void add_own_kernels(void)
{
    static const FakeKernel own[] = {
        {"affine", run_affine, sizeof(AffineArgs)},
        {"random_fill", run_random_fill, sizeof(RandomArgs)},
        {"find", run_find, sizeof(FindArgs)},
        {"test_above", run_test_above, sizeof(TestArgs)},
        {"check", run_check, sizeof(CheckArgs)},
        {"use_shared", run_use_shared, sizeof(SharedArgs)},
    };
    add_kernels(own, sizeof own / sizeof *own);
}
#endif

static const struct {
    int         code;
    const char *name, *text;
} results[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
};

static CuResult find_text(CuResult r, const char **text, bool is_name)
{
    *text = NULL;
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i].code == r) {
            *text = is_name ? results[i].name : results[i].text;
            return CU_OK;
        }
    return INVALID_VALUE;
}

API cuGetErrorName(CuResult r, const char **text)
{
    return find_text(r, text, true);
}

API cuGetErrorString(CuResult r, const char **text)
{
    return find_text(r, text, false);
}

API cuDeviceGetCount(int *n)
{
    *n = fake.n_devices;
    return CU_OK;
}

API cuDeviceGet(CuDevice *out, int ordinal)
{
    *out = ordinal;
    return ordinal >= 0 && ordinal < fake.n_devices ? CU_OK : 101;
}

API cuDeviceGetName(char *name, int size, CuDevice d)
{
    snprintf(name, (size_t)size, "%s", fake.devices[d].name);
    return CU_OK;
}

API cuDeviceGetAttribute(int *out, int attribute, CuDevice d)
{
    *out = attribute == CU_DEVICE_MAJOR        ? fake.devices[d].sm / 10
           : attribute == CU_DEVICE_MINOR      ? fake.devices[d].sm % 10
           : attribute == CU_DEVICE_N_SM       ? 4
           : attribute == CU_DEVICE_MAX_SHARED ? 232448
           : attribute == CU_DEVICE_L2_BYTES   ? 50 << 20
                                               : -1;
    return *out < 0 ? INVALID_VALUE : CU_OK;
}

API cuDevicePrimaryCtxRetain(CuContext *out, CuDevice d)
{
    if (!fake_take())
        return CU_OUT_OF_MEMORY;
    fake.n_retained++;
    *out = (CuContext)(void *)&contexts[d];
    return CU_OK;
}

API cuDevicePrimaryCtxRelease_v2(CuDevice d)
{
    (void)d;
    fake.n_retained--;
    return CU_OK;
}

API cuCtxGetCurrent(CuContext *out)
{
    *out = n_current ? current[n_current - 1] : NULL;
    return CU_OK;
}

API cuCtxPushCurrent_v2(CuContext c)
{
    if (n_current == 16)
        return INVALID_VALUE;
    current[n_current++] = c;
    return CU_OK;
}

API cuCtxPopCurrent_v2(CuContext *out)
{
    if (!n_current)
        return INVALID_CONTEXT;
    *out = current[--n_current];
    return CU_OK;
}

/* ---- libcuda: modules ------------------------------------------------------------------------ */

/* An image made by emulated-nvcc: a shared object, whose last bytes are the table of sections. */
static void *open_shared_object(const void *image)
{
    const Elf64_Ehdr *head = image;
    size_t            n = head->e_shoff + (size_t)head->e_shnum * head->e_shentsize;
    char              path[64];
    int               fd = memfd_create("image", 0);
    if (fd < 0 || write(fd, image, n) != (ssize_t)n)
        return NULL;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so)
        fprintf(stderr, "fake driver: %s\n", dlerror());
    return so; /* fd stays open: dlopen() knows libraries by their names */
}

static bool find_emulated(const Module *m, const char *name, Function *f)
{
    char symbol[512];
    snprintf(symbol, sizeof symbol, "emulated_%s", name);
    *(void **)&f->emulated = dlsym(m->so, symbol);
    snprintf(symbol, sizeof symbol, "emulated_size_%s", name);
    const unsigned long *size = dlsym(m->so, symbol);
    f->sizes[0] = size ? *size : 0;
    f->n_params = f->sizes[0] ? 1 : 0;
    return f->emulated && size;
}

API cuModuleLoadData(CuModule *out, const void *image)
{
    const char *text = image;
    if (!fake_has_context("cuModuleLoadData"))
        return INVALID_CONTEXT;
    bool is_ptx = !strncmp(text, ".version", 8);
    bool is_condition = is_ptx && strstr(text, "aotc_condition");
    if (is_condition && fake.no_conditions)
        return CU_NOT_SUPPORTED;
    bool  is_shared = !strncmp(text, ELFMAG, SELFMAG);
    void *so = is_shared ? open_shared_object(image) : NULL;
    if (!is_ptx && strncmp(text, "FAKE", 4) && !so)
        return 200;
    if (!fake_take())
        return CU_OUT_OF_MEMORY;
    Module *m = calloc(1, sizeof *m);
    m->kind = is_condition ? 'c' : is_ptx ? 'h' : 'm';
    m->so = so;
    LOCK();
    fake.live_modules++;
    UNLOCK();
    *out = (CuModule)(void *)m;
    return CU_OK;
}

API cuModuleUnload(CuModule module)
{
    Module *m = (Module *)(void *)module;
    LOCK();
    flush_all();
    fake.live_modules--;
    UNLOCK();
    for (int i = 0; i < m->n; i++)
        free(m->functions[i]);
    if (m->so)
        dlclose(m->so);
    free(m);
    return CU_OK;
}

static bool find_helper(Function *f)
{
    static const Function helpers[] = {
        {.name = "aotc_copy_strided",
         .helper = HELP_COPY,
         .n_params = 1,
         .sizes = {sizeof(CopyArgs)}},
        {.name = "aotc_rng_set", .helper = HELP_SET, .n_params = 3, .sizes = {8, 8, 8}},
        {.name = "aotc_rng_next", .helper = HELP_NEXT, .n_params = 1, .sizes = {8}},
        {.name = "aotc_condition", .helper = HELP_CONDITION, .n_params = 3, .sizes = {8, 8, 4}},
        /* of aotc-bench: what a device reaches */
        {.name = "peak_fma", .n_params = 2, .sizes = {8, 4}},
        {.name = "peak_mma", .n_params = 2, .sizes = {8, 4}},
        {.name = "peak_wgmma", .n_params = 2, .sizes = {8, 4}},
    };
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
        if (!strcmp(helpers[i].name, f->name)) {
            *f = helpers[i];
            return true;
        }
    return false;
}

API cuModuleGetFunction(CuFunction *out, CuModule module, const char *name)
{
    Module  *m = (Module *)(void *)module;
    Function f = {.kernel = NULL};
    snprintf(f.name, sizeof f.name, "%s", name);
    bool found = m->so ? find_emulated(m, name, &f) : m->kind != 'm' && find_helper(&f);
    for (int i = 0; i < n_kernels && m->kind == 'm' && !found; i++)
        if (!strcmp(kernels[i].name, name)) {
            f.kernel = &kernels[i];
            f.n_params = kernels[i].args_bytes ? 1 : 0;
            f.sizes[0] = kernels[i].args_bytes;
            found = true;
        }
    if (!found || m->n == 512)
        return 500;
    Function *made = malloc(sizeof *made);
    *made = f;
    m->functions[m->n++] = made;
    *out = (CuFunction)(void *)made;
    return CU_OK;
}

API cuFuncSetAttribute(CuFunction f, int attribute, int value)
{
    if (attribute != CU_MAX_DYNAMIC_SHARED || value > 232448)
        return INVALID_VALUE;
    ((Function *)(void *)f)->max_shared = value;
    return CU_OK;
}

/* ---- libcuda: memory ------------------------------------------------------------------------- */

static bool is_any_capturing(void)
{
    bool is = default_stream.is_capturing;
    for (int i = 0; i < n_streams; i++)
        is |= streams[i]->is_capturing;
    return is;
}

static bool take_memory(Range *r, size_t bytes)
{
    if (!fake.protects)
        return !posix_memalign((void **)&r->at, 256, bytes ? bytes : 1);
    r->mapped_bytes = (bytes + 4096) / 4096 * 4096;
    r->at = mmap(NULL, r->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return r->at != MAP_FAILED;
}

static void give_memory(Range *r)
{
    if (r->mapped_bytes)
        munmap(r->at, r->mapped_bytes);
    else
        free(r->at);
}

static CuResult allocate(void **out, size_t bytes, bool is_host, bool is_shared)
{
    if (!fake_has_context("an allocation"))
        return INVALID_CONTEXT;
    LOCK();
    if (is_any_capturing() && capture_mode != CU_CAPTURE_RELAXED)
        fake_breach("an allocation while a stream is captured");
    Range   *r = calloc(1, sizeof *r);
    CuResult result = fake_take() ? CU_OK : CU_OUT_OF_MEMORY;
    if (!result && !take_memory(r, bytes))
        result = CU_OUT_OF_MEMORY;
    if (!result) {
        memset(r->at, 0xa5, bytes); /* nobody may count on zeros */
        r->bytes = bytes;
        r->is_host = is_host;
        r->is_shared = is_shared;
        r->next = ranges;
        ranges = r;
        protect(r, SIDE_HOST);
        *out = r->at;
        fake.live_bytes += is_host ? 0 : (long)bytes;
        fake.live_blocks += !is_host;
        fake.live_host += is_host;
    } else {
        free(r);
    }
    UNLOCK();
    return result;
}

static CuResult release(void *p)
{
    CuResult result = INVALID_VALUE;
    LOCK();
    if (!fake.has_threads && !is_idle())
        fake_breach("memory is freed while work is queued");
    flush_all();
    for (Range **at = &ranges; *at; at = &(*at)->next)
        if ((*at)->at == p) {
            Range *r = *at;
            *at = r->next;
            fake.live_bytes -= r->is_host ? 0 : (long)r->bytes;
            fake.live_blocks -= !r->is_host;
            fake.live_host -= r->is_host;
            give_memory(r);
            free(r);
            result = CU_OK;
            break;
        }
    if (result)
        fake_breach("what was not allocated is freed");
    UNLOCK();
    return result;
}

API cuMemAlloc_v2(CuAddress *out, size_t bytes)
{
    void    *p = NULL;
    CuResult r = allocate(&p, bytes, false, false);
    *out = (CuAddress)(uintptr_t)p;
    return r;
}

API cuMemFree_v2(CuAddress a)
{
    return release((void *)(uintptr_t)a);
}

API cuMemHostAlloc(void **out, size_t bytes, unsigned flags)
{
    return allocate(out, bytes, true, flags & CU_HOST_ALLOC_MAPPED);
}

API cuMemFreeHost(void *p)
{
    return release(p);
}

API cuMemHostGetDevicePointer_v2(CuAddress *out, void *p, unsigned flags)
{
    (void)flags;
    LOCK();
    *out = (CuAddress)(uintptr_t)p;
    CuResult r = range_of(p) ? CU_OK : INVALID_VALUE;
    UNLOCK();
    return r;
}

API cuMemcpyHtoDAsync_v2(CuAddress to, const void *from, size_t bytes, CuStream s)
{
    LOCK();
    Op op = {.kind = OP_COPY, .to = (void *)(uintptr_t)to, .from = from, .bytes = bytes};
    fake_is_mapped(op.to, bytes, "cuMemcpyHtoDAsync");
    check_host_memory(from, "cuMemcpyHtoDAsync");
    fake.n_uploaded_bytes += (long)bytes;
    if (!range_of(from)) {
        op.staged = malloc(bytes + 1);
        memcpy(op.staged, from, bytes);
    }
    CuResult r = fake_queue(s, op);
    UNLOCK();
    return r;
}

/* To pageable memory it waits. */
API cuMemcpyDtoHAsync_v2(void *to, CuAddress from, size_t bytes, CuStream s)
{
    LOCK();
    Stream *stream = stream_of(s);
    Op      op = {.kind = OP_COPY, .to = to, .from = (const void *)(uintptr_t)from, .bytes = bytes};
    bool    is_pinned = range_of(to) != NULL;
    fake_is_mapped(op.from, bytes, "cuMemcpyDtoHAsync");
    check_host_memory(to, "cuMemcpyDtoHAsync");
    if (!is_pinned && stream->is_capturing)
        fake_breach("a copy to pageable memory in a capture");
    CuResult r = fake_queue(s, op);
    if (!is_pinned && !stream->is_capturing)
        flush(stream);
    UNLOCK();
    return r;
}

API cuMemcpyDtoDAsync_v2(CuAddress to, CuAddress from, size_t bytes, CuStream s)
{
    LOCK();
    Op op = {.kind = OP_COPY,
             .to = (void *)(uintptr_t)to,
             .from = (const void *)(uintptr_t)from,
             .bytes = bytes};
    fake_is_mapped(op.to, bytes, "cuMemcpyDtoDAsync");
    fake_is_mapped(op.from, bytes, "cuMemcpyDtoDAsync");
    CuResult r = fake_queue(s, op);
    UNLOCK();
    return r;
}

static CuResult queue_fill(CuAddress to, unsigned value, unsigned item, size_t n, CuStream s)
{
    LOCK();
    Op op = {.kind = OP_FILL,
             .to = (void *)(uintptr_t)to,
             .value = value,
             .item_bytes = item,
             .count = n};
    fake_is_mapped(op.to, n * item, "cuMemsetAsync");
    CuResult r = fake_queue(s, op);
    UNLOCK();
    return r;
}

API cuMemsetD8Async(CuAddress to, unsigned char v, size_t n, CuStream s)
{
    return queue_fill(to, v, 1, n, s);
}

API cuMemsetD16Async(CuAddress to, unsigned short v, size_t n, CuStream s)
{
    return queue_fill(to, v, 2, n, s);
}

API cuMemsetD32Async(CuAddress to, unsigned v, size_t n, CuStream s)
{
    return queue_fill(to, v, 4, n, s);
}

/* ---- libcuda: streams, events, launches ------------------------------------------------------ */

API cuStreamCreate(CuStream *out, unsigned flags)
{
    (void)flags;
    if (!fake_take())
        return CU_OUT_OF_MEMORY;
    LOCK();
    Stream *s = calloc(1, sizeof *s);
    if (n_streams == 256)
        abort();
    streams[n_streams++] = s;
    fake.live_streams++;
    UNLOCK();
    *out = (CuStream)(void *)s;
    return CU_OK;
}

API cuStreamDestroy_v2(CuStream s)
{
    LOCK();
    flush(stream_of(s));
    int i = 0;
    while (streams[i] != (Stream *)(void *)s)
        i++;
    free(streams[i]);
    streams[i] = streams[--n_streams];
    fake.live_streams--;
    UNLOCK();
    return CU_OK;
}

API cuStreamSynchronize(CuStream s)
{
    LOCK();
    Stream *stream = stream_of(s);
    fake.n_syncs++;
    if (stream->is_capturing)
        fake_breach("a wait for a stream that is captured");
    else
        flush(stream);
    CuResult r = stream->is_capturing ? CAPTURE_UNSUPPORTED : CU_OK;
    UNLOCK();
    return r;
}

API cuStreamIsCapturing(CuStream s, int *status)
{
    *status = stream_of(s)->is_capturing;
    return CU_OK;
}

API cuStreamBeginCapture_v2(CuStream s, int mode)
{
    Stream *stream = s ? stream_of(s) : NULL;
    if (!stream || stream->is_capturing || mode != CU_CAPTURE_THREAD_LOCAL || !fake_take())
        return INVALID_VALUE;
    stream->is_capturing = true;
    return CU_OK;
}

API cuStreamEndCapture(CuStream s, CuGraph *out)
{
    Stream *stream = stream_of(s);
    *out = NULL;
    if (!stream->is_capturing)
        return INVALID_VALUE;
    stream->is_capturing = false;
    *out = fake_graph_of(&stream->captured);
    return CU_OK;
}

API cuThreadExchangeStreamCaptureMode(int *mode)
{
    int before = capture_mode;
    capture_mode = *mode;
    *mode = before;
    return CU_OK;
}

API cuStreamWaitEvent(CuStream s, CuEvent e, unsigned flags)
{
    (void)flags;
    LOCK();
    CuResult r =
        fake_queue(s, (Op){.kind = OP_WAIT, .stream = ((Event *)(void *)e)->stream, .event = e});
    UNLOCK();
    return r;
}

API cuLaunchHostFunc(CuStream s, void (*function)(void *user), void *user)
{
    LOCK();
    CuResult r = fake.launch;
    r = r ? r : fake_queue(s, (Op){.kind = OP_HOST, .call = function, .user = user});
    UNLOCK();
    return r;
}

API cuEventCreate(CuEvent *out, unsigned flags)
{
    (void)flags;
    if (!fake_take())
        return CU_OUT_OF_MEMORY;
    Event *e = calloc(1, sizeof *e);
    LOCK();
    fake.live_events++;
    UNLOCK();
    *out = (CuEvent)(void *)e;
    return CU_OK;
}

API cuEventDestroy_v2(CuEvent e)
{
    LOCK();
    fake.live_events--;
    UNLOCK();
    free((void *)e);
    return CU_OK;
}

API cuEventRecord(CuEvent event, CuStream s)
{
    LOCK();
    Event *e = (Event *)(void *)event;
    e->has_time = false;
    e->stream = stream_of(s);
    CuResult r = fake_queue(s, (Op){.kind = OP_EVENT, .event = e});
    UNLOCK();
    return r;
}

API cuEventElapsedTime(float *ms, CuEvent from, CuEvent to)
{
    const Event *a = (const Event *)(void *)from, *b = (const Event *)(void *)to;
    if (!a->has_time || !b->has_time)
        return NOT_READY;
    *ms = (float)(b->time - a->time) * 1e-6f;
    return CU_OK;
}

static CuResult queue_launch(CuFunction f, const unsigned *grid, const unsigned *block,
                             unsigned shared, CuStream s, void **params, const CuLaunch *more)
{
    LOCK();
    Op op = fake_kernel_op((const Function *)(void *)f, grid, block, shared, params);
    for (unsigned i = 0; more && i < more->n_attributes; i++) {
        if (more->attributes[i].id == CU_ATTRIBUTE_CLUSTER)
            memcpy(op.launch.cluster, more->attributes[i].value.cluster, 12);
        else if (more->attributes[i].id == CU_ATTRIBUTE_PROGRAMMATIC)
            op.launch.is_early = more->attributes[i].value.programmatic;
        else
            fake_breach("launch attribute %d", more->attributes[i].id);
    }
    CuResult r = fake.launch;
    if (r)
        free_op(&op);
    else
        r = fake_queue(s, op);
    UNLOCK();
    return r;
}

API cuLaunchKernel(CuFunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, CuStream s, void **params, void **extra)
{
    const unsigned grid[] = {gx, gy, gz}, block[] = {bx, by, bz};
    return extra ? INVALID_VALUE : queue_launch(f, grid, block, shared, s, params, NULL);
}

API cuLaunchKernelEx(const CuLaunch *l, CuFunction f, void **params, void **extra)
{
    return extra ? INVALID_VALUE
                 : queue_launch(f, l->grid, l->block, l->shared_bytes, l->stream, params, l);
}

/* Marks of the arguments, so that a test sees them. */
static void mark_map(uint64_t *words, int type, uint32_t rank, void *at, const uint64_t *sizes,
                     const uint64_t *strides, uint64_t box, int swizzle, int l2)
{
    memset(words, 0, 128);
    words[0] = (uint64_t)(uintptr_t)at;
    words[1] = (uint64_t)type << 32 | rank;
    words[2] = sizes[0];
    words[3] = strides[0];
    words[4] = box;
    words[5] = (uint64_t)swizzle << 32 | (unsigned)l2;
}

API cuTensorMapEncodeTiled(void *map, int type, uint32_t rank, void *at, const uint64_t *sizes,
                           const uint64_t *strides, const uint32_t *box, const uint32_t *steps,
                           int interleave, int swizzle, int l2, int out_of_bounds)
{
    if ((uintptr_t)map % 64 || (uintptr_t)at % 16 || interleave || out_of_bounds || rank > 5)
        return INVALID_VALUE;
    for (uint32_t d = 0; d < rank; d++)
        if (steps[d] != 1)
            return INVALID_VALUE;
    mark_map(map, type, rank, at, sizes, strides, box[0], swizzle, l2);
    return CU_OK;
}

API cuTensorMapEncodeIm2col(void *map, int type, uint32_t rank, void *at, const uint64_t *sizes,
                            const uint64_t *strides, const int *lower, const int *upper,
                            uint32_t channels, uint32_t pixels, const uint32_t *steps,
                            int interleave, int swizzle, int l2, int out_of_bounds)
{
    const int most = rank == 3 ? 32767 : rank == 4 ? 127 : 15;
    if ((uintptr_t)map % 64 || (uintptr_t)at % 16 || interleave || out_of_bounds || rank < 3 ||
        rank > 5 || channels > 256 || pixels > 1024)
        return INVALID_VALUE;
    for (uint32_t d = 0; d < rank; d++)
        if (steps[d] < 1 || steps[d] > 8 || !sizes[d] || (d && strides[d - 1] % 16))
            return INVALID_VALUE;
    for (uint32_t d = 0; d < rank - 2; d++)
        if (lower[d] < -most - 1 || lower[d] > most || upper[d] < -most - 1 || upper[d] > most)
            return INVALID_VALUE;
    mark_map(map, type, rank, at, sizes, strides, (uint64_t)channels << 32 | pixels, swizzle, l2);
    ((uint64_t *)map)[6] = (uint64_t)(uint32_t)lower[0] << 32 | (uint32_t)upper[0];
    return CU_OK;
}
