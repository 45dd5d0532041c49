// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/split.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "quant/tokenizer/unicode.h"

struct assay_split {
    pcre2_code *code;
};

struct assay_split_run {
    const pcre2_code *code;
    pcre2_match_data *match;
};

// digits: how many numbers a piece holds.
#define CL100K(digits)                                                                             \
    {                                                                                              \
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" digits "|"             \
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",                           \
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n%1$s%2$s]?[%1$s]+|[%2$s]" digits "|"             \
            " ?[^%3$s%1$s%2$s]+[\\r\\n]*|[%3$s]*[\\r\\n]+|[%3$s]+(?![^%3$s])|[%3$s]+"              \
    }

// names: as tokenizer.json spells the pattern. form: ours, with L, N and S written out as the
// classes of Unicode 14.0; "%1$s" is L, "%2$s" N, "%3$s" S, each within brackets.
static const struct {
    const char *name, *form;
} patterns[ASSAY_SPLIT_COUNT] = {
    [ASSAY_SPLIT_GPT2] =
        {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
         "'s|'t|'re|'ve|'m|'ll|'d| ?[%1$s]+| ?[%2$s]+| ?[^%3$s%1$s%2$s]+|[%3$s]+(?![^%3$s])|"
         "[%3$s]+"},
    [ASSAY_SPLIT_LLAMA3] = CL100K("{1,3}"),
    [ASSAY_SPLIT_QWEN2] = CL100K(""),
};

const char *assay_split_pattern(assay_split_kind kind) {
    return patterns[kind].name;
}

assay_status assay_split_open(assay_split **out, assay_split_kind kind, assay_error *err) {
    enum { PATTERN_MAX = 1 << 17 };
    int problem;
    PCRE2_SIZE where;
    *out = NULL;
    char *pattern = malloc(PATTERN_MAX);
    assay_split *split = calloc(1, sizeof *split);
    if (pattern && split) {
        int length = snprintf(pattern, PATTERN_MAX, patterns[kind].form, assay_unicode_letters,
                              assay_unicode_numbers, ASSAY_UNICODE_SPACES);
        ASSAY_ASSERT(length > 0 && length < PATTERN_MAX);
        split->code = pcre2_compile((PCRE2_SPTR)pattern, (size_t)length, PCRE2_UTF | PCRE2_ANCHORED,
                                    &problem, &where, NULL);
    }
    free(pattern);
    if (!split || !split->code) {
        free(split);
        return ASSAY_FAIL(err, MEMORY, "no memory to compile a split");
    }
    // Where the system forbids just-in-time code the interpreter gives the same pieces.
    (void)pcre2_jit_compile(split->code, PCRE2_JIT_COMPLETE);
    *out = split;
    return ASSAY_OK;
}

void assay_split_close(assay_split *split) {
    if (!split) return;
    pcre2_code_free(split->code);
    free(split);
}

assay_status assay_split_run_open(assay_split_run **out, const assay_split *split,
                                  assay_error *err) {
    assay_split_run *run = calloc(1, sizeof *run);
    if (run) {
        run->code = split->code;
        run->match = pcre2_match_data_create(1, NULL);
    }
    if (!run || !run->match) {
        assay_split_run_close(run);
        *out = NULL;
        return ASSAY_FAIL(err, MEMORY, "no memory to run a split");
    }
    *out = run;
    return ASSAY_OK;
}

void assay_split_run_close(assay_split_run *run) {
    if (!run) return;
    pcre2_match_data_free(run->match);
    free(run);
}

assay_status assay_split_next(assay_split_run *run, size_t *end, const char *text, size_t size,
                              size_t at, assay_error *err) {
    // The caller has checked the whole text; checking its rest anew for each piece is quadratic.
    int count =
        pcre2_match(run->code, (PCRE2_SPTR)text, size, at, PCRE2_NO_UTF_CHECK, run->match, NULL);
    if (count == PCRE2_ERROR_NOMEMORY)
        return ASSAY_FAIL(err, MEMORY, "no memory to split at byte %zu", at);
    if (count < 0)
        return ASSAY_FAIL(err, CAPACITY, "splitting at byte %zu passes a limit of PCRE2 (%d)", at,
                          count);
    *end = pcre2_get_ovector_pointer(run->match)[1];
    ASSAY_ASSERT(*end > at); // every character is a letter, a number, a space or another
    return ASSAY_OK;
}
