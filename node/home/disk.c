// SPDX-License-Identifier: Apache-2.0
#include "node/home/disk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "ledger/state/keys.h"

enum { DEPTH_MAX = 16, BLOCK = 512, MIB = 1 << 20 };

// --- the files ---

// Bytes of a file, or of all below a folder; links count as themselves. 0 for what is not there.
static uint64_t bytes_below(const char *path, int depth) {
    struct stat info;
    char below[PATH_MAX];
    if (lstat(path, &info) != 0) return 0;
    uint64_t bytes = (uint64_t)info.st_blocks * BLOCK;
    DIR *folder = S_ISDIR(info.st_mode) && depth < DEPTH_MAX ? opendir(path) : NULL;
    if (!folder) return bytes;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (assay_path_join(below, sizeof below, path, entry->d_name, NULL) != ASSAY_OK) continue;
        bytes += bytes_below(below, depth + 1);
    }
    closedir(folder);
    return bytes;
}

static uint64_t part_bytes(const assay_home *home, const char *name) {
    char path[PATH_MAX];
    if (assay_home_path(path, home->path, name, NULL) != ASSAY_OK) return 0;
    return bytes_below(path, 0);
}

static int part_order(const void *a, const void *b) {
    const assay_disk_part *one = a, *other = b;
    size_t sizes[2] = {strlen(one->name), strlen(other->name)};
    if (sizes[0] != sizes[1]) return sizes[0] < sizes[1] ? -1 : 1; // heights in number order
    return strcmp(one->name, other->name);
}

// What stands directly in a folder, sorted by name.
static uint32_t parts_list(assay_disk_part *parts, const char *path) {
    char below[PATH_MAX];
    uint32_t count = 0;
    DIR *folder = opendir(path);
    if (!folder) return 0;
    for (struct dirent *entry; count < ASSAY_DISK_PARTS_MAX && (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length >= ASSAY_DISK_NAME_MAX) continue;
        if (assay_path_join(below, sizeof below, path, entry->d_name, NULL) != ASSAY_OK) continue;
        memcpy(parts[count].name, entry->d_name, length + 1);
        parts[count++].bytes = bytes_below(below, 0);
    }
    closedir(folder);
    qsort(parts, count, sizeof *parts, part_order);
    return count;
}

// Returns: whether a path, links resolved, is below a folder.
static bool is_below(const char *path, const char *folder) {
    char whole[PATH_MAX];
    size_t size = realpath(folder, whole) ? strlen(whole) : 0;
    return size && strncmp(path, whole, size) == 0 && (size == 1 || path[size] == '/');
}

// CometBFT's data, beside the home as in dist/systemd or in it. Bytes outside of the home are added
// to the total.
static assay_status comet_list(assay_disk_report *out, const assay_home *home,
                               const char *comet_home, assay_error *err) {
    char own[PATH_MAX], path[PATH_MAX];
    const char *exported = home->config.exported;
    ASSAY_TRY(assay_home_path(own, home->path, "comet", err));
    const char *folder = comet_home ? comet_home : *exported ? exported : own;
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "data", err));
    if (!realpath(path, out->comet_data)) {
        out->comet_data[0] = 0;
        return comet_home ? assay_fail_errno(err, errno, "no CometBFT data at %s", path) : ASSAY_OK;
    }
    out->comet_count = parts_list(out->comet, out->comet_data);
    if (!is_below(out->comet_data, home->path)) out->total += bytes_below(out->comet_data, 0);
    return ASSAY_OK;
}

static uint64_t parts_sum(const assay_disk_part *parts, uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += parts[i].bytes;
    return sum;
}

// --- the state ---

