// SPDX-License-Identifier: Apache-2.0
#include "quant/generate.h"

#include <stdlib.h>

#include "quant/trace.h"

static assay_status members_open(assay_generator *generator, uint32_t member_count,
                                 uint32_t capacity, assay_error *err) {
    generator->members = calloc(member_count, sizeof *generator->members);
    if (!generator->members)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u requests", member_count);
    for (; generator->member_count < member_count; generator->member_count++) {
        assay_member *member = &generator->members[generator->member_count];
        ASSAY_TRY(assay_sequence_open(&member->sequence, &generator->forward, capacity, err));
        member->ids = calloc(capacity, sizeof *member->ids);
        if (!member->ids) {
            assay_sequence_close(&member->sequence);
            return ASSAY_FAIL(err, MEMORY, "no memory for %u ids", capacity);
        }
    }
    return ASSAY_OK;
}

assay_status assay_generator_open_shared(assay_generator *generator, const assay_engine *engine,
                                         uint32_t member_count, uint32_t capacity,
                                         uint64_t position_max, uint32_t chunk_max,
                                         assay_error *err) {
    *generator = (assay_generator){0};
    if (member_count < 1 || member_count > ASSAY_MEMBERS_MAX)
        return ASSAY_FAIL(err, RANGE, "%u requests at a time, limits 1 and %d", member_count,
                          ASSAY_MEMBERS_MAX);
    assay_status status =
        assay_forward_open(&generator->forward, engine, capacity, position_max, chunk_max, err);
    if (status == ASSAY_OK)
        status = assay_sampler_open(&generator->sampler, engine->kernels,
                                    engine->model->shape.vocab_size, err);
    if (status == ASSAY_OK) status = members_open(generator, member_count, capacity, err);
    if (status != ASSAY_OK) assay_generator_close(generator);
    return status;
}

assay_status assay_generator_open(assay_generator *generator, const assay_engine *engine,
                                  uint32_t member_count, uint32_t capacity, uint32_t chunk_max,
                                  assay_error *err) {
    uint64_t pages = (uint64_t)member_count * assay_kv_page_count(capacity);
    return assay_generator_open_shared(generator, engine, member_count, capacity,
                                       pages * ASSAY_KV_PAGE, chunk_max, err);
}

void assay_generator_clear(assay_generator *generator) {
    for (uint32_t i = 0; i < generator->member_count; i++)
        assay_kv_cache_clear(&generator->members[i].sequence.cache);
}

void assay_generator_close(assay_generator *generator) {
    for (uint32_t i = 0; i < generator->member_count; i++) {
        assay_sequence_close(&generator->members[i].sequence);
        free(generator->members[i].ids);
    }
    free(generator->members);
    assay_forward_close(&generator->forward);
    assay_sampler_close(&generator->sampler);
    *generator = (assay_generator){0};
}

assay_status assay_generate_check(const assay_model *model, const assay_generate_request *request,
                                  assay_error *err) {
    uint32_t context_size = model->shape.context_size;
    if (request->prompt_count < 1 || request->max_tokens < 1)
        return ASSAY_FAIL(err, RANGE, "%u prompt ids and at most %u new ones, both at least 1",
                          request->prompt_count, request->max_tokens);
    if (request->prompt_count > context_size ||
        request->max_tokens > context_size - request->prompt_count)
        return ASSAY_FAIL(err, RANGE, "%u prompt ids and up to %u new ones, context %u",
                          request->prompt_count, request->max_tokens, context_size);
    for (uint32_t i = 0; i < request->prompt_count; i++)
        if (request->prompt[i] >= model->shape.vocab_size)
            return ASSAY_FAIL(err, RANGE, "prompt id %u, vocabulary %u", request->prompt[i],
                              model->shape.vocab_size);
    return assay_sampling_check(&request->sampling, err);
}

bool assay_model_stops_at(const assay_model_shape *shape, uint32_t id) {
    for (uint32_t i = 0; i < shape->stop_count; i++)
        if (shape->stop_ids[i] == id) return true;
    return false;
}

// A request and its output so far.
typedef struct {
    assay_generator *generator;
    assay_member *member;
    const assay_generate_request *request;
    assay_output *out;
    assay_forward_hooks hooks;
    bool chosen; // in the pass that just ended
    bool ended;
} run;

static void row_choose(void *context, const assay_forward_row *row) {
    run *r = context;
    assay_generator *generator = r->generator;
    assay_trace_add(&r->out->trace, row->head_q, generator->forward.engine.model->shape.width,
                    row->head_scale);
    uint32_t id = row->logits
                      ? assay_sampler_choose(&generator->sampler, row->logits,
                                             &r->request->sampling, (uint64_t)row->position + 1)
                      : row->best;
    r->member->ids[r->request->prompt_count + r->out->count] = id;
    r->chosen = true;
}

