/* Views, indexed operators, products, windows and recurrent layers: types and index maps against
 * PyTorch.
 *
 * In: a table of calls on small tensors of known content.  Each call is built as a graph,
 * composites are expanded, and the result is evaluated element by element from the rows' index maps
 * and element functions.  Expected sizes and values were printed by PyTorch 2.13.  Cases with an
 * '@' after a size run a second time with that size as a symbol.
 *
 * Inputs: f2x3 holds ((7k + 3) % 23 - 11), divided by N for f2x3%N; i4%N holds (3k + 1) % N; a
 * final T transposes. */
#include "ir/loops.h"
#include "ir/ops.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct Case {
    const char *op, *inputs, *args, *sizes, *values;
} Case;

static const Case cases[] = {
    {"aten.view.default", "f4@x6", "t0 [-1,3]", "8x3",
     "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0 7 -9 -2 5 -11 -4 3 10 -6 1 8 -8"},
    {"aten.view.default", "f2@x3x4", "t0 [-1,12]", "2x12",
     "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0 7 -9 -2 5 -11 -4 3 10 -6 1 8 -8"},
    {"aten.view.default", "f2@x3x4", "t0 [-1,4]", "6x4",
     "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0 7 -9 -2 5 -11 -4 3 10 -6 1 8 -8"},
    {"aten.view.default", "f6@x4", "t0 [-1,2,2,1]", "6x2x2x1",
     "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0 7 -9 -2 5 -11 -4 3 10 -6 1 8 -8"},
    {"aten.view.default", "f4x6", "t0 [3,8]", "3x8",
     "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0 7 -9 -2 5 -11 -4 3 10 -6 1 8 -8"},
    {"aten.view.default", "f4x6", "t0 [2,2,3,2]", "2x2x3x2",
     "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0 7 -9 -2 5 -11 -4 3 10 -6 1 8 -8"},
    {"aten.reshape.default", "f4x6T", "t0 [8,3]", "8x3",
     "-8 11 7 3 -1 -5 -9 10 6 2 -2 -6 -10 9 5 1 -3 -7 -11 8 4 0 -4 -8"},
    {"aten.reshape.default", "f3x4@T", "t0 [-1,3]", "4x3", "-8 -3 2 -1 4 9 6 11 -7 -10 -5 0"},
    {"aten.reshape.default", "f1", "t0 []", "", "-8"},
    {"aten.flatten.using_ints", "f2@x3x2", "t0 1 -1", "2x6", "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0"},
    {"aten.flatten.using_ints", "f2@x3x2", "t0", "12", "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0"},
    {"aten.flatten.using_ints", "f", "t0", "1", "-8"},
    {"aten.unflatten.int", "f3@x6", "t0 1 [2,-1]", "3x2x3",
     "-8 -1 6 -10 -3 4 11 -5 2 9 -7 0 7 -9 -2 5 -11 -4"},
    {"aten.permute.default", "f2@x3x4", "t0 [2,0,-2]", "4x2x3",
     "-8 -3 2 7 -11 -6 -1 4 9 -9 -4 1 6 11 -7 -2 3 8 -10 -5 0 5 10 -8"},
    {"aten.transpose.int", "f2@x3x4", "t0 -1 0", "4x3x2",
     "-8 7 -3 -11 2 -6 -1 -9 4 -4 9 1 6 -2 11 3 -7 8 -10 5 -5 10 0 -8"},
    {"aten.t.default", "f3@x4", "t0", "4x3", "-8 -3 2 -1 4 9 6 11 -7 -10 -5 0"},
    {"aten.numpy_T.default", "f2@x3x2", "t0", "2x3x2", "-8 11 6 2 -3 -7 -1 -5 -10 9 4 0"},
    {"aten.mT.default", "f2@x3x2", "t0", "2x2x3", "-8 6 -3 -1 -10 4 11 2 -7 -5 9 0"},
    {"aten.swapaxes.default", "f2@x3", "t0 0 1", "3x2", "-8 -10 -1 -3 6 4"},
    {"aten.movedim.int", "f2@x3x2", "t0 0 -1", "3x2x2", "-8 11 -1 -5 6 2 -10 9 -3 -7 4 0"},
    {"aten.movedim.intlist", "f2@x3x2x2", "t0 [0,1] [2,0]", "3x2x2x2",
     "-8 -1 7 -9 6 -10 -2 5 -3 4 -11 -4 11 -5 3 10 2 9 -6 1 -7 0 8 -8"},
    {"aten.unsqueeze.default", "f3@x2", "t0 -1", "3x2x1", "-8 -1 6 -10 -3 4"},
    {"aten.unsqueeze.default", "f3@x2", "t0 1", "3x1x2", "-8 -1 6 -10 -3 4"},
    {"aten.squeeze.default", "f1x3x1x2", "t0", "3x2", "-8 -1 6 -10 -3 4"},
    {"aten.squeeze.dim", "f3@x1", "t0 1", "3", "-8 -1 6"},
    {"aten.squeeze.dim", "f3@x2", "t0 1", "3x2", "-8 -1 6 -10 -3 4"},
    {"aten.squeeze.dims", "f1x3x1x2", "t0 [0,1]", "3x1x2", "-8 -1 6 -10 -3 4"},
    {"aten.expand.default", "f3@x1", "t0 [2,-1,4]", "2x3x4",
     "-8 -8 -8 -8 -1 -1 -1 -1 6 6 6 6 -8 -8 -8 -8 -1 -1 -1 -1 6 6 6 6"},
    {"aten.expand.default", "f1x3", "t0 [3,3]", "3x3", "-8 -1 6 -8 -1 6 -8 -1 6"},
    {"aten.expand_as.default", "f3 f2@x3", "t0 t1", "2x3", "-8 -1 6 -8 -1 6"},
    {"aten.broadcast_to.default", "f3@x1", "t0 [-1,2]", "3x2", "-8 -8 -1 -1 6 6"},
    {"aten.slice.Tensor", "f5@x3", "t0 0 1 9223372036854775807", "4x3",
     "-10 -3 4 11 -5 2 9 -7 0 7 -9 -2"},
    {"aten.slice.Tensor", "f5@x3", "t0 0 -3 -1", "2x3", "11 -5 2 9 -7 0"},
    {"aten.slice.Tensor", "f5@x3", "t0 0 none none 2", "3x3", "-8 -1 6 11 -5 2 7 -9 -2"},
    {"aten.slice.Tensor", "f5@x3", "t0 0 1 4 2", "2x3", "-10 -3 4 9 -7 0"},
    {"aten.slice.Tensor", "f5@x3", "t0 1 -2 100", "5x2", "-1 6 -3 4 -5 2 -7 0 -9 -2"},
    {"aten.slice.Tensor", "f5@x3", "t0 0 4 2", "0x3", ""},
    {"aten.select.int", "f5@x3", "t0 0 -2", "3", "9 -7 0"},
    {"aten.select.int", "f5@x3", "t0 -1 2", "5", "6 4 2 0 -2"},
    {"aten.narrow.default", "f5@x3", "t0 0 1 3", "3x3", "-10 -3 4 11 -5 2 9 -7 0"},
    {"aten.narrow.default", "f5x3", "t0 0 -2 2", "2x3", "9 -7 0 7 -9 -2"},
    {"aten.diagonal.default", "f4x3", "t0", "3", "-8 -3 2"},
    {"aten.diagonal.default", "f2@x3x4", "t0 1 1 2", "2x3", "-1 11 0 -9 3 -8"},
    {"aten.diagonal.default", "f3x4x2", "t0 -1 0 1", "2x2", "2 3 9 10"},
    {"aten.unfold.default", "f2@x7", "t0 1 3 2", "2x3x3",
     "-8 -1 6 6 -10 -3 -3 4 11 -5 2 9 9 -7 0 0 7 -9"},
    {"aten.unfold.default", "f7@x2", "t0 0 3 2", "3x2x3",
     "-8 6 -3 -1 -10 4 -3 11 2 4 -5 9 2 -7 7 9 0 -9"},
    {"aten.as_strided.default", "f4x5", "t0 [3,2] [5,2] 1", "3x2", "-1 -10 11 2 0 -9"},
    {"aten.as_strided.default", "f4x5T", "t0 [3,2] [5,2] 1", "3x2", "-1 -10 11 2 0 -9"},
    {"aten.as_strided.default", "f24", "t0 [3,3,2] [4,2,1]", "3x3x2",
     "-8 -1 6 -10 -3 4 -3 4 11 -5 2 9 2 9 -7 0 7 -9"},
    {"aten.view.dtype", "f3x2", "t0 4", "3x2",
     "-1.05696e+09 -1.08213e+09 1.08632e+09 -1.05487e+09 -1.06955e+09 1.08213e+09"},
    {"aten.split.Tensor#2", "f5x2@", "t0 2", "1x2", "2 9"},
    {"aten.split.Tensor#1", "f5x4", "t0 3 1", "5x1", "-10 -5 0 5 10"},
    {"aten.split_with_sizes.default#1", "f6x2", "t0 [1,3,2]", "3x2", "6 -10 -3 4 11 -5"},
    {"aten.chunk.default#2", "f5x2", "t0 3", "1x2", "2 9"},
    {"aten.unbind.int#1", "f3x2@", "t0", "2", "6 -10"},
    {"aten.tensor_split.sections#1", "f7x2", "t0 3", "2x2", "11 -5 2 9"},
    {"aten.tensor_split.indices#1", "f7x2", "t0 [2,5]", "3x2", "-3 4 11 -5 2 9"},
    {"aten.hsplit.int#1", "f2x4", "t0 2", "2x2", "6 -10 11 -5"},
    {"aten.atleast_3d.default", "f3x2", "t0", "3x2x1", "-8 -1 6 -10 -3 4"},
    {"aten.atleast_2d.default", "f3", "t0", "1x3", "-8 -1 6"},
    {"aten.linalg_diagonal.default", "f2x3x3", "t0", "2x3", "-8 -3 2 9 -9 -4"},
    {"aten.permute_copy.default", "f2x3", "t0 [1,0]", "3x2", "-8 -10 -1 -3 6 4"},
    {"aten.cat.default", "f2@x3 f1x3 f2x3", "[t0,t1,t2]", "5x3",
     "-8 -1 6 -10 -3 4 -8 -1 6 -8 -1 6 -10 -3 4"},
    {"aten.cat.default", "f2@x3 f2@x2", "[t0,t1] -1", "2x5", "-8 -1 6 -8 -1 -10 -3 4 6 -10"},
    {"aten.cat.default", "f2x3 i2x2%5 f0", "[t0,t1,t2] 1", "2x5", "-8 -1 6 1 4 -10 -3 4 2 0"},
    {"aten.stack.default", "f2@x3 f2@x3", "[t0,t1] 1", "2x2x3",
     "-8 -1 6 -8 -1 6 -10 -3 4 -10 -3 4"},
    {"aten.stack.default", "f f", "[t0,t1]", "2", "-8 -8"},
    {"aten.hstack.default", "f3 f2", "[t0,t1]", "5", "-8 -1 6 -8 -1"},
    {"aten.vstack.default", "f3 f2x3", "[t0,t1]", "3x3", "-8 -1 6 -8 -1 6 -10 -3 4"},
    {"aten.dstack.default", "f3 f3", "[t0,t1]", "1x3x2", "-8 -8 -1 -1 6 6"},
    {"aten.column_stack.default", "f3 f3x2", "[t0,t1]", "3x3", "-8 -8 -1 -1 6 -10 6 -3 4"},
    {"aten.flip.default", "f3@x4", "t0 [0,-1]", "3x4", "0 -7 9 2 -5 11 4 -3 -10 6 -1 -8"},
    {"aten.fliplr.default", "f2x3", "t0", "2x3", "6 -1 -8 4 -3 -10"},
    {"aten.rot90.default", "f2x3", "t0 1 [0,1]", "3x2", "6 4 -1 -3 -8 -10"},
    {"aten.rot90.default", "f2x3", "t0 3 [0,1]", "3x2", "-10 -8 -3 -1 4 6"},
    {"aten.rot90.default", "f2x3", "t0 2 [0,1]", "2x3", "4 -3 -10 6 -1 -8"},
    {"aten.roll.default", "f3@x4", "t0 [1,-2] [0,1]", "3x4", "-7 0 2 9 6 -10 -8 -1 11 -5 -3 4"},
    {"aten.roll.default", "f3x4", "t0 [5]", "3x4", "-5 2 9 -7 0 -8 -1 6 -10 -3 4 11"},
    {"aten.roll.default", "f3x4", "t0 [1,1] [1,1]", "3x4", "6 -10 -8 -1 11 -5 -3 4 -7 0 2 9"},
    {"aten.repeat.default", "f2@x3", "t0 [2,1,2]", "2x2x6",
     "-8 -1 6 -8 -1 6 -10 -3 4 -10 -3 4 -8 -1 6 -8 -1 6 -10 -3 4 -10 -3 4"},
    {"aten.tile.default", "f2x3", "t0 [2]", "2x6", "-8 -1 6 -8 -1 6 -10 -3 4 -10 -3 4"},
    {"aten.repeat_interleave.self_int", "f2@x3", "t0 2 0", "4x3",
     "-8 -1 6 -8 -1 6 -10 -3 4 -10 -3 4"},
    {"aten.repeat_interleave.self_int", "f2@x3", "t0 2", "12", "-8 -8 -1 -1 6 6 -10 -10 -3 -3 4 4"},
    {"aten.gather.default", "f3x4 i3@x2%4", "t0 1 t1", "3x2", "-1 -8 -5 11 9 2"},
    {"aten.gather.default", "f3x4 i2x4%3", "t0 0 t1", "2x4", "-3 4 11 -5 -3 4 11 -5"},
    {"aten.index_select.default", "f3x4 i5@%4", "t0 1 t1", "3x5",
     "-1 -8 -10 6 -1 4 -3 -5 11 4 9 2 0 -7 9"},
    {"aten.index_select.default", "f3@x4 i%1", "t0 0 t1", "1x4", "-8 -1 6 -10"},
    {"aten.embedding.default", "f5x3 i2@x2%5", "t0 t1", "2x2x3",
     "-10 -3 4 7 -9 -2 11 -5 2 -8 -1 6"},
    {"aten.take.default", "f3x4 i5@%12", "t0 t1", "5", "-1 -3 -5 -7 -1"},
    {"aten.take_along_dim.default", "f3x4 i3x1%4", "t0 t1 1", "3x1", "-1 -3 0"},
    {"aten.take_along_dim.default", "f3x4 i5%12", "t0 t1", "5", "-1 -3 -5 -7 -1"},
    {"aten.one_hot.default", "i4@%5", "t0 6", "4x6",
     "0 1 0 0 0 0 0 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 0 0"},
    {"aten.index.Tensor", "f3x4x2 i5@%3", "t0 [t1]", "5x4x2",
     "2 9 -7 0 7 -9 -2 5 2 9 -7 0 7 -9 -2 5 2 9 -7 0 7 -9 -2 5 2 9 -7 0 7 -9 -2 5 2 9 -7 0 7 -9 -2 "
     "5"},
    {"aten.index.Tensor", "f3@x4x2 i5%4", "t0 [none,t1]", "3x5x2",
     "6 -10 -8 -1 11 -5 -3 4 6 -10 -7 0 2 9 -2 5 7 -9 -7 0 3 10 -11 -4 8 -8 -6 1 3 10"},
    {"aten.index.Tensor", "f3x4x2 i2x1%3 i3%2", "t0 [t1,none,t2]", "2x3x4",
     "9 0 -9 5 2 -7 7 -2 9 0 -9 5 9 0 -9 5 2 -7 7 -2 9 0 -9 5"},
    {"aten.index.Tensor", "f2@x3x4x2 i2x1%3 i3%4", "t0 [none,t1,t2]", "2x2x3x2",
     "-7 0 2 9 -2 5 -7 0 2 9 -2 5 0 7 9 -7 5 -11 0 7 9 -7 5 -11"},
    {"aten.index.Tensor", "f2x3x4x2 i2x1%2 i3%4", "t0 [t1,none,t2]", "2x3x3x2",
     "-10 -3 0 7 10 -6 -1 6 9 -7 -4 3 -5 2 5 -11 -8 -1 6 -10 -7 0 3 10 -8 -1 2 9 -11 -4 11 -5 -2 5 "
     "8 -8"},
    {"aten.select_scatter.default", "f3@x4 f3@", "t0 t1 1 -2", "3x4",
     "-8 -1 -8 -10 -3 4 -1 -5 2 9 6 0"},
    {"aten.slice_scatter.default", "f5@x3 f2x3", "t0 t1 0 1 5 2", "5x3",
     "-8 -1 6 -8 -1 6 11 -5 2 -10 -3 4 7 -9 -2"},
    {"aten.slice_scatter.default", "f5@x3 f3@x3", "t0 t1 0 2", "5x3",
     "-8 -1 6 -10 -3 4 -8 -1 6 -10 -3 4 11 -5 2"},
    {"aten.diagonal_scatter.default", "f3x4 f3", "t0 t1 1", "3x4",
     "-8 -8 6 -10 -3 4 -1 -5 2 9 -7 6"},
    {"aten.diagonal_scatter.default", "f4x3 f3", "t0 t1 -1", "4x3",
     "-8 -1 6 -8 -3 4 11 -1 2 9 -7 6"},
    {"aten.as_strided_scatter.default", "f3x4 f2x2", "t0 t1 [2,2] [4,2] 1", "3x4",
     "-8 -8 6 -1 -3 6 11 -10 2 9 -7 0"},
    {"aten.diag_embed.default", "f2@x3", "t0 1", "2x4x4",
     "0 -8 0 0 0 0 -1 0 0 0 0 6 0 0 0 0 0 -10 0 0 0 0 -3 0 0 0 0 4 0 0 0 0"},
    {"aten.diag_embed.default", "f2x3", "t0 -1 0 2", "4x2x4",
     "0 0 0 0 0 0 0 0 -8 0 0 0 -10 0 0 0 0 -1 0 0 0 -3 0 0 0 0 6 0 0 0 4 0"},
    {"aten.diag.default", "f3", "t0 -1", "4x4", "0 0 0 0 -8 0 0 0 0 -1 0 0 0 0 6 0"},
    {"aten.diag.default", "f3x4", "t0 1", "3", "-1 11 0"},
    {"aten.diagflat.default", "f2x2", "t0", "4x4", "-8 0 0 0 0 -1 0 0 0 0 6 0 0 0 0 -10"},
    {"aten.trace.default", "f3x4", "t0", "", "-11"},
    {"aten.meshgrid.indexing#0", "f3@ f2", "[t0,t1] 'xy'", "2x3", "-8 -1 6 -8 -1 6"},
    {"aten.meshgrid.indexing#1", "f3@ f2", "[t0,t1] 'ij'", "3x2", "-8 -1 -8 -1 -8 -1"},
    {"aten.block_diag.default", "f2x2 f1x3", "[t0,t1]", "3x5",
     "-8 -1 0 0 0 6 -10 0 0 0 0 0 -8 -1 6"},
    {"aten.cartesian_prod.default", "f3 f2", "[t0,t1]", "6x2", "-8 -8 -8 -1 -1 -8 -1 -1 6 -8 6 -1"},
    {"aten.bucketize.Tensor", "i4@%9 i3%20", "t0 t1 false true", "4", "1 2 3 1"},
    {"aten.searchsorted.Tensor", "i2x3%20 i2x2%9", "t0 t1", "2x2", "0 1 0 0"},
    {"aten.constant_pad_nd.default", "f2@x3", "t0 [1,2] 1.5", "2x6",
     "1.5 -8 -1 6 1.5 1.5 1.5 -10 -3 4 1.5 1.5"},
    {"aten.constant_pad_nd.default", "f3@x4", "t0 [-1,1,1,-1]", "3x4",
     "0 0 0 0 -1 6 -10 0 4 11 -5 0"},
    {"aten.constant_pad_nd.default", "i3%5", "t0 [1,0] 7", "4", "7 1 4 2"},
    {"aten.pad.default", "f2x5@", "t0 [2,1] 'reflect'", "2x8",
     "6 -1 -8 -1 6 -10 -3 -10 -5 11 4 11 -5 2 9 2"},
    {"aten.pad.default", "f2x4@", "t0 [2,1] 'replicate'", "2x7",
     "-8 -8 -8 -1 6 -10 -10 -3 -3 -3 4 11 -5 -5"},
    {"aten.pad.default", "f2x4@", "t0 [2,1] 'circular'", "2x7",
     "6 -10 -8 -1 6 -10 -8 11 -5 -3 4 11 -5 -3"},
    {"aten.pad.default", "f2x4@", "t0 [2,1] 'constant' 2.5", "2x7",
     "2.5 2.5 -8 -1 6 -10 2.5 2.5 2.5 -3 4 11 -5 2.5"},
    {"aten.reflection_pad2d.default", "f1x3x4", "t0 [1,2,2,1]", "1x6x7",
     "9 2 9 -7 0 -7 9 4 -3 4 11 -5 11 4 -1 -8 -1 6 -10 6 -1 4 -3 4 11 -5 11 4 9 2 9 -7 0 -7 9 4 -3 "
     "4 11 -5 "
     "11 4"},
    {"aten.replication_pad1d.default", "f2x3", "t0 [2,0]", "2x5", "-8 -8 -8 -1 6 -10 -10 -10 -3 4"},
    {"aten.upsample_nearest1d.default", "f1x1x3", "t0 [7]", "1x1x7", "-8 -8 -8 -1 -1 6 6"},
    {"aten.upsample_nearest1d.default", "f1x1x7", "t0 [3]", "1x1x3", "-8 6 -3"},
    {"aten.upsample_nearest2d.vec", "f1@x1x2x3", "t0 none [2.0,2.0]", "1x1x4x6",
     "-8 -8 -1 -1 6 6 -8 -8 -1 -1 6 6 -10 -10 -3 -3 4 4 -10 -10 -3 -3 4 4"},
    {"aten.upsample_nearest2d.vec", "f1x1x2@x3", "t0 none [2.0,3.0]", "1x1x4x9",
     "-8 -8 -8 -1 -1 -1 6 6 6 -8 -8 -8 -1 -1 -1 6 6 6 -10 -10 -10 -3 -3 -3 4 4 4 -10 -10 -10 -3 -3 "
     "-3 4 4 "
     "4"},
    {"aten.upsample_nearest1d.vec", "f1x1x5", "t0 none [1.7]", "1x1x8", "-8 -8 -1 -1 6 6 -10 -3"},
    {"aten.upsample_nearest2d.default", "f1x1x2x3", "t0 [3,5]", "1x1x3x5",
     "-8 -8 -1 -1 6 -8 -8 -1 -1 6 -10 -10 -3 -3 4"},
    {"aten._upsample_nearest_exact1d.default", "f1x1x3", "t0 [7]", "1x1x7", "-8 -8 -1 -1 -1 6 6"},
    {"aten._upsample_nearest_exact1d.default", "f1x1x7", "t0 [3]", "1x1x3", "-1 -10 4"},
    {"aten.upsample_linear1d.default", "f1x1x3", "t0 [7] false", "1x1x7", "-8 -7 -4 -1 2 5 6"},
    {"aten.upsample_linear1d.default", "f1x1x7", "t0 [3] true", "1x1x3", "-8 -10 11"},
    {"aten.upsample_linear1d.vec", "f1x1x5", "t0 none false [1.7]", "1x1x8",
     "-8 -5.32353 -1.20588 2.91177 3.64706 -5.76471 -7.73529 -3.61765"},
    {"aten.upsample_bilinear2d.vec", "f1x1x2@x3", "t0 none false [2.0,2.0]", "1x1x4x6",
     "-8 -6.25 -2.75 0.75 4.25 6 -8.5 -6.75 -3.25 0.25 3.75 5.5 -9.5 -7.75 -4.25 -0.75 2.75 4.5 "
     "-10 -8.25 "
     "-4.75 -1.25 2.25 4"},
    {"aten.upsample_bilinear2d.default", "f1x1x2x3", "t0 [4,5] true", "1x1x4x5",
     "-8 -4.5 -1 2.5 6 -8.66667 -5.16667 -1.66667 1.83333 5.33333 -9.33333 -5.83333 -2.33333 "
     "1.16667 "
     "4.66667 -10 -6.5 -3 0.5 4"},
    {"aten.upsample_bicubic2d.default", "f1x1x3x3", "t0 [5,4] false", "1x1x5x4",
     "-8.31044 -4.0995 2.4835 6.69444 -10.9093 -5.52025 1.84144 5.87044 -10.5024 -6.2915 0.291504 "
     "4.50244 "
     "3.2159 -2.5872 -2.62293 3.13444 14.3229 0.600238 -4.66993 2.31044"},
    {"aten.upsample_bicubic2d.default", "f1x1x3x3", "t0 [4,2] true", "1x1x4x2",
     "-8 6 -11.7037 4.85185 -3.61111 3.14815 11 2"},
    {"aten.grid_sampler_2d.default", "f1x1x3x4 f1x2x3x2%9", "t0 t1 0 0 false", "1x1x2x3",
     "-2.76852 -2.44444 6.16667 -0.509257 -3.05556 -2.83333"},
    {"aten.grid_sampler_2d.default", "f1x1x3x4 f1x2x3x2%7", "t0 t1 0 1 true", "1x1x2x3",
     "-3.71429 -6.57143 5.85714 -8.57143 -5.85714 -3"},
    {"aten.grid_sampler_2d.default", "f1x1x3x4 f1x2x3x2%4", "t0 t1 0 2 false", "1x1x2x3",
     "5.625 -1.875 2 -8 1.125 4"},
    {"aten.grid_sampler_2d.default", "f1x1x3x4 f1x2x3x2%5", "t0 t1 0 2 true", "1x1x2x3",
     "2.3 -0.199997 5.2 0.399999 6.26 1.2"},
    {"aten.grid_sampler_2d.default", "f1x1x3x4 f1x2x3x2%9", "t0 t1 1 0 false", "1x1x2x3",
     "-3 0 9 0 -7 -3"},
    {"aten.grid_sampler_2d.default", "f1x1x3x4 f1x2x3x2%9", "t0 t1 2 0 false", "1x1x2x3",
     "-3.96822 -2.96215 8.5182 -0.488256 -4.94425 -3.12847"},
    {"aten.grid_sampler_2d.default", "f1x1x3x4 f1x2x3x2%6", "t0 t1 2 2 true", "1x1x2x3",
     "-2.2381 -7.40741 7.62059 6.89537 0.78125 -2.39844"},
    {"aten.pixel_shuffle.default", "f1@x4x2x3", "t0 2", "1x1x4x6",
     "-8 11 -1 -5 6 2 7 3 -9 10 -2 -6 -10 9 -3 -7 4 0 5 1 -11 8 -4 -8"},
    {"aten.pixel_unshuffle.default", "f1@x1x4x2", "t0 2", "1x4x2x1", "-8 -3 -1 4 6 11 -10 -5"},
    {"aten.channel_shuffle.default", "f1x4x3", "t0 2", "1x4x3", "-8 -1 6 11 -5 2 -10 -3 4 9 -7 0"},
    {"aten.max_pool1d.default", "f1x1x7", "t0 [3] [2] [1]", "1x1x4", "-1 6 4 11"},
    {"aten.max_pool2d.default", "f1@x1x4x5", "t0 [2,2]", "1x1x2x2", "11 6 5 7"},
    {"aten.max_pool2d.default", "f1x1x5x5", "t0 [3,3] [2,2] [1,1] [1,1] true", "1x1x3x3",
     "11 11 9 11 11 10 5 8 10"},
    {"aten.max_pool2d.default", "f1x4x5@", "t0 [3,2] [1,2] [1,0] [1,2]", "1x4x2",
     "6 9 7 9 7 10 7 10"},
    {"aten.max_pool2d_with_indices.default#1", "f1x1x5x4", "t0 [3,2] [2,2] [1,1]", "1x1x3x3",
     "4 6 7 12 6 15 12 18 19"},
    {"aten.max_pool2d_with_indices.default#1", "f1x1x5x5", "t0 [2,2] [2,2] [0,0] [2,1]", "1x1x2x2",
     "11 12 21 22"},
    {"aten.avg_pool1d.default", "f1x1x7", "t0 [3] [2] [1]", "1x1x4", "-3 -1.66667 -3 5"},
    {"aten.avg_pool2d.default", "f1x1x4x5", "t0 [2,3] [] [1,1] false false", "1x1x3x2",
     "-4.5 -2.33333 2 0.333333 -3 3"},
    {"aten.avg_pool2d.default", "f1x1x5x5", "t0 [2,2] [2,2] [1,1] true true", "1x1x3x3",
     "-2 1.25 -3.25 -0.75 3.25 0 -0.25 -1.5 1"},
    {"aten.avg_pool2d.default", "f1x1x5x5", "t0 [2,2] [2,2] [0,0] true false", "1x1x3x3",
     "1.5 -1.75 3 -3.25 -0.75 4 -2.5 0 -1"},
    {"aten.avg_pool2d.default", "f1x1x4@x5", "t0 [2,2] [2,2] [0,0] false true 3", "1x1x2x2",
     "2 -2.33333 -4.33333 -1"},
    {"aten.adaptive_avg_pool2d.default", "f1@x2x3x4", "t0 [1,1]", "1x2x1x1", "-0.166667 -0.5"},
    {"aten.adaptive_avg_pool2d.default", "f1x2x4x6", "t0 [2,3]", "1x2x2x3",
     "-0.75 1.75 -1.5 2.75 -0.5 -3.75 0.5 -2.75 5.5 -1.75 0.75 -2.5"},
    {"aten.adaptive_avg_pool2d.default", "f1x1x5x7", "t0 [3,2]", "1x1x3x2",
     "-1.75 -0.875 -1.08333 -1.16667 1.5 -0.5"},
    {"aten.adaptive_avg_pool1d.default", "f1x5", "t0 [3]", "1x3", "-4.5 -1.66667 -6.5"},
    {"aten.adaptive_max_pool2d.default", "f1x1x5x7", "t0 [3,2]", "1x1x3x2", "9 11 9 10 11 9"},
    {"aten.adaptive_max_pool2d.default#1", "f1x1x5x7", "t0 [3,2]", "1x1x3x2", "9 6 9 19 29 32"},
    {"aten.im2col.default", "f1x2x3x4", "t0 [2,2] [1,1] [1,0] [2,1]", "1x8x6",
     "0 0 0 -3 4 11 0 0 0 4 11 -5 -8 -1 6 2 9 -7 -1 6 -10 9 -7 0 0 0 0 -11 -4 3 0 0 0 -4 3 10 7 -9 "
     "-2 -6 1 "
     "8 -9 -2 5 1 8 -8"},
    {"aten.col2im.default", "f1x4x6", "t0 [3,4] [2,2] [1,1] [0,0] [1,1]", "1x1x3x4",
     "-8 10 1 2 -3 0 5 -6 5 -10 4 -8"},
    {"aten.col2im.default", "f1x4x6", "t0 [5,4] [2,2] [2,1] [1,0] [2,2]", "1x1x5x4",
     "0 0 0 0 13 5 -19 19 0 0 0 0 -5 -13 9 1 0 0 0 0"},
    {"aten.mm.default", "f3@x2 f2x4", "t0 t1", "3x4", "67 4 -59 85 -18 -46 -74 -10 12 19 26 10"},
    {"aten.matmul.default", "f2@x3x2 f2x4", "t0 t1", "2x3x4",
     "67 4 -59 85 -18 -46 -74 -10 12 19 26 10 -73 -31 11 -85 -43 34 111 -65 56 7 -42 70"},
    {"aten.matmul.default", "f2@x3x2 f2@x2x2", "t0 t1", "2x3x2",
     "58 18 -108 94 48 -37 -88 69 93 -37 21 -28"},
    {"aten.matmul.default", "f3x2 f2x2x3", "t0 t1", "2x3x3",
     "74 11 -52 52 24 -4 -16 -9 -2 -97 47 -16 -24 40 12 3 -13 -6"},
    {"aten.matmul.default", "f2x1x3x2 f3x2x2", "t0 t1", "2x3x3x2",
     "58 18 -108 94 48 -37 13 -27 -128 74 53 -32 -9 -72 82 54 -34 -27 -118 39 38 -92 56 7 -88 69 "
     "93 -37 21 "
     "-28 57 99 -59 18 -14 -63"},
    {"aten.matmul.default", "f3 f3", "t0 t1", "", "101"},
    {"aten.matmul.default", "f3 f3x2", "t0 t1", "2", "40 42"},
    {"aten.matmul.default", "f2@x3 f3", "t0 t1", "2", "101 107"},
    {"aten.matmul.default", "f3 f2x3x2", "t0 t1", "2x2", "40 42 -132 31"},
    {"aten.dot.default", "f4 f4%2", "t0 t1", "", "100.5"},
    {"aten.mv.default", "f3@x4 f4", "t0 t1", "3", "201 136 -67"},
    {"aten.outer.default", "f3@ f2", "t0 t1", "3x2", "64 8 8 1 -48 -6"},
    {"aten.addmv.default", "f3 f3x2 f2", "t0 t1 t2 2 3", "3", "179 -116 72"},
    {"aten.addmv.default", "f3 f3x2 f2", "t0 t1 t2 0 1", "3", "65 -38 20"},
    {"aten.addbmm.default", "f2x3 f2x2x4 f2x4x3", "t0 t1 t2 1 1", "2x3", "80 -137 -32 53 24 18"},
    {"aten.addr.default", "f3x2 f3 f2", "t0 t1 t2 1 2", "3x2", "120 15 22 -8 -99 -8"},
    {"aten.einsum.default", "f2@x3x2 f2@x2x4", "'bij,bjk->bik' [t0,t1]", "2x3x4",
     "67 4 -59 85 -18 -46 -74 -10 12 19 26 10 -13 144 -67 -25 67 -63 -32 45 -14 -63 49 0"},
    {"aten.einsum.default", "f2x3 f4x3", "'ij,kj' [t0,t1]", "2x4",
     "101 107 -71 -65 107 125 -87 -69"},
    {"aten.einsum.default", "f3x3", "'ii->i' [t0]", "3", "-8 -3 2"},
    {"aten.einsum.default", "f2x3x3", "'bii' [t0]", "2", "-9 -4"},
    {"aten.einsum.default", "f2x3x2 f2x3", "'...ij,...i->...j' [t0,t1]", "2x2", "40 42 -144 23"},
    {"aten.einsum.default", "f2x3 f3x2 f2", "'ab,bc,c->ca' [t0,t1,t2]", "2x2", "-320 -400 -42 -56"},
    {"aten.einsum.default", "f2x3 f1x3", "'ab,ab->ba' [t0,t1]", "3x2", "64 80 1 3 36 24"},
    {"aten.einsum.default", "f2 f3", "'i,j->ij' [t0,t1]", "2x3", "64 8 -48 8 1 -6"},
    {"aten.inner.default", "f2@x3 f4x3", "t0 t1", "2x4", "101 107 -71 -65 107 125 -87 -69"},
    {"aten.tensordot.default", "f2x3x4 f4x3x2", "t0 t1 [1,2] [1,0]", "2x2", "71 11 -435 213"},
    {"aten.kron.default", "f2x2 f2x3", "t0 t1", "4x6",
     "64 8 -48 8 1 -6 80 24 -32 10 3 -4 -48 -6 36 80 10 -60 -60 -18 24 100 30 -40"},
    {"aten.kron.default", "f2 f2x2", "t0 t1", "2x4", "64 8 8 1 -48 80 -6 10"},
    {"aten.linalg_multi_dot.default", "f2x3 f3x2 f2x2", "[t0,t1,t2]", "2x2", "-68 -460 -64 -610"},
    {"aten.matrix_power.default", "f2x2%3", "t0 3", "2x2", "-13.1852 -8.81482 52.8889 -30.8148"},
    {"aten.linalg_vecdot.default", "f2x3 f2x3", "t0 t1", "2", "101 125"},
    {"aten.bilinear.default", "f2x3 f2x2 f4x3x2 f4", "t0 t1 t2 t3", "2x4",
     "-370 1024 923 -121 -268 -1095 -1232 1460"},
    {"aten.linear.default", "f2@x2x3 f4x3 f4", "t0 t1 t2", "2x2x4",
     "93 106 -65 -75 99 124 -81 -79 -79 -88 156 124 -73 -70 140 120"},
    {"aten.lstm_cell.default", "f2x3%9 f2x2%9 f2x2%7 f8x3%9 f8x2%8 f8%5 f8%6",
     "t0 [t1,t2] t3 t4 t5 t6", "2x2", "-0.786611 0.0393731 0.370245 0.00975246"},
    {"aten.gru_cell.default", "f2x3%9 f2x2%9 f6x3%9 f6x2%8 f6%5 f6%6", "t0 t1 t2 t3 t4 t5", "2x2",
     "-0.894238 0.766544 0.0142488 0.359656"},
    {"aten.gru.input", "f3x2x3%9 f2x2x2%9 f6x3%9 f6x2%8 f6%5 f6%6 f6x3%8 f6x2%7 f6%4 f6%5",
     "t0 t1 [t2,t3,t4,t5,t6,t7,t8,t9] true 1 0.0 false true false", "3x2x4",
     "-0.894238 0.766544 -0.367263 0.571561 0.0142488 0.359656 0.806363 0.243631 -0.880855 "
     "0.966942 "
     "-0.319143 0.985281 0.0269623 0.925397 1.20215 0.841188 -0.861947 0.989235 -0.323441 0.981142 "
     "0.0425728 0.989456 1.20827 0.40495"},
    {"aten.rnn_tanh.input#1", "f2x3x3%9 f1x2x2%9 f2x3%9 f2x2%8 f2%5 f2%6",
     "t0 t1 [t2,t3,t4,t5] true 1 0.0 false false true", "1x2x2",
     "-0.995678 -0.977584 -0.985871 -0.277788"},
    {"aten.lstm.input#0", "f2x3x3%9 f1x2x2%9 f1x2x2%7 f8x3%9 f8x2%8 f8%5 f8%6",
     "t0 [t1,t2] [t3,t4,t5,t6] true 1 0.0 false false true", "2x3x2",
     "-0.786611 0.0393731 -0.781916 0.0433487 -0.813554 0.0138991 0.666719 0.00343566 0.646969 "
     "0.0259347 "
     "0.632546 0.0318812"},
};

