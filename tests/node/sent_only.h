// SPDX-License-Identifier: Apache-2.0
// A batch that is sent and in no block yet, for all that its provider is told: the solo engine may
// have made the block before the API looks for the transaction.
#ifndef ASSAY_TESTS_NODE_SENT_ONLY_H
#define ASSAY_TESTS_NODE_SENT_ONLY_H

#include "tests/node/desk.h"

static struct {
    pthread_mutex_t lock;
    assay_chain_engine engine; // the solo one
    bool on;
    assay_hash id; // of what was submitted meanwhile
} sent = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline assay_status sent_submit(void *self, const void *tx, size_t size, assay_hash *id,
                                       assay_error *err) {
    pthread_mutex_lock(&sent.lock);
    if (sent.on) assay_tx_id(&sent.id, tx, size);
    pthread_mutex_unlock(&sent.lock);
    return sent.engine.submit(self, tx, size, id, err);
}

static inline assay_status sent_find(void *self, const assay_hash *id, uint64_t depth,
                                     assay_tx_fate *out, assay_error *err) {
    pthread_mutex_lock(&sent.lock);
    bool waits = sent.on && assay_hash_equal(&sent.id, id);
    pthread_mutex_unlock(&sent.lock);
    if (!waits) return sent.engine.find(self, id, depth, out, err);
    *out = (assay_tx_fate){.state = ASSAY_TX_PENDING};
    return ASSAY_OK;
}

// Once the world has started.
static inline void sent_prepare(void) {
    sent.engine = world.engine;
    world.engine.submit = sent_submit;
    world.engine.find = sent_find;
}

static inline void sent_switch(bool on) {
    pthread_mutex_lock(&sent.lock);
    sent.on = on;
    sent.id = (assay_hash){{0}};
    pthread_mutex_unlock(&sent.lock);
}

// Makes a batch and does not wait for its block: whether it is in one is not known.
static inline void sent_only(desk *d) {
    assay_provider_batched batch;
    sent_switch(true);
    d->provider.wallet->wait_ms = 0;
    work_refused(assay_provider_batch(&d->provider, &batch, err), TIMEOUT, "in no block yet");
    d->provider.wallet->wait_ms = 20000;
    sent_switch(false);
    assert_false(batch.charged);
}

#endif
