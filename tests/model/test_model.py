"""The model test: random histories on which the engine and the reference agree, and every invariant holds."""

import os
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine

_CHECKS = list(HealthCheck)
engine.MAX_SHRINKING_SECONDS = int(os.environ.get("MODEL_SHRINK_SECONDS", "30"))
settings.register_profile(
    "model-short", max_examples=int(os.environ.get("MODEL_EXAMPLES", "100")), stateful_step_count=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=_CHECKS,
)  # fmt: skip
settings.register_profile(
    "model-long", max_examples=200, stateful_step_count=40, deadline=None, database=None, print_blob=True,
    suppress_health_check=_CHECKS, phases=[Phase.generate, Phase.shrink],
)  # fmt: skip
_SECONDS = float(os.environ.get("MODEL_SECONDS", "0"))


@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_the_engine_agrees_with_the_reference_on_random_histories(traveller: Any) -> None:
    Machine.traveller = traveller
    if not _SECONDS:
        run_state_machine_as_test(Machine, settings=settings.get_profile("model-short"))
        return
    until = time.perf_counter() + _SECONDS
    number = int(os.environ.get("MODEL_SEED", "0")) or time.time_ns() % 1_000_000_000
    while time.perf_counter() < until:
        print(f"MODEL_SEED={number}", flush=True)  # noqa: T201 - by which a failure is reproduced
        run_state_machine_as_test(seed(number)(Machine), settings=settings.get_profile("model-long"))
        number += 1