static assay_status run_begin(run *r, assay_error *err) {
    const assay_generate_request *request = r->request;
    assay_sequence *sequence = &r->member->sequence;
    ASSAY_TRY(assay_generate_check(r->generator->forward.engine.model, request, err));
    uint32_t end = request->prompt_count + request->max_tokens;
    if (end > sequence->cache.capacity)
        return ASSAY_FAIL(err, CAPACITY, "prompt and output of %u tokens, limit %u", end,
                          sequence->cache.capacity);
    memcpy(r->member->ids, request->prompt, request->prompt_count * sizeof *request->prompt);
    *r->out = (assay_output){r->member->ids + request->prompt_count, 0, ASSAY_STOP_LENGTH,
                             request->digest};
    r->hooks = (assay_forward_hooks){
        .row = row_choose, .greedy = request->sampling.temperature_milli == 0, .context = r};
    assay_sequence_reset(sequence, request->adapter);
    return ASSAY_OK;
}

// What the next pass feeds: the tokens the sequence has not seen.
static assay_feed run_feed(run *r) {
    uint32_t fed = r->member->sequence.position_count;
    uint32_t known = r->request->prompt_count + r->out->count;
    r->chosen = false;
    r->hooks.rows_from = known - 1;
    return (assay_feed){&r->member->sequence, r->member->ids + fed, known - fed, &r->hooks};
}

static void run_advance(run *r) {
    if (!r->chosen) {
        r->out->stop = ASSAY_STOP_FAULT;
        r->ended = true;
        return;
    }
    uint32_t id = r->out->ids[r->out->count++];
    bool stops = !r->request->stop_ids_ignored &&
                 assay_model_stops_at(&r->generator->forward.engine.model->shape, id);
    if (stops) r->out->stop = ASSAY_STOP_ID;
    r->ended = stops || r->out->count == r->request->max_tokens;
}

assay_status assay_generator_run(assay_generator *generator, const assay_generate_request *request,
                                 assay_output *out, assay_token_fn *token, void *context,
                                 assay_error *err) {
    run r = {.generator = generator, .member = generator->members, .request = request, .out = out};
    assay_generator_clear(generator);
    ASSAY_TRY(run_begin(&r, err));
    while (!r.ended) {
        assay_feed feed = run_feed(&r);
        ASSAY_TRY(assay_forward_feed(&generator->forward, &feed, 1, err));
        run_advance(&r);
        if (r.chosen && token && !token(context, out->count - 1, out->ids[out->count - 1]))
            return ASSAY_FAIL(err, STOPPED, "stopped after %u tokens", out->count);
    }
    return ASSAY_OK;
}

// Runs in the order in which adapters first appear, so that those with one adapter are neighbours.
static void runs_group(run **order, run *runs, uint32_t count) {
    uint32_t placed = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < i; j++)
            seen |= runs[j].request->adapter == runs[i].request->adapter;
        for (uint32_t j = i; j < count && !seen; j++)
            if (runs[j].request->adapter == runs[i].request->adapter) order[placed++] = &runs[j];
    }
}

assay_status assay_generator_run_many(assay_generator *generator,
                                      const assay_generate_request *requests,
                                      uint32_t request_count, assay_output *outs,
                                      assay_error *err) {
    run runs[ASSAY_MEMBERS_MAX] = {0}, *order[ASSAY_MEMBERS_MAX];
    if (request_count > generator->member_count)
        return ASSAY_FAIL(err, CAPACITY, "%u requests at a time, limit %u", request_count,
                          generator->member_count);
    assay_generator_clear(generator);
    for (uint32_t i = 0; i < request_count; i++) {
        runs[i] = (run){.generator = generator,
                        .member = &generator->members[i],
                        .request = &requests[i],
                        .out = &outs[i]};
        ASSAY_TRY(run_begin(&runs[i], err));
    }
    runs_group(order, runs, request_count);
    for (;;) {
        assay_feed feeds[ASSAY_MEMBERS_MAX];
        uint32_t feed_count = 0;
        for (uint32_t i = 0; i < request_count; i++)
            if (!order[i]->ended) feeds[feed_count++] = run_feed(order[i]);
        if (feed_count == 0) return ASSAY_OK;
        ASSAY_TRY(assay_forward_feed(&generator->forward, feeds, feed_count, err));
        for (uint32_t i = 0; i < request_count; i++)
            if (!order[i]->ended) run_advance(order[i]);
    }
}
