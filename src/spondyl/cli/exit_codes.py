"""What the exit code of ``spondyl`` tells a program. docs/reference/exit-codes.md says the same."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes. A flag is an answer, not a failure, so FLAG and NO_FLAG are both 0 by default."""

    ANSWERED = 0  # the study was read: FLAG or NO_FLAG
    BUG = 1  # an error in spondyl itself
    USAGE = 2  # unknown option, missing argument, setting that is not allowed
    NOT_EVALUABLE = 3  # the input was refused, or no answer can be given; the code says why
    ENVIRONMENT = 4  # results cannot be written, no memory left
    INSTALLATION = 5  # networks missing or damaged, engine or extra not installed
    SOME_FAILED = 6  # cohort: at least one case broke off; the tables and the list of failures are written
    FLAGGED = 10  # with --exit-flag only: the study was read and its state is FLAG
    INTERRUPTED = 130  # Ctrl-C
