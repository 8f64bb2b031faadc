"""UIDs that follow from what was read and by what: the same again gives the same UIDs."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from pydicom.uid import UID

from spondyl.domain.finding import Manifest
from spondyl.domain.series import SourceImages

# names of our UIDs: any fixed UUID serves, this one is of this project alone
_NAMESPACE = uuid.UUID("5b1f5f0e-2f7c-4c33-9d51-6a0f1c9c7a11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the UIDs of one set of results follow from.

    study_uid: the study read. version: everything that can make another result of it: slices, program,
    settings, networks. The machine and the time are left out, so that a repeated run replaces its
    results instead of adding to them.
    """

    study_uid: str
    version: str

    def uid(self, *words: str) -> UID:
        """UID of one object or series of this set of results."""
        return _uid(self.study_uid, self.version, *words)

    def tracking_uid(self, series_uid: str, level: str) -> UID:
        """UID of one vertebra, the same in every version: what several reports say can be compared."""
        return _uid(self.study_uid, series_uid, "vertebra", level)


def identify(study_uid: str, sources: tuple[SourceImages, ...], manifest: Manifest) -> Identity:
    """The identity of the results of one study."""
    facts = [
        *(uid for source in sources for uid in source.sop_instance_uids),
        manifest.spondyl_version,
        manifest.settings_sha256,
        *(f"{network.name} {network.sha256}" for network in manifest.networks),
    ]
    return Identity(study_uid=study_uid, version=hashlib.sha256("\n".join(facts).encode()).hexdigest())


def _uid(*words: str) -> UID:
    """A UUID-derived UID (PS3.5 B.2)."""
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, chr(0).join(words)).int}")
