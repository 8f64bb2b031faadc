"""Options that the commands of the DICOM network have in common, and their failures."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop

if TYPE_CHECKING:
    from spondyl.adapters.deidentify import Deidentifier
    from spondyl.adapters.delivery import Channel
    from spondyl.adapters.dicom_node import Inbox, QuietTimer, SendSettings, Tls, Told

TOKEN_VARIABLE = "SPONDYL_DICOMWEB_TOKEN"  # noqa: S105 - the name of a variable, no token

LISTEN_HELP = "[AETITLE@]host:port to listen on, as SPONDYL@0.0.0.0:11112."
POLL_S = 0.2
TARGET_HELP = "AETITLE@host:port, or the http(s) address of a DICOMweb server."
OwnTitleOption = Annotated[str, typer.Option("--as", help="Our own AE title.", metavar="AETITLE")]
CertificateOption = Annotated[Path | None, typer.Option("--tls-certificate", help="Our certificate (PEM).")]
KeyOption = Annotated[Path | None, typer.Option("--tls-key", help="Its key (PEM).")]
AuthoritiesOption = Annotated[
    Path | None, typer.Option("--tls-authorities", help="Certificates (PEM) that we believe; turns TLS on.")
]
KnownOption = Annotated[
    list[str] | None, typer.Option("--known", help="AE title that may call; repeat it. Default: anybody.")
]
QuietSecondsOption = Annotated[
    float, typer.Option("--quiet-s", min=0, help="A study is complete when nothing came for so long.")
]
PatienceSecondsOption = Annotated[
    float,
    typer.Option("--patience-s", min=0, help="The same where a sender is still connected or was cut off."),
]
ReserveOption = Annotated[
    int, typer.Option("--reserve-mb", min=0, help="Refuse objects when less is free on the disk.")
]
SyncOption = Annotated[
    bool, typer.Option("--sync", help="Force each object to the disk before it is acknowledged (slower).")
]
DeidentifyOption = Annotated[
    Path | None,
    typer.Option(
        "--deidentify",
        help="Key file: what leaves is de-identified (PS3.15 basic profile).",
        metavar="KEYFILE",
    ),
]
UidMapOption = Annotated[
    Path | None, typer.Option("--uid-map", help="With --deidentify: write old and new UIDs here.")
]


@contextmanager
def node_failures_told() -> Iterator[None]:
    """As ``failures_told``, for what can go wrong on the network too; needs the extra ``node``."""
    if any(find_spec(name) is None for name in ("pynetdicom", "dicomweb_client", "dicomanonymizer")):
        stop("the DICOM network needs an extra: pip install 'spondyl[node]'", ExitCode.INSTALLATION)
    from spondyl.adapters.deidentify import DeidentifyError
    from spondyl.adapters.dicom_node import PeerError

    with failures_told():
        try:
            yield
        except (PeerError, DeidentifyError) as error:
            stop(str(error), ExitCode.USAGE)
        except ConnectionError as error:
            stop(str(error), ExitCode.ENVIRONMENT)


def tls_of(certificate: Path | None, key: Path | None, authorities: Path | None) -> Tls | None:
    """TLS where any of its files is given."""
    from spondyl.adapters.dicom_node import Tls

    if certificate is None and key is None and authorities is None:
        return None
    return Tls(certificate=certificate, key=key, authorities=authorities)


def open_inbox(
    folder: Path, *, quiet_s: float, patience_s: float, reserve_mb: int, is_synced: bool
) -> tuple[Inbox, QuietTimer]:
    """The folder that takes what is received, and the timer that tells when a study is complete.

    Raises:
        OSError: the folder cannot be made, or another process receives into it.
    """
    from spondyl.adapters.dicom_node import Inbox, QuietSettings, QuietTimer

    quiet = QuietSettings(quiet_s=quiet_s, patience_s=max(quiet_s, patience_s))
    inbox = Inbox(folder, least_free_bytes=reserve_mb * 1024 * 1024, is_synced=is_synced).open()
    return inbox, QuietTimer(quiet, time.monotonic)


def is_web(target: str) -> bool:
    """Whether a target is a DICOMweb server."""
    return target.lower().startswith(("http://", "https://"))


def channel_to(target: str, settings: SendSettings) -> Channel:
    """The way to a target.

    Raises:
        PeerError: it is neither an address nor a URL.
    """
    if is_web(target):
        from spondyl.adapters.dicomweb import DicomwebChannel
        from spondyl.adapters.dicomweb import Settings as WebSettings

        authorities = None if settings.tls is None else settings.tls.authorities
        return DicomwebChannel(
            url=target, settings=WebSettings(token=os.environ.get(TOKEN_VARIABLE), authorities=authorities)
        )
    from spondyl.adapters.dicom_node import DimseChannel, parse_peer

    return DimseChannel(peer=parse_peer(target), settings=settings)


def deidentifier_of(key_file: Path | None) -> Deidentifier | None:
    """What treats the files that leave, where a key is given.

    Raises:
        DeidentifyError: the key is too short.
        OSError: it cannot be read.
    """
    if key_file is None:
        return None
    from spondyl.adapters.deidentify import Deidentifier

    return Deidentifier(key=key_file.read_bytes().strip())


def tell(told: Told) -> None:
    """Print what happened, on stderr."""
    typer.echo(f"{told.code}  {told.text}", err=True)