static assay_status store_look(assay_disk_report *out, assay_store *store, assay_error *err) {
    assay_snapshot *snapshot;
    assay_store_position at;
    ASSAY_TRY(assay_snapshot_open(&snapshot, store, err));
    out->has_state = assay_snapshot_tip(snapshot)->committed;
    out->height = assay_snapshot_tip(snapshot)->height;
    assay_status status = assay_snapshot_measure(snapshot, &out->store, err);
    if (status == ASSAY_OK) status = assay_snapshot_seek(snapshot, &at, "", 0, 0, err);
    while (status == ASSAY_OK && at.key_size > 0) {
        out->tables[at.key[0]].entries++;
        out->tables[at.key[0]].bytes += at.key_size + at.value.size;
        status = assay_snapshot_next(snapshot, &at, err);
    }
    assay_snapshot_close(snapshot);
    return status;
}

static assay_status state_measure(assay_disk_report *out, const assay_home *home,
                                  assay_error *err) {
    char path[PATH_MAX];
    assay_store *store;
    assay_error why = {0};
    const assay_store_options options = {.read_only = true, .map_size = home->config.map_gib << 30};
    ASSAY_TRY(assay_home_path(path, home->path, "state", err));
    assay_status status = assay_store_open(&store, path, &home->genesis.hash, &options, &why);
    if (status == ASSAY_NOT_FOUND) return ASSAY_OK; // a home that was never started
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    status = store_look(out, store, err);
    assay_store_close(store);
    return status;
}

assay_status assay_disk_measure(assay_disk_report *out, const assay_home *home,
                                const char *comet_home, assay_error *err) {
    char snapshots[PATH_MAX];
    assay_disk_space disk;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_home_path(snapshots, home->path, "snapshots", err));
    ASSAY_TRY(assay_disk_space_get(&disk, home->path, err));
    out->disk_free = disk.free;
    out->disk_size = disk.size;
    ASSAY_TRY(state_measure(out, home, err));
    out->state_file = part_bytes(home, "state");
    out->log = part_bytes(home, "blocks/blocks.log");
    out->log_index = part_bytes(home, "blocks/blocks.idx");
    out->torn = part_bytes(home, "blocks/blocks.torn");
    out->restoring = part_bytes(home, "state.restoring");
    out->snapshot_count = parts_list(out->snapshots, snapshots);
    out->total = bytes_below(home->path, 0);
    ASSAY_TRY(comet_list(out, home, comet_home, err));
    uint64_t known = out->state_file + out->log + out->log_index + out->torn + out->restoring +
                     parts_sum(out->snapshots, out->snapshot_count) +
                     parts_sum(out->comet, out->comet_count);
    // A running node changes sizes between the looks.
    out->other = out->total > known ? out->total - known : 0;
    return ASSAY_OK;
}

// --- what it means ---

static uint64_t comet_bytes(const assay_disk_report *report, const char *name) {
    for (uint32_t i = 0; i < report->comet_count; i++)
        if (strcmp(report->comet[i].name, name) == 0) return report->comet[i].bytes;
    return 0;
}

uint32_t assay_disk_advise(char out[ASSAY_DISK_ADVICE_MAX][ASSAY_DISK_SENTENCE_MAX],
                           const assay_disk_report *r, const assay_config *config) {
    const uint64_t gib = 1ull << 30;
    uint32_t count = 0;
#define ADVISE(condition, ...)                                                                     \
    if (condition) snprintf(out[count++], ASSAY_DISK_SENTENCE_MAX, __VA_ARGS__)
    ADVISE(r->disk_free < r->disk_size / 20 || r->disk_free < gib,
           "only %llu MiB are free: the node stops when its disk is full",
           (ull)(r->disk_free / MIB));
    ADVISE(r->store.map_size && r->store.bytes_used / 4 > r->store.map_size / 5,
           "the state has used four fifths of its map: raise map_gib (%llu) in config.json",
           (ull)config->map_gib);
    ADVISE(r->store.bytes_used > gib && r->store.free_bytes > r->store.bytes_used / 2,
           "over half of the state's file is empty pages, which later blocks fill");
    ADVISE(r->torn > 0,
           "blocks.torn is what a crash cut off the log: remove it if nobody asks why");
    ADVISE(r->restoring > 0, "state.restoring is a state sync, or what one left: the next start "
                             "of the node removes it");
    ADVISE(comet_bytes(r, "blockstore.db") > 10 * gib && config->keep_blocks == 0,
           "CometBFT keeps all blocks: keep_blocks in config.json lets it drop old ones");
    ADVISE(comet_bytes(r, "tx_index.db") > gib,
           "CometBFT indexes transactions: indexer = \"null\" in its config/config.toml ends it");
    ADVISE(config->engine == ASSAY_ENGINE_ABCI && !r->comet_data[0],
           "CometBFT's data was not found: --comet-home says where its home is");
#undef ADVISE
    return count;
}

