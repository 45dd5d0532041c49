// SPDX-License-Identifier: Apache-2.0
// What a validator says it can rerun, on a real chain: of the roots it has loaded those that are
// registered as what they are and whose data are here, and the rest once they are. Rules P-34 to
// P-36, F-56.
#include "consensus/clock.h"
#include "node/verifier/declaration.h"
#include "quant/tokenizer/bpe.h"
#include "tests/node/desk.h"

// The loaded adapters beside the world's: by their roots alone, which is all a declaration sees.
enum { UNREGISTERED, TAKEN, ELSEWHERE, WITHOUT_DATA, MISCOUNTED, REFUSED, ADAPTERS };

static assay_adapter adapters[ADAPTERS + 1];
static assay_workshop_dataset datasets[3];
static assay_workshop shop;
static assay_workshop opened; // with a text that the tokenizer refuses, before one that it takes

static const assay_hash base = {{0x31}}, absent = {{0x32}}, miscounted = {{0x33}};

static const assay_hash *root_of(int adapter) {
    return &shop.adapters[1 + adapter].root;
}

static void model_register(const assay_hash *root) {
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_MODEL};
    work_commit(&world, PUBLISHER, root, NULL);
    tx.body.register_model =
        (assay_tx_register_model){.root = *root, .byte_count = 1, .name = work_text("m")};
    work_send(&world, PUBLISHER, &tx);
}

static void adapter_register(const assay_hash *root, const assay_hash *of,
                             const assay_hash *dataset) {
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_ADAPTER};
    const assay_source_row source = {*dataset, ASSAY_SHARE_SUM};
    work_commit(&world, TUNER, root, NULL);
    tx.body.register_adapter = (assay_tx_register_adapter){.base = *of,
                                                           .root = *root,
                                                           .byte_count = 1,
                                                           .name = work_text("a"),
                                                           .sources = {&source, 1}};
    work_send(&world, TUNER, &tx);
}

static bool is_declared(const assay_hash *root) {
    char address[ASSAY_HEX_HASH_MAX], text[ASSAY_HEX_HASH_MAX];
    json_t *account;
    const json_t *item;
    size_t i;
    bool found = false;
    const assay_wallet *wallet = &world.wallets[VALIDATOR];
    assay_hex_encode_0x(address, wallet->principal.bytes, ASSAY_ADDRESS_SIZE);
    assay_hex_encode_0x(text, root->bytes, ASSAY_HASH_SIZE);
    must(assay_client_get(&account, &wallet->client, err, "account/%s", address));
    json_array_foreach(json_object_get(account, "declared"), i, item) {
        found = found || strcmp(json_string_value(item), text) == 0;
    }
    json_decref(account);
    return found;
}

static uint64_t nonce_now(void) {
    uint64_t nonce;
    must(assay_client_nonce(&nonce, &world.wallets[VALIDATOR].client,
                            &world.wallets[VALIDATOR].address, 0, err));
    return nonce;
}

static assay_declaration declaration_of(const assay_workshop *loaded) {
    return (assay_declaration){.shop = loaded, .wallet = &world.wallets[VALIDATOR]};
}

static void expect_left_out(const assay_declaration *d, int adapter, const char *words) {
    const assay_loaded *loaded = &d->loaded[2 + adapter];
    assert_int_equal(loaded->state, ASSAY_LOADED_LEFT_OUT);
    if (!strstr(loaded->reason, words)) fail_msg("\"%s\", not \"%s\"", loaded->reason, words);
    assert_false(is_declared(root_of(adapter)));
}

