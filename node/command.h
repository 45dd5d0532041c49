// SPDX-License-Identifier: Apache-2.0
// One subcommand of the assay program, and what all of them share.
#ifndef ASSAY_NODE_COMMAND_H
#define ASSAY_NODE_COMMAND_H

#include <jansson.h>

#include "node/options.h"

// Exit codes (F-9): scripts rely on them.
typedef enum {
    // A service that ends with 2 or 3 is not started again (F-76).
    ASSAY_EXIT_OK = 0,
    ASSAY_EXIT_NO = 1,      // the command ran and the answer is no: a check failed, a mismatch
    ASSAY_EXIT_USAGE = 2,   // arguments or configuration
    ASSAY_EXIT_INPUT = 3,   // a file, message or name was refused, or is not there
    ASSAY_EXIT_SYSTEM = 4,  // disk, memory, permission, port, damaged state
    ASSAY_EXIT_NETWORK = 5, // the other side cannot be reached, took too long or is stopping
    ASSAY_EXIT_REJECT = 6,  // refused by a ledger rule
    ASSAY_EXIT_FORK = 7,    // two histories that both hold: somebody attacks
} assay_exit;

typedef struct assay_command assay_command;

// A call of one subcommand. argv excludes the program and the subcommand's words.
typedef struct {
    const assay_command *command;
    int argc;
    char **argv;
    bool json;       // --json: one JSON document on standard output, nothing else there
    const char *isa; // --isa or ASSAY_ISA; NULL: the best set this machine has
    uint64_t given;  // bit i: the command's option i was given
} assay_invocation;

struct assay_command {
    const char *name;    // "model import": the words after `assay`
    const char *summary; // one line, lower case
    int (*run)(assay_invocation *invocation);
};

// Every subcommand, one line each, in node/cmd/commands.h.
extern const assay_command assay_commands[];
extern const size_t assay_command_count;

// Parses the command's options (--help, --json and --isa are understood by all). Prints help or
// the error itself. With --json arguments are UTF-8: the document may have to name them. Returns:
// true to go on, with *exit_code ASSAY_EXIT_OK; else *exit_code is the program's exit code.
bool assay_command_begin(assay_invocation *invocation, const assay_option *options,
                         size_t option_count, const char *details, int *exit_code);

// Refuses options that have no effect beside option `one` of the table that was given to begin.
// others: ends with NULL. Errors: USAGE (names both). Spec: F-9.
assay_status assay_command_apart(const assay_invocation *invocation, const assay_option *options,
                                 const char *one, const char *const *others, assay_error *err);

// Prints the error (with --json as {"error":{"code","name","reject","text","next"}}). next: what
// to do about it, or NULL: the command's help where it was used wrongly (USAGE). Returns: the exit
// code that fits the status.
int assay_command_fail(const assay_invocation *invocation, const assay_error *err,
                       const char *next);

// Prints one JSON document and a newline, releases it. Returns: ASSAY_EXIT_OK, or SYSTEM when
// standard output cannot be written.
int assay_command_print(json_t *document);

// Whether standard output is a terminal that shows colours (honours NO_COLOR).
bool assay_terminal_colours(void);

// A progress line on standard error, redrawn in place; silent unless it is a terminal.
// done of total units; the last call has done == total.
void assay_progress_show(const char *what, uint64_t done, uint64_t total);

#endif
