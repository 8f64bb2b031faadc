"""``spondyl route``: receive a study, analyse it, send the results; forget nothing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.analyze import EngineOption, SettingsOption, ThreadsOption, load_settings
from spondyl.cli.node_options import (
    LISTEN_HELP,
    POLL_S,
    TARGET_HELP,
    AuthoritiesOption,
    CertificateOption,
    DeidentifyOption,
    KeyOption,
    KnownOption,
    PatienceSecondsOption,
    QuietSecondsOption,
    ReserveOption,
    SyncOption,
    channel_to,
    deidentifier_of,
    node_failures_told,
    open_inbox,
    tell,
    tls_of,
)
from spondyl.cli.notice import NOTICE
from spondyl.cli.send import treat_all

if TYPE_CHECKING:
    from spondyl.adapters.deidentify import Deidentifier
    from spondyl.settings import Settings


def route(
    listen: Annotated[str, typer.Option("--listen", help=LISTEN_HELP)],
    to: Annotated[list[str], typer.Option("--to", help=f"{TARGET_HELP} Repeat it for more.")],
    work: Annotated[Path, typer.Option("--work", help="Folder for studies and results.")],
    known: KnownOption = None,
    quiet_s: QuietSecondsOption = 30.0,
    patience_s: PatienceSecondsOption = 180.0,
    reserve_mb: ReserveOption = 1024,
    sync: SyncOption = False,
    deidentify: DeidentifyOption = None,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_authorities: AuthoritiesOption = None,
) -> None:
    """Receive studies, analyse them, send the results. May be ended at any time and started again."""
    with node_failures_told():
        from spondyl.adapters.dicom_node import (
            DEFAULT_AE_TITLE,
            Receiver,
            ReceiveSettings,
            SendSettings,
            parse_peer,
        )
        from spondyl.adapters.route import Route
        from spondyl.adapters.route import Settings as RouteSettings

        tls = tls_of(tls_certificate, tls_key, tls_authorities)
        own = parse_peer(listen, DEFAULT_AE_TITLE)
        targets = {x: channel_to(x, SendSettings(calling_ae_title=own.ae_title, tls=tls)) for x in to}
        analyse = analyser(load_settings(settings, engine, threads), deidentifier_of(deidentify))
        inbox, timer = open_inbox(
            work, quiet_s=quiet_s, patience_s=patience_s, reserve_mb=reserve_mb, is_synced=sync
        )
        line = Route(inbox, timer, analyse, targets, RouteSettings(), clock=time.monotonic, tell=tell)
        receiving = ReceiveSettings(
            listen=own,
            known_ae_titles=tuple(known or ()),
            tls=tls if tls_certificate else None,  # without a certificate TLS is for sending only
        )
        with Receiver(settings=receiving, inbox=inbox, timer=timer, tell=tell) as receiver:
            typer.echo(f"{NOTICE}\nlistening on {listen} (port {receiver.port})", err=True)
            while True:
                if not line.step():
                    time.sleep(POLL_S)


def analyser(settings: Settings, deidentifier: Deidentifier | None) -> Callable[[Path, Path], None]:
    """The analysis of one study: its results as DICOM files, de-identified where that is asked for.

    Raises:
        WeightsError: a network is missing or damaged.
        EngineError: the engine is not installed.
    """
    from spondyl.wiring import open_reader

    reader = open_reader(settings)

    def analyse(study: Path, results: Path) -> None:
        if deidentifier is None:
            reader.read(study, dicom_out=results)
            return
        with tempfile.TemporaryDirectory(dir=results.parent) as made:
            reader.read(study, dicom_out=Path(made))
            treat_all(Path(made), results, deidentifier)

    return analyse