/* ---- evaluation ------------------------------------------------------------------------------ */
typedef struct Array {
    int64_t size[MAX_RANK], numel;
    int     rank;
    double *data;
} Array;

enum { MAX_SYMBOLS = 64 };
typedef struct Env {
    Arena        *arena;
    Ir           *ir;
    Graph        *graph;
    const Symbol *symbol[MAX_SYMBOLS];
    int64_t       value[MAX_SYMBOLS];
    int           n_symbols;
} Env;

static void fail_with(Env *env, Error *error)
{
    if (error)
        fail_msg("%s", error_text(env->arena, error));
}

static double evaluate(Env *env, const Scalar *a);

static bool lookup(void *cx, const Symbol *symbol, int64_t *i, double *f)
{
    Env *env = cx;
    if (symbol->kind == SYM_SCALAR) {
        *i = (int64_t)evaluate(env, symbol->scalar);
        *f = (double)*i;
        return true;
    }
    for (int k = env->n_symbols - 1; k >= 0; k--)
        if (env->symbol[k] == symbol) {
            *i = env->value[k];
            *f = (double)*i;
            return true;
        }
    return false;
}

static double eval_expr(Env *env, const Expr *e)
{
    int64_t i = 0;
    double  f = 0;
    fail_with(env, expr_eval(env->arena, e, lookup, env, &i, &f));
    return e->type == EXPR_TYPE_FLOAT ? f : (double)i;
}

