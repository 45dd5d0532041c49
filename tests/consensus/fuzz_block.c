// SPDX-License-Identifier: Apache-2.0
// Any bytes are a block record or are refused; one that reads is written again as the same bytes.
#include "consensus/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_arena arena;
    assay_block block;
    assay_bytes again;
    assay_hash hash;
    assay_block_id id;
    assay_arena_init(&arena, 64 << 20);
    if (assay_block_read(&block, data, size, &arena, NULL) == ASSAY_OK) {
        ASSAY_ASSERT(assay_block_write(&again, &block, &arena, NULL) == ASSAY_OK);
        ASSAY_ASSERT(again.size == size && memcmp(again.data, data, size) == 0);
        ASSAY_ASSERT(assay_block_id_of(&id, &block, &block.commit, &arena, NULL) == ASSAY_OK);
        assay_header_hash(&hash, &block.header);
        ASSAY_ASSERT(assay_hash_equal(&hash, &id.hash));
    }
    assay_arena_close(&arena);
    return 0;
}
