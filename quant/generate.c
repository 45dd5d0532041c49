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
    for (uint32_t i = 0; i < generator->member_count; i++) {
        assay_kv_cache_clear(&generator->members[i].sequence.cache);
        generator->members[i].request = NULL;
    }
}

void assay_generator_close(assay_generator *generator) {
    for (uint32_t i = 0; i < generator->member_count; i++) {
        assay_sequence_close(&generator->members[i].sequence);
        free(generator->members[i].ids);
    }
    free(generator->members);
    assay_forward_close(&generator->forward);
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

static void row_take(void *context, const assay_forward_row *row) {
    assay_member *member = context;
    assay_trace_add(&member->out->trace, row->head_q,
                    member->generator->forward.engine.model->shape.width, row->head_scale);
    member->ids[member->request->prompt_count + member->out->count] = row->id;
    member->chosen = true;
}

assay_status assay_generator_begin(assay_generator *generator,
                                   const assay_generate_request *request, assay_output *out,
                                   uint32_t *place, assay_error *err) {
    ASSAY_TRY(assay_generate_check(generator->forward.engine.model, request, err));
    for (*place = 0; *place < generator->member_count; ++*place)
        if (!generator->members[*place].request) break;
    if (*place == generator->member_count)
        return ASSAY_FAIL(err, CAPACITY, "%u requests are in progress, limit %u",
                          generator->member_count, generator->member_count);
    assay_member *member = &generator->members[*place];
    uint32_t end = request->prompt_count + request->max_tokens;
    if (end > member->sequence.cache.capacity)
        return ASSAY_FAIL(err, CAPACITY, "prompt and output of %u tokens, limit %u", end,
                          member->sequence.cache.capacity);
    // Later it would be the error of everyone beside it.
    if (request->adapter) ASSAY_TRY(assay_adapter_unchanged(request->adapter, err));
    memcpy(member->ids, request->prompt, request->prompt_count * sizeof *request->prompt);
    *out =
        (assay_output){member->ids + request->prompt_count, 0, ASSAY_STOP_LENGTH, request->digest};
    member->generator = generator;
    member->request = request;
    member->out = out;
    member->began = generator->begun_count++;
    member->hooks =
        (assay_forward_hooks){.row = row_take, .sampling = &request->sampling, .context = member};
    assay_sequence_reset(&member->sequence, request->adapter);
    return ASSAY_OK;
}

static uint32_t known_count(const assay_member *member) {
    return member->request->prompt_count + member->out->count;
}

// What the next pass feeds: its share of the tokens that the sequence has not seen.
static assay_feed member_feed(assay_member *member) {
    member->chosen = false;
    member->hooks.rows_from = known_count(member) - 1;
    return (assay_feed){&member->sequence, member->ids + member->sequence.position_count,
                        member->share, &member->hooks};
}

static void member_advance(assay_member *member) {
    const assay_sequence *sequence = &member->sequence;
    const assay_model_shape *shape = &member->generator->forward.engine.model->shape;
    bool ended = false;
    if (member->chosen) {
        uint32_t id = member->out->ids[member->out->count++];
        bool stops = !member->request->stop_ids_ignored && assay_model_stops_at(shape, id);
        if (stops) member->out->stop = ASSAY_STOP_ID;
        ended = stops || member->out->count == member->request->max_tokens;
    } else if (sequence->fault_position != ASSAY_NO_FAULT ||
               sequence->position_count == known_count(member)) {
        member->out->stop = ASSAY_STOP_FAULT;
        ended = true;
    }
    if (!ended) return;
    member->request = NULL;
    assay_kv_cache_clear(&member->sequence.cache);
}

// Those in progress, in the order in which adapters first appear, so that those with one adapter
// are neighbours.
static uint32_t members_group(assay_member **order, assay_generator *generator) {
    uint32_t placed = 0;
    for (uint32_t i = 0; i < generator->member_count; i++) {
        assay_member *first = &generator->members[i];
        bool seen = !first->request;
        for (uint32_t j = 0; j < placed && !seen; j++)
            seen = order[j]->request->adapter == first->request->adapter;
        for (uint32_t j = i; j < generator->member_count && !seen; j++) {
            assay_member *member = &generator->members[j];
            if (member->request && member->request->adapter == first->request->adapter)
                order[placed++] = member;
        }
    }
    return placed;
}

// One chunk for all, so that a long prompt holds up nobody's next token for longer. What is left of
// it goes to the oldest prompt: places tell nothing, who comes takes a free one before others'.
static void room_share(assay_member *const *members, uint32_t count, uint32_t room) {
    assay_member *oldest[ASSAY_MEMBERS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && oldest[at - 1]->began > members[i]->began; at--)
            oldest[at] = oldest[at - 1];
        oldest[at] = members[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t others = count - 1 - i, most = room > others ? room - others : 1;
        uint32_t left = known_count(oldest[i]) - oldest[i]->sequence.position_count;
        oldest[i]->share = left < most ? left : most;
        room -= room > oldest[i]->share ? oldest[i]->share : room;
    }
}

assay_status assay_generator_step(assay_generator *generator, assay_error *err) {
    assay_member *order[ASSAY_MEMBERS_MAX];
    assay_feed feeds[ASSAY_MEMBERS_MAX] = {0};
    uint32_t count = members_group(order, generator);
    room_share(order, count, generator->forward.chunk_max);
    for (uint32_t i = 0; i < count; i++)
        feeds[i] = member_feed(order[i]);
    ASSAY_TRY(assay_forward_feed(&generator->forward, feeds, count, err));
    for (uint32_t i = 0; i < count; i++)
        member_advance(order[i]);
    return ASSAY_OK;
}

assay_status assay_generator_run(assay_generator *generator, const assay_generate_request *request,
                                 assay_output *out, assay_token_fn *token, void *context,
                                 assay_error *err) {
    uint32_t place;
    assay_generator_clear(generator);
    ASSAY_TRY(assay_generator_begin(generator, request, out, &place, err));
    const assay_member *member = &generator->members[place];
    while (member->request) {
        ASSAY_TRY(assay_generator_step(generator, err));
        if (member->chosen && token && !token(context, out->count - 1, out->ids[out->count - 1]))
            return ASSAY_FAIL(err, STOPPED, "stopped after %u tokens", out->count);
    }
    return ASSAY_OK;
}
