/* SPDX-License-Identifier: Apache-2.0 */
#include "fully_connected_s8.h"
#include "requant.h"

static int32_t scale(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)sum * multiplier;
    const int64_t half = INT64_C(1) << (shift - 1);
    const int64_t value = product < 0 ? -((half - product) >> shift) : (product + half) >> shift;
    /* Far outside int8 already; the zero point still fits on top. */
    return (int32_t)(value < -1024 ? -1024 : value > 1024 ? 1024 : value);
}

void fully_connected_s8(const fully_connected_s8_t *op, const int8_t *in, int8_t *out)
{
    for (int32_t row = 0; row < op->rows; row++, in += op->in_size) {
        for (int32_t c = 0; c < op->out_size; c++) {
            const int8_t *weights = op->weights + c * op->in_size;
            int32_t sum = op->bias[c];
            for (int32_t k = 0; k < op->in_size; k++) {
                sum += (in[k] - op->in_zero) * weights[k];
            }
            const int32_t value = scale(sum, op->multiplier[c], op->shift[c]) + op->out_zero;
            *out++ = (int8_t)clamp_int32(value, op->out_min, op->out_max);
        }
    }
}
