// SPDX-License-Identifier: Apache-2.0
#include "node/home/health.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ledger/bond.h"
#include "node/show.h"

enum {
    FULL_PERCENT = 90,
    DISK_FREE_PERCENT = 5,
    DISK_FREE_MIN = 1 << 30,
    URGENT_PART = 6,   // of a window: too little is left. Validators wait until a quarter (F-49)
    EPOCHS_AHEAD = 16, // a new beacon chain comes into force two later at the earliest (P-46)
};

__attribute__((format(printf, 3, 4))) static void problem_add(json_t *problems, const char *next,
                                                              const char *form, ...) {
    char text[512];
    va_list parts;
    va_start(parts, form);
    vsnprintf(text, sizeof text, form, parts);
    va_end(parts);
    json_t *problem = json_pack("{s:s,s:s}", "text", text, "next", next);
    // The sentence may quote the node's own, cut in the middle of a character.
    if (!problem)
        problem = json_pack("{s:s,s:s}", "text", "the node says it is unwell", "next", next);
    json_array_append_new(problems, problem);
}

static bool is_alone(const json_t *node) {
    const json_t *connections = json_object_get(node, "connections");
    return json_is_integer(connections) && json_integer_value(connections) == 0;
}

static void engine_judge(json_t *problems, const json_t *node) {
    const char *engine = json_string_value(json_object_get(node, "engine"));
    if (!engine || strcmp(engine, "abci") != 0) return;
    if (assay_show_number(node, "uptime") < ASSAY_HEALTH_START_SECONDS) return;
    if (!json_is_integer(json_object_get(node, "peers")))
        problem_add(problems,
                    "look at CometBFT's log, and start it; its RPC's address is comet of "
                    "config.json",
                    "CometBFT's RPC does not answer");
}

static void node_judge(json_t *problems, const json_t *status, const json_t *node) {
    const json_t *state = json_object_get(node, "state"), *peers = json_object_get(node, "peers");
    uint64_t now = assay_show_number(node, "time"), last = assay_show_number(node, "block_time");
    uint64_t waiting = assay_show_number(status, "waiting");
    uint64_t open = assay_show_number(json_object_get(node, "work"), "batches_open");
    const char *why = json_string_value(json_object_get(status, "problem"));
    if (!json_is_true(json_object_get(status, "healthy")))
        problem_add(problems,
                    is_alone(node) ? "look at CometBFT's log, and start it; its proxy_app is abci "
                                     "of config.json"
                                   : "its log says more; restart it when the cause is gone",
                    "the node makes no blocks: %.300s", why && *why ? why : "it does not say why");
    else if (last && now > last + ASSAY_HEALTH_STILL_SECONDS && (waiting || open))
        problem_add(problems, "look at the engine's log, and at the other validators",
                    "no block for %llu s, though %llu transactions and %llu batches wait for some",
                    (ull)(now - last), (ull)waiting, (ull)open);
    engine_judge(problems, node);
    // The only validator of its chain may well be alone.
    bool several = assay_show_number(node, "validators") > 1;
    if (several && json_is_integer(peers) && json_integer_value(peers) == 0)
        problem_add(problems, "look at the engine's peers and at the network",
                    "no other node is connected");
    uint64_t bytes = assay_show_number(state, "bytes"),
             bytes_max = assay_show_number(state, "bytes_max");
    if (bytes_max && bytes > bytes_max / 100 * FULL_PERCENT)
        problem_add(problems, "raise map_gib in config.json and restart",
                    "the state takes %llu of %llu MiB", (ull)(bytes >> 20), (ull)(bytes_max >> 20));
}

static void disk_judge(json_t *problems, const json_t *disk) {
    uint64_t left = assay_show_number(disk, "free"), size = assay_show_number(disk, "size");
    if (size && (left < DISK_FREE_MIN || left < size / 100 * DISK_FREE_PERCENT))
        problem_add(problems, "make room: the node stops when it cannot write",
                    "%llu MiB of the home's disk are free, of %llu", (ull)(left >> 20),
                    (ull)(size >> 20));
}

static uint64_t effective(const json_t *account, const char *role, uint64_t *active) {
    const json_t *bonds = json_object_get(account, "bonds");
    *active = 0;
    for (size_t i = 0; i < json_array_size(bonds); i++) {
        const json_t *bond = json_array_get(bonds, i);
        const char *name = json_string_value(json_object_get(bond, "role"));
        if (!name || strcmp(name, role) != 0) continue;
        *active = assay_show_number(bond, "active");
        return assay_show_number(bond, "effective");
    }
    return 0;
}

static void bonds_judge(json_t *problems, const json_t *account, const json_t *validator,
                        const json_t *params) {
    for (size_t i = 1; i <= ASSAY_ROLE_MAX; i++) {
        const char *role = assay_role_names[i];
        uint64_t active;
        char next[96];
        if (effective(account, role, &active) || !active) continue;
        snprintf(next, sizeof next, "assay bond --role %s --amount …", role);
        problem_add(problems, next, "the %s bond is below its minimum and counts for nothing",
                    role);
    }
    uint64_t active, bond = effective(account, "provider", &active);
    uint64_t multiple = assay_show_number(params, "bond_multiple"),
             exposure = assay_show_number(validator, "exposure");
    uint64_t allowed = multiple ? bond / multiple : 0;
    if (exposure && exposure > allowed / 100 * FULL_PERCENT) {
        char at_stake[ASSAY_OPEN_TEXT_MAX], most[ASSAY_OPEN_TEXT_MAX];
        assay_open_text(at_stake, exposure);
        assay_open_text(most, allowed);
        problem_add(problems, "wait for settlements, or assay bond --role provider --amount …",
                    "batches with %s are open, the bond allows %s: more are not taken", at_stake,
                    most);
    }
}

