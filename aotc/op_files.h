/* Files of custom operators: --op-source, --op-library, --op-schema.
 *
 * In: paths.  Out: texts of sources and libraries for the toolchain, and the operators that their
 * `aotc-op:` lines declare.  docs/custom-operators.md is the user's page. */
#ifndef AOTC_AOTC_OP_FILES_H
#define AOTC_AOTC_OP_FILES_H

#include "emit_c/emit_c.h"
#include "ir/schema.h"

typedef enum OpFileKind { OP_FILE_SOURCE, OP_FILE_LIBRARY, OP_FILE_SCHEMA } OpFileKind;

typedef struct OpFile {
    OpFileKind  kind;
    const char *path;
    const char *text; /* SOURCE, SCHEMA */
    size_t      n;
    bool        is_cuda;   /* SOURCE: .cu */
    bool        is_static; /* LIBRARY: .a */
} OpFile;

typedef struct OpDeclaration {
    const char *schema;
    Where       where; /* file and line */
} OpDeclaration;

typedef struct OpFiles {
    VEC(OpFile) files; /* in the order of the command line */
    VEC(OpDeclaration) declared;
    bool is_read;
} OpFiles;

/* Notes an option's value; nothing is opened. */
void   op_files_add(Arena *arena, OpFiles *ops, OpFileKind kind, const char *path);
/* Reads all of them.  E_IO; E_USAGE for an ending that says nothing; E_FORMAT for a line that
 * declares nothing. */
Error *op_files_read(Arena *arena, OpFiles *ops);
/* Declares the operators to a compile, before the model is read.  E_FORMAT for a schema that does
 * not parse (with its line) or that differs from another one; E_USAGE for an operator of ours. */
Error *op_files_declare(const OpFiles *ops, Ir *ir);
/* The files that have to be compiled beside those of the plan, headers first. */
Error *op_files_sources(Arena *arena, const OpFiles *ops, bool is_cuda, EmitFile **files, int *n);
bool   op_files_have_code(const OpFiles *ops);

#endif
