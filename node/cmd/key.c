// SPDX-License-Identifier: Apache-2.0
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "node/cmd/commands.h"
#include "node/wallet/keystore.h"

enum { SECRET_FILE_MAX = 256 };

static int address_print(const assay_invocation *invocation, const assay_key *key,
                         const char *path) {
    assay_address address;
    assay_error err = {0};
    char text[ASSAY_HEX_HASH_MAX];
    if (assay_key_address(&address, key, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    if (invocation->json)
        return assay_command_print(
            json_pack("{s:o,s:s}", "address", assay_json_from_address(&address), "file", path));
    assay_hex_encode_0x(text, address.bytes, ASSAY_ADDRESS_SIZE);
    printf("%s\n", text);
    return ASSAY_EXIT_OK;
}

// Asks for a new password and writes the keystore.
static int key_store(const assay_invocation *invocation, assay_key *key, const char *path,
                     const char *password_file, bool light) {
    char password[ASSAY_PASSWORD_SIZE_MAX + 1];
    assay_error err = {0};
    assay_status status = access(path, F_OK) == 0
                              ? ASSAY_FAIL(&err, EXISTS, "%s is there already", path)
                              : assay_password_get(password, password_file, true, &err);
    if (status == ASSAY_OK) status = assay_keystore_write(path, key, password, light, &err);
    OPENSSL_cleanse(password, sizeof password);
    int code = status == ASSAY_OK ? address_print(invocation, key, path)
                                  : assay_command_fail(invocation, &err, NULL);
    assay_key_clear(key);
    return code;
}

// The secret as hexadecimal in a file; never as an argument, which others can see.
static assay_status secret_read(assay_key *key, const char *path, assay_error *err) {
    uint8_t *data;
    size_t size;
    ASSAY_TRY(assay_file_read(path, SECRET_FILE_MAX, &data, &size, err));
    data[strcspn((char *)data, "\r\n")] = 0;
    assay_status status =
        assay_fail_in(err, assay_hex_decode(key->bytes, ASSAY_KEY_SIZE, (char *)data, err), path);
    OPENSSL_cleanse(data, size);
    free(data);
    if (status != ASSAY_OK) assay_key_clear(key);
    return status;
}

int assay_cmd_key_make(assay_invocation *invocation) {
    const char *out = NULL, *password_file = NULL, *secret = NULL;
    bool light = false;
    const assay_option table[] = {
        {"out", ASSAY_OPTION_TEXT, &out, "FILE", "keystore to write; never over another", 0, 0,
         true},
        ASSAY_PASSWORD_OPTION(password_file),
        {"secret-file", ASSAY_OPTION_TEXT, &secret, "FILE",
         "take this secret (64 hexadecimal digits) instead of a fresh one", 0, 0, false},
        {"light", ASSAY_OPTION_FLAG, &light, NULL, "cheap scrypt, for testnets only", 0, 0, false},
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Writes an Ethereum keystore (version 3) and prints its address.",
                             &code))
        return code;
    assay_key key = {{0}};
    assay_error err = {0};
    assay_status status = secret ? secret_read(&key, secret, &err) : assay_key_make(&key, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    return key_store(invocation, &key, out, password_file, light);
}

int assay_cmd_key_show(assay_invocation *invocation) {
    const char *file = NULL, *password_file = NULL;
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &file, "FILE", "keystore", 0, 0, true},
        ASSAY_PASSWORD_OPTION(password_file),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Opens a keystore, checks the password, and prints the address.",
                             &code))
        return code;
    assay_key key = {{0}};
    assay_error err = {0};
    assay_status status = assay_keystore_read(&key, file, password_file, &err);
    code = status == ASSAY_OK ? address_print(invocation, &key, file)
                              : assay_command_fail(invocation, &err, NULL);
    assay_key_clear(&key);
    return code;
}
