/* aotc-bench: latency of a package, and of each of its kernels as a share of the machine's limit.
 */
#include "aotc/device.h"
#include "aotc/peak.h"
#include "aotc/runner.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: aotc-bench PACKAGE [options]\n"
    "\n"
    "Times a compiled model and prints latency percentiles and a table of its kernels: time, "
    "GFLOP/s and GB/s, and their\n"
    "share of what this machine reached a moment before (f32 FMA peak of one core times threads; "
    "memory read of one core).\n"
    "On a CUDA device inputs are uploaded once and outputs stay there; a run's time is until the "
    "device is done, `issue`\n"
    "until the call returns; shares are of a device copy, f32 FMA and bf16 tensor products.\n"
    "\n"
    "  --inputs FILE     tensors input0, input1, ... (default: zeros; dynamic sizes as --shapes "
    "says, else their least)\n"
    "  --shapes LIST     sizes of dynamic dims in order of the inputs: 4,128; those that follow "
    "from them may be\n"
    "                    left out\n"
    "  --entry NAME      entry point (default: the first)\n"
    "  --threads N       threads of a run (default 1)\n"
    "  --seed N          of random operators\n" RUNNER_USAGE
    "  --seconds S       how long to time (default 2)\n"
    "  --no-kernels      percentiles only\n"
    "  --trace FILE      one run as a Chrome trace (chrome://tracing, Perfetto)\n"
    "  --server          print `ready`; for every line read, run once and answer with the "
    "nanoseconds\n"
    "  --help, --version\n";

typedef struct Options {
    const char   *inputs, *shapes, *trace;
    double        seconds;
    bool          server, no_kernels;
    RunnerOptions runner;
} Options;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The next of the listed sizes, -1 when there is none. */
static int64_t next_size(const char **shapes)
{
    char   *end;
    int64_t size = *shapes ? strtoll(*shapes, &end, 10) : 0;
    if (!*shapes || end == *shapes)
        return -1;
    *shapes = *end == ',' ? end + 1 : end;
    return size;
}

/* Sizes as listed; those that are not, as the model wants them. */
static bool make_shapes(Runner *r, const char *listed)
{
    aotc_error error = {.struct_size = sizeof error};
    int64_t  **shapes = calloc((size_t)r->n_inputs + 1, sizeof *shapes);
    bool       ok = shapes != NULL;
    for (int i = 0; ok && i < r->n_inputs; i++) {
        aotc_tensor_info info = {.struct_size = sizeof info};
        aotc_input_info(r->model, i, &info);
        shapes[i] = r->inputs[i].shape = calloc((size_t)info.ndim + 1, sizeof **shapes);
        ok = shapes[i] != NULL;
        for (int d = 0; ok && d < info.ndim; d++)
            shapes[i][d] = info.shape[d] >= 0 ? info.shape[d] : next_size(&listed);
    }
    if (ok && aotc_complete_shapes(r->model, shapes, &error)) {
        fprintf(stderr, "aotc-bench: error: %s\n", error.text);
        ok = false;
    }
    free(shapes);
    return ok;
}

/* Zeros of that size; a fixed number has its value. */
static bool make_input(DLTensor *x, const aotc_tensor_info *info)
{
    size_t bytes = info->dtype.bits / 8u;
    for (int d = 0; d < info->ndim; d++)
        if (x->shape[d] < 0 || __builtin_mul_overflow(bytes, (size_t)x->shape[d], &bytes))
            return false;
    x->ndim = info->ndim;
    x->dtype = info->dtype;
    x->device = (DLDevice){kDLCPU, 0};
    x->data = x->shape && bytes < SIZE_MAX - 64 ? calloc(bytes + 64, 1) : NULL;
    if (x->data && info->is_literal && info->dtype.code == kDLFloat)
        memcpy(x->data, &info->literal_float, sizeof info->literal_float);
    else if (x->data && info->is_literal && info->dtype.code == kDLBool)
        *(char *)x->data = info->literal_int != 0;
    else if (x->data && info->is_literal)
        memcpy(x->data, &info->literal_int, sizeof info->literal_int);
    return x->data != NULL;
}

