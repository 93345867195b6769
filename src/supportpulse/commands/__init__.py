"""The commands of the `supportpulse` program: each module exports a `command`, and imports what it needs when run."""
