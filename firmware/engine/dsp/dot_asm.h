/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of dot_kernels.h in assembler, included there where the DSP instructions are.
 *
 * Four im2col columns times two filters keep eight sums in registers, and 13 instructions do 16 multiplications, 12
 * where the filter pairs are packed; compilers spill here.
 *
 *   r0 im2col, later out      r1 packed weights       r2-r5 sums of filter 0     r6-r9 sums of filter 1
 *   r10 weight word, filter 1's pair           r11 filter 0's pair        r12, lr two columns' words
 *
 * One pair of values is a block of 52 or 48 bytes. The first pair starts all sums from the two biases; then a run of
 * DOT_UNROLL blocks is entered so far from its end that only whole runs follow, or at its end if there is no more.
 * Each block fetches the next block's weight word; the last one fetches the first requant parameter of filter 0.
 * `packed` and `im2col` are aligned to words: LDRD and LDM here never see anything else. */
#ifndef DOT_ASM_H
#define DOT_ASM_H

#define DOT_UNROLL 16
#define DOT_TEXT_(x) #x
#define DOT_TEXT(x) DOT_TEXT_(x)

/* Stack: 0 im2col, 4 out, 8 pitch, 12 entry into the run, 16 end of im2col, 20 end of out. */
#define DOT_WIDEN_EVEN "sxtb16 r11, r10\n"
/* The second filter's pair: unpacked, or left in the word as 256 * second + first. */
#define DOT_UNPACKED "sxtb16 r10, r10, ror #8\n"
#define DOT_PACKED ""
#define DOT_SPLIT_ONE(first, second) "sub " second ", " second ", " first "\n" "asr " second ", " second ", #8\n"
#define DOT_SPLIT                                                                                                     \
    DOT_SPLIT_ONE("r2", "r6") DOT_SPLIT_ONE("r3", "r7") DOT_SPLIT_ONE("r4", "r8") DOT_SPLIT_ONE("r5", "r9")

#define DOT_HEAD(odd, bytes)                                                                                          \
    "push {r4-r11, lr}\n"                                                                                             \
    "ldr r4, [sp, #36]\n"            /* pairs */                                                                      \
    "sub sp, #28\n"                                                                                                   \
    "str r0, [sp, #0]\n"                                                                                              \
    "str r2, [sp, #4]\n"                                                                                              \
    "str r3, [sp, #8]\n"                                                                                              \
    "add r5, r0, r4, lsl #4\n"                                                                                        \
    "str r5, [sp, #16]\n"                                                                                             \
    "bic r5, r3, #1\n"                                                                                                \
    "add r5, r2, r5\n"                                                                                                \
    "str r5, [sp, #20]\n"                                                                                             \
    "subs r4, #1\n"                 /* the first block is separate */                                                \
    "rsb r5, r4, #0\n"                                                                                                \
    "and r5, r5, #" DOT_TEXT(DOT_UNROLL) " - 1\n"/* blocks to skip on entry */                                        \
    "it eq\n"                                                                                                         \
    "moveq r5, #" DOT_TEXT(DOT_UNROLL) "\n"                                                                           \
    "movs r4, #" bytes "\n"                                                                                           \
    "mul r4, r4, r5\n"                                                                                                \
    "adr r5, 2f\n"                                                                                                    \
    "add r4, r5\n"                                                                                                    \
    "orr r4, r4, #1\n"                                                                                                \
    "str r4, [sp, #12]\n"                                                                                             \
    "1:\n"                                                                                                            \
    "ldm r1!, {r2, r6, r10}\n"                                                                                        \
    "ldr r0, [sp, #0]\n"                                                                                              \
    "ldrd r12, lr, [r0], #8\n"                                                                                        \
    DOT_WIDEN_EVEN odd                                                                                                \
    "smlad r3, lr, r11, r2\n"                                                                                         \
    "smlad r7, lr, r10, r6\n"                                                                                         \
    "ldrd r4, r5, [r0], #8\n"                                                                                         \
    "smlad r8, r4, r10, r6\n"                                                                                         \
    "smlad r4, r4, r11, r2\n"                                                                                         \
    "smlad r9, r5, r10, r6\n"                                                                                         \
    "smlad r5, r5, r11, r2\n"                                                                                         \
    "smlad r6, r12, r10, r6\n"                                                                                        \
    "ldr r10, [r1], #4\n"                                                                                             \
    "smlad r2, r12, r11, r2\n"                                                                                        \
    "ldr pc, [sp, #12]\n"                                                                                             \
    ".p2align 2\n"                                                                                                    \
    "2:\n"                                                                                                            \
    ".rept " DOT_TEXT(DOT_UNROLL) "\n"                                                                                \
    "ldrd r12, lr, [r0], #8\n"                                                                                        \
    DOT_WIDEN_EVEN odd                                                                                                \
    "smlad r2, r12, r11, r2\n"                                                                                        \
    "smlad r6, r12, r10, r6\n"                                                                                        \
    "smlad r3, lr, r11, r3\n"                                                                                         \
    "smlad r7, lr, r10, r7\n"                                                                                         \
    "ldrd r12, lr, [r0], #8\n"                                                                                        \
    "smlad r8, r12, r10, r8\n"                                                                                        \
    "smlad r9, lr, r10, r9\n"                                                                                         \
    "ldr r10, [r1], #4\n"                                                                                             \
    "smlad r4, r12, r11, r4\n"                                                                                        \
    "smlad r5, lr, r11, r5\n"                                                                                         \
    ".endr\n"                                                                                                         \
    ".if . - 2b - " DOT_TEXT(DOT_UNROLL) " * " bytes "\n"                                                             \
    ".error \"a block of the run does not have the length that its jump assumes\"\n"                                   \
    ".endif\n"                                                                                                        \
    "ldr r12, [sp, #16]\n"                                                                                            \
    "cmp r0, r12\n"                                                                                                   \
    "bne 2b\n"