static int64_t eval_int(Env *env, const Expr *e)
{
    return (int64_t)eval_expr(env, e);
}

static double round_to(DType dtype, double x)
{
    return dtype == DT_F32       ? (double)(float)x
           : dtype == DT_BOOL    ? x != 0
           : dtype_is_int(dtype) ? trunc(x)
                                 : x;
}

static double floor_mod(double a, double b)
{
    double m = fmod(a, b);
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

/* Offsets of loads hold every index in 9 bits, 64 added: an index outside of its dim is seen even
 * where the flat offset would lie inside. */
enum { INDEX_BITS = 9, INDEX_BIAS = 64 };

static double evaluate_load(Env *env, const Scalar *a)
{
    if (a->mask && evaluate(env, a->mask) == 0)
        return 0;
    const Array *array = a->buffer->value->scratch;
    int64_t      code = eval_int(env, a->index), flat = 0;
    for (int d = 0; d < array->rank; d++) {
        int64_t i =
            ((code >> (INDEX_BITS * (array->rank - 1 - d))) & ((1 << INDEX_BITS) - 1)) - INDEX_BIAS;
        if (i < 0 || i >= array->size[d])
            fail_msg("load of %s: index %lld of dim %d, size %lld", a->buffer->value->name,
                     (long long)i, d, (long long)array->size[d]);
        flat = flat * array->size[d] + i;
    }
    return array->data[flat];
}

static double evaluate_indirect(Env *env, const Scalar *a)
{
    int64_t bound = eval_int(env, a->symbol->bound), i = (int64_t)evaluate(env, a->in[0]);
    if (i < -bound || i >= bound)
        fail_msg("an index of %lld below %lld", (long long)i, (long long)bound);
    return (double)(i < 0 ? i + bound : i);
}

static double evaluate_bits(const Scalar *a, double x)
{
    float   f = (float)x;
    int32_t i;
    assert_int_equal(a->in[0]->dtype, DT_F32);
    memcpy(&i, &f, sizeof i);
    return i;
}

static double apply(const Scalar *a, double x, double y)
{
    switch (a->op) {
    case S_CAST:
        return x;
    case S_ADD:
        return x + y;
    case S_SUB:
        return x - y;
    case S_MUL:
        return x * y;
    case S_DIV:
        return x / y;
    case S_FLOORDIV:
        return floor(x / y);
    case S_MOD:
        return floor_mod(x, y);
    case S_FMOD:
        return fmod(x, y);
    case S_MAXIMUM:
    case S_FMAX:
        return fmax(x, y);
    case S_MINIMUM:
    case S_FMIN:
        return fmin(x, y);
    case S_NEG:
        return -x;
    case S_ABS:
        return fabs(x);
    case S_FLOOR:
        return floor(x);
    case S_ROUND:
        return nearbyint(x);
    case S_EQ:
        return x == y;
    case S_NE:
        return x != y;
    case S_LT:
        return x < y;
    case S_LE:
        return x <= y;
    case S_GT:
        return x > y;
    case S_GE:
        return x >= y;
    case S_AND:
        return x != 0 && y != 0;
    case S_OR:
        return x != 0 || y != 0;
    case S_NOT:
        return x == 0;
    case S_TANH:
        return tanh(x);
    case S_SIGMOID:
        return 1 / (1 + exp(-x));
    default:
        fail_msg("no evaluation of %s", scalar_op_name(a->op));
    }
    return 0;
}

static double evaluate(Env *env, const Scalar *a)
{
    switch (a->op) {
    case S_CONST:
        return dtype_is_float(a->dtype) ? a->f : (double)a->i;
    case S_INDEX:
        return round_to(a->dtype, eval_expr(env, a->index));
    case S_LOAD:
        return evaluate_load(env, a);
    case S_INDIRECT:
        return evaluate_indirect(env, a);
    case S_SELECT:
        return evaluate(env, a->in[0]) != 0 ? evaluate(env, a->in[1]) : evaluate(env, a->in[2]);
    case S_BITCAST:
        return evaluate_bits(a, evaluate(env, a->in[0]));
    default:
        break;
    }
    double x = evaluate(env, a->in[0]), y = a->n_in > 1 ? evaluate(env, a->in[1]) : 0;
    return round_to(a->dtype, apply(a, x, y));
}

static Scalar *load_value(LowerCx *cx, Value *value, const Expr *const *index, Scalar *mask)
{
    ExprPool *pool = cx->ir->exprs;
    Buffer   *buffer = ARENA_NEW(cx->ir->arena, Buffer);
    buffer->value = value;
    buffer->dtype = value->type.dtype;
    const Expr *code = expr_int(pool, 0);
    for (int d = 0; d < value->type.rank; d++) {
        code = expr_mul(pool, code, expr_int(pool, 1 << INDEX_BITS));
        code = expr_add(pool, code, expr_add(pool, index[d], expr_int(pool, INDEX_BIAS)));
    }
    return scalar_load(cx->scalars, buffer, code, mask);
}

static Array *new_array(Env *env, const TensorType *type)
{
    Array *a = ARENA_NEW(env->arena, Array);
    a->rank = type->rank;
    a->numel = 1;
    for (int d = 0; d < type->rank; d++) {
        a->size[d] = eval_int(env, type->sizes[d]);
        a->numel *= a->size[d];
    }
    a->data = ARENA_ARRAY(env->arena, double, a->numel + 1);
    return a;
}

static const Array *eval_value(Env *env, Value *v);

static void split_flat(const Array *a, int64_t flat, int64_t *index)
{
    for (int d = a->rank - 1; d >= 0; d--) {
        index[d] = flat % a->size[d];
        flat /= a->size[d];
    }
}

/* Views and indexed rows: the map is made once over index symbols and evaluated at every point. */
static void eval_mapped(Env *env, Node *node, int result, Array *out)
{
    const Expr *index[MAX_RANK], *in[MAX_RANK];
    ExprPool   *pool = env->ir->exprs;
    int         keep = env->n_symbols;
    LowerCx     cx = {
            .ir = env->ir, .scalars = scalar_pool_create(pool), .load = load_value, .node = node};
    for (int d = 0; d < out->rank; d++) {
        Symbol *symbol = expr_symbol_index(pool, "i", node->results[result]->type.sizes[d]);
        assert_true(env->n_symbols < MAX_SYMBOLS);
        env->symbol[env->n_symbols++] = symbol;
        index[d] = symbol->self;
    }
    Scalar *s;
    if (node->op->kind == OP_VIEW) {
        Value *base = node->args[0].value;
        node->op->view(node, index, in);
        s = load_value(&cx, base, in, NULL);
    } else {
        s = node->op->element(&cx, node, result, index);
    }
    assert_non_null(s);
    assert_int_equal(s->dtype, node->results[result]->type.dtype);
    for (int64_t k = 0; k < out->numel; k++) {
        split_flat(out, k, &env->value[keep]);
        out->data[k] = evaluate(env, s);
    }
    env->n_symbols = keep;
}

static bool is(const Node *node, const char *base)
{
    return strcmp(node->schema->base, base) == 0;
}

/* Element of a broadcast operand: a tensor or a number. */
static double operand(Env *env, const Arg *arg, const Array *out, const int64_t *index)
{
    if (arg->kind != ARG_VALUE)
        return arg->kind == ARG_FLOAT ? arg->number : eval_expr(env, arg->expr);
    const Array *a = arg->value->scratch;
    int64_t      flat = 0;
    for (int d = 0; d < a->rank; d++)
        flat = flat * a->size[d] + (a->size[d] == 1 ? 0 : index[out->rank - a->rank + d]);
    return a->data[flat];
}

static bool eval_pointwise(Env *env, Node *node, Array *out)
{
    static const struct {
        const char *base;
        ScalarOp    op;
    } table[] = {{"add", S_ADD},   {"sub", S_SUB},        {"mul", S_MUL},    {"div", S_DIV},
                 {"le", S_LE},     {"lt", S_LT},          {"ne", S_NE},      {"sigmoid", S_SIGMOID},
                 {"tanh", S_TANH}, {"_to_copy", S_CAST},  {"clone", S_CAST}, {"gt", S_GT},
                 {"ge", S_GE},     {"logical_not", S_NOT}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!is(node, table[i].base))
            continue;
        Scalar like = {.op = table[i].op, .dtype = node->results[0]->type.dtype};
        bool binary = table[i].op != S_SIGMOID && table[i].op != S_TANH && table[i].op != S_CAST &&
                      table[i].op != S_NOT;
        for (int64_t k = 0; k < out->numel; k++) {
            int64_t index[MAX_RANK];
            split_flat(out, k, index);
            double y = binary ? operand(env, &node->args[1], out, index) : 0;
            out->data[k] =
                round_to(like.dtype, apply(&like, operand(env, &node->args[0], out, index), y));
        }
        return true;
    }
    return false;
}

