# SPDX-License-Identifier: Apache-2.0
"""``python -m mlperf_tiny``: the umbrella command ``mlperf-tiny``, also where no script is installed."""

from mlperf_tiny.cli.main import main

if __name__ == "__main__":
    main(prog_name="mlperf-tiny")
