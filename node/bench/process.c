// SPDX-License-Identifier: Apache-2.0
#include "node/bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/measure.h"

enum { END_SECONDS = 8, LOOK_US = 5000, TAIL_MAX = 512 };

assay_status assay_bench_program_find(char *out, const char *name, assay_error *err) {
    const char *at = getenv("PATH");
    if (strchr(name, '/')) {
        if (snprintf(out, PATH_MAX, "%s", name) >= PATH_MAX)
            return ASSAY_FAIL(err, CAPACITY, "a path of %zu characters", strlen(name));
        if (access(out, X_OK) == 0) return ASSAY_OK;
        return assay_fail_errno(err, errno, "cannot run %s", name);
    }
    while (at && *at) {
        size_t length = strcspn(at, ":");
        int size = snprintf(out, PATH_MAX, "%.*s/%s", (int)length, at, name);
        if (size > 0 && size < PATH_MAX && length && access(out, X_OK) == 0) return ASSAY_OK;
        at += length + (at[length] == ':');
    }
    return ASSAY_FAIL(err, NOT_FOUND, "no program %.64s in PATH", name);
}

assay_status assay_bench_program_own(char *out, assay_error *err) {
    ssize_t size = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (size < 0) return assay_fail_errno(err, errno, "cannot tell where this program is");
    out[size] = 0;
    return ASSAY_OK;
}

// Between fork and exec, where other threads' locks may be held: calls of the system alone.
static void child_run(const char *path, char *const *arguments, int log, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0); // Ctrl-C is for the parent, which ends this one in order
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, STDIN_FILENO);
    execv(path, arguments);
    _exit(127);
}

assay_status assay_bench_process_start(assay_bench_process *process, const char *path,
                                       const char *const *arguments, const char *log,
                                       assay_error *err) {
    if (snprintf(process->log, sizeof process->log, "%s", log) >= PATH_MAX)
        return ASSAY_FAIL(err, CAPACITY, "a path of %zu characters", strlen(log));
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return assay_fail_errno(err, errno, "cannot write %s", log);
    pid_t own = getpid();
    pid_t pid = fork();
    if (pid == 0) child_run(path, (char *const *)arguments, file, own);
    int code = errno;
    close(file);
    if (pid < 0) return assay_fail_errno(err, code, "cannot run %s", path);
    process->pid = pid;
    return ASSAY_OK;
}

// The last line of a file, without its end.
static void tail_read(char out[TAIL_MAX], const char *path) {
    FILE *file = fopen(path, "r");
    size_t size = 0;
    if (file) {
        if (fseek(file, -(TAIL_MAX - 1), SEEK_END) != 0) rewind(file);
        size = fread(out, 1, TAIL_MAX - 1, file);
        fclose(file);
    }
    while (size && out[size - 1] == '\n')
        size--;
    out[size] = 0;
    const char *line = strrchr(out, '\n');
    if (line) memmove(out, line + 1, strlen(line));
}

assay_status assay_bench_process_check(assay_bench_process *process, assay_error *err) {
    char tail[TAIL_MAX];
    int code;
    if (process->pid && waitpid(process->pid, &code, WNOHANG) == 0) return ASSAY_OK;
    process->pid = 0;
    tail_read(tail, process->log);
    const char *name = strrchr(process->log, '/');
    return ASSAY_FAIL(err, STOPPED, "%.32s has ended: %.300s", name ? name + 1 : process->log,
                      *tail ? tail : "it said nothing");
}

double assay_bench_processes_seconds(const assay_bench_process *processes, uint32_t count) {
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        clockid_t clock;
        struct timespec taken;
        if (processes[i].pid && clock_getcpuclockid(processes[i].pid, &clock) == 0 &&
            clock_gettime(clock, &taken) == 0)
            sum += (double)taken.tv_sec + 1e-9 * (double)taken.tv_nsec;
    }
    return sum;
}

static bool any_left(assay_bench_process *processes, uint32_t count) {
    bool left = false;
    for (uint32_t i = 0; i < count; i++) {
        pid_t pid = processes[i].pid;
        if (pid && waitpid(pid, NULL, WNOHANG) != 0) processes[i].pid = 0;
        left |= processes[i].pid != 0;
    }
    return left;
}

void assay_bench_processes_end(assay_bench_process *processes, uint32_t count) {
    double deadline = assay_measure_seconds() + END_SECONDS;
    for (uint32_t i = 0; i < count; i++)
        if (processes[i].pid) kill(processes[i].pid, SIGTERM);
    while (any_left(processes, count) && assay_measure_seconds() < deadline)
        usleep(LOOK_US);
    for (uint32_t i = 0; i < count; i++) {
        if (!processes[i].pid) continue;
        kill(-processes[i].pid, SIGKILL);
        while (waitpid(processes[i].pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        processes[i].pid = 0;
    }
}
