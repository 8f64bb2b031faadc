"""Which cases a manifest or a folder gives, and what a bad manifest is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from spondyl.adapters import cohort
from spondyl.adapters.parquet_tables import write_table
from spondyl.study.tables import CaseRow, Sex, TableError


def test_a_manifest_names_paths_from_its_own_folder(tmp_path: Path) -> None:
    text = "case_id;path;age_years;sex;site\nb;scans/2.nii;71.5;F;Orléans\na;/far/1.zip;;;\n"
    (tmp_path / "m.csv").write_bytes(text.encode("cp1252"))
    first, second = cohort.read_cases(tmp_path / "m.csv")
    assert first == CaseRow(case_id="a", path="/far/1.zip")
    assert second == CaseRow(
        case_id="b", path=str(tmp_path / "scans/2.nii"), age_years=71.5, sex=Sex.FEMALE, site="Orléans"
    )


def test_a_parquet_manifest_is_the_same(tmp_path: Path) -> None:
    cases = [CaseRow(case_id="a", path="/x/a"), CaseRow(case_id="b", path="/x/b", sex=Sex.MALE)]
    write_table(tmp_path / "m.parquet", CaseRow, cases)
    assert list(cohort.read_cases(tmp_path / "m.parquet")) == cases


def test_names_in_a_folder_become_ids_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "DUPONT_Jeanne").mkdir()
    (tmp_path / "sub-2.nii.gz").touch()
    (tmp_path / ".hidden").touch()
    hashed = [case.case_id for case in cohort.read_cases(tmp_path)]
    assert len(hashed) == 2
    assert not any("dupont" in name.lower() for name in hashed)
    assert hashed == [case.case_id for case in cohort.read_cases(tmp_path)]
    kept = [case.case_id for case in cohort.read_cases(tmp_path, keep_names=True)]
    assert kept == ["DUPONT_Jeanne", "sub-2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case_id,file\na,1.nii\n", "row 1, column path: got no such column"),
        ("case_id,path\na,1\nb,2\nA,3\n", "row 4, column case_id: got 'A', which stands in row 2"),
        ("case_id,path\n../a,1\n", "row 2, column case_id: got a name that no folder may have"),
        ("case_id,path\n,1\n", "row 2, column case_id: got nothing"),
        ("case_id,path,age_years\na,1,old\n", "row 2, column age_years: got 'old'"),
        ("case_id,path,age_years\na,1,171\n", "row 2, column age_years: got 171"),
        ("case_id,path,sex\na,1,W\n", "row 2, column sex: got 'W'; allowed: one of F, M, O"),
        ("case_id,path\n", "got no case"),
    ],
)
def test_a_bad_manifest_is_told_by_row_and_column(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(TableError) as told:
        cohort.read_cases(tmp_path / "m.csv")
    assert words in str(told.value)
