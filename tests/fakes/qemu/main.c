/* SPDX-License-Identifier: Apache-2.0 */
/* A program for QEMU's mps2 boards: runs the model on each input and prints the outputs as lines of hexadecimal
 * digits, by semihosting. inputs.h holds the inputs. */
#include <stdint.h>

#include "inputs.h"
#include "model.h"
#include "string.h"

enum { SYS_WRITE0 = 0x04, SYS_EXIT = 0x18, APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };

extern uint32_t __stack_top[], __bss_start[], __bss_end[];
static char line[2 * OUTPUT_BYTES + 2];

static void semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void stop(uint32_t reason)
{
    semihost(SYS_EXIT, (const void *)(uintptr_t)reason);
    for (;;) {
    }
}

static void fault(void)
{
    stop(RUN_TIME_ERROR);
}

void reset(void)
{
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: the floating-point unit on */
    for (uint32_t *word = __bss_start; word < __bss_end; word++) {
        *word = 0;
    }
    if (model_info.input_bytes != sizeof inputs[0] || model_info.output_bytes != OUTPUT_BYTES || model_init() != 0) {
        fault();
    }
    for (uint32_t n = 0; n < sizeof inputs / sizeof inputs[0]; n++) {
        memcpy(model_input(), inputs[n], sizeof inputs[n]);
        if (model_invoke() != 0) {
            fault();
        }
        const int8_t *output = model_output();
        for (uint32_t k = 0; k < OUTPUT_BYTES; k++) {
            line[2 * k] = "0123456789abcdef"[(uint8_t)output[k] >> 4];
            line[2 * k + 1] = "0123456789abcdef"[output[k] & 15];
        }
        line[2 * OUTPUT_BYTES] = '\n';
        semihost(SYS_WRITE0, line);
    }
    stop(APPLICATION_EXIT);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    __stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};
