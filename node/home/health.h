// SPDX-License-Identifier: Apache-2.0
// Is this node, and this validator, well? Judged by what the node's API answers and what this
// machine says. Pure: no node is asked here.
#ifndef ASSAY_NODE_HOME_HEALTH_H
#define ASSAY_NODE_HOME_HEALTH_H

#include <jansson.h>

enum {
    ASSAY_HEALTH_STILL_SECONDS = 60,
    ASSAY_HEALTH_START_SECONDS = 60, // until then an engine that starts with its node may be away
};

// status: /v1/status, with "node" (/v1/node), and, each only where it is asked for, "account",
// "validator" and "duties" (those paths) and "disk" {"free","size"}. params: the genesis's.
// Missing or odd members count as 0. Returns: a new list of {"text","next"}, the gravest first,
// empty if all is well; NULL if memory is out. Spec: F-74.
json_t *assay_health_judge(const json_t *status, const json_t *params);

// Prints it all as one screen, and the verdict last. colours: whether to use them. Spec: F-74.
void assay_health_show(const json_t *status, const json_t *params, const json_t *problems,
                       int colours);

#endif
