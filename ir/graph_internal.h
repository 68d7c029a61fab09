/* What the printer, the parser and the verifier of graphs share. */
#ifndef AOTC_IR_GRAPH_INTERNAL_H
#define AOTC_IR_GRAPH_INTERNAL_H

#include "ir/graph.h"
#include "ir/schema.h"

/* Spelling of layouts and memory formats by their number; NULL where there is none. */
const char *layout_name(int64_t number);
const char *memory_format_name(int64_t number);
int         layout_number(const char *name); /* -1 when unknown */
int         memory_format_number(const char *name);

/* "text" with escapes; a float with all its digits, always with '.' or 'e'. */
void text_put_string(Text *text, const char *string);
void text_put_float(Text *text, double number);

/* NULL, or why the argument does not fit the parameter ("a tensor"). */
const char *arg_mismatch(const Param *param, const Arg *arg);

#endif
