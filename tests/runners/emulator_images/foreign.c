/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware as others write it: another serial port than the board's, and peripherals that are not emulated. */
#include "board.h"

#define USART6 0x40011400u
#define RTC REG(0x40002800)

int main(void)
{
    clock_up();
    REG(0x40023844) |= 1u << 5; /* USART6 */
    REG(0x40023844) |= 1u << 22; /* SAI1 */
    REG(0x40015804) = 3;
    RTC = 5;
    if (RTC == 5) {
        RTC = 6;
    }
    REG(0x40000400) = 1; /* TIM3, whose clock is off */
    REG(0x40023830) |= 1u << 12;
    REG(0x40023000) = 0x12345678u; /* CRC unit */
    REG(USART6 + 0x0C) = PLL_N * 1000000u / 2u / 115200u;
    REG(USART6 + 0x00) = 1u << 0 | 1u << 3 | 1u << 2;
    const char *text = REG(0x40023000) == 0xDF8A8A2Bu ? "right\r\n" : "wrong\r\n";
    while (*text) {
        while (!(REG(USART6 + 0x1C) & 1u << 7)) {
        }
        REG(USART6 + 0x28) = (uint8_t)*text++;
    }
    for (;;) {
        while (!(REG(USART6 + 0x1C) & 1u << 5)) {
        }
        REG(USART6 + 0x28) = REG(USART6 + 0x24);
    }
}
