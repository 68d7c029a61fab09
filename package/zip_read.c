/* See zip_read.h.  Source of the layout: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3 and 4.5.3
 * (zip64). */
#include "package/zip_read.h"

#include <string.h>
#include <zip.h>

enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR64_BYTES = 20,
    CENTRAL_BYTES = 46,
    LOCAL_BYTES = 30,
    MAX_COMMENT = 65535,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    FLAG_ENCRYPTED = 1,
    DEFLATE_RATIO =
        1032, /* most that deflate can shrink: a larger claim is a lie about memory to allocate */
};
static const uint32_t end_magic = 0x06054b50, end64_magic = 0x06064b50,
                      locator64_magic = 0x07064b50, central_magic = 0x02014b50,
                      local_magic = 0x04034b50;

static uint64_t get(const unsigned char *p, int n)
{
    uint64_t value = 0;
    while (n--)
        value = value << 8 | p[n];
    return value;
}

typedef struct Directory {
    uint64_t n_members, offset, n_bytes;
} Directory;

static Error *damaged(const ZipFile *zip, const char *what)
{
    return error_new(zip->arena, E_FORMAT, (Where){.file = zip->file},
                     "the zip archive is damaged: %s", what);
}

/* n bytes at offset lie in the file. */
static bool inside(const ZipFile *zip, uint64_t offset, uint64_t n)
{
    return offset <= zip->n_data && n <= zip->n_data - offset;
}

static Error *read_end64(const ZipFile *zip, const unsigned char *data, size_t end, Directory *out)
{
    if (end < LOCATOR64_BYTES || get(data + end - LOCATOR64_BYTES, 4) != locator64_magic)
        return NULL;
    uint64_t at = get(data + end - LOCATOR64_BYTES + 8, 8);
    if (!inside(zip, at, END64_BYTES) || get(data + at, 4) != end64_magic)
        return damaged(zip, "the zip64 end record is not where it should be");
    *out = (Directory){get(data + at + 32, 8), get(data + at + 48, 8), get(data + at + 40, 8)};
    return NULL;
}

static Error *read_end(const ZipFile *zip, Directory *out)
{
    const unsigned char *data = zip->data;
    if (zip->n_data < END_BYTES)
        return damaged(zip, "it is too short");
    size_t last = zip->n_data - END_BYTES, first = last > MAX_COMMENT ? last - MAX_COMMENT : 0;
    for (size_t end = last + 1; end-- > first;) {
        if (get(data + end, 4) != end_magic)
            continue;
        *out =
            (Directory){get(data + end + 10, 2), get(data + end + 16, 4), get(data + end + 12, 4)};
        TRY(read_end64(zip, data, end, out));
        if (!inside(zip, out->offset, out->n_bytes) ||
            out->n_members > out->n_bytes / CENTRAL_BYTES)
            return damaged(zip, "the directory lies outside of the file");
        return NULL;
    }
    return damaged(zip, "it has no end record; the file may be truncated");
}

/* 64-bit values stand in an extra field, in this order, for those that are all ones in the record.
 */
static Error *read_extra64(const ZipFile *zip, const unsigned char *extra, size_t n,
                           uint64_t *const *values, int n_values)
{
    for (size_t at = 0; at + 4 <= n;) {
        size_t id = get(extra + at, 2), size = get(extra + at + 2, 2), used = 0;
        if (size > n - at - 4)
            break;
        for (int i = 0; id == 1 && i < n_values; i++) {
            if (*values[i] != UINT32_MAX)
                continue;
            if (used + 8 > size)
                return damaged(zip, "a zip64 field is too short");
            *values[i] = get(extra + at + 4 + used, 8);
            used += 8;
        }
        at += 4 + size;
    }
    return NULL;
}

/* The local header repeats the name and has an extra field of its own length. */
static Error *find_data(const ZipFile *zip, uint64_t header, ZipMember *member)
{
    const unsigned char *data = zip->data;
    if (!inside(zip, header, LOCAL_BYTES) || get(data + header, 4) != local_magic)
        return damaged(zip, "a member has no local header");
    member->offset = header + LOCAL_BYTES + get(data + header + 26, 2) + get(data + header + 28, 2);
    if (!inside(zip, member->offset, member->packed_bytes))
        return damaged(zip, "a member lies outside of the file");
    return NULL;
}

