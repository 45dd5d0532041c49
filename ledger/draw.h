// SPDX-License-Identifier: Apache-2.0
// What the beacon decides: which nano-OPEN of a batch are sampled, who reruns each sample, and
// which activation proves the rerun. Pure functions of the beacon; anyone recomputes them.
#ifndef ASSAY_LEDGER_DRAW_H
#define ASSAY_LEDGER_DRAW_H

#include "base/bytes.h"

enum { ASSAY_VOTERS_MAX = 256 }; // of one voting round

// Someone who may be drawn, with the verification bond that counts, nopen.
typedef struct {
    assay_address address;
    uint64_t bond;
} assay_voter;

// The nano-OPEN, 0 … fee_total − 1, that sample `sample` follows down the sums:
// high64(u64(SHA-256("sample" || beacon || batch || sample)) × fee_total). Spec: P-49.
uint64_t assay_draw_position(const assay_hash *beacon, const assay_hash *batch, uint32_t sample,
                             uint64_t fee_total);

// Draws `want` of voters [count] by bond, without replacement; all of them if there are no more.
// The hash holds the round, so that a redraw is fresh. voters: ascending by address, unique, bonds
// > 0, their sum < 2^63. picked [want]: indices into voters, ascending. Returns: how many.
// Spec: P-50.
uint32_t assay_draw_voters(uint32_t *picked, const assay_voter *voters, uint32_t count,
                           uint32_t want, const assay_hash *beacon, const assay_hash *batch,
                           uint32_t sample, uint8_t round);

// Where the probe of a sample is taken: after layer *layer < layer_count, at fed position
// *position < prompt_count + max(output_count, 1) − 1. layer_count, prompt_count ≥ 1.
// Spec: P-51.
void assay_draw_probe(uint32_t *layer, uint32_t *position, const assay_hash *beacon,
                      const assay_hash *batch, uint32_t sample, uint32_t layer_count,
                      uint32_t prompt_count, uint32_t output_count);

#endif
