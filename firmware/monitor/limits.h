/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers the device and the host must agree on. harness/wire/protocol.py states the same ones; a test compares them. */
#ifndef LIMITS_H
#define LIMITS_H

/* Longest command, without its '%'. The reference firmware's buffer; two hex digits a byte after "db " leave 38. */
#define COMMAND_BYTES 80

/* Ends every command. */
#define COMMAND_END '%'

/* `infer` without arguments. */
#define DEFAULT_INFERENCES 1
#define DEFAULT_WARMUPS 10

#endif
