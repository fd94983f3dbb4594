/* SPDX-License-Identifier: Apache-2.0 */
#include "mean_s8.h"
#include "requant.h"

void mean_s8(const mean_s8_t *op, const int8_t *in, int8_t *out)
{
    for (int32_t outer = 0; outer < op->kept[0]; outer++) {
        for (int32_t inner = 0; inner < op->kept[1]; inner++) {
            const int8_t *first = in + outer * op->kept_stride[0] + inner * op->kept_stride[1];
            int32_t sum = -op->zero_sum;
            for (int32_t i = 0; i < op->summed[0]; i++) {
                for (int32_t j = 0; j < op->summed[1]; j++) {
                    sum += first[i * op->summed_stride[0] + j * op->summed_stride[1]];
                }
            }
            const int32_t mean = requantize(sum, op->out_multiplier, op->out_shift) + op->out_zero;
            *out++ = (int8_t)clamp_int32(mean, INT8_MIN, INT8_MAX);
        }
    }
}
