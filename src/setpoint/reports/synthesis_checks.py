"""Whether what a model says of a report may be shown: every sentence is held against the report. Pure.

The model has read what other people wrote, and may have taken orders from it. So nothing of its text is believed:
what it cites must be there, its numbers must be those of what it cites, and whatever it cannot know it must not say.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from setpoint.datasets.evidence import NamelessEvidence
from setpoint.datasets.redaction import Known, Redactor
from setpoint.reports.citations import TREND, Document, is_pattern, pattern_citation, targets
from setpoint.reports.presentation import listed
from setpoint.reports.stated_numbers import Shown, invented
from setpoint.reports.synthesis_findings import NO_CHOICE, told
from setpoint.reports.synthesis_material import FRAME, material, texts_of
from setpoint.reports.synthesis_rules import Claim, Recommendation, SynthesisAnswer

MAX_COMPLAINTS: Final = 20
_COPIED_WORDS: Final = 7
_QUOTED_WORDS: Final = 3

_NO_CHOICE: Final = frozenset(map(pattern_citation, NO_CHOICE))
_KINDS: Final = {"pattern": "pattern", "anti_pattern": "anti-pattern"}

_redactor = Redactor()

_SENTENCE = re.compile(r"(?<=[.!?;:])\s+")
_MARKUP = re.compile(r"[<>{}`|\\\n\r\t]|\]\(")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]+)[\"”“»]|‘([^‘’]{8,})’")
_CALENDAR: Final = frozenset(
    {
        *("i", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        *("january", "february", "march", "april", "may", "june"),
        *("july", "august", "september", "october", "november", "december"),
    }
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

# Who books more is for the report to say. These find a sentence that says it in the model's words.
_AI = re.compile(
    r"\b(?:ai|a\.i\.|artificial intelligence|bots?|machines?|automation|automated|auto-?sent|assistant)\b",
    re.IGNORECASE,
)
_SETTER = re.compile(
    r"\b(?:setters?|humans?|people|persons?|reps?|salespeople|staff|team|manual(?:ly)?)\b", re.IGNORECASE
)
_BOTH = re.compile(
    r"\b(?:both |either )?(?:for |by |of |from |between |to )?(?:ai|setters?)(?:'s?)?,? (?:and|or)"
    r"(?: for| by| of| from| to)?(?: the)? (?:ai|setters?)(?:'s?)?\b(?: alike)?",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:more|fewer|less|most|least|better|worse|best|worst|higher|lower|faster|quicker|sooner|slower|stronger|weaker"
    r"|superior|inferior|than|ahead|behind|outperform\w*|out-?book\w*|out-?do\w*|beat(?:s|en|ing)?"
    r"|win(?:s|ner|ners|ning)?"
    r"|won|exceed\w*|surpass\w*|prefer\w*|advantage|edge|gap|instead|rather|replac\w+|losing|loses?|lost|trail\w*"
    r"|fall\w* short)\b",
    re.IGNORECASE,
)
_WON = re.compile(
    r"\b(?:outperform\w*|out-?book\w*|beat(?:s|en|ing)?|win(?:s|ner|ners|ning)?|won|ahead|behind|superior|inferior"
    r"|better|best|worse|worst|stronger|weaker|loses?|losing|trail\w*|replac\w+"
    r"|(?:more|most|fewer|higher|lower|highest|lowest)\b.{0,24}\b"
    r"(?:meetings?|bookings?|rates?|leads|effective|successful)"
    r"|book\w*(?: \w+){0,2} (?:more|most|fewer|less)"
    r"|(?:route|give|hand|assign|move|shift|switch|leave|send) (?:\w+ ){0,4}(?:leads|everything|conversations)\b"
    r"|(?:rely|depend|trust) (?:\w+ )?(?:on|in)?|waste\w*|way to go|handle (?:all|everything)"
    r"|(?:stop|quit|drop|fire|lay off|get rid of|do without|no more) (?:using |having )?(?:the )?(?:\w+ )?"
    r"(?:ai|setters?|humans?|people|reps?|team|staff))\b",
    re.IGNORECASE,
)
_OF_MESSAGES = re.compile(
    r"\b(?:messages?|emails?|texts?|notes?|drafts?|those|ones) (?:that|which|with|without|when)\b", re.I
)

# That messages of a kind book more or fewer is for a told contrast to say.
_BOOKING = r"(?:book\w*|meetings?|rates?|results?|credited)"
_UP, _DOWN = r"(?:more|higher|better|best|most|stronger)", r"(?:fewer|less|lower|worse|worst|least|weaker)"
_WORDS = r"(?: [\w.,%+-]+)"
_CLAIMS_MORE = re.compile(
    rf"\b{_BOOKING}\b{_WORDS}{{0,5}} {_UP}\b|\b{_UP}{_WORDS}{{0,2}} {_BOOKING}\b"
    rf"|\b(?:increas|improv|rais|lift|boost|help)\w*\b{_WORDS}{{0,4}} {_BOOKING}\b|\bpa(?:y|ys|id) off\b"
    r"|\b(?:do|does|did|work|perform)\w* (?:\w+ )?(?:well|better|best)\b",
    re.IGNORECASE,
)
_CLAIMS_LESS = re.compile(
    rf"\b{_BOOKING}\b{_WORDS}{{0,5}} {_DOWN}\b|\b{_DOWN}{_WORDS}{{0,2}} {_BOOKING}\b"
    rf"|\b(?:reduc|decreas|lower|hurt|harm|cost)\w*\b{_WORDS}{{0,4}} {_BOOKING}\b|\bbackfir\w+"
    r"|\b(?:do|does|did|work|perform)\w* (?:\w+ )?(?:badly|poorly|worse|worst)\b",
    re.IGNORECASE,
)
# Before such a claim they turn it around: "messages without times book less" is about those that offer times.
_TURNED = re.compile(
    r"\b(?:without|not|no|don't|doesn't|lack\w*|other|others|rest|avoid\w*|fewer|less|drop\w*|leav\w+ out)\b",
    re.IGNORECASE,
)
_RISES = re.compile(r"\b(?:ris\w+|rose|grow\w*|grew|improv\w+|increas\w+|climb\w*|better)\b", re.IGNORECASE)
_FALLS = re.compile(r"\b(?:fall\w*|fell|declin\w+|decreas\w+|drop\w*|shr[iau]nk\w*|worse\w*)\b", re.IGNORECASE)
_AVOIDS = re.compile(
    r"\b(?:fewer|less|avoid\w*|stop\w*|without|drop\w*|remov\w+|cut|reduc\w+|leav\w+|skip\w*|hold\w*"
    r"|no longer|not|don't|instead|rather|limit\w*|shorten\w*|replac\w+|only)\b",
    re.IGNORECASE,
)

_STARTS_TO_AVOID = re.compile(r"(?:avoid|stop|(?:send|write|use) (?:fewer|less)|drop|remove|cut)\b", re.IGNORECASE)
_TURNED_IN_TITLE = re.compile(r"\b(?:without|no|not|lack\w*)\b", re.IGNORECASE)

_PROMISES = re.compile(
    r"\b(?:guarantee\w*|prove[sdn]?|proving|ensures?|definitely|certainly|undoubtedly|without (?:a |any )?doubt"
    r"|always|caus(?:es?|ed|ing)|(?:will|would) (?:\w+ )?(?:book|increase|raise|improve|lift|boost|win|bring|get|lead"
    r"|cause|make|result|help|drive))\b",
    re.IGNORECASE,
)
# What no advice about messages is about, and what an order hidden in a message would be.
_OFF_LIMITS = re.compile(
    r"\b(?:wir(?:e|ing) (?:\w+ )?(?:money|funds|transfer)|(?:transfer|send|pay) (?:\w+ )?(?:money|funds)"
    r"|wire transfer|bank (?:account|details)|account (?:number|details)|routing number|gift cards?|bitcoins?"
    r"|crypto\w*|passwords?|passcodes?|credentials?|api keys?|secret keys?|log ?in (?:to|at|here)"
    r"|click (?:here|on|the)|download\w*|install\w*"
    r"|(?:ignore|disregard|override|forget|bypass) (?:\w+ ){0,2}(?:instructions?|rules?|previous|prior|above|earlier"
    r"|checks?|gates?|approvals?|everything)|ignore all|system prompt|kill switch\w*|opt(?:ed)?[- ]?outs?"
    r"|(?:disabl|turn|switch|skip|remov|without)\w* (?:\w+ ){0,3}(?:review|approval|checks?|gates?|oversight)"
    r"|(?:send|share|export|forward|copy) (?:\w+ ){0,3}(?:list of leads|lead list|contacts|data|database)|dot com"
    r"|reply stop|unsubscrib\w*|as an ai|language model|jailbreak\w*|admin(?:istrator)? (?:rights|access))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer is held against. `shown` has what each citation shows, `frame` what every sentence may name."""

    citations: frozenset[str]
    kinds: Mapping[str, str]
    frame: Shown
    shown: Mapping[str, Shown]
    others_words: Sequence[str]
    direction: str

    @property
    def everything(self) -> Iterable[Shown]:
        """The frame and what every citation shows."""
        return (self.frame, *self.shown.values())

    @classmethod
    def of(cls, document: Document, evidence: Sequence[NamelessEvidence]) -> "Ground":
        """Of a report, and of the messages that the model is shown."""
        shown = {citation: Shown.of(texts_of(part)) for citation, part in material(document).items()}
        return cls(
            citations=frozenset(targets(document, evidence)),
            kinds={pattern_citation(found["key"]): found["kind"] for found in told(document)},
            frame=shown.pop(FRAME),
            shown=shown,
            direction=(document.get(TREND) or {}).get("direction", "none"),
            others_words=[_words(text) for one in evidence for text in (one.subject, one.snippet) if text],
        )

    def shown_by(self, citations: Iterable[str]) -> Shown:
        """What these citations show together, and the frame."""
        found = self.frame
        for citation in dict.fromkeys(citations):
            if citation in self.shown:
                found |= self.shown[citation]
        return found


