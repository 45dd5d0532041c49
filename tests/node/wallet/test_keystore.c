// SPDX-License-Identifier: Apache-2.0
// Keystores (F-42): those of ethers (tests/vectors/keystore.json), the Web3 Secret Storage
// definition's two examples, our own, and damaged ones. Passwords (F-43).

#include "tests/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "node/wallet/keystore.h"
#include "tests/folder.h"

static char folder[] = "/tmp/assay-keystore-XXXXXX";

// ethereum.org, Web3 Secret Storage definition: password "testpassword", and the secret.
static const char web3_secret[] =
    "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
static const char web3_pbkdf2[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"6087dab2f9fdbbfaddc31a909735c1e6\"},\"ciphertext\":"
    "\"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46\",\"kdf\":\"pbkdf2\","
    "\"kdfparams\":{\"c\":262144,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":"
    "\"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd\"},\"mac\":"
    "\"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2\"},"
    "\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";
static const char web3_scrypt[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"83dbcc02d8ccb40e466191a123791e0e\"},\"ciphertext\":"
    "\"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c\",\"kdf\":\"scrypt\","
    "\"kdfparams\":{\"dklen\":32,\"n\":262144,\"p\":8,\"r\":1,\"salt\":"
    "\"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19\"},\"mac\":"
    "\"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097\"},"
    "\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";

static assay_status open_json(assay_key *key, const json_t *document, const char *password,
                              assay_error *err) {
    assay_keystore keystore;
    assay_status status = assay_keystore_parse(&keystore, document, err);
    return status == ASSAY_OK ? assay_keystore_open(key, &keystore, password, err) : status;
}

// dear: opens but once.
static void assert_opens(const json_t *document, const char *password, const char *secret,
                         bool dear) {
    assay_key key, expected;
    assay_error err = {0};
    assert_int_equal(assay_hex_decode(expected.bytes, ASSAY_KEY_SIZE, secret, NULL), ASSAY_OK);
    if (open_json(&key, document, password, &err) != ASSAY_OK) fail_msg("%s", err.text);
    assert_memory_equal(key.bytes, expected.bytes, ASSAY_KEY_SIZE);
    if (dear) return;
    // Refused, and nothing of the key left behind.
    assay_key none = {{0}};
    assert_int_equal(open_json(&key, document, "not it", &err), ASSAY_FORBIDDEN);
    assert_memory_equal(key.bytes, none.bytes, ASSAY_KEY_SIZE);
}

static json_t *json_of(const char *text) {
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    return document;
}

static void ethers_wrote_these(void **state) {
    json_t *vectors, *entry;
    size_t i;
    assert_int_equal(assay_json_read_many(&vectors, ASSAY_SOURCE_DIR "/tests/vectors/keystore.json",
                                          1 << 20, SIZE_MAX, NULL),
                     ASSAY_OK);
    json_t *list = json_object_get(vectors, "keystores");
    assert_true(json_array_size(list) >= 5);
    json_array_foreach(list, i, entry) {
        json_t *document = json_object_get(entry, "keystore");
        assert_opens(document, json_string_value(json_object_get(entry, "password")),
                     json_string_value(json_object_get(entry, "key")), i > 1);
        // Geth writes the member in lower case.
        json_object_set(document, "crypto", json_object_get(document, "Crypto"));
        json_object_del(document, "Crypto");
        if (i == 0)
            assert_opens(document, json_string_value(json_object_get(entry, "password")),
                         json_string_value(json_object_get(entry, "key")), true);
    }
    json_decref(vectors);
}

static void the_definition_has_these(void **state) {
    json_t *document = json_of(web3_pbkdf2);
    assert_opens(document, "testpassword", web3_secret, true);
    json_decref(document);
    document = json_of(web3_scrypt);
    assert_opens(document, "testpassword", web3_secret, true);
    json_decref(document);
}

static void ours_open_again(void **state) {
    static const char *const passwords[] = {"", "x", "pa\xc3\x9fwort"};
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        struct stat info;
        assay_key key, back;
        assay_error err = {0};
        snprintf(path, sizeof path, "%s/key", folder);
        assert_int_equal(assay_key_make(&key, NULL), ASSAY_OK);
        assert_int_equal(assay_keystore_write(path, &key, passwords[i], true, NULL), ASSAY_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        assert_int_equal(setenv("ASSAY_PASSWORD", passwords[i], 1), 0);
        assert_int_equal(assay_keystore_read(&back, path, NULL, NULL), ASSAY_OK);
        assert_memory_equal(key.bytes, back.bytes, ASSAY_KEY_SIZE);
        assert_int_equal(setenv("ASSAY_PASSWORD", "other", 1), 0);
        assert_int_equal(assay_keystore_read(&back, path, NULL, NULL), ASSAY_FORBIDDEN);
        assert_int_equal(assay_keystore_write(path, &key, "y", true, &err), ASSAY_EXISTS);
        assert_int_equal(unlink(path), 0);
        // A file that is not there is told before anybody is asked for anything.
        assert_int_equal(assay_keystore_read(&back, path, "no-such-file", &err), ASSAY_NOT_FOUND);
        assert_non_null(strstr(err.text, path));
    }
    assert_int_equal(unsetenv("ASSAY_PASSWORD"), 0);
}

static void ours_have_the_common_form(void **state) {
    assay_key key;
    json_t *document, *again;
    assert_int_equal(assay_key_make(&key, NULL), ASSAY_OK);
    assert_int_equal(assay_keystore_seal(&document, &key, "p", true, NULL), ASSAY_OK);
    assert_int_equal(assay_keystore_seal(&again, &key, "p", true, NULL), ASSAY_OK);
    const char *id = json_string_value(json_object_get(document, "id"));
    assert_int_equal(strlen(id), 36);
    assert_true(id[8] == '-' && id[13] == '-' && id[14] == '4' && id[18] == '-' && id[23] == '-');
    assert_int_equal(strlen(json_string_value(json_object_get(document, "address"))), 40);
    assert_int_equal(json_integer_value(json_object_get(document, "version")), 3);
    // Salt, IV and id are fresh each time.
    assert_string_not_equal(id, json_string_value(json_object_get(again, "id")));
    assert_false(json_equal(json_object_get(document, "crypto"), json_object_get(again, "crypto")));
    json_decref(document);
    json_decref(again);
    memset(&key, 0, sizeof key); // no key at all
    assert_int_equal(assay_keystore_seal(&document, &key, "p", true, NULL), ASSAY_RANGE);
    assert_null(document);
}

// Every hexadecimal digit and number that the key depends on, changed by itself.
static void a_flipped_bit_is_told(void **state) {
    assay_key key;
    json_t *document;
    unsigned refused = 0;
    assert_int_equal(assay_hex_decode(key.bytes, ASSAY_KEY_SIZE, web3_secret, NULL), ASSAY_OK);
    assert_int_equal(assay_keystore_seal(&document, &key, "p", true, NULL), ASSAY_OK);
    json_t *crypto = json_object_get(document, "crypto");
    json_t *members[] = {json_object_get(crypto, "ciphertext"), json_object_get(crypto, "mac"),
                         json_object_get(json_object_get(crypto, "cipherparams"), "iv"),
                         json_object_get(json_object_get(crypto, "kdfparams"), "salt"),
                         json_object_get(document, "address")};
    for (size_t m = 0; m < 5; m++)
        for (size_t i = 0; i < json_string_length(members[m]); i += 7) {
            char text[80];
            assay_key opened;
            snprintf(text, sizeof text, "%s", json_string_value(members[m]));
            char *digit = &text[i], was = *digit;
            *digit = was == '0' ? '1' : '0';
            json_string_set(members[m], text);
            assay_status status = open_json(&opened, document, "p", NULL);
            if (status != ASSAY_FORBIDDEN && status != ASSAY_MISMATCH)
                fail_msg("member %zu, digit %zu: %s", m, i, assay_status_name(status));
            refused++;
            *digit = was;
            json_string_set(members[m], text);
        }
    assert_true(refused > 30);
    assert_int_equal(open_json(&key, document, "p", NULL), ASSAY_OK);
    json_decref(document);
}

static void change(json_t *document, const char *where, const char *value) {
    char path[64];
    json_t *at = document;
    snprintf(path, sizeof path, "%s", where);
    for (char *part = path, *dot; (dot = strchr(part, '.')); part = dot + 1) {
        *dot = 0;
        at = json_object_get(at, part);
    }
    const char *last = strrchr(where, '.') ? strrchr(where, '.') + 1 : where;
    if (value)
        json_object_set_new(at, last, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(at, last);
}

static void bad_documents_are_refused(void **state) {
    static const struct {
        const char *where, *value;
        assay_status status;
    } cases[] = {
        {"version", "1", ASSAY_VERSION},
        {"version", "4", ASSAY_VERSION},
        {"version", "\"three\"", ASSAY_FORMAT},
        {"version", NULL, ASSAY_MISSING},
        {"crypto", NULL, ASSAY_MISSING},
        {"crypto", "[]", ASSAY_FORMAT},
        {"crypto.cipher", "\"aes-256-ctr\"", ASSAY_UNSUPPORTED},
        {"crypto.cipher", NULL, ASSAY_MISSING},
        {"crypto.ciphertext", "\"00\"", ASSAY_FORMAT},
        {"crypto.ciphertext", "\"zz\"", ASSAY_FORMAT},
        {"crypto.cipherparams.iv", "\"0011\"", ASSAY_FORMAT},
        {"crypto.mac", "7", ASSAY_FORMAT},
        {"crypto.kdf", "\"argon2id\"", ASSAY_UNSUPPORTED},
        {"crypto.kdfparams", NULL, ASSAY_MISSING},
        {"crypto.kdfparams.dklen", "64", ASSAY_RANGE},
        {"crypto.kdfparams.dklen", "16", ASSAY_RANGE},
        {"crypto.kdfparams.salt", "\"0\"", ASSAY_FORMAT},
        {"address", "\"00\"", ASSAY_FORMAT},
        {"address", "\"00000000000000000000000000000000000000aa\"", ASSAY_MISMATCH},
        // Costs that would take the machine's memory or the day.
        {"crypto.kdfparams.n", "4294967296", ASSAY_CAPACITY},
        {"crypto.kdfparams.n", "\"9223372036854775808\"", ASSAY_CAPACITY},
        {"crypto.kdfparams.n", "1000", ASSAY_RANGE},
        {"crypto.kdfparams.n", "0", ASSAY_RANGE},
        {"crypto.kdfparams.n", "-2", ASSAY_FORMAT},
        {"crypto.kdfparams.r", "4294967295", ASSAY_CAPACITY},
        {"crypto.kdfparams.r", "0", ASSAY_RANGE},
        {"crypto.kdfparams.p", "1000000", ASSAY_CAPACITY},
        {"crypto.kdfparams.p", "\"18446744073709551615\"", ASSAY_CAPACITY},
    };
    assay_key key;
    json_t *document;
    assert_int_equal(assay_hex_decode(key.bytes, ASSAY_KEY_SIZE, web3_secret, NULL), ASSAY_OK);
    assert_int_equal(assay_keystore_seal(&document, &key, "p", true, NULL), ASSAY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_key opened;
        json_t *copy = json_deep_copy(document);
        change(copy, cases[i].where, cases[i].value);
        assay_status status = open_json(&opened, copy, "p", NULL);
        if (status != cases[i].status)
            fail_msg("%s = %s: %s", cases[i].where, cases[i].value, assay_status_name(status));
        json_decref(copy);
    }
    json_decref(document);
    document = json_of(web3_pbkdf2);
    change(document, "crypto.kdfparams.c", "10000001");
    assert_int_equal(open_json(&key, document, "testpassword", NULL), ASSAY_CAPACITY);
    change(document, "crypto.kdfparams.c", "0");
    assert_int_equal(open_json(&key, document, "testpassword", NULL), ASSAY_RANGE);
    change(document, "crypto.kdfparams.prf", "\"hmac-sha512\"");
    assert_int_equal(open_json(&key, document, "testpassword", NULL), ASSAY_UNSUPPORTED);
    json_decref(document);
    document = json_of("[]");
    assert_int_not_equal(open_json(&key, document, "p", NULL), ASSAY_OK);
    json_decref(document);
}

static void file_write(char *path, size_t size, const char *name, const void *data, size_t count) {
    snprintf(path, size, "%s/%s", folder, name);
    assert_int_equal(assay_file_replace(path, data, count, 0600, NULL), ASSAY_OK);
}

static void passwords_come_from_files_and_the_environment(void **state) {
    char out[ASSAY_PASSWORD_SIZE_MAX + 1], path[64], long_text[ASSAY_PASSWORD_SIZE_MAX + 2];
    file_write(path, sizeof path, "password", "first\r\nsecond\n", 14);
    assert_int_equal(setenv("ASSAY_PASSWORD", "of the environment", 1), 0);
    assert_int_equal(assay_password_get(out, path, true, NULL), ASSAY_OK);
    assert_string_equal(out, "first"); // the file comes before the environment
    assert_int_equal(assay_password_get(out, NULL, true, NULL), ASSAY_OK);
    assert_string_equal(out, "of the environment");
    file_write(path, sizeof path, "password", "no end of line", 14);
    assert_int_equal(assay_password_get(out, path, false, NULL), ASSAY_OK);
    assert_string_equal(out, "no end of line");
    file_write(path, sizeof path, "password", "", 0);
    assert_int_equal(assay_password_get(out, path, false, NULL), ASSAY_OK);
    assert_string_equal(out, "");
    assert_int_equal(assay_password_get(out, path, true, NULL), ASSAY_USAGE); // F-43: no new one
    assert_int_equal(setenv("ASSAY_PASSWORD", "", 1), 0);
    assert_int_equal(assay_password_get(out, NULL, false, NULL), ASSAY_OK);
    assert_int_equal(assay_password_get(out, NULL, true, NULL), ASSAY_USAGE);
    file_write(path, sizeof path, "password", "a\0b", 3);
    assert_int_equal(assay_password_get(out, path, false, NULL), ASSAY_FORMAT);
    memset(long_text, 'x', sizeof long_text);
    file_write(path, sizeof path, "password", long_text, sizeof long_text - 1);
    assert_int_equal(assay_password_get(out, path, false, NULL), ASSAY_CAPACITY);
    file_write(path, sizeof path, "password", long_text, ASSAY_PASSWORD_SIZE_MAX);
    assert_int_equal(assay_password_get(out, path, false, NULL), ASSAY_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(assay_password_get(out, path, false, NULL), ASSAY_NOT_FOUND);
    long_text[sizeof long_text - 1] = 0;
    assert_int_equal(setenv("ASSAY_PASSWORD", long_text, 1), 0);
    assert_int_equal(assay_password_get(out, NULL, false, NULL), ASSAY_CAPACITY);
    assert_int_equal(unsetenv("ASSAY_PASSWORD"), 0);
}

static int folder_make(void **state) {
    test_folder_make(folder);
    return 0;
}

static int folder_remove(void **state) {
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ethers_wrote_these),
        cmocka_unit_test(the_definition_has_these),
        cmocka_unit_test(ours_open_again),
        cmocka_unit_test(ours_have_the_common_form),
        cmocka_unit_test(a_flipped_bit_is_told),
        cmocka_unit_test(bad_documents_are_refused),
        cmocka_unit_test(passwords_come_from_files_and_the_environment),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
