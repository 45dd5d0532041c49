// SPDX-License-Identifier: Apache-2.0
#include "node/wallet/keystore.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/keccak.h"

enum { DERIVED_SIZE = 32, UUID_TEXT = 36, ITERATIONS_MAX = 10000000, COST_MAX = 1024 };
static const uint64_t scrypt_bytes_max = (uint64_t)1 << 30;

static assay_status costs_read(assay_scrypt_costs *out, const json_t *params, assay_error *err) {
    uint64_t n, r, p;
    ASSAY_TRY(assay_json_u64(&n, params, "n", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&r, params, "r", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&p, params, "p", 0, UINT64_MAX, err));
    if (n < 2 || (n & (n - 1)) || !r || !p)
        return ASSAY_FAIL(err, RANGE, "scrypt with n %llu, r %llu, p %llu", (ull)n, (ull)r, (ull)p);
    if (r > COST_MAX || p > COST_MAX || n > scrypt_bytes_max / (128 * r) ||
        n * r * p > scrypt_bytes_max / 16)
        return ASSAY_FAIL(err, CAPACITY, "scrypt with n %llu, r %llu, p %llu passes 1 GiB or 10 s",
                          (ull)n, (ull)r, (ull)p);
    *out = (assay_scrypt_costs){n, (uint32_t)r, (uint32_t)p};
    return ASSAY_OK;
}

static assay_status key_derive(uint8_t *out, const assay_keystore *keystore, const char *password,
                               assay_error *err) {
    assay_bytes secret = {(const uint8_t *)password, strlen(password)};
    assay_bytes salt = {keystore->salt, keystore->salt_size};
    if (keystore->kdf == ASSAY_KDF_SCRYPT)
        return assay_scrypt(out, DERIVED_SIZE, secret, salt, &keystore->costs, err);
    if (PKCS5_PBKDF2_HMAC(password, (int)secret.size, salt.data, (int)salt.size,
                          (int)keystore->iterations, EVP_sha256(), DERIVED_SIZE, out) == 1)
        return ASSAY_OK;
    return ASSAY_FAIL(err, MEMORY, "libcrypto cannot run PBKDF2");
}

// AES-128-CTR is its own inverse.
static assay_status key_crypt(uint8_t *out, const uint8_t *in, const uint8_t *derived,
                              const uint8_t *iv, assay_error *err) {
    int size = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int good = context && EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), NULL, derived, iv) == 1 &&
               EVP_EncryptUpdate(context, out, &size, in, ASSAY_KEY_SIZE) == 1 &&
               size == ASSAY_KEY_SIZE;
    EVP_CIPHER_CTX_free(context);
    return good ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "libcrypto cannot run AES-128-CTR");
}

static void mac_make(assay_hash *out, const uint8_t *derived, const uint8_t *ciphertext) {
    uint8_t bytes[16 + ASSAY_KEY_SIZE];
    memcpy(bytes, derived + 16, 16);
    memcpy(bytes + 16, ciphertext, ASSAY_KEY_SIZE);
    assay_keccak256_of(out, bytes, sizeof bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
}

static void uuid_write(char *out, uint8_t *bytes) {
    char hex[33];
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); // version 4
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    assay_hex_encode(hex, bytes, 16);
    const int parts[] = {8, 4, 4, 4, 12};
    const char *from = hex;
    for (int i = 0; i < 5; i++) {
        memcpy(out, from, (size_t)parts[i]);
        out += parts[i];
        from += parts[i];
        *out++ = i < 4 ? '-' : 0;
    }
}

// The members are bare hexadecimal, as every wallet writes them.
static json_t *bare_hex(const uint8_t *data, size_t size) {
    char text[2 * ASSAY_KEYSTORE_SALT_MAX + 1];
    assay_hex_encode(text, data, size);
    return json_string(text);
}

