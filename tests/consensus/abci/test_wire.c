// SPDX-License-Identifier: Apache-2.0
// E-3 to E-5: requests are read or refused with a sentence, responses are written.
#include "consensus/abci/frame.h"
#include "consensus/abci/wire.h"
#include "tests/consensus/abci/abci.h"
#include "tests/consensus/abci/replies.h"
#include "tests/vectors.h"

static bool no_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
    return no_memory ? NULL : __real_malloc(size);
}

static assay_status read_into(assay_abci_request *request, const void *data, size_t size,
                              char *text, size_t text_size) {
    assay_arena arena;
    assay_error err = {0};
    assay_arena_init(&arena, ASSAY_ABCI_READ_MAX);
    assay_bytes frame = {data, size};
    assay_status status = assay_abci_request_read(request, frame, &arena, &err);
    assay_arena_close(&arena); // of lists only the counts are looked at
    snprintf(text, text_size, "%s", err.text);
    return status;
}

static assay_status read_status(const void *data, size_t size, char *text, size_t text_size) {
    assay_abci_request request;
    return read_into(&request, data, size, text, text_size);
}

// E-3, E-4: what is no request of ABCI 2.0 is refused, and the sentence says what it is.
static void test_refused(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        assay_status status;
        const char *text;
    } cases[] = {
        {"", 0, ASSAY_UNKNOWN, "an empty request"},
        {"\x22\x00", 2, ASSAY_UNKNOWN, "request 4 is not of ABCI 2.0"},
        {"\x9a\x06\x00", 3, ASSAY_UNKNOWN, "request 99 is not of ABCI 2.0"},
        {"\x0a", 1, ASSAY_FORMAT, NULL},                         // no length
        {"\x0a\x05hell", 6, ASSAY_FORMAT, NULL},                 // ends too early
        {"\x08\x01", 2, ASSAY_FORMAT, NULL},                     // Echo as a number
        {"\x02\x00", 2, ASSAY_FORMAT, NULL},                     // field 0
        {"\x0a\x02\x08\x01", 4, ASSAY_FORMAT, NULL},             // its text as a number
        {"\x0a\x05\x0d\1\2\3\4", 7, ASSAY_FORMAT, NULL},         // ... as a fixed32
        {"\x0a\x03\x0a\x05x", 5, ASSAY_FORMAT, NULL},            // its text ends too early
        {"\x0a\x02\x0b\x0c", 4, ASSAY_FORMAT, NULL},             // a group
        {"\x42\x04\x12\x02xx", 6, ASSAY_FORMAT, NULL},           // CheckTx's type as bytes
        {"\xa2\x01\x02\x08\x01", 5, ASSAY_FORMAT, NULL},         // a transaction as a number
        {"\xa2\x01\x02\x10\x01", 5, ASSAY_FORMAT, NULL},         // the last commit as a number
        {"\xa2\x01\x04\x12\x02\x10\x01", 7, ASSAY_FORMAT, NULL}, // a vote as a number
        {"\x2a\x08\x22\x06\x0a\x04\x0a\x00\x12\x00", 10, ASSAY_FORMAT,
         "InitChain: two keys of one validator"},
        {"\x72\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 14, ASSAY_FORMAT, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[ASSAY_ERROR_TEXT_MAX];
        assay_status status = read_status(cases[i].bytes, cases[i].size, text, sizeof text);
        if (status != cases[i].status) fail_msg("case %zu: %d %s", i, status, text);
        assert_int_not_equal(text[0], 0);
        if (cases[i].text) assert_string_equal(text, cases[i].text);
    }
}

// E-3: unknown fields are skipped at every level; of several requests the last stands.
static void test_unknown_fields(void **state) {
    assay_abci_request request;
    assay_arena arena;
    uint8_t fixed[] = "\x42\x03\x0a\x01z\x98\x06\x07\x9a\x06\x01x"
                      "\x0a\x11\x0a\x02hi\x98\x06\x07\x9a\x06\x01x\x9d\x06\1\2\3\4";
    assay_arena_init(&arena, ASSAY_ABCI_READ_MAX);
    assay_bytes frame = {fixed, sizeof fixed - 1};
    must(assay_abci_request_read(&request, frame, &arena, err));
    assert_int_equal(request.kind, ASSAY_ABCI_ECHO);
    assert_true(bytes_are(request.echo.message, "hi"));
    // In place: nothing was copied.
    assert_true(request.echo.message.data > fixed &&
                request.echo.message.data < fixed + sizeof fixed);
    assert_int_equal(arena.used, 0);
    assay_arena_close(&arena);
}

