// SPDX-License-Identifier: Apache-2.0
#include "node/options.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

#define ASSAY_NOPEN_TEXT "10^9 nopen are 1 OPEN"

enum { OPTIONS_MAX = 64 };

assay_status assay_number_parse(uint64_t *out, const char *text, const char *what, uint64_t min,
                                uint64_t max, assay_error *err) {
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return ASSAY_FAIL(err, USAGE, "%s is %.40s, limits %llu to %llu", what, text, (ull)min,
                              (ull)max);
    }
    if (at == text || *at) return ASSAY_FAIL(err, USAGE, "%s is \"%.40s\", no number", what, text);
    if (value < min || value > max)
        return ASSAY_FAIL(err, USAGE, "%s is %llu, limits %llu to %llu", what, (ull)value, (ull)min,
                          (ull)max);
    *out = value;
    return ASSAY_OK;
}

assay_status assay_hex_parse(uint8_t *out, size_t size, const char *text, const char *what,
                             assay_error *err) {
    assay_error inner = {0};
    if (assay_hex_decode(out, size, text, &inner) == ASSAY_OK) return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE, "%s \"%.70s\": %s", what, text, inner.text);
}

static assay_status name_find(uint32_t *out, const char *text, size_t length,
                              const char *const *names, uint32_t count, const char *what,
                              assay_error *err) {
    char known[160];
    int used = 0;
    for (*out = 0; *out < count; (*out)++)
        if (strlen(names[*out]) == length && memcmp(names[*out], text, length) == 0)
            return ASSAY_OK;
    for (uint32_t i = 0; i < count; i++) {
        used +=
            snprintf(known + used, sizeof known - (size_t)used, "%s%s", i ? ", " : "", names[i]);
        ASSAY_ASSERT((size_t)used < sizeof known);
    }
    return ASSAY_FAIL(err, USAGE, "%s \"%.*s\", known are %s", what,
                      (int)(length < 30 ? length : 30), text, known);
}

assay_status assay_name_parse(uint32_t *out, const char *text, const char *const *names,
                              uint32_t count, const char *what, assay_error *err) {
    return name_find(out, text, strlen(text), names, count, what, err);
}

assay_status assay_names_parse(uint32_t *out, const char *text, const char *const *names,
                               uint32_t count, const char *what, assay_error *err) {
    *out = 0;
    for (;; text++) {
        uint32_t bit;
        size_t length = strcspn(text, ",");
        ASSAY_TRY(name_find(&bit, text, length, names, count, what, err));
        *out |= UINT32_C(1) << bit;
        text += length;
        if (!*text) return ASSAY_OK;
    }
}

// Amounts are whole numbers, which a decimal point says that somebody does not know.
static assay_status amount_parse(const assay_option *option, const char *value, const char *name,
                                 assay_error *err) {
    if (*value && strspn(value, "0123456789.") == strlen(value) && strchr(value, '.'))
        return ASSAY_FAIL(err, USAGE, "%s is \"%.40s\", wanted whole nopen: " ASSAY_NOPEN_TEXT,
                          name, value);
    return assay_number_parse(option->out, value, name, option->min, option->max, err);
}

static assay_status value_set(const assay_option *option, const char *value, assay_error *err) {
    const char *name = *option->name ? option->name : option->value;
    switch (option->kind) {
    case ASSAY_OPTION_FLAG:
        *(bool *)option->out = true;
        return ASSAY_OK;
    case ASSAY_OPTION_TEXT:
        *(const char **)option->out = value;
        return ASSAY_OK;
    case ASSAY_OPTION_U64:
        return assay_number_parse(option->out, value, name, option->min, option->max, err);
    case ASSAY_OPTION_NOPEN:
        return amount_parse(option, value, name, err);
    case ASSAY_OPTION_HEX: {
        char what[40];
        snprintf(what, sizeof what, "%s%s", *option->name ? "--" : "", name);
        return assay_hex_parse(option->out, option->max, value, what, err);
    }
    case ASSAY_OPTION_TEXTS: {
        assay_option_texts *texts = option->out;
        if (texts->count == ASSAY_OPTION_TEXTS_MAX)
            return ASSAY_FAIL(err, USAGE, "%s is given more than %d times", name,
                              ASSAY_OPTION_TEXTS_MAX);
        texts->items[texts->count++] = value;
        return ASSAY_OK;
    }
    }
    return ASSAY_OK;
}

static bool bit(uint64_t given, size_t i) {
    return given >> i & 1;
}

// The option that `--text` names, or the next positional one that is free; NULL if there is none.
static const assay_option *option_find(const assay_option *options, size_t count, uint64_t given,
                                       const char *name, size_t length) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(options[i].name) != length || strncmp(options[i].name, name, length) != 0)
            continue;
        if (length == 0 && bit(given, i) && options[i].kind != ASSAY_OPTION_TEXTS) continue;
        return &options[i];
    }
    return NULL;
}

assay_status assay_options_parse(uint64_t *given, const assay_option *options, size_t option_count,
                                 int argc, char **argv, assay_error *err) {
    *given = 0;
    bool ended = false;
    ASSAY_ASSERT(option_count <= OPTIONS_MAX);
    for (int i = 0; i < argc; i++) {
        bool dashed = !ended && strncmp(argv[i], "--", 2) == 0;
        if (dashed && !argv[i][2]) {
            ended = true;
            continue;
        }
        const char *name = dashed ? argv[i] + 2 : "";
        const char *equals = dashed ? strchr(name, '=') : NULL;
        size_t length = equals ? (size_t)(equals - name) : strlen(name);
        const assay_option *option = option_find(options, option_count, *given, name, length);
        if (!option || (dashed && length == 0))
            return ASSAY_FAIL(err, USAGE, "unknown argument \"%.80s\"", argv[i]);
        if (option->kind == ASSAY_OPTION_FLAG && equals)
            return ASSAY_FAIL(err, USAGE, "--%s takes no value", option->name);
        const char *value = equals ? equals + 1 : argv[i];
        if (dashed && !equals && option->kind != ASSAY_OPTION_FLAG) {
            if (i + 1 == argc) return ASSAY_FAIL(err, USAGE, "--%s needs a value", option->name);
            value = argv[++i];
        }
        if (dashed && bit(*given, (size_t)(option - options)) && option->kind != ASSAY_OPTION_TEXTS)
            return ASSAY_FAIL(err, USAGE, "--%s is given twice", option->name);
        *given |= UINT64_C(1) << (option - options);
        ASSAY_TRY(value_set(option, value, err));
    }
    for (size_t i = 0; i < option_count; i++)
        if (options[i].required && !bit(*given, i))
            return ASSAY_FAIL(err, USAGE, "%s%s is missing", *options[i].name ? "--" : "",
                              *options[i].name ? options[i].name : options[i].value);
    return ASSAY_OK;
}

void assay_options_help(const assay_option *options, size_t option_count) {
    bool amounts = false;
    for (size_t i = 0; i < option_count; i++) {
        char head[80];
        const assay_option *option = &options[i];
        if (!*option->name)
            snprintf(head, sizeof head, "%s", option->value);
        else
            snprintf(head, sizeof head, "--%s%s%s", option->name, option->value ? " " : "",
                     option->value ? option->value : "");
        printf("  %-26s %s%s\n", head, option->help, option->required ? " (required)" : "");
        amounts = amounts || option->kind == ASSAY_OPTION_NOPEN;
    }
    if (amounts) printf("\nAmounts are whole numbers: " ASSAY_NOPEN_TEXT ".\n");
}