static bool make_inputs(Runner *r, const char *shapes)
{
    if (!make_shapes(r, shapes))
        return false;
    for (int i = 0; i < r->n_inputs; i++) {
        aotc_tensor_info info = {.struct_size = sizeof info};
        aotc_input_info(r->model, i, &info);
        if (info.dtype.code != kDLOpaqueHandle && !make_input(&r->inputs[i], &info)) {
            fprintf(stderr, "aotc-bench: error: no memory for input \"%s\" of these sizes\n",
                    info.name);
            return false;
        }
    }
    return true;
}

static int serve(Runner *r)
{
    char line[256];
    if (!runner_run(r) || !runner_wait(r))
        return 1;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        uint64_t t = now_ns();
        if (!runner_run(r) || !runner_wait(r))
            return 1;
        printf("%llu\n", (unsigned long long)(now_ns() - t));
        fflush(stdout);
    }
    return 0;
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Microseconds from the sorted times at that part of them. */
static double at_share(const uint64_t *times, size_t n, double share)
{
    return (double)times[(size_t)((double)(n - 1) * share)] / 1e3;
}

static void print_times(const Runner *r, uint64_t *times, uint64_t *issues, size_t n,
                        uint64_t total)
{
    qsort(times, n, sizeof *times, by_time);
    qsort(issues, n, sizeof *issues, by_time);
    printf("runs %zu   min %.3f   p50 %.3f   p90 %.3f   p99 %.3f   max %.3f us   %.1f runs/s\n", n,
           at_share(times, n, 0), at_share(times, n, 0.5), at_share(times, n, 0.9),
           at_share(times, n, 0.99), at_share(times, n, 1), (double)n * 1e9 / (double)total);
    if (r->stream)
        printf("issue      min %.3f   p50 %.3f   p90 %.3f us\n", at_share(issues, n, 0),
               at_share(issues, n, 0.5), at_share(issues, n, 0.9));
    printf("arena %zu bytes, context %zu bytes\n", aotc_context_arena_bytes(r->context),
           aotc_context_held_bytes(r->context));
}

static void print_graphs(const Runner *r)
{
    aotc_graph_counters n = {.struct_size = sizeof n};
    aotc_context_graph_counters(r->context, &n);
    printf("CUDA graphs: %llu captures, %llu replays, %llu updates, %llu skips%s%s\n",
           (unsigned long long)n.captures, (unsigned long long)n.replays,
           (unsigned long long)n.updates, (unsigned long long)n.skips, n.skips ? ": " : "",
           n.skip_reason);
}

/* Runs one behind the other, which the device works off without waiting for the host. */
static bool time_queue(Runner *r, double seconds)
{
    size_t   n = 0;
    bool     ok = runner_wait(r);
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9);
    while (ok && (n < 10 || now_ns() < end)) {
        for (int i = 0; i < 10 && ok; i++, n++)
            ok = runner_run(r);
        ok = ok && (n % 100 || runner_wait(r));
    }
    ok = ok && runner_wait(r);
    if (ok)
        printf("queued     %.3f us a run, %zu runs\n", (double)(now_ns() - start) / 1e3 / (double)n,
               n);
    return ok;
}

static bool time_runs(Runner *r, double seconds)
{
    size_t    n = 0, cap = 1 << 20;
    uint64_t *times = malloc(2 * cap * sizeof *times), total = 0;
    bool      ok = times != NULL;
    for (int i = 0; i < 3 && ok; i++)
        ok = runner_run(r) && runner_wait(r);
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    while (ok && n < cap && (n < 5 || now_ns() < end)) {
        uint64_t t = now_ns();
        ok = runner_run(r);
        times[cap + n] = now_ns() - t;
        ok = ok && runner_wait(r);
        times[n] = now_ns() - t;
        total += times[n++];
    }
    if (ok)
        print_times(r, times, times + cap, n, total);
    if (ok && r->stream) {
        print_graphs(r);
        ok = time_queue(r, seconds / 4);
    }
    free(times);
    return ok;
}

typedef struct Row {
    aotc_kernel_info info;
    double           us;
} Row;

static int slower_first(const void *a, const void *b)
{
    double x = ((const Row *)a)->us, y = ((const Row *)b)->us;
    return x > y ? -1 : x < y;
}

