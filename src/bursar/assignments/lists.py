"""Lists of one configuration's assignments: which rows, how many, in which order, and which page of them.

They cost what they show (ruling 15, decision 2). A list by state and learner state is read in order from an index and
counted by the kept counts; one by person, content or text is counted by one statement. Whoever calls has asked
`people.access` about the configuration.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from bursar.assignments.models import AssignmentCounts, LearnerContentAssignment
from bursar.assignments.models.counts import COLUMNS, tally_of
from bursar.assignments.states import LEARNER_STATE_ORDER, LISTED, UNORDERED, LearnerState
from bursar.kernel.batching import chunks
from bursar.kernel.text import findable, storable
from bursar.people.addresses import BadAddress, normal_form
from bursar.people.keys import key_of, keys_of

Rows = QuerySet[LearnerContentAssignment]
Standing = tuple[str, str | None]

TIME: Final = "recent_action_time"
LEARNER_STATE: Final = "learner_state_sort_order"
ORDERABLE: Final = frozenset({TIME, LEARNER_STATE, "content_quantity"})
MERGED_AT_MOST: Final = 1000
NEWEST_FIRST: Final = (f"-{TIME}", "-uuid")
STANDINGS: Final[frozenset[Standing]] = frozenset(COLUMNS)
IN_DEFAULT_LIST: Final = frozenset(standing for standing in STANDINGS if standing[0] in LISTED)


@dataclass(frozen=True, slots=True)
class Filters:
    """What rows must be. None leaves a side open, an empty set lets nothing through; unknown values fit nothing.

    `search` is part of a title or of an address, in any case, or a whole address.
    """

    states: frozenset[str] | None = None
    learner_states: frozenset[str] | None = None
    contents: frozenset[str] | None = None
    addresses: frozenset[str] | None = None
    users: frozenset[int] | None = None
    search: str = ""

    @property
    def standings(self) -> frozenset[Standing]:
        """The combinations of state and learner state that they let through."""
        return frozenset(
            (state, learner)
            for state, learner in STANDINGS
            if (self.states is None or state in self.states)
            and (self.learner_states is None or learner in self.learner_states)
        )

    @property
    def by_standing_alone(self) -> bool:
        """Whether the kept counts know how many there are."""
        return self.contents is None and self.addresses is None and self.users is None and not self.search.strip()


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one list, in no order yet; `tally` is how many there are by standing, where finding them has told."""

    configuration: UUID
    filters: Filters
    rows: Rows
    tally: Mapping[Standing, int] | None = None

    def parts(self, ordering: Sequence[str]) -> Sequence[dict[str, Any]]:
        """Return conditions that part the rows such that an index has each part in this order; one or none: as it is.

        MariaDB sorts by uuid as nobody else does, so what it has parted could not be put together.
        """
        if not _goes_one_way(ordering) or connection.vendor == "mysql":
            return ()
        standing = _standing(self.filters.standings)
        if not standing:
            return ({"listed": 1}, {"listed": 0})
        if ordering[0].removeprefix("-") != TIME:
            return ()
        field = next((name for name in ("state__in", f"{LEARNER_STATE}__in") if name in standing), None)
        return [{field.removesuffix("__in"): value} for value in standing[field]] if field else ()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a list has, and how many of them are in each learner state, most first."""

    total: int
    by_learner_state: dict[str, int]


def select(configuration: UUID, filters: Filters) -> Selection:
    """Return the rows of a configuration that fit; a statement of its own only to find a whole address."""
    mine = LearnerContentAssignment.objects.filter(assignment_configuration=configuration).order_by()
    rows = mine.filter(**_standing(filters.standings)) if filters.standings else mine.none()
    if filters.contents is not None:
        rows = rows.filter(content_key__in=findable(filters.contents))
    if filters.addresses is not None:
        rows = rows.filter(learner_email_key__in={key_of(address) for address in filters.addresses})
    if filters.users is not None:
        rows = rows.filter(lms_user_id__in=filters.users)
    if not filters.search.strip():
        return Selection(configuration, filters, rows)
    if "\0" in filters.search:  # no text has it, and without it the search could be for everything
        return Selection(configuration, filters, rows.none())
    text = storable(filters.search).strip()
    by_address = _of_address(mine, text)
    condition, told = (contains(text), None) if by_address is None else by_address
    narrowed = filters.contents is not None or filters.addresses is not None or filters.users is not None
    return Selection(configuration, filters, rows.filter(condition), None if narrowed else told)


def within(selection: Selection, filters: Filters) -> Selection:
    """Return those of the rows whose state fits filters that differ from the selection's in nothing else; no statement."""
    rows = selection.rows.filter(**_standing(filters.standings)) if filters.standings else selection.rows.none()
    return replace(selection, filters=filters, rows=rows)


