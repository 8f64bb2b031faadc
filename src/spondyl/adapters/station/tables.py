"""Tables of the reading station. No name, date of birth or hospital number stands in them: keyed hashes do.

Every change of these needs a new file in ``migrations/versions``; a test compares both.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone; SQLite has none, so it is stored in UTC and given back so."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Into the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone; all times of the station have one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Out of it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""


class Account(Base):
    """A person, or a program with keys."""

    __tablename__ = "account"

    account_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)  # to log in with
    pseudonym: Mapped[str] = mapped_column(String(32), unique=True)  # in records: R1, R2, ...
    password_hash: Mapped[str | None] = mapped_column(Text)  # argon2id; none for OIDC, proxy and service
    roles: Mapped[str] = mapped_column(String(200))  # separated by spaces
    is_active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    oidc_subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class WebSession(Base):
    """A browser that is logged in; only the token's hash is kept."""

    __tablename__ = "web_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.account_id"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcTime)


class ApiKey(Base):
    """A program's key; only its hash is kept. Scopes are permissions, separated by spaces."""

    __tablename__ = "api_key"

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.account_id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


class LoginFailure(Base):
    """Failed log-ins by the hash of the address they came from, for the rate limit."""

    __tablename__ = "login_failure"

    failure_id: Mapped[int] = mapped_column(primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime)


class Study(Base):
    """A CT study. ``analysis`` counts how often it was analysed, 0 before the first time."""

    __tablename__ = "study"

    study_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    patient_key: Mapped[str | None] = mapped_column(String(32), index=True)
    accession_key: Mapped[str | None] = mapped_column(String(32), index=True)
    source: Mapped[str] = mapped_column(String(40))  # upload, dicom, api
    study_date: Mapped[str | None] = mapped_column(String(10))
    sex: Mapped[str | None] = mapped_column(String(1))
    age_years: Mapped[int | None]
    received_at: Mapped[datetime] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(16))
    reading_state: Mapped[str] = mapped_column(String(16), default="none")
    analysis: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    finding_state: Mapped[str | None] = mapped_column(String(16))
    score_probability: Mapped[float | None]
    worst_grade: Mapped[int | None]
    levels: Mapped[str] = mapped_column(String(200), default="")
    rank: Mapped[float] = mapped_column(Float, default=0.0)
    report_category: Mapped[str | None] = mapped_column(String(8))
    has_images: Mapped[bool] = mapped_column(default=True)
    has_results: Mapped[bool] = mapped_column(default=False)
    analysed_at: Mapped[datetime | None] = mapped_column(UtcTime)

    __table_args__ = (
        Index("study_by_rank", "rank", "study_id"),
        Index("study_by_received", "received_at"),
        Index("study_by_state", "state"),
        Index("study_by_finding", "finding_state", "rank"),
        Index("study_by_reading", "reading_state", "rank"),
    )


class StudyEvent(Base):
    """A move of a study from one state to another."""

    __tablename__ = "study_event"

    event_id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.study_id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    before: Mapped[str] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(Text, default="")


class Reading(Base):
    """One task on one case: a first reading, a re-reading, an adjudication, an interventional review.

    kind: reading, adjudication, review, review_adjudication. time: 1, or 2 for a reading again. looks: how
    many were answered. level: of the fracture in a review, else empty.
    """

    __tablename__ = "reading"

    reading_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.study_id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.account_id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    time: Mapped[int] = mapped_column(default=1)
    level: Mapped[str] = mapped_column(String(4), default="")
    marks: Mapped[str] = mapped_column(String(20))
    place: Mapped[float] = mapped_column(Float)  # in the reader's list, ascending
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    opens_at: Mapped[datetime] = mapped_column(UtcTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcTime)  # when the look that is due was first shown
    looks: Mapped[int] = mapped_column(default=0)
    is_done: Mapped[bool] = mapped_column(default=False)
    seconds: Mapped[float] = mapped_column(Float, default=0.0)

    __table_args__ = (
        UniqueConstraint("study_id", "account_id", "kind", "time", "level", name="reading_once"),
        Index("reading_list", "account_id", "kind", "is_done", "place"),
    )


class Answer(Base):
    """One record of an answer as cells of its kind (ReadingRecord, InterventionalReview); never changed."""

    __tablename__ = "answer"

    record_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    reading_id: Mapped[str] = mapped_column(ForeignKey("reading.reading_id"), index=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.study_id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))  # reading, review
    number: Mapped[int] = mapped_column(Integer)  # in the order in which they were locked
    cells: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcTime)


class ReportText(Base):
    """A radiology report of a study, as it came, and what it says."""

    __tablename__ = "report_text"

    report_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.study_id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    category: Mapped[str] = mapped_column(String(8))
    levels: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcTime)


class Message(Base):
    """A notification: the same study, rule and analysis give the same key, so that none goes out twice."""

    __tablename__ = "message"

    message_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.study_id"), index=True)
    rule: Mapped[str] = mapped_column(String(60))
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)


class AuditRow(Base):
    """One entry of the audit chain (``worklist.audit``)."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    own_hash: Mapped[str] = mapped_column(String(64))


class Heartbeat(Base):
    """When a worker process last said that it lives; the workflows of a silent one are taken over."""

    __tablename__ = "heartbeat"

    worker_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)


class Setting(Base):
    """A value that the station made for itself and must not lose, such as the key of its hashes."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
