"""Policies: from TOML files to the versions of clocks, rules and targets the fold runs.

`load_policy` is the door; every mistake in a file is a PolicyError: file, key, what was found, what is valid.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from xxhash import xxh3_128_hexdigest

from supportpulse.calendars import Calendar
from supportpulse.edit import check_edit
from supportpulse.edition import EditionFile
from supportpulse.errors import PolicyError
from supportpulse.policy_file import PolicyFile, read_toml, validate
from supportpulse.rules import ATTRIBUTES, CONDITIONS, ClockSpec, Edition, Policy, PolicyVersion, Rule, Target

__all__ = [
    "ATTRIBUTES",
    "CONDITIONS",
    "ClockSpec",
    "Edition",
    "Policy",
    "PolicyVersion",
    "Rule",
    "Target",
    "load_policy",
]


def load_policy(path: Path | str) -> Policy:
    """The policy in one file, or in a folder of versions and edits of them, with one `name`, each its `valid_from`.

    Raises PolicyError.
    """
    path = Path(path)
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise PolicyError(str(path), "folder", "no *.toml file", "a folder with at least one policy file")
    read = [(file, validate(PolicyFile, read_toml(file), str(file))) for file in files]
    read.sort(key=lambda pair: pair[1].valid_from)
    first_file, first = read[0]
    taken: dict[datetime, Path] = {}
    for file, content in read:
        if content.name != first.name:
            raise PolicyError(str(file), "name", content.name, f"{first.name!r}, the name in {first_file}")
        if content.labels != first.labels:
            valid = f"{list(first.labels)}, as in {first_file}: a metric has the same labels in every version"
            raise PolicyError(str(file), "labels", list(content.labels), valid)
        if content.valid_from in taken:
            found = content.valid_from.isoformat()
            raise PolicyError(
                str(file), "valid_from", found, f"an instant other than that of {taken[content.valid_from]}"
            )
        taken[content.valid_from] = file
    versions = _versions([(str(file), content) for file, content in read])
    digests = "".join(edition.digest for version in versions for edition in version.editions)
    return Policy(versions, xxh3_128_hexdigest(digests.encode()))


def _versions(read: list[tuple[str, PolicyFile]]) -> tuple[PolicyVersion, ...]:
    made: dict[tuple[str, str], Calendar] = {}
    building: list[list[EditionFile]] = []
    for file, content in read:
        if content.applies_to == "new_tickets":
            building.append([])
        elif not building:
            valid = "new_tickets: there is no version before it to edit"
            raise PolicyError(file, "applies_to", content.applies_to, valid)
        building[-1].append(EditionFile(file, content, made))
    return tuple(_version(files, index) for index, files in enumerate(building))


def _version(files: list[EditionFile], index: int) -> PolicyVersion:
    first, *edits = files
    content = first.content
    editions = [first.edition()]
    for edit in edits:
        targeted = {clock for rule in editions[0].rules for clock in rule.targets}
        check_edit(edit.file, edit.content, first.file, content, targeted)
        editions.append(edit.edition())
    files[-1].check_series([rule for edition in editions for rule in edition.rules])
    return PolicyVersion(
        name=content.name,
        index=index,
        editions=tuple(editions),
        clocks=first.used,
        sites=first.sites,
        reopen_window_ms=content.reopen_window,
        lateness_ms=content.lateness,
        waiting=first.waiting,
        waiting_clocks=content.waiting_clocks,
        confirmed_by=content.inference.confirmed_by,
        solution_by=content.inference.solution_by,
        max_canned_share=content.substantive.max_canned_share,
        labels=content.labels,
        enums=dict(content.enums),
        ticket_url=dict(files[-1].content.ticket_url),
    )
