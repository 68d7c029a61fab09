/* See write.h.  Layout of the file:
 *
 *   index.bin   (offsets of all others; written last, its size is known first)
 *   members in the order of their names, data at multiples of 64 (weights: 65536), by padding in
 * the extra field central directory, zip64 records where a number needs them */
#include "package/write.h"

#include "abi/aotc_package.h"
#include "abi/sha256.h"
#include "ir/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* 1980-01-01, the first date that a zip can say */
#define ZIP_DATE ((1 << 5) | 1)
#define ZIP_VERSION_ZIP64 45
#define WEIGHTS_ALIGN 65536
#define MEMBER_ALIGN 64
/* most that the end record of a zip counts without its 64-bit twin */
#define MAX_ZIP_MEMBERS 65534
/* Extra field "FB", as PyTorch's own archives pad: readers skip fields that they do not know. */
#define EXTRA_PADDING 0x4246
/* An extra field has at most 65535 bytes, and two headers in it. */
#define MAX_PADDING (65535 - 4 - 20)

typedef struct Out {
    FILE       *file;
    uint64_t    at;
    Arena      *arena;
    const char *path; /* as the caller names it */
    Error      *error;
} Out;

typedef struct Entry {
    PackageMember member;
    uint64_t      header, data; /* offsets */
    uint64_t      padding;
    uint32_t      crc;
    uint8_t       sha256[32];
} Entry;

static Error *io_error(Arena *arena, const char *path, const char *what)
{
    return error_new(arena, E_IO, (Where){.file = path}, "cannot %s the package: %s", what,
                     strerror(errno));
}

static void put(Out *o, const void *data, size_t n)
{
    if (o->error || !n)
        return;
    if (fwrite(data, 1, n, o->file) != n)
        o->error = io_error(o->arena, o->path, "write");
    o->at += n;
}

static void put16(Out *o, uint32_t v)
{
    uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    put(o, b, 2);
}

static void put32(Out *o, uint32_t v)
{
    put16(o, v & 0xffff);
    put16(o, v >> 16);
}

static void put64(Out *o, uint64_t v)
{
    put32(o, (uint32_t)v);
    put32(o, (uint32_t)(v >> 32));
}

static void put_zeros(Out *o, uint64_t n)
{
    static const uint8_t zeros[4096];
    for (; n && !o->error; n -= n < sizeof zeros ? n : sizeof zeros)
        put(o, zeros, n < sizeof zeros ? (size_t)n : sizeof zeros);
}

static int is_big(const Entry *e)
{
    return e->member.size_bytes >= 0xffffffffu || e->header >= 0xffffffffu;
}

/* Where header and data of the next member go, from the offset at hand. */
static void place(Entry *e, uint64_t at)
{
    uint64_t align = e->member.kind == AOTC_MEMBER_WEIGHTS ? WEIGHTS_ALIGN : MEMBER_ALIGN;
    e->header = at;
    uint64_t start = at + 30 + strlen(e->member.name) + (is_big(e) ? 20 : 0) + 4;
    e->data = (start + align - 1) / align * align;
    e->padding = e->data - start;
}

static void put_local_header(Out *o, const Entry *e)
{
    size_t name = strlen(e->member.name);
    put32(o, 0x04034b50);
    put16(o, is_big(e) ? ZIP_VERSION_ZIP64 : 20);
    put16(o, 0x800); /* names are UTF-8 */
    put16(o, 0);     /* stored */
    put16(o, 0);
    put16(o, ZIP_DATE);
    put32(o, e->crc);
    put32(o, is_big(e) ? 0xffffffffu : (uint32_t)e->member.size_bytes);
    put32(o, is_big(e) ? 0xffffffffu : (uint32_t)e->member.size_bytes);
    put16(o, (uint32_t)name);
    put16(o, (uint32_t)(e->padding + 4 + (is_big(e) ? 20 : 0)));
    put(o, e->member.name, name);
    if (is_big(e)) {
        put16(o, 1);
        put16(o, 16);
        put64(o, e->member.size_bytes);
        put64(o, e->member.size_bytes);
    }
    put16(o, EXTRA_PADDING);
    put16(o, (uint32_t)e->padding);
    put_zeros(o, e->padding);
}

