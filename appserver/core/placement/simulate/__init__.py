"""Any trace of arrivals and departures, replayed: `python -m appserver.core.placement.simulate --help`."""
