"""Counting rows that two bit planes share: AND + population count in a register tile, blocked for two caches.

A tile is 4 x 4 planes: 16 vector accumulators, 4 + 4 vectors of words loaded for 16 ANDs. Planes are copied in blocks
of ``WORDS`` words into panels in which the words of a tile lie together (the layout of Goto & van de Geijn 2008, ACM
TOMS 34:3, made for matrix products): the tile of the left side stays in the first-level cache, the panel of the right
side in the second. What was left out: carry-save adders (Harley-Seal), which save nothing where the machine has a
vector population count (three operations a word either way).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numpy.typing import NDArray

from credenza.contracts import IntArray

SIDE = 4  # planes a side of the register tile
GROUP = 8  # words of a plane that lie together in a panel: one cache line
WORDS = 512  # words of a plane in a block: a tile of 16 KB
PANEL = 256  # planes of the right side kept in the second-level cache: 1 MB
STRIP = 256  # planes of the left side in one task
THREADED = 1 << 26  # plane pairs x words above which threads are worth their start: some milliseconds

Words = NDArray[np.uint64]


def wide() -> bool:
    """Whether code is compiled for a machine that counts the bits of eight words at once."""
    return "+avx512vpopcntdq" in cpu_target.target_context.codegen().magic_tuple()[2]


def _lanes() -> int:
    """Words a vector: what the machine counts at once, or four, which the compiler then splits."""
    return 8 if wide() else 4


def _pointers(
    context: Any, builder: Any, signature: Any, args: Any, places: tuple[tuple[int, int], ...]
) -> Any:
    """Addresses of items ``args[j]`` of the arrays ``args[i]``."""
    arrays = [context.make_array(signature.args[i])(context, builder, args[i]).data for i, _ in places]
    return [builder.gep(data, [args[j]]) for data, (_, j) in zip(arrays, places, strict=True)]


def _vector(builder: Any, pointer: Any, offset: Any, lanes: int) -> Any:
    """Address of ``lanes`` words, ``offset`` words on."""
    kind = ir.VectorType(ir.IntType(64), lanes).as_pointer()
    return builder.bitcast(builder.gep(pointer, [offset]), kind)


def _shuffled(builder: Any, pair: list[Any], places: list[int]) -> Any:
    """Lanes ``places`` of the two vectors of a pair, laid end to end."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
    return builder.shuffle_vector(*pair, mask)


def _four_sums(builder: Any, parts: list[Any], lanes: int) -> Any:
    """The sums of four vectors, as one vector of four: pairs of lanes are added while the vectors are interleaved."""
    halves = []
    for pair in (parts[:2], parts[2:]):
        even = [k for lane in range(0, lanes, 2) for k in (lane, lanes + lane)]
        odd = [k + 1 for k in even]
        halves.append(builder.add(_shuffled(builder, pair, even), _shuffled(builder, pair, odd)))
    low = [k for lane in range(0, lanes, 4) for k in (lane, lane + 1, lanes + lane, lanes + lane + 1)]
    high = [k + 2 for k in low]
    total = builder.add(_shuffled(builder, halves, low), _shuffled(builder, halves, high))
    while lanes > SIDE:
        lanes //= 2
        lower, upper = list(range(lanes)), list(range(lanes, 2 * lanes))
        twice = [total, total]
        total = builder.add(_shuffled(builder, twice, lower), _shuffled(builder, twice, upper))
    return total


