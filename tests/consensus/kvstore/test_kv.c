// SPDX-License-Identifier: Apache-2.0
// E-9: the kv application, called as the server calls it.
#include "base/file.h"
#include "base/sha256.h"
#include "consensus/kvstore/kv.h"
#include "consensus/kvstore/store.h"
#include "consensus/kvstore/tx.h"
#include "tests/consensus/abci/abci.h"
#include "tests/folder.h"

#define KEY_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" // 0 to 31

static assay_arena arena;
static assay_abci_reply reply;

static int setup(void **state) {
    assay_arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state) {
    assay_arena_close(&arena);
    return 0;
}

static assay_status ask(assay_kvstore *kv, const assay_abci_request *request) {
    assay_abci_application application = assay_kvstore_application(kv);
    reply = (assay_abci_reply){.kind = request->kind};
    return application.call(application.self, request, &reply, &arena, NULL);
}

static void info_expect(assay_kvstore *kv, const char *data, int64_t height, uint8_t hash) {
    const uint8_t wanted[8] = {hash};
    assay_abci_request request = {.kind = ASSAY_ABCI_INFO};
    assert_int_equal(ask(kv, &request), ASSAY_OK);
    assert_true(bytes_are(reply.info.data, data));
    assert_int_equal(reply.info.height, height);
    assert_int_equal(reply.info.app_version, 1);
    assert_int_equal(reply.info.app_hash.size, 8);
    assert_memory_equal(reply.info.app_hash.data, wanted, 8);
}

static void query_expect(assay_kvstore *kv, const char *key, const char *value) {
    assay_abci_request request = {.kind = ASSAY_ABCI_QUERY, .query.data = bytes_of(key)};
    assert_int_equal(ask(kv, &request), ASSAY_OK);
    assert_true(bytes_are(reply.query.key, key));
    assert_true(bytes_are(reply.query.value, value ? value : ""));
    assert_true(bytes_are(reply.query.result.log, value ? "exists" : "does not exist"));
}

static assay_status block(assay_kvstore *kv, assay_abci_kind kind, int64_t height, const char *tx) {
    assay_bytes txs[] = {bytes_of(tx)};
    assay_abci_request request = {.kind = kind,
                                  .block = {.txs = txs, .tx_count = 1, .height = height}};
    return ask(kv, &request);
}

static void commit(assay_kvstore *kv) {
    assay_abci_request request = {.kind = ASSAY_ABCI_COMMIT};
    assert_int_equal(ask(kv, &request), ASSAY_OK);
}

