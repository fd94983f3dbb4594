/* SPDX-License-Identifier: Apache-2.0 */
#include "add_linear_s8.h"
#include "lanes.h"

/* One value by itself; `half` operands as smlawb takes them. */
static inline int8_t add_one(const add_linear_s8_t *op, int8_t a, int8_t b)
{
    const int32_t a_half = (int32_t)((uint32_t)a << 8), b_half = (int32_t)((uint32_t)b << 8);
    const int32_t sum = smlawb(op->b_factor, b_half, smlawb(op->a_factor, a_half, op->constant));
    return (int8_t)SATURATE_SHIFTED(sum, ADD_FRACTION_BITS);
}

/* A fused activation inside the int8 range is rare, for the range was chosen to hold what the activation lets through:
 * it gets a pass of its own. */
static void clamp_values(int8_t *values, int32_t count, int32_t low, int32_t high)
{
    const uint32_t low4 = UINT32_C(0x01010101) * (uint8_t)low, high4 = UINT32_C(0x01010101) * (uint8_t)high;
    for (; count >= 4; count -= 4, values += 4) {
        store_bytes(values, min4(max4(load_bytes(values), low4), high4));
    }
    for (; count > 0; count--, values++) {
        *values = (int8_t)(*values < low ? low : *values > high ? high : *values);
    }
}

__attribute__((noinline)) void add_linear_s8(const add_linear_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out)
{
    const int32_t a_factor = op->a_factor, b_factor = op->b_factor, constant = op->constant;
    int8_t *const first = out;
    int32_t left = op->elements;

    a = op->a_constant ? op->a_constant : a;
    b = op->b_constant ? op->b_constant : b;
    const int8_t *const end = a + (left & ~3);
    for (left &= 3; a != end; a += 4, b += 4, out += 4) {
        OWN_REGISTER(a);
        OWN_REGISTER(b);
        OWN_REGISTER(out);
        const uint32_t a4 = load_bytes(a), b4 = load_bytes(b);
        const int32_t a_even = even_halves(a4), a_odd = odd_halves(a4);
        const int32_t b_even = even_halves(b4), b_odd = odd_halves(b4);
        const int32_t sum_0 = smlawb(b_factor, b_even, smlawb(a_factor, a_even, constant));
        const int32_t sum_1 = smlawb(b_factor, b_odd, smlawb(a_factor, a_odd, constant));
        const int32_t sum_2 = smlawt(b_factor, b_even, smlawt(a_factor, a_even, constant));
        const int32_t sum_3 = smlawt(b_factor, b_odd, smlawt(a_factor, a_odd, constant));
        out[0] = (int8_t)SATURATE_SHIFTED(sum_0, ADD_FRACTION_BITS);
        out[1] = (int8_t)SATURATE_SHIFTED(sum_1, ADD_FRACTION_BITS);
        out[2] = (int8_t)SATURATE_SHIFTED(sum_2, ADD_FRACTION_BITS);
        out[3] = (int8_t)SATURATE_SHIFTED(sum_3, ADD_FRACTION_BITS);
    }
    for (; left > 0; left--) {
        *out++ = add_one(op, *a++, *b++);
    }
    if (op->out_min > INT8_MIN || op->out_max < INT8_MAX) {
        clamp_values(first, op->elements, op->out_min, op->out_max);
    }
}

void add_linear_rows_s8(const add_linear_rows_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out)
{
    a = op->a_constant ? op->a_constant : a;
    b = op->b_constant ? op->b_constant : b;
    for (int32_t i = 0; i < op->size[0]; i++) {
        for (int32_t j = 0; j < op->size[1]; j++) {
            for (int32_t k = 0; k < op->size[2]; k++, out += op->row.elements) {
                add_linear_s8(
                    &op->row, broadcast_row(a, op->a_stride, i, j, k), broadcast_row(b, op->b_stride, i, j, k), out);
            }
        }
    }
}
