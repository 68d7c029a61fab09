/* Runs a model.so that was built with tests/cuda/emulated-nvcc, over host memory and without the
 * loader: for tests of device code and launches.  A model for the CPU runs in the same way. */
#ifndef AOTC_TESTS_CUDA_EMULATED_RUN_H
#define AOTC_TESTS_CUDA_EMULATED_RUN_H

#include "abi/aotc_model.h"

typedef struct EmulatedModel {
    void                   *so;
    const aotc_model_table *table;
    void                   *parts[64]; /* images, opened */
    int                     n_parts;
} EmulatedModel;

/* A launch as the model asked for it. */
typedef struct EmulatedLaunch {
    const char       *function;
    aotc_model_launch launch;
    uint32_t          args_bytes;
} EmulatedLaunch;

typedef struct EmulatedRun {
    aotc_model_device_failure device_failure;
    aotc_model_failure        failure;
    EmulatedLaunch            launches[512]; /* the first ones */
    int                       n_launches;
    int                       only_record; /* nothing is executed */
} EmulatedRun;

/* 0: it cannot be opened; the reason is on stderr. */
int  emulated_open(EmulatedModel *model, const char *path);
void emulated_close(EmulatedModel *model);
/* inputs and outputs in the order of the table; sym has the entry's symbols. */
void emulated_model_run(EmulatedModel *model, void *const *inputs, void **outputs,
                        const void *weights, int64_t *sym, uint64_t seed, EmulatedRun *run);

#endif
