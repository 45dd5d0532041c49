// SPDX-License-Identifier: Apache-2.0
// Any bytes are a proof file's JSON or are refused, and what reads can be checked and written.
#include <stdlib.h>

#include "base/json.h"
#include "consensus/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The corpus's files are of a chain whose genesis hash is taken over from the file itself.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static assay_proof proof, again;
    assay_genesis_validator own = {.consensus_bond = UINT64_C(100000000000)};
    assay_genesis genesis = {.chain_id = 7001, .validators = &own, .validator_count = 1};
    json_t *document;
    if (assay_json_parse(&document, data, size, ASSAY_PROOF_JSON_MAX, "proof", NULL) != ASSAY_OK)
        return 0;
    assay_json_hash(&genesis.hash, document, "genesis", NULL);
    assay_json_hex(own.ed25519, ASSAY_ED25519_KEY_SIZE, document, "key", NULL);
    json_object_del(document, "key");
    if (assay_proof_read(&proof, document, &genesis, NULL) == ASSAY_OK) {
        assay_light_block block;
        assay_arena arena;
        assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
        assay_proof_check(&block, &proof, &genesis, &arena, NULL);
        assay_arena_close(&arena);
        json_t *written = assay_proof_json(&proof, &genesis);
        ASSAY_ASSERT(written != NULL);
        ASSAY_ASSERT(assay_proof_read(&again, written, &genesis, NULL) == ASSAY_OK);
        ASSAY_ASSERT(json_equal(again.light_block, proof.light_block));
        json_decref(again.light_block);
        again.light_block = proof.light_block;
        ASSAY_ASSERT(memcmp(&again, &proof, sizeof proof) == 0);
        json_decref(written);
        assay_proof_close(&proof);
    }
    json_decref(document);
    return 0;
}
