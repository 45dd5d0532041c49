// SPDX-License-Identifier: Apache-2.0
// The other end of an ABCI socket, for tests: it blocks, but never longer than a minute.
#ifndef ASSAY_TESTS_CONSENSUS_ABCI_CLIENT_H
#define ASSAY_TESTS_CONSENSUS_ABCI_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "consensus/abci/frame.h"
#include "tests/consensus/abci/abci.h"

enum { CLIENT_SECONDS = 60, CLIENT_FRAME_MAX = 64 << 20 };

typedef struct {
    int fd;
    assay_abci_frames frames;
} client;

static inline client client_open(const char *address) {
    client out = {.fd = -1};
    struct timeval wait = {.tv_sec = CLIENT_SECONDS};
    if (strncmp(address, "unix://", 7) == 0) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        snprintf(name.sun_path, sizeof name.sun_path, "%s", address + 7);
        out.fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(out.fd, (struct sockaddr *)&name, sizeof name), 0);
    } else {
        struct sockaddr_in name = {.sin_family = AF_INET};
        name.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        out.fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(out.fd, (struct sockaddr *)&name, sizeof name), 0);
    }
    setsockopt(out.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(out.fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    assay_abci_frames_init(&out.frames, CLIENT_FRAME_MAX);
    return out;
}

static inline void client_close(client *self) {
    close(self->fd);
    assay_abci_frames_close(&self->frames);
}

static inline void client_send(client *self, const void *data, size_t size) {
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t count = send(self->fd, at, size, MSG_NOSIGNAL);
        if (count <= 0) fail_msg("cannot send: %s", strerror(errno));
        at += count;
        size -= (size_t)count;
    }
}

// Appends a framed request whose first field is `size` bytes of text.
static inline void frame_add(assay_abci_buffer *out, uint32_t kind, const void *text, size_t size) {
    size_t room = size + 64;
    uint8_t *request = malloc(room), head[16];
    assay_writer writer;
    assert_non_null(request);
    size_t whole = text_request_make(request, room, kind, text, size);
    assay_writer_init(&writer, head, sizeof head);
    assay_protobuf_varint(&writer, whole);
    assert_true(assay_abci_buffer_add(out, head, writer.size));
    assert_true(assay_abci_buffer_add(out, request, whole));
    free(request);
}

static inline void client_ask(client *self, uint32_t kind, const char *text) {
    assay_abci_buffer out = {0};
    frame_add(&out, kind, text, strlen(text));
    client_send(self, out.data, out.size);
    assay_abci_buffer_close(&out);
}

// Waits for a response: its number and its content. Returns: false at the end of the stream. Lives:
// until the next call.
static inline bool client_next(client *self, uint32_t *number, assay_bytes *content) {
    assay_bytes frame;
    for (;;) {
        uint8_t piece[65536];
        must(assay_abci_frames_next(&self->frames, &frame, err));
        if (frame.data) break;
        ssize_t count = recv(self->fd, piece, sizeof piece, 0);
        if (count < 0 && errno != ECONNRESET) fail_msg("nothing comes: %s", strerror(errno));
        if (count <= 0) return false;
        must(assay_abci_frames_add(&self->frames, piece, (size_t)count, err));
    }
    uint64_t values[2] = {0, 0}; // tag, length
    for (int i = 0; i < 2; i++) {
        unsigned shift = 0;
        do {
            assert_true(frame.size > 0);
            values[i] |= (uint64_t)(*frame.data & 0x7f) << shift;
            shift += 7;
            frame.size--;
        } while (*frame.data++ & 0x80);
    }
    assert_int_equal(values[0] & 7, 2);
    assert_int_equal(values[1], frame.size);
    *number = (uint32_t)(values[0] >> 3);
    *content = frame;
    return true;
}

// Expects a response to a request of this kind; text is its first field's, NULL: any.
static inline void client_expect(client *self, uint32_t kind, const char *text) {
    uint32_t number;
    assay_bytes content;
    assert_true(client_next(self, &number, &content));
    assert_int_equal(number, kind + 1);
    if (!text) return;
    assert_true(content.size >= 2 && content.data[0] == 0x0a && content.data[1] < 0x80);
    assert_int_equal(content.data[1], strlen(text));
    assert_memory_equal(content.data + 2, text, strlen(text));
}

// Expects an Exception and then the end; `part` is in its sentence.
static inline void client_expect_refused(client *self, const char *part) {
    uint32_t number;
    assay_bytes content;
    assert_true(client_next(self, &number, &content));
    assert_int_equal(number, 1);
    if (!memmem(content.data, content.size, part, strlen(part)))
        fail_msg("\"%.*s\" does not say \"%s\"", (int)content.size, (const char *)content.data,
                 part);
    assert_false(client_next(self, &number, &content));
}

#endif
