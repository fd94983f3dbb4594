# SPDX-License-Identifier: Apache-2.0
"""Where networks are measured: processes of this machine, or the workers of a Dask scheduler.

Needs ``dask.distributed`` (the ``[search]`` extra). It starts the processes, and another one in place of one that dies;
what that one was measuring is measured again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from mlperf_tiny.errors import UsageError

MISSING_DASK = "dask.distributed is not installed. pip install 'mlperf-tiny-harness[search]'."
CONNECT_S = 10


@contextmanager
def worker_pool(workers: int | None = None, scheduler: str = "") -> Iterator[tuple[Executor, int]]:
    """Give an executor, and how many calls it runs at once, until the block ends.

    Args:
        workers: Processes of this machine; None: one for each core. Not used with a scheduler.
        scheduler: Address of a Dask scheduler, e.g. ``tcp://10.0.0.1:8786``; "" to start processes here. This
            program must be installed where its workers run.

    Raises:
        UsageError: Dask is not installed, or there is no scheduler with workers at the address.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(MISSING_DASK) from error
    if not scheduler:
        count = workers or os.cpu_count() or 1
        with (
            LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client.get_executor(pure=False), count
        return
    try:
        client = Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"there is no Dask scheduler at {scheduler}: {error}. Start one with dask scheduler."
        ) from error
    with client:
        count = sum(client.nthreads().values())
        if not count:
            raise UsageError(
                f"the Dask scheduler at {scheduler} has no workers. Start one with dask worker {scheduler}."
            )
        yield client.get_executor(pure=False), count
