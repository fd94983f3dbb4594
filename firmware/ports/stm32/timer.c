/* SPDX-License-Identifier: Apache-2.0 */
#include "board_config.h"
#include "port.h"
#include "rcc.h"
#include "stm32.h"
#include "tim.h"

_Static_assert(BOARD_TIMER_CLOCK_HZ % 1000000u == 0, "TIM2 cannot count whole microseconds");

void timer_init(void)
{
    RCC->APB1ENR |= RCC_APB1ENR_TIM2EN;
    (void)RCC->APB1ENR;
    TIM2->PSC = BOARD_TIMER_CLOCK_HZ / 1000000u - 1u;
    TIM2->ARR = 0xFFFFFFFFu;
    TIM2->EGR = TIM_EGR_UG; /* the prescaler takes effect at an update only */
    TIM2->CR1 = TIM_CR1_CEN;
}

uint32_t port_time_us(void)
{
    return TIM2->CNT;
}
