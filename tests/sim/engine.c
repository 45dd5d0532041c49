// SPDX-License-Identifier: Apache-2.0
// The engine: who proposes, who judges, what is decided, and who is down meanwhile.
#include "tests/sim/private.h"

#include <malloc.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "ledger/beacon.h"

typedef unsigned long long ull;

static const uint64_t no_seed;
volatile uint64_t *sim_seed_now = (uint64_t *)&no_seed;

const char *sim_defect_text(sim_defect defect) {
    static const char *const texts[] = {
#define X(name, text) text,
        SIM_DEFECT_LIST(X)
#undef X
    };
    return texts[defect];
}

bool sim_fail(sim *s, const sim_node *node, const char *format, ...) {
    char what[SIM_TEXT_MAX / 2], who[24] = "";
    va_list args;
    if (s->report->failed) return false;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (node == &s->judge)
        snprintf(who, sizeof who, ", judge");
    else if (node != NULL)
        snprintf(who, sizeof who, ", node %u", node->index);
    s->report->failed = true;
    snprintf(s->report->text, sizeof s->report->text, "height %llu%s: %s", (ull)s->height, who,
             what);
    return false;
}

_Noreturn void sim_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "seed %llu: ", (ull)*sim_seed_now);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(3);
}

void sim_shuffle(sim *s, uint32_t *order, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = draw(s, i + 1);
        order[i] = order[at];
        order[at] = i;
    }
}

// The nodes that are up, in an order of chance.
static uint32_t nodes_up(sim *s, sim_node *out[SIM_NODES_MAX]) {
    uint32_t order[SIM_NODES_MAX], count = 0;
    sim_shuffle(s, order, s->node_count);
    for (uint32_t i = 0; i < s->node_count; i++)
        if (s->nodes[order[i]].app != NULL) out[count++] = &s->nodes[order[i]];
    return count;
}

static bool gossip(sim *s, uint32_t first) {
    sim_node *up[SIM_NODES_MAX];
    uint32_t count = nodes_up(s, up);
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
    uint32_t order[SIM_ENTRIES_MAX], own[SIM_ENTRIES_MAX], count = nodes_up(s, up), code;
    if (count < 2 || s->entry_count == 0) return true;
    uint32_t first = s->entry_count > 30 ? s->entry_count - 30 : 0;
    uint32_t taken = s->entry_count - first;
    sim_shuffle(s, order, taken);
    for (uint32_t n = 0; n < count; n++) {
        uint32_t kept = 0;
        assay_app_recheck(up[n]->app);
        for (uint32_t i = 0; i < taken; i++) {
            SIM_TRY(sim_check_tx(s, up[n], &s->entries[first + order[i]], &code));
            if (n > 0 && code != own[i])
                return sim_fail(s, up[n], "check_tx of entry %u: code %u, node %u says %u",
                                first + order[i], code, up[0]->index, own[i]);
            own[i] = code;
        }
        assay_app_recheck(up[n]->app);
        for (uint32_t i = 0; i < up[n]->mempool_count; i++) {
            SIM_TRY(sim_check_tx(s, up[n], &s->entries[up[n]->mempool[i]], &code));
            if (code == 0) up[n]->mempool[kept++] = up[n]->mempool[i];
        }
        up[n]->mempool_count = kept;
    }
    return true;
}

// --- proposals ---

// The operator's next preimage, or now and then something that is none.
static assay_bytes beacon_make(sim *s, const sim_node *node) {
    static uint8_t bytes[256];
    chain *c = &s->trial->chain;
    assay_chain links;
    assay_view view = chain_view(c);
    chain_ok(assay_chain_get(&links, &view.reader, &c->actors[0], err));
    assay_view_close(&view);
    uint64_t next = CHAIN_PREIMAGES - links.left + 1;
    if (chance(s, 10)) next += draw(s, 3);
    assay_tx tx = {.kind = ASSAY_TX_BEACON, .chain_id = CHAIN_ID};
    tx.signer = tx.principal = c->actors[chance(s, 95) ? node->actor : 0];
    tx.body.beacon.preimage = c->links[next <= CHAIN_PREIMAGES ? next : 0];
    size_t size;
    chain_ok(assay_tx_encode(&tx, bytes, sizeof bytes, &size, err));
    return s->entries[sim_entry_add(s, bytes, size)].bytes;
}

