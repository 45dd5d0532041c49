// SPDX-License-Identifier: Apache-2.0
// The engine: heights, and who is down meanwhile.
#include "tests/sim/private.h"

void sim_shuffle(sim *s, uint32_t *order, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = draw(s, i + 1);
        order[i] = order[at];
        order[at] = i;
    }
}

uint32_t sim_nodes_up(sim *s, sim_node *out[SIM_NODES_MAX]) {
    uint32_t order[SIM_NODES_MAX], count = 0;
    sim_shuffle(s, order, s->node_count);
    for (uint32_t i = 0; i < s->node_count; i++)
        if (s->nodes[order[i]].app != NULL) out[count++] = &s->nodes[order[i]];
    return count;
}

static bool gossip(sim *s, uint32_t first) {
    sim_node *up[SIM_NODES_MAX];
    uint32_t count = sim_nodes_up(s, up);
    for (uint32_t i = first; i < s->entry_count; i++)
        for (uint32_t n = 0; n < count; n++)
            if (chance(s, 85)) SIM_TRY(sim_node_offer(s, up[n], i));
    // Late: something old comes once more.
    if (first > 0 && count > 0 && chance(s, 30)) SIM_TRY(sim_node_offer(s, up[0], draw(s, first)));
    return true;
}

// What two nodes say to the same transactions after a recheck, in the same order, is the same.
static bool check_compare(sim *s) {
    sim_node *up[SIM_NODES_MAX];
    uint32_t order[SIM_ENTRIES_MAX], own[SIM_ENTRIES_MAX], count = sim_nodes_up(s, up), code;
    if (count < 2 || s->entry_count == 0) return true;
    uint32_t first = s->entry_count > 30 ? s->entry_count - 30 : 0;
    uint32_t taken = s->entry_count - first;
    sim_shuffle(s, order, taken);
    for (uint32_t n = 0; n < count; n++) {
        uint32_t kept = 0;
        assay_app_forget_waiting(up[n]->app);
        for (uint32_t i = 0; i < taken; i++) {
            SIM_TRY(sim_check_tx(s, up[n], &s->entries[first + order[i]], false, &code));
            if (n > 0 && code != own[i])
                return sim_fail(s, up[n], "check_tx of entry %u: code %u, node %u says %u",
                                first + order[i], code, up[0]->index, own[i]);
            own[i] = code;
        }
        assay_app_forget_waiting(up[n]->app);
        for (uint32_t i = 0; i < up[n]->mempool_count; i++) {
            SIM_TRY(sim_check_tx(s, up[n], &s->entries[up[n]->mempool[i]], true, &code));
            if (code == 0) up[n]->mempool[kept++] = up[n]->mempool[i];
        }
        up[n]->mempool_count = kept;
    }
    return true;
}

static bool height_run(sim *s) {
    uint32_t first = s->entry_count, order[SIM_NODES_MAX];
    if (!s->quiet) SIM_TRY(sim_traffic(s));
    if (!s->quiet) SIM_TRY(gossip(s, first));
    SIM_TRY(sim_rounds(s));
    SIM_TRY(sim_decide(s));
    sim_shuffle(s, order, s->node_count);
    for (uint32_t i = 0; i < s->node_count; i++) {
        sim_node *node = &s->nodes[order[i]];
        if (node->app != NULL)
            SIM_TRY(sim_node_height(s, node));
        else if (chance(s, 45))
            SIM_TRY(sim_node_start(s, node, true));
    }
    sim_traffic_settle(s);
    return !chance(s, 20) || check_compare(s);
}

// With all nodes up and nothing going wrong, whatever waits anywhere gets into a block or is
// refused behind one: no node keeps a transaction that no proposal ever takes.
static bool drain(sim *s) {
    enum { HEIGHTS_MAX = 12 };
    uint32_t waiting = 1;
    s->quiet = true;
    for (uint32_t i = 0; i < s->node_count; i++)
        if (s->nodes[i].app == NULL) SIM_TRY(sim_node_start(s, &s->nodes[i], false));
    for (uint32_t height = 0; waiting > 0; height++) {
        if (height == HEIGHTS_MAX)
            return sim_fail(s, NULL, "%u transactions still wait after %u quiet heights", waiting,
                            height);
        for (uint32_t i = 0; i < s->node_count; i++)
            for (uint32_t n = 0; n < s->node_count; n++)
                for (uint32_t at = 0; at < s->nodes[n].mempool_count; at++)
                    SIM_TRY(sim_node_offer(s, &s->nodes[i], s->nodes[n].mempool[at]));
        SIM_TRY(height_run(s));
        waiting = 0;
        for (uint32_t n = 0; n < s->node_count; n++)
            waiting += s->nodes[n].mempool_count;
    }
    return true;
}

// All back, on the same height, with the same bytes in every entry, and a tree that fits them.
static bool end_check(sim *s) {
    assay_hash expected, digest;
    SIM_TRY(sim_node_digest(s, &s->judge, &expected));
    for (uint32_t i = 0; i < s->node_count; i++) {
        sim_node *node = &s->nodes[i];
        assay_snapshot *snapshot;
        assay_error err = {0};
        if (node->app == NULL) SIM_TRY(sim_node_start(s, node, false));
        SIM_TRY(sim_node_digest(s, node, &digest));
        if (!assay_hash_equal(&digest, &expected))
            return sim_fail(s, node, "the store holds other entries than the judge's");
        if (assay_snapshot_open(&snapshot, assay_app_store(node->app), &err) != ASSAY_OK)
            return sim_fail(s, node, "snapshot: %s", err.text);
        assay_status status = assay_snapshot_check(snapshot, &err);
        assay_snapshot_close(snapshot);
        if (status != ASSAY_OK) return sim_fail(s, node, "%s", err.text);
    }
    return true;
}

static bool choices_spent(const sim *s) {
    return s->random.choices != NULL && s->random.choice_count == 0;
}

bool sim_seed(sim *s) {
    s->judge.stored = s->world->height;
    SIM_TRY(sim_node_start(s, &s->judge, false));
    s->trial->chain.app = s->judge.app;
    SIM_TRY(sim_set_start(s));
    sim_bonds_start(s);
    for (uint32_t i = 0; i < s->node_count; i++)
        if (chance(s, 90)) SIM_TRY(sim_node_start(s, &s->nodes[i], true));
    for (uint32_t heights = 8 + draw(s, 16); heights > 0 && !choices_spent(s); heights--)
        SIM_TRY(height_run(s));
    if (chance(s, 40)) SIM_TRY(drain(s));
    SIM_TRY(sim_verdicts_check(s));
    return end_check(s);
}
