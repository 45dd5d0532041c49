// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

static const char digits[] = "0123456789abcdef";

void assay_hex_encode(char *out, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * size] = 0;
}

void assay_hex_encode_0x(char *out, const uint8_t *data, size_t size) {
    out[0] = '0';
    out[1] = 'x';
    assay_hex_encode(out + 2, data, size);
}

static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

const char *assay_hex_digits(const char *text) {
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? text + 2 : text;
}

assay_status assay_hex_decode(uint8_t *out, size_t size, const char *text, assay_error *err) {
    text = assay_hex_digits(text);
    size_t length = strlen(text);
    if (length != 2 * size)
        return ASSAY_FAIL(err, FORMAT, "%zu hexadecimal digits, need %zu", length, 2 * size);
    for (size_t i = 0; i < size; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return ASSAY_FAIL(err, FORMAT, "no hexadecimal digit at place %zu", 2 * i);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return ASSAY_OK;
}
