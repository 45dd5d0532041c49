// SPDX-License-Identifier: Apache-2.0
// Serving inference: requests in, receipts out, receipts into batches, evidence kept available.
//
//   request → checked, generated, attributed → receipt (pending/, durable) → answered
//   pending → evidence/<root>/ written → submit_batch in a block → answered/
//   pending → its session's sequence is past it → answered/
//   pending → its session ended → pending file removed
//   answered/ → its session ended, or younger ones want its place → removed
//   pending → its batch refused for what is in it → smaller batches, at last its session left out
//           → tried again later
//   evidence/<root>/ → its batch refused → removed, unless there was an earlier one with this root
//
// Invariants, with their tests in tests/node/provider/test_provider.c, V3's in test_turns.c, V5's
// in test_blame.c:
//  V1 a receipt is on disk before its consumer sees it (a crash loses no income)
//  V2 evidence is on disk before its batch is sent (a batch is never unavailable by a crash)
//  V3 sequences of a session are answered strictly in order: one at a time, beside other sessions
//  V4 a receipt is in one batch at most: what the chain counts already is pending no more
//  V5 no receipt keeps those of other sessions out of batches
//  V6 evidence is removed only where no batch with its root was sent but the one that was refused
//  V7 an answer is in answered/ only once the chain counts its sequence; no batch is made of it
//
// From pending/ to answered/ is one rename. A kill before it leaves the receipt pending (V1), and
// what is looked for before each batch does the same rename (V4); after it there is nothing left to
// earn (V7), and an answer from there is charged no more than one from pending/. Between the rename
// and the oldest one's removal it leaves a file too many, until the next opening.
#ifndef ASSAY_NODE_PROVIDER_PROVIDER_H
#define ASSAY_NODE_PROVIDER_PROVIDER_H

#include <limits.h>
#include <stdatomic.h>

#include "node/options.h"
#include "node/provider/answered.h"
#include "node/provider/facts.h"
#include "node/provider/outcomes.h"
#include "node/provider/payable.h"
#include "node/provider/unsourced.h"
#include "node/wallet/wallet.h"
#include "node/workshop/batch_json.h"
#include "node/workshop/evidence_file.h"
#include "node/workshop/workshop.h"

enum {
    ASSAY_PROVIDER_SESSIONS_MAX = 4096,
    ASSAY_PROVIDER_PENDING_MAX = 8192,
    ASSAY_PROVIDER_ANSWERED_MAX = 4096, // files that are kept for repeated requests
    ASSAY_PROVIDER_LINEAGES_MAX = ASSAY_PAYABLE_MAX,
    ASSAY_PROVIDER_WAITERS_MAX = 4,   // requests that wait for another answer in their session
    ASSAY_PROVIDER_SESSION_MS = 2000, // age at which the chain is asked again
    // What was sent is taken for lost when the node has not told of it for so long: a batch sent
    // twice costs a fee, an answer window (P-60) that passes the case.
    ASSAY_PROVIDER_UNSURE_BLOCKS = 4,
};

// How a provider cheats; only on chains whose genesis says testnet. For showing that it is caught.
typedef enum {
    ASSAY_MISBEHAVE_NOT,
    ASSAY_MISBEHAVE_TOKEN,    // altered-token: another token in the middle of the output
    ASSAY_MISBEHAVE_ADAPTER,  // wrong-adapter: the base model's answer sold as the adapter's
    ASSAY_MISBEHAVE_COUNT,    // inflated-count: more output tokens than there were
    ASSAY_MISBEHAVE_WITHHOLD, // withheld-evidence: nobody can rerun it
} assay_misbehaviour;

typedef struct {
    const char *home;                 // folder of pending and evidence files
    char url[ASSAY_URI_SIZE_MAX + 1]; // under which others reach this server
    uint64_t price_in_min;            // nopen a token; sessions that pay less are refused
    uint64_t price_out_min;
    uint64_t batch_count;    // receipts that make a batch
    uint64_t batch_ms;       // age of a receipt that makes a batch
    uint32_t askers_max;     // calls that may ask the node, at a time; 0: any number
    const atomic_bool *stop; // ends questions to the node, within a second; NULL: nothing does
    assay_misbehaviour misbehaviour;
} assay_provider_options;

