// SPDX-License-Identifier: Apache-2.0
#include "node/bench/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "consensus/ledger_application.h"
#include "consensus/types/comet_json.h"
#include "node/bench/stop.h"
#include "node/comet/home.h"
#include "node/json_file.h"
#include "node/measure.h"

enum {
    CONFIG_MAX = 4096,
    PEERS_MAX = ASSAY_BENCH_NODES_MAX * 80,
    READY_SECONDS = 60,
    LOOK_MS = 20,
    NODE_KEY_SALT = 0x5a, // of a node's key, which is not its validator's
    BLOCKS_BEFORE = 2,
};

// What the homes of one network are made with.
typedef struct {
    const assay_bench_network_options *options;
    assay_bench_network *network;
    uint16_t rpc_ports[ASSAY_BENCH_NODES_MAX], p2p_ports[ASSAY_BENCH_NODES_MAX];
    char ids[ASSAY_BENCH_NODES_MAX][2 * ASSAY_ADDRESS_SIZE + 1]; // of nodes, to their peers
    char program[PATH_MAX];                                      // this one
} maker;

// --- ports that nobody has; between this and their use somebody may take one, and it fails ---

static assay_status ports_find(uint16_t *out, uint32_t count, assay_error *err) {
    int held[2 * ASSAY_BENCH_NODES_MAX];
    uint32_t made = 0;
    assay_status status = ASSAY_OK;
    for (; made < count && status == ASSAY_OK; made++) {
        struct sockaddr_in name = {.sin_family = AF_INET};
        socklen_t size = sizeof name;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        held[made] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (held[made] < 0 || bind(held[made], (const struct sockaddr *)&name, sizeof name) != 0 ||
            getsockname(held[made], (struct sockaddr *)&name, &size) != 0)
            status = assay_fail_errno(err, errno, "no port of 127.0.0.1 is free");
        out[made] = ntohs(name.sin_port);
    }
    while (made-- > 0)
        if (held[made] >= 0) close(held[made]);
    return status;
}

// --- CometBFT's home ---

static assay_status folder_of(char *out, const maker *m, uint32_t index, const char *name,
                              assay_error *err) {
    int size = snprintf(out, PATH_MAX, "%s/%u/%s", m->options->folder, index, name);
    if (size > 0 && size < PATH_MAX) return ASSAY_OK;
    return ASSAY_FAIL(err, CAPACITY, "a path of %d characters", size);
}

static void node_seed(uint8_t *out, const maker *m, uint32_t index) {
    memcpy(out, m->options->secrets[index].ed25519_seed, ASSAY_ED25519_KEY_SIZE);
    out[0] ^= NODE_KEY_SALT;
}

static assay_status node_key_write(const char *home, maker *m, uint32_t index, assay_error *err) {
    uint8_t pair[2 * ASSAY_ED25519_KEY_SIZE];
    node_seed(pair, m, index);
    ASSAY_TRY(assay_ed25519_public(pair + ASSAY_ED25519_KEY_SIZE, pair, err));
    json_t *key = assay_comet_key_json("tendermint/PrivKeyEd25519", pair, sizeof pair);
    return assay_json_file_write(home, "config/node_key.json", json_pack("{s:o}", "priv_key", key),
                                 0600, assay_file_create, err);
}

static assay_status ids_make(maker *m, assay_error *err) {
    for (uint32_t i = 0; i < m->options->nodes; i++) {
        uint8_t seed[ASSAY_ED25519_KEY_SIZE], key[ASSAY_ED25519_KEY_SIZE];
        assay_address id;
        node_seed(seed, m, i);
        ASSAY_TRY(assay_ed25519_public(key, seed, err));
        assay_ed25519_address(&id, key);
        assay_hex_encode(m->ids[i], id.bytes, ASSAY_ADDRESS_SIZE);
    }
    return ASSAY_OK;
}

static void peers_write(char out[PEERS_MAX], const maker *m, uint32_t index) {
    size_t at = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < m->options->nodes; i++)
        if (i != index)
            at += (size_t)snprintf(out + at, PEERS_MAX - at, "%s%s@127.0.0.1:%u", at ? "," : "",
                                   m->ids[i], m->p2p_ports[i]);
}

// What differs from CometBFT's defaults, for every application alike: no index, which only
// kvstore's events would pay for; a mempool that no load fills; and what suits nodes that share a
// machine.
static const char config_format[] =
    "moniker = \"bench%u\"\n"
    "log_level = \"error\"\n"
    "[rpc]\nladdr = \"tcp://127.0.0.1:%u\"\n"
    "[p2p]\nladdr = \"tcp://127.0.0.1:%u\"\npersistent_peers = \"%s\"\npex = false\n"
    "addr_book_strict = false\nallow_duplicate_ip = true\nflush_throttle_timeout = \"5ms\"\n"
    "send_rate = 20971520\nrecv_rate = 20971520\n"
    "[mempool]\nsize = 100000\ncache_size = 200000\n"
    "[consensus]\ntimeout_commit = \"%ums\"\npeer_gossip_sleep_duration = \"10ms\"\n"
    "[tx_index]\nindexer = \"null\"\n";

