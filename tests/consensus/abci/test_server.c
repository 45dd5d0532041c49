// SPDX-License-Identifier: Apache-2.0
// E-1, E-6 to E-8: the server with real sockets, against peers that behave and peers that do not.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "consensus/abci/connection.h"
#include "tests/consensus/abci/client.h"
#include "tests/folder.h"

enum { FRAME_MAX = 1 << 20 };

// Stands in front of calloc (the linker's --wrap): without memory for a connection, if asked.
static atomic_bool no_memory;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) {
    bool is_connection = count == 1 && size == sizeof(assay_abci_connection);
    return is_connection && atomic_load(&no_memory) ? NULL : __real_calloc(count, size);
}

// Answers CheckTx with the transaction as its log, Info with text; "wait" waits for the gate;
// "fail" fails. It watches for two calls at once of one connection's text.
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open; // the gate
    uint32_t waiting;
    atomic_uint calls;
} application;

static void gate_set(application *self, bool open) {
    pthread_mutex_lock(&self->lock);
    self->open = open;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

// Until `count` calls wait at the gate.
static void gate_wait(application *self, uint32_t count) {
    pthread_mutex_lock(&self->lock);
    while (self->waiting < count)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static assay_status call(void *context, const assay_abci_request *request, assay_abci_reply *reply,
                         assay_arena *arena, assay_error *err) {
    application *self = context;
    assert_int_equal(reply->kind, request->kind);
    assert_int_not_equal(request->kind, ASSAY_ABCI_ECHO);
    assert_int_not_equal(request->kind, ASSAY_ABCI_FLUSH);
    self->calls++;
    if (request->kind == ASSAY_ABCI_INFO) reply->info.data = bytes_of("info");
    if (request->kind != ASSAY_ABCI_CHECK_TX) return ASSAY_OK;
    assay_bytes tx = request->check_tx.tx;
    if (bytes_are(tx, "fail")) return ASSAY_FAIL(err, RANGE, "asked to fail");
    if (bytes_are(tx, "wait")) {
        pthread_mutex_lock(&self->lock);
        self->waiting++;
        pthread_cond_broadcast(&self->changed);
        while (!self->open)
            pthread_cond_wait(&self->changed, &self->lock);
        self->waiting--;
        pthread_mutex_unlock(&self->lock);
    }
    // A copy in the arena, so that a response that outlived it would be seen.
    void *copy;
    ASSAY_TRY(assay_arena_get(arena, tx.size, 1, "log", &copy, err));
    memcpy(copy, tx.data, tx.size);
    reply->check_tx.log = (assay_bytes){copy, tx.size};
    return ASSAY_OK;
}

typedef struct {
    char folder[64];
    char address[128];
    application app;
    assay_abci_server *server;
} fixture;

static assay_abci_server_options options_of(fixture *self) {
    return (assay_abci_server_options){.address = self->address,
                                       .application = {&self->app, call, NULL},
                                       .frame_max = FRAME_MAX,
                                       .connections_max = 4};
}

static int setup(void **state) {
    static fixture self;
    memset(&self, 0, sizeof self);
    snprintf(self.folder, sizeof self.folder, "/tmp/assay-abci-XXXXXX");
    test_folder_make(self.folder);
    snprintf(self.address, sizeof self.address, "unix://%s/app.sock", self.folder);
    pthread_mutex_init(&self.app.lock, NULL);
    pthread_cond_init(&self.app.changed, NULL);
    assay_abci_server_options options = options_of(&self);
    must(assay_abci_server_open(&self.server, &options, err));
    *state = &self;
    return 0;
}

static int teardown(void **state) {
    fixture *self = *state;
    gate_set(&self->app, true);
    assay_abci_server_close(self->server);
    assert_int_equal(rmdir(self->folder), 0); // the socket's file went with the server
    return 0;
}

// E-6: of one connection, responses come in the order of the requests, whatever they are.
static void test_fifo(void **state) {
    fixture *self = *state;
    client peer = client_open(self->address);
    gate_set(&self->app, true);
    for (int round = 0; round < 50; round++) {
        client_ask(&peer, ASSAY_ABCI_INFO, "");
        client_ask(&peer, ASSAY_ABCI_CHECK_TX, "wait");
        client_ask(&peer, ASSAY_ABCI_ECHO, "one");
        client_ask(&peer, ASSAY_ABCI_FLUSH, "");
        client_ask(&peer, ASSAY_ABCI_ECHO, "two");
        client_ask(&peer, ASSAY_ABCI_COMMIT, "");
    }
    for (int round = 0; round < 50; round++) {
        client_expect(&peer, ASSAY_ABCI_INFO, "info");
        client_expect(&peer, ASSAY_ABCI_CHECK_TX, NULL);
        client_expect(&peer, ASSAY_ABCI_ECHO, "one");
        client_expect(&peer, ASSAY_ABCI_FLUSH, NULL);
        client_expect(&peer, ASSAY_ABCI_ECHO, "two");
        client_expect(&peer, ASSAY_ABCI_COMMIT, NULL);
    }
    client_close(&peer);
}

// E-6: what was answered before a Flush leaves with it, also while a later request is being
// answered; without a Flush it leaves when nothing is left to answer.
static void test_flush(void **state) {
    fixture *self = *state;
    client peer = client_open(self->address);
    assay_abci_buffer out = {0};
    frame_add(&out, ASSAY_ABCI_CHECK_TX, "one", 3);
    frame_add(&out, ASSAY_ABCI_FLUSH, "", 0);
    frame_add(&out, ASSAY_ABCI_CHECK_TX, "wait", 4);
    client_send(&peer, out.data, out.size);
    client_expect(&peer, ASSAY_ABCI_CHECK_TX, NULL);
    client_expect(&peer, ASSAY_ABCI_FLUSH, NULL);
    gate_wait(&self->app, 1);
    gate_set(&self->app, true);
    client_expect(&peer, ASSAY_ABCI_CHECK_TX, NULL);
    client_ask(&peer, ASSAY_ABCI_ECHO, "alone");
    client_expect(&peer, ASSAY_ABCI_ECHO, "alone");
    assay_abci_buffer_close(&out);
    client_close(&peer);
}

// E-2: frames that come byte by byte.
static void test_bytes(void **state) {
    fixture *self = *state;
    client peer = client_open(self->address);
    assay_abci_buffer out = {0};
    char text[200];
    memset(text, 'x', sizeof text);
    frame_add(&out, ASSAY_ABCI_ECHO, "hello", 5);
    frame_add(&out, ASSAY_ABCI_CHECK_TX, text, sizeof text);
    frame_add(&out, ASSAY_ABCI_FLUSH, "", 0);
    for (size_t i = 0; i < out.size; i++) {
        client_send(&peer, out.data + i, 1);
        usleep(200);
    }
    client_expect(&peer, ASSAY_ABCI_ECHO, "hello");
    client_expect(&peer, ASSAY_ABCI_CHECK_TX, NULL);
    client_expect(&peer, ASSAY_ABCI_FLUSH, NULL);
    assay_abci_buffer_close(&out);
    client_close(&peer);
}

// E-7: each is answered by an Exception after what was asked before, the connection ends, and the
// server goes on.
static void test_refused(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *part;
    } cases[] = {
        {"\x00", 1, "an empty request"},
        {"\x02\x22\x00", 3, "request 4 is not"},
        {"\x03\x9a\x06\x00", 4, "request 99 is not"},
        {"\x81\x80\x40", 3, "a frame of 1048577 bytes, limit 1048576"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "over 5 bytes"},
        {"\x80\x00", 2, "takes 2 bytes"},
        {"\x03\x0a\x05x", 4, "a request of 3 bytes"},
        {"\x04\x0a\x02\x08\x01", 5, "Echo: wrong wire type"},
        {"\x08\x42\x06\x0a\x04"
         "fail",
         9, "asked to fail"},
    };
    fixture *self = *state;
    assay_abci_server_state seen;
    client other = client_open(self->address);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client peer = client_open(self->address);
        client_ask(&peer, ASSAY_ABCI_CHECK_TX, "before");
        client_send(&peer, cases[i].bytes, cases[i].size);
        client_expect(&peer, ASSAY_ABCI_CHECK_TX, NULL);
        client_expect_refused(&peer, cases[i].part);
        client_close(&peer);
        client_ask(&other, ASSAY_ABCI_ECHO, "still here");
        client_expect(&other, ASSAY_ABCI_ECHO, "still here");
        assay_abci_server_state_get(self->server, &seen);
        assert_int_equal(seen.refused, i + 1);
        assert_non_null(strstr(seen.problem, cases[i].part));
    }
    client_close(&other);
}

