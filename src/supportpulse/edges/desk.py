"""The desk of a real-time audio/video vendor: what it supports, for whom, where and when, and how its outages go.

Names are those of `policies/realtime-av.toml`; sites and shifts are read from it. Instants and durations are integer
milliseconds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache

from supportpulse.calendars import Calendar
from supportpulse.policy import load_policy
from supportpulse.settings import SHIPPED_POLICY

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True)
class Scenario:
    """What customers build; `pace` scales the desk's times, `weight` and the region's mix the arrivals."""

    name: str
    weight: float
    pace: float
    evening: float
    """0 = asked about in office hours, when developers work; 1 = in the evening, when their users are online."""
    urgent: float
    team: str
    subs: tuple[str, ...]
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Region:
    """Where customers are: `offset` of their clock to UTC in hours, `weekend` = the share of arrivals left then."""

    name: str
    weight: float
    offset: float
    weekend: float
    locales: tuple[str, ...]
    home: str
    mix: dict[str, float] = field(default_factory=dict)


SCENARIOS = (
    Scenario("conversational_ai", 2.6, 1.0, 0.2, 0.07, "ai-dialogue", ("assistant", "companion", "oral_practice"),
             ("model_latency", "interruption", "speech_recognition", "quota", "integration")),
    Scenario("overseas", 2.4, 1.1, 0.6, 0.08, "global-media", ("voice_room", "one_to_one_video", "game_voice"),
             ("last_mile", "edge_node", "device", "carrier", "integration")),
    Scenario("live_show", 3.2, 0.9, 0.8, 0.12, "live-media",
             ("single_host", "co_host", "pk", "turn_to_one_to_one", "multi_person"),
             ("encoding", "cdn", "device", "uplink", "integration")),
    Scenario("one_to_one_social", 1.8, 0.4, 0.9, 0.15, "social-media", ("video_call", "voice_call"),
             ("black_screen", "echo", "device", "last_mile", "callback")),
)  # fmt: skip

REGIONS = (
    Region("china", 4.0, 8, 0.55, ("zh-CN",), "beijing", {"overseas": 0.05}),
    Region("southeast_asia", 2.2, 7, 0.6, ("en-SG", "id-ID", "vi-VN", "th-TH"), "beijing", {"overseas": 2.0}),
    Region("middle_east", 1.2, 3, 0.7, ("ar-AE", "en-AE"), "beijing", {"overseas": 2.5}),
    Region("latin_america", 1.1, -3, 0.5, ("pt-BR", "es-MX"), "silicon_valley", {"overseas": 2.5}),
    Region("north_america", 1.0, -6, 0.35, ("en-US",), "silicon_valley", {"conversational_ai": 2.2, "overseas": 0.4}),
    Region("europe", 0.7, 1, 0.35, ("en-GB", "de-DE"), "silicon_valley", {"conversational_ai": 1.8, "overseas": 0.6}),
)
SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
REGION = {region.name: region for region in REGIONS}
CELLS = tuple((scenario, region) for scenario in SCENARIOS for region in REGIONS)

AGENTS_PER_TEAM = 6
SECOND_LINE = "media-core"
TIERS = {"strategic": 0.12, "enterprise": 0.33, "standard": 0.55}
CHANNELS = {"ticket": 0.58, "im_group": 0.27, "community": 0.11, "conference": 0.04}


def rhythm(scenario: Scenario, region: Region, ms: int) -> float:
    """Relative arrivals per hour of one scenario from one region at an instant."""
    local = ms / HOUR + region.offset
    hour, weekday = local % 24, int(local // 24 + 3) % 7
    office = math.exp(-(((hour - 14.5) / 3.6) ** 2))
    evening = math.exp(-((min(abs(hour - 21), 24 - abs(hour - 21)) / 2.6) ** 2))
    day = 0.08 + (1 - 0.6 * scenario.evening) * office + 0.8 * scenario.evening * evening
    weekend = region.weekend + (1 - region.weekend) * 0.5 * scenario.evening if weekday >= 5 else 1.0
    return scenario.weight * region.weight * region.mix.get(scenario.name, 1.0) * day * weekend


@dataclass(frozen=True)
class Outage:
    """An interval in which one scenario's tickets from one region multiply and everybody on them answers late."""

    start: int
    end: int
    scenario: str
    region: str
    severity: float
    """Extra tickets at its height, as a multiple of the whole desk's mean."""

    @property
    def reference(self) -> str:
        """The known issue the desk links."""
        return f"INC-{self.start // MINUTE}"

    def intensity(self, ms: int) -> float:
        """0 outside, 1 at its height: it grows within five minutes and fades in its last third."""
        if not self.start <= ms < self.end:
            return 0.0
        fading = (self.end - ms) / ((self.end - self.start) / 3)
        return min(1.0, (ms - self.start + 30_000) / (5 * MINUTE), fading)


