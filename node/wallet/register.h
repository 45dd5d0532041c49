// SPDX-License-Identifier: Apache-2.0
// What the commands that register something share: the commitment that must be there before a root
// is shown, found again after an interruption, and the wait until it is old enough.
#ifndef ASSAY_NODE_WALLET_REGISTER_H
#define ASSAY_NODE_WALLET_REGISTER_H

#include "node/wallet/wallet.h"

// Opens the wallet, commits, sends the registration of `root` and prints what became of it.
// Returns: the exit code.
int assay_register_run(assay_wallet *wallet, const assay_invocation *invocation, assay_tx *tx,
                       const assay_hash *root);

#endif
