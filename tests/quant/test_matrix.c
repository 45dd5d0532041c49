// SPDX-License-Identifier: Apache-2.0
// N-19 as a whole: every kernel set x threads x chunks x alone or among others gives the bits of
// ref alone on one thread at once.
#include "tests/quant/synthetic.h"

#include "base/sha256.h"
#include "quant/verify.h"
#include "tests/checkkernels/cases.h"
#include "tests/quant/many.h"

// Positions of each member: more than one KV page and more than the longest chunk but "all" hold,
// so that an early query ends in the first page and a late one goes on into the second.
enum { COUNT = 90, MEMBERS = 8 };
_Static_assert(COUNT > (int)ASSAY_KV_PAGE, "a row crosses into a second page");

static synthetic model;
static uint32_t ids[MEMBERS][COUNT]; // each member its own

static int model_make(void **state) {
    synthetic_open(&model, 47);
    uint32_t all[MEMBERS * COUNT];
    synthetic_ids(&model, all, MEMBERS * COUNT);
    memcpy(ids, all, sizeof ids);
    return 0;
}

static int model_free(void **state) {
    synthetic_close(&model);
    return 0;
}

// None, the first or the second of the model's, in an order in which neighbours differ.
static const assay_adapter *adapter_of(uint32_t member) {
    return member % 3 ? &model.adapters[member % 3 - 1] : NULL;
}

enum { LOGITS, GREEDY, SAMPLED, WAYS }; // what a pass is asked for
static const assay_sampling samplings[WAYS] = {{0}, {0, 0, 1000000, 0}, {900, 40, 950000, 5}};

// Digests of what enters the head and of the logits, and the ids that are chosen in each way.
typedef struct {
    assay_sha256 sha;
    assay_hash digest;
    uint32_t ids[WAYS][COUNT];
    uint32_t way;
    uint32_t row_count;
} record;

static uint32_t choose(const float *logits, uint32_t way, uint32_t position) {
    uint64_t scratch[2 * SYNTHETIC_VOCAB];
    assert_true(sizeof scratch >= assay_sampler_scratch_size(SYNTHETIC_VOCAB));
    assay_sampler sampler = assay_sampler_in(scratch, &assay_kernels_ref, SYNTHETIC_VOCAB);
    return assay_sampler_choose(&sampler, logits, &samplings[way], position);
}

static void row_record(void *context, const assay_forward_row *row) {
    record *r = context;
    assay_sha256_update(&r->sha, row->head_q, SYNTHETIC_WIDTH * sizeof *row->head_q);
    assay_sha256_update(&r->sha, &row->head_scale, sizeof row->head_scale);
    assay_sha256_update(&r->sha, row->logits, SYNTHETIC_VOCAB * sizeof *row->logits);
    for (uint32_t way = GREEDY; way < WAYS; way++)
        r->ids[way][row->position] = choose(row->logits, way, row->position + 1);
    r->row_count++;
}

static void id_record(void *context, const assay_forward_row *row) {
    record *r = context;
    assert_null(row->logits);
    r->ids[r->way][row->position] = row->id;
    r->row_count++;
}

// Members first .. first + count - 1 in one pass; in all ways by turns if `mixed`.
static void pass(record *out, const assay_engine *engine, uint32_t first, uint32_t count,
                 uint32_t chunk, bool mixed) {
    assay_forward forward;
    assay_sequence sequences[MEMBERS];
    assay_forward_hooks hooks[MEMBERS];
    assay_feed feeds[MEMBERS];
    assert_int_equal(
        assay_forward_open(&forward, engine, COUNT, MEMBERS * 2 * ASSAY_KV_PAGE, chunk, NULL),
        ASSAY_OK);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t member = first + i;
        out[i] = (record){.way = mixed ? i % WAYS : LOGITS};
        assay_sha256_init(&out[i].sha);
        hooks[i] = (assay_forward_hooks){.row = row_record, .context = &out[i]};
        if (out[i].way != LOGITS) {
            hooks[i].row = id_record;
            hooks[i].sampling = &samplings[out[i].way];
        }
        assert_int_equal(assay_sequence_open(&sequences[i], &forward, COUNT, NULL), ASSAY_OK);
        assay_sequence_reset(&sequences[i], adapter_of(member));
        feeds[i] = (assay_feed){&sequences[i], ids[member], COUNT, &hooks[i]};
    }
    assert_int_equal(assay_forward_feed(&forward, feeds, count, NULL), ASSAY_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(out[i].row_count, COUNT);
        assay_sha256_final(&out[i].sha, &out[i].digest);
        assay_sequence_close(&sequences[i]);
    }
    assay_forward_close(&forward);
}

