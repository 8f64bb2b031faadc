"""``spondyl pacs``: what has a PACS, and bring it here; by DIMSE or DICOMweb."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import stop
from spondyl.cli.node_options import (
    TARGET_HELP,
    TOKEN_VARIABLE,
    AuthoritiesOption,
    CertificateOption,
    KeyOption,
    OwnTitleOption,
    is_web,
    node_failures_told,
    tls_of,
)

if TYPE_CHECKING:
    from pynetdicom import AE

    from spondyl.adapters.dicomweb import Settings as WebSettings

ANSWER_TIMEOUT_S = 120.0
pacs = typer.Typer(name="pacs", help="Ask a PACS what it has, and fetch it.", no_args_is_help=True)

TargetArgument = Annotated[str, typer.Argument(help=TARGET_HELP, show_default=False)]
StudyOption = Annotated[str | None, typer.Option("--study", help="Study Instance UID.")]
SeriesOption = Annotated[str | None, typer.Option("--series", help="Series Instance UID.")]


class LevelOption(StrEnum):
    """What one line of the answer is."""

    STUDY = "study"
    SERIES = "series"
    IMAGE = "image"


@pacs.command()
def echo(
    target: TargetArgument,
    own_title: OwnTitleOption = "SPONDYL",
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_authorities: AuthoritiesOption = None,
) -> None:
    """Is it there (C-ECHO)?"""
    with node_failures_told():
        from spondyl.adapters import dicom_node as node

        tls = tls_of(tls_certificate, tls_key, tls_authorities)
        node.echo(_entity(own_title), node.parse_peer(target), tls)
    typer.echo(f"{target} answers")


@pacs.command()
def find(
    target: TargetArgument,
    level: Annotated[LevelOption, typer.Option("--level", help="What to list.")] = LevelOption.STUDY,
    study: StudyOption = None,
    series: SeriesOption = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="KEYWORD=VALUE, as StudyDate=20260101-; repeat it.")
    ] = None,
    own_title: OwnTitleOption = "SPONDYL",
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_authorities: AuthoritiesOption = None,
) -> None:
    """List what a PACS has (C-FIND or QIDO-RS), one JSON object a line."""
    with node_failures_told():
        from spondyl.adapters import dicom_node as node
        from spondyl.adapters import dicomweb

        at = node.Level(level.value.upper())
        keys = _keys(key or [], StudyInstanceUID=study, SeriesInstanceUID=series)
        if is_web(target):
            matches = dicomweb.search(target, _web(tls_authorities), at.value, keys, node.RETURNED[at])
        else:
            tls = tls_of(tls_certificate, tls_key, tls_authorities)
            matches = node.search(_entity(own_title), node.parse_peer(target), tls, at, keys)
    for match in matches:
        typer.echo(json.dumps(match, ensure_ascii=False))


@pacs.command()
def get(
    target: TargetArgument,
    study: Annotated[str, typer.Option("--study", help="Study Instance UID.")],
    into: Annotated[Path | None, typer.Option("--into", help="Folder for the files.")] = None,
    series: SeriesOption = None,
    move_to: Annotated[
        str | None, typer.Option("--move-to", help="Let the PACS send it to this AE title instead (C-MOVE).")
    ] = None,
    own_title: OwnTitleOption = "SPONDYL",
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_authorities: AuthoritiesOption = None,
) -> None:
    """Fetch a study or series (C-GET, WADO-RS), or let the PACS send it somewhere (C-MOVE)."""
    if (into is None) == (move_to is None):
        stop("give either --into FOLDER or --move-to AETITLE", ExitCode.USAGE)
    with node_failures_told():
        from spondyl.adapters import dicom_node as node
        from spondyl.adapters import dicomweb

        uids = _keys([], StudyInstanceUID=study, SeriesInstanceUID=series)
        if is_web(target):
            if into is None:
                stop("--move-to needs an AETITLE@host:port as target", ExitCode.USAGE)
            fetched = node.Fetched(
                written=dicomweb.get(target, _web(tls_authorities), uids, into), completed=0, failed=0
            )
        else:
            peer, tls = node.parse_peer(target), tls_of(tls_certificate, tls_key, tls_authorities)
            if into is not None:
                fetched = node.get(_entity(own_title), peer, tls, uids, into)
            else:
                fetched = node.move(_entity(own_title), peer, tls, uids, node.check_ae_title(str(move_to)))
    typer.echo(f"{max(fetched.written, fetched.completed)} objects came, {fetched.failed} failed")
    if fetched.failed or not max(fetched.written, fetched.completed):
        raise typer.Exit(ExitCode.ENVIRONMENT)


def _keys(texts: list[str], **uids: str | None) -> dict[str, str]:
    from spondyl.adapters.dicom_node import is_keyword

    keys = {}
    for text in texts:
        keyword, equals, value = text.partition("=")
        if not equals or not is_keyword(keyword):
            stop(
                f"--key {text!r} is not KEYWORD=VALUE with a DICOM keyword, as PatientID=4711", ExitCode.USAGE
            )
        keys[keyword] = value
    return keys | {keyword: uid for keyword, uid in uids.items() if uid is not None}


def _entity(title: str) -> AE:
    from spondyl.adapters.dicom_node import check_ae_title, new_entity

    return new_entity(check_ae_title(title), ANSWER_TIMEOUT_S)


def _web(authorities: Path | None) -> WebSettings:
    from spondyl.adapters.dicomweb import Settings

    return Settings(token=os.environ.get(TOKEN_VARIABLE), authorities=authorities)
