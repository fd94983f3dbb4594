/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's number routines and the ports' memory functions as a library for Python: many cases a call. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "input.h"
#include "port.h"
#include "text.h"

static char *sink;

void port_putchar(char byte)
{
    *sink++ = byte;
}

/* Prints each value and a line feed; returns the length. */
size_t print_decimals(const float *values, size_t count, int decimals, char *out);
size_t print_decimals(const float *values, size_t count, int decimals, char *out)
{
    sink = out;
    for (size_t i = 0; i < count; i++) {
        text_decimals(values[i], (decimals_t)decimals);
        port_putchar('\n');
    }
    return (size_t)(sink - out);
}

size_t print_unsigned(const uint32_t *values, size_t count, char *out);
size_t print_unsigned(const uint32_t *values, size_t count, char *out)
{
    sink = out;
    for (size_t i = 0; i < count; i++) {
        text_unsigned(values[i]);
        port_putchar('\n');
    }
    return (size_t)(sink - out);
}

void quantise(const float *values, size_t count, float scale, int32_t zero_point, int8_t *out);
void quantise(const float *values, size_t count, float scale, int32_t zero_point, int8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = input_quantise(values[i], scale, zero_point);
    }
}
