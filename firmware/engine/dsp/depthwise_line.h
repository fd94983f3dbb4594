/* SPDX-License-Identifier: Apache-2.0 */
/* One output line of a 3x3 depthwise filter, for up to four channels: in assembler where the core has the DSP
 * instructions. */
#ifndef DEPTHWISE_LINE_H
#define DEPTHWISE_LINE_H

#include "dot.h"
#include "simd.h"

/* The assembler below reads these by position. */
typedef struct {
    const uint32_t *line_buffer; /* word 0, channel 0, line 0 */
    int8_t *out;                 /* channel 0 */
    const uint32_t *pairs;       /* channel 0, in the order of the buffer's lines; the next channel is 10 words on */
    const int32_t *parameters;   /* per channel: slope, offset, bias; or multiplier, offset, bias, shift */
    int32_t out_bytes;
    int32_t outputs;
    int32_t channels;
} depthwise_line_t;

/* What the assembler has: the linear kind with two shifts, and the rounding kind. */
INLINE int depthwise_line_has(int32_t requant, int32_t shift)
{
    return requant == REQUANT_ROUNDING || (requant == REQUANT_LINEAR && (shift == 4 || shift == 2));
}

#if HAVE_DSP

/*   r0 line buffer   r1 out   r2, r3 two sums   r4-r9 (w0, w1), (w1, w2) of the three lines   r10, r11 data   r12 bias
 *   lr out_bytes
 * Stack: 0 slope, 4 offset, 8 end of the whole steps, 12 the seven words of depthwise_line_t, 40 shift (rounding
 * kind). A step is two outputs. The buffer's next word of the same channel is 48 bytes on. All LDRD and LDM see aligned
 * words. */
#define DEPTHWISE_HEAD(step_bytes, load_shift)                                                                        \
    "push {r4-r11, lr}\n"                                                                                             \
    "ldm r0, {r1-r7}\n"                                                                                               \
    "sub sp, #52\n"                                                                                                   \
    "add r8, sp, #12\n"                                                                                               \
    "stm r8, {r1-r7}\n"                                                                                               \
    "1:\n"                                                                                                            \
    "add r8, sp, #12\n"                                                                                               \
    "ldm r8, {r0-r3}\n"                                                                                               \
    "ldm r2, {r4-r9}\n"                                                                                               \
    "add r2, #40\n"                                                                                                   \
    "ldm r3!, {r10-r12}\n"                                                                                            \
    load_shift                                                                                                        \
    "strd r2, r3, [sp, #20]\n"                                                                                        \
    "strd r10, r11, [sp]\n"                                                                                           \
    "add r2, r0, #12\n"                                                                                               \
    "add r3, r1, #1\n"                                                                                                \
    "strd r2, r3, [sp, #12]\n"                                                                                        \
    "ldrd lr, r3, [sp, #28]\n"                                                                                        \
    "lsrs r3, #1\n"                                                                                                   \
    "beq 3f\n"                                                                                                        \
    "mov r2, #" step_bytes "\n"                                                                                       \
    "mla r3, r3, r2, r0\n"                                                                                            \
    "str r3, [sp, #8]\n"                                                                                              \
    "2:\n"

/* Two sums in r2, r3 become outputs; the end of the whole steps goes to r10. */
#define DEPTHWISE_LINEAR_TWO(shift)                                                                                   \
    "ldrd r10, r11, [sp]\n"                                                                                           \
    "smmlar r2, r2, r10, r11\n"                                                                                       \
    "smmlar r3, r3, r10, r11\n"                                                                                       \
    "ldr r10, [sp, #8]\n"                                                                                             \
    "ssat r2, #8, r2, asr #" shift "\n"                                                                               \
    "ssat r3, #8, r3, asr #" shift "\n"
#define DEPTHWISE_LINEAR_ONE(shift)                                                                                   \
    "smmlar r12, r12, r10, r11\n"                                                                                     \
    "ssat r12, #8, r12, asr #" shift "\n"

#define DEPTHWISE_ROUNDING_TWO                                                                                        \
    "ldrd r10, r11, [sp]\n"                                                                                           \
    "smmlar r2, r2, r10, r2\n"                                                                                        \
    "smmlar r3, r3, r10, r3\n"                                                                                        \
    "ldr r10, [sp, #40]\n"                                                                                            \
    "add r2, r2, r2, asr #31\n"                                                                                       \
    "add r3, r3, r3, asr #31\n"                                                                                       \
    "add r2, r2, r11\n"                                                                                               \
    "add r3, r3, r11\n"                                                                                               \
    "asr r2, r2, r10\n"                                                                                               \
    "asr r3, r3, r10\n"                                                                                               \
    "ldr r10, [sp, #8]\n"                                                                                             \
    "ssat r2, #8, r2\n"                                                                                               \
    "ssat r3, #8, r3\n"
