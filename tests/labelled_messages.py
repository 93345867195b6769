"""The labelled messages of tests/signals/labelled, and how well `signals_of` agrees with them.

`python tests/labelled_messages.py [tuning|held_out|indirect]` prints precision and recall per language and signal.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from supportpulse.events import Signals
from supportpulse.signals import signals_of

LABELLED = Path(__file__).parent / "signals" / "labelled"
LANGUAGES = ("zh", "en", "ja", "es", "pt", "id", "ar")
SIGNALS = (
    "canned", "mere_restart", "cause", "prevention", "self_check", "names_item", "question", "confirms_resolution",
)  # fmt: skip
CANNED = 0.8  # the policy's own threshold


@dataclass(frozen=True)
class Score:
    """Counts of one signal."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 if nothing was found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 if nothing is there."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


@cache
def messages(language: str, half: str) -> list[tuple[str, frozenset[str], Signals]]:
    """(text, labels, signals found) of one half of one language."""
    lines = (LABELLED / f"{language}.{half}.jsonl").read_text("utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return [(one["text"], frozenset(one["is"]), signals_of(one["text"])) for one in read]


def _says(found: Signals, signal: str) -> bool:
    return found.canned_share >= CANNED if signal == "canned" else bool(getattr(found, signal))


def scored(language: str, half: str) -> dict[str, Score]:
    """One score a signal."""
    scores = dict.fromkeys(SIGNALS, Score())
    for _, labels, found in messages(language, half):
        for signal in SIGNALS:
            said, true = _says(found, signal), signal in labels
            scores[signal] += Score(said and true, said and not true, true and not said)
    return scores


def table(half: str) -> str:
    """Precision/recall in per cent (and how many there are), languages down, signals across."""
    rows = [f"{half:9}" + "".join(f"{signal[:13]:>16}" for signal in (*SIGNALS, "all"))]
    total = dict.fromkeys(SIGNALS, Score())
    for language in LANGUAGES:
        scores = scored(language, half)
        total = {signal: total[signal] + scores[signal] for signal in SIGNALS}
        rows.append(_row(language, scores))
    return "\n".join([*rows, _row("all", total)])


def _row(name: str, scores: dict[str, Score]) -> str:
    cells = [*scores.values(), sum(scores.values(), Score())]
    return f"{name:9}" + "".join(
        f"{f'{one.precision:.0%}/{one.recall:.0%} ({one.right + one.missed})':>16}" for one in cells
    )


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ("tuning", "held_out", "indirect"):
        print(table(wanted), end="\n\n")
