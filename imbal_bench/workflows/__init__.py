"""What the suite does, as plain functions: typed arguments in, typed results out, errors raised, nothing printed.

The command line and the Python interface are thin over these. Each module is one workflow, and imports what that
needs, so that a command that trains nothing loads nothing heavy.
"""
