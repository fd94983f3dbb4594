/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the Cortex-M4 and M7 core itself (Armv7-M Architecture Reference Manual, B3). */
#ifndef CORE_H
#define CORE_H

#include "registers.h"

#define SCB_VTOR (*(register_t *)0xE000ED08u)
#define SCB_CCR (*(register_t *)0xE000ED14u)
#define SCB_CCSIDR (*(register_t *)0xE000ED80u)
#define SCB_CSSELR (*(register_t *)0xE000ED84u)
#define SCB_CPACR (*(register_t *)0xE000ED88u)
#define SCB_ICIALLU (*(register_t *)0xE000EF50u)
#define SCB_DCISW (*(register_t *)0xE000EF60u)

#define CCR_DC BIT(16)
#define CCR_IC BIT(17)
#define CPACR_FPU_FULL 0x00F00000u

#define DCB_DEMCR (*(register_t *)0xE000EDFCu)
#define DEMCR_TRCENA BIT(24)

#define DWT_CTRL (*(register_t *)0xE0001000u)
#define DWT_CYCCNT (*(register_t *)0xE0001004u)
#define DWT_LAR (*(register_t *)0xE0001FB0u)
#define DWT_CTRL_CYCCNTENA BIT(0)
#define DWT_UNLOCK 0xC5ACCE55u

static inline void dsb(void)
{
    __asm volatile("dsb" ::: "memory");
}

static inline void isb(void)
{
    __asm volatile("isb" ::: "memory");
}

/* Both L1 caches of a Cortex-M7, emptied and switched on (cache.c). */
void cache_enable(void);

/* DWT_CYCCNT starts counting core clock cycles from 0 (cycles.c). */
void cycles_enable(void);

#endif
