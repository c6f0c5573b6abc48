"""Texts by category from a language model in a local folder: nothing is downloaded, unpickled or run from it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from credenza.data.write import one_line
from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.models.base import require_seed
from credenza.synthetic.base import Synthetic, require_count, require_names
from credenza.synthetic.draw import shared_out
from credenza.synthetic.fields import Fields
from credenza.synthetic.language import collect, labelled
from credenza.synthetic.parse import parse_list

PROMPT = (
    "Write {count} different, realistic texts of the category {category}, as they occur in practice. "
    "One text on each line, nothing else."
)
PER_CALL, WORDS = 10, 50  # texts asked for in one call; pieces of words for each


class LocalModel:
    """A transformers model for text in a folder: ``config.json``, a tokenizer and .safetensors weights.

    Parameters
    ----------
    folder : of the model. head : the class that loads it, such as "AutoModelForCausalLM".
    device : "auto", "cpu" or "cuda".

    Raises
    ------
    InputError : no such folder; one that holds code or no safetensors weights; a model of another sort, or damaged.
    UsageError : a device that is not there. MissingExtraError : transformers or torch is not installed.

    Notes
    -----
    Code in the folder is refused and never run (``trust_remote_code`` is off), and only files of the folder are read.
    """

    def __init__(
        self, folder: str | os.PathLike[str], head: str = "AutoModelForCausalLM", device: str = "auto"
    ) -> None:
        path = require_weights(folder, "config.json", "transformers")
        transformers, self.torch = library("transformers"), library("torch")
        from credenza.models.device import pick_device

        self.device = pick_device(device)
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        options = {"local_files_only": True, "trust_remote_code": False}
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(path, **options)
            loader = getattr(transformers, head)
            self.model = loader.from_pretrained(path, use_safetensors=True, **options).to(self.device).eval()
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise InputError(
                f"{path} cannot be loaded as {head} ({one_line(error).rstrip('.')}); give another model"
            ) from error
        self.name: str = path.name
        longest = getattr(self.model.config, "max_position_embeddings", None)
        self.context: int = longest if isinstance(longest, int) and longest > 0 else 1 << 20

    def write(self, prompt: str, tokens: int, temperature: float, seed: int) -> tuple[str, bool]:
        """Go on after a prompt: what was written, and whether it was cut short after ``tokens`` pieces of words.

        Raises
        ------
        UsageError : the prompt leaves no room in the model's context.
        """
        begun = ""
        if getattr(self.tokenizer, "chat_template", None):
            messages = [{"role": "user", "content": prompt}]
            encoded = self.tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        else:  # not taught to follow instructions: it goes on with a list
            begun = "1. "
            encoded = self.tokenizer(f"{prompt}\n{begun.rstrip()}", return_tensors="pt")
        length = encoded["input_ids"].shape[1]
        room = min(tokens, self.context - length)
        if room < 1:
            raise UsageError(
                f"the prompt takes {length:,} of {self.context:,} tokens of the model; shorten it"
            )
        end = self.tokenizer.eos_token_id
        inputs = {name: encoded[name].to(self.device) for name in ("input_ids", "attention_mask")}
        gpus = [self.device] if self.device.type == "cuda" else []
        with self.torch.random.fork_rng(devices=gpus), self.torch.inference_mode():
            self.torch.manual_seed(seed)
            made = self.model.generate(
                **inputs, do_sample=True, temperature=temperature, top_k=0, top_p=1.0, max_new_tokens=room,
                pad_token_id=self.tokenizer.pad_token_id if end is None else end,
            )[0, length:]  # fmt: skip
        text = str(self.tokenizer.decode(made, skip_special_tokens=True))
        cut = len(made) >= room and (end is None or int(made[-1]) != end)
        return begun + text, cut


def model_texts(
    folder: str | os.PathLike[str],
    prompts: Mapping[str, str | None] | Sequence[str],
    rows: int,
    *,
    temperature: float = 0.8,
    column: str = "text",
    labels: str = "label",
    seed: int = 0,
    device: str = "auto",
) -> Synthetic:
    """Make texts by category with a language model in a local folder.

    The model is asked for ``PER_CALL`` texts at a time until each category has its share; what it writes is read with
    :func:`credenza.synthetic.parse.parse_list`, and repeats (but for case and white space) are left out, also between
    categories.

    Parameters
    ----------
    folder : a transformers model for causal language, in safetensors; see :class:`LocalModel`.
    prompts : categories, or the prompt of each, None for ``PROMPT``; ``{category}`` and ``{count}`` are filled in.
    rows : shared out evenly over the categories.
    temperature : above 0; below 1 texts are likelier and more alike, above 1 more varied and odder.
    column, labels : what the columns are called. seed : decides all draws. device : "auto", "cpu" or "cuda".

    Returns
    -------
    Columns ``column``, ``labels`` (the category), ``source`` and ``generator_model`` (the folder's name).

    Raises
    ------
    UsageError : a number out of range, no categories, a prompt with an unknown field or too long for the model.
    InputError : as :class:`LocalModel`. InfeasibleError : the model keeps repeating itself.
    MissingExtraError : transformers or torch is not installed.

    Notes
    -----
    The same seed gives the same texts on one kind of machine and version of the libraries. A public model's training
    data is unknown: a poisoned model makes poisoned texts (see docs/synthetic.md); validate what it makes.
    """
    require_count("rows", rows)
    require_seed(seed)
    require_names(column, labels)
    if not 0 < temperature < float("inf"):
        raise UsageError(f"temperature is a number above 0; found {temperature!r}")
    asked = prompts_of(prompts)
    model = LocalModel(folder, device=device)
    made: list[tuple[str, Any]] = []
    seen: set[str] = set()
    counts = shared_out([1.0] * len(asked), [rows] * len(asked), rows)
    for place, ((category, prompt), count) in enumerate(zip(asked.items(), counts, strict=True)):
        text = prompt.filled({"category": category, "count": str(PER_CALL)})

        def make(_: int, drawn: int, text: str = text) -> list[str]:
            written, cut = model.write(text, PER_CALL * WORDS, temperature, drawn)
            return parse_list(written, cut=cut)

        if count:
            what, hint = f"category {category!r}", "raise the temperature, or change the prompt"
            found = collect(make, count, seen, (seed, place), what, hint)
            made += [(text, category) for text in found]
    settings = {"maker": "language model", "model": model.name, "rows": rows, "temperature": temperature}
    settings |= {
        "seed": seed,
        "column": column,
        "labels": labels,
        "model_sha256": weights_digest(Path(folder)),
    }
    settings["prompts"] = {name: prompts[name] if isinstance(prompts, Mapping) else None for name in asked}
    return labelled(made, column, labels, None, model.name, settings)


def prompts_of(prompts: Mapping[str, str | None] | Sequence[str]) -> dict[str, Fields]:
    """The prompt of each category, taken apart.

    Raises
    ------
    UsageError : no categories, an empty one, or a field other than {category} and {count}.

    Examples
    --------
    >>> prompts_of(["spam"])["spam"].names
    ('count', 'category')
    """
    named = dict(prompts) if isinstance(prompts, Mapping) else dict.fromkeys(prompts)
    if isinstance(prompts, str) or not named or not all(named):
        raise UsageError(f"give the names of one category or more; found {prompts!r}")
    found = {}
    for category, prompt in named.items():
        fields = Fields(PROMPT if prompt is None else prompt, f"the prompt of {category!r}")
        for name in fields.names:
            if name not in ("category", "count"):
                raise UsageError(
                    f"the prompt of {category!r} has the field {{{name}}}; the fields are {{category}} and {{count}}"
                )
        found[category] = fields
    return found


def require_weights(folder: str | os.PathLike[str], index: str, library_name: str) -> Path:
    """The folder of a model as a path, once it is known to hold settings and weights, and no code.

    Raises
    ------
    InputError : no such folder, no ``index`` in it, no .safetensors weights, or Python files.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise InputError(f"no folder {path}; give the folder of a {library_name} model")
    if not (path / index).is_file():
        raise InputError(f"{path} holds no {index}; give the folder of a {library_name} model")
    for code in sorted(path.rglob("*.py")):
        raise InputError(f"{path} holds code ({code.name}), which is not run; give a model without any")
    if not any(path.rglob("*.safetensors")):
        raise InputError(f"{path} holds no .safetensors weights, and pickled ones are not read; convert them")
    try:
        json.loads((path / index).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path / index} is not JSON ({one_line(error)}); give a whole model") from error
    return path.resolve()


def weights_digest(folder: Path) -> str:
    """SHA-256 (hex) of the names and bytes of all files of a model that are weights or settings."""
    digest = hashlib.sha256()
    root = folder.expanduser()
    for file in sorted(root.rglob("*")):
        if file.is_file() and file.suffix in (".safetensors", ".json", ".txt", ".model"):
            digest.update(file.relative_to(root).as_posix().encode() + b"\0")
            with file.open("rb") as opened:
                while chunk := opened.read(1 << 20):
                    digest.update(chunk)
    return digest.hexdigest()


def library(name: str) -> Any:
    """A library of the extra ``text``.

    Raises
    ------
    MissingExtraError : it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"language models need {name}, which is not installed: pip install 'credenza[text]'"
        ) from error
