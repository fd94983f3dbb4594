/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include <stddef.h>
#include <stdint.h>

#include "app_config.h"
#include "infer.h"
#include "line.h"
#include "load.h"
#include "model.h"
#include "port.h"
#include "reply_crc.h"
#include "results.h"
#include "text.h"

/* A code of the monitor, besides those of model.h: app_config.h and the model have different input sizes. */
enum { CONFIG_MISMATCH = 6 };

static int model_code; /* 0: the engine is ready */

static void name_command(char *cursor)
{
    (void)cursor;
    text_line("m-name-dut-[" APP_VENDOR "]");
}

static void timestamp_command(char *cursor)
{
    (void)cursor;
    infer_timestamp();
}

static void profile_command(char *cursor)
{
    (void)cursor;
    text_line("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
    text_line("m-model-[" APP_MODEL_ID "]");
    text_line("m-offers-crc"); /* a host may send `crc on`; to others this line means nothing */
}

static void refuse_model(void)
{
    static const char *const reasons[] = {
        [MODEL_SCHEMA] = "the model file has another schema version",
        [MODEL_OPERATORS] = "the operators cannot be registered",
        [MODEL_TENSORS] = "arena too small or an operator refuses its tensors",
        [MODEL_INPUT] = "the input tensor is not the one expected",
        [MODEL_OUTPUT] = "the output tensor is not the one expected",
        [CONFIG_MISMATCH] = "model and firmware disagree on the input size",
    };
    if (model_code > 0 && model_code < (int)(sizeof reasons / sizeof reasons[0]) && reasons[model_code] != NULL) {
        text_error_word("Model set-up failed: ", reasons[model_code], "");
    } else {
        text_error_number("Model set-up failed with code ", (uint32_t)(model_code < 0 ? -model_code : model_code), "");
    }
}

static void infer_command(char *cursor)
{
    const char *count_word = line_word(&cursor);
    const char *warmup_word = count_word == NULL ? NULL : line_word(&cursor);
    const int32_t count = count_word == NULL ? DEFAULT_INFERENCES : line_number(count_word);
    const int32_t warmups = warmup_word == NULL ? DEFAULT_WARMUPS : line_number(warmup_word);
    if (count <= 0) {
        text_line("e-[Inference iterations must be >0]");
    } else if (warmups < 0) {
        text_line("e-[Inference warmup must be >=0]");
    } else if (model_code != 0) {
        refuse_model();
    } else {
        infer_run((uint32_t)count, (uint32_t)warmups);
    }
}

static void results_command(char *cursor)
{
    (void)cursor;
    results_print();
}

static void help_command(char *cursor);

/* Not in the reference firmware: facts of this image for a report. */
static void info_command(char *cursor)
{
    (void)cursor;
    text_put("m-info-engine-[");
    text_put(model_info.engine);
    text_line("]");
    text_put("m-info-arena-bytes-");
    text_unsigned(model_info.arena_bytes);
    text_put("\r\nm-info-clock-hz-");
    text_unsigned(APP_CLOCK_HZ);
    text_put("\r\n");
}

static const struct {
    const char *word;
    void (*run)(char *cursor);
    const char *usage;
} commands[] = {
    {"name", name_command, "name             : who made this firmware"},
    {"timestamp", timestamp_command, "timestamp        : the microsecond counter, or a pulse in an energy build"},
    {"profile", profile_command, "profile          : firmware profile and model"},
    {"help", help_command, "help             : this list"},
    {"db", load_command, "db load N        : expect N bytes\r\n"
                         "db HH...         : the next bytes, two hex digits each\r\n"
                         "db print         : show the buffer"},
    {"infer", infer_command, "infer [N=1 [W=10]] : W warm-up inferences, then N timed ones"},
    {"results", results_command, "results          : the last output again"},
    {"info", info_command, "info             : engine, arena, clock"},
    {"crc", reply_crc_command, "crc on, crc off  : a checksum in each reply, or none\r\n"
                               "crc              : checksum of the loaded bytes"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help_command(char *cursor)
{
    (void)cursor;
    text_line("ULPMark for tinyML Firmware V0.0.1");
    text_line("");
    for (uint32_t i = 0; i < COMMANDS; i++) {
        text_line(commands[i].usage);
    }
}

static void dispatch(char *text)
{
    const char *word = line_word(&text);
    if (word == NULL) {
        text_line("e-[Empty command]");
        return;
    }
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (line_equal(word, commands[i].word)) {
            commands[i].run(text);
            return;
        }
    }
    text_error_word("Unknown command: ", word, "");
}

static void boot(void)
{
    port_init();
    text_line(APP_ENERGY_MODE ? "m-timestamp-mode-energy" : "m-timestamp-mode-performance");
    infer_timestamp();
    model_code = model_info.input_bytes != APP_INPUT_BYTES ? CONFIG_MISMATCH : model_init();
    if (model_code != 0) {
        refuse_model();
    }
    text_line("m-init-done");
    text_line("m-ready");
}

void monitor_run(void)
{
    static line_t line;
    boot();
    for (;;) {
        const int byte = port_getchar();
        if (byte == PORT_END) {
            return;
        }
        switch (line_feed(&line, byte)) {
        case LINE_PENDING:
            continue;
        case LINE_COMPLETE:
            reply_crc_begin(line.text);
            dispatch(line.text);
            break;
        case LINE_TOO_LONG:
            reply_crc_begin("");
            text_error_number("Command longer than ", COMMAND_BYTES, " characters dropped");
            break;
        case LINE_DAMAGED:
            reply_crc_begin("");
            text_line("e-[Characters lost, command dropped]");
            break;
        }
        reply_crc_end();
        text_line("m-ready");
    }
}
