"""A small delivery of each vendor, in the words of its documentation, for tests that change them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from gateway_http import created

TIME = "2026-01-01T10:00:00Z"
_USER = {"login": "ann", "id": 5, "type": "User"}
_GITHUB = {
    "action": "opened", "sender": _USER, "repository": {"id": 9, "full_name": "a/b"},
    "issue": {
        "id": 1, "number": 7, "user": _USER, "title": "t", "body": "It stutters?", "state": "open", "labels": [],
        "created_at": TIME, "updated_at": TIME, "author_association": "NONE", "assignees": [],
    },
}  # fmt: skip
_JIRA = {
    "timestamp": 1767261600000, "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic",
    "user": {"accountId": "a1", "displayName": "Ann"},
    "issue": {
        "id": "10", "key": "D-1",
        "fields": {
            "created": "2026-01-01T09:00:00.000+0000", "updated": "2026-01-01T10:00:00.000+0000",
            "status": {"name": "Done", "statusCategory": {"key": "done"}}, "priority": {"name": "High"},
        },
    },
    "changelog": {"id": "77", "items": [{"field": "status", "from": "1", "fromString": "Open", "to": "5",
                                         "toString": "Done"}]},
}  # fmt: skip
_ZAMMAD = {
    "ticket": {
        "id": 3, "number": "53003", "state": "open", "priority": {"name": "2 normal"}, "created_at": TIME,
        "updated_at": TIME, "group": {"name": "Users"}, "owner": {"id": 4},
    },
    "article": {
        "id": 8, "body": "<p>Hello</p>", "content_type": "text/html", "sender": "Customer", "type": "email",
        "internal": False, "created_at": TIME, "created_by": {"id": 6},
    },
}  # fmt: skip
_CHATWOOT = {
    "event": "message_created", "id": 11, "content": "Hi", "message_type": "incoming", "private": False,
    "created_at": TIME, "account": {"id": 1}, "sender": {"id": 2, "type": "contact"},
    "conversation": {"id": 12, "status": "open", "created_at": 1767261000, "priority": None},
}  # fmt: skip
_FRESHDESK = {
    "event": "onTicketUpdate", "domain": "x.freshdesk.com", "timestamp": 1767261600000,
    "data": {
        "ticket": {
            "id": 5, "status": 4, "priority": 2, "source": 1, "created_at": TIME, "updated_at": TIME,
            "requester_id": 6, "responder_id": 7, "changes": {"status": [2, 4]},
        },
        "actor": {"id": 7, "type": "agent"},
    },
}  # fmt: skip
_SLACK = {
    "type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event_time": 1767261600,
    "event": {"type": "message", "channel": "C1", "user": "U1", "text": "help?", "ts": "1767261600.000100"},
}  # fmt: skip
_BODIES: dict[str, Any] = {
    "github": _GITHUB, "jira": _JIRA, "zammad": _ZAMMAD, "chatwoot": _CHATWOOT, "freshdesk": _FRESHDESK,
    "slack": _SLACK,
}  # fmt: skip
SEEDS: dict[str, bytes] = {
    "zendesk": created(7, datetime(2026, 1, 1, tzinfo=UTC)),
    **{vendor: json.dumps(body).encode() for vendor, body in _BODIES.items()},
}
