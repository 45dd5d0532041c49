// SPDX-License-Identifier: Apache-2.0
// E-2: frames come out of a stream whole, in any pieces, or the stream is refused.
#include <stdlib.h>

#include "consensus/abci/frame.h"
#include "tests/consensus/abci/abci.h"

enum { FRAME_MAX = 1000 };

static assay_status next(assay_abci_frames *frames, assay_bytes *out) {
    assay_error err;
    return assay_abci_frames_next(frames, out, &err);
}

static void add(assay_abci_frames *frames, const void *data, size_t size) {
    assert_int_equal(assay_abci_frames_add(frames, data, size, NULL), ASSAY_OK);
}

// E-2: three frames, of which one is empty and one has a length of two bytes, in one piece.
static void test_whole(void **state) {
    uint8_t stream[1 + 3 + 1 + 2 + 300] = {3, 'a', 'b', 'c', 0, 0xac, 0x02};
    assay_abci_frames frames;
    assay_bytes out;
    memset(stream + 7, 'x', 300);
    assay_abci_frames_init(&frames, FRAME_MAX);
    assert_int_equal(next(&frames, &out), ASSAY_OK);
    assert_null(out.data);
    add(&frames, stream, sizeof stream);
    assert_int_equal(next(&frames, &out), ASSAY_OK);
    assert_int_equal(out.size, 3);
    assert_memory_equal(out.data, "abc", 3);
    assert_int_equal(next(&frames, &out), ASSAY_OK);
    assert_non_null(out.data);
    assert_int_equal(out.size, 0);
    assert_int_equal(next(&frames, &out), ASSAY_OK);
    assert_int_equal(out.size, 300);
    assert_memory_equal(out.data, stream + 7, 300);
    assert_int_equal(next(&frames, &out), ASSAY_OK);
    assert_null(out.data);
    assert_int_equal(assay_abci_frames_left(&frames), 0);
    assay_abci_frames_close(&frames);
}

// E-2: byte by byte, also inside a length; frames at and below the limit.
static void test_bytes(void **state) {
    static const size_t sizes[] = {0, 1, 127, 128, 129, FRAME_MAX};
    uint8_t stream[4 * FRAME_MAX];
    assay_writer writer;
    assay_abci_frames frames;
    size_t found = 0;
    assay_writer_init(&writer, stream, sizeof stream);
    for (size_t i = 0; i < 6; i++) {
        assay_protobuf_varint(&writer, sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++)
            assay_writer_u8(&writer, (uint8_t)(i + j));
    }
    assert_false(writer.failed);
    assay_abci_frames_init(&frames, FRAME_MAX);
    for (size_t i = 0; i < writer.size; i++) {
        assay_bytes out;
        add(&frames, stream + i, 1);
        assert_int_equal(next(&frames, &out), ASSAY_OK);
        if (!out.data) continue;
        assert_int_equal(out.size, sizes[found]);
        for (size_t j = 0; j < out.size; j++)
            assert_int_equal(out.data[j], (uint8_t)(found + j));
        found++;
    }
    assert_int_equal(found, 6);
    assay_abci_frames_close(&frames);
}

// E-2: a length over the limit is refused before its bytes come; so is one longer than it needs be.
static void test_refused(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        assay_status status;
    } cases[] = {
        {"\xe9\x07", 2, ASSAY_CAPACITY},                 // 1001
        {"\xff\xff\xff\xff\x0f", 5, ASSAY_CAPACITY},     // 2^32 - 1
        {"\xff\xff\xff\xff\x7f", 5, ASSAY_CAPACITY},     // 2^35 - 1
        {"\x80\x80\x80\x80\x80", 5, ASSAY_CAPACITY},     // no end in 5 bytes
        {"\xff\xff\xff\xff\xff\xff", 6, ASSAY_CAPACITY}, // nor in 6
        {"\x80\x00", 2, ASSAY_CANONICAL},                // 0 in two bytes
        {"\x83\x80\x00", 3, ASSAY_CANONICAL},            // 3 in three
        {"\x80\x80\x80\x80\x00", 5, ASSAY_CANONICAL},    // 0 in five
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_abci_frames frames;
        assay_bytes out;
        assay_error err = {0};
        assay_abci_frames_init(&frames, FRAME_MAX);
        add(&frames, cases[i].bytes, cases[i].size);
        assert_int_equal(assay_abci_frames_next(&frames, &out, &err), cases[i].status);
        assert_null(out.data);
        assert_int_not_equal(err.text[0], 0);
        assay_abci_frames_close(&frames);
    }
}

// E-2: what is held is bounded by the frame's size and what one call adds, whatever is announced;
// what a great frame took is given back.
static void test_memory(void **state) {
    enum { BIG = 8 << 20, PIECE = 64 << 10 };
    static uint8_t piece[PIECE];
    assay_abci_frames frames;
    assay_bytes out = {0};
    size_t sent = 0;
    assay_abci_frames_init(&frames, BIG);
    add(&frames, "\x80\x80\x80\x04", 4); // 8 MiB
    assert_int_equal(next(&frames, &out), ASSAY_OK);
    assert_true(frames.bytes.capacity <= PIECE);
    while (!out.data) {
        add(&frames, piece, PIECE);
        sent += PIECE;
        assert_true(frames.bytes.capacity <= 2 * (sent + PIECE));
        assert_int_equal(next(&frames, &out), ASSAY_OK);
    }
    assert_int_equal(out.size, BIG);
    add(&frames, "\x01", 1);
    assert_true(frames.bytes.capacity <= PIECE);
    assay_abci_frames_close(&frames);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
