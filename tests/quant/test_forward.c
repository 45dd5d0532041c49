// SPDX-License-Identifier: Apache-2.0
// N-9, N-15, N-19: the forward pass gives the same bits however it is cut up, and its faults end it
// at the same position. Values are compared in test_model.c.
#include "tests/quant/synthetic.h"

#include <pthread.h>

#include "base/sha256.h"
#include "kernels/float.h"
#include "quant/forward.h"
#include "tests/quant/single.h"

enum { COUNT = 61 };

static synthetic model;
static uint32_t ids[COUNT];

static int model_make(void **state) {
    synthetic_open(&model, 11);
    synthetic_ids(&model, ids, COUNT);
    return 0;
}

static int model_free(void **state) {
    synthetic_close(&model);
    return 0;
}

// Everything a pass shows: digests of the rows (head vector, scale, logits) and of the residuals.
typedef struct {
    uint32_t row_count;
    uint32_t next; // the position the next row must have
    assay_hash rows[COUNT];
    assay_hash residuals[3][COUNT];
} record;

static void row_record(void *context, const assay_forward_row *row) {
    record *r = context;
    assert_int_equal(row->position, r->next++);
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, row->head_q, SYNTHETIC_WIDTH * sizeof *row->head_q);
    assay_sha256_update(&sha, &row->head_scale, sizeof row->head_scale);
    assay_sha256_update(&sha, row->logits, SYNTHETIC_VOCAB * sizeof *row->logits);
    assay_sha256_final(&sha, &r->rows[row->position]);
    r->row_count++;
}

static void residual_record(void *context, uint32_t layer, uint32_t position, const float *x) {
    record *r = context;
    assay_sha256_of(&r->residuals[layer][position], x, SYNTHETIC_WIDTH * sizeof *x);
}

// One pass over ids in calls of `call` ids and chunks of `chunk`.
static void pass_of(record *out, const assay_model *m, const assay_adapter *adapter,
                    assay_pool *pool, uint32_t chunk, uint32_t call) {
    single forward;
    assay_engine engine = {m, &assay_kernels_ref, pool};
    *out = (record){0};
    assert_int_equal(single_open(&forward, &engine, COUNT, chunk, NULL), ASSAY_OK);
    single_reset(&forward, adapter);
    assay_forward_hooks hooks = {.row = row_record, .residual = residual_record, .context = out};
    for (uint32_t at = 0; at < COUNT; at += call)
        assert_int_equal(
            single_feed(&forward, ids + at, COUNT - at < call ? COUNT - at : call, &hooks, NULL),
            ASSAY_OK);
    assert_int_equal(forward.sequence.position_count, COUNT);
    assert_int_equal(forward.sequence.fault_position, ASSAY_NO_FAULT);
    assert_int_equal(out->row_count, COUNT);
    single_close(&forward);
}

static void pass(record *out, const assay_adapter *adapter, assay_pool *pool, uint32_t chunk,
                 uint32_t call) {
    pass_of(out, &model.model, adapter, pool, chunk, call);
}

// N-19
static void test_any_split_gives_the_same_bits(void **state) {
    const assay_adapter *adapters[] = {NULL, &model.adapters[0], &model.adapters[1]};
    const struct {
        uint32_t chunk, call;
    } splits[] = {{1, COUNT}, {7, COUNT}, {COUNT, 1}, {COUNT, 7}, {16, 23}};
    static record wanted[3], got;
    for (int a = 0; a < 3; a++) {
        pass(&wanted[a], adapters[a], NULL, COUNT, COUNT);
        for (unsigned threads = 1; threads <= 3; threads++) {
            assay_pool *pool;
            assert_int_equal(assay_pool_open(&pool, threads, NULL), ASSAY_OK);
            for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
                pass(&got, adapters[a], pool, splits[i].chunk, splits[i].call);
                assert_memory_equal(&got, &wanted[a], sizeof got);
            }
            assay_pool_close(pool);
        }
    }
    // Not degenerate: positions and adapters differ.
    for (int i = 1; i < COUNT; i++)
        assert_memory_not_equal(&wanted[0].rows[0], &wanted[0].rows[i], sizeof(assay_hash));
    for (int a = 0; a < 3; a++)
        assert_memory_not_equal(wanted[a].rows, wanted[(a + 1) % 3].rows, sizeof wanted[a].rows);
}

