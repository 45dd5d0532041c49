// SPDX-License-Identifier: Apache-2.0
// Fetching from servers that misbehave, each a thread of this test (F-41, F-40).

#include "tests/test.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "node/http/client.h"
#include "tests/folder.h"
#include "tests/node/sockets.h"

static int listener;
static unsigned port;
static char folder[] = "/tmp/assay-fetch-XXXXXX";

static const assay_fetch_limits normal = {.size_max = 10000,
                                          .values_max = 100,
                                          .timeout_ms = 60000,
                                          .redirects_max = 3,
                                          .allow_private = true};

static void text_send(int fd, const char *head, const char *body) {
    char out[2048];
    int size = snprintf(out, sizeof out,
                        "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n%s",
                        head, strlen(body), body);
    test_send(fd, out, (size_t)size);
}

static void redirect_send(int fd, const char *to) {
    char head[512];
    snprintf(head, sizeof head, "302 Found\r\nLocation: %s", to);
    text_send(fd, head, "elsewhere");
}

// Streams until the other side has enough; slowly: a byte at a time.
static void stream_send(int fd, const char *head, bool slowly) {
    static const char bytes[4096] = {'x'};
    const struct timespec pause = {0, 20000000};
    test_send(fd, head, strlen(head));
    while (test_send(fd, bytes, slowly ? 1 : sizeof bytes))
        if (slowly) nanosleep(&pause, NULL);
}

static void answer(int fd, const char *path) {
    char self[64];
    if (strcmp(path, "/json") == 0) text_send(fd, "200 OK", "{\"a\":1}");
    if (strcmp(path, "/text") == 0) text_send(fd, "200 OK", "no JSON");
    if (strcmp(path, "/empty") == 0) text_send(fd, "200 OK", "");
    if (strcmp(path, "/missing") == 0) text_send(fd, "404 Not Found", "nothing here");
    if (strcmp(path, "/missing-json") == 0)
        text_send(fd, "404 Not Found",
                  "{\"error\":{\"code\":3,\"name\":\"NOT_FOUND\",\"reject\":0,"
                  "\"text\":\"no such batch\"}}");
    if (strcmp(path, "/rejected") == 0)
        text_send(fd, "422 Unprocessable",
                  "{\"error\":{\"code\":142,\"name\":\"REJECTED\",\"reject\":142,"
                  "\"text\":\"the balance is\\u0007 too small\"}}");
    if (strcmp(path, "/no-rule") == 0)
        text_send(fd, "422 No", "{\"error\":{\"name\":\"REJECTED\",\"reject\":0,\"text\":\"no\"}}");
    if (strcmp(path, "/no-text") == 0)
        text_send(fd, "404 No", "{\"error\":{\"name\":\"NOT_FOUND\",\"reject\":0,\"text\":\"\"}}");
    if (strcmp(path, "/odd-error") == 0)
        text_send(fd, "500 Oh", "{\"error\":{\"name\":\"OK\",\"reject\":-1}}");
    if (strcmp(path, "/five") == 0) text_send(fd, "500 Oh", "<html>");
    if (strcmp(path, "/five-json") == 0) text_send(fd, "503 Oh", "{\"b\":2}");
    if (strcmp(path, "/loop") == 0) redirect_send(fd, "/loop");
    if (strcmp(path, "/hop") == 0) redirect_send(fd, "/json");
    if (strcmp(path, "/to-file") == 0) redirect_send(fd, "file:///etc/hostname");
    if (strcmp(path, "/to-gopher") == 0) redirect_send(fd, "gopher://127.0.0.1/x");
    if (strcmp(path, "/to-nonsense") == 0) redirect_send(fd, "http://[");
    snprintf(self, sizeof self, "http://127.0.0.1:%u/json", port);
    if (strcmp(path, "/to-private") == 0) redirect_send(fd, self);
    if (strcmp(path, "/large") == 0) {
        char body[1001];
        memset(body, 'x', 1000);
        body[1000] = 0;
        text_send(fd, "200 OK", body);
    }
    if (strcmp(path, "/lies") == 0) // says a terabyte, sends it if one lets it
        stream_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", false);
    if (strcmp(path, "/endless") == 0)
        stream_send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false);
    if (strcmp(path, "/drip") == 0)
        stream_send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", true);
    if (strcmp(path, "/endless-head") == 0)
        for (test_send(fd, "HTTP/1.1 200 OK\r\n", 17); test_send(fd, "X: 0123456789\r\n", 15);) {
        }
    if (strcmp(path, "/cut") == 0)
        test_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", 40);
    if (strcmp(path, "/garbage") == 0) test_send(fd, "\x00\xff garbage\r\n\r\n", 13);
    char rest[16];
    if (strcmp(path, "/hang") == 0) test_receive(fd, rest, sizeof rest);
}

