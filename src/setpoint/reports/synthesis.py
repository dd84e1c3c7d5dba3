"""The synthesis of a report: a model is asked and held to the report, or the statistics speak for themselves."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final
from uuid import UUID

from setpoint.datasets.evidence import NamelessEvidence
from setpoint.llm.port import ModelPort
from setpoint.llm.prompts import sha256_of
from setpoint.llm.schemas import Answer, ErrorKind, Failure, Limits, Status
from setpoint.llm.service import run_prompt
from setpoint.reports.citations import Document
from setpoint.reports.presentation import count_text
from setpoint.reports.schemas import OF_THE_RUN, SynthesisSection
from setpoint.reports.synthesis_checks import Ground, complaints
from setpoint.reports.synthesis_prompt import PROMPT, inputs, shown_evidence
from setpoint.reports.synthesis_rules import SynthesisAnswer, content_of
from setpoint.reports.synthesis_statistics import from_statistics

LIMITS: Final = Limits(output_tokens=6_000)

_ALONE: Final = "what follows comes from the statistics alone."
_BY_ERROR: Final = {
    ErrorKind.CHECK_FAILED: "The model was asked, and its answers said what the report does not",
    ErrorKind.ANSWER_CUT_OFF: "The model was asked, and its answer was too long",
    ErrorKind.INPUT_TOO_LONG: "This report and its messages are too long for one question to the model",
}
_BY_STATUS: Final = {
    Status.TIMEOUT: "The model was asked and did not answer in time",
    Status.RATE_LIMITED: "The model's provider takes no more requests for now",
    Status.REFUSED: "The model was asked and refused to answer",
    Status.INVALID_OUTPUT: "The model was asked, and its answers had not the form that was asked for",
    Status.BUDGET_EXCEEDED: "A request to the model could have gone beyond a cap and was not made",
    Status.NO_MODEL: "No model is connected",
}
_FAILED: Final = "The model could not be reached or failed"


async def synthesis(
    port: ModelPort, document: Document, evidence: Sequence[NamelessEvidence], *, run_id: UUID
) -> SynthesisSection:
    """The `synthesis` of a report document that has its other sections. There is always one.

    `evidence` is a sample of redacted messages, balanced over senders and outcomes; what a model is shown of it is
    for admins only, and what it says has been checked for that. The same report and messages are answered from the
    cache. Raises DatabaseUnavailable where the books of the model cannot be kept; nothing that a model does.
    """
    shown = shown_evidence(evidence)
    if port.settings is None:
        return _without(document, shown, Failure(Status.NO_MODEL, ErrorKind.NO_MODEL), port)
    ground = Ground.of(document, shown)

    async def check(answer: SynthesisAnswer) -> Sequence[str]:
        # The recognisers of personal data take a second or two to load.
        return await asyncio.to_thread(complaints, answer, ground)

    result = await run_prompt(
        port, PROMPT, inputs(document, shown), SynthesisAnswer, run_id=run_id, check=check, limits=LIMITS
    )
    if isinstance(result, Failure):
        return _without(document, shown, result, port)
    return _with(document, shown, result)


def _with(document: Document, shown: Sequence[NamelessEvidence], answer: Answer[SynthesisAnswer]) -> SynthesisSection:
    evidence = len(shown)
    messages = f"{count_text(evidence)} redacted {'message' if evidence == 1 else 'messages'}"
    return {
        "source": "model",
        "note": (
            f"Written by a model from the report's numbers and {messages}. Its numbers and citations were checked"
            " against the report; the verdict, effects and what is safe were filled in by the program."
        ),
        "model": answer.model,
        "effort": None if answer.effort is None else str(answer.effort),
        "prompt_key": answer.prompt_key,
        "prompt_version": answer.prompt_version,
        "prompt_hash": answer.prompt_hash,
        "call_id": str(answer.call_id),
        "cached": answer.cached,
        "failure": None,
        "cohort": cohort_document(document),
        "evidence_shown": evidence,
        "content": content_of(answer.value, document),
        "input_sha256": _hash_of(document, shown),
    }


def _without(
    document: Document, shown: Sequence[NamelessEvidence], failure: Failure, port: ModelPort
) -> SynthesisSection:
    settings = port.settings
    why = _BY_ERROR.get(failure.error) or _BY_STATUS.get(failure.status, _FAILED)
    return {
        "source": "statistics",
        "note": f"{why}; {_ALONE}",
        "model": None if settings is None else settings.model,
        "effort": None if settings is None or settings.effort is None else str(settings.effort),
        "prompt_key": None if settings is None else PROMPT.key,
        "prompt_version": None if settings is None else PROMPT.version,
        "prompt_hash": None,
        "call_id": None if failure.call_id is None else str(failure.call_id),
        "cached": False,
        "failure": str(failure.error),
        "cohort": cohort_document(document),
        "evidence_shown": 0 if settings is None else len(shown),
        "content": from_statistics(document),
        "input_sha256": _hash_of(document, ()),
    }


def _hash_of(document: Document, shown: Sequence[NamelessEvidence]) -> str:
    """The hash of what a synthesis was made from: all that the report says besides, and what its writer has read."""
    said = {name: value for name, value in document.items() if name not in OF_THE_RUN | {"code_version"}}
    return sha256_of([said, [asdict(one) for one in shown]])


def cohort_document(document: Document) -> dict[str, str | int]:
    """What a synthesis was made from: the window, the leads in it, and the dataset's hash."""
    window, parameters, counts = document["window"], document["parameters"], document["counts"]
    cohort: dict[str, str | int] = {
        "from": window["from"],
        "to": window["to"],
        "as_of": window["as_of"],
        "attribution_days": parameters["attribution_days"],
        "maturity_days": parameters["maturity_days"],
        "channels": ", ".join(parameters["channels"]) or "all",
        "leads": document["cohort_leads"],
        "booked": counts["BOOKED"],
        "not_booked": counts["NOT_BOOKED"],
        "pending": counts["PENDING"],
    }
    if document.get("dataset_sha256"):
        cohort["dataset_sha256"] = document["dataset_sha256"]
    return cohort
