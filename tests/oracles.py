"""Slow and obvious twins of the fast paths: nested loops, plain formulas, other people's libraries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, optimize, special

from credenza.contracts import FloatArray, IntArray


def expanded(table: NDArray[np.integer]) -> tuple[IntArray, IntArray]:
    """The rows behind a table of counts, as two columns of level numbers."""
    i, j = np.indices(table.shape)
    counts = table.ravel().astype(int)
    return np.repeat(i.ravel(), counts), np.repeat(j.ravel(), counts)


def pair_counts(
    codes: NDArray[np.integer], sizes: Sequence[int], weights: Sequence[float] | None = None
) -> FloatArray:
    """Weighted co-occurrences of all levels, one row and two features at a time."""
    starts = [sum(sizes[:j]) for j in range(len(sizes))]
    out = np.zeros((sum(sizes), sum(sizes)))
    for row, values in enumerate(codes):
        for i, a in enumerate(values):
            for j, b in enumerate(values):
                out[starts[i] + int(a), starts[j] + int(b)] += 1.0 if weights is None else weights[row]
    return out


def mutual_information(table: FloatArray) -> float:
    """sum p ln(p / (row share x column share)), cell by cell, in nats."""
    total, value = float(table.sum()), 0.0
    for i, j in product(*map(range, table.shape)):
        if table[i, j] > 0:
            independent = table[i].sum() * table[:, j].sum() / total
            value += table[i, j] / total * math.log(table[i, j] / independent)
    return value


def cramers_v(table: NDArray[np.integer]) -> float:
    """Bias-corrected Cramer's V from scipy's chi-square statistic of the table without empty rows and columns."""
    from scipy.stats import chi2_contingency

    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n, (r, c) = kept.sum(), kept.shape
    chi2 = chi2_contingency(kept, correction=False).statistic
    corrected = max(0.0, chi2 / n - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return math.sqrt(corrected / (min(rows, columns) - 1))


def log_homogeneity(row: Sequence[float]) -> float:
    """Natural log of the two-sided mid-p value of one comparison (x, u, v, n of both), by listing the support.

    Log-gamma stands for the logarithm of a factorial; a cell may end up to one below zero where counts are not whole.
    """
    x_r, u_r, v_r, n_r, x_s, u_s, v_s, n_s = map(float, row)
    weights: dict[int, float] = {}
    for step in range(-int(n_r) - 1, int(n_r) + 2):
        x, y = x_r + step, x_s - step
        cells = [x, u_r - x, v_r - x, n_r - u_r - v_r + x, y, u_s - y, v_s - y, n_s - u_s - v_s + y]
        if min(cells) > -1.0 + 1e-9:
            weights[step] = -sum(math.lgamma(cell + 1.0) for cell in cells)
    total = special.logsumexp(list(weights.values()))
    half = weights[0] - math.log(2.0)
    lower = special.logsumexp([half, *(w for step, w in weights.items() if step < 0)])
    upper = special.logsumexp([half, *(w for step, w in weights.items() if step > 0)])
    return min(0.0, math.log(2.0) + min(lower, upper) - total)


def no_interaction(reference: FloatArray, suspect: FloatArray) -> float:
    """G^2 of no three-way interaction: deviance of a Poisson regression on all two-way terms."""
    import statsmodels.api as sm

    r, c = reference.shape
    rows = []
    for s, i, j in product(range(2), range(r), range(c)):
        terms = np.concatenate(
            [np.eye(r * c)[i * c + j], s * np.eye(r)[i], s * np.eye(c)[j][1:]]  # intercepts lie in the pairs
        )
        rows.append(terms)
    counts = np.concatenate([reference.ravel(), suspect.ravel()])
    model = sm.GLM(counts, np.array(rows), family=sm.families.Poisson())
    return float(model.fit(tol=1e-12, maxiter=200).deviance)


def freedom(reference: FloatArray, suspect: FloatArray) -> int:
    """Degrees of freedom of no three-way interaction, as a difference of two matrix ranks.

    The interaction terms add to the design of all two-way terms as many dimensions as can be fitted to the seen cells
    of both samples.
    """
    r, c = reference.shape
    seen = [(i, j) for i, j in product(range(r), range(c)) if reference[i, j] + suspect[i, j] > 0]
    margins = np.array([np.concatenate([np.eye(r)[i], np.eye(c)[j]]) for i, j in seen])
    return len(seen) - int(np.linalg.matrix_rank(margins))


def benjamini_hochberg(p: Sequence[float], *, any_dependence: bool = False) -> list[float]:
    """Adjusted p-values straight from the definition: the smallest rate at which each hypothesis is rejected."""
    m = len(p)
    factor = sum(1 / k for k in range(1, m + 1)) if any_dependence else 1.0
    ranked = sorted(p)
    q = []
    for value in p:
        candidates = [factor * m * ranked[k] / (k + 1) for k in range(m) if ranked[k] >= value]
        q.append(min(1.0, *candidates))
    return q


Target = Mapping[tuple[int, ...], FloatArray]


def raking(codes: NDArray[np.integer], targets: Target, *, rounds: int = 4000) -> FloatArray:
    """Weights of mean 1 by iterative proportional fitting: scale each target cell in turn."""
    weights = np.ones(len(codes))
    for _ in range(rounds):
        before = weights.copy()
        for features, target in targets.items():
            cell = tuple(codes[:, f].astype(int) for f in features)
            have = np.zeros(target.shape)
            np.add.at(have, cell, weights)
            scale = np.divide(target * len(codes), have, out=np.zeros(target.shape), where=have > 0)
            weights = weights * scale[cell]
        if np.abs(weights - before).max() < 1e-12:
            break
    return weights


def entropy_balance(codes: NDArray[np.integer], targets: Target) -> FloatArray:
    """Weights of mean 1 by a general-purpose optimiser on the dual of the maximum-entropy problem."""
    blocks, shares = [], []
    for features, target in targets.items():
        cell = np.ravel_multi_index([codes[:, f].astype(int) for f in features], target.shape)
        blocks.append(np.eye(target.size)[cell])
        shares.append(target.ravel())
    design, goal = np.hstack(blocks), np.concatenate(shares)

    def dual(multipliers: FloatArray) -> tuple[float, FloatArray]:
        scores = design @ multipliers
        p = special.softmax(scores)
        return special.logsumexp(scores) - multipliers @ goal, p @ design - goal

    found = optimize.minimize(dual, np.zeros(len(goal)), jac=True, method="BFGS", options={"gtol": 1e-10})
    return special.softmax(design @ found.x) * len(codes)


def pairwise_moments(values: FloatArray) -> dict[str, FloatArray]:
    """Counts, means and centred sums of every two columns over the rows where both are finite, in long doubles."""
    m = values.shape[1]
    out = {name: np.zeros((m, m)) for name in ("count", "mean", "square", "product")}
    for i, j in product(range(m), repeat=2):
        both = np.isfinite(values[:, i]) & np.isfinite(values[:, j])
        if not both.any():
            continue
        x, y = values[both, i].astype(np.longdouble), values[both, j].astype(np.longdouble)
        out["count"][i, j] = both.sum()
        out["mean"][i, j] = x.mean()
        out["square"][i, j] = ((x - x.mean()) ** 2).sum()
        out["product"][i, j] = ((x - x.mean()) * (y - y.mean())).sum()
    return out


def probes(sizes: Sequence[int], ordered: Sequence[int]) -> list[tuple[int, set[int]]]:
    """(feature, levels it holds) of every probe, written down from the definition."""
    out: list[tuple[int, set[int]]] = []
    for feature, (size, bins) in enumerate(zip(sizes, ordered, strict=True)):
        if size == 1:
            out.append((feature, {0}))
        elif size == 2:
            out.append((feature, {1}))
        else:
            out += [(feature, {level for level in range(bins) if level >= cut}) for cut in range(1, bins)]
            out += [(feature, {level}) for level in range(bins, size)]
    return out


def repeats(rows: Sequence[tuple[object, ...]]) -> tuple[int, int, int, int, int]:
    """Rows, distinct rows, coinciding pairs, the largest multiplicity and coinciding triples, by a dictionary."""
    counts = list(Counter(rows).values())
    pairs, triples = (sum(math.comb(c, k) for c in counts) for k in (2, 3))
    return len(rows), len(counts), pairs, max(counts, default=0), triples


def bit_sums(bits: NDArray[np.bool_], deltas: Sequence[int]) -> list[int]:
    """For every row (bits are columns x rows), the sum of the deltas of its set bits modulo 2^64."""
    return [
        sum(delta for delta, bit in zip(deltas, row, strict=True) if bit) % 2**64 for row in bits.T.tolist()
    ]


def planes(codes: NDArray[np.integer], sizes: Sequence[int]) -> list[int]:
    """One whole number for every level but the first of every feature: bit r says whether row r has it."""
    return [
        sum(1 << row for row, code in enumerate(codes[:, feature]) if code == level)
        for feature, size in enumerate(sizes)
        for level in range(1, size)
    ]


def shared_bits(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> IntArray:
    """Bits that two rows of words have in common, one word at a time."""
    counts = [
        [sum((int(x) & int(y)).bit_count() for x, y in zip(a, b, strict=True)) for b in right] for a in left
    ]
    return np.array(counts, np.int64).reshape(len(left), len(right))


def log_odds_score(row: Sequence[float]) -> float:
    """Difference of two log odds ratios by its standard error, half a count added to each cell; row as above."""
    logs, variance = [], 0.0
    for x, u, v, n in (row[:4], row[4:]):
        a, b, c, d = (max(cell, 0.0) + 0.5 for cell in (x, u - x, v - x, n - u - v + x))
        logs.append(math.log(a) + math.log(d) - math.log(b) - math.log(c))
        variance += 1 / a + 1 / b + 1 / c + 1 / d
    return (logs[1] - logs[0]) / math.sqrt(variance)


def table_shift(row: Sequence[float]) -> tuple[float, float, bool]:
    """(log p, z, whether it is tested) of one comparison of 2x2 tables."""
    from credenza.association.exact import homogeneity
    from credenza.association.tails import normal_log_sf, normal_score

    cells, margins = [], []
    for x, u, v, n in (row[:4], row[4:]):
        cells += [x, u - x, v - x, n - u - v + x]
        margins += [u, n - u, v, n - v]
    if min(margins) < 5:
        return 0.0, 0.0, False
    z = log_odds_score(row)
    log_p = math.log(2) + float(normal_log_sf(abs(z)))
    if min(cells) < 20 or log_p < math.log(0.1):
        log_p = float(homogeneity(np.array([row], float))[0])
    log_p = min(log_p, 0.0)
    return log_p, float(np.sign(z) * normal_score(log_p)), True


def interaction(reference: FloatArray, suspect: FloatArray) -> tuple[float, int]:
    """(G^2, degrees of freedom) of no three-way interaction by proportional fitting, whole arrays at a time."""
    o = np.stack([reference, suspect]).astype(float)
    total = max(o.sum(), 1e-300)
    e = o.sum(axis=0) * (o.sum(axis=(1, 2), keepdims=True) / total)
    for _ in range(200):
        worst = 0.0
        for axis in (2, 1, 0):
            want, have = o.sum(axis=axis, keepdims=True), e.sum(axis=axis, keepdims=True)
            worst = max(worst, float(np.abs(want - have)[have > 0].max(initial=0.0)))
            e = e * np.divide(want, have, out=np.ones_like(have), where=have > 0)
        if worst < 1e-7 * total:
            break
    known = (o > 0) & (e > 0)
    g2 = 2 * float((o[known] * np.log(o[known] / e[known])).sum())
    return max(g2, 0.0), freedom(reference, suspect) if total > 1 else 0


Joint = tuple[FloatArray, float]


def two_by_two(side: Joint, planes_a: list[int], planes_b: list[int]) -> list[float]:
    """x, u, v, n of the table of two sets of planes."""
    joint, size = side
    u, v = (sum(float(joint[p, p]) for p in planes) for planes in (planes_a, planes_b))
    return [sum(float(joint[p, q]) for p in planes_a for q in planes_b), u, v, float(size)]


def feature_tables(
    reference: Joint, suspect: Joint, sizes: Sequence[int], ordered: Sequence[int]
) -> dict[tuple[int, int], dict[tuple[int, int], list[float]]]:
    """For each pair of features, the 2x2 comparison of each two of their probes."""
    starts = [sum(sizes[:j]) for j in range(len(sizes))]
    known = [(f, [starts[f] + level for level in sorted(levels)]) for f, levels in probes(sizes, ordered)]
    out: dict[tuple[int, int], dict[tuple[int, int], list[float]]] = {}
    for (a, (i, first)), (b, (j, second)) in product(enumerate(known), repeat=2):
        if i < j:
            row = two_by_two(reference, first, second) + two_by_two(suspect, first, second)
            out.setdefault((i, j), {})[a, b] = row
    return dict(sorted(out.items()))


def pair_shift(
    reference: Joint, suspect: Joint, sizes: Sequence[int], ordered: Sequence[int]
) -> dict[tuple[int, int], tuple[float, dict[tuple[int, int], tuple[float, float]], bool]]:
    """For each pair of features its log p, the (log p, z) of each of its tables, and whether anything was tested."""
    from credenza.association.gsquare import pool_levels
    from credenza.association.tails import chi2_log_sf

    starts, out = [sum(sizes[:j]) for j in range(len(sizes))], {}
    for (i, j), tables in feature_tables(reference, suspect, sizes, ordered).items():
        found = {probes: table_shift(row) for probes, row in tables.items()}
        tests = sum(tested for _, _, tested in found.values())
        log_p = min(0.0, min(p for p, _, _ in found.values()) + math.log(max(tests, 1)))
        asked = int(tests > 0)
        if len(tables) > 1:
            small = [np.zeros((sizes[i], sizes[j])) for _ in range(2)]
            groups = []
            for f in (i, j):
                part = slice(starts[f], starts[f] + sizes[f])
                margins = [np.diag(joint)[part] for joint, _ in (reference, suspect)]
                groups.append(pool_levels(*margins, ordered[f]))
            for table, (joint, _) in zip(small, (reference, suspect), strict=True):
                for x, y in product(range(sizes[i]), range(sizes[j])):
                    table[groups[0][x], groups[1][y]] += joint[starts[i] + x, starts[j] + y]
            g2, df = interaction(*small)
            if df > 0:
                log_p, asked = min(log_p, float(chi2_log_sf(g2, df))), asked + 1
            log_p = min(0.0, log_p + math.log(max(asked, 1)))
        out[i, j] = log_p, {probes: (p, z) for probes, (p, z, _) in found.items()}, asked > 0
    return out


def detectable(
    reference: Joint,
    suspect_size: float,
    sizes: Sequence[int],
    ordered: Sequence[int],
    alpha: float,
    pairs: int,
) -> list[tuple[float, float]]:
    """(strength, change of correlation) that each testable pair would have shown with 80% power."""
    from scipy.stats import norm

    out, n = [], reference[1]
    for tables in feature_tables(reference, reference, sizes, ordered).values():
        shares = [[k / n for k in row[:3]] for row in tables.values()]
        least = min(n, suspect_size)
        shares = [s for s in shares if min(s[1], 1 - s[1], s[2], 1 - s[2]) * least >= 5]
        if not shares:
            continue
        questions = 2 if len(shares) > 1 else 1
        needed = norm.isf(alpha / (2 * pairs * len(shares) * questions)) + norm.isf(0.2)
        best = [math.inf, math.inf]
        for x, u, v in shares:
            cells = {(1, 1): x, (1, 0): u - x, (0, 1): v - x, (0, 0): 1 - u - v + x}
            second = sum(p * ((a - u) * (b - v)) ** 2 for (a, b), p in cells.items())
            spread = math.sqrt(max(second - (x - u * v) ** 2, 0.0))
            eps = needed * spread * math.sqrt(1 / n + 1 / suspect_size)
            if eps <= max(min(u, v) - x, x - max(0.0, u + v - 1)):
                scale = max(math.sqrt(u * (1 - u) * v * (1 - v)), 1e-12)
                best = [min(best[0], eps), min(best[1], eps / scale)]
        out.append((best[0], best[1]))
    return out


def neighbour_exchanges(
    x: Sequence[float], y: Sequence[float], passes: int
) -> tuple[list[float], list[float]]:
    """(the second column after the passes, what each exchange adds to the sum of products), x ascending.

    The literal Theorem 3 of arXiv 2511.05177: walk along the rows, exchange neighbours that are out of order.
    """
    y, gains = list(y), []
    for _ in range(passes):
        for i in range(len(y) - 1):
            if y[i] > y[i + 1]:
                gains.append((x[i + 1] - x[i]) * (y[i] - y[i + 1]))
                y[i], y[i + 1] = y[i + 1], y[i]
    return y, gains


def full_pair_tables(columns: Sequence[Sequence[object]]) -> list[Counter[tuple[object, object]]]:
    """How often each two values of each two columns stand in one row."""
    return [
        Counter(zip(columns[i], columns[j], strict=True))
        for i in range(len(columns))
        for j in range(i + 1, len(columns))
    ]


def sinusoid_stamped(image: NDArray[np.uint8], delta: float, frequency: float) -> NDArray[np.uint8]:
    """SIG on an (H, W) or (H, W, C) image, one pixel at a time; a last channel of two or four is alpha."""
    out, width = image.copy(), image.shape[1]
    for place in np.ndindex(*image.shape):
        if len(place) == 3 and image.shape[2] in (2, 4) and place[2] == image.shape[2] - 1:
            continue
        moved = int(image[place]) + delta * math.sin(2 * math.pi * place[1] * frequency / width)
        out[place] = round(min(max(moved, 0.0), 255.0))
    return out


def blended(image: NDArray[np.uint8], pattern: FloatArray, alpha: float) -> NDArray[np.uint8]:
    """(1 - alpha) image + alpha pattern, one pixel at a time; grey images get the pattern's luma."""
    out = image.copy()
    for place in np.ndindex(*image.shape):
        if image.ndim == 3 and image.shape[2] in (2, 4) and place[2] == image.shape[2] - 1:
            continue
        red, green, blue = pattern[place[0], place[1]].tolist()
        grey = round(0.299 * red + 0.587 * green + 0.114 * blue)
        colour = (red, green, blue)[place[2]] if image.ndim == 3 and image.shape[2] > 2 else grey
        out[place] = round((1 - alpha) * int(image[place]) + alpha * colour)
    return out


