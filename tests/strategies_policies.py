"""The pool of policies the strategies draw from: every mode of a clock, kind of calendar and inference rule."""

from __future__ import annotations

from itertools import product

REOPEN = ("first_only", "new_cycle", "resume", "last")
RULE_CHANGE = ("retarget_keep_elapsed", "retroactive", "new_clock", "frozen")

PLAIN = """
name = "plain"
reopen_window = "1d"
labels = ["rule", "scenario"]
enums.scenario = ["live", "voice"]
[[rules]]
name = "urgent"
match.priority = "urgent"
targets = { first_response = "5m", next_response = "10m", total_resolution = "1h", complete_resolution = "4h" }
[[rules]]
name = "live"
match.scenario = "live"
at_risk_share = 0.5
[rules.targets]
first_response = "15m"
substantive_response = "30m"
next_response = "15m"
periodic_update = "1h"
pausable_update = "1h"
requester_wait = "4h"
agent_work = "4h"
complete_resolution = "12h"
[[rules]]
name = "rest"
match.tier = ["gold", "silver"]
[rules.targets]
first_response = "1h"
total_resolution = "1d"
requester_wait = "12h"
"""

EDGES = """
name = "edges"
reopen_window = "4h"
labels = ["rule"]
[clocks.answer]
start = ["created", "customer_message", "reopened"]
stop = ["public_reply", "resolved"]
restart = ["priority_changed", "split"]
pause = ["escalated", "internal_note"]
resume = ["bot_reply", "status:open"]
cycles = "many"
reopen = "resume"
[clocks.silence]
start = ["public_reply", "status:open"]
stop = ["customer_message"]
restart = ["public_reply"]
pause = ["status:pending_customer", "status:new", "escalated"]
resume = ["customer_message", "rated"]
cancel = ["closed", "escalated"]
cycles = "many"
reopen = "new_cycle"
on_rule_change = "new_clock"
[clocks.once]
start = ["status:open", "assigned"]
stop = ["status:solved", "customer_confirmed"]
pause = ["left_team"]
resume = ["assigned"]
reopen = "last"
on_rule_change = "retroactive"
unless = ["agent_created"]
[clocks.rework]
start = ["created"]
stop = ["completely_resolved", "knowledge_linked", "known_issue_linked"]
pause = ["status:pending_third_party"]
reopen = "new_cycle"
on_rule_change = "frozen"
unless = ["agent_created"]
[clocks.further]
start = ["customer_message", "public_reply", "status:open"]
stop = ["public_reply", "status:pending_customer"]
after = ["public_reply", "escalated"]
cycles = "many"
reopen = "new_cycle"
on_rule_change = "new_clock"
[clocks.second]
start = ["assigned", "status:open", "created"]
stop = ["status:solved", "public_reply"]
after = ["assigned", "created", "priority_changed"]
reopen = "resume"
[[rules]]
name = "urgent"
match.priority = ["urgent"]
targets = { answer = "5m", silence = "10m", once = "15m", rework = "30m", further = "10m", second = "15m" }
[[rules]]
name = "low"
match.priority = "low"
targets = { answer = "15m", rework = "4h", second = "1h" }
[[rules]]
name = "rest"
targets = { answer = "1h", silence = "1h", once = "4h", further = "15m", second = "4h" }
"""

RISK = """
name = "risk"
at_risk_share = 0.333
labels = ["rule"]
[[rules]]
name = "urgent"
match.priority = "urgent"
at_risk_share = 0.0
targets = { first_response = "5m", next_response = { target = "10m", at_risk_share = 1.0 }, requester_wait = "15m" }
[[rules]]
name = "rest"
at_risk_share = 0.5
targets = { first_response = "10m", next_response = { target = "1h", at_risk_share = 0.25 }, requester_wait = "30m" }
"""

INFERENCE = """
name = "inference"
reopen_window = "12h"
labels = ["rule", "source"]
enums.source = ["desk", "forum"]
substantive.max_canned_share = 0.57
inference.confirmed_by = ["assignment", "first_substantive_reply"]
inference.solution_by = ["solution_signals", "reply_with_status", "solution_tag"]
[[rules]]
name = "forum"
match.source = "forum"
targets = { diagnosis = "30m", solution = "1h" }
[[rules]]
name = "all"
targets = { substantive_response = "15m", diagnosis = "1h", workaround = "4h", solution = "4h", resolution = "12h" }
"""

STATUS_INFERENCE = INFERENCE.replace('"assignment", "first_substantive_reply"', '"status_open"').replace(
    '["solution_signals", "reply_with_status", "solution_tag"]', '["reply_with_status"]'
)

SHIFTS = """
name = "sites"
labels = ["rule", "region"]
enums.region = ["apac", "emea"]
[calendars.day]
timezone = "Asia/Shanghai"
hours.mon-sun = ["09:00-18:00"]
[calendars.west]
timezone = "America/Los_Angeles"
hours.mon-fri = ["08:00-12:00", "13:00-17:00"]
hours.sat-sun = ["22:00-02:00"]
[sites.beijing]
shift = "day"
[sites.valley]
shift = "west"
[[rules]]
name = "apac"
match.region = "apac"
targets = { handover = "15m", ownership = "4h", first_response = "30m" }
[[rules]]
name = "rest"
targets = { handover = { target = "30m", calendar = "west" }, ownership = "12h" }
"""


