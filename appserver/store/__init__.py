"""The record: every key in one table, values as JSON, writes guarded by what was read."""