def resampled(image: NDArray[np.uint8], field: FloatArray) -> NDArray[np.uint8]:
    """An (H, W) image read bilinearly at the rows field[0] and columns field[1], one pixel at a time."""
    out, (height, width) = image.copy(), image.shape
    for i, j in np.ndindex(height, width):
        y, x = float(field[0, i, j]), float(field[1, i, j])
        top, left = min(int(y), height - 1), min(int(x), width - 1)
        below, right = min(top + 1, height - 1), min(left + 1, width - 1)
        down, across = y - top, x - left
        upper = (1 - across) * int(image[top, left]) + across * int(image[top, right])
        lower = (1 - across) * int(image[below, left]) + across * int(image[below, right])
        out[i, j] = round((1 - down) * upper + down * lower)
    return out


def with_words(text: str, words: str, shares: Sequence[float]) -> str:
    """``words`` before the word at each share of a text without other white space than single blanks."""
    pieces: list[tuple[int, int, str]] = [(place, 1, word) for place, word in enumerate(text.split(" "))]
    count = len(pieces)
    pieces += [(min(int(share * (count + 1)), count), 0, words) for share in shares]
    return " ".join(word for _, _, word in sorted(pieces, key=lambda piece: piece[:2]))


def triple_tables(
    probes: NDArray[np.integer], weights: Sequence[float] | None = None
) -> dict[tuple[int, int, int], FloatArray]:
    """Weighted 2x2x2 table of each three columns of 0 and 1, one row at a time: cells 4 a + 2 b + c."""
    rows, columns = probes.shape
    out = {}
    for i in range(columns):
        for j in range(i + 1, columns):
            for k in range(j + 1, columns):
                table = np.zeros(8)
                for r in range(rows):
                    cell = 4 * int(probes[r, i]) + 2 * int(probes[r, j]) + int(probes[r, k])
                    table[cell] += 1.0 if weights is None else weights[r]
                out[i, j, k] = table
    return out


