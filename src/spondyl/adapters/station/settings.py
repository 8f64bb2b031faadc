"""Everything of the reading station that can be set: a TOML file, with the environment over it.

``SPONDYL_STATION_PORT=8080``, ``SPONDYL_STATION_DATABASE=postgresql://…``; secrets may lie in files, whose
paths are set instead. docs/reference/station-settings.md is written from this.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from spondyl.study.records import Marks
from spondyl.worklist.notifying import Rule
from spondyl.worklist.roles import Role

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class StationSettingsError(Exception):
    """A setting that is not known, or a value that is not allowed."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MailSettings(_Table):
    """The server that takes the station's mail."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    sender: str = Field(min_length=3)
    starttls: bool = True
    user: str | None = None
    password_file: Path | None = None


class OidcSettings(_Table):
    """Log-in by the hospital's own provider (OpenID Connect, with discovery).

    groups_claim: the claim that lists a person's groups; role_of_group: which of them give which role.
    """

    issuer: str = Field(pattern=r"^https?://")
    client_id: str = Field(min_length=1)
    client_secret_file: Path
    groups_claim: str = "groups"
    role_of_group: dict[str, Role] = Field(min_length=1)


class ProxySettings(_Table):
    """A proxy that logs people in and names them in a header. Only listed addresses are believed."""

    addresses: tuple[str, ...] = Field(min_length=1)
    user_header: str = "X-Remote-User"


class DicomSettings(_Table):
    """The DICOM node: who may send, and where results go.

    known_callers: AE titles that may send; empty: any. destination: where results go; None: nowhere.
    """

    ae_title: str = Field(default="SPONDYL", min_length=1, max_length=16)
    host: str = "127.0.0.1"
    port: int = Field(default=11112, ge=0, le=65535)
    known_callers: tuple[str, ...] = ()
    quiet_s: float = Field(
        default=20.0, ge=0.1, le=3600.0, description="silence after which a study is whole"
    )
    destination_host: str | None = None
    destination_port: int = Field(default=104, ge=1, le=65535)
    destination_ae_title: str = Field(default="ARCHIVE", min_length=1, max_length=16)


class RetentionSettings(_Table):
    """Days after which files are removed; none: never."""

    images_days: int | None = Field(default=None, ge=1)
    results_days: int | None = Field(default=None, ge=1)


class StationSettings(BaseSettings):
    """The settings of one station; every process of it has the same."""

    folder: Path = Field(
        default=Path("station"), description="images, results and, with SQLite, the database"
    )
    database: str | None = Field(default=None, description="URL of the database; none: SQLite in the folder")
    host: str = Field(default="127.0.0.1", description="address that the web pages listen on")
    port: int = Field(default=8080, ge=0, le=65535)
    root_path: str = Field(default="", description="path under which a proxy serves the station")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="host names that browsers may use; none: the address listened on"
    )
    secure_cookies: bool | None = Field(
        default=None, description="cookies only over HTTPS; none: unless the address is this machine's own"
    )
    idle_minutes: int = Field(
        default=60, ge=1, le=1440, description="a browser is logged out after this silence"
    )
    session_hours: int = Field(default=12, ge=1, le=168, description="and after this time in any case")
    most_failures: int = Field(
        default=5, ge=1, le=100, description="wrong passwords until an account is locked"
    )
    lock_minutes: int = Field(default=15, ge=1, le=1440, description="for how long")
    most_failures_per_address: int = Field(default=30, ge=1, le=10000, description="in the same time")
    most_upload_mib: int = Field(default=4096, ge=1, le=65536)
    protocol: Path | None = Field(default=None, description="protocol of the reading study; none: mniai2025")
    marks: Marks | None = Field(
        default=None, description="when readers see the software's marks; none: as the protocol says"
    )
    negative_fraction: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="share of unflagged studies mixed into the lists as they come",
    )
    washout_days: int = Field(default=14, ge=0, le=365, description="until a case is read again")
    analysis_attempts: int = Field(default=3, ge=1, le=10)
    workers: int = Field(
        default=1, ge=0, le=64, description="analyses at once in this process; 0: pages only"
    )
    rules: tuple[Rule, ...] = Field(default=(), description="who is told of which study")
    public_url: str = Field(default="", description="the station's address as it stands in messages")
    mail: MailSettings | None = None
    oidc: OidcSettings | None = None
    proxy: ProxySettings | None = None
    dicom: DicomSettings | None = None
    retention: RetentionSettings = Field(default_factory=RetentionSettings)

    model_config = SettingsConfigDict(
        env_prefix="SPONDYL_STATION_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    @field_validator("root_path")
    @classmethod
    def _begins_with_a_slash(cls, value: str) -> str:
        if value and (not value.startswith("/") or value.endswith("/")):
            raise ValueError("a path that begins with / and does not end with it, such as /spondyl")
        return value

    @property
    def cookies_are_secure(self) -> bool:
        """Whether cookies are sent over HTTPS only."""
        return self.host not in LOOPBACK if self.secure_cookies is None else self.secure_cookies


def load_station(
    path: Path | None = None,
    **given: Any,  # noqa: ANN401 - each setting has its own type
) -> StationSettings:
    """Read the settings; what is given (and not None) stands over the environment, and that over the file.

    Raises:
        StationSettingsError: no such file, no TOML, an unknown name, a value that is not allowed.
    """
    try:
        values: dict[str, Any] = {} if path is None else tomllib.loads(path.read_text(encoding="utf-8"))
        return _from_file(values)(**{name: value for name, value in given.items() if value is not None})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StationSettingsError(f"the settings file {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise StationSettingsError(f"station setting {name}: {first['msg']}") from error


def _from_file(values: dict[str, Any]) -> type[StationSettings]:
    """Settings whose last source is a file's values; no .env file and no secrets' folder are looked for."""

    class FromFile(StationSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as the base class names it
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=values)

    return FromFile
