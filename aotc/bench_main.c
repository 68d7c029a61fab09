/* aotc-bench: latency of a package, and of each of its kernels as a share of the machine's limit.
 */
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
    "\n"
    "  --inputs FILE     tensors input0, input1, ... (default: zeros; dynamic sizes as --shapes "
    "says, else their least)\n"
    "  --shapes LIST     sizes of dynamic dims in order of the inputs: 4,128\n"
    "  --entry NAME      entry point (default: the first)\n"
    "  --threads N       threads of a run (default 1)\n"
    "  --seconds S       how long to time (default 2)\n"
    "  --no-kernels      percentiles only\n"
    "  --trace FILE      one run as a Chrome trace (chrome://tracing, Perfetto)\n"
    "  --server          print `ready`; for every line read, run once and answer with the "
    "nanoseconds\n"
    "  --help, --version\n";

typedef struct Options {
    const char *inputs, *entry, *shapes, *trace;
    uint64_t    threads;
    double      seconds;
    bool        server, no_kernels;
} Options;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The next of the listed sizes, or the least that the model takes. */
static int64_t next_size(const char **shapes, int64_t least)
{
    char   *end;
    int64_t size = *shapes ? strtoll(*shapes, &end, 10) : 0;
    if (!*shapes || end == *shapes)
        return least;
    *shapes = *end == ',' ? end + 1 : end;
    return size;
}

/* Zeros of that size; a fixed number has its value. */
static bool make_input(DLTensor *x, const aotc_tensor_info *info, const char **shapes)
{
    size_t bytes = info->dtype.bits / 8u;
    x->shape = calloc((size_t)info->ndim + 1, sizeof *x->shape);
    for (int d = 0; x->shape && d < info->ndim; d++) {
        x->shape[d] = info->shape[d] >= 0 ? info->shape[d] : next_size(shapes, info->shape_min[d]);
        if (x->shape[d] < 0 || __builtin_mul_overflow(bytes, (size_t)x->shape[d], &bytes))
            return false;
    }
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
    for (int i = 0; i < r->n_inputs; i++) {
        aotc_tensor_info info = {.struct_size = sizeof info};
        aotc_input_info(r->model, i, &info);
        if (info.dtype.code != kDLOpaqueHandle && !make_input(&r->inputs[i], &info, &shapes)) {
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
    if (!runner_run(r))
        return 1;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        uint64_t t = now_ns();
        if (!runner_run(r))
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

static bool time_runs(Runner *r, double seconds)
{
    size_t    n = 0, cap = 1 << 20;
    uint64_t *times = malloc(cap * sizeof *times), end = now_ns() + (uint64_t)(seconds * 1e9),
             total = 0;
    bool ok = times != NULL;
    for (int i = 0; i < 3 && ok; i++)
        ok = runner_run(r);
    while (ok && n < cap && (n < 5 || now_ns() < end)) {
        uint64_t t = now_ns();
        ok = runner_run(r);
        times[n] = now_ns() - t;
        total += times[n++];
    }
    if (ok) {
        qsort(times, n, sizeof *times, by_time);
        printf("runs %zu   min %.3f   p50 %.3f   p90 %.3f   p99 %.3f   max %.3f us   %.1f runs/s\n",
               n, (double)times[0] / 1e3, (double)times[n / 2] / 1e3,
               (double)times[n * 9 / 10] / 1e3, (double)times[n * 99 / 100] / 1e3,
               (double)times[n - 1] / 1e3, (double)n * 1e9 / (double)total);
        printf("arena %zu bytes, context %zu bytes\n", aotc_context_arena_bytes(r->context),
               aotc_context_held_bytes(r->context));
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

static bool kernel_table(Runner *r, const Options *o)
{
    double peak = peak_fma_gflops() * (double)o->threads, read = peak_read_gbps(), sum = 0;
    int    n = aotc_context_n_kernels(r->context);
    Row   *rows = calloc((size_t)n + 1, sizeof *rows);
    bool   ok = rows != NULL;
    aotc_context_profile(r->context, 1);
    uint64_t end = now_ns() + (uint64_t)(o->seconds * 5e8);
    for (int i = 0; ok && (i < 5 || now_ns() < end); i++)
        ok = runner_run(r);
    double after = peak_fma_gflops() * (double)o->threads;
    peak = after > peak ? after : peak;
    for (int i = 0; i < n && ok; i++) {
        rows[i].info.struct_size = sizeof rows[i].info;
        aotc_context_kernel(r->context, i, &rows[i].info);
        rows[i].us = (double)rows[i].info.min_ns / 1e3;
        sum += rows[i].us;
    }
    aotc_context_profile(r->context, 0);
    printf(
        "FMA peak %.1f GFLOP/s (%d thread%s), memory read %.1f GB/s; least time of each kernel:\n",
        peak, (int)o->threads, o->threads == 1 ? "" : "s", read);
    printf("%10s %6s %10s %6s %9s  %-44s %s\n", "us", "share", "GFLOP/s", "peak", "GB/s", "kernel",
           "python");
    qsort(rows, (size_t)n, sizeof *rows, slower_first);
    for (int i = 0; i < n && ok; i++) {
        const Row *k = &rows[i];
        double     gflops = k->us > 0 ? k->info.flops / k->us * 1e-3 : 0,
               gbps = k->us > 0 ? k->info.bytes / k->us * 1e-3 : 0;
        printf("%10.2f %5.1f%% %10.2f %5.1f%% %9.2f  %-44s %.70s\n", k->us,
               sum > 0 ? 100 * k->us / sum : 0, gflops, 100 * gflops / peak, gbps, k->info.name,
               k->info.python);
    }
    free(rows);
    return ok;
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
    bool   ok = runner_run(r);
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

static int run(const char *package, const Options *o)
{
    Runner     r = {.program = "aotc-bench"};
    TensorFile file = {0};
    char       message[512];
    bool       ok = runner_open(&r, package, o->entry, (int)o->threads, 0);
    if (ok && o->inputs && !tensor_file_read(o->inputs, &file, message, sizeof message)) {
        fprintf(stderr, "aotc-bench: error: %s\n", message);
        ok = false;
    }
    ok = ok && (o->inputs ? runner_bind(&r, &file) : make_inputs(&r, o->shapes));
    if (ok && o->server)
        ok = serve(&r) == 0;
    else if (ok)
        ok = time_runs(&r, o->seconds) && (o->no_kernels || kernel_table(&r, o));
    if (ok && o->trace)
        ok = write_trace(&r, o->trace);
    for (int i = 0; i < r.n_inputs && r.inputs && !o->inputs; i++) {
        free(r.inputs[i].data);
        free(r.inputs[i].shape);
    }
    runner_close(&r);
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
    case 'e':
        o->entry = optarg;
        return true;
    case 't':
        return option_number("aotc-bench", "--threads", optarg, 4096, &o->threads);
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
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"inputs", 1, 0, 'i'},
                                            {"entry", 1, 0, 'e'},
                                            {"threads", 1, 0, 't'},
                                            {"seconds", 1, 0, 's'},
                                            {"server", 0, 0, 'S'},
                                            {"no-kernels", 0, 0, 'n'},
                                            {"shapes", 1, 0, 'd'},
                                            {"trace", 1, 0, 'T'},
                                            {"help", 0, 0, 'h'},
                                            {"version", 0, 0, 'v'},
                                            {0}};
    Options                    o = {.threads = 1, .seconds = 2};
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
    o.threads += o.threads == 0;
    return run(argv[optind], &o);
}
