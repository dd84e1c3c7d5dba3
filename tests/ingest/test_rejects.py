import csv
from pathlib import Path

import pytest

from setpoint.ingest.rejects import Rejects, Stage, gather_rejects
from setpoint.ingest.schemas import SHOWN_REJECTIONS, Fault, ImportKind, ImportSummary, Reason, Rejection


def rejection(line: int, key: str = "k", message: str = "is empty") -> Rejection:
    return Rejection(line, "name", Fault(Reason.MISSING, message), key)


def written(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def add_both(rejects: Rejects) -> None:
    rejects.add(Stage.FILE, [rejection(line) for line in range(2, 30, 2)])
    rejects.add(Stage.FILE, [rejection(line) for line in range(30, 100, 2)])
    rejects.add(Stage.DATABASE, [rejection(line) for line in range(3, 100, 2)])


def test_they_come_by_line_whoever_rejected_them(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    summary = ImportSummary(ImportKind.CAMPAIGNS)
    with gather_rejects(summary, path, tmp_path / "source.csv") as rejects:
        add_both(rejects)
        assert not path.exists()
        rejects.finish()
    assert summary.rejected == 98
    assert [each.line for each in summary.rejections] == list(range(2, 2 + SHOWN_REJECTIONS))
    assert [row[0] for row in written(path)] == ["line", *map(str, range(2, 100))]
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_file_they_are_counted_all_the_same(tmp_path: Path) -> None:
    summary = ImportSummary(ImportKind.CAMPAIGNS)
    with gather_rejects(summary, None, tmp_path / "source.csv") as rejects:
        add_both(rejects)
        rejects.finish()
    assert (summary.rejected, len(summary.rejections)) == (98, SHOWN_REJECTIONS)


def test_equal_reasons_of_a_column_are_gathered(tmp_path: Path) -> None:
    summary = ImportSummary(ImportKind.CAMPAIGNS)
    with gather_rejects(summary, None, tmp_path / "source.csv") as rejects:
        rejects.add(
            Stage.FILE, [rejection(3), rejection(5), Rejection(7, "", Fault(Reason.CELL_COUNT, "has 1 cell"))]
        )
        rejects.add(Stage.FILE, [rejection(9), rejection(11), Rejection(12, "", Fault(Reason.CELL_COUNT, "has 9"))])
        rejects.add(Stage.DATABASE, [Rejection(2, "key", Fault(Reason.DUPLICATE_KEY, "stands"), "k" * 500)])
        rejects.finish()
    assert [(each.first.column, each.rows, each.lines, each.alike) for each in summary.groups] == [
        ("key", 1, [2], True),
        ("name", 4, [3, 5, 9], True),
        ("", 2, [7, 12], False),
    ]
    assert [each.first.fault.message for each in summary.groups] == ["stands", "is empty", "has 1 cell"]
    assert len(summary.groups[0].first.key) == 200


def test_the_file_is_safe_to_open_and_one_line_a_row(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with gather_rejects(ImportSummary(ImportKind.CAMPAIGNS), path, tmp_path / "source.csv") as rejects:
        rejects.add(Stage.FILE, [rejection(2, "=1+1", "'-' is empty"), rejection(3, "a\nb\0\udc80" + "x" * 500)])
        rejects.finish()
    (_, first, second) = written(path)
    assert first == ["2", "name", "''-' is empty", "'=1+1"]
    assert second[3].startswith("a�b��xxx")
    assert len(second[3]) == 200


def test_an_import_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("before")

    def fail() -> None:
        with gather_rejects(ImportSummary(ImportKind.CAMPAIGNS), path, tmp_path / "source.csv") as rejects:
            add_both(rejects)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
