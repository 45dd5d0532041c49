// SPDX-License-Identifier: Apache-2.0
// Internal: one seed's state, as the simulator's files share it.
//
//   engine.c      heights: who is up           rounds.c    proposals, and who judges them
//   decide.c      decisions and the judge      validators.c  the set that an engine keeps
//   bonds.c       what bonds may lose       verdicts.c  what batches come to, and what it cost
//   node.c        a node's life: blocks, crashes, handshake, waiting transactions
//   traffic.c     transactions                 mutate.c    proposals as a liar makes them
//   calls.c       the application, with a defect      rules.c   the rules, with one
//
// A check that fails says so once (sim_fail) and everything returns false from there.
#ifndef ASSAY_TESTS_SIM_PRIVATE_H
#define ASSAY_TESTS_SIM_PRIVATE_H

#include "tests/sim/random.h"
#include "tests/sim/world.h"
#include "tests/sim/writes.h"

enum {
    SIM_ENTRIES_MAX = 2048, // transactions made by a seed
    SIM_BUNDLES_MAX = 8,    // its batches
    SIM_PATH_MAX = 128,
    SIM_MAP_SIZE = 64 << 20,
};

// A transaction somebody has sent.
typedef struct {
    assay_bytes bytes;
    assay_hash id;
    bool accepted; // it stands in a block with code 0
} sim_entry;

// A node as CometBFT sees it: the application's height is its own affair (info).
typedef struct {
    uint32_t index;
    uint32_t actor; // proposes as this one
    sim_defect defect;
    char folder[SIM_PATH_MAX];
    assay_app *app;    // NULL: the node is down
    uint64_t stored;   // last block in the engine's store
    uint64_t state;    // last block whose commit the engine has noted
    uint64_t promised; // last height for which commit has said ok
    uint32_t *mempool; // [SIM_ENTRIES_MAX] entries, in the order of their coming
    uint32_t mempool_count;
    uint32_t checks;        // calls, for the defect that changes its mind
    assay_bytes *forgetful; // [SIM_BLOCK_TXS] for the one that forgets
} sim_node;

typedef struct {
    assay_address proposer;
    assay_bytes txs[SIM_BLOCK_TXS];
    uint32_t count;
    bool honest;                       // a node has prepared it, and signed for it
    assay_misbehavior misbehaviors[2]; // what the engine reports with it
    uint32_t misbehavior_count;
} sim_proposal;

// Bonds by role (less 1) and actor.
typedef struct {
    assay_bond held[ASSAY_ROLE_MAX][CHAIN_ACTORS];
    uint64_t lost[ASSAY_ROLE_MAX][CHAIN_ACTORS];     // slashed, but for reports, nopen
    bool spent[ASSAY_ROLE_MAX][CHAIN_ACTORS];        // a slash may have taken less than its amount
    assay_misbehavior offences[2 * SIM_HEIGHTS_MAX]; // each punished once
    uint32_t offence_count;
} sim_bonds;

typedef struct {
    sim_random random;
    uint64_t seed;
    sim_report *report;
    const sim_world *world;
    trial *trial; // the wallet of all actors; reads the judge's state
    sim_node judge;
    sim_node nodes[SIM_NODES_MAX];
    uint32_t node_count;
    uint64_t height; // last decided
    bool last_write; // the armed fault strikes a commit's last one
    bool quiet;      // nothing goes wrong any more, and nobody sends
    sim_decision decisions[SIM_HEIGHTS_MAX];
    sim_entry entries[SIM_ENTRIES_MAX];
    uint32_t entry_count;
    assay_validator_update set[ASSAY_POWER_MAX]; // as an engine has it that follows the updates
    uint32_t set_count;
    bundle bundles[SIM_BUNDLES_MAX];
    uint8_t truths[SIM_BUNDLES_MAX]; // what an honest rerun of each finds
    uint32_t bundle_count;
    sim_bonds bonds;
    sim_proposal proposal, abandoned, mutant;
} sim;

