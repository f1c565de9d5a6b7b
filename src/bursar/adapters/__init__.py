"""One file per port and outside system. Settings name them by dotted path; no module imports them."""
