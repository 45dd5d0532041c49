// SPDX-License-Identifier: Apache-2.0
// The verifier against batches with planted defects, on a real chain: each verdict is reached by a
// defect in one thing, and where two are wrong the first in P-10's order counts. Rules P-10, P-15,
// P-17, P-51, F-46 to F-49.
#include "ledger/draw.h"
#include "tests/node/sockets.h"
#include "tests/node/work.h"

enum { TOKENS = 8, SLAB = 64 * 1024 /* of an arena */ };

// What is wrong with a batch; several may be.
enum {
    SIGNATURE = 1,        // signed by another key
    PRICE = 1 << 1,       // fee is not counts times prices
    COUNT = 1 << 2,       // two tokens more than max_tokens, paid for
    TOKEN = 1 << 3,       // another token in the middle
    STOP = 1 << 4,        // "stop id" where it was the length
    TRACE = 1 << 5,       // another trace
    SHARES = 1 << 6,      // nobody's data
    LEAF_GONE = 1 << 7,   // no leaf file
    LEAF_OTHER = 1 << 8,  // a bit of the leaf file flipped
    TABLE_GONE = 1 << 9,  // no receipts file
    TABLE_CUT = 1 << 10,  // the receipts file ends early
    TABLE_FLIP = 1 << 11, // a bit of a receipt flipped on its way
    ROWS = 1 << 12,       // the stated table is not that of the receipts
    BYTES = 1 << 13,      // the stated size is not
    STRANGE = 1 << 14,    // output ids over the vocabulary
    HUGE_ID = 1 << 15,    // a prompt id over the vocabulary
    FOREIGN = 1 << 16,    // all to a data set that is no source of the adapter
    BARE = 1 << 17,       // no defect: the base model's answer, without an adapter
    UNSOURCED = 1 << 18,  // in the name of an adapter that no data set is a source of
};

static assay_workshop bare;  // no data set
static assay_workshop other; // a second verifier, with two threads
static assay_hash good;      // a batch without a defect
static assay_hash foreign;   // a data set that is on the ledger and in no lineage
static assay_hash unsourced; // an adapter that is on the ledger and nowhere else

typedef struct {
    assay_receipt receipt;
    uint32_t prompt[PROMPT];
    uint32_t output[TOKENS + 2];
} answer;

// An honest answer in a fresh session, made by the generator itself.
static void answer_make(answer *a, uint32_t defects) {
    assay_generate_request run;
    assay_output output;
    assay_hash digest, missing;
    assay_lineage lineage;
    assay_hash session = work_session(&world, PROVIDER, 100 * OPEN, 1000, 2000);
    const assay_client *client = &world.wallets[CONSUMER].client;
    work_prompt(a->prompt, 1);
    if (defects & HUGE_ID) a->prompt[3] = 1 << 30;
    assay_request request = work_request(&world, &session, 1, a->prompt, PROMPT, TOKENS);
    if (defects & BARE) request.adapter = (assay_hash){0};
    if (defects & UNSOURCED) request.adapter = unsourced;
    work_sign(&world, &request, defects & SIGNATURE ? RIVAL : CONSUMER);
    assay_request_digest(&digest, &request, &client->domain);
    a->prompt[3] &= 1023; // what is generated from must be valid
    assay_workshop_request(&run, &request, &digest, a->prompt,
                           defects & (BARE | UNSOURCED) ? NULL : &world.shop.adapters[0]);
    must(assay_generator_run(&world.shop.generator, &run, &output, NULL, NULL, err));
    assert_int_equal(output.count, TOKENS);
    memcpy(a->output, output.ids, TOKENS * sizeof *output.ids);
    a->receipt = (assay_receipt){.request = request,
                                 .output_count = TOKENS,
                                 .stop = (uint8_t)output.stop,
                                 .trace = output.trace};
    must(assay_lineage_fetch(&lineage, client, &request.adapter, err));
    must(assay_workshop_attribute(&world.shop, &lineage, 6, a->prompt, PROMPT, a->output, TOKENS,
                                  &a->receipt, &missing, err));
    if (defects & HUGE_ID) a->prompt[3] = 1 << 30;
}

