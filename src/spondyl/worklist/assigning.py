"""Which readers read a case, in which order each sees his cases, and which he reads again: by seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

_WORDS_MAX = float(2**64)


def draw(seed: int, *words: str) -> float:
    """A number in [0, 1) that the seed and the words fix; other words, another number."""
    text = "\x1f".join((str(seed), *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / _WORDS_MAX


def choose_readers(loads: Mapping[str, int], wanted: int, seed: int, case_id: str) -> tuple[str, ...]:
    """The readers of one case: those with the fewest cases, ties by draw. Fewer where there are not enough.

    loads: cases given so far to each reader, by pseudonym.
    """
    ordered = sorted(loads, key=lambda reader: (loads[reader], draw(seed, "reader", case_id, reader)))
    return tuple(sorted(ordered[:wanted]))


def order_in_list(seed: int, reader: str, case_id: str, *, differs_by_reader: bool) -> float:
    """Where a case stands in a reader's list (ascending); it stays there when other cases come.

    A draw of its own for each case, so that a list that grows each day keeps a random order throughout:
    the permutation of study/sampling serves lists that are complete.
    """
    return draw(seed, "order", reader if differs_by_reader else "", case_id)


def is_read_again(seed: int, reader: str, case_id: str, fraction: float) -> bool:
    """Whether this reader reads this case a second time after the wash-out."""
    return draw(seed, "again", reader, case_id) < fraction


def is_sampled(seed: int, case_id: str, fraction: float) -> bool:
    """Whether a case that was not flagged is mixed into the lists, in a station that runs without end.

    A cohort that is complete is drawn by study/sampling instead, which keeps the strata.
    """
    return draw(seed, "negative", case_id) < fraction
