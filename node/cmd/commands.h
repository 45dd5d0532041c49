// SPDX-License-Identifier: Apache-2.0
// The list of subcommands: X(function suffix, words, summary), in the order the help shows them.
#ifndef ASSAY_NODE_CMD_COMMANDS_H
#define ASSAY_NODE_CMD_COMMANDS_H

#include "node/command.h"

#define ASSAY_COMMAND_LIST(X)                                                                      \
    X(init, "init", "make the folder of a new chain")                                              \
    X(validator_new, "validator new", "make a validator's secrets and its public entry")           \
    X(validator_register, "validator register", "take a consensus key into the ledger")            \
    X(validator_renew, "validator renew", "follow up a beacon chain before it is used up")         \
    X(node, "node", "make blocks and answer on the API")                                           \
    X(status, "status", "say whether a node or validator is healthy")                              \
    X(backup, "backup", "copy a node's folder, consistently, while it runs")                       \
    X(disk, "disk", "show what a node's folder takes, and what to do about it")                    \
    X(export, "export", "hand a chain to CometBFT")                                                \
    X(key_make, "key make", "make a keystore file, or import a secret into one")                   \
    X(key_show, "key show", "open a keystore and print its address")                               \
    X(account, "account", "show an account")                                                       \
    X(transfer, "transfer", "pay someone")                                                         \
    X(bond, "bond", "put money at stake for a role")                                               \
    X(unbond, "unbond", "take money out of a role, after a while")                                 \
    X(agent_authorize, "agent authorize", "let another key act for you, within limits")            \
    X(agent_revoke, "agent revoke", "end that")                                                    \
    X(withdraw, "withdraw", "move a balance to the EVM claims tree")                               \
    X(dataset_inspect, "dataset inspect", "print a data set's root and counts, without a chain")   \
    X(dataset_register, "dataset register", "register a data set")                                 \
    X(dataset_retire, "dataset retire", "take a data set out of use")                              \
    X(dataset_list, "dataset list", "list the registered data sets")                               \
    X(model_register, "model register", "register a base model")                                   \
    X(model_list, "model list", "list the registered models")                                      \
    X(adapter_register, "adapter register", "register an adapter with its lineage")                \
    X(adapter_list, "adapter list", "list the registered adapters")                                \
    X(session_open, "session open", "deposit money for one provider's answers")                    \
    X(session_close, "session close", "end a session and get the rest back")                       \
    X(session_show, "session show", "show a session")                                              \
    X(serve, "serve", "provide inference: answer requests, submit batches")                        \
    X(ask, "ask", "ask a provider, as a consumer")                                                 \
    X(verify, "verify", "rerun one receipt, or work as a validator")                               \
    X(settle, "settle", "show who was paid what in an epoch")                                      \
    X(proof_payout, "proof payout", "write a file that proves an account's payouts")               \
    X(proof_check, "proof check", "check such a file, offline")                                    \
    X(light, "light", "verify a header or a payout of a chain you do not run")                     \
    X(audit, "audit", "replay a node's blocks from the genesis and rerun its receipts")            \
    X(tx_digest, "tx digest", "print a transaction's EIP-712 digest")                              \
    X(tx_typed, "tx typed", "print a transaction as wallets take it")                              \
    X(tx_sign, "tx sign", "sign a transaction file, offline")                                      \
    X(tx_send, "tx send", "send a signed transaction file")                                        \
    X(tx_status, "tx status", "show what became of a transaction")                                 \
    X(attribute, "attribute", "show whose data a text or a paid output follows")                   \
    X(model_import, "model import", "make a canonical model file of a folder or GGUF")             \
    X(model_check, "model check", "check a canonical model file")                                  \
    X(adapter_import, "adapter import", "make a canonical adapter file of a PEFT or GGUF LoRA")    \
    X(adapter_check, "adapter check", "check a canonical adapter file")                            \
    X(tokenize, "tokenize", "turn text into token ids, or back")                                   \
    X(infer, "infer", "run one request on this machine, without a chain")                          \
    X(logits, "logits", "print the digest of all logits of a sequence")                            \
    X(bench_kernels, "bench kernels", "measure every operation of every kernel set")               \
    X(bench_infer, "bench infer", "measure prefill and decode")                                    \
    X(bench_ledger, "bench ledger", "measure transfers against bare signature recovery")           \
    X(bench_chain, "bench chain", "measure the ledger behind CometBFT")                            \
    X(version, "version", "print the version and what it was built with")

#define X(function, words, summary) int assay_cmd_##function(assay_invocation *invocation);
ASSAY_COMMAND_LIST(X)
#undef X

#endif
