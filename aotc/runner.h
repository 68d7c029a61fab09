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
    int64_t      *literals;      /* an input's exported number, where the file has none */
    void         *stream;        /* of runs on a device */
    bool          keeps_outputs; /* where the context has them; else on the CPU */
} Runner;

/* Options of both programs. */
typedef struct RunnerOptions {
    const char       *entry;
    uint64_t          threads, seed;
    aotc_load_options load;
    aotc_cuda_graph   cuda_graph;
} RunnerOptions;
#define RUNNER_DEFAULTS                                                                            \
    {                                                                                              \
        .threads = 1, .load = {.struct_size = sizeof(aotc_load_options), .device_id = -1 }         \
    }
#define RUNNER_USAGE                                                                               \
    "  --device D        cpu, cuda or cuda:N (default: CUDA where the package has code for a "     \
    "device here, else cpu)\n"                                                                     \
    "  --cuda-graph P    off; auto: from the second run of the same sizes (default); on: always, " \
    "and an error where\n"                                                                         \
    "                    that is impossible\n"

/* Takes --entry ('e'), --threads ('t'), --seed ('r'), --device ('D') and --cuda-graph ('g'). */
bool runner_option(const char *program, RunnerOptions *o, int option, const char *value);

/* Prints the error and gives false when anything fails. */
bool runner_open(Runner *r, const char *path, const RunnerOptions *o);
/* input0, input1, … or the exported names.  None and strings take no tensor and no number. */
bool runner_bind(Runner *r, const TensorFile *file);
bool runner_run(Runner *r);
/* Waits for the device. */
bool runner_wait(Runner *r);
void runner_close(Runner *r);

/* The number that stands in tensor names, -1 for None and strings. */
int runner_number(const Runner *r, int index, bool is_output);

/* A whole number up to `most`; else a message and false. */
bool option_number(const char *program, const char *option, const char *text, uint64_t most,
                   uint64_t *out);

#endif
