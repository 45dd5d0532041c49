// SPDX-License-Identifier: Apache-2.0
#include "node/provider/payable.h"

#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "node/error_json.h"
#include "node/log.h"

enum { DOUBT = 8 }; // so much sooner a refusal is asked about again: a declaration may end it

static const assay_hash no_adapter;

static const assay_hash *row_root(const assay_workshop *shop, uint32_t row) {
    return row ? &shop->adapters[row - 1].root : &shop->model.root;
}

assay_status assay_payable_fetch(assay_payable_row *out, const assay_client *client,
                                 const assay_workshop *shop, uint32_t row,
                                 const assay_address *provider, assay_error *err) {
    char address[ASSAY_HEX_HASH_MAX], model[ASSAY_HEX_HASH_MAX], adapter[ASSAY_HEX_HASH_MAX];
    json_t *answer = NULL;
    *out = (assay_payable_row){.asked_ms = assay_clock_ms()};
    assay_hex_encode_0x(address, provider->bytes, ASSAY_ADDRESS_SIZE);
    assay_hex_encode_0x(model, shop->model.root.bytes, ASSAY_HASH_SIZE);
    assay_hex_encode_0x(adapter, (row ? row_root(shop, row) : &no_adapter)->bytes, ASSAY_HASH_SIZE);
    assay_status status = assay_client_get(&answer, client, &out->refusal, "payable/%s/%s/%s",
                                           address, model, adapter);
    json_decref(answer);
    return status == ASSAY_OK || status == ASSAY_REJECTED ? ASSAY_OK
                                                          : assay_error_pass(err, &out->refusal);
}

bool assay_payable_note(assay_payable *payable, uint32_t row, const assay_payable_row *answer) {
    uint32_t before = payable->rows[row].refusal.reject;
    if (answer->asked_ms < payable->rows[row].asked_ms) return false;
    payable->rows[row] = *answer;
    // The amounts in the sentence change with every bond.
    return before != answer->refusal.reject;
}

void assay_payable_tell(const assay_workshop *shop, uint32_t row, const assay_payable_row *answer) {
    const assay_error *refusal = &answer->refusal;
    char root[ASSAY_HEX_HASH_MAX];
    const char *what = row ? "adapter" : "model";
    assay_hex_encode_0x(root, row_root(shop, row)->bytes, ASSAY_HASH_SIZE);
    if (refusal->reject)
        assay_log(ASSAY_LOG_WARN, "not_payable",
                  json_pack("{s:s,s:o}", what, root, "error", assay_error_to_json(refusal, NULL)),
                  "requests for %s %s are refused, the chain would not pay, error %u: %s", what,
                  root, (unsigned)assay_error_code(refusal), refusal->text);
    else
        assay_log(ASSAY_LOG_INFO, "payable", json_pack("{s:s}", what, root),
                  "requests for %s %s are answered: the chain pays for them", what, root);
}

uint32_t assay_payable_row_of(const assay_workshop *shop, const assay_hash *adapter) {
    uint32_t row = 0;
    if (assay_hash_is_zero(adapter)) return 0;
    while (row < shop->adapter_count && !assay_hash_equal(&shop->adapters[row].root, adapter))
        row++;
    ASSAY_ASSERT(row < shop->adapter_count);
    return 1 + row;
}

bool assay_payable_known(const assay_payable *payable, uint32_t row, uint64_t age_ms) {
    const assay_payable_row *known = &payable->rows[row];
    if (known->refusal.reject) age_ms /= DOUBT;
    return known->asked_ms && assay_clock_ms() - known->asked_ms < age_ms;
}
