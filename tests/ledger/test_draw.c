// SPDX-License-Identifier: Apache-2.0
// Samples, drawn validators and probes against an independent recomputation
// (tests/oracles/draws.py), and their statistics (P-49, P-50, P-51).
#include "tests/vectors.h"

#include "base/sha256.h"
#include "ledger/draw.h"

static json_t *root;

static assay_hash hash_of(const json_t *item, const char *name) {
    assay_hash hash;
    const char *hex = json_string_value(json_object_get(item, name));
    assert_int_equal(assay_hex_decode(hash.bytes, 32, hex, NULL), ASSAY_OK);
    return hash;
}

static uint64_t number_of(const json_t *item, const char *name) {
    uint64_t value;
    assert_int_equal(assay_json_u64(&value, item, name, 0, UINT64_MAX, NULL), ASSAY_OK);
    return value;
}

// P-49, P-51
static void samples_and_probes_match_the_oracle(void **state) {
    size_t i;
    json_t *item, *list = vectors_at(root, "samples");
    json_array_foreach(list, i, item) {
        assay_hash beacon = hash_of(item, "beacon"), batch = hash_of(item, "batch");
        uint32_t sample = (uint32_t)number_of(item, "sample"), layer, position, shape[3];
        assert_int_equal(assay_draw_position(&beacon, &batch, sample, number_of(item, "fees")),
                         number_of(item, "position"));
        for (size_t j = 0; j < 3; j++)
            shape[j] =
                (uint32_t)json_integer_value(json_array_get(json_object_get(item, "shape"), j));
        assay_draw_probe(&layer, &position, &beacon, &batch, sample, shape[0], shape[1], shape[2]);
        json_t *probe = json_object_get(item, "probe");
        assert_int_equal(layer, json_integer_value(json_array_get(probe, 0)));
        assert_int_equal(position, json_integer_value(json_array_get(probe, 1)));
    }
    assert_int_equal(i, 100);
}

// P-50
static void drawn_validators_match_the_oracle(void **state) {
    size_t i;
    json_t *item, *list = vectors_at(root, "draws");
    json_array_foreach(list, i, item) {
        assay_hash beacon = hash_of(item, "beacon"), batch = hash_of(item, "batch");
        assay_voter voters[ASSAY_VOTERS_MAX] = {0};
        uint32_t picked[ASSAY_VOTERS_MAX];
        json_t *bonds = json_object_get(item, "bonds"), *expected = json_object_get(item, "picked");
        uint32_t count = (uint32_t)json_array_size(bonds);
        for (uint32_t j = 0; j < count; j++) {
            assay_store_be32(voters[j].address.bytes, j);
            voters[j].bond = strtoull(json_string_value(json_array_get(bonds, j)), NULL, 10);
        }
        uint32_t found = assay_draw_voters(picked, voters, count, (uint32_t)number_of(item, "want"),
                                           &beacon, &batch, (uint32_t)number_of(item, "sample"),
                                           (uint8_t)number_of(item, "turn"));
        assert_int_equal(found, json_array_size(expected));
        for (uint32_t j = 0; j < found; j++)
            assert_int_equal(picked[j], json_integer_value(json_array_get(expected, j)));
    }
    assert_int_equal(i, 100);
}

static assay_hash nth(uint32_t n) {
    assay_hash hash;
    assay_sha256_of(&hash, &n, sizeof n);
    return hash;
}

// A fraction f of the money is faked; k samples catch it with 1 − (1 − f)^k, in how many slices
// however: 1 receipt of 10 %, or 100 of 0.1 %.
static void a_faked_fraction_is_caught_as_often_as_promised(void **state) {
    enum { TRIALS = 20000, K = 3, FEES = 1000000, FAKED = 100000 };
    const double promised = 1 - 0.9 * 0.9 * 0.9; // ± 4 standard errors of 0.0031
    for (uint32_t slices = 1; slices <= 100; slices += 99) {
        uint32_t caught = 0;
        for (uint32_t n = 0; n < TRIALS; n++) {
            assay_hash beacon = nth(n), batch = nth(n + slices * TRIALS);
            bool hit = false;
            for (uint32_t sample = 0; sample < K; sample++) {
                uint64_t at = assay_draw_position(&beacon, &batch, sample, FEES);
                assert_true(at < FEES);
                uint64_t slice = FEES / slices; // each begins with its part of what is faked
                hit |= at % slice < FAKED / slices;
            }
            caught += hit;
        }
        double rate = (double)caught / TRIALS;
        if (rate < promised - 0.0125 || rate > promised + 0.0125)
            fail_msg("caught %f, promised %f, in %u slices", rate, promised, slices);
    }
}

// The first of two places goes by bond: 10 %, 20 %, 30 %, 40 %; nobody is drawn twice.
static void validators_are_drawn_by_bond(void **state) {
    enum { TRIALS = 20000 };
    assay_voter voters[4] = {{{{1}}, 10}, {{{2}}, 20}, {{{3}}, 30}, {{{4}}, 40}};
    uint32_t first[4] = {0};
    for (uint32_t n = 0; n < TRIALS; n++) {
        assay_hash beacon = nth(n), batch = nth(n + TRIALS);
        uint32_t picked[2];
        assert_int_equal(assay_draw_voters(picked, voters, 4, 1, &beacon, &batch, 0, 0), 1);
        first[picked[0]]++;
        assert_int_equal(assay_draw_voters(picked, voters, 4, 2, &beacon, &batch, 0, 0), 2);
        assert_true(picked[0] < picked[1]);
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_in_range(first[i], TRIALS / 10 * (i + 1) - 300, TRIALS / 10 * (i + 1) + 300);
}

static void a_redraw_is_fresh(void **state) {
    assay_voter voters[16];
    uint32_t same = 0;
    for (uint32_t i = 0; i < 16; i++)
        voters[i] = (assay_voter){{{(uint8_t)i}}, 1000};
    for (uint32_t n = 0; n < 1000; n++) {
        assay_hash beacon = nth(n), batch = nth(n + 1000);
        uint32_t a[1], b[1];
        assay_draw_voters(a, voters, 16, 1, &beacon, &batch, 0, 0);
        assay_draw_voters(b, voters, 16, 1, &beacon, &batch, 0, 1);
        same += a[0] == b[0];
    }
    assert_in_range(same, 30, 100); // 62.5 expected
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_and_probes_match_the_oracle),
        cmocka_unit_test(drawn_validators_match_the_oracle),
        cmocka_unit_test(a_faked_fraction_is_caught_as_often_as_promised),
        cmocka_unit_test(validators_are_drawn_by_bond),
        cmocka_unit_test(a_redraw_is_fresh),
    };
    root = vectors_read("draws.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(root);
    return failed;
}
