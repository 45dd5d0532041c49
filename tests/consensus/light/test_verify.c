// SPDX-License-Identifier: Apache-2.0
// E-42, E-43, E-44: each way in which a good pair of light blocks can be bent, by the sentence that
// names it.
#include "tests/consensus/light/light.h"

typedef struct {
    json_t *root;
    light_case c;
    assay_light_signature signatures[64];
    assay_light_validator validators[64];
} pair;

// The first pair of this kind, its votes and validators copied to where they can be bent.
static pair *pair_open(const char *name) {
    pair *p = calloc(1, sizeof *p);
    const json_t *one = NULL;
    size_t i;
    assert_non_null(p);
    p->root = vectors_read("light.json");
    json_array_foreach(vectors_at(p->root, "cases"), i, one) {
        if (strcmp(text_at(one, "name"), name) == 0) break;
    }
    must(light_case_read(&p->c, p->root, one, err));
    assay_light_block *block = &p->c.block;
    assert_true(block->set.count <= 64 && block->signature_count <= 64);
    memcpy(p->signatures, block->signatures, block->signature_count * sizeof p->signatures[0]);
    memcpy(p->validators, block->set.validators, block->set.count * sizeof p->validators[0]);
    block->signatures = p->signatures;
    block->set.validators = p->validators;
    return p;
}

static void pair_close(pair *p) {
    assay_arena_close(&p->c.arena);
    json_decref(p->root);
    free(p);
}

static assay_status ask(pair *p, bool *far, assay_error *err) {
    return assay_light_verify(&p->c.trusted, &p->c.block, &p->c.policy, p->c.now, far, &p->c.arena,
                              err);
}

static void refused(pair *p, assay_status expected, const char *sentence) {
    assay_error why = {0};
    bool far;
    assert_int_equal(ask(p, &far, &why), expected);
    assert_false(far);
    if (!strstr(why.text, sentence)) fail_msg("\"%s\" does not say \"%s\"", why.text, sentence);
}

// `bend` once for neighbours and once for heights apart, each from the good pair.
#define BENT(bend, status, sentence)                                                               \
    do {                                                                                           \
        static const char *const kinds_[] = {"adjacent", "skipping"};                              \
        for (int kind_ = 0; kind_ < 2; kind_++) {                                                  \
            pair *p = pair_open(kinds_[kind_]);                                                    \
            bool far_;                                                                             \
            must(ask(p, &far_, err));                                                              \
            bend;                                                                                  \
            refused(p, ASSAY_##status, sentence);                                                  \
            pair_close(p);                                                                         \
        }                                                                                          \
    } while (0)

static void every_part_is_checked(void **unused) {
    BENT(p->c.policy.chain_id = "light-7002", MISMATCH, "is of chain \"light-7001\", not");
    BENT(p->c.block.header.block_version = 12, VERSION, "of block version 12, known is 11");
    BENT(p->c.block.commit_height++, MISMATCH, "commit is for height");
    BENT(p->c.block.hash.bytes[0] ^= 1, MISMATCH, "signs another header");
    BENT(p->c.block.signature_count--, MISMATCH, "signatures, its set");
    BENT(p->validators[1].power++, MISMATCH, "names another validator set");
    BENT(p->validators[1].key[0] ^= 1, MISMATCH, "names another validator set");
    BENT(p->signatures[0].signature[0] ^= 1, SIGNATURE, "did not sign height");
    BENT(p->signatures[0].signature[63] ^= 0x80, SIGNATURE, "did not sign height");
    BENT(p->signatures[0].time.nanos ^= 1, SIGNATURE, "did not sign height");
    BENT(p->c.block.round++, SIGNATURE, "did not sign height");
    BENT(p->c.block.commit_block.part_count++, SIGNATURE, "did not sign height");
    BENT(p->c.block.header.height = p->c.trusted.header.height, RANGE, "is not above the trusted");
    BENT(p->c.block.header.time = p->c.trusted.header.time, RANGE, "not later than the trusted");
    BENT(p->c.now = p->c.trusted.header.time, RANGE, "now is");
    BENT(p->c.policy.trusting_seconds = 0, RANGE, "may be trusted");
}

// Votes of nobody, absent ones and those for nothing, leave too little power.
static void silence_is_not_consent(void **unused) {
    static const assay_light_flag flags[] = {ASSAY_LIGHT_ABSENT, ASSAY_LIGHT_NIL};
    for (int i = 0; i < 2; i++) {
        pair *p = pair_open("adjacent");
        for (uint32_t at = 0; at < p->c.block.signature_count; at++)
            p->signatures[at].flag = flags[i];
        refused(p, ASSAY_RANGE, "power 0 of");
        pair_close(p);
    }
}

// One that is too far is told from one that is wrong: only then does a header between them help.
static void too_far_is_no_lie(void **unused) {
    pair *p = pair_open("skipping, nobody left");
    assay_error why = {0};
    bool far;
    assert_int_equal(ask(p, &far, &why), ASSAY_RANGE);
    assert_true(far);
    assert_non_null(strstr(why.text, "in the trusted set"));
    p->c.block.hash.bytes[0] ^= 1;
    refused(p, ASSAY_MISMATCH, "signs another header");
    pair_close(p);
}

// E-42: what the trusted hash's own block is held to.
static void the_first_block_is_checked_too(void **unused) {
    pair *p = pair_open("adjacent");
    assay_arena *arena = &p->c.arena;
    must(assay_light_check(&p->c.block, "light-7001", arena, err));
    assert_int_equal(assay_light_check(&p->c.block, "light-7002", arena, NULL), ASSAY_MISMATCH);
    p->signatures[0].signature[0] ^= 1;
    assert_int_equal(assay_light_check(&p->c.block, "light-7001", arena, NULL), ASSAY_SIGNATURE);
    pair_close(p);
}

// A time so late that the period's end cannot be told is no way to be trusted for less.
static void times_do_not_wrap(void **unused) {
    pair *p = pair_open("adjacent");
    bool far;
    p->c.policy.trusting_seconds = UINT64_MAX;
    must(ask(p, &far, err));
    p->c.policy.drift_seconds = UINT64_MAX;
    must(ask(p, &far, err));
    pair_close(p);
}

// Checks take no room for good: any number of them pass in one arena.
static void scratch_is_given_back(void **unused) {
    pair *p = pair_open("skipping");
    bool far;
    size_t used = p->c.arena.used;
    for (int i = 0; i < 100; i++)
        must(ask(p, &far, err));
    assert_int_equal(p->c.arena.used, used);
    pair_close(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_checked), cmocka_unit_test(silence_is_not_consent),
        cmocka_unit_test(too_far_is_no_lie),     cmocka_unit_test(the_first_block_is_checked_too),
        cmocka_unit_test(times_do_not_wrap),     cmocka_unit_test(scratch_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