// E-7: the Exception arrives although the peer sends on after its bad frame.
static void test_refused_while_sending(void **state) {
    fixture *self = *state;
    client peer = client_open(self->address);
    static uint8_t more[300000];
    client_send(&peer, "\x00", 1);
    client_send(&peer, more, sizeof more);
    client_expect_refused(&peer, "an empty request");
    client_close(&peer);
}

static void connections_wait(fixture *self, uint32_t count) {
    assay_abci_server_state seen;
    for (int turn = 0; turn < 1000; turn++) {
        assay_abci_server_state_get(self->server, &seen);
        if (seen.connections == count) return;
        usleep(10000);
    }
    fail_msg("%u connections, not %u", seen.connections, count);
}

// E-8: connections over the limit are closed at once, those below are served, and places free up.
static void test_flood(void **state) {
    fixture *self = *state;
    client peers[40];
    uint32_t number;
    assay_bytes content;
    for (int i = 0; i < 40; i++)
        peers[i] = client_open(self->address);
    for (int i = 4; i < 40; i++)
        assert_false(client_next(&peers[i], &number, &content));
    for (int i = 0; i < 4; i++) {
        client_ask(&peers[i], ASSAY_ABCI_ECHO, "in");
        client_expect(&peers[i], ASSAY_ABCI_ECHO, "in");
    }
    connections_wait(self, 4);
    for (int i = 0; i < 40; i++)
        client_close(&peers[i]);
    connections_wait(self, 0);
    client peer = client_open(self->address);
    client_ask(&peer, ASSAY_ABCI_ECHO, "in");
    client_expect(&peer, ASSAY_ABCI_ECHO, "in");
    client_close(&peer);
}

