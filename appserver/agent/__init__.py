"""What a node does: it watches its own keys, acts on its own engine, and says what it found and did."""
