// SPDX-License-Identifier: Apache-2.0
// Keystores from strangers (F-42): whatever is accepted has bounded costs; a cheap one is opened.
#include "base/json.h"
#include "node/wallet/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHEAP = 1 << 10 };

static void keystore_try(const json_t *document) {
    assay_keystore keystore;
    assay_key key = {{0}};
    static const assay_key none;
    if (assay_keystore_parse(&keystore, document, NULL) != ASSAY_OK) return;
    const assay_scrypt_costs *costs = &keystore.costs;
    ASSAY_ASSERT(keystore.salt_size <= sizeof keystore.salt);
    if (keystore.kdf == ASSAY_KDF_SCRYPT)
        ASSAY_ASSERT(costs->n * costs->r <= 1 << 23 && costs->n * costs->r * costs->p <= 1 << 26);
    else
        ASSAY_ASSERT(keystore.iterations >= 1 && keystore.iterations <= 10000000);
    if (costs->n * costs->r * costs->p > CHEAP || keystore.iterations > CHEAP) return;
    assay_status status = assay_keystore_open(&key, &keystore, "password", NULL);
    ASSAY_ASSERT((status == ASSAY_OK) == (memcmp(&key, &none, sizeof key) != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *document;
    if (assay_json_parse(&document, data, size, ASSAY_KEYSTORE_SIZE_MAX, "input", NULL) != ASSAY_OK)
        return 0;
    keystore_try(document);
    json_decref(document);
    return 0;
}
