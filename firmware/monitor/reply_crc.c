/* SPDX-License-Identifier: Apache-2.0 */
#include "reply_crc.h"

#include <stddef.h>

#include "line.h"
#include "load.h"
#include "text.h"

#define CRC_START 0xFFFFFFFFu

static int on;
static int omitted;
static uint32_t replies; /* m-crc lines printed since `crc on` */
static uint32_t crc;     /* of the reply so far, not yet inverted */

SMALL static uint32_t add(uint32_t value, uint8_t byte)
{
    /* Four bits at a time: 64 bytes of table instead of 1,024, at twice the steps. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    value ^= byte;
    value = value >> 4 ^ table[value & 15u];
    return value >> 4 ^ table[value & 15u];
}

SMALL static void put_crc(uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        text_hex_byte((uint8_t)(~value >> shift));
    }
    text_put("\r\n");
}

SMALL static void put_input_crc(void)
{
    uint32_t value = CRC_START;
    const uint8_t *bytes = load_bytes();
    for (uint32_t i = 0; i < load_stored(); i++) {
        value = add(value, bytes[i]);
    }
    text_put("m-input-crc-");
    put_crc(value);
}

void reply_crc_begin(const char *command)
{
    omitted = 0;
    crc = CRC_START;
    for (; *command != '\0'; command++) {
        crc = add(crc, (uint8_t)*command);
    }
    crc = add(crc, COMMAND_END);
}

void reply_crc_add(char byte)
{
    if (on) {
        crc = add(crc, (uint8_t)byte);
    }
}

void reply_crc_omit(void)
{
    omitted = 1;
}

void reply_crc_end(void)
{
    if (!on || omitted) {
        return;
    }
    text_put("m-crc-");
    text_unsigned(++replies);
    text_put("-");
    put_crc(crc);
}

void reply_crc_command(char *cursor)
{
    const char *word = line_word(&cursor);
    if (word == NULL) {
        if (load_complete()) {
            put_input_crc();
        } else {
            text_line("e-[The load is not complete]");
        }
    } else if (line_equal(word, "on")) {
        on = 1;
        replies = 0;
        text_line("m-crc-on");
    } else if (line_equal(word, "off")) {
        on = 0;
        text_line("m-crc-off");
    } else {
        text_error_word("Command 'crc' takes on, off or nothing, not '", word, "'");
    }
}

void reply_crc_input(void)
{
    if (on) {
        put_input_crc();
    }
}
