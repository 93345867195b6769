"""What is known of each helpdesk's webhooks: how they sign, how long they wait, how late they come, whether they retry.

From the vendors' documentation, and where that is silent from their source or from users' reports; a source of
`sources.toml` overrides any of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from supportpulse.edges.adapters.adapter import Adapter
from supportpulse.edges.gateway.signatures import TOKEN

PACKAGE = "supportpulse.edges.adapters"


@dataclass(frozen=True)
class Vendor:
    """`answer_seconds`: answered by then, below the vendor's time-out. `grace_seconds`: how late its webhooks come, as
    `SUPPORTPULSE_DECISION_GRACE_SECONDS` of the worker. `retry_seconds`: how long after a refusal it still tries again;
    0 = never. `kept_headers`: those that say what a body is, kept with a dead letter.
    """

    verify: str
    answer_seconds: float = 8.0
    grace_seconds: float = 60.0
    retry_seconds: float = 0.0
    kept_headers: tuple[str, ...] = ()


VENDORS: Mapping[str, Vendor] = {
    "zendesk": Vendor("zendesk", retry_seconds=120, kept_headers=("x-zendesk-webhook-id",)),
    "jira": Vendor("jira", grace_seconds=120, retry_seconds=1800, kept_headers=("x-atlassian-webhook-identifier",)),
    "freshdesk": Vendor(TOKEN, grace_seconds=120, retry_seconds=3900),
    "zammad": Vendor("zammad", retry_seconds=180, kept_headers=("x-zammad-trigger", "x-zammad-delivery")),
    "chatwoot": Vendor("chatwoot", answer_seconds=4, kept_headers=("x-chatwoot-delivery",)),
    "github": Vendor("github", kept_headers=("x-github-event", "x-github-delivery")),
    "slack": Vendor("slack", answer_seconds=2.5, retry_seconds=420, kept_headers=("x-slack-retry-num",)),
    "discourse": Vendor("discourse", retry_seconds=300, kept_headers=("x-discourse-event", "x-discourse-event-type")),
    "frappe": Vendor("frappe", answer_seconds=4, retry_seconds=60),
    "mapped": Vendor(TOKEN, retry_seconds=300),
}  # fmt: skip


def available() -> list[str]:
    """The vendors there is an adapter for."""
    return [name for name in VENDORS if find_spec(f"{PACKAGE}.{name}") is not None]


def module(vendor: str) -> Any:
    """The module of a vendor's adapter."""
    return import_module(f"{PACKAGE}.{vendor}")


def adapter(vendor: str, mapping: Path | None) -> Adapter:
    """The adapter of a vendor; of a `mapping` file where its module wants one, which may raise `DeclarationError`."""
    found = module(vendor)
    return cast(Adapter, found.from_file(mapping) if mapping is not None else found.adapt)


def wants_mapping(vendor: str) -> bool:
    """Whether the adapter is made from a file."""
    return hasattr(module(vendor), "from_file")


def challenge(vendor: str, payload: Any) -> str | None:
    """What an authentic greeting wants to hear back before a vendor sends events: Slack's `url_verification`."""
    if vendor == "slack" and isinstance(payload, dict) and payload.get("type") == "url_verification":
        said = payload.get("challenge")
        return said[:1000] if isinstance(said, str) and said.isprintable() else None
    return None