static void put_central_entry(Out *o, const Entry *e)
{
    int big = is_big(e);
    put32(o, 0x02014b50);
    put16(o, ZIP_VERSION_ZIP64);
    put16(o, big ? ZIP_VERSION_ZIP64 : 20);
    put16(o, 0x800);
    put16(o, 0);
    put16(o, 0);
    put16(o, ZIP_DATE);
    put32(o, e->crc);
    put32(o, big ? 0xffffffffu : (uint32_t)e->member.size_bytes);
    put32(o, big ? 0xffffffffu : (uint32_t)e->member.size_bytes);
    put16(o, (uint32_t)strlen(e->member.name));
    put16(o, big ? 28 : 0);
    put16(o, 0);
    put16(o, 0);
    put16(o, 0);
    put32(o, 0);
    put32(o, big ? 0xffffffffu : (uint32_t)e->header);
    put(o, e->member.name, strlen(e->member.name));
    if (big) {
        put16(o, 1);
        put16(o, 24);
        put64(o, e->member.size_bytes);
        put64(o, e->member.size_bytes);
        put64(o, e->header);
    }
}

static void put_end(Out *o, uint64_t start, int n)
{
    uint64_t size = o->at - start, at = o->at;
    if (start >= 0xffffffffu) {
        put32(o, 0x06064b50);
        put64(o, 44);
        put16(o, ZIP_VERSION_ZIP64);
        put16(o, ZIP_VERSION_ZIP64);
        put32(o, 0);
        put32(o, 0);
        put64(o, (uint64_t)n);
        put64(o, (uint64_t)n);
        put64(o, size);
        put64(o, start);
        put32(o, 0x07064b50);
        put32(o, 0);
        put64(o, at);
        put32(o, 1);
    }
    put32(o, 0x06054b50);
    put16(o, 0);
    put16(o, 0);
    put16(o, (uint32_t)n);
    put16(o, (uint32_t)n);
    put32(o, (uint32_t)size);
    put32(o, start >= 0xffffffffu ? 0xffffffffu : (uint32_t)start);
    put16(o, 0);
}

static uint64_t central_bytes(const Entry *entries, int n)
{
    uint64_t size = 22;
    for (int i = 0; i < n; i++)
        size += 46 + strlen(entries[i].member.name) + (is_big(&entries[i]) ? 28 : 0);
    return size;
}

/* ---- contents -------------------------------------------------------------------------------- */

typedef void (*Sink)(void *cx, const void *data, size_t n);

/* The weights in order, zeros between the pieces. */
static void each_weight_byte(const PackageSpec *spec, Sink sink, void *cx)
{
    static const uint8_t zeros[4096];
    uint64_t             at = 0;
    for (int i = 0; i <= spec->n_weights; i++) {
        uint64_t to = i < spec->n_weights ? spec->weights[i].offset : spec->weights_bytes;
        while (at < to) {
            size_t n = to - at < sizeof zeros ? (size_t)(to - at) : sizeof zeros;
            sink(cx, zeros, n);
            at += n;
        }
        if (i < spec->n_weights) {
            sink(cx, spec->weights[i].data, (size_t)spec->weights[i].size_bytes);
            at += spec->weights[i].size_bytes;
        }
    }
}

typedef struct Sums {
    uint32_t    crc;
    aotc_sha256 sha;
} Sums;

static void sum_bytes(void *cx, const void *data, size_t n)
{
    Sums *s = cx;
    s->crc = (uint32_t)crc32_z(s->crc, data, n);
    aotc_sha256_add(&s->sha, data, n);
}

static void put_bytes(void *cx, const void *data, size_t n)
{
    put(cx, data, n);
}

static void each_byte(const PackageSpec *spec, const Entry *e, Sink sink, void *cx)
{
    if (e->member.kind == AOTC_MEMBER_WEIGHTS)
        each_weight_byte(spec, sink, cx);
    else
        sink(cx, e->member.data, e->member.size_bytes);
}

static void sum_entry(const PackageSpec *spec, Entry *e)
{
    Sums s = {.crc = (uint32_t)crc32_z(0, NULL, 0)};
    aotc_sha256_start(&s.sha);
    each_byte(spec, e, sum_bytes, &s);
    e->crc = s.crc;
    aotc_sha256_end(&s.sha, e->sha256);
}