static bool reduces(const Node *node, int dim, int rank)
{
    const Arg *arg = node_arg(node, "dim");
    int        n = arg->kind == ARG_LIST ? arg->n_items : 1;
    for (int i = 0; i < n; i++) {
        int64_t d = (arg->kind == ARG_LIST ? arg->items[i] : *arg).expr->value;
        if ((d < 0 ? d + rank : d) == dim)
            return true;
    }
    return false;
}

static bool eval_reduction(Node *node, Array *out)
{
    bool is_max = is(node, "amax"), is_arg = is(node, "argmax"), is_mean = is(node, "mean");
    if (!is_max && !is_arg && !is_mean && !is(node, "sum"))
        return false;
    const Array *in = node->args[0].value->scratch;
    bool         keep = node_bool(node, "keepdim");
    double      *best = calloc((size_t)out->numel + 1, sizeof *best);
    for (int64_t k = 0; k < out->numel; k++) {
        out->data[k] = is_max ? -INFINITY : 0;
        best[k] = -INFINITY;
    }
    for (int64_t k = 0; k < in->numel; k++) {
        int64_t index[MAX_RANK], flat = 0, place = 0, count = 1;
        split_flat(in, k, index);
        for (int d = 0; d < in->rank; d++) {
            if (!reduces(node, d, in->rank)) {
                flat = flat * in->size[d] + index[d];
            } else {
                place = index[d];
                count *= in->size[d];
            }
        }
        (void)keep; /* a kept dim has size 1: the flat position is the same */
        double x = in->data[k];
        if (is_arg && x > best[flat]) {
            best[flat] = x;
            out->data[flat] = (double)place;
        } else if (is_max) {
            out->data[flat] = fmax(out->data[flat], x);
        } else if (!is_arg) {
            out->data[flat] += is_mean ? x / (double)count : x;
        }
    }
    free(best);
    return true;
}