// E-8: for one connection there is no memory, and for those behind it again there is.
static void test_no_memory(void **state) {
    fixture *self = *state;
    enum { REFUSED = 20 };
    client peers[REFUSED];
    uint32_t number;
    assay_bytes content;
    atomic_store(&no_memory, true);
    for (int i = 0; i < REFUSED; i++)
        peers[i] = client_open(self->address);
    for (int i = 0; i < REFUSED; i++) {
        assert_false(client_next(&peers[i], &number, &content));
        client_close(&peers[i]);
    }
    atomic_store(&no_memory, false);
    assay_abci_server_state seen;
    assay_abci_server_state_get(self->server, &seen);
    assert_int_equal(seen.refused, REFUSED);
    assert_string_equal(seen.problem, "no memory for a connection");
    client peer = client_open(self->address);
    client_ask(&peer, ASSAY_ABCI_ECHO, "in");
    client_expect(&peer, ASSAY_ABCI_ECHO, "in");
    client_close(&peer);
}

static void *send_all(void *argument) {
    void **pair = argument;
    const assay_abci_buffer *out = pair[1];
    client_send(pair[0], out->data, out->size);
    return NULL;
}

// E-8: a peer that asks and does not read holds up itself alone, and what waits for it is bounded.
static void test_slow_reader(void **state) {
    enum { COUNT = 200, SIZE = 100000 };
    fixture *self = *state;
    client slow = client_open(self->address), other = client_open(self->address);
    assay_abci_buffer out = {0};
    assay_abci_server_state before, after;
    pthread_t sender;
    char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    for (int i = 0; i < COUNT; i++)
        frame_add(&out, ASSAY_ABCI_ECHO, text, SIZE);
    void *pair[] = {&slow, &out};
    pthread_create(&sender, NULL, send_all, pair);
    do { // until nothing moves any more
        assay_abci_server_state_get(self->server, &before);
        usleep(300000);
        assay_abci_server_state_get(self->server, &after);
    } while (after.requests == 0 || after.requests != before.requests);
    assert_true(after.requests * SIZE < 6u << 20); // two times the output's limit and the kernel's
    for (int i = 0; i < 100; i++) {
        client_ask(&other, ASSAY_ABCI_CHECK_TX, "quick");
        client_expect(&other, ASSAY_ABCI_CHECK_TX, NULL);
    }
    for (int i = 0; i < COUNT; i++) {
        uint32_t number;
        assay_bytes content;
        assert_true(client_next(&slow, &number, &content));
        assert_int_equal(number, ASSAY_ABCI_ECHO + 1);
        assert_memory_equal(content.data + content.size - SIZE, text, SIZE);
    }
    pthread_join(sender, NULL);
    assay_abci_buffer_close(&out);
    free(text);
    client_close(&slow);
    client_close(&other);
}

