// SPDX-License-Identifier: Apache-2.0
// E-45: a chain whose three validators move on by one each height, signed here, followed from its
// beginning: no jump over two heights is believed, so that every header on the way is fetched.
#include "consensus/light/client.h"
#include "tests/consensus/cometbft.h"

enum { SIGNERS = 3, HEIGHTS = 17, KEYS = HEIGHTS + SIGNERS, POWER = 10 };
static const char chain_id[] = "moving-on";

// A node of the chain. Its faults are the tests'.
typedef struct {
    uint8_t seeds[KEYS][ASSAY_ED25519_KEY_SIZE];
    uint8_t fork;          // another app hash from this node
    uint64_t bad_height;   // whose first signature is wrong
    uint64_t wrong_height; // is given for every other
    uint32_t fetches;
} node;

static node node_make(void) {
    node n = {0};
    for (int i = 0; i < KEYS; i++)
        n.seeds[i][0] = (uint8_t)(i + 1);
    return n;
}

static int validator_compare(const void *a, const void *b) {
    const assay_light_validator *left = a, *right = b;
    return memcmp(left->address.bytes, right->address.bytes, ASSAY_ADDRESS_SIZE);
}

static assay_light_set set_of(const node *n, uint64_t height, assay_arena *arena) {
    assay_light_validator *list = assay_arena_take(arena, SIGNERS, sizeof *list);
    for (int i = 0; i < SIGNERS; i++) {
        must(assay_ed25519_public(list[i].key, n->seeds[height + (uint64_t)i - 1], err));
        assay_ed25519_address(&list[i].address, list[i].key);
        list[i].power = POWER;
    }
    qsort(list, SIGNERS, sizeof *list, validator_compare);
    return (assay_light_set){list, SIGNERS, SIGNERS * POWER};
}

static const uint8_t *seed_of(const node *n, const uint8_t *key) {
    for (int i = 0; i < KEYS; i++) {
        uint8_t own[ASSAY_ED25519_KEY_SIZE];
        must(assay_ed25519_public(own, n->seeds[i], err));
        if (memcmp(own, key, sizeof own) == 0) return n->seeds[i];
    }
    return NULL;
}

static void signatures_make(const node *n, assay_light_block *block, assay_arena *arena) {
    assay_light_signature *list = assay_arena_take(arena, SIGNERS, sizeof *list);
    for (int i = 0; i < SIGNERS; i++) {
        uint8_t message[ASSAY_VOTE_BYTES_MAX];
        const assay_light_validator *validator = &block->set.validators[i];
        list[i] = (assay_light_signature){
            ASSAY_LIGHT_COMMIT, validator->address, block->header.time, {0}};
        const assay_precommit vote = {block->commit_height, block->round, block->commit_block,
                                      list[i].time};
        size_t size = assay_precommit_sign_bytes(message, &vote, block->header.chain_id);
        must(assay_ed25519_sign(list[i].signature, seed_of(n, validator->key), message, size, err));
    }
    if (block->header.height == n->bad_height) list[0].signature[0] ^= 1;
    block->signatures = list;
    block->signature_count = SIGNERS;
}

static assay_bytes bytes_in(const void *data, size_t size, assay_arena *arena) {
    void *copy = assay_arena_take(arena, size, 1);
    memcpy(copy, data, size);
    return (assay_bytes){copy, size};
}

static void block_make(const node *n, uint64_t height, assay_light_block *out, assay_arena *arena) {
    assay_hash hashes[2];
    uint8_t app[ASSAY_HASH_SIZE] = {n->fork};
    memset(out, 0, sizeof *out);
    out->set = set_of(n, height, arena);
    const assay_light_set next = set_of(n, height + 1, arena);
    must(assay_light_set_hash(&hashes[0], &out->set, arena, err));
    must(assay_light_set_hash(&hashes[1], &next, arena, err));
    assay_header_view *header = &out->header;
    *header = (assay_header_view){.block_version = 11,
                                  .chain_id = {(const uint8_t *)chain_id, sizeof chain_id - 1},
                                  .height = height,
                                  .time = {1000 + height, 0}};
    header->hashes[ASSAY_HEADER_VALIDATORS] = bytes_in(&hashes[0], ASSAY_HASH_SIZE, arena);
    header->hashes[ASSAY_HEADER_NEXT_VALIDATORS] = bytes_in(&hashes[1], ASSAY_HASH_SIZE, arena);
    header->hashes[ASSAY_HEADER_APP] = bytes_in(app, sizeof app, arena);
    if (height > 1) {
        assay_light_block before;
        block_make(n, height - 1, &before, arena);
        header->last_block = before.commit_block;
    }
    assay_header_view_hash(&out->hash, header);
    out->commit_height = height;
    out->commit_block = (assay_block_id){out->hash, 1, {{7}}};
    signatures_make(n, out, arena);
}