def complaints(answer: SynthesisAnswer, ground: Ground) -> list[str]:
    """What is wrong with an answer, as sentences for the model that gave it; empty where it may be shown."""
    found: list[str] = []
    lists = {"summary": answer.summary, "patterns": answer.patterns, "anti_patterns": answer.anti_patterns}
    for name, claims in lists.items():
        for n, claim in enumerate(claims, 1):
            found += (f"{name} {n}: {fault}" for fault in _of_claim(name, claim, ground))
    for n, recommendation in enumerate(answer.recommendations, 1):
        found += (f"recommendation {n}: {fault}" for fault in _of_recommendation(recommendation, ground))
    everything = ground.shown_by(ground.shown)
    for n, caveat in enumerate(answer.caveats, 1):
        found += (f"caveat {n}: {fault}" for fault in _of_text(caveat, everything, ground))
    found += (f"confidence_reason: {fault}" for fault in _of_text(answer.confidence_reason, everything, ground))
    return list(dict.fromkeys(found))[:MAX_COMPLAINTS]


def _of_claim(name: str, claim: Claim, ground: Ground) -> Iterator[str]:
    yield from _of_citations(claim.citations, ground)
    wanted = {"patterns": "pattern", "anti_patterns": "anti_pattern"}.get(name)
    cited = [citation for citation in claim.citations if is_pattern(citation)]
    kinds = {ground.kinds[citation] for citation in cited if citation in ground.kinds}
    if wanted and (not cited or any(ground.kinds.get(citation) != wanted for citation in cited)):
        yield f"cite contrasts of the kind {_KINDS[wanted]} here, at least one, and no others."
    if len(kinds) == 1 and _says_the_opposite(claim.text, *kinds):
        yield "the text says the opposite of the contrast that it cites."
    yield from _of_text(claim.text, ground.shown_by(claim.citations), ground)
    yield from _untold_trend(claim.text, claim.citations, ground)
    if not _is_told(claim.citations, ground):
        yield from _unsupported(claim.text)


