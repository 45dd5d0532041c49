// SPDX-License-Identifier: Apache-2.0
#include "node/home/home.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "consensus/statesync/maker.h"
#include "node/http/server.h"
#include "node/json_file.h"

// X(member, default, min, max) of the numbers in config.json.
#define CONFIG_NUMBERS(X)                                                                          \
    X(block_ms, 200, 0, 3600000)                                                                   \
    X(body_max, 4 << 20, 1024, 256 << 20)                                                          \
    X(connections_max, 256, 1, 65536)                                                              \
    X(requests_per_second, 2000, 0, 1000000)                                                       \
    X(map_gib, 64, 1, 65536)                                                                       \
    X(keep_blocks, 0, 0, INT64_MAX)                                                                \
    X(snapshot_blocks, 1000, 0, INT64_MAX)                                                         \
    X(snapshot_keep, 2, 1, ASSAY_STATESYNC_KEEP_MAX)                                               \
    X(initial_height, 1, 1, INT64_MAX)

void assay_config_init(assay_config *config) {
    memset(config, 0, sizeof *config);
    snprintf(config->listen, sizeof config->listen, "127.0.0.1:26650");
    snprintf(config->abci, sizeof config->abci, "tcp://127.0.0.1:26658");
    snprintf(config->comet, sizeof config->comet, "http://127.0.0.1:26657");
#define X(member, value, min, max) config->member = (value);
    CONFIG_NUMBERS(X)
#undef X
}

assay_status assay_config_listen(assay_config *config, const char *listen, assay_error *err) {
    ASSAY_TRY(assay_http_listen_check(listen, err));
    if (listen == config->listen) return ASSAY_OK;
    int length = snprintf(config->listen, sizeof config->listen, "%s", listen);
    if (length < 0 || (size_t)length >= sizeof config->listen)
        return ASSAY_FAIL(err, USAGE, "address of %d characters, limit %d", length,
                          ASSAY_LISTEN_MAX - 1);
    return ASSAY_OK;
}

static assay_status text_take(char *out, const char *text, const char *name, assay_error *err) {
    size_t length = strlen(text);
    if (length >= ASSAY_ADDRESS_TEXT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%s of %zu characters, limit %d", name, length,
                          ASSAY_ADDRESS_TEXT_MAX - 1);
    memcpy(out, text, length + 1);
    return ASSAY_OK;
}

assay_status assay_config_engine(assay_config *config, const char *engine, const char *abci,
                                 const char *comet, assay_error *err) {
    if (engine && strcmp(engine, "solo") != 0 && strcmp(engine, "abci") != 0)
        return ASSAY_FAIL(err, USAGE, "engine \"%.32s\" is neither solo nor abci", engine);
    if (engine && strcmp(engine, "solo") == 0 && config->engine == ASSAY_ENGINE_ABCI)
        return ASSAY_FAIL(err, CONFIG,
                          "the home's engine is abci: its chain is CometBFT's, and solo would sign "
                          "other blocks with the same key");
    if (engine)
        config->engine = strcmp(engine, "abci") == 0 ? ASSAY_ENGINE_ABCI : ASSAY_ENGINE_SOLO;
    if (abci) ASSAY_TRY(text_take(config->abci, abci, "abci address", err));
    if (comet) ASSAY_TRY(text_take(config->comet, comet, "comet address", err));
    return ASSAY_OK;
}

assay_status assay_home_path(char *out, const char *home, const char *name, assay_error *err) {
    return assay_path_join(out, PATH_MAX, home, name, err);
}

// A whole path; absent: "".
static assay_status folder_read(char *out, const json_t *object, const char *name,
                                assay_error *err) {
    const char *text;
    if (!json_object_get(object, name)) return ASSAY_OK;
    ASSAY_TRY(assay_json_text(&text, object, name, PATH_MAX - 1, err));
    if (text[0] != '/') return ASSAY_FAIL(err, FORMAT, "%s is no whole path", name);
    memcpy(out, text, strlen(text) + 1);
    return ASSAY_OK;
}

