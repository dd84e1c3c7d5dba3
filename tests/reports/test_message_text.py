"""Only what the sender wrote counts."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.reports.message_text import LONGEST, counted, own_text, without_links


def own(body: str | None) -> str:
    text: str = own_text(pa.array([body], type=pa.string()))[0].as_py()
    return text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, ""),
        ("  Hello\r\nyou\r", "Hello\nyou"),
        ("It\u2019s\u00a0me", "It's me"),
        ("<style>p {}</style><p>One</p><p>Two&nbsp;&amp; three.</p>", "One\n\nTwo & three."),
        ("2 < 3 and 4 > 3", "2 < 3 and 4 > 3"),
        ("Yes\n> old\n>> older\nno", "Yes\nno"),
        ("Yes\n\nOn Tue, 3 Mar 2026, Ann\n<ann@acme.test> wrote:\n\nold", "Yes"),
        ("On reflection I wrote: no", "On reflection I wrote: no"),
        ("Yes\n\nBegin forwarded message\nold", "Yes"),
        ("Hello\n\nBest,\nMaya", "Hello"),
        ("Hello\n\nMany thanks\nMaya Lindholm\n+1 205 555 0123\nfernhill.test", "Hello"),
        ("Hello\n\nMaya\nFernhill", "Hello"),
        ("Hello\n\nThanks for your time, it was good to hear how you order.", None),
        ("Thanks!\n" + "And now a long paragraph that nobody would call a signature, with much to say. " * 2, None),
        ("Hello\n\nworth a call", "Hello\n\nworth a call"),
        ("Thanks,\nMaya", "Thanks,\nMaya"),
        ("\n\nMaya", "Maya"),
        ("Yes. Reply STOP to unsubscribe.", "Yes."),
    ],
)
def test_quotes_signatures_and_markup_go(body: str | None, expected: str | None) -> None:
    assert own(body) == (str(body).strip() if expected is None else expected)


def test_a_body_is_read_to_a_bound() -> None:
    assert len(own("é" * (LONGEST + 5))) == LONGEST


def test_links_go() -> None:
    texts = without_links(pa.array(["see https://a.test/x?y, or www.b.test.", "no link"]))
    assert texts.to_pylist() == ["see  , or  .", "no link"]


def test_counts_by_hand() -> None:
    counts = counted(pa.array(["", "Hi Ann. 2 é? Yes!", "", "您好", " - ", "3.5 e.g"]))
    assert counts.words.tolist() == [0, 5, 0, 1, 1, 2]
    assert counts.sentences.tolist() == [0, 3, 0, 0, 0, 0]
    assert counts.letters.tolist() == [0, 10, 0, 2, 0, 4]
    assert counts.latin.tolist() == [0, 9, 0, 0, 0, 2]
    assert counts.unspaced.tolist() == [0, 0, 0, 2, 0, 0]
    assert counts.questions.tolist() == [0, 1, 0, 0, 0, 0]
    assert counts.exclamations.tolist() == [0, 1, 0, 0, 0, 0]
    assert counts.digits.tolist() == [0, 1, 0, 0, 0, 2]


@given(st.lists(st.text(alphabet="ab1?!. \n\té🎲", max_size=12), max_size=8), st.integers(0, 3))
def test_each_row_is_counted_by_itself(texts: list[str], skipped: int) -> None:
    counts = counted(pa.array(texts, type=pa.string()).slice(min(skipped, len(texts))))
    texts = texts[skipped:]
    assert counts.words.tolist() == [len(text.split()) for text in texts]
    assert counts.questions.tolist() == [text.count("?") for text in texts]
    assert counts.letters.tolist() == [sum(sign in "ab1é" for sign in text) for text in texts]
