// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/lists.h"

// A key's oneof as plain fields: one that is there points into the frame, even when it is empty.
static bool validator_read(pb_istream_t *stream, void *item) {
    abci_ValidatorUpdate wire = {0};
    assay_abci_validator_update *out = item;
    if (!ASSAY_ABCI_DECODE(stream, abci_ValidatorUpdate, &wire)) return false;
    const abci_PublicKey *key = &wire.pub_key;
    if (key->ed25519.data && key->secp256k1.data)
        PB_RETURN_ERROR(stream, "two keys of one validator");
    *out = (assay_abci_validator_update){.power = wire.power};
    if (key->ed25519.data) {
        out->key_type = ASSAY_ABCI_ED25519;
        out->key = key->ed25519;
    } else if (key->secp256k1.data) {
        out->key_type = ASSAY_ABCI_SECP256K1;
        out->key = key->secp256k1;
    }
    return true;
}

static bool validator_write(pb_ostream_t *out, const void *item) {
    const assay_abci_validator_update *update = item;
    abci_ValidatorUpdate wire = {.has_pub_key = true, .power = update->power};
    if (update->key_type == ASSAY_ABCI_ED25519) wire.pub_key.ed25519 = update->key;
    if (update->key_type == ASSAY_ABCI_SECP256K1) wire.pub_key.secp256k1 = update->key;
    return pb_encode_submessage(out, abci_ValidatorUpdate_fields, &wire);
}

const assay_abci_list_kind assay_abci_list_validators = {.name = "validators",
                                                         .max = ASSAY_ABCI_VALIDATORS_MAX,
                                                         .size =
                                                             sizeof(assay_abci_validator_update),
                                                         .read = validator_read,
                                                         .write = validator_write};

assay_statesync_snapshot assay_abci_snapshot_of(const abci_Snapshot *wire) {
    return (assay_statesync_snapshot){wire->height, wire->format, wire->chunks, wire->hash,
                                      wire->metadata};
}

abci_Snapshot assay_abci_snapshot_wire(const assay_statesync_snapshot *snapshot) {
    return (abci_Snapshot){snapshot->height, snapshot->format, snapshot->chunks, snapshot->hash,
                           snapshot->metadata};
}
