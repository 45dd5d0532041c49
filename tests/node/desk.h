// SPDX-License-Identifier: Apache-2.0
// A provider over a folder in a small world (work.h), and what its consumer asks of it.
#ifndef ASSAY_TESTS_NODE_DESK_H
#define ASSAY_TESTS_NODE_DESK_H

#include <dirent.h>

#include "tests/node/work.h"

enum { TOKENS = 4 };

static uint32_t prompt[PROMPT];
static uint32_t home_number;

typedef struct {
    char home[128];
    assay_provider provider;
} desk;

// A provider over a folder; url: what its batches name.
static inline void desk_open_as(desk *d, const char *home, uint32_t actor, assay_workshop *shop) {
    assay_provider_options options = {
        .home = d->home, .batch_count = 2, .batch_ms = 100000, .price_in_min = 2};
    memmove(d->home, home, strlen(home) + 1); // it may be its own
    snprintf(options.url, sizeof options.url, "file://%s", home);
    must(assay_provider_open(&d->provider, shop, &world.wallets[actor], &world.genesis, &options,
                             err));
}

static inline void desk_open(desk *d) {
    char home[128];
    snprintf(home, sizeof home, "%s/home%u", world.folder, home_number++);
    desk_open_as(d, home, PROVIDER, &world.shop);
}

// As after kill -9: closing writes nothing, which V1 relies on no less than on what is on disk.
static inline void desk_reopen(desk *d) {
    char home[128];
    snprintf(home, sizeof home, "%s", d->home);
    assay_provider_close(&d->provider);
    desk_open_as(d, home, PROVIDER, &world.shop);
}

static inline assay_status answer_to(desk *d, const assay_request *request, assay_receipt *receipt,
                                     assay_error *err) {
    uint32_t *ids;
    assay_status status =
        assay_provider_answer(&d->provider, request, prompt, PROMPT, receipt, &ids, err);
    free(ids);
    return status;
}

// Asks for the next one. Returns: its receipt.
static inline assay_receipt asked(desk *d, const assay_hash *session, uint64_t sequence) {
    assay_receipt receipt;
    assay_request request = work_request(&world, session, sequence, prompt, PROMPT, TOKENS);
    work_sign(&world, &request, CONSUMER);
    must(answer_to(d, &request, &receipt, err));
    return receipt;
}

static inline unsigned files_in(const desk *d, const char *folder) {
    char path[256];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/%s", d->home, folder);
    DIR *list = opendir(path);
    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list));)
        count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

// Makes a batch of so many receipts. Returns: its id.
static inline assay_hash batched(desk *d, uint32_t count) {
    assay_provider_batched batch;
    must(assay_provider_batch(&d->provider, &batch, err));
    assert_int_equal(batch.count, count);
    return batch.id;
}

static inline uint64_t next_of(desk *d, const assay_hash *session) {
    uint64_t next;
    must(assay_provider_next_sequence(&d->provider, session, &next, err));
    return next;
}

static inline assay_session session_now(const assay_hash *id) {
    assay_session session;
    must(assay_session_fetch(&session, &world.wallets[CONSUMER].client, id, err));
    return session;
}

static inline void session_close(const assay_hash *session) {
    assay_tx tx = {.kind = ASSAY_TX_CLOSE_SESSION};
    tx.body.close_session.session = *session;
    work_send(&world, CONSUMER, &tx);
}

static inline void until_ended(const assay_hash *session) {
    for (int i = 0; i < 4000 && !session_now(session).ended; i++) {
        world.engine.nudge(world.solo);
        work_sleep(BLOCK_MS);
    }
    assert_true(session_now(session).ended > 0);
}

#define refuse(d, request, name, words)                                                            \
    do {                                                                                           \
        assay_receipt refused_;                                                                    \
        work_refused(answer_to((d), (request), &refused_, err), name, words);                      \
    } while (0)

#endif