// What a call before the decision must leave alone. Spec: E-83.
typedef struct {
    uint64_t writes, height;
    assay_hash app_hash, digest;
    bool deep;
} untouched;

static bool untouched_mark(sim *s, const sim_node *node, untouched *mark) {
    assay_app_info info;
    assay_app_info_get(node->app, &info);
    *mark = (untouched){sim_writes_count(), info.height, info.app_hash, {{0}}, chance(s, 3)};
    return !mark->deep || sim_node_digest(s, node, &mark->digest);
}

static bool untouched_check(sim *s, const sim_node *node, const untouched *mark) {
    assay_app_info info;
    assay_hash digest;
    assay_app_info_get(node->app, &info);
    if (mark->writes != sim_writes_count() || mark->height != info.height ||
        !assay_hash_equal(&mark->app_hash, &info.app_hash))
        return sim_fail(s, node, "a proposal has changed the state");
    if (!mark->deep) return true;
    SIM_TRY(sim_node_digest(s, node, &digest));
    return assay_hash_equal(&digest, &mark->digest)
               ? true
               : sim_fail(s, node, "a proposal has changed an entry");
}

static bool propose(sim *s, sim_node *node, sim_proposal *out) {
    uint64_t lanes[ASSAY_TX_LANE_COUNT] = {0};
    uint64_t half = s->trial->chain.genesis.params.block_bytes_max / 2;
    untouched mark;
    assay_bytes beacon = {NULL, 0};
    if (chance(s, node->actor == 0 ? 85 : 20)) beacon = beacon_make(s, node);
    SIM_TRY(untouched_mark(s, node, &mark));
    SIM_TRY(sim_prepare(s, node, s->height + 1, beacon.data ? &beacon : NULL, out));
    SIM_TRY(untouched_check(s, node, &mark));
    s->report->proposals++;
    for (uint32_t i = 0; i < out->count; i++)
        lanes[out->txs[i].data[ASSAY_TX_HEAD_SIZE - 9]] += out->txs[i].size;
    if (lanes[0] > half || lanes[1] > half)
        return sim_fail(s, node, "%llu and %llu bytes proposed, limit %llu each", (ull)lanes[0],
                        (ull)lanes[1], (ull)half);
    return true;
}

// Some nodes judge the proposal, some of them twice. All say the same; of an honest one, yes.
static bool judged(sim *s, const sim_proposal *proposal, uint32_t *verdict) {
    sim_node *up[SIM_NODES_MAX];
    uint32_t count = nodes_up(s, up), judges = 0, first = 0, code;
    for (uint32_t n = 0; n < count; n++) {
        untouched mark;
        if (n > 0 && chance(s, 20)) continue; // late, or on the other side of a partition
        for (uint32_t times = 1 + chance(s, 15); times > 0; times--) {
            SIM_TRY(untouched_mark(s, up[n], &mark));
            SIM_TRY(sim_process(s, up[n], s->height + 1, proposal, &code));
            SIM_TRY(untouched_check(s, up[n], &mark));
            if (judges++ == 0) first = code;
            if (code != first)
                return sim_fail(s, up[n], "process_proposal: code %u, another judge says %u", code,
                                first);
        }
    }
    *verdict = first;
    if (proposal->honest && first != 0)
        return sim_fail(s, NULL, "an honest proposal is refused with code %u", first);
    return true;
}

