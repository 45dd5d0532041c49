// SPDX-License-Identifier: Apache-2.0
// The list of subcommands: X(function suffix, words, summary), in the order the help shows them.
#ifndef ASSAY_NODE_COMMANDS_H
#define ASSAY_NODE_COMMANDS_H

#include "node/command.h"

#define ASSAY_COMMAND_LIST(X)                                                                      \
    X(attribute, "attribute", "show which data sets a text follows, without a chain")              \
    X(dataset_inspect, "dataset inspect", "print a data set's root and counts, without a chain")   \
    X(init, "init", "make the folder of a new chain")                                              \
    X(node, "node", "make blocks and answer on the API")                                           \
    X(version, "version", "print the version and what it was built with")

#define X(function, words, summary) int assay_cmd_##function(assay_invocation *invocation);
ASSAY_COMMAND_LIST(X)
#undef X

#endif
