/* SPDX-License-Identifier: Apache-2.0 */
/* Does one odd thing per CASE in round LAST of a function that was hot before; prints a sum every 64 rounds. */
#include "board.h"

#ifdef F446
#define RAM_END 0x20020000u
#define FLASH_ALIAS 0u
#else
#define RAM_END 0x20050000u
#define FLASH_ALIAS 0x00200000u
#endif
#define FLASH_END 0x08100000u
#ifndef LAST
#define LAST 400u
#endif

static uint32_t words[64] __attribute__((aligned(64)));
static volatile uint32_t kept; /* outlives a reset */
static volatile uint32_t zero;

/* A loop with a branch, loads, stores and a call: what is translated. `at` is used in round LAST only. */
#define NAKED __attribute__((naked, noinline, used))

NAKED static uint32_t middle(uint32_t value)
{
    __asm volatile("adds r0, #1\n adds r0, #2\n lsls r0, r0, #1\n eors r0, r0, r0, lsr #3\n adds r0, #5\n"
                   "movw r1, #0x0470\n" /* its second half is another instruction */
                   ".inst.w 0xf2404770\n" /* movw r7, #0x470..: its second half is bx lr */
                   "adds r0, r0, r1\n cmp r0, #7\n it ne\n addne r0, #1\n bx lr\n");
}

/* Calls its argument with a loop around it. */
__attribute__((noinline)) static uint32_t busy(uint32_t round)
{
    uint32_t sum = round;
    for (uint32_t i = 0; i < 64; i++) {
        words[i] = words[i] * 3 + sum;
        sum ^= words[i] >> (i & 7);
    }
    return sum;
}

NAKED static uint32_t descend(uint32_t depth)
{
    __asm volatile("push {r4, r5, r6, lr}\n mov r4, r0\n cbz r0, 1f\n subs r0, #1\n bl descend\n 1: adds r0, r4\n"
                   "pop {r4, r5, r6, pc}\n");
}

NAKED static uint32_t leaf(uint32_t value)
{
    __asm volatile("adds r0, #1\n adds r0, #1\n bx lr\n");
}