// E-6: a call that takes long delays no other connection.
static void test_slow_call(void **state) {
    fixture *self = *state;
    client busy = client_open(self->address), other = client_open(self->address);
    client_ask(&busy, ASSAY_ABCI_CHECK_TX, "wait");
    gate_wait(&self->app, 1);
    for (int i = 0; i < 100; i++) {
        client_ask(&other, ASSAY_ABCI_INFO, "");
        client_expect(&other, ASSAY_ABCI_INFO, "info");
    }
    gate_set(&self->app, true);
    client_expect(&busy, ASSAY_ABCI_CHECK_TX, NULL);
    client_close(&busy);
    client_close(&other);
}

// E-6: ten thousand CheckTx without a wait between them and one Flush at the end.
static void test_pipelined(void **state) {
    enum { COUNT = 10000 };
    fixture *self = *state;
    client peer = client_open(self->address);
    assay_abci_buffer out = {0};
    pthread_t sender;
    char text[256];
    for (int i = 0; i < COUNT; i++) {
        memset(text, 'x', sizeof text);
        int size = snprintf(text, sizeof text, "%d ", i);
        text[size] = 'x';
        frame_add(&out, ASSAY_ABCI_CHECK_TX, text, 200);
    }
    frame_add(&out, ASSAY_ABCI_FLUSH, "", 0);
    void *pair[] = {&peer, &out};
    pthread_create(&sender, NULL, send_all, pair);
    for (int i = 0; i < COUNT; i++) {
        uint32_t number;
        assay_bytes content;
        int size = snprintf(text, sizeof text, "%d ", i);
        assert_true(client_next(&peer, &number, &content));
        assert_int_equal(number, ASSAY_ABCI_CHECK_TX + 1);
        assert_int_equal(content.size, 203); // log 3 of 200 bytes
        assert_memory_equal(content.data + 3, text, (size_t)size);
    }
    client_expect(&peer, ASSAY_ABCI_FLUSH, NULL);
    pthread_join(sender, NULL);
    assert_int_equal(self->app.calls, COUNT);
    assay_abci_buffer_close(&out);
    client_close(&peer);
}

// E-8: peers that vanish in the middle of a frame, and before what they asked for is written.
static void test_vanishing_peers(void **state) {
    fixture *self = *state;
    assay_abci_server_state seen;
    client peer = client_open(self->address);
    client_send(&peer, "\x50\x42", 2);
    client_close(&peer);
    do {
        usleep(10000);
        assay_abci_server_state_get(self->server, &seen);
    } while (seen.refused == 0);
    assert_non_null(strstr(seen.problem, "2 bytes into a frame"));
    for (int i = 0; i < 20; i++) {
        peer = client_open(self->address);
        client_ask(&peer, ASSAY_ABCI_CHECK_TX, "wait");
        client_ask(&peer, ASSAY_ABCI_FLUSH, "");
        gate_wait(&self->app, 1);
        client_close(&peer);
        gate_set(&self->app, true);
        connections_wait(self, 0);
        gate_set(&self->app, false);
    }
    // Half a close: everything asked for is still answered.
    peer = client_open(self->address);
    client_ask(&peer, ASSAY_ABCI_ECHO, "last");
    shutdown(peer.fd, SHUT_WR);
    client_expect(&peer, ASSAY_ABCI_ECHO, "last");
    uint32_t number;
    assay_bytes content;
    assert_false(client_next(&peer, &number, &content));
    client_close(&peer);
}

static void *gate_open_later(void *argument) {
    usleep(100000);
    gate_set(argument, true);
    return NULL;
}

