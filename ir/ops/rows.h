/* Short forms of rows: schema first, then what its kind asks for (ir/ops.h), then other fields. */
#ifndef AOTC_IR_OPS_ROWS_H
#define AOTC_IR_OPS_ROWS_H

#include "ir/ops.h"

#define BODY(text, promotion, body_text, ...)                                                      \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_##promotion, .body = body_text,   \
        __VA_ARGS__                                                                                \
    }
#define BODY_INFER(text, promotion, infer_fn, body_text, ...)                                      \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_##promotion, .infer = infer_fn,   \
        .body = body_text, __VA_ARGS__                                                             \
    }
#define BODY_FN(text, promotion, infer_fn, fn, ...)                                                \
    {                                                                                              \
        .schema = text, .kind = OP_POINTWISE, .promote = PROMOTE_##promotion, .infer = infer_fn,   \
        .body_fn = fn, __VA_ARGS__                                                                 \
    }
#define EXPAND(text, expansion, ...)                                                               \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand = expansion, __VA_ARGS__                     \
    }
#define EXPAND_FN(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }
#define INDEXED(text, infer_fn, element_fn, ...)                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_INDEXED, .infer = infer_fn, .element = element_fn, __VA_ARGS__  \
    }
#define VIEW(text, infer_fn, view_fn, ...)                                                         \
    {                                                                                              \
        .schema = text, .kind = OP_VIEW, .infer = infer_fn, .view = view_fn, __VA_ARGS__           \
    }
#define TEMPLATE(text, which, infer_fn, ...)                                                       \
    {                                                                                              \
        .schema = text, .kind = OP_TEMPLATE, .infer = infer_fn, .template_kind = which,            \
        __VA_ARGS__                                                                                \
    }

#endif
