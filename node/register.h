// SPDX-License-Identifier: Apache-2.0
// What the commands that register something share.
#ifndef ASSAY_NODE_REGISTER_H
#define ASSAY_NODE_REGISTER_H

#include "base/bytes.h"
#include "node/command.h"

// A text's bytes. Lives: as long as the text.
assay_bytes assay_text_bytes(const char *text);

// Prints "<what> <root>" unless the command prints JSON.
void assay_root_print(const assay_invocation *invocation, const char *what, const assay_hash *root);

#endif
