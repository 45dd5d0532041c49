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

static assay_status file_take(char *out, const char *path, assay_error *err) {
    uint8_t *data;
    size_t size;
    ASSAY_TRY(assay_file_read(path, 2 * ASSAY_PASSWORD_SIZE_MAX, &data, &size, err));
    assay_status status = text_take(out, (char *)data, strcspn((char *)data, "\r\n"), err);
    OPENSSL_cleanse(data, size);
    free(data);
    return status;
}

// Reads a line from the terminal itself, without showing it.
static assay_status prompt_take(char *out, const char *prompt, assay_error *err) {
    struct termios before, silent;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (!terminal)
        return ASSAY_FAIL(err, USAGE,
                          "no terminal to ask for a password on; use --password-file or "
                          "ASSAY_PASSWORD");
    int fd = fileno(terminal);
    bool restore = tcgetattr(fd, &before) == 0;
    if (restore) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fd, TCSAFLUSH, &silent);
    }
    char line[ASSAY_PASSWORD_SIZE_MAX + 2];
    fprintf(terminal, "%s", prompt);
    fflush(terminal);
    bool got = fgets(line, sizeof line, terminal) != NULL;
    if (restore) tcsetattr(fd, TCSAFLUSH, &before);
    fprintf(terminal, "\n");
    fclose(terminal);
    assay_status status = got ? text_take(out, line, strcspn(line, "\n"), err)
                              : ASSAY_FAIL(err, USAGE, "no password was given");
    OPENSSL_cleanse(line, sizeof line);
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
