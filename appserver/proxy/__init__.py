"""What a proxy's host does: it follows the table of routes, and tells its proxy."""
