/* safetensors files for the small programs: named row-major tensors.  C64, C128 and the F8 names
 * are accepted too. */
#ifndef AOTC_AOTC_SAFETENSORS_H
#define AOTC_AOTC_SAFETENSORS_H

#include "abi/aotc.h"

#include <stdbool.h>

typedef struct NamedTensor {
    char    *name;
    DLTensor tensor; /* shape is owned by the file; data points into it */
} NamedTensor;

typedef struct TensorFile {
    void        *map;
    size_t       size_bytes;
    NamedTensor *items;
    int          n;
} TensorFile;

/* The whole file is read into writable private memory.  false: `message` says why. */
bool tensor_file_read(const char *path, TensorFile *out, char *message, size_t message_bytes);
void tensor_file_free(TensorFile *file);
const DLTensor *tensor_file_find(const TensorFile *file, const char *name);

/* Strided tensors are written row-major.  Through a temporary name, renamed at the end. */
bool tensor_file_write(const char *path, const NamedTensor *items, int n, char *message,
                       size_t message_bytes);

int64_t     tensor_file_numel(const DLTensor *tensor);
const char *tensor_dtype_name(const DLTensor *tensor); /* "F32"; NULL when it has none */

#endif
