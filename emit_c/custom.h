/* Functions of custom operators as C: their names and prototypes (abi/aotc_op.h). */
#ifndef AOTC_EMIT_C_CUSTOM_H
#define AOTC_EMIT_C_CUSTOM_H

#include "ir/base/arena.h"
#include "ir/base/text.h"
#include "ir/schema.h"

#include <stdbool.h>

/* abi/aotc_op.h */
extern const char emit_text_op_abi[];

/* "mylib_scaled_add", "mylib_scaled_add_out", "mylib_scaled_add_cuda". */
const char *custom_function_name(Arena *arena, const OpSchema *schema, bool is_cuda);
/* "int32_t mylib_f(const aotc_op *op, const aotc_op_tensor *x, …)", without an end. */
void        custom_signature(Text *out, const OpSchema *schema, bool is_cuda);
/* The text of the header that sources of operators are compiled with, so that a function with other
 * parameters than its schema is an error of the compiler: prototypes for both kinds of devices. */
const char *custom_header(Arena *arena, const OpSchema *const *schemas, int n);

#endif
