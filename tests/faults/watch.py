"""Watching states: a thread that looks at all deliveries again and again while a test runs."""

import threading
from collections import defaultdict
from itertools import pairwise
from types import TracebackType
from typing import Self

from django.db import Error, connection

from common.states import TRANSITIONS, State
from eventinvoke.models import Delivery

_PAUSE = 0.03


def _reachable(old: State) -> set[State]:
    """Return every state that may follow, at once or after others."""
    found: set[State] = set()
    edge = set(TRANSITIONS[old])
    while edge - found:
        found |= edge
        edge = {new for state in edge for new in TRANSITIONS[state]}
    return found


_FOLLOWING = {state: _reachable(state) for state in State}


class Watch:
    """Keeps the states that each delivery was seen in; a context manager. It outlives the database."""

    def __init__(self) -> None:
        self.seen: dict[int, list[tuple[State, int]]] = defaultdict(list)
        """State and number of tries, by delivery, whenever they changed."""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join(30)
        if kind is None:
            assert self.faults() == []

    def faults(self) -> list[str]:
        """Return every step backwards that was seen."""
        found = []
        for pk, steps in self.seen.items():
            for (old, tries), (new, more) in pairwise(steps):
                if more < tries or (new != old and new not in _FOLLOWING[old]):
                    found.append(f"delivery {pk} went from {old} ({tries}) to {new} ({more})")
        return found

    def _look_on(self) -> None:
        try:
            while not self._is_over.wait(_PAUSE):
                self._look()
            self._look()
        finally:
            connection.close()

    def _look(self) -> None:
        try:
            for pk, state, attempts in Delivery.objects.values_list("pk", "state", "attempts"):
                step = State(state), attempts
                if not self.seen[pk] or self.seen[pk][-1] != step:
                    self.seen[pk].append(step)
        except Error:
            connection.close()