#define DEPTHWISE_ROUNDING_ONE                                                                                        \
    "smmlar r12, r12, r10, r12\n"                                                                                     \
    "ldr r10, [sp, #40]\n"                                                                                            \
    "add r12, r12, r12, asr #31\n"                                                                                    \
    "add r12, r12, r11\n"                                                                                             \
    "asr r12, r12, r10\n"                                                                                             \
    "ssat r12, #8, r12\n"
#define DEPTHWISE_LOAD_SHIFT "ldr lr, [r3], #4\n" "str lr, [sp, #40]\n"

#define DEPTHWISE_STORE                                                                                               \
    "strb r2, [r1]\n"                                                                                                 \
    "strb r3, [r1, lr]\n"                                                                                             \
    "add r1, r1, lr, lsl #1\n"                                                                                        \
    "cmp r0, r10\n"                                                                                                   \
    "bne 2b\n"                                                                                                        \
    "3:\n"

/* The last output of an odd number, then the next channel. */
#define DEPTHWISE_FOOT(one)                                                                                           \
    "ldr r10, [sp, #32]\n"                                                                                            \
    "lsls r10, #31\n"                                                                                                 \
    "beq 4f\n"                                                                                                        \
    "ldrd r10, r11, [r0]\n"                                                                                           \
    "ldr r2, [r0, #8]\n"                                                                                              \
    "smlad r12, r10, r4, r12\n"                                                                                       \
    "smlad r12, r11, r6, r12\n"                                                                                       \
    "ldrd r10, r11, [r0, #48]\n"                                                                                      \
    "smlad r12, r2, r8, r12\n"                                                                                        \
    "ldr r2, [r0, #56]\n"                                                                                             \
    "smlabt r12, r10, r5, r12\n"                                                                                      \
    "smlabt r12, r11, r7, r12\n"                                                                                      \
    "ldrd r10, r11, [sp]\n"                                                                                           \
    "smlabt r12, r2, r9, r12\n"                                                                                       \
    one                                                                                                               \
    "strb r12, [r1]\n"                                                                                                \
    "4:\n"                                                                                                            \
    "ldr r10, [sp, #36]\n"                                                                                            \
    "subs r10, #1\n"                                                                                                  \
    "str r10, [sp, #36]\n"                                                                                            \
    "bne 1b\n"                                                                                                        \
    "add sp, #52\n"                                                                                                   \
    "pop {r4-r11, pc}\n"

/* Stride 1: outputs at positions 0 and 1 of words a, b: a * (w0, w1) + low b * w2, and high a * w0 + b * (w1, w2). */
#define DEPTHWISE_STRIDE_1                                                                                            \
    "ldrd r10, r11, [r0, #4]\n"                                                                                       \
    "smlad r2, r10, r6, r12\n"                                                                                        \
    "smlatb r3, r10, r6, r12\n"                                                                                       \
    "smlad r2, r11, r8, r2\n"                                                                                         \
    "smlatb r3, r11, r8, r3\n"                                                                                        \
    "ldrd r10, r11, [r0, #52]\n"                                                                                      \
    "smlabt r2, r10, r7, r2\n"                                                                                        \
    "smlad r3, r10, r7, r3\n"                                                                                         \
    "smlabt r2, r11, r9, r2\n"                                                                                        \
    "smlad r3, r11, r9, r3\n"                                                                                         \
    "ldr r10, [r0], #48\n"                                                                                            \
    "ldr r11, [r0]\n"                                                                                                 \
    "smlad r2, r10, r4, r2\n"                                                                                         \
    "smlatb r3, r10, r4, r3\n"                                                                                        \
    "smlabt r2, r11, r5, r2\n"                                                                                        \
    "smlad r3, r11, r5, r3\n"

