// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "node/cmd/commands.h"
#include "node/home/disk.h"

enum { TABLES_SHOWN = 10, TEXT_SIZE = 32 };

static const char *bytes_text(char out[TEXT_SIZE], uint64_t bytes) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    uint64_t scale = 1;
    for (; bytes / scale >= 1024 && unit < 6; unit++)
        scale *= 1024;
    if (unit == 0)
        snprintf(out, TEXT_SIZE, "%u bytes", (unsigned)bytes);
    else
        snprintf(out, TEXT_SIZE, "%u.%u %s", (unsigned)(bytes / scale),
                 (unsigned)(bytes % scale / (scale / 1024) * 10 / 1024), units[unit]);
    return out;
}

static void line(const char *name, uint64_t bytes, const char *more) {
    char text[TEXT_SIZE];
    printf("%-22s%12s%s%s\n", name, bytes_text(text, bytes), *more ? "  " : "", more);
}

typedef struct {
    uint8_t table;
    uint64_t bytes;
} rank;

static int rank_order(const void *a, const void *b) {
    const rank *one = a, *other = b;
    if (one->bytes != other->bytes) return one->bytes > other->bytes ? -1 : 1;
    return one->table - other->table;
}

static void tables_print(const assay_disk_report *r) {
    rank ranks[256];
    char name[64], more[64];
    uint64_t rest = 0, rest_entries = 0;
    for (int i = 0; i < 256; i++)
        ranks[i] = (rank){(uint8_t)i, r->tables[i].bytes};
    qsort(ranks, 256, sizeof ranks[0], rank_order);
    for (int i = 0; i < 256; i++) {
        uint8_t table = ranks[i].table;
        if (i >= TABLES_SHOWN) {
            rest += r->tables[table].bytes;
            rest_entries += r->tables[table].entries;
        } else if (ranks[i].bytes) {
            snprintf(name, sizeof name, "  %s", assay_disk_table(table));
            snprintf(more, sizeof more, "in %llu entries%s", (ull)r->tables[table].entries,
                     table < ASSAY_STORE_AUX ? "" : ", aux");
            line(name, r->tables[table].bytes, more);
        }
    }
    snprintf(more, sizeof more, "in %llu entries", (ull)rest_entries);
    if (rest) line("  other tables", rest, more);
}

static void state_print(const assay_disk_report *r) {
    char more[128], map[TEXT_SIZE];
    if (!r->has_state) {
        line("state", r->state_file, "there is none yet");
        return;
    }
    snprintf(more, sizeof more, "at height %llu, of at most %s", (ull)r->height,
             bytes_text(map, r->store.map_size));
    line("state", r->state_file, more);
    line("  entries", r->store.entry_bytes, "in pages, of these keys and values:");
    tables_print(r);
    line("  tree", r->store.tree_bytes, "");
    line("  reusable", r->store.free_bytes, "");
}

static void parts_print(const char *title, const assay_disk_part *parts, uint32_t count,
                        const char *more) {
    char name[ASSAY_DISK_NAME_MAX + 4];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += parts[i].bytes;
    if (count) line(title, sum, more);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "  %s", parts[i].name);
        line(name, parts[i].bytes, "");
    }
}

static void report_print(const assay_disk_report *r, const assay_config *config) {
    char advice[ASSAY_DISK_ADVICE_MAX][ASSAY_DISK_SENTENCE_MAX], text[TEXT_SIZE], more[64];
    state_print(r);
    if (r->log) line("block log", r->log + r->log_index, "with its index");
    if (r->torn) line("blocks.torn", r->torn, "");
    parts_print("snapshots", r->snapshots, r->snapshot_count, "");
    if (r->restoring) line("state.restoring", r->restoring, "");
    parts_print("CometBFT", r->comet, r->comet_count, r->comet_data);
    line("other files", r->other, "");
    snprintf(more, sizeof more, "and %s of the disk are free", bytes_text(text, r->disk_free));
    line("in all", r->total, more);
    uint32_t count = assay_disk_advise(advice, r, config);
    for (uint32_t i = 0; i < count; i++)
        printf("%s%s\n", i ? "" : "\n", advice[i]);
}

int assay_cmd_disk(assay_invocation *invocation) {
    const char *path = NULL, *comet = NULL;
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &path, "DIR", "a node's folder; the node may be running", 0, 0,
         true},
        {"comet-home", ASSAY_OPTION_TEXT, &comet, "DIR",
         "CometBFT's home (the one that assay export gave the key, else comet in the home)", 0, 0,
         false},
    };
    int code;
    if (!assay_command_begin(invocation, table, 2,
                             "Reads all entries of the state once, beside a running node.", &code))
        return code;
    static assay_disk_report report;
    assay_home home = {0};
    assay_error err = {0};
    assay_status status = assay_home_open(&home, path, &err);
    if (status == ASSAY_OK) status = assay_disk_measure(&report, &home, comet, &err);
    if (status != ASSAY_OK) {
        code = assay_command_fail(invocation, &err, NULL);
    } else if (invocation->json) {
        code = assay_command_print(assay_disk_json(&report, &home.config));
    } else {
        report_print(&report, &home.config);
        code = ASSAY_EXIT_OK;
    }
    assay_home_close(&home);
    return code;
}
