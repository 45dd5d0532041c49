// SPDX-License-Identifier: Apache-2.0
#include "node/provider/facts.h"

#include "base/json.h"

enum { BONDS_MAX = 16 };

// The effective provider bond; 0 where the account has none.
static assay_status bond_read(uint64_t *out, const json_t *account, assay_error *err) {
    const json_t *bonds;
    const char *role;
    *out = 0;
    ASSAY_TRY(assay_json_array(&bonds, account, "bonds", BONDS_MAX, err));
    for (size_t i = 0; i < json_array_size(bonds); i++) {
        const json_t *bond = json_array_get(bonds, i);
        ASSAY_TRY(assay_json_text(&role, bond, "role", 32, err));
        if (strcmp(role, "provider") == 0)
            return assay_json_u64(out, bond, "effective", 0, UINT64_MAX, err);
    }
    return ASSAY_OK;
}

assay_status assay_provider_facts_fetch(assay_provider_facts *out, const assay_client *client,
                                        const assay_address *provider, uint64_t bond_multiple,
                                        assay_error *err) {
    uint64_t bond;
    json_t *answer;
    ASSAY_TRY(
        assay_client_get_id(&answer, client, "account", provider->bytes, ASSAY_ADDRESS_SIZE, err));
    assay_status status = bond_read(&bond, answer, err);
    json_decref(answer);
    ASSAY_TRY(status);
    out->cover = bond / bond_multiple;
    ASSAY_TRY(assay_client_get_id(&answer, client, "validator", provider->bytes, ASSAY_ADDRESS_SIZE,
                                  err));
    status = assay_json_u64(&out->open, answer, "exposure", 0, UINT64_MAX, err);
    if (status == ASSAY_OK)
        status = assay_json_u64(&out->height, answer, "height", 0, UINT64_MAX, err);
    json_decref(answer);
    return status;
}
