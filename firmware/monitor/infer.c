/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing but the inferences (each with its input copy) lies between the two timestamps of a window.
 *
 * A lap line must carry the time at which the window starts, and sending it takes about two milliseconds that must not
 * be in the window. So the start is fixed that much ahead, the line is sent and drained, and the first inference
 * begins when the counter gets there. */
#include "infer.h"

#include "app_config.h"
#include "input.h"
#include "model.h"
#include "port.h"
#include "reply_crc.h"
#include "results.h"
#include "text.h"

#if !APP_ENERGY_MODE
/* Time to send so many characters of ten bits each. */
#define SENDING_US(characters) ((characters) * 10u * 1000000u / APP_BAUD)

/* The lap line around its number, CR LF, and one character to spare for the transmitter. */
#define LAP_LINE_CHARACTERS (9u + 2u + 1u)
#define MAX_NUMBER_CHARACTERS 10u

/* How long after `now_us` a lap line that is begun at once has left the device, however many digits it will have. */
static uint32_t lap_line_us(uint32_t now_us)
{
    const uint32_t latest_us = now_us + SENDING_US(LAP_LINE_CHARACTERS + MAX_NUMBER_CHARACTERS);
    uint32_t largest = latest_us > now_us ? latest_us : now_us; /* the counter may wrap in between */
    uint32_t characters = LAP_LINE_CHARACTERS;
    do {
        characters++;
        largest /= 10u;
    } while (largest != 0u);
    return SENDING_US(characters);
}

static void print_lap(uint32_t time_us)
{
    text_put("m-lap-us-");
    text_unsigned(time_us);
    text_put("\r\n");
}
#endif

void infer_timestamp(void)
{
#if APP_ENERGY_MODE
    port_timestamp_pulse();
#else
    print_lap(port_time_us());
#endif
}

static void start_window(void)
{
    port_flush();
#if APP_ENERGY_MODE
    port_timestamp_pulse();
#else
    const uint32_t now_us = port_time_us();
    const uint32_t start_us = now_us + lap_line_us(now_us);
    print_lap(start_us);
    port_flush();
    while ((int32_t)(port_time_us() - start_us) < 0) {
    }
#endif
}

/* Runs up to `count` inferences; stops at the first that fails and returns the engine's code. */
static int repeat(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        input_write();
        const int code = model_invoke();
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static void refuse(int code)
{
    results_clear();
    text_error_number("Inference failed with code ", (uint32_t)(code < 0 ? -code : code), "");
}

void infer_run(uint32_t count, uint32_t warmups)
{
    if (!input_prepare()) {
        return;
    }
    reply_crc_input();
    text_put("m-warmup-start-");
    text_unsigned(warmups);
    text_put("\r\n");
    int code = repeat(warmups);
    if (code != 0) {
        refuse(code);
        return;
    }
    text_line("m-warmup-done");
    text_put("m-infer-start-");
    text_unsigned(count);
    text_put("\r\n");
    start_window();
    code = repeat(count);
    infer_timestamp();
    if (code != 0) {
        refuse(code);
        return;
    }
    text_line("m-infer-done");
    results_store();
    results_print();
}
