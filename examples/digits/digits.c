/* Classifies the test images of this folder with a compiled package, using nothing but abi/aotc.h.
 *
 *   digits digits.pt2pkg test_images.bin */
#include "aotc.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PIXELS = 64, CLASSES = 10 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int best(const float *scores)
{
    int k = 0;
    for (int c = 1; c < CLASSES; c++)
        k = scores[c] > scores[k] ? c : k;
    return k;
}

static void draw(const float *image)
{
    for (int i = 0; i < PIXELS; i++)
        printf("%c%c%s", " .:-=+*#%@"[(int)(image[i] * 9.99f)],
               " .:-=+*#%@"[(int)(image[i] * 9.99f)], i % 8 == 7 ? "\n" : "");
}

int main(int argc, char **argv)
{
    aotc_error    error = {.struct_size = sizeof error};
    aotc_package *package;
    aotc_model   *model;
    aotc_context *context;
    int           n = 0, right = 0;
    FILE         *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!file || fread(&n, sizeof n, 1, file) != 1 || n < 1 || n > 100000)
        return fprintf(stderr, "usage: digits PACKAGE IMAGES\n"), 2;
    float *images = malloc((size_t)n * PIXELS * sizeof *images);
    int   *labels = malloc((size_t)n * sizeof *labels);
    for (int i = 0; i < n; i++)
        if (fread(images + i * PIXELS, sizeof *images, PIXELS, file) != PIXELS ||
            fread(labels + i, sizeof *labels, 1, file) != 1)
            return fprintf(stderr, "%s is cut off\n", argv[2]), 1;
    fclose(file);
    if (aotc_package_open(argv[1], NULL, &package, &error) ||
        aotc_model_load(package, NULL, &model, &error) ||
        aotc_context_create(model, NULL, &context, &error))
        return fprintf(stderr, "%s\n", error.text), 1;

    int64_t  shape[4] = {n, 1, 8, 8};
    DLTensor input = {.data = images,
                      .device = {kDLCPU, 0},
                      .ndim = 4,
                      .dtype = {kDLFloat, 32, 1},
                      .shape = shape};
    DLTensor output = {0}; /* data NULL: the context brings the memory */
    if (aotc_run(context, &input, 1, &output, 1, NULL, &error))
        return fprintf(stderr, "%s\n", error.text), 1;
    for (int i = 0; i < n; i++)
        right += best((float *)output.data + i * CLASSES) == labels[i];
    draw(images);
    printf("label %d, recognized as %d\n", labels[0], best(output.data));
    printf("accuracy %.2f %% on %d images never trained on\n", 100.0 * right / n, n);

    double least = 1e9;
    shape[0] = 1;
    for (int i = 0; i < 1000; i++) {
        double t = now();
        output = (DLTensor){0};
        if (aotc_run(context, &input, 1, &output, 1, NULL, &error))
            return fprintf(stderr, "%s\n", error.text), 1;
        t = now() - t;
        least = t < least ? t : least;
    }
    printf("latency of one image %.1f us (least of 1000 runs, one thread)\n", least * 1e6);
    aotc_context_destroy(context);
    aotc_model_release(model);
    aotc_package_close(package);
    free(images);
    free(labels);
    return right * 100 < 95 * n; /* worse than 95 %: something is broken */
}