def outages(rng: random.Random, start: int, end: int, at_end: bool) -> Iterator[Outage]:
    """One in five days or so, none in the day before `end`, one around `end` if wanted; then on for eight weeks."""
    at = start
    while True:
        at += round((0.5 + rng.expovariate(1 / 4.5)) * DAY)
        if at > end + 56 * DAY:
            break
        scenario, region = rng.choices(CELLS, [rhythm(*cell, at) for cell in CELLS])[0]
        outage = Outage(at, at + rng.randint(40, 110) * MINUTE, scenario.name, region.name, rng.uniform(4, 9))
        if not end - DAY <= outage.end <= end + DAY:
            yield outage
    if at_end:
        scenario, region = rng.choices(CELLS, [rhythm(*cell, end) for cell in CELLS])[0]
        yield Outage(end - 70 * MINUTE, end + 110 * MINUTE, scenario.name, region.name, 14.0)


class Desk:
    """Who is on duty and how slow they are; one seed, one desk."""

    def __init__(self, seed: int, start: int, end: int, outage_at_end: bool) -> None:
        """A desk that lives from `start`; `end` is where its history ends and its life goes on."""
        self.shifts = _shifts()
        self.outages = list(outages(random.Random(f"{seed}/outages"), start, end, outage_at_end))
        self._by_hour: dict[int, list[Outage]] = {}
        for outage in self.outages:
            for hour in range(outage.start // HOUR, outage.end // HOUR + 1):
                self._by_hour.setdefault(hour, []).append(outage)
        self._agents = {
            (site, scenario.team): [f"agt-{random.Random(f'{seed}/{site}/{scenario.team}/{n}').getrandbits(32):08x}"
                                    for n in range(AGENTS_PER_TEAM)]
            for site in self.shifts for scenario in SCENARIOS
        }  # fmt: skip

    def ongoing(self, ms: int) -> list[Outage]:
        """The outages at an instant."""
        return [outage for outage in self._by_hour.get(ms // HOUR, ()) if outage.start <= ms < outage.end]

    def outage(self, scenario: str, region: str, ms: int) -> Outage | None:
        """The outage that hits tickets of a scenario and region at an instant."""
        hit = (outage for outage in self.ongoing(ms) if (outage.scenario, outage.region) == (scenario, region))
        return next(hit, None)

    def slowness(self, scenario: str, region: str, ms: int) -> float:
        """By how much the desk's usual times stretch: much in the outage itself, some for the team that fights it."""
        worst = 1.0
        for outage in self.ongoing(ms):
            if outage.scenario == scenario:
                worst = max(worst, 1 + (9.0 if outage.region == region else 1.2) * outage.intensity(ms))
        return worst

    def site(self, region: str, ms: int) -> str:
        """The site that takes a region's ticket: its home if somebody is there, else the one on duty longest."""
        home = REGION[region].home
        return home if self.shifts[home].covers(ms) else self.relief(home, ms)

    def relief(self, site: str, ms: int) -> str:
        """The site that takes over from `site` at an instant."""
        others = [name for name in self.shifts if name != site]
        awake = [name for name in others if self.shifts[name].covers(ms)]
        return max(awake or others, key=lambda name: (self.shift_end(name, ms) or ms, name))

    def shift_end(self, site: str, ms: int) -> int | None:
        """The end of the shift of a site that goes on at, or begins after, an instant."""
        return self.shifts[site].next_end(ms)

    def agent(self, rng: random.Random, site: str, team: str) -> str:
        """The opaque id of somebody of a team; the second line is made of the other teams."""
        return rng.choice(self._agents.get((site, team)) or self._agents[site, SCENARIOS[rng.randrange(4)].team])


@cache
def _shifts() -> Mapping[str, Calendar]:
    return load_policy(SHIPPED_POLICY).at(0).sites


def stamp(ms: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    minute, rest = divmod(ms, MINUTE)
    return f"{_minute(minute)}:{rest // 1000:02d}.{rest % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, UTC).isoformat()[:16]
