"""Tampering with signed data at random: is all of it found, and does what nobody touched pass?

    python benchmarks/tampering.py [--number 1000] [--seed 0]

A folder with tables, a text, a profile, a log of four records and three claims is signed. For each round a copy of it
is verified, tampered with in one of the ways below, at a random place, and verified again.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from credenza.errors import CredenzaError
from credenza.provenance.claims import append_claim
from credenza.provenance.keys import PrivateKey, generate_keys, load_private
from credenza.provenance.log import append
from credenza.provenance.manifest import BUNDLE, HOME
from credenza.provenance.record import Record
from credenza.provenance.sign import sign
from credenza.provenance.verify import verify
from credenza.report import profile

ALIKE = {"a": "\u0430", "e": "\u0435", "o": "\u043e", "p": "\u0440", "c": "\u0441", "x": "\u0445"}


@dataclass(frozen=True)
class Scene:
    """Signed data, other data signed with the same key, the same data signed with another key; and the key."""

    signed: Path
    other: Path
    resigned: Path
    key: PrivateKey

    def copy(self) -> Path:
        """A copy of the signed data."""
        target = Path(tempfile.mkdtemp(dir=self.signed.parent))
        shutil.copytree(self.signed, target, dirs_exist_ok=True)
        return target

    def detected(self, place: Path) -> bool:
        """Whether verifying does not pass."""
        try:
            return not verify(place, [self.key.public]).ok
        except CredenzaError:
            return True


def folder_of_data(folder: Path, seed: int, key: PrivateKey) -> Path:
    """Write a folder of small tables and sign it, with all that goes along."""
    rng = np.random.default_rng(seed)
    (folder / "deep").mkdir(parents=True)
    for name in ("alpha.parquet", "deep/echo.parquet"):
        table = pa.table({"a": rng.random(300) < 0.4, "b": rng.random(300) < 0.5, "x": rng.normal(size=300)})
        pq.write_table(table, folder / name)
    rows = "".join(f"{a},{b}\n" for a, b in rng.integers(0, 9, (40, 2)))
    (folder / "deep" / "codes.csv").write_text("a,b\n" + rows)
    (folder / "notes.txt").write_text(f"Wave {seed}.\n")
    log = folder.with_name(folder.name + ".log")
    for number in range(4):
        append(log, Record("poison", (), (), {"seed": seed + number}))
    sign(folder, key, profile=profile(folder / "alpha.parquet"), lineage=log)
    for number in range(3):
        document = folder.with_name(f"{folder.name}.{number}")
        document.write_text(f"claim {number}")
        append_claim(folder, document, key)
    return folder


def scene(folder: Path, key: PrivateKey, stranger: PrivateKey) -> Scene:
    """What all rounds share."""
    return Scene(
        folder_of_data(folder / "signed", 1, key),
        folder_of_data(folder / "other", 2, key),
        folder_of_data(folder / "resigned", 1, stranger),
        key,
    )


def files_of(place: Path) -> list[Path]:
    """The data, without the manifest's own files."""
    return sorted(p for p in place.rglob("*") if p.is_file() and HOME not in p.parts)


def all_of(place: Path) -> list[Path]:
    """Every file, those of the manifest included."""
    return sorted(p for p in place.rglob("*") if p.is_file())


def flip(place: Path, rng: random.Random, _: Scene) -> str:
    """One bit of any file."""
    path = rng.choice(all_of(place))
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data) * 8)
    data[at // 8] ^= 1 << at % 8
    path.write_bytes(data)
    return f"bit {at} of {path.name}"


def truncate(place: Path, rng: random.Random, _: Scene) -> str:
    """Any file, to any shorter length."""
    path = rng.choice(all_of(place))
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])
    return path.name