// F-56: a stranger's registration of a root that is not registered yet meets no declaration of it.
static void what_nobody_registered_is_awaited(void **state) {
    assay_declaration d = declaration_of(&shop);
    uint64_t nonce = nonce_now();
    must(assay_declaration_look(&d, 100, err));
    assert_int_equal(d.loaded[0].state, ASSAY_LOADED_FIT);
    assert_int_equal(d.loaded[1].state, ASSAY_LOADED_FIT);
    assert_true(is_declared(&world.model) && is_declared(&world.adapter));
    for (int i = 0; i < ADAPTERS; i++) {
        assert_int_equal(d.loaded[2 + i].state, ASSAY_LOADED_AWAITED);
        assert_non_null(strstr(d.loaded[2 + i].reason, "not registered as an adapter"));
        assert_false(is_declared(root_of(i)));
    }
    assert_int_equal(nonce_now(), nonce); // the ledger had it so
    // Later registrations need no restart, and no more than a look every few seconds.
    model_register(root_of(TAKEN));
    model_register(&base);
    work_dataset(&world, CONTRIBUTOR, &absent, 1, 1);
    work_dataset(&world, CONTRIBUTOR, &miscounted, datasets[1].corpus.chunk_count + 1,
                 datasets[1].corpus.text.size);
    adapter_register(root_of(ELSEWHERE), &base, &world.dataset);
    adapter_register(root_of(WITHOUT_DATA), &world.model, &absent);
    adapter_register(root_of(MISCOUNTED), &world.model, &miscounted);
    const assay_corpus *refused = &datasets[2].corpus;
    work_dataset(&world, CONTRIBUTOR, &refused->root, refused->chunk_count, refused->text.size);
    adapter_register(root_of(REFUSED), &world.model, &refused->root);
    must(assay_declaration_look(&d, 100 + ASSAY_DECLARATION_MS - 1, err));
    for (int i = 0; i < ADAPTERS; i++)
        assert_int_equal(d.loaded[2 + i].state, ASSAY_LOADED_AWAITED);
    must(assay_declaration_look(&d, 100 + ASSAY_DECLARATION_MS, err));
    assert_int_equal(d.loaded[2 + UNREGISTERED].state, ASSAY_LOADED_AWAITED);
    assert_int_equal(d.loaded[2 + TAKEN].state, ASSAY_LOADED_AWAITED);
    assert_false(is_declared(root_of(TAKEN)));
    expect_left_out(&d, ELSEWHERE, "is registered for the base 0x3100");
    expect_left_out(&d, WITHOUT_DATA, "not loaded: 0x3200");
    expect_left_out(&d, WITHOUT_DATA, "--dataset");
    expect_left_out(&d, MISCOUNTED, "is registered with");
    expect_left_out(&d, REFUSED, "cannot be indexed");
    expect_left_out(&d, REFUSED, "leave the adapter out");
    assert_int_equal(nonce_now(), nonce);
    adapter_register(root_of(UNREGISTERED), &world.model, &world.dataset);
    must(assay_declaration_look(&d, 100 + 2 * ASSAY_DECLARATION_MS, err));
    // Sent: votes may be due, so nothing waits for its block, which may have come all the same.
    for (int i = 0; i < 200 && !is_declared(root_of(UNREGISTERED)); i++)
        work_sleep(50);
    assert_true(is_declared(root_of(UNREGISTERED)) && is_declared(&world.model));
    must(assay_declaration_look(&d, 100 + 3 * ASSAY_DECLARATION_MS, err));
    assert_true(d.declared);
    assert_int_equal(nonce_now(), nonce + 1);
}

// What does not last, as that of a validator without a bond, is tried again more and more seldom.
static void a_refusal_is_not_repeated_for_ever(void **state) {
    assay_declaration d = {.shop = &world.shop, .wallet = &world.wallets[CONSUMER]};
    uint64_t now = 100, pause = ASSAY_DECLARATION_MS;
    for (int i = 0; i < 12; i++) {
        assay_error error = {0};
        d.started = false; // waits for the refusal
        assert_int_equal(assay_declaration_look(&d, now, &error), ASSAY_REJECTED);
        assert_int_equal(error.reject, ASSAY_REJECT_NO_VERIFIER);
        assert_int_equal(d.next_ms, now + pause);
        assert_int_equal(assay_declaration_look(&d, d.next_ms - 1, &error), ASSAY_OK);
        assert_true(d.started); // from then on only sends: votes are due
        now = d.next_ms;
        if (pause < ASSAY_DECLARATION_PAUSE_MS) pause *= 2;
    }
    assert_in_range(pause, ASSAY_DECLARATION_PAUSE_MS, 2 * ASSAY_DECLARATION_PAUSE_MS);
}

// What an earlier run declared and this one cannot check, it takes back.
static void what_cannot_be_checked_is_taken_back(void **state) {
    assay_workshop bare = shop;
    bare.dataset_count = 0;
    assay_declaration d = declaration_of(&bare);
    assert_true(is_declared(&world.adapter));
    must(assay_declaration_look(&d, 0, err));
    assert_int_equal(d.loaded[1].state, ASSAY_LOADED_LEFT_OUT);
    assert_true(is_declared(&world.model));
    assert_false(is_declared(&world.adapter));
    d = declaration_of(&world.shop);
    must(assay_declaration_look(&d, 0, err));
    assert_true(is_declared(&world.model) && is_declared(&world.adapter));
    assert_int_equal(d.next_ms, UINT64_MAX); // nothing is awaited, so nothing is asked again
}

// The same for a model; and with nothing to declare nothing is sent, which would be refused without
// a bond.
static void a_model_is_awaited_too(void **state) {
    assay_workshop alone = {.model.root = {{0x41}}};
    assay_declaration d = {.shop = &alone, .wallet = &world.wallets[OPERATOR]};
    must(assay_declaration_look(&d, 5, err));
    assert_int_equal(d.loaded[0].state, ASSAY_LOADED_AWAITED);
    assert_non_null(strstr(d.loaded[0].reason, "not registered as a model"));
    // Refused without a bond, told by the error, and tried again.
    model_register(&alone.model.root);
    for (unsigned i = 1; i <= 2; i++) {
        d.started = false; // waits for the block
        work_refused(assay_declaration_look(&d, d.next_ms, err), REJECTED, "");
    }
    work_bond(&world, OPERATOR, ASSAY_ROLE_VERIFICATION);
    d.started = false;
    must(assay_declaration_look(&d, d.next_ms, err));
    assert_int_equal(d.next_ms, UINT64_MAX);
    d = (assay_declaration){.shop = &alone, .wallet = &world.wallets[OPERATOR]};
    must(assay_declaration_look(&d, 0, err));
    assert_true(d.declared);
    // For the other tests' shares of bond.
    assay_tx tx = {.kind = ASSAY_TX_DECLARE_ROOTS};
    work_send(&world, OPERATOR, &tx);
}