/* The kernels' times from runs that measure them, slowest first; NULL: failed. */
static Row *measure_kernels(Runner *r, double seconds, int *n, double *sum)
{
    *n = aotc_context_n_kernels(r->context);
    *sum = 0;
    Row *rows = calloc((size_t)*n + 1, sizeof *rows);
    bool ok = rows != NULL;
    aotc_context_profile(r->context, 1);
    uint64_t end = now_ns() + (uint64_t)(seconds * 5e8);
    for (int i = 0; ok && (i < 5 || now_ns() < end); i++)
        ok = runner_run(r) && runner_wait(r);
    for (int i = 0; i < *n && ok; i++) {
        rows[i].info.struct_size = sizeof rows[i].info;
        aotc_context_kernel(r->context, i, &rows[i].info);
        rows[i].us = (double)rows[i].info.min_ns / 1e3;
        *sum += rows[i].us;
    }
    aotc_context_profile(r->context, 0);
    if (!ok) {
        free(rows);
        return NULL;
    }
    qsort(rows, (size_t)*n, sizeof *rows, slower_first);
    return rows;
}

static double per_us(double amount, double us)
{
    return us > 0 ? amount / us * 1e-3 : 0;
}

static bool kernel_table(Runner *r, const Options *o)
{
    int    n, threads = (int)o->runner.threads;
    double peak = peak_fma_gflops() * threads, read = peak_read_gbps(), sum;
    Row   *rows = measure_kernels(r, o->seconds, &n, &sum);
    double after = peak_fma_gflops() * threads;
    peak = after > peak ? after : peak;
    if (!rows)
        return false;
    printf(
        "FMA peak %.1f GFLOP/s (%d thread%s), memory read %.1f GB/s; least time of each kernel:\n",
        peak, threads, threads == 1 ? "" : "s", read);
    printf("%10s %6s %10s %6s %9s  %-44s %s\n", "us", "share", "GFLOP/s", "peak", "GB/s", "kernel",
           "python");
    for (int i = 0; i < n; i++) {
        const Row *k = &rows[i];
        double     gflops = per_us(k->info.flops, k->us);
        printf("%10.2f %5.1f%% %10.2f %5.1f%% %9.2f  %-44s %.70s\n", k->us,
               sum > 0 ? 100 * k->us / sum : 0, gflops, 100 * gflops / peak,
               per_us(k->info.bytes, k->us), k->info.name, k->info.python);
    }
    free(rows);
    return true;
}

static bool device_table(Runner *r, const Options *o, Device *d)
{
    char       message[512];
    DevicePeak peak;
    int        n;
    double     sum;
    if (!device_peak(d, &peak, message, sizeof message)) {
        fprintf(stderr, "aotc-bench: error: measuring the device: %s\n", message);
        return false;
    }
    Row *rows = measure_kernels(r, o->seconds, &n, &sum);
    if (!rows)
        return false;
    printf("copy %.0f GB/s, f32 FMA %.0f GFLOP/s, bf16 tensor cores %.0f GFLOP/s; least time of "
           "each kernel:\n",
           peak.copy_gbps, peak.fma_gflops, peak.mma_gflops);
    printf("%10s %6s %9s %6s %10s %6s %6s  %-44s %s\n", "us", "share", "GB/s", "copy", "GFLOP/s",
           "fma", "bf16", "kernel", "python");
    for (int i = 0; i < n; i++) {
        const Row *k = &rows[i];
        double     gflops = per_us(k->info.flops, k->us), gbps = per_us(k->info.bytes, k->us);
        printf("%10.2f %5.1f%% %9.1f %5.1f%% %10.1f %5.1f%% %5.1f%%  %-44s %.70s\n", k->us,
               sum > 0 ? 100 * k->us / sum : 0, gbps, 100 * gbps / peak.copy_gbps, gflops,
               100 * gflops / peak.fma_gflops, 100 * gflops / peak.mma_gflops, k->info.name,
               k->info.python);
    }
    free(rows);
    return true;
}

/* Start of each kernel is the end of the one before: a run is one line of boxes. */
static bool write_trace(Runner *r, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        fprintf(stderr, "aotc-bench: error: cannot write %s\n", path);
        return false;
    }
    aotc_context_profile(r->context, 1);
    bool   ok = runner_run(r) && runner_wait(r);
    double at = 0;
    fputs("{\"traceEvents\":[\n", f);
    for (int i = 0, n = aotc_context_n_kernels(r->context); i < n && ok; i++) {
        aotc_kernel_info k = {.struct_size = sizeof k};
        aotc_context_kernel(r->context, i, &k);
        double us = (double)k.total_ns / 1e3;
        fprintf(f, "%s{\"name\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":%.3f,\"dur\":%.3f}",
                i ? ",\n" : "", k.name, at, us);
        at += us;
    }
    fputs("\n]}\n", f);
    aotc_context_profile(r->context, 0);
    return fclose(f) == 0 && ok;
}

