/* SPDX-License-Identifier: Apache-2.0 */
#include "softmax_s8.h"
#include "requant.h"

enum { SUM_INTEGER_BITS = 12 };

static int32_t leading_zeros(uint32_t x)
{
    int32_t count = 0;
    while (!(x & UINT32_C(0x80000000))) {
        x <<= 1;
        count++;
    }
    return count;
}

static int32_t saturating_shift_left(int32_t x, int32_t exponent)
{
    const int32_t limit = INT32_MAX >> exponent;
    return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : x * (1 << exponent);
}

/* 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31. The iteration runs in Q2.29 on d = (1 + x) / 2:
 * y <- y + y * (1 - d * y), from the best straight line 48/17 - 32/17 * d. */
static int32_t one_over_one_plus_x(int32_t x)
{
    const int32_t d = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
    int32_t y = 1515870810 + high_mul(d, -1010580540);
    for (int step = 0; step < 3; step++) {
        const int32_t error = (1 << 29) - high_mul(d, y);
        y += saturating_shift_left(high_mul(y, error), 2);
    }
    return saturating_shift_left(y, 1);
}

void softmax_s8(const softmax_s8_t *op, const int8_t *in, int8_t *out)
{
    for (int32_t row = 0; row < op->rows; row++) {
        int32_t largest = INT8_MIN;
        for (int32_t i = 0; i < op->depth; i++) {
            largest = in[i] > largest ? in[i] : largest;
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < op->depth; i++) {
            const int32_t difference = largest - in[i];
            if (difference < op->exp_entries) {
                sum += rounding_shift_right(op->exp[difference], SUM_INTEGER_BITS);
            }
        }
        /* sum = (1 + x) * 2^bits_over_unit; the largest value alone adds 1, so sum > 0. */
        const int32_t zeros = leading_zeros((uint32_t)sum);
        const int32_t scale = one_over_one_plus_x((int32_t)(((uint32_t)sum << zeros) - UINT32_C(0x80000000)));
        const int32_t exponent = SUM_INTEGER_BITS - zeros + 31 - 8;
        for (int32_t i = 0; i < op->depth; i++) {
            const int32_t difference = largest - in[i];
            int32_t value = INT8_MIN;
            /* A sum of 512 or more leaves every output below half a step. */
            if (difference < op->exp_entries && exponent < 32) {
                value += rounding_shift_right(high_mul(scale, op->exp[difference]), exponent);
            }
            out[i] = (int8_t)clamp_int32(value, INT8_MIN, INT8_MAX);
        }
        in += op->depth;
        out += op->depth;
    }
}
