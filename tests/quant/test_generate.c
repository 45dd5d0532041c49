// SPDX-License-Identifier: Apache-2.0
// N-16, N-17, N-18: a run and the one-pass check of it agree, and each way of lying has its
// finding.
#include "tests/quant/synthetic.h"

#include "base/sha256.h"
#include "quant/verify.h"

enum { PROMPT = 9, MAX_TOKENS = 40, CAPACITY = PROMPT + MAX_TOKENS };

static synthetic model;
static uint32_t prompt[PROMPT];
static assay_generator generator;

static int generator_make(void **state) {
    synthetic_open(&model, 23);
    synthetic_ids(&model, prompt, PROMPT);
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    return assay_generator_open(&generator, &engine, 1, CAPACITY, 0, NULL);
}

static int generator_free(void **state) {
    assay_generator_close(&generator);
    synthetic_close(&model);
    return 0;
}

static assay_generate_request request_make(uint64_t seed) {
    return (assay_generate_request){.prompt = prompt,
                                    .prompt_count = PROMPT,
                                    .max_tokens = MAX_TOKENS,
                                    .sampling = {60000, 0, 1000000, seed},
                                    .digest = {{1, 2, 3}}};
}

// An output kept beyond the generator's next call.
typedef struct {
    uint32_t ids[CAPACITY];
    assay_output_claim claim;
} kept;

static void run(kept *out, const assay_generate_request *request) {
    assay_output output;
    assert_int_equal(assay_generator_run(&generator, request, &output, NULL, NULL, NULL), ASSAY_OK);
    memset(out->ids, 0, sizeof out->ids);
    memcpy(out->ids, output.ids, output.count * sizeof *output.ids);
    out->claim = (assay_output_claim){out->ids, output.count, output.stop, output.trace};
}

static assay_difference difference_find(const assay_generate_request *request,
                                        const assay_output_claim *claim) {
    assay_difference difference;
    assert_int_equal(assay_generator_verify(&generator, request, claim, NULL, &difference, NULL),
                     ASSAY_OK);
    return difference;
}

static assay_finding verify(const assay_generate_request *request,
                            const assay_output_claim *claim) {
    return difference_find(request, claim).finding;
}

// A request whose output ends as wanted, found by trying seeds.
static assay_generate_request ending(assay_stop stop, kept *out) {
    for (uint64_t seed = 0; seed < 200; seed++) {
        assay_generate_request request = request_make(seed);
        run(out, &request);
        if (out->claim.stop == stop && out->claim.count > 4) return request;
    }
    fail_msg("no seed gives stop %d", stop);
    return request_make(0);
}

static void test_every_ending_verifies(void **state) {
    static kept output;
    for (int stop = ASSAY_STOP_ID; stop <= ASSAY_STOP_FAULT; stop++) {
        assay_generate_request request = ending((assay_stop)stop, &output);
        assert_int_equal(verify(&request, &output.claim), ASSAY_FINDING_MATCH);
        uint32_t last = output.ids[output.claim.count - 1];
        assert_int_equal(assay_model_stops_at(&model.model.shape, last), stop == ASSAY_STOP_ID);
        assert_int_equal(last == SYNTHETIC_FAULTING_ID, stop == ASSAY_STOP_FAULT);
        assert_int_equal(output.claim.count == MAX_TOKENS, stop == ASSAY_STOP_LENGTH);
    }
}

// The output as defined, token by token with a fresh pass each, against the incremental run.
static void test_run_follows_the_definition(void **state) {
    static kept output, again;
    assay_generate_request request = ending(ASSAY_STOP_LENGTH, &output);
    request.max_tokens = 1;
    uint32_t grown[CAPACITY];
    memcpy(grown, prompt, sizeof prompt);
    request.prompt = grown;
    for (uint32_t i = 0; i < 6; i++) {
        request.prompt_count = PROMPT + i;
        run(&again, &request);
        assert_int_equal(again.ids[0], output.ids[i]);
        grown[PROMPT + i] = again.ids[0];
        request.digest = again.claim.trace;
    }
    request = request_make(0);
    request.adapter = &model.adapters[0];
    run(&again, &request);
    request.adapter = &model.adapters[1];
    run(&output, &request);
    assert_memory_not_equal(&again.claim.trace, &output.claim.trace, sizeof(assay_hash));
    assert_int_equal(verify(&request, &output.claim), ASSAY_FINDING_MATCH);
    assert_int_not_equal(verify(&request, &again.claim), ASSAY_FINDING_MATCH);
}

