"""Names of one's own on a broker that tests share."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from supportpulse.edges.topics import ensure_topics
from supportpulse.settings import Settings


@dataclass(frozen=True)
class Fresh:
    """An installation nobody else has: its own application id and topic prefix on a shared broker."""

    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def app_id(self) -> str:
        """Application id, and so names of the changelogs and the consumer group."""
        return f"app-{self.suffix}"

    @property
    def topic_prefix(self) -> str:
        """Prefix of the three public topics."""
        return f"t{self.suffix}."

    def settings(self, bootstrap: str, **overrides: Any) -> Settings:
        """Settings of this installation; any free metrics port."""
        mine = {"bootstrap": bootstrap, "app_id": self.app_id, "topic_prefix": self.topic_prefix, "metrics_port": 0}
        return Settings.from_env(mine | overrides, {})

    def topics(self, bootstrap: str, **overrides: Any) -> Settings:
        """Settings, with the topics created."""
        settings = self.settings(bootstrap, **overrides)
        ensure_topics(
            bootstrap,
            partitions=settings.partitions,
            app_id=settings.app_id,
            topic_prefix=settings.topic_prefix,
        )
        return settings
