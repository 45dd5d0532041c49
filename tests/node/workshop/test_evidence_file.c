// SPDX-License-Identifier: Apache-2.0
// The files beside a batch: their bytes by hand, every truncation, every flipped head. Rules P-14,
// P-15, P-64, F-46.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/evidence.h"
#include "node/workshop/evidence_file.h"
#include "tests/test.h"

enum { COUNT = 5, ROOM = 64 << 20 };

static const uint32_t prompt[3] = {7, 0x01020304, UINT32_MAX};
static const uint32_t output[2] = {9, 10};
static const assay_leaf_ids ids = {prompt, 3, output, 2};
static assay_arena arena;

static assay_receipt receipt_of(uint32_t index) {
    assay_receipt receipt = {.output_count = 2, .stop = 1, .fee = 100 + index};
    receipt.request = (assay_request){.sequence = 1 + index,
                                      .prompt_count = 3,
                                      .max_tokens = 2,
                                      .top_p_ppm = 1000000,
                                      .max_fee = 999};
    assay_ids_digest(&receipt.request.prompt_digest, prompt, 3);
    assay_ids_digest(&receipt.output_digest, output, 2);
    if (index % 2) {
        receipt.attribution_count = 1;
        receipt.attribution[0] = (assay_attribution_row){{{(uint8_t)index}}, 1000000};
    }
    return receipt;
}

static int arena_make(void **state) {
    assay_arena_init(&arena, ROOM);
    return 0;
}

static int arena_end(void **state) {
    assay_arena_close(&arena);
    return 0;
}

// A copy of exactly the right size, so that a read past its end is a report.
static uint8_t *exact(const void *data, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    return copy;
}

// P-15, byte by byte.
static void a_leaf_file_is_its_bytes(void **state) {
    static const uint8_t expected[] = {'A', 'S', 'L', 'E', 0, 0, 0, 1, 0,   0,   0,   3,
                                       0,   0,   0,   7,   1, 2, 3, 4, 255, 255, 255, 255,
                                       0,   0,   0,   2,   0, 0, 0, 9, 0,   0,   0,   10};
    assay_bytes file;
    assay_leaf_ids back;
    assert_int_equal(assay_leaf_write(&file, &ids, &arena, NULL), ASSAY_OK);
    assert_int_equal(file.size, sizeof expected);
    assert_int_equal(file.size, assay_leaf_file_size(3, 2));
    assert_memory_equal(file.data, expected, sizeof expected);
    assert_int_equal(assay_leaf_read(&back, file.data, file.size, &arena, NULL), ASSAY_OK);
    assert_int_equal(back.prompt_count, 3);
    assert_int_equal(back.output_count, 2);
    assert_memory_equal(back.prompt, prompt, sizeof prompt);
    assert_memory_equal(back.output, output, sizeof output);
}

static void damaged_leaf_files_are_refused(void **state) {
    assay_bytes file;
    assay_leaf_ids back;
    assert_int_equal(assay_leaf_write(&file, &ids, &arena, NULL), ASSAY_OK);
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *cut = exact(file.data, size);
        assert_int_equal(assay_leaf_read(&back, cut, size, &arena, NULL), ASSAY_TRUNCATED);
        free(cut);
    }
    uint8_t longer[64] = {0};
    memcpy(longer, file.data, file.size);
    assert_int_equal(assay_leaf_read(&back, longer, file.size + 1, &arena, NULL), ASSAY_TRAILING);
    longer[0] = 'B';
    assert_int_equal(assay_leaf_read(&back, longer, file.size, &arena, NULL), ASSAY_FORMAT);
    longer[0] = 'A';
    longer[7] = 2;
    assert_int_equal(assay_leaf_read(&back, longer, file.size, &arena, NULL), ASSAY_VERSION);
    // A count that no file of this size can hold takes no memory.
    longer[7] = 1;
    memset(longer + 8, 255, 4);
    size_t used = arena.used;
    assert_int_equal(assay_leaf_read(&back, longer, file.size, &arena, NULL), ASSAY_TRUNCATED);
    assert_int_equal(arena.used, used);
}