static bool mutants(sim *s, const sim_proposal *proposal) {
    uint32_t code;
    sim_mutate(s, proposal, &s->mutant);
    SIM_TRY(judged(s, &s->mutant, &code));
    s->report->mutants++;
    s->report->mutants_refused += code != 0;
    return true;
}

// The rounds of a height leave the block to decide in s->proposal.
static bool rounds(sim *s) {
    uint32_t count = chance(s, 25) ? 0 : 1 + draw(s, 3), code;
    s->abandoned = (sim_proposal){.proposer = s->trial->chain.actors[0]};
    for (uint32_t round = 0; round < (count ? count : 1); round++) {
        sim_node *up[SIM_NODES_MAX];
        uint32_t live = nodes_up(s, up);
        if (round > 0) s->abandoned = s->proposal;
        // With nobody up, the block is an empty one of somebody far away.
        s->proposal = (sim_proposal){.proposer = s->trial->chain.actors[0]};
        if (live == 0) return true;
        sim_node *proposer = s->nodes[0].app != NULL && chance(s, 60) ? &s->nodes[0] : up[0];
        SIM_TRY(propose(s, proposer, &s->proposal));
        if (count > 0) SIM_TRY(judged(s, &s->proposal, &code));
        if (chance(s, 25)) SIM_TRY(mutants(s, &s->proposal));
    }
    s->report->roundless += count == 0;
    if (chance(s, 8)) { // a block of liars: execution must be of one mind even then
        sim_mutate(s, &s->proposal, &s->mutant);
        s->proposal = s->mutant;
        s->report->lawless++;
    }
    return true;
}

// --- the decision ---

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
    memcpy(signer.bytes, tx.data + 10, sizeof signer.bytes);
    *own = assay_load_be64(tx.data + ASSAY_TX_HEAD_SIZE - 8);
    return chain_account(&s->trial->chain, &signer).nonces[tx.data[ASSAY_TX_HEAD_SIZE - 9]];
}

// An honest block's transactions are all executed, each for the first time: its nonce was not taken
// before and is after. Spec: E-85.
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

static bool decide(sim *s) {
    bool honest = s->proposal.honest;
    sim_decision *decided = &s->decisions[s->height + 1];
    assay_app_block block = {.height = s->height + 1,
                             .time = 1700000000 + s->height,
                             .proposer = s->proposal.proposer,
                             .txs = s->proposal.txs,
                             .tx_count = s->proposal.count};
    assay_app_outcome out;
    assay_error err = {0};
    if (honest) SIM_TRY(nonces_check(s, &block, false));
    if (assay_app_finalize_block(s->judge.app, &block, &out, &err) != ASSAY_OK ||
        assay_app_commit(s->judge.app, &err) != ASSAY_OK)
        return sim_fail(s, &s->judge, "block: %s", err.text);
    sim_decision_copy(decided, &block, &out);
    s->height++;
    s->trial->chain.height = s->height;
    s->report->heights++;
    SIM_TRY(supply_check(s));
    if (honest) SIM_TRY(nonces_check(s, &block, true));
    return results_note(s, decided);
}

// --- heights ---

