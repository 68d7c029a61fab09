/* What aotc-run and aotc-bench share: a loaded model, its inputs from a file. */
#ifndef AOTC_AOTC_RUNNER_H
#define AOTC_AOTC_RUNNER_H

#include "aotc/safetensors.h"

typedef struct Runner {
    const char   *program; /* for messages */
    aotc_package *package;
    aotc_model   *model;
    aotc_context *context;
    int32_t       n_inputs, n_outputs;
    DLTensor     *inputs, *outputs;
    int64_t      *literals; /* an input's exported number, where the file has none */
} Runner;

/* Prints the error and gives false when anything fails. */
bool runner_open(Runner *r, const char *path, const char *entry, int threads, uint64_t seed);
/* input0, input1, … or the exported names.  None and strings take no tensor and no number. */
bool runner_bind(Runner *r, const TensorFile *file);
bool runner_run(Runner *r);
void runner_close(Runner *r);

/* The number that stands in tensor names, -1 for None and strings. */
int runner_number(const Runner *r, int index, bool is_output);

/* A whole number up to `most`; else a message and false. */
bool option_number(const char *program, const char *option, const char *text, uint64_t most,
                   uint64_t *out);

#endif
