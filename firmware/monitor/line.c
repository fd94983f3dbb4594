/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <stddef.h>

#include "port.h"

line_state_t line_feed(line_t *line, int byte)
{
    if (byte == PORT_BYTE_LOST) {
        line->damaged = 1;
        return LINE_PENDING;
    }
    if (byte != COMMAND_END) {
        if (line->length < COMMAND_BYTES) {
            /* A control byte echoed in an error line could end that line or forge another, so none gets further than
             * here. No command contains one, so that '?' in its place is an unknown command too. */
            line->text[line->length++] = (char)((byte >= ' ' && byte <= '~') ? byte : '?');
        } else {
            line->length = COMMAND_BYTES + 1;
        }
        return LINE_PENDING;
    }
    line_state_t state = LINE_COMPLETE;
    if (line->damaged) {
        state = LINE_DAMAGED;
    } else if (line->length > COMMAND_BYTES) {
        state = LINE_TOO_LONG;
    } else {
        line->text[line->length] = '\0';
    }
    line->length = 0;
    line->damaged = 0;
    return state;
}

char *line_word(char **cursor)
{
    char *start = *cursor;
    while (*start == ' ') {
        start++;
    }
    char *end = start;
    while (*end != '\0' && *end != ' ') {
        end++;
    }
    *cursor = end;
    if (*end == ' ') {
        *end = '\0';
        *cursor = end + 1;
    }
    return end == start ? NULL : start;
}

int32_t line_number(const char *word)
{
    const int negative = *word == '-';
    if (*word == '-' || *word == '+') {
        word++;
    }
    int32_t value = 0;
    for (; *word >= '0' && *word <= '9'; word++) {
        const int32_t digit = *word - '0';
        value = value > (INT32_MAX - digit) / 10 ? INT32_MAX : value * 10 + digit;
    }
    return negative ? -value : value;
}

int line_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}
