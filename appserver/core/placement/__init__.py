"""Which node an application runs on: filters that explain themselves, then a rank."""
