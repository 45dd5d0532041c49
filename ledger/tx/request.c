// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/request.h"

#include "base/cursor.h"
#include "base/sha256.h"
#include "ledger/tx/field.h"
#include "ledger/tx/reject.h"

#define NUMBER(type, f, min, max)                                                                  \
    { #f, ASSAY_FIELD_##type, offsetof(assay_request, f), min, max, 0 }
#define BYTES(type, f)                                                                             \
    { #f, ASSAY_FIELD_##type, offsetof(assay_request, f), 0, 0, NULL }

// The limits are P-12's.
static const assay_field request_fields[] = {
    BYTES(HASH, session),
    NUMBER(U64, sequence, 1, UINT64_MAX),
    BYTES(ADDRESS, provider),
    BYTES(HASH, model),
    BYTES(HASH, adapter),
    BYTES(HASH, prompt_digest),
    NUMBER(U32, prompt_count, 1, UINT32_MAX),
    NUMBER(U32, max_tokens, 1, UINT32_MAX),
    NUMBER(U32, temperature_milli, 0, ASSAY_TEMPERATURE_MILLI_MAX),
    NUMBER(U32, top_k, 0, UINT32_MAX),
    NUMBER(U32, top_p_ppm, 1, ASSAY_TOP_P_PPM_MAX),
    NUMBER(U64, seed, 0, UINT64_MAX),
    NUMBER(U64, max_fee, 0, UINT64_MAX),
    BYTES(HASH, corpus),
};

const assay_schema assay_request_schema = {
    "Request", request_fields, ASSAY_COUNT(request_fields), sizeof(assay_request), 0, 0};

_Static_assert(ASSAY_REQUEST_SIZE == 289, "the size of a request is part of the wire");
_Static_assert(ASSAY_RECEIPT_SIZE_MIN == ASSAY_REQUEST_SIZE + 78, "and so is the receipt's");

void assay_ids_digest(assay_hash *out, const uint32_t *ids, size_t count) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    for (size_t i = 0; i < count; i++) {
        uint8_t id[4];
        assay_store_le32(id, ids[i]);
        assay_sha256_update(&sha, id, sizeof id);
    }
    assay_sha256_final(&sha, out);
}

static void request_write(assay_writer *writer, const assay_request *request) {
    assay_schema_encode(&assay_request_schema, request, writer);
    assay_writer_copy(writer, request->signature.bytes, ASSAY_SIGNATURE_SIZE);
}

void assay_request_encode(const assay_request *request, uint8_t *out) {
    assay_writer writer;
    assay_writer_init(&writer, out, ASSAY_REQUEST_SIZE);
    request_write(&writer, request);
    ASSAY_ASSERT(!writer.failed && writer.size == ASSAY_REQUEST_SIZE);
}

// The caller has seen that ASSAY_REQUEST_SIZE bytes are left, and there is nothing else to fail.
static void request_read(assay_request *out, assay_cursor *cursor) {
    assay_status status = assay_schema_decode(&assay_request_schema, out, cursor, NULL, NULL);
    ASSAY_ASSERT(status == ASSAY_OK);
    assay_cursor_copy(cursor, out->signature.bytes, ASSAY_SIGNATURE_SIZE);
}

assay_status assay_request_check(const assay_request *request, uint64_t tokens_max,
                                 assay_error *err) {
    assay_error inner = {0};
    uint64_t tokens = (uint64_t)request->prompt_count + request->max_tokens;
    if (assay_schema_check(&assay_request_schema, request, &inner) != ASSAY_OK)
        return ASSAY_REJECT(err, REQUEST_RANGE, "%s", inner.text);
    if (!assay_hash_is_zero(&request->corpus))
        return ASSAY_REJECT(err, REQUEST_RANGE, "corpus is set, retrieval is not offered");
    if (tokens > tokens_max)
        return ASSAY_REJECT(err, REQUEST_RANGE, "a prompt and an answer of %llu tokens, limit %llu",
                            (ull)tokens, (ull)tokens_max);
    return ASSAY_OK;
}

assay_status assay_fee_compute(uint64_t *out, uint32_t prompt_count, uint64_t price_in,
                               uint32_t output_count, uint64_t price_out, assay_error *err) {
    // Two products below 2^96: the sum cannot wrap.
    assay_u128 fee = (assay_u128)prompt_count * price_in + (assay_u128)output_count * price_out;
    if (fee > UINT64_MAX)
        return ASSAY_REJECT(err, FEE_OVERFLOW,
                            "%u tokens at %llu and %u at %llu cost 2^64 nopen or more",
                            prompt_count, (ull)price_in, output_count, (ull)price_out);
    *out = (uint64_t)fee;
    return ASSAY_OK;
}

assay_status assay_request_fee_check(const assay_request *request, uint64_t price_in,
                                     uint64_t price_out, assay_error *err) {
    uint64_t fee = 0;
    ASSAY_TRY(assay_fee_compute(&fee, request->prompt_count, price_in, request->max_tokens,
                                price_out, err));
    if (fee > request->max_fee)
        return ASSAY_REJECT(err, REQUEST_FEE, "the longest answer costs %llu nopen, limit %llu",
                            (ull)fee, (ull)request->max_fee);
    return ASSAY_OK;
}

assay_status assay_receipt_fee_check(const assay_receipt *receipt, uint64_t price_in,
                                     uint64_t price_out, assay_error *err) {
    uint64_t fee = 0;
    ASSAY_TRY(assay_fee_compute(&fee, receipt->request.prompt_count, price_in,
                                receipt->output_count, price_out, err));
    if (fee != receipt->fee)
        return ASSAY_FAIL(err, MISMATCH, "fee %llu, counts and prices give %llu", (ull)receipt->fee,
                          (ull)fee);
    return ASSAY_OK;
}

size_t assay_receipt_encode(const assay_receipt *receipt, uint8_t *out) {
    ASSAY_ASSERT(receipt->attribution_count <= ASSAY_ATTRIBUTION_MAX);
    assay_writer writer;
    assay_writer_init(&writer, out, ASSAY_RECEIPT_SIZE_MAX);
    request_write(&writer, &receipt->request);
    assay_writer_hash(&writer, &receipt->output_digest);
    assay_writer_u32(&writer, receipt->output_count);
    assay_writer_u8(&writer, receipt->stop);
    assay_writer_hash(&writer, &receipt->trace);
    assay_writer_u8(&writer, receipt->attribution_count);
    for (uint32_t i = 0; i < receipt->attribution_count; i++) {
        assay_writer_hash(&writer, &receipt->attribution[i].dataset);
        assay_writer_u32(&writer, receipt->attribution[i].ppm);
    }
    assay_writer_u64(&writer, receipt->fee);
    ASSAY_ASSERT(!writer.failed);
    return writer.size;
}

assay_status assay_receipt_check(const assay_receipt *receipt, assay_error *err) {
    if (receipt->stop > ASSAY_RECEIPT_STOP_FAULT)
        return ASSAY_REJECT(err, RECEIPT_RANGE, "stop is %u, limits 0 to 2", receipt->stop);
    if (receipt->attribution_count > ASSAY_ATTRIBUTION_MAX)
        return ASSAY_REJECT(err, RECEIPT_RANGE, "%u data sets, limit %d",
                            receipt->attribution_count, ASSAY_ATTRIBUTION_MAX);
    uint64_t sum = 0;
    const assay_attribution_row *rows = receipt->attribution;
    for (uint32_t i = 0; i < receipt->attribution_count; i++) {
        if (i && memcmp(rows[i - 1].dataset.bytes, rows[i].dataset.bytes, ASSAY_HASH_SIZE) >= 0)
            return ASSAY_REJECT(err, RECEIPT_ATTRIBUTION,
                                "attribution row %u is not above the row before it", i);
        if (rows[i].ppm == 0)
            return ASSAY_REJECT(err, RECEIPT_ATTRIBUTION, "attribution row %u is 0 ppm, limit 1",
                                i);
        sum += rows[i].ppm;
    }
    if (receipt->attribution_count && sum != ASSAY_SHARE_SUM)
        return ASSAY_REJECT(err, RECEIPT_ATTRIBUTION, "attribution adds up to %llu ppm, must be %d",
                            (ull)sum, ASSAY_SHARE_SUM);
    return ASSAY_OK;
}

assay_status assay_receipt_decode(assay_receipt *out, const uint8_t *data, size_t size,
                                  assay_error *err) {
    *out = (assay_receipt){0};
    if (size < ASSAY_RECEIPT_SIZE_MIN || size > ASSAY_RECEIPT_SIZE_MAX)
        return ASSAY_REJECT(err, RECEIPT_FORM, "a receipt of %zu bytes, limits %d to %d", size,
                            ASSAY_RECEIPT_SIZE_MIN, ASSAY_RECEIPT_SIZE_MAX);
    assay_cursor cursor;
    assay_cursor_init(&cursor, data, size);
    request_read(&out->request, &cursor);
    assay_cursor_hash(&cursor, &out->output_digest);
    out->output_count = assay_cursor_u32(&cursor);
    out->stop = assay_cursor_u8(&cursor);
    assay_cursor_hash(&cursor, &out->trace);
    out->attribution_count = assay_cursor_u8(&cursor);
    size_t must = ASSAY_RECEIPT_SIZE_MIN + (size_t)out->attribution_count * ASSAY_ATTRIBUTION_SIZE;
    if (size != must)
        return ASSAY_REJECT(err, RECEIPT_FORM,
                            "a receipt of %zu bytes with %u data sets, must be "
                            "%zu",
                            size, out->attribution_count, must);
    for (uint32_t i = 0; i < out->attribution_count; i++) {
        assay_cursor_hash(&cursor, &out->attribution[i].dataset);
        out->attribution[i].ppm = assay_cursor_u32(&cursor);
    }
    out->fee = assay_cursor_u64(&cursor);
    ASSAY_ASSERT(!cursor.failed && assay_cursor_left(&cursor) == 0);
    return assay_receipt_check(out, err);
}

void assay_receipt_hash(assay_hash *out, const assay_receipt *receipt) {
    uint8_t bytes[ASSAY_RECEIPT_SIZE_MAX];
    assay_sha256_of(out, bytes, assay_receipt_encode(receipt, bytes));
}

int assay_receipt_compare(const assay_receipt *a, const assay_receipt *b) {
    int order = memcmp(a->request.session.bytes, b->request.session.bytes, ASSAY_HASH_SIZE);
    if (order) return order;
    return (a->request.sequence > b->request.sequence) -
           (a->request.sequence < b->request.sequence);
}
