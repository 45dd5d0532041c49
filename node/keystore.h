// SPDX-License-Identifier: Apache-2.0
// Ethereum keystore files, version 3 (Web3 Secret Storage): scrypt or PBKDF2, AES-128-CTR, keccak
// MAC. Any Ethereum wallet opens what we write, and the other way round.
#ifndef ASSAY_NODE_KEYSTORE_H
#define ASSAY_NODE_KEYSTORE_H

#include <jansson.h>

#include "ledger/sign.h"

enum {
    ASSAY_KEYSTORE_SIZE_MAX = 16 << 10,
    ASSAY_PASSWORD_SIZE_MAX = 1024,
    ASSAY_SCRYPT_N_DEFAULT = 1 << 17, // geth's standard; about 128 MiB and 0.3 s
    ASSAY_SCRYPT_N_LIGHT = 1 << 12,
};

// Encrypts a key. light: cheap scrypt, for testnets. Returns through out a JSON document the
// caller releases. Errors: MEMORY, IO (no randomness). Spec: F-42.
assay_status assay_keystore_seal(json_t **out, const assay_key *key, const char *password,
                                 bool light, assay_error *err);

// Decrypts a key. Errors: FORMAT, MISSING, UNSUPPORTED (kdf, cipher), VERSION, CAPACITY (scrypt
// costs over 1 GiB), FORBIDDEN (wrong password), MISMATCH (address). Spec: F-42.
assay_status assay_keystore_open(assay_key *key, const json_t *document, const char *password,
                                 assay_error *err);

// The same from and to a file. write refuses to replace one. Errors: also those of the file.
assay_status assay_keystore_read(assay_key *key, const char *path, const char *password,
                                 assay_error *err);
assay_status assay_keystore_write(const char *path, const assay_key *key, const char *password,
                                  bool light, assay_error *err);

// A password from a file (its first line), from ASSAY_PASSWORD, or by prompt, in that order; never
// from arguments. file may be NULL; confirm: the prompt asks twice. out: the caller's
// [ASSAY_PASSWORD_SIZE_MAX + 1], to be wiped. Errors: those of the file; USAGE (no terminal to ask
// on, or two different answers), CAPACITY. Spec: F-43.
assay_status assay_password_get(char *out, const char *file, bool confirm, assay_error *err);

#endif
