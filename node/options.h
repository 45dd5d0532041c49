// SPDX-License-Identifier: Apache-2.0
// Command-line options as a table: one place for the name, the limits, the help and the target.
#ifndef ASSAY_NODE_OPTIONS_H
#define ASSAY_NODE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { ASSAY_OPTION_TEXTS_MAX = 64 };

// A repeatable text option's values, in order; they point into argv.
typedef struct {
    const char *items[ASSAY_OPTION_TEXTS_MAX];
    uint32_t count;
} assay_option_texts;

typedef enum {
    ASSAY_OPTION_FLAG,  // out: bool
    ASSAY_OPTION_TEXT,  // out: const char *
    ASSAY_OPTION_TEXTS, // out: assay_option_texts
    ASSAY_OPTION_U64,   // out: uint64_t, min..max
    ASSAY_OPTION_NOPEN, // out: uint64_t, min..max: an amount of money
    ASSAY_OPTION_HEX,   // out: uint8_t[max]
} assay_option_kind;

typedef struct {
    const char *name; // without dashes; "" stands for the next positional argument
    assay_option_kind kind;
    void *out;         // target; keeps its value where the option is not given
    const char *value; // how the value is called in the help; NULL for flags
    const char *help;  // one line, lower case
    uint64_t min;      // U64, NOPEN
    uint64_t max;      // U64, NOPEN, HEX
    bool required;
} assay_option;

// Fills the targets from argv, and bit i of *given where options[i] is among them. `--name value`
// and `--name=value`; `--` ends the options. Errors: USAGE (unknown option, missing value or
// option, too many arguments, a number out of its limits). Lives: texts point into argv. Spec: F-9.
assay_status assay_options_parse(uint64_t *given, const assay_option *options, size_t option_count,
                                 int argc, char **argv, assay_error *err);

// A decimal number in min..max. `what` names it in the sentence. Errors: USAGE (also for one out of
// its limits). Spec: F-9.
assay_status assay_number_parse(uint64_t *out, const char *text, const char *what, uint64_t min,
                                uint64_t max, assay_error *err);

// Hexadecimal bytes, such as an address. `what` names them in the sentence. Errors: USAGE.
// Spec: F-2, F-9.
assay_status assay_hex_parse(uint8_t *out, size_t size, const char *text, const char *what,
                             assay_error *err);

// Which of names[count] the text is. `what` is what they name: "role". Errors: USAGE (says which
// are known). Spec: F-9.
assay_status assay_name_parse(uint32_t *out, const char *text, const char *const *names,
                              uint32_t count, const char *what, assay_error *err);

// Names divided by commas: names[i] is bit i. Errors: as above. Spec: F-9.
assay_status assay_names_parse(uint32_t *out, const char *text, const char *const *names,
                               uint32_t count, const char *what, assay_error *err);

// Prints the table as help lines to standard output.
void assay_options_help(const assay_option *options, size_t option_count);

#endif
