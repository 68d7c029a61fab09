/* tests/fixtures/op_samples.txt: what eager PyTorch gives for the samples of the operator rows.
 * tests/python/make_op_samples.py writes it and describes its form. */
#ifndef AOTC_TESTS_SAMPLE_REFERENCE_H
#define AOTC_TESTS_SAMPLE_REFERENCE_H

#include "ir/sample.h"

typedef enum ResultKind { RESULT_TENSOR, RESULT_NUMBER, RESULT_NONE } ResultKind;

typedef struct ResultRecord {
    ResultKind    kind;
    SampleTensor *type; /* TENSOR: its dtype, sizes and strides */
    int64_t       every;
    bool          has_values, has_sum, has_mean;
    int64_t       sum;
    double        bound; /* of the absolute error, beside the usual; 0: none */
    double        mean, deviation;
    double       *values; /* every n-th element; two numbers for each complex one */
    int64_t      *integers;
    int           n_values;
} ResultRecord;

typedef struct SampleRecord {
    const char   *key; /* "aten.add.Tensor self=f32[2] other=f32[2]" */
    bool          is_refused;
    ResultRecord *results;
    int           n_results;
    bool          is_used; /* for the caller */
} SampleRecord;

typedef struct SampleReference {
    const char     *torch_version;
    SampleRecord   *records;
    int             n_records;
    struct NameMap *by_key;
} SampleReference;

/* E_FORMAT names the line. */
Error        *sample_reference_read(Arena *arena, const char *path, SampleReference *out);
SampleRecord *sample_reference_find(const SampleReference *reference, Arena *arena,
                                    const Sample *sample);

#endif
