/* The hand-written CUDA model on a real device: results, graphs with the real driver, failures,
 * memory over many replays, and what a replay costs beside a bare cuGraphLaunch.
 *
 *   test_device PACKAGE.pt2pkg [--times | --short]
 *
 * Exits 77 (skipped) where there is no device.  --times prints costs, which are never asserted;
 * --short leaves out what takes long under compute-sanitizer. */
#include "abi/aotc.h"
#include "loader/cuda_driver.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int               n_passed, n_failed;
static aotc_package     *package;
static const CudaDriver *cuda;
static CuStream          stream;
static CuContext         context;
static aotc_error        error = {.struct_size = sizeof error};

/* What the loader does not use. */
static CuResult (*begin_capture)(CuStream s, int mode);
static CuResult (*end_capture)(CuStream s, CuGraph *out);
static CuResult (*memory_info)(size_t *free_bytes, size_t *total);

static void check(bool good, const char *what)
{
    if (good) {
        n_passed++;
        return;
    }
    n_failed++;
    printf("FAILED: %s   (last error: %s)\n", what, error.text);
}

static bool ok(CuResult r, const char *what)
{
    char text[256];
    if (r) {
        cuda_describe(cuda, r, what, text, sizeof text);
        printf("FAILED: %s\n", text);
        n_failed++;
    }
    return !r;
}

static void *device(const void *from, size_t bytes)
{
    CuAddress a = 0;
    ok(cuda->MemAlloc(&a, bytes), "cuMemAlloc");
    if (from)
        ok(cuda->MemcpyHtoDAsync(a, from, bytes, stream), "cuMemcpyHtoDAsync");
    ok(cuda->StreamSynchronize(stream), "cuStreamSynchronize");
    return (void *)(uintptr_t)a;
}

static void read_back(void *to, const void *from, size_t bytes)
{
    ok(cuda->MemcpyDtoHAsync(to, (CuAddress)(uintptr_t)from, bytes, stream), "cuMemcpyDtoHAsync");
    ok(cuda->StreamSynchronize(stream), "cuStreamSynchronize");
}

static DLTensor tensor(void *data, int type, int ndim, int64_t *shape)
{
    return (DLTensor){.data = data,
                      .device = {(DLDeviceType)type, 0},
                      .ndim = ndim,
                      .dtype = {kDLFloat, 32, 1},
                      .shape = shape};
}

static aotc_context *make(const char *entry, aotc_cuda_graph policy)
{
    aotc_context_options o = {.struct_size = sizeof o, .cuda_graph = policy, .seed = 7};
    aotc_model          *m = NULL;
    aotc_context        *c = NULL;
    if (aotc_model_load(package, entry, &m, &error) || aotc_context_create(m, &o, &c, &error)) {
        check(false, entry);
        exit(1);
    }
    aotc_model_release(m);
    return c;
}

static aotc_graph_counters counters(const aotc_context *c)
{
    aotc_graph_counters n = {.struct_size = sizeof n};
    aotc_context_graph_counters(c, &n);
    return n;
}

/* ---- results --------------------------------------------------------------------------------- */

static void test_affine(void)
{
    float   x[4000], y[4000];
    int64_t shape[] = {1000, 4};
    for (int i = 0; i < 4000; i++)
        x[i] = (float)i;
    void         *dx = device(x, sizeof x), *dy = device(NULL, sizeof y);
    aotc_context *c = make("affine", AOTC_CUDA_GRAPH_AUTO);
    for (int run = 0; run < 8; run++) {
        DLTensor in = tensor(run & 1 ? dx : (void *)x, run & 1 ? kDLCUDA : kDLCPU, 2, shape);
        DLTensor out = tensor(run & 2 ? dy : (void *)y, run & 2 ? kDLCUDA : kDLCPU, 2, shape);
        memset(y, 0, sizeof y);
        check(!aotc_run(c, &in, 1, &out, 1, stream, &error), "affine runs");
        check(!aotc_synchronize(c, &error), "affine ends");
        if (run & 2)
            read_back(y, dy, sizeof y);
        bool good = true;
        for (int i = 0; i < 4000; i++)
            good &= y[i] == 2 * x[i] + (float)(i % 4 + 1);
        check(good, "affine is right");
    }
    aotc_context_destroy(c);
    cuda->MemFree((CuAddress)(uintptr_t)dx);
    cuda->MemFree((CuAddress)(uintptr_t)dy);
}

