"""What a repair by weights should be warned of: one line for each, under ``warnings`` of its summary."""

from __future__ import annotations

FEW = 0.5  # share of the rows below which what is left of them is worth a warning


def few_effective(effective: float, rows: int) -> tuple[str, ...]:
    """Warn where weights leave less than half of the rows effective.

    Examples
    --------
    >>> few_effective(64.0, 100)
    ()
    >>> few_effective(1_800.0, 6_000)
    ('the weights leave 1,800 of 6,000 rows effective (30%); give a cap, or relabel or reverse instead',)
    """
    if not rows or effective >= FEW * rows:
        return ()
    worth = f"{effective:,.0f} of {rows:,} rows effective ({effective / rows:.0%})"
    return (f"the weights leave {worth}; give a cap, or relabel or reverse instead",)


def copies(repeated: int, extra: int) -> tuple[str, ...]:
    """Warn of rows that stand more than once: an audit of the output calls them duplicates.

    Parameters
    ----------
    repeated : rows that do. extra : how often in all, beyond the first time.

    Examples
    --------
    >>> copies(2, 3)
    ('2 rows were repeated (3 copies), which an audit finds as duplicates (CZ002); thin, or reweight, to have none',)
    """
    if not repeated:
        return ()
    what = f"{repeated:,} rows were repeated ({extra:,} copies)" if repeated > 1 else "1 row was repeated"
    return (f"{what}, which an audit finds as duplicates (CZ002); thin, or reweight, to have none",)


def thinned(kept: int, rows: int) -> tuple[str, ...]:
    """Warn where thinning loses more than half of the rows.

    Examples
    --------
    >>> thinned(1_500, 6_000)
    ('thinning keeps 1,500 of 6,000 rows (25%); give a cap to keep more, or reweight',)
    """
    if not rows or kept >= FEW * rows:
        return ()
    return (
        f"thinning keeps {kept:,} of {rows:,} rows ({kept / rows:.0%}); give a cap to keep more, or reweight",
    )
