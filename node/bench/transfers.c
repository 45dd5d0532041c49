// SPDX-License-Identifier: Apache-2.0
#include "node/bench/transfers.h"

#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/philox.h"
#include "base/sha256.h"

enum { PART = 64, AMOUNT_MAX = 1000 };

static size_t part_count(uint32_t count) {
    return ((size_t)count + PART - 1) / PART;
}

static uint32_t part_end(size_t part, uint32_t count) {
    return (part + 1) * PART < count ? (uint32_t)(part + 1) * PART : count;
}

static void keys_make(void *context, size_t part) {
    assay_bench_transfers *transfers = context;
    for (uint32_t i = (uint32_t)part * PART; i < part_end(part, transfers->account_count); i++) {
        assay_bench_account *account = &transfers->accounts[i];
        uint8_t seed[] = "assay bench ledger\0\0\0\0";
        assay_hash hash;
        assay_store_be32(seed + sizeof seed - 5, i);
        assay_sha256_of(&hash, seed, sizeof seed);
        memcpy(account->key.bytes, hash.bytes, sizeof account->key.bytes);
        // One hash in 2^128 is no key; none of these is.
        ASSAY_ASSERT(assay_key_address(&account->address, &account->key, NULL) == ASSAY_OK);
    }
}

assay_status assay_bench_transfers_open(assay_bench_transfers *transfers, uint32_t account_count,
                                        uint32_t count, assay_pool *pool, assay_error *err) {
    *transfers = (assay_bench_transfers){
        .pool = pool,
        .accounts = calloc(account_count, sizeof *transfers->accounts),
        .account_count = account_count,
        .items = calloc(count, sizeof *transfers->items),
        .txs = calloc(count, sizeof *transfers->txs),
        .senders = calloc(count, sizeof *transfers->senders),
        .count = count,
    };
    if (!transfers->accounts || !transfers->items || !transfers->txs || !transfers->senders) {
        assay_bench_transfers_close(transfers);
        return ASSAY_FAIL(err, MEMORY, "no memory for %u accounts", account_count);
    }
    assay_pool_run(pool, part_count(account_count), keys_make, transfers);
    return ASSAY_OK;
}

void assay_bench_transfers_close(assay_bench_transfers *transfers) {
    free(transfers->accounts);
    free(transfers->items);
    free(transfers->txs);
    free(transfers->senders);
    *transfers = (assay_bench_transfers){0};
}

// Uniform below `limit` but for 2^-44 at most: limits are <= 2^20.
static uint32_t draw(assay_bench_transfers *transfers, uint32_t limit) {
    uint64_t at = transfers->drawn++;
    uint32_t out[4], counter[4] = {(uint32_t)at, (uint32_t)(at >> 32)}, key[2] = {0};
    assay_philox4x32(out, counter, key);
    return (uint32_t)((((uint64_t)out[1] << 32) | out[0]) % limit);
}

typedef struct {
    assay_bench_transfers *transfers;
    pthread_mutex_t lock; // guards error
    assay_error error;
} sign_job;

static assay_status transfer_sign(assay_bench_transfers *transfers, uint32_t index,
                                  assay_error *err) {
    assay_bench_transfer *item = &transfers->items[index];
    assay_tx *tx = &transfers->txs[index];
    size_t size;
    ASSAY_TRY(assay_tx_sign(tx, &transfers->domain,
                            &transfers->accounts[transfers->senders[index]].key, err));
    assay_tx_digest(&item->digest, tx, &transfers->domain);
    item->signature = tx->signature;
    ASSAY_TRY(assay_tx_encode(tx, item->bytes, sizeof item->bytes, &size, err));
    ASSAY_ASSERT(size == sizeof item->bytes);
    return ASSAY_OK;
}

static void part_sign(void *context, size_t part) {
    sign_job *job = context;
    for (uint32_t i = (uint32_t)part * PART; i < part_end(part, job->transfers->count); i++) {
        assay_error error = {0};
        if (transfer_sign(job->transfers, i, &error) == ASSAY_OK) continue;
        pthread_mutex_lock(&job->lock);
        job->error = error;
        pthread_mutex_unlock(&job->lock);
    }
}

assay_status assay_bench_transfers_sign(assay_bench_transfers *transfers, assay_error *err) {
    for (uint32_t i = 0; i < transfers->count; i++) {
        uint32_t from = transfers->in_turn
                            ? (uint32_t)(transfers->signed_count % transfers->account_count)
                            : draw(transfers, transfers->account_count);
        uint32_t to = draw(transfers, transfers->account_count - 1);
        assay_bench_account *sender = &transfers->accounts[from];
        transfers->signed_count++;
        transfers->senders[i] = from;
        transfers->txs[i] = (assay_tx){
            .kind = ASSAY_TX_TRANSFER,
            .chain_id = transfers->domain.chain_id,
            .signer = sender->address,
            .principal = sender->address,
            .nonce = sender->nonce++,
            .body.transfer = {transfers->accounts[to + (to >= from)].address,
                              1 + draw(transfers, AMOUNT_MAX)},
        };
    }
    sign_job job = {transfers, PTHREAD_MUTEX_INITIALIZER, {0}};
    assay_pool_run(transfers->pool, part_count(transfers->count), part_sign, &job);
    pthread_mutex_destroy(&job.lock);
    if (job.error.status == ASSAY_OK) return ASSAY_OK;
    return assay_fail(err, job.error.status, job.error.reject, "%s", job.error.text);
}

typedef struct {
    const assay_bench_transfers *transfers;
    atomic_uint failed;
} recover_job;

bool assay_bench_transfer_recover(const assay_bench_transfer *transfer) {
    const uint8_t *bytes = transfer->signature.bytes;
    secp256k1_ecdsa_recoverable_signature signature;
    secp256k1_pubkey key;
    return secp256k1_ecdsa_recoverable_signature_parse_compact(
               secp256k1_context_static, &signature, bytes, bytes[ASSAY_SIGNATURE_SIZE - 1] - 27) &&
           secp256k1_ecdsa_recover(secp256k1_context_static, &key, &signature,
                                   transfer->digest.bytes);
}

static void part_recover(void *context, size_t part) {
    recover_job *job = context;
    const assay_bench_transfers *transfers = job->transfers;
    for (uint32_t i = (uint32_t)part * PART; i < part_end(part, transfers->count); i++)
        if (!assay_bench_transfer_recover(&transfers->items[i])) atomic_fetch_add(&job->failed, 1);
}

uint32_t assay_bench_transfers_recover(const assay_bench_transfers *transfers) {
    recover_job job = {.transfers = transfers};
    assay_pool_run(transfers->pool, part_count(transfers->count), part_recover, &job);
    return atomic_load(&job.failed);
}