static void test_chain(aotc_cuda_graph policy)
{
    static float  x[400], z[400];
    aotc_context *c = make("chain", policy);
    for (int run = 0; run < 30; run++) {
        int64_t  rows = run < 20 ? 2 : run < 24 ? 90 : 2, shape[] = {rows, 4}, n = run / 3, n1 = 0;
        DLTensor in[] = {tensor(x, kDLCPU, 2, shape),
                         {.data = &n, .device = {kDLCPU, 0}, .dtype = {kDLInt, 64, 1}}};
        DLTensor out[] = {tensor(z, kDLCPU, 2, shape),
                          {.data = &n1, .device = {kDLCPU, 0}, .dtype = {kDLInt, 64, 1}}};
        for (int i = 0; i < 400; i++)
            x[i] = (float)(run + i);
        bool good = !aotc_run(c, in, 2, out, 2, stream, &error) && n1 == n + 1;
        for (int i = 0; i < 4 * rows; i++) {
            float bias = (float)(i % 4 + 1), t = i ? 2 * x[i] + bias : 1;
            good &= z[i] == t + bias + (float)n;
        }
        check(good, "chain");
    }
    if (policy == AOTC_CUDA_GRAPH_ON) {
        check(counters(c).captures == 2, "chain: two recordings");
        check(counters(c).updates >= 9, "chain: updates");
    }
    aotc_context_destroy(c);
}

static void test_strides(void)
{
    float   values[64], y[8];
    int64_t shape[] = {2, 4}, strides[] = {12, 3}, rows[] = {4, 1};
    for (int i = 0; i < 64; i++)
        values[i] = (float)i;
    void         *d = device(values, sizeof values);
    aotc_context *c = make("columns", AOTC_CUDA_GRAPH_AUTO);
    for (int run = 0; run < 6; run++) {
        DLTensor in = tensor(run & 1 ? d : (void *)values, run & 1 ? kDLCUDA : kDLCPU, 2, shape);
        DLTensor out = tensor(y, kDLCPU, 2, shape);
        in.strides = strides;
        out.strides = rows;
        bool good = !aotc_run(c, &in, 1, &out, 1, stream, &error);
        for (int i = 0; i < 8; i++)
            good &= y[i] == values[12 * (i / 4) + 3 * (i % 4)] +
                                (float)((i / 4 + 2 * (i % 4)) % 4 + 1) + 0.5f;
        check(good, "strides");
    }
    aotc_context_destroy(c);
    cuda->MemFree((CuAddress)(uintptr_t)d);
}

static void test_late(void)
{
    float         x[64];
    int64_t       shape[] = {64}, where[64];
    aotc_context *c = make("late", AOTC_CUDA_GRAPH_AUTO);
    for (int run = 0; run < 5; run++) {
        int      n = 0;
        DLTensor in = tensor(x, kDLCPU, 1, shape), out = {0};
        for (int i = 0; i < 64; i++)
            n += (x[i] = (float)(i % (run + 2))) > 0;
        bool good = !aotc_run(c, &in, 1, &out, 1, stream, &error) && out.shape[0] == n;
        if (good)
            read_back(where, out.data, (size_t)n * 8);
        for (int i = 0, at = 0; i < 64 && good; i++)
            if (x[i] > 0)
                good &= where[at++] == i;
        check(good, "late");
    }
    check(counters(c).skips == 4, "late: skips");
    aotc_context_destroy(c);
}

static void test_branches(aotc_cuda_graph policy)
{
    static const float first[] = {3, 50, 0.5f, 11, 10, 1};
    int64_t            shape[] = {8};
    float              x[8] = {0}, y[8];
    aotc_context      *c = make("branch", policy);
    for (int run = 0; run < 18; run++) {
        DLTensor in = tensor(x, kDLCPU, 1, shape), out = {0};
        x[0] = first[run % 6];
        float want = x[0] > 10 ? x[0] - 5 : x[0];
        while (want > 1)
            want *= 0.5f;
        bool good = !aotc_run(c, &in, 1, &out, 1, stream, &error);
        if (good)
            read_back(y, out.data, sizeof y);
        check(good && y[0] == want, "branch");
    }
    aotc_graph_counters n = counters(c);
    printf("branches: %d captures, %d replays, %d skips %s\n", (int)n.captures, (int)n.replays,
           (int)n.skips, n.skip_reason);
    aotc_context_destroy(c);
}

