// SPDX-License-Identifier: Apache-2.0
// Callers that meet in the batcher get what they would get alone, to the bit (N-14 to N-19), in
// rounds whose members are known: B1 to B6 of node/workshop/batcher.h. A kernel that counts the
// embedded positions of each round tells who was in it: prompts are 1, 2, 4 … ids long.
#include <time.h>
#include <unistd.h>

#include "node/workshop/workshop.h"
#include "tests/quant/synthetic.h"

enum {
    MEMBERS = 4,
    CAPACITY = 80, // below the context: there are valid requests that are too long
    JOBS_MAX = 16,
    ROUNDS_MAX = 64,
    NEW = 20,
    TURNS = 4, // of each thread in the crowd
};

static synthetic model;
static uint32_t prompt[SYNTHETIC_CONTEXT];
static assay_kernels counting;
static assay_generator alone, shared;
static assay_batcher batcher;
static uint32_t fed[ROUNDS_MAX]; // positions of each round
static uint32_t chunk_max;       // 0: the default
static uint32_t stop_at;         // sets `stop` at this position of a round
static atomic_bool stop;
static uint32_t wait_at; // at this position a round waits, 20 s at most, until so many callers
static atomic_uint answered, wait_for; // have their answers
static bool waited_in_time;
static void (*told)(assay_batcher *batcher); // called once, at the third position of a round

static void short_pause(void) {
    const struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
}

// The pool has one thread, and rounds follow each other by the batcher's lock.
static void unfold_counted(float *y, const int8_t *q, float scale, uint32_t n) {
    if (++fed[batcher.round_count % ROUNDS_MAX] == stop_at) atomic_store(&stop, true);
    if (told && fed[batcher.round_count % ROUNDS_MAX] == 3) {
        told(&batcher);
        told = NULL;
    }
    for (int i = 0; fed[batcher.round_count % ROUNDS_MAX] == wait_at && i < 20000; i++) {
        waited_in_time = atomic_load(&answered) >= atomic_load(&wait_for);
        if (waited_in_time) break;
        short_pause();
    }
    assay_unfold_q8_ref(y, q, scale, n);
}

static int model_make(void **state) {
    synthetic_open(&model, 61);
    synthetic_ids(&model, prompt, SYNTHETIC_CONTEXT);
    counting = assay_kernels_ref;
    counting.unfold_q8 = unfold_counted;
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    return assay_generator_open(&alone, &engine, 1, CAPACITY, 0, NULL);
}

static int model_free(void **state) {
    assay_generator_close(&alone);
    synthetic_close(&model);
    return 0;
}

static void batcher_start(uint32_t members, uint32_t pages) {
    assay_engine engine = {&model.model, &counting, NULL};
    memset(fed, 0, sizeof fed);
    assert_int_equal(assay_generator_open_shared(&shared, &engine, members, CAPACITY,
                                                 (uint64_t)pages * ASSAY_KV_PAGE, chunk_max, NULL),
                     ASSAY_OK);
    assay_batcher_open(&batcher, &shared);
}

static void batcher_end(void) {
    assay_batcher_close(&batcher);
    assay_generator_close(&shared);
}

// ---- callers ----

typedef struct {
    uint32_t ids[CAPACITY];
    uint32_t count;
    assay_stop stop;
    assay_hash trace;
    assay_difference difference;
    float residual[SYNTHETIC_WIDTH];
    bool faulted;
} answer;

// A generation, or the check of a claim with a probe.
typedef struct {
    assay_generate_request request;
    bool check;
    assay_output_claim claim;
    uint32_t probe_layer;
    const atomic_bool *stop; // of a check
    answer wanted, got;
    assay_status status;
    assay_error err;
    pthread_t thread;
} caller;

static assay_generate_request request_of(uint32_t i, uint32_t prompt_count, uint32_t max_tokens) {
    return (assay_generate_request){.adapter = i % 3 ? &model.adapters[i % 3 - 1] : NULL,
                                    .prompt = prompt,
                                    .prompt_count = prompt_count,
                                    .max_tokens = max_tokens,
                                    .sampling = {i % 2 ? 900 : 0, 0, 1000000, i},
                                    .digest = {{(uint8_t)i}}};
}