/* `at` + 0 .. 15 are read and written in the ways that KIND says. */
#ifndef KIND
#define KIND 0
#endif
#ifndef GOOD
#define GOOD words
#endif
#ifndef AT
#define AT ((uint32_t)words + 1)
#endif
NAKED static uint32_t touch(void *at)
{
#if KIND == 0
    __asm volatile("ldr r1, [r0]\n adds r1, #1\n str r1, [r0]\n mov r0, r1\n bx lr\n");
#elif KIND == 1
    __asm volatile("ldrd r1, r2, [r0]\n adds r0, r1, r2\n bx lr\n");
#elif KIND == 2
    __asm volatile("ldm r0, {r1, r2, r3}\n adds r0, r1, r3\n bx lr\n");
#elif KIND == 3
    __asm volatile("1: ldrex r1, [r0]\n adds r1, #1\n strex r2, r1, [r0]\n cmp r2, #0\n bne 1b\n mov r0, r1\n bx lr\n");
#elif KIND == 4
    __asm volatile("movs r1, #1\n movs r2, #2\n movs r3, #3\n stm r0!, {r1, r2, r3}\n bx lr\n");
#elif KIND == 5
    __asm volatile("ldrh r1, [r0, #1]\n ldr r2, [r0, #3]\n strh r1, [r0, #5]\n adds r0, r1, r2\n bx lr\n");
#elif KIND == 6
    __asm volatile("ldr r1, [r0], #4\n ldr r2, [r0, #8]!\n str r1, [r0, #-12]\n adds r0, r1, r2\n bx lr\n");
#elif KIND == 7 /* pushes below where it points, with its own stack pointer put back */
    __asm volatile("mov r1, sp\n mov sp, r0\n push {r1, r2, lr}\n pop {r1, r2, lr}\n mov sp, r1\n bx lr\n");
#elif KIND == 8 /* the first access of the block is fine, the second is not */
    __asm volatile("ldr r2, =words\n str r0, [r2]\n str r0, [r2, #4]\n str r0, [r0]\n str r0, [r2, #8]\n bx lr\n"
                   ".ltorg\n");
#elif KIND == 9 /* conditional */
    __asm volatile("cmp r0, #0\n ite ne\n ldrne r1, [r0]\n moveq r1, #1\n adds r0, r1, #1\n bx lr\n");
#elif KIND == 10
    __asm volatile("strb r0, [r0]\n ldrb r1, [r0, #15]\n adds r0, r1, #1\n bx lr\n");
#elif KIND == 11 /* a table branch: at is the index */
    __asm volatile("ands r0, #255\n tbb [pc, r0]\n 0: .byte (1f-0b)/2, (2f-0b)/2, (3f-0b)/2, (3f-0b)/2\n"
                   "1: movs r0, #10\n bx lr\n 2: movs r0, #20\n bx lr\n 3: movs r0, #30\n bx lr\n");
#elif KIND == 12 /* at is where to jump to */
    __asm volatile("push {lr}\n blx r0\n adds r0, #1\n pop {pc}\n");
#elif KIND == 13
    __asm volatile("push {r0}\n pop {pc}\n");
#elif KIND == 14
    __asm volatile("str r0, [sp, #-4]!\n ldr pc, [sp], #4\n");
#elif KIND == 15
    __asm volatile("mov pc, r0\n");
#elif KIND == 16 /* vldr s0, [r0]; vstr s0, [r0, #4] */
    __asm volatile(".inst.w 0xed900a00\n .inst.w 0xed800a01\n adds r0, #1\n bx lr\n");
#elif KIND == 17
    __asm volatile("pld [r0]\n dmb\n ldr r1, [r0]\n dsb\n isb\n mov r0, r1\n bx lr\n");
#endif
}

/* Stops in its own way in round LAST, in the middle of a hot loop. */
__attribute__((noinline)) static uint32_t odd(uint32_t round)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 32; i++) {
        sum = sum * 5 + words[i & 31];
        if (round == LAST && i == 17) {
#if CASE == 3
            __asm volatile("svc #0");
#elif CASE == 4
            __asm volatile("bkpt #0");
#elif CASE == 5
            __asm volatile("udf #1");
#elif CASE == 6
            __asm volatile("wfi");
#elif CASE == 7
            REG(0xE000ED0C) = 0x05FA0004; /* reset */
#elif CASE == 8
            __asm volatile("1: adds r0, #1\n cmp r0, r0\n beq 2f\n nop\n 2: b 1b" ::: "r0", "cc");
#elif CASE == 9
            __asm volatile("1: b 1b");
#elif CASE == 10
            REG(0xE000ED14) |= 1u << 4; /* divide by zero traps */
            sum = sum / zero;
#elif CASE == 11
            REG(0xE000ED14) |= 1u << 3; /* unaligned accesses trap */
            sum += *(volatile uint32_t *)((uint8_t *)words + 1);
#elif CASE == 12
            __asm volatile("cpsid i\n cpsie i\n msr basepri, %0\n mrs %0, apsr\n sev\n clrex" : "+r"(sum));
#elif CASE == 13 /* the flash controller: unlocked, then programmed */
            REG(0x40023C04) = 0x45670123;
            REG(0x40023C04) = 0xCDEF89AB;
            REG(0x40023C10) = 0x201;
            REG(0x080C0000) = 0x12345678;
#elif CASE == 14
            for (uint32_t k = 0; k < 50; k++) { /* hints, narrow and wide, also within IT */
                __asm volatile("sev\n wfe\n cmp %0, #9\n it ne\n wfene\n nop.w\n wfe.w\n yield\n adds %0, #1\n"
                               "yield.w\n sev.w"
                               : "+r"(sum) :: "cc");
            }
#elif CASE == 15
            for (uint32_t k = 0; k < 100; k++) { /* registers in a hot loop */
                sum += TIM2_CNT ^ DWT_CYCCNT;
            }
            put('.');
#elif CASE == 16
            FLASH_ACR = 0; /* fewer wait states than the clock allows */
#elif CASE == 17
            RCC_CFGR = 0; /* the clock falls under the running code */
#endif
        }
#if CASE == 19
        __asm volatile("adds %0, #1\n yield\n adds %0, #2\n wfe\n adds %0, #3\n yield.w" : "+r"(sum)::"cc");
#endif
#if CASE == 24
        if (i % 16 == 5) {
            __asm volatile("adds %0, #1\n yield\n adds %0, #2\n adds %0, #3\n yield.w" : "+r"(sum)::"cc");
        }
#endif
#if CASE == 18
        sum += TIM2_CNT ^ DWT_CYCCNT ^ REG(0xE000ED00); /* each time */
        REG(UART + 0x08 - 0x08) |= 0;
#endif
    }
    return sum;
}

