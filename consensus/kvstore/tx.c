// SPDX-License-Identifier: Apache-2.0
#include "consensus/kvstore/tx.h"

#include "base/base64.h"

static const char validator_prefix[] = "val=";

static bool text_is(assay_bytes bytes, const char *text) {
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static size_t byte_count(assay_bytes bytes, uint8_t byte) {
    size_t count = 0;
    for (size_t i = 0; i < bytes.size; i++)
        count += bytes.data[i] == byte;
    return count;
}

// What stands before `byte`; the rest stays, without it.
static assay_bytes part_take(assay_bytes *rest, uint8_t byte) {
    const uint8_t *found = rest->size ? memchr(rest->data, byte, rest->size) : NULL;
    assay_bytes part = *rest;
    if (found) part.size = (size_t)(found - rest->data);
    size_t taken = part.size + (found ? 1 : 0);
    *rest = (assay_bytes){rest->data + taken, rest->size - taken};
    return part;
}

static bool key_read(assay_kvstore_validator *out, assay_bytes text) {
    size_t size;
    return assay_base64_decode(out->key, &size, out->key_size, (const char *)text.data, text.size,
                               NULL) == ASSAY_OK &&
           size == out->key_size;
}

static bool power_read(int64_t *out, assay_bytes text) {
    *out = 0;
    if (text.size == 0) return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte < '0' || byte > '9') return false;
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, byte - '0', out))
            return false;
    }
    return true;
}

static bool validator_read(assay_kvstore_validator *out, assay_bytes tx) {
    assay_bytes rest = {tx.data + sizeof validator_prefix - 1,
                        tx.size - (sizeof validator_prefix - 1)};
    if (byte_count(rest, '!') != 2) return false;
    assay_bytes type = part_take(&rest, '!');
    assay_bytes key = part_take(&rest, '!');
    if (text_is(type, "") || text_is(type, "ed25519")) {
        out->key_type = ASSAY_ABCI_ED25519;
        out->key_size = 32;
    } else if (text_is(type, "secp256k1")) {
        out->key_type = ASSAY_ABCI_SECP256K1;
        out->key_size = 33;
    } else {
        return false;
    }
    return key_read(out, key) && power_read(&out->power, rest);
}

assay_kvstore_form assay_kvstore_tx_read(assay_bytes tx, assay_kvstore_validator *out) {
    assay_kvstore_validator validator;
    if (tx.size == 0) return ASSAY_KVSTORE_INVALID;
    if (tx.size >= sizeof validator_prefix - 1 &&
        memcmp(tx.data, validator_prefix, sizeof validator_prefix - 1) == 0)
        return validator_read(out ? out : &validator, tx) ? ASSAY_KVSTORE_VALIDATOR
                                                          : ASSAY_KVSTORE_INVALID;
    size_t colons = byte_count(tx, ':'), equals = byte_count(tx, '=');
    if (colons + equals != 1) return ASSAY_KVSTORE_INVALID;
    uint8_t middle = colons ? ':' : '=';
    if (tx.data[0] == middle || tx.data[tx.size - 1] == middle) return ASSAY_KVSTORE_INVALID;
    return colons ? ASSAY_KVSTORE_COLON : ASSAY_KVSTORE_PAIR;
}

void assay_kvstore_tx_split(assay_bytes tx, assay_bytes *key, assay_bytes *value) {
    *key = *value = tx;
    if (byte_count(tx, '=') != 1) return;
    *key = part_take(value, '=');
}
