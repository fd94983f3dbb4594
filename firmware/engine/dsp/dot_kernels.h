/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of dot.h, static: the one kernel that includes this file keeps only what it uses. */
#ifndef DOT_KERNELS_H
#define DOT_KERNELS_H

#include "dot.h"
#include "requant.h"
#include "simd.h"

/* One output; moves `*packed` past the requant parameters if `last`, the last use of these. */
INLINE int8_t dot_requantize(const dot_t *op, int32_t sum, const int32_t **packed, int last)
{
    const int32_t *parameters = *packed;
    int32_t value;
    if (op->requant == REQUANT_LINEAR) {
        value = saturate_int8(high_mul_add(sum, parameters[0], parameters[1]) >> op->linear_shift);
    } else if (op->requant == REQUANT_ROUNDING) {
        const int32_t v = high_mul_add(sum, parameters[0], sum);
        value = saturate_int8((v + (v >> 31) + parameters[1]) >> parameters[2]);
    } else {
        value = clamp_int32(requantize(sum, parameters[0], parameters[1]) + op->out_zero, op->out_min, op->out_max);
    }
    if (last) {
        *packed = parameters + (op->requant == REQUANT_ROUNDING ? 3 : 2);
    }
    return (int8_t)value;
}

/* The second filter's sum, which packed pairs hold as 256 * sum1 + sum0. */
INLINE int32_t split(const dot_t *op, int32_t sum0, int32_t sum1)
{
    return op->packed_pairs ? (int32_t)((uint32_t)sum1 - (uint32_t)sum0) >> 8 : sum1;
}

/* All filters but an odd last one, for one im2col column; returns the packed weights that follow. */
static const int32_t *dot_one_filter_pairs(const dot_t *op, const uint32_t *column, const int32_t *packed, int8_t *out)
{
    for (int32_t filter = 0; filter + 1 < op->filters; filter += 2) {
        int32_t sum0 = *packed++;
        int32_t sum1 = *packed++;
        for (int32_t p = 0; p < op->pairs; p++) {
            const uint32_t bytes = (uint32_t)*packed++;
            sum0 = dot_add(column[p], extend_even(bytes), sum0);
            sum1 = dot_add(column[p], op->packed_pairs ? bytes : extend_odd(bytes), sum1);
        }
        sum1 = split(op, sum0, sum1);
        *out++ = dot_requantize(op, sum0, &packed, 1);
        *out++ = dot_requantize(op, sum1, &packed, 1);
    }
    return packed;
}

/* out[q * filters] for four interleaved im2col columns q and the odd last filter, whose packed weights are given. */
static void dot_four_last(const dot_t *op, const uint32_t *a, const int32_t *packed, int8_t *out)
{
    int32_t sum0 = *packed++;
    int32_t sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (int32_t n = op->pairs; n > 0; n -= 2, a += 8) {
        const uint32_t bytes = (uint32_t)*packed++;
        const uint32_t w0 = extend_even(bytes);
        const uint32_t w1 = extend_odd(bytes);
        sum0 = dot_add(a[0], w0, sum0);
        sum1 = dot_add(a[1], w0, sum1);
        sum2 = dot_add(a[2], w0, sum2);
        sum3 = dot_add(a[3], w0, sum3);
        sum0 = dot_add(a[4], w1, sum0);
        sum1 = dot_add(a[5], w1, sum1);
        sum2 = dot_add(a[6], w1, sum2);
        sum3 = dot_add(a[7], w1, sum3);
    }
    const int32_t pitch = op->filters;
    out[0] = dot_requantize(op, sum0, &packed, 0);
    out[pitch] = dot_requantize(op, sum1, &packed, 0);
    out[2 * pitch] = dot_requantize(op, sum2, &packed, 0);
    out[3 * pitch] = dot_requantize(op, sum3, &packed, 1);
}

