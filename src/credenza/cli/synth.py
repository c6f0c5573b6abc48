"""``credenza synth ...``: rows that are known to be clean, from templates, from models, from varied parents."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credenza.cli.options import Quiet, Seed, check_outputs, say, split_names
from credenza.cli.progress import working
from credenza.cli.synth_mix import mix_command
from credenza.cli.synth_tabular import tabular_command
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.synthetic import Synthetic

Out = Annotated[
    str,
    typer.Option(
        "--out", metavar="FILE", help="Where the rows go: .parquet, .csv, .jsonl, by the name's ending."
    ),
]
Column = Annotated[str | None, typer.Option("--column", metavar="COL", help="The column of texts or images.")]
Labels = Annotated[str | None, typer.Option("--labels", metavar="COL", help="The column of labels.")]


def template_command(
    templates: Annotated[
        str, typer.Argument(metavar="TEMPLATES", help="YAML file of templates, or sql-injection.")
    ],
    out: Out,
    rows: Annotated[
        int | None,
        typer.Option("--rows", metavar="N", help="Rows to draw, none twice; all that there are without it."),
    ] = None,
    column: Column = None,
    labels: Labels = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Make rows of text from templates with variables: queries, log lines, settings."""
    from credenza.synthetic import TemplateGenerator

    require_table_file(out, [templates])
    names = {"column": column or "text", "labels": labels or "label"}
    with working("filling in", quiet=quiet):
        generator = TemplateGenerator.load(templates)
        made = generator.every(**names) if rows is None else generator.sample(rows, seed=seed, **names)
        write(made, out)
    tell(made, out, quiet=quiet)


