// SPDX-License-Identifier: Apache-2.0
#include "quant/verify.h"

#include "quant/trace.h"

// The walk along the claimed tokens. Once `finding` is set or the determined output has ended,
// further rows change nothing but a count that is too high.
typedef struct {
    assay_generator *generator;
    assay_member *member;
    const assay_generate_request *request;
    const assay_output_claim *claim;
    uint32_t count; // claimed tokens looked at, at most max_tokens
    uint32_t agreed;
    bool ended; // the determined output ends after `agreed` tokens, by `stop`
    assay_stop stop;
    assay_finding finding;
    uint32_t id; // the right token, where another is claimed
    assay_hash trace;
    assay_probe *probe;
    assay_forward_hooks hooks;
} walk;

static uint32_t count_of(const assay_generate_request *request, const assay_output_claim *claim) {
    return claim->count < request->max_tokens ? claim->count : request->max_tokens;
}

uint32_t assay_verify_position_count(const assay_generate_request *request,
                                     const assay_output_claim *claim) {
    uint32_t count = count_of(request, claim);
    return request->prompt_count + (count ? count : 1) - 1;
}

static bool ends_at(const walk *w, uint32_t id) {
    return !w->request->stop_ids_ignored &&
           assay_model_stops_at(&w->generator->forward.engine.model->shape, id);
}

static void row_compare(void *context, const assay_forward_row *row) {
    walk *w = context;
    if (w->finding != ASSAY_FINDING_MATCH) return;
    if (w->ended || w->agreed >= w->count) {
        w->finding = ASSAY_FINDING_COUNT;
        return;
    }
    const assay_model_shape *shape = &w->generator->forward.engine.model->shape;
    if (row->id != w->claim->ids[w->agreed]) {
        w->finding = ASSAY_FINDING_TOKENS;
        w->id = row->id;
        return;
    }
    assay_trace_add(&w->trace, row->head_q, shape->width, row->head_scale);
    w->agreed++;
    bool stops = ends_at(w, row->id);
    w->ended = stops || w->agreed == w->request->max_tokens;
    w->stop = stops ? ASSAY_STOP_ID : ASSAY_STOP_LENGTH;
}

static void residual_take(void *context, uint32_t layer, uint32_t position, const float *x) {
    walk *w = context;
    if (layer != w->probe->layer || position != w->probe->position) return;
    memcpy(w->probe->residual, x,
           w->generator->forward.engine.model->shape.width * sizeof *w->probe->residual);
}

static assay_finding walk_end(walk *w) {
    const assay_sequence *sequence = &w->member->sequence;
    if (w->finding != ASSAY_FINDING_MATCH) return w->finding;
    if (!w->ended && sequence->fault_position != ASSAY_NO_FAULT) {
        w->ended = true;
        w->stop = ASSAY_STOP_FAULT;
    }
    if (!w->ended || w->claim->count != w->agreed) return ASSAY_FINDING_COUNT;
    if (w->claim->stop != w->stop) return ASSAY_FINDING_STOP;
    if (!assay_hash_equal(&w->claim->trace, &w->trace)) return ASSAY_FINDING_TRACE;
    return ASSAY_FINDING_MATCH;
}

assay_status assay_verify_check(const assay_model *model, const assay_checkup *checkup,
                                assay_error *err) {
    const assay_probe *probe = checkup->probe;
    uint32_t layer_count = model->shape.layer_count;
    ASSAY_TRY(assay_generate_check(model, checkup->request, err));
    uint32_t position_count = assay_verify_position_count(checkup->request, checkup->claim);
    if (!probe || (probe->layer < layer_count && probe->position < position_count)) return ASSAY_OK;
    return ASSAY_FAIL(err, RANGE, "probe of layer %u at position %u, limits %u and %u",
                      probe->layer, probe->position, layer_count, position_count);
}

// Fills the walk's hooks and the ids to feed. Returns their number in *fed.
static assay_status walk_begin(walk *w, uint32_t *fed, assay_error *err) {
    const assay_generate_request *request = w->request;
    const assay_output_claim *claim = w->claim;
    const assay_model *model = w->generator->forward.engine.model;
    assay_sequence *sequence = &w->member->sequence;
    const assay_checkup checkup = {request, claim, w->probe, NULL};
    ASSAY_TRY(assay_verify_check(model, &checkup, err));
    *fed = assay_verify_position_count(request, claim);
    if (request->prompt_count + request->max_tokens > sequence->cache.capacity)
        return ASSAY_FAIL(err, CAPACITY, "prompt and output of %u tokens, limit %u",
                          request->prompt_count + request->max_tokens, sequence->cache.capacity);
    w->count = count_of(request, claim);
    w->trace = request->digest;
    // Where the claim ends by neither a stop id nor its length, only a fault at its last token's
    // position can make it right: that token is fed as well.
    if (w->count > 0 && w->count < request->max_tokens && !ends_at(w, claim->ids[w->count - 1]))
        ++*fed;
    uint32_t *ids = w->member->ids;
    memcpy(ids, request->prompt, request->prompt_count * sizeof *request->prompt);
    for (uint32_t i = request->prompt_count; i < *fed; i++) {
        uint32_t id = claim->ids[i - request->prompt_count];
        ids[i] = id < model->shape.vocab_size ? id : 0; // never chosen: a wrong token already
    }
    assay_sequence_reset(sequence, request->adapter);
    w->hooks = (assay_forward_hooks){.row = row_compare,
                                     .rows_from = request->prompt_count - 1,
                                     .sampling = &request->sampling,
                                     .residual = w->probe ? residual_take : NULL,
                                     .stop = w->hooks.stop,
                                     .context = w};
    return ASSAY_OK;
}

assay_status assay_generator_verify_many(assay_generator *generator, const assay_checkup *checkups,
                                         uint32_t count, assay_difference *differences,
                                         assay_error *err) {
    walk walks[ASSAY_MEMBERS_MAX];
    assay_feed feeds[ASSAY_MEMBERS_MAX] = {0};
    if (count > generator->member_count)
        return ASSAY_FAIL(err, CAPACITY, "%u claims at a time, limit %u", count,
                          generator->member_count);
    assay_generator_clear(generator);
    for (uint32_t i = 0; i < count; i++) {
        const assay_checkup *c = &checkups[i];
        assay_member *member = &generator->members[i];
        uint32_t fed;
        walks[i] = (walk){.generator = generator,
                          .member = member,
                          .request = c->request,
                          .claim = c->claim,
                          .probe = c->probe,
                          .hooks.stop = c->stop};
        ASSAY_TRY(walk_begin(&walks[i], &fed, err));
        feeds[i] = (assay_feed){&member->sequence, member->ids, fed, &walks[i].hooks};
    }
    ASSAY_TRY(assay_forward_feed(&generator->forward, feeds, count, err));
    for (uint32_t i = 0; i < count; i++) {
        walk *w = &walks[i];
        if (w->probe) w->probe->faulted = w->member->sequence.fault_position <= w->probe->position;
        differences[i] = (assay_difference){walk_end(w), w->agreed, w->id};
    }
    return ASSAY_OK;
}

assay_status assay_generator_verify(assay_generator *generator,
                                    const assay_generate_request *request,
                                    const assay_output_claim *claim, assay_probe *probe,
                                    assay_difference *difference, assay_error *err) {
    assay_checkup checkup = {request, claim, probe, NULL};
    return assay_generator_verify_many(generator, &checkup, 1, difference, err);
}
