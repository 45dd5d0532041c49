// SPDX-License-Identifier: Apache-2.0
// `assay serve` and its like as processes: bodies from strangers, kill -9 between answer and batch,
// misbehaviour only on testnets. Rules P-12, P-14, F-46, F-53 to F-55.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ledger/tx/reject.h"
#include "ledger/tx/tx_json.h"
#include "node/wallet/keystore.h"
#include "tests/folder.h"
#include "tests/node/work.h"

enum { TOKENS = 4 };

static uint32_t prompt[PROMPT];
static char key_file[96], home[96], log_file[96];
static const char *dataset = ASSAY_SOURCE_DIR "/testnet/data/carroll.txt"; // of the adapter

typedef struct {
    pid_t pid;
    int out;
    char url[128]; // its first line
} server;

// Starts the program, its log in log_file where that has a name, and reads its first line.
static server process_start(const char *const *arguments) {
    server s = {.pid = 0};
    int pipe_ends[2];
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    s.pid = fork();
    assert_true(s.pid >= 0);
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that crashes leaves nobody behind
        dup2(pipe_ends[1], 1);
        if (*log_file) dup2(open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 2);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(pipe_ends[1]);
    s.out = pipe_ends[0];
    for (size_t i = 0; i + 1 < sizeof s.url; i++)
        if (read(s.out, s.url + i, 1) != 1 || s.url[i] == '\n') {
            s.url[i] = 0;
            break;
        }
    return s;
}

// `assay serve` over the shared home; more: further arguments, NULL-terminated.
static server serve_start(const char *const *more) {
    const char *arguments[40] = {ASSAY_BINARY_DIR "/assay",
                                 "serve",
                                 "--home",
                                 home,
                                 "--node",
                                 world.wallets[PROVIDER].client.url,
                                 "--key",
                                 key_file,
                                 "--model",
                                 world.model_file,
                                 "--adapter",
                                 world.adapter_file,
                                 "--dataset",
                                 dataset,
                                 "--listen",
                                 "127.0.0.1:0"};
    size_t count = 16;
    for (; more && *more; more++)
        arguments[count++] = *more;
    return process_start(arguments);
}

