// SPDX-License-Identifier: Apache-2.0
// The HTTP server's limits, spoken to over plain sockets (F-40).

#include "tests/test.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "node/http/server.h"
#include "tests/node/sockets.h"

enum { BODY_MAX = 1000 };

static sem_t gate; // of /slow
static atomic_uint calls, gate_waiters;

static void gate_pass(void) {
    gate_waiters++;
    sem_wait(&gate);
    gate_waiters--;
}

// After each that closes it: whom one that failed left there holds up no other.
static int gate_clear(void **state) {
    for (; gate_waiters; nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL))
        sem_post(&gate);
    while (sem_trywait(&gate) == 0) {
    }
    return 0;
}

// Tells what it was asked; /slow waits at the gate first.
static void echo(void *context, const assay_http_request *request, assay_http_reply *reply) {
    calls++;
    if (strcmp(request->path, "/slow") == 0) gate_pass();
    json_t *arguments = json_object();
    for (uint32_t i = 0; i < request->argument_count; i++)
        json_object_set_new(arguments, request->arguments[i].name,
                            json_string(request->arguments[i].value));
    const char *x = assay_http_argument(request, "x");
    assay_http_reply_json(reply, 200,
                          json_pack("{s:s,s:s,s:i,s:o,s:s*}", "method", request->method, "path",
                                    request->path, "size", (int)request->body.size, "arguments",
                                    arguments, "x", x));
}

static unsigned head_seconds; // of the servers opened next

static const char *listen_host = "127.0.0.1";

static assay_http_server *server_open(unsigned connections, unsigned rate) {
    assay_http_server *server;
    assay_error err = {0};
    char listen[32];
    snprintf(listen, sizeof listen, "%s:0", listen_host);
    assay_http_options options = {.listen = listen,
                                  .body_max = BODY_MAX,
                                  .connections_max = connections,
                                  .requests_per_second = rate,
                                  .head_seconds = head_seconds,
                                  .handle = echo};
    if (assay_http_server_open(&server, &options, &err) != ASSAY_OK) fail_msg("%s", err.text);
    return server;
}

