"""The table shows what /metrics say, worst first."""

from __future__ import annotations

import io

from rich.console import Console

from supportpulse.board import board
from supportpulse.scrape import Scrape

METRICS = """
# HELP sla_window_clocks Clocks.
# TYPE sla_window_clocks gauge
sla_window_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="met"} 40.0
sla_window_clocks{window="1d",clock="first_response",rule="b",scenario="live_show",outcome="met"} 50.0
sla_window_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="breached"} 10.0
sla_window_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="cancelled"} 7.0
sla_window_clocks{window="1d",clock="solution",rule="a",scenario="overseas",outcome="met"} 5.0
sla_window_clocks{window="1d",clock="solution",rule="a",scenario="overseas",outcome="breached"} 5.0
sla_window_clocks{window="1h",clock="solution",rule="a",scenario="overseas",outcome="breached"} 3.0
sla_window_clocks{window="28d",clock="solution",rule="a",scenario="overseas",outcome="breached"} 1000.0
sla_window_baseline_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="met"} 360.0
sla_window_baseline_clocks{window="1d",clock="first_response",rule="a",scenario="live_show",outcome="breached"} 40.0
sla_window_baseline_clocks{window="1h",clock="solution",rule="a",scenario="overseas",outcome="breached"} 1000.0
sla_clocks_at_risk{clock="solution",rule="a",scenario="overseas"} 2.0
sla_clocks_waiting{clock="first_response",rule="a",scenario="overseas",over="1h"} 3.0
sla_clocks_waiting{clock="first_response",rule="a",scenario="overseas",over="30m"} 4.0
sla_clocks_waiting{clock="first_response",rule="a",scenario="none",over="30m"} 0.0
sla_events_processed_total{type="event"} 1234.0
sla_events_processed_total{type="heartbeat"} 99.0
sla_consumer_lag_records{partition="0"} 5.0
sla_consumer_lag_records{partition="1"} 6.0
"""


def test_scenarios_are_summed_over_clocks_and_rules_worst_first() -> None:
    """Five breaches where none are usual are worse than ten where ten are; other windows count nowhere."""
    overseas, live = Scrape(METRICS).rows("scenario")
    assert overseas.group == ("overseas",)
    assert (overseas.met, overseas.breached, overseas.share, overseas.usual) == (5, 5, 0.5, None)
    assert (overseas.recent, overseas.at_risk, overseas.waiting) == (1.0, 2, 4)
    assert (live.met, live.breached, live.share, live.usual) == (90, 10, 0.1, 0.1)
    assert (overseas.excess, live.excess) == (5, 0)


def test_clocks_of_a_scenario_are_rows_of_their_own() -> None:
    """Any labels group; one that is not there is `all`."""
    assert [row.group for row in Scrape(METRICS).rows("scenario", "clock")] == [
        ("overseas", "solution"), ("live_show", "first_response"), ("overseas", "first_response"),
    ]  # fmt: skip
    assert {row.group for row in Scrape(METRICS).rows("tier")} == {("all",)}


def test_events_and_lag_are_read_from_the_worker() -> None:
    """Ticket events without heartbeats; the lag of all partitions."""
    scrape = Scrape(METRICS)
    assert (scrape.events, scrape.lag, scrape.waiting_over) == (1234, 11, "30m")


def test_a_worker_that_has_seen_nothing_is_an_empty_table() -> None:
    """No metrics, no rows, no error."""
    scrape = Scrape("")
    assert (scrape.rows("scenario"), scrape.events, scrape.lag) == ([], 0, 0)
    Console(file=io.StringIO()).print(board(scrape, []))


def test_the_table_is_drawn_with_shares_and_red_for_twice_the_usual() -> None:
    """Plain without a terminal; on one the breaching scenario stands out and the usual one does not."""
    plain, colour = io.StringIO(), io.StringIO()
    Console(file=plain, width=140).print(board(Scrape(METRICS), ["where it is"]))
    told = plain.getvalue()
    assert "where it is" in told
    assert "50.0%" in told
    assert ">30m" in told
    assert "\x1b" not in told
    Console(file=colour, width=140, force_terminal=True, color_system="standard").print(board(Scrape(METRICS), []))
    assert "\x1b[1;31m50.0%" in colour.getvalue()
    assert "\x1b[1;31m10.0%" not in colour.getvalue()