// F-56: a provider serves no adapter whose data set is not what it is registered as.
static void miscounted_data_are_not_served(void **state) {
    desk d;
    char home[128], words[128];
    const assay_corpus *corpus = &datasets[1].corpus;
    snprintf(home, sizeof home, "%s/miscounted", world.folder);
    desk_open_as(&d, home, PROVIDER, &shop);
    work_prompt(prompt, 1);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_request request = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    request.adapter = *root_of(MISCOUNTED);
    work_sign(&world, &request, CONSUMER);
    snprintf(words, sizeof words,
             "is registered with %zu bytes in %u chunks, its text has %zu in %u", corpus->text.size,
             corpus->chunk_count + 1, corpus->text.size, corpus->chunk_count);
    // As if others had declared it, whose data sets nobody counts.
    for (uint32_t row = 0; row <= shop.adapter_count; row++)
        d.provider.payable.rows[row].asked_ms = assay_clock_ms();
    refuse(&d, &request, MISMATCH, words);
    assay_provider_close(&d.provider);
}

static void either_count_is_compared(void **state) {
    assay_lineage lineage;
    assay_hash missing;
    const assay_client *client = &world.wallets[PROVIDER].client;
    must(assay_lineage_fetch(&lineage, client, &world.adapter, err));
    must(assay_workshop_sources_check(&world.shop, &lineage, &missing, err));
    lineage.sources[0].byte_count--;
    work_refused(assay_workshop_sources_check(&world.shop, &lineage, &missing, err), MISMATCH,
                 "its text has");
    lineage.sources[0].byte_count++;
    lineage.sources[0].chunk_count = UINT64_MAX;
    work_refused(assay_workshop_sources_check(&world.shop, &lineage, &missing, err), MISMATCH,
                 "in 18446744073709551615 chunks");
    lineage.sources[0].dataset = absent;
    work_refused(assay_workshop_sources_check(&world.shop, &lineage, &missing, err), MISSING,
                 "not loaded: 0x32");
    assert_memory_equal(&missing, &absent, sizeof absent);
}

// F-56: its text is the end of its adapters only; the workshop, and what comes after it, is ready.
static void a_refused_text_ends_nothing_else(void **state) {
    assay_lineage lineage;
    assay_hash missing = {{0}};
    const assay_client *client = &world.wallets[PROVIDER].client;
    must(assay_workshop_unchanged(&opened, err));
    must(assay_lineage_fetch(&lineage, client, &world.adapter, err));
    must(assay_workshop_sources_check(&opened, &lineage, &missing, err));
    lineage.sources[lineage.count++].dataset = opened.datasets[0].corpus.root;
    work_refused(assay_workshop_sources_check(&opened, &lineage, &missing, err), FORMAT,
                 "words.txt: a word of 4194305 bytes or characters, limit 4194304");
    assert_memory_equal(&missing, &opened.datasets[0].corpus.root, sizeof missing);
}

static void opened_make(void) {
    enum { LETTERS = ASSAY_PIECE_TOKENS_MAX + 1 };
    char file[128];
    char *text = malloc(LETTERS);
    memset(text, 'a', LETTERS);
    snprintf(file, sizeof file, "%s/words.txt", world.folder);
    FILE *out = fopen(file, "wb");
    assert_true(out && fwrite(text, 1, LETTERS, out) == LETTERS && fclose(out) == 0);
    free(text);
    assay_workshop_options options = {
        .model_file = world.model_file,
        .dataset_files = {{file, ASSAY_SOURCE_DIR "/testnet/data/carroll.txt"}, 2},
        .threads = 1};
    must(assay_workshop_open(&opened, &options, err));
    must(assay_workshop_wait(&opened, err));
}

static int world_make(void **state) {
    work_init(&world);
    work_start(&world);
    opened_make();
    shop = world.shop; // only to be looked at
    adapters[0] = world.shop.adapters[0];
    for (int i = 0; i < ADAPTERS; i++)
        adapters[1 + i].root = (assay_hash){{(uint8_t)(0x21 + i)}};
    shop.adapters = adapters;
    shop.adapter_count = 1 + ADAPTERS;
    datasets[0] = datasets[1] = world.shop.datasets[0];
    datasets[1].corpus.root = miscounted;
    shop.datasets = datasets;
    datasets[2] = opened.datasets[0];
    shop.dataset_count = 3;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_registered_is_awaited),
        cmocka_unit_test(a_refusal_is_not_repeated_for_ever),
        cmocka_unit_test(what_cannot_be_checked_is_taken_back),
        cmocka_unit_test(a_model_is_awaited_too),
        cmocka_unit_test(either_count_is_compared),
        cmocka_unit_test(a_refused_text_ends_nothing_else),
        cmocka_unit_test(miscounted_data_are_not_served),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
