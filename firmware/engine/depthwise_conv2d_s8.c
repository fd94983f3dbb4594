/* SPDX-License-Identifier: Apache-2.0 */
#include "depthwise_conv2d_s8.h"
#include "requant.h"

static int32_t dot(const depthwise_conv2d_s8_t *op, const int8_t *in, int32_t channel, int32_t top, int32_t left)
{
    const int32_t out_channels = op->in_channels * op->depth_multiplier;
    const int32_t source = channel / op->depth_multiplier;
    int32_t sum = 0;
    for (int32_t i = 0; i < op->filter_h; i++) {
        const int32_t row = top + i * op->dilation_h;
        if (row < 0 || row >= op->in_h) {
            continue;
        }
        for (int32_t j = 0; j < op->filter_w; j++) {
            const int32_t column = left + j * op->dilation_w;
            if (column < 0 || column >= op->in_w) {
                continue;
            }
            const int32_t value = in[(row * op->in_w + column) * op->in_channels + source] - op->in_zero;
            sum += value * op->weights[(i * op->filter_w + j) * out_channels + channel];
        }
    }
    return sum;
}

void depthwise_conv2d_s8(const depthwise_conv2d_s8_t *op, const int8_t *in, int8_t *out)
{
    const int32_t out_channels = op->in_channels * op->depth_multiplier;
    for (int32_t y = 0; y < op->out_h; y++) {
        for (int32_t x = 0; x < op->out_w; x++) {
            const int32_t top = y * op->stride_h - op->pad_top;
            const int32_t left = x * op->stride_w - op->pad_left;
            for (int32_t c = 0; c < out_channels; c++) {
                const int32_t sum = op->bias[c] + dot(op, in, c, top, left);
                const int32_t value = requantize(sum, op->multiplier[c], op->shift[c]) + op->out_zero;
                *out++ = (int8_t)clamp_int32(value, op->out_min, op->out_max);
            }
        }
    }
}