// E-8: closing waits for the calls in progress and for nothing else.
static void test_close_while_busy(void **state) {
    fixture *self = *state;
    pthread_t opener;
    client peers[4];
    for (int i = 0; i < 4; i++) {
        peers[i] = client_open(self->address);
        for (int j = 0; j < 100; j++)
            client_ask(&peers[i], ASSAY_ABCI_CHECK_TX, "wait");
    }
    gate_wait(&self->app, 4);
    pthread_create(&opener, NULL, gate_open_later, &self->app);
    assay_abci_server_close(self->server);
    self->server = NULL;
    pthread_join(opener, NULL);
    assert_in_range(self->app.calls, 4, 4 * 100);
    for (int i = 0; i < 4; i++)
        client_close(&peers[i]);
}

// E-1: a listener's file is not taken from it, a dead one's is, and another file stays.
static void test_socket_file(void **state) {
    fixture *self = *state;
    assay_abci_server *second;
    assay_abci_server_options options = options_of(self);
    char dead[128], plain[128];
    assert_int_equal(assay_abci_server_open(&second, &options, NULL), ASSAY_BUSY);
    assert_null(second);
    client peer = client_open(self->address); // the first one still listens
    client_ask(&peer, ASSAY_ABCI_ECHO, "here");
    client_expect(&peer, ASSAY_ABCI_ECHO, "here");
    client_close(&peer);

    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s/dead", self->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    close(fd);
    snprintf(dead, sizeof dead, "unix://%s/dead", self->folder);
    options.address = dead;
    must(assay_abci_server_open(&second, &options, err));
    assert_string_equal(assay_abci_server_address(second), dead);
    assay_abci_server_close(second);

    snprintf(plain, sizeof plain, "unix://%s/plain", self->folder);
    FILE *file = fopen(plain + 7, "w");
    assert_non_null(file);
    fclose(file);
    options.address = plain;
    assert_int_equal(assay_abci_server_open(&second, &options, NULL), ASSAY_EXISTS);
    assert_int_equal(unlink(plain + 7), 0);
}

// E-1: tcp with a port of its own choice; addresses that are none.
static void test_addresses(void **state) {
    fixture *self = *state;
    static const char *const bad[] = {"",
                                      "app.sock",
                                      "unix://",
                                      "tcp://",
                                      "tcp://127.0.0.1",
                                      "tcp://:1",
                                      "tcp://127.0.0.1:",
                                      "tcp://127.0.0.1:x",
                                      "grpc://127.0.0.1:1"};
    assay_abci_server *second;
    assay_abci_server_options options = options_of(self);
    char address[128], long_path[300];
    options.address = "tcp://127.0.0.1:0";
    must(assay_abci_server_open(&second, &options, err));
    snprintf(address, sizeof address, "%s", assay_abci_server_address(second));
    assert_string_not_equal(address, options.address);
    client peer = client_open(address);
    client_ask(&peer, ASSAY_ABCI_CHECK_TX, "over tcp");
    client_expect(&peer, ASSAY_ABCI_CHECK_TX, NULL);
    client_send(&peer, "\x00", 1);
    client_expect_refused(&peer, "an empty request");
    client_close(&peer);
    assay_abci_server *third;
    options.address = address;
    assert_int_equal(assay_abci_server_open(&third, &options, NULL), ASSAY_BUSY);
    assay_abci_server_close(second);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assay_error err = {0};
        options.address = bad[i];
        assert_int_equal(assay_abci_server_open(&second, &options, &err), ASSAY_USAGE);
        assert_null(second);
    }
    memset(long_path, 'x', sizeof long_path);
    memcpy(long_path, "unix://", 7);
    for (size_t size = 7 + 108; size < sizeof long_path; size += 100) {
        long_path[size] = 0;
        options.address = long_path;
        assert_int_equal(assay_abci_server_open(&second, &options, NULL), ASSAY_USAGE);
        long_path[size] = 'x';
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_fifo),
        TEST(test_flush),
        TEST(test_bytes),
        TEST(test_refused),
        TEST(test_flood),
        TEST(test_no_memory),
        TEST(test_refused_while_sending),
        TEST(test_slow_reader),
        TEST(test_slow_call),
        TEST(test_pipelined),
        TEST(test_socket_file),
        TEST(test_close_while_busy),
        TEST(test_addresses),
        TEST(test_vanishing_peers),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