static void test_each_lie_has_its_finding(void **state) {
    static kept output;
    for (int stop = ASSAY_STOP_ID; stop <= ASSAY_STOP_FAULT; stop++) {
        assay_generate_request request = ending((assay_stop)stop, &output);
        assay_output_claim honest = output.claim, lie = honest;
        lie.trace.bytes[31] ^= 1;
        assert_int_equal(verify(&request, &lie), ASSAY_FINDING_TRACE);
        lie = honest;
        lie.stop = (assay_stop)((stop + 1) % 3);
        assert_int_equal(verify(&request, &lie), ASSAY_FINDING_STOP);
        for (uint32_t i = 0; i < honest.count; i++) {
            const uint32_t ids[] = {output.ids[i] ^ 1, UINT32_MAX};
            uint32_t id = output.ids[i];
            for (int j = 0; j < 2; j++) {
                output.ids[i] = ids[j];
                assay_difference difference = difference_find(&request, &honest);
                assert_int_equal(difference.finding, ASSAY_FINDING_TOKENS);
                assert_int_equal(difference.place, i);
                assert_int_equal(difference.id, id);
            }
            output.ids[i] = id;
        }
        for (lie = honest; lie.count-- > 0;)
            for (int claimed = 0; claimed <= 2; claimed++) {
                lie.stop = (assay_stop)claimed;
                assay_difference difference = difference_find(&request, &lie);
                assert_int_equal(difference.finding, ASSAY_FINDING_COUNT);
                assert_int_equal(difference.place, lie.count);
            }
        for (lie.count = honest.count + 1; lie.count < CAPACITY; lie.count++)
            for (int claimed = 0; claimed <= 2; claimed++) {
                lie.stop = (assay_stop)claimed;
                assay_difference difference = difference_find(&request, &lie);
                assert_int_equal(difference.finding, ASSAY_FINDING_COUNT);
                assert_int_equal(difference.place, honest.count);
            }
    }
}

static void test_fault_in_the_prompt_leaves_no_output(void **state) {
    static kept output;
    assay_generate_request request = request_make(1);
    uint32_t faulting[PROMPT];
    request.prompt = faulting;
    for (int i = 0; i < PROMPT; i += 4) {
        memcpy(faulting, prompt, sizeof prompt);
        faulting[i] = SYNTHETIC_FAULTING_ID;
        run(&output, &request);
        assert_int_equal(output.claim.count, 0);
        assert_int_equal(output.claim.stop, ASSAY_STOP_FAULT);
        assert_memory_equal(&output.claim.trace, &request.digest, sizeof request.digest);
        assert_int_equal(verify(&request, &output.claim), ASSAY_FINDING_MATCH);
        output.claim.stop = ASSAY_STOP_LENGTH;
        assert_int_equal(verify(&request, &output.claim), ASSAY_FINDING_STOP);
        output.claim.count = 2;
        assert_int_equal(verify(&request, &output.claim), ASSAY_FINDING_COUNT);
    }
}

typedef struct {
    uint32_t layer, position;
    float x[SYNTHETIC_WIDTH];
} wanted_residual;

static void residual_keep(void *context, uint32_t layer, uint32_t position, const float *x) {
    wanted_residual *w = context;
    if (layer == w->layer && position == w->position) memcpy(w->x, x, sizeof w->x);
}

// The probe is the residual of a plain pass, also where the claim is wrong.
static void test_probe(void **state) {
    static kept output;
    assay_generate_request request = ending(ASSAY_STOP_LENGTH, &output);
    output.ids[7] ^= 1;
    uint32_t fed[CAPACITY];
    memcpy(fed, prompt, sizeof prompt);
    memcpy(fed + PROMPT, output.ids, MAX_TOKENS * sizeof *fed);
    uint32_t count = assay_verify_position_count(&request, &output.claim);
    assert_int_equal(count, CAPACITY - 1);
    for (uint32_t layer = 0; layer < 3; layer++)
        for (uint32_t position = layer; position < count; position += 15) {
            wanted_residual wanted = {.layer = layer, .position = position};
            assay_forward_hooks hooks = {.residual = residual_keep, .context = &wanted};
            assay_sequence *sequence = &generator.members[0].sequence;
            assay_feed feed = {sequence, fed, position + 1, &hooks};
            assay_sequence_reset(sequence, NULL);
            assert_int_equal(assay_forward_feed(&generator.forward, &feed, 1, NULL), ASSAY_OK);
            float residual[SYNTHETIC_WIDTH];
            assay_probe probe = {layer, position, residual, true};
            assay_difference difference;
            assert_int_equal(assay_generator_verify(&generator, &request, &output.claim, &probe,
                                                    &difference, NULL),
                             ASSAY_OK);
            assert_int_equal(difference.finding, ASSAY_FINDING_TOKENS);
            assert_false(probe.faulted);
            assert_memory_equal(residual, wanted.x, sizeof residual);
        }
    assay_probe outside = {0, count, NULL, false};
    assay_difference difference;
    assert_int_equal(
        assay_generator_verify(&generator, &request, &output.claim, &outside, &difference, NULL),
        ASSAY_RANGE);
    outside = (assay_probe){3, 0, NULL, false};
    assert_int_equal(
        assay_generator_verify(&generator, &request, &output.claim, &outside, &difference, NULL),
        ASSAY_RANGE);
}