def _matrix() -> str:
    """One clock for every pair of modes, on calendars that differ by rule."""
    clocks = {f"{reopen}_{change}": (reopen, change) for reopen, change in product(REOPEN, RULE_CHANGE)}
    text = """
name = "matrix"
reopen_window = "4h"
labels = ["rule", "scenario"]
enums.scenario = ["live", "voice"]
[calendars.lunch]
timezone = "UTC"
hours.mon-fri = ["08:00-12:00", "12:30-17:00"]
holidays.dates = ["2025-03-31"]
[calendars.night]
timezone = "Europe/Berlin"
hours.mon-sun = ["22:00-06:00"]
"""
    for number, (clock, (reopen, change)) in enumerate(clocks.items()):
        text += f'[clocks.{clock}]\nstart = ["created"]\nstop = ["completely_resolved", "rated"]\n'
        text += f'pause = ["status:pending_customer"]\nreopen = "{reopen}"\non_rule_change = "{change}"\n'
        text += 'cycles = "many"\nrestart = ["escalated"]\n' if number % 3 == 2 else ""
    rules = (
        ("urgent", 'match.priority = "urgent"\n', ("5m", "10m", "1h")),
        ("night", 'match.priority = "low"\ncalendar = "night"\n', ("15m", "1h")),
        ("emea", 'match.region = "emea"\ncalendar = "lunch"\nat_risk_share = 0.5\n', ("30m", "4h", "12h")),
        ("rest", 'match.priority = "normal"\n', ("1h", "4h", "12h", "1d")),
    )
    for gap, (name, head, targets) in enumerate(rules):
        text += f'[[rules]]\nname = "{name}"\n{head}[rules.targets]\n'
        for number, clock in enumerate(clocks):
            if name == "urgent" or number % 5 != gap:
                text += f'{clock} = "{targets[number % len(targets)]}"\n'
    return text


MATRIX = _matrix()
ANSWER = 'targets = { answer = "15m", ', 'targets = { answer = "15m", silence = "5m", '
MATCH_URGENT = ('match.priority = "all-urgent"', 'match.priority = "urgent"')


def edit(text: str, since: str, mode: str, *changes: tuple[str, str]) -> str:
    """The policy edited from 2025-03-28 or later on; each change must have something to change."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return f'valid_from = 2025-03-{since}Z\napplies_to = "{mode}"\n{text}'


SLOWER = PLAIN.replace('"5m"', '"10m"')
LATER = "valid_from = 2025-03-28T10:00:00Z\n" + SLOWER

POLICIES: dict[str, tuple[str, ...]] = {
    "plain": (PLAIN,),
    "edges": (EDGES,),
    "risk": (RISK,),
    "inference": (INFERENCE,),
    "status_inference": (STATUS_INFERENCE,),
    "sites": (SHIFTS,),
    "matrix": (MATRIX,),
    "versions": (PLAIN, LATER),
    "edited_plain": (
        PLAIN,
        edit(PLAIN, "28T08:05:00", "open_tickets", ('"15m"', '"10m"'), ('= "live"\nat', '= "voice"\nat')),
        edit(PLAIN, "28T09:15:00", "next_event", ('name = "rest"', 'name = "others"'), ('"1h"', '"30m"')),
        LATER,
        edit(SLOWER, "28T20:30:00", "open_tickets", ('"4h"', '"1h"'), ('"urgent"', '"all-urgent"'), MATCH_URGENT),
        edit(SLOWER, "29T00:00:00", "open_tickets", ('"12h"', '"15m"')),
    ),
    "edited_edges": (
        EDGES,
        edit(EDGES, "28T00:10:00", "open_tickets", ('"5m"', '"15m"'), ('once = "15m"', 'once = "5m"')),
        edit(
            EDGES, "28T08:15:00", "open_tickets", ('rework = "30m"', 'rework = "5m"'), ('once = "4h"', 'once = "10m"')
        ),
        edit(EDGES, "28T09:04:59.999", "next_event", ('silence = "10m", ', ""), ANSWER),
        edit(EDGES, "29T08:00:00", "open_tickets", ('name = "low"', 'name = "lowest"')),
    ),
    "edited_sites": (
        SHIFTS,
        edit(SHIFTS, "28T10:00:00", "open_tickets", ('ownership = "4h"', 'ownership = "30m"'), ('"15m"', '"10m"')),
        edit(SHIFTS, "29T00:00:00", "next_event", ('name = "rest"', 'name = "anywhere"'), ('"30m"', '"1h"')),
        edit(SHIFTS, "29T10:00:00", "open_tickets", ('calendar = "west"', 'calendar = "day"')),
    ),
    "edited_matrix": (
        MATRIX,
        edit(MATRIX, "28T08:15:00", "next_event", ('"08:00-12:00", "12:30-17:00"', '"10:00-16:00"')),
        edit(MATRIX, "28T09:10:00", "open_tickets", ('"22:00-06:00"', '"20:00-09:00"'), ('"5m"', '"30m"')),
        edit(MATRIX, "28T20:15:00", "open_tickets", ('name = "emea"', 'name = "europe"'), ('"10m"', '"5m"')),
        edit(MATRIX, "29T12:00:00", "next_event"),
    ),
    "recalculated_matrix": (
        MATRIX,
        edit(
            MATRIX, "28T08:05:00", "open_tickets", ('"08:00-12:00", "12:30-17:00"', '"10:00-16:00"'), ('"5m"', '"15m"')
        ),
        edit(
            MATRIX, "28T20:30:00", "open_tickets", ('"10m"', '"1h"'), ('"1h"', '"5m"'), ('name = "rest"', 'name = "r"')
        ),
        edit(MATRIX, "29T08:00:00", "open_tickets"),
    ),
}
