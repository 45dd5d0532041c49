// SPDX-License-Identifier: Apache-2.0
// N-1, N-8, N-19, N-20: all cases on all kernel sets, and proof that wrong sets do not get through.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/float.h"
#include "tests/checkkernels/cases.h"
#include "tests/checkkernels/naive.h"
#include "tests/test.h"

static guard memory;

static int memory_open(void **state) {
    assay_float_enter();
    return guard_open(&memory) ? 0 : -1;
}

static int memory_close(void **state) {
    guard_close(&memory);
    return 0;
}

typedef struct {
    const assay_kernels *set, *right;
    const char *op; // NULL: all
    uint32_t gap;   // UINT32_MAX: all
    bool planted;   // stop at the first difference, which is wanted
    unsigned run, failed;
} tally;

static bool case_tally(void *context, const check_case *c) {
    tally *t = context;
    if ((t->op && strcmp(t->op, c->op) != 0) || (t->gap != UINT32_MAX && t->gap != c->gap))
        return true;
    const char *finding = case_compare(&memory, t->set, t->right, c);
    t->run++;
    if (!finding) return true;
    char text[128];
    case_print(text, sizeof text, c);
    if (t->failed++ == 0 && !t->planted)
        print_error("%s, replay: checkkernels --set '%s' --case %s\n", finding, t->set->name, text);
    return !t->planted;
}

static void test_ref_is_what_the_rules_say(void **state) {
    for (int i = 0; case_ops[i]; i++) {
        tally t = {&assay_kernels_ref, &naive_kernels, case_ops[i], UINT32_MAX, false, 0, 0};
        cases_enumerate(case_tally, &t);
        assert_true(t.run > 10);
        assert_int_equal(t.failed, 0);
    }
}

static void test_every_set_is_ref(void **state) {
    const assay_kernels *const *sets;
    size_t set_count = case_sets(&sets);
    for (size_t i = 0; i < set_count; i++) {
        if (!sets[i]->available()) {
            print_message("%s: Skipped, this machine lacks %s\n", sets[i]->name, sets[i]->needs);
            continue;
        }
        if (sets[i] == &assay_kernels_ref) continue;
        tally t = {sets[i], &assay_kernels_ref, NULL, UINT32_MAX, false, 0, 0};
        cases_enumerate(case_tally, &t);
        assert_int_equal(t.failed, 0);
    }
}

// One wrong kernel an operation: ref's answer, but for one bit of one element.
static void flip(void *last, size_t size) {
    ((uint8_t *)last)[size - 1] ^= 1;
}

static bool wrong_quantise_q4(uint8_t *codes, uint8_t *ratios, float *scale, const float *w,
                              uint32_t k) {
    bool fine = assay_quantise_q4_ref(codes, ratios, scale, w, k);
    flip(codes, k / 2);
    return fine;
}

static bool wrong_quantise_q8(int8_t *q, float *scale, const float *x, uint32_t k) {
    bool fine = assay_quantise_q8_ref(q, scale, x, k);
    flip(q, k);
    return fine;
}

static bool wrong_quantise_x16(int16_t *q, float *scale, const float *x, uint32_t k) {
    bool fine = assay_quantise_x16_ref(q, scale, x, k);
    flip(&q[k - 1], 1);
    return fine;
}

static void wrong_gemm(const assay_gemm_part *part) {
    flip(&part->y[(part->m_first + part->m_count - 1) * part->y_stride + part->n_first], 1);
}

static void wrong_gemm_q4(const assay_gemm_part *part, const assay_q4 *w) {
    assay_gemm_q4_ref(part, w);
    wrong_gemm(part);
}

static void wrong_gemm_q8(const assay_gemm_part *part, const assay_q8 *w) {
    assay_gemm_q8_ref(part, w);
    wrong_gemm(part);
}

static bool wrong_rmsnorm(float *y, const float *x, const float *w, uint32_t d, float eps) {
    bool fine = assay_rmsnorm_ref(y, x, w, d, eps);
    flip(&y[d - 1], 1);
    return fine;
}

static void wrong_rope(float *x, const float *cos, const float *sin, uint32_t head_count,
                       uint32_t half) {
    assay_rope_ref(x, cos, sin, head_count, half);
    flip(&x[2 * half * head_count - 1], 1);
}

