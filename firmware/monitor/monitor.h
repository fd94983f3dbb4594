/* SPDX-License-Identifier: Apache-2.0 */
/* The device side of the EE dialect: commands ended by '%', replies in lines, each reply ended by m-ready. */
#ifndef MONITOR_H
#define MONITOR_H

/* Boots, then answers commands. Returns only when port_getchar() gives PORT_END. */
void monitor_run(void);

#endif
