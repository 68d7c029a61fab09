/* Names, layouts and bytes of the constants of an export.
 *
 * In: payload configs of a .pt2 archive, or safetensors files.  Out: ImportConstants and
 * ImportStorages whose elements all lie inside their bytes: a corrupt file is refused here, not
 * read out of bounds later.  Bytes are borrowed. */
#ifndef AOTC_PACKAGE_WEIGHTS_H
#define AOTC_PACKAGE_WEIGHTS_H

#include "ir/base/error.h"
#include "ir/base/import_source.h"

#include <jansson.h>

typedef struct WeightTable {
    Arena  *arena;
    json_t *by_fqn;     /* fqn to index in constants */
    json_t *by_storage; /* member to index in storages */
    VEC(ImportConstant) constants;
    VEC(ImportStorage) storages;
} WeightTable;

/* Gives the bytes of a member ("data/weights/weight_0"); *data NULL when there is none. */
typedef Error *(*WeightBytes)(void *cx, const char *member, const void **data, size_t *bytes);

void weights_init(WeightTable *table, Arena *arena);
void weights_free(WeightTable *table); /* the index only: constants are the arena's */

/* A payload config: {"config": {FQN: {path_name, is_param, use_pickle, tensor_meta}}}. folder is
 * where its payloads are, "data/weights".  Names that the table has already are skipped: what came
 * first wins. */
Error *weights_add_config(WeightTable *table, Where where, const char *json, size_t n_json,
                          const char *folder, WeightBytes bytes, void *cx);
/* A safetensors file in memory. */
Error *weights_add_safetensors(WeightTable *table, Where where, const void *data, size_t n_data);

/* True when all elements of a strided view lie in n_bytes; sizes, strides and offset in elements.
 */
bool weights_fit(const int64_t *sizes, const int64_t *strides, int rank, int64_t offset,
                 int64_t item_bytes, size_t n_bytes);

#endif
