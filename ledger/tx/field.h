// SPDX-License-Identifier: Apache-2.0
// Fields as data: one table describes a struct once, and the binary codec (here), the EIP-712 types
// (ledger/tx/typed.c) and the JSON form (ledger/tx/tx_json.c) all read that table. A new kind of
// transaction is a struct and a table.
#ifndef ASSAY_LEDGER_TX_FIELD_H
#define ASSAY_LEDGER_TX_FIELD_H

#include "base/arena.h"
#include "base/cursor.h"
#include "base/status.h"
#include "ledger/tx/tx.h"

// Wire form: integers big-endian at their width; hash 32 and address 20 bytes; text u16 and blob
// u32 length first; list u32 count first (P-2).
typedef enum {
    ASSAY_FIELD_U8,
    ASSAY_FIELD_U16,
    ASSAY_FIELD_U32,
    ASSAY_FIELD_U64,
    ASSAY_FIELD_U128,
    ASSAY_FIELD_HASH,
    ASSAY_FIELD_ADDRESS,
    ASSAY_FIELD_TEXT,
    ASSAY_FIELD_BLOB,
    ASSAY_FIELD_LIST,
} assay_field_type;

typedef struct assay_schema assay_schema;

typedef struct {
    const char *name; // snake_case: the JSON member; in camelCase the EIP-712 member
    assay_field_type type;
    uint32_t offset;          // in the struct
    uint64_t min;             // of the value; of the size of a text or blob; of a list's count
    uint64_t max;             // likewise; not read for u128, hash and address
    const assay_schema *rows; // of a list
} assay_field;

// A struct, or a list's row. A row without a name is a list of its only field (bytes32[]).
struct assay_schema {
    const char *name; // EIP-712 type
    const assay_field *fields;
    uint32_t field_count;
    uint32_t size;      // in memory
    uint32_t wire_size; // of a row, which has no texts and lists; 0 for other structs
    uint32_t key_size;  // of a row: its first bytes, in memory and on the wire, which ascend
};

// The layout every assay_*_list shares.
typedef struct {
    const void *items;
    uint32_t count;
} assay_any_list;

// The row types, by ascending name: the order in which EIP-712 appends them (P-5).
extern const assay_schema *const assay_row_schemas[];

// The body of a kind (which must be one), fields in wire order.
const assay_schema *assay_tx_schema(assay_tx_kind kind);

// The tables of submit_batch by themselves, as on the wire: so they are recorded, and told (P-52).
extern const assay_schema assay_batch_tables_schema;

// The request, fields in wire order without the signature.
extern const assay_schema assay_request_schema;

// An unsigned integer of at most 64 bits inside a struct.
uint64_t assay_field_number(const assay_field *field, const void *in);
void assay_field_number_set(const assay_field *field, void *out, uint64_t value);

// A list inside a struct.
assay_any_list assay_field_list(const assay_field *field, const void *in);
void assay_field_list_set(const assay_field *field, void *out, const void *items, uint32_t count);

// Reads the struct's fields; texts borrow the cursor's bytes, lists come from the arena. Checks
// sizes and counts before it allocates; the caller runs assay_schema_check afterwards.
// Errors: TX_TRUNCATED, TX_LENGTH, TX_COUNT (rejects), CAPACITY (arena). Spec: P-2, P-7.
assay_status assay_schema_decode(const assay_schema *schema, void *out, assay_cursor *cursor,
                                 assay_arena *arena, assay_error *err);

// Writes the struct's fields; asks nothing. Spec: P-2.
void assay_schema_encode(const assay_schema *schema, const void *in, assay_writer *writer);

// Bytes on the wire.
size_t assay_schema_wire_size(const assay_schema *schema, const void *in);

// Every field within its limits, texts printable, rows ascending.
// Errors: TX_RANGE, TX_LENGTH, TX_COUNT, TX_TEXT, TX_ORDER (rejects). Spec: P-7.
assay_status assay_schema_check(const assay_schema *schema, const void *in, assay_error *err);

// UTF-8 in its shortest form, no surrogates, no control characters (C0, DEL, C1). Spec: P-7.
bool assay_text_is_clean(const uint8_t *text, size_t size);

#endif
