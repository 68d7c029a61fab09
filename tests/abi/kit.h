/* What the tests of the interface share: packages made from the hand-written model, tensors,
 * allocation hooks. */
#ifndef AOTC_TESTS_ABI_KIT_H
#define AOTC_TESTS_ABI_KIT_H

#include "abi/aotc.h"
#include "abi/aotc_package.h"
#include "package/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__has_feature)
#define KIT_HAS(feature) __has_feature(feature)
#else
#define KIT_HAS(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || KIT_HAS(thread_sanitizer)
#define KIT_THREAD_SANITIZED 1
#else
#define KIT_THREAD_SANITIZED 0
#endif
#if defined(__SANITIZE_ADDRESS__) || KIT_HAS(address_sanitizer)
#define KIT_SANITIZED 1
#else
#define KIT_SANITIZED KIT_THREAD_SANITIZED
#endif

/* Paths: model.c built as it is, built with -DMODEL_SCALE=3, and a folder for files of the test. */
extern const char *kit_model, *kit_second, *kit_folder;

/* Each runs one group and returns the number of failures. */
int run_package_cases(void);
int run_hostile_cases(void);
int run_table_cases(void);
int run_run_cases(void);
int run_layout_cases(void);
int run_memory_cases(void);
int run_thread_cases(void);

/* ---- files and packages ---------------------------------------------------------------------- */
typedef struct Bytes {
    unsigned char *data; /* 64-byte aligned, from malloc */
    size_t         n;
} Bytes;

const char *kit_path(const char *name); /* in the folder; one of a few static buffers */
Bytes       kit_read(const char *path);
void        kit_write(const char *path, const void *data, size_t n);

/* A package of the model: members lib/native/model.so, manifest.json and weights with bias {1, 2,
 * 3, 4}, counter 0. change, when given, edits the specification before it is written. */
typedef struct KitSpec {
    PackageMember members[8];
    WeightPiece   weights[4];
    PackageSpec   spec;
} KitSpec;
const char *kit_pack(const char *name, const char *so, void (*change)(KitSpec *));

/* A context of an entry of the first model; closes the package and releases the model right away.
 */
aotc_context *kit_context(const char *entry, const aotc_context_options *options);
aotc_context *kit_context_of(const char *path, const char *entry,
                             const aotc_context_options *options);

/* ---- tensors --------------------------------------------------------------------------------- */
DLTensor kit_tensor(void *data, int code, int bits, int ndim, int64_t *shape);
#define KIT_F32(data, ...)                                                                         \
    kit_tensor(data, kDLFloat, 32, (int)(sizeof((int64_t[]){__VA_ARGS__}) / 8),                    \
               (int64_t[]){__VA_ARGS__})
#define KIT_NUMBER(data, code, bits) kit_tensor(data, code, bits, 0, NULL)

/* Runs and expects that status and that part of the text. */
void kit_run(aotc_context *c, const DLTensor *in, int n_in, DLTensor *out, int n_out);
void kit_run_fails(aotc_context *c, const DLTensor *in, int n_in, DLTensor *out, int n_out,
                   aotc_status status, const char *text);
void kit_expect(aotc_status got, const aotc_error *error, aotc_status want, const char *text);

/* ---- allocations of the loader (linked with -Wl,--wrap=malloc,... ) -------------------------- */
extern int  kit_fail_at;  /* that allocation from now on fails; -1: none */
extern int  kit_n_allocs; /* since it was set to 0 */
extern long kit_n_live;   /* allocations minus releases */
extern bool kit_fail_threads;

/* A caller's allocator that counts. */
typedef struct Counting {
    int    n_allocs, fail_at;
    size_t live_bytes;
} Counting;
aotc_allocator kit_counting(Counting *counting);

#endif
