/* SPDX-License-Identifier: Apache-2.0 */
/* STM32F4 and F7 with over-drive. The source is the internal 16 MHz oscillator: it is there on every board, whatever
 * its solder bridges. */
#include "clock_f4_f7.h"

#include "board_config.h"
#include "stm32.h"

#define VCO_HZ (BOARD_HSI_HZ / BOARD_PLL_M * BOARD_PLL_N)
/* Where instructions and data share the accelerator's lines, one bit is for both. */
#define FLASH_ACR_ACCELERATOR (FLASH_ACR_LINES | (BOARD_FLASH_DATA_LINES ? FLASH_ACR_DATA_LINES : 0u))

_Static_assert(VCO_HZ / 2u == BOARD_CLOCK_HZ, "the PLL's P output is half of its VCO");
_Static_assert(BOARD_HSI_HZ / BOARD_PLL_M >= 1000000u && BOARD_HSI_HZ / BOARD_PLL_M <= 2000000u,
               "PLL input must be 1 to 2 MHz");
_Static_assert(VCO_HZ >= 100000000u && VCO_HZ <= 432000000u, "VCO must be 100 to 432 MHz");
_Static_assert(BOARD_CLOCK_HZ / 2u == BOARD_TIMER_CLOCK_HZ, "timers run at twice a divided APB1");

void clock_init(void)
{
    RCC->CR |= RCC_CR_HSION;
    while (!(RCC->CR & RCC_CR_HSIRDY)) {
    }

    RCC->APB1ENR |= RCC_APB1ENR_PWREN;
    (void)RCC->APB1ENR;
    PWR->CR |= PWR_CR_VOS_SCALE1;

    RCC->PLLCFGR = RCC_PLLCFGR_M(BOARD_PLL_M) | RCC_PLLCFGR_N(BOARD_PLL_N) | RCC_PLLCFGR_P_2 |
                   RCC_PLLCFGR_Q(BOARD_PLL_Q) | RCC_PLLCFGR_R(BOARD_PLL_R);
    RCC->CR |= RCC_CR_PLLON;

    PWR->CR |= PWR_CR_ODEN;
    while (!(PWR->CSR & PWR_CSR_ODRDY)) {
    }
    PWR->CR |= PWR_CR_ODSWEN;
    while (!(PWR->CSR & PWR_CSR_ODSWRDY)) {
    }
    while (!(RCC->CR & RCC_CR_PLLRDY)) {
    }

    /* Wait states are set before the clock rises, and bus dividers before the limits of the buses are exceeded. */
    FLASH_ACR = BOARD_FLASH_WAIT_STATES | FLASH_ACR_PRFTEN | FLASH_ACR_ACCELERATOR;
    while ((FLASH_ACR & FLASH_ACR_LATENCY_MASK) != BOARD_FLASH_WAIT_STATES) {
    }
    RCC->CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2;
    RCC->CFGR |= RCC_CFGR_SW_PLL;
    while ((RCC->CFGR & RCC_CFGR_SWS_MASK) != RCC_CFGR_SWS_PLL) {
    }
}