typedef struct {
    uint32_t kind, field;
    uint32_t inner; // of field, 0: the entries are field itself
    uint32_t max;
    const char *name;
} list_case;

static const list_case lists[] = {
    {ASSAY_ABCI_FINALIZE_BLOCK, 1, 0, ASSAY_ABCI_TXS_MAX, "transactions"},
    {ASSAY_ABCI_EXTEND_VOTE, 4, 0, ASSAY_ABCI_TXS_MAX, "transactions"},
    {ASSAY_ABCI_FINALIZE_BLOCK, 2, 2, ASSAY_ABCI_VALIDATORS_MAX, "votes"},
    {ASSAY_ABCI_PREPARE_PROPOSAL, 3, 2, ASSAY_ABCI_VALIDATORS_MAX, "votes"},
    {ASSAY_ABCI_FINALIZE_BLOCK, 3, 0, ASSAY_ABCI_MISBEHAVIOR_MAX, "reports of misbehavior"},
    {ASSAY_ABCI_PREPARE_PROPOSAL, 4, 0, ASSAY_ABCI_MISBEHAVIOR_MAX, "reports of misbehavior"},
    {ASSAY_ABCI_INIT_CHAIN, 4, 0, ASSAY_ABCI_VALIDATORS_MAX, "validators"},
};

// What others put together: what is too long is cut, and said to be.
static const list_case cut_lists[] = {
    {ASSAY_ABCI_PROCESS_PROPOSAL, 1, 0, ASSAY_ABCI_TXS_MAX, "transactions"},
    {ASSAY_ABCI_PROCESS_PROPOSAL, 2, 2, ASSAY_ABCI_VALIDATORS_MAX, "votes"},
    {ASSAY_ABCI_PROCESS_PROPOSAL, 3, 0, ASSAY_ABCI_MISBEHAVIOR_MAX, "reports of misbehavior"},
    {ASSAY_ABCI_PREPARE_PROPOSAL, 2, 0, ASSAY_ABCI_TXS_MAX, "transactions"},
};

// Reads a request whose list has so many entries of `size` bytes.
static assay_status list_try(assay_abci_request *request, const list_case *list, uint32_t count,
                             size_t size, char *text, size_t text_size) {
    static const uint8_t bytes[64];
    assay_writer writer, outer;
    size_t room = (size + 2) * count + 64;
    uint8_t *entries = calloc(1, room), *content = calloc(1, room), *frame = calloc(1, room);
    assert_true(entries && content && frame && size <= sizeof bytes);
    assay_writer_init(&writer, entries, room);
    for (uint32_t i = 0; i < count; i++)
        assay_protobuf_entry(&writer, list->inner ? list->inner : list->field, bytes, size);
    assay_writer_init(&outer, content, room);
    if (list->inner)
        assay_protobuf_message(&outer, list->field, &writer);
    else
        assay_writer_copy(&outer, entries, writer.size);
    assert_false(outer.failed);
    size_t length = request_make(frame, room, list->kind, content, outer.size);
    assay_status status = read_into(request, frame, length, text, text_size);
    free(entries);
    free(content);
    free(frame);
    return status;
}

// E-4: a list at its limit is read, one longer is refused with both numbers, and neither takes more
// of the arena than a request may.
static void test_list_limits(void **state) {
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        uint32_t max = lists[i].max;
        char text[ASSAY_ERROR_TEXT_MAX], wanted[ASSAY_ERROR_TEXT_MAX];
        assay_abci_request request;
        assert_int_equal(list_try(&request, &lists[i], max, 0, text, sizeof text), ASSAY_OK);
        assert_int_equal(list_try(&request, &lists[i], max + 1, 0, text, sizeof text),
                         ASSAY_CAPACITY);
        snprintf(wanted, sizeof wanted, "%s: at least %u %s, limit %u",
                 kind_name((assay_abci_kind)lists[i].kind), max + 1, lists[i].name, max);
        assert_string_equal(text, wanted);
    }
}

