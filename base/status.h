// SPDX-License-Identifier: Apache-2.0
// What a call can answer, and the one sentence that explains it.
#ifndef ASSAY_BASE_STATUS_H
#define ASSAY_BASE_STATUS_H

#include <stdint.h>

// Stable numbers: they are printed, scripted against and listed in spec/formats.md (F-1). Never
// renumber; append. Ledger rejections (ASSAY_REJECTED) carry their own number in err->reject.
#define ASSAY_STATUS_LIST(X)                                                                       \
    X(OK, 0, "ok")                                                                                 \
    X(MEMORY, 1, "out of memory")                                                                  \
    X(IO, 2, "input or output failed")                                                             \
    X(NOT_FOUND, 3, "not found")                                                                   \
    X(EXISTS, 4, "already exists")                                                                 \
    X(PERMISSION, 5, "permission denied")                                                          \
    X(DISK_FULL, 6, "disk full")                                                                   \
    X(BUSY, 7, "busy or in use")                                                                   \
    X(TIMEOUT, 8, "took too long")                                                                 \
    X(STOPPED, 9, "stopped")                                                                       \
    X(UNSUPPORTED, 10, "not supported")                                                            \
    X(USAGE, 11, "wrong usage")                                                                    \
    X(CONFIG, 12, "bad configuration")                                                             \
    X(NETWORK, 13, "network failed")                                                               \
    X(FORBIDDEN, 14, "not allowed")                                                                \
    X(TRUNCATED, 20, "ends too early")                                                             \
    X(TRAILING, 21, "bytes after the end")                                                         \
    X(FORMAT, 22, "malformed")                                                                     \
    X(VERSION, 23, "unknown version")                                                              \
    X(CAPACITY, 24, "over a limit")                                                                \
    X(RANGE, 25, "out of range")                                                                   \
    X(DUPLICATE, 26, "named twice")                                                                \
    X(ORDER, 27, "out of order")                                                                   \
    X(LAYOUT, 28, "holes, overlap or misalignment")                                                \
    X(NONFINITE, 29, "not a finite number")                                                        \
    X(MISSING, 30, "missing")                                                                      \
    X(UNKNOWN, 31, "unknown name")                                                                 \
    X(MISMATCH, 32, "does not match")                                                              \
    X(CANONICAL, 33, "not the canonical form")                                                     \
    X(DEPTH, 34, "nested too deep")                                                                \
    X(SIGNATURE, 35, "bad signature")                                                              \
    X(CORRUPT, 36, "stored data is damaged")                                                       \
    X(FORK, 37, "two histories that both hold")                                                    \
    X(REJECTED, 50, "refused by a ledger rule")

typedef enum {
#define X(name, number, text) ASSAY_##name = number,
    ASSAY_STATUS_LIST(X)
#undef X
} assay_status;

enum { ASSAY_ERROR_TEXT_MAX = 320 };

// Filled by the call that failed first; untouched by calls that succeed. A zeroed struct is empty.
typedef struct {
    assay_status status;
    uint32_t reject; // code of ledger/tx/reject.h when status is ASSAY_REJECTED, else 0
    // Fact first, lower case, no full stop, value and limit; UTF-8 without control characters.
    char text[ASSAY_ERROR_TEXT_MAX];
} assay_error;

// Records `status` and a sentence in err and returns status.
// Errors: err may be NULL, the sentence is then dropped. Text over the limit is cut.
// Spec: F-1.
assay_status assay_fail(assay_error *err, assay_status status, uint32_t reject, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));

// Tells the compiler what assay_fail returns, which it cannot see: gcc at -O2 would take failing
// calls for ones that may return OK.
static inline assay_status assay_status_known(assay_status reported, assay_status known) {
    (void)reported;
    return known;
}
#define ASSAY_FAIL(err, NAME, ...)                                                                 \
    assay_status_known(assay_fail((err), ASSAY_##NAME, 0, __VA_ARGS__), ASSAY_##NAME)

// Fails with the status that fits an errno value (ENOSPC, EACCES, ENOENT, EADDRINUSE …).
// Returns: that status; the text is "<what>: <reason>". Errors: none beyond the one reported.
// Spec: F-1.
assay_status assay_fail_errno(assay_error *err, int error_number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The status's fixed text, e.g. "disk full". Lives: for ever. Spec: F-1.
const char *assay_status_text(assay_status status);

// The status's name, e.g. "DISK_FULL". Lives: for ever. Spec: F-1.
const char *assay_status_name(assay_status status);

// Returns early from a function with an err parameter's status. One statement a step.
#define ASSAY_TRY(call)                                                                            \
    do {                                                                                           \
        assay_status try_status_ = (call);                                                         \
        if (try_status_ != ASSAY_OK) return try_status_;                                           \
    } while (0)

// Our own bug, never a stranger's input: stays on in release builds.
void assay_assert_failed(const char *text, const char *file, int line) __attribute__((noreturn));
#define ASSAY_ASSERT(condition)                                                                    \
    ((condition) ? (void)0 : assay_assert_failed(#condition, __FILE__, __LINE__))

#endif
