// SPDX-License-Identifier: Apache-2.0
#include "node/keystore.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/keccak.h"

enum {
    DERIVED_SIZE = 32,
    IV_SIZE = 16,
    SALT_SIZE_MAX = 64,
    UUID_TEXT = 36,
    ITERATIONS_MAX = 10000000,
};
static const uint64_t scrypt_bytes_max = (uint64_t)1 << 30;

typedef struct {
    uint64_t n, r, p;
    uint8_t salt[SALT_SIZE_MAX];
    size_t salt_size;
} scrypt_costs;

static assay_status scrypt_derive(uint8_t *out, const char *password, const scrypt_costs *costs,
                                  assay_error *err) {
    // 128·n·r bytes, and as much again for p lanes at most; checked before anything is allocated.
    if (costs->n < 2 || (costs->n & (costs->n - 1)) || !costs->r || !costs->p || costs->r > 1024 ||
        costs->p > 1024 || costs->n > scrypt_bytes_max / (128 * costs->r) ||
        costs->n * costs->r * costs->p > scrypt_bytes_max / 16)
        return ASSAY_FAIL(err, CAPACITY, "scrypt costs n %llu r %llu p %llu, limit 1 GiB",
                          (unsigned long long)costs->n, (unsigned long long)costs->r,
                          (unsigned long long)costs->p);
    if (EVP_PBE_scrypt(password, strlen(password), costs->salt, costs->salt_size, costs->n,
                       costs->r, costs->p, 2 * scrypt_bytes_max, out, DERIVED_SIZE) != 1)
        return ASSAY_FAIL(err, MEMORY, "scrypt with n %llu needs memory",
                          (unsigned long long)costs->n);
    return ASSAY_OK;
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
    char text[2 * SALT_SIZE_MAX + 1];
    assay_hex_encode(text, data, size);
    return json_string(text);
}

assay_status assay_keystore_seal(json_t **out, const assay_key *key, const char *password,
                                 bool light, assay_error *err) {
    uint8_t random[32 + IV_SIZE + 16], derived[DERIVED_SIZE], ciphertext[ASSAY_KEY_SIZE];
    char uuid[UUID_TEXT + 1];
    assay_address address;
    assay_hash mac;
    *out = NULL;
    ASSAY_TRY(assay_key_address(&address, key, err));
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return ASSAY_FAIL(err, IO, "the system gives no random bytes");
    scrypt_costs costs = {light ? ASSAY_SCRYPT_N_LIGHT : ASSAY_SCRYPT_N_DEFAULT, 8, 1, {0}, 32};
    memcpy(costs.salt, random, 32);
    const uint8_t *iv = random + 32;
    ASSAY_TRY(scrypt_derive(derived, password, &costs, err));
    assay_status status = key_crypt(ciphertext, key->bytes, derived, iv, err);
    mac_make(&mac, derived, ciphertext);
    OPENSSL_cleanse(derived, sizeof derived);
    ASSAY_TRY(status);
    uuid_write(uuid, random + 32 + IV_SIZE);
    *out = json_pack("{s:o,s:{s:s,s:o,s:{s:o},s:s,s:{s:i,s:I,s:i,s:i,s:o},s:o},s:s,s:i}", "address",
                     bare_hex(address.bytes, sizeof address.bytes), "crypto", "cipher",
                     "aes-128-ctr", "ciphertext", bare_hex(ciphertext, sizeof ciphertext),
                     "cipherparams", "iv", bare_hex(iv, IV_SIZE), "kdf", "scrypt", "kdfparams",
                     "dklen", DERIVED_SIZE, "n", (json_int_t)costs.n, "r", (int)costs.r, "p",
                     (int)costs.p, "salt", bare_hex(costs.salt, costs.salt_size), "mac",
                     bare_hex(mac.bytes, sizeof mac.bytes), "id", uuid, "version", 3);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for a keystore");
}

static assay_status salt_get(uint8_t *salt, size_t *size, const json_t *params, assay_error *err) {
    const char *text;
    ASSAY_TRY(assay_json_text(&text, params, "salt", 2 * SALT_SIZE_MAX + 2, err));
    *size = strlen(text) / 2 - (text[0] == '0' && text[1] == 'x');
    return assay_hex_decode(salt, *size, text, err);
}

