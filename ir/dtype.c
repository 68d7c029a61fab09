/* The one table of element types, and promotion.
 *
 * In: names and numbers as PyTorch, safetensors and DLPack spell them.  Out: DType.
 * Schema numbers: torch/_export/serde/schema.py, ScalarType.  DLPack codes: dlpack.h,
 * DLDataTypeCode. */
#include "ir/dtype.h"

#include <stddef.h>
#include <string.h>

enum {
    DLPACK_INT = 0,
    DLPACK_UINT = 1,
    DLPACK_FLOAT = 2,
    DLPACK_BFLOAT = 4,
    DLPACK_COMPLEX = 5,
    DLPACK_BOOL = 6
};
/* DLPack 1.1: fp8 kinds have codes of their own. */
enum { DLPACK_F8E4M3FN = 10, DLPACK_F8E5M2 = 12 };

#define BOOL false, false, false, false
#define UINT false, true, false, false
#define SINT false, true, true, false
#define FLOAT true, false, true, false
#define COMPLEX false, false, true, true

/* clang-format off */
static const DTypeInfo table[DT_COUNT] = {
    [DT_NONE]   = {"none", "none", "", "void", 0, 0, 0, 0, BOOL},
    [DT_BOOL]   = {"bool", "bool", "BOOL", "uint8_t", 1, 12, DLPACK_BOOL, 8, BOOL},
    [DT_U8]     = {"u8", "uint8", "U8", "uint8_t", 1, 1, DLPACK_UINT, 8, UINT},
    [DT_I8]     = {"i8", "int8", "I8", "int8_t", 1, 2, DLPACK_INT, 8, SINT},
    [DT_I16]    = {"i16", "int16", "I16", "int16_t", 2, 3, DLPACK_INT, 16, SINT},
    [DT_I32]    = {"i32", "int32", "I32", "int32_t", 4, 4, DLPACK_INT, 32, SINT},
    [DT_I64]    = {"i64", "int64", "I64", "int64_t", 8, 5, DLPACK_INT, 64, SINT},
    [DT_U16]    = {"u16", "uint16", "U16", "uint16_t", 2, 28, DLPACK_UINT, 16, UINT},
    [DT_U32]    = {"u32", "uint32", "U32", "uint32_t", 4, 34, DLPACK_UINT, 32, UINT},
    [DT_U64]    = {"u64", "uint64", "U64", "uint64_t", 8, 35, DLPACK_UINT, 64, UINT},
    [DT_F8E4M3] = {"f8e4m3", "float8_e4m3fn", "F8_E4M3", "aotc_f8e4m3", 1, 29, DLPACK_F8E4M3FN, 8, FLOAT},
    [DT_F8E5M2] = {"f8e5m2", "float8_e5m2", "F8_E5M2", "aotc_f8e5m2", 1, 30, DLPACK_F8E5M2, 8, FLOAT},
    [DT_F16]    = {"f16", "float16", "F16", "aotc_f16", 2, 6, DLPACK_FLOAT, 16, FLOAT},
    [DT_BF16]   = {"bf16", "bfloat16", "BF16", "aotc_bf16", 2, 13, DLPACK_BFLOAT, 16, FLOAT},
    [DT_F32]    = {"f32", "float32", "F32", "float", 4, 7, DLPACK_FLOAT, 32, FLOAT},
    [DT_F64]    = {"f64", "float64", "F64", "double", 8, 8, DLPACK_FLOAT, 64, FLOAT},
    [DT_C64]    = {"c64", "complex64", "C64", "aotc_c64", 8, 10, DLPACK_COMPLEX, 64, COMPLEX},
    [DT_C128]   = {"c128", "complex128", "C128", "aotc_c128", 16, 11, DLPACK_COMPLEX, 128, COMPLEX},
};
/* clang-format on */

const DTypeInfo *dtype_info(DType dtype)
{
    return &table[(unsigned)dtype < DT_COUNT ? dtype : DT_NONE];
}

const char *dtype_name(DType dtype)
{
    return dtype_info(dtype)->name;
}

int dtype_size(DType dtype)
{
    return dtype_info(dtype)->size_bytes;
}

bool dtype_is_float(DType dtype)
{
    return dtype_info(dtype)->is_float;
}

bool dtype_is_int(DType dtype)
{
    return dtype_info(dtype)->is_int;
}

/* Any of the spellings: IR text, PyTorch (with or without "torch."), safetensors. */
DType dtype_parse(const char *name)
{
    if (!strncmp(name, "torch.", 6))
        name += 6;
    for (DType d = DT_NONE + 1; d < DT_COUNT; d++)
        if (!strcmp(name, table[d].name) || !strcmp(name, table[d].torch_name) ||
            !strcmp(name, table[d].safetensors))
            return d;
    return DT_NONE;
}

DType dtype_from_schema(int64_t schema_number)
{
    for (DType d = DT_NONE + 1; d < DT_COUNT; d++)
        if (table[d].schema_number == schema_number)
            return d;
    return DT_NONE;
}

static bool is_small_float(DType d)
{
    return d == DT_F8E4M3 || d == DT_F8E5M2;
}

static bool is_wide_unsigned(DType d)
{
    return d == DT_U16 || d == DT_U32 || d == DT_U64;
}

/* a and b differ; DT_NONE where PyTorch refuses (fp8 and, among integers, u16 u32 u64 promote with
 * nothing). */
static DType promote_ints(DType a, DType b)
{
    if (is_wide_unsigned(a) || is_wide_unsigned(b))
        return DT_NONE;
    if (a == DT_BOOL || b == DT_BOOL)
        return a == DT_BOOL ? b : a;
    if (table[a].size_bytes != table[b].size_bytes)
        return table[a].size_bytes > table[b].size_bytes ? a : b;
    return DT_I16; /* u8 with i8 */
}

static DType promote_complex(DType a, DType b)
{
    if (is_wide_unsigned(a) || is_wide_unsigned(b))
        return DT_NONE;
    return a == DT_C128 || b == DT_C128 || a == DT_F64 || b == DT_F64 ? DT_C128 : DT_C64;
}

DType dtype_promote(DType a, DType b)
{
    if (a == b || b == DT_NONE)
        return a;
    if (a == DT_NONE)
        return b;
    if (is_small_float(a) || is_small_float(b))
        return DT_NONE;
    if (table[a].is_complex || table[b].is_complex)
        return promote_complex(a, b);
    if (!table[a].is_float && !table[b].is_float)
        return promote_ints(a, b);
    if (!table[a].is_float || !table[b].is_float)
        return table[a].is_float ? a : b;
    if (table[a].size_bytes != table[b].size_bytes)
        return table[a].size_bytes > table[b].size_bytes ? a : b;
    return DT_F32; /* f16 with bf16 */
}

DType dtype_compute(DType dtype)
{
    return dtype_is_float(dtype) && dtype_size(dtype) < 4 ? DT_F32 : dtype;
}
