"""DICOMweb: STOW-RS out, QIDO-RS to ask, WADO-RS in. Needs the extra ``node`` (dicomweb-client).

The number of objects that a STOW answer names is counted: a server has been seen to answer 200 with
nothing stored (ImagingDataCommons/dicomweb-client#42).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from spondyl.adapters.delivery import Outcome, Outgoing, Result

MOST_BYTES_PER_REQUEST = 64 * 1024 * 1024  # ours: a request is held in memory, by us and by most servers
_OUT_OF_RESOURCES = range(0xA700, 0xA800)  # PS3.4 Annex B.2.3: passes by itself
_NONE_STORED = 409  # PS3.18 table 10.5.3-1; 202 where some were
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)  # RFC 9110: the server's trouble, not the object's


class DicomwebError(ConnectionError):
    """The server is away or refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to speak with a server.

    token: sent as ``Authorization: Bearer``.
    authorities: PEM file of whom we believe, where not the system's own.
    """

    token: str | None = None
    authorities: Path | None = None
    answer_timeout_s: float = 120.0


class _Session(requests.Session):
    """A session that tells who we are, and whose JSON answers dicomweb-client understands."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        if settings.token is not None:
            self.headers["Authorization"] = f"Bearer {settings.token}"
        if settings.authorities is not None:
            self.verify = str(settings.authorities)

    def request(self, *arguments: Any, **options: Any) -> requests.Response:  # noqa: ANN401 - requests' signature
        """As requests does, without parameters of a JSON answer's media type.

        dicomweb-client knows it without only, and takes an answer with a charset for an empty one.
        """
        response = super().request(*arguments, **options)
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type.endswith("json"):
            response.headers["Content-Type"] = media_type
        return response


def _client(url: str, settings: Settings) -> DICOMwebClient:
    client = DICOMwebClient(
        url=url.rstrip("/"), session=_Session(settings), timeout=settings.answer_timeout_s
    )
    client.set_http_retry_params(retry=False)  # the delivery waits between its own attempts
    return client


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomwebChannel:
    """The way to one server; see ``delivery.Channel``."""

    url: str
    settings: Settings

    def store(self, files: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, Result]]:
        """STOW-RS, one request for the objects of one study and SOP class, not too many at a time."""
        client = _client(self.url, self.settings)
        for part in _parts(files):
            results = self._store_part(client, part)
            yield from ((file, results[file.sop_instance_uid]) for file in part)

    def present(self, files: Sequence[Outgoing]) -> frozenset[str] | None:
        """QIDO-RS for each series."""
        client = _client(self.url, self.settings)
        found: set[str] = set()
        try:
            for study, series in sorted({(x.study_instance_uid, x.series_instance_uid) for x in files}):
                matches = client.search_for_instances(study, series, get_remaining=True)
                found |= {_value(match, "SOPInstanceUID") for match in matches}
        except (requests.RequestException, ValueError):
            return None
        return frozenset(found)

    def _store_part(self, client: DICOMwebClient, part: list[Outgoing]) -> dict[str, Result]:
        try:
            answer = client.store_instances(
                [dcmread(file.path) for file in part], study_instance_uid=part[0].study_instance_uid
            )
        except requests.HTTPError as error:
            return _http_results(error, part)
        except (requests.RequestException, ValueError) as error:
            unsent = Result(
                outcome=Outcome.UNSENT, reason=f"no answer from the server ({type(error).__name__})"
            )
            return dict.fromkeys(_uids(part), unsent)
        return _answered(answer, part)