// N-19: nor do more threads than kv heads, among which the four queries of one are parted.
static void test_queries_parted_in_any_way(void **state) {
    synthetic single_headed;
    static record wanted, got;
    synthetic_open(&single_headed, 11);
    assay_model *m = &single_headed.model;
    m->shape.kv_head_count = 1;
    for (uint32_t l = 0; l < m->shape.layer_count; l++)
        for (int i = ASSAY_LINEAR_K; i <= ASSAY_LINEAR_V; i++)
            m->layers[l].linears[i].n = m->shape.head_size;
    pass_of(&wanted, m, NULL, NULL, COUNT, COUNT);
    for (unsigned threads = 2; threads <= 5; threads++) {
        assay_pool *pool;
        assert_int_equal(assay_pool_open(&pool, threads, NULL), ASSAY_OK);
        pass_of(&got, m, NULL, pool, 1, COUNT);
        assert_memory_equal(&got, &wanted, sizeof got);
        assay_pool_close(pool);
    }
    synthetic_close(&single_headed);
}

typedef struct {
    record got;
    const assay_adapter *adapter;
    assay_pool *pool;
} mate;

static void *mate_run(void *context) {
    mate *m = context;
    for (int i = 0; i < 4; i++)
        pass(&m->got, m->adapter, m->pool, 5, 11);
    return NULL;
}

