// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/steps.h"

#include <stdlib.h>

#include "quant/tokenizer/json_expect.h"
#include "quant/tokenizer/nfc.h"

// ---- the split ------------------------------------------------------------------------------

static assay_status byte_level_read(const json_t *object, bool use_regex, assay_error *err) {
    static const char *const names[] = {"type", "add_prefix_space", "trim_offsets", "use_regex",
                                        NULL};
    ASSAY_TRY(assay_json_names(object, names, "pre_tokenizer", err));
    ASSAY_TRY(assay_expect_text(object, "type", "ByteLevel", err));
    ASSAY_TRY(assay_expect_flag(object, "add_prefix_space", false, true, err));
    return assay_expect_flag(object, "use_regex", use_regex, true, err);
}

static assay_status pattern_read(assay_split_kind *out, const json_t *split, assay_error *err) {
    static const char *const names[] = {"type", "pattern", "behavior", "invert", NULL};
    static const char *const pattern_names[] = {"Regex", NULL};
    const json_t *pattern;
    const char *text;
    ASSAY_TRY(assay_json_names(split, names, "pre_tokenizer", err));
    ASSAY_TRY(assay_expect_text(split, "type", "Split", err));
    ASSAY_TRY(assay_expect_text(split, "behavior", "Isolated", err));
    ASSAY_TRY(assay_expect_flag(split, "invert", false, false, err));
    ASSAY_TRY(assay_json_object(&pattern, split, "pattern", err));
    ASSAY_TRY(assay_json_names(pattern, pattern_names, "pattern", err));
    ASSAY_TRY(assay_json_text(&text, pattern, "Regex", 4096, err));
    for (int kind = 0; kind < ASSAY_SPLIT_COUNT; kind++) {
        if (strcmp(text, assay_split_pattern((assay_split_kind)kind)) != 0) continue;
        *out = (assay_split_kind)kind;
        return ASSAY_OK;
    }
    return ASSAY_FAIL(err, UNSUPPORTED, "unknown split pattern \"%.120s\"", text);
}

static assay_status split_read(assay_tokenizer *tokenizer, const json_t *json, assay_error *err) {
    static const char *const names[] = {"type", "pretokenizers", NULL};
    assay_split_kind kind = ASSAY_SPLIT_GPT2;
    const json_t *object, *steps;
    ASSAY_TRY(assay_json_object(&object, json, "pre_tokenizer", err));
    const char *type = json_string_value(json_object_get(object, "type"));
    if (type && strcmp(type, "Sequence") == 0) {
        ASSAY_TRY(assay_json_names(object, names, "pre_tokenizer", err));
        ASSAY_TRY(assay_json_array(&steps, object, "pretokenizers", 2, err));
        if (json_array_size(steps) != 2)
            return ASSAY_FAIL(err, UNSUPPORTED, "pre_tokenizer is not a Split and a ByteLevel");
        ASSAY_TRY(pattern_read(&kind, json_array_get(steps, 0), err));
        ASSAY_TRY(byte_level_read(json_array_get(steps, 1), false, err));
    } else {
        ASSAY_TRY(byte_level_read(object, true, err));
        tokenizer->level_alone = true;
    }
    return assay_split_open(&tokenizer->split, kind, err);
}

// ---- SentencePiece --------------------------------------------------------------------------

#define MARK    "\"\xE2\x96\x81\""
#define PREPEND "{\"type\":\"Prepend\",\"prepend\":" MARK "}"
#define REPLACE                                                                                    \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"                                        \
    "\"content\":" MARK "}"
#define NORMALIZERS(list) "{\"type\":\"Sequence\",\"normalizers\":[" list "]}"
#define METASPACE(scheme)                                                                          \
    "{\"type\":\"Metaspace\",\"replacement\":" MARK ",\"prepend_scheme\":\"" scheme                \
    "\",\"split\":false}"
#define DECODERS(more)                                                                             \
    "{\"type\":\"Sequence\",\"decoders\":["                                                        \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":" MARK "},\"content\":\" \"},"                  \
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}" more "]}"
#define STRIP ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"

static bool member_is(const json_t *json, const char *name, const char *wanted) {
    const json_t *value = json_object_get(json, name);
    json_t *parsed = json_loads(wanted, JSON_DECODE_ANY, NULL);
    bool same = value ? parsed && json_equal(value, parsed) : strcmp(wanted, "null") == 0;
    json_decref(parsed);
    return same;
}

