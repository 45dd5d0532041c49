// SPDX-License-Identifier: Apache-2.0
// The rerun half of `assay audit`, with the demo model: validators who say what the test tells
// them, so that false receipts settle and true ones are voided, and the audit says which (F-51),
// with the archive of a home and without (F-52).
#include "base/file.h"
#include "node/audit/rerun.h"
#include "node/http/server.h"
#include "node/workshop/evidence_file.h"
#include "node/workshop/workshop.h"
#include "tests/node/logged.h"

#define TESTNET ASSAY_SOURCE_DIR "/testnet"
enum { MAX_TOKENS = 12 };

typedef enum { TRUE_OUTPUT, ALTERED_OUTPUT } truth;

static logged *shared;
static assay_workshop shop;
static assay_lineage lineage;
static assay_http_server *server; // of the archive's evidence
// In the order of their making; the first three from the start on.
static bundle settled, fraud, withheld, lie, slander;
static char uris[5][256];

// ---- a chain of real receipts ----

static void evidence_handle(void *context, const assay_http_request *request,
                            assay_http_reply *reply) {
    char path[512];
    uint8_t *data;
    size_t size;
    assay_error err = {0};
    if (strncmp(request->path, "/v1/batch/", 10) == 0) {
        ASSAY_FAIL(&err, CAPACITY, "a batch of many values");
        assay_http_reply_error(reply, &err);
        return;
    }
    snprintf(path, sizeof path, "%s/archive%s", shared->home, request->path);
    if (assay_file_read(path, 1 << 20, &data, &size, &err) != ASSAY_OK) {
        assay_http_reply_error(reply, &err);
        return;
    }
    assay_http_reply_bytes(reply, data, size);
    free(data);
}

static void request_make(bundle *b, uint32_t i, const uint32_t *prompt, uint32_t count) {
    trial *t = shared->trial;
    assay_request *request = &b->receipts[i].request;
    memcpy(b->prompts[i], prompt, count * sizeof *prompt);
    *request = (assay_request){.session = t->session,
                               .sequence = t->next_sequence++,
                               .provider = t->chain.actors[PROVIDER],
                               .model = t->model,
                               .adapter = t->adapter,
                               .prompt_count = count,
                               .max_tokens = MAX_TOKENS,
                               .top_p_ppm = 1000000,
                               .max_fee = 100 * TRIAL_PRICE};
    if (i % 2) { // every second one sampled
        request->temperature_milli = 800;
        request->top_k = 40;
        request->seed = i;
    }
    assay_ids_digest(&request->prompt_digest, prompt, count);
    must(assay_request_sign(request, &t->chain.domain, &t->chain.keys[CONSUMER], err));
}

// Runs the request; an altered output has another token in its middle and is attributed as it is.
static void receipt_make(bundle *b, uint32_t i, truth how) {
    static const char *const prompts[] = {"Holmes looked at ", "The Queen said ", "It was a cold ",
                                          "I had seen "};
    trial *t = shared->trial;
    assay_receipt *receipt = &b->receipts[i];
    const char *text = prompts[i % 4];
    uint32_t *prompt, *ids = b->outputs[i];
    size_t count;
    assay_hash digest, missing;
    assay_generate_request run;
    assay_output output;
    must(assay_tokenizer_encode(shop.tokenizer, &prompt, &count, text, strlen(text), err));
    assert_true(count > 0 && count <= TRIAL_IDS);
    request_make(b, i, prompt, (uint32_t)count);
    free(prompt);
    const assay_request *request = &receipt->request;
    assay_request_digest(&digest, request, &t->chain.domain);
    assay_workshop_request(&run, request, &digest, b->prompts[i], &shop.adapters[0]);
    must(assay_generator_run(&shop.generator, &run, &output, NULL, NULL, err));
    assert_true(output.count > 0);
    memcpy(ids, output.ids, output.count * sizeof *ids);
    if (how == ALTERED_OUTPUT) {
        uint32_t *token = &ids[output.count / 2];
        *token = (*token + 1) % shop.model.shape.vocab_size;
    }
    receipt->output_count = output.count;
    receipt->stop = (uint8_t)output.stop;
    receipt->trace = output.trace;
    assay_ids_digest(&receipt->output_digest, ids, output.count);
    must(assay_workshop_attribute(
        &shop, &lineage, (uint32_t)t->chain.genesis.params.span_tokens_min, b->prompts[i],
        request->prompt_count, ids, output.count, receipt, &missing, err));
    assert_int_equal(receipt->attribution_count, 2);
    receipt->fee = (uint64_t)(request->prompt_count + output.count) * TRIAL_PRICE;
}

