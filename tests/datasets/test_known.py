"""What is known of a lead and of the team is found in every spelling that people use."""

import pytest

from setpoint.datasets.redaction import Known, Redactor

REDACTOR = Redactor()
LEAD = Known(
    first_name="Anna",
    last_name="O'Connor-Müller",
    company="Cedar Tools GmbH",
    email="anna.oconnor@cedartools.com",
    phone="+1 (205) 555-0123",
    others=("maya.lindholm@fernhill.test", "Theo Abara"),
)


def shown(text: str, known: Known) -> str:
    return REDACTOR.redact(text, known).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi Anna, how are you?", "Hi [name], how are you?"),
        ("ANNA O'CONNOR-MÜLLER", "[name]"),
        ("Is this Anna's number?", "Is this [name]'s number?"),
        ("Is this Anna’s number?", "Is this [name]’s number?"),
        ("anna oconnor müller, or Ms Mueller", "[name], or Ms [name]"),
        ("annaoconnor84 on Skype", "[name]84 on Skype"),
        ("Annabel and Hannah are others", "Annabel and Hannah are others"),
        ("How is cedar tools? And CedarTools GmbH?", "How is [company]? And [company] GmbH?"),
        ("We saw Cedar at the fair. Cedar wood burns.", "We saw [company] at the fair. Cedar wood burns."),
        ("Write to Anna.OConnor@CedarTools.com", "Write to [email]"),
        ("anna.oconnor at cedartools dot com", "[email]"),
        ("See cedartools.com/about and shop.cedartools.com.", "See [link] and [link]."),
        ("205.555.0123, 2055550123, 1 205 555 0123, 555-0123", "[phone], [phone], [phone], [phone]"),
        ("001205/5550123 (205) 5 5 5 0 1 2 3", "[phone] [phone]"),
        ("Best,\nMaya Lindholm\nmaya.lindholm@fernhill.test", "Best,\n[name]\n[email]"),
        ("Theo Abara joins, Abara knows", "[name] joins, [name] knows"),
    ],
)
def test_what_is_known_of_the_people_is_taken_out(text: str, expected: str) -> None:
    assert shown(text, LEAD) == expected


@pytest.mark.parametrize(
    ("first", "text", "expected"),
    [
        ("Will", "Will you be there, Will? I will.", "Will you be there, [name]? I will."),
        ("Will", "Hi will, thanks.\nWill", "Hi [name], thanks.\n[name]"),
        ("May", "May I ask May's colleague? You may.", "May I ask [name]'s colleague? You may."),
        ("Mark", "mark my words. This is mark!", "mark my words. This is [name]!"),
        ("Al", "Hello Al, AI and al dente are not you", "Hello [name], AI and al dente are not you"),
        ("Jo", "Jo, join us", "[name], join us"),
        ("J", "J. writes an A in J", "J. writes an A in J"),
        ("", "Nothing is known here", "Nothing is known here"),
        ("Li", "li hua and Li Hua", "li hua and [name] Hua"),
        ("Dr. Jean-Luc", "Jean Luc, jeanluc, Luc", "[name], [name], [name]"),
        ("Søren", "Soren or SØREN or Søren", "[name] or [name] or [name]"),
        ("Zoe\u0308", "Zoë, Zoe, ZOË", "[name], [name], [name]"),
        ("Strauß", "STRAUSS", "[name]"),
        ("İpek", "ipek and İPEK", "[name] and [name]"),
        ("小明", "小明你好", "[name]你好"),
        ("Νίκος", "ΝΙΚΟΣ, νίκος", "[name], [name]"),
        ("דנה", "שלום דנה!", "שלום [name]!"),
    ],
)
def test_a_name_is_told_from_the_word_it_also_is(first: str, text: str, expected: str) -> None:
    assert shown(text, Known(first_name=first)) == expected


def test_a_name_that_is_a_word_is_found_beside_the_last_name() -> None:
    assert shown("Will Price wrote. will price wrote.", Known("Will", "Price")) == "[name] wrote. [name] wrote."