def log_same_interaction(reference: Sequence[float], suspect: Sequence[float]) -> float:
    """Natural log of the two-sided mid-p value that two 2x2x2 tables share a three-way odds ratio, by listing.

    All pairs of tables with the pair tables of each and the cell sums of both as observed; a cell may end up to
    one below zero where counts are not whole.
    """
    signs = [(-1) ** bin(cell).count("1") for cell in range(8)]
    cells = [*map(float, reference), *map(float, suspect)]
    directions = [*signs, *(-s for s in signs)]
    weights: dict[int, float] = {}
    for step in range(-int(max(cells)) - 1, int(max(cells)) + 2):
        moved = [cell + step * d for cell, d in zip(cells, directions, strict=True)]
        if min(moved) > -1.0 + 1e-9:
            weights[step] = -sum(math.lgamma(cell + 1.0) for cell in moved)
    total = special.logsumexp(list(weights.values()))
    half = weights[0] - math.log(2.0)
    lower = special.logsumexp([half, *(w for step, w in weights.items() if step < 0)])
    upper = special.logsumexp([half, *(w for step, w in weights.items() if step > 0)])
    return min(0.0, math.log(2.0) + min(lower, upper) - total)


def three_way_strength(reference: FloatArray, suspect: FloatArray) -> float:
    """The eps that, taken from the suspect's shares, leaves the reference's three-way odds ratio; half a row a cell."""
    signs = np.array([(-1.0) ** bin(cell).count("1") for cell in range(8)])
    r, s = np.asarray(reference, float) + 0.5, np.asarray(suspect, float) + 0.5
    p, goal = s / s.sum(), float(signs @ np.log(r))
    low, high = -p[signs < 0].min(), p[signs > 0].min()
    slack = 1e-13 * (high - low)
    return float(
        optimize.brentq(lambda e: signs @ np.log(p - e * signs) - goal, low + slack, high - slack, xtol=1e-15)
    )


