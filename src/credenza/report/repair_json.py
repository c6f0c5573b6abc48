"""A repair as a JSON document (schema ``credenza.repair/1``); ``repair.schema.json`` describes every key."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any

from credenza._version import __version__
from credenza.report import json as audit_json
from credenza.report.json import indented, plain

if TYPE_CHECKING:
    from credenza.report.repaired import Repaired

SCHEMA = "credenza.repair/1"


def to_dict(done: Repaired) -> dict[str, Any]:
    """Turn a repair into plain lists, dicts, strings and numbers.

    Returns
    -------
    dict
        Keys in fixed order: ``schema``, ``method``, ``target``, ``restored``, ``culprits``, ``groups``, ``after``,
        ``summary``, ``skipped``, ``audits`` (both as documents of ``credenza.audit/1``, and a note), ``ledger`` (how
        many entries), ``settings``, ``inputs``, ``hashes``, ``versions``. NaN and infinities become None.

    Notes
    -----
    Left out: the data, the weights and the entries of the ledger, which may hold what is nobody else's business.
    """
    after = None if done.audit is None else audit_json.to_dict(done.audit.result)
    return {
        "schema": SCHEMA,
        "method": done.method,
        "target": done.target,
        "restored": done.restored,
        "culprits": plain([asdict(pair) for pair in done.culprits], "culprits"),
        "groups": plain([asdict(group) for group in done.groups], "groups"),
        "after": None if done.after is None else plain(done.after.to_dict(), "after"),
        "summary": plain(done.summary, "summary"),
        "skipped": list(done.skipped),
        "audits": {"before": audit_json.to_dict(done.before), "after": after, "note": done.note},
        "ledger": {"entries": done.entries},
        "settings": plain(done.settings, "settings"),
        "inputs": [asdict(given) for given in done.inputs],
        "hashes": dict(done.hashes),
        "versions": {"credenza": __version__},
    }


def to_json(done: Repaired, *, indent: int = 2) -> str:
    """Write :func:`to_dict` as ASCII JSON, strict (no NaN), with a final newline."""
    return indented(to_dict(done), indent) + "\n"


def load_schema() -> dict[str, Any]:
    """Read the published JSON Schema (draft 2020-12), with that of the audits inside.

    Examples
    --------
    >>> load_schema()["properties"]["schema"]
    {'const': 'credenza.repair/1'}
    """
    text = resources.files("credenza.report").joinpath("repair.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    schema["$defs"]["audit"] = audit_json.load_schema()
    return schema