static assay_status config_write(const char *home, const maker *m, uint32_t index,
                                 assay_error *err) {
    char text[CONFIG_MAX], peers[PEERS_MAX], path[PATH_MAX];
    peers_write(peers, m, index);
    int size = snprintf(text, sizeof text, config_format, index, m->rpc_ports[index],
                        m->p2p_ports[index], peers, m->options->pause_ms);
    ASSAY_ASSERT(size > 0 && (size_t)size < sizeof text);
    ASSAY_TRY(assay_path_join(path, sizeof path, home, "config/config.toml", err));
    return assay_file_create(path, text, (size_t)size, 0600, err);
}

static assay_status comet_home_make(maker *m, uint32_t index, assay_error *err) {
    char home[PATH_MAX];
    const assay_genesis *genesis = m->options->genesis;
    assay_validator_update validators[ASSAY_BENCH_NODES_MAX];
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const assay_genesis_validator *own = &genesis->validators[i];
        memcpy(validators[i].ed25519, own->ed25519, sizeof own->ed25519);
        validators[i].power = assay_voting_power(own->consensus_bond);
    }
    const assay_comet_start start = {.genesis = genesis,
                                     .time = {genesis->time, 0},
                                     .validators = validators,
                                     .validator_count = genesis->validator_count};
    const uint8_t *seed = m->options->secrets[index].ed25519_seed;
    ASSAY_TRY(folder_of(home, m, index, "comet", err));
    ASSAY_TRY(assay_comet_home_prepare(home, &start, seed, false, err));
    ASSAY_TRY(assay_comet_home_write(home, &start, seed, err));
    ASSAY_TRY(node_key_write(home, m, index, err));
    return config_write(home, m, index, err);
}

// --- processes ---

static assay_status ledger_start(maker *m, uint32_t index, const char *address, const char *log,
                                 assay_error *err) {
    char home[PATH_MAX];
    assay_config config;
    assay_config_init(&config);
    config.engine = ASSAY_ENGINE_ABCI;
    ASSAY_TRY(folder_of(home, m, index, "assay", err));
    ASSAY_TRY(
        assay_home_create(home, &config, m->options->genesis, &m->options->secrets[index], err));
    const char *const arguments[] = {
        m->program, "node",        "--home", home,      "--engine",
        "abci",     "--abci",      address,  "--comet", m->network->nodes[index].url,
        "--listen", "127.0.0.1:0", NULL};
    return assay_bench_process_start(&m->network->apps[index], m->program, arguments, log, err);
}

static assay_status app_start(maker *m, uint32_t index, assay_error *err) {
    char log[PATH_MAX], address[PATH_MAX + 16];
    if (m->options->application == ASSAY_BENCH_KVSTORE) return ASSAY_OK;
    ASSAY_TRY(folder_of(log, m, index, "assay-node.log", err));
    snprintf(address, sizeof address, "unix://%s/%u/abci", m->options->folder, index);
    if (m->options->application == ASSAY_BENCH_LEDGER)
        return ledger_start(m, index, address, log, err);
    const char *const arguments[] = {m->program, "node", "--app", "kv", "--abci", address, NULL};
    return assay_bench_process_start(&m->network->apps[index], m->program, arguments, log, err);
}

// CometBFT dials its application once in three seconds: better that it is there.
static assay_status app_await(maker *m, uint32_t index, double deadline, assay_error *err) {
    char path[PATH_MAX];
    struct stat info;
    if (m->options->application == ASSAY_BENCH_KVSTORE) return ASSAY_OK;
    ASSAY_TRY(folder_of(path, m, index, "abci", err));
    while (stat(path, &info) != 0) {
        ASSAY_TRY(assay_bench_process_check(&m->network->apps[index], err));
        ASSAY_TRY(assay_bench_sleep(LOOK_MS, err));
        if (assay_measure_seconds() > deadline)
            return ASSAY_FAIL(err, TIMEOUT, "assay node %u does not listen after %d s", index,
                              READY_SECONDS);
    }
    return ASSAY_OK;
}

