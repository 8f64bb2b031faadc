"""Tables that agree with their migrations, backups that come back, uploads that are not believed."""

from __future__ import annotations

import io
import runpy
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from postgres_server import postgres
from spondyl.adapters.station import audit, incoming, keeping, studies
from spondyl.adapters.station.database import Database, DatabaseError, sqlite_url
from spondyl.adapters.station.keeping import BackupError
from spondyl.adapters.station.opened import open_station
from spondyl.adapters.station.schema import (
    differences_from_tables,
    is_current,
    migrate,
    revisions,
    version_of,
)
from spondyl.adapters.station.settings import RetentionSettings, StationSettingsError, load_station
from spondyl.adapters.station.studies import Filter
from spondyl.adapters.station.tables import Answer, Reading, Study
from spondyl.adapters.station.upload import UploadError
from spondyl.worklist.audit import first_fault
from station_made import Clock, known, made_station, read_study, zip_of_a_study

ROOT = Path(__file__).parents[3]


def comes_up(database: Database, revision: str) -> None:
    migrate(database, revision)
    assert version_of(database) == revision
    migrate(database)
    assert is_current(database)
    assert differences_from_tables(database) == []
    database.close()


@pytest.mark.parametrize("revision", revisions())
def test_every_released_version_of_the_tables_comes_up_to_this_one(tmp_path: Path, revision: str) -> None:
    comes_up(Database(sqlite_url(tmp_path / "old.db")), revision)
    with postgres() as url:
        comes_up(Database(url), revision)


def test_tables_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "later.db"))
    migrate(database)
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="written by a later one"):
        migrate(database)


def test_a_backup_moves_a_station_to_postgresql_and_back(tmp_path: Path) -> None:
    old = made_station(tmp_path / "old", Clock())
    study_id = read_study(old, 1)
    keeping.write_backup(old, tmp_path / "1.tar.gz", with_images=True)
    with postgres() as url:
        server = open_station(load_station(folder=tmp_path / "server", database=url), Clock())
        assert keeping.restore_backup(server, tmp_path / "1.tar.gz") == 1
        # what was restored goes on: numbers that the database gives continue behind those that came
        read_study(server, 2)
        keeping.write_backup(server, tmp_path / "2.tar.gz", with_images=True)
        server.database.close()
    back = open_station(load_station(folder=tmp_path / "back"), Clock())
    assert keeping.restore_backup(back, tmp_path / "2.tar.gz") == 2
    assert known(back, study_id).received_at == known(old, study_id).received_at
    with back.database.reading() as session:
        assert first_fault(audit.chain(session)) is None
        entries = list(audit.chain(session))
    with old.database.reading() as session:
        before = list(audit.chain(session))
    assert entries[: len(before)] == before


def test_a_backup_comes_back_in_an_empty_station(tmp_path: Path) -> None:
    old = made_station(tmp_path / "old", Clock())
    study_id = read_study(old, 1)
    assert keeping.write_backup(old, tmp_path / "b.tar.gz", with_images=True) == 1
    new = open_station(load_station(folder=tmp_path / "new"), Clock())
    assert keeping.restore_backup(new, tmp_path / "b.tar.gz") == 1
    assert known(new, study_id).levels == known(old, study_id).levels
    assert (new.results(study_id) / "finding.json").is_file()
    for table in (Reading, Study, Answer):
        with old.database.reading() as before, new.database.reading() as after:
            count = select(func.count()).select_from(table)
            assert before.scalar(count) == after.scalar(count)
    with new.database.reading() as session:
        assert first_fault(audit.chain(session)) is None
    # the key of the pseudonyms came with it: the same study is known again
    again = open_station(load_station(folder=tmp_path / "new"), Clock())
    assert again.pseudonym("study", "1.2.3.1") == study_id
    with pytest.raises(BackupError, match="restore into an empty one"):
        keeping.restore_backup(new, tmp_path / "b.tar.gz")
    (tmp_path / "no.tar.gz").write_bytes(b"nothing")
    empty = open_station(load_station(folder=tmp_path / "x"), Clock())
    with pytest.raises(BackupError, match="no backup"):
        keeping.restore_backup(empty, tmp_path / "no.tar.gz")


def test_images_go_when_their_time_has_come(tmp_path: Path) -> None:
    clock = Clock()
    station = made_station(tmp_path, clock, retention=RetentionSettings(images_days=30))
    study_id = read_study(station, 1)
    station.incoming(study_id).mkdir(parents=True)
    assert keeping.apply_retention(station) == (0, 0)
    clock.move(days=30)
    assert keeping.apply_retention(station) == (1, 0)
    assert not station.incoming(study_id).exists()
    assert station.results(study_id).exists()
    assert keeping.apply_retention(station) == (0, 0)


