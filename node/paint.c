// SPDX-License-Identifier: Apache-2.0
#include "node/paint.h"

#include "base/utf8.h"

// Backgrounds of the 256-colour palette on which black is easy to read.
static const uint8_t palette[] = {222, 117, 151, 218, 183, 216, 159, 229};

static void colour_set(FILE *out, uint8_t colour) {
    if (colour == ASSAY_PAINT_NONE)
        fputs("\033[0m", out);
    else
        fprintf(out, "\033[30;48;5;%um", palette[colour % sizeof palette]);
}

// Length of the character at `at`. *instead: what to write in its place if it is no UTF-8, or one
// that could steer a terminal (C0 and C1 controls, DEL; not line feed and tab); else NULL.
static size_t character_read(const uint8_t *at, size_t left, const char **instead) {
    size_t size = 1;
    *instead = NULL;
    while (size < 4 && size < left && assay_utf8_prefix(at, size) != size)
        size++;
    if (assay_utf8_prefix(at, size) != size) {
        *instead = "\xEF\xBF\xBD";
        return 1;
    }
    bool control = size == 1 ? at[0] < 0x20 || at[0] == 0x7F : at[0] == 0xC2 && at[1] < 0xA0;
    if (control && at[0] != '\n' && at[0] != '\t') *instead = "?";
    return size;
}

void assay_paint_text(FILE *out, const uint8_t *text, size_t size, const uint8_t *colours) {
    uint8_t current = ASSAY_PAINT_NONE;
    for (size_t at = 0; at < size;) {
        const char *instead;
        size_t length = character_read(text + at, size - at, &instead);
        // A background left on at the end of a line would run to the terminal's edge.
        bool plain = !colours || text[at] == '\n';
        uint8_t colour = plain ? (uint8_t)ASSAY_PAINT_NONE : colours[at];
        if (colour != current) colour_set(out, colour);
        current = colour;
        if (instead)
            fputs(instead, out);
        else
            fwrite(text + at, 1, length, out);
        at += length;
    }
    if (current != ASSAY_PAINT_NONE) colour_set(out, ASSAY_PAINT_NONE);
}

void assay_paint_label(FILE *out, const uint8_t *text, size_t size, size_t width, uint8_t colour) {
    size_t at = 0;
    if (colour != ASSAY_PAINT_NONE) colour_set(out, colour);
    for (size_t shown = 0; at < size && shown < width; shown++) {
        const char *instead;
        size_t length = character_read(text + at, size - at, &instead);
        if (text[at] == '\n' || text[at] == '\t') instead = " ";
        if (instead)
            fputs(instead, out);
        else
            fwrite(text + at, 1, length, out);
        at += length;
    }
    if (at < size) fputs("\xE2\x80\xA6", out);
    if (colour != ASSAY_PAINT_NONE) colour_set(out, ASSAY_PAINT_NONE);
}
