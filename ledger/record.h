// SPDX-License-Identifier: Apache-2.0
// What the tables' records have in common: amounts, texts, and how a damaged one is reported.
#ifndef ASSAY_LEDGER_RECORD_H
#define ASSAY_LEDGER_RECORD_H

#include "base/cursor.h"
#include "ledger/ledger.h"

// A record that is one amount; absent and 0 are the same, so 0 removes it.
// Errors: CORRUPT, CAPACITY (put), MEMORY, IO. Spec: P-20.
assay_status assay_amount_get(uint64_t *out, const assay_reader *reader,
                              const assay_record_key *key, assay_error *err);
assay_status assay_amount_put(assay_ledger *ledger, const assay_record_key *key, uint64_t amount,
                              assay_error *err);

// A sum of amounts that no supply bounds: at most what a u64 holds.
static inline uint64_t assay_amount_add(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

// A text inside a record: u16 size and bytes; in memory with a terminator. out[size_max + 1].
void assay_record_text_write(assay_writer *writer, const char *text);
void assay_record_text_read(assay_cursor *cursor, char *out, size_t size_max);

// A text of a transaction as a record keeps it; the codec has checked its size. out[size_max + 1].
void assay_record_text_copy(char *out, assay_bytes text, size_t size_max);

// Ends the parse of a record: our own bytes, so anything wrong is damage. Errors: CORRUPT.
assay_status assay_record_finish(const assay_cursor *cursor, const char *what, assay_error *err);

// The entry behind the key `after` that differs from it in the last tail_size bytes only: what they
// are, and its value. *found false at the end, with all else as it was.
// Errors: CORRUPT (key size), MEMORY, IO. Lives: the value as assay_reader_seek's.
assay_status assay_record_next(assay_bytes *value, bool *found, const assay_reader *reader,
                               const assay_record_key *after, void *tail, size_t tail_size,
                               assay_error *err);

// The same for the key table || hash: the next hash in that table. Errors and lives: as next.
assay_status assay_record_next_hash(assay_bytes *value, bool *found, const assay_reader *reader,
                                    uint8_t table, assay_hash *hash, assay_error *err);

#endif
