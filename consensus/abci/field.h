// SPDX-License-Identifier: Apache-2.0
// How nanopb reads and writes what its generated structs do not hold by themselves: texts and bytes
// stay in the frame, and repeated fields become arrays in an arena.
#ifndef ASSAY_CONSENSUS_ABCI_FIELD_H
#define ASSAY_CONSENSUS_ABCI_FIELD_H

#include <pb_decode.h>
#include <pb_encode.h>

#include "base/arena.h"
#include "base/bytes.h"

// What a list holds: one of ours per entry, so that an entry is turned over where it is met.
typedef struct {
    const char *name; // plural, for sentences
    uint32_t max;     // entries: more are refused where they are read, a bug where written
    uint32_t size;    // bytes of an item
    bool (*read)(pb_istream_t *stream, void *item);
    bool (*write)(pb_ostream_t *stream, const void *item); // with its length, without its tag
} assay_abci_list_kind;

// A repeated field. Before reading: its kind, and whether it drops; nothing else.
typedef struct {
    const assay_abci_list_kind *kind;
    bool drops;    // reading: entries over the limit are passed over, not refused
    bool overfull; // some were

    union {
        uint8_t *read; // room for `room` items in the arena
        const void *items;
    };
    uint32_t count;
    uint32_t room;
} assay_abci_list;

// Where a message comes from. A stream over it hands out runs of the frame itself.
typedef struct {
    const uint8_t *at;
    assay_arena *arena;
    assay_error *err; // NULL: no sentence
} assay_abci_source;
pb_istream_t assay_abci_stream(assay_abci_source *source, size_t size);

// Takes all that is left of a stream in place. Returns: false for a number where bytes belong.
bool assay_abci_field_bytes(pb_istream_t *stream, assay_bytes *out);

// What the generated descriptors call for each text, bytes and repeated field. Spec: E-4.
bool assay_abci_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_t *field);

#endif