static void *connection_serve(void *context) {
    int fd = (int)(intptr_t)context;
    char head[4096] = "", path[256] = "";
    size_t size = 0;
    while (size + 1 < sizeof head && !strstr(head, "\r\n\r\n")) {
        ssize_t part = recv(fd, head + size, sizeof head - 1 - size, 0);
        if (part <= 0) break;
        size += (size_t)part;
        head[size] = 0;
    }
    sscanf(head, "%*s %255s", path);
    if (strcmp(path, "/echo") == 0) {
        char *body = strstr(head, "\r\n\r\n");
        text_send(fd, "200 OK", strstr(head, "POST /echo") && body ? body + 4 : "{}");
    } else {
        answer(fd, path);
    }
    // What was not read would turn the close into a reset that takes the answer with it.
    shutdown(fd, SHUT_WR);
    while (recv(fd, head, sizeof head, 0) > 0) {
    }
    close(fd);
    return NULL;
}

static void *server_main(void *context) {
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, connection_serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
    }
    return NULL;
}

static assay_status get(const char *path, const assay_fetch_limits *limits, assay_fetched *out,
                        assay_error *err) {
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    return assay_fetch(out, url, NULL, limits, err);
}

static void assert_refused(const char *path, const assay_fetch_limits *limits, assay_status status,
                           const char *words) {
    assay_fetched out;
    assay_error err = {0};
    assay_status found = get(path, limits, &out, &err);
    if (found != status || !strstr(err.text, words))
        fail_msg("%s: %s \"%s\"", path, assay_status_name(found), err.text);
    assert_null(out.body);
    assert_int_equal(err.status, status);
}

static void answers_come_back(void **state) {
    assay_fetched out;
    assert_int_equal(get("/json", &normal, &out, NULL), ASSAY_OK);
    assert_int_equal(out.code, 200);
    assert_int_equal(out.body_size, 7);
    assert_memory_equal(out.body, "{\"a\":1}", 7);
    free(out.body);
    assert_int_equal(get("/empty", &normal, &out, NULL), ASSAY_OK);
    assert_int_equal(out.body_size, 0);
    free(out.body);
    assert_int_equal(get("/five", &normal, &out, NULL), ASSAY_OK); // the caller's to judge
    assert_int_equal(out.code, 500);
    free(out.body);
    assert_refused("/missing", &normal, ASSAY_NOT_FOUND, "does not exist");
}

static void redirects_are_bounded(void **state) {
    assay_fetched out;
    assay_fetch_limits none = normal;
    none.redirects_max = 0;
    assert_int_equal(get("/hop", &normal, &out, NULL), ASSAY_OK);
    assert_memory_equal(out.body, "{\"a\":1}", 7);
    free(out.body);
    assert_refused("/hop", &none, ASSAY_FORBIDDEN, "redirects more than 0 times");
    assert_refused("/loop", &normal, ASSAY_FORBIDDEN, "redirects more than 3 times");
    assert_refused("/to-nonsense", &normal, ASSAY_FORMAT, "is no URL, or redirects to none");
}

static void redirects_stay_on_the_web(void **state) {
    assay_fetch_limits files = normal;
    files.allow_file = true; // a URL may be a file, a redirect never
    assert_refused("/to-file", &files, ASSAY_FORBIDDEN, "redirects to a scheme");
    assert_refused("/to-gopher", &normal, ASSAY_FORBIDDEN, "redirects to a scheme");
}

static void sizes_are_bounded(void **state) {
    assay_fetched out;
    assay_fetch_limits small = normal;
    small.size_max = 1000;
    assert_int_equal(get("/large", &small, &out, NULL), ASSAY_OK);
    assert_int_equal(out.body_size, 1000);
    free(out.body);
    small.size_max = 999;
    assert_refused("/large", &small, ASSAY_CAPACITY, "gives more than 999 bytes");
    assert_refused("/endless", &small, ASSAY_CAPACITY, "gives more than 999 bytes");
    assert_refused("/lies", &small, ASSAY_CAPACITY, "gives more than 999 bytes");
    assert_refused("/endless-head", &normal, ASSAY_CAPACITY, "65536 of head");
}

static void times_are_bounded(void **state) {
    struct timespec before, after;
    assay_fetch_limits hasty = normal;
    hasty.timeout_ms = 200;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_refused("/hang", &hasty, ASSAY_TIMEOUT, "took longer than 200 ms");
    assert_refused("/drip", &hasty, ASSAY_TIMEOUT, "took longer than 200 ms");
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 30);
}