static void file_write(const char *folder, const char *name, const assay_bytes *data) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(assay_file_replace(path, data->data, data->size, 0600, err));
}

// As a provider keeps it, in the archive of the home.
static void evidence_write(const bundle *b) {
    char folder[256], leaves[300], root[ASSAY_HEX_HASH_MAX];
    assay_arena arena;
    assay_bytes file;
    assay_arena_init(&arena, 1 << 20);
    assay_hex_encode(root, b->tx.body.submit_batch.root.bytes, ASSAY_HASH_SIZE);
    snprintf(folder, sizeof folder, "%s/archive/evidence/%s", shared->home, root);
    snprintf(leaves, sizeof leaves, "%s/leaf", folder);
    must(assay_folder_make(leaves, err));
    must(assay_receipts_write(&file, b->receipts, b->count, &arena, err));
    file_write(folder, "receipts", &file);
    for (uint32_t i = 0; i < b->count; i++) {
        const assay_leaf_ids ids = {b->prompts[i], b->receipts[i].request.prompt_count,
                                    b->outputs[i], b->receipts[i].output_count};
        char name[16];
        must(assay_leaf_write(&file, &ids, &arena, err));
        snprintf(name, sizeof name, "%u", i);
        file_write(leaves, name, &file);
    }
    assay_arena_close(&arena);
}

// A batch of `count` receipts whose validators vote by `votes`, until it has ended in `state`.
static void batch_make(bundle *b, uint32_t count, truth how, habit votes, assay_batch_state state) {
    static uint32_t made;
    trial *t = shared->trial;
    char root[ASSAY_HEX_HASH_MAX], *uri = uris[made++];
    b->count = count;
    for (uint32_t i = 0; i < count; i++)
        receipt_make(b, i, how);
    trial_table(t, b);
    assay_hex_encode(root, b->tx.body.submit_batch.root.bytes, ASSAY_HASH_SIZE);
    snprintf(uri, sizeof uris[0], "%s/evidence/%s", assay_http_server_url(server), root);
    b->tx.body.submit_batch.uri = (assay_bytes){(const uint8_t *)uri, strlen(uri)};
    b->id = chain_add(&t->chain, &b->tx);
    chain_block(&t->chain);
    trial_all_accepted(t);
    evidence_write(b);
    t->votes = votes;
    assert_int_equal(trial_run_out(t, &b->id).state, state);
}

static ballot says_output(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = ASSAY_VERDICT_OUTPUT};
}

static ballot says_unavailable(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = ASSAY_VERDICT_UNAVAILABLE};
}

static void archive_make(void) {
    logged_do(shared, "mkdir -p home/archive/adapters home/archive/datasets");
    logged_do(shared, "assay model import " TESTNET
                      "/model --out home/archive/model.safetensors >/dev/null 2>&1");
    logged_do(shared, "assay adapter import " TESTNET
                      "/adapters/doyle --out home/archive/adapters/doyle >/dev/null 2>&1");
    static const char *const names[] = {"doyle", "carroll"};
    for (int i = 0; i < 2; i++)
        logged_do(shared, "head -c 30000 " TESTNET "/data/%s.txt > home/archive/datasets/%s",
                  names[i], names[i]);
    logged_do(shared, "echo unfinished > home/archive/datasets/.part"); // F-52: passed over
}