def language_command(
    out: Out,
    rows: Annotated[int, typer.Option("--rows", metavar="N", help="Rows to make.")],
    fit: Annotated[
        str | None,
        typer.Option("--fit", metavar="REF", help="Trusted texts: a Markov chain of their words makes more."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="FOLDER", help="Local model: transformers, diffusers, or saved here."
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(
            "--category",
            metavar="NAME[=PROMPT]",
            help="What --model is asked for; {category} and {count} are filled in; repeatable.",
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            metavar="T",
            help="Of --model: higher is more varied, and odder; 0.8, or 1 for a transformer saved here.",
        ),
    ] = None,
    order: Annotated[
        int, typer.Option("--order", metavar="N", help="Of --fit: words that hang together.")
    ] = 3,
    column: Column = None,
    labels: Labels = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Make texts or images with a model: fitted on trusted texts here, or from a folder. Nothing is downloaded.

    A folder with model_index.json (diffusers) makes images, one with model.json (saved by this package) what its model
    makes, any other texts.
    """
    if (fit is None) == (model is None):
        given = "neither" if fit is None else "both"
        raise UsageError(f"synth language takes --fit REF or --model FOLDER: found {given}")
    require_table_file(out, [fit])
    prompts = named_prompts(category)
    with working("writing", quiet=quiet):
        if fit is not None:
            if prompts:
                raise UsageError(
                    "--category is for --model; with --fit name the column of labels: --labels COL"
                )
            from credenza.synthetic import markov_texts

            made = markov_texts(fit, rows, column=column, labels=labels, order=order, seed=seed)
        else:
            assert model is not None
            made = of_model(model, prompts, rows, column, labels, temperature, seed)
        write(made, out)
    tell(made, out, quiet=quiet)


class Subject(StrEnum):
    """What is varied."""

    TEXT = "text"
    IMAGES = "images"
    TABLE = "table"


def augment_command(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Trusted rows: a table, or a folder of images.")
    ],
    out: Out,
    kind: Annotated[
        Subject | None,
        typer.Option(
            "--kind", metavar="text|images|table", help="What to vary; found from the data without."
        ),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--methods",
            metavar="A,B,...",
            help="Text: synonyms, masked, keyboard. Images: flip, crop, colour, noise, cutout.",
        ),
    ] = None,
    variations: Annotated[
        int, typer.Option("--variations", metavar="N", help="Of each row; see --rows.")
    ] = 3,
    rows: Annotated[
        int | None, typer.Option("--rows", metavar="N", help="In place of --variations: rows in all.")
    ] = None,
    wordnet: Annotated[
        str | None, typer.Option("--wordnet", metavar="FOLDER", help="WordNet's files, for synonyms.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="FOLDER", help="Local masked-language model, for masked.")
    ] = None,
    column: Column = None,
    labels: Labels = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Vary trusted rows: words of texts, pixels of images, rows between neighbours of one class in tables.

    Labels stay; the column parent has the number of the row that was varied, how what was done to it.
    """
    from credenza import synthetic

    require_table_file(out, [data])
    chosen = split_names("--methods", methods)
    subject = kind or subject_of(data, column)
    given = {"--methods": chosen, "--wordnet": wordnet, "--model": model, "--column": column}
    refused = {"text": (), "images": ("--wordnet", "--model"), "table": tuple(given)}[subject.value]
    for option in refused:
        if given[option] is not None:
            raise UsageError(f"{option} is not for {subject.value}; leave it out, or give another --kind")
    amount: dict[str, Any] = {"variations": variations, "rows": rows, "seed": seed}
    with working("varying", quiet=quiet):
        if subject is Subject.TABLE:
            made = synthetic.augment_table(data, labels=labels, **amount)
        elif subject is Subject.IMAGES:
            made = synthetic.augment_images(data, column=column, methods=chosen, **amount)
        else:
            made = synthetic.augment_text(
                data, column=column, methods=chosen, wordnet=wordnet, model=model, **amount
            )
        write(made, out)
    tell(made, out, quiet=quiet)


def subject_of(data: str, column: str | None) -> Subject:
    """Text or images where one column of them is found, else a table."""
    from credenza.data import open_source
    from credenza.data.features.contents import find_contents

    source = open_source(data)
    try:
        _, kind = find_contents(source, column)
    except UsageError:
        if column is not None:
            raise
        return Subject.TABLE
    if kind not in ("text", "images"):
        raise UsageError(f"synth augment varies text, images and tables; {data} is of {kind}")
    return Subject(kind)


def of_model(
    folder: str,
    prompts: dict[str, str | None],
    rows: int,
    column: str | None,
    labels: str | None,
    temperature: float | None,
    seed: int,
) -> Synthetic:
    """Images or texts of the model in a folder."""
    names: dict[str, Any] = {"labels": labels or "label", "seed": seed}
    path = Path(folder).expanduser()
    own = (path / "model.json").is_file()
    if own or (path / "model_index.json").is_file():
        from credenza.models.store import model_kind
        from credenza.models.text.saved import KINDS
        from credenza.synthetic import model_images, saved_texts

        texts = own and model_kind(path) in KINDS
        category, prompt = one_category(prompts, "texts of a saved model" if texts else "images")
        if texts:
            if prompt is not None:
                raise UsageError(f"{folder} holds a model that takes no prompts; give --category {category}")
            names |= {"category": category, "temperature": temperature, "column": column or "text"}
            return saved_texts(folder, rows, **names)
        if temperature is not None:
            raise UsageError("--temperature is for texts; leave it out")
        return model_images(folder, rows, category=category, prompt=prompt, column=column or "image", **names)
    from credenza.synthetic import model_texts

    if not prompts:
        raise UsageError("a language model is asked for categories: give --category NAME, once or more")
    names |= {} if temperature is None else {"temperature": temperature}
    return model_texts(folder, prompts, rows, column=column or "text", **names)


def one_category(prompts: dict[str, str | None], what: str) -> tuple[str | None, str | None]:
    """The only category and its prompt; None for both where none is given."""
    if len(prompts) > 1:
        raise UsageError(f"{what} are made of one category at a time: found {len(prompts)}; run it for each")
    return next(iter(prompts.items()), (None, None))


def named_prompts(given: list[str] | None) -> dict[str, str | None]:
    """Prompts by category, None for the default one.

    Raises
    ------
    UsageError : a category without a name, or twice.

    Examples
    --------
    >>> named_prompts(["spam", "ham=Write {count} polite messages."])
    {'spam': None, 'ham': 'Write {count} polite messages.'}
    """
    found: dict[str, str | None] = {}
    for text in given or ():
        name, sign, prompt = text.partition("=")
        if not name.strip() or name.strip() in found:
            raise UsageError(f"--category takes NAME or NAME=PROMPT, each name once: found {text!r}")
        found[name.strip()] = prompt if sign else None
    return found


def require_table_file(out: str, inputs: list[str | None]) -> None:
    """Refuse an output that could not be written, before work begins."""
    from credenza.data.write import require_format

    check_outputs({"--out": out}, inputs)
    require_format(out)


def write(made: Synthetic, out: str) -> None:
    """Write the rows, whole or not at all."""
    from credenza.data import write_table

    write_table(made.data, out)


def tell(made: Synthetic, out: str, *, quiet: bool) -> None:
    """What was written, and what a person should know of it."""
    for note in made.notes:
        say(note, quiet=quiet)
    say(f"wrote {out}: {made.rows:,} rows", quiet=quiet)


# The commands of the group, as in credenza.cli.app.COMMANDS.
SYNTH: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("synth template", "Clean rows of text from templates.", template_command),
    ("synth language", "Clean texts or images from a model.", language_command),
    ("synth augment", "Variations of trusted rows.", augment_command),
    ("synth tabular", "Rows like those of a trusted table.", tabular_command),
    ("synth mix", "Clean and synthetic rows, on record.", mix_command),
)
