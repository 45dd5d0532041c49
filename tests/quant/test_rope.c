// SPDX-License-Identifier: Apache-2.0
// N-10: the rotary table against mpmath's recorded answers (tests/oracles/rope_angles.py) and the
// demo table's recorded digests. ASSAY_ROPE_ANGLES=FILE takes another recording.
#include "tests/vectors.h"

#include "base/sha256.h"
#include "quant/rope.h"

static json_t *angles_read(void) {
    const char *path = getenv("ASSAY_ROPE_ANGLES");
    json_t *root = NULL;
    assay_error err = {0};
    if (!path) return vectors_read("rope_angles.json");
    if (assay_json_read_many(&root, path, 1 << 30, SIZE_MAX, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    return root;
}

// Row 1 of a table is the angles themselves.
static void angles_round(float *cos, float *sin, const double *angles, uint32_t count) {
    float *both = malloc(4 * count * sizeof *both);
    assert_non_null(both);
    assert_int_equal(assay_rope_table(both, both + 2 * count, 2, count, angles, NULL), ASSAY_OK);
    memcpy(cos, both + count, count * sizeof *cos);
    memcpy(sin, both + 3 * count, count * sizeof *sin);
    free(both);
}

static void test_hard_angles(void **state) {
    json_t *root = angles_read();
    size_t size, cos_size, sin_size;
    double *angles = vectors_bytes(root, "hard.angles_f64", &size);
    float *cos_wanted = vectors_bytes(root, "hard.cos", &cos_size);
    float *sin_wanted = vectors_bytes(root, "hard.sin", &sin_size);
    uint32_t count = (uint32_t)(size / sizeof *angles);
    assert_true(count > 0 && cos_size == count * sizeof(float) && sin_size == cos_size);
    float *cos = malloc(cos_size), *sin = malloc(sin_size);
    angles_round(cos, sin, angles, count);
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&cos[i], &cos_wanted[i], 4) != 0 || memcmp(&sin[i], &sin_wanted[i], 4) != 0)
            fail_msg("angle %a: cos %a, wanted %a; sin %a, wanted %a", angles[i], cos[i],
                     cos_wanted[i], sin[i], sin_wanted[i]);
    free(angles);
    free(cos_wanted);
    free(sin_wanted);
    free(cos);
    free(sin);
    json_decref(root);
}

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static double angle_from(uint64_t word) {
    uint64_t bits = (1023 - 60 + (word >> 52) % 74) << 52 | (word & (((uint64_t)1 << 52) - 1));
    double angle;
    memcpy(&angle, &bits, sizeof angle);
    return angle;
}

static void test_random_angles(void **state) {
    enum { BLOCK = 256 };
    json_t *root = angles_read();
    uint64_t seed, block;
    assert_int_equal(assay_json_u64(&seed, root, "seed", 0, UINT64_MAX, NULL), ASSAY_OK);
    assert_int_equal(assay_json_u64(&block, root, "block", BLOCK, BLOCK, NULL), ASSAY_OK);
    json_t *blocks = vectors_at(root, "blocks_sha256"), *wanted;
    size_t index;
    json_array_foreach(blocks, index, wanted) {
        double angles[BLOCK];
        float answers[2][BLOCK];
        for (int i = 0; i < BLOCK; i++)
            angles[i] = angle_from(splitmix64(&seed));
        angles_round(answers[0], answers[1], angles, BLOCK);
        assay_hash hash;
        char text[65];
        assay_sha256_of(&hash, answers, sizeof answers);
        assay_hex_encode(text, hash.bytes, sizeof hash.bytes);
        if (strcmp(text, json_string_value(wanted)) != 0)
            fail_msg("block %zu of random angles differs, its first angle is %a", index, angles[0]);
    }
    assert_true(index > 0);
    json_decref(root);
}

static void test_demo_table(void **state) {
    enum { POSITIONS = 512, HALF = 16 };
    json_t *root = vectors_read("exact.json");
    size_t size;
    double *inv_freq = vectors_bytes(root, "import.rope.inv_freq_f64", &size);
    assert_int_equal(size, HALF * sizeof *inv_freq);
    static float cos[POSITIONS * HALF], sin[POSITIONS * HALF];
    assert_int_equal(assay_rope_table(cos, sin, POSITIONS, HALF, inv_freq, NULL), ASSAY_OK);
    assay_hash hash, both;
    assay_sha256_of(&hash, cos, sizeof cos);
    vectors_expect_sha256(root, "import.rope.cos_f32_sha256", &hash);
    assay_sha256_of(&hash, sin, sizeof sin);
    vectors_expect_sha256(root, "import.rope.sin_f32_sha256", &hash);
    static float joined[2][POSITIONS * HALF];
    memcpy(joined[0], cos, sizeof cos);
    memcpy(joined[1], sin, sizeof sin);
    assay_sha256_of(&hash, joined, sizeof joined);
    assay_rope_digest(&both, cos, sin, POSITIONS, HALF);
    assert_true(assay_hash_equal(&hash, &both));
    free(inv_freq);
    json_decref(root);
}

static void test_frequencies_out_of_range(void **state) {
    const double bad[] = {0, -1, 0x1p-61, 0x1.0000000000001p14, __builtin_inf(), __builtin_nan("")};
    float cos[2], sin[2];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(assay_rope_table(cos, sin, 2, 1, &bad[i], NULL), ASSAY_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hard_angles),
        cmocka_unit_test(test_random_angles),
        cmocka_unit_test(test_demo_table),
        cmocka_unit_test(test_frequencies_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
