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

/* The group's bytes at one place; what is behind the last channel does not matter. */
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

/* The group's words of two neighbouring places, `step` words from channel to channel. */
INLINE void widen_two(uint32_t bytes0, uint32_t bytes1, uint32_t *to, const int32_t step)
{
    const uint32_t even0 = extend_even(bytes0), odd0 = extend_odd(bytes0);
    const uint32_t even1 = extend_even(bytes1), odd1 = extend_odd(bytes1);
    to[0] = pack_low(even0, even1);
    to[step] = pack_low(odd0, odd1);
    to[2 * step] = pack_high(even0, even1);
    to[3 * step] = pack_high(odd0, odd1);
}

/* Widens one input line of a group into its place in the ring; `line` is null outside the input, where the input's
 * zero stands, as it does before and behind the line. */
INLINE void widen_line(
    const depthwise_conv2d_s8_dsp_t *op, const int8_t *line, int32_t channels, uint32_t *to, const int32_t step)
{
    const uint32_t zeros = 0x01010101u * (uint8_t)op->in_zero;
    const int32_t place_bytes = op->places.in_bytes;
    const int32_t size = op->places.in_size;
    int32_t place = -op->places.pad;
    int32_t words = op->ring_words;
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
    /* A word may hold one place outside and one inside, at both ends. */
    for (; words > 0 && (place < 0 || place + 1 >= size); words--, place += 2, to += GROUP * step) {
        const int inside0 = place >= 0 && place < size;
        const int inside1 = place + 1 >= 0 && place + 1 < size;
        widen_two(inside0 ? load_group(line + place * place_bytes, channels) : zeros,
                  inside1 ? load_group(line + (place + 1) * place_bytes, channels) : zeros, to, step);
    }
    if (words > 0) {
        const int8_t *from = line + place * place_bytes;
        int32_t inner = (size - place) / 2;
        inner = inner < words ? inner : words;
        words -= inner;
        place += 2 * inner;
        if (channels == GROUP) {
            for (; inner > 0; inner--, from += 2 * place_bytes, to += GROUP * step) {
                widen_two(load_bytes(from), load_bytes(from + place_bytes), to, step);
            }
        } else {
            for (; inner > 0; inner--, from += 2 * place_bytes, to += GROUP * step) {
                widen_two(load_group(from, channels), load_group(from + place_bytes, channels), to, step);
            }
        }
    }
    for (; words > 0; words--, place += 2, to += GROUP * step) {
        widen_two(place < size ? load_group(line + place * place_bytes, channels) : zeros, zeros, to, step);
    }
}

static void widen_line_of_3(const depthwise_conv2d_s8_dsp_t *op, const int8_t *line, int32_t channels, uint32_t *to)
{
    widen_line(op, line, channels, to, 3);
}

static void widen_line_of_any(const depthwise_conv2d_s8_dsp_t *op, const int8_t *line, int32_t channels, uint32_t *to)
{
    widen_line(op, line, channels, to, op->lines.filter);
}

/* A 3x3 filter as depthwise_line.h wants it: per line (w0, w1) and (w1, w2); lines 0 and 1 again behind line 2. */
static void pair_filter_3(const int8_t *w, uint32_t *to)
{
    for (int32_t i = 0; i < 5; i++, to += 2) {
        const int8_t *line = w + (i < 3 ? i : i - 3) * 3;
        to[0] = pair_of(line[0], line[1]);
        to[1] = pair_of(line[1], line[2]);
    }
}

/* Any filter: per line and word the pair for an output at an even place, then for the one after it. */
static void pair_filter(const depthwise_conv2d_s8_dsp_t *op, const int8_t *w, uint32_t *to)
{
    const int32_t taps = op->places.filter;
    const int32_t late = op->places.stride & 1; /* an odd stride starts every second output in the middle of a word */
    for (int32_t i = 0; i < op->lines.filter; i++, w += taps) {
        for (int32_t j = 0; j <= taps; j += 2, to += 2) {
            to[0] = pair_of(j < taps ? w[j] : 0, j + 1 < taps ? w[j + 1] : 0);
            to[1] = late ? pair_of(j > 0 ? w[j - 1] : 0, j < taps ? w[j] : 0) : to[0];
        }
    }
}

static int8_t requantize_depthwise(const depthwise_conv2d_s8_dsp_t *op, int32_t sum, const int32_t *tail)
{
    if (op->requant == REQUANT_LINEAR) {
        return (int8_t)saturate_int8(high_mul_add(sum, tail[0], tail[1]) >> op->linear_shift);
    }
    const int32_t v = high_mul_add(sum, tail[0], sum);
    return (int8_t)saturate_int8((v + (v >> 31) + tail[1]) >> tail[3]);
}