// Waits for its end. Returns: its exit code, or minus the signal.
static int serve_end(server *s, int number) {
    int status;
    kill(s->pid, number);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    close(s->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static assay_status post_text(json_t **answer, const server *s, const char *path, const char *text,
                              assay_error *err) {
    char url[200];
    const assay_bytes body = {(const uint8_t *)text, text ? strlen(text) : 0};
    const assay_fetch_limits limits = {
        .size_max = 1 << 20, .timeout_ms = 20000, .allow_private = true};
    assay_fetched fetched;
    json_t *document;
    snprintf(url, sizeof url, "%s%s", s->url, path);
    ASSAY_TRY(assay_fetch(&fetched, url, text ? &body : NULL, &limits, err));
    if (!fetched.body) fail_msg("%s: %u without a body", url, fetched.code);
    assay_status status =
        assay_json_parse(&document, fetched.body, fetched.body_size, 1 << 20, "answer", err);
    free(fetched.body);
    ASSAY_TRY(status);
    *answer = document;
    return ASSAY_OK;
}

// The sentence of a refused body.
static void expect_sentence(const server *s, const char *body, const char *name,
                            const char *words) {
    json_t *answer;
    must(post_text(&answer, s, "/v1/request", body, err));
    const json_t *error = json_object_get(answer, "error");
    const char *text = json_string_value(json_object_get(error, "text"));
    const char *found = json_string_value(json_object_get(error, "name"));
    if (!text || !found || strcmp(found, name) != 0 || !strstr(text, words))
        fail_msg("\"%.60s\": %s: \"%s\", not %s with \"%s\"", body, found ? found : "no error",
                 text ? text : "", name, words);
    assert_true(json_integer_value(json_object_get(error, "code")) > 0);
    json_decref(answer);
}

// The first event of this name in the log, NULL: there is none.
static json_t *logged(const char *name) {
    char line[2048];
    FILE *file = fopen(log_file, "r");
    json_t *event = NULL;
    assert_non_null(file);
    while (!event && fgets(line, sizeof line, file)) {
        event = json_loads(line, 0, NULL);
        if (!event) fail_msg("no JSON: %s", line);
        const char *found = json_string_value(json_object_get(event, "event"));
        if (found && strcmp(found, name) == 0) break;
        json_decref(event);
        event = NULL;
    }
    fclose(file);
    return event;
}

static unsigned logged_count(const char *name) {
    char line[2048], word[64];
    unsigned count = 0;
    FILE *file = fopen(log_file, "r");
    assert_non_null(file);
    snprintf(word, sizeof word, "\"event\":\"%s\"", name);
    while (fgets(line, sizeof line, file))
        count += strstr(line, word) != NULL;
    fclose(file);
    return count;
}

static bool base_only; // ask for the base model's answers

static json_t *body_of(const assay_hash *session, uint64_t sequence) {
    assay_request request = work_request(&world, session, sequence, prompt, PROMPT, TOKENS);
    if (base_only) memset(&request.adapter, 0, sizeof request.adapter);
    work_sign(&world, &request, CONSUMER);
    json_t *ids = json_array();
    for (int i = 0; i < PROMPT; i++)
        json_array_append_new(ids, json_integer(prompt[i]));
    return json_pack("{s:o,s:o}", "request", assay_request_to_json(&request), "prompt_ids", ids);
}

static void expect_spoiled(const server *s, json_t *body, const char *name, const char *words) {
    char *text = json_dumps(body, JSON_COMPACT);
    expect_sentence(s, text, name, words);
    free(text);
    json_decref(body);
}

// Posts the next request. Returns: its receipt hash as the provider says it.
static assay_hash asked(const server *s, const assay_hash *session, uint64_t sequence) {
    json_t *answer, *body = body_of(session, sequence);
    const json_t *object;
    assay_receipt receipt;
    assay_hash hash, own;
    char *text = json_dumps(body, JSON_COMPACT);
    must(post_text(&answer, s, "/v1/request", text, err));
    must(assay_json_hash(&hash, answer, "receipt_hash", err));
    must(assay_json_object(&object, answer, "receipt", err));
    must(assay_receipt_from_json(&receipt, object, err));
    assay_receipt_hash(&own, &receipt);
    assert_memory_equal(own.bytes, hash.bytes, ASSAY_HASH_SIZE);
    free(text);
    json_decref(body);
    json_decref(answer);
    return hash;
}

static uint64_t counter(const server *s, const char *path, const char *name) {
    json_t *answer;
    uint64_t value = 0;
    must(post_text(&answer, s, path, NULL, err));
    must(assay_json_u64(&value, answer, name, 0, UINT64_MAX, err));
    json_decref(answer);
    return value;
}

static assay_session session_now(const assay_hash *id) {
    assay_session session;
    must(assay_session_fetch(&session, &world.wallets[CONSUMER].client, id, err));
    return session;
}

static void bodies_are_refused_by_number(void **state) {
    server s = serve_start(NULL);
    json_t *body;
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    expect_sentence(&s, "{", "FORMAT", "");
    expect_sentence(&s, "[]", "FORMAT", "body");
    expect_sentence(&s, "{}", "MISSING", "request is missing");
    expect_sentence(&s, "{\"a\":1}", "UNKNOWN", "a");
    expect_sentence(&s, "{\"request\":{},\"request\":{}}", "DUPLICATE", "");
    char deep[10001];
    memset(deep, '[', 10000);
    deep[10000] = 0;
    expect_sentence(&s, deep, "DEPTH", "");
    body = body_of(&session, 1);
    json_object_del(body, "prompt_ids");
    expect_spoiled(&s, body, "MISSING", "prompt_ids is missing");
    body = body_of(&session, 1);
    json_array_set_new(json_object_get(body, "prompt_ids"), 1, json_string("7"));
    expect_spoiled(&s, body, "FORMAT", "no token id at place 1");
    body = body_of(&session, 1);
    json_array_set_new(json_object_get(body, "prompt_ids"), 1, json_integer(1999));
    expect_spoiled(&s, body, "MISMATCH", "not those the request commits to");
    body = body_of(&session, 1);
    for (int i = 0; i < 600; i++)
        json_array_append_new(json_object_get(body, "prompt_ids"), json_integer(1));
    expect_spoiled(&s, body, "CAPACITY", "643 values and names, limit 576");
    char wide[20001]; // more than a prompt of the model's 512 ids takes
    memset(wide, ' ', 20000);
    wide[20000] = 0;
    expect_sentence(&s, wide, "CAPACITY", "body of 20000 bytes, limit 14336");
    body = body_of(&session, 1);
    json_object_set_new(json_object_get(body, "request"), "signature", json_string("0x00"));
    expect_spoiled(&s, body, "FORMAT", "signature");
    body = body_of(&session, 2);
    expect_spoiled(&s, body, "ORDER", "sequence 2, expected 1");
    // None of it left anything behind.
    assert_int_equal(counter(&s, "/v1/provider", "pending"), 0);
    assert_int_equal(counter(&s, "/v1/provider", "served"), 0);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
}

// V1 by kill -9: answered receipts are in a batch after a restart, each once.
static void killed_between_answer_and_batch(void **state) {
    static const char *const slow[] = {"--batch-count", "1000", "--batch-ms", "1000000", NULL};
    static const char *const quick[] = {"--batch-count", "3", "--batch-ms", "1000000", NULL};
    char path[128], hex[ASSAY_HEX_HASH_MAX];
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_hex_encode_0x(hex, session.bytes, ASSAY_HASH_SIZE);
    snprintf(path, sizeof path, "/v1/session/%s", hex);
    server s = serve_start(slow);
    asked(&s, &session, 1);
    asked(&s, &session, 2);
    assert_int_equal(serve_end(&s, SIGKILL), -SIGKILL);
    assert_int_equal(session_now(&session).last_sequence, 0);
    s = serve_start(quick);
    assert_int_equal(counter(&s, "/v1/provider", "pending"), 2);
    assert_int_equal(counter(&s, path, "next_sequence"), 3);
    asked(&s, &session, 3);
    for (int i = 0; i < 400 && session_now(&session).last_sequence < 3; i++)
        work_sleep(20);
    assert_int_equal(session_now(&session).last_sequence, 3);
    for (int i = 0; i < 400 && counter(&s, "/v1/provider", "pending"); i++)
        work_sleep(20);
    assert_int_equal(counter(&s, "/v1/provider", "batched"), 1);
    // SIGTERM submits what is pending.
    asked(&s, &session, 4);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    assert_int_equal(session_now(&session).last_sequence, 4);
}

// Small change is told at the end and at the start: how much, where, and until when.
static void expect_waiting(const assay_hash *session, uint64_t nopen) {
    json_t *event = logged("receipts_waiting");
    uint64_t found;
    char folder[128];
    assert_non_null(event);
    assert_int_equal(json_integer_value(json_object_get(event, "count")), 1);
    must(assay_json_u64(&found, event, "nopen", 0, UINT64_MAX, err));
    assert_int_equal(found, nopen);
    must(assay_json_u64(&found, event, "until", 0, UINT64_MAX, err));
    assert_int_equal(found, session_now(session).end);
    snprintf(folder, sizeof folder, "%s/pending", home);
    assert_string_equal(json_string_value(json_object_get(event, "folder")), folder);
    json_decref(event);
}

static void what_waits_is_told(void **state) {
    static const char *const options[] = {"--log", "json", "--batch-ms", "1000000", NULL};
    assay_hash session = work_session(&world, PROVIDER, OPEN, 50, 60);
    snprintf(log_file, sizeof log_file, "%s/serve.log", world.folder);
    server s = serve_start(options);
    asked(&s, &session, 1);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    uint64_t nopen = 8 * 50 + 4 * 60;
    expect_waiting(&session, nopen);
    json_t *event = logged("url_private"); // it listens on 127.0.0.1
    assert_non_null(event);
    assert_non_null(json_object_get(event, "next"));
    json_decref(event);
    s = serve_start(options);
    for (int i = 0; i < 400 && !(event = logged("receipts_waiting")); i++)
        work_sleep(20);
    json_decref(event);
    expect_waiting(&session, nopen);
    asked(&s, &session, 2);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    assert_int_equal(session_now(&session).last_sequence, 2);
    s = serve_start(options);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    assert_null(logged("receipts_waiting"));
    *log_file = 0;
}

static bool log_has(const char *words) {
    char line[2048];
    bool found = false;
    FILE *file = fopen(log_file, "r");
    assert_non_null(file);
    while (!found && fgets(line, sizeof line, file))
        found = strstr(line, words) != NULL;
    fclose(file);
    return found;
}

// The document in its first line.
static void url_take(server *s) {
    json_t *document = json_loads(s->url, 0, NULL);
    const char *url = json_string_value(json_object_get(document, "url"));
    if (!url) fail_msg("no {url}: %s", s->url);
    memmove(s->url, url, strlen(url) + 1);
    json_decref(document);
}

// Ends it. Its first line must have been the only one.
static void quiet_end(server *s) {
    char more[200];
    kill(s->pid, SIGTERM);
    ssize_t size = read(s->out, more, sizeof more - 1);
    more[size > 0 ? size : 0] = 0;
    assert_int_equal(serve_end(s, SIGTERM), 0);
    if (*more) fail_msg("between documents: %s", more);
}

// F-75: with --json what is told is for standard error; on the other one there are documents alone.
static void sentences_are_not_among_documents(void **state) {
    static const char *const quick[] = {"--json", "--batch-count", "1", NULL};
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_hash small = work_session(&world, PROVIDER, OPEN, 50, 60);
    snprintf(log_file, sizeof log_file, "%s/serve.log", world.folder);
    server s = serve_start(quick);
    url_take(&s);
    asked(&s, &session, 1);
    for (int i = 0; i < 400 && !log_has("batch 0x"); i++)
        work_sleep(20);
    assert_true(log_has("batch 0x"));
    asked(&s, &small, 1);
    quiet_end(&s);
    assert_true(log_has("1 receipts worth 640 nopen wait in"));
    s = serve_start(quick); // which tells it before its document
    url_take(&s);
    assert_true(log_has("1 receipts worth 640 nopen wait in"));
    asked(&s, &session, 2); // which takes it along
    quiet_end(&s);
    assert_int_equal(session_now(&small).last_sequence, 1);
    *log_file = 0;
}

static bool offers_adapter(const server *s) {
    json_t *answer;
    const json_t *adapters;
    must(post_text(&answer, s, "/v1/provider", NULL, err));
    must(assay_json_array(&adapters, answer, "adapters", 1, err));
    bool offers = json_array_size(adapters) == 1;
    json_decref(answer);
    return offers;
}

// F-53: an adapter without its data is not offered, and told once and at once, not when somebody
// has paid a deposit for it.
static void what_has_no_data_is_told(void **state) {
    static const char *const options[] = {"--log", "json", NULL};
    const char *own = dataset;
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    snprintf(log_file, sizeof log_file, "%s/serve.log", world.folder);
    server s = serve_start(NULL);
    assert_true(offers_adapter(&s));
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    dataset = ASSAY_SOURCE_DIR "/LICENSE";
    s = serve_start(options);
    dataset = own;
    json_t *event = logged("adapter_unsourced");
    assert_non_null(event);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(event, "error"), "code")),
                     ASSAY_MISSING);
    assert_non_null(strstr(json_string_value(json_object_get(event, "text")),
                           "a data set of the adapter is not loaded: 0x"));
    json_decref(event);
    assert_false(offers_adapter(&s));
    expect_spoiled(&s, body_of(&session, 1), "MISSING", "a data set of the adapter is not loaded");
    work_sleep(6000); // another look
    assert_int_equal(logged_count("adapter_unsourced"), 1);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    *log_file = 0;
}