static json_t *keystore_json(const assay_keystore *keystore, const char *uuid) {
    return json_pack(
        "{s:o,s:{s:s,s:o,s:{s:o},s:s,s:{s:i,s:I,s:I,s:I,s:o},s:o},s:s,s:i}", "address",
        bare_hex(keystore->address.bytes, ASSAY_ADDRESS_SIZE), "crypto", "cipher", "aes-128-ctr",
        "ciphertext", bare_hex(keystore->ciphertext, ASSAY_KEY_SIZE), "cipherparams", "iv",
        bare_hex(keystore->iv, sizeof keystore->iv), "kdf", "scrypt", "kdfparams", "dklen",
        DERIVED_SIZE, "n", (json_int_t)keystore->costs.n, "r", (json_int_t)keystore->costs.r, "p",
        (json_int_t)keystore->costs.p, "salt", bare_hex(keystore->salt, keystore->salt_size), "mac",
        bare_hex(keystore->mac.bytes, ASSAY_HASH_SIZE), "id", uuid, "version", 3);
}

assay_status assay_keystore_seal(json_t **out, const assay_key *key, const char *password,
                                 bool light, assay_error *err) {
    uint8_t random[32 + 16 + 16], derived[DERIVED_SIZE];
    char uuid[UUID_TEXT + 1];
    assay_keystore keystore = {
        .kdf = ASSAY_KDF_SCRYPT,
        .costs = {light ? ASSAY_SCRYPT_N_LIGHT : ASSAY_SCRYPT_N_DEFAULT, 8, 1},
        .salt_size = 32,
    };
    *out = NULL;
    ASSAY_TRY(assay_key_address(&keystore.address, key, err));
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return ASSAY_FAIL(err, IO, "the system gives no random bytes");
    memcpy(keystore.salt, random, 32);
    memcpy(keystore.iv, random + 32, 16);
    uuid_write(uuid, random + 32 + 16);
    assay_status status = key_derive(derived, &keystore, password, err);
    if (status == ASSAY_OK)
        status = key_crypt(keystore.ciphertext, key->bytes, derived, keystore.iv, err);
    if (status == ASSAY_OK) mac_make(&keystore.mac, derived, keystore.ciphertext);
    OPENSSL_cleanse(derived, sizeof derived);
    ASSAY_TRY(status);
    *out = keystore_json(&keystore, uuid);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for a keystore");
}

static assay_status word_check(const json_t *object, const char *name, const char *known,
                               assay_error *err) {
    const char *word;
    ASSAY_TRY(assay_json_text(&word, object, name, 32, err));
    if (strcmp(word, known) == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, UNSUPPORTED, "%s is \"%s\", known is %s", name, word, known);
}

static assay_status kdf_read(assay_keystore *out, const json_t *crypto, assay_error *err) {
    const char *kdf;
    const json_t *params;
    uint64_t size;
    ASSAY_TRY(assay_json_text(&kdf, crypto, "kdf", 32, err));
    ASSAY_TRY(assay_json_object(&params, crypto, "kdfparams", err));
    ASSAY_TRY(assay_json_u64(&size, params, "dklen", DERIVED_SIZE, DERIVED_SIZE, err));
    ASSAY_TRY(assay_json_bytes(out->salt, &out->salt_size, sizeof out->salt, params, "salt", err));
    if (strcmp(kdf, "scrypt") == 0) {
        out->kdf = ASSAY_KDF_SCRYPT;
        return costs_read(&out->costs, params, err);
    }
    if (strcmp(kdf, "pbkdf2") != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "kdf is \"%s\", known are scrypt and pbkdf2", kdf);
    out->kdf = ASSAY_KDF_PBKDF2;
    ASSAY_TRY(word_check(params, "prf", "hmac-sha256", err));
    ASSAY_TRY(assay_json_u64(&out->iterations, params, "c", 1, UINT64_MAX, err));
    if (out->iterations > ITERATIONS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%llu iterations of PBKDF2, limit %d",
                          (ull)out->iterations, ITERATIONS_MAX);
    return ASSAY_OK;
}

