/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPTHWISE_CONV2D_S8_H
#define DEPTHWISE_CONV2D_S8_H

#include <stdint.h>

/* Input int8 [in_h][in_w][in_channels], output int8 [out_h][out_w][in_channels * depth_multiplier], weights int8
 * [filter_h][filter_w][in_channels * depth_multiplier] with zero point 0; bias, multiplier and shift one per output
 * channel. The window lies as in conv2d_s8.h. */
typedef struct {
    int32_t in_h, in_w, in_channels;
    int32_t out_h, out_w, depth_multiplier;
    int32_t filter_h, filter_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t in_zero, out_zero;
    int32_t out_min, out_max; /* fused activation, within [-128, 127] */
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier; /* see requant.h */
    const int32_t *shift;
} depthwise_conv2d_s8_t;

/* out[y][x][c] = clamp(requantize(bias[c] + sum (in[..][c / depth_multiplier] - in_zero) * weight[..][c]) + out_zero),
 * where what lies outside the input counts as in_zero. `in` and `out` may not overlap. */
void depthwise_conv2d_s8(const depthwise_conv2d_s8_t *op, const int8_t *in, int8_t *out);

#endif