/* ---- the index ------------------------------------------------------------------------------- */

static size_t index_bytes(const Entry *entries, int n)
{
    size_t size = sizeof(aotc_package_header) + 1;
    for (int i = 1; i < n; i++)
        size += sizeof(aotc_package_member) + strlen(entries[i].member.name) + 1 +
                (entries[i].member.target ? strlen(entries[i].member.target) + 1 : 0);
    return size;
}

static uint32_t add_string(char *strings, uint32_t *used, const char *s)
{
    uint32_t at = *used;
    if (!s)
        return 0; /* the empty string */
    memcpy(strings + at, s, strlen(s) + 1);
    *used += (uint32_t)strlen(s) + 1;
    return at;
}

/* entries[0] is the index itself and not in it. */
static void fill_index(Entry *entries, int n, uint64_t package_bytes)
{
    char                *data = (char *)entries[0].member.data;
    aotc_package_header *h = (aotc_package_header *)data;
    aotc_package_member *m = (aotc_package_member *)(data + sizeof *h);
    char                *strings = (char *)(m + (n - 1));
    uint32_t             used = 1;
    memcpy(h->magic, AOTC_PACKAGE_MAGIC, sizeof AOTC_PACKAGE_MAGIC);
    h->version = AOTC_PACKAGE_VERSION;
    h->n_members = (uint32_t)(n - 1);
    h->member_bytes = sizeof *m;
    h->package_bytes = package_bytes;
    for (int i = 1; i < n; i++, m++) {
        const PackageMember *p = &entries[i].member;
        m->kind = p->kind;
        m->name = add_string(strings, &used, p->name);
        m->target = add_string(strings, &used, p->target);
        m->machine = p->machine;
        m->features = p->features;
        m->offset = entries[i].data;
        m->size_bytes = p->size_bytes;
        memcpy(m->sha256, entries[i].sha256, 32);
    }
    h->string_bytes = used;
    aotc_sha256_of(data + sizeof *h, entries[0].member.size_bytes - sizeof *h, h->sha256);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Entry *)a)->member.name, ((const Entry *)b)->member.name);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* What unpacking may not be trusted with: absolute names, "..", backslashes, control characters. */
static bool is_safe_name(const char *name)
{
    if (!name || !*name || *name == '/' || strlen(name) > 1024)
        return false;
    for (const char *s = name; *s; s++) {
        if ((unsigned char)*s < 32 || *s == '\\' || *s == ':')
            return false;
        bool starts = s == name || s[-1] == '/';
        if (starts && (*s == '/' || (s[0] == '.' && (s[1] == '/' || !s[1] ||
                                                     (s[1] == '.' && (s[2] == '/' || !s[2]))))))
            return false;
    }
    return name[strlen(name) - 1] != '/';
}

static Error *check_spec(Arena *arena, const PackageSpec *spec)
{
    uint64_t at = 0;
    if (spec->n_members + 2 > MAX_ZIP_MEMBERS)
        return error_new(arena, E_LIMIT, (Where){0}, "a package of %d members", spec->n_members);
    for (int i = 0; i < spec->n_members; i++) {
        const PackageMember *m = &spec->members[i];
        if (!is_safe_name(m->name))
            return error_new(arena, E_VALUE, (Where){0},
                             "\"%s\" is no name for a member of a package", m->name ? m->name : "");
        if (m->kind == AOTC_MEMBER_WEIGHTS)
            return error_new(arena, E_VALUE, (Where){0},
                             "the weights are given as pieces, not as member %s", m->name);
    }
    for (int i = 0; i < spec->n_weights; i++) {
        const WeightPiece *w = &spec->weights[i];
        if (w->offset < at || w->offset > spec->weights_bytes ||
            w->size_bytes > spec->weights_bytes - w->offset)
            return error_new(arena, E_INTERNAL, (Where){0},
                             "piece %d of the weights overlaps another or lies outside", i);
        at = w->offset + w->size_bytes;
    }
    return NULL;
}