// E-9: each form, at its edges.
static void test_forms(void **state) {
    static const struct {
        const char *tx;
        assay_kvstore_form form;
    } cases[] = {
        {"", ASSAY_KVSTORE_INVALID},
        {"abc", ASSAY_KVSTORE_INVALID},
        {"=", ASSAY_KVSTORE_INVALID},
        {"a=", ASSAY_KVSTORE_INVALID},
        {"=a", ASSAY_KVSTORE_INVALID},
        {"a==b", ASSAY_KVSTORE_INVALID},
        {"a=b:c", ASSAY_KVSTORE_INVALID},
        {":a", ASSAY_KVSTORE_INVALID},
        {"a:", ASSAY_KVSTORE_INVALID},
        {"a=b", ASSAY_KVSTORE_PAIR},
        {"a:b", ASSAY_KVSTORE_COLON},
        {"va=b", ASSAY_KVSTORE_PAIR},
        {"val=", ASSAY_KVSTORE_INVALID},
        {"val=b", ASSAY_KVSTORE_INVALID},
        {"val=" KEY_TEXT "!1", ASSAY_KVSTORE_INVALID},
        {"val=!" KEY_TEXT "!1", ASSAY_KVSTORE_VALIDATOR},
        {"val=ed25519!" KEY_TEXT "!0", ASSAY_KVSTORE_VALIDATOR},
        {"val=ed25519!" KEY_TEXT "!9223372036854775807", ASSAY_KVSTORE_VALIDATOR},
        {"val=ed25519!" KEY_TEXT "!9223372036854775808", ASSAY_KVSTORE_INVALID},
        {"val=ed25519!" KEY_TEXT "!-1", ASSAY_KVSTORE_INVALID},
        {"val=ed25519!" KEY_TEXT "!", ASSAY_KVSTORE_INVALID},
        {"val=ed25519!" KEY_TEXT "!1!", ASSAY_KVSTORE_INVALID},
        {"val=ed25519!AAAA!1", ASSAY_KVSTORE_INVALID},
        {"val=ed25519!AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A!1", ASSAY_KVSTORE_INVALID},
        {"val=ed25519!AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8?!1", ASSAY_KVSTORE_INVALID},
        {"val=secp256k1!AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g!1", ASSAY_KVSTORE_VALIDATOR},
        {"val=sr25519!" KEY_TEXT "!1", ASSAY_KVSTORE_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_kvstore_validator validator;
        assay_kvstore_form form = assay_kvstore_tx_read(bytes_of(cases[i].tx), &validator);
        if (form != cases[i].form) fail_msg("\"%s\" is form %d", cases[i].tx, (int)form);
        if (form != ASSAY_KVSTORE_VALIDATOR) continue;
        for (uint8_t j = 0; j < validator.key_size; j++)
            assert_int_equal(validator.key[j], j);
    }
}

// E-9: upstream's first golden story (abci/tests/test_cli/ex1.abci), and its proposals.
static void test_story(void **state) {
    assay_kvstore *kv;
    must(assay_kvstore_open(&kv, NULL, err));
    info_expect(kv, "{\"size\":0}", 0, 0);
    assert_int_equal(block(kv, ASSAY_ABCI_PREPARE_PROPOSAL, 1, "abc:123"), ASSAY_OK);
    assert_int_equal(reply.txs.count, 1);
    assert_true(bytes_are(reply.txs.txs[0], "abc=123"));
    assert_int_equal(block(kv, ASSAY_ABCI_PREPARE_PROPOSAL, 1, "abc"), ASSAY_OK);
    assert_int_equal(reply.txs.count, 0);
    assert_int_equal(block(kv, ASSAY_ABCI_PROCESS_PROPOSAL, 1, "abc==456"), ASSAY_OK);
    assert_int_equal(reply.process.status, 2);
    assert_int_equal(block(kv, ASSAY_ABCI_PROCESS_PROPOSAL, 1, "abc=123"), ASSAY_OK);
    assert_int_equal(reply.process.status, 1);
    assert_int_equal(block(kv, ASSAY_ABCI_FINALIZE_BLOCK, 1, "abc=123"), ASSAY_OK);
    assert_int_equal(reply.finalize.result_count, 1);
    assert_int_equal(reply.finalize.results[0].code, 0);
    assert_int_equal(reply.finalize.results[0].event_count, 2);
    const assay_abci_event *event = &reply.finalize.results[0].events[1];
    assert_true(bytes_are(event->type, "app"));
    assert_int_equal(event->attribute_count, 4);
    assert_true(bytes_are(event->attributes[0].value, "Cosmoshi"));
    assert_true(bytes_are(event->attributes[1].value, "123"));
    assert_false(event->attributes[3].index);
    assert_memory_equal(reply.finalize.app_hash.data, "\2\0\0\0\0\0\0\0", 8);
    info_expect(kv, "{\"size\":0}", 0, 0);
    query_expect(kv, "abc", NULL);
    commit(kv);
    info_expect(kv, "{\"size\":1}", 1, 2);
    query_expect(kv, "abc", "123");
    query_expect(kv, "ab", NULL);
    assert_int_equal(block(kv, ASSAY_ABCI_FINALIZE_BLOCK, 2, "abc:1"), ASSAY_OK);
    assert_int_equal(reply.finalize.results[0].code, 2);
    assay_abci_request check = {.kind = ASSAY_ABCI_CHECK_TX, .check_tx.tx = bytes_of("abc")};
    assert_int_equal(ask(kv, &check), ASSAY_OK);
    assert_int_equal(reply.check_tx.code, 2);
    check.check_tx.tx = bytes_of("a=b");
    assert_int_equal(ask(kv, &check), ASSAY_OK);
    assert_int_equal(reply.check_tx.code, 0);
    assert_int_equal(reply.check_tx.gas_wanted, 1);
    check.kind = ASSAY_ABCI_INSERT_TX;
    assert_int_equal(ask(kv, &check), ASSAY_OK);
    assert_int_not_equal(reply.check_tx.code, 0);
    assay_kvstore_close(kv);
}

static void validator_expect(assay_kvstore *kv, const uint8_t key[32], const char *value,
                             size_t size) {
    assay_abci_request request = {.kind = ASSAY_ABCI_QUERY,
                                  .query = {.data = {key, 32}, .path = bytes_of("/val")}};
    assert_int_equal(ask(kv, &request), ASSAY_OK);
    assert_int_equal(reply.query.value.size, size);
    if (size) assert_memory_equal(reply.query.value.data, value, size);
}

// E-9: validators from the genesis and from transactions, their removal, and who votes twice.
static void test_validators(void **state) {
    assay_kvstore *kv;
    uint8_t key[32];
    char value[64] = "\x26\x0a\x22\x0a\x20"; // 38 bytes {1 {1 of 32 bytes}, 2: 5}
    assay_hash hash;
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i;
    memcpy(value + 5, key, 32);
    memcpy(value + 37, "\x10\x05", 2);
    must(assay_kvstore_open(&kv, NULL, err));
    assay_abci_validator_update update = {ASSAY_ABCI_ED25519, {key, 32}, 5};
    assay_abci_request init = {.kind = ASSAY_ABCI_INIT_CHAIN,
                               .init_chain = {.validators = &update, .validator_count = 1}};
    assert_int_equal(ask(kv, &init), ASSAY_OK);
    validator_expect(kv, key, value, 39);
    assay_sha256_of(&hash, key, 32);
    assay_abci_misbehavior report = {.type = 1, .address = {hash.bytes, 20}, .power = 5};
    assay_abci_request guilty = {.kind = ASSAY_ABCI_FINALIZE_BLOCK,
                                 .block = {.misbehaviors = &report, .misbehavior_count = 1}};
    assert_int_equal(ask(kv, &guilty), ASSAY_OK);
    assert_int_equal(reply.finalize.update_count, 1);
    assert_int_equal(reply.finalize.updates[0].power, 4);
    assert_memory_equal(reply.finalize.updates[0].key.data, key, 32);
    commit(kv);
    value[38] = 4;
    validator_expect(kv, key, value, 39);
    hash.bytes[0] ^= 1;
    assert_int_equal(ask(kv, &guilty), ASSAY_MISSING);
    assert_int_equal(block(kv, ASSAY_ABCI_FINALIZE_BLOCK, 2, "val=ed25519!" KEY_TEXT "!0"),
                     ASSAY_OK);
    assert_int_equal(reply.finalize.update_count, 1);
    assert_int_equal(reply.finalize.updates[0].power, 0);
    commit(kv);
    validator_expect(kv, key, NULL, 0);
    update.key_type = 0;
    assert_int_equal(ask(kv, &init), ASSAY_UNSUPPORTED);
    assay_kvstore_close(kv);
}

// E-9: a second FinalizeBlock before Commit stages anew.
static void test_finalize_twice(void **state) {
    assay_kvstore *kv;
    must(assay_kvstore_open(&kv, NULL, err));
    assert_int_equal(block(kv, ASSAY_ABCI_FINALIZE_BLOCK, 1, "a=1"), ASSAY_OK);
    assert_int_equal(block(kv, ASSAY_ABCI_FINALIZE_BLOCK, 1, "b=2"), ASSAY_OK);
    commit(kv);
    info_expect(kv, "{\"size\":1}", 1, 2);
    query_expect(kv, "a", NULL);
    query_expect(kv, "b", "2");
    assay_kvstore_close(kv);
}

// E-9: what Commit left is there after a restart; what was not committed is not.
static void test_restart(void **state) {
    char folder[] = "/tmp/assay-kv-XXXXXX", name[32], tx[48];
    assay_kvstore *kv;
    test_folder_make(folder);
    for (int i = 0; i < 20; i++) {
        must(assay_kvstore_open(&kv, folder, err));
        snprintf(name, sizeof name, "{\"size\":%d}", i);
        info_expect(kv, name, i, (uint8_t)(2 * i));
        snprintf(tx, sizeof tx, "key%d=value%d", i * 7 % 20, i);
        assert_int_equal(block(kv, ASSAY_ABCI_FINALIZE_BLOCK, i + 1, tx), ASSAY_OK);
        commit(kv);
        assert_int_equal(block(kv, ASSAY_ABCI_FINALIZE_BLOCK, i + 2, "lost=1"), ASSAY_OK);
        assay_kvstore_close(kv);
    }
    must(assay_kvstore_open(&kv, folder, err));
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "key%d", i * 7 % 20);
        snprintf(tx, sizeof tx, "value%d", i);
        query_expect(kv, name, tx);
    }
    query_expect(kv, "lost", NULL);
    assay_kvstore_close(kv);
}

