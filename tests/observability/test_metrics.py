"""What /metrics says: every family, and numbers worked out by hand."""

from __future__ import annotations

import shutil
import subprocess
from itertools import product

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from observability.scraped import Scraped, at, summed
from strategies import DAY, HOUR, MINUTE, START, policy_of
from supportpulse import names
from supportpulse.facts import INTERVAL_ATTRIBUTES
from supportpulse.names import Metric
from supportpulse.outcome import AT_RISK, BREACHED, CANCELLED, LATE, MET, STARTED, Emission
from supportpulse.panes import DURATION_SLOTS, FIRST_DURATION, cell
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY
from supportpulse.snapshot import Snapshot, SourceStatus

DESK = """
name = "desk"
labels = ["rule", "scenario"]
enums.scenario = ["live", "voice"]
waiting = ["30m", "1h"]
waiting_clocks = ["first_response"]
objective = 0.9
at_risk_share = 0.8
[[rules]]
name = "all"
targets = { first_response = "1h", complete_resolution = "2d" }
"""
NOW = START + 3 * HOUR + 30 * MINUTE
FIRST = {"clock": "first_response", "rule": "all"}
LIVE, VOICE, NONE = (FIRST | {"scenario": name} for name in ("live", "voice", "none"))


@pytest.fixture
def desk() -> Scraped:
    """Four tickets of today and one of last week; see each test for what that means."""
    desk = Scraped(policy_of(DESK), START)
    desk.windows.move(NOW, desk.panes)
    desk.happens("TicketCreated", START, "A", scenario="live")
    desk.happens("TicketCreated", START, "B", scenario="live")
    desk.happens("MessagePosted", START + 30 * MINUTE, "A", by="agent")
    desk.marked(START + 48 * MINUTE, "B")
    desk.marked(START + HOUR, "B")
    desk.happens("TicketCreated", START + 2 * HOUR, "C", scenario="voice")
    desk.happens("MessagePosted", START + 3 * HOUR, "B", by="agent")
    desk.happens("TicketCreated", START + 3 * HOUR, "D")
    desk.happens("TicketMerged", START + 3 * HOUR + 5 * MINUTE, "D")
    week_ago = NOW - 7 * DAY - 20 * MINUTE
    desk.happens("TicketCreated", week_ago, "old", broker=NOW, scenario="live")
    desk.happens("MessagePosted", week_ago + MINUTE, "old", broker=NOW, by="agent")
    desk.take(NOW)
    return desk


def test_windows_count_by_event_time(desk: Scraped) -> None:
    """Six hours see all of today; one hour, whose panes begin at 2:35, sees what happened since."""
    found = desk.samples()
    six = {
        outcome: at(found, Metric.WINDOW_CLOCKS, window="6h", outcome=outcome, **LIVE)
        for outcome in ("started", "at_risk", "breached", "met", "cancelled")
    }
    assert six == {"started": 2, "at_risk": 1, "breached": 1, "met": 1, "cancelled": 0}
    assert at(found, Metric.WINDOW_CLOCKS, window="6h", outcome="started", **VOICE) == 1
    assert at(found, Metric.WINDOW_CLOCKS, window="1h", outcome="started", **VOICE) == 0
    assert at(found, Metric.WINDOW_CLOCKS, window="2h", outcome="started", **VOICE) == 1
    assert at(found, Metric.WINDOW_CLOCKS, window="1h", outcome="cancelled", **NONE) == 1
    assert summed(found, Metric.WINDOW_CLOCKS, window="1h", clock="first_response", outcome="started") == 1
    assert at(found, Metric.WINDOW_CLOCKS, window="28d", outcome="met", **LIVE) == 2


def test_a_baseline_is_the_same_hours_of_earlier_weeks(desk: Scraped) -> None:
    """The ticket of last week, same hour, is in the baselines and in no window of today."""
    found = desk.samples()
    for window in names.BASELINE_WINDOWS:
        assert at(found, Metric.WINDOW_BASELINE_CLOCKS, window=window, outcome="started", **LIVE) == 1
        assert at(found, Metric.WINDOW_BASELINE_CLOCKS, window=window, outcome="met", **LIVE) == 1
        assert at(found, Metric.WINDOW_BASELINE_CLOCKS, window=window, outcome="breached", **LIVE) == 0


