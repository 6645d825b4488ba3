"""The command `sere`."""