static assay_status comet_start(maker *m, uint32_t index, assay_error *err) {
    char home[PATH_MAX], log[PATH_MAX], address[PATH_MAX + 16];
    ASSAY_TRY(folder_of(home, m, index, "comet", err));
    ASSAY_TRY(folder_of(log, m, index, "cometbft.log", err));
    snprintf(address, sizeof address, "unix://%s/%u/abci", m->options->folder, index);
    bool kvstore = m->options->application == ASSAY_BENCH_KVSTORE;
    const char *const arguments[] = {m->options->comet,
                                     "start",
                                     "--home",
                                     home,
                                     "--proxy_app",
                                     kvstore ? "kvstore" : address,
                                     NULL};
    return assay_bench_process_start(&m->network->comets[index], m->options->comet, arguments, log,
                                     err);
}

// Whether a node has some blocks and no longer fetches them from others: until then it takes no
// transactions.
static bool node_ready(const assay_bench_network *network, uint32_t index) {
    json_t *status;
    uint64_t height;
    if (assay_comet_get(&status, &network->nodes[index], "/status", NULL) != ASSAY_OK) return false;
    const json_t *sync = json_object_get(status, "sync_info");
    bool ready = assay_json_u64(&height, sync, "latest_block_height", BLOCKS_BEFORE, INT64_MAX,
                                NULL) == ASSAY_OK &&
                 json_is_false(json_object_get(sync, "catching_up"));
    json_decref(status);
    return ready;
}

static assay_status blocks_await(assay_bench_network *network, double deadline, assay_error *err) {
    for (uint32_t i = 0; i < network->count; i++) {
        while (!node_ready(network, i)) {
            ASSAY_TRY(assay_bench_network_check(network, err));
            ASSAY_TRY(assay_bench_sleep(LOOK_MS, err));
            if (assay_measure_seconds() > deadline)
                return ASSAY_FAIL(err, TIMEOUT, "node %u makes no blocks after %d s", i,
                                  READY_SECONDS);
        }
    }
    return ASSAY_OK;
}

static assay_status network_start(maker *m, assay_error *err) {
    uint32_t nodes = m->options->nodes;
    uint16_t ports[2 * ASSAY_BENCH_NODES_MAX];
    double deadline = assay_measure_seconds() + READY_SECONDS;
    ASSAY_TRY(assay_bench_program_own(m->program, err));
    ASSAY_TRY(ports_find(ports, 2 * nodes, err));
    ASSAY_TRY(ids_make(m, err));
    for (uint32_t i = 0; i < nodes; i++) {
        m->rpc_ports[i] = ports[2 * i];
        m->p2p_ports[i] = ports[2 * i + 1];
    }
    for (uint32_t i = 0; i < nodes; i++) {
        snprintf(m->network->nodes[i].url, sizeof m->network->nodes[i].url, "http://127.0.0.1:%u",
                 m->rpc_ports[i]);
        ASSAY_TRY(comet_home_make(m, i, err));
        ASSAY_TRY(app_start(m, i, err));
    }
    for (uint32_t i = 0; i < nodes; i++)
        ASSAY_TRY(app_await(m, i, deadline, err));
    for (uint32_t i = 0; i < nodes; i++)
        ASSAY_TRY(comet_start(m, i, err));
    return blocks_await(m->network, deadline, err);
}

assay_status assay_bench_network_open(assay_bench_network *network,
                                      const assay_bench_network_options *options,
                                      assay_error *err) {
    maker m = {.options = options, .network = network};
    *network = (assay_bench_network){.count = options->nodes};
    ASSAY_ASSERT(options->nodes >= 1 && options->nodes <= ASSAY_BENCH_NODES_MAX &&
                 options->genesis->validator_count == options->nodes);
    return network_start(&m, err);
}

void assay_bench_network_close(assay_bench_network *network) {
    assay_bench_processes_end(network->comets, network->count);
    assay_bench_processes_end(network->apps, network->count);
    *network = (assay_bench_network){0};
}

assay_status assay_bench_network_check(assay_bench_network *network, assay_error *err) {
    for (uint32_t i = 0; i < network->count; i++) {
        // The application first: CometBFT ends without it.
        if (network->apps[i].pid) ASSAY_TRY(assay_bench_process_check(&network->apps[i], err));
        ASSAY_TRY(assay_bench_process_check(&network->comets[i], err));
    }
    return ASSAY_OK;
}

assay_status assay_bench_network_height(uint64_t *out, const assay_bench_network *network,
                                        uint32_t index, assay_error *err) {
    json_t *status;
    const json_t *sync;
    ASSAY_TRY(assay_comet_get(&status, &network->nodes[index], "/status", err));
    assay_status result = assay_json_object(&sync, status, "sync_info", err);
    if (result == ASSAY_OK)
        result = assay_json_u64(out, sync, "latest_block_height", 0, INT64_MAX, err);
    json_decref(status);
    return result;
}
