/* SPDX-License-Identifier: Apache-2.0 */
/* Reset and clock control, power control and flash interface of STM32F446 and F7: same offsets and bits for all that is
 * used (RM0390 6.3, RM0385 5.3). */
#ifndef CLOCK_F4_F7_H
#define CLOCK_F4_F7_H

#include "registers.h"

typedef struct {
    register_t CR, PLLCFGR, CFGR, CIR;
    register_t AHB1RSTR, AHB2RSTR, AHB3RSTR, reserved_1c;
    register_t APB1RSTR, APB2RSTR, reserved_28, reserved_2c;
    register_t AHB1ENR, AHB2ENR, AHB3ENR, reserved_3c;
    register_t APB1ENR, APB2ENR;
} rcc_t;

#define RCC ((rcc_t *)0x40023800u)

#define RCC_CR_HSION BIT(0)
#define RCC_CR_HSIRDY BIT(1)
#define RCC_CR_PLLON BIT(24)
#define RCC_CR_PLLRDY BIT(25)

#define RCC_PLLCFGR_M(m) ((uint32_t)(m))
#define RCC_PLLCFGR_N(n) ((uint32_t)(n) << 6)
#define RCC_PLLCFGR_P_2 (0u << 16)
#define RCC_PLLCFGR_Q(q) ((uint32_t)(q) << 24)
#define RCC_PLLCFGR_R(r) ((uint32_t)(r) << 28)

#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS_MASK (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_PPRE1_DIV4 (5u << 10)
#define RCC_CFGR_PPRE2_DIV2 (4u << 13)

#define RCC_APB1ENR_PWREN BIT(28)

/* PWR_CR and PWR_CSR of an F446, PWR_CR1 and PWR_CSR1 of an F7. */
typedef struct {
    register_t CR, CSR;
} pwr_t;

#define PWR ((pwr_t *)0x40007000u)

#define PWR_CR_VOS_SCALE1 (3u << 14)
#define PWR_CR_ODEN BIT(16)
#define PWR_CR_ODSWEN BIT(17)
#define PWR_CSR_ODRDY BIT(16)
#define PWR_CSR_ODSWRDY BIT(17)

#define FLASH_ACR (*(register_t *)0x40023C00u)

#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_LINES BIT(9)       /* F4: ICEN, for instructions; F7: ARTEN, for both */
#define FLASH_ACR_DATA_LINES BIT(10) /* F4: DCEN */

#endif
