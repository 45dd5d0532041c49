// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/field.h"

enum { ROOM_LEAST = 8 };

static bool source_read(pb_istream_t *stream, pb_byte_t *out, size_t count) {
    assay_abci_source *source = stream->state;
    if (out) memcpy(out, source->at, count); // nanopb checked the count
    source->at += count;
    return true;
}

pb_istream_t assay_abci_stream(assay_abci_source *source, size_t size) {
    return (pb_istream_t){.callback = source_read, .state = source, .bytes_left = size};
}

// nanopb calls with a stream over a buffer of its own where the wire type is not that of bytes;
// what is there does not outlive the call.
static bool is_of_frame(const pb_istream_t *stream) {
    return stream->callback == source_read;
}

bool assay_abci_field_bytes(pb_istream_t *stream, assay_bytes *out) {
    if (!is_of_frame(stream)) PB_RETURN_ERROR(stream, "wrong wire type");
    assay_abci_source *source = stream->state;
    *out = (assay_bytes){source->at, stream->bytes_left};
    source->at += stream->bytes_left;
    stream->bytes_left = 0;
    return true;
}

// Doubles: what a list leaves behind in the arena is no more than what it takes.
static bool room_make(assay_abci_source *source, assay_abci_list *list) {
    if (list->count < list->room) return true;
    uint32_t room = list->room ? 2 * list->room : ROOM_LEAST;
    void *grown;
    if (room > list->kind->max) room = list->kind->max;
    if (assay_arena_get(source->arena, room, list->kind->size, list->kind->name, &grown,
                        source->err) != ASSAY_OK)
        return false;
    if (list->count) memcpy(grown, list->read, (size_t)list->count * list->kind->size);
    list->read = grown;
    list->room = room;
    return true;
}

static bool list_read(pb_istream_t *stream, assay_abci_list *list) {
    const assay_abci_list_kind *kind = list->kind;
    if (!is_of_frame(stream)) PB_RETURN_ERROR(stream, "wrong wire type");
    assay_abci_source *source = stream->state;
    if (list->count == kind->max && list->drops) {
        list->overfull = true;
        return pb_read(stream, NULL, stream->bytes_left);
    }
    if (list->count == kind->max) {
        (void)ASSAY_FAIL(source->err, CAPACITY, "at least %u %s, limit %u", kind->max + 1,
                         kind->name, kind->max);
        PB_RETURN_ERROR(stream, "too many entries");
    }
    if (!room_make(source, list)) PB_RETURN_ERROR(stream, "no room");
    if (!kind->read(stream, list->read + (size_t)list->count * kind->size)) return false;
    list->count++;
    return true;
}

static bool list_write(pb_ostream_t *out, const pb_field_t *field, const assay_abci_list *list) {
    const uint8_t *item = list->items;
    if (list->count == 0) return true;            // it may have no kind
    ASSAY_ASSERT(list->count <= list->kind->max); // the application's own list
    for (uint32_t i = 0; i < list->count; i++, item += list->kind->size)
        if (!pb_encode_tag_for_field(out, field) || !list->kind->write(out, item)) return false;
    return true;
}

bool assay_abci_field(pb_istream_t *in, pb_ostream_t *out, const pb_field_t *field) {
    bool repeated = PB_HTYPE(field->type) == PB_HTYPE_REPEATED;
    if (in && repeated) return list_read(in, field->pData);
    if (in) return assay_abci_field_bytes(in, field->pData);
    if (repeated) return list_write(out, field, field->pData);
    const assay_bytes *bytes = field->pData;
    if (bytes->size == 0) return true; // proto3 leaves it out
    return pb_encode_tag_for_field(out, field) && pb_encode_string(out, bytes->data, bytes->size);
}
