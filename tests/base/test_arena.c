// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "tests/test.h"

static bool no_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
    return no_memory ? NULL : __real_malloc(size);
}

// Sizes that no allocator has are answered with NULL, as without the sanitizer.
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

static void what_is_taken_is_zeroed_aligned_and_apart(void **state) {
    assay_arena arena;
    assay_arena_init(&arena, 1 << 20);
    uint8_t *taken[200];
    for (size_t i = 0; i < 200; i++) {
        taken[i] = assay_arena_take(&arena, i, 7);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % 16, 0);
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal(taken[i][j], 0);
        memset(taken[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal(taken[i][j], (uint8_t)i);
    assay_arena_close(&arena);
}

static void capacity_is_a_hard_limit(void **state) {
    assay_arena arena;
    assay_arena_init(&arena, 64);
    assert_non_null(assay_arena_take(&arena, 1, 48));
    assert_null(assay_arena_take(&arena, 1, 17));
    assert_non_null(assay_arena_take(&arena, 1, 16));
    assert_null(assay_arena_take(&arena, 1, 1));
    assert_null(assay_arena_take(&arena, 0, 0));

    assay_error err = {0};
    void *out = &arena;
    assert_int_equal(assay_arena_get(&arena, 3, 5, "row table", &out, &err), ASSAY_CAPACITY);
    assert_null(out);
    assert_string_equal(err.text, "row table needs 3 x 5 bytes, 0 of 64 left");

    assay_arena_reset(&arena);
    assert_int_equal(assay_arena_get(&arena, 8, 8, "row table", &out, &err), ASSAY_OK);
    assert_non_null(out);
    assay_arena_close(&arena);
    assert_null(assay_arena_take(&arena, 1, 1));
}

static void overflowing_sizes_give_nothing(void **state) {
    assay_arena arena;
    assay_arena_init(&arena, SIZE_MAX);
    assert_null(assay_arena_take(&arena, SIZE_MAX / 2 + 1, 2));
    assert_null(assay_arena_take(&arena, SIZE_MAX, SIZE_MAX));
    // Rounding up and the slab's own header must not wrap either.
    for (size_t below = 0; below < 128; below++)
        assert_null(assay_arena_take(&arena, 1, SIZE_MAX - below));
    assert_int_equal(arena.used, 0);
    assay_arena_close(&arena);
}

static void large_pieces_get_a_slab_of_their_own(void **state) {
    assay_arena arena;
    assay_arena_init(&arena, 1 << 20);
    uint8_t *small = assay_arena_take(&arena, 1, 10);
    uint8_t *large = assay_arena_take(&arena, 1, 300000);
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 1, 300000);
    assert_int_equal(small[9], 0);
    assay_arena_close(&arena);
}

// A machine without memory is told from a budget that is used up: of the second a stranger may be
// guilty, of the first never.
static void no_memory_is_not_the_budget_s_end(void **state) {
    assay_error err = {0};
    assay_arena arena;
    void *out = &arena;
    assay_arena_init(&arena, 1 << 20);
    no_memory = true;
    assert_int_equal(assay_arena_get(&arena, 3, 5, "row table", &out, &err), ASSAY_MEMORY);
    assert_null(out);
    assert_string_equal(err.text, "no memory for row table of 3 x 5 bytes");
    assert_null(assay_arena_take(&arena, 3, 5));
    assert_int_equal(arena.used, 0);
    err = (assay_error){0};
    assert_int_equal(assay_arena_get(&arena, 2, 1 << 20, "row table", &out, &err), ASSAY_CAPACITY);
    assert_int_equal(assay_arena_get(&arena, SIZE_MAX, 2, "row table", &out, &err), ASSAY_CAPACITY);
    no_memory = false;
    assert_int_equal(assay_arena_get(&arena, 3, 5, "row table", &out, &err), ASSAY_OK);
    // What a slab still holds needs none.
    no_memory = true;
    assert_int_equal(assay_arena_get(&arena, 3, 5, "row table", &out, &err), ASSAY_OK);
    assert_int_equal(assay_arena_get(&arena, 1, 1 << 17, "row table", &out, &err), ASSAY_MEMORY);
    no_memory = false;
    assay_arena_close(&arena);
}

static void a_copy_is_the_arena_s_own(void **state) {
    assay_error err = {0};
    assay_arena arena;
    assay_bytes copy;
    char text[] = "bytes";
    assay_arena_init(&arena, 64);
    assert_int_equal(assay_arena_copy(&arena, text, 5, "text", &copy, &err), ASSAY_OK);
    memset(text, 0, sizeof text);
    assert_int_equal(copy.size, 5);
    assert_memory_equal(copy.data, "bytes", 5);
    assert_int_equal(assay_arena_copy(&arena, NULL, 0, "nothing", &copy, &err), ASSAY_OK);
    assert_int_equal(copy.size, 0);
    assert_int_equal(assay_arena_copy(&arena, text, 65, "text", &copy, &err), ASSAY_CAPACITY);
    assay_arena_close(&arena);
}

static void a_zeroed_arena_is_safe(void **state) {
    assay_arena arena = {0};
    assert_null(assay_arena_take(&arena, 1, 1));
    assay_arena_reset(&arena);
    assay_arena_close(&arena);
    assay_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_zeroed_aligned_and_apart),
        cmocka_unit_test(capacity_is_a_hard_limit),
        cmocka_unit_test(overflowing_sizes_give_nothing),
        cmocka_unit_test(large_pieces_get_a_slab_of_their_own),
        cmocka_unit_test(no_memory_is_not_the_budget_s_end),
        cmocka_unit_test(a_copy_is_the_arena_s_own),
        cmocka_unit_test(a_zeroed_arena_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
