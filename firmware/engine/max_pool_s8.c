/* SPDX-License-Identifier: Apache-2.0 */
#include "max_pool_s8.h"
#include "requant.h"

void max_pool_s8(const pool_s8_t *op, const int8_t *in, int8_t *out)
{
    for (int32_t y = 0; y < op->out_h; y++) {
        const int32_t top = y * op->stride_h - op->pad_top;
        const int32_t first_row = top < 0 ? 0 : top;
        const int32_t end_row = top + op->filter_h < op->in_h ? top + op->filter_h : op->in_h;
        for (int32_t x = 0; x < op->out_w; x++) {
            const int32_t left = x * op->stride_w - op->pad_left;
            const int32_t first_column = left < 0 ? 0 : left;
            const int32_t end_column = left + op->filter_w < op->in_w ? left + op->filter_w : op->in_w;
            for (int32_t c = 0; c < op->channels; c++) {
                int32_t largest = INT8_MIN;
                for (int32_t row = first_row; row < end_row; row++) {
                    for (int32_t column = first_column; column < end_column; column++) {
                        const int32_t value = in[(row * op->in_w + column) * op->channels + c];
                        largest = value > largest ? value : largest;
                    }
                }
                *out++ = (int8_t)clamp_int32(largest, op->out_min, op->out_max);
            }
        }
    }
}