def _of_recommendation(recommendation: Recommendation, ground: Ground) -> Iterator[str]:
    yield from _of_citations(recommendation.citations, ground)
    shown = ground.shown_by(recommendation.citations)
    texts = (recommendation.title, recommendation.action, recommendation.reason)
    for text in texts:
        yield from _of_text(text, shown, ground)
        yield from _untold_trend(text, recommendation.citations, ground)
        if not _is_told(recommendation.citations, ground):
            yield from _unsupported(text)
    kinds = {ground.kinds[citation] for citation in recommendation.citations if citation in ground.kinds}
    title = recommendation.title
    contrasts = set(filter(is_pattern, recommendation.citations))
    if contrasts and contrasts <= _NO_CHOICE:
        yield "nobody chooses what it rests on by how a message is written: cite another contrast, or leave it out."
    if kinds == {"anti_pattern"} and not _AVOIDS.search(title):
        yield "it rests on an anti-pattern alone, and its title does not say to do less of it."
    if kinds == {"pattern"} and _STARTS_TO_AVOID.match(title) and not _TURNED_IN_TITLE.search(title):
        yield "it rests on a pattern alone, and says to do less of it."
    if len(kinds) == 1 and _says_the_opposite(recommendation.reason, *kinds):
        yield "its reason says the opposite of the contrast that it cites."


def _of_citations(citations: Sequence[str], ground: Ground) -> Iterator[str]:
    for citation in citations:
        if citation not in ground.citations:
            yield f"there is no citation {citation!r}: use those of the list, spelled as they are."
    if all(citation.startswith("evidence:") for citation in citations):
        yield "cite a part of the report, not messages alone."