static void wrong_exp(float *y, const float *x, uint32_t n) {
    assay_exp_ref(y, x, n);
    flip(&y[n - 1], 1);
}

static void wrong_silu_mul(float *y, const float *g, const float *u, uint32_t n) {
    assay_silu_mul_ref(y, g, u, n);
    flip(&y[n - 1], 1);
}

static void wrong_attention(const assay_attention_part *part) {
    assay_attention_ref(part);
    flip(&part->out[part->query_count * part->head_size - 1], 1);
}

static void wrong_add(float *y, const float *x, uint32_t n) {
    assay_add_ref(y, x, n);
    flip(&y[n - 1], 1);
}

static void wrong_add_scaled(float *y, const float *x, float scale, uint32_t n) {
    assay_add_scaled_ref(y, x, scale, n);
    flip(&y[n - 1], 1);
}

static void wrong_unfold_q8(float *y, const int8_t *q, float scale, uint32_t n) {
    assay_unfold_q8_ref(y, q, scale, n);
    flip(&y[n - 1], 1);
}

static void wrong_unfold_q4(float *y, const uint8_t *codes, const uint8_t *ratios, float scale,
                            uint32_t n) {
    assay_unfold_q4_ref(y, codes, ratios, scale, n);
    flip(&y[n - 1], 1);
}

