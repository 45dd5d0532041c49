// SPDX-License-Identifier: Apache-2.0
// E-68: what a node's folder takes, beside the node that writes it.
#include "tests/ledger/chain.h"

#include "base/file.h"
#include "base/json.h"
#include "node/home/disk.h"
#include "tests/folder.h"

typedef struct {
    chain chain;
    assay_home home; // borrows the chain's genesis
    assay_app *app;  // in home/state
} folder;

static void folder_open(folder *f) {
    char path[PATH_MAX];
    memset(f, 0, sizeof *f);
    chain_init(&f->chain);
    chain_start(&f->chain);
    snprintf(f->home.path, sizeof f->home.path, "/tmp/assay_disk_XXXXXX");
    test_folder_make(f->home.path);
    assay_config_init(&f->home.config);
    f->home.config.map_gib = 1;
    f->home.genesis = f->chain.genesis;
    must(assay_home_path(path, f->home.path, "state", err));
    const assay_app_options options = {.skip_sync = true, .map_size = 1 << 30};
    must(assay_app_open(&f->app, path, &f->home.genesis, &options, err));
}

static void folder_close(folder *f) {
    assay_app_close(f->app);
    chain_close(&f->chain);
}

static void file_put(const folder *f, const char *name, size_t size) {
    char path[PATH_MAX];
    uint8_t *data = calloc(1, size);
    assert_non_null(data);
    memset(data, 7, size);
    must(assay_home_path(path, f->home.path, name, err));
    char *slash = strrchr(path, '/');
    *slash = 0;
    must(assay_folder_make(path, err));
    *slash = '/';
    must(assay_file_replace(path, data, size, 0600, err));
    free(data);
}

static void every_part_is_counted(void **state) {
    static folder f;
    static assay_disk_report r;
    folder_open(&f);
    must(assay_disk_measure(&r, &f.home, NULL, err));
    assert_false(r.has_state);
    must(assay_app_init_chain(f.app, err));
    file_put(&f, "blocks/blocks.log", 300000);
    file_put(&f, "blocks/blocks.idx", 10000);
    file_put(&f, "blocks/blocks.torn", 20000);
    file_put(&f, "snapshots/1000/manifest", 5000);
    file_put(&f, "snapshots/1000/000000", 500000);
    file_put(&f, "snapshots/900/000000", 100000);
    file_put(&f, "state.restoring/data.mdb", 70000);
    file_put(&f, "comet/data/blockstore.db/000001.ldb", 200000);
    file_put(&f, "comet/data/tx_index.db/000001.ldb", 90000);
    file_put(&f, "archive/1", 40000);
    must(assay_disk_measure(&r, &f.home, NULL, err));
    assert_true(r.has_state);
    assert_int_equal(r.height, 0);
    assert_in_range(r.log, 300000, 320000);
    assert_in_range(r.log_index, 10000, 30000);
    assert_in_range(r.torn, 20000, 40000);
    assert_in_range(r.restoring, 70000, 100000);
    assert_int_equal(r.snapshot_count, 2);
    assert_string_equal(r.snapshots[0].name, "900");
    assert_string_equal(r.snapshots[1].name, "1000");
    assert_in_range(r.snapshots[1].bytes, 505000, 540000);
    assert_int_equal(r.comet_count, 2);
    assert_string_equal(r.comet[1].name, "blockstore.db");
    assert_in_range(r.comet[1].bytes, 200000, 230000);
    assert_in_range(r.other, 40000, 120000);
    uint64_t sum = r.state_file + r.log + r.log_index + r.torn + r.restoring + r.other +
                   r.snapshots[0].bytes + r.snapshots[1].bytes + r.comet[0].bytes +
                   r.comet[1].bytes;
    assert_int_equal(sum, r.total);
    assert_true(r.disk_size >= r.disk_free);
    folder_close(&f);
}

static const char *comet_seen(const folder *f, const char *comet_home, uint64_t other_min) {
    static assay_disk_report r;
    must(assay_disk_measure(&r, &f->home, comet_home, err));
    if (!r.comet_data[0]) return "nowhere";
    assert_int_equal(r.comet_count, 1);
    assert_int_equal(r.total, r.state_file + r.other + r.comet[0].bytes);
    assert_in_range(r.other, other_min, other_min + 100000);
    return r.comet[0].name;
}

