"""Whole fetched batches for Faust agents and table recovery, and offsets that are checked where they count."""

from __future__ import annotations

from streams.batching.batch import Batch, Record
from streams.batching.binding import Binding, batch_table, batch_topic, bind, register
from streams.batching.expected import Action, ExpectedOffsets, Verdict
from streams.batching.owner import Owner, Reason
from streams.batching.schema import BatchSchema
from streams.batching.store import PartitionedStore

__all__ = [
    "Action",
    "Batch",
    "BatchSchema",
    "Binding",
    "ExpectedOffsets",
    "Owner",
    "PartitionedStore",
    "Reason",
    "Record",
    "Verdict",
    "batch_table",
    "batch_topic",
    "bind",
    "register",
]