static uint32_t count_of(const assay_abci_request *request, const list_case *list) {
    const assay_abci_block *block = &request->block;
    if (strcmp(list->name, "votes") == 0) return block->vote_count;
    return strcmp(list->name, "transactions") == 0 ? block->tx_count : block->misbehavior_count;
}

// E-4, E-25: no proposal that somebody else made is refused for its length, nor a mempool: what is
// over the limit is dropped, which takes no room and is told.
static void test_lists_of_others(void **state) {
    for (size_t i = 0; i < sizeof cut_lists / sizeof cut_lists[0]; i++) {
        const list_case *list = &cut_lists[i];
        size_t size = strcmp(list->name, "transactions") == 0 ? 3 : 0;
        char text[ASSAY_ERROR_TEXT_MAX];
        for (uint32_t more = 0; more < 3; more++) {
            assay_abci_request request;
            uint32_t count = list->max + (more == 2 ? list->max : more);
            assay_status status = list_try(&request, list, count, size, text, sizeof text);
            if (status != ASSAY_OK) fail_msg("case %zu, %u entries: %s", i, count, text);
            assert_int_equal(request.block.overfull, more > 0);
            assert_int_equal(count_of(&request, list), list->max);
        }
    }
}

// E-4: an arena that is too small refuses the request and breaks nothing.
static void test_arena_too_small(void **state) {
    uint8_t content[400], frame[420];
    assay_writer writer;
    assay_writer_init(&writer, content, sizeof content);
    for (int i = 0; i < 100; i++)
        assay_protobuf_entry(&writer, 1, "tx", 2);
    size_t size =
        request_make(frame, sizeof frame, ASSAY_ABCI_FINALIZE_BLOCK, content, writer.size);
    for (size_t capacity = 0; capacity < 8192; capacity += 64) {
        assay_arena arena;
        assay_abci_request request;
        assay_error err = {0};
        assay_arena_init(&arena, capacity);
        assay_bytes bytes = {frame, size};
        assay_status status = assay_abci_request_read(&request, bytes, &arena, &err);
        if (status == ASSAY_OK)
            assert_int_equal(request.block.tx_count, 100);
        else
            assert_int_equal(status, ASSAY_CAPACITY);
        assay_arena_close(&arena);
    }
}

// E-4: that there is no memory here does not make a request a malformed one.
static void test_no_memory(void **state) {
    static const uint8_t content[] = {0x0a, 1, 'a'}; // one transaction
    uint8_t frame[16];
    char text[ASSAY_ERROR_TEXT_MAX];
    size_t size =
        request_make(frame, sizeof frame, ASSAY_ABCI_FINALIZE_BLOCK, content, sizeof content);
    assert_int_equal(read_status(frame, size, text, sizeof text), ASSAY_OK);
    no_memory = true;
    assay_status status = read_status(frame, size, text, sizeof text);
    no_memory = false;
    assert_int_equal(status, ASSAY_MEMORY);
    assert_non_null(strstr(text, "no memory for transactions"));
}

static void expect_reply(const assay_abci_reply *reply, const char *hex) {
    char text[512];
    assay_abci_buffer out = {0};
    assay_arena arena;
    assay_arena_init(&arena, 1 << 20);
    must(assay_abci_reply_write(&out, reply, &arena, err));
    assert_true(2 * out.size < sizeof text);
    assay_hex_encode(text, out.data, out.size);
    assert_string_equal(text, hex);
    assay_arena_close(&arena);
    assay_abci_buffer_close(&out);
}

