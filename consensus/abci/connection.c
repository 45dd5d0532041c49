// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/connection.h"

#include <stdlib.h>

#include "consensus/abci/frame.h"

enum {
    READ_SIZE = 64 << 10,
    IN_MAX = 1 << 20,      // bytes read and not yet taken by the worker: then reading stops
    OUT_MAX = 4 << 20,     // bytes answered and not yet being written: then answering stops
    PUSH_SIZE = 64 << 10,  // replies go out in pieces of about this
    ARENA_MAX = 256 << 20, // of one call
};

// --- the worker ---

// Hands the replies so far to the loop. Returns: false once the connection is cut.
static bool replies_push(assay_abci_connection *c) {
    assay_abci_buffer *replies = &c->replies;
    uv_mutex_lock(&c->lock);
    while (c->out.size > OUT_MAX && !c->cut)
        uv_cond_wait(&c->changed, &c->lock);
    bool cut = c->cut || assay_abci_buffer_reserve(&c->out, replies->size, NULL) != ASSAY_OK;
    if (!cut && replies->size) {
        memcpy(c->out.data + c->out.size, replies->data, replies->size);
        c->out.size += replies->size;
    }
    uv_mutex_unlock(&c->lock);
    if (replies->size) c->host.wake(c->host.self);
    replies->size = 0;
    return !cut;
}

// Says why in an Exception, which is the last thing this connection sends.
static bool refuse(assay_abci_connection *c, const char *why) {
    c->host.refused(c->host.self, why);
    if (assay_abci_exception_write(&c->replies, why, NULL) == ASSAY_OK) replies_push(c);
    return false;
}

static bool frame_answer(assay_abci_connection *c, assay_bytes frame) {
    assay_abci_request request;
    assay_abci_reply reply = {0};
    assay_error err = {0};
    assay_arena_reset(&c->arena);
    if (assay_abci_request_read(&request, frame.data, frame.size, &c->arena, &err) != ASSAY_OK)
        return refuse(c, err.text);
    reply.kind = request.kind;
    if (request.kind == ASSAY_ABCI_NONE)
        return refuse(c, "a request that names no kind this program knows");
    if (request.kind == ASSAY_ABCI_ECHO) {
        reply.echo.message = request.echo.message;
    } else if (request.kind != ASSAY_ABCI_FLUSH &&
               c->application.call(c->application.self, &request, &reply, &c->arena, &err) !=
                   ASSAY_OK) {
        return refuse(c, err.text);
    }
    if (assay_abci_reply_write(&c->replies, &reply, &err) != ASSAY_OK) return refuse(c, err.text);
    c->host.answered(c->host.self);
    bool now = request.kind == ASSAY_ABCI_FLUSH || c->replies.size >= PUSH_SIZE;
    return !now || replies_push(c);
}

// Answers all frames that are whole.
static bool work_answer(assay_abci_connection *c) {
    size_t at = 0;
    bool whole = true, going = true;
    while (going) {
        assay_bytes frame;
        size_t used;
        assay_error err = {0};
        if (assay_abci_frame_next(&frame, &used, &whole, c->work.data + at, c->work.size - at,
                                  c->frame_max, &err) != ASSAY_OK)
            return refuse(c, err.text);
        if (!whole) break;
        at += used;
        going = frame_answer(c, frame);
    }
    if (at) memmove(c->work.data, c->work.data + at, c->work.size - at);
    c->work.size -= at;
    return going && replies_push(c);
}

// Waits for bytes and takes them. Returns: false once the connection is cut.
static bool work_take(assay_abci_connection *c) {
    uv_mutex_lock(&c->lock);
    while (c->in.size == 0 && !c->cut)
        uv_cond_wait(&c->changed, &c->lock);
    bool taken = !c->cut && assay_abci_buffer_reserve(&c->work, c->in.size, NULL) == ASSAY_OK;
    if (taken) {
        memcpy(c->work.data + c->work.size, c->in.data, c->in.size);
        c->work.size += c->in.size;
        c->in.size = 0;
    }
    uv_mutex_unlock(&c->lock);
    if (taken) c->host.wake(c->host.self); // reading may go on
    return taken;
}

static void worker_main(void *argument) {
    assay_abci_connection *c = argument;
    while (work_take(c) && work_answer(c)) {
    }
    uv_mutex_lock(&c->lock);
    c->done = true;
    uv_mutex_unlock(&c->lock);
    c->host.wake(c->host.self);
}

// --- the loop's thread ---