def test_an_upload_is_registered_by_hashes_alone(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    study_id = incoming.take_study(station, io.BytesIO(zip_of_a_study()), "upload", "cora")
    assert incoming.take_study(station, io.BytesIO(zip_of_a_study()), "upload", "cora") == study_id
    study = known(station, study_id)
    assert (study.sex, study.age_years, study.study_date) == ("F", 63, "2026-11-01")
    for path in (tmp_path / "station.db", tmp_path / "station.db-wal"):
        content = path.read_bytes() if path.exists() else b""
        for word in (b"Doe", b"4711", b"1.2.3.4", b"ACC1"):
            assert word not in content, word


def test_an_uploaded_file_is_what_the_analysis_reads(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    study_id = incoming.take_study(station, io.BytesIO(zip_of_a_study()), "upload", "cora")
    path = studies.input_of(station, study_id)
    assert zipfile.is_zipfile(path)  # the zip itself, not the folder that it lies in
    path.unlink()
    assert studies.input_of(station, study_id) == station.incoming(study_id)


def test_a_report_finds_its_study_by_accession_number(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    study_id = incoming.take_study(station, io.BytesIO(zip_of_a_study()), "upload", "cora")
    rows = b"id,text\nACC1,Severe compression fracture of L1.\nOTHER,No fracture.\n"
    assert incoming.take_reports(station, io.BytesIO(rows), "r.csv", "robot") == (1, 1)
    assert known(station, study_id).report_category == "R2"


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(300 * 2**20))
    return packed.getvalue()


def with_name(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, b"x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EMPTY_INPUT"),
        (b"MZ" + bytes(1000), "WRONG_TYPE"),
        (b"PK\x03\x04" + bytes(100), "UNREADABLE"),
        (with_name("../../etc/passwd"), "UNSAFE_ARCHIVE"),
        (with_name("C:\\x"), "UNSAFE_ARCHIVE"),
        (with_name("readme.txt"), "NO_IMAGES"),
        (bytes(2 * 2**20), "TOO_LARGE"),
    ],
)
def test_what_is_not_taken_leaves_nothing_behind(tmp_path: Path, content: bytes, code: str) -> None:
    station = made_station(tmp_path, Clock(), most_upload_mib=1)
    with pytest.raises(UploadError) as caught:
        incoming.take_study(station, io.BytesIO(content), "upload", "cora")
    assert caught.value.code == code
    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_bomb_is_not_opened(tmp_path: Path) -> None:
    station = made_station(tmp_path, Clock())
    with pytest.raises(UploadError) as caught:
        incoming.take_study(station, io.BytesIO(bomb()), "upload", "cora")
    assert caught.value.code == "UNSAFE_ARCHIVE"


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Filter(), 3), (Filter(finding="FLAG"), 3), (Filter(finding="NO_FLAG"), 0), (Filter(search="L1"), 3),
        (Filter(search="L2"), 0), (Filter(search="2026-11-01"), 3), (Filter(mentioned="unknown"), 3),
        (Filter(reading="open"), 3), (Filter(search="%"), 3), (Filter(search="' OR 1=1"), 0),
    ],
)  # fmt: skip
def test_the_worklist_is_narrowed(tmp_path: Path, wanted: Filter, count: int) -> None:
    station = made_station(tmp_path, Clock())
    for number in range(3):
        read_study(station, number)
    with station.database.reading() as session:
        assert studies.worklist(session, wanted).total == count


def test_settings_come_from_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "station.toml"
    file.write_text('port = 9000\n[dicom]\nae_title = "US"\n')
    monkeypatch.setenv("SPONDYL_STATION_IDLE_MINUTES", "5")
    settings = load_station(file, host="0.0.0.0")
    assert (settings.port, settings.idle_minutes, settings.host) == (9000, 5, "0.0.0.0")
    assert settings.cookies_are_secure
    assert settings.dicom is not None
    file.write_text("colour = 1\n")
    with pytest.raises(StationSettingsError, match="colour"):
        load_station(file)


def test_the_page_of_the_settings_is_the_one_that_the_types_give() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_station_settings.py"))
    assert (ROOT / "docs" / "reference" / "station-settings.md").read_text(encoding="utf-8") == script[
        "page"
    ]()
    load_station(ROOT / "deploy" / "station.toml")
