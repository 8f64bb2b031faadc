"""The JSON Schema of finding.json: generated from the domain type, published, and checked against.

A test compares the published files with the type; ``publish_schema`` writes them anew.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import jsonschema

from spondyl.domain.finding import SCHEMA, StudyFinding

SCHEMA_FILE_NAME = "finding.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def generate_schema() -> str:
    """The schema as text, ending with a newline.

    What the type leaves open because it has a default is nevertheless always written, so that it is
    required of a file that calls itself ``spondyl.finding/1``.
    """
    schema = StudyFinding.model_json_schema()
    schema["required"] = list(schema["properties"])
    head = {"$schema": _DIALECT, "$id": f"urn:spondyl:schema:{SCHEMA.replace('/', ':')}"}
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"


@cache
def _validator() -> jsonschema.Draft202012Validator:
    text = resources.files(__package__).joinpath(SCHEMA_FILE_NAME).read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def validate(document: object) -> None:
    """Check a parsed finding.json against the shipped schema.

    Raises:
        ValueError: with the place and the cause of the first violation.
    """
    error = jsonschema.exceptions.best_match(_validator().iter_errors(document))
    if error is not None:
        raise ValueError(f"finding.json breaks its schema at {error.json_path}: {error.message}")