def _standing(standings: frozenset[Standing]) -> dict[str, Any]:
    """Return the conditions that give exactly these, such that an index is sought by them wherever there is one."""
    for listed, group in ((1, IN_DEFAULT_LIST), (0, STANDINGS - IN_DEFAULT_LIST)):
        if standings == group:
            return {"listed": listed}
    if standings == STANDINGS:
        return {}
    states = {state for state, _ in standings}
    if standings == {standing for standing in STANDINGS if standing[0] in states}:
        return _among("state", states)
    places = {_place(learner) for _, learner in standings}
    in_place = _among(LEARNER_STATE, places)
    if standings == {standing for standing in IN_DEFAULT_LIST if _place(standing[1]) in places}:
        return {"listed": 1, **in_place}
    return _among("state", states) | in_place


def _among(field: str, values: Collection[Any]) -> dict[str, Any]:
    """Return the condition for a field to be one of these; a single one is sought, and what it leaves stays in order."""
    return {field: next(iter(values))} if len(values) == 1 else {f"{field}__in": sorted(values)}


def _place(learner: str | None) -> int:
    return UNORDERED if learner is None else LEARNER_STATE_ORDER.index(LearnerState(learner))


def _of_address(mine: Rows, text: str) -> tuple[Q, Mapping[Standing, int]] | None:
    """Return how a whole address that somebody here has is found, by its key in an index, and how many rows that gives."""
    try:
        (key,) = keys_of([normal_form(text)])
    except BadAddress:
        return None
    condition = Q(learner_email_key=key)
    told = _by_standing(mine.filter(condition))
    return (condition, told) if told else None


def _by_standing(rows: Rows) -> dict[Standing, int]:
    return {(state, learner): amount for (_, state, learner), amount in tally_of(rows).items()}


def contains(text: str) -> Q:
    """Return the condition to contain a text in any case; SQLite folds the case of ASCII alone, so others are spelled out."""
    spellings = {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}
    condition = Q()
    for spelling in sorted(spellings):
        condition |= Q(content_title__icontains=spelling) | Q(learner_email__icontains=spelling)
    return condition


def count(selection: Selection) -> Counts:
    """Return how many rows there are; one statement, which counts nothing where the kept counts know; none where that is told."""
    found = tally(selection)
    by_learner_state: dict[str, int] = {}
    for (_, learner), amount in found.items():
        if learner is not None and amount:
            by_learner_state[str(learner)] = by_learner_state.get(str(learner), 0) + amount
    most_first = sorted(by_learner_state.items(), key=lambda item: (-item[1], item[0]))
    return Counts(sum(found.values()), dict(most_first))


def tally(selection: Selection) -> dict[Standing, int]:
    """Return how many rows there are by state and learner state; statements as `count`."""
    standings = selection.filters.standings
    if selection.filters.by_standing_alone:
        kept = AssignmentCounts.objects.filter(pk=selection.configuration).first()
        found: Mapping[Standing, int] = kept.by_states() if kept else {}
    elif selection.tally is not None:
        found = selection.tally
    else:
        found = _by_standing(selection.rows)
    return {standing: found.get(standing, 0) for standing in standings}