/* Stores the eight results in r2-r9; more filters: back to 1. Returns the packed weights that follow. */
#define DOT_FOOT                                                                                                      \
    "ldr r0, [sp, #4]\n"                                                                                              \
    "ldr lr, [sp, #8]\n"                                                                                              \
    "add r12, r0, lr, lsl #1\n"                                                                                       \
    "strb r3, [r0, lr]\n"                                                                                             \
    "strb r2, [r0], #1\n"                                                                                             \
    "strb r5, [r12, lr]\n"                                                                                            \
    "strb r4, [r12], #1\n"                                                                                            \
    "strb r7, [r0, lr]\n"                                                                                             \
    "strb r6, [r0], #1\n"                                                                                             \
    "strb r9, [r12, lr]\n"                                                                                            \
    "strb r8, [r12]\n"                                                                                                \
    "ldr r2, [sp, #20]\n"                                                                                             \
    "str r0, [sp, #4]\n"                                                                                              \
    "cmp r0, r2\n"                                                                                                    \
    "bne 1b\n"                                                                                                        \
    "mov r0, r1\n"                                                                                                    \
    "add sp, #28\n"                                                                                                   \
    "pop {r4-r11, pc}\n"

#define DOT_LINEAR_ONE(sum, shift) "smmlar " sum ", " sum ", r10, r11\n" "ssat " sum ", #8, " sum shift "\n"
#define DOT_LINEAR(shift)                                                                                             \
    "ldr r11, [r1], #4\n" DOT_LINEAR_ONE("r2", shift) DOT_LINEAR_ONE("r3", shift) DOT_LINEAR_ONE("r4", shift)         \
    DOT_LINEAR_ONE("r5", shift) "ldrd r10, r11, [r1], #8\n" DOT_LINEAR_ONE("r6", shift) DOT_LINEAR_ONE("r7", shift)   \
    DOT_LINEAR_ONE("r8", shift) DOT_LINEAR_ONE("r9", shift)

#define DOT_ROUNDING_ONE(sum)                                                                                         \
    "smmlar " sum ", " sum ", r10, " sum "\n"                                                                         \
    "add " sum ", " sum ", " sum ", asr #31\n"                                                                        \
    "add " sum ", " sum ", r11\n"                                                                                     \
    "asr " sum ", " sum ", r12\n"                                                                                     \
    "ssat " sum ", #8, " sum "\n"
