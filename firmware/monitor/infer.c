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
#include "results.h"
#include "text.h"

/* Longest lap line (9 + 10 digits + CR LF) at ten bits a character, and one character to spare for the transmitter. */
#define LAP_LINE_US (22u * 10u * 1000000u / APP_BAUD)

#if !APP_ENERGY_MODE
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
    const uint32_t start_us = port_time_us() + LAP_LINE_US;
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
    results_forget();
    text_error_number("Inference failed with code ", (uint32_t)(code < 0 ? -code : code), "");
}

void infer_run(uint32_t count, uint32_t warmups)
{
    if (!input_prepare()) {
        return;
    }
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
    results_keep();
    results_print();
}
