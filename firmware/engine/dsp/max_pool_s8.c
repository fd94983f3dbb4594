/* SPDX-License-Identifier: Apache-2.0 */
#include "../max_pool_s8.h"
#include "lanes.h"

void max_pool_s8(const pool_s8_t *op, const int8_t *in, int8_t *out)
{
    const int32_t row_stride = op->in_w * op->channels;
    const uint32_t low = UINT32_C(0x01010101) * (uint8_t)op->out_min;
    const uint32_t high = UINT32_C(0x01010101) * (uint8_t)op->out_max;
    for (int32_t y = 0; y < op->out_h; y++) {
        const int32_t top = y * op->stride_h - op->pad_top;
        const int32_t first_row = top < 0 ? 0 : top;
        const int32_t end_row = top + op->filter_h < op->in_h ? top + op->filter_h : op->in_h;
        for (int32_t x = 0; x < op->out_w; x++) {
            const int32_t left = x * op->stride_w - op->pad_left;
            const int32_t first_column = left < 0 ? 0 : left;
            const int32_t end_column = left + op->filter_w < op->in_w ? left + op->filter_w : op->in_w;
            const int8_t *first = in + first_row * row_stride + first_column * op->channels;
            int32_t c = op->channels;
            for (; c >= 4; c -= 4, first += 4, out += 4) {
                uint32_t largest = low;
                for (int32_t row = 0; row < end_row - first_row; row++) {
                    const int8_t *at = first + row * row_stride;
                    for (int32_t column = first_column; column < end_column; column++, at += op->channels) {
                        largest = max4(largest, load_bytes(at));
                    }
                }
                store_bytes(out, min4(largest, high));
            }
            for (; c > 0; c--, first++) {
                int32_t largest = op->out_min;
                for (int32_t row = 0; row < end_row - first_row; row++) {
                    const int8_t *at = first + row * row_stride;
                    for (int32_t column = first_column; column < end_column; column++, at += op->channels) {
                        largest = *at > largest ? *at : largest;
                    }
                }
                *out++ = (int8_t)(largest < op->out_max ? largest : op->out_max);
            }
        }
    }
}
