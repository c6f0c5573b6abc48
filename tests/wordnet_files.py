"""A WordNet of a few words, in the format of its own files."""

from __future__ import annotations

from pathlib import Path

LICENCE = "  1 This is a small test file.  \n"
# Part of speech: senses (members), each with the number of them that occur in tagged texts.
SENSES = {
    "noun": [
        ["movie", "film", "motion_picture"],
        ["story", "tale"],
        ["film", "Fujifilm"],
        ["plot", "game"],
        ["stop", "halt"],
    ],
    "verb": [["help", "aid"], ["run", "go"], ["stop", "cease"], ["like", "love"], ["film", "shoot"]],
    "adj": [["big", "large(p)"], ["funny", "comic"]],
    "adv": [["quickly", "fast"]],
}
TAGGED = {("stop", "verb"): 1, ("film", "noun"): 1}
IRREGULAR = {
    "noun": ["men man"],
    "verb": ["ran run", "went go", "gone go", "shot shoot"],
    "adj": [],
    "adv": [],
}


def write_wordnet(folder: Path) -> Path:
    """Write index, data and exceptions of every part of speech."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, senses in SENSES.items():
        data, places = LICENCE, []
        for members in senses:
            place = len(data.encode())
            places.append(place)
            words = " ".join(f"{member} 0" for member in members)
            data += f"{place:08d} 03 {part[0]} {len(members):02x} {words} 000 | a meaning\n"
        lines = []
        for word in sorted({member.split("(")[0].lower() for members in senses for member in members}):
            own = [
                place
                for place, members in zip(places, senses, strict=True)
                if word in [member.split("(")[0].lower() for member in members]
            ]
            tagged = TAGGED.get((word, part), 0)
            offsets = " ".join(f"{place:08d}" for place in own)
            lines.append(f"{word} {part[0]} {len(own)} 1 @ {len(own)} {tagged} {offsets}  \n")
        (folder / f"data.{part}").write_text(data, encoding="utf-8")
        (folder / f"index.{part}").write_text(LICENCE + "".join(lines), encoding="utf-8")
        (folder / f"{part}.exc").write_text("\n".join(IRREGULAR[part]), encoding="utf-8")
    return folder
