// SPDX-License-Identifier: Apache-2.0
// C-6: the bytes that votes sign.
#include "tests/consensus/light/light.h"

// Go's zero time, before 1970 in two's complement.
#define GO_ZERO_SECONDS ((uint64_t)INT64_C(-62135596800))

// CometBFT v0.39 types/vote_test.go, TestVoteSignBytesTestVectors, case 1: the one of its six that
// is a precommit. It votes for no block, in round 1 and at Go's zero time.
static void published_bytes(void **unused) {
    static const uint8_t expected[] = {0x21, 0x08, 0x02, 0x11, 0x01, 0x00, 0x00, 0x00, 0x00,
                                       0x00, 0x00, 0x00, 0x19, 0x01, 0x00, 0x00, 0x00, 0x00,
                                       0x00, 0x00, 0x00, 0x2a, 0x0b, 0x08, 0x80, 0x92, 0xb8,
                                       0xc3, 0x98, 0xfe, 0xff, 0xff, 0xff, 0x01};
    const assay_precommit vote = {.height = 1, .round = 1, .time = {GO_ZERO_SECONDS, 0}};
    uint8_t bytes[ASSAY_VOTE_BYTES_MAX];
    assert_int_equal(assay_precommit_sign_bytes(bytes, &vote, (assay_bytes){NULL, 0}),
                     sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
}

// Every vote for a block and every vote for none that CometBFT signed in good pairs.
static void every_signature_is_over_our_bytes(void **unused) {
    json_t *root = light_vectors();
    const json_t *one;
    size_t i;
    uint32_t counts[4] = {0};
    json_array_foreach(vectors_at(root, "cases"), i, one) {
        light_case c;
        must(light_case_read(&c, root, one, err));
        const assay_light_block *block = &c.block;
        bool good = strncmp(c.name, "adjacent", 8) == 0 || strncmp(c.name, "skipping", 8) == 0;
        for (uint32_t at = 0; good && at < block->signature_count; at++) {
            const assay_light_signature *signature = &block->signatures[at];
            assay_precommit vote = {block->commit_height, block->round, block->commit_block,
                                    signature->time};
            uint8_t bytes[ASSAY_VOTE_BYTES_MAX];
            counts[signature->flag]++;
            if (signature->flag == ASSAY_LIGHT_ABSENT) continue;
            if (signature->flag == ASSAY_LIGHT_NIL) memset(&vote.block, 0, sizeof vote.block);
            size_t size = assay_precommit_sign_bytes(bytes, &vote, block->header.chain_id);
            must(assay_ed25519_check(block->set.validators[at].key, signature->signature, bytes,
                                     size, err));
        }
        assay_arena_close(&c.arena);
    }
    print_message("%u votes for a block, %u for none, %u absent\n", counts[ASSAY_LIGHT_COMMIT],
                  counts[ASSAY_LIGHT_NIL], counts[ASSAY_LIGHT_ABSENT]);
    assert_true(counts[ASSAY_LIGHT_COMMIT] >= 100 && counts[ASSAY_LIGHT_NIL] >= 10);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_bytes),
        cmocka_unit_test(every_signature_is_over_our_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
