// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "node/keystore.h"

static assay_status text_take(char *out, const char *text, size_t size, assay_error *err) {
    if (size > ASSAY_PASSWORD_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "password of %zu bytes, limit %d", size,
                          ASSAY_PASSWORD_SIZE_MAX);
    memcpy(out, text, size);
    out[size] = 0;
    return ASSAY_OK;
}

// The first line, without its end.
static assay_status file_take(char *out, const char *path, assay_error *err) {
    uint8_t *data;
    size_t size;
    ASSAY_TRY(assay_file_read(path, 2 * ASSAY_PASSWORD_SIZE_MAX, &data, &size, err));
    assay_status status =
        memchr(data, 0, size)
            ? ASSAY_FAIL(err, FORMAT, "%s holds a zero byte, which no password has", path)
            : text_take(out, (char *)data, strcspn((char *)data, "\r\n"), err);
    OPENSSL_cleanse(data, size);
    free(data);
    return status;
}

// Reads one line, unseen. Ctrl-C must not end the process while the terminal is mute, so it ends
// the line instead and counts as no password; bytes over the limit are thrown away with the rest.
static assay_status line_take(char *out, int fd, assay_error *err) {
    enum { CTRL_C = 3 };
    struct termios before, mute;
    size_t size = 0;
    char byte = 0;
    bool terminal = tcgetattr(fd, &before) == 0;
    if (terminal) {
        mute = before;
        mute.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
        mute.c_cc[VEOL] = CTRL_C;
        terminal = tcsetattr(fd, TCSAFLUSH, &mute) == 0;
    }
    ssize_t got;
    while (((got = read(fd, &byte, 1)) == 1 || (got < 0 && errno == EINTR)) && byte != '\n' &&
           byte != CTRL_C) {
        if (got != 1) continue;
        if (size <= ASSAY_PASSWORD_SIZE_MAX) out[size] = byte;
        size += size <= ASSAY_PASSWORD_SIZE_MAX;
    }
    if (terminal) tcsetattr(fd, TCSAFLUSH, &before);
    if (byte != '\n') return ASSAY_FAIL(err, USAGE, "no password was given");
    if (size > ASSAY_PASSWORD_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "password of more than %d bytes", ASSAY_PASSWORD_SIZE_MAX);
    out[size] = 0;
    return ASSAY_OK;
}

// Asks on the terminal itself, wherever standard input and output go.
static assay_status prompt_take(char *out, const char *prompt, assay_error *err) {
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return ASSAY_FAIL(err, USAGE,
                          "no terminal to ask for a password on; use --password-file or "
                          "ASSAY_PASSWORD");
    bool asked = write(fd, prompt, strlen(prompt)) >= 0;
    assay_status status =
        asked ? line_take(out, fd, err) : assay_fail_errno(err, errno, "cannot ask on /dev/tty");
    if (write(fd, "\n", 1) < 0 && status == ASSAY_OK)
        status = assay_fail_errno(err, errno, "cannot write to /dev/tty");
    close(fd);
    return status;
}

assay_status assay_password_get(char *out, const char *file, bool confirm, assay_error *err) {
    if (file) return file_take(out, file, err);
    const char *environment = getenv("ASSAY_PASSWORD");
    if (environment) return text_take(out, environment, strlen(environment), err);
    ASSAY_TRY(prompt_take(out, "password: ", err));
    if (!confirm) return ASSAY_OK;
    char again[ASSAY_PASSWORD_SIZE_MAX + 1];
    assay_status status = prompt_take(again, "password again: ", err);
    if (status == ASSAY_OK && strcmp(again, out) != 0)
        status = ASSAY_FAIL(err, USAGE, "the two passwords differ");
    OPENSSL_cleanse(again, sizeof again);
    return status;
}
