// SPDX-License-Identifier: Apache-2.0
// Activations in the order in which a kernel set's products read them, made once for all the weight
// rows they meet. The order is the set's own business: no result shows it.
#ifndef ASSAY_KERNELS_PACK_H
#define ASSAY_KERNELS_PACK_H

#include "kernels/types.h"

// Bytes of x->packed for m rows of k elements; grows with m and with k. 0: the set reads x->q.
typedef size_t assay_packed_size_fn(assay_weights_kind kind, uint32_t m, uint32_t k);
assay_packed_size_fn assay_packed_size_ref;

// Writes rows m_first .. m_first + m_count - 1 of x->packed from x->q. Threads may pack rows of one
// x side by side; a product may start when all rows of x are packed.
typedef void assay_pack_fn(const assay_x16 *x, assay_weights_kind kind, uint32_t m_first,
                           uint32_t m_count);
assay_pack_fn assay_pack_ref;

#endif
