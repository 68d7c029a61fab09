/* Operators on the bits of integers, and on bool as one bit.
 *
 * In: a node.  Out: `body`, as in pointwise.c:
 *
 *   aten.bitwise_and.Tensor(%a, %b)      bitand(self, other) */
#include "ir/ops/pointwise_check.h"
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"

const OpDesc bit_ops[] = {
    BODY_INFER("aten::bitwise_and.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)", .samples = BITS_SAMPLES),
    BODY_INFER("aten::bitwise_and.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)", .samples = BITS_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_and.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitand(self, other)", .samples = BITS_SCALAR_TENSOR_SAMPLES),
    BODY_INFER("aten::__and__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)",
               .samples = "self=i64[4] other=i64[4] | self=bool[4] other=bool[4]"),
    BODY_INFER("aten::__and__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitand(self, other)", .samples = "self=i64[4] other=5 | self=bool[4] other=true"),
    BODY_INFER("aten::bitwise_or.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)", .samples = BITS_SAMPLES),
    BODY_INFER("aten::bitwise_or.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)", .samples = BITS_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_or.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitor(self, other)", .samples = BITS_SCALAR_TENSOR_SAMPLES),
    BODY_INFER("aten::__or__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)",
               .samples = "self=i64[4] other=i64[4] | self=bool[4] other=bool[4]"),
    BODY_INFER("aten::__or__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitor(self, other)", .samples = "self=i64[4] other=5 | self=bool[4] other=true"),
    BODY_INFER("aten::bitwise_xor.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)", .samples = BITS_SAMPLES),
    BODY_INFER("aten::bitwise_xor.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)", .samples = BITS_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_xor.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "bitxor(self, other)", .samples = BITS_SCALAR_TENSOR_SAMPLES),
    BODY_INFER("aten::__xor__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)",
               .samples = "self=i64[4] other=i64[4] | self=bool[4] other=bool[4]"),
    BODY_INFER("aten::__xor__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "bitxor(self, other)", .samples = "self=i64[4] other=5 | self=bool[4] other=true"),
    BODY_INFER(
        "aten::bitwise_not(Tensor self) -> Tensor", DEFAULT, infer_bits, "bitnot(self)",
        .samples =
            "self=i64[5] | self=bool[4] | self=u8[4] | self=i32[0] | self=i8[] | ! self=f32[2]"),
    BODY_INFER("aten::bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "shl(self, other)", .samples = SHIFT_SAMPLES),
    BODY_INFER("aten::bitwise_left_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
               DEFAULT, infer_bits, "shl(self, other)", .samples = SHIFT_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_left_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
               DEFAULT, infer_bits, "shl(self, other)",
               .samples = "self=77 other=i64[4]@0..5 | self=9 other=i32[3]@0..3"),
    BODY_INFER("aten::__lshift__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "shl(self, other)", .samples = "self=i64[4] other=i64[4]@0..3"),
    BODY_INFER("aten::__lshift__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "shl(self, other)", .samples = "self=i64[4] other=2 | self=i32[4] other=1"),
    BODY_INFER("aten::bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT,
               infer_bits, "shr(self, other)", .samples = SHIFT_SAMPLES),
    BODY_INFER("aten::bitwise_right_shift.Tensor_Scalar(Tensor self, Scalar other) -> Tensor",
               DEFAULT, infer_bits, "shr(self, other)", .samples = SHIFT_SCALAR_SAMPLES),
    BODY_INFER("aten::bitwise_right_shift.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
               DEFAULT, infer_bits, "shr(self, other)",
               .samples = "self=77 other=i64[4]@0..5 | self=9 other=i32[3]@0..3"),
    BODY_INFER("aten::__rshift__.Tensor(Tensor self, Tensor other) -> Tensor", DEFAULT, infer_bits,
               "shr(self, other)", .samples = "self=i64[4] other=i64[4]@0..3"),
    BODY_INFER("aten::__rshift__.Scalar(Tensor self, Scalar other) -> Tensor", DEFAULT, infer_bits,
               "shr(self, other)", .samples = "self=i64[4] other=2 | self=i32[4] other=1"),

    {0},
};
