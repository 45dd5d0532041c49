// SPDX-License-Identifier: Apache-2.0
// Takes bytes, finds frames, answers them in order. Responses are gathered and handed over when a
// Flush asks for it, when nothing is left to answer, and before they get many.
#include <sys/socket.h>

#include "consensus/abci/connection.h"
#include "consensus/abci/frame.h"
#include "consensus/abci/wire.h"

enum {
    GATHERED_MAX = 64 << 10,
    AHEAD_SIZE_MAX = 4 << 10, // bytes of a frame that is read ahead of its turn, and then again
};

typedef struct {
    assay_abci_connection *connection;
    assay_abci_frames frames;
    assay_abci_buffer taken;    // bytes from the loop, on their way into frames
    assay_abci_buffer gathered; // responses
    assay_arena arena;          // of one request and its answer
    size_t ahead;               // the place in frames up to which was looked ahead
} worker;

// Waits for bytes. Returns: false when there will be none.
static bool input_take(worker *self) {
    assay_abci_connection *connection = self->connection;
    assay_abci_buffer_reset(&self->taken);
    pthread_mutex_lock(&connection->lock);
    while (connection->in.size == 0 && !connection->ended && !connection->dropped)
        pthread_cond_wait(&connection->changed, &connection->lock);
    bool was_full = connection->in.size >= ASSAY_ABCI_INPUT_MAX;
    assay_abci_buffer_swap(&self->taken, &connection->in);
    bool dropped = connection->dropped;
    pthread_mutex_unlock(&connection->lock);
    if (was_full) uv_async_send(&connection->hub->wake); // it reads on
    return self->taken.size > 0 && !dropped;
}

