/* SPDX-License-Identifier: Apache-2.0 */
/* Text to the host, without a C library: every routine ends in port_putchar and in the checksum of the reply. */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

/* Printing waits for the wire, so that its code is kept small instead of fast: none of it is copied into its callers. */
#define SMALL __attribute__((noinline))

typedef enum { DECIMALS_ROUNDED, DECIMALS_CUT, DECIMALS_SIX } decimals_t;

void text_put(const char *string);

/* `string`, then CR LF. */
void text_line(const char *string);

void text_unsigned(uint32_t value);

/* e-[<before><value><after>] and CR LF. */
void text_error_number(const char *before, uint32_t value, const char *after);

/* e-[<before><word><after>] and CR LF. */
void text_error_word(const char *before, const char *word, const char *after);

/* Two lower-case hex digits. */
void text_hex_byte(uint8_t value);

/* `value` with three decimals, or six. Rounded and six: what printf("%0.3f") and ("%0.6f") give, for every float (to
 * nearest, ties to even, exact also for the largest). Cut: three, rounded towards zero. Not a number prints as nan, the
 * infinities as inf and -inf. */
void text_decimals(float value, decimals_t decimals);

#endif
