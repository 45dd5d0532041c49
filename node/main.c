// SPDX-License-Identifier: Apache-2.0
// The assay program: finds the subcommand and hands over.
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "node/commands.h"

static void usage_print(FILE *out) {
    fprintf(out, "assay settles the value of AI work\n\nusage: assay COMMAND [options]\n\n");
    for (size_t i = 0; i < assay_command_count; i++)
        fprintf(out, "  %-18s %s\n", assay_commands[i].name, assay_commands[i].summary);
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

int main(int argc, char **argv) {
    // A peer that goes away is an error of that write, not the end of the process.
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage_print(argc < 2 ? stderr : stdout);
        return argc < 2 ? ASSAY_EXIT_USAGE : ASSAY_EXIT_OK;
    }
    static char version[] = "version";
    if (strcmp(argv[1], "--version") == 0) argv[1] = version;
    const assay_command *found = NULL;
    int taken = 0;
    for (size_t i = 0; i < assay_command_count; i++) {
        int words = words_match(assay_commands[i].name, argc - 1, argv + 1);
        if (words > taken) {
            taken = words;
            found = &assay_commands[i];
        }
    }
    if (!found) {
        fprintf(stderr, "assay: error %d: unknown command \"%.40s%s%.40s\"\n  next: assay --help\n",
                ASSAY_USAGE, argv[1], argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
        return ASSAY_EXIT_USAGE;
    }
    assay_invocation invocation = {
        .command = found, .argc = argc - 1 - taken, .argv = argv + 1 + taken};
    return found->run(&invocation);
}