/* Stride 2: words a, b, c: a * (w0, w1) + low b * w2, and b * (w0, w1) + low c * w2. */
#define DEPTHWISE_STRIDE_2                                                                                            \
    "ldrd r10, r11, [r0, #4]\n"                                                                                       \
    "smlad r2, r10, r6, r12\n"                                                                                        \
    "smlad r2, r11, r8, r2\n"                                                                                         \
    "ldrd r10, r11, [r0, #52]\n"                                                                                      \
    "smlabt r2, r10, r7, r2\n"                                                                                        \
    "smlad r3, r10, r6, r12\n"                                                                                        \
    "smlabt r2, r11, r9, r2\n"                                                                                        \
    "smlad r3, r11, r8, r3\n"                                                                                         \
    "ldrd r10, r11, [r0, #100]\n"                                                                                     \
    "smlabt r3, r10, r7, r3\n"                                                                                        \
    "smlabt r3, r11, r9, r3\n"                                                                                        \
    "ldr r10, [r0, #48]\n"                                                                                            \
    "ldr r11, [r0], #96\n"                                                                                            \
    "smlabt r2, r10, r5, r2\n"                                                                                        \
    "smlad r3, r10, r4, r3\n"                                                                                         \
    "ldr r10, [r0]\n"                                                                                                 \
    "smlad r2, r11, r4, r2\n"                                                                                         \
    "smlabt r3, r10, r5, r3\n"

#define DEPTHWISE_FUNCTION(name, step_bytes, body, load_shift, two, one)                                              \
    __attribute__((naked, noinline)) static void name(const depthwise_line_t *line __attribute__((unused)))           \
    {                                                                                                                 \
        __asm__ volatile(DEPTHWISE_HEAD(step_bytes, load_shift) body two DEPTHWISE_STORE DEPTHWISE_FOOT(one));        \
    }

DEPTHWISE_FUNCTION(
    depthwise_line_1_4, "48", DEPTHWISE_STRIDE_1, "", DEPTHWISE_LINEAR_TWO("4"), DEPTHWISE_LINEAR_ONE("4"))
DEPTHWISE_FUNCTION(
    depthwise_line_1_2, "48", DEPTHWISE_STRIDE_1, "", DEPTHWISE_LINEAR_TWO("2"), DEPTHWISE_LINEAR_ONE("2"))
DEPTHWISE_FUNCTION(
    depthwise_line_1, "48", DEPTHWISE_STRIDE_1, DEPTHWISE_LOAD_SHIFT, DEPTHWISE_ROUNDING_TWO, DEPTHWISE_ROUNDING_ONE)
DEPTHWISE_FUNCTION(
    depthwise_line_2_4, "96", DEPTHWISE_STRIDE_2, "", DEPTHWISE_LINEAR_TWO("4"), DEPTHWISE_LINEAR_ONE("4"))
DEPTHWISE_FUNCTION(
    depthwise_line_2_2, "96", DEPTHWISE_STRIDE_2, "", DEPTHWISE_LINEAR_TWO("2"), DEPTHWISE_LINEAR_ONE("2"))
DEPTHWISE_FUNCTION(
    depthwise_line_2, "96", DEPTHWISE_STRIDE_2, DEPTHWISE_LOAD_SHIFT, DEPTHWISE_ROUNDING_TWO, DEPTHWISE_ROUNDING_ONE)

/* `shift` below 0 means the rounding kind. */
INLINE void depthwise_line(const depthwise_line_t *line, int32_t stride, int32_t shift)
{
    if (shift == 4) {
        (stride == 1 ? depthwise_line_1_4 : depthwise_line_2_4)(line);
    } else if (shift == 2) {
        (stride == 1 ? depthwise_line_1_2 : depthwise_line_2_2)(line);
    } else {
        (stride == 1 ? depthwise_line_1 : depthwise_line_2)(line);
    }
}

#else

/* The same in C; output x of a line starts at position x * stride. */
static void depthwise_line(const depthwise_line_t *line, int32_t stride, int32_t shift)
{
    for (int32_t c = 0; c < line->channels; c++) {
        const int32_t *parameters = line->parameters + (shift < 0 ? 4 : 3) * c;
        for (int32_t x = 0; x < line->outputs; x++) {
            int32_t sum = parameters[2];
            for (int32_t i = 0; i < 3; i++) {
                const uint32_t *w = line->pairs + 10 * c + 2 * i;
                const uint32_t *d = line->line_buffer + x * stride / 2 * 12 + 3 * c + i;
                if (x * stride % 2 == 0) {
                    sum = mul_add_low_high(d[12], w[1], dot_add(d[0], w[0], sum));
                } else {
                    sum = dot_add(d[12], w[1], mul_add_high_low(d[0], w[0], sum));
                }
            }
            int32_t value;
            if (shift < 0) {
                const int32_t v = high_mul_add(sum, parameters[0], sum);
                value = (v + (v >> 31) + parameters[1]) >> parameters[3];
            } else {
                value = high_mul_add(sum, parameters[0], parameters[1]) >> shift;
            }
            line->out[x * line->out_bytes + c] = (int8_t)saturate_int8(value);
        }
    }
}

#endif

#endif