// The forms in which converters of SentencePiece models write them, older ones as normalizers.
static assay_status spaces_read(assay_tokenizer *tokenizer, const json_t *json, assay_error *err) {
    static const struct {
        const char *normalizer, *pre_tokenizer;
        assay_space_rule rule;
        bool early;
    } forms[] = {
        {NORMALIZERS(PREPEND "," REPLACE), "null", ASSAY_SPACE_ALWAYS, true},
        {NORMALIZERS(REPLACE), "null", ASSAY_SPACE_NEVER, true},
        {REPLACE, "null", ASSAY_SPACE_NEVER, true},
        {"null", METASPACE("always"), ASSAY_SPACE_UNLESS, false},
        {"null", METASPACE("first"), ASSAY_SPACE_FIRST, false},
        {"null", METASPACE("never"), ASSAY_SPACE_NEVER, false},
    };
    for (size_t i = 0; i < ASSAY_COUNT(forms); i++) {
        if (!member_is(json, "normalizer", forms[i].normalizer) ||
            !member_is(json, "pre_tokenizer", forms[i].pre_tokenizer))
            continue;
        tokenizer->space = forms[i].rule;
        tokenizer->space_early = forms[i].early;
        return ASSAY_OK;
    }
    return ASSAY_FAIL(err, UNSUPPORTED,
                      "normalizer and pre_tokenizer are not as SentencePiece's byte fallback "
                      "has them");
}

assay_status assay_tokenizer_steps_read(assay_tokenizer *tokenizer, const json_t *json,
                                        assay_error *err) {
    const json_t *decoder;
    ASSAY_TRY(assay_json_object(&decoder, json, "decoder", err));
    tokenizer->space_dropped = member_is(json, "decoder", DECODERS(STRIP));
    if (tokenizer->space_dropped || member_is(json, "decoder", DECODERS("")))
        return spaces_read(tokenizer, json, err);
    ASSAY_TRY(assay_expect_text(decoder, "type", "ByteLevel", err));
    tokenizer->nfc = member_is(json, "normalizer", "{\"type\":\"NFC\"}");
    if (!tokenizer->nfc) ASSAY_TRY(assay_expect_nothing(json, "normalizer", err));
    return split_read(tokenizer, json, err);
}

// ---- text -----------------------------------------------------------------------------------

static bool mark_is(const char *text, size_t size, size_t at) {
    return size - at >= ASSAY_SPACE_MARK_SIZE &&
           memcmp(text + at, ASSAY_SPACE_MARK, ASSAY_SPACE_MARK_SIZE) == 0;
}

assay_status assay_tokenizer_spaces_mark(char **out, size_t *out_size, const char *text,
                                         size_t size, assay_space_rule rule, bool at_start,
                                         assay_error *err) {
    size_t at = 0, spaces = 1;
    for (size_t i = 0; i < size; i++)
        spaces += text[i] == ' ';
    *out = malloc(size + spaces * (ASSAY_SPACE_MARK_SIZE - 1) + 1);
    if (!*out) return ASSAY_FAIL(err, MEMORY, "no memory to mark %zu spaces", spaces);
    bool begins = size && (text[0] == ' ' || mark_is(text, size, 0));
    bool wanted = rule == ASSAY_SPACE_ALWAYS || (rule == ASSAY_SPACE_UNLESS && !begins) ||
                  (rule == ASSAY_SPACE_FIRST && !begins && at_start);
    if (size && wanted) {
        memcpy(*out, ASSAY_SPACE_MARK, ASSAY_SPACE_MARK_SIZE);
        at = ASSAY_SPACE_MARK_SIZE;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] != ' ') {
            (*out)[at++] = text[i];
            continue;
        }
        memcpy(*out + at, ASSAY_SPACE_MARK, ASSAY_SPACE_MARK_SIZE);
        at += ASSAY_SPACE_MARK_SIZE;
    }
    *out_size = at;
    return ASSAY_OK;
}

size_t assay_tokenizer_space_cut(const char *text, size_t size, size_t at) {
    for (size_t i = at + 1; i < size; i++)
        if (mark_is(text, size, i) &&
            (i < ASSAY_SPACE_MARK_SIZE || !mark_is(text, size, i - ASSAY_SPACE_MARK_SIZE)))
            return i;
    return size;
}

assay_status assay_tokenizer_normalize(const assay_tokenizer *tokenizer, char **out,
                                       size_t *out_size, const char *text, size_t size,
                                       assay_error *err) {
    if (tokenizer->space_early)
        return assay_tokenizer_spaces_mark(out, out_size, text, size, tokenizer->space, false, err);
    if (tokenizer->nfc) return assay_nfc(out, out_size, text, size, err);
    *out = malloc(size + 1);
    if (!*out) return ASSAY_FAIL(err, MEMORY, "no memory for a text of %zu bytes", size);
    memcpy(*out, text, size);
    *out_size = size;
    return ASSAY_OK;
}