static void shop_open(void) {
    static char paths[4][96];
    static const char *const names[] = {"model.safetensors", "adapters/doyle", "datasets/doyle",
                                        "datasets/carroll"};
    for (int i = 0; i < 4; i++)
        snprintf(paths[i], sizeof paths[i], "%s/archive/%s", shared->home, names[i]);
    const assay_workshop_options options = {.model_file = paths[0],
                                            .adapter_files = {{paths[1]}, 1},
                                            .dataset_files = {{paths[2], paths[3]}, 2},
                                            .threads = 1};
    must(assay_workshop_open(&shop, &options, err));
    must(assay_workshop_wait(&shop, err));
}

static int chain_make(void **state) {
    shared = logged_new();
    trial *t = shared->trial;
    archive_make();
    shop_open();
    t->model = shop.model.root;
    t->adapter = shop.adapters[0].root;
    for (int i = 0; i < 2; i++)
        t->datasets[i] = shop.datasets[i].corpus.root;
    trial_start(t);
    // In the order of their commitments, with the shares of trial_models.
    lineage = (assay_lineage){
        .adapter = t->adapter,
        .base = t->model,
        .count = 2,
        .sources = {{t->datasets[0], 700000, 1, 1}, {t->datasets[1], 300000, 1, 2}}};
    const assay_http_options http = {.listen = "127.0.0.1:0",
                                     .body_max = 1024,
                                     .connections_max = 16,
                                     .handle = evidence_handle};
    must(assay_http_server_open(&server, &http, err));
    batch_make(&settled, 4, TRUE_OUTPUT, NULL, ASSAY_BATCH_SETTLED);
    batch_make(&fraud, 3, ALTERED_OUTPUT, says_output, ASSAY_BATCH_VOID);
    batch_make(&withheld, 2, TRUE_OUTPUT, says_unavailable, ASSAY_BATCH_VOID);
    return 0;
}

static int chain_free(void **state) {
    assay_http_server_close(server);
    assay_workshop_close(&shop);
    logged_free(shared);
    return 0;
}

// ---- what the audit says ----

// How many leaves the samples of a batch are.
static uint32_t sampled_leaves(const bundle *b) {
    const assay_batch batch = trial_batch(shared->trial, &b->id);
    bool seen[TRIAL_RECEIPTS] = {false};
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch.sample_count; i++) {
        uint64_t position = trial_case(shared->trial, &b->id, i).position;
        bool *at = &seen[assay_sumtree_find(b->leaves, b->count, position)];
        count += !*at;
        *at = true;
    }
    return count;
}

static void counts_expect(const json_t *document, uint64_t receipts, uint64_t rerun,
                          uint64_t mismatches, uint64_t unavailable) {
    assert_int_equal(logged_number(document, "receipts"), receipts);
    assert_int_equal(logged_number(document, "receipts_rerun"), rerun);
    assert_int_equal(logged_number(document, "mismatches"), mismatches);
    assert_int_equal(logged_number(document, "unavailable"), unavailable);
    assert_true(json_is_boolean(json_object_get(document, "agrees")));
    assert_int_equal(json_is_true(json_object_get(document, "agrees")),
                     mismatches == 0 && unavailable == 0);
}

// Audits and expects these counts. The document is the caller's to release.
static json_t *audit_expect(const char *arguments, uint64_t receipts, uint64_t rerun,
                            uint64_t mismatches, uint64_t unavailable) {
    json_t *document = logged_audit(shared, mismatches || unavailable, arguments);
    counts_expect(document, receipts, rerun, mismatches, unavailable);
    return document;
}

static const char *reason_of(const json_t *document, size_t index) {
    const json_t *finding = json_array_get(json_object_get(document, "findings"), index);
    const char *text = json_string_value(json_object_get(finding, "reason"));
    assert_non_null(text);
    return text;
}