// N-19: requests that share the model and the pool do not see each other.
static void test_neighbours_do_not_matter(void **state) {
    static record wanted[2];
    static mate mates[2];
    pthread_t threads[2];
    assay_pool *pool;
    assert_int_equal(assay_pool_open(&pool, 2, NULL), ASSAY_OK);
    for (int i = 0; i < 2; i++) {
        pass(&wanted[i], &model.adapters[i], NULL, COUNT, COUNT);
        mates[i].adapter = &model.adapters[i];
        mates[i].pool = pool;
        assert_int_equal(pthread_create(&threads[i], NULL, mate_run, &mates[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_memory_equal(&mates[i].got, &wanted[i], sizeof wanted[i]);
    }
    assay_pool_close(pool);
}

// Flush to zero and round towards zero, as the control register of each architecture says it.
#if defined(__x86_64__)
static const uint64_t hostile = 0xFFC0;
#else
static const uint64_t hostile = 3 << 22 | 1 << 24;
#endif

// N-2: what a library left in the floating-point environment changes nothing, and stays.
static void test_float_environment_is_our_own(void **state) {
    static record wanted, got;
    pass(&wanted, &model.adapters[0], NULL, 8, COUNT);
    uint64_t former = assay_float_enter();
    assay_float_leave(hostile);
    pass(&got, &model.adapters[0], NULL, 8, COUNT);
    uint64_t after = assay_float_enter();
    assay_float_leave(former);
    assert_int_equal(after & hostile, hostile);
    assert_memory_equal(&got, &wanted, sizeof got);
}

static void best_record(void *context, const assay_forward_row *row) {
    ((uint32_t *)context)[row->position] = row->id;
}

// Subnormal logits: one code a row of the head, and s_x * s_w no more than a few 2^-149.
static void head_make_tiny(synthetic *tiny) {
    int8_t *q = synthetic_take(tiny, SYNTHETIC_VOCAB, SYNTHETIC_WIDTH);
    float *scales = synthetic_take(tiny, SYNTHETIC_VOCAB, sizeof *scales);
    float *norm = synthetic_take(tiny, SYNTHETIC_WIDTH, sizeof *norm);
    for (int i = 0; i < SYNTHETIC_VOCAB; i++) {
        q[i * SYNTHETIC_WIDTH + i % SYNTHETIC_WIDTH] = 127;
        scales[i] = 0x1p-101f;
    }
    for (int i = 0; i < SYNTHETIC_WIDTH; i++)
        norm[i] = 0x1p-34f;
    tiny->model.final_norm = norm;
    tiny->model.head = (assay_q8){SYNTHETIC_VOCAB, SYNTHETIC_WIDTH, q, scales};
}

// N-2, N-14: nor does it change which of several subnormal logits is the highest.
static void test_greedy_choice_keeps_subnormals(void **state) {
    synthetic tiny;
    synthetic_open(&tiny, 11);
    head_make_tiny(&tiny);
    const assay_sampling greedy = {.top_p_ppm = ASSAY_SAMPLING_PPM};
    uint32_t got[4][COUNT];
    for (unsigned i = 0; i < 4; i++) {
        single forward;
        assay_pool *pool;
        assert_int_equal(assay_pool_open(&pool, 1 + i % 2, NULL), ASSAY_OK);
        assay_engine engine = {&tiny.model, &assay_kernels_ref, pool};
        assay_forward_hooks hooks = {.row = best_record, .sampling = &greedy, .context = got[i]};
        assert_int_equal(single_open(&forward, &engine, COUNT, 0, NULL), ASSAY_OK);
        uint64_t former = assay_float_enter();
        if (i >= 2) assay_float_leave(hostile);
        assert_int_equal(single_feed(&forward, ids, COUNT, &hooks, NULL), ASSAY_OK);
        assay_float_leave(former);
        assert_memory_equal(got[i], got[0], sizeof got[0]);
        single_close(&forward);
        assay_pool_close(pool);
    }
    uint32_t late = 0;
    for (int i = 0; i < COUNT; i++)
        late += got[0][i] >= SYNTHETIC_VOCAB / 4;
    assert_true(late > COUNT / 4); // the choices are not all of the first slice
    synthetic_close(&tiny);
}

// N-3: rows before a fault are as if it were not there, the row itself and all later ones are not
// reported, in every split.
static void test_fault_ends_the_rows(void **state) {
    static record wanted;
    const uint32_t chunks[] = {1, 7, COUNT}, at[] = {0, 6, 7, 30, COUNT - 1};
    pass(&wanted, NULL, NULL, COUNT, COUNT);
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 5; i++) {
            single forward;
            static record got;
            got = (record){0};
            uint32_t fed[COUNT];
            memcpy(fed, ids, sizeof fed);
            fed[at[i]] = SYNTHETIC_FAULTING_ID;
            assay_forward_hooks hooks = {.row = row_record, .context = &got};
            assert_int_equal(single_open(&forward, &engine, COUNT, chunks[c], NULL), ASSAY_OK);
            assert_int_equal(single_feed(&forward, fed, COUNT, &hooks, NULL), ASSAY_OK);
            assert_int_equal(forward.sequence.fault_position, at[i]);
            assert_int_equal(forward.sequence.position_count, COUNT);
            assert_int_equal(got.row_count, at[i]);
            assert_memory_equal(got.rows, wanted.rows, at[i] * sizeof(assay_hash));
            single_reset(&forward, NULL);
            got = (record){0};
            assert_int_equal(single_feed(&forward, ids, COUNT, &hooks, NULL), ASSAY_OK);
            assert_memory_equal(got.rows, wanted.rows, sizeof wanted.rows);
            single_close(&forward);
        }
}

static void scales_multiply(assay_q4 *w, float factor) {
    for (uint32_t i = 0; i < w->n; i++)
        ((float *)w->scales)[i] *= factor;
}

static void row_expect_finite(void *context, const assay_forward_row *row) {
    for (int i = 0; i < SYNTHETIC_VOCAB; i++)
        assert_true(__builtin_isfinite(row->logits[i]));
    row_record(context, row);
}

// N-3: weights of any legal size end in finite logits or in a fault, the same in every split.
static void test_extreme_weights(void **state) {
    const float factors[] = {0x1p-100f, 0x1p-20f, 0x1p10f, 0x1p18f};
    const uint32_t chunks[] = {COUNT, 1, 7};
    unsigned faulted = 0;
    for (int i = 0; i < 4 * 8; i++) { // one of the linears, or all of them
        synthetic extreme;
        synthetic_open(&extreme, 31);
        for (int part = 0; part < 3 * ASSAY_LINEAR_COUNT; part++)
            if (i % 8 == part % ASSAY_LINEAR_COUNT || i % 8 == 7)
                scales_multiply(&extreme.model.layers[part / 7].linears[part % 7], factors[i / 8]);
        assay_engine engine = {&extreme.model, &assay_kernels_ref, NULL};
        static record got[3];
        uint32_t fault_position[3];
        for (int c = 0; c < 3; c++) {
            single forward;
            got[c] = (record){0};
            assay_forward_hooks hooks = {.row = row_expect_finite, .context = &got[c]};
            assert_int_equal(single_open(&forward, &engine, COUNT, chunks[c], NULL), ASSAY_OK);
            single_reset(&forward, &extreme.adapters[0]);
            assert_int_equal(single_feed(&forward, ids, COUNT, &hooks, NULL), ASSAY_OK);
            fault_position[c] = forward.sequence.fault_position;
            single_close(&forward);
            assert_int_equal(fault_position[c], fault_position[0]);
            assert_memory_equal(&got[c], &got[0], sizeof got[c]);
        }
        faulted += fault_position[0] != ASSAY_NO_FAULT;
        synthetic_close(&extreme);
    }
    assert_in_range(faulted, 1, 4 * 8 - 1);
}

static void test_rows_from_a_position(void **state) {
    static record wanted, got;
    pass(&wanted, NULL, NULL, COUNT, COUNT);
    single forward;
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    got = (record){.next = 40};
    assay_forward_hooks hooks = {.row = row_record, .rows_from = 40, .context = &got};
    assert_int_equal(single_open(&forward, &engine, COUNT, 9, NULL), ASSAY_OK);
    assert_int_equal(single_feed(&forward, ids, COUNT, &hooks, NULL), ASSAY_OK);
    assert_int_equal(got.row_count, COUNT - 40);
    assert_memory_equal(got.rows + 40, wanted.rows + 40, (COUNT - 40) * sizeof(assay_hash));
    single_close(&forward);
}

static void test_refusals_feed_nothing(void **state) {
    single forward;
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    assert_int_equal(single_open(&forward, &engine, 0, 0, NULL), ASSAY_RANGE);
    assert_int_equal(single_open(&forward, &engine, SYNTHETIC_CONTEXT + 1, 0, NULL), ASSAY_RANGE);
    single_close(&forward);
    assert_int_equal(single_open(&forward, &engine, 8, 0, NULL), ASSAY_OK);
    uint32_t bad[9] = {1, 2, SYNTHETIC_VOCAB};
    assert_int_equal(single_feed(&forward, bad, 3, NULL, NULL), ASSAY_RANGE);
    assert_int_equal(single_feed(&forward, ids, 9, NULL, NULL), ASSAY_CAPACITY);
    assert_int_equal(forward.sequence.position_count, 0);
    assert_int_equal(single_feed(&forward, ids, 5, NULL, NULL), ASSAY_OK);
    assert_int_equal(single_feed(&forward, ids, 4, NULL, NULL), ASSAY_CAPACITY);
    assert_int_equal(forward.sequence.position_count, 5);
    single_close(&forward);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_split_gives_the_same_bits),
        cmocka_unit_test(test_queries_parted_in_any_way),
        cmocka_unit_test(test_neighbours_do_not_matter),
        cmocka_unit_test(test_float_environment_is_our_own),
        cmocka_unit_test(test_greedy_choice_keeps_subnormals),
        cmocka_unit_test(test_fault_ends_the_rows),
        cmocka_unit_test(test_extreme_weights),
        cmocka_unit_test(test_rows_from_a_position),
        cmocka_unit_test(test_refusals_feed_nothing),
    };
    return cmocka_run_group_tests(tests, model_make, model_free);
}