static void answer_keep(answer *out, const assay_output *output) {
    memmove(out->ids, output->ids, output->count * sizeof *output->ids);
    out->count = output->count;
    out->stop = output->stop;
    out->trace = output->trace;
}

// What the caller must get: computed alone.
static void wanted_make(caller *c) {
    assay_output output;
    memset(&c->wanted, 0, sizeof c->wanted);
    if (c->check) {
        assay_probe probe = {c->probe_layer, 0, c->wanted.residual, false};
        assert_int_equal(assay_generator_verify(&alone, &c->request, &c->claim, &probe,
                                                &c->wanted.difference, NULL),
                         ASSAY_OK);
        c->wanted.faulted = probe.faulted;
    } else {
        assert_int_equal(assay_generator_run(&alone, &c->request, &output, NULL, NULL, NULL),
                         ASSAY_OK);
        answer_keep(&c->wanted, &output);
    }
}

static void caller_call(caller *c) {
    memset(&c->got, 0, sizeof c->got);
    if (c->check) {
        assay_probe probe = {c->probe_layer, 0, c->got.residual, false};
        const assay_checkup checkup = {&c->request, &c->claim, &probe, c->stop};
        c->status = assay_batcher_verify(&batcher, &checkup, &c->got.difference, &c->err);
        c->got.faulted = probe.faulted;
    } else {
        assay_output output;
        uint32_t ids[CAPACITY];
        c->status = assay_batcher_generate(&batcher, &c->request, ids, &output, &c->err);
        if (c->status == ASSAY_OK) answer_keep(&c->got, &output);
    }
}

static void *caller_run(void *context) {
    caller_call(context);
    atomic_fetch_add(&answered, 1);
    return NULL;
}

// As if a round ran, so that callers gather.
static void rounds_hold(void) {
    pthread_mutex_lock(&batcher.lock);
    batcher.running = true;
    pthread_mutex_unlock(&batcher.lock);
}

static void rounds_release(void) {
    pthread_mutex_lock(&batcher.lock);
    batcher.running = false;
    pthread_cond_broadcast(&batcher.ended);
    pthread_mutex_unlock(&batcher.lock);
}

static uint32_t waiting(void) {
    pthread_mutex_lock(&batcher.lock);
    uint32_t count = batcher.waiting_count;
    pthread_mutex_unlock(&batcher.lock);
    return count;
}

// Lets all wait in their order, then go. Returns when they have their answers.
static void callers_meet(caller *callers, uint32_t count) {
    rounds_hold();
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(pthread_create(&callers[i].thread, NULL, caller_run, &callers[i]), 0);
        while (waiting() <= i)
            short_pause();
    }
    rounds_release();
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
}

static void expect_wanted(const caller *c) {
    assert_int_equal(c->status, ASSAY_OK);
    assert_int_equal(c->got.count, c->wanted.count);
    assert_int_equal(c->got.stop, c->wanted.stop);
    assert_memory_equal(c->got.ids, c->wanted.ids, sizeof c->got.ids);
    assert_memory_equal(&c->got.trace, &c->wanted.trace, sizeof c->got.trace);
    assert_int_equal(c->got.difference.finding, c->wanted.difference.finding);
    assert_int_equal(c->got.difference.place, c->wanted.difference.place);
    assert_int_equal(c->got.difference.id, c->wanted.difference.id);
    assert_int_equal(c->got.faulted, c->wanted.faulted);
    assert_memory_equal(c->got.residual, c->wanted.residual, sizeof c->got.residual);
}

// ---- the same answers ----

static void generations_share_a_round(void **state) {
    static caller callers[MEMBERS];
    uint32_t total = 0;
    batcher_start(MEMBERS, 2 * MEMBERS);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        callers[i] = (caller){.request = request_of(i, 3 + i, NEW)};
        wanted_make(&callers[i]);
        assert_true(callers[i].wanted.count > 1);
    }
    callers_meet(callers, MEMBERS);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        expect_wanted(&callers[i]);
        total += callers[i].request.prompt_count + callers[i].got.count - 1;
    }
    assert_int_equal(batcher.round_count, 1);
    assert_int_equal(fed[0], total);
    batcher_end();
}

