"""Images from a generator: one that was trained here, or a diffusers model in a local folder."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import struct
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.data.write import one_line
from credenza.errors import InputError, MissingExtraError, UsageError
from credenza.models.base import require_seed
from credenza.synthetic.base import MODEL, SOURCE, Synthetic, require_count, require_names
from credenza.synthetic.language import MADE_BY
from credenza.synthetic.language_model import require_weights, weights_digest

_TROUBLE = (OSError, ValueError, KeyError, RuntimeError, AttributeError, ImportError, TypeError)
_AT_ONCE = 16  # images of a diffusers model


def model_images(
    folder: str | os.PathLike[str],
    rows: int,
    *,
    category: str | None = None,
    prompt: str | None = None,
    column: str = "image",
    labels: str = "label",
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Synthetic:
    """Make images with a generator from a folder.

    Parameters
    ----------
    folder : of a :class:`credenza.models.DDPM` or :class:`credenza.models.DiffusionGAN` that was saved, or of a
        diffusers pipeline in safetensors. rows : how many.
    category : what all of them are labelled; None makes no labels. prompt : for a pipeline that takes text; the
        category without it. column, labels : what the columns are called.
    steps : of denoising, for diffusers; None takes the pipeline's own. device : "auto", "cpu" or "cuda", for diffusers.
    seed : decides all draws.

    Returns
    -------
    Columns ``column`` (bytes of PNG files), ``labels`` (with a category), ``source``, ``generator_model``.

    Raises
    ------
    UsageError : a number or a name that cannot be; a pipeline that takes text, without any. InputError : no model in
        the folder, or one of another sort, with code, pickled or damaged. MissingExtraError : torch or diffusers is not
        installed.

    Notes
    -----
    Code in the folder is refused and never run. Images that repeat others byte by byte are kept and counted: they say
    that the generator has collapsed. The generator is as clean as what it was trained on: nothing is cleaned here.
    Left out: classes of a class-conditional DDPM, whose images come without their class; train one for each.
    """
    require_count("rows", rows)
    require_seed(seed)
    require_names(column, labels)
    if steps is not None:
        require_count("steps", steps)
    path = Path(folder).expanduser()
    if (path / "model.json").is_file():
        pixels = _own(path, rows, seed)
    else:
        pixels = _Pipeline(path, prompt or category, steps, device).images(rows, seed)
    files = [png(image) for image in pixels]
    columns: dict[str, Any] = {column: pa.array(files, pa.binary())}
    if category is not None:
        columns[labels] = pa.array([category] * rows, pa.string())
    columns[SOURCE] = pa.array([MADE_BY] * rows, pa.string())
    columns[MODEL] = pa.array([path.resolve().name] * rows, pa.string())
    copies = rows - len({hashlib.sha256(file).digest() for file in files})
    notes = (f"{copies:,} images repeat others; the generator may have collapsed",) if copies else ()
    settings = {"maker": "image generator", "model": path.resolve().name, "rows": rows, "seed": seed}
    settings |= {
        "category": category,
        "prompt": prompt,
        "column": column,
        "model_sha256": weights_digest(path),
    }
    return Synthetic(pa.table(columns), settings, notes)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """An image as a PNG file: RGB or grey of 8 bits, without loss.

    Parameters
    ----------
    pixels : uint8, (H, W, 3), (H, W, 1) or (H, W).

    Examples
    --------
    >>> png(np.zeros((2, 2, 3), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width = pixels.shape[:2]
    rows = np.zeros(
        (height, 1 + pixels.size // height), np.uint8
    )  # each begins with the number of its filter
    rows[:, 1:] = pixels.reshape(height, -1)
    colours = 2 if pixels.shape[2:] == (3,) else 0
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0),
        b"IDAT": zlib.compress(rows.tobytes(), 6),
        b"IEND": b"",
    }
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _own(path: Path, rows: int, seed: int) -> NDArray[np.uint8]:
    """Images of a generator that was saved by this package."""
    from credenza import models

    kinds = {"ddpm": "DDPM", "diffusion-gan": "DiffusionGAN"}
    try:
        kind = json.loads((path / "model.json").read_text(encoding="utf-8"))["kind"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / 'model.json'} is damaged; save the model again") from error
    if kind not in kinds:
        raise InputError(f"{path} holds a model of kind {kind!r}; images are made by {' or '.join(kinds)}")
    images: NDArray[np.uint8] = getattr(models, kinds[kind]).load(path).sample(rows, seed=seed)
    return images


class _Pipeline:
    """A diffusers pipeline; which images it makes does not depend on how many follow."""

    def __init__(self, path: Path, prompt: str | None, steps: int | None, device: str) -> None:
        root = require_weights(path, "model_index.json", "diffusers")
        try:
            diffusers, self._torch = import_module("diffusers"), import_module("torch")
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"image generators need {error.name}, which is not installed: pip install 'credenza[torch]'"
            ) from error
        from credenza.models.device import pick_device

        place = pick_device(device)
        diffusers.utils.logging.set_verbosity_error()
        diffusers.utils.logging.disable_progress_bar()
        try:
            self._pipeline = diffusers.DiffusionPipeline.from_pretrained(
                root, local_files_only=True, use_safetensors=True, trust_remote_code=False
            ).to(place)
        except _TROUBLE as error:
            raise InputError(
                f"{path} cannot be loaded with diffusers ({one_line(error).rstrip('.')}); give another model"
            ) from error
        self._pipeline.set_progress_bar_config(disable=True)
        by_text = "prompt" in inspect.signature(self._pipeline.__call__).parameters
        if by_text and not prompt:
            raise UsageError(f"{path} makes images of a text; give a category or a prompt")
        self._path, self._prompt = path, prompt if by_text else None
        self._options = {} if steps is None else {"num_inference_steps": steps}

    def images(self, rows: int, seed: int) -> NDArray[np.uint8]:
        """uint8 (rows, H, W, 3), a few at a time."""
        found = []
        for start in range(0, rows, _AT_ONCE):
            count = min(_AT_ONCE, rows - start)
            drawn = [
                self._torch.Generator("cpu").manual_seed(_seed_of(seed, start + k)) for k in range(count)
            ]
            asked = {"batch_size": count} if self._prompt is None else {"prompt": [self._prompt] * count}
            try:
                made = self._pipeline(**asked, **self._options, generator=drawn, output_type="np").images
            except _TROUBLE as error:
                raise InputError(
                    f"{self._path} cannot make images ({one_line(error).rstrip('.')}); "
                    "give another model, or other steps"
                ) from error
            found.append(np.rint(np.asarray(made).clip(0, 1) * 255).astype(np.uint8))
        return np.concatenate(found)


def _seed_of(seed: int, row: int) -> int:
    return int(np.random.SeedSequence([seed, row]).generate_state(1)[0])
