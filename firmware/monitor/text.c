/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

#include "port.h"
#include "reply_crc.h"

SMALL static void put(char byte)
{
    reply_crc_add(byte);
    port_putchar(byte);
}

SMALL void text_put(const char *string)
{
    while (*string != '\0') {
        put(*string++);
    }
}

SMALL void text_line(const char *string)
{
    text_put(string);
    text_put("\r\n");
}

SMALL void text_unsigned(uint32_t value)
{
    char digits[11];
    char *first = &digits[10];
    *first = '\0';
    do {
        *--first = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    text_put(first);
}

void text_error_word(const char *before, const char *word, const char *after)
{
    text_put("e-[");
    text_put(before);
    text_put(word);
    text_put(after);
    text_line("]");
}

void text_error_number(const char *before, uint32_t value, const char *after)
{
    text_put("e-[");
    text_put(before);
    text_unsigned(value);
    text_put(after);
    text_line("]");
}

void text_hex_byte(uint8_t value)
{
    static const char digits[] = "0123456789abcdef";
    put(digits[value >> 4]);
    put(digits[value & 15u]);
}

/* A float at or above 2^24 is the integer mantissa << shift, up to 39 digits long: divided down in 16-bit limbs, so
 * that a 32-bit divider is all it takes. */
static void put_large_integer(uint32_t mantissa, uint32_t shift)
{
    enum { LIMBS = 8, DIGITS = 40 };
    uint32_t limbs[LIMBS] = {0};
    const uint32_t lowest = shift / 16u;
    const uint64_t placed = (uint64_t)mantissa << (shift % 16u);
    for (uint32_t i = 0; i < 3u && lowest + i < LIMBS; i++) {
        limbs[lowest + i] = (uint32_t)(placed >> (16u * i)) & 0xFFFFu;
    }
    char digits[DIGITS];
    char *first = &digits[DIGITS - 1];
    *first = '\0';
    uint32_t left;
    do {
        uint32_t remainder = 0;
        left = 0;
        for (int i = LIMBS - 1; i >= 0; i--) {
            const uint32_t part = remainder << 16 | limbs[i];
            limbs[i] = part / 10u;
            remainder = part % 10u;
            left |= limbs[i];
        }
        *--first = (char)('0' + remainder);
    } while (left != 0u);
    text_put(first);
}

/* `number` with `digits` digits, padded with zeros on the left. */
static void put_padded(uint32_t number, uint32_t digits)
{
    for (uint32_t unit = digits == 6u ? 100000u : 100u; unit != 0u; unit /= 10u) {
        put((char)('0' + number / unit % 10u));
    }
}

void text_decimals(float value, decimals_t decimals)
{
    const uint32_t digits = decimals == DECIMALS_SIX ? 6u : 3u;
    const uint32_t parts = digits == 6u ? 1000000u : 1000u;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t biased = bits >> 23 & 0xFFu;
    uint32_t mantissa = bits & 0x7FFFFFu;
    if (biased == 0xFFu) {
        text_put(mantissa != 0u ? "nan" : (bits >> 31 ? "-inf" : "inf"));
        return;
    }
    if (bits >> 31) {
        put('-');
    }
    if (biased != 0u) {
        mantissa |= 0x800000u;
    }
    /* value = mantissa * 2^exponent */
    const int exponent = (biased != 0u ? (int)biased : 1) - 150;
    if (exponent >= 0) {
        put_large_integer(mantissa, (uint32_t)exponent);
        put('.');
        put_padded(0, digits);
        return;
    }
    const uint32_t shift = (uint32_t)-exponent;
    uint32_t whole = shift < 24u ? mantissa >> shift : 0u;
    const uint32_t fraction = shift < 24u ? mantissa & ((1u << shift) - 1u) : mantissa;
    /* fraction * parts is below 2^44, so that with a shift of 45 or more it is less than half a part. */
    uint32_t number = 0;
    if (shift < 45u) {
        const uint64_t scaled = (uint64_t)fraction * parts;
        number = (uint32_t)(scaled >> shift);
        const uint64_t rest = scaled - ((uint64_t)number << shift);
        const uint64_t half = (uint64_t)1 << (shift - 1u);
        if (decimals != DECIMALS_CUT && (rest > half || (rest == half && (number & 1u)))) {
            number++;
        }
    }
    whole += number / parts;
    text_unsigned(whole);
    put('.');
    put_padded(number % parts, digits);
}
