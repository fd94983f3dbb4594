/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include "board_config.h"
#include "core.h"
#include "gpio.h"
#include "stm32.h"

/* Long enough for an energy monitor that samples, and for level shifters; the events are the falling edges, so that
 * the length is not part of any window but the first pulse's own, where it is one part in 100,000 of the 10 s. */
#define PULSE_US 100u

void port_init(void)
{
    clock_init();
    if (BOARD_HAS_CACHES) {
        cache_enable();
    }
    cycles_enable();
    timer_init();
    gpio_clock_enable(BOARD_TIMESTAMP_PORT);
    gpio_write(BOARD_TIMESTAMP_PORT, BOARD_TIMESTAMP_PIN, 1); /* before the pin drives: it must not start with a falling edge */
    gpio_output(BOARD_TIMESTAMP_PORT, BOARD_TIMESTAMP_PIN);
    usart_init();
}

void port_timestamp_pulse(void)
{
    gpio_write(BOARD_TIMESTAMP_PORT, BOARD_TIMESTAMP_PIN, 0);
    const uint32_t start_us = port_time_us();
    while (port_time_us() - start_us < PULSE_US) {
    }
    gpio_write(BOARD_TIMESTAMP_PORT, BOARD_TIMESTAMP_PIN, 1);
}
