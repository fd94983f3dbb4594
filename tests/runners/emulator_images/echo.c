/* SPDX-License-Identifier: Apache-2.0 */
/* Answers each line that ends in '%': text is echoed in brackets; "t" gives the microsecond timer and the cycle
 * counter; "w" works for a while. */
#include "board.h"

static volatile uint32_t sink;

static void work(uint32_t rounds)
{
    uint32_t x = sink;
    for (uint32_t i = 0; i < rounds; i++) {
        x = x * 1664525u + (x >> 3) + i;
        if (x & 64) {
            x ^= 85;
        }
    }
    sink = x;
}

int main(void)
{
    board_up();
    put_text("ready\r\n");
    for (;;) {
        char line[64];
        int length = 0;
        for (int c = get(); c != '%'; c = get()) {
            if (length < 63) {
                line[length++] = (char)c;
            }
        }
        line[length] = 0;
        if (line[0] == 't' && length == 1) {
            uint32_t microseconds = TIM2_CNT;
            uint32_t cycles = DWT_CYCCNT;
            put_number(microseconds);
            put(' ');
            put_number(cycles);
        } else if (line[0] == 'w' && length == 1) {
            work(100000);
            put_text("worked");
        } else {
            put('[');
            put_text(line);
            put(']');
        }
        put_text("\r\n");
    }
}