// A session that this provider serves, as the node told it. Only a cache.
typedef struct {
    assay_hash id;
    assay_session session;
    uint64_t next_sequence;
    uint64_t pending_fees; // of receipts not yet in a block
    uint64_t fetched_ms;   // monotonic
} assay_provider_session;

// A receipt waiting for its batch, with its leaf file's bytes.
typedef struct {
    assay_receipt receipt;
    uint8_t *leaf; // owned
    size_t leaf_size;
    uint64_t since_ms; // monotonic
    uint64_t end;      // of its session, as last told; 0: not asked for yet
    // Its session is left out of batches until then, since one with it was refused (for so long) or
    // the node did not know it.
    uint64_t hold_until_ms;
    uint64_t hold_ms;
} assay_provider_pending;

typedef enum {
    ASSAY_DUE_NOTHING,
    ASSAY_DUE_SOME,
    ASSAY_DUE_CLOSING, // something of a session that closes
} assay_provider_dues;

// What became of making a batch.
typedef struct {
    assay_hash id;
    uint32_t count; // receipts in it; 0: nothing was to be sent, or it was not taken
    bool narrowed;  // it was refused for what is in it, and the next one holds less of that
    bool charged;   // it was refused in a block, which cost its fee
} assay_provider_batched;

// An answer in progress, or one that waits for its session's turn, on its caller's stack.
typedef struct assay_provider_turn {
    const assay_hash *session;
    bool begun;
    struct assay_provider_turn *next;
} assay_provider_turn;

// A transaction that was sent, if it was in no block yet; else zero.
typedef struct {
    assay_hash id;
    uint64_t unsure; // the block since which the node does not tell of it; 0: it does
} assay_provider_sent;

// `lock` guards all below it and is held for moments: not while the node is asked, which may take
// its time, nor while an answer is made, for which its session's turn is (V3). Opened once, closed
// once.
typedef struct {
    assay_workshop *shop;
    assay_wallet *wallet;
    const assay_genesis *genesis;
    assay_provider_options options;
    assay_client asking;    // the wallet's, until options.stop; what is sent is not given up
    assay_client finishing; // the same until `cut`, for answers that are made
    int lock_fd;            // the home is this process's
    atomic_uint asker_count;
    atomic_bool cut; // no answer is kept any more; changes with the lock

    pthread_mutex_t lock;
    pthread_cond_t turned; // a turn ended
    assay_provider_turn *turns;
    uint32_t turn_count; // of them begun
    assay_provider_facts facts;
    uint64_t facts_ms; // monotonic, of `facts`; 0: never asked for
    assay_payable payable;
    assay_unsourced unsourced;
    assay_provider_session *sessions;
    uint32_t session_count;
    assay_provider_pending *pending;
    uint32_t pending_count;
    uint64_t drop_count; // times that something pending left
    assay_answered answered;
    uint32_t foreign_count; // pending files of another provider, which stay where they are
    assay_lineage *lineages;
    uint32_t lineage_count;
    uint32_t narrow;             // so many receipts make the next batch; 0: there was nothing wrong
    bool narrow_passed;          // the last batch of that width was taken
    assay_error refused;         // why no batch of this provider's is taken; empty once one was
    assay_provider_sent waiting; // the last batch's
    assay_provider_sent posting; // the last evidence's
    assay_outcomes outcomes;     // without the lock: of the thread that makes batches
    uint64_t served;
    uint64_t batched;
} assay_provider;

// Reads what an earlier run left pending, but for another provider's receipts: they are left on
// disk, with a line in the log. Errors: BUSY (another process has the home), those of the files,
// MISMATCH (a pending file whose ids are
// not its receipt's), MEMORY. Lives: until close, after errors too. Spec: P-14, F-46.
assay_status assay_provider_open(assay_provider *provider, assay_workshop *shop,
                                 assay_wallet *wallet, const assay_genesis *genesis,
                                 const assay_provider_options *options, assay_error *err);
void assay_provider_close(assay_provider *provider);

