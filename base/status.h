// SPDX-License-Identifier: Apache-2.0
// What a call can answer, and the one sentence that explains it.
#ifndef ASSAY_BASE_STATUS_H
#define ASSAY_BASE_STATUS_H

#include <stdint.h>

// Stable numbers: they are printed, scripted against and listed in spec/formats.md (F-1). Never
// renumber; append. Ledger rejections (ASSAY_REJECTED) carry their own number in err->reject.
#define ASSAY_STATUS_LIST(X)                                                                       \
    X(OK, 0)                                                                                       \
    X(MEMORY, 1)                                                                                   \
    X(IO, 2)                                                                                       \
    X(NOT_FOUND, 3)                                                                                \
    X(EXISTS, 4)                                                                                   \
    X(PERMISSION, 5)                                                                               \
    X(DISK_FULL, 6)                                                                                \
    X(BUSY, 7)                                                                                     \
    X(TIMEOUT, 8)                                                                                  \
    X(STOPPED, 9)                                                                                  \
    X(UNSUPPORTED, 10)                                                                             \
    X(USAGE, 11)                                                                                   \
    X(CONFIG, 12)                                                                                  \
    X(NETWORK, 13)                                                                                 \
    X(FORBIDDEN, 14)                                                                               \
    X(TRUNCATED, 20)                                                                               \
    X(TRAILING, 21)                                                                                \
    X(FORMAT, 22)                                                                                  \
    X(VERSION, 23)                                                                                 \
    X(CAPACITY, 24)                                                                                \
    X(RANGE, 25)                                                                                   \
    X(DUPLICATE, 26)                                                                               \
    X(ORDER, 27)                                                                                   \
    X(LAYOUT, 28)                                                                                  \
    X(NONFINITE, 29)                                                                               \
    X(MISSING, 30)                                                                                 \
    X(UNKNOWN, 31)                                                                                 \
    X(MISMATCH, 32)                                                                                \
    X(CANONICAL, 33)                                                                               \
    X(DEPTH, 34)                                                                                   \
    X(SIGNATURE, 35)                                                                               \
    X(CORRUPT, 36)                                                                                 \
    X(FORK, 37)                                                                                    \
    X(REJECTED, 50)

typedef enum {
#define X(name, number) ASSAY_##name = number,
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

// What %llu takes, for uint64_t in sentences.
typedef unsigned long long ull;

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

// Puts "<what>: " before the sentence of a failure that does not name what it is about; OK passes.
// Returns: status. Errors: none beyond the one reported. Spec: F-1.
assay_status assay_fail_in(assay_error *err, assay_status status, const char *what);

// Hands on what another call has said in `why`, reject code and all. Returns: its status.
// Errors: that one alone, which is not OK (asserted). Spec: F-1.
assay_status assay_error_pass(assay_error *err, const assay_error *why);

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

// How many items an array has; not for pointers.
#define ASSAY_COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif
