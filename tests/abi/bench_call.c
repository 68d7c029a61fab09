/* Cost of a call: aotc_run() of a model with one tiny kernel, one thread.
 *
 *   bench_call PACKAGE      prints the median over batches, with memory of the caller and of the
 * context */
#include "abi/aotc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 1000
#define BATCHES 301

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int measure(aotc_context *c, const char *what, DLTensor *in, DLTensor *out)
{
    aotc_error error = {.struct_size = sizeof error};
    double     times[BATCHES];
    for (int b = 0; b < BATCHES; b++) {
        double start = now_ns();
        for (int i = 0; i < BATCH; i++)
            if (aotc_run(c, in, 1, out, 1, NULL, &error)) {
                fprintf(stderr, "%s\n", error.text);
                return 1;
            }
        times[b] = (now_ns() - start) / BATCH;
    }
    qsort(times, BATCHES, sizeof *times, ascending);
    printf("%-28s median %6.1f ns, least %6.1f ns\n", what, times[BATCHES / 2], times[0]);
    return 0;
}

int main(int argc, char **argv)
{
    aotc_error    error = {.struct_size = sizeof error};
    aotc_package *package = NULL;
    aotc_model   *model = NULL;
    aotc_context *c = NULL;
    float         x[8] = {1}, y[8];
    int64_t       shape[] = {8}, strides[] = {1};
    DLTensor      in = {.data = x, .device = {kDLCPU, 0}, .ndim = 1, .dtype = {kDLFloat, 32, 1}};
    DLTensor      out, none = {0};
    if (argc != 2)
        return 2;
    if (aotc_package_open(argv[1], NULL, &package, &error) ||
        aotc_model_load(package, "small", &model, &error) ||
        aotc_context_create(model, NULL, &c, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    in.shape = shape;
    out = in;
    out.data = y;
    int rc = measure(c, "outputs of the caller", &in, &out);
    in.strides = out.strides = strides;
    rc |= measure(c, "the same, with strides", &in, &out);
    rc |= measure(c, "outputs of the context", &in, &none);
    aotc_context_destroy(c);
    aotc_model_release(model);
    aotc_package_close(package);
    return rc;
}
