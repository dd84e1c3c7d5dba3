"""What the documentation names is there: tests, files, links and targets of make."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code_of(text: str) -> Iterator[str]:
    """What a page shows as code, in a line or in a block of its own."""
    yield from re.findall(r"`([^`\n]+)`", text)
    yield from re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE)
    yield from re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """The names of all tests, and of the files that they are in."""
    files = list((ROOT / "tests").rglob("test_*.py"))
    named = (re.findall(r"^\s*(?:async )?def (test_\w+)", file.read_text("utf-8"), re.MULTILINE) for file in files)
    return {file.stem for file in files}.union(*named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_what_is_there(page: Path, tests: set[str]) -> None:
    text = page.read_text("utf-8")
    code = "\n".join(code_of(text))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = {f"the test {name}": name in tests for name in re.findall(r"\btest_\w+", text)}
    named |= {
        f"the file {path}": any(ROOT.glob(path))
        for path in re.findall(r"(?<![\w./-])((?:src|tests|docs|scripts|bench)/[\w./*-]*[\w*])", text)
    }
    named |= {
        f"make {target}": re.search(rf"^{target}:", makefile, re.MULTILINE) is not None
        for target in re.findall(r"(?:^|[;&] *)make ([a-z][a-z-]*)", code, re.MULTILINE)
    }
    named |= {
        f"the link {link}": (page.parent / link).exists()
        for link in re.findall(r"\]\(([\w./-]*\w)(?:#[^)]*)?\)", text)
    }
    assert [name for name, is_there in named.items() if not is_there] == []
