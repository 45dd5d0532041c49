// SPDX-License-Identifier: Apache-2.0
// Which of the roots that a validator has loaded it declares: those that it can check, and that are
// registered as what they are here. A root that nobody has registered could be registered by anyone
// as something else, and be payable at once for the declarations it already has.
//   loaded → not registered as that → awaited: told, and looked for again while watching
//          → registered for another base, its data not loaded or not as registered → left out:
//            told; nothing of that changes before a restart
//          → fit → declared
#ifndef ASSAY_NODE_VERIFIER_DECLARATION_H
#define ASSAY_NODE_VERIFIER_DECLARATION_H

#include "node/wallet/wallet.h"
#include "node/workshop/workshop.h"

enum {
    ASSAY_DECLARATION_MS = 5000,         // between looks for what is awaited
    ASSAY_DECLARATION_PAUSE_MS = 600000, // at most, between declarations that do not last
};

typedef enum {
    ASSAY_LOADED_NEW, // not looked at yet
    ASSAY_LOADED_AWAITED,
    ASSAY_LOADED_LEFT_OUT,
    ASSAY_LOADED_FIT,
} assay_loaded_state;

typedef struct {
    assay_loaded_state state;
    char reason[ASSAY_ERROR_TEXT_MAX]; // why it is not declared, and what to do
} assay_loaded;

// Start from {.shop, .wallet}. Plain data, one thread.
typedef struct {
    const assay_workshop *shop;                      // borrowed
    assay_wallet *wallet;                            // borrowed, open
    assay_loaded loaded[ASSAY_OPTION_TEXTS_MAX + 1]; // the model, then the adapters
    bool declared;                                   // the ledger has what is fit, and nothing else
    bool started;                                    // the first look, which waits for its block
    uint64_t next_ms;                                // monotonic, of the next look
    uint64_t pause_ms; // until then, while the ledger has something else: doubles
} assay_declaration;

// Looks if it is due at `now_ms` of a monotonic clock: at the first call, and then as long as
// something is awaited. By time and not by blocks: a chain without work makes none. Tells once what
// is not declared, one line each. Declares what is fit unless the ledger has it so; the first time
// it waits for the block, later it only sends, and looks again whether it came about: votes are
// due. Errors: REJECTED, NETWORK …; it is then due again, each time after twice the pause. Spec:
// P-36, F-56.
assay_status assay_declaration_look(assay_declaration *declaration, uint64_t now_ms,
                                    assay_error *err);

#endif
