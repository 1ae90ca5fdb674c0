"""The `alcove` command line."""
