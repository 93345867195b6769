"""supportpulse: SLA truth, live, from the lifecycle events of support tickets."""

__version__ = "0.1.0"