def test_durations_are_cumulative_buckets_by_clock_and_scenario(desk: Scraped) -> None:
    """30 minutes (met) and 3 hours (late) on one day: none up to 15 minutes, one up to 30, both up to 4 hours."""
    found = desk.samples()
    labels = {"window": "1d", "clock": "first_response", "scenario": "live"}
    buckets = {
        le: at(found, f"{Metric.WINDOW_DURATION}_bucket", le=le, **labels)
        for le in ("900.0", "1800.0", "7200.0", "14400.0", "+Inf")
    }
    assert buckets == {"900.0": 0, "1800.0": 1, "7200.0": 1, "14400.0": 2, "+Inf": 2}
    assert at(found, f"{Metric.WINDOW_DURATION}_bucket", le="+Inf", **labels | {"window": "28d"}) == 3


def test_gauges_of_running_clocks(desk: Scraped) -> None:
    """C's first response has run for 1.5 of 1 hours, but no marker said so yet: open, waiting over both thresholds."""
    found = desk.samples()
    assert at(found, Metric.CLOCKS_OPEN, **VOICE) == 1
    assert at(found, Metric.CLOCKS_OPEN, **LIVE) == 0
    assert at(found, Metric.CLOCKS_OVERDUE, **VOICE) == 0
    assert at(found, Metric.CLOCKS_WAITING, over="30m", **VOICE) == 1
    assert at(found, Metric.CLOCKS_WAITING, over="1h", **VOICE) == 1
    assert at(found, Metric.CLOCKS_OPEN, clock="complete_resolution", rule="all", scenario="live") == 3
    desk.marked(START + 2 * HOUR + 48 * MINUTE, "C")
    desk.take(NOW)
    assert at(desk.samples(), Metric.CLOCKS_AT_RISK, **VOICE) == 1
    desk.marked(START + 3 * HOUR, "C")
    desk.take(NOW)
    found = desk.samples()
    assert at(found, Metric.CLOCKS_OVERDUE, **VOICE) == 1
    assert at(found, Metric.CLOCKS_AT_RISK, **VOICE) == 0


def test_a_vendors_verdicts_are_counted_by_what_we_say(desk: Scraped) -> None:
    """B's breach is known to its helpdesk, A's reply is not; nothing is counted before the markers."""
    both = {"clock": "first_response", "verdict": "breached"}
    desk.happens("VendorVerdict", START + HOUR, "B", broker=START + 3 * HOUR + MINUTE, **both)
    desk.happens("VendorVerdict", START + HOUR, "A", broker=START + 3 * HOUR + MINUTE, **both)
    found = desk.samples()
    assert summed(found, Metric.VENDOR_PARITY, clock="first_response") == 1, "B's marker has passed that time already"
    desk.marked(START + HOUR, "A", broker=START + 4 * HOUR)
    found = desk.samples()
    assert at(found, Metric.VENDOR_PARITY, clock="first_response", result="agree") == 1
    assert at(found, Metric.VENDOR_PARITY, clock="first_response", result="only_vendor_breached") == 1
    assert summed(found, Metric.VENDOR_PARITY) == 2


def test_counters_count_live_decisions_once(desk: Scraped) -> None:
    """A late reply adds nothing to its breach; the ticket of last week is backfilled and leaves the counters alone."""
    found = desk.samples()
    assert at(found, Metric.CLOCKS_STARTED, **LIVE) == 2
    closed = {outcome: at(found, Metric.CLOCKS_CLOSED, outcome=outcome, **LIVE) for outcome in ("met", "breached")}
    assert closed == {"met": 1, "breached": 1}
    assert at(found, Metric.CLOCKS_CLOSED, outcome="cancelled", **NONE) == 1
    assert at(found, Metric.CLOCKS_CLOSED, outcome="cancelled", **LIVE) == 0
    assert at(found, Metric.OUTCOMES_BACKFILLED, outcome="started") == 2
    assert at(found, Metric.OUTCOMES_BACKFILLED, outcome="met") == 1
    assert at(found, f"{Metric.DEADLINE_DELAY}_count") == 1
    assert at(found, f"{Metric.DEADLINE_DELAY}_sum") == 0.25


