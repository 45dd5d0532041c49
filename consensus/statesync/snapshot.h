// SPDX-License-Identifier: Apache-2.0
// A snapshot as peers tell each other of it, in the words of ABCI.
#ifndef ASSAY_CONSENSUS_STATESYNC_SNAPSHOT_H
#define ASSAY_CONSENSUS_STATESYNC_SNAPSHOT_H

#include "base/bytes.h"

enum { ASSAY_STATESYNC_KEEP_MAX = 10 }; // kept, and listed

typedef struct {
    uint64_t height;
    uint32_t format;
    uint32_t chunks;
    assay_bytes hash;
    assay_bytes metadata;
} assay_statesync_snapshot;

#endif
