// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

// The text may quote a stranger, and may be cut inside a character: it must not drive the terminal
// it is printed on, and must stay UTF-8, or no JSON can carry it.
static void text_clean(char *text) {
    size_t size = strlen(text);
    uint8_t *at = (uint8_t *)text;
    for (size_t i = 0; i < size; i++) {
        if (at[i] < ' ' || at[i] == 0x7f) at[i] = '?';
        if (at[i] == 0xc2 && at[i + 1] >= 0x80 && at[i + 1] < 0xa0) at[i] = at[i + 1] = '?';
    }
    for (size_t i = assay_utf8_prefix(at, size); i < size; i += assay_utf8_prefix(at + i, size - i))
        at[i++] = '?';
}

static void text_set(assay_error *err, assay_status status, uint32_t reject, const char *format,
                     va_list args) {
    err->status = status;
    err->reject = reject;
    vsnprintf(err->text, sizeof err->text, format, args);
    text_clean(err->text);
}

assay_status assay_fail(assay_error *err, assay_status status, uint32_t reject, const char *format,
                        ...) {
    if (err) {
        va_list args;
        va_start(args, format);
        text_set(err, status, reject, format, args);
        va_end(args);
    }
    return status;
}

static assay_status errno_status(int error_number) {
    switch (error_number) {
    case ENOMEM:
        return ASSAY_MEMORY;
    case ENOENT:
        return ASSAY_NOT_FOUND;
    case EEXIST:
        return ASSAY_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ASSAY_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: // the file may not grow further
        return ASSAY_DISK_FULL;
    case EBUSY:
    case EAGAIN:
    case EADDRINUSE:
        return ASSAY_BUSY;
    case ETIMEDOUT:
        return ASSAY_TIMEOUT;
    default:
        return ASSAY_IO;
    }
}

assay_status assay_fail_in(assay_error *err, assay_status status, const char *what) {
    if (status == ASSAY_OK || !err) return status;
    const assay_error inner = *err;
    return assay_fail(err, status, inner.reject, "%s: %s", what, inner.text);
}

assay_status assay_fail_errno(assay_error *err, int error_number, const char *format, ...) {
    assay_status status = errno_status(error_number);
    if (!err) return status;
    va_list args;
    va_start(args, format);
    text_set(err, status, 0, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    char reason[64];
    const char *message = strerror_r(error_number, reason, sizeof reason);
    snprintf(err->text + used, sizeof err->text - used, ": %s", message);
    return status;
}

assay_status assay_error_pass(assay_error *err, const assay_error *why) {
    ASSAY_ASSERT(why->status != ASSAY_OK);
    if (err) *err = *why;
    return why->status;
}

const char *assay_status_name(assay_status status) {
    switch (status) {
#define X(name, number)                                                                            \
    case ASSAY_##name:                                                                             \
        return #name;
        ASSAY_STATUS_LIST(X)
#undef X
    }
    return "UNKNOWN_STATUS";
}

void assay_assert_failed(const char *text, const char *file, int line) {
    fprintf(stderr, "assay: internal error: %s (%s:%d)\n", text, file, line);
    abort();
}
