"""The ready-made service: the one place that ties everything together."""
