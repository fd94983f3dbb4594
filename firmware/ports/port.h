/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor needs from a board. A port implements these and nothing else. */
#ifndef PORT_H
#define PORT_H

#include <stdint.h>

/* port_getchar: no more input will come (a process whose pipe was closed; never on a board). */
#define PORT_END (-1)
/* port_getchar: the receiver was overrun, at least one byte of the current command is gone. */
#define PORT_BYTE_LOST (-2)

/* Clocks, caches, console, timer and timestamp pin. Called once, first. */
void port_init(void);

/* Waits for the next byte from the host: 0..255, PORT_END or PORT_BYTE_LOST. */
int port_getchar(void);

/* Sends one byte, waiting for room. */
void port_putchar(char byte);

/* Returns when the last bit of everything sent has left the device. */
void port_flush(void);

/* A free-running microsecond counter; wraps after 71.6 minutes. */
uint32_t port_time_us(void);

/* One low pulse on the timestamp pin, which idles high. The falling edge is the event. */
void port_timestamp_pulse(void);

#endif
