"""The recent past of some numbers, in bounded memory: dense at first, thinner the longer it reaches back."""

from __future__ import annotations

from collections.abc import Mapping

MOST_POINTS = 240
FIRST_STEP_SECONDS = 1.0
LONGEST_STEP_SECONDS = 128.0

Values = Mapping[str, float | None]


class Trail:
    """At most `MOST_POINTS` points. When full, every second one goes and the step doubles, up to about two minutes;
    from then on the oldest goes: the last four minutes at first, the last eight hours in the end."""

    def __init__(self) -> None:
        self.points: list[tuple[float, Values]] = []
        self.step_seconds = FIRST_STEP_SECONDS

    def add(self, at: float, values: Values) -> None:
        """A point at a time in seconds; left out within a step of the one before."""
        if self.points and at - self.points[-1][0] < self.step_seconds:
            return
        self.points.append((at, dict(values)))
        if len(self.points) <= MOST_POINTS:
            return
        if self.step_seconds < LONGEST_STEP_SECONDS:
            self.step_seconds *= 2
            del self.points[1::2]
        else:
            del self.points[0]

    @property
    def times(self) -> list[float]:
        """Of the points, oldest first."""
        return [at for at, _ in self.points]

    def line(self, name: str) -> list[float | None]:
        """Values of one name at these times; None where it had none."""
        return [values.get(name) for _, values in self.points]
