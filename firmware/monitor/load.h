/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer that `db` fills. It keeps its bytes over any number of inferences, until the next `db load`. */
#ifndef LOAD_H
#define LOAD_H

#include <stdint.h>

/* The whole `db` command; `cursor` stands after the word "db". */
void load_command(char *cursor);

/* The loaded bytes (aligned to 8). Only good when load_complete(). */
const uint8_t *load_bytes(void);

/* Bytes stored since the last accepted `db load`. */
uint32_t load_stored(void);

/* 1 when as many bytes have come as `db load` gave. */
int load_complete(void);

#endif