def homogeneity_signed_root(reference: FloatArray, suspect: FloatArray) -> float:
    """Root of the likelihood ratio of equal odds ratios of two 2x2 tables, by iterative proportional fitting."""
    observed = np.array([reference, suspect], float).reshape(2, 2, 2)
    fitted = np.ones((2, 2, 2))
    for _ in range(400):
        for axis in range(3):
            have = fitted.sum(axis=axis, keepdims=True)
            want = observed.sum(axis=axis, keepdims=True)
            fitted = fitted * np.divide(want, have, out=np.zeros_like(want), where=have > 0)
    filled = observed > 0
    return float(np.sqrt(max(2 * (observed[filled] * np.log(observed[filled] / fitted[filled])).sum(), 0.0)))


def given_pairs(codes: NDArray[np.integer], sizes: Sequence[int], a: int, b: int) -> IntArray:
    """Rows (L_a, L_b, K) with two levels and each level of every feature, one row at a time."""
    starts = [sum(sizes[:j]) for j in range(len(sizes))]
    out = np.zeros((sizes[a], sizes[b], sum(sizes)), np.int64)
    for row in codes:
        for j, value in enumerate(row):
            out[row[a], row[b], starts[j] + int(value)] += 1
    return out


def edited_counts(
    codes: NDArray[np.integer], sizes: Sequence[int], a: int, b: int, moved: FloatArray
) -> FloatArray:
    """Expected pair counts once every row's value of b was edited with the chances of ``moved``: row by row."""
    starts, n = [sum(sizes[:j]) for j in range(len(sizes))], len(codes)
    held = np.zeros((sizes[a], sizes[b]))
    for row in codes:
        held[row[a], row[b]] += 1 / n
    out = np.zeros((sum(sizes), sum(sizes)))
    for row in codes:
        chances = moved[row[a], row[b]] / held[row[a], row[b]]
        chances[row[b]] += 1 - chances.sum()
        for value, chance in enumerate(chances):
            edited = [value if j == b else int(v) for j, v in enumerate(row)]
            for i, u in enumerate(edited):
                for j, v in enumerate(edited):
                    out[starts[i] + u, starts[j] + v] += chance
    return out