static void true_receipts_agree(void **state) {
    json_t *document = audit_expect("--home home --rerun all", 4, 4, 0, 0);
    assert_int_equal(logged_number(document, "batches"), 1);
    assert_int_equal(logged_number(document, "voided_batches"), 2);
    assert_int_equal(logged_number(document, "voided"), 5);
    // The frauds were rerun and are frauds; what was withheld says nothing when it turns up.
    assert_int_equal(logged_number(document, "voided_rerun"), sampled_leaves(&fraud));
    assert_int_equal(json_array_size(json_object_get(document, "findings")), 0);
    json_decref(document);
}

static void samples_are_a_part(void **state) {
    uint32_t drawn = sampled_leaves(&settled);
    json_t *document = audit_expect("--home home --rerun sampled --samples 0", 4, drawn, 0, 0);
    assert_int_equal(logged_number(document, "samples"), 0);
    json_decref(document);
    // So many that each receipt is among them, whatever the draw.
    document = audit_expect("--home home --samples 5000 --seed 77", 4, 4, 0, 0);
    assert_int_equal(logged_number(document, "seed"), 77);
    assert_string_equal(json_string_value(json_object_get(document, "rerun")), "sampled");
    json_decref(document);
    json_t *none = audit_expect("--home home --rerun none", 4, 0, 0, 0);
    assert_int_equal(logged_number(none, "voided_rerun"), 0);
    json_decref(none);
}

// The same files by name, without an archive.
static void files_may_be_named(void **state) {
    logged_do(shared, "mkdir empty");
    json_decref(audit_expect("--home home --rerun all --archive empty "
                             "--model home/archive/model.safetensors "
                             "--adapter home/archive/adapters/doyle "
                             "--dataset home/archive/datasets/doyle "
                             "--dataset home/archive/datasets/carroll --evidence home/archive",
                             4, 4, 0, 0));
}

// An archive of the same models and data, made wanting by a shell command.
static void archive_less(const char *command) {
    logged_do(shared, "rm -rf less && cp -r home/archive less && cd less && %s", command);
}

#define LESS "--home home --rerun all --archive less "

static void evidence_may_come_by_http(void **state) {
    archive_less("rm -r evidence");
    json_decref(audit_expect(LESS "--allow-private", 4, 4, 0, 0));
    archive_less("truncate -s 60 evidence/*/receipts evidence/*/leaf/1"); // as a copy cut short
    json_decref(audit_expect(LESS "--allow-private", 4, 4, 0, 0));
    archive_less("rm -r evidence");
    json_t *document = audit_expect(LESS, 4, 0, 0, 4);
    assert_int_equal(json_array_size(json_object_get(document, "findings")), 4);
    assert_non_null(strstr(reason_of(document, 0), "private address"));
    json_decref(document);
}

// F-52: what is none of this model's harms nobody, and there may be more than options can name.
static void strangers_files_are_passed_over(void **state) {
    archive_less("echo read me > adapters/README && : > datasets/empty && "
                 "printf '\\377' > datasets/latin && "
                 "for i in $(seq 70); do head -c $i datasets/doyle > datasets/a$i; done");
    json_decref(audit_expect(LESS, 4, 4, 0, 0));
}

static void what_is_wanting_is_told(void **state) {
    char root[ASSAY_HEX_HASH_MAX], command[256];
    static const struct {
        const char *command; // %s: the folder of the settled batch
        uint64_t rerun;
        const char *reason;
    } cases[] = {
        {"rm %s/leaf/2", 3, "private address"},
        {"printf 0 | dd of=%s/leaf/2 bs=1 seek=21 conv=notrunc 2>/dev/null", 3,
         "ids are not those the receipt commits to"},
        {"printf 0 | dd of=%s/receipts bs=1 seek=99 conv=notrunc 2>/dev/null", 0,
         "not those of the batch's root"},
        {"truncate -s 60 %s/receipts", 0, "4 receipts in 60 bytes"},
        {"rm adapters/doyle # %s", 0, "adapter is not loaded"},
        {"rm datasets/carroll # %s", 0, "a data set of the adapter is not loaded"},
    };
    assay_hex_encode(root, settled.tx.body.submit_batch.root.bytes, ASSAY_HASH_SIZE);
    char folder[128];
    snprintf(folder, sizeof folder, "evidence/%s", root);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(command, sizeof command, cases[i].command, folder);
        archive_less(command);
        json_t *document = audit_expect(LESS, 4, cases[i].rerun, 0, 4 - cases[i].rerun);
        if (!strstr(reason_of(document, 0), cases[i].reason))
            fail_msg("case %zu: %s", i, reason_of(document, 0));
        json_decref(document);
    }
}

