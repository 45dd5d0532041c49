// SPDX-License-Identifier: Apache-2.0
// E-93: a chain recorded from CometBFT (tests/vectors/comet_chain.json) is replayed from its
// genesis, and every field of a header that the replay vouches for is compared.
#include "consensus/follower.h"
#include "node/comet/block.h"
#include "tests/consensus/folder.h"

enum { ARENA_MAX = 4 << 20 };

// A fresh state of the recorded genesis, and a follower of it.
typedef struct {
    char folder[FOLDER_MAX];
    json_t *root;
    assay_genesis genesis;
    assay_app *app;
    assay_follower follower;
    assay_arena arena;
} stage;

static void stage_make(stage *s) {
    memset(s, 0, sizeof *s);
    folder_make(s->folder);
    s->root = vectors_read("comet_chain.json");
    char *text = json_dumps(json_object_get(s->root, "genesis"), JSON_COMPACT);
    must(assay_genesis_parse(&s->genesis, text, strlen(text), err));
    free(text);
    const assay_app_options options = {.skip_sync = true};
    must(assay_app_open(&s->app, s->folder, &s->genesis, &options, err));
    must(assay_app_init_chain(s->app, err));
    must(assay_follower_start(&s->follower, s->app, err));
    assay_arena_init(&s->arena, ARENA_MAX);
}

static void stage_end(stage *s) {
    assay_app_close(s->app);
    assay_genesis_close(&s->genesis);
    assay_arena_close(&s->arena);
    json_decref(s->root);
}

static size_t count_of(const stage *s) {
    return json_array_size(json_object_get(s->root, "blocks"));
}

// The recorded block that is next.
static assay_block next_of(stage *s) {
    assay_block block;
    const json_t *list = json_object_get(s->root, "blocks");
    const json_t *answer = json_array_get(list, s->follower.height);
    must(assay_comet_block_read(&block, answer, NULL, s->follower.height + 1, &s->arena, err));
    must(assay_comet_rest_check(&block, answer, &s->arena, err));
    return block;
}

static void step(stage *s) {
    assay_block block = next_of(s);
    must(assay_follower_take(&s->follower, &block, NULL, 0, &s->arena, err));
}

// Up to the block before one with a transfer, which the tests then change.
static void until_a_transfer(stage *s) {
    while (next_of(s).tx_count < 2)
        step(s);
    assert_true(s->follower.height > 0 && s->follower.height + 1 < count_of(s));
}

static json_t *validators_of(const stage *s) {
    json_t *list =
        json_deep_copy(json_object_get(json_object_get(s->root, "validators"), "validators"));
    for (size_t i = 0; i < json_array_size(list); i++)
        json_object_del(json_array_get(list, i), "proposer_priority");
    return list;
}

static void the_recorded_chain_is_followed(void **unused) {
    stage s;
    assay_light_block last;
    assay_error why = {0};
    stage_make(&s);
    while (s.follower.height < count_of(&s))
        step(&s);
    json_t *header = json_object_get(json_object_get(s.root, "commit"), "signed_header"),
           *document =
               json_pack("{s:O,s:o}", "signed_header", header, "validators", validators_of(&s));
    must(assay_light_document_read(&last, document, &s.arena, err));
    must(assay_follower_check(&s.follower, &last, &s.arena, err));
    // Neither another header's commit nor a bad signature.
    last.hash.bytes[0] ^= 1;
    assert_int_equal(assay_follower_check(&s.follower, &last, &s.arena, &why), ASSAY_MISMATCH);
    last.hash.bytes[0] ^= 1;
    ((assay_light_signature *)last.signatures)->signature[3] ^= 1;
    assert_int_equal(assay_follower_check(&s.follower, &last, &s.arena, &why), ASSAY_SIGNATURE);
    json_decref(document);
    stage_end(&s);
}

static void lie(assay_header *header, assay_follower *follower, int what) {
    switch (what) {
    case 0:
        header->chain_id[0] = 'b';
        break;
    case 1:
        header->height++;
        break;
    case 2:
        header->last_block.hash.bytes[5] ^= 1;
        break;
    case 3:
        header->last_block.part_count++;
        break;
    case 4:
        header->time = follower->time;
        break;
    case 5:
        header->app_hash.bytes[0] ^= 1;
        break;
    case 6:
        header->last_results_hash.bytes[31] ^= 1;
        break;
    case 7:
        header->validators_hash.bytes[0] ^= 1;
        break;
    case 8:
        header->next_validators_hash.bytes[0] ^= 1;
        break;
    case 9:
        header->consensus_hash.bytes[0] ^= 1;
        break;
    default:
        header->proposer.bytes[0] ^= 1;
    }
}

static void each_field_must_follow(void **unused) {
    static const char *const said[] = {
        ": it is of another chain",
        ": it has another height",
        ": it does not follow the block before it",
        ": it does not follow the block before it",
        ": its time is not after",
        ": its app hash is not",
        ": its results hash is not",
        ": its validators are not",
        ": its next validators are not",
        ": its consensus parameters are not those of the genesis",
        ": its proposer is no validator",
    };
    stage s;
    stage_make(&s);
    until_a_transfer(&s);
    for (int i = 0; i < (int)(sizeof said / sizeof *said); i++) {
        assay_error why = {0};
        assay_block block = next_of(&s);
        lie(&block.header, &s.follower, i);
        assert_int_equal(assay_follower_take(&s.follower, &block, NULL, 0, &s.arena, &why),
                         ASSAY_MISMATCH);
        if (!strstr(why.text, said[i])) fail_msg("%d: \"%s\"", i, why.text);
    }
    step(&s); // nothing of that stayed
    stage_end(&s);
}

// What a block did not hold shows in the next header, and nobody proposes one without its beacon's
// place in order.
static void another_block_leads_elsewhere(void **unused) {
    stage s;
    assay_error why = {0};
    stage_make(&s);
    until_a_transfer(&s);
    assay_block block = next_of(&s);
    assert_int_equal(block.tx_count, 2);
    const assay_bytes swapped[] = {block.txs[1], block.txs[0]};
    block.txs = swapped;
    assert_int_equal(assay_follower_take(&s.follower, &block, NULL, 0, &s.arena, &why),
                     ASSAY_REJECTED);
    block = next_of(&s);
    block.tx_count = 1; // the transfer is left out
    must(assay_follower_take(&s.follower, &block, NULL, 0, &s.arena, err));
    block = next_of(&s);
    assert_int_equal(assay_follower_take(&s.follower, &block, NULL, 0, &s.arena, &why),
                     ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, ": its app hash is not"));
    stage_end(&s);
}

// A power that changed counts for the block after the next (E-24).
static void other_powers_are_other_validators(void **unused) {
    stage s;
    assay_error why = {0};
    stage_make(&s);
    step(&s);
    s.follower.next_set.list[0].power++;
    assay_block block = next_of(&s);
    assert_int_equal(assay_follower_take(&s.follower, &block, NULL, 0, &s.arena, &why),
                     ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, "its next validators"));
    stage_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recorded_chain_is_followed),
        cmocka_unit_test(each_field_must_follow),
        cmocka_unit_test(another_block_leads_elsewhere),
        cmocka_unit_test(other_powers_are_other_validators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
