/* SPDX-License-Identifier: Apache-2.0 */
/* STM32L4+ above 80 MHz. The source is the internal 16 MHz oscillator: it is there on every board, whatever its solder
 * bridges. */
#include "clock_l4.h"

#include "board_config.h"
#include "enable.h"
#include "stm32.h"

#define VCO_HZ (BOARD_HSI_HZ / BOARD_PLL_M * BOARD_PLL_N)
/* At least 1 us at half of the clock; a turn of the loop takes two cycles or more. */
#define SETTLE_TURNS (BOARD_CLOCK_HZ / 2u / 1000000u)

_Static_assert(VCO_HZ / BOARD_PLL_R == BOARD_CLOCK_HZ, "the core runs from the PLL's R output");
_Static_assert(BOARD_HSI_HZ / BOARD_PLL_M >= 4000000u && BOARD_HSI_HZ / BOARD_PLL_M <= 16000000u,
               "PLL input must be 4 to 16 MHz");
_Static_assert(VCO_HZ >= 64000000u && VCO_HZ <= 344000000u, "VCO must be 64 to 344 MHz");
_Static_assert(BOARD_CLOCK_HZ == BOARD_TIMER_CLOCK_HZ, "timers run at the clock of an undivided APB1");

void clock_init(void)
{
    enable_clock(RCC_APB1ENR1, RCC_APB1ENR1_PWREN);
    PWR->CR2 |= PWR_CR2_IOSV; /* pins PG2 to PG15 have a supply of their own, which is to be declared valid */
    PWR->CR1 = (PWR->CR1 & ~PWR_CR1_VOS_MASK) | PWR_CR1_VOS_RANGE1;
    while (PWR->SR2 & PWR_SR2_VOSF) {
    }
    PWR_CR5 &= ~PWR_CR5_R1MODE; /* boost */

    RCC->CR |= RCC_CR_HSION;
    while (!(RCC->CR & RCC_CR_HSIRDY)) {
    }
    RCC->PLLCFGR = RCC_PLLCFGR_SRC_HSI | RCC_PLLCFGR_M(BOARD_PLL_M) | RCC_PLLCFGR_N(BOARD_PLL_N) |
                   RCC_PLLCFGR_R(BOARD_PLL_R) | RCC_PLLCFGR_REN;
    RCC->CR |= RCC_CR_PLLON;
    while (!(RCC->CR & RCC_CR_PLLRDY)) {
    }

    /* Wait states are set before the clock rises. */
    FLASH_ACR = BOARD_FLASH_WAIT_STATES | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN;
    while ((FLASH_ACR & FLASH_ACR_LATENCY_MASK) != BOARD_FLASH_WAIT_STATES) {
    }

    /* Above 80 MHz the clock rises in two steps, at least 1 us apart (RM0432 6.2.8). */
    RCC->CFGR = RCC_CFGR_HPRE_DIV2 | RCC_CFGR_SW_PLL;
    while ((RCC->CFGR & RCC_CFGR_SWS_MASK) != RCC_CFGR_SWS_PLL) {
    }
    for (volatile uint32_t turn = 0; turn < SETTLE_TURNS; turn++) {
    }
    RCC->CFGR &= ~RCC_CFGR_HPRE_MASK;
}
