"""A whole report: sections, sentences, what points back, what is said twice, and the categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from spondyl.domain.level import Level
from spondyl.study.mentions.categories import case_category, per_level
from spondyl.study.mentions.drafts import Draft
from spondyl.study.mentions.language import Language, LanguageError, detect_language, shipped_languages
from spondyl.study.mentions.layout import Sentence, sentences
from spondyl.study.mentions.marks import Line, make_line
from spondyl.study.mentions.model import Age, Mention, ReportMentions, Section, Status, Term
from spondyl.study.mentions.qualities import find_ages, find_severities
from spondyl.study.mentions.segments import Segment
from spondyl.study.mentions.sentence import read_sentence
from spondyl.study.mentions.stated import Before
from spondyl.study.mentions.terms import Found, find_terms, others_denied
from spondyl.study.mentions.text import Words, split

_NOW = frozenset({Section.FINDINGS, Section.IMPRESSION, Section.UNSECTIONED, Section.TECHNIQUE})
_STATED = frozenset({Status.AFFIRMED, Status.PROBABLE})
_DETECTED_WORDS = 2000  # words that tell a report's language
_MOST_COMPARED = 100  # earlier mentions of a kind that a new one is compared with
_STANDING_FOR = Found(start=0, end=0, kind="strong", term=Term.STRONG)  # "no others": a fracture is meant
_LONGEST_POINTER = 14  # words of a sentence that only points back


def read_report(
    text: str, lang: str | None = None, languages: Mapping[str, Language] | None = None
) -> ReportMentions:
    """Read a radiology report.

    lang: the code of its language; None to tell it from the words. languages: those to choose from; the
    shipped ones by default.

    Raises:
        LanguageError: there is no such language.
    """
    known = shipped_languages() if languages is None else languages
    words = split(text)
    language = _language(words, lang, known)
    spelt = replace(words, words=[language.spelling[word] for word in words.words])
    drafts = _read(text, spelt, language)
    mentions = tuple(_mention(draft, text, words) for draft in _settled(drafts))
    levels = per_level(mentions)
    return ReportMentions(
        language=language.code, mentions=mentions, per_level=levels, case=case_category(levels)
    )


def _language(words: Words, lang: str | None, known: Mapping[str, Language]) -> Language:
    if lang is None:
        return detect_language(words.words[:_DETECTED_WORDS], known)
    if lang not in known:
        raise LanguageError(f"language {lang!r} is not known; allowed are {', '.join(sorted(known))}")
    return known[lang]


# ---------------------------------------------------------------------------------- sentences
def _read(text: str, words: Words, language: Language) -> list[Draft]:
    """The mentions of all sentences in order, as drafts."""
    places = {hit.start for hit in language.terms.find(words.words) if hit.kind != "not_terms"}
    if not places:
        return []
    drafts: list[Draft] = []
    last: list[Draft] = []
    reader = _Lines(words, language)
    for sentence in sentences(text, words, language):
        reader.step(sentence)
        found: list[Draft] = []
        if not places.isdisjoint(range(sentence.start, sentence.end)):
            found = read_sentence(reader.line(), reader.before)
            if last and _only_points_back(reader.line(), found):
                _point_back(reader.line(), last)
                found = []
            _correct(reader.line(), drafts)
            drafts.extend(found)
        elif last and sentence.end - sentence.start <= _LONGEST_POINTER:
            found = _more_of(reader, last)
            drafts.extend(found)
        last = found
    return drafts


def _more_of(reader: _Lines, last: list[Draft]) -> list[Draft]:
    """What a sentence without a term tells of the mentions before: "it is old", "that of T10 is severe"."""
    line = reader.line()
    if line.has("proxy") and line.levels:
        earlier = Found(
            start=0,
            end=0,
            kind="strong" if last[-1].term is Term.STRONG else "weak_of_vertebra",
            term=last[-1].term,
        )
        return read_sentence(line, reader.before, earlier)
    if _is_pointer(line):
        _point_back(line, last)
    if others_denied(line) == 0 and any(draft.term is Term.STRONG for draft in last):
        return read_sentence(line, reader.before, _STANDING_FOR, is_implied=True)
    if _only_grades_levels(line) and last[-1].levels and last[-1].term is not Term.OTHER_DIAGNOSIS:
        kind = "strong" if last[-1].term is Term.STRONG else "weak_of_vertebra"
        implied = Found(start=0, end=0, kind=kind, term=last[-1].term)
        return read_sentence(line, reader.before, implied, is_implied=True)
    return []


def _only_grades_levels(line: Line) -> bool:
    """As in "L1 doubtful", behind "fractures: T10 mild, T11 moderate;": only levels and what they are."""
    kinds = ("mild", "moderate", "severe", "uncertain_after", "probable_after", "chronic", "recent")
    graded = {at for kind in kinds for span in line.spans(kind) for at in range(span.start, span.end)}
    levels = {at for group in line.levels for at in range(group.start, group.end)}
    plain = line.language.levels.between_items
    rest = {w for at, w in enumerate(line.words) if at not in graded | levels and w not in plain}
    has_percent = "%" in rest
    return 0 in levels and bool(graded or has_percent) and not any(word.isalpha() for word in rest)


class _Lines:
    """The sentence being read and the one before it, as lines made when asked for."""

    def __init__(self, words: Words, language: Language) -> None:
        self._words, self._language = words, language
        self._sentences: list[Sentence] = []
        self._lines: list[Line | None] = []

    def step(self, sentence: Sentence) -> None:
        """Go on to the next sentence."""
        self._sentences = [*self._sentences[-1:], sentence]
        self._lines = [*self._lines[-1:], None]

    def line(self) -> Line:
        """The sentence being read."""
        return self._line(len(self._lines) - 1)

    def before(self) -> Before:
        """What the sentence before leaves to this one."""
        if len(self._sentences) == 1:
            return Before()
        line = self._line(0)
        levels = tuple(dict.fromkeys(level for group in line.levels for level in group.levels))
        is_spine = bool(levels) or line.has("site_spine") or line.heading == "spine"
        return Before(levels=levels, is_spine=is_spine)

    def _line(self, index: int) -> Line:
        line = self._lines[index]
        if line is None:
            sentence = self._sentences[index]
            places = [at for at in range(sentence.start, sentence.end) if self._words.words[at] != "\n"]
            words = [self._words.words[at] for at in places]
            line = make_line(words, places, sentence.section, sentence.heading, self._language)
            self._lines[index] = line
        return line


def _is_pointer(line: Line) -> bool:
    """As in "It is old.", "Unchanged.": a sentence that only tells more of the one before."""
    return any(span.start == 0 for span in line.spans("anaphor")) and not line.levels and not line.disc_levels


def _only_points_back(line: Line, found: list[Draft]) -> bool:
    """As in "These fractures are old": a mention that adds only age or severity to the one before."""
    if len(found) != 1 or line.section not in _NOW or not _is_pointer(line):
        return False
    pointers = [span for span in line.spans("anaphor") if span.start == 0]
    if not any(span.end > term.start for span in pointers for term in find_terms(line)[:1]):
        return False  # "this is due to an old fracture" names something new
    return found[0].status is Status.AFFIRMED and found[0].term is not Term.OTHER_DIAGNOSIS


def _point_back(line: Line, drafts: list[Draft]) -> None:
    """Give the mentions of the sentence before the age and severity that this one tells."""
    whole = Segment(
        term=Found(start=0, end=1, kind="strong", term=Term.STRONG), start=0, end=len(line.words), levels=()
    )
    ages = find_ages(line, whole)
    severities = find_severities(line, whole, ())
    for draft in drafts:
        if draft.status is Status.HISTORY and line.section in _NOW and _is_seen(line):
            draft.status, draft.age = Status.AFFIRMED, Age.UNSPECIFIED
        if draft.status not in _STATED or draft.term is Term.OTHER_DIAGNOSIS:
            continue
        if ages and draft.age is Age.UNSPECIFIED and not line.has("negation_before", 0, ages[0].start):
            draft.age = Age(ages[0].value)
        if severities and draft.severity is None:
            draft.severity = severities[0].value


def _is_seen(line: Line) -> bool:
    """As in "it is unchanged", behind what another examination showed."""
    return any(line.has(kind) for kind in ("old_change", "now", "chronic")) and not line.has("negation_after")


def _correct(line: Line, drafts: list[Draft]) -> None:
    """As in "Addendum: L1 should read L2": the levels of earlier mentions are put right."""
    if len(line.levels) < len("ab"):
        return
    if not any(hit.kind == "correction" for hit in line.language.terms.find(line.words)):
        return
    wrong, right = _wrong_and_right(line)
    if wrong is None or right is None:
        return
    for draft in drafts:
        if wrong in draft.levels:
            draft.levels = tuple(dict.fromkeys(right if level is wrong else level for level in draft.levels))


def _wrong_and_right(line: Line) -> tuple[Level | None, Level | None]:
    for group in line.levels:
        others = [x for x in line.levels if x is not group]
        if any(0 <= group.start - span.end <= 1 for span in line.spans("wrong_level")):
            return group.levels[0], others[0].levels[0]
        if any(0 <= group.start - span.end <= 1 for span in line.spans("should_read")):
            return others[0].levels[0], group.levels[0]
    return None, None


# ------------------------------------------------------------------------------------ whole report
def _settled(drafts: list[Draft]) -> list[Draft]:
    """As in "No new fracture" settled, repeats left out."""
    _settle_new(drafts)
    kept: list[Draft] = []
    alike: dict[tuple[object, ...], list[Draft]] = {}
    for draft in drafts:
        key = (draft.section, draft.levels, draft.status, draft.term, draft.treated)
        earlier = alike.setdefault(key, [])
        if not any(_says_no_more(draft, one) for one in earlier):
            kept.append(draft)
            if len(earlier) < _MOST_COMPARED:
                earlier.append(draft)
    return kept


def _settle_new(drafts: list[Draft]) -> None:
    """As in "No new fracture" implies an old one where the report names none. Source: guideline, "Status"."""
    named = any(
        x.section in _NOW and x.status in _STATED and x.term is Term.STRONG and not x.negates_new
        for x in drafts
    )
    for draft in drafts:
        if draft.negates_new and draft.status is Status.NEGATED and draft.term is Term.STRONG:
            draft.age = Age.RECENT
            if not named and not draft.levels:
                draft.status, draft.age = Status.AFFIRMED, Age.CHRONIC


def _says_no_more(draft: Draft, earlier: Draft) -> bool:
    """Whether a mention repeats an earlier one of its section, levels and kind, and adds nothing."""
    has_new_age = draft.age is not Age.UNSPECIFIED and draft.age is not earlier.age
    has_new_severity = draft.severity is not None and draft.severity != earlier.severity
    return not has_new_age and not has_new_severity


def _mention(draft: Draft, text: str, words: Words) -> Mention:
    start, end = words.starts[draft.first], words.ends[draft.last]
    return Mention(
        levels=draft.levels, status=draft.status, age=draft.age, severity=draft.severity, term=draft.term,
        treated=draft.treated, section=draft.section, evidence=text[start:end], start=start, end=end,
    )  # fmt: skip
