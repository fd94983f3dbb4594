/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor as a process: the protocol's bytes on standard input and output, nothing else on either. */
#define _POSIX_C_SOURCE 200809L

#include "port.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char output[4096];
static size_t output_length;
static unsigned char input[4096];
static size_t input_length;
static size_t input_next;

void port_init(void)
{
}

void port_flush(void)
{
    size_t sent = 0;
    while (sent < output_length) {
        const ssize_t count = write(STDOUT_FILENO, output + sent, output_length - sent);
        if (count > 0) {
            sent += (size_t)count;
        } else if (count < 0 && errno != EINTR) {
            exit(1); /* the host is gone */
        }
    }
    output_length = 0;
}

void port_putchar(char byte)
{
    if (output_length == sizeof output) {
        port_flush();
    }
    output[output_length++] = byte;
}

int port_getchar(void)
{
    if (input_next == input_length) {
        /* The host waits for the end of the last reply before it sends more. */
        port_flush();
        ssize_t count;
        do {
            count = read(STDIN_FILENO, input, sizeof input);
        } while (count < 0 && errno == EINTR);
        if (count <= 0) {
            return PORT_END;
        }
        input_length = (size_t)count;
        input_next = 0;
    }
    return input[input_next++];
}

uint32_t port_time_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
}

void port_timestamp_pulse(void)
{
}
