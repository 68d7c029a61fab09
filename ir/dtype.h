/* Element types: names, sizes, promotion.  The one table is in dtype.c. */
#ifndef AOTC_IR_DTYPE_H
#define AOTC_IR_DTYPE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum DType {
    DT_NONE, /* no dtype (yet) */
    DT_BOOL,
    DT_U8,
    DT_I8,
    DT_I16,
    DT_I32,
    DT_I64,
    DT_U16,
    DT_U32,
    DT_U64,
    DT_F8E4M3,
    DT_F8E5M2,
    DT_F16,
    DT_BF16,
    DT_F32,
    DT_F64,
    DT_C64,
    DT_C128,
    DT_COUNT
} DType;

typedef struct DTypeInfo {
    const char *name;        /* as in IR text: "f32", "i64", "bool", "bf16" */
    const char *torch_name;  /* "float32" */
    const char *safetensors; /* "F32" */
    const char *c_name; /* type in emitted C: "float", "int64_t", "uint8_t" (bool), "aotc_bf16" */
    int         size_bytes;
    int         schema_number; /* ScalarType in export JSON: 7 is f32 */
    uint8_t     dlpack_code, dlpack_bits;
    bool        is_float, is_int /* bool is not */, is_signed, is_complex;
} DTypeInfo;

const DTypeInfo *dtype_info(DType dtype);
const char      *dtype_name(DType dtype);
int              dtype_size(DType dtype);
bool             dtype_is_float(DType dtype);
bool             dtype_is_int(DType dtype); /* integers without bool */
/* DT_NONE when unknown. */
DType            dtype_parse(const char *name);
DType            dtype_from_schema(int64_t schema_number);

/* torch.promote_types: the common dtype of two tensors of equal category rank. */
DType dtype_promote(DType a, DType b);
/* What arithmetic in this dtype is computed in: f32 for f16, bf16, f8; itself otherwise. */
DType dtype_compute(DType dtype);

typedef enum DeviceKind { DEVICE_CPU, DEVICE_CUDA } DeviceKind;
typedef struct Device {
    DeviceKind kind;
    int        index; /* -1: not given */
} Device;

#endif
