/* What the importer is given: the text of an export and the bytes of its constants, as plain data.
 *
 * package/ fills it from an archive, ir/import.c reads it: neither knows the other. */
#ifndef AOTC_IR_BASE_IMPORT_SOURCE_H
#define AOTC_IR_BASE_IMPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raw bytes of one storage; tensors are views of them. Borrowed: lives as long as the archive is
 * open. */
typedef struct ImportStorage {
    const void *data; /* never NULL, also when size_bytes is 0 */
    size_t      size_bytes;
    const char *member; /* "data/weights/weight_3" */
} ImportStorage;

/* One named tensor. The reader has checked that all its elements lie inside its storage. */
typedef struct ImportConstant {
    const char    *fqn;   /* "encoder.layer.0.weight" */
    int64_t        dtype; /* ScalarType of the export schema: 7 is f32 */
    int            rank;
    const int64_t *sizes, *strides; /* elements */
    int64_t        offset;          /* elements, of the first one in the storage */
    int            storage;         /* index in ImportSource.storages */
    bool           is_param;
    const char *refused; /* not NULL: it cannot be read, and why ("is pickled: …"); no bytes then */
} ImportConstant;

typedef struct ImportSource {
    const char           *file;   /* "mlp.pt2" */
    const char           *member; /* "models/model.json"; NULL when the file is the JSON itself */
    const char           *model;  /* "model": name of the graph; may be NULL */
    const char           *json;
    size_t                json_bytes;
    const ImportConstant *constants;
    int                   n_constants;
    const ImportStorage  *storages;
    int                   n_storages;
} ImportSource;

#endif