// Whoever never had one, but has one waiting, has just registered.
static void chain_judge(json_t *problems, const json_t *beacon, uint64_t ahead) {
    static const char renew[] = "assay validator renew --home DIR --key FILE";
    uint64_t left = assay_show_number(beacon, "left");
    bool waits = assay_show_number(beacon, "pending") > 0,
         had = assay_show_number(beacon, "revealed") > 0;
    if (left >= ahead || (waits && (left || !had))) return;
    if (left)
        problem_add(
            problems, renew,
            "the beacon chain ends in %llu of its own blocks, and batches are void after it",
            (ull)left);
    else if (waits)
        problem_add(problems, "wait: the next chain is in force two epochs after its registration",
                    "the beacon chain is used up: batches are void without it");
    else if (had)
        problem_add(problems, renew, "the beacon chain is used up: batches are void without it");
    else
        problem_add(problems, "assay validator register --home DIR --key FILE",
                    "no beacon chain is registered: batches are void without it");
}

// Whether this validator alone makes the blocks of its chain.
static bool is_solo_operator(const json_t *node, const json_t *validator) {
    const char *engine = json_string_value(json_object_get(node, "engine"));
    const json_t *operator= json_object_get(node, "operator");
    return engine && strcmp(engine, "solo") == 0 && json_is_string(operator) &&
           json_equal(operator, json_object_get(validator, "address"));
}

static void beacon_judge(json_t *problems, const json_t *node, const json_t *validator,
                         const json_t *params) {
    const json_t *beacon = json_object_get(validator, "beacon");
    if (!assay_show_number(validator, "power") && is_solo_operator(node, validator))
        problem_add(problems, "assay bond --role consensus --amount …",
                    "this node makes the blocks without power of its own: batches get no beacon, "
                    "and are void");
    if (json_is_true(json_object_get(beacon, "jailed")))
        problem_add(problems, "run the node that holds its beacon chain; the jail ends by itself",
                    "in jail until the end of epoch %llu for blocks without a beacon",
                    assay_show_number(beacon, "jailed_epoch"));
    if (assay_show_number(validator, "power"))
        chain_judge(problems, beacon, EPOCHS_AHEAD * assay_show_number(params, "epoch_blocks"));
}

static void verdicts_judge(json_t *problems, const json_t *validator, const json_t *params) {
    const json_t *verdicts = json_object_get(validator, "verdicts");
    uint64_t fault = assay_show_number(validator, "last_fault"),
             height = assay_show_number(validator, "height");
    if (!fault || fault + assay_show_number(params, "epoch_blocks") <= height) return;
    problem_add(problems, "is assay verify --watch running, with every model it has declared?",
                "votes that went wrong, the last at block %llu: %llu missed, %llu not revealed, "
                "%llu wrong, %llu struck",
                (ull)fault, assay_show_number(verdicts, "missed"),
                assay_show_number(verdicts, "unrevealed"), assay_show_number(verdicts, "wrong"),
                assay_show_number(verdicts, "struck"));
}

// Duties that nobody seems to do.
static void duties_judge(json_t *problems, const json_t *duties, const json_t *params) {
    const json_t *list = json_object_get(duties, "duties");
    uint64_t height = assay_show_number(duties, "height"), votes = 0, answers = 0,
             first = UINT64_MAX;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *duty = json_array_get(list, i);
        const char *kind = json_string_value(json_object_get(duty, "kind"));
        bool answer = kind && strncmp(kind, "answer", 6) == 0;
        uint64_t window =
            assay_show_number(params, answer                                ? "answer_blocks"
                                      : kind && strcmp(kind, "reveal") == 0 ? "reveal_blocks"
                                                                            : "commit_blocks");
        uint64_t deadline = assay_show_number(duty, "deadline");
        if (deadline > height + window / URGENT_PART) continue;
        *(answer ? &answers : &votes) += 1;
        if (deadline < first) first = deadline;
    }
    if (votes)
        problem_add(problems, "is assay verify --watch running with this key?",
                    "%llu verdicts are due and nearly late, the first by block %llu", (ull)votes,
                    (ull)first);
    if (answers)
        problem_add(problems, "is assay serve running with this key?",
                    "evidence is asked for %llu times and nearly late, first by block %llu",
                    (ull)answers, (ull)first);
}

json_t *assay_health_judge(const json_t *status, const json_t *params) {
    const json_t *node = json_object_get(status, "node");
    const json_t *validator = json_object_get(status, "validator");
    json_t *problems = json_array();
    if (!problems) return NULL;
    node_judge(problems, status, node);
    disk_judge(problems, json_object_get(status, "disk"));
    if (!validator) return problems;
    beacon_judge(problems, node, validator, params);
    duties_judge(problems, json_object_get(status, "duties"), params);
    verdicts_judge(problems, validator, params);
    bonds_judge(problems, json_object_get(status, "account"), validator, params);
    return problems;
}
