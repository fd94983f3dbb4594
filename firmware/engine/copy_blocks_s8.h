/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COPY_BLOCKS_S8_H
#define COPY_BLOCKS_S8_H

#include <stdint.h>

typedef struct {
    int32_t blocks;     /* how many */
    int32_t block;      /* values in each; dense in the input */
    int32_t out_first;  /* where the first one goes */
    int32_t out_stride; /* from one to the next in the output */
} copy_blocks_s8_t;

/* out[out_first + n * out_stride + i] = in[n * block + i]: one input of a concatenation. No overlap of `in`, `out`. */
void copy_blocks_s8(const copy_blocks_s8_t *op, const int8_t *in, int8_t *out);

#endif
