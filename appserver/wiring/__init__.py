"""Settings to services, or to an agent: the only modules that name concrete adapters.

Two, because an agent is not to hold in memory what only an app server needs.
"""
