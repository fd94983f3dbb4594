/* SPDX-License-Identifier: Apache-2.0 */
#include "../avg_pool_s8.h"
#include "../requant.h"
#include "window_columns.h"

static inline int8_t average(const pool_s8_t *op, int32_t sum, int32_t count)
{
    const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
    return (int8_t)clamp_int32(mean, op->out_min, op->out_max);
}

void avg_pool_s8(const pool_s8_t *op, const int8_t *in, int8_t *out)
{
    const int32_t row_stride = op->in_w * op->channels;
    for (int32_t y = 0; y < op->out_h; y++) {
        const int32_t top = y * op->stride_h - op->pad_top;
        const int32_t first_row = top < 0 ? 0 : top;
        const int32_t end_row = top + op->filter_h < op->in_h ? top + op->filter_h : op->in_h;
        for (int32_t x = 0; x < op->out_w; x++) {
            const int32_t left = x * op->stride_w - op->pad_left;
            const int32_t first_column = left < 0 ? 0 : left;
            const int32_t end_column = left + op->filter_w < op->in_w ? left + op->filter_w : op->in_w;
            window_t window = {
                .first = in + first_row * row_stride + first_column * op->channels,
                .rows = end_row - first_row,
                .columns = end_column - first_column,
                .row_stride = row_stride,
                .column_stride = op->channels,
            };
            /* A window over the whole width is one long row. */
            if (window.columns == op->in_w) {
                window.columns *= window.rows;
                window.rows = 1;
            }
            const int32_t count = window.rows * window.columns;
            int32_t c = op->channels;
            for (; c >= 4; c -= 4) {
                int32_t sum[4] = {0, 0, 0, 0};
                sum_columns(&window, sum);
                window.first += 4;
                for (int32_t i = 0; i < 4; i++) {
                    *out++ = average(op, sum[i], count);
                }
            }
            for (; c > 0; c--) {
                *out++ = average(op, sum_column(&window), count);
                window.first++;
            }
        }
    }
}
