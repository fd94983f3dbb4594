/* SPDX-License-Identifier: Apache-2.0 */
#include "results.h"

#include <stdint.h>

#include "app_config.h"
#include "formats.h"
#include "input.h"
#include "model.h"
#include "text.h"

const int8_t *results_tensor;

static int available;

#if APP_RESULT_FORMAT == RESULT_TRUNCATED
#define SHOWN DECIMALS_CUT
#elif APP_RESULT_FORMAT == RESULT_FINE
#define SHOWN DECIMALS_SIX
#else
#define SHOWN DECIMALS_ROUNDED
#endif

static float dequantised(uint32_t index)
{
    return (float)(model_output()[index] - model_info.output_zero_point) * model_info.output_scale;
}

#if APP_RESULT_FORMAT == RESULT_MSE
static float score;

/* In single precision, one rounding per operation (the build forbids fused multiply-add), summed in index order:
 * d = output - input; sum = sum + d * d; score = sum / count. A host can repeat it bit for bit. */
static float mean_squared_error(void)
{
    float sum = 0.0f;
    for (uint32_t i = 0; i < model_info.output_bytes; i++) {
        const float difference = dequantised(i) - input_float(i);
        sum = sum + difference * difference;
    }
    return sum / (float)model_info.output_bytes;
}
#endif

void results_store(void)
{
#if APP_RESULT_FORMAT == RESULT_MSE
    score = mean_squared_error();
#endif
    results_tensor = model_output();
    available = 1;
}

void results_clear(void)
{
    available = 0;
}

void results_print(void)
{
    if (!available) {
        text_line("e-[No inference has run]");
        return;
    }
    text_put("m-results-[");
#if APP_RESULT_FORMAT == RESULT_MSE
    text_decimals(score, SHOWN);
#else
    for (uint32_t i = 0; i < model_info.output_bytes; i++) {
        if (i != 0u) {
            text_put(",");
        }
        text_decimals(dequantised(i), SHOWN);
    }
#endif
    text_line("]");
}
