// SPDX-License-Identifier: Apache-2.0
// {"block":…,"results":…} as a CometBFT that lies would answer: a block of height 4, or refused.
// What is read has the hashes that it states. Rules E-91, E-93.
#include "base/json.h"
#include "node/comet/block.h"

enum { INPUT_MAX = 1 << 20, HEIGHT = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_arena arena;
    assay_block block;
    assay_hash hash;
    json_t *document;
    if (assay_json_parse(&document, data, size, INPUT_MAX, "a block", NULL) != ASSAY_OK) return 0;
    assay_arena_init(&arena, 8 << 20);
    if (assay_comet_block_read(&block, json_object_get(document, "block"),
                               json_object_get(document, "results"), HEIGHT, &arena,
                               NULL) == ASSAY_OK) {
        assay_header_hash(&hash, &block.header);
        ASSAY_ASSERT(assay_hash_equal(&hash, &block.commit.block.hash));
        assay_comet_rest_check(&block, json_object_get(document, "block"), &arena, NULL);
        ASSAY_ASSERT(block.header.height == HEIGHT && block.tx_count <= ASSAY_BLOCK_TXS_MAX);
    }
    const assay_misbehavior *list;
    uint32_t count;
    if (assay_comet_misbehaviors_read(&list, &count, json_object_get(document, "block"), &arena,
                                      NULL) == ASSAY_OK)
        ASSAY_ASSERT(count == 0 || list[count - 1].height > 0);
    assay_arena_close(&arena);
    json_decref(document);
    return 0;
}