#define DOT_ROUNDING                                                                                                  \
    "ldm r1!, {r11, r12}\n" DOT_ROUNDING_ONE("r2") DOT_ROUNDING_ONE("r3") DOT_ROUNDING_ONE("r4")                      \
    DOT_ROUNDING_ONE("r5") "ldm r1!, {r10, r11, r12}\n" DOT_ROUNDING_ONE("r6") DOT_ROUNDING_ONE("r7")                 \
    DOT_ROUNDING_ONE("r8") DOT_ROUNDING_ONE("r9")

#define DOT_FUNCTION(name, odd, bytes, split, body)                                                                   \
    __attribute__((naked, noinline)) static const int32_t *name(                                                      \
        const uint32_t *im2col __attribute__((unused)), const int32_t *packed __attribute__((unused)),                \
        int8_t *out __attribute__((unused)), int32_t pitch __attribute__((unused)),                                   \
        int32_t pairs __attribute__((unused)))                                                                        \
    {                                                                                                                 \
        __asm__ volatile(DOT_HEAD(odd, bytes) split body DOT_FOOT);                                                   \
    }

DOT_FUNCTION(dot_four_unpacked_linear_4, DOT_UNPACKED, "52", "", DOT_LINEAR(", asr #4"))
DOT_FUNCTION(dot_four_unpacked_linear_2, DOT_UNPACKED, "52", "", DOT_LINEAR(", asr #2"))
DOT_FUNCTION(dot_four_unpacked_rounding, DOT_UNPACKED, "52", "", DOT_ROUNDING)
DOT_FUNCTION(dot_four_packed_linear_4, DOT_PACKED, "48", DOT_SPLIT, DOT_LINEAR(", asr #4"))
DOT_FUNCTION(dot_four_packed_linear_2, DOT_PACKED, "48", DOT_SPLIT, DOT_LINEAR(", asr #2"))
DOT_FUNCTION(dot_four_packed_rounding, DOT_PACKED, "48", DOT_SPLIT, DOT_ROUNDING)

/* One im2col column, two filters at a time: 18 instructions do 16 multiplications, 14 where filter pairs are packed.
 *
 *   r0 column   r1 packed weights   r2, r3 sums   r4-r7 column words   r8-r11 weight words   r12 an extended pair
 *   lr count
 * Stack: 0 column, 4 out, 8 end of out, 12 runs of eight pairs, 16 fours (bit 0: start in the middle), 20 rest,
 * 24 shift. */
#define DOT_ONE_UNPACKED(a, w)                                                                                        \
    "sxtb16 r12, " w "\n"                                                                                             \
    "sxtb16 " w ", " w ", ror #8\n"                                                                                   \
    "smlad r2, " a ", r12, r2\n"                                                                                      \
    "smlad r3, " a ", " w ", r3\n"
#define DOT_ONE_PACKED(a, w)                                                                                          \
    "sxtb16 r12, " w "\n"                                                                                             \
    "smlad r3, " a ", " w ", r3\n"                                                                                    \
    "smlad r2, " a ", r12, r2\n"
#define DOT_ONE_FOUR(pair)                                                                                            \
    "ldm r0!, {r4-r7}\n"                                                                                              \
    "ldm r1!, {r8-r11}\n" pair("r4", "r8") pair("r5", "r9") pair("r6", "r10") pair("r7", "r11")
