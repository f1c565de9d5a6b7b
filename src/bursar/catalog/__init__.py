"""The catalog: courses and their runs, and which of them a budget may spend on."""