/* mm, bmm, linear. */
static bool eval_product(Node *node, Array *out)
{
    bool is_linear = is(node, "linear");
    if (!is(node, "mm") && !is(node, "bmm") && !is_linear)
        return false;
    const Array *a = node->args[0].value->scratch, *b = node->args[1].value->scratch, *bias = NULL;
    int64_t      k_size = a->size[a->rank - 1], n = out->size[out->rank - 1];
    int64_t      m = is(node, "bmm") ? a->size[1] : n ? out->numel / n : 0;
    if (is_linear && node->args[2].kind == ARG_VALUE)
        bias = node->args[2].value->scratch;
    for (int64_t o = 0; o < out->numel; o++) {
        int64_t row = o / n, column = o % n, batch = m ? row / m : 0;
        double  sum = bias ? bias->data[column] : 0;
        for (int64_t k = 0; k < k_size; k++)
            sum += a->data[row * k_size + k] * (is_linear
                                                    ? b->data[column * k_size + k]
                                                    : b->data[(batch * k_size + k) * n + column]);
        out->data[o] = sum;
    }
    return true;
}

static void eval_arg(void *cx, Arg *arg)
{
    if (arg->value->kind == VALUE_TENSOR)
        (void)eval_value(cx, arg->value);
}

static void expand(Env *env, Node *node, Value **results)
{
    if (node->op->expand_fn)
        fail_with(env, node->op->expand_fn(node, results));
    else
        fail_with(env, build_expand(node, node->op->expand, results));
}

