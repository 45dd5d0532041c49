// SPDX-License-Identifier: Apache-2.0
// CometBFT's side of an ABCI socket, as far as a measurement needs it: frames as it writes them,
// and a connection that sends and counts.
#ifndef ASSAY_NODE_BENCH_ABCI_H
#define ASSAY_NODE_BENCH_ABCI_H

#include "consensus/abci/frame.h"
#include "consensus/abci/message.h"

// Each appends one framed request. Errors: MEMORY. Spec: E-2.
assay_status assay_bench_frame_empty(assay_abci_buffer *out, assay_abci_kind kind,
                                     assay_error *err);
assay_status assay_bench_frame_check(assay_abci_buffer *out, assay_bytes tx, assay_error *err);

// FinalizeBlock with height, time, proposer and transactions; the rest, which is a few hundred
// bytes, is left out. Errors: MEMORY. Spec: E-2.
assay_status assay_bench_frame_finalize(assay_abci_buffer *out, const assay_abci_block *block,
                                        assay_error *err);

// A zeroed struct but for fd -1 is safe to close. One thread.
typedef struct {
    int fd;
    assay_abci_frames frames;
} assay_bench_client;

// Connects to "unix:///PATH". Errors: USAGE, NETWORK, IO. Lives: until close.
assay_status assay_bench_client_open(assay_bench_client *client, const char *address,
                                     assay_error *err);
void assay_bench_client_close(assay_bench_client *client);

// Sends frames and waits for `count` responses. Errors: NETWORK (an Exception, the end of the
// connection, nothing for ten seconds), MEMORY, those of frames.
assay_status assay_bench_client_ask(assay_bench_client *client, const assay_abci_buffer *frames,
                                    uint32_t count, assay_error *err);

#endif
