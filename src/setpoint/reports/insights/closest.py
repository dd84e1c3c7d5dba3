"""The tables that a question is closest to, by its words: what there is where no model is asked. Pure.

Okapi BM25 (Robertson and Zaragoza, 2009) over the titles, column names and row labels of a pack's tables; titles
weigh threefold.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from setpoint.reports.insights.schemas import ColumnKind, TableDocument

_K1: Final = 1.2
_B: Final = 0.5
_TITLE: Final = 3
# Of the closest table's score, what another must reach to be shown beside it.
_NEAR: Final = 0.5

_STOP: Final = frozenset(
    {
        *("a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by"),
        *("can", "could", "did", "do", "does", "for", "from", "get", "give", "had", "has", "have", "how"),
        *("i", "if", "in", "into", "is", "it", "its", "just", "like", "many", "me", "more", "most", "much"),
        *("my", "of", "on", "only", "or", "our", "over", "please", "report", "see", "should", "show", "so"),
        *("some", "tell", "than", "that", "the", "their", "them", "there", "these", "they", "this", "to"),
        *("us", "was", "we", "were", "what", "when", "which", "who", "why", "will", "with", "would", "you"),
        *("your"),
    }
)
# How people say what a table calls otherwise. Keys and values are stems.
_MEANT: Final = {
    **dict.fromkeys(("human", "person", "people", "team", "rep", "sdr", "salesperson", "we", "staff"), ("setter",)),
    **dict.fromkeys(("bot", "machine", "robot", "automation", "automat", "assistant", "model"), ("ai",)),
    **dict.fromkeys(("text", "texting", "phone", "mobile"), ("sms",)),
    **dict.fromkeys(("mail", "inbox"), ("email",)),
    **dict.fromkeys(("convert", "conversion", "meeting", "appointment", "call", "success"), ("book",)),
    **dict.fromkeys(("fast", "quick", "quickly", "slow", "soon", "long", "speed", "days", "late"), ("time", "day")),
    **dict.fromkeys(("week", "weekly", "month", "lately", "recently", "improve", "worse"), ("trend", "week")),
    **dict.fromkeys(("versu", "vs", "better", "compare", "win", "beat", "outperform"), ("against", "ai")),
    **dict.fromkeys(("confound", "fair", "adjust", "control", "causal"), ("equal", "careful", "crude")),
    **dict.fromkeys(("write", "wording", "copy", "phrase", "say", "style", "tip", "advice"), ("pattern", "message")),
    **dict.fromkeys(("work", "avoid", "mistake", "bad", "good"), ("pattern", "message")),
    **dict.fromkeys(("exclude", "missing", "drop", "ignore"), ("left", "not", "reason")),
    **dict.fromkeys(("mean", "definition", "define", "explain"), ("word", "mean")),
    **dict.fromkeys(("period", "range", "date", "setting"), ("window", "parameter")),
    **dict.fromkeys(("edit", "approve", "draft"), ("disposition", "draft")),
    **dict.fromkeys(("campaign", "mode", "auto"), ("response", "mode")),
    **dict.fromkeys(("wait", "undecid", "open"), ("pend",)),
}
# Questions about a section that have none of its words, or more of another's.
_ASKED_OF: Final = (
    (re.compile(r"\bwho\b.*\b(books?|better|best|wins?)\b"), "comparison"),
    (re.compile(r"\bwhen\b.*\bbook|\bhow (soon|fast|quick|long)|\bsooner\b"), "timing"),
    (re.compile(r"\b(get|getting|got|become|becoming) (better|worse)\b|\bimprov|\b(rising|falling)\b"), "trend"),
    (re.compile(r"\bwhat (should|shall|could|can|do|must) \w+ (write|say|send|change)\b"), "patterns"),
    (re.compile(r"\bwhat (should|shall|could|can|must) \w+ do\b|\bwhat to do\b|\brecommend"), "patterns"),
)


def closest(question: str, tables: Sequence[TableDocument], limit: int = 2) -> list[str]:
    """The keys of at most `limit` tables, the closest first; none where no word of the question is any table's."""
    known = {table["key"] for table in tables}
    keys = [key for words, key in _ASKED_OF if key in known and words.search(question.lower())]
    found: dict[str, str] = {}
    for key in [*keys, *_by_words(question, tables)]:
        # Of two attributions of the same, the closer one will do.
        found.setdefault(key.partition(":")[0], key)
    return list(found.values())[:limit]


def _by_words(question: str, tables: Sequence[TableDocument]) -> list[str]:
    asked = _asked(question)
    documents = [_words(table) for table in tables]
    if not asked or not documents:
        return []
    average = sum(map(Counter.total, documents)) / len(documents)
    scores = [_score(asked, words, documents, average) for words in documents]
    best = max(scores)
    ranked = sorted((-score, place) for place, score in enumerate(scores) if score > 0 and score >= _NEAR * best)
    return [tables[place]["key"] for _, place in ranked]


def named_rows(question: str, table: TableDocument) -> list[str]:
    """The citations of the rows whose own label the question says whole: what a word means, and not all words."""
    asked = set(_stems(question))
    return [
        citation
        for row, citation in zip(table["rows"], table["citations"], strict=True)
        if citation is not None and (stems := _stems(str(row[0]))) and asked.issuperset(stems)
    ]


def _score(asked: Counter[str], words: Counter[str], documents: Sequence[Counter[str]], average: float) -> float:
    length = 1 - _B + _B * words.total() / average
    total = 0.0
    for word, weight in asked.items():
        here = words[word]
        if here:
            holding = sum(1 for each in documents if each[word])
            rarity = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            total += weight * rarity * here * (_K1 + 1) / (here + _K1 * length)
    return total


def _asked(question: str) -> Counter[str]:
    """The stems of a question and, with half their weight in one, what they stand for."""
    asked: Counter[str] = Counter()
    for word in _stems(question):
        asked[word] = 2
    for word in list(asked):
        for meant in _MEANT.get(word, ()):
            asked[meant] = max(asked[meant], 2)
    return asked


def _words(table: TableDocument) -> Counter[str]:
    naming = [place for place, column in enumerate(table["columns"]) if column["kind"] == ColumnKind.LABEL]
    words: Counter[str] = Counter()
    for word in _stems(table["title"]):
        words[word] += _TITLE
    for column in table["columns"]:
        words.update(_stems(column["label"]))
    # A label that many rows share is one label.
    for label in {str(row[place]) for row in table["rows"] for place in naming}:
        words.update(_stems(label))
    return words


def _stems(text: str) -> list[str]:
    words = re.findall(r"[a-z0-9]+", text.lower().replace("e-mail", "email"))
    return [_stem(word) for word in words if word not in _STOP]


def _stem(word: str) -> str:
    """A word without the endings that do not change what it is about."""
    for ending, least in (("ings", 3), ("ing", 3), ("ies", 3), ("ed", 3), ("s", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            stem = word[: -len(ending)] + ("y" if ending == "ies" else "")
            return stem[:-1] if re.search(r"([bdgmnprt])\1$", stem) and ending != "s" else stem
    return word