static void await_logged(const char *name) {
    for (int i = 0; i < 800 && !logged_count(name); i++) {
        world.engine.nudge(world.solo); // closing takes blocks
        work_sleep(20);
    }
    assert_int_equal(logged_count(name), 1);
}

// F-53: what too few declare is told once, not offered, not answered; from its declaration on it
// is. What was answered before it is lost says at the end why it waits.
static void what_is_not_payable_is_told(void **state) {
    static const char *const options[] = {"--log", "json", "--batch-ms", "1000000", NULL};
    static const char *const quick[] = {"--log", "json", "--batch-count", "1", NULL};
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    work_declare(&world, VALIDATOR_3, true, false);
    snprintf(log_file, sizeof log_file, "%s/serve.log", world.folder);
    server s = serve_start(options);
    json_t *event = logged("not_payable");
    assert_non_null(event);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(event, "error"), "code")),
                     ASSAY_REJECT_NOT_DECLARED);
    assert_non_null(json_object_get(event, "adapter"));
    json_decref(event);
    expect_spoiled(&s, body_of(&session, 1), "REJECTED",
                   "declare the adapter, more than 2/3 of 3000000000000 needed");
    work_sleep(6000); // another look
    assert_int_equal(logged_count("not_payable"), 1);
    assert_int_equal(logged_count("payable"), 0);
    assert_false(offers_adapter(&s));
    work_declare(&world, VALIDATOR_3, true, true);
    for (int i = 0; i < 500 && !offers_adapter(&s); i++)
        work_sleep(20);
    assert_true(offers_adapter(&s));
    await_logged("payable"); // after it is offered
    asked(&s, &session, 1);
    work_declare(&world, VALIDATOR_3, true, false);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    expect_waiting(&session, 8 * 1000 + 4 * 2000);
    event = logged("receipts_waiting");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(event, "error"), "code")),
                     ASSAY_REJECT_NOT_DECLARED);
    const char *text = json_string_value(json_object_get(event, "text"));
    assert_non_null(strstr(text, "a batch was not taken, error 170: "));
    json_decref(event);
    // What is held by then is not tried again at the end, and has the same reason, whatever was
    // taken since.
    assay_hash other = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    s = serve_start(quick);
    for (int i = 0; i < 400 && !logged_count("receipts_held"); i++)
        work_sleep(20);
    base_only = true;
    asked(&s, &other, 1);
    base_only = false;
    for (int i = 0; i < 400 && !logged_count("batch_sent"); i++)
        work_sleep(20);
    assert_int_equal(logged_count("batch_sent"), 1);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    event = logged("receipts_waiting");
    assert_non_null(json_object_get(event, "error"));
    json_decref(event);
    work_declare(&world, VALIDATOR_3, true, true);
    s = serve_start(options);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    assert_int_equal(session_now(&session).last_sequence, 1);
    *log_file = 0;
}

