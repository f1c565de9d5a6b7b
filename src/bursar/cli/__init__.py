"""The command line. `commands` say what can be typed, `handlers` do it; only the latter need Django, and load late."""
