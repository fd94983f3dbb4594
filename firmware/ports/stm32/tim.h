/* SPDX-License-Identifier: Apache-2.0 */
/* TIM2, a 32-bit general-purpose timer on all STM32F4 and F7. */
#ifndef TIM_H
#define TIM_H

#include "registers.h"

typedef struct {
    register_t CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR;
} tim_t;

#define TIM2 ((tim_t *)0x40000000u)

#define TIM_CR1_CEN BIT(0)
#define TIM_EGR_UG BIT(0)

#endif
