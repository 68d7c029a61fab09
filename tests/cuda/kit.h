/* What the tests of CUDA models share: the fake driver, packages of the hand-written model, device
 * memory, checks that nothing is left. */
#ifndef AOTC_TESTS_CUDA_KIT_H
#define AOTC_TESTS_CUDA_KIT_H

#include "tests/abi/kit.h"
#include "tests/cuda/fake.h"

extern const FakeApi *cuda_fake;
extern const char    *cuda_model, *cpu_model; /* model.so for CUDA, tests/abi's for the CPU */

/* Opens the fake driver and gives it to the loader. */
void kit_cuda_start(const char *driver);

/* A package of the CUDA model; with_cpu: and of the CPU model of tests/abi, which has other entry
 * points. */
const char *kit_cuda_pack(const char *name, bool with_cpu);

/* A context of an entry of the CUDA model, on the fake device 0. */
aotc_context *kit_cuda_context(const char *entry, const aotc_context_options *options);

/* Device memory of the test, and copies; a wait first. */
void *kit_device(const void *from, size_t bytes);
void  kit_device_read(void *to, const void *from, size_t bytes);
void  kit_device_free(void *p);
void *kit_stream(void);
void  kit_stream_free(void *stream);
void  kit_wait(void *stream);

DLTensor            kit_on_device(DLTensor x, int ordinal);
/* Ends a case: nothing lives, no rule of the driver was broken. */
void                kit_cuda_clean(void);
aotc_graph_counters kit_counters(const aotc_context *c);

int run_choice_cases(void);
int run_device_cases(void);
int run_graph_cases(void);
int run_failure_cases(void);

#endif
