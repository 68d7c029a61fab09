/* Samples compiled many at a time: one graph, one package, one run. */
#ifndef AOTC_TESTS_SAMPLE_BATCH_H
#define AOTC_TESTS_SAMPLE_BATCH_H

#include "tests/sample_reference.h"

typedef struct ParityCase {
    Sample              sample;
    const SampleRecord *record;
    const char         *why; /* it differs: how; NULL: it agrees */
} ParityCase;

/* The case as a graph of its own through all passes and lowering; the error is why it is refused.
 * Types and strides of the results are compared with the record. */
Error *parity_lower(Arena *arena, ParityCase *c);

/* Compiles and runs n cases together and compares the results.  What cannot be compiled or run is
 * halved until the one case that is to blame has its `why`.  Messages live in `arena`. */
void parity_run(Arena *arena, const char *dir, ParityCase **cases, int n);

#endif