typedef struct {
    const uint32_t *ring;  /* line 0 of the channel */
    const uint32_t *pairs; /* filter line 0 of the channel */
    const int32_t *tail;
    int32_t first; /* the filter line that meets line 0 of the ring */
    int8_t *out;
} any_line_t;

/* One output line of one channel with any filter; `lines` and `words` (of a filter line) are constants of the usual
 * sizes, so that every address in the inner loop is. Words behind the third come in a loop of their own. */
INLINE void any_line(
    const depthwise_conv2d_s8_dsp_t *op, const any_line_t *at, const int32_t lines, const int32_t words)
{
    const uint32_t *ring = at->ring;
    const int32_t *tail = at->tail;
    const int32_t step = GROUP * lines;
    const int32_t second = op->places.stride / 2 * step; /* from an output's first word to the next one's */
    int8_t *out = at->out;
    for (int32_t left = op->places.out_size; left > 0; left -= 2, ring += op->places.stride * step) {
        int32_t sum0 = tail[2], sum1 = tail[2];
        const uint32_t *w = at->pairs + at->first * words * 2;
        const uint32_t *d = ring;
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
        *out = requantize_depthwise(op, sum0, tail);
        out += op->places.out_bytes;
        if (left > 1) {
            *out = requantize_depthwise(op, sum1, tail);
            out += op->places.out_bytes;
        }
    }
}

static void any_channel(const depthwise_conv2d_s8_dsp_t *op, const any_line_t *at)
{
    const int32_t lines = op->lines.filter;
    const int32_t words = op->places.filter / 2 + 1;
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

void depthwise_conv2d_s8_dsp(const depthwise_conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch)
{
    const depthwise_axis_t *lines = &op->lines, *places = &op->places;
    const int32_t tail_words = op->requant == REQUANT_LINEAR ? 3 : 4;
    const int fast = lines->filter == 3 && places->filter == 3 && places->stride <= 2 &&
                     depthwise_line_knows(op->requant, op->linear_shift);
    const int32_t pair_words = fast ? 10 : lines->filter * (places->filter / 2 + 1) * 2;
    uint32_t *const ring = scratch;
    uint32_t *const pairs = ring + op->ring_words * GROUP * lines->filter;
    const int8_t *weights = op->weights;
    const int32_t *tails = op->tails;
    for (int32_t left = op->channels; left > 0; left -= GROUP, in += GROUP, out += GROUP) {
        const int32_t channels = left < GROUP ? left : GROUP;
        for (int32_t c = 0; c < channels; c++, weights += lines->filter * places->filter) {
            if (fast) {
                pair_filter_3(weights, pairs + c * pair_words);
            } else {
                pair_filter(op, weights, pairs + c * pair_words);
            }
        }
        /* Lines and slots are counted from the first padded line. */
        int32_t next = 0, next_slot = 0;
        for (int32_t y = 0, base = 0; y < lines->out_size; y++, base += lines->stride) {
            for (; next < base + lines->filter; next++) {
                const int32_t line = next - lines->pad;
                if (next >= base) {
                    const int inside = line >= 0 && line < lines->in_size;
                    const int8_t *const from = inside ? in + line * lines->in_bytes : 0;
                    if (fast) {
                        widen_line_of_3(op, from, channels, ring + next_slot);
                    } else {
                        widen_line_of_any(op, from, channels, ring + next_slot);
                    }
                }
                next_slot = next_slot + 1 == lines->filter ? 0 : next_slot + 1;
            }
            /* next_slot is where line `base` lies: the ring is full and its oldest line comes next. */
            const int32_t first = next_slot == 0 ? 0 : lines->filter - next_slot;
            int8_t *const to = out + y * lines->out_bytes;
            if (fast) {
                const depthwise_line_t line = {
                    ring, to, pairs + 2 * first, tails, places->out_bytes, places->out_size, channels,
                };
                depthwise_line(&line, places->stride, op->requant == REQUANT_LINEAR ? op->linear_shift : -1);
            } else {
                for (int32_t c = 0; c < channels; c++) {
                    const any_line_t line = {
                        ring + c * lines->filter, pairs + c * pair_words, tails + c * tail_words, first, to + c,
                    };
                    any_channel(op, &line);
                }
            }
        }
        tails += channels * tail_words;
    }
}
