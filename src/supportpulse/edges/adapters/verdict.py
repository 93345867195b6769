"""What a helpdesk says of its own clocks, as events that stay the same however often it says so.

A breach is said as of the vendor's deadline, a fulfilment as of when it happened, and a running clock only where its
deadline is new, as of that snapshot. A later snapshot that repeats any of it makes the same event: the id holds all
that may differ, `<vendor>/verdict/<ticket>/<clock>/<word>/<ms>/<deadline in ms>`. Nobody is named as its author.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from supportpulse.edges.adapters.adapter import Options, Unknown, Update
from supportpulse.envelope import to_ms
from supportpulse.events import TicketEvent, VendorVerdict, VendorWord

SETTLED: Final = timedelta(seconds=1)
"""Added to an instant that a vendor notes beside an update: the two are written within a second, in either order."""


@dataclass(frozen=True)
class Judge:
    """A vendor speaking about one ticket. `clocks`: its names of clocks in lower case -> ours."""

    vendor: str
    source: str
    ticket_id: str
    clocks: Mapping[str, str]

    @classmethod
    def of(cls, vendor: str, source: str, ticket_id: str, preset: Mapping[str, str], options: Options) -> Judge:
        """With the names of the vendor's shipped policy, unless the source's configuration has others."""
        return cls(vendor, source, ticket_id, {**preset, **options.clocks})

    def says(
        self, theirs: str | None, verdict: VendorWord, time: datetime | None, deadline: datetime | None = None
    ) -> list[TicketEvent]:
        """One verdict on a clock by the vendor's name. None without a time, for a clock that has no name of ours, and
        where no event can hold it: what is broken here must not spoil the rest of a payload.
        """
        clock = self.clocks.get((theirs or "").lower())
        if time is None or clock is None:
            return []
        due = "-" if deadline is None else str(to_ms(deadline))
        told = {} if deadline is None else {"deadline": deadline}
        update = Update(self.source, self.ticket_id, time, f"{self.vendor}/verdict/{self.ticket_id}/{clock}")
        try:
            return [update.event(VendorVerdict, f"{verdict}/{to_ms(time)}/{due}", clock=clock, verdict=verdict, **told)]
        except Unknown:
            return []
