"""The doors over HTTP: API, pages, git. Routes parse, call a service, render; nothing is decided here."""
