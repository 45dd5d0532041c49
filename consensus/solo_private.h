// SPDX-License-Identifier: Apache-2.0
// Internal: the engine as consensus/solo.c (blocks), solo_open.c (replay) and solo_ask.c (what any
// thread asks) share it. The invariants are in solo.c.
#ifndef ASSAY_CONSENSUS_SOLO_PRIVATE_H
#define ASSAY_CONSENSUS_SOLO_PRIVATE_H

#include <pthread.h>

#include "consensus/clock.h"
#include "consensus/mempool.h"
#include "consensus/solo.h"
#include "consensus/tip.h"

enum { ASSAY_SOLO_ARENA_MAX = 256 << 20 }; // a block of ASSAY_BLOCK_SIZE_MAX while it is made

// The block in work, in the arena.
typedef struct {
    assay_block block;
    assay_executed done;
    assay_hash results_hash;
    bool logged; // and not yet committed
} assay_solo_work;

struct assay_solo {
    assay_solo_options options;
    assay_blocklog *log;

    // The thread that makes blocks.
    assay_arena arena;
    assay_tip tip;
    assay_solo_work work;

    pthread_rwlock_t gate;
    pthread_mutex_t lock; // guards all below
    pthread_cond_t changed;
    assay_mempool mempool;
    assay_fates fates;
    uint64_t height;
    bool running;
    bool draining; // no more transactions are taken
    bool stopping;
    bool nudged;
    pthread_t thread;
    assay_error failure;
};

// Executes the block in work into done and results_hash. Errors: as the application's.
// Spec: C-14.
assay_status assay_solo_execute(assay_solo *solo, assay_hash *app_hash, assay_error *err);

// Makes the committed block in work the chain's end, for this thread and for everyone who asks.
void assay_solo_publish(assay_solo *solo);

// Ends the block in work.
void assay_solo_work_end(assay_solo *solo);

#endif
