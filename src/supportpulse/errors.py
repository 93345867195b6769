"""Every error supportpulse raises on purpose: one sentence a person can act on."""

from __future__ import annotations


class SupportpulseError(Exception):
    """What was found, where, and what is valid; the CLI prints the message alone, without a traceback."""


class ConfigError(SupportpulseError):
    """A setting or an argument that cannot work: nothing was started."""


class DeclarationError(ConfigError):
    """A declaration in a file that must not be used: names file, key, what was found and what is valid."""

    def __init__(self, file: str, key: str, found: object, valid: str) -> None:
        super().__init__(f"{file}: {key}: found {found!r}; valid: {valid}")
        self.file, self.key, self.found, self.valid = file, key, found, valid


class PolicyError(DeclarationError):
    """A policy that must not start."""


class MappingError(DeclarationError):
    """A mapping of an importer that cannot work."""


class DeliveryError(SupportpulseError):
    """Kafka refused a record or did not acknowledge it in time: names topic and partition."""


class BrokerUnavailable(SupportpulseError):
    """No Kafka broker answered at an address within the stated time, or none could be started."""


class WorkerFailed(SupportpulseError):
    """A worker that was started for a command ended, or did not do its work within the stated time."""


class TopicMismatch(ConfigError):
    """A topic exists but not as the worker needs it (partition count, timestamp type, cleanup policy)."""


class ApiError(SupportpulseError):
    """A helpdesk's API refused a request, or did not answer for long: the address, what was said, what is valid."""


class DataMissing(SupportpulseError):
    """Input a command was told to read is not there."""


class Rejected(SupportpulseError):
    """One input record that cannot be admitted; `reason` is a `names.Reason` value, `detail` is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
