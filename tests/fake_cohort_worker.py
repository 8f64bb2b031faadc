"""A worker with the fake reader, as a program: DATABASE JOURNAL SECONDS."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from fake_case_reader import FakeOpener
from spondyl.adapters.durable import serve

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    database, journal, seconds = sys.argv[1:]
    serve(FakeOpener(journal=Path(journal), seconds=float(seconds)), database)