// F-54: what was refused is gone, and what waits at the end waits for another reason.
static void a_reason_is_of_what_waits(void **state) {
    static const char *const options[] = {"--log", "json", "--batch-ms", "2000", NULL};
    assay_tx tx = {.kind = ASSAY_TX_CLOSE_SESSION};
    assay_hash bad = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_hash small = work_session(&world, PROVIDER, OPEN, 50, 60);
    snprintf(log_file, sizeof log_file, "%s/serve.log", world.folder);
    server s = serve_start(options);
    asked(&s, &bad, 1);
    kill(s.pid, SIGSTOP); // its batch is not before the declaration's block
    work_declare(&world, VALIDATOR_3, true, false);
    kill(s.pid, SIGCONT);
    await_logged("batch_not_taken");
    tx.body.close_session.session = bad;
    work_send(&world, CONSUMER, &tx);
    await_logged("income_lost");
    base_only = true;
    asked(&s, &small, 1);
    base_only = false;
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    expect_waiting(&small, 8 * 50 + 4 * 60);
    json_t *event = logged("receipts_waiting");
    assert_null(json_object_get(event, "error"));
    json_decref(event);
    // It goes with the next one: tests after this find nothing.
    work_declare(&world, VALIDATOR_3, true, true);
    s = serve_start(options);
    asked(&s, &small, 2);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    assert_int_equal(session_now(&small).last_sequence, 2);
    *log_file = 0;
}

