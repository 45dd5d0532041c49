// SPDX-License-Identifier: Apache-2.0
// What transactions that wait for a block, or stand earlier in a proposed one, will have done:
// the next nonce of each signer and lane, what leaves each principal's balance, and what of that
// its agents spend. And how many bytes of each class wait: nobody's keep another class out, and
// nobody's votes another principal's.
#ifndef ASSAY_LEDGER_PENDING_H
#define ASSAY_LEDGER_PENDING_H

#include "ledger/execute.h"

typedef struct assay_pending_slot assay_pending_slot;

// Lane 0, and of lane 1 votes and evidence.
typedef enum { ASSAY_CLASS_PLAIN, ASSAY_CLASS_VOTE, ASSAY_CLASS_EVIDENCE } assay_pending_class;
enum { ASSAY_CLASS_COUNT = 3 };

// One thread at a time. A zeroed struct is empty and safe to close.
typedef struct {
    assay_pending_slot *slots; // [slot_count], open addressing
    uint32_t slot_count;       // a power of two, or 0
    uint32_t used;
    uint64_t seed; // of the hash, so that nobody can choose colliding addresses
    uint64_t waiting[ASSAY_CLASS_COUNT]; // bytes admitted with ASSAY_PENDING_NAMED
} assay_pending;

enum {
    ASSAY_PENDING_MAX = 1 << 18,       // signers, lanes and principals together
    ASSAY_PENDING_SIGNER_MAX = 1 << 12 // transactions of one signer and lane
};

// Forgets everything, keeps the memory.
void assay_pending_reset(assay_pending *pending);
void assay_pending_close(assay_pending *pending);

// After a commit: the balances are those after the block, so what left them in it must not count
// again until what still waits is admitted anew. Nonces stay: the later of both is the next.
void assay_pending_outflow_reset(assay_pending *pending);

// The nonce behind what is pending of a signer and lane; 0: nothing is.
uint64_t assay_pending_nonce(const assay_pending *pending, const assay_address *signer,
                             uint8_t lane);

// How much of what is pending counts for what comes behind it.
typedef enum {
    ASSAY_PENDING_FEES,  // fees alone: process_proposal
    ASSAY_PENDING_NAMED, // and the amounts named: check_tx, so that a block can charge what waits
    ASSAY_PENDING_ALL, // all amounts and authorities too: a proposal where nothing fails admission
} assay_pending_count;

assay_pending_class assay_pending_class_of(uint8_t kind, uint8_t lane);

// Is there room for one more transaction of this class and size (bytes)? waiting_max: of all that
// may wait. by_api: it comes by this node's own API, which leaves the rest to what peers pass on.
// Errors: REJECTED (PENDING). Spec: P-26, E-28.
assay_status assay_pending_room(const assay_pending *pending, assay_pending_class class,
                                const assay_address *principal, size_t size, uint64_t waiting_max,
                                bool by_api, assay_error *err);

// Admits tx behind what is pending, and adds it. Errors: REJECTED (as assay_admission_check, and
// but for ASSAY_PENDING_FEES PENDING), CAPACITY, MEMORY, CORRUPT, IO; nothing is added then.
// waiting_max: bytes of all that may wait, with ASSAY_PENDING_NAMED. Spec: P-26, E-28.
assay_status assay_pending_admit(assay_pending *pending, const assay_reader *reader,
                                 const assay_params *params, uint64_t height,
                                 const assay_verified_tx *tx, assay_pending_count count,
                                 uint64_t waiting_max, assay_error *err);

#endif