#define DOT_ONE_BODY(pair, requantize)                                                                                \
    "push {r4-r11, lr}\n"                                                                                             \
    "ldrd r4, r5, [sp, #36]\n"         /* pairs, shift */                                                             \
    "sub sp, #28\n"                                                                                                   \
    "str r0, [sp, #0]\n"                                                                                              \
    "str r2, [sp, #4]\n"                                                                                              \
    "bic r3, r3, #1\n"                                                                                                \
    "add r3, r2\n"                                                                                                    \
    "str r3, [sp, #8]\n"                                                                                              \
    "add r6, r4, #4\n"                                                                                                \
    "lsr r6, r6, #3\n"                                                                                                \
    "str r6, [sp, #12]\n"                                                                                             \
    "lsr r6, r4, #2\n"                                                                                                \
    "str r6, [sp, #16]\n"                                                                                             \
    "and r6, r4, #3\n"                                                                                                \
    "str r6, [sp, #20]\n"                                                                                             \
    "str r5, [sp, #24]\n"                                                                                             \
    "1:\n"                                                                                                            \
    "ldm r1!, {r2, r3}\n"                                                                                             \
    "ldrd lr, r4, [sp, #12]\n"                                                                                        \
    "ldr r0, [sp, #0]\n"                                                                                              \
    "cmp r4, #0\n"                                                                                                    \
    "beq 4f\n"                                                                                                        \
    "lsls r4, #31\n"                                                                                                  \
    "bne 3f\n"                                                                                                        \
    "2:\n" DOT_ONE_FOUR(pair) "3:\n" DOT_ONE_FOUR(pair)                                                               \
    "subs lr, #1\n"                                                                                                   \
    "bne 2b\n"                                                                                                        \
    "4:\n"                                                                                                            \
    "ldr lr, [sp, #20]\n"                                                                                             \
    "cmp lr, #0\n"                                                                                                    \
    "beq 6f\n"                                                                                                        \
    "5:\n"                                                                                                            \
    "ldr r4, [r0], #4\n"                                                                                              \
    "ldr r8, [r1], #4\n" pair("r4", "r8")                                                                             \
    "subs lr, #1\n"                                                                                                   \
    "bne 5b\n"                                                                                                        \
    "6:\n" requantize                                                                                                 \
    "ldrd r9, r10, [sp, #4]\n"                                                                                        \
    "strb r2, [r9], #1\n"                                                                                             \
    "strb r3, [r9], #1\n"                                                                                             \
    "str r9, [sp, #4]\n"                                                                                              \
    "cmp r9, r10\n"                                                                                                   \
    "bne 1b\n"                                                                                                        \
    "mov r0, r1\n"                                                                                                    \
    "add sp, #28\n"                                                                                                   \
    "pop {r4-r11, pc}\n"

#define DOT_ONE_LINEAR                                                                                                \
    "ldm r1!, {r4-r7}\n"                                                                                              \
    "ldr r8, [sp, #24]\n"                                                                                             \
    "smmlar r2, r2, r4, r5\n"                                                                                         \
    "smmlar r3, r3, r6, r7\n"                                                                                         \
    "asr r2, r2, r8\n"                                                                                                \
    "asr r3, r3, r8\n"                                                                                                \
    "ssat r2, #8, r2\n"                                                                                               \
    "ssat r3, #8, r3\n"

#define DOT_ONE_ROUNDING                                                                                              \
    "ldm r1!, {r4-r9}\n"                                                                                              \
    "smmlar r2, r2, r4, r2\n"                                                                                         \
    "smmlar r3, r3, r7, r3\n"                                                                                         \
    "add r2, r2, r2, asr #31\n"                                                                                       \
    "add r3, r3, r3, asr #31\n"                                                                                       \
    "add r2, r2, r5\n"                                                                                                \
    "add r3, r3, r8\n"                                                                                                \
    "asr r2, r2, r6\n"                                                                                                \
    "asr r3, r3, r9\n"                                                                                                \
    "ssat r2, #8, r2\n"                                                                                               \
    "ssat r3, #8, r3\n"

#define DOT_ONE_FUNCTION(name, pair, requantize)                                                                      \
    __attribute__((naked, noinline)) static const int32_t *name(                                                      \
        const uint32_t *column __attribute__((unused)), const int32_t *packed __attribute__((unused)),                \
        int8_t *out __attribute__((unused)), int32_t filters __attribute__((unused)),                                 \
        int32_t pairs __attribute__((unused)), int32_t shift __attribute__((unused)))                                 \
    {                                                                                                                 \
        __asm__ volatile(DOT_ONE_BODY(pair, requantize));                                                             \
    }

DOT_ONE_FUNCTION(dot_one_unpacked_linear, DOT_ONE_UNPACKED, DOT_ONE_LINEAR)
DOT_ONE_FUNCTION(dot_one_unpacked_rounding, DOT_ONE_UNPACKED, DOT_ONE_ROUNDING)
DOT_ONE_FUNCTION(dot_one_packed_linear, DOT_ONE_PACKED, DOT_SPLIT_ONE("r2", "r3") DOT_ONE_LINEAR)
DOT_ONE_FUNCTION(dot_one_packed_rounding, DOT_ONE_PACKED, DOT_SPLIT_ONE("r2", "r3") DOT_ONE_ROUNDING)

#endif
