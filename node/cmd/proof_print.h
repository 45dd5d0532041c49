// SPDX-License-Identifier: Apache-2.0
// What a proof file proves, for people and programs.
#ifndef ASSAY_NODE_CMD_PROOF_PRINT_H
#define ASSAY_NODE_CMD_PROOF_PRINT_H

#include "consensus/proof.h"
#include "node/command.h"

// Prints the payouts and the header they were proven against. how: members to add to the JSON (a
// reference that is taken over), NULL: none. Returns: the exit code.
int assay_proof_print(const assay_invocation *invocation, const assay_proof *proof,
                      const assay_light_block *block, json_t *how);

// As assay_command_fail, but what is read and does not hold is a no; what cannot be had is a
// failure.
int assay_proof_fail(const assay_invocation *invocation, const assay_error *err, const char *next);

#endif
