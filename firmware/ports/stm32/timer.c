/* SPDX-License-Identifier: Apache-2.0 */
#include "board_config.h"
#include "enable.h"
#include "port.h"
#include "stm32.h"
#include "tim.h"

#define TIMER ((tim_t *)BOARD_TIMER_BASE)

_Static_assert(BOARD_TIMER_CLOCK_HZ % 1000000u == 0, "the timer cannot count whole microseconds");

void timer_init(void)
{
    enable_clock(BOARD_TIMER_ENABLE, BOARD_TIMER_ENABLE_BIT);
    TIMER->PSC = BOARD_TIMER_CLOCK_HZ / 1000000u - 1u;
    TIMER->ARR = 0xFFFFFFFFu;
    TIMER->EGR = TIM_EGR_UG; /* the prescaler takes effect at an update only */
    TIMER->CR1 = TIM_CR1_CEN;
}

uint32_t port_time_us(void)
{
    return TIMER->CNT;
}
