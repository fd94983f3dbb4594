/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FULLY_CONNECTED_S8_H
#define FULLY_CONNECTED_S8_H

#include <stdint.h>

/* Input int8 [rows][in_size], output int8 [rows][out_size], weights int8 [out_size][in_size] with zero point 0; bias,
 * multiplier in [0, 2^31) and shift in [1, 62] one per output. */
typedef struct {
    int32_t rows, in_size, out_size;
    int32_t in_zero, out_zero;
    int32_t out_min, out_max; /* fused activation, within [-128, 127] */
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int32_t *shift;
} fully_connected_s8_t;

/* out[r][c] = clamp(round((bias[c] + sum (in[r] - in_zero) * weights[c]) * multiplier[c] / 2^shift[c]) + out_zero),
 * halves away from zero. TensorFlow Lite's reference rounds this layer once, in double precision, unlike convolutions;
 * the host picks the multiplier such that every output is the same. `in` and `out` may not overlap. */
void fully_connected_s8(const fully_connected_s8_t *op, const int8_t *in, int8_t *out);

#endif
