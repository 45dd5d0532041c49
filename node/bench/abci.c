// SPDX-License-Identifier: Apache-2.0
#include "node/bench/abci.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "consensus/types/protobuf.h"

enum {
    ANSWER_MAX = 64 << 20,
    WAIT_SECONDS = 10,
    EXCEPTION = 1,       // Response's field
    FIELD_OVERHEAD = 16, // of a tag and a length, at most
    HEAD_OVERHEAD = 128,
    // Fields of RequestFinalizeBlock, of its Timestamp, and of RequestCheckTx.
    FINALIZE_TXS = 1,
    FINALIZE_HEIGHT = 5,
    FINALIZE_TIME = 6,
    FINALIZE_PROPOSER = 8,
    TIME_SECONDS = 1,
    TIME_NANOS = 2,
    CHECK_TX = 1,
};

// The length of a frame and the tag of its request; then come `size` bytes.
static assay_status head_add(assay_abci_buffer *out, assay_abci_kind kind, size_t size,
                             assay_error *err) {
    uint8_t tag[FIELD_OVERHEAD], length[FIELD_OVERHEAD];
    assay_writer request, frame;
    assay_writer_init(&request, tag, sizeof tag);
    assay_protobuf_varint(&request, (uint64_t)kind << 3 | 2);
    assay_protobuf_varint(&request, size);
    assay_writer_init(&frame, length, sizeof length);
    assay_protobuf_varint(&frame, request.size + size);
    if (assay_abci_buffer_add(out, length, frame.size) &&
        assay_abci_buffer_add(out, tag, request.size))
        return ASSAY_OK;
    return ASSAY_FAIL(err, MEMORY, "no memory for a frame");
}

static assay_status request_add(assay_abci_buffer *out, assay_abci_kind kind,
                                const assay_abci_buffer *content, assay_error *err) {
    ASSAY_TRY(head_add(out, kind, content->size, err));
    if (!content->size || assay_abci_buffer_add(out, content->data, content->size)) return ASSAY_OK;
    return ASSAY_FAIL(err, MEMORY, "no memory for a frame of %zu bytes", content->size);
}

assay_status assay_bench_frame_empty(assay_abci_buffer *out, assay_abci_kind kind,
                                     assay_error *err) {
    return head_add(out, kind, 0, err);
}

// A writer over room for `size` bytes at the end of a buffer, which room_taken then makes part of
// it.
static bool room_open(assay_writer *writer, assay_abci_buffer *buffer, size_t size) {
    uint8_t *room = assay_abci_buffer_room(buffer, size);
    if (room) assay_writer_init(writer, room, size);
    return room;
}

static void room_taken(const assay_writer *writer, assay_abci_buffer *buffer) {
    ASSAY_ASSERT(!writer->failed);
    buffer->size += writer->size;
}

assay_status assay_bench_frame_check(assay_abci_buffer *out, assay_bytes tx, assay_error *err) {
    assay_abci_buffer content = {0};
    assay_writer writer;
    if (!room_open(&writer, &content, tx.size + FIELD_OVERHEAD))
        return ASSAY_FAIL(err, MEMORY, "no memory for a frame of %zu bytes", tx.size);
    assay_protobuf_bytes(&writer, CHECK_TX, tx.data, tx.size);
    room_taken(&writer, &content);
    assay_status status = request_add(out, ASSAY_ABCI_CHECK_TX, &content, err);
    assay_abci_buffer_close(&content);
    return status;
}

assay_status assay_bench_frame_finalize(assay_abci_buffer *out, const assay_abci_block *block,
                                        assay_error *err) {
    assay_abci_buffer content = {0};
    uint8_t seconds[2 * FIELD_OVERHEAD];
    assay_writer writer, time;
    size_t size = HEAD_OVERHEAD;
    for (uint32_t i = 0; i < block->tx_count; i++)
        size += block->txs[i].size + FIELD_OVERHEAD;
    if (!room_open(&writer, &content, size))
        return ASSAY_FAIL(err, MEMORY, "no memory for a frame of %zu bytes", size);
    for (uint32_t i = 0; i < block->tx_count; i++)
        assay_protobuf_entry(&writer, FINALIZE_TXS, block->txs[i].data, block->txs[i].size);
    assay_protobuf_u64(&writer, FINALIZE_HEIGHT, (uint64_t)block->height);
    assay_writer_init(&time, seconds, sizeof seconds);
    assay_protobuf_u64(&time, TIME_SECONDS, (uint64_t)block->time.seconds);
    assay_protobuf_u64(&time, TIME_NANOS, (uint64_t)block->time.nanos);
    assay_protobuf_message(&writer, FINALIZE_TIME, &time);
    assay_protobuf_bytes(&writer, FINALIZE_PROPOSER, block->proposer.data, block->proposer.size);
    room_taken(&writer, &content);
    assay_status status = request_add(out, ASSAY_ABCI_FINALIZE_BLOCK, &content, err);
    assay_abci_buffer_close(&content);
    return status;
}

