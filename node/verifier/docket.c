// SPDX-License-Identifier: Apache-2.0
#include "node/verifier/docket.h"

#include <pthread.h>
#include <stdlib.h>

#include "consensus/clock.h"
#include "node/workshop/batch_table.h"

enum { PROVIDERS_MAX = 256, PAUSE_DOUBLINGS = 4, NANOS_PER_MS = 1000000, INDEXING_MS = 50 };

typedef enum { FREE, WAITING, RUNNING, FOUND, FAILED } entry_state;

typedef struct {
    entry_state state;
    assay_docket_question question;
    assay_address provider;
    uint64_t filed;  // running number
    uint64_t height; // the docket's when it was filed
    uint32_t tries;  // fetches that failed for what may pass
    uint64_t due;    // the clock's: not tried before
    uint64_t begun;  // the clock's: when this try was
    atomic_bool stop;
    atomic_bool over;           // its deadline has passed, or the docket closes
    assay_docket_answer answer; // of a try that failed: what it comes to if there is no other
    assay_error failure;
} entry;

struct assay_docket {
    const assay_checker *checker;
    pthread_mutex_t lock; // guards all below
    pthread_cond_t work;
    bool closing;
    entry entries[ASSAY_DOCKET_KEPT_MAX];
    uint64_t filed;
    uint64_t height;                   // the chain's
    assay_address late[PROVIDERS_MAX]; // ring of providers that were late the last time
    uint32_t late_at;
    unsigned thread_count;
    pthread_t threads[ASSAY_DOCKET_THREADS];
};

static bool same_batch(const entry *e, const assay_docket_question *question) {
    return e->state != FREE && e->question.round == question->round &&
           e->question.task.leaf_posted == question->task.leaf_posted &&
           e->question.task.table_posted == question->task.table_posted &&
           assay_hash_equal(&e->question.task.batch, &question->task.batch);
}

static entry *entry_find(assay_docket *docket, const assay_docket_question *question) {
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        entry *e = &docket->entries[i];
        if (same_batch(e, question) && e->question.task.sample == question->task.sample) return e;
    }
    return NULL;
}

// A free place, or that of the oldest answer.
static entry *entry_place(assay_docket *docket) {
    entry *oldest = NULL;
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        entry *e = &docket->entries[i];
        if (e->state == FREE) return e;
        if (e->state == WAITING || e->state == RUNNING) continue;
        if (!oldest || e->filed < oldest->filed) oldest = e;
    }
    return oldest;
}

// ---- who was late ----

static uint32_t late_find(const assay_docket *docket, const assay_address *provider) {
    uint32_t i = 0;
    while (i < PROVIDERS_MAX && !assay_address_equal(&docket->late[i], provider))
        i++;
    return i;
}

static void late_note(assay_docket *docket, const assay_address *provider, bool late) {
    uint32_t at = late_find(docket, provider);
    if (late && at == PROVIDERS_MAX)
        docket->late[docket->late_at++ % PROVIDERS_MAX] = *provider;
    else if (!late && at < PROVIDERS_MAX)
        memset(&docket->late[at], 0, sizeof docket->late[at]);
}

// ---- threads ----

// What was never tried goes first, then the earliest deadline (D2).
static bool entry_before(const entry *a, const entry *b) {
    if ((a->tries == 0) != (b->tries == 0)) return a->tries == 0;
    return a->question.deadline < b->question.deadline;
}

// Waiting and due, of a provider with threads to spare (D1).
static entry *entry_next(assay_docket *docket, uint64_t now) {
    entry *best = NULL;
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        entry *e = &docket->entries[i];
        unsigned running = 0;
        if (e->state != WAITING || e->due > now || (best && !entry_before(e, best))) continue;
        for (uint32_t j = 0; j < ASSAY_DOCKET_KEPT_MAX; j++)
            running += docket->entries[j].state == RUNNING &&
                       assay_address_equal(&docket->entries[j].provider, &e->provider);
        if (running < (docket->thread_count + 1) / 2) best = e;
    }
    return best;
}

// The table's verdict where another sample of the batch came to it (D3).
static bool table_known(const assay_docket *docket, entry *e) {
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        const entry *other = &docket->entries[i];
        if (other->state != FOUND || !same_batch(other, &e->question)) continue;
        if (other->answer.verdict != ASSAY_VERDICT_TABLE &&
            other->answer.verdict != ASSAY_VERDICT_TABLE_UNAVAILABLE)
            continue;
        e->answer = other->answer;
        return true;
    }
    return false;
}

// Until there is something new, or the first of the pauses that are not over at `now` ends.
static void work_wait(assay_docket *docket, uint64_t now) {
    uint64_t first = UINT64_MAX;
    struct timespec until;
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        const entry *e = &docket->entries[i];
        if (e->state == WAITING && e->due > now && e->due < first) first = e->due;
    }
    if (first == UINT64_MAX) {
        pthread_cond_wait(&docket->work, &docket->lock);
        return;
    }
    assay_deadline_in(&until, (first - now) / NANOS_PER_MS + 1);
    pthread_cond_timedwait(&docket->work, &docket->lock, &until);
}