#if CASE == 2
/* movs r0, #IMMEDIATE; adds r0, #1; bx lr */
static uint16_t ram_code[8] __attribute__((aligned(8)));

__attribute__((noinline)) static void write_code(uint32_t immediate)
{
    static const uint16_t code[] = {0x2000, 0x3001, 0x4770};
    for (uint32_t i = 0; i < 3; i++) {
        ((volatile uint16_t *)ram_code)[i] = (uint16_t)(code[i] | (i == 0 ? immediate & 0xFF : 0));
    }
    __asm volatile("dsb\n isb");
}
#endif

__attribute__((noinline)) static uint32_t attack(uint32_t round)
{
    uint32_t sum = busy(round);
#if CASE == 0 /* into the middle of a function, at each half-word, also of wide instructions */
    uint32_t entry = (uint32_t)middle;
    sum += middle(round);
    if (round >= LAST) {
        uint32_t offset = 2 * ((round - LAST) / 8 % HALVES);
        uint32_t got;
        __asm volatile("mov r0, %1\n push {r7}\n blx %2\n pop {r7}\n mov %0, r0"
                       : "=r"(got) : "r"(round), "r"(entry + offset) : "r0", "r1", "r2", "r3", "r12", "lr", "cc");
        sum += got;
    }
#elif CASE == 1
    sum += descend(round == LAST ? 100000 : round % 8);
#elif CASE == 2
    if (round >= LAST) {
        for (uint32_t i = 0; i < 20; i++) {
            write_code(round + i);
            sum = sum * 3 + ((uint32_t(*)(void))((uint32_t)ram_code | 1))();
        }
    } else {
        write_code(round);
    }
#elif CASE == 20
    sum += touch(round == LAST ? (void *)(AT) : (void *)(GOOD));
#elif CASE == 21 /* the same function at another address */
    sum += ((uint32_t(*)(uint32_t))(round == LAST ? (uint32_t)busy - 0x08000000 + FLASH_ALIAS : (uint32_t)busy))(round);
#elif CASE == 22 /* flash that was never programmed */
    if (round == LAST) {
        ((void (*)(void))(FLASH_END - 0x100 + 1))();
    }
#elif CASE == 23 /* RAM of zeros, to its end */
    if (round == LAST) {
        ((void (*)(void))(RAM_END - 0x8000 + 1))();
    }
#else
    sum += odd(round);
#endif
    return sum;
}

int main(void)
{
    board_up();
    put_text(kept == 0x600D ? "again\r\n" : "up\r\n");
    if (kept == 0x600D) {
        get();
    }
    kept = 0x600D;
    uint32_t sum = 0;
    for (uint32_t round = 1; round < 900; round++) {
        sum = sum * 31 + attack(round);
        if (round % 64 == 0 || round == LAST) {
            put_number(sum);
            put_text("\r\n");
        }
    }
    put_text("end\r\n");
    for (;;) {
        get();
    }
}