static void closed(uv_handle_t *handle) {
    assay_abci_connection *c = handle->data;
    if (c->started) uv_thread_join(&c->worker);
    assay_abci_buffer_close(&c->in);
    assay_abci_buffer_close(&c->out);
    assay_abci_buffer_close(&c->work);
    assay_abci_buffer_close(&c->replies);
    assay_abci_buffer_close(&c->writing);
    assay_arena_close(&c->arena);
    uv_cond_destroy(&c->changed);
    uv_mutex_destroy(&c->lock);
    free(c->read_buffer);
    c->host.ended(c->host.self, c);
    free(c);
}

void assay_abci_connection_cut(assay_abci_connection *c) {
    uv_mutex_lock(&c->lock);
    c->cut = true;
    uv_cond_broadcast(&c->changed);
    uv_mutex_unlock(&c->lock);
    if (c->reading) uv_read_stop(&c->stream);
    c->reading = false;
}

static void buffer_give(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
    assay_abci_connection *c = handle->data;
    *buffer = uv_buf_init((char *)c->read_buffer, READ_SIZE);
}

static void bytes_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    assay_abci_connection *c = stream->data;
    bool lost = count < 0, full = false;
    if (count > 0) {
        uv_mutex_lock(&c->lock);
        lost = assay_abci_buffer_reserve(&c->in, (size_t)count, NULL) != ASSAY_OK;
        if (!lost) {
            memcpy(c->in.data + c->in.size, buffer->base, (size_t)count);
            c->in.size += (size_t)count;
            full = c->in.size >= IN_MAX;
            uv_cond_broadcast(&c->changed);
        }
        uv_mutex_unlock(&c->lock);
    }
    if (lost)
        assay_abci_connection_cut(c);
    else if (full) {
        uv_read_stop(stream);
        c->reading = false;
    }
    if (lost) assay_abci_connection_tend(c);
}

static void bytes_written(uv_write_t *write, int status) {
    assay_abci_connection *c = write->data;
    c->writing.size = 0;
    if (status < 0) assay_abci_connection_cut(c);
    assay_abci_connection_tend(c);
}

// Begins to write what is in out, which takes the place of what was written before.
static void write_begin(assay_abci_connection *c) {
    uv_mutex_lock(&c->lock);
    assay_abci_buffer written = c->writing;
    c->writing = c->out;
    c->out = written;
    uv_cond_broadcast(&c->changed);
    uv_mutex_unlock(&c->lock);
    uv_buf_t buffer = uv_buf_init((char *)c->writing.data, (unsigned)c->writing.size);
    if (uv_write(&c->write, &c->stream, &buffer, 1, bytes_written) == 0) return;
    c->writing.size = 0;
    assay_abci_connection_cut(c);
}

void assay_abci_connection_tend(assay_abci_connection *c) {
    if (c->closing) return;
    uv_mutex_lock(&c->lock);
    bool sends = c->out.size && !c->cut, room = c->in.size < IN_MAX, cut = c->cut, done = c->done;
    uv_mutex_unlock(&c->lock);
    if (sends && !c->writing.size) write_begin(c);
    if (!c->reading && room && !cut && !done)
        c->reading = uv_read_start(&c->stream, buffer_give, bytes_read) == 0;
    if (done && (cut || (!sends && !c->writing.size))) {
        c->closing = true;
        uv_close(&c->handle, closed);
    }
}

assay_status assay_abci_connection_make(assay_abci_connection **out, const assay_abci_host *host,
                                        const assay_abci_application *application,
                                        uint32_t frame_max, assay_error *err) {
    assay_abci_connection *c = calloc(1, sizeof *c);
    uint8_t *read_buffer = malloc(READ_SIZE);
    *out = NULL;
    if (!c || !read_buffer) {
        free(c);
        free(read_buffer);
        return ASSAY_FAIL(err, MEMORY, "no memory for a connection");
    }
    c->host = *host;
    c->application = *application;
    c->frame_max = frame_max;
    c->read_buffer = read_buffer;
    c->write.data = c;
    assay_arena_init(&c->arena, ARENA_MAX);
    uv_mutex_init(&c->lock);
    uv_cond_init(&c->changed);
    *out = c;
    return ASSAY_OK;
}

assay_status assay_abci_connection_start(assay_abci_connection *c, assay_error *err) {
    c->handle.data = c;
    c->started = uv_thread_create(&c->worker, worker_main, c) == 0;
    if (!c->started) {
        c->done = true;
        assay_abci_connection_cut(c);
    }
    assay_abci_connection_tend(c);
    return c->started ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no thread for a connection");
}
