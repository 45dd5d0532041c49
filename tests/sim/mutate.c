// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/private.h"

enum { OVERSIZE_PARTS = 20, OVERSIZE_BYTES = 60000 };

static void insert(sim_proposal *p, uint32_t at, assay_bytes bytes) {
    if (p->count == SIM_BLOCK_TXS) return;
    memmove(p->txs + at + 1, p->txs + at, (p->count - at) * sizeof *p->txs);
    p->txs[at] = bytes;
    p->count++;
}

// The same bytes with one bit changed.
static assay_bytes flipped(sim *s, assay_bytes bytes) {
    static uint8_t copy[ASSAY_TX_SIZE_MAX];
    memcpy(copy, bytes.data, bytes.size);
    copy[draw(s, (uint32_t)bytes.size)] ^= (uint8_t)(1 << draw(s, 8));
    return s->entries[sim_entry_add(s, copy, bytes.size)].bytes;
}

// Signed evidence, repeated until it is more than a lane's half of a block.
static void oversize(sim *s, sim_proposal *p) {
    static const uint8_t blob[OVERSIZE_BYTES];
    chain *c = &s->trial->chain;
    assay_hash nothing = {{0}};
    assay_tx tx = trial_post_tx(s->trial, &nothing, 0, 0, 1, blob, sizeof blob);
    chain_add(c, &tx);
    assay_bytes bytes = c->txs[--c->tx_count];
    for (uint32_t i = 0; i < OVERSIZE_PARTS; i++)
        insert(p, p->count, bytes);
}

void sim_mutate(sim *s, const sim_proposal *from, sim_proposal *out) {
    *out = *from;
    out->honest = false;
    for (uint32_t changes = 1 + draw(s, 2); changes > 0; changes--) {
        uint32_t at = out->count ? draw(s, out->count) : 0;
        uint32_t to = out->count ? draw(s, out->count) : 0;
        uint32_t kind = draw(s, 100);
        if (kind < 2) {
            oversize(s, out);
        } else if (kind < 25 || out->count == 0) { // anything that was ever sent
            if (s->entry_count > 0)
                insert(out, draw(s, out->count + 1), s->entries[draw(s, s->entry_count)].bytes);
        } else if (kind < 40) {
            insert(out, to, out->txs[at]);
        } else if (kind < 60) {
            assay_bytes one = out->txs[at];
            out->txs[at] = out->txs[to];
            out->txs[to] = one;
        } else if (kind < 70) {
            out->count--;
            memmove(out->txs + at, out->txs + at + 1, (out->count - at) * sizeof *out->txs);
        } else if (kind < 85) {
            if (out->txs[at].size > 0) out->txs[at] = flipped(s, out->txs[at]);
        } else { // whose beacon is it now
            out->proposer = s->trial->chain.actors[draw(s, CHAIN_ACTORS)];
        }
    }
}
