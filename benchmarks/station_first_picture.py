"""How long a reader waits for the first picture of a study of 512 × 512 × 600 voxels, in Debian's Chromium.

``python benchmarks/station_first_picture.py`` makes a synthetic CT of that size, analyses it with the shipped
networks, serves it, and opens its reading page five times with an empty cache; ends with 1 where the bar of
2 s is missed. Time counts from the click to the frame after the spine's picture came.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import nibabel as nib
import numpy as np
from playwright.sync_api import sync_playwright
from scipy.ndimage import zoom
from sqlalchemy import select
from station_pictures import logged_in, now, serve

from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, Reading
from spondyl.domain.finding import StudyFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.settings import load
from spondyl.synthetic import Deformity, make_ct
from spondyl.wiring import open_reader
from station_made import made_station, read_study  # type: ignore[import-not-found]

SHAPE = (600, 512, 512)
BAR_S, REPEATS = 2.0, 5
SLICE_MM = 2.0  # as made; resampled to as many slices as wanted
LPS_TO_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))
FIRST_PICTURE = """async () => {
  const came = () => performance.getEntriesByType("resource").some((e) => e.name.includes("_sagittal_"));
  while (!came()) await new Promise((done) => setTimeout(done, 5));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() / 1000;
}"""


def main() -> int:
    """Make, analyse, serve, look, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, help="results of such a study, instead of making them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = given.results or analysed(Path(folder))
        finding = StudyFinding.model_validate_json((results / "finding.json").read_text(encoding="utf-8"))
        station = made_station(Path(folder) / "station", now, marks="at_once")
        study_id = read_study(station, 1, finding)
        shutil.rmtree(station.results(study_id))
        shutil.copytree(results, station.results(study_id))
        times_s = look(serve(station), station)
    print(f"{len(finding.vertebrae)} vertebrae, {finding.state.value}")
    print(
        f"click to first picture: median {1000 * median(times_s):.0f} ms, "
        f"largest {1000 * max(times_s):.0f} ms of {len(times_s)}; bar {1000 * BAR_S:.0f} ms"
    )
    return int(max(times_s) > BAR_S)


def analysed(folder: Path) -> Path:
    """A synthetic CT, with air around it up to the wanted size, and what the analysis writes."""
    broken = ((Level.L1, Deformity(shape=Shape.WEDGE, loss_fraction=0.5)),)  # so that readers get it
    volume = make_ct(1, SLICE_MM, fractures=broken, first=Level.T4, last=Level.L5).volume
    air = [(wanted - has) // 2 for has, wanted in zip(volume.hu.shape[1:], SHAPE[1:], strict=True)]
    padding = [(0, 0), *((one, wanted - has - one) for one, has, wanted in
                         zip(air, volume.hu.shape[1:], SHAPE[1:], strict=True))]  # fmt: skip
    hu = zoom(np.pad(volume.hu, padding, constant_values=-1000), (SHAPE[0] / len(volume.hu), 1, 1), order=1)
    affine = volume.affine.copy()
    affine[:3, 3] -= affine[:3, 1] * air[0] + affine[:3, 2] * air[1]
    affine[:3, 0] *= len(volume.hu) / SHAPE[0]
    path = folder / "ct.nii.gz"
    to_ras = LPS_TO_RAS @ affine[:, [2, 1, 0, 3]]  # a volume's axes are (k, j, i), those of NIfTI (i, j, k)
    image = nib.Nifti1Image(hu.astype(np.int16).transpose(2, 1, 0), to_ras)  # type: ignore[no-untyped-call]
    nib.save(image, path)
    begun = time.perf_counter()
    open_reader(load()).read_to_show(path, folder / "results")
    print(f"{hu.shape} voxels of {np.linalg.norm(affine[:3, :3], axis=0).round(2)} mm, "
          f"analysed in {time.perf_counter() - begun:.0f} s")  # fmt: skip
    return folder / "results"


def look(address: str, station: Station) -> list[float]:
    """Seconds to the first picture, each time in a new browser."""
    with station.database.reading() as session:
        task = session.scalars(
            select(Reading.reading_id)
            .join(Account, Account.account_id == Reading.account_id)
            .where(Account.name == "rita")
        ).one()
    times_s = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(REPEATS):
            page = logged_in(browser, address, "rita")
            page.goto(f"{address}/tasks/{task}", wait_until="commit")
            times_s.append(float(page.evaluate(FIRST_PICTURE)))
            page.context.close()
        browser.close()
    return times_s


if __name__ == "__main__":
    sys.exit(main())
