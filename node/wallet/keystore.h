// SPDX-License-Identifier: Apache-2.0
// Ethereum keystore files, version 3 (Web3 Secret Storage): scrypt or PBKDF2, AES-128-CTR, keccak
// MAC. Any Ethereum wallet opens what we write, and the other way round.
#ifndef ASSAY_NODE_WALLET_KEYSTORE_H
#define ASSAY_NODE_WALLET_KEYSTORE_H

#include <jansson.h>

#include "ledger/tx/sign.h"
#include "node/wallet/scrypt.h"

enum {
    ASSAY_KEYSTORE_SIZE_MAX = 16 << 10,
    ASSAY_KEYSTORE_SALT_MAX = 64,
    ASSAY_PASSWORD_SIZE_MAX = 1024,
    ASSAY_SCRYPT_N_DEFAULT = 1 << 17, // geth's standard; about 128 MiB and 0.3 s
    ASSAY_SCRYPT_N_LIGHT = 1 << 12,
};

// A keystore file's content, checked. Plain data, no secret.
typedef struct {
    enum { ASSAY_KDF_SCRYPT, ASSAY_KDF_PBKDF2 } kdf;
    assay_scrypt_costs costs;
    uint64_t iterations; // of PBKDF2
    uint8_t salt[ASSAY_KEYSTORE_SALT_MAX];
    size_t salt_size;
    uint8_t iv[16];
    uint8_t ciphertext[ASSAY_KEY_SIZE];
    assay_hash mac;
    bool has_address;
    assay_address address;
} assay_keystore;

// Reads a document. Costs are bounded: 1 GiB of memory and about ten seconds, whoever wrote it.
// Errors: VERSION, UNSUPPORTED (kdf, cipher, prf), CAPACITY (costs), MISSING, FORMAT, RANGE.
// Spec: F-42.
assay_status assay_keystore_parse(assay_keystore *out, const json_t *document, assay_error *err);

// Decrypts its key. Errors: FORBIDDEN (wrong password), MISMATCH (another address than stated),
// RANGE (no valid key), MEMORY. Lives: the caller clears *key. Spec: F-42.
assay_status assay_keystore_open(assay_key *key, const assay_keystore *keystore,
                                 const char *password, assay_error *err);

// Encrypts a key. light: cheap scrypt, for testnets. Returns through out a JSON document the
// caller releases. Errors: RANGE (no valid key), MEMORY, IO (no randomness). Spec: F-42.
assay_status assay_keystore_seal(json_t **out, const assay_key *key, const char *password,
                                 bool light, assay_error *err);

// Reads a keystore file, and only then gets the password (as assay_password_get) and decrypts the
// key. Errors: those of the file, of parse, of the password, of open. Spec: F-42, F-43.
assay_status assay_keystore_read(assay_key *key, const char *path, const char *password_file,
                                 assay_error *err);

// Seals a key into a file of mode 0600, never over another. Errors: as seal; EXISTS, and those of
// the file. Spec: F-42.
assay_status assay_keystore_write(const char *path, const assay_key *key, const char *password,
                                  bool light, assay_error *err);

// A password from a file (its first line), from ASSAY_PASSWORD, or by prompt, in that order; never
// from arguments. file may be NULL; fresh: the prompt asks twice, and nothing is no password. out:
// the caller's [ASSAY_PASSWORD_SIZE_MAX + 1], to be wiped. Errors: those of the file; USAGE (no
// terminal to ask on, two different answers, or an empty one), CAPACITY. Spec: F-43.
assay_status assay_password_get(char *out, const char *file, bool fresh, assay_error *err);

// Row of a command's option table: the password's file.
#define ASSAY_PASSWORD_OPTION(file)                                                                \
    {                                                                                              \
        "password-file", ASSAY_OPTION_TEXT, &(file), "FILE",                                       \
            "its password (else ASSAY_PASSWORD, else asked)", 0, 0, false                          \
    }

#endif
