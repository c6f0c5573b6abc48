"""A manifest as Croissant 1.1, which search engines and loaders of datasets read, with its lineage in PROV-O."""

from __future__ import annotations

import json
import mimetypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from credenza.data import write_text
from credenza.provenance import manifest as form
from credenza.provenance.log import Entry, read_log
from credenza.provenance.manifest import File, Manifest, home_of

CONFORMS = "http://mlcommons.org/croissant/1.1"
_ENCODINGS = {
    "parquet": "application/x-parquet", "csv": "text/csv", "jsonl": "application/jsonlines",
    "arrow": "application/vnd.apache.arrow.file",
}  # fmt: skip
_READ = ("parquet", "csv", "jsonl")  # what loaders of Croissant extract columns from
_CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip


def croissant_of(manifest: Manifest, entries: Sequence[Entry] = ()) -> dict[str, Any]:
    """A manifest as JSON-LD of Croissant 1.1.

    Parameters
    ----------
    manifest : of a folder or a file. entries : of the log of its lineage.

    Returns
    -------
    dict
        Every file with its SHA-256 and size; of every Parquet, CSV and JSON Lines table a record set with its columns;
        every record of the lineage as an activity of PROV-O with what it used and generated.

    Notes
    -----
    What only the owner knows (licence, authors, a citation, an address to load from) is left out: add it to the file.
    It is a description, and not signed; ``credenza verify`` looks at the manifest alone.

    Examples
    --------
    >>> croissant_of(Manifest("d", False, (File("a.txt", "0" * 64, 3),)))["distribution"][0]["encodingFormat"]
    'text/plain'
    """
    ids = {file.name: f"file-{number}" for number, file in enumerate(manifest.files)}
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": manifest.name,
        "description": f"{len(manifest.files):,} files, {manifest.rows:,} rows, SHA-256 {manifest.root}",
        "identifier": f"urn:sha256:{manifest.root}",
        "distribution": [_file_object(file, ids[file.name]) for file in manifest.files],
        "recordSet": [
            _record_set(file, ids[file.name])
            for file in manifest.files
            if file.table and file.table.format in _READ
        ],
    }
    if manifest.signed_at:
        document["datePublished"] = manifest.signed_at[:10]
    if entries:
        document["prov:wasGeneratedBy"] = [_activity(entry) for entry in entries]
    return document


def write_croissant(data: str | os.PathLike[str], manifest: Manifest, path: str | os.PathLike[str]) -> None:
    """Write :func:`croissant_of` of signed data to a file, with the log beside its manifest; whole or not at all."""
    log = home_of(Path(data)) / form.LOG
    entries = read_log(log) if log.exists() else ()
    text = json.dumps(croissant_of(manifest, entries), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(text + "\n", path)


def _file_object(file: File, identity: str) -> dict[str, Any]:
    guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    encoding = _ENCODINGS.get(file.table.format, guessed) if file.table else guessed
    found = {
        "@type": "cr:FileObject",
        "@id": identity,
        "name": file.name,
        "contentUrl": file.name,
        "encodingFormat": encoding,
        "sha256": file.sha256,
    }
    return found if file.size is None else found | {"contentSize": f"{file.size} B"}


def _record_set(file: File, identity: str) -> dict[str, Any]:
    assert file.table is not None
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{identity}/column-{number}",
            "name": name,
            "dataType": _data_type(kind),
            "source": {"fileObject": {"@id": identity}, "extract": {"column": name}},
        }
        for number, (name, kind) in enumerate(file.table.columns)
    ]
    name = f"rows of {file.name}"
    return {"@type": "cr:RecordSet", "@id": f"{identity}/rows", "name": name, "field": fields}


def _data_type(kind: str) -> str:
    """The type of schema.org for a type of Arrow."""
    known = (
        (("bool",), "sc:Boolean"),
        (("int", "uint"), "sc:Integer"),
        (("float", "double", "half", "decimal"), "sc:Float"),
        (("date", "timestamp"), "sc:Date"),
    )
    return next((name for starts, name in known if kind.startswith(starts)), "sc:Text")


def _activity(entry: Entry) -> dict[str, Any]:
    record = entry.record
    return {
        "@type": "prov:Activity",
        "@id": f"urn:sha256:{entry.digest}",
        "prov:label": f"credenza {record.action}",
        "prov:used": [_entity(item.name, item.sha256) for item in record.inputs],
        "prov:generated": [_entity(item.name, item.sha256) for item in record.outputs],
        "prov:wasAssociatedWith": _agent(record.versions),
    }


def _entity(name: str, sha256: str) -> dict[str, Any]:
    return {"@type": "prov:Entity", "@id": f"urn:sha256:{sha256}", "prov:label": name}


def _agent(versions: Mapping[str, str]) -> dict[str, Any]:
    label = f"credenza {versions.get('credenza', '?')}"
    return {"@type": "prov:SoftwareAgent", "prov:label": label}
