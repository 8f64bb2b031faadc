"""One hop: a received study is analysed, and its results are brought to every target; nothing is forgotten.

Beside ``objects`` (see ``dicom_node.inbox``) a study's folder holds

    state.json                     the state below, replaced as a whole
    results/CONTENT/*.dcm          the results for one content of ``objects``; appears by a rename
    deliveries/CONTENT/TARGET.jsonl  what became of each result at one target

Any end of the process leaves one of these states, from which the next start goes on. Results are made once
for one content: what is sent again after a crash is the same object with the same UID.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from spondyl.adapters.delivery import Channel, Outcome, Patience, Record, Summary, deliver_once, find_outgoing
from spondyl.adapters.dicom_node import Inbox, QuietTimer, Tell, Told, hashed

Analyse = Callable[[Path, Path], None]
"""Read the study in the first folder and write its results, as DICOM files, into the second."""


class StudyState(StrEnum):
    """Where a study is on its way."""

    RECEIVING = "receiving"
    COMPLETE = "complete"  # nothing more came for a while; to be analysed
    ANALYSED = "analysed"  # results lie here; to be sent
    DELIVERED = "delivered"  # every target has every result
    REFUSED = "refused"  # a target will not have a result; the others have theirs
    WITHOUT_RESULT = "without result"  # read, and no DICOM object came of it
    FAILED = "failed"  # the analysis failed each time


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """What state.json holds.

    content: fingerprint of the objects for which the state holds.
    begun: analyses that were begun, so that a study that ends the process each time is noticed.
    raised: analyses that ended in an error.
    """

    state: StudyState = StudyState.RECEIVING
    content: str = ""
    n_objects: int = 0
    begun: int = 0
    raised: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How often a study is tried (ours).

    most_raised: analyses that end in an error before the study counts as failed.
    most_begun: analyses that are begun, for a study that ends the whole process.
    patience: the waits of a target that is away or full; the attempts are not limited here.
    """

    most_raised: int = 3
    most_begun: int = 10
    patience: Patience = field(default_factory=Patience)


@dataclass(slots=True)
class _Target:
    """A target and when it may be tried next."""

    channel: Channel
    n_failures: int = 0
    next_s: float = 0.0