static assay_status key_derive(uint8_t *derived, const json_t *crypto, const char *password,
                               assay_error *err) {
    const char *kdf, *prf;
    const json_t *params;
    uint64_t size, count;
    scrypt_costs costs = {0};
    ASSAY_TRY(assay_json_text(&kdf, crypto, "kdf", 16, err));
    ASSAY_TRY(assay_json_object(&params, crypto, "kdfparams", err));
    ASSAY_TRY(assay_json_u64(&size, params, "dklen", DERIVED_SIZE, DERIVED_SIZE, err));
    ASSAY_TRY(salt_get(costs.salt, &costs.salt_size, params, err));
    if (strcmp(kdf, "scrypt") == 0) {
        ASSAY_TRY(assay_json_u64(&costs.n, params, "n", 2, UINT32_MAX, err));
        ASSAY_TRY(assay_json_u64(&costs.r, params, "r", 1, UINT32_MAX, err));
        ASSAY_TRY(assay_json_u64(&costs.p, params, "p", 1, UINT32_MAX, err));
        return scrypt_derive(derived, password, &costs, err);
    }
    if (strcmp(kdf, "pbkdf2") != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "kdf is \"%.16s\", known are scrypt and pbkdf2", kdf);
    ASSAY_TRY(assay_json_u64(&count, params, "c", 1, ITERATIONS_MAX, err));
    ASSAY_TRY(assay_json_text(&prf, params, "prf", 16, err));
    if (strcmp(prf, "hmac-sha256") != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "prf is \"%.16s\", known is hmac-sha256", prf);
    if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), costs.salt, (int)costs.salt_size,
                          (int)count, EVP_sha256(), DERIVED_SIZE, derived) != 1)
        return ASSAY_FAIL(err, MEMORY, "libcrypto cannot run PBKDF2");
    return ASSAY_OK;
}

static assay_status key_decrypt(assay_key *key, const json_t *crypto, const uint8_t *derived,
                                assay_error *err) {
    const char *cipher;
    const json_t *params;
    uint8_t ciphertext[ASSAY_KEY_SIZE], iv[IV_SIZE];
    assay_hash mac, expected;
    ASSAY_TRY(assay_json_text(&cipher, crypto, "cipher", 16, err));
    if (strcmp(cipher, "aes-128-ctr") != 0)
        return ASSAY_FAIL(err, UNSUPPORTED, "cipher is \"%.16s\", known is aes-128-ctr", cipher);
    ASSAY_TRY(assay_json_hex(ciphertext, sizeof ciphertext, crypto, "ciphertext", err));
    ASSAY_TRY(assay_json_object(&params, crypto, "cipherparams", err));
    ASSAY_TRY(assay_json_hex(iv, sizeof iv, params, "iv", err));
    ASSAY_TRY(assay_json_hash(&mac, crypto, "mac", err));
    mac_make(&expected, derived, ciphertext);
    if (CRYPTO_memcmp(mac.bytes, expected.bytes, sizeof mac.bytes) != 0)
        return ASSAY_FAIL(err, FORBIDDEN, "wrong password for this keystore");
    return key_crypt(key->bytes, ciphertext, derived, iv, err);
}

// Geth writes "crypto"; older wallets and the specification's examples write "Crypto".
static assay_status crypto_get(const json_t **out, const json_t *document, assay_error *err) {
    const char *name = json_object_get(document, "Crypto") ? "Crypto" : "crypto";
    return assay_json_object(out, document, name, err);
}

assay_status assay_keystore_open(assay_key *key, const json_t *document, const char *password,
                                 assay_error *err) {
    uint64_t version;
    const json_t *crypto;
    uint8_t derived[DERIVED_SIZE];
    assay_address address, stated;
    ASSAY_TRY(assay_json_u64(&version, document, "version", 0, UINT32_MAX, err));
    if (version != 3)
        return ASSAY_FAIL(err, VERSION, "keystore version %llu, known is 3",
                          (unsigned long long)version);
    ASSAY_TRY(crypto_get(&crypto, document, err));
    assay_status status = key_derive(derived, crypto, password, err);
    if (status == ASSAY_OK) status = key_decrypt(key, crypto, derived, err);
    OPENSSL_cleanse(derived, sizeof derived);
    if (status == ASSAY_OK) status = assay_key_address(&address, key, err);
    if (status == ASSAY_OK && json_object_get(document, "address")) {
        status = assay_json_address(&stated, document, "address", err);
        if (status == ASSAY_OK && !assay_address_equal(&stated, &address))
            status = ASSAY_FAIL(err, MISMATCH, "keystore states another address than its key's");
    }
    if (status != ASSAY_OK) assay_key_clear(key);
    return status;
}

assay_status assay_keystore_read(assay_key *key, const char *path, const char *password,
                                 assay_error *err) {
    json_t *document;
    ASSAY_TRY(assay_json_read(&document, path, ASSAY_KEYSTORE_SIZE_MAX, err));
    assay_status status = assay_keystore_open(key, document, password, err);
    json_decref(document);
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
