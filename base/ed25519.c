// SPDX-License-Identifier: Apache-2.0
#include "base/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/sha256.h"

enum { SMALL = 1 << 20 }; // a key derivation's fields are larger, and its caller's error

static void *kept(void *memory, size_t size) {
    static const char why[] = "assay: no memory for libcrypto\n";
    if (memory || !size || size > SMALL) return memory;
    ssize_t written = write(STDERR_FILENO, why, sizeof why - 1);
    (void)written;
    abort();
}

static void *allocate(size_t size, const char *file, int line) {
    return kept(malloc(size), size);
}

static void *reallocate(void *memory, size_t size, const char *file, int line) {
    return kept(realloc(memory, size), size);
}

static void release(void *memory, const char *file, int line) {
    free(memory);
}

// Where a library has used libcrypto before main(), its own stay: no reason not to start.
void assay_ed25519_start(void) {
    (void)CRYPTO_set_mem_functions(allocate, reallocate, release);
}

assay_status assay_ed25519_public(uint8_t *public_key, const uint8_t *seed, assay_error *err) {
    size_t size = ASSAY_ED25519_KEY_SIZE;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, size);
    int good = key && EVP_PKEY_get_raw_public_key(key, public_key, &size) == 1;
    EVP_PKEY_free(key);
    return good ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "libcrypto cannot make an ed25519 key");
}

assay_status assay_ed25519_sign(uint8_t *signature, const uint8_t *seed, const void *message,
                                size_t size, assay_error *err) {
    size_t written = ASSAY_ED25519_SIGNATURE_SIZE;
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ASSAY_ED25519_KEY_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(context, signature, &written, message, size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "libcrypto cannot sign with ed25519");
}

assay_status assay_ed25519_check(const uint8_t *public_key, const uint8_t *signature,
                                 const void *message, size_t size, assay_error *err) {
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, ASSAY_ED25519_KEY_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    // Any 32 bytes are taken for a key here: what fails before the check says nothing of it.
    bool able = key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1;
    bool good = able && EVP_DigestVerify(context, signature, ASSAY_ED25519_SIGNATURE_SIZE, message,
                                         size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    if (!able) return ASSAY_FAIL(err, MEMORY, "libcrypto cannot check an ed25519 signature");
    return good ? ASSAY_OK : ASSAY_FAIL(err, SIGNATURE, "ed25519 signature does not verify");
}

void assay_ed25519_address(assay_address *out, const uint8_t *public_key) {
    assay_hash hash;
    assay_sha256_of(&hash, public_key, ASSAY_ED25519_KEY_SIZE);
    memcpy(out->bytes, hash.bytes, ASSAY_ADDRESS_SIZE);
}
