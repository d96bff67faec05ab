"""The model test: random histories on which the engine and the reference agree, and every invariant holds."""

import os
import secrets
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture import engine
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine

# No setting says how long to shrink: five minutes are too long to wait for a story.
engine.MAX_SHRINKING_SECONDS = int(os.environ.get("MODEL_SHRINK_SECONDS", "60"))
settings.register_profile(
    "model-short",
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "100")),
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "model-long",
    settings.get_profile("model-short"),
    max_examples=100,
    stateful_step_count=30,
    derandomize=False,
    print_blob=True,
    phases=[Phase.generate, Phase.shrink],
)
_SECONDS = float(os.environ.get("MODEL_SECONDS", "0"))
_IS_SQLITE = os.environ.get("TEST_DATABASE", "sqlite") == "sqlite"


@pytest.mark.django_db
@pytest.mark.timeout(0)
@pytest.mark.skipif(not (_IS_SQLITE or _SECONDS), reason="the short profile runs on SQLite")
def test_the_engine_agrees_with_the_reference_on_random_histories(traveller: Any) -> None:
    Machine.traveller = traveller
    if not _SECONDS:
        run_state_machine_as_test(Machine, settings=settings.get_profile("model-short"))
        return
    until = time.perf_counter() + _SECONDS
    number = int(os.environ.get("MODEL_SEED", "0")) or secrets.randbelow(10**9)
    while time.perf_counter() < until:
        print(f"MODEL_SEED={number}", flush=True)  # noqa: T201 - by which a failure is reproduced
        run_state_machine_as_test(seed(number)(Machine), settings=settings.get_profile("model-long"))
        number += 1
