// SPDX-License-Identifier: Apache-2.0
// The assay program: finds the subcommand and hands over.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ed25519.h"
#include "node/cmd/commands.h"

static const assay_command program = {"", "settles the value of AI work", NULL};

static bool first_word_is(const assay_command *command, const char *word) {
    size_t length = strcspn(command->name, " ");
    return strlen(word) == length && strncmp(word, command->name, length) == 0;
}

static bool command_group(const char *word) {
    for (size_t i = 0; i < assay_command_count; i++)
        if (first_word_is(&assay_commands[i], word)) return true;
    return false;
}

// The commands whose first word is `group`, or all (NULL).
static void commands_print(FILE *out, const char *group) {
    fprintf(out, "usage: assay COMMAND [options]\n\n");
    for (size_t i = 0; i < assay_command_count; i++) {
        const assay_command *command = &assay_commands[i];
        if (group && !first_word_is(command, group)) continue;
        fprintf(out, "  %-18s %s\n", command->name, command->summary);
    }
    fprintf(out, "\nassay COMMAND --help explains one of them\n");
}

// How many of the arguments the command's words take up; 0 if they differ.
static int words_match(const char *name, int argc, char **argv) {
    int taken = 0;
    while (*name) {
        size_t length = strcspn(name, " ");
        if (taken == argc || strlen(argv[taken]) != length ||
            strncmp(argv[taken], name, length) != 0)
            return 0;
        taken++;
        name += length;
        if (*name) name++;
    }
    return taken;
}

static const assay_command *command_find(int argc, char **argv, int *taken) {
    const assay_command *found = NULL;
    *taken = 0;
    for (size_t i = 0; i < assay_command_count; i++) {
        int words = words_match(assay_commands[i].name, argc, argv);
        if (words <= *taken) continue;
        *taken = words;
        found = &assay_commands[i];
    }
    return found;
}

static bool word_given(int argc, char **argv, const char *word) {
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], word) == 0) return true;
    return false;
}

// Help for everything or a group of commands, or the complaint that there is no such command.
static int unknown(int argc, char **argv) {
    bool nothing = argc == 0;
    bool help = nothing || word_given(argc, argv, "--help") || word_given(argc, argv, "-h") ||
                strcmp(argv[0], "help") == 0;
    const char *group = nothing || *argv[0] == '-' || strcmp(argv[0], "help") == 0 ? NULL : argv[0];
    if (help && (!group || command_group(group))) {
        FILE *out = nothing ? stderr : stdout;
        if (!group) fprintf(out, "assay %s\n\n", program.summary);
        commands_print(out, group);
        return nothing ? ASSAY_EXIT_USAGE : ASSAY_EXIT_OK;
    }
    assay_invocation invocation = {.command = &program, .json = word_given(argc, argv, "--json")};
    assay_error err = {0};
    bool two = argc > 1 && *argv[1] != '-';
    ASSAY_FAIL(&err, USAGE, "unknown command \"%.40s%s%.40s\"", argv[0], two ? " " : "",
               two ? argv[1] : "");
    char next[64] = "assay --help";
    if (group && command_group(group)) snprintf(next, sizeof next, "assay %s --help", group);
    return assay_command_fail(&invocation, &err, next);
}

// What was printed must have arrived, or nobody may rely on exit code 0. A reader who has seen
// enough and left is no failure of ours to talk about.
static int output_finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    if (errno != EPIPE) fprintf(stderr, "assay: cannot write the output: %s\n", strerror(errno));
    return code == ASSAY_EXIT_OK ? ASSAY_EXIT_SYSTEM : code;
}

// A mapped file (a model, an adapter, a data set) lost its end: what is computed from it is
// nothing.
static void mapping_cut(int number) {
    static const char why[] = "assay: a file in use became shorter: put new files in place by "
                              "renaming, and start again\n";
    ssize_t written = write(STDERR_FILENO, why, sizeof why - 1);
    (void)written;
    _exit(ASSAY_EXIT_SYSTEM);
}

int main(int argc, char **argv) {
    static char version[] = "version";
    int taken;
    assay_ed25519_start();
    // A peer that goes away, or a file at its size limit, is an error of that write, not the end of
    // the process.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGBUS, mapping_cut);
    if (argc > 1 && strcmp(argv[1], "--version") == 0) argv[1] = version;
    const assay_command *found = command_find(argc - 1, argv + 1, &taken);
    if (!found) return output_finish(unknown(argc - 1, argv + 1));
    assay_invocation invocation = {
        .command = found, .argc = argc - 1 - taken, .argv = argv + 1 + taken};
    return output_finish(found->run(&invocation));
}
