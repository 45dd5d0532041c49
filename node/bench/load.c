// SPDX-License-Identifier: Apache-2.0
#include "node/bench/load.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/json.h"
#include "node/bench/stop.h"
#include "node/measure.h"

enum {
    BATCH = 10, // CometBFT's max_request_batch_size
    LOOK_MS = 15,
    WAIT_US = 500,
    BLOCKS_MAX = 1 << 14,
    METAS_MAX = 20, // of one answer, CometBFT's most
    TIMEOUT_S = 30,
    ANSWER_MAX = 16 << 10,
    STUCK_SECONDS = 60,
    COUNTED_MIN = 5,
};

typedef struct {
    uint64_t height;
    uint32_t txs;
    double at; // seconds since the load began, when it was seen
} seen_block;

typedef struct {
    const assay_bench_load_options *options;
    assay_bench_network *network;
    atomic_uint next;      // the transaction to send
    atomic_uint committed; // of ours, in blocks seen
    atomic_bool ends;
    atomic_bool failed;
    pthread_mutex_t lock; // guards problem
    assay_error problem;  // a sender's

    seen_block *blocks; // [block_count]
    uint32_t block_count;
    uint64_t height; // of the last one seen
    double start;
    assay_bench_time first, last; // as the first and the last block that count were seen
} load;

// --- a sender ---

typedef struct {
    load *load;
    uint32_t index;
    pthread_t thread;
    CURL *curl;
    char *body;
    size_t body_max;
    char answer[ANSWER_MAX];
    size_t answer_size;
} sender;

static size_t answer_take(char *data, size_t size, size_t count, void *context) {
    sender *s = context;
    if (size * count > sizeof s->answer - 1 - s->answer_size) return 0;
    memcpy(s->answer + s->answer_size, data, size * count);
    s->answer_size += size * count;
    return size * count;
}

static size_t body_write(sender *s, uint32_t first, uint32_t count) {
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_tx_async\","
                               "\"params\":{\"tx\":\"";
    const assay_bench_load_options *options = s->load->options;
    char *at = s->body;
    for (uint32_t i = 0; i < count; i++) {
        *at++ = i ? ',' : '[';
        memcpy(at, head, sizeof head - 1);
        at += sizeof head - 1;
        assay_base64_encode(at, options->txs + (size_t)(first + i) * options->size, options->size);
        at += ASSAY_BASE64_SIZE(options->size);
        memcpy(at, "\"}}", 3);
        at += 3;
    }
    *at++ = ']';
    return (size_t)(at - s->body);
}

// Every entry of the answer must be a result.
static assay_status answer_check(const sender *s, uint32_t count, assay_error *err) {
    uint32_t results = 0;
    for (const char *at = s->answer; (at = strstr(at, "\"result\":")); at++)
        results++;
    const char *error = strstr(s->answer, "\"error\":");
    if (results == count && !error) return ASSAY_OK;
    return ASSAY_FAIL(err, NETWORK, "CometBFT took %u of %u transactions: %.200s", results, count,
                      error ? error : s->answer);
}

static assay_status batch_send(sender *s, uint32_t first, uint32_t count, assay_error *err) {
    size_t size = body_write(s, first, count);
    curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, s->body);
    curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE, (long)size);
    s->answer_size = 0;
    CURLcode code = curl_easy_perform(s->curl);
    s->answer[s->answer_size] = 0;
    if (code == CURLE_OK) return answer_check(s, count, err);
    return ASSAY_FAIL(err, NETWORK, "CometBFT's RPC: %s", curl_easy_strerror(code));
}

// The next transactions that may be sent. Returns: how many; 0: there are none any more.
static uint32_t batch_take(load *l, uint32_t *first) {
    const assay_bench_load_options *options = l->options;
    while (!l->ends) {
        uint32_t at = atomic_load(&l->next);
        if (at >= options->count) return 0;
        uint32_t count = options->count - at < BATCH ? options->count - at : BATCH;
        if (at + count > atomic_load(&l->committed) + options->window) {
            usleep(WAIT_US);
            continue;
        }
        *first = at;
        if (atomic_compare_exchange_weak(&l->next, &at, at + count)) return count;
    }
    return 0;
}

static void *sender_run(void *argument) {
    sender *s = argument;
    load *l = s->load;
    assay_error err = {0};
    uint32_t first, count;
    while ((count = batch_take(l, &first)) > 0) {
        if (batch_send(s, first, count, &err) == ASSAY_OK) continue;
        pthread_mutex_lock(&l->lock);
        if (!l->failed) l->problem = err;
        l->failed = true;
        pthread_mutex_unlock(&l->lock);
        break;
    }
    return NULL;
}

