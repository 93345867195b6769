"""The addresses a text links to: how many different ones there are, and how many lie on configured hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

# Begins with the characters that a match can begin with: Python's re skips the others fast.
_LINK = re.compile(
    r"[hHwW](?:(?<=[hH])[tT]{2}[pP][sS]?://|(?<=\b[wW])[wW]{2}\.)[^\s<>\"'`()\[\]{}，。、）】」]{1,2000}"
)


@dataclass(frozen=True, slots=True)
class Links:
    """How many different addresses a text links to, and how many of them lie on configured hosts."""

    all: int = 0
    docs: int = 0
    code: int = 0
    issues: int = 0


def links_in(text: str, marked: Iterable[str], *kinds: frozenset[str]) -> Links:
    """Those written in a text and those that its mark-up has; `kinds` are the hosts of docs, code and issues."""
    marked = (link for link in marked if link[:8].lower().startswith(("http://", "https://")))
    found = _LINK.findall(text) if has_links(text) else ()
    links = {link.rstrip(".,;:!?*_").rstrip("/") for link in (*found, *marked)}
    hosts = [_host(link) for link in links]
    return Links(len(links), *(sum(_under(host, names) for host in hosts) if names else 0 for names in kinds))


def has_links(text: str) -> bool:
    """Whether there may be any: costs less than a look for them."""
    return "://" in text or "www." in text.lower()


def unlinked(text: str) -> str:
    """An arrow for every address."""
    return _LINK.sub(" ↗ ", text)


def _host(link: str) -> str:
    try:
        return (urlsplit(link if "://" in link[:8] else f"http://{link}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _under(host: str, names: frozenset[str]) -> bool:
    parts = host.split(".")[-12:]
    return any(".".join(parts[place:]) in names for place in range(len(parts)))
