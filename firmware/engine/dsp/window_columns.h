/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over the rows and columns of a window, four channels at a time. */
#ifndef WINDOW_COLUMNS_H
#define WINDOW_COLUMNS_H

#include "lanes.h"

/* A rectangle of `rows` x `columns` elements; `first` points at its first one, the strides count values. */
typedef struct {
    const int8_t *first;
    int32_t rows, columns;
    int32_t row_stride, column_stride;
} window_t;

/* So many int8 values fit the int16 halves of a sum. */
enum { HALF_SUM_ELEMENTS = 255 };

/* Adds the sums of four neighbouring channels to total[4]. */
static inline void sum_columns(const window_t *window, int32_t *total)
{
    uint32_t even = 0, odd = 0;
    int32_t room = HALF_SUM_ELEMENTS;
    for (int32_t row = 0; row < window->rows; row++) {
        const int8_t *at = window->first + row * window->row_stride;
        int32_t left = window->columns;
        while (left > 0) {
            int32_t run = left < room ? left : room;
            left -= run;
            room -= run;
            for (; run >= 2; run -= 2) {
                const uint32_t one = load_bytes(at), two = load_bytes(at + window->column_stride);
                even = add_even(add_even(even, one), two);
                odd = add_odd(add_odd(odd, one), two);
                at += 2 * window->column_stride;
            }
            if (run > 0) {
                const uint32_t one = load_bytes(at);
                even = add_even(even, one);
                odd = add_odd(odd, one);
                at += window->column_stride;
            }
            if (room == 0) {
                total[0] += (int16_t)even;
                total[1] += (int16_t)odd;
                total[2] += (int16_t)(even >> 16);
                total[3] += (int16_t)(odd >> 16);
                even = odd = 0;
                room = HALF_SUM_ELEMENTS;
            }
        }
    }
    total[0] += (int16_t)even;
    total[1] += (int16_t)odd;
    total[2] += (int16_t)(even >> 16);
    total[3] += (int16_t)(odd >> 16);
}

/* The sum of one channel, for those that do not fill a word. */
static inline int32_t sum_column(const window_t *window)
{
    int32_t total = 0;
    for (int32_t row = 0; row < window->rows; row++) {
        for (int32_t column = 0; column < window->columns; column++) {
            total += window->first[row * window->row_stride + column * window->column_stride];
        }
    }
    return total;
}

#endif