def _parts(files: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """The files in groups of one study and SOP class, each not too large."""
    part: list[Outgoing] = []
    n_bytes = 0
    for file in sorted(files, key=lambda x: (x.study_instance_uid, x.sop_class_uid, str(x.path))):
        size = file.path.stat().st_size
        if part and (_group(part[0]) != _group(file) or n_bytes + size > MOST_BYTES_PER_REQUEST):
            yield part
            part, n_bytes = [], 0
        part.append(file)
        n_bytes += size
    if part:
        yield part


def _group(file: Outgoing) -> tuple[str, str]:
    return file.study_instance_uid, file.sop_class_uid


def _uids(files: Sequence[Outgoing]) -> list[str]:
    return [file.sop_instance_uid for file in files]


def _answered(answer: Dataset, part: Sequence[Outgoing]) -> dict[str, Result]:
    """What the answer names is stored or refused; what it does not name was not stored."""
    silent = Result(outcome=Outcome.UNSENT, reason="the server's answer does not name the object")
    results = dict.fromkeys(_uids(part), silent)
    for item in answer.get("ReferencedSOPSequence") or []:
        results[str(item.ReferencedSOPInstanceUID)] = Result(outcome=Outcome.STORED)
    for item in answer.get("FailedSOPSequence") or []:
        status = int(item.get("FailureReason", 0x0110))
        outcome = Outcome.UNSENT if status in _OUT_OF_RESOURCES else Outcome.REFUSED
        results[str(item.ReferencedSOPInstanceUID)] = Result(outcome=outcome, reason=f"status {status:04X}")
    return results


def _http_results(error: requests.HTTPError, part: Sequence[Outgoing]) -> dict[str, Result]:
    """An answer that nothing was stored: what it says of each object, or else its status for all."""
    code = 0 if error.response is None else error.response.status_code
    if code == _NONE_STORED and error.response is not None:
        with contextlib.suppress(ValueError, AttributeError):
            return _answered(Dataset.from_json(error.response.json()), part)
    outcome = Outcome.UNSENT if code in _TRY_AGAIN else Outcome.REFUSED
    return dict.fromkeys(_uids(part), Result(outcome=outcome, reason=f"the server answered HTTP {code}"))


def search(
    url: str, settings: Settings, level: str, keys: Mapping[str, str], returned: Sequence[str]
) -> list[dict[str, str]]:
    """QIDO-RS: the matches at STUDY, SERIES or IMAGE level as values by keyword.

    Raises:
        DicomwebError: the server is away or refuses.
    """
    client = _client(url, settings)
    filters = {keyword: value for keyword, value in keys.items() if not keyword.endswith("InstanceUID")}
    study, series = keys.get("StudyInstanceUID"), keys.get("SeriesInstanceUID")
    try:
        if level == "STUDY":
            filters |= {} if study is None else {"StudyInstanceUID": study}
            matches = client.search_for_studies(search_filters=filters, fields=list(returned))
        elif level == "SERIES":
            matches = client.search_for_series(study, search_filters=filters, fields=list(returned))
        else:
            matches = client.search_for_instances(
                study, series, search_filters=filters, fields=list(returned)
            )
    except requests.RequestException as error:
        raise DicomwebError(f"{url} gives no answer to the query ({type(error).__name__})") from error
    return [{keyword: _value(match, keyword) for keyword in returned} for match in matches]


def get(url: str, settings: Settings, uids: Mapping[str, str], into: Path) -> int:
    """WADO-RS: bring a study, series or instance into a folder; gives the number of objects.

    Raises:
        DicomwebError: the server is away or refuses.
        OSError: the folder cannot be written.
    """
    client = _client(url, settings)
    into.mkdir(parents=True, exist_ok=True)
    study, series, instance = (uids.get(f"{x}InstanceUID") for x in ("Study", "Series", "SOP"))
    count = 0
    try:
        for one in _retrieved(client, study, series, instance):
            _write(one, into, count)
            count += 1
    except requests.RequestException as error:
        raise DicomwebError(f"{url} does not give it ({type(error).__name__})") from error
    return count


def _retrieved(
    client: DICOMwebClient, study: str | None, series: str | None, instance: str | None
) -> Iterator[Dataset]:
    any_syntax: Any = (("application/dicom", "*"),)  # as the server keeps it
    if study is not None and series is not None and instance is not None:
        yield client.retrieve_instance(study, series, instance, media_types=any_syntax)
    elif study is not None and series is not None:
        yield from client.iter_series(study, series, media_types=any_syntax)
    elif study is not None:
        yield from client.iter_study(study, media_types=any_syntax)


def _write(one: Dataset, into: Path, number: int) -> None:
    partial = into / f".{number}.part"
    one.save_as(partial, enforce_file_format=True)
    partial.replace(into / f"{number:06d}.dcm")


def _value(match: Mapping[str, Any], keyword: str) -> str:
    """The value of DICOM JSON, as text."""
    element = match.get(f"{tag_for_keyword(keyword):08X}", {})
    return "\\".join(str(value) for value in element.get("Value", []))
