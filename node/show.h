// SPDX-License-Identifier: Apache-2.0
// What the API answers, for people: a screen instead of a document. Everything here prints to
// standard output and takes a document that a node sent: missing or odd members show as "?".
#ifndef ASSAY_NODE_SHOW_H
#define ASSAY_NODE_SHOW_H

#include <jansson.h>
#include <stdint.h>

#include "base/status.h"

enum { ASSAY_OPEN_TEXT_MAX = 32 };

// An amount in OPEN, exact: "12.5 OPEN".
void assay_open_text(char out[ASSAY_OPEN_TEXT_MAX], uint64_t nopen);

// A member that is a number, 0 if it is none; one that is a text, made harmless, "?" if it is none.
ull assay_show_number(const json_t *object, const char *name);
void assay_show_text(const json_t *object, const char *name);

// A labelled text and what ends it; an amount in OPEN between two texts.
void assay_show_line(const char *label, const json_t *object, const char *name, const char *end);
void assay_show_amount(const char *before, const json_t *object, const char *name,
                       const char *after);

void assay_show_account(const json_t *account);
void assay_show_bonds(const json_t *bonds);
// close_delay: the chain's; a session whose end is less than that behind its expiry is closing
// (P-37).
void assay_show_session(const json_t *session, uint64_t close_delay);
void assay_show_tx(const json_t *fate);

// A line for each entry of a list of data sets, models or adapters; `what` names it in the plural.
void assay_show_entries(const json_t *list, const char *what);

#endif
