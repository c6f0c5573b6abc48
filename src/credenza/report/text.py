"""Words and numbers as every view prints them; column names are treated as hostile input."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence

from credenza.contracts import AuditResult, Culprit, Finding, Outcome, Severity, Status, Verdict

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_ASCII = str.maketrans(
    {
        "×": "x",
        "→": "->",
        "±": "+/-",
        "ε": "eps",
        "…": "...",
        "–": "-",
        "−": "-",
        "≤": "<=",
        "≥": ">=",
        "·": "-",
    }
)
DECIDING = ("CZ201", "CZ202", "CZ503", "CZ801", "CZ802")
OF_MODELS = {"CZ801", "CZ802"}
OF_TRIGGERS = {"CZ501", "CZ502", "CZ503"}
_COMPARISONS = ("<", ">", "≤", "≥", "=")


def clean(text: str, limit: int | None = None) -> str:
    """Make a name safe to show: hidden characters escaped, one line, elided in the middle.

    Parameters
    ----------
    text : any string, such as a column name or a level.
    limit : most terminal cells to use, at least 5; None keeps the whole text.

    Returns
    -------
    str
        No control, format (bidirectional, zero-width), private, unassigned or surrogate character is left,
        and no space but U+0020: each becomes a backslash escape. Wide characters count as two cells,
        combining marks as none. Markup is left alone: escaping it is the business of each view.

    Examples
    --------
    >>> clean("age\\nyears")
    'age\\\\nyears'
    >>> clean("a_very_long_name_of_a_column", 13)
    'a_very…column'
    """
    cut = limit is not None and len(text) > 8 * limit
    if cut and limit is not None:
        text = text[: 4 * limit] + text[-4 * limit :]
    shown = "".join(_visible(character) for character in text) or '""'
    if limit is None or (cells(shown) <= limit and not cut):
        return shown
    tail = (limit - 1) // 2
    return f"{_take(shown, limit - 1 - tail)}…{_take(shown[::-1], tail)[::-1]}"


def to_ascii(text: str) -> str:
    """Spell a text for an output that holds ASCII only; what has no spelling becomes an escape."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def cells(text: str) -> int:
    """Width on a terminal: two for wide characters, none for combining marks."""
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _visible(character: str) -> str:
    if character == " " or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _take(text: str, limit: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _cell(character)
        if used > limit:
            return text[:index]
    return text


def signed(value: float) -> str:
    """A strength: always with its sign, three decimals, four below 0.01.

    >>> signed(0.094), signed(-0.0042), signed(float("nan"))
    ('+0.094', '-0.0042', 'n/a')
    """
    if not math.isfinite(value):
        return "n/a"
    return f"{value:+.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:+.4f}"


def measure(value: float) -> str:
    """An MI, MCC or correlation: three decimals, four below 0.01.

    >>> measure(0.483), measure(0.0055), measure(-0.248)
    ('0.483', '0.0055', '-0.248')
    """
    if not math.isfinite(value):
        return "n/a"
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.4f}"


def percent(share: float) -> str:
    """A share as a percentage, one decimal below 10%.

    >>> percent(0.188), percent(0.0212), percent(0.05)
    ('19%', '2.1%', '5%')
    """
    if not math.isfinite(share):
        return "n/a"
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}".replace(".0%", "%")


def probability(p: float, log10_p: float | None = None) -> str:
    """A p-value; ``log10_p`` speaks where p underflows.

    >>> probability(0.0312), probability(4.2e-9), probability(0.0, -412.3)
    ('0.031', '4e-09', '5e-413')
    """
    if log10_p is not None and math.isfinite(log10_p) and p < 1e-300:
        exponent = math.floor(log10_p)
        mantissa = round(10 ** (log10_p - exponent))
        return f"1e{exponent + 1}" if mantissa == 10 else f"{mantissa}e{exponent}"
    if not math.isfinite(p):
        return "n/a"
    if p == 0:
        return "below 1e-300"
    return f"{p:.0e}" if p < 0.001 else f"{p:.2g}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> count(1, "pair"), count(1200, "pair")
    ('1 pair', '1,200 pairs')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def level(feature: str, value: str, limit: int | None = None) -> str:
    """A feature at a level: ``sex = Male``, or ``age > 40`` where the level is a cut.

    >>> level("sex", "Male"), level("age", "> 40")
    ('sex = Male', 'age > 40')
    """
    joiner = " " if value.startswith(_COMPARISONS) else " = "
    return f"{clean(feature, limit)}{joiner}{clean(value, limit)}"


def pair(features: Sequence[str], limit: int | None = None) -> str:
    """The names of a pair (or of a triple).

    >>> pair(("age", "hours"))
    'age × hours'
    """
    return " × ".join(clean(name, limit) for name in features)