static void broken_answers_are_network_failures(void **state) {
    assert_refused("/cut", &normal, ASSAY_NETWORK, "cannot fetch");
    assert_refused("/garbage", &normal, ASSAY_NETWORK, "cannot fetch");
    assert_refused("/nothing", &normal, ASSAY_NETWORK, "cannot fetch"); // closes without a byte
    unsigned closed;
    char url[64];
    assay_fetched out;
    close(test_listen(&closed));
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", closed);
    assert_int_equal(assay_fetch(&out, url, NULL, &normal, NULL), ASSAY_NETWORK);
}

static void private_addresses_need_leave(void **state) {
    static const char *const hosts[] = {
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.1.2.3",
        "192.168.1.1",
        "172.16.9.9",
        "100.64.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[64:ff9b::7f00:1]",
    };
    assay_fetch_limits strict = normal;
    strict.allow_private = false;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char url[128];
        assay_fetched out;
        assay_error err = {0};
        snprintf(url, sizeof url, "http://%s:%u/json", hosts[i], port);
        if (assay_fetch(&out, url, NULL, &strict, &err) != ASSAY_FORBIDDEN ||
            !strstr(err.text, "leads to a private address"))
            fail_msg("%s: %s", url, err.text);
        assert_int_equal(out.lacks, ASSAY_LEAVE_PRIVATE);
    }
    assert_refused("/to-private", &strict, ASSAY_FORBIDDEN, "leads to a private address");
}

