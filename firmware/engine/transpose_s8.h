/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPOSE_S8_H
#define TRANSPOSE_S8_H

#include <stdint.h>

typedef struct {
    int32_t size[4];   /* of the output, outermost first */
    int32_t stride[4]; /* in input values, from one index of that axis to the next */
} transpose_s8_t;

/* out[i][j][k][n] = in[i * stride[0] + j * stride[1] + k * stride[2] + n * stride[3]]. No overlap of `in`, `out`. */
void transpose_s8(const transpose_s8_t *op, const int8_t *in, int8_t *out);

#endif
