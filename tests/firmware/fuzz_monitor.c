/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds the monitor random and mutated commands and judges every reply:  fuzz_monitor SEED LINES
 *
 * This file is the port (so it sees every byte) and the engine (so it sees every inference). It aborts unless
 *   - each '%' is answered with exactly one line "m-ready", the last of its reply, and nothing is sent in between;
 *   - replies are lines of printable characters ended by CR LF;
 *   - an inference runs only after a complete load of the right size, and its input tensor is what was loaded;
 *   - a reply without an error line to `infer` has one m-results line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_config.h"
#include "formats.h"
#include "input.h"
#include "model.h"
#include "monitor.h"
#include "port.h"

enum { OUTPUT_BYTES = 5, COMMAND_LIMIT = 400, INVOKE_LIMIT = 300 };

static uint64_t state;
static unsigned long lines_left;
static unsigned long counts[4]; /* commands, error replies, loads completed, inferences */

static unsigned char command[COMMAND_LIMIT];
static size_t command_length, command_next;

static char reply_line[1 << 12];
static size_t reply_length;
static unsigned ready_lines, error_lines, result_lines, done_lines;
static int booted, lost;

/* What the driver believes to be loaded, from the accepted commands alone. */
static uint8_t shadow[APP_BUFFER_BYTES];
static size_t shadow_expected_bytes, shadow_stored;

static int8_t input[APP_INPUT_BYTES], output[OUTPUT_BYTES];
static unsigned invocations;

static void fail(const char *what)
{
    fprintf(stderr, "fuzz_monitor: %s\ncommand: %.*s\nline: %.*s\n", what, (int)command_length, (const char *)command,
            (int)reply_length, reply_line);
    abort();
}

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* The engine */

const model_info_t model_info = {
    .engine = "fuzz",
    .input_bytes = APP_INPUT_BYTES,
    .output_bytes = OUTPUT_BYTES,
    .input_scale = 0.390625f,
    .input_zero_point = 89,
    .output_scale = 0.36449847f,
    .output_zero_point = 96,
    .arena_bytes = 0,
};

int model_init(void)
{
    return 0;
}

int8_t *model_input(void)
{
    return input;
}

int model_invoke(void)
{
    if (shadow_expected_bytes != input_wire_bytes() || shadow_stored != shadow_expected_bytes) {
        fail("inference without a complete load");
    }
    for (uint32_t i = 0; i < APP_INPUT_BYTES; i++) {
        int8_t wanted = (int8_t)shadow[i];
        if (APP_INPUT_FORMAT == INPUT_UINT8) {
            wanted = (int8_t)(shadow[i] - 128);
        } else if (APP_INPUT_FORMAT == INPUT_FLOAT32) {
            float value;
            memcpy(&value, shadow + 4 * i, sizeof value);
            wanted = input_quantise(value, model_info.input_scale, model_info.input_zero_point);
        }
        if (input[i] != wanted) {
            fail("the input tensor is not what was loaded");
        }
    }
    memset(input, (int)draw(256), sizeof input);
    for (uint32_t i = 0; i < OUTPUT_BYTES; i++) {
        output[i] = (int8_t)draw(256);
    }
    counts[3]++;
    return ++invocations > INVOKE_LIMIT ? 1 : 0; /* `infer 2000000000` must end some day */
}

const int8_t *model_output(void)
{
    return output;
}

/* Commands */

static void append(const char *text)
{
    while (*text != '\0' && command_length + 1 < COMMAND_LIMIT) {
        command[command_length++] = (unsigned char)*text++;
    }
}

static void append_number(void)
{
    static const char *const edges[] = {"0",   "-1",  "+3",         "007",        "2147483647", "2147483648",
                                        "1e3", "16%", "4294967296", "4294967297", "--5",        "99999999999999999999"};
    char text[24];
    if (draw(4) == 0) {
        append(edges[draw(sizeof edges / sizeof edges[0])]);
    } else {
        snprintf(text, sizeof text, "%u", draw(APP_BUFFER_BYTES + 3u));
        append(text);
    }
}

static void append_hex(uint32_t digits)
{
    static const char alphabet[] = "0123456789abcdefABCDEF";
    while (digits-- > 0) {
        const char digit[2] = {alphabet[draw(22)], '\0'};
        append(digit);
    }
}

