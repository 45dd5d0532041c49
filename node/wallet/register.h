// SPDX-License-Identifier: Apache-2.0
// What the commands that register something share: the commitment that must be there before a root
// is shown, found again after an interruption, and the wait until it is old enough.
#ifndef ASSAY_NODE_WALLET_REGISTER_H
#define ASSAY_NODE_WALLET_REGISTER_H

#include "node/wallet/wallet.h"

// A text's bytes. Lives: as long as the text.
assay_bytes assay_text_bytes(const char *text);

// The salt of a data set's commitment: SHA-256("data set salt" || key || root || principal), secret
// until shown and the same after an interruption. Spec: F-78.
void assay_register_salt(assay_hash *out, const assay_wallet *wallet, const assay_hash *root);

// Commits to a root (salt NULL: of zeros) unless the wallet's principal has, and waits until the
// next block takes its registration. kind: of the registration. tell: standard error of the wait.
// Errors: REJECTED (…_EXISTS: there is nothing to commit to), TIMEOUT (no block came), those of
// assay_client_send. Spec: F-78, P-33.
assay_status assay_register_commit(assay_wallet *wallet, assay_tx_kind kind, const assay_hash *root,
                                   const assay_hash *salt, bool tell, assay_error *err);

// Opens the wallet, commits, sends the registration of `root` and prints what became of it.
// Returns: the exit code.
int assay_register_run(assay_wallet *wallet, const assay_invocation *invocation, assay_tx *tx,
                       const assay_hash *root);

#endif