def _emit_tile(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The tile's loop, written as vectors: a compiler left to find them uses half the width of the machine."""
    lanes, words = _lanes(), args[4]
    left, right, out = _pointers(context, builder, signature, args, ((0, 1), (2, 3), (5, 6)))
    vector = ir.VectorType(ir.IntType(64), lanes)
    utils: Any = cgutils
    kind, name = ir.FunctionType(vector, [vector]), f"llvm.ctpop.v{lanes}i64"
    popcount = utils.get_or_insert_function(builder.module, kind, name)
    sums = [utils.alloca_once(builder, vector) for _ in range(SIDE * SIDE)]
    for place in sums:
        builder.store(ir.Constant(vector, None), place)

    def loaded(pointer: Any, offset: Any, plane: int) -> Any:
        place = builder.add(offset, ir.Constant(words.type, GROUP * plane))
        return builder.load(_vector(builder, pointer, place, lanes), align=8)

    start, step = ir.Constant(words.type, 0), ir.Constant(words.type, lanes)
    with utils.for_range_slice(builder, start, words, step) as (word, _):
        group = builder.and_(word, ir.Constant(words.type, -GROUP))
        offset = builder.add(word, builder.mul(group, ir.Constant(words.type, SIDE - 1)))
        a = [loaded(left, offset, plane) for plane in range(SIDE)]
        b = [loaded(right, offset, plane) for plane in range(SIDE)]
        for k, place in enumerate(sums):
            both = builder.call(popcount, [builder.and_(a[k // SIDE], b[k % SIDE])])
            builder.store(builder.add(builder.load(place), both), place)
    for row in range(SIDE):
        parts = [builder.load(place) for place in sums[SIDE * row : SIDE * (row + 1)]]
        to = _vector(builder, out, builder.mul(args[7], ir.Constant(args[7].type, row)), SIDE)
        total = builder.add(builder.load(to, align=8), _four_sums(builder, parts, lanes))
        builder.store(total, to, align=8)
    return context.get_dummy_value()


def _add_tile(typing, left, left_at, right, right_at, words, out, out_at, stride):  # type: ignore[no-untyped-def]
    """Add the counts of the tiles at ``left[left_at]`` and ``right[right_at]`` to the block at ``out[out_at]``."""
    given = left, left_at, right, right_at, words, out, out_at, stride
    return types.void(*given), _emit_tile


add_tile: Any = intrinsic(_add_tile)


def _emit_move(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    source, target = _pointers(context, builder, signature, args, ((0, 1), (2, 3)))
    zero = ir.Constant(ir.IntType(64), 0)
    line = builder.load(_vector(builder, source, zero, GROUP), align=8)
    builder.store(line, _vector(builder, target, zero, GROUP), align=8)
    return context.get_dummy_value()


def _move_group(typing, source, source_at, target, target_at):  # type: ignore[no-untyped-def]
    """Copy ``GROUP`` words."""
    return types.void(source, source_at, target, target_at), _emit_move


move_group: Any = intrinsic(_move_group)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_panel(planes, words, first, last, start, stop, panel):  # type: ignore[no-untyped-def]
    """Lay out words start..stop of planes first..last tile by tile, with zeros to whole tiles and whole groups.

    Word w of plane p of a tile is at ``32 (w div 8) + 8 p + w mod 8``. Returns the words of a plane in the panel.
    """
    whole = (stop - start) // GROUP * GROUP
    length = whole + GROUP if start + whole < stop else whole
    for plane in range(first, first + (last - first + SIDE - 1) // SIDE * SIDE):
        place = (plane - first) % SIDE
        at = (plane - first - place) * length + place * GROUP
        source = plane * words + start
        copied = whole if plane < last else 0
        for w in range(0, copied, GROUP):
            move_group(planes, source + w, panel, at + w * SIDE)
        for w in range(copied, length):
            inside = plane < last and start + w < stop
            panel[at + w // GROUP * GROUP * SIDE + w % GROUP] = planes[source + w] if inside else np.uint64(0)
    return length


@njit(cache=True, nogil=True, error_model="numpy")
def count_block(  # type: ignore[no-untyped-def]
    left, right, words, i_first, i_last, j_first, j_last, mirrored, tile, panel, edge, out, columns
):
    """Add to ``out`` the rows shared by planes i_first..i_last of ``left`` and j_first..j_last of ``right``.

    All arrays are flat. Where ``mirrored``, left and right are the same planes, and tiles below the diagonal are not
    counted. ``edge`` holds 16 zeros.
    """
    for start in range(0, words, WORDS):
        stop = start + WORDS if start + WORDS < words else words
        length = fill_panel(right, words, j_first, j_last, start, stop, panel)
        for i in range(i_first, i_last, SIDE):
            end = i + SIDE if i + SIDE < i_last else i_last
            fill_panel(left, words, i, end, start, stop, tile)
            begin = i if mirrored and i > j_first else j_first
            for j in range(begin, j_last, SIDE):
                whole = i + SIDE <= i_last and j + SIDE <= j_last
                target, at, stride = (out, i * columns + j, columns) if whole else (edge, 0, SIDE)
                add_tile(tile, 0, panel, (j - j_first) * length, length, target, at, stride)
                if not whole:
                    for row in range(i, end):
                        for column in range(j, j + SIDE if j + SIDE < j_last else j_last):
                            out[row * columns + column] += edge[(row - i) * SIDE + column - j]
                    for k in range(edge.size):
                        edge[k] = 0


def cores() -> int:
    """Threads to count with: the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def aligned(words: int) -> Words:
    """Space for words that begins with a cache line, so that no vector straddles two."""
    raw = np.empty(words + GROUP, np.uint64)
    skip = -(raw.ctypes.data >> 3) % GROUP
    return raw[skip : skip + words]


def spread(work: Callable[[Iterator[Any]], None], tasks: Iterable[Any], cost: float) -> None:
    """Let workers take tasks from one iterator until it is empty; one worker where the cost is small."""
    shared = iter(list(tasks))  # a list iterator hands out each item once, also to several threads
    workers = cores() if cost > THREADED else 1
    if workers == 1:
        work(shared)
        return
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work, shared) for _ in range(workers)]:
            done.result()


def _blocks(rows: int, columns: int, mirrored: bool) -> list[tuple[int, int, int, int]]:
    """Blocks of planes (left first, last, right first, last), the largest first, several for every core."""
    area = rows * columns / (2 if mirrored else 1)
    strip = min(STRIP, max(SIDE * SIDE, int(area / (4 * cores() * PANEL)) // SIDE * SIDE))
    blocks = []
    for j in range(0, columns, PANEL):
        end = min(j + PANEL, columns)
        top = min(rows, end) if mirrored else rows
        blocks += [(i, min(i + strip, top), j, end) for i in range(0, top, strip)]
    return sorted(blocks, key=lambda b: (b[0] - b[1]) * (b[3] - (max(b[0], b[2]) if mirrored else b[2])))


def _mirror(out: IntArray, i_first: int, i_last: int, j_first: int, j_last: int) -> None:
    """Copy what a block counted above the diagonal to its mirror image, and touch nothing else: others count on."""
    above, corner = min(i_last, j_first), max(i_first, j_first)
    if i_first < above:
        out[j_first:j_last, i_first:above] = out[i_first:above, j_first:j_last].T
    if corner < i_last:
        upper = np.triu(out[corner:i_last, corner:i_last])
        out[corner:i_last, corner:i_last] = upper + np.triu(upper, 1).T
        out[i_last:j_last, corner:i_last] = out[corner:i_last, i_last:j_last].T


def count(left: Words, right: Words, out: IntArray, *, mirrored: bool) -> None:
    """Add to ``out`` (Ra, Rb) the rows shared by each plane of ``left`` (Ra, words) and ``right`` (Rb, words)."""
    words = left.shape[1]
    a, b, flat = left.reshape(-1), right.reshape(-1), out.reshape(-1)

    def work(blocks: Iterator[tuple[int, int, int, int]]) -> None:
        length = min(WORDS, -(-words // GROUP) * GROUP)
        tile, panel = aligned(SIDE * length), aligned((min(PANEL, len(right)) + SIDE) * length)
        edge = np.zeros(SIDE * SIDE, np.int64)
        for block in blocks:
            count_block(a, b, words, *block, mirrored, tile, panel, edge, flat, len(right))
            if mirrored:
                _mirror(out, *block)

    cost = len(left) * len(right) * words / (2 if mirrored else 1)
    spread(work, _blocks(len(left), len(right), mirrored), cost)
