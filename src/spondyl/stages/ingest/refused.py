"""How the private files of ingest give up: an exception that carries the Refusal to the front door."""

from __future__ import annotations

import decimal
import struct
import zlib
from typing import NoReturn

from pydicom.errors import BytesLengthException, InvalidDicomError

from spondyl.domain.refusal import Refusal, RefusalCode

STAGE = "ingest"

PARSE_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    decimal.DecimalException,
    EOFError,
    InvalidDicomError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    struct.error,
    TypeError,
    ValueError,
    zlib.error,
)
"""What pydicom, its decoders and nibabel raise on damaged files (found by flipping bytes)."""


class RefusedError(Exception):
    """Carries a Refusal up to the front door of the stage; never leaves the stage."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def make_refusal(code: RefusalCode, got: str, needed: str) -> Refusal:
    """Build a Refusal of this stage."""
    return Refusal(stage=STAGE, code=code, got=got, needed=needed)


def refuse(code: RefusalCode, got: str, needed: str) -> NoReturn:
    """Give up on the whole input, or on the stack being read.

    Raises:
        RefusedError: always.
    """
    raise RefusedError(make_refusal(code, got, needed))
