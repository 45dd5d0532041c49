// SPDX-License-Identifier: Apache-2.0
// Strangers' text on a terminal, harmless and with coloured parts.
#ifndef ASSAY_NODE_PAINT_H
#define ASSAY_NODE_PAINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ASSAY_PAINT_NONE = 255 };

// Writes text[size]. colours[size]: for each byte a colour number or ASSAY_PAINT_NONE; NULL paints
// nothing. A character has the colour of its first byte. Bytes that are not UTF-8 appear as U+FFFD,
// control characters other than line feed and tab as '?': no text can steer the terminal.
void assay_paint_text(FILE *out, const uint8_t *text, size_t size, const uint8_t *colours);

// Writes a label on one line, in a colour or, for ASSAY_PAINT_NONE, plainly; cut with an ellipsis
// after `width` characters. Line feeds and tabs appear as spaces.
void assay_paint_label(FILE *out, const uint8_t *text, size_t size, size_t width, uint8_t colour);

#endif
