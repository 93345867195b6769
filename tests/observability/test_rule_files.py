"""The rule files as files: promtool takes them, and a trial's shorter hours shorten what they should."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from situation import RULES, Rules, needs_promtool
from supportpulse.commands.rules import command
from supportpulse.edges.prometheus import PrometheusFailed, promtool

SCALE = 0.01
MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def written(tmp_path: Path, *options: str) -> Path:
    """What the command writes."""
    path = tmp_path / "rules.yml"
    done = CliRunner().invoke(command, ["prometheus", "-o", str(path), *options])
    assert done.exit_code == 0, done.output
    return path


def ms(duration: str) -> int:
    """A duration of one unit."""
    number = duration.rstrip("smh")
    return int(number) * MS[duration[len(number) :]]


def loaded(path: Path) -> Rules:
    """A rule file."""
    found: Rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@needs_promtool
def test_promtool_takes_the_committed_rules(tmp_path: Path) -> None:
    """It parses every expression and template, and would say so if it did not."""
    assert "SUCCESS" in promtool("check", "rules", str(RULES))
    broken = tmp_path / "rules.yml"
    broken.write_text(RULES.read_text(encoding="utf-8").replace("sum by (window, clock)", "sum by (window, clock", 1))
    with pytest.raises(PrometheusFailed, match="parse error"):
        promtool("check", "rules", str(broken))


@needs_promtool
def test_promtool_takes_the_rules_of_a_trial(tmp_path: Path) -> None:
    """An hour of 36 seconds."""
    assert "SUCCESS" in promtool("check", "rules", str(written(tmp_path, "--time-scale", str(SCALE))))


def test_a_trial_shortens_what_goes_with_the_windows_and_nothing_else(tmp_path: Path) -> None:
    """`for` and `keep_firing_for` of the windows' alerts are a hundredth, to the millisecond; the machinery's stay."""
    whole, trial = loaded(RULES), loaded(written(tmp_path, "--time-scale", str(SCALE)))
    assert [group["name"] for group in trial["groups"]] == [group["name"] for group in whole["groups"]]
    durations = 0
    for group, shorter in zip(whole["groups"], trial["groups"], strict=True):
        scale = 1.0 if group["name"] in ("sla_pipeline", "sla_gateway") else SCALE
        for rule, short in zip(group["rules"], shorter["rules"], strict=True):
            for key in ("for", "keep_firing_for"):
                assert (key in rule) == (key in short)
                if key in rule:
                    durations += 1
                    assert ms(short.pop(key)) == ms(rule.pop(key)) * scale
            assert short == rule
    assert durations > 40


def test_a_scale_that_leaves_no_whole_milliseconds_is_refused(tmp_path: Path) -> None:
    """Two minutes of a millionth of a thousandth cannot be written."""
    done = CliRunner().invoke(command, ["prometheus", "--time-scale", "0.0000001"])
    assert done.exit_code == 2
    assert "whole milliseconds" in done.output
