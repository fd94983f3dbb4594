/* SPDX-License-Identifier: Apache-2.0 */
#include "conv2d_s8_dsp.h"

#include <stddef.h>

#include "dot_kernels.h"

/* Widens one run to pairs, `step` words apart; returns where the next pair goes. */
INLINE uint32_t *widen(uint32_t *to, const int8_t *run, int32_t values, const int32_t step)
{
    for (; values >= 4; values -= 4, run += 4, to += 2 * step) {
        const uint32_t bytes = load_bytes(run);
        to[0] = extend_even(bytes);
        to[step] = extend_odd(bytes);
    }
    if (values >= 2) {
        *to = pack_low((uint32_t)run[0], (uint32_t)run[1]);
        to += step;
        run += 2;
        values -= 2;
    }
    if (values) {
        *to = (uint32_t)run[0];
        to += step;
    }
    return to;
}

/* A run that hangs over the left or right edge, as bytes: `column` is its first one. */
static const int8_t *pad_run(const conv2d_s8_dsp_t *op, const int8_t *row, int32_t column, int8_t *bytes)
{
    for (int32_t j = 0; j < op->run_columns; j++) {
        int8_t *to = bytes + j * op->in_channels;
        if (column + j < 0 || column + j >= op->in_w) {
            __builtin_memset(to, op->in_zero, (size_t)op->in_channels);
        } else {
            __builtin_memcpy(to, row + (column + j) * op->in_channels, (size_t)op->in_channels);
        }
    }
    return bytes;
}

/* Gathers the patch whose first row and column are `top` and `left`. */
INLINE void gather(
    const conv2d_s8_dsp_t *op, const int8_t *in, int32_t top, int32_t left, uint32_t *to, int8_t *bytes, const int32_t step)
{
    const int32_t row_bytes = op->in_w * op->in_channels;
    for (int32_t i = 0; i < op->filter_h; i++, top += op->dilation_h) {
        const int outside = top < 0 || top >= op->in_h;
        int32_t column = left;
        for (int32_t j = 0; j < op->runs_per_row; j++, column += op->dilation_w) {
            const int8_t *run;
            if (outside) {
                __builtin_memset(bytes, op->in_zero, (size_t)op->run_values);
                run = bytes;
            } else if (column < 0 || column + op->run_columns > op->in_w) {
                run = pad_run(op, in + top * row_bytes, column, bytes);
            } else {
                run = in + top * row_bytes + column * op->in_channels;
            }
            to = widen(to, run, op->run_values, step);
        }
    }
}

/* Four pixels that lie one behind the other in memory; the filter is 1x1. */
INLINE void widen_four(uint32_t *to, const int8_t *in, int32_t channels)
{
    const int8_t *in1 = in + channels;
    const int8_t *in2 = in1 + channels;
    const int8_t *in3 = in2 + channels;
    int32_t n = channels;
    for (; n >= 4; n -= 4, to += 8, in += 4, in1 += 4, in2 += 4, in3 += 4) {
        const uint32_t b0 = load_bytes(in), b1 = load_bytes(in1), b2 = load_bytes(in2), b3 = load_bytes(in3);
        to[0] = extend_even(b0);
        to[1] = extend_even(b1);
        to[2] = extend_even(b2);
        to[3] = extend_even(b3);
        to[4] = extend_odd(b0);
        to[5] = extend_odd(b1);
        to[6] = extend_odd(b2);
        to[7] = extend_odd(b3);
    }
    if (n) {
        widen(to, in, n, 4);
        widen(to + 1, in1, n, 4);
        widen(to + 2, in2, n, 4);
        widen(to + 3, in3, n, 4);
    }
}

static void pointwise(const conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, uint32_t *patches)
{
    const int32_t channels = op->in_channels;
    int32_t left = op->out_h * op->out_w;
    for (; left >= 4; left -= 4, in += 4 * channels, out += 4 * op->dot.filters) {
        widen_four(patches, in, channels);
        dot_four(&op->dot, patches, out);
    }
    if (left == 3 && op->out_h * op->out_w > 3) {
        /* One pixel a second time costs less than three one by one. */
        widen_four(patches, in - channels, channels);
        dot_four(&op->dot, patches, out - op->dot.filters);
        return;
    }
    for (; left > 0; left--, in += channels, out += op->dot.filters) {
        widen(patches, in, channels, 1);
        dot_one(&op->dot, patches, out);
    }
}

static void windows(const conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, uint32_t *patches)
{
    int8_t *bytes = (int8_t *)(patches + 4 * (op->dot.pairs + 1));
    const int32_t right = op->out_w * op->stride_w - op->pad_left;
    int32_t top = -op->pad_top;
    int32_t left = -op->pad_left;
    for (int32_t pixels = op->out_h * op->out_w; pixels > 0;) {
        const int32_t patch_count = pixels >= 4 ? 4 : 1;
        for (int32_t q = 0; q < patch_count; q++) {
            if (patch_count == 4) {
                gather(op, in, top, left, patches + q, bytes, 4);
            } else {
                gather(op, in, top, left, patches, bytes, 1);
            }
            left += op->stride_w;
            if (left == right) {
                left = -op->pad_left;
                top += op->stride_h;
            }
        }
        if (patch_count == 4) {
            dot_four(&op->dot, patches, out);
        } else {
            dot_one(&op->dot, patches, out);
        }
        out += patch_count * op->dot.filters;
        pixels -= patch_count;
    }
}

void conv2d_s8_dsp(const conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch)
{
    /* The odd last filter may read one pair behind a patch. */
    uint32_t *const patches = scratch;
    __builtin_memset(patches + 4 * op->dot.pairs, 0, 4 * sizeof *patches);
    const int plain = op->filter_h == 1 && op->runs_per_row == 1 && op->run_columns == 1 && op->stride_h == 1 &&
                      op->stride_w == 1;
    if (plain) {
        pointwise(op, in, out, patches);
    } else {
        windows(op, in, out, patches);
    }
}
