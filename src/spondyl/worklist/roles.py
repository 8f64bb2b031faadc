"""Who may do what: roles, and what each allows. Deny is the default; nothing is inherited."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """What a person or a program is to the station; one account may have several."""

    READER = "reader"
    ADJUDICATOR = "adjudicator"
    INTERVENTIONAL = "interventional"
    COORDINATOR = "coordinator"
    ADMIN = "admin"
    SERVICE = "service"


class Permission(StrEnum):
    """One thing that may be done. An API key's scopes are the same words."""

    READ = "read"  # answer one's own readings
    ADJUDICATE = "adjudicate"  # decide where two readers differ
    INTERVENE = "intervene"  # answer the interventional form, and adjudicate it
    SEE_STUDIES = "studies"  # the worklist with what the software found
    UPLOAD = "upload"  # bring studies
    REPORT_TEXT = "reports"  # bring report texts
    COORDINATE = "coordinate"  # progress, agreement, drawing of negatives, re-analysis
    EXPORT = "export"  # take the study records out
    ADMINISTER = "administer"  # accounts, keys, audit


ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.READER: frozenset({Permission.READ}),
    Role.ADJUDICATOR: frozenset({Permission.ADJUDICATE}),
    Role.INTERVENTIONAL: frozenset({Permission.INTERVENE}),
    Role.COORDINATOR: frozenset(
        {
            Permission.SEE_STUDIES,
            Permission.UPLOAD,
            Permission.REPORT_TEXT,
            Permission.COORDINATE,
            Permission.EXPORT,
        }
    ),
    Role.ADMIN: frozenset({Permission.SEE_STUDIES, Permission.ADMINISTER}),
    Role.SERVICE: frozenset({Permission.SEE_STUDIES, Permission.UPLOAD, Permission.REPORT_TEXT}),
}


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """All that these roles allow together."""
    return frozenset().union(*(ALLOWED[role] for role in roles))


def conflicts(roles: Iterable[Role]) -> tuple[str, ...]:
    """Combinations that would break the blinding, as sentences; empty where there is none.

    A reader who may see the worklist sees what the software found, and an adjudicator who read the case
    decides about himself.
    """
    held = set(roles)
    found = []
    if Role.READER in held and held & {Role.COORDINATOR, Role.ADMIN, Role.SERVICE}:
        found.append("a reader may not also be coordinator, admin or service: these see what is hidden")
    if Role.READER in held and Role.ADJUDICATOR in held:
        found.append("a reader may not also be adjudicator: he would decide about his own reading")
    return tuple(found)
