// SPDX-License-Identifier: Apache-2.0
// A node's folder: config.json, genesis.json, operator.json (secrets, mode 0600), state/, blocks/.
#ifndef ASSAY_NODE_HOME_HOME_H
#define ASSAY_NODE_HOME_HOME_H

#include <limits.h>

#include "consensus/hashchain.h"
#include "ledger/genesis.h"

enum {
    ASSAY_HOME_VERSION = 1, // of the folder's layout; newer ones are refused
    ASSAY_HOME_FILE_MAX = 64 << 10,
    ASSAY_LISTEN_MAX = 80,
    ASSAY_ADDRESS_TEXT_MAX = 200, // of sockets and URLs
};

typedef enum { ASSAY_ENGINE_SOLO, ASSAY_ENGINE_ABCI } assay_engine_choice;

// config.json. Flags override it.
typedef struct {
    assay_engine_choice engine;         // "solo" or "abci"
    char abci[ASSAY_ADDRESS_TEXT_MAX];  // where CometBFT finds the application
    char comet[ASSAY_ADDRESS_TEXT_MAX]; // URL of CometBFT's RPC
    char listen[ASSAY_LISTEN_MAX];      // HOST:PORT of the API
    uint64_t block_ms;                  // pause between blocks
    uint64_t body_max;                  // bytes of a request
    uint64_t connections_max;
    uint64_t requests_per_second; // per peer, 0: no limit
    uint64_t map_gib;             // what the state may take
    uint64_t keep_blocks;         // of CometBFT's block store, 0: all
    uint64_t initial_height;      // CometBFT's first block: above those of a solo chain before it
    uint64_t snapshot_blocks;     // between two snapshots for state sync, 0: none
    uint64_t snapshot_keep;       // how many of them
    // CometBFT's home that got the validator's key, as a whole path; "": none did.
    char exported[PATH_MAX];
    char export_begun[PATH_MAX]; // one that may have it: its export did not end
} assay_config;

// operator.json: what a validator must keep to itself.
typedef struct {
    uint8_t ed25519_seed[ASSAY_ED25519_KEY_SIZE];
    assay_hash beacon_seed;
    uint64_t beacon_length;
} assay_operator;

// A zeroed struct is safe to close.
typedef struct {
    char path[PATH_MAX];
    assay_config config;
    assay_genesis genesis;
} assay_home;

// Reads config and genesis. Errors: NOT_FOUND (no home there), PERMISSION, VERSION (newer layout),
// CONFIG (names the member and the limit), and the genesis's. Lives: until close. Spec: F-45.
assay_status assay_home_open(assay_home *home, const char *path, assay_error *err);
void assay_home_close(assay_home *home);

// Makes a home in a new folder, or one without a config. secrets NULL: operator.json stays as it
// is, if there is one. Errors: EXISTS (there is one), DISK_FULL, PERMISSION, IO. Spec: F-45.
assay_status assay_home_create(const char *path, const assay_config *config,
                               const assay_genesis *genesis, const assay_operator *secrets,
                               assay_error *err);

void assay_config_init(assay_config *config);

// Reads config.json alone. Errors: as assay_home_open. Spec: F-45.
assay_status assay_home_config_read(assay_config *config, const char *home, assay_error *err);

// Reads it again: was the chain handed to CometBFT since it was `before`? Whoever goes on with what
// was read then would sign beside CometBFT. Errors: as assay_home_open. Spec: E-31.
assay_status assay_home_handed_over(bool *handed, const assay_config *before, const char *home,
                                    assay_error *err);

// Writes home->config for all later starts, in one step. Errors: DISK_FULL, PERMISSION, IO; the old
// one stays. Spec: F-45.
assay_status assay_home_config_write(const assay_home *home, assay_error *err);

// Takes over a HOST:PORT. Errors: USAGE, as assay_http_listen_check. Spec: F-45.
assay_status assay_config_listen(assay_config *config, const char *listen, assay_error *err);

// Takes over the choice of an engine and its addresses, NULL: as before. Errors: USAGE, CAPACITY,
// CONFIG (solo for a chain that is CometBFT's). Spec: F-45, E-31.
assay_status assay_config_engine(assay_config *config, const char *engine, const char *abci,
                                 const char *comet, assay_error *err);

// Reads a config from JSON text. Errors: CONFIG, VERSION, MEMORY. Spec: F-45.
assay_status assay_config_parse(assay_config *config, const void *data, size_t size,
                                assay_error *err);

// The operator's secrets. Errors: NOT_FOUND, PERMISSION (readable by others), VERSION, FORMAT,
// MISSING, UNKNOWN, RANGE. Lives: until assay_operator_clear. Spec: F-45.
assay_status assay_operator_read(assay_operator *out, const char *home, assay_error *err);

// The same from any JSON file, for repeatable testnets. Errors: as above.
assay_status assay_operator_load(assay_operator *out, const char *path, assay_error *err);

// New secrets. Errors: IO (no randomness).
assay_status assay_operator_make(assay_operator *out, uint64_t beacon_length, assay_error *err);

// Writes operator.json into a folder, mode 0600. Errors: EXISTS (never over one that is there),
// DISK_FULL, PERMISSION, IO. Spec: F-45.
assay_status assay_operator_write(const char *home, const assay_operator *secrets,
                                  assay_error *err);

// What a genesis says of the holder of these secrets; its address and bond stay what they are.
// Errors: MEMORY. Spec: P-21.
assay_status assay_operator_entry(assay_genesis_validator *out, const assay_operator *secrets,
                                  assay_error *err);

// Overwrites the secrets with zeros.
void assay_operator_clear(assay_operator *secrets);

// home/name into out [PATH_MAX]. Errors: CAPACITY.
assay_status assay_home_path(char *out, const char *home, const char *name, assay_error *err);

#endif