def some(names: Iterable[str], shown: int) -> str:
    """The first few names and how many more there are.

    >>> some(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    every = list(names)
    rest = len(every) - shown
    return ", ".join(every) if rest <= 0 else f"{', '.join(every[:shown])} and {rest:,} more"


def sentence(words: str) -> str:
    """A reason as a sentence of its own.

    >>> sentence("780 pairs tested; more is needed")
    '780 pairs tested; more is needed.'
    """
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?", ":")) else ".")


def headline(result: AuditResult, limit: int = 40) -> str:
    """The verdict in one sentence, for a person."""
    if result.culprits:
        first = result.culprits[0]
        names, place = pair(first.features, limit), f" in {clean(first.where, limit)}" if first.where else ""
        more = len({frozenset(culprit.features) for culprit in result.culprits}) - 1
        if more:
            return f"The associations of {names} and {count(more, 'other pair')} were moved."
        return f"The association of {names} was moved{place}."
    raised = alarms(result)
    if of_models(result):
        return about_models(result, limit)
    if about := about_images(result, limit):
        return about
    if result.verdict is Verdict.FLAGGED:
        codes = ", ".join(sorted({found.code for found in raised}))
        return f"{count(len(raised), 'alarm')} ({codes}); no pair of features stands out as the culprit."
    if result.verdict is Verdict.CLEAR:
        among = f" among {count(result.pairs.tested, 'pair')}" if result.pairs is not None else ""
        return f"No moved association found{among}."
    return "The associations were not checked, and not checked is not clean."


def of_models(result: AuditResult) -> bool:
    """Whether models were looked at, and not data."""
    return bool(result.outcomes) and {outcome.code for outcome in result.outcomes} <= OF_MODELS


def told_by_alarm(result: AuditResult) -> bool:
    """Whether the first alarm says what there is to say."""
    return of_models(result) and bool(alarms(result))


def about_models(result: AuditResult, limit: int = 40) -> str:
    """The verdict on checkpoints, or on contributors, in one sentence."""
    raised, (outcome, *_) = alarms(result), result.outcomes
    contributors = outcome.code == "CZ802"
    if not was_run(outcome.status):
        return f"The {'contributors' if contributors else 'checkpoints'} were not compared."
    if not raised:
        return "No contributor stands out." if contributors else "No jump found."
    if contributors:
        names = [clean(name, limit) for name in dict.fromkeys(found.subject[0] for found in raised)]
        return f"The rows of {some(names, 3)} harm the model."
    *names, where = raised[0].subject
    more = f", and {count(len(raised) - 1, 'other change')}" if len(raised) > 1 else ""
    where = " and ".join(clean(one, limit) for one in where.split(" -> "))
    return f"{pair(names, limit)} jumped between {where}{more}."


def about_images(result: AuditResult, limit: int = 40) -> str:
    """The verdict on images with classes, in one sentence; "" where other checks decide it."""
    raised = alarms(result)
    codes = {found.code for found in raised}
    if raised and codes <= OF_TRIGGERS:
        names = [clean(name, limit) for name in dict.fromkeys(found.subject[0] for found in raised)]
        return f"The images of {some(names, 3)} may carry a trigger ({', '.join(sorted(codes))})."
    told = deciding(result)
    if result.verdict is Verdict.CLEAR and told is not None and told.code in OF_TRIGGERS:
        return "No trigger found in the class means."
    return ""


def deciding(result: AuditResult) -> Outcome | None:
    """The outcome that the verdict rests on: the first that ran of CZ201, CZ202, CZ503, CZ801 and CZ802."""
    found = {outcome.code: outcome for outcome in result.outcomes if outcome.code in DECIDING}
    ran = [found[code] for code in sorted(found) if was_run(found[code].status)]
    return ran[0] if ran else found.get("CZ201")


def pair_check(result: AuditResult) -> str:
    """The reason that the deciding check gave; when clear, the smallest strength it would have seen."""
    outcome = deciding(result)
    return outcome.reason if outcome else ""


def baseline(result: AuditResult, culprit: Culprit) -> str:
    """What a culprit's part of the suspect was compared with."""
    sliced = [outcome.culprits for outcome in result.outcomes if outcome.code == "CZ202"]
    return "rest" if any(culprit is one for culprits in sliced for one in culprits) else "reference"


def alarms(result: AuditResult) -> list[Finding]:
    """All findings that an attack would leave."""
    return [found for found in findings(result) if found.severity is Severity.ALARM]


def findings(result: AuditResult) -> list[Finding]:
    """All findings of all checks."""
    return [found for outcome in result.outcomes for found in outcome.findings]


def other_findings(result: AuditResult) -> list[Finding]:
    """Findings that no culprit block tells already, alarms first."""
    rest: list[Finding] = []
    for outcome in result.outcomes:
        named = outcome.culprits or (result.culprits if outcome.code == "CZ201" else ())
        told = [set(culprit.features) for culprit in named]
        rest += [found for found in outcome.findings if not any(pair <= set(found.subject) for pair in told)]
    return sorted(rest, key=lambda found: found.severity is not Severity.ALARM)


def was_run(status: Status) -> bool:
    """Whether a check with this status looked at the data and came to an end."""
    return status in (Status.FLAGGED, Status.CLEAR)


def suspect_rows(result: AuditResult) -> int | None:
    """Rows of the suspect, where known."""
    return next((given.rows for given in result.inputs if given.role == "suspect"), None)


def ceiling(culprit: Culprit) -> str:
    """The filter ceiling in one sentence; none holds where edited values no longer fit the rest of their rows."""
    if culprit.edited is not None:
        return "A row filter may find them: an edited value is at odds with the rest of its row."
    share = percent(culprit.filter_ceiling)
    return f"No row filter can be right about more than {share} of what it removes from the over-filled cell."


def edited(culprit: Culprit) -> str:
    """Which feature's values were edited in place, in a few words; "" where rows were exchanged."""
    return "" if culprit.edited is None else f"values of {clean(culprit.edited, 40)} edited in place"
