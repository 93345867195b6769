"""Which build of the core is under test."""

from __future__ import annotations

import pytest

from supportpulse import fold

interpreted = pytest.mark.skipif(
    not str(fold.__file__).endswith(".py"), reason="the core is compiled by mypyc: what is compiled cannot be patched"
)
"""For tests that break the core on purpose, to see what becomes of it."""
