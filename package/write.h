/* Writes a .pt2pkg: a zip with stored members in a fixed order and fixed dates, so that equal input
 * gives equal bytes.
 *
 * The zip is written by this file and not by libzip, which cannot place a member at an aligned
 * offset; libzip reads it. */
#ifndef AOTC_PACKAGE_WRITE_H
#define AOTC_PACKAGE_WRITE_H

#include "ir/base/error.h"

#include <stdint.h>

typedef struct PackageMember {
    const char *name; /* "lib/native/model.so" */
    const void *data;
    size_t      size_bytes;
    uint32_t    kind;     /* AOTC_MEMBER_… of abi/aotc_package.h */
    const char *target;   /* LIBRARY */
    uint32_t    machine;  /* LIBRARY: ELF e_machine */
    uint64_t    features; /* LIBRARY */
} PackageMember;

/* A piece of the weights: gaps between pieces are zeros. Sorted by offset. */
typedef struct WeightPiece {
    uint64_t    offset, size_bytes;
    const void *data;
} WeightPiece;

typedef struct PackageSpec {
    const PackageMember *members; /* without the weights */
    int                  n_members;
    const WeightPiece   *weights;
    int                  n_weights;
    uint64_t             weights_bytes; /* 0: no weights member */
} PackageSpec;

/* Into a temporary file beside `path`, renamed at the end: path is complete or untouched. */
Error *package_write(Arena *arena, const char *path, const PackageSpec *spec);

/* The bytes as a gzip file without date or name: members are stored, so that texts are compressed
 * before. */
Error *package_gzip(Arena *arena, const void *data, size_t size_bytes, const void **out,
                    size_t *out_bytes);

#endif
