"""``spondyl receive``: listen for studies and keep them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from spondyl.cli.node_options import (
    LISTEN_HELP,
    POLL_S,
    AuthoritiesOption,
    CertificateOption,
    KeyOption,
    KnownOption,
    PatienceSecondsOption,
    QuietSecondsOption,
    ReserveOption,
    SyncOption,
    node_failures_told,
    open_inbox,
    tell,
    tls_of,
)
from spondyl.cli.notice import NOTICE


def receive(
    listen: Annotated[str, typer.Option("--listen", help=LISTEN_HELP)],
    into: Annotated[Path, typer.Option("--into", help="Folder of the studies.")],
    known: KnownOption = None,
    quiet_s: QuietSecondsOption = 30.0,
    patience_s: PatienceSecondsOption = 180.0,
    reserve_mb: ReserveOption = 1024,
    sync: SyncOption = False,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_authorities: AuthoritiesOption = None,
) -> None:
    """Listen for DICOM objects (C-STORE), and print the folder of each study when it is complete."""
    with node_failures_told():
        from spondyl.adapters.dicom_node import (
            DEFAULT_AE_TITLE,
            Receiver,
            ReceiveSettings,
            parse_peer,
        )

        inbox, timer = open_inbox(
            into, quiet_s=quiet_s, patience_s=patience_s, reserve_mb=reserve_mb, is_synced=sync
        )
        settings = ReceiveSettings(
            listen=parse_peer(listen, DEFAULT_AE_TITLE),
            known_ae_titles=tuple(known or ()),
            tls=tls_of(tls_certificate, tls_key, tls_authorities),
        )
        with Receiver(settings=settings, inbox=inbox, timer=timer, tell=tell) as receiver:
            typer.echo(f"{NOTICE}\nlistening on {listen} (port {receiver.port})", err=True)
            while True:
                for study in timer.take_quiet():
                    typer.echo(str(inbox.objects_folder(study)))
                time.sleep(POLL_S)