static Error *check_method(const ZipFile *zip, const ZipMember *member, uint64_t flags,
                           uint64_t method)
{
    Where where = {.file = zip->file, .path = member->name};
    if (flags & FLAG_ENCRYPTED)
        return error_new(zip->arena, E_UNSUPPORTED, where, "the member is encrypted");
    if (method != METHOD_STORED && method != METHOD_DEFLATED)
        return error_new(zip->arena, E_UNSUPPORTED, where, "compression method %llu",
                         (unsigned long long)method);
    if (method == METHOD_STORED ? member->packed_bytes != member->size_bytes
                                : member->size_bytes / DEFLATE_RATIO > member->packed_bytes)
        return damaged(zip, "the sizes of a member do not agree");
    return NULL;
}

/* One central record at *at, which moves on. */
static Error *read_record(const ZipFile *zip, uint64_t *at, uint64_t end, ZipMember *out)
{
    const unsigned char *p = (const unsigned char *)zip->data + *at;
    if (end - *at < CENTRAL_BYTES || get(p, 4) != central_magic)
        return damaged(zip, "a record of the directory is broken");
    uint64_t n_name = get(p + 28, 2), n_extra = get(p + 30, 2), n_comment = get(p + 32, 2),
             header = get(p + 42, 4);
    if (end - *at - CENTRAL_BYTES < n_name + n_extra + n_comment ||
        memchr(p + CENTRAL_BYTES, 0, n_name))
        return damaged(zip, "a record of the directory is broken");
    *out = (ZipMember){.name = arena_strndup(zip->arena, (const char *)p + CENTRAL_BYTES, n_name),
                       .packed_bytes = get(p + 20, 4),
                       .size_bytes = get(p + 24, 4),
                       .is_stored = get(p + 10, 2) == METHOD_STORED};
    uint64_t *values[] = {&out->size_bytes, &out->packed_bytes, &header};
    TRY(read_extra64(zip, p + CENTRAL_BYTES + n_name, n_extra, values, 3));
    TRY(check_method(zip, out, get(p + 8, 2), get(p + 10, 2)));
    *at += CENTRAL_BYTES + n_name + n_extra + n_comment;
    return find_data(zip, header, out);
}

/* libzip and this file must have read the same directory: what one checks must be what the other
 * reads. */
static Error *compare_with_libzip(const ZipFile *zip)
{
    zip_stat_t stat;
    if (zip_get_num_entries(zip->handle, 0) != zip->n_members)
        return damaged(zip, "two directories");
    for (int i = 0; i < zip->n_members; i++) {
        zip_stat_init(&stat);
        if (zip_stat_index(zip->handle, (zip_uint64_t)i, ZIP_FL_ENC_RAW, &stat) ||
            strcmp(stat.name, zip->members[i].name) || stat.size != zip->members[i].size_bytes)
            return damaged(zip, "two directories");
    }
    return NULL;
}

static Error *open_libzip(ZipFile *zip)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(zip->data, zip->n_data, 0, &error);
    zip->handle = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!zip->handle && source)
        zip_source_free(source);
    const char *text = zip->handle ? NULL : arena_strdup(zip->arena, zip_error_strerror(&error));
    zip_error_fini(&error);
    return text ? damaged(zip, text) : NULL;
}

Error *zip_read_open(Arena *arena, const char *file, const void *data, size_t n_data, ZipFile *out)
{
    Directory directory = {0};
    *out = (ZipFile){.arena = arena, .file = file, .data = data, .n_data = n_data};
    TRY(read_end(out, &directory));
    out->members = ARENA_ARRAY(arena, ZipMember, directory.n_members + 1);
    uint64_t at = directory.offset;
    for (uint64_t i = 0; i < directory.n_members; i++)
        TRY(read_record(out, &at, directory.offset + directory.n_bytes,
                        &out->members[out->n_members++]));
    TRY(open_libzip(out));
    return compare_with_libzip(out);
}

void zip_read_close(ZipFile *zip)
{
    if (zip->handle)
        zip_discard(zip->handle);
    zip->handle = NULL;
}

Error *zip_read_copy(ZipFile *zip, int index, const void **out)
{
    const ZipMember *member = &zip->members[index];
    char            *copy = arena_alloc(zip->arena, member->size_bytes + 1);
    zip_file_t      *file = zip_fopen_index(zip->handle, (zip_uint64_t)index, 0);
    zip_int64_t      n = file ? zip_fread(file, copy, member->size_bytes) : -1;
    char             extra;
    /* the CRC is checked when the end is read */
    bool is_good = n >= 0 && (uint64_t)n == member->size_bytes && zip_fread(file, &extra, 1) == 0;
    if (file)
        zip_fclose(file);
    if (!is_good)
        return error_new(zip->arena, E_FORMAT, (Where){.file = zip->file, .path = member->name},
                         "the member cannot be read: its checksum or size is wrong");
    *out = copy;
    return NULL;
}
