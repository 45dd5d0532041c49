// SPDX-License-Identifier: Apache-2.0
// Any bytes are a genesis or are refused; a genesis survives being written and read again.
#include <stdlib.h>

#include "ledger/genesis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_genesis genesis, again;
    if (assay_genesis_parse(&genesis, data, size, NULL) != ASSAY_OK) return 0;
    json_t *json = assay_genesis_json(&genesis);
    char *text = json_dumps(json, 0);
    ASSAY_ASSERT(text != NULL);
    ASSAY_ASSERT(assay_genesis_parse(&again, text, strlen(text), NULL) == ASSAY_OK);
    ASSAY_ASSERT(assay_hash_equal(&again.hash, &genesis.hash));
    ASSAY_ASSERT(again.supply == genesis.supply && again.supply <= INT64_MAX);
    free(text);
    json_decref(json);
    assay_genesis_close(&again);
    assay_genesis_close(&genesis);
    return 0;
}
