"""What the figures are measured against."""

from typing import Final

RATIOS: Final = {"allocate": 4.0, "cancel": 3.0, "expire": 3.0}  # of our time to that of raw SQL, by median
MEGABYTES: Final = 150  # of the largest call over the idle process
CHUNKS: Final = (100, 500, 1000)  # people in one transaction: each takes as many statements as the others

PAGE_MILLISECONDS: Final = 100  # in the service, for a page of the demonstration
PAGE_STATEMENTS: Final = 10

LIST_RATIO: Final = 10.0  # of our time for a page of a list to that of the raw queries for the same facts, by median
LIST_GROWTH: Final = 3.0  # of the time for the first page at the largest size to that at the smallest
