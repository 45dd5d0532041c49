// SPDX-License-Identifier: Apache-2.0
#include "node/cmd/proof_print.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"

int assay_proof_print(const assay_invocation *invocation, const assay_proof *proof,
                      const assay_light_block *block, json_t *how) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < proof->payout_count; i++) {
        const assay_payout *payout = &proof->payouts[i].payout;
        char address[ASSAY_HEX_HASH_MAX];
        assay_hex_encode_0x(address, payout->account.bytes, ASSAY_ADDRESS_SIZE);
        json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "account", address, "role",
                                              assay_paid_role_names[payout->role], "nopen",
                                              assay_json_from_u64(payout->amount)));
        if (!invocation->json)
            printf("valid: %s was paid %llu nopen as %s in epoch %llu\n", address,
                   (ull)payout->amount, assay_paid_role_names[payout->role],
                   (ull)proof->epoch.epoch);
    }
    const assay_header_view *header = &block->header;
    if (!invocation->json) {
        json_decref(list);
        json_decref(how);
        printf("signed at height %llu of %.*s\n", (ull)header->height, (int)header->chain_id.size,
               (const char *)header->chain_id.data);
        return ASSAY_EXIT_OK;
    }
    json_t *document =
        json_pack("{s:b,s:o,s:o,s:o}", "valid", 1, "epoch", assay_json_from_u64(proof->epoch.epoch),
                  "height", assay_json_from_u64(header->height), "payouts", list);
    if (how) json_object_update(document, how);
    json_decref(how);
    return assay_command_print(document);
}

int assay_proof_fail(const assay_invocation *invocation, const assay_error *err, const char *next) {
    int code = assay_command_fail(invocation, err, next);
    return code == ASSAY_EXIT_INPUT && err->status != ASSAY_NOT_FOUND ? ASSAY_EXIT_NO : code;
}