// All ways of one set on one pool; of an emulated one, which is slow, those in which all rows meet,
// and one request in small chunks without a pool.
static void ways_expect(const record *wanted, const assay_engine *engine, bool emulated) {
    const uint32_t chunks[] = {1, 7, 64, MEMBERS * COUNT};
    static record got[MEMBERS];
    if (emulated) {
        assay_engine single = {engine->model, engine->kernels, NULL};
        pass(got, &single, 1, 1, 7, false);
        assert_memory_equal(&got[0].digest, &wanted[1].digest, sizeof(assay_hash));
    }
    for (size_t c = emulated ? 3 : 0; c < 4; c++) {
        for (uint32_t member = 0; member < 3; member++) {
            pass(got, engine, member, 1, chunks[c], false);
            assert_memory_equal(&got[0].digest, &wanted[member].digest, sizeof(assay_hash));
        }
        pass(got, engine, 0, MEMBERS, chunks[c], false);
        for (uint32_t member = 0; member < MEMBERS; member++)
            assert_memory_equal(&got[member].digest, &wanted[member].digest, sizeof(assay_hash));
        pass(got, engine, 0, MEMBERS, chunks[c], true);
        for (uint32_t member = 0; member < MEMBERS; member++)
            assert_memory_equal(got[member].ids[got[member].way],
                                wanted[member].ids[got[member].way], sizeof wanted->ids[0]);
    }
}

static void test_every_way_has_the_same_bits(void **state) {
    static record wanted[MEMBERS];
    const assay_kernels *const *sets;
    size_t set_count = case_sets(&sets), run = 0;
    assay_engine ref = {&model.model, &assay_kernels_ref, NULL};
    for (uint32_t member = 0; member < MEMBERS; member++)
        pass(&wanted[member], &ref, member, 1, COUNT, false);
    for (uint32_t i = 1; i < MEMBERS; i++) // not degenerate
        assert_memory_not_equal(&wanted[i].digest, &wanted[0].digest, sizeof(assay_hash));
    for (size_t s = 0; s < set_count; s++) {
        if (!sets[s]->available()) {
            print_message("%s: Skipped, this machine lacks %s\n", sets[s]->name, sets[s]->needs);
            continue;
        }
        bool emulated = strstr(sets[s]->name, "emulated");
        for (unsigned threads = emulated ? 2 : 1; threads <= (emulated ? 2 : 4); threads *= 2) {
            assay_pool *pool;
            assert_int_equal(assay_pool_open(&pool, threads, NULL), ASSAY_OK);
            assay_engine engine = {&model.model, sets[s], pool};
            ways_expect(wanted, &engine, emulated);
            assay_pool_close(pool);
            run++;
        }
    }
    assert_true(run >= 3);
}