static bool upload_inputs(Runner *r, Device *d)
{
    char message[512] = "";
    bool ok = device_open(d, aotc_model_device(r->model).device_id, message, sizeof message);
    for (int i = 0; i < r->n_inputs && ok; i++) {
        aotc_tensor_info info = {.struct_size = sizeof info};
        aotc_input_info(r->model, i, &info);
        if (info.device.device_type == kDLCUDA)
            ok = device_upload(d, &r->inputs[i], message, sizeof message);
    }
    if (!ok)
        fprintf(stderr, "aotc-bench: error: %s\n", message);
    r->stream = d->stream;
    r->keeps_outputs = true;
    return ok;
}

static bool measure(Runner *r, const Options *o, Device *d)
{
    if (o->server)
        return serve(r) == 0;
    bool ok = time_runs(r, o->seconds);
    if (ok && !o->no_kernels)
        ok = d->driver ? device_table(r, o, d) : kernel_table(r, o);
    return ok && (!o->trace || write_trace(r, o->trace));
}

static int run(const char *package, const Options *o)
{
    static Device device;
    Runner        r = {.program = "aotc-bench"};
    TensorFile    file = {0};
    char          message[512];
    bool          ok = runner_open(&r, package, &o->runner);
    if (ok && o->inputs && !tensor_file_read(o->inputs, &file, message, sizeof message)) {
        fprintf(stderr, "aotc-bench: error: %s\n", message);
        ok = false;
    }
    ok = ok && (o->inputs ? runner_bind(&r, &file) : make_inputs(&r, o->shapes));
    void **made = ok && !o->inputs ? calloc((size_t)r.n_inputs + 1, sizeof *made) : NULL;
    for (int i = 0; i < r.n_inputs && made; i++)
        made[i] = r.inputs[i].data;
    if (ok && aotc_model_device(r.model).device_type == kDLCUDA)
        ok = upload_inputs(&r, &device);
    ok = ok && measure(&r, o, &device);
    for (int i = 0; i < r.n_inputs && r.inputs && !o->inputs; i++) {
        free(made ? made[i] : r.inputs[i].data);
        free(r.inputs[i].shape);
    }
    free(made);
    runner_close(&r);
    device_close(&device);
    tensor_file_free(&file);
    return ok ? 0 : 1;
}

static bool take_seconds(Options *o, const char *text)
{
    char *end;
    o->seconds = strtod(text, &end);
    if (end != text && !*end && o->seconds >= 0 && o->seconds <= 86400)
        return true;
    fprintf(stderr, "aotc-bench: error: --seconds takes a number from 0 to 86400, not \"%s\"\n",
            text);
    return false;
}

static bool take_option(Options *o, int c)
{
    switch (c) {
    case 'i':
        o->inputs = optarg;
        return true;
    case 's':
        return take_seconds(o, optarg);
    case 'S':
        o->server = true;
        return true;
    case 'n':
        o->no_kernels = true;
        return true;
    case 'd':
        o->shapes = optarg;
        return true;
    case 'T':
        o->trace = optarg;
        return true;
    default:
        return runner_option("aotc-bench", &o->runner, c, optarg);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"inputs", 1, 0, 'i'},  {"entry", 1, 0, 'e'},
                                            {"threads", 1, 0, 't'}, {"seconds", 1, 0, 's'},
                                            {"server", 0, 0, 'S'},  {"no-kernels", 0, 0, 'n'},
                                            {"shapes", 1, 0, 'd'},  {"seed", 1, 0, 'r'},
                                            {"device", 1, 0, 'D'},  {"cuda-graph", 1, 0, 'g'},
                                            {"trace", 1, 0, 'T'},   {"help", 0, 0, 'h'},
                                            {"version", 0, 0, 'v'}, {0}};
    Options                    o = {.seconds = 2, .runner = RUNNER_DEFAULTS};
    int                        c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (c == 'v') {
            printf("aotc-bench %s\n", aotc_version());
            return 0;
        }
        if (!take_option(&o, c))
            return 2;
    }
    if (optind != argc - 1) {
        fputs(usage, stderr);
        return 2;
    }
    o.runner.threads += o.runner.threads == 0;
    return run(argv[optind], &o);
}
