// SPDX-License-Identifier: Apache-2.0
// What a provider's or a validator's process counts about its own work. Any thread; a zeroed struct
// has counted nothing.
#ifndef ASSAY_NODE_WORKSHOP_METER_H
#define ASSAY_NODE_WORKSHOP_METER_H

#include "node/http/metrics.h"

typedef struct {
    assay_timing reruns;  // checks of a claimed output
    assay_timing answers; // requests, from their signature to their receipt
    atomic_uint_fast64_t fetches;
    atomic_uint_fast64_t fetch_failures; // evidence that could not be had from its provider
    atomic_uint_fast64_t refusals;       // requests that got no answer
    atomic_uint_fast64_t batches;
    atomic_uint_fast64_t batch_failures;
    atomic_uint_fast64_t batches_void; // of this run's, as the chain decided
    atomic_uint_fast64_t postings;     // evidence posted, against accusations
    atomic_uint_fast64_t commits;
    atomic_uint_fast64_t reveals;
    atomic_uint_fast64_t duty_failures; // duties that failed on this side, each time
    atomic_uint_fast64_t duties;        // due now
    atomic_uint_fast64_t node_failures; // looks for which the node did not answer
    atomic_uint_fast64_t height;        // the node's, at the last look
} assay_meter;

// Writes what a provider has counted. Spec: F-72.
void assay_meter_provider(const assay_meter *meter, uint64_t pending, assay_metrics *metrics);

// A server that answers GET /metrics with a validator's meter, and nothing else. Errors: as
// assay_http_server_open. Lives: until the server closes; borrows the meter. Spec: F-72.
assay_status assay_meter_serve(assay_http_server **out, assay_meter *meter, const char *listen,
                               assay_error *err);

#endif