// N-20
static void test_a_wrong_kernel_is_caught(void **state) {
#define X(member)                                                                                  \
    {                                                                                              \
        assay_kernels planted = assay_kernels_ref;                                                 \
        planted.name = "planted";                                                                  \
        planted.member = wrong_##member;                                                           \
        tally t = {&planted, &assay_kernels_ref, NULL, UINT32_MAX, true, 0, 0};                    \
        cases_enumerate(case_tally, &t);                                                           \
        assert_int_equal(t.failed, 1);                                                             \
        const assay_kernels *const sets[] = {&planted}, *found;                                    \
        assay_error err = {0};                                                                     \
        assert_int_equal(assay_kernels_find_in(&found, sets, 1, "planted", &err), ASSAY_MISMATCH); \
        assert_null(found);                                                                        \
        assert_string_equal(err.text, "kernel set 'planted' differs from ref in " #member);        \
    }
    ASSAY_KERNEL_LIST(X)
#undef X
}

// Right but for the ways that a set goes about many rows, and about short ones. The last row is
// lost: a bit that is flipped twice, as by a call that adds, may be right again.
static void row_lose(const assay_gemm_part *part) {
    float *row = part->y + (part->m_first + part->m_count - 1) * part->y_stride + part->n_first;
    memset(row, 0, part->n_count * sizeof *row);
}

static void wrong_many_q4(const assay_gemm_part *part, const assay_q4 *w) {
    assay_gemm_q4_ref(part, w);
    if (part->m_count > 8) row_lose(part);
}

static void wrong_many_q8(const assay_gemm_part *part, const assay_q8 *w) {
    assay_gemm_q8_ref(part, w);
    if (part->m_count > 8) row_lose(part);
}

static void wrong_short_q8(const assay_gemm_part *part, const assay_q8 *w) {
    assay_gemm_q8_ref(part, w);
    if (w->k <= 64) row_lose(part);
}

// Right but where both hold: rows of such a number, and a length, or weight rows, over a limit.
// What a set adds up beyond its first block, its first panel or its first span is wrong in such a
// set.
typedef struct {
    uint32_t m_min, m_max, k_over, n_over;
} lost_case;
static lost_case lost;

static void lose(const assay_gemm_part *part, uint32_t k) {
    if (part->m_count >= lost.m_min && part->m_count <= lost.m_max && k > lost.k_over &&
        part->n_count > lost.n_over)
        row_lose(part);
}

static void losing_q4(const assay_gemm_part *part, const assay_q4 *w) {
    assay_gemm_q4_ref(part, w);
    lose(part, w->k);
}

static void losing_q8(const assay_gemm_part *part, const assay_q8 *w) {
    assay_gemm_q8_ref(part, w);
    lose(part, w->k);
}

// Loses the positions past its first span, or those on its last page.
static uint32_t seen;
static void losing_attention(const assay_attention_part *part) {
    assay_attention_part shorter = *part;
    if (shorter.count > seen) shorter.count = seen;
    assay_attention_ref(&shorter);
}

// N-20: the blocks, panels and tiles of every set, and the ways that each has.
static void test_the_start_up_check_goes_past_first_blocks(void **state) {
    static const lost_case cases[] = {
        {1, 1, 2048, 0},   {2, 4, 2048, 0},   {5, 8, 1024, 0},
        {9, 99, 2048, 0},  {17, 99, 4096, 0}, {9, 99, 4096, 8},
        {9, 99, 4096, 16}, {9, 99, 4096, 32}, {9, 99, 4096, 48},
    };
    assay_kernels planted[3] = {assay_kernels_ref, assay_kernels_ref, assay_kernels_ref};
    planted[0].gemm_q4 = losing_q4;
    planted[1].gemm_q8 = losing_q8;
    planted[2].attention = losing_attention;
    for (size_t i = 0; i < ASSAY_COUNT(cases); i++) {
        lost = cases[i];
        assert_int_equal(assay_kernels_check(&planted[0], NULL), ASSAY_MISMATCH);
        assert_int_equal(assay_kernels_check(&planted[1], NULL), ASSAY_MISMATCH);
    }
    static const uint32_t counts[] = {512, 512 + ASSAY_KV_PAGE};
    for (size_t i = 0; i < ASSAY_COUNT(counts); i++) {
        seen = counts[i];
        assert_int_equal(assay_kernels_check(&planted[2], NULL), ASSAY_MISMATCH);
    }
}

// N-20
static void test_the_start_up_check_goes_every_way(void **state) {
    assay_kernels planted[3] = {assay_kernels_ref, assay_kernels_ref, assay_kernels_ref};
    planted[0].gemm_q4 = wrong_many_q4;
    planted[1].gemm_q8 = wrong_many_q8;
    planted[2].gemm_q8 = wrong_short_q8;
    for (size_t i = 0; i < ASSAY_COUNT(planted); i++)
        assert_int_equal(assay_kernels_check(&planted[i], NULL), ASSAY_MISMATCH);
}

static void overrunning_exp(float *y, const float *x, uint32_t n) {
    assay_exp_ref(y, x, n);
    memset((uint8_t *)y + n * sizeof *y, 0, 1);
}

// Reads whole vectors of four, past the end of rows that are no multiple of it.
__attribute__((no_sanitize("address"))) static void overreading_exp(float *y, const float *x,
                                                                    uint32_t n) {
    volatile float sink = 0;
    for (uint32_t i = 0; i < (n + 3) / 4 * 4; i++)
        sink += x[i];
    assay_exp_ref(y, x, n);
}

static void test_a_byte_too_far_is_caught(void **state) {
    assay_kernels planted = assay_kernels_ref;
    planted.exp = overrunning_exp;
    tally t = {&planted, &assay_kernels_ref, "exp", 1, true, 0, 0};
    cases_enumerate(case_tally, &t);
    assert_int_equal(t.failed, 1);
    planted.exp = overreading_exp;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        t = (tally){&planted, &assay_kernels_ref, "exp", 0, true, 0, 0};
        cases_enumerate(case_tally, &t);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void test_cases_survive_printing(void **state) {
    check_case c = {"gemm_q4", {2, 3, 64}, FILL_OUTLIER, 3}, parsed;
    char text[128];
    case_print(text, sizeof text, &c);
    assert_true(case_parse(&parsed, text));
    assert_string_equal(parsed.op, c.op);
    assert_memory_equal(parsed.shape, c.shape, sizeof c.shape);
    assert_true(parsed.fill == c.fill && parsed.gap == c.gap);
    assert_false(case_parse(&parsed, "gemm_q5:2,3,64:3:3"));
    assert_false(case_parse(&parsed, "gemm_q4:2,3,64:99:3"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref_is_what_the_rules_say),
        cmocka_unit_test(test_every_set_is_ref),
        cmocka_unit_test(test_a_wrong_kernel_is_caught),
        cmocka_unit_test(test_the_start_up_check_goes_every_way),
        cmocka_unit_test(test_the_start_up_check_goes_past_first_blocks),
        cmocka_unit_test(test_a_byte_too_far_is_caught),
        cmocka_unit_test(test_cases_survive_printing),
    };
    return cmocka_run_group_tests(tests, memory_open, memory_close);
}
