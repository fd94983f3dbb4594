/* SPDX-License-Identifier: Apache-2.0 */
#include "conv2d_s8.h"
#include "requant.h"

static int32_t dot(const conv2d_s8_t *op, const int8_t *in, const int8_t *weights, int32_t top, int32_t left)
{
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
            const int8_t *pixel = in + (row * op->in_w + column) * op->in_channels;
            const int8_t *tap = weights + (i * op->filter_w + j) * op->in_channels;
            for (int32_t k = 0; k < op->in_channels; k++) {
                sum += (pixel[k] - op->in_zero) * tap[k];
            }
        }
    }
    return sum;
}

void conv2d_s8(const conv2d_s8_t *op, const int8_t *in, int8_t *out)
{
    const int32_t taps = op->filter_h * op->filter_w * op->in_channels;
    for (int32_t y = 0; y < op->out_h; y++) {
        for (int32_t x = 0; x < op->out_w; x++) {
            const int32_t top = y * op->stride_h - op->pad_top;
            const int32_t left = x * op->stride_w - op->pad_left;
            for (int32_t c = 0; c < op->out_channels; c++) {
                const int32_t sum = op->bias[c] + dot(op, in, op->weights + c * taps, top, left);
                const int32_t value = requantize(sum, op->multiplier[c], op->shift[c]) + op->out_zero;
                *out++ = (int8_t)clamp_int32(value, op->out_min, op->out_max);
            }
        }
    }
}
