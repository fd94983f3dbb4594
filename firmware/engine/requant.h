/* SPDX-License-Identifier: Apache-2.0 */
/* The one home of requantisation: int32 accumulator -> output scale, exactly as TensorFlow Lite's reference kernels.
 *
 *   requantize(x, m, s) = rshift(high_mul(x << max(s, 0), m), max(-s, 0))  ~  x * m * 2^(s - 31)
 *
 * There are two roundings: high_mul rounds halves upward (towards plus infinity), rshift rounds halves away from
 * zero. One rounding of the exact product would differ by one now and then. m is in [2^30, 2^31) or 0, s in
 * [-31, 30]; the host computes both (firmware/codegen/ir/requant.py). Nothing here is undefined for any x: the left
 * shift wraps. Right shifts of negative values are arithmetic, as on every compiler this is built with. */
#ifndef REQUANT_H
#define REQUANT_H

#include <stdint.h>

/* round(a * b / 2^31), halves upward. The one overflow, a = b = -2^31, gives 2^31 - 1. */
static inline int32_t high_mul(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* round(x / 2^exponent), halves away from zero; exponent in [0, 31]. */
static inline int32_t rounding_shift_right(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + ((x & mask) > threshold);
}

/* x * multiplier * 2^(shift - 31) with the two roundings above; shift in [-31, 30], positive is to the left. */
static inline int32_t requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    return rounding_shift_right(high_mul((int32_t)((uint32_t)x << left), multiplier), right);
}

static inline int32_t clamp_int32(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