// Tried again after a pause that grows; so long as the table is away, with those that wait for it
// too (D3).
static void entry_postpone(assay_docket *docket, entry *e) {
    uint64_t pause = (uint64_t)ASSAY_DOCKET_PAUSE_MS
                     << (e->tries < PAUSE_DOUBLINGS ? e->tries : PAUSE_DOUBLINGS);
    e->state = WAITING;
    e->tries++;
    e->due = assay_clock_ns() + pause * NANOS_PER_MS;
    if (e->answer.verdict != ASSAY_VERDICT_TABLE_UNAVAILABLE) return;
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        entry *other = &docket->entries[i];
        if (other->state != WAITING || !same_batch(other, &e->question)) continue;
        other->answer = e->answer;
        other->tries = e->tries;
        other->due = e->due;
    }
}

static void entry_end(assay_docket *docket, entry *e, assay_status status,
                      const assay_check_result *result, const assay_error *err) {
    e->state = status == ASSAY_OK ? FOUND : FAILED;
    e->failure = *err;
    e->answer = (assay_docket_answer){true, result->verdict, result->probe, ""};
    memcpy(e->answer.reason, result->reason, sizeof e->answer.reason);
    if (status == ASSAY_OK) late_note(docket, &e->provider, result->late);
    if (status == ASSAY_OK && result->passing && !atomic_load(&e->stop)) entry_postpone(docket, e);
}

// Gives up all that the check is doing, by which it becomes free (D5).
static void entry_give_up(entry *e) {
    atomic_store(&e->stop, true);
    atomic_store(&e->over, true);
}

// One check, without the lock.
static void entry_run(assay_docket *docket, entry *e, bool late) {
    assay_check_task task = e->question.task;
    assay_check_result result = {0};
    assay_error err = {0};
    assay_arena arena;
    task.stop = &e->stop;
    task.over = &e->over;
    task.fetch_ms = late ? ASSAY_DOCKET_LATE_MS : 0;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status = assay_check_run(&result, docket->checker, &task, &arena, &err);
    assay_arena_close(&arena);
    pthread_mutex_lock(&docket->lock);
    if (atomic_load(&e->over))
        e->state = FREE;
    else
        entry_end(docket, e, status, &result, &err);
    pthread_cond_broadcast(&docket->work); // its provider may have a thread to spare again
}

// Nothing is fetched or rerun before the verdict could be told.
static void shop_wait(assay_docket *docket) {
    struct timespec until;
    while (!docket->closing && assay_workshop_ready(docket->checker->shop, NULL) == ASSAY_BUSY) {
        assay_deadline_in(&until, INDEXING_MS);
        pthread_cond_timedwait(&docket->work, &docket->lock, &until);
    }
}

static void *thread_run(void *context) {
    assay_docket *docket = context;
    pthread_mutex_lock(&docket->lock);
    shop_wait(docket);
    while (!docket->closing) {
        uint64_t now = assay_clock_ns(); // one for both: no pause ends between them
        entry *e = entry_next(docket, now);
        if (!e) {
            work_wait(docket, now);
            continue;
        }
        if (table_known(docket, e)) {
            e->state = FOUND;
            continue;
        }
        // Once, that it costs others little; but what takes longer has to come at some time (D3).
        bool late = !e->tries && late_find(docket, &e->provider) < PROVIDERS_MAX;
        e->state = RUNNING;
        e->begun = now;
        pthread_mutex_unlock(&docket->lock);
        entry_run(docket, e, late); // comes back with the lock
    }
    pthread_mutex_unlock(&docket->lock);
    return NULL;
}

assay_status assay_docket_open(assay_docket **out, const assay_checker *checker, unsigned threads,
                               assay_error *err) {
    assay_docket *docket = calloc(1, sizeof *docket);
    *out = docket;
    if (!docket) return ASSAY_FAIL(err, MEMORY, "no memory for a docket");
    docket->checker = checker;
    pthread_mutex_init(&docket->lock, NULL);
    assay_deadline_cond_init(&docket->work);
    if (threads > ASSAY_DOCKET_THREADS) threads = ASSAY_DOCKET_THREADS;
    for (; docket->thread_count < threads; docket->thread_count++)
        if (pthread_create(&docket->threads[docket->thread_count], NULL, thread_run, docket) != 0)
            break;
    if (docket->thread_count == threads) return ASSAY_OK;
    assay_docket_close(docket);
    *out = NULL;
    return ASSAY_FAIL(err, MEMORY, "no thread for a docket");
}