// True claims and lies of several kinds; each its own difference and probe.
static void checks_share_a_round(void **state) {
    static caller callers[MEMBERS], outputs[MEMBERS];
    batcher_start(MEMBERS, 2 * MEMBERS);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        outputs[i] = (caller){.request = request_of(i, 5 + i, NEW)};
        wanted_make(&outputs[i]);
        answer *claimed = &outputs[i].wanted;
        if (i == 1) claimed->ids[claimed->count / 2] ^= 1;
        if (i == 2) claimed->trace.bytes[0] ^= 1;
        callers[i] = (caller){
            .request = outputs[i].request,
            .check = true,
            .claim = {claimed->ids, claimed->count, claimed->stop, claimed->trace},
            .probe_layer = i % 3,
        };
        wanted_make(&callers[i]);
    }
    assert_int_equal(callers[0].wanted.difference.finding, ASSAY_FINDING_MATCH);
    assert_int_equal(callers[1].wanted.difference.finding, ASSAY_FINDING_TOKENS);
    assert_int_equal(callers[2].wanted.difference.finding, ASSAY_FINDING_TRACE);
    callers_meet(callers, MEMBERS);
    for (uint32_t i = 0; i < MEMBERS; i++)
        expect_wanted(&callers[i]);
    assert_int_equal(batcher.round_count, 1);
    batcher_end();
}

// ---- who is in which round ----

// The caller whose positions are bit i: one pass over a prompt of 2^i ids.
static caller marked(uint32_t i, bool check, uint32_t max_tokens) {
    caller c = {.request = request_of(i, 1u << i, max_tokens), .check = check};
    if (check) c.claim.stop = ASSAY_STOP_LENGTH; // an empty output: too short
    return c;
}

// B1: the oldest first, with those of its kind.
static void no_kind_waits_for_the_other(void **state) {
    static const bool checks[] = {false, true, false, false, true, false};
    static const uint32_t rounds[] = {1 | 4, 2 | 16, 8 | 32};
    static caller callers[6];
    batcher_start(2, 4);
    for (uint32_t i = 0; i < 6; i++) {
        callers[i] = marked(i, checks[i], 1);
        wanted_make(&callers[i]);
    }
    callers_meet(callers, 6);
    for (uint32_t i = 0; i < 6; i++)
        expect_wanted(&callers[i]);
    assert_int_equal(batcher.round_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(fed[i], rounds[i]);
    batcher_end();
}

// B2: three pages; the first two need two each, so that the third goes with the first.
static void a_round_fits_the_pages(void **state) {
    static caller callers[4];
    batcher_start(MEMBERS, 3);
    for (uint32_t i = 0; i < 4; i++) {
        callers[i] = marked(i, true, i < 2 ? ASSAY_KV_PAGE : 1);
        wanted_make(&callers[i]);
    }
    callers_meet(callers, 4);
    for (uint32_t i = 0; i < 4; i++)
        expect_wanted(&callers[i]);
    assert_int_equal(batcher.round_count, 2);
    assert_int_equal(fed[0], 1 | 4);
    assert_int_equal(fed[1], 2 | 8);
    batcher_end();
}

// ---- who joins a round ----

static uint32_t positions_of(const caller *c) {
    return c->request.prompt_count + c->wanted.count - 1;
}

// B5, and the places of who ended are taken: in the round of the first, the second ends with the
// first pass, the third begins then, and both have their answers while the first is at its
// twentieth position or so.
static void an_answer_waits_for_no_other(void **state) {
    static const uint32_t counts[] = {60, 1, 2};
    static caller callers[3];
    uint32_t total = 0;
    batcher_start(2, 4);
    for (uint32_t i = 0; i < 3; i++) {
        callers[i] = marked(i, false, counts[i]);
        callers[i].request.stop_ids_ignored = true;
        wanted_make(&callers[i]);
        total += positions_of(&callers[i]);
    }
    atomic_store(&answered, 0);
    atomic_store(&wait_for, 2);
    wait_at = 30;
    waited_in_time = false;
    callers_meet(callers, 3);
    wait_at = 0;
    for (uint32_t i = 0; i < 3; i++)
        expect_wanted(&callers[i]);
    assert_int_equal(atomic_load(&answered), 3);
    assert_true(waited_in_time);
    assert_int_equal(batcher.round_count, 1);
    assert_int_equal(fed[0], total);
    batcher_end();
}

// B1: neither a request behind a check, nor a small one behind one that does not fit yet.
static void who_joins_overtakes_nobody(void **state) {
    static const struct {
        uint32_t members, pages, counts[4], rounds[3];
        bool checks[4];
    } cases[] = {
        {2, 8, {9, 1, 1, 1}, {1 | 2, 4, 8}, {[2] = true}},
        {MEMBERS, 3, {ASSAY_KV_PAGE, 1, ASSAY_KV_PAGE, 1}, {1 | 2, 4 | 8, 0}, {false}},
    };
    static caller callers[4];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint32_t rounds[3] = {0};
        batcher_start(cases[k].members, cases[k].pages);
        for (uint32_t i = 0; i < 4; i++) {
            callers[i] = marked(i, cases[k].checks[i], cases[k].counts[i]);
            callers[i].request.stop_ids_ignored = true;
            wanted_make(&callers[i]);
            for (uint32_t r = 0; r < 3; r++)
                if (cases[k].rounds[r] & 1u << i)
                    rounds[r] += cases[k].checks[i] ? 1u << i : positions_of(&callers[i]);
        }
        callers_meet(callers, 4);
        for (uint32_t i = 0; i < 4; i++)
            expect_wanted(&callers[i]);
        assert_int_equal(batcher.round_count, cases[k].rounds[2] ? 3 : 2);
        assert_memory_equal(fed, rounds, sizeof rounds);
        batcher_end();
    }
}