// Writes what the socket takes at once, if nothing before it waits: nobody but this worker can then
// make the loop write. A socket that failed takes nothing, and fails for the loop again.
static size_t write_now(const worker *self) {
    assay_abci_connection *connection = self->connection;
    pthread_mutex_lock(&connection->lock);
    bool free = connection->out.size == 0 && !connection->writes && !connection->dropped;
    pthread_mutex_unlock(&connection->lock);
    if (!free) return 0;
    ssize_t sent =
        send(connection->fd, self->gathered.data, self->gathered.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

// Writes what was gathered, or hands it to the loop; waits while the peer does not read.
static assay_status publish(worker *self, assay_error *err) {
    assay_abci_connection *connection = self->connection;
    if (self->gathered.size == 0) return ASSAY_OK;
    size_t sent = write_now(self);
    if (sent == self->gathered.size) {
        assay_abci_buffer_reset(&self->gathered);
        return ASSAY_OK;
    }
    pthread_mutex_lock(&connection->lock);
    while (connection->out.size >= ASSAY_ABCI_OUTPUT_MAX && !connection->dropped)
        pthread_cond_wait(&connection->changed, &connection->lock);
    bool added = assay_abci_buffer_add(&connection->out, self->gathered.data + sent,
                                       self->gathered.size - sent);
    pthread_mutex_unlock(&connection->lock);
    assay_abci_buffer_reset(&self->gathered);
    uv_async_send(&connection->hub->wake);
    return added ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for responses");
}

static assay_status reply_make(worker *self, const assay_abci_request *request,
                               assay_abci_reply *reply, assay_error *err) {
    const assay_abci_application *application = &self->connection->hub->application;
    memset(reply, 0, sizeof *reply);
    reply->kind = request->kind;
    if (request->kind == ASSAY_ABCI_FLUSH) return ASSAY_OK;
    if (request->kind == ASSAY_ABCI_ECHO) {
        reply->echo.message = request->echo.message;
        return ASSAY_OK;
    }
    return application->call(application->self, request, reply, &self->arena, err);
}

static assay_status answer(worker *self, assay_bytes frame, assay_error *err) {
    assay_abci_hub *hub = self->connection->hub;
    assay_abci_request request;
    assay_abci_reply reply;
    assay_arena_reset(&self->arena);
    ASSAY_TRY(assay_abci_request_read(&request, frame, &self->arena, err));
    ASSAY_TRY(reply_make(self, &request, &reply, err));
    ASSAY_ASSERT(reply.kind == request.kind);
    ASSAY_TRY(assay_abci_reply_write(&self->gathered, &reply, &self->arena, err));
    pthread_mutex_lock(&hub->lock);
    hub->state.requests++;
    pthread_mutex_unlock(&hub->lock);
    if (request.kind == ASSAY_ABCI_FLUSH || self->gathered.size >= GATHERED_MAX)
        return publish(self, err);
    return ASSAY_OK;
}

// The next frame of a run: a new transaction's CheckTx, which *tx gets, or a Flush, which leaves
// it empty. Returns: false where the run ends; what is wrong with a frame is said in its turn.
static bool run_next(worker *self, assay_abci_frames *frames, assay_bytes *tx) {
    assay_bytes frame;
    assay_abci_request request;
    *tx = (assay_bytes){0};
    if (assay_abci_frames_next(frames, &frame, NULL) != ASSAY_OK || !frame.data ||
        frame.size > AHEAD_SIZE_MAX)
        return false;
    assay_arena_reset(&self->arena);
    if (assay_abci_request_read(&request, frame, &self->arena, NULL) != ASSAY_OK) return false;
    if (request.kind == ASSAY_ABCI_FLUSH) return true;
    if (request.kind != ASSAY_ABCI_CHECK_TX || request.check_tx.recheck) return false;
    *tx = request.check_tx.tx;
    return true;
}

// Tells the application of the transactions that come next (E-22), once: the requests are read for
// this, and anew in their turn.
static void look_ahead(worker *self) {
    const assay_abci_application *application = &self->connection->hub->application;
    assay_bytes txs[ASSAY_ABCI_EXPECT_MAX];
    uint32_t count = 0;
    if (!application->expect || self->frames.at < self->ahead || self->connection->dropped) return;
    assay_abci_frames frames = self->frames;
    while (count < ASSAY_ABCI_EXPECT_MAX && run_next(self, &frames, &txs[count]))
        count += txs[count].size > 0;
    self->ahead = frames.at;
    if (count > 1) application->expect(application->self, txs, count);
}

// Answers all whole frames among the bytes taken.
static assay_status taken_answer(worker *self, assay_error *err) {
    assay_bytes frame;
    self->ahead = 0;
    ASSAY_TRY(assay_abci_frames_add(&self->frames, self->taken.data, self->taken.size, err));
    for (;;) {
        look_ahead(self);
        ASSAY_TRY(assay_abci_frames_next(&self->frames, &frame, err));
        if (!frame.data || self->connection->dropped) return publish(self, err);
        ASSAY_TRY(answer(self, frame, err));
    }
}

// What was answered before goes first; then why no more will be.
static void refuse(worker *self, const assay_error *why) {
    assay_abci_hub_refused(self->connection->hub, why->text);
    if (assay_abci_exception_write(&self->gathered, why->text, NULL) == ASSAY_OK)
        (void)publish(self, NULL);
}

void *assay_abci_worker_run(void *argument) {
    assay_abci_connection *connection = argument;
    worker self = {.connection = connection};
    assay_error err = {0};
    assay_status status = ASSAY_OK;
    assay_abci_frames_init(&self.frames, connection->hub->frame_max);
    assay_arena_init(&self.arena, ASSAY_ABCI_ARENA_MAX);
    while (status == ASSAY_OK && input_take(&self))
        status = taken_answer(&self, &err);
    size_t left = assay_abci_frames_left(&self.frames);
    if (status != ASSAY_OK) {
        refuse(&self, &err);
    } else if (left > 0 && !connection->dropped) {
        (void)ASSAY_FAIL(&err, TRUNCATED, "a connection ended %zu bytes into a frame", left);
        assay_abci_hub_refused(connection->hub, err.text);
    }
    assay_abci_frames_close(&self.frames);
    assay_abci_buffer_close(&self.taken);
    assay_abci_buffer_close(&self.gathered);
    assay_arena_close(&self.arena);
    pthread_mutex_lock(&connection->lock);
    connection->finished = true;
    pthread_mutex_unlock(&connection->lock);
    uv_async_send(&connection->hub->wake);
    return NULL;
}