// E-9: a file that is cut or changed is refused, or is another that reads.
static void test_damaged_file(void **state) {
    char folder[] = "/tmp/assay-kv-XXXXXX", path[64];
    assay_kvstore_store store = {0}, again = {0};
    uint8_t *data;
    size_t size;
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/kv.state", folder);
    must(assay_kvstore_set(&store, bytes_of("ka"), bytes_of("1"), err));
    must(assay_kvstore_set(&store, bytes_of("kb"), bytes_of(""), err));
    must(assay_kvstore_save(&store, path, err));
    must(assay_file_read(path, 1 << 20, &data, &size, err));
    for (size_t cut = 0; cut < size; cut++) {
        must(assay_file_replace(path, data, cut, 0600, err));
        assert_int_equal(assay_kvstore_load(&again, path, NULL), ASSAY_TRUNCATED);
        assay_kvstore_store_close(&again);
    }
    static const struct {
        size_t at;
        uint8_t value;
        assay_status status;
    } cases[] = {
        {0, 'b', ASSAY_VERSION},  {8, 0x80, ASSAY_RANGE},      {16, 0x80, ASSAY_RANGE},
        {27, 3, ASSAY_TRUNCATED}, {27, 1, ASSAY_TRAILING},     {33, 'c', ASSAY_ORDER},
        {33, 'b', ASSAY_ORDER},   {28, 0x7f, ASSAY_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t kept = data[cases[i].at];
        data[cases[i].at] = cases[i].value;
        must(assay_file_replace(path, data, size, 0600, err));
        data[cases[i].at] = kept;
        assay_status status = assay_kvstore_load(&again, path, NULL);
        if (status != cases[i].status) fail_msg("case %zu: %d", i, (int)status);
        assay_kvstore_store_close(&again);
    }
    free(data);
    assay_kvstore_store_close(&store);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_forms),          TEST(test_story),   TEST(test_validators),
        TEST(test_finalize_twice), TEST(test_restart), TEST(test_damaged_file),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
