// SPDX-License-Identifier: Apache-2.0
// A home's config.json from strangers (F-45): what is accepted stands within its limits.
#include <string.h>

#include "node/home/home.h"
#include "node/http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_config config;
    assay_error err = {0};
    if (assay_config_parse(&config, data, size, &err) != ASSAY_OK) {
        ASSAY_ASSERT(err.status != ASSAY_OK && err.text[0]);
        return 0;
    }
    ASSAY_ASSERT(strlen(config.listen) < sizeof config.listen);
    ASSAY_ASSERT(assay_http_listen_check(config.listen, NULL) == ASSAY_OK);
    ASSAY_ASSERT(config.block_ms <= 3600000);
    ASSAY_ASSERT(config.body_max >= 1024 && config.body_max <= 256 << 20);
    ASSAY_ASSERT(config.connections_max >= 1 && config.connections_max <= 65536);
    ASSAY_ASSERT(config.requests_per_second <= 1000000);
    ASSAY_ASSERT(config.map_gib >= 1 && config.map_gib <= 65536);
    return 0;
}
