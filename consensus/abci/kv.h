// SPDX-License-Identifier: Apache-2.0
// CometBFT's example application abci/example/kvstore (v0.39), as its own test files need it. It
// says that the server speaks ABCI as others do, and bench chain what its socket costs; it has
// nothing to do with the ledger.
#ifndef ASSAY_CONSENSUS_ABCI_KV_H
#define ASSAY_CONSENSUS_ABCI_KV_H

#include "consensus/abci/message.h"

typedef struct assay_abci_kv assay_abci_kv;

// folder: where Commit writes kv.state, made where it is not there; NULL keeps it in memory alone.
// Errors: as of its file; MEMORY. Lives: until close. Spec: E-9.
assay_status assay_abci_kv_open(assay_abci_kv **out, const char *folder, assay_error *err);

// Lives: as the kv.
assay_abci_application assay_abci_kv_application(assay_abci_kv *kv);

void assay_abci_kv_close(assay_abci_kv *kv);

#endif