/* The input at two addresses: nodes inside and outside of branches are changed. */
static void test_branch_moves(void)
{
    int64_t       shape[] = {8};
    float         x[8] = {50}, z[8] = {3}, y[8];
    void         *d[] = {device(x, sizeof x), device(z, sizeof z)};
    aotc_context *c = make("branch", AOTC_CUDA_GRAPH_ON);
    for (int run = 0; run < 12; run++) {
        DLTensor in = tensor(d[run / 2 % 2], kDLCUDA, 1, shape), out = tensor(y, kDLCPU, 1, shape);
        bool     good = !aotc_run(c, &in, 1, &out, 1, stream, &error);
        check(good && y[0] == (run / 2 % 2 ? 0.75f : 45.f / 64), "branch with moving input");
    }
    aotc_graph_counters n = counters(c);
    printf("moving input of branches: %d captures, %d updates\n", (int)n.captures, (int)n.updates);
    check(n.captures == 1 && n.updates == 5, "branches are updated");
    aotc_context_destroy(c);
    cuda->MemFree((CuAddress)(uintptr_t)d[0]);
    cuda->MemFree((CuAddress)(uintptr_t)d[1]);
}

static void test_random(void)
{
    float   values[3][6][8];
    int64_t shape[] = {8};
    for (int policy = 0; policy < 3; policy++) {
        aotc_context *c = make("random", (aotc_cuda_graph)policy);
        for (int run = 0; run < 6; run++) {
            DLTensor out = tensor(values[policy][run], kDLCPU, 1, shape);
            check(!aotc_run(c, NULL, 0, &out, 1, stream, &error), "random runs");
        }
        aotc_context_destroy(c);
    }
    check(!memcmp(values[0], values[1], sizeof values[0]) &&
              !memcmp(values[0], values[2], sizeof values[0]),
          "random: the same with graphs and without");
    check(memcmp(values[0][0], values[0][1], sizeof values[0][0]), "random: other values each run");
}

static void test_shared(void)
{
    for (int policy = 1; policy < 3; policy++) {
        float         y = 0;
        aotc_context *c = make("shared", (aotc_cuda_graph)policy);
        for (int run = 0; run < 3; run++) {
            DLTensor out = tensor(&y, kDLCPU, 0, NULL);
            y = 0;
            check(!aotc_run(c, NULL, 0, &out, 1, stream, &error) && y == 96 << 10,
                  "96 KiB of shared memory");
        }
        aotc_context_destroy(c);
    }
}

static void test_failure(aotc_cuda_graph policy)
{
    float         x[8] = {1, 2, 3, -3, 5, 6, 7, 8}, y[8];
    int64_t       shape[] = {2, 4};
    aotc_context *c = make("check", policy);
    DLTensor      in = tensor(x, kDLCPU, 2, shape), out = tensor(y, kDLCPU, 2, shape), own = {0};
    for (int round = 0; round < 4; round++) {
        x[3] = -3;
        check(aotc_run(c, &in, 1, &out, 1, stream, &error) == AOTC_E_ASSERT &&
                  strstr(error.text, "index -3 is out of bounds for size 8") &&
                  !strcmp(error.node, "index_3"),
              "a failure on the device");
        check(!aotc_run(c, &in, 1, &own, 1, stream, &error), "a failure that comes later");
        check(aotc_synchronize(c, &error) == AOTC_E_ASSERT, "comes with the wait");
        x[3] = 4;
        check(!aotc_run(c, &in, 1, &out, 1, stream, &error) && y[3] == 12, "then a good run");
    }
    aotc_context_destroy(c);
}

static void test_capture(void)
{
    float         x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {0};
    int64_t       shape[] = {2, 4};
    void         *dx = device(x, sizeof x), *dy = device(y, sizeof y);
    CuGraph       graph = NULL;
    CuExec        exec = NULL;
    aotc_context *c = make("hundred", AOTC_CUDA_GRAPH_AUTO);
    DLTensor      in = tensor(dx, kDLCUDA, 2, shape), out = tensor(dy, kDLCUDA, 2, shape);
    ok(begin_capture(stream, 0), "cuStreamBeginCapture"); /* the strictest mode */
    check(!aotc_run(c, &in, 1, &out, 1, stream, &error), "a run inside a capture");
    ok(end_capture(stream, &graph), "cuStreamEndCapture");
    ok(cuda->GraphInstantiate(&exec, graph, 0), "cuGraphInstantiate");
    for (int i = 0; i < 3; i++)
        ok(cuda->GraphLaunch(exec, stream), "cuGraphLaunch");
    read_back(y, dy, sizeof y);
    check(y[0] == 1 + 100 && y[7] == 8 + 400, "the captured run");
    cuda->GraphExecDestroy(exec);
    cuda->GraphDestroy(graph);
    aotc_context_destroy(c);
    cuda->MemFree((CuAddress)(uintptr_t)dx);
    cuda->MemFree((CuAddress)(uintptr_t)dy);
}