static const Array *eval_value(Env *env, Value *v)
{
    if (v->scratch)
        return v->scratch;
    Node *node = v->def;
    assert_non_null(node);
    assert_non_null(node->op);
    if (node->op->kind == OP_COMPOSITE && !is(node, "clone") && !is(node, "div")) {
        Value *results[MAX_RANK] = {0};
        expand(env, node, results);
        assert_non_null(results[v->result]);
        v->scratch = (void *)eval_value(env, results[v->result]);
        return v->scratch;
    }
    node_for_each_value(node, eval_arg, env);
    Array *out = new_array(env, &v->type);
    if (node->op->kind == OP_VIEW ||
        (node->op->kind == OP_INDEXED && strcmp(node->schema->ns, "aotc") == 0) ||
        (node->op->kind == OP_INDEXED && !is(node, "clone") && !is(node, "_to_copy")))
        eval_mapped(env, node, v->result, out);
    else if (!eval_pointwise(env, node, out) && !eval_reduction(node, out) &&
             !eval_product(node, out))
        fail_msg("no evaluation of %s", node->schema->name);
    v->scratch = out;
    return out;
}

/* ---- reading a case -------------------------------------------------------------------------- */
typedef struct Reader {
    Env        *env;
    Value      *tensors[16];
    int         n_tensors;
    const char *at;
    bool        symbolic;
} Reader;

static const Expr *read_size(Reader *r)
{
    char       *end;
    int64_t     n = strtoll(r->at, &end, 10);
    const Expr *e = expr_int(r->env->ir->exprs, n);
    r->at = end;
    if (*r->at != '@')
        return e;
    r->at++;
    if (!r->symbolic)
        return e;
    char name[16];
    snprintf(name, sizeof name, "s%d", (int)n); /* equal sizes of one case are one symbol */
    Symbol *symbol = expr_symbol_named(r->env->ir->exprs, name, SYM_SIZE, EXPR_TYPE_INT);
    symbol->min = n > 2 ? 2 : n;
    symbol->max = 300;
    symbol->hint = (double)n;
    Env *env = r->env;
    env->symbol[env->n_symbols] = symbol;
    env->value[env->n_symbols++] = n;
    return symbol->self;
}

static double content(char kind, int64_t k, int64_t mod)
{
    if (kind == 'i')
        return (double)((k * 3 + 1) % mod);
    return (double)(float)((double)((k * 7 + 3) % 23 - 11) / (double)(mod ? mod : 1));
}

