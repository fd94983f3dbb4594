/* SPDX-License-Identifier: Apache-2.0 */
/* Reset and clock control, power control and flash interface of STM32L4+ (RM0432 6.4, 5.4, 3.7). */
#ifndef CLOCK_L4_H
#define CLOCK_L4_H

#include "registers.h"

typedef struct {
    register_t CR, ICSCR, CFGR, PLLCFGR;
} rcc_t;

#define RCC ((rcc_t *)0x40021000u)
#define RCC_APB1ENR1 0x40021058u

#define RCC_CR_HSION BIT(8)
#define RCC_CR_HSIRDY BIT(10)
#define RCC_CR_PLLON BIT(24)
#define RCC_CR_PLLRDY BIT(25)

#define RCC_PLLCFGR_SRC_HSI 2u
#define RCC_PLLCFGR_M(m) (((uint32_t)(m) - 1u) << 4)
#define RCC_PLLCFGR_N(n) ((uint32_t)(n) << 8)
#define RCC_PLLCFGR_REN BIT(24)
#define RCC_PLLCFGR_R(r) (((uint32_t)(r) / 2u - 1u) << 25)

#define RCC_CFGR_SW_PLL 3u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (3u << 2)
#define RCC_CFGR_HPRE_MASK (15u << 4)
#define RCC_CFGR_HPRE_DIV2 (8u << 4)

#define RCC_APB1ENR1_PWREN 28u

typedef struct {
    register_t CR1, CR2, CR3, CR4, SR1, SR2;
} pwr_t;

#define PWR ((pwr_t *)0x40007000u)
#define PWR_CR5 (*(register_t *)0x40007080u)

#define PWR_CR1_VOS_MASK (3u << 9)
#define PWR_CR1_VOS_RANGE1 (1u << 9)
#define PWR_CR2_IOSV BIT(9)
#define PWR_SR2_VOSF BIT(10)
#define PWR_CR5_R1MODE BIT(8)

#define FLASH_ACR (*(register_t *)0x40022000u)

#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_ICEN BIT(9)
#define FLASH_ACR_DCEN BIT(10)

#endif
