"""Decisions: pure functions of a snapshot. No I/O, clock, randomness or logging."""