static void proxies_are_not_asked(void **state) {
    char url[64];
    assay_fetched out;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(get("/json", &normal, &out, NULL), ASSAY_OK);
    free(out.body);
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void only_allowed_schemes_are_fetched(void **state) {
    static const struct {
        const char *url;
        assay_status status;
    } cases[] = {
        {"ftp://127.0.0.1/x", ASSAY_FORBIDDEN},
        {"gopher://127.0.0.1/x", ASSAY_FORBIDDEN},
        {"dict://127.0.0.1/x", ASSAY_FORBIDDEN},
        {"smb://127.0.0.1/x", ASSAY_FORBIDDEN},
        {"file:///etc/hostname", ASSAY_FORBIDDEN},
        {"127.0.0.1/x", ASSAY_FORMAT},
        {"", ASSAY_FORMAT},
        {"http://", ASSAY_FORMAT},
        {"http:///", ASSAY_FORMAT},
        {"http://[::1", ASSAY_FORMAT},
        {"http://a b/", ASSAY_FORMAT},
        {"http://127.0.0.1:99999/", ASSAY_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_fetched out;
        assay_error err = {0};
        assay_status status = assay_fetch(&out, cases[i].url, NULL, &normal, &err);
        if (status != cases[i].status)
            fail_msg("\"%s\": %s \"%s\"", cases[i].url, assay_status_name(status), err.text);
        bool file = strncmp(cases[i].url, "file:", 5) == 0;
        assert_int_equal(out.lacks, file ? ASSAY_LEAVE_FILE : ASSAY_LEAVE_NONE);
    }
}

static void files_need_leave_and_are_bounded(void **state) {
    char path[64], url[128];
    assay_fetched out;
    assay_fetch_limits files = {.size_max = 10, .allow_file = true};
    snprintf(path, sizeof path, "%s/a b", folder);
    snprintf(url, sizeof url, "file://%s/a%%20b", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("0123456789", file);
    fclose(file);
    assert_int_equal(assay_fetch(&out, url, NULL, &files, NULL), ASSAY_OK);
    assert_int_equal(out.code, 200);
    assert_int_equal(out.body_size, 10);
    free(out.body);
    files.size_max = 9;
    assert_int_equal(assay_fetch(&out, url, NULL, &files, NULL), ASSAY_CAPACITY);
    assert_int_equal(assay_fetch(&out, url, &(assay_bytes){(const uint8_t *)"", 0}, &files, NULL),
                     ASSAY_FORBIDDEN); // nobody posts to a file
    assert_int_equal(out.lacks, ASSAY_LEAVE_NONE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(assay_fetch(&out, url, NULL, &files, NULL), ASSAY_NOT_FOUND);
    assert_int_equal(mkfifo(path, 0600), 0); // would never open
    assert_int_equal(assay_fetch(&out, url, NULL, &files, NULL), ASSAY_IO);
    assert_int_equal(unlink(path), 0);
    snprintf(url, sizeof url, "file://%s", folder);
    assert_int_equal(assay_fetch(&out, url, NULL, &files, NULL), ASSAY_IO);
    assert_int_equal(assay_fetch(&out, "file:///dev/zero", NULL, &files, NULL), ASSAY_IO);
    assert_int_equal(assay_fetch(&out, "file://elsewhere/etc/hostname", NULL, &files, NULL),
                     ASSAY_FORMAT);
}

// A zeroed struct allows nothing.
static void no_limits_are_the_strictest(void **state) {
    static const assay_fetch_limits none;
    assay_fetched out;
    assert_int_not_equal(get("/json", &none, &out, NULL), ASSAY_OK);
    assert_int_not_equal(get("/hang", &none, &out, NULL), ASSAY_OK);
}

static void json_is_read(void **state) {
    char url[64];
    json_t *out;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/json", port);
    assert_int_equal(assay_fetch_json(&out, url, NULL, &normal, NULL), ASSAY_OK);
    assert_int_equal(json_integer_value(json_object_get(out, "a")), 1);
    json_decref(out);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/echo", port);
    assert_int_equal(assay_fetch_json(&out, url, json_pack("{s:i}", "b", 7), &normal, NULL),
                     ASSAY_OK);
    assert_int_equal(json_integer_value(json_object_get(out, "b")), 7);
    json_decref(out);
}

// {"a":1} has three: what asks more than its caller's count is refused before it is parsed.
static void answers_of_many_values_are_refused(void **state) {
    char url[64];
    json_t *out;
    assay_error err = {0};
    assay_fetch_limits limits = normal;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/json", port);
    limits.values_max = 3;
    assert_int_equal(assay_fetch_json(&out, url, NULL, &limits, NULL), ASSAY_OK);
    json_decref(out);
    limits.values_max = 2;
    assert_int_equal(assay_fetch_json(&out, url, NULL, &limits, &err), ASSAY_CAPACITY);
    assert_non_null(strstr(err.text, "answer has 3 values and names, limit 2"));
    assert_null(out);
}

static void errors_of_others_become_ours(void **state) {
    static const struct {
        const char *path;
        assay_status status;
        uint32_t reject;
        const char *words;
    } cases[] = {
        {"/missing-json", ASSAY_NOT_FOUND, 0, "no such batch"},
        {"/missing", ASSAY_NOT_FOUND, 0, "answers with HTTP 404"},
        {"/rejected", ASSAY_REJECTED, 142, "the balance is? too small"},
        {"/odd-error", ASSAY_NETWORK, 0, "/odd-error"},
        {"/no-rule", ASSAY_NETWORK, 0, "no"}, // error 0 would be none
        {"/no-text", ASSAY_NOT_FOUND, 0, "/no-text"},
        {"/five", ASSAY_NETWORK, 0, "answers with HTTP 500"},
        {"/five-json", ASSAY_NETWORK, 0, "answers with HTTP 503"},
        {"/text", ASSAY_FORMAT, 0, "answer line 1"},
        {"/empty", ASSAY_FORMAT, 0, "answer line 1"},
        {"/cut", ASSAY_NETWORK, 0, "cannot fetch"},
        {"/endless", ASSAY_CAPACITY, 0, "gives more"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char url[64];
        json_t *out;
        assay_error err = {0};
        snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, cases[i].path);
        assay_status status = assay_fetch_json(&out, url, NULL, &normal, &err);
        if (status != cases[i].status || err.reject != cases[i].reject ||
            !strstr(err.text, cases[i].words))
            fail_msg("%s: %s %u \"%s\"", url, assay_status_name(status), err.reject, err.text);
        assert_null(out);
    }
}

static int server_start(void **state) {
    pthread_t thread;
    listener = test_listen(&port);
    test_folder_make(folder);
    return pthread_create(&thread, NULL, server_main, NULL) || pthread_detach(thread);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_back),
        cmocka_unit_test(redirects_are_bounded),
        cmocka_unit_test(redirects_stay_on_the_web),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(times_are_bounded),
        cmocka_unit_test(broken_answers_are_network_failures),
        cmocka_unit_test(private_addresses_need_leave),
        cmocka_unit_test(proxies_are_not_asked),
        cmocka_unit_test(only_allowed_schemes_are_fetched),
        cmocka_unit_test(files_need_leave_and_are_bounded),
        cmocka_unit_test(no_limits_are_the_strictest),
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(answers_of_many_values_are_refused),
        cmocka_unit_test(errors_of_others_become_ours),
    };
    return cmocka_run_group_tests(tests, server_start, NULL);
}
