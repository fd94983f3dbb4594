/* SPDX-License-Identifier: Apache-2.0 */
/* Clock enable bits of the RCC; the board row has the address of each register. */
#ifndef ENABLE_H
#define ENABLE_H

#include "registers.h"

static inline void enable_clock(uint32_t address, uint32_t bit)
{
    register_t *enable = (register_t *)address;
    *enable |= BIT(bit);
    (void)*enable; /* the clock is there two cycles later: reading back waits for it */
}

#endif
