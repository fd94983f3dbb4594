/* SPDX-License-Identifier: Apache-2.0 */
#include "depthwise_conv2d_s8_dsp.h"

#include "depthwise_line.h"
#include "dot.h"
#include "simd.h"

enum { GROUP = 4 };

static uint32_t pair_of(int32_t low, int32_t high)
{
    return pack_low((uint32_t)low, (uint32_t)high);
}

/* The group's bytes at one position; what follows the last channel does not matter. */
INLINE uint32_t load_group(const int8_t *from, int32_t channels)
{
    if (channels == GROUP) {
        return load_bytes(from);
    }
    uint32_t bytes = (uint8_t)from[0];
    if (channels > 1) {
        bytes |= (uint32_t)(uint8_t)from[1] << 8;
    }
    if (channels > 2) {
        bytes |= (uint32_t)(uint8_t)from[2] << 16;
    }
    return bytes;
}

/* The group's words of two neighbouring positions, `step` words from channel to channel. */
INLINE void widen_two(uint32_t bytes0, uint32_t bytes1, uint32_t *to, const int32_t step)
{
    const uint32_t even0 = extend_even(bytes0), odd0 = extend_odd(bytes0);
    const uint32_t even1 = extend_even(bytes1), odd1 = extend_odd(bytes1);
    to[0] = pack_low(even0, even1);
    to[step] = pack_low(odd0, odd1);
    to[2 * step] = pack_high(even0, even1);
    to[3 * step] = pack_high(odd0, odd1);
}

/* Widens one input line of a group into its slot of the line buffer; `line` is null outside the input, where the
 * input's zero stands, as it does before and after the line. */
INLINE void widen_line(
    const depthwise_conv2d_s8_dsp_t *op, const int8_t *line, int32_t channels, uint32_t *to, const int32_t step)
{
    const uint32_t zeros = 0x01010101u * (uint8_t)op->in_zero;
    const int32_t position_bytes = op->inner.in_bytes;
    const int32_t size = op->inner.in_size;
    int32_t position = -op->inner.pad;
    int32_t words = op->line_words;
    if (!line) {
        const uint32_t pair = extend_even(zeros);
        for (; words > 0; words--, to += GROUP * step) {
            to[0] = pair;
            to[step] = pair;
            to[2 * step] = pair;
            to[3 * step] = pair;
        }
        return;
    }
    /* A word may hold one position outside and one inside, at both ends. */
    for (; words > 0 && (position < 0 || position + 1 >= size); words--, position += 2, to += GROUP * step) {
        const int inside0 = position >= 0 && position < size;
        const int inside1 = position + 1 >= 0 && position + 1 < size;
        widen_two(inside0 ? load_group(line + position * position_bytes, channels) : zeros,
                  inside1 ? load_group(line + (position + 1) * position_bytes, channels) : zeros, to, step);
    }
    if (words > 0) {
        const int8_t *from = line + position * position_bytes;
        int32_t whole = (size - position) / 2;
        whole = whole < words ? whole : words;
        words -= whole;
        position += 2 * whole;
        if (channels == GROUP) {
            for (; whole > 0; whole--, from += 2 * position_bytes, to += GROUP * step) {
                widen_two(load_bytes(from), load_bytes(from + position_bytes), to, step);
            }
        } else {
            for (; whole > 0; whole--, from += 2 * position_bytes, to += GROUP * step) {
                widen_two(load_group(from, channels), load_group(from + position_bytes, channels), to, step);
            }
        }
    }
    for (; words > 0; words--, position += 2, to += GROUP * step) {
        widen_two(position < size ? load_group(line + position * position_bytes, channels) : zeros, zeros, to, step);
    }
}

static void widen_line_of_3(const depthwise_conv2d_s8_dsp_t *op, const int8_t *line, int32_t channels, uint32_t *to)
{
    widen_line(op, line, channels, to, 3);
}

static void widen_line_of_any(const depthwise_conv2d_s8_dsp_t *op, const int8_t *line, int32_t channels, uint32_t *to)
{
    widen_line(op, line, channels, to, op->outer.filter);
}

