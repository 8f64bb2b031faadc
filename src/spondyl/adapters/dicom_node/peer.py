"""Who is spoken to: an application entity at an address, and the certificates of a TLS connection."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

DEFAULT_AE_TITLE = "SPONDYL"
_LONGEST_AE_TITLE = 16  # PS3.5 §6.2, VR AE


class PeerError(ValueError):
    """An address, an AE title or a certificate that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A DICOM application entity: its title, and where it listens (or where we do)."""

    ae_title: str
    host: str
    port: int

    def __post_init__(self) -> None:
        check_ae_title(self.ae_title)
        if not 0 <= self.port <= 65535:
            raise PeerError(f"port {self.port} is not allowed; allowed are 1 to 65535")

    def __str__(self) -> str:
        return f"{self.ae_title}@{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates in PEM files.

    certificate, key: our own; a listener must have both.
    authorities: whom we believe. A listener with authorities asks each caller for a certificate.
    """

    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None


def check_ae_title(text: str) -> str:
    """The title, where it is one.

    Raises:
        PeerError: longer than 16 characters, empty, or with characters that the VR AE does not allow.
    """
    allowed = text.isascii() and text.isprintable() and "\\" not in text and text.strip() == text
    if not text or len(text) > _LONGEST_AE_TITLE or not allowed:
        raise PeerError(
            f"{text!r} is not an AE title; allowed are 1 to {_LONGEST_AE_TITLE} ASCII characters without "
            "backslash, with no space at either end"
        )
    return text


def parse_peer(text: str, default_title: str | None = None) -> Peer:
    """Read ``AETITLE@host:port``; without a title the default one, where there is one.

    Raises:
        PeerError: the text is none.
    """
    title, at, address = text.rpartition("@")
    host, colon, port = address.rpartition(":")
    if not at:
        title = default_title or ""
    if not title or not colon or not host or not port.isdecimal():
        raise PeerError(f"{text!r} is not a DICOM address; write AETITLE@host:port, as PACS@192.0.2.7:104")
    return Peer(ae_title=title, host=host.strip("[]"), port=int(port))


def server_context(tls: Tls) -> ssl.SSLContext:
    """TLS of a listener.

    Raises:
        PeerError: the certificate or its key is missing or cannot be read.
    """
    if tls.certificate is None or tls.key is None:
        raise PeerError("a TLS listener needs its certificate and its key; give both PEM files")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(context, tls)
    if tls.authorities is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """TLS of a caller: the listener's certificate is checked, its host name too.

    Raises:
        PeerError: a file cannot be read.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.authorities is not None:
            context.load_verify_locations(cafile=tls.authorities)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise PeerError(
            f"a TLS file cannot be used ({type(error).__name__}); PEM files are needed"
        ) from error
