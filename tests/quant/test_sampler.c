// SPDX-License-Identifier: Apache-2.0
// N-14: the recorded choices, and a second implementation that sorts everything.
#include "tests/vectors.h"

#include "base/philox.h"
#include "quant/sampler.h"

static assay_sampler sampler;

static void sampler_for(uint32_t vocab_size) {
    free(sampler.order);
    void *scratch = malloc(assay_sampler_scratch_size(vocab_size));
    assert_non_null(scratch);
    sampler = assay_sampler_in(scratch, &assay_kernels_ref, vocab_size);
}

static int sampler_free(void **state) {
    free(sampler.order);
    return 0;
}

static uint64_t member(json_t *item, const char *name) {
    uint64_t value;
    assert_int_equal(assay_json_u64(&value, item, name, 0, UINT64_MAX, NULL), ASSAY_OK);
    return value;
}

static void test_recorded_choices(void **state) {
    json_t *root = vectors_read("exact.json"), *item;
    size_t size, index;
    float *logits = vectors_bytes(root, "ops.choose.logits", &size);
    sampler_for((uint32_t)(size / sizeof *logits));
    json_array_foreach(vectors_at(root, "ops.choose.cases"), index, item) {
        assay_sampling sampling = {(uint32_t)member(item, "temperature_milli"),
                                   (uint32_t)member(item, "top_k"),
                                   (uint32_t)member(item, "top_p_ppm"), member(item, "seed")};
        assert_int_equal(assay_sampling_check(&sampling, NULL), ASSAY_OK);
        assert_int_equal(
            assay_sampler_choose(&sampler, logits, &sampling, member(item, "position")),
            member(item, "token"));
    }
    assert_true(index > 0);
    free(logits);
    json_decref(root);
}

typedef struct {
    uint64_t weight;
    uint32_t id;
    bool kept;
} entry;

static int by_weight_then_id(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

static int by_id(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return x->id < y->id ? -1 : 1;
}

// The rule as it is written. Values small enough for u64 without care.
static uint32_t choose_by_sorting(const float *logits, uint32_t count,
                                  const assay_sampling *sampling, uint32_t position) {
    entry *entries = calloc(count, sizeof *entries);
    assert_non_null(entries);
    float max = logits[0];
    for (uint32_t i = 0; i < count; i++)
        max = logits[i] > max ? logits[i] : max;
    for (uint32_t i = 0; i < count; i++) {
        float x = (logits[i] - max) / ((float)sampling->temperature_milli / 1000.0f), e;
        assay_exp_ref(&e, &x, 1);
        double scaled = (double)e * 16777216.0; // exact; ties to even by hand
        uint64_t floor = (uint64_t)scaled;
        double rest = scaled - (double)floor;
        entries[i] = (entry){floor + (rest > 0.5 || (rest == 0.5 && floor % 2)), i, false};
    }
    qsort(entries, count, sizeof *entries, by_weight_then_id);
    uint32_t first = sampling->top_k && sampling->top_k < count ? sampling->top_k : count;
    uint64_t total = 0, sum = 0;
    for (uint32_t i = 0; i < first; i++)
        total += entries[i].weight;
    for (uint32_t i = 0; i < first && sum * 1000000 < total * sampling->top_p_ppm; i++) {
        sum += entries[i].weight;
        entries[i].kept = true;
    }
    uint32_t words[4];
    assay_philox4x32(
        words, (const uint32_t[4]){position, 0, 0, 0},
        (const uint32_t[2]){(uint32_t)sampling->seed, (uint32_t)(sampling->seed >> 32)});
    uint64_t random = words[0] | (uint64_t)words[1] << 32;
    // high 64 bits of random * sum for sum < 2^32, in halves
    assert_true(sum < (uint64_t)1 << 32);
    uint64_t point = ((random >> 32) * sum + ((random & 0xffffffff) * sum >> 32)) >> 32;
    qsort(entries, count, sizeof *entries, by_id);
    uint64_t running = 0;
    uint32_t chosen = UINT32_MAX;
    for (uint32_t i = 0; i < count && chosen == UINT32_MAX; i++) {
        if (entries[i].kept) running += entries[i].weight;
        if (entries[i].kept && running > point) chosen = i;
    }
    free(entries);
    return chosen;
}

static void test_against_sorting(void **state) {
    const uint32_t counts[] = {1, 2, 7, 64, 150}, top_ks[] = {0, 1, 2, 5, 63, 64, 1000};
    const uint32_t top_ps[] = {1, 400000, 900000, 999999, 1000000};
    uint32_t position = 0, seen[150] = {0};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint32_t count = counts[c];
        sampler_for(count);
        for (uint32_t i = 0; i < 7 * 5 * 40; i++, position++) {
            float logits[150];
            assay_sampling sampling = {i % 3 ? 1000 + i : 50, top_ks[i % 7], top_ps[i / 7 % 5],
                                       0x123456789abcdef0 + i};
            for (uint32_t j = 0; j < count; j++) {
                uint32_t words[4];
                assay_philox4x32(words, (const uint32_t[4]){j, i, c, 0}, (const uint32_t[2]){5, 6});
                // Coarse steps: ties are common. Every fourth round all are equal.
                logits[j] = i % 4 ? (float)(words[0] % 64) * 0.25f - 8.0f : 1.5f;
            }
            uint32_t id = assay_sampler_choose(&sampler, logits, &sampling, position);
            assert_int_equal(id, choose_by_sorting(logits, count, &sampling, position));
            seen[id]++;
        }
    }
    for (int i = 0; i < 64; i++)
        assert_true(seen[i] > 0);
}

static void test_greedy_takes_the_lowest_of_equals(void **state) {
    float logits[9] = {-3, 1, 7, -0.0f, 7, 0, 7, -9, 1};
    assay_sampling greedy = {0, 3, 1, 99};
    sampler_for(9);
    assert_int_equal(assay_sampler_choose(&sampler, logits, &greedy, 4), 2);
    for (int i = 0; i < 9; i++)
        logits[i] = i == 3 ? -0.0f : 0.0f;
    assert_int_equal(assay_sampler_choose(&sampler, logits, &greedy, 4), 0);
}

// The distance of two logits may pass every limit of exp and of temperature.
static void test_extreme_logits(void **state) {
    float logits[4] = {-0x1p98f, 0x1p98f, 0, 0x1p97f};
    assay_sampling sampling = {1, 0, 1000000, 1};
    sampler_for(4);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(assay_sampler_choose(&sampler, logits, &sampling, i), 1);
}

static void test_limits(void **state) {
    assay_sampling sampling = {ASSAY_SAMPLING_TEMPERATURE_MAX, UINT32_MAX, 1, UINT64_MAX};
    assert_int_equal(assay_sampling_check(&sampling, NULL), ASSAY_OK);
    sampling.temperature_milli++;
    assert_int_equal(assay_sampling_check(&sampling, NULL), ASSAY_RANGE);
    sampling = (assay_sampling){0, 0, 0, 0};
    assert_int_equal(assay_sampling_check(&sampling, NULL), ASSAY_RANGE);
    sampling.top_p_ppm = ASSAY_SAMPLING_PPM + 1;
    assert_int_equal(assay_sampling_check(&sampling, NULL), ASSAY_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_choices),
        cmocka_unit_test(test_against_sorting),
        cmocka_unit_test(test_greedy_takes_the_lowest_of_equals),
        cmocka_unit_test(test_extreme_logits),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, sampler_free);
}