static assay_status config_read(assay_config *config, const json_t *object, assay_error *err) {
    static const char *const names[] = {"version",
                                        "listen",
                                        "engine",
                                        "abci",
                                        "comet",
                                        "exported",
                                        "export_begun",
#define X(member, value, min, max) #member,
                                        CONFIG_NUMBERS(X)
#undef X
                                            NULL};
    uint64_t version;
    const char *listen;
    ASSAY_TRY(assay_json_u64(&version, object, "version", 1, UINT64_MAX, err));
    if (version > ASSAY_HOME_VERSION)
        return ASSAY_FAIL(err, VERSION, "home has layout version %llu, this program knows up to %d",
                          (ull)version, ASSAY_HOME_VERSION);
    ASSAY_TRY(assay_json_names(object, names, "config", err));
    assay_config_init(config);
    if (json_object_get(object, "listen")) {
        ASSAY_TRY(assay_json_text(&listen, object, "listen", sizeof config->listen - 1, err));
        ASSAY_TRY(assay_config_listen(config, listen, err));
    }
    const char *texts[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3; i++)
        if (json_object_get(object, names[2 + i]))
            ASSAY_TRY(
                assay_json_text(&texts[i], object, names[2 + i], ASSAY_ADDRESS_TEXT_MAX - 1, err));
    ASSAY_TRY(assay_config_engine(config, texts[0], texts[1], texts[2], err));
    ASSAY_TRY(folder_read(config->exported, object, "exported", err));
    ASSAY_TRY(folder_read(config->export_begun, object, "export_begun", err));
#define X(member, value, min, max)                                                                 \
    if (json_object_get(object, #member))                                                          \
        ASSAY_TRY(assay_json_u64(&config->member, object, #member, min, max, err));
    CONFIG_NUMBERS(X)
#undef X
    return ASSAY_OK;
}

assay_status assay_config_parse(assay_config *config, const void *data, size_t size,
                                assay_error *err) {
    json_t *object;
    assay_error inner = {0};
    assay_status status =
        assay_json_parse(&object, data, size, ASSAY_HOME_FILE_MAX, "config", &inner);
    if (status != ASSAY_OK && status != ASSAY_MEMORY)
        return ASSAY_FAIL(err, CONFIG, "%s", inner.text);
    if (status == ASSAY_OK) {
        status = config_read(config, object, &inner);
        json_decref(object);
    }
    if (status == ASSAY_OK) return ASSAY_OK;
    if (status == ASSAY_MEMORY || status == ASSAY_VERSION) return assay_error_pass(err, &inner);
    return ASSAY_FAIL(err, CONFIG, "config: %s", inner.text);
}

assay_status assay_home_config_read(assay_config *config, const char *home, assay_error *err) {
    char file[PATH_MAX];
    uint8_t *data;
    size_t size;
    ASSAY_TRY(assay_home_path(file, home, "config.json", err));
    ASSAY_TRY(assay_file_read(file, ASSAY_HOME_FILE_MAX, &data, &size, err));
    assay_status status = assay_config_parse(config, data, size, err);
    free(data);
    return status;
}

assay_status assay_home_handed_over(bool *handed, const assay_config *before, const char *home,
                                    assay_error *err) {
    assay_config now;
    ASSAY_TRY(assay_home_config_read(&now, home, err));
    *handed = now.engine != before->engine || now.initial_height != before->initial_height;
    return ASSAY_OK;
}

assay_status assay_home_open(assay_home *home, const char *path, assay_error *err) {
    char file[PATH_MAX];
    memset(home, 0, sizeof *home);
    ASSAY_TRY(assay_home_path(home->path, path, "", err));
    home->path[strlen(home->path) - 1] = 0;
    ASSAY_TRY(assay_home_config_read(&home->config, path, err));
    ASSAY_TRY(assay_home_path(file, path, "genesis.json", err));
    return assay_genesis_read(&home->genesis, file, err);
}

void assay_home_close(assay_home *home) {
    assay_genesis_close(&home->genesis);
    memset(home, 0, sizeof *home);
}

static json_t *config_json(const assay_config *config) {
    json_t *object =
        json_pack("{s:i,s:s,s:s,s:s,s:s}", "version", ASSAY_HOME_VERSION, "listen", config->listen,
                  "engine", config->engine == ASSAY_ENGINE_ABCI ? "abci" : "solo", "abci",
                  config->abci, "comet", config->comet);
#define X(member, value, min, max)                                                                 \
    json_object_set_new(object, #member, assay_json_from_u64(config->member));
    CONFIG_NUMBERS(X)
#undef X
    if (config->exported[0]) json_object_set_new(object, "exported", json_string(config->exported));
    if (config->export_begun[0])
        json_object_set_new(object, "export_begun", json_string(config->export_begun));
    return object;
}

assay_status assay_home_config_write(const assay_home *home, assay_error *err) {
    return assay_json_file_write(home->path, "config.json", config_json(&home->config), 0644,
                                 assay_file_replace, err);
}

assay_status assay_home_create(const char *path, const assay_config *config,
                               const assay_genesis *genesis, const assay_operator *secrets,
                               assay_error *err) {
    char file[PATH_MAX];
    struct stat info;
    ASSAY_TRY(assay_folder_make(path, err));
    ASSAY_TRY(assay_home_path(file, path, "config.json", err));
    if (stat(file, &info) == 0) return ASSAY_FAIL(err, EXISTS, "%s is a home already", path);
    if (secrets) {
        assay_error why = {0};
        assay_status status = assay_operator_write(path, secrets, &why);
        if (status == ASSAY_EXISTS)
            return ASSAY_FAIL(err, EXISTS,
                              "%s has an operator.json and no config.json, as of an init that did "
                              "not end: remove it, if no genesis has its key",
                              path);
        if (status != ASSAY_OK) return assay_error_pass(err, &why);
    }
    ASSAY_TRY(assay_json_file_write(path, "genesis.json", assay_genesis_json(genesis), 0644,
                                    assay_file_replace, err));
    // Last, so that a home with a config is a whole one.
    return assay_json_file_write(path, "config.json", config_json(config), 0644, assay_file_create,
                                 err);
}

static assay_status operator_parse(assay_operator *out, const json_t *object, assay_error *err) {
    static const char *const names[] = {"version", "ed25519_seed", "beacon_seed", "beacon_length",
                                        NULL};
    uint64_t version;
    ASSAY_TRY(assay_json_u64(&version, object, "version", 1, UINT64_MAX, err));
    if (version > ASSAY_HOME_VERSION)
        return ASSAY_FAIL(err, VERSION, "operator file of version %llu, this program knows %d",
                          (ull)version, ASSAY_HOME_VERSION);
    ASSAY_TRY(assay_json_names(object, names, "operator file", err));
    ASSAY_TRY(
        assay_json_hex(out->ed25519_seed, sizeof out->ed25519_seed, object, "ed25519_seed", err));
    ASSAY_TRY(assay_json_hash(&out->beacon_seed, object, "beacon_seed", err));
    return assay_json_u64(&out->beacon_length, object, "beacon_length", 1,
                          ASSAY_HASHCHAIN_LENGTH_MAX, err);
}

assay_status assay_operator_load(assay_operator *out, const char *path, assay_error *err) {
    json_t *object;
    ASSAY_TRY(assay_json_read(&object, path, ASSAY_HOME_FILE_MAX, err));
    assay_status status = operator_parse(out, object, err);
    json_decref(object);
    if (status != ASSAY_OK) assay_operator_clear(out);
    return status;
}

assay_status assay_operator_make(assay_operator *out, uint64_t beacon_length, assay_error *err) {
    out->beacon_length = beacon_length;
    if (getrandom(out->ed25519_seed, sizeof out->ed25519_seed, 0) !=
            (ssize_t)sizeof out->ed25519_seed ||
        getrandom(out->beacon_seed.bytes, ASSAY_HASH_SIZE, 0) != ASSAY_HASH_SIZE)
        return ASSAY_FAIL(err, IO, "the system gives no random bytes");
    return ASSAY_OK;
}

assay_status assay_operator_write(const char *home, const assay_operator *secrets,
                                  assay_error *err) {
    char path[PATH_MAX];
    struct stat info;
    ASSAY_TRY(assay_folder_make(home, err));
    ASSAY_TRY(assay_home_path(path, home, "operator.json", err));
    if (stat(path, &info) == 0) return ASSAY_FAIL(err, EXISTS, "%s is there already", path);
    json_t *object =
        json_pack("{s:i,s:o,s:o,s:o}", "version", ASSAY_HOME_VERSION, "ed25519_seed",
                  assay_json_from_hex(secrets->ed25519_seed, sizeof secrets->ed25519_seed),
                  "beacon_seed", assay_json_from_hash(&secrets->beacon_seed), "beacon_length",
                  assay_json_from_u64(secrets->beacon_length));
    return assay_json_file_write(home, "operator.json", object, 0600, assay_file_create, err);
}

assay_status assay_operator_entry(assay_genesis_validator *out, const assay_operator *secrets,
                                  assay_error *err) {
    assay_hashchain chain;
    ASSAY_TRY(assay_ed25519_public(out->ed25519, secrets->ed25519_seed, err));
    ASSAY_TRY(assay_hashchain_open(&chain, &secrets->beacon_seed, secrets->beacon_length, err));
    assay_hashchain_at(&out->chain_tip, &chain, secrets->beacon_length);
    assay_hashchain_close(&chain);
    out->chain_length = secrets->beacon_length;
    return ASSAY_OK;
}

void assay_operator_clear(assay_operator *secrets) {
    OPENSSL_cleanse(secrets, sizeof *secrets);
}

assay_status assay_operator_read(assay_operator *out, const char *home, assay_error *err) {
    char path[PATH_MAX];
    struct stat info;
    ASSAY_TRY(assay_home_path(path, home, "operator.json", err));
    if (stat(path, &info) == 0 && (info.st_mode & 077))
        return ASSAY_FAIL(err, PERMISSION, "%s has mode %03o, others may read it; chmod 600", path,
                          (unsigned)(info.st_mode & 0777));
    return assay_operator_load(out, path, err);
}
