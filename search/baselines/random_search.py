# SPDX-License-Identifier: Apache-2.0
"""Random search: networks drawn within the limits, each trained for a few epochs; the best on validation rows."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlperf_tiny.errors import UsageError
from mlperf_tiny.models.arch.arch import Arch
from mlperf_tiny.models.arch.build import build
from mlperf_tiny.models.arch.row_file import arch_json
from mlperf_tiny.models.training.epochs import clip_inputs
from mlperf_tiny.models.training.loop import Phase, fit, make_deterministic
from mlperf_tiny.models.training.losses import loss_for
from mlperf_tiny.progress import Progress
from mlperf_tiny.search.problem.method import SearchRun, check_rows
from mlperf_tiny.search.space.space import Decisions
from mlperf_tiny.whole_file import write_whole

NETWORKS = 16
"""Networks that are trained."""
EPOCHS = 12
"""Of each."""
DRAWS = 5000
"""Networks drawn at most for one that is within the limits."""
SCORES = "random.json"


def search_random(run: SearchRun, networks: int = NETWORKS) -> Decisions:
    """Return the best of random networks within the limits.

    Args:
        run: The search; its epochs are those of each network.
        networks: How many are trained.

    Raises:
        UsageError: There are no validation rows, or no network within the limits is found.
        DataError: What was trained cannot be kept.
    """
    check_rows(run)
    epochs = run.epochs or EPOCHS
    drawn = _draw(run, networks)
    scores = _Scores(run.out / SCORES, {"seed": run.seed, "epochs": epochs, "limits": run.problem.limits.given()})
    start_s, before = time.monotonic(), len(scores.values)
    found: list[float] = []
    run.listener.progress(Progress("training networks", 0, len(drawn), f"{epochs} epochs each"))
    for number, decisions in enumerate(drawn):
        arch = run.problem.space.derive(decisions)
        key = json.dumps(arch_json(arch), sort_keys=True)
        if key not in scores.values:
            scores.add(key, _train(run.for_network(arch), arch, epochs, run.out / f"random-{number:03d}.npz"))
        found.append(scores.values[key])
        best = max(found)  # of those up to this step, also where later ones are kept from before a stop
        run.log(number + 1, {"accuracy": best, "of this": found[-1], **run.problem.estimate(arch).given()})
        each_s = (time.monotonic() - start_s) / max(1, len(scores.values) - before)
        text = f"accuracy {best:.3f}, {each_s * (len(drawn) - number - 1):.0f} s left"
        run.listener.progress(Progress("training networks", number + 1, len(drawn), text))
    return drawn[int(np.argmax(found))]


def _draw(run: SearchRun, networks: int) -> list[Decisions]:
    random = np.random.default_rng(run.seed)
    found: list[Decisions] = []
    for _ in range(DRAWS * networks):
        if len(found) == networks:
            break
        decisions = run.problem.space.sample(random)
        if run.problem.fits(run.problem.space.derive(decisions)):
            found.append(decisions)
    if not found:
        raise UsageError(
            f"none of {DRAWS * networks} random networks of space {run.problem.space.name} is within the limits. "
            "Allow more, or use --method dnas."
        )
    return found


class _Scores:
    """Validation scores of networks that are trained, in a file."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._path, self._settings = path, settings
        self.values: dict[str, float] = {}
        if path.is_file():
            stored = json.loads(path.read_text(encoding="utf-8"))
            self.values = stored["scores"] if stored["settings"] == settings else {}

    def add(self, key: str, score: float) -> None:
        self.values[key] = score
        write_whole(self._path, json.dumps({"settings": self._settings, "scores": self.values}).encode())


def _train(run: SearchRun, arch: Arch, epochs: int, checkpoint: Path) -> float:
    """The validation score of a network after a short training in floats."""
    make_deterministic(run.seed, run.recipe.threads)
    recipe = replace(run.recipe, epochs=epochs, seed=run.seed, ema_decay=0.0)
    model = build(arch)
    settings = {"network": arch_json(arch), "recipe": asdict(recipe), "data": dict(run.training_set.cache.settings)}
    fit(
        model,
        Phase(name="float", recipe=recipe, settings=settings),
        replace(run, recipe=recipe).samples,
        loss_for(recipe, run.training_set.classes, distil=False),
        checkpoint,
        lambda _: None,
    )
    checkpoint.unlink(missing_ok=True)

    def predict(inputs: Any) -> Any:
        return np.asarray(model.predict(clip_inputs(inputs, recipe), 256, verbose=0))

    assert run.training_set.validation is not None
    return run.training_set.validation(predict)
