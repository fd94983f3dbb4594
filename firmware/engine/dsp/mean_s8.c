/* SPDX-License-Identifier: Apache-2.0 */
#include "../mean_s8.h"
#include "../requant.h"
#include "window_columns.h"

static inline int8_t finish(const mean_s8_t *op, int32_t sum)
{
    const int32_t mean = requantize(sum - op->zero_sum, op->out_multiplier, op->out_shift) + op->out_zero;
    return (int8_t)clamp_int32(mean, INT8_MIN, INT8_MAX);
}

void mean_s8(const mean_s8_t *op, const int8_t *in, int8_t *out)
{
    window_t window = {
        .rows = op->summed[0],
        .columns = op->summed[1],
        .row_stride = op->summed_stride[0],
        .column_stride = op->summed_stride[1],
    };
    for (int32_t outer = 0; outer < op->kept[0]; outer++) {
        window.first = in + outer * op->kept_stride[0];
        int32_t inner = op->kept[1];
        /* Four outputs at a time where they lie side by side in the input: a mean over height and width. */
        for (; inner >= 4 && op->kept_stride[1] == 1; inner -= 4, window.first += 4) {
            int32_t sum[4] = {0, 0, 0, 0};
            sum_columns(&window, sum);
            for (int32_t i = 0; i < 4; i++) {
                *out++ = finish(op, sum[i]);
            }
        }
        for (; inner > 0; inner--, window.first += op->kept_stride[1]) {
            *out++ = finish(op, sum_column(&window));
        }
    }
}
