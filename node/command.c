// SPDX-License-Identifier: Apache-2.0
#include "node/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "consensus/clock.h"
#include "kernels/table.h"
#include "node/error_json.h"
#include "node/log.h"

enum { OPTIONS_MAX = 48 };

static void help_print(const assay_invocation *invocation, const assay_option *options,
                       size_t option_count, const char *details) {
    printf("assay %s - %s\n\nusage: assay %s", invocation->command->name,
           invocation->command->summary, invocation->command->name);
    for (size_t i = 0; i < option_count; i++) {
        const assay_option *option = &options[i];
        if (!option->required && *option->name) continue;
        printf(option->required ? " %s%s%s%s" : " [%s%s%s%s]", *option->name ? "--" : "",
               option->name, *option->name && option->value ? " " : "",
               option->value ? option->value : "");
    }
    printf(" [options]\n\n");
    assay_options_help(options, option_count);
    if (details) printf("\n%s\n", details);
}

static bool word_given(const assay_invocation *invocation, const char *word) {
    for (int i = 0; i < invocation->argc && strcmp(invocation->argv[i], "--") != 0; i++)
        if (strcmp(invocation->argv[i], word) == 0) return true;
    return false;
}

static assay_status utf8_check(const assay_invocation *invocation, assay_error *err) {
    for (int i = 0; i < invocation->argc; i++) {
        size_t size = strlen(invocation->argv[i]);
        if (assay_utf8_prefix((const uint8_t *)invocation->argv[i], size) != size)
            return ASSAY_FAIL(err, USAGE, "--json needs arguments in UTF-8, \"%.80s\" is not",
                              invocation->argv[i]);
    }
    return ASSAY_OK;
}

// Also where nothing is computed: a wrong name is a mistake. Whether this machine has the set is
// for who computes with it.
static assay_status isa_check(const char *isa, assay_error *err) {
    const assay_kernels *const *sets;
    size_t count = assay_kernels_list(&sets), used = 0;
    char known[128] = "";
    for (size_t i = 0; i < count; i++) {
        if (!isa || strcmp(sets[i]->name, isa) == 0) return ASSAY_OK;
        used += (size_t)snprintf(known + used, sizeof known - used, " %s", sets[i]->name);
        ASSAY_ASSERT(used < sizeof known);
    }
    return ASSAY_FAIL(err, USAGE, "--isa (or ASSAY_ISA) is \"%.32s\", known are%s", isa, known);
}

static size_t place_of(const assay_option *options, const char *name) {
    size_t i = 0;
    while (i < OPTIONS_MAX && strcmp(options[i].name, name) != 0)
        i++;
    ASSAY_ASSERT(i < OPTIONS_MAX);
    return i;
}

assay_status assay_command_apart(const assay_invocation *invocation, const assay_option *options,
                                 const char *one, const char *const *others, assay_error *err) {
    if (!(invocation->given >> place_of(options, one) & 1)) return ASSAY_OK;
    for (; *others; others++)
        if (invocation->given >> place_of(options, *others) & 1)
            return ASSAY_FAIL(err, USAGE, "--%s has no effect beside %s%s", *others,
                              *one ? "--" : options[place_of(options, one)].value, one);
    return ASSAY_OK;
}

bool assay_command_begin(assay_invocation *invocation, const assay_option *options,
                         size_t option_count, const char *details, int *exit_code) {
    assay_option all[OPTIONS_MAX];
    bool help = word_given(invocation, "--help") || word_given(invocation, "-h");
    assay_error err = {0};
    ASSAY_ASSERT(option_count + 3 <= OPTIONS_MAX);
    *exit_code = ASSAY_EXIT_OK;
    invocation->isa = getenv("ASSAY_ISA");
    if (invocation->isa && !*invocation->isa) invocation->isa = NULL;
    const assay_option common[] = {
        {"json", ASSAY_OPTION_FLAG, &invocation->json, NULL, "one JSON document as the output", 0,
         0, false},
        {"isa", ASSAY_OPTION_TEXT, &invocation->isa, "SET", "kernel set to compute with", 0, 0,
         false},
        {"help", ASSAY_OPTION_FLAG, &help, NULL, "this text", 0, 0, false},
    };
    if (option_count) memcpy(all, options, option_count * sizeof *options);
    memcpy(all + option_count, common, sizeof common);
    size_t all_count = option_count + ASSAY_COUNT(common);
    if (help) {
        help_print(invocation, all, all_count, details);
        return false;
    }
    assay_status status = assay_options_parse(&invocation->given, all, all_count, invocation->argc,
                                              invocation->argv, &err);
    if (status == ASSAY_OK) status = isa_check(invocation->isa, &err);
    if (status == ASSAY_OK && invocation->json) status = utf8_check(invocation, &err);
    if (status != ASSAY_OK) {
        invocation->json = word_given(invocation, "--json");
        assay_command_fail(invocation, &err, NULL);
        *exit_code = ASSAY_EXIT_USAGE;
        return false;
    }
    return true;
}