static void answer_spoil(answer *a, uint32_t defects) {
    assay_receipt *receipt = &a->receipt;
    if (defects & COUNT) {
        a->output[receipt->output_count++] = 5;
        a->output[receipt->output_count++] = UINT32_MAX;
    }
    if (defects & TOKEN) a->output[TOKENS / 2] ^= 1;
    if (defects & STRANGE) a->output[TOKENS / 2] = UINT32_MAX;
    if (defects & STOP) receipt->stop = ASSAY_RECEIPT_STOP_ID;
    if (defects & TRACE) receipt->trace.bytes[0] ^= 1;
    if (defects & SHARES) receipt->attribution_count = 0;
    if (defects & FOREIGN) receipt->attribution[0].dataset = foreign;
    assay_ids_digest(&receipt->output_digest, a->output, receipt->output_count);
    must(assay_fee_compute(&receipt->fee, PROMPT, 1000, receipt->output_count, 2000, err));
    if (defects & PRICE) receipt->fee++;
}

static void file_put(const char *folder, const char *name, const assay_bytes *bytes, size_t cut,
                     size_t flip) {
    char path[256];
    uint8_t *copy = malloc(bytes->size);
    memcpy(copy, bytes->data, bytes->size);
    if (flip) copy[flip] ^= 1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(assay_file_replace(path, copy, bytes->size - cut, 0644, err));
    free(copy);
}

static void evidence_put(const char *folder, const answer *a, uint32_t defects,
                         assay_arena *arena) {
    char leaf[256];
    assay_bytes file;
    const assay_leaf_ids ids = {a->prompt, PROMPT, a->output, a->receipt.output_count};
    snprintf(leaf, sizeof leaf, "%s/leaf", folder);
    must(assay_folder_make(leaf, err));
    must(assay_leaf_write(&file, &ids, arena, err));
    if (!(defects & LEAF_GONE))
        file_put(folder, "leaf/0", &file, 0, defects & LEAF_OTHER ? file.size - 1 : 0);
    must(assay_receipts_write(&file, &a->receipt, 1, arena, err));
    if (!(defects & TABLE_GONE))
        file_put(folder, "receipts", &file, defects & TABLE_CUT ? 10 : 0,
                 defects & TABLE_FLIP ? 60 : 0);
}

// A batch of one receipt with these defects, drawn. uri: NULL for files in a folder of its own.
// Returns: its id.
static assay_hash batch_make(uint32_t defects, const char *uri) {
    static uint32_t number;
    static answer a;
    char folder[128], url[160];
    uint8_t encoded[ASSAY_RECEIPT_SIZE_MAX];
    assay_batch_tables tables;
    assay_sumtree_node *leaves, root;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    answer_make(&a, defects);
    answer_spoil(&a, defects);
    snprintf(folder, sizeof folder, "%s/batch%u", world.folder, number++);
    snprintf(url, sizeof url, "file://%s", folder);
    evidence_put(folder, &a, defects, &arena);
    must(assay_receipt_leaves(&leaves, &a.receipt, 1, &arena, err));
    must(assay_sumtree_root(&root, leaves, 1, err));
    must(assay_table_make(&tables, &a.receipt, 1, &arena, err));
    if (defects & ROWS) ((assay_dataset_row *)(uintptr_t)tables.datasets.items)[0].weight--;
    assay_tx tx = {.kind = ASSAY_TX_SUBMIT_BATCH};
    tx.body.submit_batch = (assay_tx_submit_batch){
        .root = root.hash,
        .count = 1,
        .fee_total = root.sum,
        .receipt_bytes =
            (uint32_t)assay_receipt_encode(&a.receipt, encoded) + (defects & BYTES ? 8u : 0u),
        .uri = work_text(uri ? uri : url),
        .sessions = tables.sessions,
        .models = tables.models,
        .datasets = tables.datasets};
    assay_hash id = work_send(&world, PROVIDER, &tx);
    assay_arena_close(&arena);
    assert_int_equal(work_drawn(&world, &id).state, ASSAY_BATCH_CHECKING);
    return id;
}