static void read_tensor(Reader *r)
{
    Env        *env = r->env;
    const Expr *sizes[MAX_RANK], *strides[MAX_RANK];
    char        kind = *r->at++, name[16];
    int         rank = 0;
    int64_t     mod = 0;
    while (isdigit((unsigned char)*r->at) || *r->at == 'x') {
        r->at += *r->at == 'x';
        sizes[rank++] = read_size(r);
    }
    if (*r->at == '%')
        mod = strtoll(r->at + 1, (char **)&r->at, 10);
    TensorType type = tensor_type(env->ir, kind == 'i' ? DT_I64 : DT_F32, sizes, rank);
    bool       swap = *r->at == 'T';
    r->at += swap;
    if (swap) {
        strides[0] = type.strides[1];
        strides[1] = type.strides[0];
        const Expr *first = sizes[0];
        sizes[0] = sizes[1];
        sizes[1] = first;
        type = tensor_type_strided(env->ir, type.dtype, sizes, strides, rank);
    }
    snprintf(name, sizeof name, "t%d", r->n_tensors);
    Value *v = graph_add_input(env->graph, name, type);
    Array *a = new_array(env, &type);
    for (int64_t k = 0; k < a->numel; k++)
        a->data[swap ? k % a->size[0] * a->size[1] + k / a->size[0] : k] = 0;
    for (int64_t k = 0; k < a->numel; k++) {
        /* storage order is the order of content */
        int64_t at = swap ? (k % a->size[0]) * a->size[1] + k / a->size[0] : k;
        a->data[at] = content(kind, k, mod);
    }
    v->scratch = a;
    r->tensors[r->n_tensors++] = v;
}

static Arg read_arg(Reader *r, const Param *param);

static Arg read_list(Reader *r, const Param *param)
{
    Arg *items = ARENA_ARRAY(r->env->arena, Arg, MAX_RANK);
    int  n = 0;
    r->at++;
    while (*r->at != ']') {
        if (*r->at == ',' || *r->at == ' ') {
            r->at++;
            continue;
        }
        assert_true(n < MAX_RANK);
        items[n++] = read_arg(r, param);
    }
    r->at++;
    return arg_list(items, n);
}

static Arg read_word(Reader *r, const Param *param, const char *word)
{
    Graph *g = r->env->graph;
    if (strcmp(word, "none") == 0)
        return arg_none();
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        return arg_bool(g, word[0] == 't');
    if (word[0] == 't')
        return arg_value(r->tensors[atoi(word + 1)]);
    if (strchr(word, '.'))
        return arg_float(atof(word));
    if (param->type == PARAM_DTYPE)
        return arg_dtype(dtype_from_schema(atoi(word)));
    return arg_int(g, strtoll(word, NULL, 10));
}

static Arg read_arg(Reader *r, const Param *param)
{
    char word[64];
    int  n = 0;
    while (*r->at == ' ')
        r->at++;
    if (*r->at == '[')
        return read_list(r, param);
    bool quoted = *r->at == '\'';
    r->at += quoted;
    while (*r->at && (quoted ? *r->at != '\'' : !strchr(" ,]", *r->at)))
        word[n++] = *r->at++;
    word[n] = 0;
    r->at += quoted;
    if (quoted)
        return (Arg){.kind = ARG_STRING, .string = arena_strdup(r->env->arena, word)};
    return read_word(r, param, word);
}

/* ---- one case -------------------------------------------------------------------------------- */
static void env_create(Env *env)
{
    *env = (Env){.arena = arena_create(NULL)};
    env->ir = ir_create(env->arena, "test");
    env->graph = graph_create(env->ir, "test");
}

/* Inputs and the call itself; *result is the result that the case names. */
static Error *build_case(Env *env, const Case *c, bool symbolic, Node **node, int *result)
{
    Reader r = {.env = env, .at = c->inputs, .symbolic = symbolic};
    char   op[96];
    Arg    args[24];
    int    n = 0;
    while (*r.at) {
        if (*r.at == ' ')
            r.at++;
        else
            read_tensor(&r);
    }
    snprintf(op, sizeof op, "%s", c->op);
    char *hash = strchr(op, '#');
    *result = hash ? atoi(hash + 1) : 0;
    if (hash)
        *hash = 0;
    const OpSchema *schema = schema_find(env->ir, op);
    assert_non_null(schema);
    for (r.at = c->args; *r.at;) {
        if (*r.at == ' ') {
            r.at++;
            continue;
        }
        assert_true(n < schema->n_params);
        args[n] = read_arg(&r, &schema->params[n]);
        n++;
    }
    return build_node(env->graph, NULL, op, args, n, node);
}

static void check_sizes(Env *env, const Case *c, const TensorType *type)
{
    Text text = text_new(env->arena);
    for (int d = 0; d < type->rank; d++)
        text_printf(&text, d ? "x%lld" : "%lld", (long long)eval_int(env, type->sizes[d]));
    if (strcmp(text.data, c->sizes) != 0)
        fail_msg("%s | %s | %s: sizes %s, not %s", c->op, c->inputs, c->args, text.data, c->sizes);
}

static void check_values(const Case *c, const Array *a, bool symbolic)
{
    const char *at = c->values;
    for (int64_t k = 0; k < a->numel; k++) {
        char  *end;
        double want = strtod(at, &end), have = a->data[k];
        assert_ptr_not_equal(at, end);
        at = end;
        if (!(fabs(want - have) <= 2e-5 * (1 + fabs(want))))
            fail_msg("%s | %s | %s%s: element %lld is %g, not %g", c->op, c->inputs, c->args,
                     symbolic ? " (symbolic)" : "", (long long)k, have, want);
    }
}

static void run_case(const Case *c, bool symbolic)
{
    Env   env;
    Node *node = NULL;
    int   result;
    env_create(&env);
    fail_with(&env, build_case(&env, c, symbolic, &node, &result));
    assert_true(result < node->n_results);
    Value *v = node->results[result];
    check_sizes(&env, c, &v->type);
    const Array *a = eval_value(&env, v);
    check_values(c, a, symbolic);
    arena_destroy(env.arena);
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (getenv("CASES"))
            print_message("%s | %s | %s\n", cases[i].op, cases[i].inputs, cases[i].args);
        run_case(&cases[i], false);
        if (strchr(cases[i].inputs, '@'))
            run_case(&cases[i], true);
    }
}