// F-9's table.
static int exit_of(assay_status status) {
    switch (status) {
    case ASSAY_OK:
        return ASSAY_EXIT_OK;
    case ASSAY_USAGE:
    case ASSAY_CONFIG:
    case ASSAY_UNSUPPORTED:
        return ASSAY_EXIT_USAGE;
    case ASSAY_MEMORY:
    case ASSAY_IO:
    case ASSAY_PERMISSION:
    case ASSAY_DISK_FULL:
    case ASSAY_BUSY:
    case ASSAY_CORRUPT:
        return ASSAY_EXIT_SYSTEM;
    case ASSAY_NETWORK:
    case ASSAY_TIMEOUT:
    case ASSAY_STOPPED:
        return ASSAY_EXIT_NETWORK;
    case ASSAY_REJECTED:
        return ASSAY_EXIT_REJECT;
    case ASSAY_FORK:
        return ASSAY_EXIT_FORK;
    default:
        return ASSAY_EXIT_INPUT;
    }
}

int assay_command_fail(const assay_invocation *invocation, const assay_error *err,
                       const char *next) {
    char help[128];
    if (!next && err->status == ASSAY_USAGE && invocation->command) {
        snprintf(help, sizeof help, "assay %s --help", invocation->command->name);
        next = help;
    }
    if (invocation->json)
        assay_command_print(json_pack("{s:o}", "error", assay_error_to_json(err, next)));
    if (assay_log_is_json()) {
        assay_log(ASSAY_LOG_ERROR, "failed", assay_error_to_json(err, next), "%s", err->text);
        return exit_of(err->status);
    }
    fprintf(stderr, "assay: error %u: %s\n", (unsigned)assay_error_code(err), err->text);
    if (next) fprintf(stderr, "  next: %s\n", next);
    return exit_of(err->status);
}

int assay_command_print(json_t *document) {
    if (!document) {
        fprintf(stderr, "assay: no memory for the answer, or a text in it is not UTF-8\n");
        return ASSAY_EXIT_SYSTEM;
    }
    bool good = json_dumpf(document, stdout, JSON_COMPACT) == 0 && putchar('\n') >= 0;
    json_decref(document);
    return good && fflush(stdout) == 0 ? ASSAY_EXIT_OK : ASSAY_EXIT_SYSTEM;
}

bool assay_terminal_colours(void) {
    const char *no_colour = getenv("NO_COLOR");
    const char *force = getenv("CLICOLOR_FORCE");
    if (no_colour && *no_colour) return false;
    return (force && *force && strcmp(force, "0") != 0) || isatty(STDOUT_FILENO);
}

enum { BAR_CELLS = 24 };

void assay_progress_show(const char *what, uint64_t done, uint64_t total) {
    static uint64_t started;
    static const char *current;
    if (!isatty(STDERR_FILENO) || total == 0) return;
    uint64_t now = assay_clock_ms();
    if (current != what) {
        current = what;
        started = now;
    }
    double passed = (double)(now - started) / 1e3;
    double left = done ? passed * (double)(total - done) / (double)done : 0;
    char bar[BAR_CELLS + 1] = {0};
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = (double)i / BAR_CELLS < (double)done / (double)total ? '#' : '.';
    fprintf(stderr, "\r\033[K%s [%s] %3.0f %%  %.0f s left", what, bar,
            (double)done * 100 / (double)total, left);
    if (done >= total) {
        fprintf(stderr, "\r\033[K");
        current = NULL;
    }
    fflush(stderr);
}
