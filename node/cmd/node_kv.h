// SPDX-License-Identifier: Apache-2.0
#ifndef ASSAY_NODE_CMD_NODE_KV_H
#define ASSAY_NODE_CMD_NODE_KV_H

#include "node/command.h"

// Serves an application other than the ledger, of which there is "kv", at an ABCI address until it
// is asked to end; the address is printed once it listens. home: its folder, NULL: it forgets.
// Returns: the program's exit code, USAGE where abci is NULL or app is unknown. Needs
// assay_ending_listen. Spec: E-9.
int assay_node_kv(const assay_invocation *invocation, const char *app, const char *abci,
                  const char *home);

#endif
