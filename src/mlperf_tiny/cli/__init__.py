# SPDX-License-Identifier: Apache-2.0
"""The commands; while one is still loading, Ctrl-C ends it without a traceback."""

from mlperf_tiny.cli.interruption import end_at_once_while_loading

end_at_once_while_loading()