static assay_status fetch(void *self, uint64_t height, assay_light_block *out, assay_arena *arena,
                          assay_error *err) {
    node *n = self;
    n->fetches++;
    if (height > HEIGHTS) return ASSAY_FAIL(err, NOT_FOUND, "no height %u", (unsigned)height);
    block_make(n, n->wrong_height ? n->wrong_height : height ? height : HEIGHTS, out, arena);
    return ASSAY_OK;
}

// From `from` on `primary`, whose header there is trusted.
static assay_light_options options_of(node *primary, uint64_t from) {
    assay_arena arena;
    assay_light_block trusted;
    const node honest = node_make();
    assay_arena_init(&arena, 64 << 20);
    block_make(&honest, from, &trusted, &arena);
    assay_light_options options = {.policy = {.trusting_seconds = 1000,
                                              .drift_seconds = 10,
                                              .trust_numerator = 1,
                                              .trust_denominator = 3},
                                   .trusted_height = from,
                                   .trusted_hash = trusted.hash,
                                   .primary = {primary, "the node", fetch},
                                   .now = {1030, 0}};
    assay_arena_close(&arena);
    return options;
}

static assay_status follow(const assay_light_options *options, uint64_t to, uint32_t *fetches,
                           assay_error *err) {
    assay_arena arena;
    assay_light_block block;
    assay_arena_init(&arena, 256 << 20);
    assay_status status = assay_light_follow(&block, fetches, options, to, &arena, err);
    if (status == ASSAY_OK) assert_int_equal(block.header.height, to ? to : HEIGHTS);
    assay_arena_close(&arena);
    return status;
}

static void headers_between_are_fetched(void **unused) {
    node n = node_make();
    uint32_t fetches;
    const assay_light_options options = options_of(&n, 1);
    must(follow(&options, 2, &fetches, err));
    assert_int_equal(fetches, 2);
    must(follow(&options, 0, &fetches, err));
    assert_int_equal(fetches, HEIGHTS); // each once
    const assay_light_options last = options_of(&n, HEIGHTS);
    must(follow(&last, HEIGHTS - 3, &fetches, err));
    assert_int_equal(fetches, 4);
    must(follow(&last, HEIGHTS, &fetches, err));
}

static void refused(const assay_light_options *options, uint64_t to, assay_status status,
                    const char *words) {
    uint32_t fetches;
    assay_error why = {0};
    assert_int_equal(follow(options, to, &fetches, &why), status);
    if (!strstr(why.text, words)) fail_msg("%s", why.text);
}

static void nothing_is_believed_for_its_own_word(void **unused) {
    node n = node_make(), other = node_make();
    assay_light_options options = options_of(&n, 1);
    n.bad_height = 9;
    refused(&options, 0, ASSAY_SIGNATURE, "did not sign height 9");
    n.bad_height = 0;
    n.fork = 1;
    refused(&options, 0, ASSAY_MISMATCH, "the node has header");
    n.fork = 0;
    n.wrong_height = 5;
    refused(&options, 1, ASSAY_MISMATCH, "gives height 5, not 1");
    n.wrong_height = 0;
    other.fork = 1;
    const assay_light_source witness = {&other, "the witness", fetch};
    options.witnesses = &witness;
    options.witness_count = 1;
    refused(&options, 4, ASSAY_MISMATCH, "the witness has header");
    options.witness_count = 0;
    options.now = (assay_time){3000, 0};
    refused(&options, 4, ASSAY_RANGE, "how long it may be trusted");
    options.now = (assay_time){1003, 0};
    refused(&options, HEIGHTS, ASSAY_RANGE, "now is 1003 s");
    options.now = (assay_time){1030, 0};
    options.policy.chain_id = "another";
    refused(&options, 4, ASSAY_MISMATCH, "is of chain \"moving-on\", not \"another\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(headers_between_are_fetched),
                                       cmocka_unit_test(nothing_is_believed_for_its_own_word)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
