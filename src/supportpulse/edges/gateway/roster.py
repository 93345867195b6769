"""The sources as they are configured now, each with what is going on with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from supportpulse.edges.gateway.bucket import Bucket
from supportpulse.edges.gateway.flight import Flight
from supportpulse.edges.gateway.measures import Measures, OfSource
from supportpulse.edges.gateway.sources import Loaded, Source, load
from supportpulse.errors import ConfigError

logger = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int, int], ...]


class Station:
    """One source at work."""

    __slots__ = ("bucket", "counts", "flight", "source")

    def __init__(self, source: Source, counts: OfSource, flight: Flight | None = None) -> None:
        self.source, self.counts, self.flight = source, counts, flight or Flight()
        self.bucket = Bucket(source.rate_per_second, source.burst)


class Roster:
    """Finds a source by its name, and follows the file: a file in error is told and the sources stay as they were."""

    def __init__(self, path: Path, measures: Measures, environ: Mapping[str, str] | None = None) -> None:
        self._path, self._measures, self._environ = path, measures, environ
        self.stations: dict[str, Station] = {}
        self._files: tuple[Path, ...] = ()
        self._stamp: Stamp = ()
        self._take(load(path, environ))

    def find(self, name: str) -> Station | None:
        """The source of that name."""
        return self.stations.get(name)

    def follow(self, *, always: bool = False) -> bool:
        """Read the files anew if one of them changed, or `always`; whether it was read and taken."""
        if not always and _stamp_of(self._files) == self._stamp:
            return False
        try:
            loaded = load(self._path, self._environ)
        except ConfigError as error:
            self._stamp = _stamp_of(self._files)  # told once, not until it is mended
            self._measures.reload_failures.inc()
            self._measures.configuration_refused.set(1)
            logger.error("the sources stay as they were: %s", error)
            return False
        self._take(loaded)
        logger.info("read %s anew: %d sources", self._path, len(self.stations))
        return True

    def _take(self, loaded: Loaded) -> None:
        before = self.stations
        for gone in before.keys() - loaded.sources.keys():
            self._measures.end(gone)
        self._measures.configuration_refused.set(0)
        self.stations = {
            name: Station(source, self._measures.begin(name), before[name].flight if name in before else None)
            for name, source in loaded.sources.items()
        }
        self._files = loaded.files
        self._stamp = _stamp_of(loaded.files)


def _stamp_of(files: tuple[Path, ...]) -> Stamp:
    """Says whether any of them is another one, or not as it was."""
    found = []
    for file in files:
        try:
            stat = file.stat()
            found.append((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
        except OSError:
            found.append((str(file), 0, 0, 0))
    return tuple(found)