def _of_text(text: str, shown: Shown, ground: Ground) -> Iterator[str]:
    numbers = invented(text, shown)
    if numbers:
        yield (
            f"{_named(numbers)} not shown by what it cites: write numbers as they are shown there, cite where they"
            " are from, or leave them out."
        )
    if any(map(_is_contest, _SENTENCE.split(text))):
        yield "do not say whether AI or setters do better or who should get leads: the report itself says that."
    if promise := _PROMISES.search(text):
        yield f"{promise[0]!r} promises more than the report shows."
    if off_limits := _OFF_LIMITS.search(text):
        yield f"{off_limits[0]!r} has no place in advice about messages."
    if _MARKUP.search(text):
        yield "write plain sentences, without markup and line breaks."
    if _redactor.redact(text, Known(), limit=None).text != text:
        yield "leave out addresses, links, phone numbers, account numbers and invisible characters."
    yield from _borrowed(text, shown, ground)
    if names := _names(text, ground):
        yield f"leave out {listed(names)}: names from messages are nobody's but theirs."


def _names(text: str, ground: Ground) -> list[str]:
    """Words with a capital within a sentence that messages have and the report has not.

    Redaction knows the lead's own names and the team's. Whom else a message names is found by nothing but this.
    """
    held = dict.fromkeys(
        match[0]
        for sentence in _SENTENCE.split(text)
        for match in _WORD.finditer(sentence.replace("’", "'"))
        if match.start() and match[0][0].isupper() and match[0].casefold() not in _CALENDAR
    )
    return [
        name
        for name in held
        if any(f" {name.casefold()} " in f" {other} " for other in ground.others_words)
        and not any(re.search(rf"\b{re.escape(name.casefold())}\b", part.words) for part in ground.everything)
    ]


def _borrowed(text: str, shown: Shown, ground: Ground) -> Iterator[str]:
    """Words of other people: a quotation must be one, and no message is told at length, as every member reads it."""
    for match in _QUOTED.finditer(text):
        quoted = _words(match[1] or match[2])
        known = any(quoted in words for words in ground.others_words) or quoted in _words(shown.words)
        if quoted.count(" ") + 1 >= _QUOTED_WORDS and not known:
            yield f"{match[0]} is no quotation from the evidence."
    words = _words(text).split()
    for place in range(len(words) - _COPIED_WORDS + 1):
        stretch = f" {' '.join(words[place : place + _COPIED_WORDS])} "
        if any(stretch in f" {other} " for other in ground.others_words):
            yield "do not repeat messages of the evidence: say in your own words what they have in common."
            return


def _unsupported(text: str) -> Iterator[str]:
    if _CLAIMS_MORE.search(text) or _CLAIMS_LESS.search(text):
        yield "only a contrast that was told from chance says what books more or fewer: cite one, or leave that out."


def _untold_trend(text: str, citations: Iterable[str], ground: Ground) -> Iterator[str]:
    """A direction that the trend has not told: single weeks go up and down by chance."""
    if TREND not in citations:
        return
    for direction, words in (("rising", _RISES), ("falling", _FALLS)):
        for sentence in _SENTENCE.split(text):
            found = words.search(sentence)
            if found and ground.direction != direction and not _TURNED.search(sentence[: found.start()]):
                yield f"{found[0]!r}: the trend has not been told to be {direction}."


def _is_told(citations: Iterable[str], ground: Ground) -> bool:
    return any(citation in ground.kinds for citation in citations)


def _is_contest(sentence: str) -> bool:
    """Whether a sentence says, or comes close to saying, that AI or setters do better."""
    sentence = _BOTH.sub("everybody", sentence)
    ai, setter = bool(_AI.search(sentence)), bool(_SETTER.search(sentence))
    if ai and setter:
        return bool(_COMPARED.search(sentence))
    return (ai or setter) and bool(_WON.search(sentence)) and not _OF_MESSAGES.search(sentence)


def _says_the_opposite(text: str, kind: str) -> bool:
    opposite = _CLAIMS_LESS if kind == "pattern" else _CLAIMS_MORE
    return any(
        not _TURNED.search(sentence[: claim.start()])
        for sentence in _SENTENCE.split(text)
        for claim in opposite.finditer(sentence)
    )


def _named(numbers: Sequence[str]) -> str:
    return f"{', '.join(numbers)} {'is' if len(numbers) == 1 else 'are'}"


def _words(text: str) -> str:
    return " ".join(match[0].casefold() for match in _WORD.finditer(text.replace("’", "'")))
