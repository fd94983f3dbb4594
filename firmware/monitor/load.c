/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <stddef.h>

#include "app_config.h"
#include "line.h"
#include "reply_crc.h"
#include "text.h"

static _Alignas(8) uint8_t buffer[APP_BUFFER_BYTES];
static uint32_t expected_bytes; /* 0: no load was accepted, data is refused */
static uint32_t stored;         /* <= expected_bytes <= APP_BUFFER_BYTES, always */

const uint8_t *load_bytes(void)
{
    return buffer;
}

uint32_t load_stored(void)
{
    return stored;
}

int load_complete(void)
{
    return expected_bytes != 0u && stored == expected_bytes;
}

static void begin(const char *count_word)
{
    /* Whatever is wrong with the new load, the old one is over: data that follows a refused load must not be added to
     * it, and no inference may run on it. */
    expected_bytes = 0;
    stored = 0;
    if (count_word == NULL) {
        text_line("e-[Command 'db load' requires the # of bytes]");
        return;
    }
    const int32_t count = line_number(count_word);
    if (count <= 0) {
        text_line("e-[Command 'db load' must be >0 bytes]");
        return;
    }
    if ((uint32_t)count > APP_BUFFER_BYTES) {
        /* The reference firmware prints this without e-[ ], and then lets the data overrun its buffer. */
        text_put("e-[Supplied buffer size ");
        text_unsigned((uint32_t)count);
        text_put(" exceeds maximum of ");
        text_unsigned(APP_BUFFER_BYTES);
        text_line("]");
        return;
    }
    expected_bytes = (uint32_t)count;
    text_put("m-[Expecting ");
    text_unsigned(expected_bytes);
    text_line(" bytes]");
}

/* Lines of eight bytes, over the expected size. The empty line after a short last one is the reference firmware's. */
static void print(void)
{
    for (uint32_t i = 0; i < expected_bytes; i++) {
        text_put(i % 8u == 0u ? "m-buffer-" : "-");
        text_hex_byte(buffer[i]);
        if (i % 8u == 7u || i + 1u == expected_bytes) {
            text_put("\r\n");
        }
    }
    if (expected_bytes % 8u != 0u) {
        text_put("\r\n");
    }
}

/* The value of one hex digit of either case, or -1. */
static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

/* All of a data command is stored, or nothing: the same command may then be sent again after an error. (The reference
 * firmware keeps what stood before the bad pair, so that a repeated command would shift all that follows.) */
static void data(const char *digits)
{
    reply_crc_omit();
    uint32_t pairs = 0;
    while (digits[2u * pairs] != '\0') {
        if (digits[2u * pairs + 1u] == '\0') {
            text_line("e-[Insufficent number of hex digits]");
            return;
        }
        pairs++;
    }
    if (expected_bytes == 0u) {
        text_line("e-[No load in progress: send 'db load' first]");
        return;
    }
    if (stored == expected_bytes) {
        text_line("e-[The load is complete: send 'db load' first]");
        return;
    }
    /* Digits beyond the expected size are not looked at. */
    const uint32_t room = expected_bytes - stored;
    const uint32_t count = pairs < room ? pairs : room;
    for (uint32_t i = 0; i < count; i++) {
        if (hex_value(digits[2u * i]) < 0 || hex_value(digits[2u * i + 1u]) < 0) {
            const char pair[3] = {digits[2u * i], digits[2u * i + 1u], '\0'};
            text_error_word("Invalid hex digit '", pair, "'");
            return;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        buffer[stored++] = (uint8_t)(hex_value(digits[2u * i]) << 4 | hex_value(digits[2u * i + 1u]));
    }
    if (stored == expected_bytes) {
        text_line("m-load-done");
    }
}

void load_command(char *cursor)
{
    const char *word = line_word(&cursor);
    if (word == NULL) {
        text_line("e-[Command 'db' requires a subcommand]");
    } else if (line_equal(word, "load")) {
        begin(line_word(&cursor));
    } else if (line_equal(word, "print")) {
        print();
    } else {
        data(word);
    }
}
