"""A PACS as the source of ``spondyl cohort run``: its studies are fetched, then read as any cases."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import stop
from spondyl.cli.node_options import TOKEN_VARIABLE, is_web, node_failures_told, tls_of

if TYPE_CHECKING:
    from spondyl.adapters.dicom_node import Tls

ANSWER_TIMEOUT_S = 120.0
_ADDRESS = re.compile(r"[^/\\@]{1,16}@[^/\\@]+:\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveOptions:
    """What reaches an archive: its address, what to ask it, our title, our TLS files."""

    target: str
    keys: Mapping[str, str]
    own_title: str
    certificate: Path | None
    key: Path | None
    authorities: Path | None


def is_archive(source: str) -> bool:
    """Whether a source is the address of a PACS, AETITLE@host:port or http(s), and not a path."""
    return is_web(source) or (bool(_ADDRESS.fullmatch(source)) and not Path(source).exists())


def keys_of(texts: Sequence[str]) -> dict[str, str]:
    """KEYWORD=VALUE each; a question without any would fetch the whole archive and is refused."""
    from spondyl.adapters.dicom_node import is_keyword

    if not texts:
        stop("tell which studies: --key StudyDate=20260101-20260131, repeated as needed", ExitCode.USAGE)
    keys = {}
    for text in texts:
        keyword, equals, value = text.partition("=")
        if not equals or not is_keyword(keyword):
            stop(f"--key {text!r} is not KEYWORD=VALUE with a DICOM keyword", ExitCode.USAGE)
        keys[keyword] = value
    return keys


def manifest_of(options: ArchiveOptions, folder: Path, *, quiet: bool) -> Path:
    """Fetch what is asked for into a folder; the manifest of it."""
    from spondyl.adapters.cohort import fetch_cases

    def tell(number: int, of: int, case_id: str, is_here: bool) -> None:
        if not quiet or not is_here:
            typer.echo(f"{case_id}: {'is here' if is_here else 'did not come'} ({number} of {of})", err=True)

    with node_failures_told():
        archive = _WebArchive(options) if is_web(options.target) else _DimseArchive(options)
        try:
            return fetch_cases(archive, folder, tell)
        except LookupError:
            stop(f"{options.target} has no such study; see: spondyl pacs find", ExitCode.NOT_EVALUABLE)


@dataclass(frozen=True, slots=True)
class _DimseArchive:
    options: ArchiveOptions

    def search(self) -> Sequence[Mapping[str, str]]:
        from spondyl.adapters import dicom_node as node

        peer, tls = node.parse_peer(self.options.target), _tls(self.options)
        entity = node.new_entity(node.check_ae_title(self.options.own_title), ANSWER_TIMEOUT_S)
        return node.search(entity, peer, tls, node.Level.STUDY, dict(self.options.keys))

    def fetch(self, study_instance_uid: str, into: Path) -> bool:
        from spondyl.adapters import dicom_node as node

        peer, tls = node.parse_peer(self.options.target), _tls(self.options)
        entity = node.new_entity(node.check_ae_title(self.options.own_title), ANSWER_TIMEOUT_S)
        fetched = node.get(entity, peer, tls, {"StudyInstanceUID": study_instance_uid}, into)
        return fetched.written > 0 and not fetched.failed


@dataclass(frozen=True, slots=True)
class _WebArchive:
    options: ArchiveOptions

    def search(self) -> Sequence[Mapping[str, str]]:
        from spondyl.adapters import dicom_node as node
        from spondyl.adapters import dicomweb

        settings = dicomweb.Settings(
            token=os.environ.get(TOKEN_VARIABLE), authorities=self.options.authorities
        )
        keys, returned = dict(self.options.keys), node.RETURNED[node.Level.STUDY]
        return dicomweb.search(self.options.target, settings, "STUDY", keys, returned)

    def fetch(self, study_instance_uid: str, into: Path) -> bool:
        from spondyl.adapters import dicomweb

        settings = dicomweb.Settings(
            token=os.environ.get(TOKEN_VARIABLE), authorities=self.options.authorities
        )
        uids = {"StudyInstanceUID": study_instance_uid}
        return dicomweb.get(self.options.target, settings, uids, into) > 0


def _tls(options: ArchiveOptions) -> Tls | None:
    return tls_of(options.certificate, options.key, options.authorities)