/* A 3x3 filter as depthwise_line.h reads it: per line (w0, w1) and (w1, w2); lines 0 and 1 again after line 2. */
static void pair_filter_3(const int8_t *w, uint32_t *to)
{
    for (int32_t i = 0; i < 5; i++, to += 2) {
        const int8_t *line = w + (i < 3 ? i : i - 3) * 3;
        to[0] = pair_of(line[0], line[1]);
        to[1] = pair_of(line[1], line[2]);
    }
}

/* Any filter: per line and word the pair for an output at an even position, then for the one after it. */
static void pair_filter(const depthwise_conv2d_s8_dsp_t *op, const int8_t *w, uint32_t *to)
{
    const int32_t taps = op->inner.filter;
    const int32_t late = op->inner.stride & 1; /* an odd stride starts every second output in the middle of a word */
    for (int32_t i = 0; i < op->outer.filter; i++, w += taps) {
        for (int32_t j = 0; j <= taps; j += 2, to += 2) {
            to[0] = pair_of(j < taps ? w[j] : 0, j + 1 < taps ? w[j + 1] : 0);
            to[1] = late ? pair_of(j > 0 ? w[j - 1] : 0, j < taps ? w[j] : 0) : to[0];
        }
    }
}

static int8_t requantize_depthwise(const depthwise_conv2d_s8_dsp_t *op, int32_t sum, const int32_t *parameters)
{
    if (op->requant == REQUANT_LINEAR) {
        return (int8_t)saturate_int8(high_mul_add(sum, parameters[0], parameters[1]) >> op->linear_shift);
    }
    const int32_t v = high_mul_add(sum, parameters[0], sum);
    return (int8_t)saturate_int8((v + (v >> 31) + parameters[1]) >> parameters[3]);
}

typedef struct {
    const uint32_t *line_buffer; /* line 0 of the channel */
    const uint32_t *pairs;       /* filter line 0 of the channel */
    const int32_t *parameters;
    int32_t first; /* the filter line that meets line 0 of the line buffer */
    int8_t *out;
} any_line_t;

/* One output line of one channel with any filter; `lines` and `words` (of a filter line) are constants of the usual
 * sizes, so that every address in the inner loop is. Words after the third come in a loop of their own. */
INLINE void any_line(
    const depthwise_conv2d_s8_dsp_t *op, const any_line_t *at, const int32_t lines, const int32_t words)
{
    const uint32_t *line_buffer = at->line_buffer;
    const int32_t *parameters = at->parameters;
    const int32_t step = GROUP * lines;
    const int32_t second = op->inner.stride / 2 * step; /* from an output's first word to the next one's */
    int8_t *out = at->out;
    for (int32_t left = op->inner.out_size; left > 0; left -= 2, line_buffer += op->inner.stride * step) {
        int32_t sum0 = parameters[2], sum1 = parameters[2];
        const uint32_t *w = at->pairs + at->first * words * 2;
        const uint32_t *d = line_buffer;
        for (int32_t i = lines, line = at->first; i > 0; i--, d++) {
            const uint32_t *e = d + second;
            sum0 = dot_add(d[0], w[0], sum0);
            sum1 = dot_add(e[0], w[1], sum1);
            if (words > 1) {
                sum0 = dot_add(d[step], w[2], sum0);
                sum1 = dot_add(e[step], w[3], sum1);
            }
            if (words > 2) {
                sum0 = dot_add(d[2 * step], w[4], sum0);
                sum1 = dot_add(e[2 * step], w[5], sum1);
            }
            for (int32_t j = 3; j < words; j++) {
                sum0 = dot_add(d[j * step], w[2 * j], sum0);
                sum1 = dot_add(e[j * step], w[2 * j + 1], sum1);
            }
            w += 2 * words;
            if (++line == lines) {
                w = at->pairs;
            }
        }
        *out = requantize_depthwise(op, sum0, parameters);
        out += op->inner.out_bytes;
        if (left > 1) {
            *out = requantize_depthwise(op, sum1, parameters);
            out += op->inner.out_bytes;
        }
    }
}

static void any_channel(const depthwise_conv2d_s8_dsp_t *op, const any_line_t *at)
{
    const int32_t lines = op->outer.filter;
    const int32_t words = op->inner.filter / 2 + 1;
    if (lines == 5 && words == 3) {
        any_line(op, at, 5, 3);
    } else if (lines == 7 && words == 4) {
        any_line(op, at, 7, 4);
    } else if (lines == 1 && words == 3) {
        any_line(op, at, 1, 3);
    } else if (lines == 1) {
        any_line(op, at, 1, words);
    } else {
        any_line(op, at, lines, words);
    }
}