// A batch that the auditor cannot read is none of it rerun, and the others are audited.
static void what_cannot_be_read_is_unavailable(void **state) {
    static assay_rerun_result result;
    assay_client client = {.testnet = true};
    assay_view view;
    const assay_checker checker = {.shop = &shop, .client = &client};
    const assay_rerun_options all = {.mode = ASSAY_RERUN_ALL};
    snprintf(client.url, sizeof client.url, "%s", assay_http_server_url(server));
    must(assay_view_open(&view, shared->trial->chain.app, err));
    must(assay_rerun_run(&result, &view, &checker, &all, err));
    assert_int_equal(result.receipts, 4);
    assert_int_equal(result.unavailable, 4);
    assert_int_equal(result.rerun + result.mismatches + result.voided_rerun, 0);
    assert_int_equal(result.finding_count, 4);
    assert_string_equal(result.findings[3].reason, "a batch of many values");
    // A node that is not there ends the audit.
    snprintf(client.url, sizeof client.url, "http://127.0.0.1:1");
    assert_int_equal(assay_rerun_run(&result, &view, &checker, &all, NULL), ASSAY_NETWORK);
    assay_view_close(&view);
}

// Validators all of one mind, and wrong: the chain has no way to know, the audit has.
static void lies_of_validators_are_found(void **state) {
    batch_make(&lie, 3, ALTERED_OUTPUT, NULL, ASSAY_BATCH_SETTLED);
    json_t *document = audit_expect("--home home --rerun all", 7, 7, 3, 0);
    for (size_t i = 0; i < 3; i++) {
        const json_t *finding = json_array_get(json_object_get(document, "findings"), i);
        logged_expect_hash(finding, "batch", &lie.id);
        assert_int_equal(logged_number(finding, "leaf"), i);
        assert_int_equal(logged_number(finding, "verdict"), ASSAY_VERDICT_OUTPUT);
        assert_true(json_is_false(json_object_get(finding, "void")));
    }
    json_decref(document);
    batch_make(&slander, 3, TRUE_OUTPUT, says_output, ASSAY_BATCH_VOID);
    uint32_t guilty = sampled_leaves(&slander);
    document = audit_expect("--home home --rerun all", 7, 7, 3 + guilty, 0);
    const json_t *finding = json_array_get(json_object_get(document, "findings"), 3);
    logged_expect_hash(finding, "batch", &slander.id);
    assert_string_equal(json_string_value(json_object_get(finding, "verdict_name")), "match");
    assert_true(json_is_true(json_object_get(finding, "void")));
    json_decref(document);
    static char out[LOGGED_OUTPUT];
    assert_int_equal(logged_run(shared, out, "assay audit --home home --rerun all"), 1);
    assert_non_null(strstr(out, "does not agree\n"));
    assert_non_null(strstr(out, "rerun gives: output tokens"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(true_receipts_agree),
        cmocka_unit_test(samples_are_a_part),
        cmocka_unit_test(files_may_be_named),
        cmocka_unit_test(evidence_may_come_by_http),
        cmocka_unit_test(strangers_files_are_passed_over),
        cmocka_unit_test(what_is_wanting_is_told),
        cmocka_unit_test(what_cannot_be_read_is_unavailable),
        cmocka_unit_test(lies_of_validators_are_found),
    };
    return cmocka_run_group_tests(tests, chain_make, chain_free);
}
