// SPDX-License-Identifier: Apache-2.0
#include "node/provider/unsourced.h"

#include "base/hex.h"
#include "base/json.h"
#include "node/error_json.h"
#include "node/log.h"

static void unsourced_tell(const assay_hash *adapter, const assay_error *why) {
    const char *next = why->status == ASSAY_MISSING
                           ? "assay serve --dataset with its text"
                           : "assay serve without it: what is registered cannot change";
    char root[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(root, adapter->bytes, ASSAY_HASH_SIZE);
    assay_log(ASSAY_LOG_WARN, "adapter_unsourced",
              json_pack("{s:s,s:o,s:s}", "adapter", root, "error", assay_error_to_json(why, NULL),
                        "next", next),
              "requests for adapter %s are refused, error %u: %s; next: %s", root,
              (unsigned)assay_error_code(why), why->text, next);
}

assay_status assay_unsourced_look(assay_unsourced *known, bool *found, const assay_client *client,
                                  const assay_workshop *shop, uint32_t adapter, assay_error *err) {
    const assay_hash *root = &shop->adapters[adapter].root;
    assay_lineage lineage;
    assay_hash missing;
    assay_error why = {0};
    *found = false;
    if (known->known[adapter]) return ASSAY_OK;
    assay_status status = assay_lineage_fetch(&lineage, client, root, &why);
    if (status == ASSAY_NOT_FOUND) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    status = assay_workshop_sources_check(shop, &lineage, &missing, &why);
    *found = status == ASSAY_MISSING || status == ASSAY_FORMAT || status == ASSAY_MISMATCH;
    known->known[adapter] = *found || status == ASSAY_OK;
    if (*found) unsourced_tell(root, &why);
    return ASSAY_OK;
}
