// SPDX-License-Identifier: Apache-2.0
// Once it is open a generator allocates nothing: sixteen tokens, alone, together and checked. The
// linker puts these functions in the place of the allocator's (tests/CMakeLists.txt).
#include "tests/quant/synthetic.h"

#include "quant/verify.h"
#include "tests/quant/many.h"

static bool counting;
static unsigned allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
    allocations += counting;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    allocations += counting;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    allocations += counting;
    return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    allocations += counting;
    return __real_aligned_alloc(alignment, size);
}

static void test_a_step_allocates_nothing(void **state) {
    enum { TOKENS = 16, MEMBERS = 3 };
    static synthetic model;
    uint32_t prompt[5];
    const assay_kernels *kernels;
    assay_generator generator;
    assay_pool *pool;
    counting = true;
    synthetic_open(&model, 5);
    synthetic_ids(&model, prompt, 5);
    assert_int_equal(assay_kernels_find(&kernels, NULL, NULL), ASSAY_OK);
    assert_int_equal(assay_pool_open(&pool, 2, NULL), ASSAY_OK);
    assay_engine engine = {&model.model, kernels, pool};
    assert_int_equal(assay_generator_open(&generator, &engine, MEMBERS, 5 + TOKENS, 0, NULL),
                     ASSAY_OK);
    assert_true(allocations > 10); // the counter counts
    allocations = 0;
    assay_generate_request requests[MEMBERS];
    assay_output outs[MEMBERS];
    for (int i = 0; i < MEMBERS; i++)
        requests[i] = (assay_generate_request){.adapter = i ? &model.adapters[i - 1] : NULL,
                                               .prompt = prompt,
                                               .prompt_count = 5,
                                               .max_tokens = TOKENS,
                                               .stop_ids_ignored = true,
                                               .sampling = {i ? 800 : 0, 40, 900000, 3}};
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(assay_generator_run(&generator, &requests[i], &outs[0], NULL, NULL, NULL),
                         ASSAY_OK);
    assert_int_equal(outs[0].count, TOKENS);
    assert_int_equal(run_many(&generator, requests, MEMBERS, outs), ASSAY_OK);
    uint32_t claimed[TOKENS];
    memcpy(claimed, outs[0].ids, sizeof claimed);
    assay_output_claim claim = {claimed, TOKENS, outs[0].stop, outs[0].trace};
    assay_difference difference;
    assert_int_equal(
        assay_generator_verify(&generator, &requests[0], &claim, NULL, &difference, NULL),
        ASSAY_OK);
    assert_int_equal(difference.finding, ASSAY_FINDING_MATCH);
    assert_int_equal(allocations, 0);
    counting = false;
    assay_generator_close(&generator);
    assay_pool_close(pool);
    synthetic_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_step_allocates_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