static assay_checker checker_of(assay_workshop *shop) {
    return (assay_checker){.shop = shop,
                           .client = &world.wallets[VALIDATOR].client,
                           .params = &world.genesis.params,
                           .limits = {.timeout_ms = 60000, .redirects_max = 3, .allow_file = true}};
}

static assay_check_result check_with(const assay_checker *checker, const assay_hash *batch,
                                     uint32_t sample) {
    const assay_check_task task = {.batch = *batch, .sample = sample};
    assay_check_result result;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    must(assay_check_run(&result, checker, &task, &arena, err));
    assay_arena_close(&arena);
    return result;
}

static void expect_verdict(assay_workshop *shop, uint32_t defects, uint8_t verdict) {
    assay_hash batch = batch_make(defects, NULL);
    assay_checker checker = checker_of(shop);
    assay_check_result result = check_with(&checker, &batch, 0);
    if (result.verdict != verdict)
        fail_msg("defects %#x: verdict %u (%s), not %u", (unsigned)defects, result.verdict,
                 result.reason, verdict);
    assert_true(*result.reason || verdict == ASSAY_VERDICT_MATCH);
    assert_false(result.late);
    bool ran = verdict == 0 || (verdict >= ASSAY_VERDICT_FEE && verdict <= 6);
    if (ran)
        assert_false(assay_hash_is_zero(&result.probe));
    else if (verdict == ASSAY_VERDICT_DATA_MISSING)
        assert_memory_equal(result.probe.bytes, world.dataset.bytes, ASSAY_HASH_SIZE);
    else
        assert_true(assay_hash_is_zero(&result.probe));
}

// F-40: a batch's tables as transactions have them (P-16), a weight below 2^53 as a number.
static void a_batch_is_told(void **state) {
    json_t *document;
    must(assay_client_get_id(&document, &world.wallets[VALIDATOR].client, "batch", good.bytes,
                             ASSAY_HASH_SIZE, err));
    const json_t *tables = json_object_get(document, "tables");
    const json_t *session = json_array_get(json_object_get(tables, "sessions"), 0);
    const json_t *model = json_array_get(json_object_get(tables, "models"), 0);
    const json_t *dataset = json_array_get(json_object_get(tables, "datasets"), 0);
    json_int_t fee = json_integer_value(json_object_get(session, "fee_sum"));
    assert_int_equal(fee, PROMPT * 1000 + TOKENS * 2000);
    assert_int_equal(json_object_size(session), 4);
    assert_int_equal(json_integer_value(json_object_get(session, "first_sequence")), 1);
    assert_int_equal(json_integer_value(json_object_get(session, "count")), 1);
    assert_int_equal(json_object_size(model), 3);
    assert_int_equal(json_integer_value(json_object_get(model, "fee_sum")), fee);
    assert_int_equal(json_object_size(dataset), 2);
    assert_in_range(json_integer_value(json_object_get(dataset, "weight")), 1, fee * 1000000);
    json_decref(document);
}