static bool height_run(sim *s, bool faults) {
    uint32_t first = s->entry_count, order[SIM_NODES_MAX];
    SIM_TRY(sim_traffic(s));
    SIM_TRY(gossip(s, first));
    SIM_TRY(rounds(s));
    SIM_TRY(decide(s));
    sim_shuffle(s, order, s->node_count);
    for (uint32_t i = 0; i < s->node_count; i++) {
        sim_node *node = &s->nodes[order[i]];
        if (node->app != NULL)
            SIM_TRY(sim_node_height(s, node));
        else if (chance(s, 45))
            SIM_TRY(sim_node_start(s, node, faults));
    }
    sim_traffic_settle(s);
    return !chance(s, 20) || check_compare(s);
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

static bool seed_run(sim *s) {
    s->judge.stored = s->world->height;
    SIM_TRY(sim_node_start(s, &s->judge, false));
    s->trial->chain.app = s->judge.app;
    for (uint32_t i = 0; i < s->node_count; i++)
        if (chance(s, 90)) SIM_TRY(sim_node_start(s, &s->nodes[i], true));
    for (uint32_t heights = 8 + draw(s, 14); heights > 0; heights--)
        SIM_TRY(height_run(s, true));
    return end_check(s);
}

// --- seeds ---

static struct {
    sim *s; // the largest part of it is the same memory for all seeds
    char folder[SIM_PATH_MAX / 2];
} simulator;

static void node_make(sim_node *node, uint32_t index) {
    snprintf(node->folder, sizeof node->folder, "%s/%u", simulator.folder, index);
    node->mempool = calloc(SIM_ENTRIES_MAX, sizeof *node->mempool);
    node->forgetful = calloc(SIM_BLOCK_TXS, sizeof *node->forgetful);
    if (mkdir(node->folder, 0700) != 0 || node->mempool == NULL || node->forgetful == NULL)
        sim_die("cannot make %s", node->folder);
}

// Folders in memory where the machine has that.
static void simulator_open(void) {
    // What every opening of a store takes comes zeroed from the system, not from the heap.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(simulator.folder, sizeof simulator.folder, "%s/assay_sim_XXXXXX", base);
    simulator.s = calloc(1, sizeof *simulator.s);
    if (simulator.s == NULL || mkdtemp(simulator.folder) == NULL)
        sim_die("cannot make %s", simulator.folder);
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++)
        node_make(&simulator.s->nodes[i], i);
    node_make(&simulator.s->judge, SIM_NODES_MAX);
}

void sim_close(void) {
    if (simulator.s == NULL) return;
    nftw(simulator.folder, chain_file_remove, 8, FTW_DEPTH | FTW_PHYS);
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
        free(simulator.s->nodes[i].mempool);
        free(simulator.s->nodes[i].forgetful);
    }
    free(simulator.s->judge.mempool);
    free(simulator.s->judge.forgetful);
    free(simulator.s);
    simulator.s = NULL;
}

static void seed_init(sim *s, const sim_options *options, sim_report *report) {
    sim_random_init(&s->random, options->seed, 0);
    s->seed = options->seed;
    s->report = report;
    s->world = sim_world_get(draw(s, SIM_WORLDS));
    s->trial = s->world->trial;
    s->height = s->world->height;
    memcpy(s->decisions, s->world->decisions, sizeof s->decisions);
    s->entry_count = s->bundle_count = 0;
    s->trial->session = s->world->session;
    s->trial->chain.height = s->height;
    chain_block_clear(&s->trial->chain);
    s->node_count = SIM_NODES_MIN + draw(s, SIM_NODES_MAX - SIM_NODES_MIN + 1);
    if (options->node_count != 0) s->node_count = options->node_count;
    for (uint32_t i = 0; i < s->node_count; i++) {
        s->nodes[i].actor = i == 0 ? 0 : i + 1; // the operator, then validators
        s->nodes[i].defect = SIM_DEFECT_NONE;
        sim_node_init(s, &s->nodes[i], i, chance(s, 15));
    }
    s->nodes[s->node_count - 1].defect = options->defect;
    sim_node_init(s, &s->judge, SIM_NODES_MAX, false);
}

void sim_run(const sim_options *options, sim_report *report) {
    if (simulator.s == NULL) simulator_open();
    sim *s = simulator.s;
    seed_init(s, options, report);
    seed_run(s);
    sim_writes_disarm();
    for (uint32_t i = 0; i < s->node_count; i++)
        sim_node_crash(&s->nodes[i]);
    sim_node_crash(&s->judge);
    for (uint64_t h = s->world->height + 1; h < SIM_HEIGHTS_MAX; h++)
        sim_decision_free(&s->decisions[h]);
}
