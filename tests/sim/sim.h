// SPDX-License-Identifier: Apache-2.0
// Several applications of one chain in one process under an engine made of chance alone: rounds,
// proposals, faults and transactions all follow from a seed, and so does every failure. Beside the
// nodes one more application, the judge, executes each decided block once and nothing else: what it
// comes to is what every node must come to, whatever happened to it. Spec: E-80 … E-84, E-96, E-97.
#ifndef ASSAY_TESTS_SIM_SIM_H
#define ASSAY_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/tx/tx.h"

enum { SIM_NODES_MIN = 3, SIM_NODES_MAX = 7, SIM_TEXT_MAX = 400 };

// What the last node does wrong, or what is wrong with the rules of all. All but the first must be
// found: the simulator's own test.
#define SIM_DEFECT_LIST(X)                                                                         \
    X(NONE, "nothing")                                                                             \
    X(CODE, "a result code that depends on the node")                                              \
    X(DATA, "result data that depends on the node")                                                \
    X(APP_HASH, "another application hash")                                                        \
    X(REPLAY, "forgets a block's last transaction when it replays")                                \
    X(FORGETS, "says that it has committed, and has not")                                          \
    X(EARLY, "persists a block before commit")                                                     \
    X(AUX, "an index of its own that no root covers")                                              \
    X(PROCESS, "judges proposals by what waits on this node")                                      \
    X(CHECK, "changes its mind about a transaction")                                               \
    X(PREPARE, "proposes what others refuse")                                                      \
    X(TWICE, "takes a block of a height it already has")                                           \
    X(SPARES, "all: a fraud costs its provider nothing")                                           \
    X(FINES, "all: a vote costs twice what it should")                                             \
    X(STRIKES, "all: votes for \"unavailable\" are struck, answered or not")                       \
    X(SILENCES, "all: accusations are struck, however few")

typedef enum {
#define X(name, text) SIM_DEFECT_##name,
    SIM_DEFECT_LIST(X)
#undef X
        SIM_DEFECT_COUNT
} sim_defect;

typedef struct {
    uint64_t seed;
    uint32_t node_count; // 0: drawn
    sim_defect defect;
    const uint8_t *choices; // borrowed [choice_count], in place of the first numbers drawn; NULL:
    size_t choice_count;    // none, else the seed ends soon after the last of them
} sim_options;

// What happened, for a person and for the test that the simulator does not idle.
#define SIM_COUNT_LIST(X)                                                                          \
    X(heights)                                                                                     \
    X(transactions) /* in decided blocks */                                                        \
    X(accepted)                                                                                    \
    X(proposals)                                                                                   \
    X(mutants)                                                                                     \
    X(mutants_refused)                                                                             \
    X(lawless)   /* decided blocks that no honest proposer makes */                                \
    X(roundless) /* heights without a proposal that a node judged */                               \
    X(replaced)  /* finalised blocks dropped for another */                                        \
    X(crashes)                                                                                     \
    X(deaths) /* of them, inside a commit */                                                       \
    X(write_faults)                                                                                \
    X(meta_struck) /* faults in a commit's last write, the meta page */                            \
    X(joined)      /* an engine's validators, by updates */                                        \
    X(left)                                                                                        \
    X(punished) /* consensus bonds, for reports */                                                 \
    X(fined)    /* votes that cost something */                                                    \
    X(cleared)  /* honest votes, which cost nothing */                                             \
    X(replays)  /* blocks executed by a handshake or while catching up */                          \
    X(settled)  /* batches */                                                                      \
    X(frauds)                                                                                      \
    X(undecided)                                                                                   \
    X(no_beacon)

typedef struct {
    bool failed;
    char text[SIM_TEXT_MAX]; // what failed, at which height, on which node
#define X(name) uint64_t name;
    SIM_COUNT_LIST(X)
#undef X
    uint64_t accepted_of[ASSAY_TX_KIND_COUNT + 1]; // by kind
} sim_report;

// Runs one seed. The report's counts are added to.
void sim_run(const sim_options *options, sim_report *report);

const char *sim_defect_text(sim_defect defect);

// Ends the process for a failure outside of a check: the helpers of tests/ledger.
_Noreturn void sim_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The seed being run, for whoever reports that the process ended.
extern volatile uint64_t *sim_seed_now;

// Removes the folders of all seeds; the next run makes them anew. Those of a process that has died
// are removed by whoever started it.
void sim_close(void);
void sim_folder_remove(pid_t process);

#endif
