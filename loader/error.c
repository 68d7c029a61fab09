/* Texts of errors. */
#include "loader/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

aotc_status error_set(aotc_error *error, aotc_status status, const char *format, ...)
{
    if (error && error->struct_size >= offsetof(aotc_error, node)) {
        va_list args;
        va_start(args, format);
        vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
        error->status = status;
    }
    return status;
}

void error_clear(aotc_error *error)
{
    if (!error || error->struct_size < sizeof *error)
        return;
    uint32_t size = error->struct_size;
    memset(error, 0, sizeof *error);
    error->struct_size = size;
}

const char *aotc_status_name(aotc_status status)
{
    static const char *const names[] = {"AOTC_OK",       "AOTC_E_ARGUMENT",   "AOTC_E_IO",
                                        "AOTC_E_FORMAT", "AOTC_E_VERSION",    "AOTC_E_TARGET",
                                        "AOTC_E_GUARD",  "AOTC_E_MEMORY",     "AOTC_E_ASSERT",
                                        "AOTC_E_DEVICE", "AOTC_E_UNSUPPORTED"};
    return (unsigned)status < sizeof names / sizeof *names ? names[status] : "unknown status";
}

const char *aotc_version(void)
{
    return "0.1";
}
