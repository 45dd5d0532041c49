// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "consensus/proof.h"
#include "node/cmd/commands.h"
#include "node/cmd/output.h"
#include "node/cmd/proof_print.h"
#include "node/wallet/client.h"
#include "node/wallet/wallet.h"

static assay_status proof_fetch(const char *url, uint64_t epoch, const assay_address *account,
                                const char *path, assay_error *err) {
    assay_client client;
    json_t *document;
    char canonical[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(canonical, account->bytes, ASSAY_ADDRESS_SIZE);
    ASSAY_TRY(assay_output_check(path, &assay_output_proof, err));
    ASSAY_TRY(assay_client_open(&client, url, NULL, err));
    ASSAY_TRY(
        assay_client_get(&document, &client, err, "proof/payout/%llu/%s", (ull)epoch, canonical));
    char *text = json_dumps(document, JSON_INDENT(1));
    json_decref(document);
    if (!text) return ASSAY_FAIL(err, MEMORY, "no memory for a proof");
    assay_status status = assay_file_replace(path, text, strlen(text), 0644, err);
    free(text);
    return status;
}

int assay_cmd_proof_payout(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const char *out = NULL;
    assay_address account;
    uint64_t epoch = 0;
    const assay_option table[] = {
        {"epoch", ASSAY_OPTION_U64, &epoch, "N", "a closed epoch", 0, INT64_MAX, true},
        {"account", ASSAY_OPTION_HEX, account.bytes, "ADDRESS", "who was paid", 0,
         ASSAY_ADDRESS_SIZE, true},
        {"out", ASSAY_OPTION_TEXT, &out, "FILE", "proof file to write", 0, 0, true},
        ASSAY_WALLET_NODE_OPTION(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Anyone with the genesis file checks it: assay proof check FILE "
                             "--genesis FILE.",
                             &code))
        return code;
    assay_error err = {0};
    if (proof_fetch(wallet.node_url, epoch, &account, out, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    if (invocation->json) return assay_command_print(json_pack("{s:s}", "file", out));
    printf("%s\nnext: assay proof check %s --genesis genesis.json\n", out, out);
    return ASSAY_EXIT_OK;
}

int assay_cmd_proof_check(assay_invocation *invocation) {
    const char *path = NULL, *genesis_path = NULL;
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &path, "FILE", "a proof file", 0, 0, true},
        {"genesis", ASSAY_OPTION_TEXT, &genesis_path, "FILE", "the chain's genesis.json", 0, 0,
         true},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, 2,
            "Needs no network: exits with 0 if every link holds, with 1 if one does not;\n"
            "with 2 or 3 nothing is said of it: usage, no such file or no genesis.",
            &code))
        return code;
    assay_genesis genesis = {0};
    assay_error err = {0};
    json_t *document = NULL;
    assay_light_block block;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    assay_proof *proof = calloc(1, sizeof *proof);
    assay_status status = proof ? ASSAY_OK : ASSAY_FAIL(&err, MEMORY, "no memory for a proof");
    if (status == ASSAY_OK) status = assay_genesis_read(&genesis, genesis_path, &err);
    bool asked = status == ASSAY_OK; // what is wrong so far says nothing of the proof
    if (status == ASSAY_OK)
        status = assay_json_read_many(&document, path, ASSAY_PROOF_JSON_MAX,
                                      ASSAY_PROOF_JSON_VALUES_MAX, &err);
    if (status == ASSAY_OK) status = assay_proof_read(proof, document, &genesis, &err);
    if (status == ASSAY_OK) status = assay_proof_check(&block, proof, &genesis, &arena, &err);
    code = status == ASSAY_OK ? assay_proof_print(invocation, proof, &block, NULL)
           : asked            ? assay_proof_fail(invocation, &err, NULL)
                              : assay_command_fail(invocation, &err, NULL);
    json_decref(document);
    if (proof) assay_proof_close(proof);
    free(proof);
    assay_arena_close(&arena);
    assay_genesis_close(&genesis);
    return code;
}