def test_consumed_share_of_the_target_at_fulfilment(desk: Scraped) -> None:
    """Half of the target (A) and three times the target (B)."""
    found = desk.samples()
    labels = {"clock": "first_response", "scenario": "live"}
    edges = ("0.25", "0.5", "1.0", "2.0", "4.0")
    assert [at(found, f"{Metric.CONSUMED}_bucket", le=le, **labels) for le in edges] == [0, 1, 1, 1, 2]
    assert at(found, f"{Metric.CONSUMED}_sum", **labels) == 3.5


def test_a_retraction_is_counted_by_its_reason_and_leaves_its_window(desk: Scraped) -> None:
    """A reply of minute 59 that arrives at 3:30 takes B's breach back and makes it met."""
    desk.happens("MessagePosted", START + 59 * MINUTE, "B", broker=NOW, by="agent")
    desk.take(NOW)
    found = desk.samples()
    assert at(found, Metric.OUTCOMES_RETRACTED, reason="late_event") == 1
    assert at(found, Metric.WINDOW_CLOCKS, window="6h", outcome="breached", **LIVE) == 0
    assert at(found, Metric.WINDOW_CLOCKS, window="6h", outcome="met", **LIVE) == 2
    assert at(found, Metric.CLOCKS_CLOSED, outcome="met", **LIVE) == 1
    assert at(found, Metric.OUTCOMES_BACKFILLED, outcome="met") == 2


def test_a_decision_made_again_counts_again_and_the_help_says_so(desk: Scraped) -> None:
    """An earlier reply that comes after a later one moves C's fulfilment: two decisions, one of them taken back."""
    for minute, broker in ((30, 30), (20, 31)):
        at_ms = START + 2 * HOUR + minute * MINUTE
        desk.happens("MessagePosted", at_ms, "C", broker=START + 2 * HOUR + broker * MINUTE, by="agent")
    found, text = desk.samples(), desk.text()
    assert at(found, Metric.CLOCKS_CLOSED, outcome="met", **VOICE) == 2
    assert at(found, Metric.OUTCOMES_RETRACTED, reason="late_event") == 1
    (told,) = (line for line in text.splitlines() if line.startswith("# HELP sla_clocks_closed "))
    assert "counts again" in told
    assert Metric.OUTCOMES_RETRACTED in told


def test_a_decision_is_live_for_fifteen_minutes(desk: Scraped) -> None:
    """The broker's time decides, to the millisecond."""
    plan = desk.plans.plans[0]
    before = at(desk.samples(), Metric.CLOCKS_CLOSED, outcome="met", **LIVE)
    clock = next(clock.index for clock in plan.clocks if clock.name == "first_response")
    label = plan.version.label_sets.index(("all", "live"))
    met = Emission(MET, clock, 1, NOW, NOW, plan.labels + label, 60_000, 0)
    desk.metrics.count(plan, [met], NOW + 15 * MINUTE, NOW)
    desk.metrics.count(plan, [met], NOW + 15 * MINUTE + 1, NOW)
    assert at(desk.samples(), Metric.CLOCKS_CLOSED, outcome="met", **LIVE) == before + 1


def test_the_latest_ticket_travels_as_exemplar(desk: Scraped) -> None:
    """OpenMetrics shows whose breach was counted last; an id too long for an exemplar is left out."""
    desk.happens("TicketCreated", NOW, "x" * 150, scenario="voice")
    line = f'{Metric.CLOCKS_CLOSED}{{clock="first_response",outcome="breached",rule="all",scenario="live"}} 1.0 # '
    assert line + '{ticket_id="desk|B"} 1.0' in desk.text()
    assert "xxx" not in desk.text()
    assert desk.samples()


