// SPDX-License-Identifier: Apache-2.0
#include "tests/consensus/chain.h"

// C-18: CometBFT's chain follows, block by block, and the headers we would have made are its own.
static void test_follows(void **state) {
    cometbft_chain c = cometbft_chain_open();
    assay_tip tip = cometbft_tip(&c);
    for (size_t i = 0; i < json_array_size(c.blocks); i++) {
        assay_block block = cometbft_block(&c, i), ours = block;
        assay_hash *ids = assay_arena_take(&c.arena, block.tx_count + 1, sizeof *ids);
        assay_block_tx_ids(ids, &block);
        must(assay_tip_header(&tip, &ours, ids, block.header.time, &c.arena, err));
        assert_memory_equal(&ours.header, &block.header, sizeof ours.header);
        must(assay_tip_check(&tip, &block, &c.arena, err));
        tip_step(&tip, &c, &block);
        assert_int_equal(tip.height, i + 1);
        assert_int_equal(assay_tip_check(&tip, &block, &c.arena, NULL), ASSAY_MISMATCH);
    }
    cometbft_chain_close(&c);
}

// Signed again after a change, so that only the changed field speaks against it.
static void refuse(cometbft_chain *c, const assay_tip *tip, assay_block *block, const char *name) {
    assay_error why = {0};
    assay_header_hash(&block->commit.block.hash, &block->header);
    must(assay_commit_sign(&block->commit, c->chain_id, c->seed, err));
    assert_int_equal(assay_tip_check(tip, block, &c->arena, &why), ASSAY_MISMATCH);
    if (!strstr(why.text, name)) fail_msg("\"%s\" does not name %s", why.text, name);
}

// C-18: each field by itself.
static void test_every_field(void **state) {
    cometbft_chain c = cometbft_chain_open();
    assay_tip tip = cometbft_tip(&c);
    assay_block good, b;
    for (size_t i = 0; i < 3; i++) {
        good = cometbft_block(&c, i);
        tip_step(&tip, &c, &good);
    }
    good = cometbft_block(&c, 3);
    must(assay_tip_check(&tip, &good, &c.arena, err));
#define CHANGED(change, why) b = good, change, refuse(&c, &tip, &b, why)
    CHANGED(b.header.chain_id[0] ^= 1, "chain_id");
    CHANGED(b.header.height++, "height");
    CHANGED(b.header.last_block.hash.bytes[0] ^= 1, "last_block.hash");
    CHANGED(b.header.last_block.part_count ^= 1, "last_block");
    CHANGED(b.header.last_block.part_root.bytes[0] ^= 1, "last_block");
    CHANGED(b.header.last_commit_hash.bytes[0] ^= 1, "last_commit_hash");
    CHANGED(b.header.data_hash.bytes[0] ^= 1, "data_hash");
    CHANGED(b.header.validators_hash.bytes[0] ^= 1, "validators_hash");
    CHANGED(b.header.next_validators_hash.bytes[0] ^= 1, "next_validators_hash");
    CHANGED(b.header.consensus_hash.bytes[0] ^= 1, "consensus_hash");
    CHANGED(b.header.app_hash.bytes[0] ^= 1, "app_hash");
    CHANGED(b.header.last_results_hash.bytes[0] ^= 1, "last_results_hash");
    CHANGED(b.header.evidence_hash.bytes[0] ^= 1, "evidence_hash");
    CHANGED(b.header.proposer.bytes[0] ^= 1, "proposer");
    CHANGED(b.header.time = tip.time, "time");
    CHANGED(b.header.time.seconds = tip.time.seconds - 1, "time");
    CHANGED(b.commit.block.part_count++, "parts");
    CHANGED(b.commit.block.part_root.bytes[0] ^= 1, "parts");
    CHANGED(b.commit.height++, "height");
    CHANGED(b.tx_count--, "data_hash");
#undef CHANGED
    b = good, b.commit.signature[0] ^= 1;
    assert_int_equal(assay_tip_check(&tip, &b, &c.arena, NULL), ASSAY_SIGNATURE);
    cometbft_chain_close(&c);
}

