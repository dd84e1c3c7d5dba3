"""What the room keeps to itself."""

import ast
import subprocess
import sys
from pathlib import Path

import setpoint

SOURCE = Path(setpoint.__file__).parent


def test_pydantic_ai_is_spoken_in_this_room_only() -> None:
    speakers = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if name.split(".")[0] in ("pydantic_ai", "openai", "anthropic", "genai_prices")
    }
    assert speakers == {"llm"}


def test_it_is_loaded_only_where_a_model_is_asked() -> None:
    program = (
        "import sys, setpoint.llm.service, setpoint.llm.provider, setpoint.llm.scripted, setpoint.llm.figures;"
        "sys.exit('pydantic_ai' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(SOURCE.parent)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0