// V5: the session that no batch can hold is found within moments, and the others are paid.
static void one_session_holds_up_nobody(void **state) {
    static const char *const quick[] = {"--batch-count", "4", "--batch-ms", "3000", NULL};
    assay_hash others[3];
    assay_hash bad = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    for (int i = 0; i < 3; i++)
        others[i] = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    server s = serve_start(quick);
    asked(&s, &bad, 1);
    work_declare(&world, VALIDATOR_3, true, false); // too few declare the adapter from now on
    base_only = true;
    for (int i = 0; i < 3; i++)
        asked(&s, &others[i], 1);
    base_only = false;
    for (int i = 0; i < 400 && counter(&s, "/v1/provider", "pending") > 1; i++)
        work_sleep(20);
    for (int i = 0; i < 3; i++)
        assert_int_equal(session_now(&others[i]).last_sequence, 1);
    assert_int_equal(session_now(&bad).last_sequence, 0);
    assert_int_equal(counter(&s, "/v1/provider", "pending"), 1);
    work_declare(&world, VALIDATOR_3, true, true);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    // Tried again by the next run.
    s = serve_start(quick);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    assert_int_equal(session_now(&bad).last_sequence, 1);
}

// F-56, P-50: who has no bond any more may still owe votes.
static void a_refused_declaration_ends_no_validator(void **state) {
    const char *const arguments[] = {ASSAY_BINARY_DIR "/assay",
                                     "verify",
                                     "--watch",
                                     "--node",
                                     world.wallets[PROVIDER].client.url,
                                     "--key",
                                     key_file,
                                     "--model",
                                     world.model_file,
                                     "--log",
                                     "json",
                                     NULL};
    uint64_t code;
    snprintf(log_file, sizeof log_file, "%s/verify.log", world.folder);
    server s = process_start(arguments);
    assert_string_equal(s.url, "watching");
    json_t *event = logged("declaration_failed");
    assert_non_null(event);
    must(assay_json_u64(&code, event, "code", 0, UINT32_MAX, err));
    assert_int_equal(code, ASSAY_REJECT_NO_VERIFIER);
    json_decref(event);
    assert_int_equal(serve_end(&s, SIGTERM), 0);
    *log_file = 0;
}

