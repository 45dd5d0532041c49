// SPDX-License-Identifier: Apache-2.0
#include "node/cmd/commands.h"

const assay_command assay_commands[] = {
#define X(function, words, summary) {words, summary, assay_cmd_##function},
    ASSAY_COMMAND_LIST(X)
#undef X
};
const size_t assay_command_count = ASSAY_COUNT(assay_commands);
