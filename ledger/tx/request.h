// SPDX-License-Identifier: Apache-2.0
// Requests a consumer signs and receipts a provider makes of them: binary forms, digests, fees
// (P-11 … P-14). Fixed-size structs without pointers; nothing is allocated.
#ifndef ASSAY_LEDGER_TX_REQUEST_H
#define ASSAY_LEDGER_TX_REQUEST_H

#include "base/bytes.h"
#include "base/status.h"
#include "ledger/tx/sign.h"

enum {
    ASSAY_REQUEST_SIZE = 4 * 32 + 8 + 20 + 32 + 5 * 4 + 2 * 8 + ASSAY_SIGNATURE_SIZE,
    ASSAY_ATTRIBUTION_MAX = 32,
    ASSAY_ATTRIBUTION_SIZE = 32 + 4,
    ASSAY_RECEIPT_SIZE_MIN = ASSAY_REQUEST_SIZE + 32 + 4 + 1 + 32 + 1 + 8,
    ASSAY_RECEIPT_SIZE_MAX =
        ASSAY_RECEIPT_SIZE_MIN + ASSAY_ATTRIBUTION_MAX * ASSAY_ATTRIBUTION_SIZE,
    ASSAY_TEMPERATURE_MILLI_MAX = 100000,
    ASSAY_TOP_P_PPM_MAX = 1000000,
};

// Why an output ended (N-16).
enum { ASSAY_RECEIPT_STOP_ID = 0, ASSAY_RECEIPT_STOP_LENGTH = 1, ASSAY_RECEIPT_STOP_FAULT = 2 };

// What a consumer asks of one provider under one session. From here on the output is determined.
typedef struct {
    assay_hash session;
    uint64_t sequence; // from 1, strictly +1
    assay_address provider;
    assay_hash model;
    assay_hash adapter;       // zero = none
    assay_hash prompt_digest; // assay_ids_digest of the prompt
    uint32_t prompt_count;    // ids, ≥ 1
    uint32_t max_tokens;      // ≥ 1
    uint32_t temperature_milli;
    uint32_t top_k;
    uint32_t top_p_ppm;
    uint64_t seed;
    uint64_t max_fee;  // nopen
    assay_hash corpus; // zero: retrieval comes later
    assay_signature signature;
} assay_request;

typedef struct {
    assay_hash dataset;
    uint32_t ppm;
} assay_attribution_row;

// A served request: everything after `request` follows from it.
typedef struct {
    assay_request request;
    assay_hash output_digest; // assay_ids_digest of the output
    uint32_t output_count;
    uint8_t stop;
    assay_hash trace;
    uint8_t attribution_count;
    assay_attribution_row attribution[ASSAY_ATTRIBUTION_MAX]; // ascending; sum 1,000,000 or none
    uint64_t fee;                                             // nopen
} assay_receipt;

// SHA-256 over u32 little-endian ids [count]. Spec: P-11.
void assay_ids_digest(assay_hash *out, const uint32_t *ids, size_t count);

// out[ASSAY_REQUEST_SIZE]. Never fails. Spec: P-11.
void assay_request_encode(const assay_request *request, uint8_t *out);

// The limits that need no session and no model file: sequence, counts, sampling, no corpus.
// tokens_max: the chain's request_tokens_max. Errors: REQUEST_RANGE (reject). Spec: P-12.
assay_status assay_request_check(const assay_request *request, uint64_t tokens_max,
                                 assay_error *err);

// fee = prompt_count · price_in + output_count · price_out, nopen.
// Errors: FEE_OVERFLOW (reject). Spec: P-13.
assay_status assay_fee_compute(uint64_t *out, uint32_t prompt_count, uint64_t price_in,
                               uint32_t output_count, uint64_t price_out, assay_error *err);

// max_fee covers the longest answer at these prices. Errors: FEE_OVERFLOW, REQUEST_FEE (rejects).
// Spec: P-12.
assay_status assay_request_fee_check(const assay_request *request, uint64_t price_in,
                                     uint64_t price_out, assay_error *err);

// The receipt's fee is that of its counts at these prices. Errors: FEE_OVERFLOW (reject), MISMATCH.
// Spec: P-13.
assay_status assay_receipt_fee_check(const assay_receipt *receipt, uint64_t price_in,
                                     uint64_t price_out, assay_error *err);

// Writes the one encoding. out[ASSAY_RECEIPT_SIZE_MAX]. Returns: the size in bytes.
// attribution_count ≤ ASSAY_ATTRIBUTION_MAX. Spec: P-14.
size_t assay_receipt_encode(const assay_receipt *receipt, uint8_t *out);

// The rules of form that decode applies. Errors: RECEIPT_RANGE, RECEIPT_ATTRIBUTION (rejects).
// Spec: P-14.
assay_status assay_receipt_check(const assay_receipt *receipt, assay_error *err);

// Reads and checks the form, the stop reason and the attribution's order and sum; not the request's
// limits, not the fee (both need the session). Errors: RECEIPT_FORM, RECEIPT_RANGE,
// RECEIPT_ATTRIBUTION (rejects). Spec: P-14.
assay_status assay_receipt_decode(assay_receipt *out, const uint8_t *data, size_t size,
                                  assay_error *err);

// SHA-256 of the encoding. Spec: P-14.
void assay_receipt_hash(assay_hash *out, const assay_receipt *receipt);

// Order of receipts in a batch: (session, sequence). Returns: <0, 0, >0. Spec: P-15.
int assay_receipt_compare(const assay_receipt *a, const assay_receipt *b);

#endif