// C-18: times rise, whatever the clock says.
static void test_time(void **state) {
    cometbft_chain c = cometbft_chain_open();
    assay_tip tip = cometbft_tip(&c);
    assay_block block = {0};
    tip.time = (assay_time){1000, 999500000};
    const struct {
        assay_time clock, expected;
    } cases[] = {
        {{1000, 999500001}, {1000, 999500001}}, {{5000, 0}, {5000, 0}},
        {{1000, 999500000}, {1001, 500000}},    {{0, 0}, {1001, 500000}},
        {{999, 999999999}, {1001, 500000}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must(assay_tip_header(&tip, &block, NULL, cases[i].clock, &c.arena, err));
        assert_int_equal(block.header.time.seconds, cases[i].expected.seconds);
        assert_int_equal(block.header.time.nanos, cases[i].expected.nanos);
    }
    const assay_time far = {ASSAY_TIME_SECONDS_MAX + 1, 0};
    assert_int_equal(assay_tip_header(&tip, &block, NULL, far, &c.arena, NULL), ASSAY_RANGE);
    cometbft_chain_close(&c);
}

static void hex_put(json_t *object, const char *name, const assay_writer *writer) {
    char *hex = malloc(2 * writer->size + 1);
    assert_false(writer->failed);
    assay_hex_encode(hex, writer->data, writer->size);
    json_object_set_new(object, name, json_string(hex));
    free(hex);
}

// A chain of our own making, with nothing of CometBFT's in it but the form. Where
// ASSAY_COMETBFT_CHAIN names a file, CometBFT then verifies it (tests/oracles/cometbft_fresh).
static void test_ours(void **state) {
    cometbft_chain c = cometbft_chain_open();
    assay_tip tip;
    assay_hash app_hash = {{7}};
    json_t *list = json_array();
    assay_tip_init(&tip, "assay-1", c.key, 12345, 1700000000, &app_hash);
    for (uint32_t i = 0; i < 20; i++) {
        uint8_t bytes[1024];
        assay_writer writer;
        assay_block block = cometbft_block(&c, i % json_array_size(c.blocks));
        assay_hash *ids = assay_arena_take(&c.arena, block.tx_count + 1, sizeof *ids);
        assay_time now = {1700000000 + 1000 * i * (i % 3), i};
        assay_block_tx_ids(ids, &block);
        must(assay_tip_header(&tip, &block, ids, now, &c.arena, err));
        block.commit.height = block.header.height;
        block.commit.time = block.header.time;
        must(assay_block_id_of(&block.commit.block, &block, tip.height ? &tip.commit : NULL,
                               &c.arena, err));
        must(assay_commit_sign(&block.commit, tip.chain_id, c.seed, err));
        block.app_hash_after = (assay_hash){{(uint8_t)i, 1}};
        must(assay_tip_check(&tip, &block, &c.arena, err));
        tip_step(&tip, &c, &block);
        json_t *object = json_object();
        assay_writer_init(&writer, bytes, sizeof bytes);
        assay_header_protobuf(&writer, &block.header);
        hex_put(object, "header", &writer);
        assay_writer_init(&writer, bytes, sizeof bytes);
        assay_commit_protobuf(&writer, &block.commit);
        hex_put(object, "commit", &writer);
        json_array_append_new(list, object);
    }
    json_t *chain =
        json_pack("{s:s,s:i,s:o}", "chain_id", tip.chain_id, "power", 12345, "blocks", list);
    hex_put(chain, "key", &(assay_writer){c.key, sizeof c.key, sizeof c.key, false});
    const char *path = getenv("ASSAY_COMETBFT_CHAIN");
    if (path) assert_int_equal(json_dump_file(chain, path, JSON_INDENT(1)), 0);
    json_decref(chain);
    cometbft_chain_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