// P-10, P-15, F-47.
static void each_verdict_by_one_defect(void **state) {
    expect_verdict(&world.shop, 0, ASSAY_VERDICT_MATCH);
    expect_verdict(&world.shop, SIGNATURE, ASSAY_VERDICT_REQUEST);
    expect_verdict(&world.shop, HUGE_ID, ASSAY_VERDICT_REQUEST);
    expect_verdict(&world.shop, PRICE, ASSAY_VERDICT_FEE);
    expect_verdict(&world.shop, COUNT, ASSAY_VERDICT_FEE);
    expect_verdict(&world.shop, TOKEN, ASSAY_VERDICT_OUTPUT);
    expect_verdict(&world.shop, STRANGE, ASSAY_VERDICT_OUTPUT);
    expect_verdict(&world.shop, STOP, ASSAY_VERDICT_STOP);
    expect_verdict(&world.shop, TRACE, ASSAY_VERDICT_TRACE);
    expect_verdict(&world.shop, SHARES, ASSAY_VERDICT_ATTRIBUTION);
    expect_verdict(&world.shop, FOREIGN, ASSAY_VERDICT_ATTRIBUTION);
    expect_verdict(&world.shop, LEAF_GONE, ASSAY_VERDICT_UNAVAILABLE);
    expect_verdict(&world.shop, LEAF_OTHER, ASSAY_VERDICT_UNAVAILABLE);
    expect_verdict(&world.shop, ROWS, ASSAY_VERDICT_TABLE);
    expect_verdict(&world.shop, BYTES, ASSAY_VERDICT_TABLE);
    expect_verdict(&world.shop, TABLE_GONE, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    expect_verdict(&bare, 0, ASSAY_VERDICT_DATA_MISSING);
    assay_workshop_dataset refused = world.shop.datasets[0];
    assay_workshop unindexed = world.shop;
    ASSAY_FAIL(&refused.refusal, CAPACITY, "a word");
    unindexed.datasets = &refused;
    expect_verdict(&unindexed, 0, ASSAY_VERDICT_DATA_MISSING);
}

// Bytes that are not those of the root speak for nobody: whoever sits between could have changed
// them, and the provider can answer (F-47).
static void damage_on_the_way_is_no_fraud(void **state) {
    expect_verdict(&world.shop, TABLE_CUT, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    expect_verdict(&world.shop, TABLE_FLIP, ASSAY_VERDICT_TABLE_UNAVAILABLE);
}

// Of two defects the first in the order 34, 33, 32, 1 … 5, 35, 6 counts (P-10).
static void checks_come_in_order(void **state) {
    expect_verdict(&world.shop, TABLE_FLIP | ROWS, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    expect_verdict(&world.shop, ROWS | LEAF_GONE, ASSAY_VERDICT_TABLE);
    expect_verdict(&world.shop, LEAF_GONE | SIGNATURE, ASSAY_VERDICT_UNAVAILABLE);
    expect_verdict(&world.shop, PRICE | TOKEN, ASSAY_VERDICT_FEE);
    expect_verdict(&world.shop, TOKEN | STOP, ASSAY_VERDICT_OUTPUT);
    expect_verdict(&world.shop, STOP | TRACE, ASSAY_VERDICT_STOP);
    expect_verdict(&world.shop, TRACE | SHARES, ASSAY_VERDICT_TRACE);
}

// Where nobody has an adapter's data no provider is paid for anything but what it computed: the
// data are needed for the attribution alone, and of that only for what their lineage leaves open.
static void missing_data_hide_no_other_defect(void **state) {
    expect_verdict(&bare, TABLE_GONE, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    expect_verdict(&bare, ROWS, ASSAY_VERDICT_TABLE);
    expect_verdict(&bare, LEAF_GONE, ASSAY_VERDICT_UNAVAILABLE);
    expect_verdict(&bare, SIGNATURE, ASSAY_VERDICT_REQUEST);
    expect_verdict(&bare, PRICE, ASSAY_VERDICT_FEE);
    expect_verdict(&bare, COUNT, ASSAY_VERDICT_FEE);
    expect_verdict(&bare, TOKEN, ASSAY_VERDICT_OUTPUT);
    expect_verdict(&bare, STOP, ASSAY_VERDICT_STOP);
    expect_verdict(&bare, TRACE, ASSAY_VERDICT_TRACE);
    expect_verdict(&bare, FOREIGN, ASSAY_VERDICT_ATTRIBUTION);
    expect_verdict(&bare, SHARES, ASSAY_VERDICT_ATTRIBUTION);
    expect_verdict(&bare, TRACE | SHARES, ASSAY_VERDICT_TRACE);
}

// P-51: verifiers agree on the probe to the bit; other layers and positions give other probes, and
// a claim cut at max_tokens has its probe within them (F-48).
static void probes_agree_and_differ(void **state) {
    assay_checker one = checker_of(&world.shop), two = checker_of(&other);
    assay_batch batch = work_drawn(&world, &good);
    assay_check_result results[3];
    uint32_t layers[3], positions[3];
    for (uint32_t i = 0; i < 3; i++) {
        results[i] = check_with(&one, &good, i);
        assay_check_result again = check_with(&two, &good, i);
        assert_int_equal(results[i].verdict, ASSAY_VERDICT_MATCH);
        assert_memory_equal(results[i].probe.bytes, again.probe.bytes, ASSAY_HASH_SIZE);
        assay_draw_probe(&layers[i], &positions[i], &batch.beacon, &good, i,
                         world.shop.model.shape.layer_count, PROMPT, TOKENS);
        assert_true(positions[i] < PROMPT + TOKENS - 1);
        for (uint32_t j = 0; j < i; j++) {
            bool same = layers[i] == layers[j] && positions[i] == positions[j];
            assert_int_equal(same, assay_hash_equal(&results[i].probe, &results[j].probe));
        }
    }
}

// Whatever was drawn: any leaf can be rerun, without a probe.
static void leaf_is_rerun_whatever_was_drawn(void **state) {
    assay_checker checker = checker_of(&world.shop);
    assay_check_result result;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    must(assay_check_leaf(&result, &checker, &good, 0, &arena, err));
    assert_int_equal(result.verdict, ASSAY_VERDICT_MATCH);
    assert_true(result.has_receipt && assay_hash_is_zero(&result.probe));
    assert_int_equal(result.ids.output_count, TOKENS);
    work_refused(assay_check_leaf(&result, &checker, &good, 1, &arena, err), RANGE,
                 "receipt 1 of a batch of 1");
    const assay_hash unknown = {{1}};
    work_refused(assay_check_leaf(&result, &checker, &unknown, 0, &arena, err), NOT_FOUND,
                 "no such batch");
    assay_arena_close(&arena);
}

// P-12: what is longer than the chain lets a request be is none, and nobody reruns it.
static void a_request_is_as_long_as_the_chain_allows(void **state) {
    assay_checker checker = checker_of(&world.shop);
    assay_params params = world.genesis.params;
    assay_check_result result = check_with(&checker, &good, 0);
    const assay_request *request = &result.receipt.request;
    checker.params = &params;
    params.request_tokens_max = (uint64_t)request->prompt_count + request->max_tokens;
    assert_int_equal(check_with(&checker, &good, 0).verdict, ASSAY_VERDICT_MATCH);
    params.request_tokens_max--;
    result = check_with(&checker, &good, 0);
    assert_int_equal(result.verdict, ASSAY_VERDICT_REQUEST);
    assert_non_null(strstr(result.reason, "tokens, limit"));
}

// What the ledger says is posted must be had from the node: that it cannot is no verdict.
static void posted_evidence_that_is_not_there_is_no_verdict(void **state) {
    assay_checker checker = checker_of(&world.shop);
    atomic_bool stop = true; // as in a hurry: there is no verdict that it could lead to
    const assay_check_task leaf = {.batch = good, .leaf_posted = true, .stop = &stop};
    const assay_check_task table = {.batch = good, .table_posted = true, .stop = &stop};
    assay_check_result result;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    work_refused(assay_check_run(&result, &checker, &leaf, &arena, err), NOT_FOUND, "");
    work_refused(assay_check_run(&result, &checker, &table, &arena, err), NOT_FOUND, "");
    assay_arena_close(&arena);
}

// The checking thread's memory, gone from the moment at which a provider is asked; or that for an
// arena's next slab alone, which is more than anything else asks for at once.
static atomic_bool no_memory;
static _Thread_local bool checking, no_slabs;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size) {
    return checking && atomic_load(&no_memory) ? NULL : __real_realloc(memory, size);
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
    return no_slabs && size > SLAB ? NULL : __real_malloc(size);
}

// A provider's server that does one thing to everyone who asks.
typedef struct {
    int fd;
    const char *answer; // NULL: nothing, and never closes
    bool endless;       // go on with zeros after it
    bool starves;       // takes the asker's memory
    pthread_t thread;
} bad_server;

static void *bad_serve(void *context) {
    bad_server *server = context;
    static const char zeros[4096];
    int kept[64], count = 0;
    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0;) {
        char request[1024];
        if (server->starves) atomic_store(&no_memory, true);
        if (server->answer) {
            (void)recv(fd, request, sizeof request, 0);
            test_send(fd, server->answer, strlen(server->answer));
            while (server->endless && test_send(fd, zeros, sizeof zeros)) {
            }
            close(fd);
        } else if (count < 64) {
            kept[count++] = fd;
        }
    }
    while (count)
        close(kept[--count]);
    return NULL;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// A batch whose URL leads to such a server.
static assay_hash bad_open(bad_server *server) {
    unsigned port;
    char uri[64];
    server->fd = test_listen(&port);
    assert_int_equal(pthread_create(&server->thread, NULL, bad_serve, server), 0);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%u/e", port);
    return batch_make(0, uri);
}

static void bad_close(bad_server *server) {
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static void expect_bad_server(const char *says, bool endless, bool allow_private, bool late,
                              bool passing, const char *reason) {
    bad_server server = {.answer = says, .endless = endless};
    assay_hash batch = bad_open(&server);
    assay_checker checker = checker_of(&world.shop);
    checker.limits.allow_private = allow_private;
    if (!says) checker.limits.timeout_ms = 1000;
    double start = seconds_now();
    assay_check_result result = check_with(&checker, &batch, 0);
    assert_true(seconds_now() - start < 30);
    assert_int_equal(result.verdict, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    assert_int_equal(result.late, late);
    assert_int_equal(result.passing, passing);
    if (!strstr(result.reason, reason)) fail_msg("\"%s\", not \"%s\"", result.reason, reason);
    bad_close(&server);
}

#define ANSWER(text) "HTTP/1.1 " text "\r\nContent-Length: 0\r\n\r\n"

// F-46, F-47, F-49: within the limits, whatever the other side does; what may pass is told apart.
static void bad_servers_are_unavailable(void **state) {
    expect_bad_server(NULL, false, true, true, true, "took longer than 1000 ms");
    expect_bad_server("HTTP/1.1 200 OK\r\n\r\n", true, true, false, false, "gives more than");
    expect_bad_server("HTTP/1.1 302 Found\r\nLocation: /e\r\nContent-Length: 0\r\n\r\n", false,
                      true, false, false, "redirects more than 3 times");
    expect_bad_server(
        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", false,
        true, false, false, "scheme that is not allowed");
    expect_bad_server("HTTP/1.1 200 OK\r\n\r\n", false, false, false, false, "private address");
    expect_bad_server("HTTP/1.1 200 OK\r\n\r\nno receipts", false, true, false, false, "");
    expect_bad_server("", false, true, false, true, "cannot fetch");
    static const struct {
        const char *answer;
        bool passing;
        const char *reason;
    } codes[] = {
        {ANSWER("404 Not Found"), false, "does not exist"},
        {ANSWER("403 No"), false, "answers 403"},
        {ANSWER("410 Gone"), false, "answers 410"},
        {ANSWER("408 Slow"), true, "answers 408"},
        {ANSWER("429 Busy"), true, "answers 429"},
        {ANSWER("500 No"), true, "answers 500"},
        {ANSWER("503 Busy"), true, "answers 503"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        expect_bad_server(codes[i].answer, false, true, false, codes[i].passing, codes[i].reason);
}

// F-49: that there is no memory here is no verdict on anyone.
static void no_memory_is_no_verdict(void **state) {
    bad_server server = {.answer = "HTTP/1.1 200 OK\r\n\r\nsomething", .starves = true};
    assay_hash batch = bad_open(&server);
    assay_checker checker = checker_of(&world.shop);
    checker.limits.allow_private = true;
    const assay_check_task task = {.batch = batch};
    assay_check_result result;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    checking = true;
    work_refused(assay_check_run(&result, &checker, &task, &arena, err), MEMORY, "no memory");
    checking = false;
    atomic_store(&no_memory, false);
    assay_arena_close(&arena);
    bad_close(&server);
}

// The same where an arena's memory ends and not its budget, which would speak against the provider.
static void no_memory_for_receipts_is_no_verdict(void **state) {
    assay_checker checker = checker_of(&world.shop);
    const assay_check_task task = {.batch = good};
    assay_check_result result;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    // Its slab has room for the batch's rows, and then for no receipt.
    assert_non_null(assay_arena_take(&arena, 1, SLAB - sizeof(assay_receipt)));
    no_slabs = true;
    work_refused(assay_check_run(&result, &checker, &task, &arena, err), MEMORY,
                 "no memory for receipts");
    no_slabs = false;
    must(assay_check_run(&result, &checker, &task, &arena, err));
    assert_int_equal(result.verdict, ASSAY_VERDICT_MATCH);
    assay_arena_close(&arena);
}

// What a receipt says about its leaf's size is not believed beyond what can be posted (F-46).
static void limits_follow_from_the_stated_sizes(void **state) {
    assert_int_equal(assay_leaf_file_size(3, 5), 8 + 8 + 4 * 8);
    assert_true(assay_leaf_file_size(UINT32_MAX, UINT32_MAX) > ASSAY_LEAF_BYTES_MAX);
    assert_int_equal(assay_receipts_file_size(1000, 2), 8 + 4 + 1000 + 8);
}

// A stop ends a fetch that hangs, and counts as unavailable.
static void *stop_soon(void *context) {
    work_sleep(200);
    atomic_store((atomic_bool *)context, true);
    return NULL;
}

static void a_stop_gives_up_a_fetch(void **state) {
    unsigned port;
    char uri[64];
    int fd = test_listen(&port); // accepts in its backlog, and is silent
    atomic_bool stop = false;
    pthread_t thread;
    snprintf(uri, sizeof uri, "http://127.0.0.1:%u/e", port);
    assay_hash batch = batch_make(0, uri);
    assay_checker checker = checker_of(&world.shop);
    checker.limits.allow_private = true;
    checker.limits.timeout_ms = 60000;
    const assay_check_task task = {.batch = batch, .stop = &stop};
    assay_check_result result;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    double start = seconds_now();
    pthread_create(&thread, NULL, stop_soon, &stop);
    must(assay_check_run(&result, &checker, &task, &arena, err));
    assert_true(seconds_now() - start < 30);
    assert_int_equal(result.verdict, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    assert_true(result.late);
    pthread_join(thread, NULL);
    assay_arena_close(&arena);
    close(fd);
}

// What assay attribute says of a batch's receipt. dataset NULL: none is given. Returns: its exit
// code.
static int attribute(char said[1 << 16], const assay_hash *batch, const char *dataset,
                     const char *option) {
    char id[ASSAY_HEX_HASH_MAX], command[1024], given[256] = "";
    assay_hex_encode_0x(id, batch->bytes, ASSAY_HASH_SIZE);
    if (dataset)
        snprintf(given, sizeof given, " --dataset told=" ASSAY_SOURCE_DIR "/testnet/data/%s",
                 dataset);
    snprintf(command, sizeof command,
             ASSAY_BINARY_DIR "/assay attribute --batch %s --leaf 0 --node %s --allow-file --model "
                              "%s%s%s",
             id, assay_http_server_url(world.server), world.model_file, given, option);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    said[fread(said, 1, (1 << 16) - 1, pipe)] = 0;
    return WEXITSTATUS(pclose(pipe));
}

static void attribute_expect(const assay_hash *batch, const char *dataset, int expected,
                             const char *words) {
    static char text[1 << 16];
    int code = attribute(text, batch, dataset, " --json");
    if (code != expected || !strstr(text, words))
        fail_msg("exit %d, not %d; \"%s\", not with \"%s\"", code, expected, text, words);
}

// Why someone was paid: the same shares again, from the evidence and what the node has, with no
// rerun. The words are of the output, which is the model's.
static void shares_can_be_seen_again(void **state) {
    const assay_hash untrue = batch_make(SHARES, NULL), gone = batch_make(LEAF_GONE, NULL);
    attribute_expect(&good, "carroll.txt", ASSAY_EXIT_OK, "\"as_paid\":true");
    // 8 prompt tokens at 1,000 nopen and 8 at 2,000, of which data_ppm (250,000) is this one's.
    attribute_expect(&good, "carroll.txt", ASSAY_EXIT_OK,
                     "\"weight_ppm\":1000000,\"lineage_ppm\":1000000,\"nopen\":6000}");
    attribute_expect(&untrue, "carroll.txt", ASSAY_EXIT_NO, "\"as_paid\":false");
    attribute_expect(&gone, "carroll.txt", ASSAY_EXIT_NETWORK, "no evidence: ");
    attribute_expect(&good, "doyle.txt", ASSAY_EXIT_INPUT, "the adapter names data set 0x");
    attribute_expect(&good, NULL, ASSAY_EXIT_INPUT, "the adapter names data set 0x");
    const assay_hash base = batch_make(BARE, NULL);
    attribute_expect(&base, NULL, ASSAY_EXIT_OK,
                     "\"datasets\":[],\"spans\":[],\"fee\":24000,\"as_paid\":true}");
    attribute_expect(&base, "carroll.txt", ASSAY_EXIT_USAGE, "no adapter: nobody is credited");
}

static void whoever_is_credited_with_nothing_is_told(void **state) {
    static char text[1 << 16];
    const assay_hash base = batch_make(BARE, NULL), alone = batch_make(UNSOURCED, NULL);
    assert_int_equal(attribute(text, &base, NULL, ""), ASSAY_EXIT_OK);
    assert_non_null(strstr(text, "\nthe receipt has no adapter: nobody is credited\n"));
    assert_int_equal(attribute(text, &alone, NULL, ""), ASSAY_EXIT_OK);
    assert_non_null(
        strstr(text, "\nthe receipt's adapter names no data set: nobody is credited\n"));
}

static int root_order(const void *a, const void *b) {
    return memcmp(a, b, ASSAY_HASH_SIZE);
}

// Registered, and declared beside what the validators have.
static void unsourced_register(void) {
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_ADAPTER};
    assay_hash roots[] = {world.model, world.adapter, unsourced};
    work_commit(&world, TUNER, &unsourced, NULL);
    tx.body.register_adapter = (assay_tx_register_adapter){
        .base = world.model, .root = unsourced, .byte_count = 1, .name = work_text("alone")};
    work_send(&world, TUNER, &tx);
    qsort(roots, 3, sizeof *roots, root_order);
    tx = (assay_tx){.kind = ASSAY_TX_DECLARE_ROOTS};
    tx.body.declare_roots.roots = (assay_hash_list){roots, 3};
    for (uint32_t i = VALIDATOR; i < ACTORS; i++)
        work_send(&world, i, &tx);
}

static int world_make(void **state) {
    work_init(&world);
    work_start(&world);
    foreign = (assay_hash){{0xfe}};
    work_dataset(&world, CONTRIBUTOR, &foreign, 1, 1);
    unsourced = (assay_hash){{0xad}};
    unsourced_register();
    work_shop_open(&world, &bare, false, 1);
    work_shop_open(&world, &other, true, 2);
    good = batch_make(0, NULL);
    return 0;
}

static int all_end(void **state) {
    assay_workshop_close(&bare);
    assay_workshop_close(&other);
    return world_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_told),
        cmocka_unit_test(each_verdict_by_one_defect),
        cmocka_unit_test(damage_on_the_way_is_no_fraud),
        cmocka_unit_test(checks_come_in_order),
        cmocka_unit_test(missing_data_hide_no_other_defect),
        cmocka_unit_test(probes_agree_and_differ),
        cmocka_unit_test(leaf_is_rerun_whatever_was_drawn),
        cmocka_unit_test(a_request_is_as_long_as_the_chain_allows),
        cmocka_unit_test(posted_evidence_that_is_not_there_is_no_verdict),
        cmocka_unit_test(bad_servers_are_unavailable),
        cmocka_unit_test(no_memory_is_no_verdict),
        cmocka_unit_test(no_memory_for_receipts_is_no_verdict),
        cmocka_unit_test(limits_follow_from_the_stated_sizes),
        cmocka_unit_test(a_stop_gives_up_a_fetch),
        cmocka_unit_test(shares_can_be_seen_again),
        cmocka_unit_test(whoever_is_credited_with_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, world_make, all_end);
}