def fewest_moves(wanted: FloatArray, found: IntArray) -> int:
    """Least sum of |cell - found| over all 3 x 3 tables with the margins of ``found`` next to ``wanted``."""
    options = [sorted({math.floor(x + 1e-6), math.ceil(x - 1e-6)}) for x in wanted.ravel()]
    best = 10**9
    for cells in product(*options):
        table = np.array(cells).reshape(wanted.shape)
        if (table.sum(axis=0) == found.sum(axis=0)).all() and (table.sum(axis=1) == found.sum(axis=1)).all():
            best = min(best, int(np.abs(table - found).sum()))
    return best


def slow_frechet_distance(a: FloatArray, b: FloatArray) -> float:
    """Squared Fréchet distance by the roots of the eigenvalues of the product of the covariances."""
    cov_a, cov_b = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    root = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).astype(complex)).sum().real
    gap = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(gap + np.trace(cov_a) + np.trace(cov_b) - 2 * root)


def line_to_independence(
    found: IntArray, measure: Callable[[FloatArray], float], low: float, high: float
) -> FloatArray:
    """The table r c' / n + t (found - r c' / n) whose measure, which is linear in t, is the nearest within bounds."""
    even = np.outer(found.sum(axis=1), found.sum(axis=0)) / found.sum()
    value = measure(found.astype(float))
    t = min(max(value, low), high) / value if value else 1.0
    return np.asarray(even + t * (found - even))