// Geth writes "crypto"; ethers and the specification's first examples write "Crypto".
static assay_status crypto_get(const json_t **out, const json_t *document, assay_error *err) {
    const char *name = json_object_get(document, "Crypto") ? "Crypto" : "crypto";
    return assay_json_object(out, document, name, err);
}

assay_status assay_keystore_parse(assay_keystore *out, const json_t *document, assay_error *err) {
    uint64_t version;
    const json_t *crypto, *params;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_u64(&version, document, "version", 0, UINT64_MAX, err));
    if (version != 3)
        return ASSAY_FAIL(err, VERSION, "keystore version %llu, known is 3", (ull)version);
    ASSAY_TRY(crypto_get(&crypto, document, err));
    ASSAY_TRY(word_check(crypto, "cipher", "aes-128-ctr", err));
    ASSAY_TRY(assay_json_hex(out->ciphertext, ASSAY_KEY_SIZE, crypto, "ciphertext", err));
    ASSAY_TRY(assay_json_object(&params, crypto, "cipherparams", err));
    ASSAY_TRY(assay_json_hex(out->iv, sizeof out->iv, params, "iv", err));
    ASSAY_TRY(assay_json_hash(&out->mac, crypto, "mac", err));
    ASSAY_TRY(kdf_read(out, crypto, err));
    out->has_address = json_object_get(document, "address") != NULL;
    return out->has_address ? assay_json_address(&out->address, document, "address", err)
                            : ASSAY_OK;
}

static assay_status key_decrypt(assay_key *key, const assay_keystore *keystore,
                                const uint8_t *derived, assay_error *err) {
    assay_hash mac;
    assay_address address;
    mac_make(&mac, derived, keystore->ciphertext);
    if (CRYPTO_memcmp(mac.bytes, keystore->mac.bytes, ASSAY_HASH_SIZE) != 0)
        return ASSAY_FAIL(err, FORBIDDEN, "wrong password for this keystore");
    ASSAY_TRY(key_crypt(key->bytes, keystore->ciphertext, derived, keystore->iv, err));
    ASSAY_TRY(assay_key_address(&address, key, err));
    // The MAC does not cover the IV: only the address tells that it was changed.
    if (keystore->has_address && !assay_address_equal(&keystore->address, &address))
        return ASSAY_FAIL(err, MISMATCH, "keystore states another address than its key's");
    return ASSAY_OK;
}

assay_status assay_keystore_open(assay_key *key, const assay_keystore *keystore,
                                 const char *password, assay_error *err) {
    uint8_t derived[DERIVED_SIZE];
    assay_status status = key_derive(derived, keystore, password, err);
    if (status == ASSAY_OK) status = key_decrypt(key, keystore, derived, err);
    OPENSSL_cleanse(derived, sizeof derived);
    if (status != ASSAY_OK) assay_key_clear(key);
    return status;
}

assay_status assay_keystore_read(assay_key *key, const char *path, const char *password_file,
                                 assay_error *err) {
    json_t *document;
    assay_keystore keystore;
    char password[ASSAY_PASSWORD_SIZE_MAX + 1];
    ASSAY_TRY(assay_json_read(&document, path, ASSAY_KEYSTORE_SIZE_MAX, err));
    assay_status status = assay_keystore_parse(&keystore, document, err);
    json_decref(document);
    ASSAY_TRY(status);
    status = assay_password_get(password, password_file, false, err);
    if (status == ASSAY_OK) status = assay_keystore_open(key, &keystore, password, err);
    OPENSSL_cleanse(password, sizeof password);
    return status;
}

assay_status assay_keystore_write(const char *path, const assay_key *key, const char *password,
                                  bool light, assay_error *err) {
    json_t *document;
    ASSAY_TRY(assay_keystore_seal(&document, key, password, light, err));
    char *text = json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    if (!text) return ASSAY_FAIL(err, MEMORY, "no memory for a keystore");
    assay_status status = assay_file_create(path, text, strlen(text), 0600, err);
    free(text);
    return status;
}
