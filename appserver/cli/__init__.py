"""The command line: one module per noun, printing and exit codes only."""
