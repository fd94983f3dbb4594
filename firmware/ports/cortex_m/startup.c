/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main, and what happens when the core faults. */
#include <stddef.h>
#include <string.h>

#include "core.h"

/* Addresses from the linker script. */
extern uint32_t __stack_top[];
extern uint32_t __data_start[];
extern uint32_t __data_end[];
extern uint32_t __data_load[];
extern uint32_t __bss_start[];
extern uint32_t __bss_end[];
extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

int main(void);

void reset_handler(void);
void fault_handler(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    __stack_top,
    (const void *)reset_handler,
    (const void *)fault_handler, /* NMI */
    (const void *)fault_handler, /* HardFault */
    (const void *)fault_handler, /* MemManage */
    (const void *)fault_handler, /* BusFault */
    (const void *)fault_handler, /* UsageFault */
    NULL,
    NULL,
    NULL,
    NULL,
    (const void *)fault_handler, /* SVCall */
    (const void *)fault_handler, /* DebugMonitor */
    NULL,
    (const void *)fault_handler, /* PendSV */
    (const void *)fault_handler, /* SysTick */
    /* No peripheral interrupt is ever enabled. */
};

__attribute__((noreturn)) void reset_handler(void)
{
    SCB_VTOR = (uint32_t)(uintptr_t)vectors;
    SCB_CPACR |= CPACR_FPU_FULL;
    dsb();
    isb();
    memcpy(__data_start, __data_load, (size_t)((char *)__data_end - (char *)__data_start));
    memset(__bss_start, 0, (size_t)((char *)__bss_end - (char *)__bss_start));
    for (void (*const *construct)(void) = __init_array_start; construct != __init_array_end; construct++) {
        (*construct)();
    }
    main();
    fault_handler();
    for (;;) {
    }
}

/* r0 holds the stacked frame (r0-r3, r12, lr, pc, xpsr). With a debugger, or in the emulator, the breakpoint stops
 * here; without one it locks the core up, which is also an end. Either way nothing more is sent, and the host's
 * deadline reports it. */
__attribute__((naked, used)) void fault_handler(void)
{
    __asm volatile("mrs r0, msp\n"
                   "bkpt #0\n"
                   "1: b 1b\n");
}