static int command_run(const char *format, const char *node, char *text, size_t size) {
    char command[1024];
    snprintf(command, sizeof command, format, ASSAY_BINARY_DIR, node, key_file, world.model_file,
             home);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    text[fread(text, 1, size - 1, out)] = 0;
    int status = pclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The same world but for one word in its genesis: nobody may cheat there.
static void misbehaviour_is_for_testnets(void **state) {
    static work real;
    char text[1024];
    work_init(&real);
    real.genesis.testnet = false;
    snprintf(real.folder, sizeof real.folder, "/tmp/assay_real_XXXXXX");
    test_folder_make(real.folder);
    work_engine_start(&real);
    const char *node = real.wallets[0].client.url;
    int code = command_run("%s/assay serve --node %s --key %s --model %s --home %s --misbehave "
                           "altered-token --listen 127.0.0.1:0 --json 2>&1",
                           node, text, sizeof text);
    assert_int_not_equal(code, 0);
    assert_non_null(strstr(text, "--misbehave is for chains whose genesis says testnet"));
    code = command_run("%s/assay verify --watch --node %s --key %s --model %s --misbehave copy "
                       "2>&1 # %s",
                       node, text, sizeof text);
    assert_int_not_equal(code, 0);
    assert_non_null(strstr(text, "--misbehave is for chains whose genesis says testnet"));
    code = command_run("%s/assay serve --node %s --key %s --model %s --home %s --misbehave lying "
                       "--listen 127.0.0.1:0 2>&1",
                       world.wallets[0].client.url, text, sizeof text);
    assert_int_equal(code, 2);
    assert_non_null(strstr(text, "known are altered-token"));
    code = command_run("%s/assay verify --watch --node %s --key %s --model %s --misbehave sloth "
                       "2>&1 # %s",
                       world.wallets[0].client.url, text, sizeof text);
    assert_int_equal(code, 2);
    assert_non_null(strstr(text, "known are copy, silent and lie"));
    work_close(&real);
}

// What is refused before anything is opened.
static void arguments_are_refused(void **state) {
    static const struct {
        const char *more, *words;
    } cases[] = {
        {"--wait-ms 0", "must learn whether its batches are in a block"},
        {"--url file:///srv", "does not begin with http:// or https://"},
        {"--url http://a.example/?b", "without user, query and fragment"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char format[256], text[1024];
        snprintf(format, sizeof format,
                 "%%s/assay serve --node %%s --key %%s --model %%s --home %%s --listen 127.0.0.1:0 "
                 "%s 2>&1",
                 cases[i].more);
        assert_int_equal(command_run(format, world.wallets[0].client.url, text, sizeof text), 2);
        if (!strstr(text, cases[i].words)) fail_msg("%s: %s", cases[i].more, text);
    }
}

static int world_make(void **state) {
    work_init(&world);
    work_start(&world);
    work_prompt(prompt, 1);
    setenv("ASSAY_PASSWORD", "a password", 1);
    snprintf(key_file, sizeof key_file, "%s/provider.json", world.folder);
    snprintf(home, sizeof home, "%s/serve", world.folder);
    json_t *document;
    must(assay_keystore_seal(&document, &world.wallets[PROVIDER].key, "a password", true, err));
    assert_int_equal(json_dump_file(document, key_file, 0), 0);
    json_decref(document);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_refused_by_number),
        cmocka_unit_test(killed_between_answer_and_batch),
        cmocka_unit_test(what_has_no_data_is_told),
        cmocka_unit_test(what_is_not_payable_is_told),
        cmocka_unit_test(a_reason_is_of_what_waits),
        cmocka_unit_test(one_session_holds_up_nobody),
        cmocka_unit_test(what_waits_is_told),
        cmocka_unit_test(sentences_are_not_among_documents),
        cmocka_unit_test(a_refused_declaration_ends_no_validator),
        cmocka_unit_test(misbehaviour_is_for_testnets),
        cmocka_unit_test(arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