__attribute__((noinline)) void depthwise_conv2d_s8_dsp(const depthwise_conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch)
{
    const depthwise_axis_t *outer = &op->outer, *inner = &op->inner;
    const int32_t parameter_words = op->requant == REQUANT_LINEAR ? 3 : 4;
    const int in_assembler = outer->filter == 3 && inner->filter == 3 && inner->stride <= 2 &&
                             depthwise_line_has(op->requant, op->linear_shift);
    const int32_t pair_words = in_assembler ? 10 : outer->filter * (inner->filter / 2 + 1) * 2;
    uint32_t *const line_buffer = scratch;
    uint32_t *const pairs = line_buffer + op->line_words * GROUP * outer->filter;
    const int8_t *weights = op->weights;
    const int32_t *parameters = op->requant_parameters;
    for (int32_t left = op->channels; left > 0; left -= GROUP, in += GROUP, out += GROUP) {
        const int32_t channels = left < GROUP ? left : GROUP;
        for (int32_t c = 0; c < channels; c++, weights += outer->filter * inner->filter) {
            if (in_assembler) {
                pair_filter_3(weights, pairs + c * pair_words);
            } else {
                pair_filter(op, weights, pairs + c * pair_words);
            }
        }
        /* Lines and slots are counted from the first padded line. */
        int32_t next = 0, next_slot = 0;
        for (int32_t y = 0, base = 0; y < outer->out_size; y++, base += outer->stride) {
            for (; next < base + outer->filter; next++) {
                const int32_t line = next - outer->pad;
                if (next >= base) {
                    const int inside = line >= 0 && line < outer->in_size;
                    const int8_t *const from = inside ? in + line * outer->in_bytes : 0;
                    if (in_assembler) {
                        widen_line_of_3(op, from, channels, line_buffer + next_slot);
                    } else {
                        widen_line_of_any(op, from, channels, line_buffer + next_slot);
                    }
                }
                next_slot = next_slot + 1 == outer->filter ? 0 : next_slot + 1;
            }
            /* next_slot is where line `base` lies: the line buffer is full and its oldest line comes next. */
            const int32_t first = next_slot == 0 ? 0 : outer->filter - next_slot;
            int8_t *const to = out + y * outer->out_bytes;
            if (in_assembler) {
                const depthwise_line_t line = {
                    line_buffer, to, pairs + 2 * first, parameters, inner->out_bytes, inner->out_size, channels,
                };
                depthwise_line(&line, inner->stride, op->requant == REQUANT_LINEAR ? op->linear_shift : -1);
            } else {
                for (int32_t c = 0; c < channels; c++) {
                    const any_line_t line = {
                        line_buffer + c * outer->filter, pairs + c * pair_words, parameters + c * parameter_words,
                        first, to + c,
                    };
                    any_channel(op, &line);
                }
            }
        }
        parameters += channels * parameter_words;
    }
}

/* How many positions from `first` on there are, `dilation` apart. */
static int32_t positions(int32_t size, int32_t first, int32_t dilation)
{
    return (size - first + dilation - 1) / dilation;
}

void depthwise_dilated_s8_dsp(const depthwise_dilated_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch)
{
    const depthwise_dilated_axis_t *outer = &op->outer, *inner = &op->inner;
    depthwise_conv2d_s8_dsp_t part = op->part;
    for (int32_t i = 0; i < outer->dilation && i < outer->out_size; i++) {
        part.outer.in_size = positions(outer->in_size, i, outer->dilation);
        part.outer.out_size = positions(outer->out_size, i, outer->dilation);
        for (int32_t j = 0; j < inner->dilation && j < inner->out_size; j++) {
            part.inner.in_size = positions(inner->in_size, j, inner->dilation);
            part.inner.out_size = positions(inner->out_size, j, inner->dilation);
            depthwise_conv2d_s8_dsp(&part, in + i * outer->in_bytes + j * inner->in_bytes,
                                    out + i * outer->out_bytes + j * inner->out_bytes, scratch);
        }
    }
}
