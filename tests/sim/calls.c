// SPDX-License-Identifier: Apache-2.0
// The application as its engine calls it, with the node's defect, if it has one, in between.
#include "tests/sim/private.h"

#include "ledger/beacon.h"

static bool has(const sim_node *node, sim_defect defect) {
    return node->defect == defect;
}

bool sim_check_tx(sim *s, sim_node *node, const sim_entry *entry, bool again, uint32_t *code) {
    assay_hash id;
    assay_error err = {0};
    assay_status status =
        assay_app_check_tx(node->app, entry->bytes.data, entry->bytes.size, again, &id, &err);
    if (status != ASSAY_OK && status != ASSAY_REJECTED)
        return sim_fail(s, node, "check_tx: %s", err.text);
    if (status == ASSAY_OK && !assay_hash_equal(&id, &entry->id))
        return sim_fail(s, node, "check_tx: another id than the bytes'");
    *code = status == ASSAY_OK ? 0 : err.reject;
    if (has(node, SIM_DEFECT_CHECK) && ++node->checks % 7 == 0) *code = ASSAY_REJECT_PENDING;
    return true;
}

bool sim_prepare(sim *s, sim_node *node, uint64_t height, const assay_bytes *beacon,
                 uint64_t bytes_max, sim_proposal *out) {
    static assay_bytes candidates[SIM_ENTRIES_MAX];
    static uint32_t picked[SIM_ENTRIES_MAX];
    uint32_t count;
    bool with_beacon;
    assay_error err = {0};
    for (uint32_t i = 0; i < node->mempool_count; i++)
        candidates[i] = s->entries[node->mempool[i]].bytes;
    assay_app_proposal proposal = {height,     s->trial->chain.actors[node->actor],
                                   candidates, node->mempool_count,
                                   beacon,     bytes_max};
    if (assay_app_prepare_proposal(node->app, &proposal, picked, &count, &with_beacon, &err) !=
        ASSAY_OK)
        return sim_fail(s, node, "prepare_proposal: %s", err.text);
    if (count + with_beacon + 1 > SIM_BLOCK_TXS)
        return sim_fail(s, node, "%u transactions proposed", count);
    *out = (sim_proposal){.proposer = proposal.proposer, .honest = with_beacon};
    if (with_beacon) out->txs[out->count++] = *beacon;
    for (uint32_t i = 0; i < count; i++)
        out->txs[out->count++] = candidates[picked[i]];
    if (has(node, SIM_DEFECT_PREPARE) && count > 0) out->txs[out->count++] = candidates[picked[0]];
    return true;
}

bool sim_process(sim *s, sim_node *node, uint64_t height, const sim_proposal *proposal,
                 uint32_t *code) {
    assay_error err = {0};
    assay_app_block block = {.height = height,
                             .proposer = proposal->proposer,
                             .txs = proposal->txs,
                             .tx_count = proposal->count,
                             .misbehaviors = proposal->misbehaviors,
                             .misbehavior_count = proposal->misbehavior_count};
    assay_status status = assay_app_process_proposal(node->app, &block, &err);
    if (status != ASSAY_OK && status != ASSAY_REJECTED)
        return sim_fail(s, node, "process_proposal: %s", err.text);
    *code = status == ASSAY_OK ? 0 : err.reject;
    if (has(node, SIM_DEFECT_PROCESS) && node->mempool_count > proposal->count)
        *code = ASSAY_REJECT_PENDING;
    return true;
}

// A block without its last transaction, for the node that forgets it.
static assay_app_block shortened(sim_node *node, const assay_app_block *block) {
    assay_app_block less = *block;
    memcpy(node->forgetful, block->txs, block->tx_count * sizeof *block->txs);
    node->forgetful[block->tx_count - 1] = (assay_bytes){(const uint8_t *)"", 1};
    less.txs = node->forgetful;
    return less;
}

assay_status sim_finalize(sim_node *node, const assay_app_block *block, bool replay,
                          assay_app_outcome *out, assay_error *err) {
    assay_app_info info;
    assay_app_block input = *block;
    assay_app_info_get(node->app, &info);
    if (has(node, SIM_DEFECT_TWICE) && block->height == info.height) return ASSAY_OK;
    if (has(node, SIM_DEFECT_REPLAY) && replay && block->tx_count > 0)
        input = shortened(node, block);
    ASSAY_TRY(assay_app_finalize_block(node->app, &input, out, err));
    if (has(node, SIM_DEFECT_CODE) && out->tx_count > 1 && out->results[1].code == 0)
        out->results[1].code = ASSAY_REJECT_BALANCE_SHORT;
    if (has(node, SIM_DEFECT_DATA) && out->tx_count > 0) out->results[0].data_size ^= 1;
    if (has(node, SIM_DEFECT_APP_HASH)) out->app_hash.bytes[31] ^= 1;
    if (has(node, SIM_DEFECT_EARLY)) ASSAY_TRY(assay_app_commit(node->app, err));
    if (has(node, SIM_DEFECT_AUX) && block->height % 4 == 0)
        ASSAY_TRY(assay_store_put(assay_app_store(node->app), "\xef", 1, "", 0, err));
    return ASSAY_OK;
}

assay_status sim_commit(sim_node *node, assay_error *err) {
    if (has(node, SIM_DEFECT_EARLY)) return ASSAY_OK;
    if (has(node, SIM_DEFECT_FORGETS) && node->promised % 5 == 0) return ASSAY_OK;
    return assay_app_commit(node->app, err);
}
