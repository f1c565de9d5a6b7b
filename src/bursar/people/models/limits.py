"""How often somebody asked of late; nothing here tells who that is."""

from bursar.kernel.counters import SlotCounter


class RequestCount(SlotCounter):
    """One per caller or client address, under a keyed hash; removed a day after they last asked."""

    class Meta:
        db_table = "bursar_people_requestcount"