// One request on a connection of its own, and everything that comes back.
static void ask(const assay_http_server *server, char *out, size_t capacity, const char *request) {
    int fd = test_connect(assay_http_server_url(server));
    test_send(fd, request, strlen(request));
    test_receive(fd, out, capacity);
    close(fd);
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void requests_arrive_whole(void **state) {
    char out[4096];
    assay_http_server *server = server_open(8, 0);
    ask(server, out, sizeof out,
        "POST /a%20b/c?x=1%262&y HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
        "Content-Length: 5\r\n\r\nhello");
    assert_has(out, "HTTP/1.1 200");
    assert_has(out, "Content-Type: application/json");
    assert_has(out, "X-Content-Type-Options: nosniff");
    assert_has(out, "\"method\":\"POST\",\"path\":\"/a b/c\",\"size\":5");
    assert_has(out, "\"arguments\":{\"x\":\"1&2\",\"y\":\"\"},\"x\":\"1&2\"");
    // A HEAD is a GET whose reply has no body.
    ask(server, out, sizeof out, "HEAD / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    assert_has(out, "HTTP/1.1 200");
    assert_null(strstr(out, "method"));
    assay_http_server_close(server);
}

static void bodies_are_bounded(void **state) {
    char out[4096], request[8192];
    assay_http_server *server = server_open(8, 0);
    // By the length it announces, before a byte of it: where it is far over the limit, or where the
    // client asks first.
    calls = 0;
    ask(server, out, sizeof out, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2001\r\n\r\n");
    assert_has(out, "HTTP/1.1 413");
    assert_has(out, "\"name\":\"CAPACITY\"");
    assert_has(out, "body of 2001 bytes, limit 1000");
    ask(server, out, sizeof out,
        "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    assert_has(out, "HTTP/1.1 413");
    // Otherwise after the last one, so that a client that sends first gets to read it.
    snprintf(request, sizeof request,
             "POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
             "Content-Length: 2000\r\n\r\n%02000d",
             1);
    ask(server, out, sizeof out, request);
    assert_has(out, "HTTP/1.1 413");
    assert_has(out, "body of 2000 bytes, limit 1000");
    // By what comes, when no length is announced.
    int length = snprintf(request, sizeof request,
                          "POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n4b0\r\n%01200d\r\n0\r\n\r\n",
                          1);
    assert_true(length > 1200);
    ask(server, out, sizeof out, request);
    assert_has(out, "HTTP/1.1 413");
    assert_has(out, "body of 1200 bytes, limit 1000");
    assert_int_equal(calls, 0);
    // One that never ends is cut off.
    int fd = test_connect(assay_http_server_url(server));
    const char *head = "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_true(test_send(fd, head, strlen(head)));
    size_t sent = 0;
    char chunk[4 + 2 + 256 + 2];
    snprintf(chunk, sizeof chunk, "0100\r\n%0256d\r", 1);
    chunk[sizeof chunk - 1] = '\n';
    while (sent < (64 << 20) && test_send(fd, chunk, sizeof chunk))
        sent += sizeof chunk;
    assert_true(sent < (64 << 20));
    close(fd);
    assert_int_equal(calls, 0);
    // The limit itself is allowed.
    length = snprintf(request, sizeof request,
                      "POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"
                      "Content-Length: 1000\r\n\r\n%01000d",
                      1);
    ask(server, out, sizeof out, request);
    assert_has(out, "\"size\":1000");
    assay_http_server_close(server);
}

// Sixteen bodies, all but their last bytes, leave no room for one more until one of them ends.
static void bodies_are_bounded_together(void **state) {
    enum { BODIES = 16 };
    char out[4096], request[BODY_MAX + 256];
    int fds[BODIES];
    bool again = true;
    assay_http_server *server = server_open(32, 0);
    const char *one =
        "POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 2\r\n\r\n42";
    int length = snprintf(request, sizeof request,
                          "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%0*d", BODY_MAX,
                          BODY_MAX - 1, 1);
    // Until all of them have arrived. One that asks meanwhile has a few bytes of the room, and may
    // so crowd out the last of them: that one is sent anew.
    for (int i = 0; i < 400 && again; i++) {
        if (i >= BODIES) close(fds[i % BODIES]);
        fds[i % BODIES] = test_connect(assay_http_server_url(server));
        assert_true(test_send(fds[i % BODIES], request, (size_t)length));
        if (i < BODIES - 1) continue;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        ask(server, out, sizeof out, one);
        again = strstr(out, "HTTP/1.1 200") != NULL;
    }
    assert_has(out, "HTTP/1.1 503");
    assert_has(out, "take up the 16000 bytes for all of them");
    close(fds[0]);
    for (int i = 0; i < 400 && !again; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        ask(server, out, sizeof out, one);
        again = strstr(out, "HTTP/1.1 200") != NULL;
    }
    assert_true(again);
    for (int i = 1; i < BODIES; i++)
        close(fds[i]);
    assay_http_server_close(server);
}

static void heads_are_bounded(void **state) {
    static char out[4096], request[80000];
    assay_http_server *server = server_open(8, 0);
    snprintf(request, sizeof request, "GET /%01100d HTTP/1.1\r\nHost: t\r\n\r\n", 1);
    ask(server, out, sizeof out, request);
    assert_has(out, "HTTP/1.1 414");
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: t\r\nA: %070000d\r\n\r\n", 1);
    ask(server, out, sizeof out, request);
    assert_has(out, "HTTP/1.1 431"); // libmicrohttpd's own limit, and its page
    assert_has(out, "<html>");
    ask(server, out, sizeof out,
        "GET /?a&b&c&d&e&f&g&h&i HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    assert_has(out, "HTTP/1.1 400");
    assert_has(out, "more than 8 query arguments");
    ask(server, out, sizeof out, "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: x\r\n\r\n");
    assert_has(out, "HTTP/1.1 400");
    assert_has(out, "<html>");
    ask(server, out, sizeof out, "nonsense\r\n\r\n");
    assert_null(strstr(out, "200"));
    assay_http_server_close(server);
}

static void rates_are_bounded(void **state) {
    char out[4096];
    unsigned good = 0, refused = 0;
    struct timespec begun, ended;
    assay_http_server *server = server_open(8, 5);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < 30; i++) {
        ask(server, out, sizeof out, "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
        good += strstr(out, "HTTP/1.1 200") != NULL;
        refused += strstr(out, "HTTP/1.1 429") != NULL;
        if (strstr(out, "HTTP/1.1 429")) assert_has(out, "Retry-After: 1");
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_int_equal(good + refused, 30);
    // The allowance of each second there was, however they fall.
    assert_in_range(good, 5, 5 * (ended.tv_sec - begun.tv_sec + 1));
    assay_http_server_close(server);
}

static void *connection_hold(void *context) {
    static char out[4096];
    ask(context, out, sizeof out, "GET /slow HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    return out;
}

static void calls_await(unsigned count) {
    const struct timespec pause = {0, 5000000};
    for (int i = 0; i < 2000 && calls < count; i++)
        nanosleep(&pause, NULL);
    assert_int_equal(calls, count);
}

static void connections_are_bounded(void **state) {
    char out[4096];
    pthread_t thread;
    void *answer;
    calls = 0;
    assay_http_server *server = server_open(1, 0);
    assert_int_equal(pthread_create(&thread, NULL, connection_hold, server), 0);
    calls_await(1);
    // The second one is closed without an answer, and the first one's is not disturbed.
    ask(server, out, sizeof out, "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    assert_string_equal(out, "");
    sem_post(&gate);
    pthread_join(thread, &answer);
    assert_has(answer, "HTTP/1.1 200");
    assay_http_server_close(server);
}

// An address of this machine that is not loopback's: the one it would speak to the world from.
// Returns: false if there is none. Nothing is sent.
static bool own_address(char out[INET_ADDRSTRLEN]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "203.0.113.9", &address.sin_addr);
    bool known = connect(fd, (struct sockaddr *)&address, size) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    close(fd);
    return known && inet_ntop(AF_INET, &address.sin_addr, out, INET_ADDRSTRLEN);
}

// A peer has a quarter of the connections, and this machine is none.
static void a_peer_has_its_share_of_connections(void **state) {
    char host[INET_ADDRSTRLEN], out[64];
    int fds[8];
    if (!own_address(host)) {
        print_message("skipped: this machine has no address but loopback's\n");
        skip();
    }
    listen_host = "0.0.0.0";
    assay_http_server *server = server_open(8, 0);
    listen_host = "127.0.0.1";
    const char *request = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";
    for (int i = 0; i < 8; i++) {
        fds[i] = test_connect_to(i < 3 ? host : "127.0.0.1", assay_http_server_url(server));
        test_send(fds[i], request, strlen(request));
        ssize_t got = recv(fds[i], out, sizeof out - 1, 0);
        out[got > 0 ? got : 0] = 0;
        if (i == 2)
            assert_string_equal(out, "");
        else
            assert_has(out, "HTTP/1.1 200");
    }
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    assay_http_server_close(server);
}

// Nor has it all the memory of bodies: five of one peer, all but their last bytes, are one too
// many, while this machine is served.
static void a_peer_has_its_share_of_bodies(void **state) {
    char host[INET_ADDRSTRLEN], out[4096], request[BODY_MAX + 256];
    int fds[5];
    bool refused = false;
    if (!own_address(host)) {
        print_message("skipped: this machine has no address but loopback's\n");
        skip();
    }
    listen_host = "0.0.0.0";
    assay_http_server *server = server_open(64, 0);
    listen_host = "127.0.0.1";
    const char *one =
        "POST / HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 2\r\n\r\n42";
    int length = snprintf(request, sizeof request,
                          "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%0*d", BODY_MAX,
                          BODY_MAX - 1, 1);
    for (int i = 0; i < 5; i++) {
        fds[i] = test_connect_to(host, assay_http_server_url(server));
        assert_true(test_send(fds[i], request, (size_t)length));
    }
    for (int i = 0; i < 400 && !refused; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        int fd = test_connect_to(host, assay_http_server_url(server));
        assert_true(test_send(fd, one, strlen(one)));
        test_receive(fd, out, sizeof out);
        close(fd);
        refused = strstr(out, "HTTP/1.1 503") != NULL;
    }
    assert_true(refused);
    assert_has(out, "or one peer's 4000");
    ask(server, out, sizeof out, one);
    assert_has(out, "HTTP/1.1 200");
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    assay_http_server_close(server);
}

// Sends a letter of a head every 50 ms, for 20 s. Returns: whether the other side has enough.
static bool drip_ends(int fd) {
    const struct timespec pause = {0, 50000000};
    char byte;
    test_send(fd, "GET / HTTP/1.1\r\nA: ", 19);
    for (int i = 0; i < 400; i++) {
        if (!test_send(fd, "b", 1) || recv(fd, &byte, 1, MSG_DONTWAIT) == 0) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

// Bytes that keep coming keep no connection open, neither with its first head nor with a later one;
// a handler that takes longer than a head may is not disturbed.
static void heads_that_drip_are_cut_off(void **state) {
    char out[4096];
    pthread_t thread;
    void *answer;
    calls = 0;
    head_seconds = 3; // a head that is sent at once is in time on a slow machine, too
    assay_http_server *server = server_open(2, 0);
    head_seconds = 0;
    assert_int_equal(pthread_create(&thread, NULL, connection_hold, server), 0);
    calls_await(1);
    int fd = test_connect(assay_http_server_url(server));
    assert_true(drip_ends(fd));
    close(fd);
    fd = test_connect(assay_http_server_url(server));
    const char *request = "GET /first HTTP/1.1\r\nHost: t\r\n\r\n";
    assert_true(test_send(fd, request, strlen(request)));
    ssize_t size = recv(fd, out, sizeof out - 1, 0);
    assert_true(size > 0);
    out[size] = 0;
    assert_has(out, "HTTP/1.1 200");
    assert_true(drip_ends(fd));
    close(fd);
    sem_post(&gate);
    pthread_join(thread, &answer);
    assert_has(answer, "HTTP/1.1 200");
    // There is room again for whoever asks in time.
    ask(server, out, sizeof out, "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    assert_has(out, "HTTP/1.1 200");
    assay_http_server_close(server);
}

static void *gate_open_later(void *context) {
    const struct timespec pause = {0, 300000000};
    nanosleep(&pause, NULL);
    sem_post(&gate);
    return NULL;
}

static void closing_waits_for_the_answer(void **state) {
    pthread_t asker, opener;
    void *answer;
    calls = 0;
    assay_http_server *server = server_open(8, 0);
    assert_int_equal(pthread_create(&asker, NULL, connection_hold, server), 0);
    calls_await(1);
    assert_int_equal(pthread_create(&opener, NULL, gate_open_later, NULL), 0);
    assay_http_server_close(server);
    pthread_join(asker, &answer);
    pthread_join(opener, NULL);
    assert_has(answer, "HTTP/1.1 200");
    assert_has(answer, "\"path\":\"/slow\"");
}

// Whoever waits for it may go on serving meanwhile; what comes new is refused.
static void draining_ends_no_answer(void **state) {
    pthread_t asker;
    void *answer;
    char out[4096];
    assay_http_server *server = server_open(8, 0);
    int fd = test_connect(assay_http_server_url(server));
    const char *request = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";
    assert_true(test_send(fd, request, strlen(request)));
    assert_true(recv(fd, out, sizeof out, 0) > 0); // before it takes no more connections
    calls = 0;
    assert_int_equal(pthread_create(&asker, NULL, connection_hold, server), 0);
    calls_await(1);
    assay_http_server_drain(server, 1);
    assay_http_server_drain(server, 1);
    assert_int_equal(calls, 1);
    request = "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    assert_true(test_send(fd, request, strlen(request)));
    test_receive(fd, out, sizeof out);
    close(fd);
    assert_has(out, "\"name\":\"STOPPED\"");
    sem_post(&gate);
    pthread_join(asker, &answer);
    assert_has(answer, "HTTP/1.1 200");
    assay_http_server_close(server);
}

static void addresses_are_checked(void **state) {
    static const char *const bad[] = {
        "",
        ":",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:",
        "host:1",
        "127.0.0:1",
        "[::1]",
        "[::1",
        "::1:1",
        "[127.0.0.1]:1",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "127.0.0.1:0x10",
        "[]:1",
        "0123456789012345678901234567890123456789012345678901234567890123456789:1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assay_error err = {0};
        assay_status status = assay_http_listen_check(bad[i], &err);
        if (status != ASSAY_USAGE && status != ASSAY_RANGE)
            fail_msg("\"%s\": %s", bad[i], assay_status_name(status));
        assay_http_server *server;
        assay_http_options options = {.listen = bad[i], .connections_max = 1, .handle = echo};
        assert_int_equal(assay_http_server_open(&server, &options, NULL), status);
        assert_null(server);
    }
    assert_int_equal(assay_http_listen_check("0.0.0.0:80", NULL), ASSAY_OK);
    assert_int_equal(assay_http_listen_check("localhost:0", NULL), ASSAY_OK);
    assert_int_equal(assay_http_listen_check("[::]:65535", NULL), ASSAY_OK);
}

static void a_port_in_use_is_told(void **state) {
    assay_error err = {0};
    assay_http_server *server = server_open(8, 0), *second;
    const char *address = assay_http_server_url(server) + strlen("http://");
    assay_http_options options = {.listen = address, .connections_max = 1, .handle = echo};
    assert_int_equal(assay_http_server_open(&second, &options, &err), ASSAY_BUSY);
    assert_null(second);
    assert_has(err.text, address);
    assay_http_server_close(server);
    // 192.0.2.0/24 is nobody's (RFC 5737).
    options.listen = "192.0.2.1:0";
    assert_int_not_equal(assay_http_server_open(&second, &options, &err), ASSAY_OK);
    assert_has(err.text, "cannot listen on 192.0.2.1:0");
}

// F-40's table.
static void statuses_have_http_statuses(void **state) {
    static const struct {
        assay_status status;
        unsigned code;
    } pairs[] = {
        {ASSAY_NOT_FOUND, 404}, {ASSAY_UNSUPPORTED, 405}, {ASSAY_CAPACITY, 413},
        {ASSAY_REJECTED, 422},  {ASSAY_BUSY, 503},        {ASSAY_STOPPED, 503},
        {ASSAY_TIMEOUT, 504},   {ASSAY_FORBIDDEN, 403},   {ASSAY_EXISTS, 409},
        {ASSAY_USAGE, 400},     {ASSAY_FORMAT, 400},      {ASSAY_RANGE, 400},
        {ASSAY_SIGNATURE, 400}, {ASSAY_CORRUPT, 500},     {ASSAY_MEMORY, 500},
        {ASSAY_IO, 500},        {ASSAY_DISK_FULL, 500},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assay_http_reply reply = {0};
        assay_error err = {0};
        assay_fail(&err, pairs[i].status, pairs[i].status == ASSAY_REJECTED ? 142 : 0, "so");
        assay_http_reply_error(&reply, &err);
        assert_int_equal(reply.code, pairs[i].code);
        json_t *body = json_loadb((char *)reply.body, reply.body_size, 0, NULL);
        json_t *error = json_object_get(body, "error");
        assert_int_equal(json_integer_value(json_object_get(error, "code")),
                         pairs[i].status == ASSAY_REJECTED ? 142 : (int)pairs[i].status);
        assert_string_equal(json_string_value(json_object_get(error, "name")),
                            assay_status_name(pairs[i].status));
        assert_string_equal(json_string_value(json_object_get(error, "text")), "so");
        json_decref(body);
        free(reply.body);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_arrive_whole),
        cmocka_unit_test(bodies_are_bounded),
        cmocka_unit_test(bodies_are_bounded_together),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(rates_are_bounded),
        cmocka_unit_test_teardown(connections_are_bounded, gate_clear),
        cmocka_unit_test(a_peer_has_its_share_of_connections),
        cmocka_unit_test(a_peer_has_its_share_of_bodies),
        cmocka_unit_test_teardown(heads_that_drip_are_cut_off, gate_clear),
        cmocka_unit_test_teardown(closing_waits_for_the_answer, gate_clear),
        cmocka_unit_test_teardown(draining_ends_no_answer, gate_clear),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(a_port_in_use_is_told),
        cmocka_unit_test(statuses_have_http_statuses),
    };
    sem_init(&gate, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