void assay_docket_close(assay_docket *docket) {
    if (!docket) return;
    pthread_mutex_lock(&docket->lock);
    docket->closing = true;
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++)
        entry_give_up(&docket->entries[i]);
    pthread_cond_broadcast(&docket->work);
    pthread_mutex_unlock(&docket->lock);
    for (unsigned i = 0; i < docket->thread_count; i++)
        pthread_join(docket->threads[i], NULL);
    pthread_cond_destroy(&docket->work);
    pthread_mutex_destroy(&docket->lock);
    free(docket);
}

// What has only just begun, after a restart or behind long reruns, is no provider's lateness.
static bool entry_had_its_time(const entry *e) {
    return assay_clock_ns() - e->begun >= (uint64_t)ASSAY_DOCKET_LATE_MS * NANOS_PER_MS;
}

// Whose batch it is, from another question about it or from the node.
static assay_status provider_find(assay_address *out, assay_docket *docket, const assay_hash *id,
                                  assay_error *err) {
    assay_batch batch;
    assay_batch_tables tables;
    assay_arena arena;
    bool known = false;
    pthread_mutex_lock(&docket->lock);
    for (uint32_t i = 0; !known && i < ASSAY_DOCKET_KEPT_MAX; i++) {
        const entry *e = &docket->entries[i];
        known = e->state != FREE && assay_hash_equal(&e->question.task.batch, id);
        if (known) *out = e->provider;
    }
    pthread_mutex_unlock(&docket->lock);
    if (known) return ASSAY_OK;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status =
        assay_batch_fetch(&batch, &tables, docket->checker->client, id, &arena, err);
    if (status == ASSAY_OK) *out = batch.provider;
    assay_arena_close(&arena);
    return status;
}

static assay_status question_file(assay_docket *docket, const assay_docket_question *question,
                                  assay_error *err) {
    assay_address provider;
    ASSAY_TRY(provider_find(&provider, docket, &question->task.batch, err));
    pthread_mutex_lock(&docket->lock);
    entry *e = entry_place(docket);
    if (e) {
        e->state = WAITING;
        e->question = *question;
        e->provider = provider;
        e->filed = docket->filed++;
        e->height = docket->height;
        e->tries = 0;
        e->due = 0;
        atomic_store(&e->stop, false);
        atomic_store(&e->over, false);
        pthread_cond_signal(&docket->work);
    }
    pthread_mutex_unlock(&docket->lock);
    return e ? ASSAY_OK
             : ASSAY_FAIL(err, CAPACITY, "%d checks are in progress, limit %d",
                          ASSAY_DOCKET_KEPT_MAX, ASSAY_DOCKET_KEPT_MAX);
}

void assay_docket_height(assay_docket *docket, uint64_t height) {
    pthread_mutex_lock(&docket->lock);
    docket->height = height;
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        entry *e = &docket->entries[i];
        if (e->question.deadline > height) continue;
        if (e->state == WAITING) e->state = FREE;
        if (e->state == RUNNING) entry_give_up(e);
    }
    pthread_mutex_unlock(&docket->lock);
}

bool assay_docket_again(assay_docket *docket, const assay_docket_question *question) {
    bool dropped = false;
    pthread_mutex_lock(&docket->lock);
    for (uint32_t i = 0; i < ASSAY_DOCKET_KEPT_MAX; i++) {
        entry *e = &docket->entries[i];
        if (e->state != FOUND || !same_batch(e, question) || e->height >= docket->height) continue;
        bool same = e->question.task.sample == question->task.sample;
        if (!same && e->answer.verdict != ASSAY_VERDICT_TABLE_UNAVAILABLE) continue;
        e->state = FREE;
        dropped |= same;
    }
    pthread_mutex_unlock(&docket->lock);
    return dropped;
}

// known: somebody sees to it, or has.
static assay_status entry_look(assay_docket *docket, const assay_docket_question *question,
                               assay_docket_answer *answer, bool *known, assay_error *err) {
    assay_status status = ASSAY_OK;
    memset(answer, 0, sizeof *answer);
    pthread_mutex_lock(&docket->lock);
    entry *e = entry_find(docket, question);
    *known = e;
    if (e && e->state == WAITING && e->tries && question->hurry) e->state = FOUND;
    if (e && e->state == FOUND) {
        *answer = e->answer;
    } else if (e && e->state == FAILED) {
        e->state = FREE;
        status = assay_fail(err, e->failure.status, e->failure.reject, "%s", e->failure.text);
    } else if (e && question->hurry && e->state == RUNNING && entry_had_its_time(e)) {
        atomic_store(&e->stop, true);
    }
    pthread_mutex_unlock(&docket->lock);
    return status;
}

assay_status assay_docket_look(assay_docket *docket, const assay_docket_question *question,
                               assay_docket_answer *answer, assay_error *err) {
    bool known;
    return entry_look(docket, question, answer, &known, err);
}

assay_status assay_docket_ask(assay_docket *docket, const assay_docket_question *question,
                              assay_docket_answer *answer, assay_error *err) {
    bool known;
    ASSAY_TRY(entry_look(docket, question, answer, &known, err));
    return known ? ASSAY_OK : question_file(docket, question, err);
}
