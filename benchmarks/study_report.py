"""Time and memory of `spondyl study report` on a vertebra table of a million rows.

python benchmarks/study_report.py [--vertebrae N] [--pdf] makes a study in a folder that it removes again:
every case has T1 to L5, a third of the cases are flagged and read by two, every case has a report (those of
the simulated study, each with a line of its own). Aim: 60 s and 4 GiB.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from spondyl.adapters.parquet_tables import connect, write_table
from spondyl.study.protocol import parse_protocol, shipped_protocol_text
from spondyl.study.simulation import shipped_design, simulate
from spondyl.study.tables import ReportRow

LEVELS = [*(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6))]
AIM_S, AIM_GIB = 60.0, 4.0


def main() -> None:
    """Make the study, report on it, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vertebrae", type=int, default=1_000_000)
    parser.add_argument("--pdf", action="store_true", help="make the PDF too")
    arguments = parser.parse_args()
    cases = -(-arguments.vertebrae // len(LEVELS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder, cases)
        begin = time.perf_counter()
        command = [sys.executable, "-m", "spondyl", "study", "report", str(folder)]
        subprocess.run([*command, "--pdf" if arguments.pdf else "--no-pdf"], check=True)  # noqa: S603
        seconds = time.perf_counter() - begin
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        gib = usage.ru_maxrss / 2**20
        print(
            f"{cases * len(LEVELS):,} vertebrae of {cases:,} cases: {seconds:.1f} s "
            f"(processor {usage.ru_utime + usage.ru_stime:.1f} s), {gib:.2f} GiB; "
            f"aim {AIM_S:.0f} s, {AIM_GIB:.0f} GiB"
        )
        print("research use only; not a medical device")


def _make(folder: Path, cases: int) -> None:
    (folder / "protocol.toml").write_text(shipped_protocol_text("mniai2025"), encoding="utf-8")
    levels = ", ".join(f"'{level}'" for level in LEVELS)
    # c: number of the case; every third is flagged at one level, by its number
    flagged, marked = "c % 3 = 0", f"c % {len(LEVELS)}"
    case = "printf('case-%07d', c)"
    _write(
        folder / "studies.parquet",
        f"SELECT {case} AS case_id, {case} AS patient_id, if({flagged}, 'FLAG', 'NO_FLAG') AS state, "  # noqa: S608 - our own numbers
        f"(c % 97) / 100.0 AS score_probability, 40.0 + c % 50 AS age_years, if(c % 2 = 0, 'F', 'M') AS sex, "
        f"printf('site %d', c % 4) AS site, [0.6, 1.0, 1.5, 2.0, 3.0][c % 5 + 1] AS slice_spacing_mm "
        f"FROM range({cases}) AS t(c) ORDER BY c",
    )
    _write(
        folder / "vertebrae.parquet",
        f"SELECT {case} AS case_id, '1' AS series_id, [{levels}][l + 1] AS level, l + 8 AS label, "  # noqa: S608 - our own numbers
        "0.98::DOUBLE AS level_probability, false AS level_uncertain, 'full' AS in_view, "
        "0.0::DOUBLE AS centre_x_lps_mm, 40.0::DOUBLE AS centre_y_lps_mm, "
        "-30.0::DOUBLE * l AS centre_z_lps_mm, 20.0::DOUBLE AS anterior_height_mm, "
        f"if({flagged} AND l = {marked}, 2 + c % 2, 0) AS genant_grade, "
        f"if({flagged} AND l = {marked}, 0.9, 0.05)::DOUBLE AS probability_grade_2_or_more "
        f"FROM range({cases}) AS t(c), range({len(LEVELS)}) AS u(l) ORDER BY c, l",
    )
    _write(
        folder / "readings.parquet",
        f"SELECT printf('r%d-%s', c, r) AS record_id, {case} AS case_id, r AS reader, 'reader' AS role, "  # noqa: S608 - our own numbers
        "if(c % 24 = 0, 'rejected', 'confirmed') AS decision, '2025-01-01T08:00:00+00:00' AS decided_at, "
        "'at_once' AS marks, true AS saw_marks, false AS saw_other_reader, false AS saw_report, "
        f"[{levels}][{marked} + 1] AS level, [{levels}][{marked} + 1] AS marked_level, "
        "if(c % 24 = 0, 'scoliosis', NULL) AS reason, if(c % 24 = 0, NULL, 2) AS grade "
        f"FROM range({cases}) AS t(c), (VALUES ('a'), ('b')) AS v(r) WHERE {flagged} ORDER BY c, r",
    )
    texts = simulate(
        shipped_design("mniai2025"), parse_protocol(shipped_protocol_text("mniai2025"), name="mniai2025"), 1
    ).reports
    write_table(
        folder / "reports.parquet",
        ReportRow,
        (
            ReportRow(case_id=f"case-{c:07d}", text=f"{one.text}\nNo. {c}.", lang=one.lang)
            for c in range(cases)
            for one in (texts[c % len(texts)],)
        ),
    )


def _write(path: Path, query: str) -> None:
    connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


if __name__ == "__main__":
    main()