// A prompt of many chunks beside a request that is under way takes a pass a chunk, and changes
// nothing.
static void long_prompts_come_in_chunks(void **state) {
    static caller callers[3];
    chunk_max = 4;
    batcher_start(MEMBERS, 2 * MEMBERS);
    for (uint32_t i = 0; i < 3; i++) {
        callers[i] = (caller){.request = request_of(i, 1 + 14 * i, NEW)};
        callers[i].request.stop_ids_ignored = true;
        wanted_make(&callers[i]);
    }
    callers_meet(callers, 3);
    for (uint32_t i = 0; i < 3; i++)
        expect_wanted(&callers[i]);
    assert_int_equal(batcher.round_count, 1);
    chunk_max = 0;
    batcher_end();
}

// ---- errors ----

// B3: the second is valid and too long for this generator, which spoils the shared call.
static void an_error_is_nobody_elses(void **state) {
    for (int check = 0; check < 2; check++) {
        static caller callers[3];
        batcher_start(MEMBERS, 2 * MEMBERS);
        for (uint32_t i = 0; i < 3; i++) {
            callers[i] = marked(i, check, i == 1 ? CAPACITY : 1);
            if (i != 1) wanted_make(&callers[i]);
        }
        callers_meet(callers, 3);
        expect_wanted(&callers[0]);
        expect_wanted(&callers[2]);
        assert_int_equal(callers[1].status, ASSAY_CAPACITY);
        assert_string_equal(callers[1].err.text, "prompt and output of 82 tokens, limit 80");
        assert_int_equal(callers[0].err.status, ASSAY_OK);
        assert_int_equal(batcher.round_count, 1);
        assert_int_equal(fed[0], 1 | 4);
        batcher_end();
    }
}

