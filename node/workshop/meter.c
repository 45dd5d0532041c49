// SPDX-License-Identifier: Apache-2.0
#include "node/workshop/meter.h"

enum { CONNECTIONS_MAX = 8, REQUESTS_PER_SECOND = 20, BODY_MAX = 1024 };

static void counter_put(assay_metrics *m, const char *name, const char *help,
                        const atomic_uint_fast64_t *value) {
    assay_metrics_put(m, name, ASSAY_METRIC_COUNTER, help, atomic_load(value));
}

static void build_put(assay_metrics *m, const char *role) {
    const char *const build[] = {"version", ASSAY_PROGRAM_VERSION, "role", role};
    assay_metrics_info(m, "assay_build_info", "This program and its work.", build,
                       ASSAY_COUNT(build));
}

static void validator_put(const assay_meter *meter, assay_metrics *m) {
    static const char sent[] = "assay_verdicts_sent_total";
    build_put(m, "validator");
    assay_metrics_timing(m, "assay_rerun_seconds",
                         "Reruns, with their wait for others that are computed together.",
                         &meter->reruns);
    assay_metrics_begin(m, sent, ASSAY_METRIC_COUNTER, "Votes that the node took.");
    assay_metrics_add(m, sent, "kind", "commit", atomic_load(&meter->commits));
    assay_metrics_add(m, sent, "kind", "reveal", atomic_load(&meter->reveals));
    assay_metrics_put(m, "assay_duties_due", ASSAY_METRIC_GAUGE,
                      "Commits and reveals that are due.", atomic_load(&meter->duties));
    counter_put(m, "assay_duty_failures_total", "Duties that failed on this side, each try.",
                &meter->duty_failures);
    counter_put(m, "assay_fetches_total", "Files of evidence asked for.", &meter->fetches);
    counter_put(m, "assay_fetch_failures_total", "Of them, those that could not be had.",
                &meter->fetch_failures);
    counter_put(m, "assay_node_failures_total", "Times the node did not tell the duties.",
                &meter->node_failures);
    assay_metrics_put(m, "assay_node_height", ASSAY_METRIC_GAUGE,
                      "The node's last block, as it told.", atomic_load(&meter->height));
}

void assay_meter_provider(const assay_meter *meter, uint64_t pending, assay_metrics *m) {
    build_put(m, "provider");
    assay_metrics_timing(m, "assay_answer_seconds", "Requests that were answered.",
                         &meter->answers);
    counter_put(m, "assay_refusals_total", "Requests that were not.", &meter->refusals);
    assay_metrics_put(m, "assay_receipts_pending", ASSAY_METRIC_GAUGE,
                      "Receipts that wait for a batch.", pending);
    counter_put(m, "assay_batches_sent_total", "Batches that came into a block.", &meter->batches);
    counter_put(m, "assay_batch_failures_total", "Batches that were not taken.",
                &meter->batch_failures);
    counter_put(m, "assay_batches_sent_void_total", "Of them, those that the chain made void.",
                &meter->batches_void);
    counter_put(m, "assay_evidence_posted_total", "Evidence posted against accusations.",
                &meter->postings);
}

static void handle(void *context, const assay_http_request *request, assay_http_reply *reply) {
    assay_error err = {0};
    assay_metrics metrics = {0};
    if (strcmp(request->path, "/metrics") != 0) {
        ASSAY_FAIL(&err, NOT_FOUND, "no path \"%.60s\", only /metrics", request->path);
    } else if (assay_http_method_check(request, "GET", &err) == ASSAY_OK) {
        validator_put(context, &metrics);
        assay_metrics_reply(&metrics, reply);
        return;
    }
    assay_http_reply_error(reply, &err);
}

assay_status assay_meter_serve(assay_http_server **out, assay_meter *meter, const char *listen,
                               assay_error *err) {
    const assay_http_options options = {.listen = listen,
                                        .body_max = BODY_MAX,
                                        .connections_max = CONNECTIONS_MAX,
                                        .requests_per_second = REQUESTS_PER_SECOND,
                                        .handle = handle,
                                        .context = meter};
    return assay_http_server_open(out, &options, err);
}