// Requests of several kinds at once: what each gives alone. Spec: N-14 to N-19.
static void test_requests_together_are_requests_alone(void **state) {
    enum { PROMPT = 9, CAPACITY = 40 };
    assay_generator alone, together;
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    assay_generate_request requests[MEMBERS];
    assay_output outs[MEMBERS];
    assay_output_claim claims[MEMBERS];
    assay_checkup checkups[MEMBERS];
    assay_difference differences[MEMBERS];
    static uint32_t kept[MEMBERS][CAPACITY];
    assert_int_equal(assay_generator_open(&alone, &engine, 1, CAPACITY, 0, NULL), ASSAY_OK);
    assert_int_equal(assay_generator_open(&together, &engine, MEMBERS, CAPACITY, 0, NULL),
                     ASSAY_OK);
    for (uint32_t i = 0; i < MEMBERS; i++)
        requests[i] = (assay_generate_request){.adapter = adapter_of(i),
                                               .prompt = ids[i],
                                               .prompt_count = PROMPT + i % 3,
                                               .max_tokens = 12 + 2 * i,
                                               .sampling = {i % 2 ? 900 : 0, 0, 1000000, i},
                                               .digest = {{(uint8_t)i}}};
    assert_int_equal(run_many(&together, requests, MEMBERS, outs), ASSAY_OK);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assay_output out;
        assert_int_equal(assay_generator_run(&alone, &requests[i], &out, NULL, NULL, NULL),
                         ASSAY_OK);
        assert_int_equal(outs[i].count, out.count);
        assert_int_equal(outs[i].stop, out.stop);
        assert_memory_equal(outs[i].ids, out.ids, out.count * sizeof *out.ids);
        assert_memory_equal(&outs[i].trace, &out.trace, sizeof out.trace);
        memcpy(kept[i], out.ids, out.count * sizeof *out.ids);
        claims[i] = (assay_output_claim){kept[i], out.count, out.stop, out.trace};
        checkups[i] = (assay_checkup){&requests[i], &claims[i], NULL, NULL};
    }
    kept[3][5] ^= 1; // one of them lies
    assert_int_equal(assay_generator_verify_many(&together, checkups, MEMBERS, differences, NULL),
                     ASSAY_OK);
    for (uint32_t i = 0; i < MEMBERS; i++)
        assert_int_equal(differences[i].finding,
                         i == 3 ? ASSAY_FINDING_TOKENS : ASSAY_FINDING_MATCH);
    assert_int_equal(differences[3].place, 5);
    assert_int_equal(run_many(&alone, requests, 2, outs), ASSAY_CAPACITY);
    assay_generator_close(&alone);
    assay_generator_close(&together);
}

// Requests that share pages: those that rest hold none, and what does not fit is refused. N-15.
static void test_requests_share_pages(void **state) {
    enum { SHORT = 9, LONG = ASSAY_KV_PAGE + 2, NEW = 4, PAGES = 3 };
    assay_generator generator;
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    assay_generate_request requests[PAGES];
    assay_checkup checkups[PAGES];
    assay_output outs[PAGES];
    assay_output_claim claims[PAGES] = {0};
    assay_difference differences[PAGES];
    uint32_t prompt[LONG];
    synthetic_ids(&model, prompt, LONG);
    assert_int_equal(assay_generator_open_shared(&generator, &engine, PAGES, SYNTHETIC_CONTEXT,
                                                 PAGES * ASSAY_KV_PAGE, 0, NULL),
                     ASSAY_OK);
    for (uint32_t i = 0; i < PAGES; i++) {
        requests[i] = (assay_generate_request){.prompt = prompt,
                                               .prompt_count = SHORT,
                                               .max_tokens = NEW,
                                               .stop_ids_ignored = true,
                                               .sampling = {0, 0, 1000000, 0}};
        checkups[i] = (assay_checkup){&requests[i], &claims[i], NULL, NULL};
    }
    assay_generate_request longer = requests[0];
    longer.prompt_count = LONG;
    const assay_checkup longer_one = {&longer, &claims[0], NULL, NULL};
    assert_int_equal(run_many(&generator, requests, PAGES, outs), ASSAY_OK);
    assert_int_equal(assay_generator_run(&generator, &longer, outs, NULL, NULL, NULL), ASSAY_OK);
    assert_int_equal(run_many(&generator, requests, PAGES, outs), ASSAY_OK);
    assert_int_equal(run_many(&generator, &longer, 1, outs), ASSAY_OK);
    assert_int_equal(assay_generator_verify_many(&generator, checkups, PAGES, differences, NULL),
                     ASSAY_OK);
    assert_int_equal(assay_generator_verify_many(&generator, &longer_one, 1, differences, NULL),
                     ASSAY_OK);
    requests[1] = longer;
    assert_int_equal(run_many(&generator, requests, PAGES, outs), ASSAY_CAPACITY);
    assert_int_equal(assay_generator_verify_many(&generator, checkups, PAGES, differences, NULL),
                     ASSAY_CAPACITY);
    assay_generator_close(&generator);
    assert_int_equal(assay_generator_open_shared(&generator, &engine, PAGES, SYNTHETIC_CONTEXT,
                                                 SYNTHETIC_CONTEXT - 1, 0, NULL),
                     ASSAY_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way_has_the_same_bits),
        cmocka_unit_test(test_requests_together_are_requests_alone),
        cmocka_unit_test(test_requests_share_pages),
    };
    return cmocka_run_group_tests(tests, model_make, model_free);
}