class Route:
    """Analyses what is complete and delivers what is analysed, one step at a time, in one thread.

    targets: the ways out, by a name that stays the same from start to start.
    """

    def __init__(
        self,
        inbox: Inbox,
        timer: QuietTimer,
        analyse: Analyse,
        targets: Mapping[str, Channel],
        settings: Settings,
        *,
        clock: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._inbox = inbox
        self._timer = timer
        self._analyse = analyse
        self._targets = {name: _Target(channel) for name, channel in targets.items()}
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._to_analyse: list[str] = []
        self._to_deliver: dict[str, set[str]] = {}  # study: names of targets
        self._take_up()

    def step(self) -> bool:
        """Do what is due; whether anything was.

        Raises:
            OSError: a folder cannot be written.
        """
        for study in self._timer.take_quiet():
            self._complete(study)
        did_analyse = bool(self._to_analyse)
        if did_analyse:
            self._analyse_study(self._to_analyse.pop(0))
        return self._deliver_due() or did_analyse

    @property
    def is_idle(self) -> bool:
        """Whether nothing is open: no study grows, waits for its analysis, or has something to be sent."""
        return not (self._timer.n_open() or self._to_analyse or self._to_deliver)

    def states(self) -> dict[str, StudyRecord]:
        """The state of every study."""
        return {study: self._read(study) for study in self._inbox.studies()}

    def _take_up(self) -> None:
        """At the start: go on where the last process ended."""
        for study in self._inbox.studies():
            record = self._read(study)
            content, n_objects = self._inbox.content(study)
            shutil.rmtree(self._inbox.study_folder(study) / "results.part", ignore_errors=True)
            if n_objects and (record.state is StudyState.RECEIVING or record.content != content):
                self._timer.touch(study, None)
            elif record.state is StudyState.COMPLETE:
                self._to_analyse.append(study)
            elif record.state in (StudyState.ANALYSED, StudyState.REFUSED):
                self._prepare_delivery(study, record, retry_refused=True)

    def _complete(self, study: str) -> None:
        content, n_objects = self._inbox.content(study)
        record = self._read(study)
        if record.content == content and record.state is not StudyState.RECEIVING:
            return  # only repeated objects came
        record = StudyRecord(state=StudyState.COMPLETE, content=content, n_objects=n_objects)
        self._write(study, record)
        self._to_deliver.pop(study, None)  # results of fewer objects are overtaken
        self._to_analyse.append(study)
        self._tell(Told(code="COMPLETE", text=f"study {study}: complete with {n_objects} objects"))

    def _analyse_study(self, study: str) -> None:
        record = self._read(study)
        results = self._results(study, record)
        if not results.is_dir():
            record = replace(record, begun=record.begun + 1)
            if record.begun > self._settings.most_begun:
                self._fail(study, record, "the analysis ended the process each time")
                return
            self._write(study, record)
            reason = self._make_results(study, results)
            if reason is not None:
                self._raised(study, replace(record, raised=record.raised + 1, reason=reason))
                return
        if self._inbox.content(study)[0] != record.content:
            return  # more came meanwhile; the timer has it, and these results are not sent
        if not find_outgoing(results)[0]:
            self._write(study, replace(record, state=StudyState.WITHOUT_RESULT))
            self._tell(Told(code="WITHOUT_RESULT", text=f"study {study}: nothing to be sent came of it"))
            return
        record = replace(record, state=StudyState.ANALYSED, reason="")
        self._write(study, record)
        self._tell(Told(code="ANALYSED", text=f"study {study}: analysed"))
        self._prepare_delivery(study, record, retry_refused=False)

    def _make_results(self, study: str, results: Path) -> str | None:
        """Run the analysis; why there are no results, or None where there are."""
        partial = self._inbox.study_folder(study) / "results.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            self._analyse(self._inbox.objects_folder(study), partial)
        except Exception as error:  # noqa: BLE001 - one study must not end the service; its words could name a patient
            return type(error).__name__
        results.parent.mkdir(exist_ok=True)
        partial.replace(results)
        return None

    def _raised(self, study: str, record: StudyRecord) -> None:
        if record.raised >= self._settings.most_raised:
            self._fail(study, record, record.reason)
        else:
            self._write(study, record)
            self._to_analyse.append(study)

    def _fail(self, study: str, record: StudyRecord, reason: str) -> None:
        self._write(study, replace(record, state=StudyState.FAILED, reason=reason))
        self._tell(Told(code="FAILED", text=f"study {study}: the analysis failed ({reason})"))

    def _prepare_delivery(self, study: str, record: StudyRecord, *, retry_refused: bool) -> None:
        self._deliveries(study, record).mkdir(parents=True, exist_ok=True)
        if retry_refused:
            files, _ = find_outgoing(self._results(study, record))
            for name in self._targets:
                uids = [file.sop_instance_uid for file in files]
                self._target_record(study, record, name).forget(Outcome.REFUSED, uids)
        self._to_deliver[study] = set(self._targets)

    def _deliver_due(self) -> bool:
        due = [name for name, target in self._targets.items() if self._clock() >= target.next_s]
        tried = False
        for name in due:
            studies = [study for study, names in self._to_deliver.items() if name in names]
            summaries = [self._deliver_study(study, name) for study in studies]
            tried = tried or bool(summaries)
            self._note_wait(name, summaries)
        return tried

    def _deliver_study(self, study: str, name: str) -> Summary:
        record = self._read(study)
        files, _ = find_outgoing(self._results(study, record))
        outcomes = self._target_record(study, record, name)
        summary = deliver_once(files, self._targets[name].channel, outcomes)
        if summary.is_over:
            self._over(study, record, name, summary)
        return summary

    def _over(self, study: str, record: StudyRecord, name: str, summary: Summary) -> None:
        if summary.refused:
            reason = f"{name} refused {summary.refused} results ({'; '.join(summary.reasons)})"
            record = replace(record, state=StudyState.REFUSED, reason=reason)
            self._write(study, record)
            self._tell(Told(code="REFUSED", text=f"study {study}: {reason}"))
        self._to_deliver[study].discard(name)
        if not self._to_deliver[study]:
            del self._to_deliver[study]
            if not record.reason:
                self._write(study, replace(record, state=StudyState.DELIVERED))
                self._tell(Told(code="DELIVERED", text=f"study {study}: every target has its results"))

    def _note_wait(self, name: str, summaries: Sequence[Summary]) -> None:
        """A target that left something open is left alone for a while, longer each time."""
        target = self._targets[name]
        open_ones = [summary for summary in summaries if not summary.is_over]
        if open_ones:
            target.n_failures += 1
            target.next_s = self._clock() + self._settings.patience.wait_s(target.n_failures)
            reasons = "; ".join(open_ones[0].reasons) or "it cannot be asked what it has"
            self._tell(Told(code="WAITING", text=f"{name}: {reasons}; tried again later"))
        elif summaries:
            target.n_failures = 0

    def _results(self, study: str, record: StudyRecord) -> Path:
        return self._inbox.study_folder(study) / "results" / record.content

    def _deliveries(self, study: str, record: StudyRecord) -> Path:
        return self._inbox.study_folder(study) / "deliveries" / record.content

    def _target_record(self, study: str, record: StudyRecord, name: str) -> Record:
        return Record(self._deliveries(study, record) / f"{hashed(name)}.jsonl")

    def _read(self, study: str) -> StudyRecord:
        path = self._inbox.study_folder(study) / "state.json"
        if not path.exists():
            return StudyRecord()
        values = json.loads(path.read_text(encoding="utf-8"))
        return StudyRecord(**{**values, "state": StudyState(values["state"])})

    def _write(self, study: str, record: StudyRecord) -> None:
        path = self._inbox.study_folder(study) / "state.json"
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(asdict(record)), encoding="utf-8")
        partial.replace(path)
