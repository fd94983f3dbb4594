/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the host become commands. */
#ifndef LINE_H
#define LINE_H

#include <stdint.h>

#include "limits.h"

typedef enum {
    LINE_PENDING,  /* no '%' yet */
    LINE_COMPLETE, /* text holds a command */
    LINE_TOO_LONG, /* a command ended that was longer than COMMAND_BYTES: all of it is dropped */
    LINE_DAMAGED,  /* a command ended of which bytes were lost: all of it is dropped */
} line_state_t;

/* Zero-initialise before the first byte. `text` is NUL-terminated and printable when a command is complete. */
typedef struct {
    char text[COMMAND_BYTES + 1];
    uint32_t length; /* COMMAND_BYTES + 1 stands for "too long" */
    uint32_t damaged;
} line_t;

/* Takes what port_getchar gave (a byte or PORT_BYTE_LOST) and returns whether a command has ended. */
line_state_t line_feed(line_t *line, int byte);

/* Cuts the next word off *cursor, as strtok does with a blank; NULL when there is none. */
char *line_word(char **cursor);

/* atoi, but saturating where the C library's is undefined. Text that is not a number gives 0. */
int32_t line_number(const char *word);

/* 1 when both strings are equal. */
int line_equal(const char *a, const char *b);

#endif
