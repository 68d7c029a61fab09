/* The binary index of a .pt2pkg: what the loader needs before it maps or opens anything else.
 *
 * A package is a zip whose members are all stored; `index.bin` is its first member.  It holds this
 * header, then n_members of aotc_package_member, then the strings that they point to.  All numbers
 * are little endian; `offset` counts from the start of the package file.  In an unpacked directory
 * the same names are files and offsets do not matter. docs/package-format.md is for people. */
#ifndef AOTC_PACKAGE_H
#define AOTC_PACKAGE_H

#include <stddef.h>
#include <stdint.h>

#define AOTC_PACKAGE_MAGIC "AOTCPKG"
#define AOTC_PACKAGE_VERSION 1u

enum {
    AOTC_MEMBER_OTHER = 0,
    AOTC_MEMBER_LIBRARY =
        1, /* lib/<target>/model.so; `target` names the machine, `features` what it needs */
    AOTC_MEMBER_WEIGHTS = 2, /* weights/weights.bin: offset is a multiple of 65536 */
};

/* CPU features that code needs, as bits (x86-64; others 0). */
enum {
    AOTC_CPU_SSE4_2 = 1 << 0,
    AOTC_CPU_AVX = 1 << 1,
    AOTC_CPU_AVX2 = 1 << 2,
    AOTC_CPU_FMA = 1 << 3,
    AOTC_CPU_F16C = 1 << 4,
    AOTC_CPU_BMI2 = 1 << 5,
    AOTC_CPU_AVX512F = 1 << 6,
    AOTC_CPU_AVX512BW = 1 << 7,
    AOTC_CPU_AVX512DQ = 1 << 8,
    AOTC_CPU_AVX512VL = 1 << 9,
    AOTC_CPU_AVX512_BF16 = 1 << 10,
    AOTC_CPU_AVX512_VNNI = 1 << 11,
};

/* A feature that no CPU has: the library runs on a CUDA device (target "cuda"), and inside it are
 * images for several of them. */
#define AOTC_NEEDS_CUDA (1ull << 63)

typedef struct aotc_package_header {
    char     magic[8]; /* AOTC_PACKAGE_MAGIC with its NUL */
    uint32_t version;
    uint32_t n_members;
    uint32_t member_bytes;  /* size of one aotc_package_member: later versions may be longer */
    uint32_t string_bytes;  /* behind the members */
    uint64_t package_bytes; /* of the whole file */
    uint8_t  sha256[32];    /* of members and strings */
} aotc_package_header;

typedef struct aotc_package_member {
    uint32_t kind;
    uint32_t name;     /* offset in the strings, NUL-terminated */
    uint32_t target;   /* LIBRARY: offset in the strings: "x86-64-v3" */
    uint32_t machine;  /* LIBRARY: ELF e_machine: 62 x86-64, 183 aarch64 */
    uint64_t features; /* LIBRARY: AOTC_CPU bits, and AOTC_NEEDS_CUDA */
    uint64_t offset, size_bytes;
    uint8_t  sha256[32];
} aotc_package_member;

#ifdef __STDC_VERSION__
_Static_assert(sizeof(aotc_package_header) == 64, "packages in the field have this layout");
_Static_assert(sizeof(aotc_package_member) == 72, "packages in the field have this layout");
#endif

#endif
