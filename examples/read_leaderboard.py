# SPDX-License-Identifier: Apache-2.0
"""Results as a pandas table: the fastest ranked system of each task, and what each engine needs.

python examples/read_leaderboard.py results/leaderboard.csv
"""

import sys
from pathlib import Path

from mlperf_tiny import read_leaderboard_frame


def main(path: str = "results/leaderboard.csv") -> None:
    table = read_leaderboard_frame(Path(path))
    print(f"{len(table)} rows, {int(table.Rank.notna().sum())} of them ranked\n")
    fastest = table[table.Rank == 1].sort_values("MlperfModel")
    columns = ["MlperfModel", "Division", "Timing", "Device", "Engine", "ModelName", "LatencyMs", "Accuracy"]
    print(fastest[columns].to_string(index=False, max_colwidth=24))
    runs = table[table.Source == "run"]
    if not runs.empty:
        print("\nmedian of all runs")
        print(runs.groupby("Engine")[["LatencyMs", "RamBytes", "FlashBytes"]].median().to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