/* entries[0] is the index, the others are sorted by name. */
static Error *list_entries(Arena *arena, const PackageSpec *spec, Entry *entries, int n)
{
    for (int i = 0; i < spec->n_members; i++)
        entries[1 + i].member = spec->members[i];
    if (spec->weights_bytes)
        entries[n - 1].member = (PackageMember){.name = "weights/weights.bin",
                                                .size_bytes = spec->weights_bytes,
                                                .kind = AOTC_MEMBER_WEIGHTS};
    qsort(entries + 1, (size_t)n - 1, sizeof *entries, by_name);
    for (int i = 1; i < n; i++)
        if (!strcmp(entries[i].member.name, i > 1 ? entries[i - 1].member.name : "index.bin") ||
            !strcmp(entries[i].member.name, "index.bin"))
            return error_new(arena, E_VALUE, (Where){0}, "a package with two members %s",
                             entries[i].member.name);
    size_t size = index_bytes(entries, n);
    entries[0].member =
        (PackageMember){.name = "index.bin", .data = arena_alloc(arena, size), .size_bytes = size};
    return NULL;
}

/* The offset behind the last member. */
static uint64_t place_entries(Entry *entries, int n)
{
    uint64_t at = 0;
    for (int i = 0; i < n; i++) {
        place(&entries[i], at);
        if (entries[i].padding > MAX_PADDING) { /* a gap before the header takes the rest */
            at += 1024;
            place(&entries[i], at);
        }
        at = entries[i].data + entries[i].member.size_bytes;
    }
    return at;
}

static Error *write_all(Out *o, const PackageSpec *spec)
{
    int    n = spec->n_members + 1 + (spec->weights_bytes > 0);
    Entry *entries = ARENA_ARRAY(o->arena, Entry, n);
    TRY(list_entries(o->arena, spec, entries, n));
    uint64_t end = place_entries(entries, n);
    for (int i = 1; i < n; i++)
        sum_entry(spec, &entries[i]);
    fill_index(entries, n, end + central_bytes(entries, n) + (end >= 0xffffffffu ? 76 : 0));
    sum_entry(spec, &entries[0]);
    for (int i = 0; i < n && !o->error; i++) {
        put_zeros(o, entries[i].header - o->at);
        put_local_header(o, &entries[i]);
        each_byte(spec, &entries[i], put_bytes, o);
    }
    uint64_t start = o->at;
    for (int i = 0; i < n; i++)
        put_central_entry(o, &entries[i]);
    put_end(o, start, n);
    return o->error;
}

/* A new file beside `path`, with the rights that open() gives. */
static FILE *open_temporary(Arena *arena, const char *path, const char **name)
{
    for (int i = 0; i < 100; i++) {
        *name = arena_printf(arena, "%s.%ld.%d.tmp", path, (long)getpid(), i);
        int fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno == EEXIST)
            continue;
        FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
        if (fd >= 0 && !file) {
            close(fd);
            unlink(*name);
        }
        return file;
    }
    return NULL;
}

Error *package_write(Arena *arena, const char *path, const PackageSpec *spec)
{
    const char *name = NULL;
    Out         o = {.arena = arena, .path = path};
    TRY(check_spec(arena, spec));
    o.file = open_temporary(arena, path, &name);
    if (!o.file)
        return io_error(arena, path, "create");
    Error *error = write_all(&o, spec);
    if (fclose(o.file) && !error)
        error = io_error(arena, path, "write");
    if (!error && rename(name, path))
        error = io_error(arena, path, "rename");
    if (error)
        unlink(name);
    return error;
}

/* windowBits 15 + 16: a gzip header, with date and name left zero (zlib manual, deflateInit2). */
Error *package_gzip(Arena *arena, const void *data, size_t size_bytes, const void **out,
                    size_t *out_bytes)
{
    z_stream z = {0};
    if (size_bytes > UINT32_MAX ||
        deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return error_new(arena, E_LIMIT, (Where){0}, "cannot compress %zu bytes", size_bytes);
    uLong bound = deflateBound(&z, (uLong)size_bytes);
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)size_bytes;
    z.next_out = arena_alloc(arena, bound);
    z.avail_out = (uInt)bound;
    *out = z.next_out;
    int rc = deflate(&z, Z_FINISH);
    *out_bytes = z.total_out;
    deflateEnd(&z);
    return rc == Z_STREAM_END ? NULL : error_new(arena, E_INTERNAL, (Where){0}, "zlib: %d", rc);
}
