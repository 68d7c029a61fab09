/* Directory of a zip file in memory, with the place of every member's data.
 *
 * libzip reads names, sizes and compressed data; it does not say where a stored member lies, which
 * is what mapping weights in place needs.  So the central directory is walked here too, and the two
 * must agree. */
#ifndef AOTC_PACKAGE_ZIP_READ_H
#define AOTC_PACKAGE_ZIP_READ_H

#include "ir/base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ZipMember {
    const char *name;
    uint64_t    offset; /* of the data in the file */
    uint64_t    packed_bytes, size_bytes;
    bool        is_stored;
} ZipMember;

typedef struct ZipFile {
    Arena      *arena;
    const char *file;
    const void *data;
    size_t      n_data;
    void       *handle; /* zip_t */
    ZipMember  *members;
    int         n_members;
} ZipFile;

/* zip points into `data`, which must outlive it. Close it also after an error. */
Error *zip_read_open(Arena *arena, const char *file, const void *data, size_t n_data, ZipFile *out);
void   zip_read_close(ZipFile *zip);
/* Inflates into the arena and checks the member's CRC. */
Error *zip_read_copy(ZipFile *zip, int index, const void **out);

#endif
