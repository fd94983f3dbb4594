/* SPDX-License-Identifier: Apache-2.0 */
#include "add_linear_s8.h"
#include "../requant.h"
#include "lanes.h"

/* `clamp` is known where this is inlined. */
static inline __attribute__((always_inline)) int8_t finish(const add_linear_s8_t *op, int32_t sum, int clamp)
{
    const int32_t value = SATURATE_SHIFTED(sum, ADD_FRACTION_BITS);
    return (int8_t)(clamp ? clamp_int32(value, op->out_min, op->out_max) : value);
}

static inline __attribute__((always_inline)) void add_all(
    const add_linear_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out, int clamp)
{
    const int32_t a_factor = op->a_factor, b_factor = op->b_factor, constant = op->constant;
    int32_t left = op->elements;
    for (; left >= 4; left -= 4) {
        const uint32_t a4 = load4(a), b4 = load4(b);
        const int32_t a_even = even_halves(a4), a_odd = odd_halves(a4);
        const int32_t b_even = even_halves(b4), b_odd = odd_halves(b4);
        out[0] = finish(op, smlawb(b_factor, b_even, smlawb(a_factor, a_even, constant)), clamp);
        out[1] = finish(op, smlawb(b_factor, b_odd, smlawb(a_factor, a_odd, constant)), clamp);
        out[2] = finish(op, smlawt(b_factor, b_even, smlawt(a_factor, a_even, constant)), clamp);
        out[3] = finish(op, smlawt(b_factor, b_odd, smlawt(a_factor, a_odd, constant)), clamp);
        a += 4;
        b += 4;
        out += 4;
    }
    for (; left > 0; left--) {
        const int32_t a_half = (int32_t)((uint32_t)*a++ << 8), b_half = (int32_t)((uint32_t)*b++ << 8);
        *out++ = finish(op, smlawb(b_factor, b_half, smlawb(a_factor, a_half, constant)), clamp);
    }
}

void add_linear_s8(const add_linear_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out)
{
    a = op->a_constant ? op->a_constant : a;
    b = op->b_constant ? op->b_constant : b;
    if (op->out_min > INT8_MIN || op->out_max < INT8_MAX) {
        add_all(op, a, b, out, 1);
    } else {
        add_all(op, a, b, out, 0);
    }
}