// B3: the second one's adapter was written to.
static void a_changed_file_is_nobody_elses(void **state) {
    static caller callers[3];
    char path[] = "/tmp/assay_batcher_XXXXXX";
    assay_adapter changed = model.adapters[0];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "ab", 2), 2);
    assert_int_equal(assay_mapping_open(&changed.file, path, 1 << 10, NULL), ASSAY_OK);
    assert_int_equal(write(fd, "c", 1), 1);
    for (int check = 0; check < 2; check++) {
        batcher_start(MEMBERS, 2 * MEMBERS);
        for (uint32_t i = 0; i < 3; i++) {
            callers[i] = marked(i, check, 1);
            wanted_make(&callers[i]);
        }
        callers[1].request.adapter = &changed;
        callers_meet(callers, 3);
        expect_wanted(&callers[0]);
        expect_wanted(&callers[2]);
        assert_int_equal(callers[1].status, ASSAY_CORRUPT);
        assert_non_null(strstr(callers[1].err.text, "the adapter's file was written to"));
        batcher_end();
    }
    assay_mapping_close(&changed.file);
    close(fd);
    unlink(path);
}

// What is invalid does not wait, and is in no round.
static void invalid_ones_never_join(void **state) {
    static caller good[2], bad[5];
    const uint32_t unknown[] = {SYNTHETIC_VOCAB};
    batcher_start(MEMBERS, 2 * MEMBERS);
    for (uint32_t i = 0; i < 2; i++) {
        good[i] = marked(i, false, 1);
        wanted_make(&good[i]);
    }
    for (uint32_t i = 0; i < 5; i++)
        bad[i] = marked(0, i > 1, 1);
    bad[0].request.prompt = unknown;
    bad[1].request.max_tokens = UINT32_MAX;
    bad[2].request.prompt = unknown;
    bad[3].request.sampling.top_p_ppm = 0;
    bad[4].probe_layer = 3;
    rounds_hold();
    for (uint32_t i = 0; i < 5; i++) {
        caller_call(&bad[i]); // would not return if it waited
        assert_int_equal(bad[i].status, ASSAY_RANGE);
        assert_int_equal(waiting(), 0);
    }
    callers_meet(good, 2);
    expect_wanted(&good[0]);
    expect_wanted(&good[1]);
    assert_int_equal(batcher.round_count, 1);
    assert_int_equal(fed[0], 1 | 2);
    batcher_end();
}

// B4: stopped in the first of four chunks, and before its round: no more is fed of them, and who is
// in the round with them gets the answer of one alone.
static void a_check_that_is_stopped_ends(void **state) {
    static caller callers[2];
    for (uint32_t late = 0; late < 2; late++) {
        chunk_max = 4;
        batcher_start(MEMBERS, 2 * MEMBERS);
        stop_at = late ? 3 : 0;
        atomic_store(&stop, !late);
        for (uint32_t i = 0; i < 2; i++)
            callers[i] = marked(4 - i, true, 1);
        callers[0].stop = &stop;
        wanted_make(&callers[1]);
        callers_meet(callers, 2);
        assert_int_equal(callers[0].status, ASSAY_STOPPED);
        expect_wanted(&callers[1]);
        assert_int_equal(batcher.round_count, 1);
        assert_int_equal(fed[0], (late ? 4 : 0) + 8);
        batcher_end();
    }
    chunk_max = stop_at = 0;
}

// Told to stop: what is in no round is over, unmade, and so is whatever comes.
static void a_stop_is_the_last_round(void **state) {
    static caller callers[2], late;
    batcher_start(MEMBERS, 2 * MEMBERS);
    late = marked(2, false, 1);
    rounds_hold();
    for (uint32_t i = 0; i < 2; i++) {
        callers[i] = marked(i, i, 1);
        assert_int_equal(pthread_create(&callers[i].thread, NULL, caller_run, &callers[i]), 0);
        while (waiting() <= i)
            short_pause();
    }
    assay_batcher_stop(&batcher);
    assert_int_equal(waiting(), 0);
    caller_call(&late);
    rounds_release();
    assert_int_equal(late.status, ASSAY_STOPPED);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].status, ASSAY_STOPPED);
        assert_non_null(strstr(callers[i].err.text, "the program is stopping"));
    }
    assert_int_equal(batcher.round_count, 0);
    batcher_end();
}

