/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind dot.h, static: the one kernel that includes this file keeps only what it uses. */
#ifndef DOT_KERNELS_H
#define DOT_KERNELS_H

#include "dot.h"
#include "requant.h"
#include "simd.h"

/* One output; moves `*stream` behind the tail if `last`, the last use of this tail. */
INLINE int8_t dot_requantize(const dot_t *op, int32_t sum, const int32_t **stream, int last)
{
    const int32_t *tail = *stream;
    int32_t value;
    if (op->requant == REQUANT_LINEAR) {
        value = saturate_int8(high_mul_add(sum, tail[0], tail[1]) >> op->linear_shift);
    } else if (op->requant == REQUANT_ROUNDING) {
        const int32_t v = high_mul_add(sum, tail[0], sum);
        value = saturate_int8((v + (v >> 31) + tail[1]) >> tail[2]);
    } else {
        value = clamp_int32(requantize(sum, tail[0], tail[1]) + op->out_zero, op->out_min, op->out_max);
    }
    if (last) {
        *stream = tail + (op->requant == REQUANT_ROUNDING ? 3 : 2);
    }
    return (int8_t)value;
}

/* The second filter's sum, which joined filters hold as 256 * sum1 + sum0. */
INLINE int32_t split(const dot_t *op, int32_t sum0, int32_t sum1)
{
    return op->joined ? (int32_t)((uint32_t)sum1 - (uint32_t)sum0) >> 8 : sum1;
}

/* All filters but an odd last one, for one patch; returns the stream behind them. */
static const int32_t *dot_one_twos(const dot_t *op, const uint32_t *patch, const int32_t *stream, int8_t *out)
{
    for (int32_t filter = 0; filter + 1 < op->filters; filter += 2) {
        int32_t sum0 = *stream++;
        int32_t sum1 = *stream++;
        for (int32_t p = 0; p < op->pairs; p++) {
            const uint32_t bytes = (uint32_t)*stream++;
            sum0 = dot_add(patch[p], extend_even(bytes), sum0);
            sum1 = dot_add(patch[p], op->joined ? bytes : extend_odd(bytes), sum1);
        }
        sum1 = split(op, sum0, sum1);
        *out++ = dot_requantize(op, sum0, &stream, 1);
        *out++ = dot_requantize(op, sum1, &stream, 1);
    }
    return stream;
}

/* out[q * filters] for four interleaved patches q and the odd last filter, whose part of the stream is given. */
static void dot_four_last(const dot_t *op, const uint32_t *a, const int32_t *stream, int8_t *out)
{
    int32_t sum0 = *stream++;
    int32_t sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (int32_t n = op->pairs; n > 0; n -= 2, a += 8) {
        const uint32_t bytes = (uint32_t)*stream++;
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
    out[0] = dot_requantize(op, sum0, &stream, 0);
    out[pitch] = dot_requantize(op, sum1, &stream, 0);
    out[2 * pitch] = dot_requantize(op, sum2, &stream, 0);
    out[3 * pitch] = dot_requantize(op, sum3, &stream, 1);
}

/* All filters but an odd last one; returns the stream behind them. */
static const int32_t *dot_four_twos(const dot_t *op, const uint32_t *patches, const int32_t *stream, int8_t *out)
{
    const int32_t pitch = op->filters;
    for (int32_t filter = 0; filter + 1 < op->filters; filter += 2, out += 2) {
        const uint32_t *a = patches;
        int32_t sum[2][4];
        for (int q = 0; q < 4; q++) {
            sum[0][q] = stream[0];
            sum[1][q] = stream[1];
        }
        stream += 2;
        for (int32_t p = 0; p < op->pairs; p++, a += 4) {
            const uint32_t bytes = (uint32_t)*stream++;
            for (int q = 0; q < 4; q++) {
                sum[0][q] = dot_add(a[q], extend_even(bytes), sum[0][q]);
                sum[1][q] = dot_add(a[q], op->joined ? bytes : extend_odd(bytes), sum[1][q]);
            }
        }
        for (int q = 0; q < 4; q++) {
            sum[1][q] = split(op, sum[0][q], sum[1][q]);
        }
        for (int q = 0; q < 4; q++) {
            out[q * pitch] = dot_requantize(op, sum[0][q], &stream, q == 3);
        }
        for (int q = 0; q < 4; q++) {
            out[q * pitch + 1] = dot_requantize(op, sum[1][q], &stream, q == 3);
        }
    }
    return stream;
}

#if HAVE_DSP
#include "dot_asm.h"
#endif

/* out[filter] for one patch. */
static void dot_one(const dot_t *op, const uint32_t *patch, int8_t *out)
{
    const int32_t *stream = op->stream;
    if (op->filters > 1) {
#if HAVE_DSP
        const int32_t n = op->filters, pairs = op->pairs, shift = op->linear_shift;
        const int joined = op->joined;
        if (op->requant == REQUANT_LINEAR) {
            stream = (joined ? dot_one_joined_linear : dot_one_apart_linear)(patch, stream, out, n, pairs, shift);
        } else if (op->requant == REQUANT_ROUNDING) {
            stream = (joined ? dot_one_joined_rounding : dot_one_apart_rounding)(patch, stream, out, n, pairs, 0);
        } else {
            stream = dot_one_twos(op, patch, stream, out);
        }
#else
        stream = dot_one_twos(op, patch, stream, out);
#endif
    }
    if (op->filters & 1) {
        int32_t sum = *stream++;
        for (int32_t n = op->pairs; n > 0; n -= 2, patch += 2) {
            const uint32_t bytes = (uint32_t)*stream++;
            sum = dot_add(patch[0], extend_even(bytes), sum);
            sum = dot_add(patch[1], extend_odd(bytes), sum);
        }
        out[op->filters - 1] = dot_requantize(op, sum, &stream, 1);
    }
}

/* out[q * filters + filter] for four interleaved patches q. */
static void dot_four(const dot_t *op, const uint32_t *patches, int8_t *out)
{
    const int32_t *stream = op->stream;
    if (op->filters > 1) {
#if HAVE_DSP
        const int32_t n = op->filters, pairs = op->pairs;
        const int joined = op->joined;
        if (op->requant == REQUANT_LINEAR && op->linear_shift == 4) {
            stream = (joined ? dot_four_joined_linear_4 : dot_four_apart_linear_4)(patches, stream, out, n, pairs);
        } else if (op->requant == REQUANT_LINEAR && op->linear_shift == 2) {
            stream = (joined ? dot_four_joined_linear_2 : dot_four_apart_linear_2)(patches, stream, out, n, pairs);
        } else if (op->requant == REQUANT_ROUNDING) {
            stream = (joined ? dot_four_joined_rounding : dot_four_apart_rounding)(patches, stream, out, n, pairs);
        } else {
            stream = dot_four_twos(op, patches, stream, out);
        }
#else
        stream = dot_four_twos(op, patches, stream, out);
#endif
    }
    if (op->filters & 1) {
        dot_four_last(op, patches, stream, out + op->filters - 1);
    }
}

#endif
