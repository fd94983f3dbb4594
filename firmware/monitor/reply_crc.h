/* SPDX-License-Identifier: Apache-2.0 */
/* A checksum over each reply, once the host has asked for it by `crc on`: a digit that was changed on the way, an answer
 * that belongs to an earlier command, and an input of which a byte was changed are then found by the host.
 *
 * The last line before m-ready is m-crc-<n>-<crc>: n counts the checked replies from 1 since `crc on`, crc is the CRC-32
 * of zlib (ISO-HDLC: polynomial 0x04C11DB7 reflected, initial value and final XOR 0xFFFFFFFF) over
 *   the command as it was understood, with its '%'; the lines of the reply, each with CR LF; and "m-crc-<n>-".
 * Replies to `db <hex>` have none: m-input-crc-<crc>, over the loaded bytes, covers what they stored. */
#ifndef REPLY_CRC_H
#define REPLY_CRC_H

#include <stdint.h>

/* Call for each command before any of its reply is printed; `command` without its '%'. */
void reply_crc_begin(const char *command);

/* Adds one character of the reply. */
void reply_crc_add(char byte);

/* The reply that has begun gets no m-crc line. */
void reply_crc_omit(void);

/* Prints the m-crc line, unless checksums are off or omitted. Call before m-ready. */
void reply_crc_end(void);

/* The `crc` command: `crc on`, `crc off`, and `crc` alone for the input. */
void reply_crc_command(char *cursor);

/* m-input-crc-<crc> of the complete load, if checksums are on. */
void reply_crc_input(void);

#endif
