// SPDX-License-Identifier: Apache-2.0
// What is decided, what the judge makes of it, and what must then be so.
#include "tests/sim/private.h"

static sim_entry *entry_of(sim *s, assay_bytes bytes) {
    for (uint32_t i = 0; i < s->entry_count; i++)
        if (s->entries[i].bytes.size == bytes.size &&
            memcmp(s->entries[i].bytes.data, bytes.data, bytes.size) == 0)
            return &s->entries[i];
    return NULL;
}

// The next nonce in a transaction's lane, as of the judge's last commit.
static uint64_t next_nonce(sim *s, assay_bytes tx, uint64_t *own) {
    assay_address signer;
    memcpy(signer.bytes, tx.data + ASSAY_TX_SIGNER_AT, sizeof signer.bytes);
    *own = assay_load_be64(tx.data + ASSAY_TX_NONCE_AT);
    return chain_account(&s->trial->chain, &signer).nonces[tx.data[ASSAY_TX_LANE_AT]];
}

// An honest block's transactions are all executed, each for the first time: its nonce was not taken
// before and is after. Spec: E-84.
static bool nonces_check(sim *s, const assay_app_block *block, bool after) {
    uint64_t own;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        if (block->txs[i].data[1] == ASSAY_TX_BEACON) continue;
        uint64_t next = next_nonce(s, block->txs[i], &own);
        if (after == (own >= next))
            return sim_fail(s, &s->judge, "transaction %u of nonce %llu: the next is %llu %s", i,
                            (ull)own, (ull)next, after ? "after its block" : "before it");
    }
    return true;
}

static bool results_note(sim *s, const sim_decision *decided) {
    for (uint32_t i = 0; i < decided->block.tx_count; i++) {
        assay_bytes bytes = decided->block.txs[i];
        s->report->transactions++;
        if (decided->results[i].code != 0) continue;
        s->report->accepted++;
        s->report->accepted_of[bytes.data[1] <= ASSAY_TX_KIND_COUNT ? bytes.data[1] : 0]++;
        sim_entry *entry = entry_of(s, bytes);
        if (entry == NULL) return sim_fail(s, NULL, "nobody has sent transaction %u", i);
        if (entry->accepted)
            return sim_fail(s, &s->judge, "transaction %u is accepted a second time", i);
        entry->accepted = true;
    }
    return true;
}

// The state adds up, entry by entry. Spec: P-24.
static bool supply_check(sim *s) {
    assay_totals totals;
    assay_error err = {0};
    assay_view view = chain_view(&s->trial->chain);
    assay_status status = assay_totals_scan(&totals, &view.reader, view.params, &err);
    assay_view_close(&view);
    if (status != ASSAY_OK) return sim_fail(s, &s->judge, "adding up: %s", err.text);
    if (assay_totals_sum(&totals) != s->trial->chain.genesis.supply)
        return sim_fail(s, &s->judge, "the state adds up to %llu, the supply is %llu",
                        (ull)assay_totals_sum(&totals), (ull)s->trial->chain.genesis.supply);
    return true;
}

bool sim_decide(sim *s) {
    bool honest = s->proposal.honest;
    sim_decision *decided = &s->decisions[s->height + 1];
    assay_app_block block = {.height = s->height + 1,
                             .time = 1700000000 + s->height,
                             .proposer = s->proposal.proposer,
                             .txs = s->proposal.txs,
                             .tx_count = s->proposal.count,
                             .misbehaviors = s->proposal.misbehaviors,
                             .misbehavior_count = s->proposal.misbehavior_count};
    assay_app_outcome out;
    assay_error err = {0};
    if (honest) SIM_TRY(nonces_check(s, &block, false));
    sim_bonds_report(s, &block);
    if (assay_app_finalize_block(s->judge.app, &block, &out, &err) != ASSAY_OK)
        return sim_fail(s, &s->judge, "block: %s", err.text);
    sim_decision_copy(decided, &block, &out);
    uint64_t writes = sim_writes_count();
    if (assay_app_commit(s->judge.app, &err) != ASSAY_OK)
        return sim_fail(s, &s->judge, "commit: %s", err.text);
    decided->writes = (uint32_t)(sim_writes_count() - writes);
    s->height++;
    s->trial->chain.height = s->height;
    s->report->heights++;
    SIM_TRY(supply_check(s));
    SIM_TRY(sim_bonds_follow(s, decided));
    SIM_TRY(sim_set_follow(s, decided));
    if (honest) SIM_TRY(nonces_check(s, &block, true));
    return results_note(s, decided);
}
