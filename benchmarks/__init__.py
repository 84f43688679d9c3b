"""What a user would run instead, beside ours, in one run."""