// E-5: lengths, numbers one above the request's, defaults left out, entries kept.
static void test_replies(void **state) {
    assay_bytes txs[] = {bytes_of("a"), bytes_of("")};
    uint32_t refetch[] = {0, 300};
    assay_abci_validator_update update = {ASSAY_ABCI_ED25519, bytes_of("key"), 7};
    assay_abci_result result = {.code = 1, .data = bytes_of("d")};
    assay_abci_reply reply = {.kind = ASSAY_ABCI_FLUSH};
    expect_reply(&reply, "021a00");
    reply = (assay_abci_reply){.kind = ASSAY_ABCI_ECHO, .echo.message = bytes_of("hello")};
    expect_reply(&reply, "0912070a0568656c6c6f");
    reply = (assay_abci_reply){.kind = ASSAY_ABCI_INSERT_TX,
                               .check_tx = {.code = 1, .log = bytes_of("not sent")}};
    expect_reply(&reply, "05b201020801");
    reply = (assay_abci_reply){.kind = ASSAY_ABCI_REAP_TXS};
    expect_reply(&reply, "03ba0100");
    reply = (assay_abci_reply){.kind = ASSAY_ABCI_PREPARE_PROPOSAL, .txs = {txs, 2}};
    expect_reply(&reply, "088a01050a01610a00");
    reply = (assay_abci_reply){.kind = ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK,
                               .apply_chunk = {3, refetch, 2, txs, 1}};
    expect_reply(&reply, "0d82010a0803120300ac021a0161");
    reply = (assay_abci_reply){.kind = ASSAY_ABCI_FINALIZE_BLOCK,
                               .finalize = {.results = &result,
                                            .result_count = 1,
                                            .updates = &update,
                                            .update_count = 1,
                                            .app_hash = bytes_of("h")}};
    expect_reply(&reply, "18aa011512050801120164"
                         "1a090a050a036b65791007"
                         "2a0168");
}

// E-5: an Exception carries the sentence.
static void test_exception(void **state) {
    assay_abci_buffer out = {0};
    must(assay_abci_exception_write(&out, "no", err));
    assert_int_equal(out.size, 7);
    assert_memory_equal(out.data, "\x06\x0a\x04\x0a\x02no", 7);
    assay_abci_buffer_close(&out);
}

// E-3, E-4: what CometBFT's types wrote (tests/oracles/cometbft/abci.go), field by field.
static void test_recorded_requests(void **state) {
    json_t *root = vectors_read("abci.json"), *entry;
    size_t i, size;
    assay_abci_frames frames;
    assay_arena arena;
    assay_abci_frames_init(&frames, 1 << 20);
    assay_arena_init(&arena, ASSAY_ABCI_READ_MAX);
    json_array_foreach(vectors_at(root, "requests"), i, entry) {
        assay_bytes content;
        assay_abci_request request;
        char *lines;
        uint8_t *frame = vectors_bytes(entry, "frame", &size);
        must(assay_abci_frames_add(&frames, frame, size, err));
        must(assay_abci_frames_next(&frames, &content, err));
        must(assay_abci_request_read(&request, content, &arena, err));
        FILE *out = open_memstream(&lines, &size);
        dump_request(out, &request);
        fclose(out);
        assert_string_equal(lines, json_string_value(vectors_at(entry, "lines")));
        free(lines);
        free(frame);
        assay_arena_reset(&arena);
    }
    assert_true(i >= 100);
    assay_abci_frames_close(&frames);
    assay_arena_close(&arena);
    json_decref(root);
}

// E-5: replies of every kind are the bytes that CometBFT read, understood, and wrote again.
static void test_recorded_replies(void **state) {
    json_t *root = vectors_read("abci.json"), *entry;
    size_t i;
    assay_arena arena;
    assay_abci_buffer out = {0};
    assay_arena_init(&arena, 64 << 20);
    const char *seed = json_string_value(vectors_at(root, "reply_seed"));
    reply_source source = {strtoull(seed, NULL, 10), &arena};
    json_array_foreach(vectors_at(root, "replies"), i, entry) {
        assay_abci_reply reply;
        random_reply(&source, &reply);
        must(assay_abci_reply_write(&out, &reply, &arena, err));
        char *hex = malloc(2 * out.size + 1);
        assert_non_null(hex);
        assay_hex_encode(hex, out.data, out.size);
        assert_string_equal(hex, json_string_value(entry));
        free(hex);
        assay_abci_buffer_reset(&out);
        assay_arena_reset(&arena);
    }
    assert_true(i >= 100);
    assay_arena_close(&arena);
    assay_abci_buffer_close(&out);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_list_limits),      cmocka_unit_test(test_lists_of_others),
        cmocka_unit_test(test_arena_too_small),  cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_replies),          cmocka_unit_test(test_recorded_requests),
        cmocka_unit_test(test_recorded_replies), cmocka_unit_test(test_exception),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