def test_pipeline_counters_start_at_zero_and_count(desk: Scraped) -> None:
    """Each call of the intake shows in its own family."""
    zero, metrics = desk.samples(), desk.metrics
    metrics.processed(5)
    metrics.processed(2, "marker")
    metrics.rejected(names.Reason.NOT_JSON)
    metrics.duplicate(3)
    metrics.out_of_order()
    metrics.hole()
    metrics.rebalance()
    metrics.event_delays([-5, 40])
    metrics.probe_delay(2_000)
    found = desk.samples()
    expected = {
        (Metric.EVENTS_PROCESSED, "type", "event"): 5,
        (Metric.EVENTS_PROCESSED, "type", "marker"): 2,
        (Metric.EVENTS_PROCESSED, "type", "probe"): 0,
        (Metric.EVENTS_REJECTED, "reason", "not_json"): 1,
        (Metric.EVENTS_REJECTED, "reason", "no_key"): 0,
    }
    for (name, label, value), count in expected.items():
        assert at(zero, name, **{label: value}) == 0
        assert at(found, name, **{label: value}) == count
    counted = {name: at(found, name) for name in (Metric.EVENTS_DUPLICATE, Metric.EVENTS_OUT_OF_ORDER,
               Metric.STREAM_HOLES, Metric.SEAL_MISMATCH, Metric.WORKER_REBALANCES)}  # fmt: skip
    assert list(counted.values()) == [3, 1, 1, 0, 1]
    assert at(found, f"{Metric.EVENT_DELAY}_bucket", le="0.005") == 1
    assert at(found, f"{Metric.EVENT_DELAY}_bucket", le="0.05") == 2
    assert at(found, f"{Metric.PROBE_DELAY}_sum") == 2


def test_every_family_is_there_from_the_start() -> None:
    """A worker that just began exports all of them, and each label set a policy can reach with 0."""
    fresh = Scraped(policy_of(DESK), START)
    families = {family.name: family for family in text_string_to_metric_families(fresh.text())}
    assert set(families) == {name.removesuffix("_total").removesuffix("_info") for name in Metric}
    found = fresh.samples()
    zeros = [value for (name, _), value in found.items() if name == Metric.WINDOW_CLOCKS]
    assert zeros == [0] * (6 * 5 * 2 * 4)
    assert at(found, Metric.CLOCKS_CLOSED, outcome="breached", **LIVE) == 0
    assert at(found, Metric.CLOCKS_WAITING, over="1h", **NONE) == 0
    assert at(found, Metric.OBJECTIVE, clock="first_response", rule="all") == 0.9
    assert at(found, Metric.TARGET, clock="complete_resolution", rule="all") == 172_800
    assert at(found, Metric.BUILD_INFO, version="1.2.3", policy="desk", digest=fresh.plans.policy.digest) == 1


def test_the_workers_own_state(desk: Scraped) -> None:
    """Times in seconds; a source's least watermark, stale if one partition's is."""
    desk.take(
        NOW,
        owned=(0, 2),
        topic_partitions=4,
        recovering=True,
        lag_records={0: 7, 2: 0},
        sources=(
            SourceStatus("desk", "live", NOW - 1500, False),
            SourceStatus("desk", "live", NOW - 2500, True),
            SourceStatus("audit", "log", NOW - DAY, False),
        ),
    )
    found = desk.samples()
    assert at(found, Metric.SOURCE_WATERMARK, source="desk", mode="live") == (NOW - 2500) / 1000
    assert at(found, Metric.SOURCE_STALE, source="desk", mode="live") == 1
    assert at(found, Metric.SOURCE_STALE, source="audit", mode="log") == 0
    assert at(found, Metric.WORKER_PARTITIONS) == 2
    assert at(found, Metric.TOPIC_PARTITIONS) == 4
    assert at(found, Metric.WORKER_RECOVERING) == 1
    assert at(found, Metric.CONSUMER_LAG, partition="0") == 7
    assert at(found, Metric.DEADLINE_SWEEP) == at(found, Metric.PROBE) == NOW / 1000


def test_a_flood_of_sources_makes_no_flood_of_series(desk: Scraped) -> None:
    """Beyond the first hundred they count as one, the worst of them."""
    desk.take(NOW, sources=tuple(SourceStatus(f"s{number:04}", "live", number, False) for number in range(5000)))
    stale = [labels for name, labels in desk.samples() if name == Metric.SOURCE_STALE]
    assert len(stale) == names.MOST_SOURCES + 1
    assert at(desk.samples(), Metric.SOURCE_WATERMARK, source="other", mode="live") == 0.1


def test_partitions_add_up(desk: Scraped) -> None:
    """What two partitions count under one label set is one series."""
    one = desk.snapshot
    desk.snapshot = Snapshot(NOW, NOW, NOW, windows={"6h": one.windows["6h"] * 2}, clocks=one.clocks * 2)
    found = desk.samples()
    assert at(found, Metric.WINDOW_CLOCKS, window="6h", outcome="started", **LIVE) == 4
    assert at(found, Metric.CLOCKS_OPEN, **VOICE) == 2