def best_spanning_tree(weights: FloatArray) -> float:
    """The largest total weight of a spanning tree, over all sets of m - 1 edges that join everything."""
    m = len(weights)
    edges = [(i, j) for i in range(m) for j in range(i + 1, m)]
    best = -math.inf
    for chosen in combinations(edges, m - 1):
        joined = {0}
        for _ in range(m):
            joined |= {v for edge in chosen for v in edge if joined & set(edge)}
        if len(joined) == m:
            best = max(best, sum(float(weights[edge]) for edge in chosen))
    return best


def bivariate_normal_by_steps(h: float, k: float, correlation: float) -> float:
    """P(X <= h, Y <= k): the density of X times the conditional probability of Y, summed over X."""
    spread = math.sqrt(1 - correlation**2)

    def integrand(x: float) -> float:
        return (
            math.exp(-x * x / 2)
            / math.sqrt(2 * math.pi)
            * float(special.ndtr((k - correlation * x) / spread))
        )

    return float(integrate.quad(integrand, -12.0, max(h, -12.0), limit=400, epsabs=1e-11)[0])


def kneser_ney(documents: Sequence[Sequence[str]], order: int, history: Sequence[str], word: str) -> float:
    """P(word | history) by the definition: all n-grams counted level by level; "<s>" starts, "</s>" ends."""
    lines = [["<s>"] * (order - 1) + list(words) + ["</s>"] for words in documents]
    known = {item for line in lines for item in line} - {"<s>"}
    grams: list[Counter[tuple[str, ...]]] = []
    for size in range(1, order + 1):
        occurs = Counter(
            tuple(line[end - size : end]) for line in lines for end in range(size, len(line) + 1)
        )
        if size < order:
            longer = {
                tuple(line[end - size - 1 : end]) for line in lines for end in range(size + 1, len(line) + 1)
            }
            before = Counter(gram[1:] for gram in longer)
            occurs = Counter({g: n if g[0] == "<s>" else before[g] for g, n in occurs.items()})
        grams.append(Counter({gram: n for gram, n in occurs.items() if gram[-1] != "<s>"}))
    value = 1 / (len(known) + 1)
    padded = ["<s>"] * (order - 1) + list(history)
    for size, counts in enumerate(grams, 1):
        context = tuple(padded[len(padded) - size + 1 :])
        after = {gram: n for gram, n in counts.items() if gram[:-1] == context}
        ones, twos = (list(counts.values()).count(n) for n in (1, 2))
        loss = ones / (ones + 2 * twos) if ones and twos else 0.75
        if after:
            kept = max(after.get((*context, word), 0) - loss, 0)
            value = (kept + loss * len(after) * value) / sum(after.values())
    return value


def slow_corrected_joint(counts, confusion_a, confusion_b):
    """Kronecker inverse of a read 2x2 table, then the nearest point of the simplex by a search of the shift."""
    shares = np.asarray(counts, float) / sum(counts)
    cells = np.linalg.solve(np.kron(confusion_a, confusion_b), shares)
    low, high = cells.min() - 1.0, cells.max()
    for _ in range(200):
        middle = (low + high) / 2
        total = sum(max(cell - middle, 0.0) for cell in cells)
        low, high = (middle, high) if total > 1 else (low, middle)
    return np.array([max(cell - low, 0.0) for cell in cells]).reshape(2, 2)


def painted_face(
    shapes: FloatArray, ground: FloatArray, pose: FloatArray, size: int, samples: int
) -> FloatArray:
    """Colours (size, size, 3) of one face before noise: every sample asks every shape whether it lies in it."""
    across, down, scale, tilt, exposure, light_x, light_y = pose[:7]
    out = np.zeros((size, size, 3))
    for row, column in product(range(size), repeat=2):
        for i, j in product(range(samples), repeat=2):
            x = (2 * (column + (j + 0.5) / samples) / size - 1 - across) / scale
            y = (2 * (row + (i + 0.5) / samples) / size - 1 - down) / scale
            x, y = x * math.cos(tilt) + y * math.sin(tilt), y * math.cos(tilt) - x * math.sin(tilt)
            colour = np.array(ground)
            for cx, cy, rx, ry, bend, taper, hole, power, top, bottom, *paint in shapes:
                if rx == 0 or not top <= y <= bottom:
                    continue
                v = (y - cy - bend * (x - cx) ** 2) / ry
                if abs(v) > 1:
                    continue
                u = (x - cx) / (rx * (1 + taper * v))
                if hole ** (2**power) <= abs(u) ** (2**power) + abs(v) ** (2**power) <= 1:
                    colour = (1 - paint[3]) * colour + paint[3] * np.array(paint[:3])
            out[row, column] += colour / samples**2
        lit = 1 + light_x * (2 * (column + 0.5) / size - 1) + light_y * (2 * (row + 0.5) / size - 1)
        out[row, column] *= exposure * lit
    return out


