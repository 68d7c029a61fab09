/* The draws that random operators are made of (random_draw.c has what their elements are). */
#ifndef AOTC_IR_OPS_RANDOM_DRAW_H
#define AOTC_IR_OPS_RANDOM_DRAW_H

#include "ir/ops/shape_util.h"

#define UNIFORM "aotc::uniform(SymInt[] size, int stream, ScalarType dtype) -> Tensor"
#define NORMAL "aotc::normal(SymInt[] size, int stream, ScalarType dtype) -> Tensor"
#define WORDS "aotc::random_words(SymInt[] size, int stream, bool wide) -> Tensor"
#define POISSON "aotc::poisson(Tensor rate, int stream) -> Tensor"
#define GAMMA "aotc::standard_gamma(Tensor shape, int stream) -> Tensor"
#define BINOMIAL "aotc::binomial(Tensor count, Tensor prob, int stream) -> Tensor"

/* A stream that no other draw of the program has. */
Arg    random_stream(Build *b);
/* UNIFORM or NORMAL of these sizes, or of those of a tensor. */
Value *random_draw(Build *b, const char *schema, const Expr *const *sizes, int rank, DType dtype);
Value *random_draw_like(Build *b, const char *schema, const Value *like, DType dtype);
/* Words of 32 bits, or wide: of 63. */
Value *random_words(Build *b, const Expr *const *sizes, int rank, bool wide);

#endif
