"""Telling of flagged studies: by webhook and by mail, to those whom the rules name, each once."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from typing import TypeAlias

import httpx2
from sqlalchemy import select
from sqlalchemy.orm import Session

from spondyl.adapters.station import audit, studies
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Message, Study
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS
from spondyl.study.mentions import Category
from spondyl.worklist.notifying import Channel, Rule, message_id
from spondyl.worklist.states import StudyState

_TIMEOUT_S = 20.0
Post: TypeAlias = Callable[[Rule, dict[str, object]], None]


class NotToldError(OSError):
    """A message could not be sent now; it stays waiting and is tried again."""


def plan_messages(session: Session, station: Station, study: Study) -> None:
    """Write down the messages that the rules ask for; those written before are not written again."""
    category = None if study.report_category is None else Category(study.report_category)
    for rule in station.settings.rules:
        if not rule.holds(studies.suspicion_kept(study), category):
            continue
        key = message_id(study.study_id, rule.name, study.analysis)
        if session.get(Message, key) is None:
            session.add(Message(message_id=key, study_id=study.study_id, rule=rule.name))
    session.flush()


def plan_after_report(session: Session, station: Station, study: Study) -> None:
    """Ask the rules anew of a study that is through already: reports come days after the CT."""
    if study.state not in (StudyState.SENT, StudyState.NOTIFIED):
        return
    plan_messages(session, station, study)
    waits = session.scalars(
        select(Message).where(Message.study_id == study.study_id, Message.sent_at.is_(None)).limit(1)
    ).first()
    if waits is not None and study.state == StudyState.NOTIFIED:
        studies.move(session, station, study, StudyState.SENT, "station", "a report came")


def send_messages(station: Station, study_id: str, post: Post) -> None:
    """Send what waits for this study.

    A message is noted as sent after it was sent: where the process dies between the two it goes out twice,
    with the same id, by which a receiver knows it.

    Raises:
        NotToldError: one could not be sent; the others were.
    """
    with station.database.reading() as session:
        study = session.get(Study, study_id)
        waiting = session.scalars(
            select(Message).where(Message.study_id == study_id, Message.sent_at.is_(None))
        ).all()
    rules = {rule.name: rule for rule in station.settings.rules}
    problems = []
    for message in waiting:
        rule = rules.get(message.rule)
        if rule is not None and study is not None:
            try:
                post(rule, content_of(station, study, message))
            except (httpx2.HTTPError, smtplib.SMTPException, OSError) as error:
                problems.append(f"{rule.name}: {type(error).__name__}")
                continue
        with station.database.writing() as session:
            kept = session.get(Message, message.message_id)
            if kept is not None and kept.sent_at is None:
                kept.sent_at = station.clock()
                audit.record(session, station.clock(), "station", "message.sent", study_id, rule=message.rule)
    if problems:
        raise NotToldError("; ".join(problems))


def content_of(station: Station, study: Study, message: Message) -> dict[str, object]:
    """What is told: nothing that names a patient."""
    return {
        "message_id": message.message_id,
        "rule": message.rule,
        "study_id": study.study_id,
        "state": study.finding_state,
        "worst_grade": study.worst_grade,
        "levels": study.levels.split(),
        "report_category": study.report_category,
        "address": f"{station.settings.public_url}/studies/{study.study_id}"
        if station.settings.public_url
        else None,
        "notice": NOT_FOR_DIAGNOSIS,
    }


def poster(station: Station) -> Post:
    """The real way out: HTTP POST and SMTP."""

    def post(rule: Rule, content: dict[str, object]) -> None:
        if rule.channel is Channel.WEBHOOK:
            httpx2.post(rule.target, json=content, timeout=_TIMEOUT_S).raise_for_status()
        else:
            _mail(station, rule, content)

    return post


def _mail(station: Station, rule: Rule, content: dict[str, object]) -> None:
    mail = station.settings.mail
    if mail is None:
        raise NotToldError("no mail server is set")
    letter = EmailMessage()
    letter["From"], letter["To"] = mail.sender, rule.target
    letter["Subject"] = f"Spondyl: study {str(content['study_id'])[:8]} flagged ({rule.name})"
    letter["Message-ID"] = f"<{content['message_id']}@spondyl>"
    letter.set_content(f"{NOT_FOR_DIAGNOSIS}\n\n{json.dumps(content, indent=1)}\n")
    with smtplib.SMTP(mail.host, mail.port, timeout=_TIMEOUT_S) as server:
        if mail.starttls:
            server.starttls()
        if mail.user and mail.password_file:
            server.login(mail.user, mail.password_file.read_text(encoding="utf-8").strip())
        server.send_message(letter)