static void receipts_come_back(void **state) {
    assay_receipt receipts[COUNT], *back;
    uint32_t count, bytes = 0;
    assay_bytes file;
    uint8_t a[ASSAY_RECEIPT_SIZE_MAX], b[ASSAY_RECEIPT_SIZE_MAX];
    for (uint32_t i = 0; i < COUNT; i++) {
        receipts[i] = receipt_of(i);
        bytes += (uint32_t)assay_receipt_encode(&receipts[i], a);
    }
    assert_int_equal(assay_receipts_write(&file, receipts, COUNT, &arena, NULL), ASSAY_OK);
    assert_int_equal(file.size, assay_receipts_file_size(bytes, COUNT));
    assert_memory_equal(file.data, "ASRB\0\0\0\1\0\0\0\5", 12);
    assert_int_equal(assay_receipts_read(&back, &count, file.data, file.size, COUNT, &arena, NULL),
                     ASSAY_OK);
    assert_int_equal(count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        size_t size = assay_receipt_encode(&receipts[i], a);
        assert_int_equal(assay_receipt_encode(&back[i], b), size);
        assert_memory_equal(a, b, size);
    }
    assert_int_equal(
        assay_receipts_read(&back, &count, file.data, file.size, COUNT - 1, &arena, NULL),
        ASSAY_CAPACITY);
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *cut = exact(file.data, size);
        assert_int_not_equal(assay_receipts_read(&back, &count, cut, size, COUNT, &arena, NULL),
                             ASSAY_OK);
        free(cut);
    }
}

// P-64: what is written for a posting is what the ledger finds good and reads back, at every place
// of trees of every size up to COUNT.
static void postings_pass_the_ledgers_test(void **state) {
    assay_receipt receipts[COUNT], back;
    assay_bytes leaf, posting;
    assay_leaf_ids found;
    assert_int_equal(assay_leaf_write(&leaf, &ids, &arena, NULL), ASSAY_OK);
    for (uint32_t i = 0; i < COUNT; i++)
        receipts[i] = receipt_of(i);
    for (uint32_t count = 1; count <= COUNT; count++) {
        assay_sumtree_node *leaves, root;
        assert_int_equal(assay_receipt_leaves(&leaves, receipts, count, &arena, NULL), ASSAY_OK);
        assert_int_equal(assay_sumtree_root(&root, leaves, count, NULL), ASSAY_OK);
        const assay_batch batch = {.count = count, .fee_total = root.sum, .root = root.hash};
        uint64_t position = 0;
        for (uint32_t index = 0; index < count; position += receipts[index++].fee) {
            uint32_t at;
            assert_int_equal(assay_posting_write(&posting, receipts, count, index, leaf.data,
                                                 leaf.size, &arena, NULL),
                             ASSAY_OK);
            assert_int_equal(
                assay_evidence_leaf_check(&batch, position, posting.data, posting.size, NULL),
                ASSAY_OK);
            assert_int_equal(
                assay_posting_read(&back, &at, &found, posting.data, posting.size, &arena, NULL),
                ASSAY_OK);
            assert_int_equal(at, index);
            assert_int_equal(back.fee, receipts[index].fee);
            assert_int_equal(assay_leaf_match(&back, &found, NULL), ASSAY_OK);
            for (size_t size = 0; size < posting.size; size += 7) {
                uint8_t *cut = exact(posting.data, size);
                assert_int_not_equal(
                    assay_posting_read(&back, &at, &found, cut, size, &arena, NULL), ASSAY_OK);
                free(cut);
            }
        }
    }
}

static void ids_must_be_the_receipts(void **state) {
    const assay_receipt receipt = receipt_of(0);
    const uint32_t other[3] = {7, 0x01020304, 0};
    assay_leaf_ids bad = ids;
    assert_int_equal(assay_leaf_match(&receipt, &ids, NULL), ASSAY_OK);
    bad.output_count = 1;
    assert_int_equal(assay_leaf_match(&receipt, &bad, NULL), ASSAY_MISMATCH);
    bad = ids;
    bad.prompt = other;
    assert_int_equal(assay_leaf_match(&receipt, &bad, NULL), ASSAY_MISMATCH);
    bad = (assay_leaf_ids){output, 2, prompt, 3};
    assert_int_equal(assay_leaf_match(&receipt, &bad, NULL), ASSAY_MISMATCH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_file_is_its_bytes),
        cmocka_unit_test(damaged_leaf_files_are_refused),
        cmocka_unit_test(receipts_come_back),
        cmocka_unit_test(postings_pass_the_ledgers_test),
        cmocka_unit_test(ids_must_be_the_receipts),
    };
    return cmocka_run_group_tests(tests, arena_make, arena_end);
}
