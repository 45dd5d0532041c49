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
    bool over;  // of whoever leads
    bool ended; // the same, for its caller
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

static assay_status stopped(assay_error *err) {
    return ASSAY_FAIL(err, STOPPED, "no more is computed: the program is stopping");
}

// ---- a round of checks, without the lock ----

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

// All together; where that fails, each alone, so that whoever is at fault hears of it (B3).
static void checks_round(assay_batcher *batcher, assay_batcher_job **round, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        round[i]->over = true;
    if (count > 1 && checks_run(batcher, round, count, NULL) == ASSAY_OK) return;
    for (uint32_t i = 0; i < count; i++)
        round[i]->status = checks_run(batcher, &round[i], 1, round[i]->err);
}

// ---- a pass of a round of requests, without the lock ----

static void request_begin(assay_batcher *batcher, assay_batcher_job *job) {
    uint32_t place;
    job->status =
        assay_generator_begin(batcher->generator, job->request, job->out, &place, job->err);
    job->over = job->status != ASSAY_OK;
    if (job->over) return;
    batcher->members[place] = job;
    batcher->member_count++;
    batcher->page_count += job->page_count;
}

static void request_end(assay_batcher *batcher, uint32_t place, const assay_error *why) {
    assay_batcher_job *job = batcher->members[place];
    if (why->status == ASSAY_OK)
        job->out->ids = memcpy(job->ids, job->out->ids, job->out->count * sizeof *job->ids);
    else
        job->status = assay_error_pass(job->err, why);
    job->over = true;
    batcher->members[place] = NULL;
    batcher->member_count--;
    batcher->page_count -= job->page_count;
}

// What a pass fails with is everyone's: what may be one's own is found as it begins (B3).
static void requests_pass(assay_batcher *batcher, assay_batcher_job **began, uint32_t count,
                          bool cut) {
    assay_generator *generator = batcher->generator;
    assay_error why = {0};
    if (!batcher->member_count) assay_generator_clear(generator);
    for (uint32_t i = 0; i < count; i++)
        request_begin(batcher, began[i]);
    assay_status status = cut ? stopped(&why) : assay_generator_step(generator, &why);
    if (status != ASSAY_OK) assay_generator_clear(generator);
    for (uint32_t i = 0; i < generator->member_count; i++)
        if (batcher->members[i] && !generator->members[i].request) request_end(batcher, i, &why);
}

// ---- the queue, with the lock ----

// Moves into round[ASSAY_MEMBERS_MAX] the oldest, and of its kind what fits beside it; where
// requests are in progress, of those who waited longest the requests that fit beside them (B1, B2).
// Returns: how many.
static uint32_t round_take(assay_batcher *batcher, assay_batcher_job **round) {
    const assay_generator *generator = batcher->generator;
    uint32_t count = 0, members = batcher->member_count;
    uint64_t pages = batcher->page_count;
    for (assay_batcher_job **at = &batcher->first; *at && members < generator->member_count;) {
        assay_batcher_job *job = *at;
        bool check = count ? round[0]->checkup != NULL : members == 0 && job->checkup;
        if (members && (!job->checkup == check ||
                        pages + job->page_count > generator->forward.pages.page_count)) {
            if (batcher->member_count) break;
            at = &job->next;
            continue;
        }
        *at = job->next;
        pages += job->page_count;
        members++;
        round[count++] = job;
    }
    batcher->waiting_count -= count;
    return count;
}

// A round of checks, or a pass of one of requests. Answers are handed out as they are there.
static void turn_lead(assay_batcher *batcher) {
    assay_batcher_job *jobs[2 * ASSAY_MEMBERS_MAX];
    uint32_t began = round_take(batcher, jobs), count = began;
    bool checks = began && jobs[0]->checkup, cut = batcher->cutting;
    for (uint32_t i = 0; i < ASSAY_MEMBERS_MAX; i++)
        if (batcher->members[i]) jobs[count++] = batcher->members[i];
    batcher->running = true;
    pthread_mutex_unlock(&batcher->lock);
    if (checks)
        checks_round(batcher, jobs, count);
    else
        requests_pass(batcher, jobs, began, cut);
    pthread_mutex_lock(&batcher->lock);
    bool any = batcher->stopping; // whoever leads may have waited itself, and go now (B6)
    for (uint32_t i = 0; i < count; i++) {
        jobs[i]->ended = jobs[i]->over;
        any |= jobs[i]->ended;
    }
    batcher->running = false;
    if (!batcher->member_count) batcher->round_count++;
    if (any) pthread_cond_broadcast(&batcher->ended);
}

// With the lock: all that waits is over, unmade.
static void queue_refuse(assay_batcher *batcher) {
    for (assay_batcher_job *job = batcher->first; job; job = job->next) {
        job->status = stopped(job->err);
        job->ended = true;
    }
    batcher->first = NULL;
    batcher->waiting_count = 0;
    pthread_cond_broadcast(&batcher->ended);
}

static void stop(assay_batcher *batcher, bool cutting) {
    pthread_mutex_lock(&batcher->lock);
    batcher->stopping = true;
    batcher->cutting |= cutting;
    queue_refuse(batcher);
    pthread_mutex_unlock(&batcher->lock);
}

void assay_batcher_stop(assay_batcher *batcher) {
    stop(batcher, false);
}

void assay_batcher_cut(assay_batcher *batcher) {
    stop(batcher, true);
}

// Waits its turn, and leads while nobody else does and its own is not over.
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
            turn_lead(batcher);
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