// Returns: false, always.
bool sim_fail(sim *s, const sim_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define SIM_TRY(call)                                                                              \
    do {                                                                                           \
        if (!(call)) return false;                                                                 \
    } while (0)

static inline uint32_t draw(sim *s, uint32_t limit) {
    return sim_draw(&s->random, limit);
}

static inline bool chance(sim *s, uint32_t percent) {
    return sim_chance(&s->random, percent);
}

// An order of 0 … count - 1.
void sim_shuffle(sim *s, uint32_t *order, uint32_t count);

// The nodes that are up, in an order of chance.
uint32_t sim_nodes_up(sim *s, sim_node *out[SIM_NODES_MAX]);

// A whole seed, from the first start to the last comparison.
bool sim_seed(sim *s);

// The rounds of the next height; they leave the block to decide in s->proposal.
bool sim_rounds(sim *s);

// Decides s->proposal as the next height's block: the judge's word on it is in s->decisions.
bool sim_decide(sim *s);

// --- validators.c ---

// The engine's set begins as the judge's, and follows each decision's updates.
bool sim_set_start(sim *s);
bool sim_set_follow(sim *s, const sim_decision *decided);

// Whether an actor has power.
bool sim_has_power(sim *s, uint32_t actor);

// --- bonds.c ---

// Bonds begin as the judge's; before each block its reports are taken off, after it the rest is
// compared. Spec: E-97.
void sim_bonds_start(sim *s);
void sim_bonds_report(sim *s, const assay_app_block *block);
bool sim_bonds_follow(sim *s, const sim_decision *decided);

// --- verdicts.c ---

// At the end: batches, cases and votes are what the truths make of them, and explain what bonds
// have lost. Spec: E-97.
bool sim_verdicts_check(sim *s);

// --- rules.c ---

extern sim_defect sim_rules_defect; // SIM_DEFECT_NONE, or one of a node: the rules are as they are

// --- calls.c: code is 0, or the reject code of a refusal; other statuses are failures ---

bool sim_check_tx(sim *s, sim_node *node, const sim_entry *entry, bool again, uint32_t *code);
bool sim_prepare(sim *s, sim_node *node, uint64_t height, const assay_bytes *beacon,
                 uint64_t bytes_max, sim_proposal *out);
bool sim_process(sim *s, sim_node *node, uint64_t height, const sim_proposal *proposal,
                 uint32_t *code);
assay_status sim_finalize(sim_node *node, const assay_app_block *block, bool replay,
                          assay_app_outcome *out, assay_error *err);
assay_status sim_commit(sim_node *node, assay_error *err);

// --- node.c ---

// Ready to start, with the world's state or with nothing.
void sim_node_init(sim *s, sim_node *node, uint32_t index, bool empty);
void sim_node_crash(sim_node *node);

// Handshake and catching up to the last decided block. A crash on the way leaves it down.
bool sim_node_start(sim *s, sim_node *node, bool faults);

// Takes the last decided block through its life on this node.
bool sim_node_height(sim *s, sim_node *node);

// Executes a decided block and compares with what the judge came to; nothing is persisted.
bool sim_node_execute(sim *s, sim_node *node, uint64_t height, bool replay);

// Offers an entry to the node's check_tx.
bool sim_node_offer(sim *s, sim_node *node, uint32_t entry);

// SHA-256 over every entry of both classes, in key order.
bool sim_node_digest(sim *s, const sim_node *node, assay_hash *out);

// --- traffic.c ---

// Transactions for the next height, appended to the entries.
bool sim_traffic(sim *s);

// Forgets, for nonces to come, what the last block made obsolete.
void sim_traffic_settle(sim *s);

// Bytes as a further entry; kept in the wallet's memory.
uint32_t sim_entry_add(sim *s, const void *data, size_t size);

// --- mutate.c ---

// A proposal as somebody who does not follow the rules would make it from an honest one.
void sim_mutate(sim *s, const sim_proposal *from, sim_proposal *out);

#endif