static assay_status sender_open(sender *s, load *l, uint32_t index, assay_error *err) {
    const assay_comet *node = &l->network->nodes[index % l->network->count];
    s->load = l;
    s->body_max = BATCH * (ASSAY_BASE64_SIZE((size_t)l->options->size) + 128);
    s->body = malloc(s->body_max);
    s->curl = curl_easy_init();
    if (!s->body || !s->curl) return ASSAY_FAIL(err, MEMORY, "no memory for a connection");
    curl_easy_setopt(s->curl, CURLOPT_URL, node->url);
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, answer_take);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(s->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(s->curl, CURLOPT_POST, 1L);
    int code = pthread_create(&s->thread, NULL, sender_run, s);
    if (code) return assay_fail_errno(err, code, "cannot start a thread");
    s->index = 1;
    return ASSAY_OK;
}

static void sender_close(sender *s) {
    if (s->index) pthread_join(s->thread, NULL);
    if (s->curl) curl_easy_cleanup(s->curl);
    free(s->body);
}

// --- blocks as node 0 has them ---

// Its transactions without those that nobody sent.
static uint32_t sent_of(const load *l, uint64_t txs) {
    uint32_t own = l->options->first_free;
    return txs > own ? (uint32_t)txs - own : 0;
}

static assay_status meta_note(load *l, const json_t *meta, double at, assay_error *err) {
    const json_t *header;
    uint64_t height, txs;
    ASSAY_TRY(assay_json_object(&header, meta, "header", err));
    ASSAY_TRY(assay_json_u64(&height, header, "height", 1, INT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&txs, meta, "num_txs", 0, UINT32_MAX, err));
    if (height <= l->height) return ASSAY_OK;
    if (height != l->height + 1)
        return ASSAY_FAIL(err, MISMATCH, "block %llu comes after block %llu", (ull)height,
                          (ull)l->height);
    if (l->block_count == BLOCKS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "more than %d blocks", BLOCKS_MAX);
    l->height = height;
    l->blocks[l->block_count++] = (seen_block){height, sent_of(l, txs), at};
    atomic_fetch_add(&l->committed, sent_of(l, txs));
    return ASSAY_OK;
}

// Notes the blocks above the last one seen. CometBFT lists the newest first.
static assay_status blocks_look(load *l, assay_error *err) {
    char path[96];
    json_t *answer;
    snprintf(path, sizeof path, "/blockchain?minHeight=%llu&maxHeight=%llu",
             (ull)(l->height ? l->height : 1), (ull)l->height + METAS_MAX - 1);
    ASSAY_TRY(assay_comet_get(&answer, &l->network->nodes[0], path, err));
    double at = assay_measure_seconds() - l->start;
    const json_t *metas = json_object_get(answer, "block_metas");
    assay_status status = ASSAY_OK;
    for (size_t i = json_array_size(metas); i-- > 0 && status == ASSAY_OK;)
        status = meta_note(l, json_array_get(metas, i), at, err);
    json_decref(answer);
    return status;
}

// The first block seen after the ramp.
static uint32_t first_counted(const load *l) {
    uint32_t first = 0;
    while (first < l->block_count && l->blocks[first].at < l->options->ramp_s)
        first++;
    return first;
}

// After a look that saw the blocks from `from` on.
static void time_note(load *l, uint32_t from) {
    const assay_bench_network *network = l->network;
    l->last = (assay_bench_time){assay_bench_processes_seconds(network->comets, network->count),
                                 assay_bench_processes_seconds(network->apps, network->count),
                                 assay_measure_process_seconds()};
    if (first_counted(l) >= from) l->first = l->last;
}

// Until the time is over, and longer where blocks come slowly.
static assay_status blocks_watch(load *l, assay_error *err) {
    double end = l->options->ramp_s + l->options->seconds;
    while (assay_measure_seconds() - l->start < end ||
           l->block_count - first_counted(l) < COUNTED_MIN) {
        ASSAY_TRY(assay_bench_sleep(LOOK_MS, err));
        ASSAY_TRY(assay_bench_network_check(l->network, err));
        if (l->failed) return assay_fail(err, l->problem.status, 0, "%s", l->problem.text);
        uint32_t before = l->block_count;
        ASSAY_TRY(blocks_look(l, err));
        if (l->block_count > before) time_note(l, before);
        if (atomic_load(&l->committed) >= l->options->count) return ASSAY_OK;
        double last = l->block_count ? l->blocks[l->block_count - 1].at : 0;
        if (assay_measure_seconds() - l->start - last > STUCK_SECONDS)
            return ASSAY_FAIL(err, TIMEOUT, "no block for %d s", STUCK_SECONDS);
    }
    return ASSAY_OK;
}

