// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "node/wallet/keystore.h"

enum { CTRL_C = 3 };

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

// Reads up to the end of a line. Bytes over the limit are thrown away. Returns: what ended it.
static char line_read(char *out, size_t *size, int fd) {
    char byte = 0;
    ssize_t got;
    *size = 0;
    while ((got = read(fd, &byte, 1)) == 1 || (got < 0 && errno == EINTR)) {
        if (got != 1) continue;
        if (byte == '\n' || byte == CTRL_C) return byte;
        if (*size <= ASSAY_PASSWORD_SIZE_MAX) out[(*size)++] = byte;
    }
    return 0;
}

// Asks on the terminal itself, wherever standard input and output go. It is mute before the
// question stands there. Ctrl-C must not end the process meanwhile: it ends the line instead, as no
// password.
static assay_status prompt_take(char *out, const char *prompt, assay_error *err) {
    struct termios before, mute;
    size_t size;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return ASSAY_FAIL(err, USAGE,
                          "no terminal to ask for a password on; use --password-file or "
                          "ASSAY_PASSWORD");
    bool terminal = tcgetattr(fd, &before) == 0;
    if (terminal) {
        mute = before;
        mute.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
        mute.c_cc[VEOL] = CTRL_C;
        terminal = tcsetattr(fd, TCSAFLUSH, &mute) == 0;
    }
    bool asked = write(fd, prompt, strlen(prompt)) >= 0;
    char end = asked ? line_read(out, &size, fd) : 0;
    if (terminal) tcsetattr(fd, TCSAFLUSH, &before);
    bool told = write(fd, "\n", 1) == 1;
    close(fd);
    if (!asked || !told) return ASSAY_FAIL(err, IO, "cannot write to the terminal");
    if (end != '\n') return ASSAY_FAIL(err, USAGE, "no password was given");
    if (size > ASSAY_PASSWORD_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "password of more than %d bytes", ASSAY_PASSWORD_SIZE_MAX);
    out[size] = 0;
    return ASSAY_OK;
}

static assay_status prompt_twice(char *out, assay_error *err) {
    ASSAY_TRY(prompt_take(out, "password: ", err));
    char again[ASSAY_PASSWORD_SIZE_MAX + 1];
    assay_status status = prompt_take(again, "password again: ", err);
    if (status == ASSAY_OK && strcmp(again, out) != 0)
        status = ASSAY_FAIL(err, USAGE, "the two passwords differ");
    OPENSSL_cleanse(again, sizeof again);
    return status;
}

assay_status assay_password_get(char *out, const char *file, bool fresh, assay_error *err) {
    const char *environment = getenv("ASSAY_PASSWORD");
    if (file)
        ASSAY_TRY(file_take(out, file, err));
    else if (environment)
        ASSAY_TRY(text_take(out, environment, strlen(environment), err));
    else
        ASSAY_TRY(fresh ? prompt_twice(out, err) : prompt_take(out, "password: ", err));
    if (*out || !fresh) return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE, "the password of a new key is empty%s%s", file ? ": " : "",
                      file          ? file
                      : environment ? ": ASSAY_PASSWORD is set to nothing"
                                    : "");
}
