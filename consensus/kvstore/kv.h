// SPDX-License-Identifier: Apache-2.0
// CometBFT's example application abci/example/kvstore (v0.39), as its own test files need it. It
// says that the server speaks ABCI as others do, and bench chain what its socket costs; it has
// nothing to do with the ledger.
#ifndef ASSAY_CONSENSUS_KVSTORE_KV_H
#define ASSAY_CONSENSUS_KVSTORE_KV_H

#include "consensus/abci/message.h"

typedef struct assay_kvstore assay_kvstore;

// folder: where Commit writes kv.state, made where it is not there; NULL keeps it in memory alone.
// Errors: as of its file; MEMORY. Lives: until close. Spec: E-9.
assay_status assay_kvstore_open(assay_kvstore **out, const char *folder, assay_error *err);

// Lives: as the kv.
assay_abci_application assay_kvstore_application(assay_kvstore *kv);

void assay_kvstore_close(assay_kvstore *kv);

#endif
