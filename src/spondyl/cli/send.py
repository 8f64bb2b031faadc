"""``spondyl send``: bring DICOM files to a PACS and make sure that they are there."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import stop
from spondyl.cli.node_options import (
    TARGET_HELP,
    AuthoritiesOption,
    CertificateOption,
    DeidentifyOption,
    KeyOption,
    OwnTitleOption,
    UidMapOption,
    channel_to,
    deidentifier_of,
    node_failures_told,
    tls_of,
)
from spondyl.cli.notice import NOTICE

if TYPE_CHECKING:
    from spondyl.adapters.deidentify import Deidentifier


class CheckOption(StrEnum):
    """How to make sure (see dicom_node.send.Check); a DICOMweb server is always asked by QIDO."""

    FIND = "find"
    COMMITMENT = "commitment"
    NONE = "none"


def send(
    path: Annotated[Path, typer.Argument(help="DICOM file, or folder of such.", show_default=False)],
    to: Annotated[str, typer.Option("--to", help=TARGET_HELP)],
    own_title: OwnTitleOption = "SPONDYL",
    check: Annotated[CheckOption, typer.Option("--check", help="How to make sure.")] = CheckOption.FIND,
    commitment_listen: Annotated[
        str | None, typer.Option("--commitment-listen", help="Where the answer may come in: host:port.")
    ] = None,
    attempts: Annotated[int, typer.Option("--attempts", min=1, help="Tries, with longer waits.")] = 5,
    record: Annotated[
        Path | None, typer.Option("--record", help="File that remembers what is done; a new run goes on.")
    ] = None,
    deidentify: DeidentifyOption = None,
    uid_map: UidMapOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_authorities: AuthoritiesOption = None,
) -> None:
    """Send DICOM objects, ask whether they arrived, and try again where they did not."""
    with node_failures_told(), ExitStack() as stack:
        from spondyl.adapters.delivery import Patience, Record, deliver, find_outgoing
        from spondyl.adapters.dicom_node import Check, SendSettings, parse_peer

        settings = SendSettings(
            calling_ae_title=own_title,
            check=Check(check.value),
            commitment_listen=None if commitment_listen is None else parse_peer(commitment_listen, own_title),
            tls=tls_of(tls_certificate, tls_key, tls_authorities),
        )
        channel = channel_to(to, settings)
        if not path.exists():
            stop(f"{path}: there is no such file or folder", ExitCode.NOT_EVALUABLE)
        deidentifier = deidentifier_of(deidentify)
        n_kept_back = 0
        if deidentifier is not None:
            treated = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            n_kept_back = treat_all(path, treated, deidentifier)
            path = treated
            if uid_map is not None:
                deidentifier.write_uid_map(uid_map)
        files, others = find_outgoing(path)
        summary = deliver(files, channel, Record(record), Patience(attempts=attempts), time.sleep)
    typer.echo(
        f"{summary.verified} of {len(files)} objects are at {to}; {summary.refused} refused, "
        f"{summary.pending} open, {len(others)} files are no DICOM, {n_kept_back} kept back"
    )
    for reason in summary.reasons:
        typer.echo(f"  {reason}")
    typer.echo(NOTICE, err=True)
    if summary.verified < len(files) or n_kept_back or not files:
        raise typer.Exit(ExitCode.ENVIRONMENT)


def treat_all(path: Path, into: Path, deidentifier: Deidentifier) -> int:
    """De-identified copies of the DICOM files under a path; how many may not leave, each told with its cause.

    Raises:
        OSError: a file cannot be read or written.
    """
    from spondyl.adapters.deidentify import DeidentifyError
    from spondyl.adapters.delivery import find_outgoing

    n_kept_back = 0
    for number, file in enumerate(find_outgoing(path)[0]):
        try:
            deidentifier.treat_file(file.path, into / f"{number:06d}.dcm")
        except DeidentifyError as error:
            n_kept_back += 1
            typer.echo(f"kept back: {error}", err=True)
    return n_kept_back
