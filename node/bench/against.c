// SPDX-License-Identifier: Apache-2.0
#include "node/bench/against.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "node/measure.h"

enum { OUTPUT_MAX = 1 << 20, OUTPUT_VALUES_MAX = 1 << 16 };

static double entry_number(const json_t *entry, const char *name) {
    return json_number_value(json_object_get(entry, name));
}

static void list_parse(assay_bench_rates *out, const json_t *list) {
    size_t index;
    json_t *entry;
    json_array_foreach((json_t *)list, index, entry) {
        bool prompt = entry_number(entry, "n_prompt") > 0, gen = entry_number(entry, "n_gen") > 0;
        if (prompt == gen) continue;
        *(prompt ? &out->prefill : &out->decode) = entry_number(entry, "avg_ts");
    }
}

// "<word> <number>" at the start of a line.
static bool line_parse(double *out, const char *line, const char *word) {
    size_t size = strlen(word);
    char *end;
    if (strncmp(line, word, size) != 0 || (line[size] != ' ' && line[size] != '\t')) return false;
    double value = strtod(line + size, &end);
    if (end == line + size || (*end && !isspace((unsigned char)*end))) return false;
    *out = value;
    return true;
}

assay_status assay_bench_rates_parse(assay_bench_rates *out, const char *text, size_t size,
                                     assay_error *err) {
    *out = (assay_bench_rates){0};
    const char *at = text + strspn(text, " \t\r\n");
    if (*at == '[') {
        json_t *list;
        ASSAY_TRY(assay_json_parse_many(&list, text, size, OUTPUT_MAX, OUTPUT_VALUES_MAX,
                                        "the command's output", err));
        list_parse(out, list);
        json_decref(list);
    } else {
        for (const char *line = text; line; line = strchr(line, '\n')) {
            line += *line == '\n';
            line_parse(&out->prefill, line, "prefill");
            line_parse(&out->decode, line, "decode");
        }
    }
    bool legal = out->prefill >= 0 && out->decode >= 0 && out->prefill < 1e15 &&
                 out->decode < 1e15 && (out->prefill > 0 || out->decode > 0);
    if (legal) return ASSAY_OK;
    return ASSAY_FAIL(err, FORMAT,
                      "no line 'prefill X' or 'decode X' (tokens/s) in the output, "
                      "nor llama-bench's JSON");
}

// In a process group of its own, with standard output into a pipe.
static assay_status command_start(pid_t *pid, int *output, const char *command, assay_error *err) {
    int ends[2];
    char *arguments[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0) return assay_fail_errno(err, errno, "cannot make a pipe");
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int code = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    *output = ends[0];
    if (code == 0) return ASSAY_OK;
    close(ends[0]);
    return assay_fail_errno(err, code, "cannot run /bin/sh");
}

// Reads to the end of the output, and not beyond the deadline.
static assay_status output_read(char *text, size_t *size, int output, double deadline,
                                unsigned timeout_s, assay_error *err) {
    *size = 0;
    for (;;) {
        double left = deadline - assay_measure_seconds();
        struct pollfd ready = {.fd = output, .events = POLLIN};
        int count = left > 0 ? poll(&ready, 1, (int)(left * 1000) + 1) : 0;
        if (count < 0 && errno == EINTR) continue;
        if (count == 0)
            return ASSAY_FAIL(err, TIMEOUT, "the command runs longer than %u s", timeout_s);
        ssize_t got = count < 0 ? -1 : read(output, text + *size, OUTPUT_MAX + 1 - *size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return assay_fail_errno(err, errno, "cannot read the command's output");
        if (got == 0) return ASSAY_OK;
        *size += (size_t)got;
        if (*size > OUTPUT_MAX)
            return ASSAY_FAIL(err, CAPACITY, "more than %d bytes of output", OUTPUT_MAX);
    }
}

// A command may close its output and stay: it has until the deadline too.
static assay_status command_end(pid_t pid, assay_status status, double deadline, unsigned timeout_s,
                                assay_error *err) {
    enum { LOOK_US = 2000 };
    int code = 0;
    while (status == ASSAY_OK && waitpid(pid, &code, WNOHANG) == 0) {
        if (assay_measure_seconds() > deadline)
            status = ASSAY_FAIL(err, TIMEOUT, "the command runs longer than %u s", timeout_s);
        usleep(LOOK_US);
    }
    if (status != ASSAY_OK) {
        kill(-pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (status != ASSAY_OK || code == 0) return status;
    return ASSAY_FAIL(err, NOT_FOUND, "the command ended with %s %d",
                      WIFEXITED(code) ? "exit code" : "signal",
                      WIFEXITED(code) ? WEXITSTATUS(code) : WTERMSIG(code));
}

assay_status assay_bench_against_run(assay_bench_rates *out, const char *command,
                                     unsigned timeout_s, assay_error *err) {
    pid_t pid;
    int output;
    size_t size;
    *out = (assay_bench_rates){0};
    char *text = calloc(OUTPUT_MAX + 2, 1);
    if (!text) return ASSAY_FAIL(err, MEMORY, "no memory for %d bytes of output", OUTPUT_MAX);
    assay_status status = command_start(&pid, &output, command, err);
    if (status == ASSAY_OK) {
        double deadline = assay_measure_seconds() + timeout_s;
        status = output_read(text, &size, output, deadline, timeout_s, err);
        close(output);
        status = command_end(pid, status, deadline, timeout_s, err);
    }
    if (status == ASSAY_OK) status = assay_bench_rates_parse(out, text, size, err);
    free(text);
    return status;
}