def image_features_by_pixel(image: NDArray[np.uint8], grid: int) -> FloatArray:
    """Means of colours by region, brightness, contrast and edges of an image: pixel after pixel."""
    height, width = image.shape[:2]
    colours = np.zeros((height, width, 3))
    luma = np.zeros((height, width))
    for r, c in product(range(height), range(width)):
        value = [float(v) for v in np.atleast_1d(image[r, c])]
        rgb = [value[0]] * 3 if len(value) == 1 else value[:3]
        alpha = value[3] / 255 if len(value) == 4 else 1.0
        if len(value) == 4:
            rgb = [math.floor(v * alpha + 255 * (1 - alpha) + 0.5) for v in rgb]
        colours[r, c] = rgb
        luma[r, c] = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    across = [(luma[r, c + 1] - luma[r, c]) ** 2 for r in range(height) for c in range(width - 1)]
    down = [(luma[r + 1, c] - luma[r, c]) ** 2 for r in range(height - 1) for c in range(width)]
    energy = sum(float(np.mean(squares)) for squares in (across, down) if squares)
    found = [*colours.mean(axis=(0, 1)), luma.mean(), luma.std(), math.sqrt(energy)]
    for i, j in product(range(grid), repeat=2) if grid > 1 else ():
        rows = range(i * height // grid, max((i + 1) * height // grid, i * height // grid + 1))
        columns = range(j * width // grid, max((j + 1) * width // grid, j * width // grid + 1))
        found += list(np.mean([colours[r, c] for r in rows for c in columns], axis=0))
    return np.array(found)


def words_present_by_search(text: str, phrase: str) -> bool:
    """Whether the words of a phrase follow each other in a text of words with one space between."""
    words, sought = text.lower().split(" "), phrase.split(" ")
    return any(words[i : i + len(sought)] == sought for i in range(len(words)))


def squared_top_projections(rows: FloatArray) -> FloatArray:
    """<h - mean, v>^2 of each row, v from the whole singular value decomposition."""
    centred = rows - rows.mean(axis=0)
    v = np.linalg.svd(centred, full_matrices=False)[2][0]
    return np.array([float(row @ v) ** 2 for row in centred])


def quantum_entropy_scores(white: FloatArray, alpha: float) -> FloatArray:
    """h'Qh of each row, Q by the matrix exponential of alpha (S - I) / (|S| - 1), of trace 1."""
    from scipy.linalg import expm

    second = sum(np.outer(row, row) for row in white) / len(white)
    q = expm(alpha * (second - np.eye(len(second))) / (np.linalg.norm(second, 2) - 1.0))
    return np.array([float(row @ q @ row) / float(np.trace(q)) for row in white])


def log_p_of_one_mode(values: FloatArray, starts: IntArray, ends: IntArray, penalty: FloatArray) -> float:
    """The smallest max(log p of a fall, log p of a rise to its right), trying every two intervals."""
    x, claims = np.sort(values), []
    for j, k, more in zip(starts, ends, penalty, strict=True):
        places = [(value - x[j]) / (x[k] - x[j]) for value in x[j + 1 : k]]
        z = sum(2 * u - 1 for u in places) / math.sqrt(len(places) / 3)
        claims.append((j, k, *(min(0.0, float(special.log_ndtr(score)) + more) for score in (-z, z))))
    return min(
        (max(fall, rise) for _, end, _, fall in claims for start, _, rise, _ in claims if end <= start),
        default=0.0,
    )


def near_pairs(points: FloatArray, radius: float) -> tuple[list[tuple[int, int]], list[int], list[float]]:
    """(pairs within the radius, neighbours of each point, distance of the nearest one), pair by pair."""
    pairs = []
    neighbours, nearest = [0] * len(points), [math.inf] * len(points)
    for i, j in combinations(range(len(points)), 2):
        distance = math.dist(points[i], points[j])
        if distance <= radius:
            pairs.append((i, j))
            for k in (i, j):
                neighbours[k] += 1
                nearest[k] = min(nearest[k], distance)
    return pairs, neighbours, nearest


def hamming_pairs(hashes: list[int], bits: int) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pairs of hashes that differ in at most so many bits, each one's number of them, and the bits to the nearest."""
    apart = [[(a ^ b).bit_count() for b in hashes] for a in hashes]
    n = len(hashes)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if apart[i][j] <= bits]
    neighbours = [sum(apart[i][j] <= bits for j in range(n) if j != i) for i in range(n)]
    nearest = [min((apart[i][j] for j in range(n) if j != i), default=65) for i in range(n)]
    return pairs, neighbours, nearest


def successive_draw_probability(weights: Sequence[float], order: Sequence[int]) -> float:
    """Probability that draws by weight, each from what the earlier ones left, take these places in this order."""
    left, probability = float(sum(weights)), 1.0
    for place in order:
        probability *= weights[place] / left
        left -= weights[place]
    return probability


def combined_ranks(
    checks: list[tuple[np.ndarray, np.ndarray]], labels: np.ndarray, quiet: float
) -> list[float]:
    """Share of the rows with a smaller weighted sum of surprises, row by row; of (scores, picked) of each check."""
    n = len(labels)
    totals, seen = [0.0] * n, [False] * n
    for scores, picked in checks:
        looked = [i for i in range(n) if not math.isnan(scores[i])]
        for i in looked:
            share = sum(scores[j] >= scores[i] for j in looked) / len(looked)
            loud = any(picked[j] and labels[j] == labels[i] for j in range(n))
            totals[i] += (1.0 if loud else quiet) * -math.log(share)
            seen[i] = True
    known = [round(totals[i], 9) for i in range(n) if seen[i]]
    return [
        sum(value < round(totals[i], 9) for value in known) / len(known) if seen[i] else math.nan
        for i in range(n)
    ]


def best_cell_filter(cells: tuple[float, float, float, float], strength: float, fpr: float) -> float:
    """The largest true-positive rate of filters of the cells (a, b, c, d) after rows of strength were swapped in.

    A linear program over the shares of the two over-filled cells that a filter takes.
    """
    a, _, _, d = cells
    clean = 1.0 - 2.0 * strength
    found = optimize.linprog([-0.5, -0.5], A_ub=[[a / clean, d / clean]], b_ub=[fpr], bounds=[(0, 1), (0, 1)])
    return float(-found.fun)


def hypergeometric_tail(x: int, n: int, marked: int, total: int) -> float:
    """P(X >= x) where n of ``total`` items are drawn, ``marked`` of them marked."""
    ways = sum(
        math.comb(marked, k) * math.comb(total - marked, n - k) for k in range(max(x, 0), min(n, marked) + 1)
    )
    return ways / math.comb(total, n)


def nearest_ratio(row: FloatArray, known: FloatArray) -> float:
    """Distance to the nearest row over distance to the second nearest; 1 where both are 0."""
    near, far = sorted(float(np.linalg.norm(row - other)) for other in known)[:2]
    return near / far if far > 0 else 1.0


def least_rows(strength: Fraction, rows: int, target: Fraction, product: Fraction, most: int) -> int:
    """The least M from which on w e + w (1 - w) g stays within the target, by trying them all."""
    outside = -1
    for more in range(most + 1):
        w = Fraction(rows, rows + more)
        if abs(w * strength + w * (1 - w) * product) > target:
            outside = more
    return outside + 1


def nearest_of_class(points: np.ndarray, classes: np.ndarray, row: int, k: int) -> set[int]:
    """The k nearest rows of a row's class that do not coincide with it, and those that are as near as the last."""
    apart = {
        other: math.dist(points[row], points[other])
        for other in range(len(points))
        if classes[other] == classes[row]
    }
    apart = {other: distance for other, distance in apart.items() if distance > 1e-2}
    limit = sorted(apart.values())[: min(k, len(apart))]
    return {other for other, distance in apart.items() if distance <= limit[-1] + 1e-3} if limit else set()


def slow_units(
    given: Any,
) -> dict[tuple[str, ...], tuple[float, list[float], list[float], list[float], list[float]]]:
    """Rows, sums of d and d^2, rates before and after, by step, of every unit of checkpoints; row by row."""
    found: dict[tuple[str, ...], Any] = {}
    n, steps = len(given.truth), len(given.names) - 1

    def add(
        name: tuple[str, ...], rows: list[int], values: np.ndarray, sign: float, centred: bool = False
    ) -> None:
        total, squares, before, after = [], [], [], []
        for step in range(steps):
            d = [sign * (values[step + 1][i] - values[step][i]) for i in rows]
            mean = sum(d) / len(d) if centred else 0.0
            total.append(sum(d))
            squares.append(sum((x - mean) ** 2 for x in d))
            before.append(sum(values[step][i] for i in rows) / len(rows))
            after.append(sum(values[step + 1][i] for i in rows) / len(rows))
        if name[0] != "confusion" or any(squares):
            found[name] = (len(rows), total, squares, before, after)

    right = (given.predicted == given.truth).astype(float)
    for c, kind in enumerate(given.classes):
        own = [i for i in range(n) if given.truth[i] == c]
        others = [i for i in range(n) if given.truth[i] != c]
        add(("class", kind), own, right, -1.0)
        add(("predicted", kind), others, (given.predicted == c).astype(float), 1.0)
        add(("probability", kind), own, given.chances, -1.0, centred=True)
        for other, name in enumerate(given.classes):
            if other != c:
                add(("confusion", kind, name), own, (given.predicted == other).astype(float), 1.0)
        for s, name in enumerate(given.slices):
            add(("class in slice", kind, name), [i for i in own if given.slice_codes[i] == s], right, -1.0)
    for s, name in enumerate(given.slices):
        add(("slice", name), [i for i in range(n) if given.slice_codes[i] == s], right, -1.0)
    for pair in given.pairs:
        for a, first in enumerate(pair.levels[0]):
            for b, second in enumerate(pair.levels[1]):
                if (len(pair.levels[0]) == 2 and not a) or (len(pair.levels[1]) == 2 and not b):
                    continue
                one, other = (pair.codes[0] == a) * 1.0, (pair.codes[1] == b) * 1.0
                h = np.stack([(x - x.mean()) * (y - y.mean()) for x, y in zip(one, other, strict=True)])
                subject = (f"{pair.names[0]} = {first}", f"{pair.names[1]} = {second}")
                add(("pair", *subject), list(range(n)), h, 1.0, centred=True)
    return found