static void test_probe_names_a_fault(void **state) {
    static kept output;
    assay_generate_request request = request_make(1);
    uint32_t faulting[PROMPT];
    memcpy(faulting, prompt, sizeof prompt);
    faulting[4] = SYNTHETIC_FAULTING_ID;
    request.prompt = faulting;
    run(&output, &request);
    for (uint32_t position = 0; position < PROMPT; position++) {
        float residual[SYNTHETIC_WIDTH];
        assay_probe probe = {1, position, residual, false};
        assay_difference difference;
        assert_int_equal(
            assay_generator_verify(&generator, &request, &output.claim, &probe, &difference, NULL),
            ASSAY_OK);
        assert_int_equal(probe.faulted, position >= 4);
    }
}

static bool token_stop(void *context, uint32_t index, uint32_t id) {
    uint32_t *ids = context;
    ids[index] = id;
    return index < 2;
}

static void test_streaming_and_stopping(void **state) {
    static kept output;
    assay_generate_request request = ending(ASSAY_STOP_LENGTH, &output);
    uint32_t seen[3];
    assay_output partial;
    assert_int_equal(assay_generator_run(&generator, &request, &partial, token_stop, seen, NULL),
                     ASSAY_STOPPED);
    assert_memory_equal(seen, output.ids, sizeof seen);
    request = ending(ASSAY_STOP_ID, &output);
    uint32_t count = output.claim.count;
    request.stop_ids_ignored = true;
    run(&output, &request);
    assert_true(output.claim.count > count);
    assert_int_equal(verify(&request, &output.claim), ASSAY_FINDING_MATCH);
}

// N-16
static void test_invalid_requests(void **state) {
    assay_output output;
    assay_output_claim claim = {0};
    assay_difference difference;
    uint32_t bad_ids[PROMPT] = {[3] = SYNTHETIC_VOCAB};
    assay_generate_request bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = request_make(0);
    bad[0].prompt_count = 0;
    bad[1].max_tokens = 0;
    bad[2].max_tokens = SYNTHETIC_CONTEXT - PROMPT + 1;
    bad[3].prompt = bad_ids;
    bad[4].sampling.top_p_ppm = 0;
    bad[5].max_tokens = UINT32_MAX;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(assay_generate_check(&model.model, &bad[i], NULL), ASSAY_RANGE);
        assert_int_equal(assay_generator_run(&generator, &bad[i], &output, NULL, NULL, NULL),
                         ASSAY_RANGE);
        assert_int_equal(
            assay_generator_verify(&generator, &bad[i], &claim, NULL, &difference, NULL),
            ASSAY_RANGE);
    }
    assay_generate_request longer = request_make(0);
    longer.max_tokens = SYNTHETIC_CONTEXT - PROMPT;
    assert_int_equal(assay_generate_check(&model.model, &longer, NULL), ASSAY_OK);
    assert_int_equal(assay_generator_run(&generator, &longer, &output, NULL, NULL, NULL),
                     ASSAY_CAPACITY);
}

// Whoever comes later takes a lower place, and no room before the prompt that is under way.
static void test_the_oldest_prompt_goes_on(void **state) {
    enum { CHUNK = 4 };
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    assay_generator three;
    assay_output outs[3];
    uint32_t place;
    assay_generate_request requests[3];
    for (uint32_t i = 0; i < 3; i++)
        requests[i] = request_make(i);
    requests[0].prompt_count = requests[0].max_tokens = 1;
    assert_int_equal(assay_generator_open(&three, &engine, 3, CAPACITY, CHUNK, NULL), ASSAY_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(assay_generator_begin(&three, &requests[i], &outs[i], &place, NULL),
                         ASSAY_OK);
        assert_int_equal(place, i == 2 ? 0 : i); // the first one's, which has ended
        if (i > 0) assert_int_equal(assay_generator_step(&three, NULL), ASSAY_OK);
    }
    assert_int_equal(three.members[1].sequence.position_count, 2 * (CHUNK - 1));
    assert_int_equal(three.members[0].sequence.position_count, 1);
    assay_generator_close(&three);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_ending_verifies),
        cmocka_unit_test(test_run_follows_the_definition),
        cmocka_unit_test(test_each_lie_has_its_finding),
        cmocka_unit_test(test_fault_in_the_prompt_leaves_no_output),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_probe_names_a_fault),
        cmocka_unit_test(test_streaming_and_stopping),
        cmocka_unit_test(test_the_oldest_prompt_goes_on),
        cmocka_unit_test(test_invalid_requests),
    };
    return cmocka_run_group_tests(tests, generator_make, generator_free);
}
