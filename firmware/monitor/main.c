/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

int main(void)
{
    monitor_run();
    return 0;
}