// --- figures ---

// Adds up what a block accepted and refused of what was sent.
static assay_status codes_count(assay_bench_load_result *out, const load *l,
                                const seen_block *block, assay_error *err) {
    char path[64];
    json_t *answer, *result;
    size_t index;
    assay_status status = ASSAY_OK;
    snprintf(path, sizeof path, "/block_results?height=%llu", (ull)block->height);
    ASSAY_TRY(assay_comet_get(&answer, &l->network->nodes[0], path, err));
    const json_t *results = json_object_get(answer, "txs_results");
    uint64_t refused = 0;
    json_array_foreach((json_t *)results, index, result) refused +=
        json_integer_value(json_object_get(result, "code")) != 0;
    if (sent_of(l, json_array_size(results)) != block->txs)
        status = ASSAY_FAIL(err, MISMATCH, "block %llu has %u transactions and %zu results",
                            (ull)block->height, block->txs, json_array_size(results));
    out->txs += block->txs - refused;
    out->refused += refused;
    json_decref(answer);
    return status;
}

// From the first block after the ramp to the last one.
static assay_status result_fill(assay_bench_load_result *out, load *l, assay_error *err) {
    uint32_t first = first_counted(l), last = l->block_count;
    out->drained = atomic_load(&l->next) >= l->options->count;
    if (last < first + 2)
        return ASSAY_FAIL(err, RANGE, "%u blocks after the ramp: too few to count", last - first);
    for (uint32_t i = first + 1; i < last; i++)
        ASSAY_TRY(codes_count(out, l, &l->blocks[i], err));
    out->blocks = last - first - 1;
    out->seconds = l->blocks[last - 1].at - l->blocks[first].at;
    out->per_s = (double)out->txs / out->seconds;
    out->block_ms = 1000 * out->seconds / (double)out->blocks;
    out->time = (assay_bench_time){l->last.comet - l->first.comet, l->last.app - l->first.app,
                                   l->last.load - l->first.load};
    return ASSAY_OK;
}

static assay_status load_run(assay_bench_load_result *out, load *l, sender *senders,
                             assay_error *err) {
    ASSAY_TRY(assay_bench_network_height(&l->height, l->network, 0, err));
    l->start = assay_measure_seconds();
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; i < l->options->connections && status == ASSAY_OK; i++)
        status = sender_open(&senders[i], l, i, err);
    if (status == ASSAY_OK) status = blocks_watch(l, err);
    l->ends = true;
    for (uint32_t i = 0; i < l->options->connections; i++)
        sender_close(&senders[i]);
    return status == ASSAY_OK ? result_fill(out, l, err) : status;
}

assay_status assay_bench_load_run(assay_bench_load_result *out, assay_bench_network *network,
                                  const assay_bench_load_options *options, assay_error *err) {
    load l = {.options = options, .network = network, .lock = PTHREAD_MUTEX_INITIALIZER};
    *out = (assay_bench_load_result){0};
    ASSAY_ASSERT(options->connections >= 1 && options->connections <= ASSAY_BENCH_CONNECTIONS_MAX);
    sender *senders = calloc(options->connections, sizeof *senders);
    l.blocks = calloc(BLOCKS_MAX, sizeof *l.blocks);
    assay_status status = ASSAY_OK;
    if (!senders || !l.blocks) status = ASSAY_FAIL(err, MEMORY, "no memory for connections");
    if (status == ASSAY_OK) status = load_run(out, &l, senders, err);
    free(senders);
    free(l.blocks);
    pthread_mutex_destroy(&l.lock);
    return status;
}

void assay_bench_kvstore_txs(uint8_t *out, uint32_t count, uint32_t size) {
    enum { KEY_SIZE = 12 };
    ASSAY_ASSERT(size > KEY_SIZE + 1);
    for (uint32_t i = 0; i < count; i++) {
        char key[KEY_SIZE + 2];
        uint8_t *tx = out + (size_t)i * size;
        snprintf(key, sizeof key, "k%011u=", i);
        memset(tx, 'v', size);
        memcpy(tx, key, KEY_SIZE + 1);
    }
}
