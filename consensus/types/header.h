// SPDX-License-Identifier: Apache-2.0
// Block headers in CometBFT's form: the same bytes are hashed, so that its light clients can
// follow a chain whichever engine made it. Source: CometBFT v0.40 types/block.go, canonical.go.
#ifndef ASSAY_CONSENSUS_TYPES_HEADER_H
#define ASSAY_CONSENSUS_TYPES_HEADER_H

#include "base/cursor.h"

// CometBFT's limit on a chain id, and the versions every header states.
enum { ASSAY_CHAIN_ID_MAX = 50, ASSAY_BLOCK_PROTOCOL = 11, ASSAY_APP_PROTOCOL = 1 };
#define ASSAY_TIME_SECONDS_MAX UINT64_C(253402300799) // the year 9999 ends, and protobuf's times

// Seconds and nanoseconds since 1970; no rule of the ledger reads it.
typedef struct {
    uint64_t seconds; // at most ASSAY_TIME_SECONDS_MAX; a vote's may be before: two's complement
    uint32_t nanos;   // below 10^9
} assay_time;

// What a commit signs: a header's hash and the Merkle root over the block's 64 KiB parts.
typedef struct {
    assay_hash hash;
    uint32_t part_count;
    assay_hash part_root;
} assay_block_id;

typedef struct {
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
    uint64_t height;
    assay_time time;
    assay_block_id last_block; // all zero at height 1
    assay_hash last_commit_hash;
    assay_hash data_hash;
    assay_hash validators_hash;
    assay_hash next_validators_hash;
    assay_hash consensus_hash;
    assay_hash app_hash;          // the state after height - 1
    assay_hash last_results_hash; // the results of height - 1
    assay_hash evidence_hash;
    assay_address proposer;
} assay_header;

enum { ASSAY_HEADER_HASHES = 8, ASSAY_HEADER_BYTES_MAX = 64 };

// Any CometBFT chain's header as its hash sees it; borrows all its bytes.
typedef struct {
    uint64_t block_version, app_version;
    assay_bytes chain_id;
    uint64_t height;
    assay_time time;
    assay_block_id last_block;
    assay_bytes hashes[ASSAY_HEADER_HASHES]; // in C-3's order, each <= ASSAY_HEADER_BYTES_MAX
    assay_bytes proposer;                    // <= ASSAY_HEADER_BYTES_MAX
} assay_header_view;

// Its place among `hashes`.
typedef enum {
    ASSAY_HEADER_LAST_COMMIT,
    ASSAY_HEADER_DATA,
    ASSAY_HEADER_VALIDATORS,
    ASSAY_HEADER_NEXT_VALIDATORS,
    ASSAY_HEADER_CONSENSUS,
    ASSAY_HEADER_APP,
    ASSAY_HEADER_LAST_RESULTS,
    ASSAY_HEADER_EVIDENCE,
} assay_header_hash_name;

// The hash that names the block: RFC 6962 over the 14 encoded fields. Spec: C-3.
void assay_header_hash(assay_hash *out, const assay_header *header);
void assay_header_view_hash(assay_hash *out, const assay_header_view *view);

// One of our own headers as a view, which lives as long. Spec: C-3.
void assay_header_view_of(assay_header_view *out, const assay_header *header);

// A view as one of our own headers. Errors: VERSION (of block or application), FORMAT (a hash or
// the proposer has another size), CAPACITY (chain id). Spec: C-3.
assay_status assay_header_of_view(assay_header *out, const assay_header_view *view,
                                  assay_error *err);

// The header as CometBFT's protobuf message, for the block's parts. Spec: C-3.
void assay_header_protobuf(assay_writer *writer, const assay_header *header);

// BlockID as protobuf, an empty one included. Spec: C-3.
void assay_block_id_protobuf(assay_writer *writer, const assay_block_id *id);

// The system's clock; one before 1970 stands at its beginning. Spec: C-18.
assay_time assay_time_now(void);

// a > b. Spec: C-18.
bool assay_time_is_later(const assay_time *a, const assay_time *b);

// A millisecond later: the time of a block where the clock is behind. Spec: C-18.
assay_time assay_time_next(const assay_time *last);

// Timestamp as protobuf. Spec: C-3.
void assay_time_protobuf(assay_writer *writer, const assay_time *time);

// The header in Assay's own files: fixed order, big-endian. Errors (read): as the cursor's; a chain
// id over its limit or not printable, or a time over its own, fails the cursor. Spec: C-4.
void assay_header_write(assay_writer *writer, const assay_header *header);
void assay_header_read(assay_cursor *cursor, assay_header *header);
void assay_time_write(assay_writer *writer, const assay_time *time);
void assay_time_read(assay_cursor *cursor, assay_time *time);
void assay_block_id_write(assay_writer *writer, const assay_block_id *id);
void assay_block_id_read(assay_cursor *cursor, assay_block_id *id);

// Of the consensus parameters: this many bytes a block, and no limit on gas. Spec: C-3, E-30.
void assay_consensus_hash(assay_hash *out, uint64_t block_bytes_max);

// One ed25519 validator [32] as a leaf of its set's hash; of a set of one, the hash. Spec: C-5.
void assay_validator_leaf(assay_hash *out, const uint8_t *public_key, uint64_t power);

#endif
