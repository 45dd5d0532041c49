// SPDX-License-Identifier: Apache-2.0
#include "node/workshop/batcher.h"

// One caller's, on its stack. What `request` asks for, or what `checkup` does.
struct assay_batcher_job {
    assay_batcher_job *next;
    const assay_generate_request *request; // of the checkup too
    const assay_checkup *checkup;          // NULL: a generation
    assay_output *out;
    uint32_t *ids;
    assay_difference *difference;
    assay_error *err;
    uint32_t page_count; // at most
    assay_status status;
    bool ended;
};

void assay_batcher_open(assay_batcher *batcher, assay_generator *generator) {
    *batcher = (assay_batcher){.generator = generator};
    pthread_mutex_init(&batcher->lock, NULL);
    pthread_cond_init(&batcher->ended, NULL);
}

void assay_batcher_close(assay_batcher *batcher) {
    if (!batcher->generator) return;
    ASSAY_ASSERT(!batcher->running && !batcher->first);
    pthread_cond_destroy(&batcher->ended);
    pthread_mutex_destroy(&batcher->lock);
    *batcher = (assay_batcher){0};
}

// ---- a round, without the lock ----

static assay_status generations_run(assay_batcher *batcher, assay_batcher_job **round,
                                    uint32_t count, assay_error *err) {
    assay_generate_request requests[ASSAY_MEMBERS_MAX] = {0};
    assay_output outs[ASSAY_MEMBERS_MAX];
    for (uint32_t i = 0; i < count; i++)
        requests[i] = *round[i]->request;
    ASSAY_TRY(assay_generator_run_many(batcher->generator, requests, count, outs, err));
    for (uint32_t i = 0; i < count; i++) {
        assay_batcher_job *job = round[i];
        *job->out = outs[i];
        job->out->ids = memcpy(job->ids, outs[i].ids, outs[i].count * sizeof *job->ids);
    }
    return ASSAY_OK;
}

static assay_status checks_run(assay_batcher *batcher, assay_batcher_job **round, uint32_t count,
                               assay_error *err) {
    assay_checkup checkups[ASSAY_MEMBERS_MAX] = {0};
    assay_difference differences[ASSAY_MEMBERS_MAX];
    for (uint32_t i = 0; i < count; i++)
        checkups[i] = *round[i]->checkup;
    ASSAY_TRY(assay_generator_verify_many(batcher->generator, checkups, count, differences, err));
    for (uint32_t i = 0; i < count; i++)
        *round[i]->difference = differences[i];
    return ASSAY_OK;
}

static assay_status jobs_run(assay_batcher *batcher, assay_batcher_job **round, uint32_t count,
                             assay_error *err) {
    return round[0]->checkup ? checks_run(batcher, round, count, err)
                             : generations_run(batcher, round, count, err);
}

// All together; where that fails, each alone, so that whoever is at fault hears of it (B3).
static void round_run(assay_batcher *batcher, assay_batcher_job **round, uint32_t count) {
    if (count > 1 && jobs_run(batcher, round, count, NULL) == ASSAY_OK) return;
    for (uint32_t i = 0; i < count; i++)
        round[i]->status = jobs_run(batcher, &round[i], 1, round[i]->err);
}

// ---- the queue, with the lock ----

// Moves the oldest, and of its kind what fits beside it, into round[ASSAY_MEMBERS_MAX] (B1, B2).
// Returns: how many.
static uint32_t round_take(assay_batcher *batcher, assay_batcher_job **round) {
    const assay_generator *generator = batcher->generator;
    uint32_t count = 0;
    uint64_t pages = 0;
    for (assay_batcher_job **at = &batcher->first; *at && count < generator->member_count;) {
        assay_batcher_job *job = *at;
        if (count && (!job->checkup != !round[0]->checkup ||
                      pages + job->page_count > generator->forward.pages.page_count)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        pages += job->page_count;
        round[count++] = job;
    }
    batcher->waiting_count -= count;
    return count;
}

static void round_lead(assay_batcher *batcher) {
    assay_batcher_job *round[ASSAY_MEMBERS_MAX];
    uint32_t count = round_take(batcher, round);
    batcher->running = true;
    pthread_mutex_unlock(&batcher->lock);
    round_run(batcher, round, count);
    pthread_mutex_lock(&batcher->lock);
    for (uint32_t i = 0; i < count; i++)
        round[i]->ended = true;
    batcher->running = false;
    batcher->round_count++;
    pthread_cond_broadcast(&batcher->ended);
}

// With the lock: all that waits is over, unmade.
static void queue_refuse(assay_batcher *batcher) {
    for (assay_batcher_job *job = batcher->first; job; job = job->next) {
        job->status = ASSAY_FAIL(job->err, STOPPED, "no more is computed: the program is stopping");
        job->ended = true;
    }
    batcher->first = NULL;
    batcher->waiting_count = 0;
    pthread_cond_broadcast(&batcher->ended);
}

void assay_batcher_stop(assay_batcher *batcher) {
    pthread_mutex_lock(&batcher->lock);
    batcher->stopping = true;
    queue_refuse(batcher);
    pthread_mutex_unlock(&batcher->lock);
}

// Waits its turn, and leads rounds while nobody else does and its own is not over.
static assay_status job_run(assay_batcher *batcher, assay_batcher_job *job) {
    job->page_count = assay_kv_page_count(job->request->prompt_count + job->request->max_tokens);
    pthread_mutex_lock(&batcher->lock);
    assay_batcher_job **last = &batcher->first;
    while (*last)
        last = &(*last)->next;
    *last = job;
    batcher->waiting_count++;
    if (batcher->stopping) queue_refuse(batcher);
    while (!job->ended)
        if (batcher->running)
            pthread_cond_wait(&batcher->ended, &batcher->lock);
        else
            round_lead(batcher);
    pthread_mutex_unlock(&batcher->lock);
    return job->status;
}

assay_status assay_batcher_generate(assay_batcher *batcher, const assay_generate_request *request,
                                    uint32_t *ids, assay_output *out, assay_error *err) {
    assay_batcher_job job = {.request = request, .ids = ids, .out = out, .err = err};
    ASSAY_TRY(assay_generate_check(batcher->generator->forward.engine.model, request, err));
    return job_run(batcher, &job);
}

assay_status assay_batcher_verify(assay_batcher *batcher, const assay_checkup *checkup,
                                  assay_difference *difference, assay_error *err) {
    assay_batcher_job job = {
        .request = checkup->request, .checkup = checkup, .difference = difference, .err = err};
    ASSAY_TRY(assay_verify_check(batcher->generator->forward.engine.model, checkup, err));
    ASSAY_TRY(job_run(batcher, &job));
    if (!checkup->stop || !atomic_load(checkup->stop)) return ASSAY_OK;
    return ASSAY_FAIL(err, STOPPED, "a rerun was stopped: nobody needs it any more");
}