// Answers one signed request; one that was answered gets the same answer again while that is
// pending or in answered/; none where its session ended meanwhile. ids: the output, which the
// caller frees. Errors: REJECTED (request rules; what no batch may hold now), ORDER (sequence:
// names the expected one), SIGNATURE, RANGE (prices, deposit, bond, end, context), MISMATCH
// (provider, prompt, a data set's counts), NOT_FOUND (session, model, adapter), MISSING (a data set
// of the adapter), CAPACITY (too much pending), BUSY (too many ask, or wait in this session),
// STOPPED, and those of node and files. Any thread. Spec: P-11, P-12, P-13, P-14, F-46, F-53.
assay_status assay_provider_answer(assay_provider *provider, const assay_request *request,
                                   const uint32_t *prompt, uint32_t prompt_count,
                                   assay_receipt *receipt, uint32_t **ids, assay_error *err);

// Before the connections of whoever still waits end: an answer that is not kept by now is refused
// (STOPPED) once it is made, charges nothing, and leaves its sequence free. Any thread. Spec: F-46.
void assay_provider_cut(assay_provider *provider);

// The next sequence of a session, from the chain and what is pending. Errors: NOT_FOUND (no
// session, or another provider's), BUSY (too many ask), STOPPED, and those of node. Any thread.
// Spec: F-53.
assay_status assay_provider_next_sequence(assay_provider *provider, const assay_hash *session,
                                          uint64_t *out, assay_error *err);

// Which receipts are due for a batch: enough of them, one old enough or of a session that closes,
// or `all` of them, and together worth as much as the ledger asks of a batch. Those left out for
// now do not count. Spec: P-52, F-53, F-54.
assay_provider_dues assay_provider_due(assay_provider *provider, bool all);

// Asks the chain about this provider and each session with something pending, notes when they end,
// and drops what can be in no batch any more (V4, or an ended session), with a line in the log
// where money is lost. Of the sessions with something answered it asks for a few, in turn. Receipts
// of a session that the node does not know are left out of batches while that is so. Errors: those
// of node; MEMORY. One thread. Spec: F-46, F-53, F-54.
assay_status assay_provider_look(assay_provider *provider, assay_provider_facts *facts,
                                 assay_error *err);

// Asks what of its model and all adapters is payable, so that a change is told whether or not
// anyone asks for it. Apart from the look: a question for each of them, which no batch waits for,
// nor on which one depends. Errors: those of node. Spec: F-53.
assay_status assay_provider_payable_look(assay_provider *provider, assay_error *err);

// Whether a session that ends at this height closes: no answer in it is sure of a block any more.
// Spec: P-37, F-53.
bool assay_provider_closes(const assay_provider *provider, uint64_t end, uint64_t height);

// With the lock: the pending ones that `gone` names leave memory, and disk unless they are counted:
// the chain has them, and their answers stay (V7).
void assay_provider_drop(assay_provider *provider,
                         bool gone(const void *context, const assay_receipt *receipt),
                         const void *context, bool counted);

// Looks, makes a batch of what is pending as far as the bond covers it, writes its evidence, sends
// it and waits for its block. If it is refused for what is in it, the next ones are smaller, until
// the sessions to blame are found and left out for a while. Errors: REJECTED, CAPACITY (the bond
// covers no receipt more), TIMEOUT (this batch, or one before it, waits for a block) and those of
// node and files, also where the node does not tell of the one before, for at most
// ASSAY_PROVIDER_UNSURE_BLOCKS; the receipts then stay pending. One thread. Spec: P-30, P-52,
// F-54.
assay_status assay_provider_batch(assay_provider *provider, assay_provider_batched *out,
                                  assay_error *err);

// Posts evidence where the ledger says this provider is accused of withholding it: all that is due,
// without waiting for a block. While that waits for one, or the node does not tell, for
// ASSAY_PROVIDER_UNSURE_BLOCKS at most, nothing more is sent; what is due after it is sent again.
// Returns through count how many accusations it answered. One that cannot be
// answered does not keep others from it, unless the node has no room or does not answer: then the
// caller comes again soon. One thread. Errors: the first of node, files and ledger
// (EVIDENCE_BAD: before anything is sent). Spec: P-63.
assay_status assay_provider_defend(assay_provider *provider, uint32_t *count, assay_error *err);

// Reads <home>/evidence/<root>/<name> into fresh memory. Errors: NOT_FOUND, and those of files.
assay_status assay_provider_evidence(const assay_provider *provider, const assay_hash *root,
                                     const char *name, uint8_t **data, size_t *size,
                                     assay_error *err);

// "altered-token" … to its value. Errors: USAGE.
assay_status assay_misbehaviour_parse(assay_misbehaviour *out, const char *text, assay_error *err);

#endif
