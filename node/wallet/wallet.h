// SPDX-License-Identifier: Apache-2.0
// What every command that signs has in common: a keystore, a node, and the wait for a block.
#ifndef ASSAY_NODE_WALLET_WALLET_H
#define ASSAY_NODE_WALLET_WALLET_H

#include "node/command.h"
#include "node/wallet/client.h"
#include "node/wallet/keystore.h"

// Filled by the option rows below; the rest by open. A zeroed struct has no defaults: start from
// ASSAY_WALLET_INIT.
typedef struct {
    const char *node_url;
    const char *key_file;
    const char *password_file;
    const char *principal_text; // the account an agent acts for
    uint64_t wait_ms;

    assay_client client;
    assay_key key;
    assay_address address;   // the key's
    assay_address principal; // address, or the one --principal names
} assay_wallet;

#define ASSAY_NODE_URL_DEFAULT "http://127.0.0.1:26650"
#define ASSAY_WALLET_INIT                                                                          \
    { .node_url = ASSAY_NODE_URL_DEFAULT, .wait_ms = 30000 }

// Rows for a command's option table.
#define ASSAY_WALLET_NODE_OPTION(wallet)                                                           \
    {                                                                                              \
        "node", ASSAY_OPTION_TEXT, &(wallet).node_url, "URL",                                      \
            "the node (" ASSAY_NODE_URL_DEFAULT ")", 0, 0, false                                   \
    }
#define ASSAY_WALLET_SIGNER_OPTIONS(wallet)                                                        \
    ASSAY_WALLET_NODE_OPTION(wallet),                                                              \
        {"key", ASSAY_OPTION_TEXT, &(wallet).key_file, "FILE", "keystore of the signer", 0, 0,     \
         true},                                                                                    \
        ASSAY_PASSWORD_OPTION((wallet).password_file)
#define ASSAY_WALLET_OPTIONS(wallet)                                                               \
    ASSAY_WALLET_SIGNER_OPTIONS(wallet),                                                           \
        {"principal",                                                                              \
         ASSAY_OPTION_TEXT,                                                                        \
         &(wallet).principal_text,                                                                 \
         "ADDRESS",                                                                                \
         "the account to act for as its agent",                                                    \
         0,                                                                                        \
         0,                                                                                        \
         false},                                                                                   \
    {                                                                                              \
        "wait-ms", ASSAY_OPTION_U64, &(wallet).wait_ms, "MS",                                      \
            "how long to wait for a block; 0 only sends (30000)", 0, 60000, false                  \
    }

// --expiry: a block height, or "+N" for N blocks from the node's last one. Errors: USAGE, RANGE,
// and those of asking the node. Spec: F-9.
assay_status assay_wallet_height(uint64_t *out, const assay_wallet *wallet, const char *text,
                                 assay_error *err);

// The principal's balance. Errors: those of asking the node.
assay_status assay_wallet_balance(uint64_t *out, const assay_wallet *wallet, assay_error *err);

// Whether the balance holds the amount and the fee to send tx (P-27): what a block would refuse,
// for a fee. Nothing is asked for an agent, who may be refused for better reasons. Errors:
// REJECTED, and those of asking the node.
assay_status assay_wallet_balance_check(const assay_wallet *wallet, const assay_tx *tx,
                                        uint64_t amount, assay_error *err);

// Opens the keystore and asks the node who it is. Errors: those of keystore and client. Clear the
// wallet with assay_wallet_close. Spec: F-42, F-43.
assay_status assay_wallet_open(assay_wallet *wallet, assay_error *err);
void assay_wallet_close(assay_wallet *wallet);

// Signs, sends and waits. Errors: as assay_client_send.
assay_status assay_wallet_send(assay_wallet *wallet, assay_tx *tx, assay_sent *sent,
                               assay_error *err);

// Sends txs [count] of one lane, one nonce after the other without waiting between them, then waits
// for the last, at most wait_ms. *taken: how many the node took; their fates are the chain's to
// tell. sents [count]. Errors: as assay_client_send, of the first that was not taken, or of the
// wait. Spec: P-9, F-40.
assay_status assay_wallet_send_row(assay_wallet *wallet, assay_tx *txs, uint32_t count,
                                   uint32_t wait_ms, assay_sent *sents, uint32_t *taken,
                                   assay_error *err);

// The same until the node has taken all: what it has no room for follows as blocks make room
// (P-26). Waits for no block of the last: *last is the id to ask for, kept where nothing was taken,
// after errors too. stop: ends the wait for room once it is true, NULL: nothing does. Errors: as
// send_row; the refusal if not even the first is taken, none for ASSAY_WALLET_PATIENCE_MS, or at
// the stop.
enum { ASSAY_WALLET_PATIENCE_MS = 60000 };
assay_status assay_wallet_send_all(assay_wallet *wallet, assay_hash *last, assay_tx *txs,
                                   uint32_t count, const atomic_bool *stop, assay_error *err);

// Whether a refusal tells of the moment, not of what was sent: no room for more of this signer's
// (P-26), or for anyone's, or a nonce that another program with this key took, or the last block.
bool assay_wallet_full(assay_status status, const assay_error *why);

// Opens the wallet, sends one transaction, prints what became of it, closes. Returns: the exit
// code.
int assay_wallet_run(assay_wallet *wallet, const assay_invocation *invocation, assay_tx *tx);

// The same for a wallet that is open, or could not be: status and err tell how it went so far.
int assay_wallet_finish(assay_wallet *wallet, const assay_invocation *invocation, assay_tx *tx,
                        assay_status status, assay_error *err);

// What a transaction registers, for who reads of it.
typedef struct {
    const char *name; // "data set"
    assay_hash root;
} assay_registered;

// The same with `thing`, if it is not NULL, said first, as "root" in JSON. Nothing is said of it
// where it was not registered.
int assay_wallet_finish_thing(assay_wallet *wallet, const assay_invocation *invocation,
                              assay_tx *tx, const assay_registered *thing, assay_status status,
                              assay_error *err);

// Prints {"id","digest","state","height"} or lines for people: state "committed", or "pending" with
// height 0; or the failure, with what it cost and what to ask for, as far as that is known. thing:
// as above. Closes the wallet. Returns: the exit code.
int assay_sent_print(assay_wallet *wallet, const assay_invocation *invocation, const assay_tx *tx,
                     const assay_sent *sent, const assay_registered *thing, assay_status status,
                     assay_error *err);

#endif
