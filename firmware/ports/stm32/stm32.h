/* SPDX-License-Identifier: Apache-2.0 */
/* The parts a port of an STM32 is put together from. */
#ifndef STM32_H
#define STM32_H

/* HSI -> PLL -> BOARD_CLOCK_HZ, with what that needs of regulator and flash (clock_*.c, values from the board row). */
void clock_init(void);

/* The console at APP_BAUD, 8N1, polled (usart_v1.c or usart_v2.c; these also hold port_getchar and its like). */
void usart_init(void);

/* A timer at 1 MHz (timer.c; port_time_us is there). */
void timer_init(void);

#endif
