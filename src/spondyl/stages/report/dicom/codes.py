"""Every code that our DICOM and FHIR results use: the single source for SNOMED CT, RadElement and our scheme.

SNOMED CT and DCM codes are those of PS3.16 (tables of pydicom 3.0) unless a line says otherwise. Our own
scheme, 99SPONDYL, has codes only for what no public scheme names; a value that is a word of our contract
(a refusal code, a confounder's kind ...) is coded by that word. docs/reference/dicom-objects.md prints
this page; a test compares both.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.sr.coding import Code

from spondyl.domain.level import Level

PRIVATE_SCHEME = "99SPONDYL"
PRIVATE_SCHEME_NAME = "Spondyl private codes"
PRIVATE_SCHEME_VERSION = "1"
PRIVATE_SCHEME_OWNER = "Spondyl"


def private(value: str, meaning: str) -> Code:
    """A code of our own scheme."""
    return Code(value, PRIVATE_SCHEME, meaning[:64])  # 64: the longest meaning DICOM stores (LO)


def private_word(word: str) -> Code:
    """A word of our contract as a code: ``CUT_BY_BORDER``, ``sclerotic_lesion``."""
    return private(word.upper(), word.replace("_", " ").capitalize())


# ----------------------------------------------------------------------------------------- anatomy
VERTEBRA = Code("51282000", "SCT", "Vertebra")
VERTEBRAL_COLUMN = Code("421060004", "SCT", "Vertebral column")
ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")

LEVELS: dict[Level, Code] = {
    level: Code(value, "SCT", f"{level} vertebra")
    for level, value in {
        Level.C1: "14806007",
        Level.C2: "39976000",
        Level.C3: "113205007",
        Level.C4: "5329002",
        Level.C5: "36978003",
        Level.C6: "36054005",
        Level.C7: "87391001",
        Level.T1: "64864005",
        Level.T2: "53733008",
        Level.T3: "1626008",
        Level.T4: "73071006",
        Level.T5: "56401006",
        Level.T6: "45296009",
        Level.T7: "62487009",
        Level.T8: "11068009",
        Level.T9: "82687006",
        Level.T10: "7610001",
        Level.T11: "12989004",
        Level.T12: "23215003",
        Level.L1: "66794005",
        Level.L2: "14293000",
        Level.L3: "36470004",
        Level.L4: "11994002",
        Level.L5: "49668003",
        Level.S1: "65985001",  # not in PS3.16; as TotalSegmentator's mapping has it
    }.items()
}
# numbering variants that no public scheme names
LEVEL_VARIANTS: dict[Level, Code] = {
    Level.T13: private("LEVEL_T13", "Thirteenth thoracic vertebra"),
    Level.L6: private("LEVEL_L6", "Sixth lumbar vertebra"),
}


def level_code(level: Level) -> Code:
    """The code that names a level; T13 and L6 have one of ours."""
    return LEVELS.get(level) or LEVEL_VARIANTS[level]


def site_code(level: Level, *, is_uncertain: bool) -> Code:
    """What may be said of the place without a doubt: the level, or only that it is a vertebra.

    A receiver that reads nothing but the site must not learn a level that we are not sure of, nor a
    variant as if it were the usual one.
    """
    return VERTEBRA if is_uncertain or level not in LEVELS else LEVELS[level]


# -------------------------------------------------------------------------------- what is reported
CT_PROCEDURE = Code("77477000", "SCT", "Computed Tomography")
REPORT_TITLE = Code("126000", "DCM", "Imaging Measurement Report")
COMPRESSION_FRACTURE = Code("42942008", "SCT", "Compression fracture of vertebral column")
FRACTURE_PRESENCE = Code("RDE1471", "RADELEMENT", "Presence of vertebral compression fracture")
GENANT_SCALE = Code("RDE1003", "RADELEMENT", "Genant grading scale for vertebral compression fractures")
PRESENT = Code("52101004", "SCT", "Present")
ABSENT = Code("272519000", "SCT", "Absent")
INDETERMINATE = Code("82334004", "SCT", "Indeterminate")
SEVERITY = Code("246112005", "SCT", "Severity")
SEVERITIES: dict[int, Code] = {
    1: Code("255604002", "SCT", "Mild"),
    2: Code("6736007", "SCT", "Moderate"),
    3: Code("24484000", "SCT", "Severe"),
}
# RadElement's values of RDE1003 could not be confirmed, so the grades are ours
GENANT_GRADES: dict[int, Code] = {
    grade: private(f"GENANT_{grade}", f"Genant grade {grade}") for grade in range(4)
}
SUMMARY = Code("111017", "DCM", "CAD Processing and Findings Summary")
SUMMARY_WITH_FINDINGS = Code("111242", "DCM", "All algorithms succeeded; with findings")
SUMMARY_WITHOUT_FINDINGS = Code("111241", "DCM", "All algorithms succeeded; without findings")
SUMMARY_FAILED = Code("111245", "DCM", "No algorithms succeeded; without findings")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
MEASUREMENT_GROUP = Code("125007", "DCM", "Measurement Group")
TRACKING_IDENTIFIER = Code("112039", "DCM", "Tracking Identifier")
COMMENT = Code("121106", "DCM", "Comment")
CONCLUSION = Code("121077", "DCM", "Conclusion")
OF_INTEREST = Code("113000", "DCM", "Of Interest")
SOURCE = Code("260753009", "SCT", "Source")

# ------------------------------------------------------------------------------------ measurements
MILLIMETRE = Code("mm", "UCUM", "millimeter")
PERCENT = Code("%", "UCUM", "Percent")
NO_UNITS = Code("1", "UCUM", "no units")
HOUNSFIELD = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
STANDARD_DEVIATION = Code("386136009", "SCT", "Standard Deviation")
DERIVATION = Code("121401", "DCM", "Derivation")
MEDIAN = Code("373099004", "SCT", "Median")
ATTENUATION = Code("112031", "DCM", "Attenuation Coefficient")
DEPTH = Code("131197000", "SCT", "Depth")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightCodes:
    """Names of the anterior, middle and posterior value of one kind of height."""

    anterior: Code
    middle: Code
    posterior: Code


HEIGHTS = HeightCodes(
    anterior=private("HEIGHT_ANT", "Anterior vertebral body height"),
    middle=private("HEIGHT_MID", "Middle vertebral body height"),
    posterior=private("HEIGHT_POST", "Posterior vertebral body height"),
)
WINDOW_HEIGHTS = HeightCodes(
    anterior=private("WINDOW_ANT", "Anterior body height averaged over endplate windows"),
    middle=private("WINDOW_MID", "Middle body height averaged over endplate windows"),
    posterior=private("WINDOW_POST", "Posterior body height averaged over endplate windows"),
)
EXPECTED_HEIGHTS = HeightCodes(
    anterior=private("EXPECTED_ANT", "Expected anterior vertebral body height"),
    middle=private("EXPECTED_MID", "Expected middle vertebral body height"),
    posterior=private("EXPECTED_POST", "Expected posterior vertebral body height"),
)
HEIGHT_LOSS = private("HEIGHT_LOSS", "Largest height loss against the expected heights")
FRACTURE_PROBABILITY = private("PROBABILITY_G2", "Probability of a fracture of grade 2 or more")
COUNTED_GRADE = private("COUNTED_GRADE", "Genant grade as the confounders leave it")
CASE_SCORE = private("CASE_SCORE", "Probability that the case has a fracture of grade 2+")
LEVEL_PROBABILITY = private("LEVEL_PROB", "Probability of the level name")

SQUARE_MILLIMETRE = Code("mm2", "UCUM", "square millimeter")
MILLILITRE = Code("ml", "UCUM", "milliliter")
DEGREE = Code("deg", "UCUM", "degree")
# what matters for a treatment, by its name in finding.json: name, unit, factor to the unit
SIGNS: dict[str, tuple[Code, Code, float]] = {
    "superior_depression_mm": (private("DEPRESSION_SUP", "Superior endplate depression"), MILLIMETRE, 1.0),
    "inferior_depression_mm": (private("DEPRESSION_INF", "Inferior endplate depression"), MILLIMETRE, 1.0),
    "retropulsion_mm": (private("RETROPULSION", "Retropulsion of the posterior wall"), MILLIMETRE, 1.0),
    "translation_mm": (private("TRANSLATION", "Translation against the vertebra below"), MILLIMETRE, 1.0),
    "canal_mm": (private("CANAL_DEPTH", "Sagittal depth of the vertebral canal"), MILLIMETRE, 1.0),
    "canal_narrowing_fraction": (private("CANAL_NARROWING", "Narrowing of the canal"), PERCENT, 100.0),
    "cortex_gap_mm2": (private("CORTEX_GAP", "Gap in the cortex"), SQUARE_MILLIMETRE, 1.0),
    "cleft_ml": (private("CLEFT", "Cleft within the body"), MILLILITRE, 1.0),
    "compaction_hu": (private("COMPACTION", "Band of compacted bone"), HOUNSFIELD, 1.0),
    "kyphosis_deg": (private("KYPHOSIS", "Kyphosis across the vertebra"), DEGREE, 1.0),
    "own_wedge_deg": (private("OWN_WEDGE", "Angle between the endplates"), DEGREE, 1.0),
}

# --------------------------------------------------------------------------- our own questions
SIGN = private("SIGN", "Sign seen on the vertebra")
SINS_LOW = private("SINS_LOW", "Instability score from CT alone, without pain")
SINS_HIGH = private("SINS_HIGH", "Instability score from CT with the most pain")
BONE_ATTENUATION = private("BONE_HU", "Trabecular attenuation of the study")
CASE_STATE = private("CASE_STATE", "State of the case")
REASON = private("REASON", "Reason of the state")
SHAPE = private("SHAPE", "Shape of the vertebral body")
EVALUATION = private("EVALUATION", "Evaluation of the vertebra")
EVALUATED = private("EVALUATED", "Measured and graded")
VIEW = private("VIEW", "Part of the vertebra within the scan")
LEVEL_CERTAINTY = private("LEVEL_CERTAINTY", "Certainty of the level name")
LEVEL_CERTAIN = private("LEVEL_CERTAIN", "Level name is certain")
LEVEL_UNCERTAIN = private("LEVEL_UNCERTAIN", "Level name is uncertain")
PRESUMED_LEVEL = private("PRESUMED_LEVEL", "Presumed level")
CONFOUNDER = private("CONFOUNDER", "Confounder")
CONFOUNDER_EFFECT = private("CONFOUND_EFFECT", "Effect of the confounder on the grade")
FINDING_JSON = private("FINDING_JSON", "The whole finding as JSON")
FINDING_SHA256 = private("FINDING_SHA256", "SHA-256 of finding.json")