static void generate(void)
{
    static const char *const words[] = {"name",  "timestamp", "profile",  "help", "db", "infer", "results", "info",
                                        "dbprint", "db load",   "db print", "",     " ",  "foo",   "m-ready", "e-[x]"};
    command_length = 0;
    const uint32_t kind = draw(16);
    if (kind < 5) {
        /* What comes next in a valid session, so that loads do complete. */
        const size_t wanted = input_wire_bytes();
        if (shadow_expected_bytes < wanted || shadow_stored > wanted || draw(8) == 0) {
            char text[32];
            snprintf(text, sizeof text, "db load %u", (unsigned)(wanted + (draw(3) == 0)));
            append(text);
        } else if (shadow_stored < wanted) {
            const size_t missing = wanted - shadow_stored;
            append("db ");
            append_hex(2u * (uint32_t)(missing < 38 ? missing : 38));
        } else {
            append("infer ");
            append_number();
            append(" ");
            append_number();
        }
    } else if (kind < 7) {
        append("db ");
        append_hex(draw(160));
    } else if (kind < 9) {
        append("db load ");
        append_number();
    } else if (kind < 11) {
        append("infer ");
        append_number();
    } else if (kind < 14) {
        for (uint32_t i = draw(4) + 1u; i > 0; i--) {
            append(words[draw(sizeof words / sizeof words[0])]);
            if (draw(3) != 0) {
                append(" ");
            }
        }
    } else {
        for (uint32_t i = draw(COMMAND_LIMIT - 2); i > 0; i--) {
            command[command_length++] = (unsigned char)draw(256);
        }
    }
    /* Mutations: change, drop, double. */
    if (draw(4) == 0 && command_length > 0) {
        for (uint32_t i = draw(3) + 1u; i > 0 && command_length > 0; i--) {
            const size_t at = draw((uint32_t)command_length);
            switch (draw(3)) {
            case 0:
                command[at] = (unsigned char)draw(256);
                break;
            case 1:
                memmove(command + at, command + at + 1, --command_length - at);
                break;
            default:
                if (command_length + 1 < COMMAND_LIMIT) {
                    memmove(command + at + 1, command + at, command_length++ - at);
                }
            }
        }
    }
    for (size_t i = 0; i < command_length; i++) {
        if (command[i] == '%') {
            command[i] = '&'; /* one command at a time, so that each has its reply */
        }
    }
    command[command_length++] = '%';
    command_next = 0;
}

/* Replies */

static int begins(const char *text)
{
    return strncmp(reply_line, text, strlen(text)) == 0;
}

/* The driver's own reading of an accepted data command: pairs after the first blank(s) after "db". */
static void shadow_data(void)
{
    size_t at = 0;
    while (command[at] == ' ') {
        at++;
    }
    if (command_length - at < 3 || command[at] != 'd' || command[at + 1] != 'b' || command[at + 2] != ' ') {
        return;
    }
    for (at += 2; command[at] == ' '; at++) {
    }
    if (memcmp(command + at, "load", 4) == 0 || memcmp(command + at, "print", 5) == 0) {
        return;
    }
    if (shadow_stored == shadow_expected_bytes) {
        fail("data was taken without a load");
    }
    for (; command[at] != ' ' && command[at] != '%' && shadow_stored < shadow_expected_bytes; at += 2) {
        const char pair[3] = {(char)command[at], (char)command[at + 1], '\0'};
        shadow[shadow_stored++] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

static void judge_reply(void)
{
    if (!booted) {
        booted = 1;
        return;
    }
    counts[0]++;
    if (error_lines != 0) {
        counts[1]++;
    } else {
        shadow_data();
    }
    if (lost && error_lines == 0) {
        fail("a command of which bytes were lost was obeyed");
    }
    lost = 0;
    if (error_lines == 0 && done_lines != result_lines && result_lines == 0) {
        fail("an inference without results");
    }
}

static void judge_line(void)
{
    unsigned announced = 0;
    reply_line[reply_length] = '\0';
    if (strcmp(reply_line, "m-ready") == 0) {
        ready_lines++;
        judge_reply();
    } else if (begins("e-[")) {
        error_lines++;
        if (begins("e-[Command 'db load'") || begins("e-[Supplied buffer size")) {
            shadow_expected_bytes = shadow_stored = 0;
        }
    } else if (sscanf(reply_line, "m-[Expecting %u bytes]", &announced) == 1) {
        shadow_expected_bytes = announced;
        shadow_stored = 0;
        if (announced == 0 || announced > APP_BUFFER_BYTES) {
            fail("a load that cannot fit was accepted");
        }
    } else if (strcmp(reply_line, "m-load-done") == 0) {
        counts[2]++;
    } else if (begins("m-results-[")) {
        result_lines++;
    } else if (strcmp(reply_line, "m-infer-done") == 0) {
        done_lines++;
    }
    reply_length = 0;
}

/* The port */

void port_init(void)
{
}

int port_getchar(void)
{
    if (command_next == command_length) {
        if (ready_lines != 1 || reply_length != 0) {
            fail("not exactly one m-ready");
        }
        ready_lines = error_lines = result_lines = done_lines = 0;
        invocations = 0;
        if (lines_left-- == 0) {
            return PORT_END;
        }
        generate();
    }
    if (draw(5000) == 0) {
        lost = 1;
        return PORT_BYTE_LOST;
    }
    return command[command_next++];
}

void port_putchar(char byte)
{
    if (command_next != command_length) {
        fail("spoke before the command was over");
    }
    if (ready_lines != 0) {
        fail("spoke after m-ready");
    }
    if (byte == '\n') {
        if (reply_length == 0 || reply_line[reply_length - 1] != '\r') {
            fail("LF without CR");
        }
        reply_length--;
        judge_line();
        return;
    }
    if (reply_length + 1 >= sizeof reply_line) {
        fail("a line without end");
    }
    if (byte != '\r' && (byte < ' ' || byte > '~')) {
        fail("a character that is not printable");
    }
    reply_line[reply_length++] = byte;
}

void port_flush(void)
{
}

uint32_t port_time_us(void)
{
    static uint32_t now = 0xFFFF0000u; /* wraps early */
    return now += 97u;
}

void port_timestamp_pulse(void)
{
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    state = strtoull(argv[1], NULL, 0) * 0x9E3779B97F4A7C15u + 1u;
    lines_left = strtoul(argv[2], NULL, 0);
    command_length = command_next = 0;
    monitor_run();
    printf("%lu commands, %lu refused, %lu loads, %lu inferences\n", counts[0], counts[1], counts[2], counts[3]);
    return 0;
}
