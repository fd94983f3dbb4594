/* SPDX-License-Identifier: Apache-2.0 */
/* A 32-bit general-purpose timer (TIM2, TIM5). */
#ifndef TIM_H
#define TIM_H

#include "registers.h"

typedef struct {
    register_t CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR;
} tim_t;

#define TIM_CR1_CEN BIT(0)
#define TIM_EGR_UG BIT(0)

#endif