/* All filters but an odd last one, for four im2col columns; returns the packed weights that follow. */
static const int32_t *dot_four_filter_pairs(const dot_t *op, const uint32_t *im2col, const int32_t *packed, int8_t *out)
{
    const int32_t pitch = op->filters;
    for (int32_t filter = 0; filter + 1 < op->filters; filter += 2, out += 2) {
        const uint32_t *a = im2col;
        int32_t sum[2][4];
        for (int q = 0; q < 4; q++) {
            sum[0][q] = packed[0];
            sum[1][q] = packed[1];
        }
        packed += 2;
        for (int32_t p = 0; p < op->pairs; p++, a += 4) {
            const uint32_t bytes = (uint32_t)*packed++;
            for (int q = 0; q < 4; q++) {
                sum[0][q] = dot_add(a[q], extend_even(bytes), sum[0][q]);
                sum[1][q] = dot_add(a[q], op->packed_pairs ? bytes : extend_odd(bytes), sum[1][q]);
            }
        }
        for (int q = 0; q < 4; q++) {
            sum[1][q] = split(op, sum[0][q], sum[1][q]);
        }
        for (int q = 0; q < 4; q++) {
            out[q * pitch] = dot_requantize(op, sum[0][q], &packed, q == 3);
        }
        for (int q = 0; q < 4; q++) {
            out[q * pitch + 1] = dot_requantize(op, sum[1][q], &packed, q == 3);
        }
    }
    return packed;
}

#if HAVE_DSP
#include "dot_asm.h"
#endif

/* out[filter] for one im2col column. */
static void dot_one(const dot_t *op, const uint32_t *column, int8_t *out)
{
    const int32_t *packed = op->packed_weights;
    if (op->filters > 1) {
#if HAVE_DSP
        const int32_t n = op->filters, pairs = op->pairs, shift = op->linear_shift;
        const int shared = op->packed_pairs;
        if (op->requant == REQUANT_LINEAR) {
            packed = (shared ? dot_one_packed_linear : dot_one_unpacked_linear)(column, packed, out, n, pairs, shift);
        } else if (op->requant == REQUANT_ROUNDING) {
            packed = (shared ? dot_one_packed_rounding : dot_one_unpacked_rounding)(column, packed, out, n, pairs, 0);
        } else {
            packed = dot_one_filter_pairs(op, column, packed, out);
        }
#else
        packed = dot_one_filter_pairs(op, column, packed, out);
#endif
    }
    if (op->filters & 1) {
        int32_t sum = *packed++;
        for (int32_t n = op->pairs; n > 0; n -= 2, column += 2) {
            const uint32_t bytes = (uint32_t)*packed++;
            sum = dot_add(column[0], extend_even(bytes), sum);
            sum = dot_add(column[1], extend_odd(bytes), sum);
        }
        out[op->filters - 1] = dot_requantize(op, sum, &packed, 1);
    }
}

/* out[q * filters + filter] for four interleaved im2col columns q. */
static void dot_four(const dot_t *op, const uint32_t *im2col, int8_t *out)
{
    const int32_t *packed = op->packed_weights;
    if (op->filters > 1) {
#if HAVE_DSP
        const int32_t n = op->filters, pairs = op->pairs;
        const int shared = op->packed_pairs;
        if (op->requant == REQUANT_LINEAR && op->linear_shift == 4) {
            packed = (shared ? dot_four_packed_linear_4 : dot_four_unpacked_linear_4)(im2col, packed, out, n, pairs);
        } else if (op->requant == REQUANT_LINEAR && op->linear_shift == 2) {
            packed = (shared ? dot_four_packed_linear_2 : dot_four_unpacked_linear_2)(im2col, packed, out, n, pairs);
        } else if (op->requant == REQUANT_ROUNDING) {
            packed = (shared ? dot_four_packed_rounding : dot_four_unpacked_rounding)(im2col, packed, out, n, pairs);
        } else {
            packed = dot_four_filter_pairs(op, im2col, packed, out);
        }
#else
        packed = dot_four_filter_pairs(op, im2col, packed, out);
#endif
    }
    if (op->filters & 1) {
        dot_four_last(op, im2col, packed, out + op->filters - 1);
    }
}

#endif