/* ---- many replays, costs --------------------------------------------------------------------- */

static void test_replays(void)
{
    float         x[8] = {1};
    int64_t       shape[] = {2, 4};
    void         *dx[] = {device(x, sizeof x), device(x, sizeof x)};
    aotc_context *c = make("hundred", AOTC_CUDA_GRAPH_AUTO);
    DLTensor      out = {0};
    size_t        before = 0, after = 0, total;
    for (int run = 0; run < 10000; run++) {
        DLTensor in = tensor(dx[run % 1000 == 999], kDLCUDA, 2, shape);
        if (run == 100) {
            cuda->StreamSynchronize(stream);
            memory_info(&before, &total);
        }
        if (aotc_run(c, &in, 1, &out, 1, stream, &error)) {
            check(false, "a replay");
            break;
        }
    }
    check(!aotc_synchronize(c, &error), "10,000 replays");
    memory_info(&after, &total);
    check(before == after, "device memory is flat over 10,000 replays");
    printf("10,000 replays: free memory %zu before, %zu after; %d captures, %d updates\n", before,
           after, (int)counters(c).captures, (int)counters(c).updates);
    aotc_context_destroy(c);
    cuda->MemFree((CuAddress)(uintptr_t)dx[0]);
    cuda->MemFree((CuAddress)(uintptr_t)dx[1]);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

enum { CALLS = 2000 };

/* Host time of a call, median; the queue is emptied outside of the clock. */
#define TIME_CALLS(call, issue, whole)                                                             \
    do {                                                                                           \
        for (int n = 0; n < CALLS; n++) {                                                          \
            double from = now_us();                                                                \
            call;                                                                                  \
            times[n] = now_us() - from;                                                            \
            cuda->StreamSynchronize(stream);                                                       \
            wholes[n] = now_us() - from;                                                           \
        }                                                                                          \
        qsort(times, CALLS, sizeof *times, by_value);                                              \
        qsort(wholes, CALLS, sizeof *wholes, by_value);                                            \
        issue = times[CALLS / 2];                                                                  \
        whole = wholes[CALLS / 2];                                                                 \
    } while (0)

static void time_dispatch(const char *entry)
{
    static double times[CALLS], wholes[CALLS];
    float         x[8] = {1};
    int64_t       shape[] = {2, 4};
    void         *dx = device(x, sizeof x), *dy = device(x, sizeof x);
    CuGraph       graph = NULL;
    CuExec        exec = NULL;
    aotc_context *c = make(entry, AOTC_CUDA_GRAPH_AUTO), *plain = make(entry, AOTC_CUDA_GRAPH_OFF);
    DLTensor      in = tensor(dx, kDLCUDA, 2, shape), out = tensor(dy, kDLCUDA, 2, shape);
    ok(begin_capture(stream, 0), "cuStreamBeginCapture");
    check(!aotc_run(plain, &in, 1, &out, 1, stream, &error), entry);
    ok(end_capture(stream, &graph), "cuStreamEndCapture");
    ok(cuda->GraphInstantiate(&exec, graph, 0), "cuGraphInstantiate");
    for (int i = 0; i < 100; i++) {
        aotc_run(c, &in, 1, &out, 1, stream, &error);
        cuda->GraphLaunch(exec, stream);
    }
    cuda->StreamSynchronize(stream);
    for (int round = 0; round < 3; round++) {
        double issue[4], whole[4];
        TIME_CALLS(cuda->GraphLaunch(exec, stream), issue[0], whole[0]);
        TIME_CALLS(aotc_run(c, &in, 1, &out, 1, stream, &error), issue[1], whole[1]);
        TIME_CALLS(aotc_run(plain, &in, 1, &out, 1, stream, &error), issue[2], whole[2]);
        DLTensor moving[] = {in, in};
        moving[1].data = dy;
        int k = 0;
        TIME_CALLS(aotc_run(c, &moving[k ^= 1], 1, &out, 1, stream, &error), issue[3], whole[3]);
        printf(
            "%-8s host us: cuGraphLaunch %.2f, replay %.2f (%.2f x), with one node updated %.2f, "
            "plain %.2f;  until done: %.2f, %.2f, %.2f, %.2f\n",
            entry, issue[0], issue[1], issue[1] / issue[0], issue[3], issue[2], whole[0], whole[1],
            whole[3], whole[2]);
    }
    cuda->GraphExecDestroy(exec);
    cuda->GraphDestroy(graph);
    aotc_context_destroy(c);
    aotc_context_destroy(plain);
    cuda->MemFree((CuAddress)(uintptr_t)dx);
    cuda->MemFree((CuAddress)(uintptr_t)dy);
}

/* From a mapped file: as it is, and through two pinned buffers. */
static void time_upload(void)
{
    enum { STEP = 8 << 20 };
    size_t    bytes = (size_t)512 << 20;
    FILE     *f = tmpfile();
    char     *host = malloc(bytes), *pinned[2];
    CuAddress to = 0;
    CuEvent   done[2];
    if (!f || !host)
        return;
    memset(host, 1, bytes);
    ok(cuda->MemAlloc(&to, bytes), "cuMemAlloc");
    for (int i = 0; i < 2; i++) {
        void *p = NULL;
        ok(cuda->MemHostAlloc(&p, STEP, 0), "cuMemHostAlloc");
        ok(cuda->EventCreate(&done[i], CU_EVENT_NO_TIMING), "cuEventCreate");
        pinned[i] = p;
    }
    for (int round = 0; round < 3; round++) {
        double t = now_us();
        ok(cuda->MemcpyHtoDAsync(to, host, bytes, stream), "cuMemcpyHtoDAsync");
        cuda->StreamSynchronize(stream);
        double direct = now_us() - t;
        t = now_us();
        for (size_t at = 0, k = 0; at < bytes; at += STEP, k ^= 1) {
            cuda->StreamSynchronize(k ? NULL : stream); /* the buffer's last copy is over */
            memcpy(pinned[k], host + at, STEP);
            cuda->MemcpyHtoDAsync(to + at, pinned[k], STEP, k ? NULL : stream);
        }
        cuda->StreamSynchronize(stream);
        cuda->StreamSynchronize(NULL);
        double staged = now_us() - t;
        printf("upload of 512 MiB: direct %.2f GB/s, through two pinned buffers %.2f GB/s\n",
               (double)bytes / direct * 1e-3, (double)bytes / staged * 1e-3);
    }
    for (int i = 0; i < 2; i++) {
        cuda->MemFreeHost(pinned[i]);
        cuda->EventDestroy(done[i]);
    }
    cuda->MemFree(to);
    free(host);
    fclose(f);
}

static bool find_more(void)
{
    *(void **)&begin_capture = dlsym(cuda->handle, "cuStreamBeginCapture_v2");
    *(void **)&end_capture = dlsym(cuda->handle, "cuStreamEndCapture");
    *(void **)&memory_info = dlsym(cuda->handle, "cuMemGetInfo_v2");
    return begin_capture && end_capture && memory_info;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    if (cuda_driver_get(&cuda, &error)) {
        printf("skipped: %s\n", error.text);
        return 77;
    }
    if (!find_more() || cuda->DevicePrimaryCtxRetain(&context, 0) ||
        cuda->CtxPushCurrent(context) || cuda->StreamCreate(&stream, CU_NON_BLOCKING) ||
        aotc_package_open(argv[1], NULL, &package, &error)) {
        printf("cannot start: %s\n", error.text);
        return 1;
    }
    printf("driver for CUDA %d\n", cuda->version);
    test_affine();
    for (int policy = 0; policy < 3; policy++) {
        test_chain((aotc_cuda_graph)policy);
        test_branches((aotc_cuda_graph)policy);
        test_failure((aotc_cuda_graph)policy);
    }
    test_strides();
    test_late();
    test_branch_moves();
    test_random();
    test_shared();
    test_capture();
    if (argc < 3 || strcmp(argv[2], "--short"))
        test_replays();
    if (argc > 2 && !strcmp(argv[2], "--times")) {
        time_dispatch("affine");
        time_dispatch("hundred");
        time_upload();
    }
    aotc_package_close(package);
    cuda->StreamDestroy(stream);
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed != 0;
}
