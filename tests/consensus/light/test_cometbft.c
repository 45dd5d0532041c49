// SPDX-License-Identifier: Apache-2.0
// E-40, E-41, E-42, E-43, E-44: every verdict of CometBFT's own light client
// (tests/oracles/cometbft/light.go) over drawn sets, rounds, absent and empty votes, at each limit
// and one step beside it.
#include "tests/consensus/light/light.h"

typedef struct {
    uint32_t valid, expired, far, invalid;
} tally;

static const char *verdict_of(light_case *c, assay_status read, assay_error *err) {
    bool far = false;
    if (read != ASSAY_OK) return "invalid";
    assay_status status =
        assay_light_verify(&c->trusted, &c->block, &c->policy, c->now, &far, &c->arena, err);
    if (status == ASSAY_OK) return "valid";
    if (far) return "far";
    return strstr(err->text, "may be trusted") ? "expired" : "invalid";
}

static void verdicts_are_cometbfts(void **unused) {
    json_t *root = light_vectors();
    const json_t *one;
    size_t i;
    uint32_t wrong = 0;
    tally t = {0};
    json_array_foreach(vectors_at(root, "cases"), i, one) {
        light_case c;
        assay_error why = {0};
        assay_status read = light_case_read(&c, root, one, &why);
        const char *own = verdict_of(&c, read, &why);
        if (strcmp(own, c.verdict) != 0) {
            print_message("case %zu, %s: %s (%s), CometBFT says %s (%s)\n", i, c.name, own,
                          why.text, c.verdict, c.reason);
            wrong++;
        }
        t.valid += strcmp(own, "valid") == 0;
        t.expired += strcmp(own, "expired") == 0;
        t.far += strcmp(own, "far") == 0;
        t.invalid += strcmp(own, "invalid") == 0;
        assay_arena_close(&c.arena);
    }
    print_message("%zu pairs: %u valid, %u too far, %u expired, %u invalid\n", i, t.valid, t.far,
                  t.expired, t.invalid);
    assert_int_equal(wrong, 0);
    assert_true(t.valid >= 10 && t.far >= 10 && t.expired >= 4 && t.invalid >= 20);
    json_decref(root);
}

// C-6, E-93: of votes, of those for nothing and of none, as the next header would name it.
static void commits_have_cometbfts_hash(void **unused) {
    json_t *root = light_vectors();
    json_t *one;
    size_t i;
    json_array_foreach(vectors_at(root, "cases"), i, one) {
        assay_arena arena;
        assay_hash hash;
        assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
        must(assay_light_commit_hash(&hash, vectors_at(one, "block.signed_header.commit"), &arena,
                                     err));
        expect_hash(one, "commit_hash", &hash);
        assay_arena_close(&arena);
    }
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts_are_cometbfts),
                                       cmocka_unit_test(commits_have_cometbfts_hash)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