/* ---- sizes alone, strides, refusals ---------------------------------------------------------- */
static void test_sizes(void **state)
{
    (void)state;
    static const Case table[] = {
        {"aten.conv2d.default", "f2@x3x9x8 f4x3x3x2", "t0 t1 none [2,1] [1,0]", "2x4x5x7", ""},
        {"aten.conv2d.default", "f3x9x8 f4x3x3x2", "t0 t1", "4x7x7", ""},
        {"aten.conv2d.padding", "f2x3x9x8@ f4x3x3x2", "t0 t1 none [1,1] 'same' [2,3]", "2x4x9x8",
         ""},
        {"aten.conv1d.padding", "f2x4x9 f4x2x3", "t0 t1 none [2] 'valid' [1] 2", "2x4x4", ""},
        {"aten.conv_transpose2d.input", "f2x4x5@x6 f4x3x3x3", "t0 t1 none [2,2] [1,1] [1,0] 2",
         "2x6x10x11", ""},
        {"aten.conv_tbc.default", "f7x2x3 f3x3x4 f4", "t0 t1 t2 1", "7x2x4", ""},
        {"aten.scaled_dot_product_attention.default", "f2@x4x5x8 f2@x4x7x8 f2@x4x7x6", "t0 t1 t2",
         "2x4x5x6", ""},
        {"aten.scaled_dot_product_attention.default", "f2x4x5x8 f2x2x7x8 f2x2x7x6",
         "t0 t1 t2 none 0.0 false none true", "2x4x5x6", ""},
        {"aten._scaled_dot_product_flash_attention_for_cpu.default#1", "f2x4x5x8 f2x4x5x8 f2x4x5x8",
         "t0 t1 t2 0.0 true", "2x4x5", ""},
        {"aten.addmm.default", "f4 f3@x2 f2x4", "t0 t1 t2", "3x4", ""},
        {"aten.baddbmm.default", "f2x3x4 f2@x3x2 f2@x2x4", "t0 t1 t2", "2x3x4", ""},
        {"aten.index_put.default", "f3@x4 i2%3 f2x4", "t0 [t1] t2", "3x4", ""},
        {"aten.scatter.src", "f3@x4 i2x2%3 f2x2", "t0 0 t1 t2", "3x4", ""},
        {"aten.embedding_bag.padding_idx", "f9x4 i6%9 i3@%4",
         "t0 t1 t2 false 0 false none false none", "3x4", ""},
        {"aten._embedding_bag_forward_only.default", "f9x4 i6%9 i3%4",
         "t0 t1 t2 false 1 false none true", "2x4", ""},
        {"aten.lstm.input#1", "f5@x2x3 f2x2x4 f2x2x4 f16x3 f16x4 f16 f16 f16x3 f16x4 f16 f16",
         "t0 [t1,t2] [t3,t4,t5,t6,t7,t8,t9,t10] true 1 0.0 false true false", "2x2x4", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int symbolic = 0; symbolic < 2; symbolic++) {
            Env   env;
            Node *node = NULL;
            int   result;
            env_create(&env);
            fail_with(&env, build_case(&env, &table[i], symbolic, &node, &result));
            check_sizes(&env, &table[i], &node->results[result]->type);
            arena_destroy(env.arena);
        }
}

static void test_strides(void **state)
{
    (void)state;
    static const Case table[] = {
        {"aten.permute.default", "f2x3x4", "t0 [2,0,1]", "1x12x4", ""},
        {"aten.expand.default", "f3x1", "t0 [2,3,4]", "0x1x0", ""},
        {"aten.unsqueeze.default", "f3x4", "t0 1", "4x4x1", ""},
        {"aten.slice.Tensor", "f6x4", "t0 0 1 5 2", "8x1", ""},
        {"aten.select.int", "f2x3x4", "t0 1 1", "12x1", ""},
        {"aten.view.default", "f4x6T", "t0 [2,3,4]", "3x1x6", ""},
        {"aten.reshape.default", "f4x6T", "t0 [24]", "1", ""},
        {"aten.diagonal.default", "f3x4", "t0", "5", ""},
        {"aten.unfold.default", "f7", "t0 0 3 2", "2x1", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        Env   env;
        Node *node = NULL;
        int   result;
        env_create(&env);
        fail_with(&env, build_case(&env, &table[i], false, &node, &result));
        TensorType as_sizes = node->results[0]->type;
        as_sizes.sizes = as_sizes.strides;
        check_sizes(&env, &table[i], &as_sizes);
        arena_destroy(env.arena);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        Case      c;
        ErrorCode code;
    } table[] = {
        {{"aten.view.default", "f4x6", "t0 [5,5]", "", ""}, E_VALUE},
        {{"aten.view.default", "f4x6", "t0 [-1,-1]", "", ""}, E_VALUE},
        {{"aten.permute.default", "f4x6", "t0 [0,0]", "", ""}, E_VALUE},
        {{"aten.select.int", "f4x6", "t0 0 4", "", ""}, E_VALUE},
        {{"aten.select.int", "f4x6", "t0 2 0", "", ""}, E_VALUE},
        {{"aten.expand.default", "f4x6", "t0 [5,6]", "", ""}, E_VALUE},
        {{"aten.view.dtype", "f4x6", "t0 7", "", ""}, E_NONE},
        {{"aten.view.dtype", "f4x6", "t0 6", "", ""}, E_UNSUPPORTED},
        {{"aten.cat.default", "f2x3 f2x4", "[t0,t1] 0", "", ""}, E_VALUE},
        {{"aten.mm.default", "f2x3 f4x2", "t0 t1", "", ""}, E_VALUE},
        {{"aten.mm.default", "f2x3 i3x2%5", "t0 t1", "", ""}, E_VALUE},
        {{"aten.gather.default", "f2x3 f2x3", "t0 0 t1", "", ""}, E_VALUE},
        {{"aten.einsum.default", "f2x3 f3x2", "'ij,jk,kl' [t0,t1]", "", ""}, E_VALUE},
        {{"aten.einsum.default", "f2x3 f3x2", "'ij,jk->iz' [t0,t1]", "", ""}, E_VALUE},
        {{"aten.max_pool2d.default", "f1x1x4x4", "t0 [2,2] [1,1] [2,2]", "", ""}, E_VALUE},
        {{"aten.pad.default", "f2x3", "t0 [3,0] 'reflect'", "", ""}, E_VALUE},
        {{"aten.pad.default", "f2x3", "t0 [1,0] 'mirror'", "", ""}, E_VALUE},
        {{"aten.one_hot.default", "i3%4", "t0", "", ""}, E_UNSUPPORTED},
        {{"aten.convolution.default", "f1x3x8x8 f4x2x3x3",
          "t0 t1 none [1,1] [0,0] [1,1] false [0,0] 1", "", ""},
         E_VALUE},
        {{"aten.as_strided_scatter.default", "f12 f3x3", "t0 t1 [3,3] [2,1] 0", "", ""},
         E_UNSUPPORTED},
        {{"aten.item.default", "f3", "t0", "", ""}, E_VALUE},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        Env   env;
        Node *node = NULL;
        int   result;
        env_create(&env);
        Error *error = build_case(&env, &table[i].c, false, &node, &result);
        if ((error ? error->code : E_NONE) != table[i].code)
            fail_msg("%s | %s | %s: %s", table[i].c.op, table[i].c.inputs, table[i].c.args,
                     error ? error_text(env.arena, error) : "no error");
        arena_destroy(env.arena);
    }
}

/* Plain reshapes and slices may not leave divisions in index expressions. */
static bool has_division(const Expr *e)
{
    if (e->kind == EXPR_FLOORDIV || e->kind == EXPR_MOD || e->kind == EXPR_WHERE)
        return true;
    for (int i = 0; i < e->n; i++)
        if (has_division(e->args[i]))
            return true;
    return false;
}

static void test_plain_maps(void **state)
{
    (void)state;
    static const Case table[] = {
        {"aten.view.default", "f4@x6x8", "t0 [-1,6,2,4]", "", ""}, /* split */
        {"aten.view.default", "f4@x6x1x8", "t0 [-1,6,8]", "", ""}, /* ones dropped */
        {"aten.view.default", "f4@x6", "t0 [1,-1,6]", "", ""},
        {"aten.slice.Tensor", "f4@x6", "t0 0 1 9223372036854775807", "", ""},
        {"aten.select.int", "f4@x6", "t0 0 -1", "", ""},
        {"aten.upsample_nearest1d.vec", "f1x4@x3", "t0 [3] none", "", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        Env         env;
        Node       *node = NULL;
        int         result;
        const Expr *index[MAX_RANK], *in[MAX_RANK];
        env_create(&env);
        fail_with(&env, build_case(&env, &table[i], true, &node, &result));
        const TensorType *t = &node->results[0]->type;
        for (int d = 0; d < t->rank; d++)
            index[d] = expr_symbol_index(env.ir->exprs, "i", t->sizes[d])->self;
        if (node->op->view) {
            node->op->view(node, index, in);
            for (int d = 0; d < node->args[0].value->type.rank; d++)
                if (has_division(in[d]))
                    fail_msg("%s | %s: dim %d is %s", table[i].op, table[i].args, d,
                             expr_text(env.arena, in[d]));
        }
        arena_destroy(env.arena);
    }
}

static void test_data_dependent(void **state)
{
    (void)state;
    Env env;
    env_create(&env);
    Value *x = graph_add_input(env.graph, "x",
                               tensor_type_ints(env.ir, DT_F32, (const int64_t[]){3, 4}, 2));
    Value *one = graph_add_input(env.graph, "one", tensor_type(env.ir, DT_I64, NULL, 0));
    Arg    arg = arg_value(x), arg_one = arg_value(one);
    Value *rows;
    Node  *item;
    fail_with(&env, build_call(env.graph, NULL, "aten.nonzero.default", &arg, 1, &rows));
    assert_int_equal(rows->type.rank, 2);
    assert_int_equal(rows->type.dtype, DT_I64);
    assert_true(expr_contains_kind(rows->type.sizes[0], SYM_UNBACKED));
    fail_with(&env, build_node(env.graph, NULL, "aten.item.default", &arg_one, 1, &item));
    assert_int_equal(item->results[0]->kind, VALUE_SCALAR);
    assert_non_null(item->results[0]->symbol);
    assert_int_equal(item->results[0]->symbol->kind, SYM_UNBACKED);
    arena_destroy(env.arena);
}

typedef struct Seen {
    Ir *ir;
    int rows;
} Seen;

/* Every aten row's text is PyTorch's: its schema has the same parameters. */
static void check_row(void *cx, const OpDesc *row)
{
    Seen *seen = cx;
    if (strncmp(row->schema, "aten::", 6) != 0)
        return;
    char   name[128];
    size_t n = strcspn(row->schema + 6, "(");
    snprintf(name, sizeof name, "aten.%.*s", (int)n, row->schema + 6);
    const OpSchema *schema = schema_find(seen->ir, name);
    if (!schema)
        fail_msg("no schema for %s", name);
    if (strcmp(schema->text, row->schema) != 0)
        print_message("row and table differ:\n  %s\n  %s\n", row->schema, schema->text);
    assert_ptr_equal(op_find(seen->ir, schema)->schema, row->schema);
    seen->rows++;
}

static void test_rows(void **state)
{
    (void)state;
    const OpDesc *const tables[] = {view_ops,    permute_ops,   slice_ops,        split_ops,
                                    arrange_ops, indexing_ops,  view_scatter_ops, diagonal_ops,
                                    scatter_ops, unbacked_ops,  matmul_ops,       convolution_ops,
                                    pooling_ops, resize_ops,    pad_ops,          grid_sample_ops,
                                    shuffle_ops, attention_ops, rnn_ops};
    Env                 env;
    Seen                seen;
    env_create(&env);
    seen = (Seen){env.ir, 0};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const OpDesc *row = tables[i]; row->schema; row++) {
            check_row(&seen, row);
            bool complete = row->kind == OP_VIEW        ? row->infer && row->view
                            : row->kind == OP_INDEXED   ? row->infer && row->element
                            : row->kind == OP_COMPOSITE ? row->expand_fn || row->expand
                                                        : row->infer != NULL;
            if (!complete)
                fail_msg("an incomplete row: %s", row->schema);
        }
    assert_true(seen.rows > 200);
    arena_destroy(env.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_values),
        cmocka_unit_test(test_sizes),          cmocka_unit_test(test_strides),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_plain_maps),
        cmocka_unit_test(test_data_dependent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
