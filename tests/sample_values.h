/* Values of a sample's tensors: a function of the operator, the sample's text and the tensor's
 * place in it, so that C and Python (tests/python/sample_values.py) make the same bits without a
 * file between them.
 *
 *   seed    FNV-1a (64 bits) of "<aten.add.Tensor> <text> <number>"
 *   draw i  splitmix64 from the state seed + (i + 1) * 0x9E3779B97F4A7C15
 *
 * i counts the elements of the storage, from the first that the strides reach to the last; complex
 * elements have two parts.  fill:
 *   uniform   floats low + (high - low) * (draw >> 11) * 2^-53, from -3 to 3 unless given;
 *             integers low + draw mod (high - low + 1), from -5 to 5, unsigned ones from 0 to 9;
 *             bool: the lowest bit, or not 0 where a range is given
 *   values    values[i mod n]
 *   special   the table of sample_values.c, i modulo its length
 *   distinct  a permutation p (for i from n - 1 to 1: swap i and draw i mod (i + 1)); floats are
 *             (p - n / 2) / 4
 *   definite  element (r, c) of an n x n matrix is that of the upper triangle in [-1, 1), and n + 1
 *             more on the diagonal
 * Floats are computed in f64 and rounded to f32, then to f16, bf16 or f8. */
#ifndef AOTC_TESTS_SAMPLE_VALUES_H
#define AOTC_TESTS_SAMPLE_VALUES_H

#include "ir/sample.h"

#include <stddef.h>

/* Elements of the storage: 0 where a size is 0. */
size_t sample_storage(const SampleTensor *tensor);
/* Fills sample_storage() elements. */
void   sample_fill(const Sample *sample, const SampleTensor *tensor, void *out);
/* Element i of an array as a number; part 1 is the imaginary one of complex dtypes. */
double sample_element(DType dtype, const void *data, size_t i, int part);

#endif
