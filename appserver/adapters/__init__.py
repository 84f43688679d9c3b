"""The outside systems, one module each; heavy imports live here alone."""
