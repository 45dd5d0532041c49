// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/sign.h"

#include <errno.h>
#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sys/random.h>

#include "base/keccak.h"
#include "ledger/tx/reject.h"

enum { SCALAR_SIZE = 32, V_BASE = 27, POINT_SIZE = 65 };

// Half of the group order, rounded down: the largest s that is accepted (P-4).
static const uint8_t s_max[SCALAR_SIZE] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

static secp256k1_context *context;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

// Blinding is a defence against side channels only: without entropy the signatures are the same.
static void context_make(void) {
    uint8_t seed[32];
    context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    ASSAY_ASSERT(context);
    if (getrandom(seed, sizeof seed, 0) == (ssize_t)sizeof seed)
        ASSAY_ASSERT(secp256k1_context_randomize(context, seed) == 1);
    explicit_bzero(seed, sizeof seed);
}

static const secp256k1_context *context_get(void) {
    pthread_once(&context_once, context_make);
    return context;
}

void assay_key_clear(assay_key *key) {
    explicit_bzero(key, sizeof *key);
}

assay_status assay_key_make(assay_key *out, assay_error *err) {
    do {
        if (getrandom(out->bytes, sizeof out->bytes, 0) != (ssize_t)sizeof out->bytes)
            return assay_fail_errno(err, errno, "a new key");
    } while (!secp256k1_ec_seckey_verify(context_get(), out->bytes));
    return ASSAY_OK;
}

static assay_status key_refused(assay_error *err) {
    return ASSAY_FAIL(err, RANGE, "a secret key is 0 or not below the group order");
}

static void point_address(assay_address *out, const secp256k1_pubkey *point) {
    uint8_t bytes[POINT_SIZE];
    size_t size = sizeof bytes;
    secp256k1_ec_pubkey_serialize(context_get(), bytes, &size, point, SECP256K1_EC_UNCOMPRESSED);
    assay_hash hash;
    assay_keccak256_of(&hash, bytes + 1, sizeof bytes - 1);
    memcpy(out->bytes, hash.bytes + ASSAY_HASH_SIZE - ASSAY_ADDRESS_SIZE, ASSAY_ADDRESS_SIZE);
}

assay_status assay_key_address(assay_address *out, const assay_key *key, assay_error *err) {
    secp256k1_pubkey point;
    if (!secp256k1_ec_pubkey_create(context_get(), &point, key->bytes)) return key_refused(err);
    point_address(out, &point);
    return ASSAY_OK;
}

assay_status assay_key_sign(assay_signature *out, const assay_key *key, const assay_hash *digest,
                            assay_error *err) {
    secp256k1_ecdsa_recoverable_signature signature;
    int id;
    if (!secp256k1_ecdsa_sign_recoverable(context_get(), &signature, digest->bytes, key->bytes,
                                          NULL, NULL))
        return key_refused(err);
    secp256k1_ecdsa_recoverable_signature_serialize_compact(context_get(), out->bytes, &id,
                                                            &signature);
    // Ids 2 and 3 need an r within 2^-127 of the whole range: nobody has ever seen one.
    ASSAY_ASSERT(id < 2);
    out->bytes[2 * SCALAR_SIZE] = (uint8_t)(V_BASE + id);
    return ASSAY_OK;
}

assay_status assay_signature_recover(assay_address *out, const assay_signature *signature,
                                     const assay_hash *digest, assay_error *err) {
    uint8_t v = signature->bytes[2 * SCALAR_SIZE];
    if (v != V_BASE && v != V_BASE + 1)
        return ASSAY_REJECT(err, SIGNATURE_FORM, "v is %u, must be 27 or 28", v);
    if (memcmp(signature->bytes + SCALAR_SIZE, s_max, SCALAR_SIZE) > 0)
        return ASSAY_REJECT(err, SIGNATURE_FORM, "s is over half of the group order");
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey point;
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(context_get(), &parsed,
                                                             signature->bytes, v - V_BASE))
        return ASSAY_REJECT(err, SIGNATURE_FORM, "r is not below the group order");
    if (!secp256k1_ecdsa_recover(context_get(), &point, &parsed, digest->bytes))
        return ASSAY_REJECT(err, SIGNATURE_FORM, "no public key has this signature");
    point_address(out, &point);
    return ASSAY_OK;
}

assay_status assay_signature_check(const assay_signature *signature, const assay_hash *digest,
                                   const assay_address *signer, assay_error *err) {
    assay_address found;
    ASSAY_TRY(assay_signature_recover(&found, signature, digest, err));
    if (!assay_address_equal(&found, signer))
        return ASSAY_REJECT(err, SIGNATURE_SIGNER,
                            "signed by 0x%02x%02x%02x%02x..., named signer 0x%02x%02x%02x%02x...",
                            found.bytes[0], found.bytes[1], found.bytes[2], found.bytes[3],
                            signer->bytes[0], signer->bytes[1], signer->bytes[2], signer->bytes[3]);
    return ASSAY_OK;
}
