// SPDX-License-Identifier: Apache-2.0
// The URL under which a provider tells others to fetch its evidence.
#ifndef ASSAY_NODE_PROVIDER_SERVED_URL_H
#define ASSAY_NODE_PROVIDER_SERVED_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

// Copies it without the slashes at its end, so that paths can follow. Errors: USAGE (neither http
// nor https, no host, a user, a query or a fragment, or longer than size - 1). Spec: F-55.
assay_status assay_served_url_read(char *out, size_t size, const char *text, assay_error *err);

// Whether its host is an address that validators refuse unless their operators allow it: a special
// one (F-41), or localhost. Other names are not looked up. Errors: none. Spec: F-41, F-55.
bool assay_served_url_private(const char *url);

#endif