def test_versions_share_series_by_name() -> None:
    """Clocks and label sets have other numbers in the second version; what is called the same is one series."""
    second = DESK.replace('name = "desk"', 'name = "desk"\nvalid_from = 2025-03-28T01:00:00Z', 1)
    second = second.replace('["live", "voice"]', '["voice", "chat", "live"]').replace("0.9", "0.95")
    second = second.replace('"30m", "1h"', '"10m", "1h"').replace("{ first", '{ diagnosis = "1h", first')
    desk = Scraped(policy_of(DESK, second), START)
    desk.windows.move(NOW, desk.panes)
    desk.happens("TicketCreated", START, "1", scenario="live")
    desk.happens("TicketCreated", START + 2 * HOUR, "2", scenario="live")
    desk.take(NOW)
    found = desk.samples()
    assert at(found, Metric.WINDOW_CLOCKS, window="6h", outcome="started", **LIVE) == 2
    assert at(found, Metric.CLOCKS_OPEN, **LIVE) == 2
    assert at(found, Metric.CLOCKS_STARTED, **LIVE) == 2
    waiting = {over: at(found, Metric.CLOCKS_WAITING, over=over, **LIVE) for over in ("10m", "30m", "1h")}
    assert waiting == {"10m": 1, "30m": 1, "1h": 2}
    assert at(found, Metric.OBJECTIVE, clock="first_response", rule="all") == 0.95


def test_a_policy_without_scenario_has_no_such_label() -> None:
    """Labels are the policy's; histograms then tell clocks apart only."""
    text = DESK.replace('["rule", "scenario"]', '["region"]').replace("enums.scenario", "enums.region")
    found = Scraped(policy_of(text), START).samples()
    assert at(found, Metric.CLOCKS_OPEN, clock="first_response", region="live") == 0
    assert at(found, f"{Metric.WINDOW_DURATION}_bucket", window="1h", clock="first_response", le="60.0") == 0
    assert not any("scenario" in dict(labels) for _, labels in found)


def test_the_model_policy_keeps_its_series_budget_whatever_tickets_say() -> None:
    """Any attributes, every outcome, every window: no series that was not there at 0, all within 25,000."""
    policy = load_policy(SHIPPED_POLICY)
    model = Scraped(policy, START)
    fresh = model.samples()
    plan, version = model.plans.plans[0], policy.versions[0]
    values = [(*version.enums.get(name, ()), "never heard of", None) for name in INTERVAL_ATTRIBUTES]
    bindings = {plan.binding("desk", combination) for combination in product(*values)}
    counts: dict[int, int] = {}
    waiting: dict[int, int] = {}
    for binding, clock in product(bindings, range(len(plan.clocks))):
        if plan.aim(binding, clock) is None:
            continue
        label = binding % plan.labels
        counts |= {cell(0, label, clock, slot): 1 for slot in range(FIRST_DURATION + DURATION_SLOTS)}
        if version.clocks[clock].name in version.waiting_clocks:
            waiting |= {cell(0, label, clock, slot): 1 for slot in range(len(version.waiting))}
        said = [Emission(kind, clock, 1, START, START, binding, 1000, 0)
                for kind in (STARTED, AT_RISK, BREACHED, MET, CANCELLED, LATE)]  # fmt: skip
        model.metrics.count(plan, said, START, START, "desk|1")
    clocks = {place: 1 for place in counts if place & 31 < 3}
    model.snapshot = Snapshot(
        START, START, START,
        windows=dict.fromkeys(names.WINDOWS_SECONDS, (counts,)),
        baselines=dict.fromkeys(names.BASELINE_WINDOWS, (counts,)),
        clocks=(clocks,), waiting=(waiting,),
    )  # fmt: skip
    full = model.samples()
    assert full.keys() == fresh.keys()
    assert len(full) <= 25_000
    assert summed(full, Metric.WINDOW_CLOCKS) > summed(fresh, Metric.WINDOW_CLOCKS) == 0


def test_promtool_finds_nothing_to_complain_about(desk: Scraped) -> None:
    """Prometheus' own linter on the text format."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not on PATH (it comes with Prometheus)")
    desk.take(NOW, sources=(SourceStatus("desk", "live", NOW, False),), lag_records={0: 1})
    text = generate_latest(desk.registry)
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr.decode()
    assert checked.stderr == b""
