"""Fields of a sent form, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

_LONGEST_FIELD = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What was entered; files are left out."""

    values: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        """The first value of a field, without spaces at its ends; empty where there is none."""
        return (self.values.get(name) or ("",))[0].strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be ticked several times."""
        return self.values.get(name, ())


def as_fields(form: FormData) -> Fields:
    """The text fields of a form, each cut to a length that no form of ours reaches."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            values[name] = (*values.get(name, ()), value[:_LONGEST_FIELD].replace("\x00", ""))
    return Fields(values=values)


async def _fields(request: Request) -> Fields:
    return as_fields(await request.form())


FormFields = Annotated[Fields, Depends(_fields)]
