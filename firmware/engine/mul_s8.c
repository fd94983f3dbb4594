/* SPDX-License-Identifier: Apache-2.0 */
#include "mul_s8.h"
#include "requant.h"

void mul_s8(const mul_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out)
{
    a = op->a_constant ? op->a_constant : a;
    b = op->b_constant ? op->b_constant : b;
    for (int32_t i = 0; i < op->size[0]; i++) {
        for (int32_t j = 0; j < op->size[1]; j++) {
            for (int32_t k = 0; k < op->size[2]; k++) {
                const int8_t *a_row = broadcast_row(a, op->a_stride, i, j, k);
                const int8_t *b_row = broadcast_row(b, op->b_stride, i, j, k);
                for (int32_t n = 0; n < op->size[3]; n++) {
                    const int32_t product =
                        (a_row[n * op->a_stride[3]] - op->a_zero) * (b_row[n * op->b_stride[3]] - op->b_zero);
                    const int32_t scaled = requantize(product, op->out_multiplier, op->out_shift);
                    *out++ = (int8_t)clamp_int32(scaled + op->out_zero, op->out_min, op->out_max);
                }
            }
        }
    }
}
