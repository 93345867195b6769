"""A helpdesk in Django: what is saved is told to supportpulse once the transaction has committed.

These are the models and signals of an app of yours. Kafka's address comes from SUPPORTPULSE_BOOTSTRAP. Each process of
the web server needs a name that it keeps over restarts: here DESK_WORKER.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from django.db import models, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from supportpulse import Emitter


@cache
def desk() -> Emitter:
    """Made at its first use, so in each process after it forked; the exit of the process delivers what is left."""
    return Emitter("django-desk", instance=f"web-{os.environ.get('DESK_WORKER', '1')}")


class Ticket(models.Model):
    """A ticket; only its latest state is kept."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    status = models.CharField(max_length=30, default="new")
    priority = models.CharField(max_length=30, default="normal")

    class Meta:
        """Leave out `app_label` in an app of your own."""

        app_label = "desk"


class Message(models.Model):
    """What somebody wrote on a ticket."""

    ticket = models.ForeignKey(Ticket, models.CASCADE)
    written_at = models.DateTimeField(auto_now_add=True)
    by_agent = models.BooleanField(default=False)
    public = models.BooleanField(default=True)
    text = models.TextField()

    class Meta:
        """As above."""

        app_label = "desk"


@receiver(post_save, sender=Ticket)
def ticket_saved(instance: Ticket, **_: Any) -> None:
    """A snapshot: supportpulse finds out what changed, and one that got lost is made good by the next."""
    ticket = desk().ticket(str(instance.pk))
    said: dict[str, Any] = {
        "id": f"ticket/{instance.pk}/{instance.updated_at.isoformat()}",
        "time": instance.updated_at,
        "created_at": instance.created_at,
        "status": instance.status,
        "priority": instance.priority,
    }
    transaction.on_commit(lambda: ticket.observed(**said), robust=True)


@receiver(post_save, sender=Message)
def message_saved(instance: Message, created: bool, **_: Any) -> None:
    """A message, once; of its text only signals leave this process."""
    if created:
        ticket = desk().ticket(str(instance.ticket_id))
        transaction.on_commit(
            lambda: ticket.posted(
                id=f"message/{instance.pk}",
                time=instance.written_at,
                by="agent" if instance.by_agent else "customer",
                public=instance.public,
                text=instance.text,
            ),
            robust=True,
        )
