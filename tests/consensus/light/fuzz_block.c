// SPDX-License-Identifier: Apache-2.0
// Any JSON is a pair of light blocks or is refused, and what reads can be verified, whatever it
// says. {"trusted":…,"block":…}, each as in tests/vectors/light.json.
#include "base/json.h"
#include "consensus/light/verify.h"

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static assay_status part_read(assay_light_block *out, const json_t *document, const char *name,
                              assay_arena *arena) {
    return assay_light_document_read(out, json_object_get(document, name), arena, NULL);
}

// The trusted header is taken as it is; now is the new header's time.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const assay_light_policy policy = {"light-7001", 10000, 10, 1, 3};
    assay_arena arena;
    assay_light_block trusted, block;
    json_t *document;
    if (assay_json_parse(&document, data, size, INPUT_MAX, "light blocks", NULL) != ASSAY_OK)
        return 0;
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    if (part_read(&block, document, "block", &arena) == ASSAY_OK) {
        assay_light_check(&block, policy.chain_id, &arena, NULL);
        ASSAY_ASSERT(block.set.count <= ASSAY_LIGHT_VALIDATORS_MAX);
        ASSAY_ASSERT(block.set.power <= INT64_MAX / 8);
        if (part_read(&trusted, document, "trusted", &arena) == ASSAY_OK) {
            bool far;
            size_t used = arena.used;
            assay_status status = assay_light_verify(&trusted, &block, &policy, block.header.time,
                                                     &far, &arena, NULL);
            ASSAY_ASSERT(!far || status == ASSAY_RANGE);
            ASSAY_ASSERT(arena.used == used);
        }
    }
    assay_arena_close(&arena);
    json_decref(document);
    return 0;
}
