/* Samples: calls of an operator, written as text in its row (OpDesc.samples), that tests run
 * against eager PyTorch.
 *
 *   self=f32[3,4] other=f32[4]{2} alpha=2 | self=i64[0] other=i64[] | ! self=f32[2] other=f32[3]
 *
 * The grammar is in docs/adding-an-operator.md.  Parsing needs no graph; sample_build() adds the
 * tensors as graph inputs and the call as a node.  The values of the tensors are those of
 * tests/sample_values.c. */
#ifndef AOTC_IR_SAMPLE_H
#define AOTC_IR_SAMPLE_H

#include "ir/ops.h"

typedef enum SampleFill {
    FILL_UNIFORM,  /* low..high: integers with both ends, floats without the upper one */
    FILL_VALUES,   /* values[], from the start again when there are fewer than elements */
    FILL_SPECIAL,  /* zeros of both signs, ones, infinities, NaN, extremes of the dtype */
    FILL_DISTINCT, /* no two elements are equal */
    FILL_DEFINITE, /* symmetric positive definite matrices */
} SampleFill;

typedef struct SampleTensor {
    DType      dtype;
    int        rank;
    int64_t    sizes[MAX_RANK], strides[MAX_RANK]; /* row-major where the text gives none */
    SampleFill fill;
    bool       has_range; /* UNIFORM: the text gives low and high */
    double     low, high;
    double    *values;
    int        n_values;
    int        number; /* its place among the tensors of the sample */
} SampleTensor;

typedef enum SampleKind {
    SAMPLE_ABSENT, /* not given: the schema's default */
    SAMPLE_NONE,
    SAMPLE_TENSOR,
    SAMPLE_INT,
    SAMPLE_FLOAT,
    SAMPLE_BOOL,
    SAMPLE_STRING,
    SAMPLE_DTYPE,
    SAMPLE_LAYOUT,
    SAMPLE_DEVICE,
    SAMPLE_MEMORY_FORMAT,
    SAMPLE_LIST,
} SampleKind;

typedef struct SampleArg SampleArg;
struct SampleArg {
    SampleKind    kind;
    int64_t       integer; /* INT, BOOL, LAYOUT, MEMORY_FORMAT */
    double        number;  /* FLOAT */
    const char   *text;    /* STRING */
    DType         dtype;
    SampleTensor *tensor;
    SampleArg    *items;
    int           n_items;
};

typedef struct Sample {
    const OpDesc   *row;
    const OpSchema *schema;
    const char     *text; /* without blanks around it: names the sample in files and messages */
    bool            is_refused; /* "!": eager PyTorch raises an error, so have we to */
    bool            types_only; /* "~": values are not defined (empty) or random */
    bool            first_only; /* "^": the other results are for gradients and not supported */
    SampleArg      *args;       /* schema->n_params of them */
    SampleTensor  **tensors;    /* in the order of the text */
    int             n_tensors;
} Sample;

/* All samples of a row; none when it has no text.  E_FORMAT names the row and the column. */
Error *sample_parse(Ir *ir, const OpDesc *row, Sample **out, int *n);

/* Adds an input "<prefix>t<number>" for every tensor, in order, and the call with its types. */
Error *sample_build(const Sample *sample, Graph *graph, const char *prefix, Node **out);

/* The sample as JSON, for scripts: every argument as an object that says its kind. */
void sample_json(Text *out, const Sample *sample);

#endif