const char *assay_disk_table(uint8_t table) {
    static char names[256][24];
    static const struct {
        uint8_t byte;
        const char *name;
    } known[] = {
#define X(table_name, byte) {(byte), #table_name},
        ASSAY_TABLE_LIST(X)
#undef X
            {ASSAY_STORE_HISTORY, "HISTORY"},
        {ASSAY_STORE_HISTORY + 1, "HISTORY_COUNT"},
        {ASSAY_STORE_HISTORY + 2, "HISTORY_PEAK"},
    };
    for (size_t i = 0; i < ASSAY_COUNT(known); i++) {
        if (known[i].byte != table) continue;
        for (size_t at = 0; known[i].name[at] && at + 1 < sizeof names[0]; at++) {
            char letter = known[i].name[at];
            names[table][at] = letter >= 'A' && letter <= 'Z' ? (char)(letter + 32) : letter;
        }
        return names[table];
    }
    return "unknown";
}

// --- as a document ---

static json_t *parts_json(const assay_disk_part *parts, uint32_t count) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s,s:o}", "name", parts[i].name, "bytes",
                                              assay_json_from_u64(parts[i].bytes)));
    return list;
}

static json_t *tables_json(const assay_disk_report *report) {
    json_t *list = json_array();
    for (int i = 0; i < 256; i++) {
        if (report->tables[i].entries == 0) continue;
        json_array_append_new(
            list, json_pack("{s:s,s:i,s:s,s:o,s:o}", "table", assay_disk_table((uint8_t)i), "byte",
                            i, "class", i < ASSAY_STORE_AUX ? "state" : "aux", "entries",
                            assay_json_from_u64(report->tables[i].entries), "bytes",
                            assay_json_from_u64(report->tables[i].bytes)));
    }
    return list;
}

static json_t *state_json(const assay_disk_report *r) {
    if (!r->has_state) return json_null();
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "height", assay_json_from_u64(r->height), "file",
        assay_json_from_u64(r->state_file), "map", assay_json_from_u64(r->store.map_size), "used",
        assay_json_from_u64(r->store.bytes_used), "entries",
        assay_json_from_u64(r->store.entry_bytes), "tree", assay_json_from_u64(r->store.tree_bytes),
        "reusable", assay_json_from_u64(r->store.free_bytes), "tables", tables_json(r));
}

json_t *assay_disk_json(const assay_disk_report *r, const assay_config *config) {
    char sentences[ASSAY_DISK_ADVICE_MAX][ASSAY_DISK_SENTENCE_MAX];
    uint32_t count = assay_disk_advise(sentences, r, config);
    json_t *advice = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(advice, json_string(sentences[i]));
    return json_pack(
        "{s:o,s:{s:o,s:o,s:o},s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "state", state_json(r), "blocks",
        "log", assay_json_from_u64(r->log), "index", assay_json_from_u64(r->log_index), "torn",
        assay_json_from_u64(r->torn), "snapshots", parts_json(r->snapshots, r->snapshot_count),
        "restoring", assay_json_from_u64(r->restoring), "comet",
        parts_json(r->comet, r->comet_count), "other", assay_json_from_u64(r->other), "total",
        assay_json_from_u64(r->total), "disk_free", assay_json_from_u64(r->disk_free), "disk_size",
        assay_json_from_u64(r->disk_size), "advice", advice);
}