// B6: a third caller leads the round of two others, and is told meanwhile that it is in none. They
// are answered: or cut off with the pass, where that is said.
static void a_leader_that_leaves_wakes_the_others(void **state) {
    static caller callers[3];
    for (int cut = 0; cut < 2; cut++) {
        batcher_start(2, 4);
        rounds_hold();
        for (uint32_t i = 0; i < 3; i++) {
            callers[i] = marked(i, false, NEW);
            callers[i].request.stop_ids_ignored = true;
            wanted_make(&callers[i]);
            if (i == 2) { // nobody leads, and only this one is awake
                told = cut ? assay_batcher_cut : assay_batcher_stop;
                pthread_mutex_lock(&batcher.lock);
                batcher.running = false;
                pthread_mutex_unlock(&batcher.lock);
            }
            assert_int_equal(pthread_create(&callers[i].thread, NULL, caller_run, &callers[i]), 0);
            while (i < 2 && waiting() <= i)
                short_pause();
        }
        for (uint32_t i = 0; i < 3; i++) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 60;
            if (pthread_timedjoin_np(callers[i].thread, NULL, &until) != 0)
                fail_msg("caller %u still waits, and nobody leads", i);
            if (i == 2 || cut)
                assert_int_equal(callers[i].status, ASSAY_STOPPED);
            else
                expect_wanted(&callers[i]);
        }
        assert_int_equal(fed[0], cut ? 3 : positions_of(&callers[0]) + positions_of(&callers[1]));
        batcher_end();
    }
}

// ---- a crowd ----

static void *crowd_run(void *context) {
    caller *callers = context;
    for (uint32_t i = 0; i < TURNS; i++)
        caller_call(&callers[i]);
    return NULL;
}

// Threads that come and go as they like.
static void a_crowd_is_answered(void **state) {
    static caller callers[JOBS_MAX][TURNS];
    pthread_t threads[JOBS_MAX];
    batcher_start(MEMBERS, 5);
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        for (uint32_t j = 0; j < TURNS; j++) {
            callers[i][j] = (caller){.request = request_of(i + j, 3 + i + j, 4 * j + 1),
                                     .check = (i + j) % 4 == 3};
            wanted_make(&callers[i][j]);
        }
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_run, callers[i]), 0);
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        for (uint32_t j = 0; j < TURNS; j++)
            expect_wanted(&callers[i][j]);
    assert_in_range(batcher.round_count, 2, JOBS_MAX * TURNS);
    assert_int_equal(batcher.waiting_count, 0);
    batcher_end();
    assay_batcher_close(&batcher); // zeroed
}

// A workshop's pages are bounded, whatever the context of an 8B model.
static void a_workshop_bounds_its_pages(void **state) {
    assay_model_shape shape = {.layer_count = 32, .kv_head_count = 8, .head_size = 128};
    const struct {
        uint32_t context;
        uint64_t positions;
    } cases[] = {{1, UINT64_C(8) * 64},
                 {512, 8 * 512},
                 {8192, 15872}, // 1 GiB
                 {15873, 15936},
                 {131072, 131072}}; // one request's
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shape.context_size = cases[i].context;
        assert_int_equal(assay_workshop_position_count(&shape), cases[i].positions);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generations_share_a_round),
        cmocka_unit_test(checks_share_a_round),
        cmocka_unit_test(no_kind_waits_for_the_other),
        cmocka_unit_test(a_round_fits_the_pages),
        cmocka_unit_test(an_answer_waits_for_no_other),
        cmocka_unit_test(who_joins_overtakes_nobody),
        cmocka_unit_test(long_prompts_come_in_chunks),
        cmocka_unit_test(an_error_is_nobody_elses),
        cmocka_unit_test(a_changed_file_is_nobody_elses),
        cmocka_unit_test(invalid_ones_never_join),
        cmocka_unit_test(a_check_that_is_stopped_ends),
        cmocka_unit_test(a_stop_is_the_last_round),
        cmocka_unit_test(a_leader_that_leaves_wakes_the_others),
        cmocka_unit_test(a_crowd_is_answered),
        cmocka_unit_test(a_workshop_bounds_its_pages),
    };
    return cmocka_run_group_tests(tests, model_make, model_free);
}
