/* SPDX-License-Identifier: Apache-2.0 */
#include "add_s8.h"
#include "requant.h"

enum { ADD_SCALE = 1 << 20 };

void add_s8(const add_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out)
{
    a = op->a_constant ? op->a_constant : a;
    b = op->b_constant ? op->b_constant : b;
    for (int32_t i = 0; i < op->size[0]; i++) {
        for (int32_t j = 0; j < op->size[1]; j++) {
            for (int32_t k = 0; k < op->size[2]; k++) {
                const int8_t *a_row = broadcast_row(a, op->a_stride, i, j, k);
                const int8_t *b_row = broadcast_row(b, op->b_stride, i, j, k);
                for (int32_t n = 0; n < op->size[3]; n++) {
                    const int32_t a_scaled =
                        requantize((a_row[n * op->a_stride[3]] - op->a_zero) * ADD_SCALE, op->a_multiplier, op->a_shift);
                    const int32_t b_scaled =
                        requantize((b_row[n * op->b_stride[3]] - op->b_zero) * ADD_SCALE, op->b_multiplier, op->b_shift);
                    const int32_t sum = requantize(a_scaled + b_scaled, op->out_multiplier, op->out_shift);
                    *out++ = (int8_t)clamp_int32(sum + op->out_zero, op->out_min, op->out_max);
                }
            }
        }
    }
}
