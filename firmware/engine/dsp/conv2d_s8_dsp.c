/* SPDX-License-Identifier: Apache-2.0 */
#include "conv2d_s8_dsp.h"

#include "dot_kernels.h"

/* Keeps the compiler from making a library call of a loop over a few bytes. */
#define FEW_BYTES __asm__ volatile("" ::: "memory")

INLINE void widen_word(uint32_t *to, const int8_t *run, const int32_t step)
{
    const uint32_t bytes = load_bytes(run);
    to[0] = extend_even(bytes);
    to[step] = extend_odd(bytes);
}

/* Widens one run to pairs, `step` words apart; returns where the next pair goes. */
INLINE uint32_t *widen(uint32_t *to, const int8_t *run, int32_t values, const int32_t step)
{
    for (; values >= 16; values -= 16, run += 16, to += 8 * step) {
        widen_word(to, run, step);
        widen_word(to + 2 * step, run + 4, step);
        widen_word(to + 4 * step, run + 8, step);
        widen_word(to + 6 * step, run + 12, step);
    }
    for (; values >= 4; values -= 4, run += 4, to += 2 * step) {
        widen_word(to, run, step);
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
    const int32_t end = op->run_values;
    int32_t before = -column * op->in_channels;
    before = before < 0 ? 0 : before > end ? end : before;
    int32_t inside = (op->in_w - column) * op->in_channels;
    inside = inside < before ? before : inside > end ? end : inside;
    const int8_t *from = row + column * op->in_channels;
    int32_t i = 0;
    for (; i < before; i++) {
        bytes[i] = (int8_t)op->in_zero;
        FEW_BYTES;
    }
    for (; i < inside; i++) {
        bytes[i] = from[i];
        FEW_BYTES;
    }
    for (; i < end; i++) {
        bytes[i] = (int8_t)op->in_zero;
        FEW_BYTES;
    }
    return bytes;
}

/* widen() for the run lengths of usual first layers, without a loop. */
INLINE uint32_t *widen_few(uint32_t *to, const int8_t *run, const int32_t values, const int32_t step)
{
    if (values >= 4) {
        widen_word(to, run, step);
    }
    if (values >= 8) {
        widen_word(to + 2 * step, run + 4, step);
    }
    const int32_t whole = values & ~3;
    to += whole / 2 * step;
    if (values % 4 >= 2) {
        *to = pack_low((uint32_t)run[whole], (uint32_t)run[whole + 1]);
        to += step;
    }
    if (values % 2) {
        *to = (uint32_t)run[values - 1];
        to += step;
    }
    return to;
}

/* Gathers the im2col column whose first row and column are `top` and `left`; `few` is
 * op->run_values or 0 for any. */
INLINE void gather_runs(
    const conv2d_s8_dsp_t *op, const int8_t *in, int32_t top, int32_t left, uint32_t *to, int8_t *bytes,
    const int32_t few, const int32_t step)
{
    const int32_t values = few ? few : op->run_values;
    const int32_t row_bytes = op->in_w * op->in_channels;
    const int32_t run_pairs = values / 4 * 2 + (values % 4 + 1) / 2;
    const uint32_t zeros = pack_low((uint32_t)op->in_zero, (uint32_t)op->in_zero);
    const int8_t *row = in + top * row_bytes;
    for (int32_t i = op->filter_h; i > 0; i--, top += op->dilation_h, row += op->dilation_h * row_bytes) {
        if (top < 0 || top >= op->in_h) {
            for (int32_t n = op->runs_per_row * run_pairs; n > 0; n--, to += step) {
                *to = zeros;
            }
            continue;
        }
        int32_t column = left;
        for (int32_t j = op->runs_per_row; j > 0; j--, column += op->dilation_w) {
            const int outside = column < 0 || column + op->run_columns > op->in_w;
            const int8_t *run = outside ? pad_run(op, row, column, bytes) : row + column * op->in_channels;
            to = few ? widen_few(to, run, few, step) : widen(to, run, values, step);
        }
    }
}

/* The lengths of the usual first layers are worth code of their own. */
INLINE void gather(
    const conv2d_s8_dsp_t *op, const int8_t *in, int32_t top, int32_t left, uint32_t *to, int8_t *bytes,
    const int32_t step)
{
    if (op->run_values == 3) {
        gather_runs(op, in, top, left, to, bytes, 3, step);
    } else if (op->run_values == 4) {
        gather_runs(op, in, top, left, to, bytes, 4, step);
    } else if (op->run_values == 9) {
        gather_runs(op, in, top, left, to, bytes, 9, step);
    } else {
        gather_runs(op, in, top, left, to, bytes, 0, step);
    }
}

static void gather_interleaved(
    const conv2d_s8_dsp_t *op, const int8_t *in, int32_t top, int32_t left, uint32_t *to, int8_t *bytes)
{
    gather(op, in, top, left, to, bytes, 4);
}

static void gather_one(
    const conv2d_s8_dsp_t *op, const int8_t *in, int32_t top, int32_t left, uint32_t *to, int8_t *bytes)
{
    gather_runs(op, in, top, left, to, bytes, 0, 1);
}

/* Four pixels that follow each other in memory; the filter is 1x1. */
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

static void pointwise(const conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, uint32_t *im2col)
{
    const int32_t channels = op->in_channels;
    int32_t left = op->out_h * op->out_w;
    for (; left >= 4; left -= 4, in += 4 * channels, out += 4 * op->dot.filters) {
        widen_four(im2col, in, channels);
        dot_four(&op->dot, im2col, out);
    }
    if (left == 3 && op->out_h * op->out_w > 3) {
        /* One pixel a second time costs less than three one by one. */
        widen_four(im2col, in - channels, channels);
        dot_four(&op->dot, im2col, out - op->dot.filters);
        return;
    }
    for (; left > 0; left--, in += channels, out += op->dot.filters) {
        widen(im2col, in, channels, 1);
        dot_one(&op->dot, im2col, out);
    }
}

static void windows(const conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, uint32_t *im2col)
{
    int8_t *bytes = (int8_t *)(im2col + (op->out_h * op->out_w < 4 ? 1 : 4) * (op->dot.pairs + 1));
    const int32_t right = op->out_w * op->stride_w - op->pad_left;
    int32_t top = -op->pad_top;
    int32_t left = -op->pad_left;
    for (int32_t pixels = op->out_h * op->out_w; pixels > 0;) {
        const int32_t im2col_columns = pixels >= 4 ? 4 : 1;
        for (int32_t q = 0; q < im2col_columns; q++) {
            if (im2col_columns == 4) {
                gather_interleaved(op, in, top, left, im2col + q, bytes);
            } else {
                gather_one(op, in, top, left, im2col, bytes);
            }
            left += op->stride_w;
            if (left == right) {
                left = -op->pad_left;
                top += op->stride_h;
            }
        }
        if (im2col_columns == 4) {
            dot_four(&op->dot, im2col, out);
        } else {
            dot_one(&op->dot, im2col, out);
        }
        out += im2col_columns * op->dot.filters;
        pixels -= im2col_columns;
    }
}

void conv2d_s8_dsp(const conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch)
{
    uint32_t *const im2col = scratch;
    const int is_pointwise = op->filter_h == 1 && op->runs_per_row == 1 && op->run_columns == 1 && op->stride_h == 1 &&
                             op->stride_w == 1 && op->out_h == op->in_h && op->out_w == op->in_w;
    if (is_pointwise) {
        pointwise(op, in, out, im2col);
    } else {
        windows(op, in, out, im2col);
    }
}
