"""Everything that can be set, in one typed tree: from a TOML file and from the environment.

``SPONDYL_ENGINE=onnxruntime``, ``SPONDYL_STAGES__GRADE__...=...``; in the file the same names as tables.
The environment stands over the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from spondyl.domain.network import Engine
from spondyl.domain.segmenter import SegmenterSettings
from spondyl.pipeline import StageSettings
from spondyl.stages.report import DicomSettings

MOST_THREADS_BY_DEFAULT = 8  # patches are small: more threads wait for one another


class SettingsError(Exception):
    """A setting that is not known, or a value that is not allowed."""


def available_threads() -> int:
    """Cores that this process may use, at most MOST_THREADS_BY_DEFAULT."""
    # macOS and Windows cannot tell which cores a process may use
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MOST_THREADS_BY_DEFAULT)


class Settings(BaseSettings):
    """The settings of one run.

    engine: which inference engine runs the networks.
    threads: how many threads the engine may use.
    weights_folder: where the networks and their weights.json lie; None for the shipped ones.
    stages: the settings of every stage; besides engine and weights only these change a result.
    dicom: which DICOM objects are written.
    segmenter: a segmenter from outside in place of the networks.
    """

    engine: Engine = Engine.AUTO
    threads: int = Field(default_factory=available_threads, ge=1, le=256)
    weights_folder: Path | None = None
    stages: StageSettings = Field(default_factory=StageSettings)
    dicom: DicomSettings = Field(default_factory=DicomSettings)
    segmenter: SegmenterSettings = Field(default_factory=SegmenterSettings)

    model_config = SettingsConfigDict(
        env_prefix="SPONDYL_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )


def load(
    path: Path | None = None,
    *,
    engine: Engine | str | None = None,
    threads: int | None = None,
    weights_folder: Path | None = None,
) -> Settings:
    """Read the settings: what is given stands over the environment, and that over the TOML file.

    A value of None counts as not given. The file may also hold only some of a stage's settings.

    Raises:
        SettingsError: no such file, no TOML, an unknown name, a value that is not allowed.
    """
    try:
        values: dict[str, Any] = {} if path is None else tomllib.loads(path.read_text(encoding="utf-8"))
        given: dict[str, Any] = {"engine": engine, "threads": threads, "weights_folder": weights_folder}
        return _from_file(values)(**{name: value for name, value in given.items() if value is not None})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"setting {name}: {first['msg']}, got {first['input']!r}") from error


def _from_file(values: dict[str, Any]) -> type[Settings]:
    """Settings whose last source is a file's values; no .env file and no secrets' folder are looked for."""

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    return FromFile


def settings_sha256(stages: StageSettings) -> str:
    """Fingerprint of what can change a result: the stages' settings, as canonical JSON."""
    values = TypeAdapter(StageSettings).dump_python(stages, mode="json")
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
