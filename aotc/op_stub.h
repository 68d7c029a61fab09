/* --explain-unsupported: a source to start from for the operators that a model needs and that are
 * missing. */
#ifndef AOTC_AOTC_OP_STUB_H
#define AOTC_AOTC_OP_STUB_H

#include "passes/pass.h"

/* C (is_cuda: CUDA) that compiles as it is; its functions fail and say that they are not written.
 * `model` and `target` are for the command in its comment. */
void op_stub_print(Text *out, const UnsupportedOp *ops, int n, const char *model,
                   const char *target, bool is_cuda);

#endif
