// SPDX-License-Identifier: Apache-2.0
// State proofs from strangers (P-84): what reads is written back as the same bytes, and is checked.
#include <stdlib.h>

#include "ledger/state/smt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static assay_smt_proof proof;
    uint8_t again[ASSAY_SMT_PROOF_MAX];
    assay_cursor cursor;
    assay_writer writer;
    assay_hash root = {{0}};
    assay_cursor_init(&cursor, data, size);
    if (assay_smt_proof_read(&proof, &cursor, NULL) != ASSAY_OK) return 0;
    size_t used = size - assay_cursor_left(&cursor);
    assay_writer_init(&writer, again, sizeof again);
    assay_smt_proof_write(&writer, &proof);
    ASSAY_ASSERT(!writer.failed && writer.size == used && memcmp(again, data, used) == 0);
    // Nobody finds a path to a root by chance.
    root.bytes[0] = 1;
    const void *value = proof.kind == ASSAY_SMT_PRESENT ? "value" : NULL;
    ASSAY_ASSERT(assay_smt_check(&root, "key", 3, value, 5, &proof, NULL) != ASSAY_OK);
    return 0;
}