// --- the connection ---

assay_status assay_bench_client_open(assay_bench_client *client, const char *address,
                                     assay_error *err) {
    static const char scheme[] = "unix://";
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    *client = (assay_bench_client){.fd = -1};
    size_t length = strlen(address);
    if (strncmp(address, scheme, sizeof scheme - 1) != 0 ||
        length - (sizeof scheme - 1) >= sizeof name.sun_path)
        return ASSAY_FAIL(err, USAGE, "\"%.80s\" is no unix:///PATH", address);
    memcpy(name.sun_path, address + sizeof scheme - 1, length - (sizeof scheme - 1) + 1);
    assay_abci_frames_init(&client->frames, ANSWER_MAX);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0) return assay_fail_errno(err, errno, "cannot make a socket");
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(client->fd, (const struct sockaddr *)&name, sizeof name) == 0) return ASSAY_OK;
    return assay_fail_errno(err, errno, "cannot connect to %s", address);
}

void assay_bench_client_close(assay_bench_client *client) {
    if (client->fd >= 0) close(client->fd);
    assay_abci_frames_close(&client->frames);
    client->fd = -1;
}

// Takes what lies there; waits for it if `wait`.
static assay_status bytes_take(assay_bench_client *client, bool wait, assay_error *err) {
    uint8_t piece[64 << 10];
    ssize_t got = recv(client->fd, piece, sizeof piece, wait ? 0 : MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) return ASSAY_OK;
    if (got < 0 && !wait && (errno == EAGAIN || errno == EWOULDBLOCK)) return ASSAY_OK;
    if (got < 0) return ASSAY_FAIL(err, NETWORK, "the ABCI server does not answer");
    if (got == 0) return ASSAY_FAIL(err, NETWORK, "the ABCI server has hung up");
    return assay_abci_frames_add(&client->frames, piece, (size_t)got, err);
}

// Counts whole responses off *left.
static assay_status answers_count(assay_bench_client *client, uint32_t *left, assay_error *err) {
    assay_bytes frame;
    while (*left > 0) {
        ASSAY_TRY(assay_abci_frames_next(&client->frames, &frame, err));
        if (!frame.data) return ASSAY_OK;
        if (frame.size && frame.data[0] == (EXCEPTION << 3 | 2))
            return ASSAY_FAIL(err, NETWORK, "the ABCI server answers with an Exception: %.*s",
                              frame.size > 4 ? (int)(frame.size - 4 < 200 ? frame.size - 4 : 200)
                                             : 0,
                              (const char *)frame.data + 4);
        --*left;
    }
    return ASSAY_OK;
}

assay_status assay_bench_client_ask(assay_bench_client *client, const assay_abci_buffer *frames,
                                    uint32_t count, assay_error *err) {
    size_t sent = 0;
    // Both sides' socket buffers are small: answers are taken in between, or neither would go on.
    enum { PART = 32 << 10 };
    while (sent < frames->size) {
        size_t part = frames->size - sent < PART ? frames->size - sent : PART;
        ssize_t got = send(client->fd, frames->data + sent, part, MSG_NOSIGNAL);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ASSAY_FAIL(err, NETWORK, "the ABCI server takes nothing");
        sent += (size_t)got;
        ASSAY_TRY(bytes_take(client, false, err));
        ASSAY_TRY(answers_count(client, &count, err));
    }
    while (count > 0) {
        ASSAY_TRY(bytes_take(client, true, err));
        ASSAY_TRY(answers_count(client, &count, err));
    }
    return ASSAY_OK;
}