def swap(place: Path, rng: random.Random, _: Scene) -> str:
    """The contents of two files."""
    one, two = rng.sample(files_of(place), 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    return f"{one.name} and {two.name}"


def rename(place: Path, rng: random.Random, _: Scene) -> str:
    """Any file, to another name or another folder."""
    path = rng.choice(all_of(place))
    target = rng.choice([path.with_name(path.name + "x"), place / f"new-{path.name}"])
    path.rename(target)
    return f"{path.name} to {target.name}"


def rename_alike(place: Path, rng: random.Random, _: Scene) -> str:
    """A file of data, to a name that looks the same or differs in case."""
    path = rng.choice(files_of(place))
    letters = [at for at, letter in enumerate(path.name) if letter in ALIKE]
    at = rng.choice(letters)
    alike = rng.choice([ALIKE[path.name[at]], path.name[at].upper()])
    path.rename(path.with_name(path.name[:at] + alike + path.name[at + 1 :]))
    return f"{path.name}, letter {at}"


def remove(place: Path, rng: random.Random, _: Scene) -> str:
    """Any file but the latest claim, which leaves no trace."""
    latest = max((place / HOME / "claims").iterdir())
    path = rng.choice([path for path in all_of(place) if path != latest])
    path.unlink()
    return path.name


def add(place: Path, rng: random.Random, _: Scene) -> str:
    """A file more, hidden or not, in any folder; or a link."""
    folder = rng.choice([place, place / "deep", place / HOME, place / HOME / "claims"])
    path = folder / rng.choice([".hidden", "more.parquet", "0009.sigstore.json", "Alpha.parquet"])
    if rng.random() < 0.3:
        path.symlink_to(rng.choice(files_of(place)))
    else:
        path.write_bytes(rng.randbytes(rng.randrange(50)))
    return str(path.relative_to(place))


def link(place: Path, rng: random.Random, stage: Scene) -> str:
    """A file, by a link to a copy of itself elsewhere."""
    path = rng.choice(files_of(place))
    original = stage.signed / path.relative_to(place)
    path.unlink()
    path.symlink_to(original)
    return path.name


def edit_log(place: Path, rng: random.Random, _: Scene) -> str:
    """A line of the log dropped, doubled, moved, or one of its settings changed; or the end cut off."""
    path = place / HOME / "lineage.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    at = rng.randrange(len(lines))
    way = rng.choice(["drop", "double", "move", "edit", "cut"])
    if way == "drop":
        del lines[at]
    elif way == "double":
        lines.insert(at, lines[at])
    elif way == "move":
        lines.insert((at + rng.randrange(1, len(lines))) % len(lines), lines.pop(at))
    elif way == "edit":
        lines[at] = lines[at].replace(b'"seed":', b'"seed":1', 1)
    else:
        lines = lines[:at]
    path.write_bytes(b"".join(lines))
    return f"{way} line {at + 1}"


def swap_manifest(place: Path, rng: random.Random, stage: Scene) -> str:
    """The manifest, or all beside it, of other data or of another key."""
    source = rng.choice([stage.other, stage.resigned]) / HOME
    if rng.random() < 0.5:
        shutil.copy(source / BUNDLE, place / HOME / BUNDLE)
        return f"bundle of {source.parent.name}"
    shutil.rmtree(place / HOME)
    shutil.copytree(source, place / HOME)
    return f"all of {source.parent.name}"


def unsign(place: Path, rng: random.Random, _: Scene) -> str:
    """The signature taken out of the manifest or a claim, or put in from another one."""
    claims = sorted((place / HOME / "claims").iterdir())
    path = rng.choice([place / HOME / BUNDLE, *claims])
    text = path.read_text()
    start = text.index('"signatures":[') + len('"signatures":[')
    end = text.index("]", start)
    donor = claims[0] if path != claims[0] else claims[1]
    given = donor.read_text()
    there = given.index('"signatures":[') + len('"signatures":[')
    other = "" if rng.random() < 0.5 else given[there : given.index("]", there)]
    path.write_text(text[:start] + other + text[end:])
    return path.name


def shuffle_claims(place: Path, rng: random.Random, _: Scene) -> str:
    """Claims in another order, or one between others left out with the later ones renumbered."""
    paths = sorted((place / HOME / "claims").iterdir())
    contents = [path.read_bytes() for path in paths]
    if rng.random() < 0.5:
        one, two = rng.sample(range(len(paths)), 2)
        contents[one], contents[two] = contents[two], contents[one]
    else:
        del contents[rng.randrange(len(contents) - 1)]
        paths.pop().unlink()
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return f"{len(paths)} left"


Tampering = Callable[[Path, random.Random, Scene], str]
TAMPERINGS: dict[str, Tampering] = {
    "a bit flipped": flip,
    "a file truncated": truncate,
    "two files swapped": swap,
    "a file renamed": rename,
    "renamed to a look-alike": rename_alike,
    "a file removed": remove,
    "a file or link added": add,
    "a file replaced by a link": link,
    "the log edited": edit_log,
    "the manifest swapped": swap_manifest,
    "a signature removed or exchanged": unsign,
    "claims reordered or left out": shuffle_claims,
}


def main() -> int:
    """Run as many rounds as were asked for; the exit status is the number of failures, 1 at most."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--number", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    passed, started = 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = [load_private(generate_keys(folder / kind)[0]) for kind in ("mine", "strange")]
        stage = scene(folder, keys[0], keys[1])
        for number in range(given.number):
            rng = random.Random(f"{given.seed} {number}")
            way = list(TAMPERINGS)[number % len(TAMPERINGS)]
            place = stage.copy()
            passed += not stage.detected(place)
            said = TAMPERINGS[way](place, rng, stage)
            tried[way] += 1
            found[way] += (good := stage.detected(place))
            if not good:
                sys.stderr.write(f"NOT FOUND: {way}: {said} (round {number})\n")
            shutil.rmtree(place)
    seconds = time.perf_counter() - started
    print(f"Seed {given.seed}, {given.number:,} rounds, {seconds:.0f} seconds on {os.cpu_count()} cores.\n")
    print("| tampering | tried | found |\n|---|---|---|")
    for way in TAMPERINGS:
        print(f"| {way} | {tried[way]:,} | {found[way]:,} |")
    print(f"| all | {tried.total():,} | {found.total():,} |")
    print(f"| untouched: passed | {given.number:,} | {passed:,} |")
    return int(found.total() < given.number or passed < given.number)


if __name__ == "__main__":
    sys.exit(main())