// E-68: as named, else as exported, else in the home.
static void comets_data_is_found_beside_the_home(void **state) {
    static folder f, beside;
    char other[PATH_MAX];
    folder_open(&f);
    folder_open(&beside);
    assert_string_equal(comet_seen(&f, NULL, 0), "nowhere");
    file_put(&f, "comet/data/inside", 300000);
    file_put(&beside, "data/exported", 300000);
    file_put(&beside, "other/data/named", 300000);
    assert_string_equal(comet_seen(&f, NULL, 0), "inside");
    snprintf(f.home.config.exported, sizeof f.home.config.exported, "%s", beside.home.path);
    assert_string_equal(comet_seen(&f, NULL, 300000), "exported");
    must(assay_home_path(other, beside.home.path, "other", err));
    assert_string_equal(comet_seen(&f, other, 300000), "named");
    static assay_disk_report r;
    assert_int_equal(assay_disk_measure(&r, &f.home, beside.home.path + 1, NULL), ASSAY_NOT_FOUND);
    folder_close(&beside);
    folder_close(&f);
}

static void tables_are_those_of_the_state(void **state) {
    static folder f;
    static assay_disk_report r;
    folder_open(&f);
    must(assay_app_init_chain(f.app, err));
    must(assay_disk_measure(&r, &f.home, NULL, err));
    assert_int_equal(r.tables[ASSAY_TABLE_ACCOUNT].entries, CHAIN_ACTORS);
    assert_int_equal(r.tables[ASSAY_TABLE_ACCOUNT].bytes % CHAIN_ACTORS, 0);
    assert_int_equal(r.tables[ASSAY_TABLE_TOTALS].entries, 1);
    uint64_t entries = 0;
    for (int i = 0; i < 256; i++) {
        entries += r.tables[i].entries;
        if (r.tables[i].entries) assert_string_not_equal(assay_disk_table((uint8_t)i), "unknown");
    }
    assert_int_equal(entries, r.store.entry_count);
    assert_true(r.store.entry_bytes > 0 && r.store.tree_bytes > 0);
    assert_true(r.store.entry_bytes + r.store.tree_bytes + r.store.free_bytes <=
                r.store.bytes_used);
    assert_string_equal(assay_disk_table(ASSAY_TABLE_ENDED_BATCH), "ended_batch");
    assert_string_equal(assay_disk_table(0xf0), "history");
    assert_string_equal(assay_disk_table(0x7f), "unknown");
    json_t *document = assay_disk_json(&r, &f.home.config);
    assert_non_null(document);
    json_t *tables = json_object_get(json_object_get(document, "state"), "tables");
    uint64_t listed = 0;
    for (size_t i = 0; i < json_array_size(tables); i++) {
        uint64_t count;
        must(assay_json_u64(&count, json_array_get(tables, i), "entries", 1, UINT64_MAX, err));
        listed += count;
    }
    assert_int_equal(listed, entries);
    json_decref(document);
    folder_close(&f);
}

static void advice_fits_the_case(void **state) {
    const uint64_t gib = 1ull << 30;
    static const struct {
        int field;
        const char *text;
    } cases[] = {{0, "only 900 MiB are free"}, {1, "raise map_gib (64)"},
                 {2, "empty pages"},           {3, "blocks.torn is what a crash cut off"},
                 {4, "state.restoring"},       {5, "keep_blocks in config.json"},
                 {6, "indexer = \"null\""},    {7, "--comet-home says where"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static assay_disk_report r;
        char out[ASSAY_DISK_ADVICE_MAX][ASSAY_DISK_SENTENCE_MAX];
        assay_config config;
        assay_config_init(&config);
        r = (assay_disk_report){.disk_free = 500 * gib, .disk_size = 1000 * gib, .comet_count = 2};
        r.store.map_size = 64 * gib;
        r.store.bytes_used = 10 * gib;
        snprintf(r.comet[0].name, sizeof r.comet[0].name, "blockstore.db");
        snprintf(r.comet[1].name, sizeof r.comet[1].name, "tx_index.db");
        assert_int_equal(assay_disk_advise(out, &r, &config), 0);
        if (cases[i].field == 0) r.disk_free = 900ull << 20;
        if (cases[i].field == 1) r.store.bytes_used = 52 * gib;
        if (cases[i].field == 2) r.store.free_bytes = 6 * gib;
        if (cases[i].field == 3) r.torn = 1;
        if (cases[i].field == 4) r.restoring = 1;
        if (cases[i].field == 5) r.comet[0].bytes = 11 * gib;
        if (cases[i].field == 6) r.comet[1].bytes = 2 * gib;
        if (cases[i].field == 7) config.engine = ASSAY_ENGINE_ABCI;
        assert_int_equal(assay_disk_advise(out, &r, &config), 1);
        if (!strstr(out[0], cases[i].text)) fail_msg("%zu: %s", i, out[0]);
        config.keep_blocks = 100;
        assert_int_equal(assay_disk_advise(out, &r, &config), cases[i].field != 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_counted),
        cmocka_unit_test(comets_data_is_found_beside_the_home),
        cmocka_unit_test(tables_are_those_of_the_state),
        cmocka_unit_test(advice_fits_the_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
