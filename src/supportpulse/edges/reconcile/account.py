"""A source's API, ready to be read: whose it is, where, with which token, and which part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from supportpulse.edges.gateway.secret import BadSecret, read_secret
from supportpulse.edges.gateway.sources import Source
from supportpulse.edges.reconcile import github, jira, zendesk
from supportpulse.edges.reconcile.pages import Pages, Told
from supportpulse.edges.reconcile.recovered import Recovered
from supportpulse.errors import DeclarationError

VENDORS = ("github", "jira", "zendesk")


@dataclass(frozen=True)
class Account:
    """`scope` names what is read; `open` gives its pages, `recover` the webhooks of a window."""

    scope: str
    open: Callable[[Told], Pages]
    recover: Callable[[Pages, datetime], Iterator[Recovered]]


def account_of(source: Source, file: Path, environ: Mapping[str, str] | None = None) -> Account:
    """The account of a source of a file. Raises `DeclarationError` with what is missing, never with a secret."""

    def wrong(key: str, found: object, valid: str) -> DeclarationError:
        return DeclarationError(str(file), f"sources.{source.name}.{key}", found, valid)

    if source.vendor not in VENDORS:
        raise wrong("vendor", source.vendor, f"for reconcile, one of {', '.join(VENDORS)}")
    if (api := source.api) is None:
        raise wrong("api", "nothing", "a table with a token, and the repository or the url")
    try:
        token = read_secret(api.token, file.parent, environ).decode("latin-1")
    except BadSecret as error:
        raise wrong("api.token", error.found, error.valid) from None
    if not token.isprintable() or " " in token:
        raise wrong("api.token", "letters that no token has", "a token alone")
    if api.verdicts and source.vendor != "zendesk":
        raise wrong("api.verdicts", "true", "nothing, for this vendor")
    recover: Callable[..., Iterator[Recovered]]
    if source.vendor == "github":
        if (repository := api.repository) is None:
            raise wrong("api.repository", "nothing", "OWNER/NAME")
        url, scope = api.url or github.API, repository
        headers, recover = github.headers(token), partial(github.recover, repository=repository)
    elif source.vendor == "zendesk":
        if api.url is None or api.user is None:
            raise wrong("api.user" if api.url else "api.url", "nothing", "the desk's address and a user's")
        url, scope = api.url, "tickets"
        headers, recover = zendesk.headers(token, api.user), partial(zendesk.recover, verdicts=api.verdicts)
    else:
        if api.url is None or (project := api.project) is None:
            raise wrong("api.project" if api.url else "api.url", "nothing", "the desk's address and a project's key")
        url, scope = api.url, project
        headers = jira.headers(token, api.user)
        recover = partial(jira.recover, project=project, cloud=api.user is not None)
    return Account(
        scope=f"{url} {scope}",
        open=lambda told: Pages(url, headers, told=told),
        recover=lambda pages, since: recover(pages, since=since),
    )