def order(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the order of a list from the fields wanted, a minus for descending; what nobody can sort by is passed over.

    It ends with the key, so that pages neither skip nor repeat, and goes one way throughout where the last field says
    nothing else, so that an index has it.
    """
    chosen: dict[str, str] = {}
    for name in wanted:
        field = name.strip().removeprefix("-")
        if field in ORDERABLE:
            chosen.setdefault(field, name.strip())
    if not chosen:
        return NEWEST_FIRST
    sign = "-" if list(chosen.values())[-1].startswith("-") else ""
    if list(chosen) == [LEARNER_STATE]:
        chosen[TIME] = f"{sign}{TIME}"
    return (*chosen.values(), f"{sign}uuid")


def page(selection: Selection, ordering: Sequence[str], *, start: int, size: int, total: int) -> list[UUID]:
    """Return the keys of a page in order. Of `total` rows, late pages are reached from the end.

    One statement; near either end, one for each part of the list that an index has in order.
    """
    end = min(start + size, total)
    behind = total - end
    if behind < start:
        backwards = [_reversed(name) for name in ordering]
        return _first(selection, backwards, behind, total - start)[::-1]
    return _first(selection, ordering, start, end)


def page_after(selection: Selection, ordering: Sequence[str], *, after: Sequence[Any], size: int) -> list[UUID]:
    """Return the keys of the rows behind one, whose values of the fields of `ordering` are `after` (none: the first page).

    It costs the same wherever in the list it begins. Raises ValueError for an order of two directions.
    """
    behind = replace(selection, rows=selection.rows.filter(_behind(ordering, after))) if after else selection
    return _first(behind, ordering, 0, size)


def _first(selection: Selection, ordering: Sequence[str], start: int, end: int) -> list[UUID]:
    """Return the keys from one place to another: taken from the parts and put together, unless that is deep inside."""
    parts = selection.parts(ordering) if end <= MERGED_AT_MOST else ()
    if len(parts) <= 1:
        return list(selection.rows.order_by(*ordering).values_list("pk", flat=True)[start:end])
    fields = [name.removeprefix("-") for name in ordering]
    found = [
        row for part in parts for row in selection.rows.filter(**part).order_by(*ordering).values_list(*fields)[:end]
    ]
    in_order = sorted(found, reverse=ordering[0].startswith("-"))
    return [row[-1] for row in in_order[start:end]]


def _goes_one_way(ordering: Sequence[str]) -> bool:
    return len({name.startswith("-") for name in ordering}) == 1


def _reversed(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"


def _behind(ordering: Sequence[str], after: Sequence[Any]) -> Q:
    if not _goes_one_way(ordering) or len(after) != len(ordering):
        raise ValueError("a cursor goes one way and has a value for every field")
    fields = [name.removeprefix("-") for name in ordering]
    descending = ordering[0].startswith("-")
    is_behind = TupleLessThan if descending else TupleGreaterThan
    bound = f"{fields[0]}__{'lte' if descending else 'gte'}"  # what SQLite seeks by
    return Q(is_behind(Tuple(*map(F, fields)), tuple(after))) & Q(**{bound: after[0]})


def rows_of(keys: Collection[UUID], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return these columns of assignments, in the order of the keys; a statement per chunk, and no record is made."""
    found: dict[UUID, dict[str, Any]] = {}
    for part in chunks(keys):
        rows = LearnerContentAssignment.objects.filter(pk__in=part).order_by()
        found.update((row["uuid"], row) for row in rows.values(*{"uuid", *columns}))
    return [found[key] for key in keys if key in found]


def among(configuration: UUID, keys: Collection[UUID]) -> list[UUID]:
    """Return which of these are assignments of the configuration, each once; a statement per chunk."""
    mine = LearnerContentAssignment.objects.filter(assignment_configuration=configuration).order_by()
    found: set[UUID] = set()
    for part in chunks(dict.fromkeys(keys)):
        found.update(mine.filter(pk__in=part).values_list("pk", flat=True))
    return [key for key in dict.fromkeys(keys) if key in found]
