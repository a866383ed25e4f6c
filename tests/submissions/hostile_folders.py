"""More hostile submissions: folders, names and manifests, by id."""

from __future__ import annotations

import os
import socket
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from cosmos_board.submissions.checks.submission import Accepted
from tests.submissions.hostile_makers import (
    Case,
    Lines,
    bytes_of,
    extra,
    name,
    named,
    sent,
    text_of,
)
from tests.submissions.samples import Sample

_Change = Callable[[Path], object]
FOOTER = b"\0" * 4 + b"PAR1"


def placed(change: _Change) -> Callable[[Sample, Path], Lines]:
    """Change the folder of a right submission."""

    def make(sample: Sample, root: Path) -> Lines:
        folder = sample.write(root)
        change(folder)
        return sample.check(folder)

    return make


def instead(name: str, change: _Change) -> Callable[[Sample, Path], Lines]:
    """Put something else where a file was."""

    def make(folder: Path) -> None:
        (folder / name).unlink()
        change(folder / name)

    return placed(make)


def edited(old: str, new: str) -> Callable[[Sample, Path], Lines]:
    """Change the text of the manifest."""

    def make(folder: Path) -> None:
        path = folder / "submission.toml"
        text = path.read_text()
        assert old in text
        path.write_bytes(text.replace(old, new, 1).encode())

    return placed(make)


def listen(path: Path) -> None:
    """Make a socket; its path has to be short."""
    here = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def deepen(folder: Path) -> None:
    """Make folders as deep as a path may be."""
    path = folder / "d"
    for _ in range(300):
        path = path / "deep"
    path.mkdir(parents=True)


def fill(folder: Path) -> None:
    for number in range(5000):
        (folder / f"f{number}").touch()


def sparse(folder: Path) -> None:
    """A file that is nothing but a hole between two magic words."""
    with (folder / "predictions.parquet").open("wb") as file:
        file.write(b"PAR1")
        file.truncate(90 << 20)
        file.seek(0, 2)
        file.write((1 << 20).to_bytes(4, "little") + b"PAR1")


def zipped() -> bytes:
    sink = BytesIO()
    with zipfile.ZipFile(sink, "w") as file:
        file.writestr("archive/data.pkl", b"cos\nsystem\n(S'id'\ntR.")
    return sink.getvalue()


def odd_name(data: bytes) -> _Change:
    return lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/" + data)).write_bytes(b"x")


TOML, DATA = "submission.toml", "predictions.parquet"
NOT_ALLOWED = "file name not in the allowed set"
FOLDERS: dict[str, Case] = {
    "F01": Case(instead(DATA, os.mkfifo), f"{DATA}: not a regular file"),
    "F02": Case(instead(TOML, os.mkfifo), f"{TOML}: not a regular file"),
    "F03": Case(instead(DATA, listen), f"{DATA}: not a regular file"),
    "F04": Case(instead(DATA, Path.mkdir), f"{DATA}: folders are not allowed"),
    "F05": Case(instead(TOML, Path.mkdir), f"{TOML}: folders are not allowed"),
    "F06": Case(
        instead(DATA, lambda path: path.symlink_to("/dev/zero")), f"{DATA}: symlink not allowed"
    ),
    "F07": Case(
        instead(DATA, lambda path: path.symlink_to(path.name)), f"{DATA}: symlink not allowed"
    ),
    "F08": Case(
        instead(TOML, lambda path: path.symlink_to("../../nowhere")), f"{TOML}: symlink not allowed"
    ),
    "F09": Case(instead(TOML, lambda path: None), f"{TOML}: missing"),
    "F10": Case(placed(fill), f"f0: {NOT_ALLOWED}"),
    "F11": Case(placed(deepen), "d: folders are not allowed"),
    "F12": Case(placed(odd_name(b"a\nb")), f"evil-sam/a\\nb: {NOT_ALLOWED}"),
    "F13": Case(placed(odd_name(b"\xff\xfe")), f"evil-sam/\\udcff\\udcfe: {NOT_ALLOWED}"),
    "F14": Case(placed(odd_name("\u202egpj".encode())), f"evil-sam/\\u202egpj: {NOT_ALLOWED}"),
    "F15": Case(placed(odd_name(b"\x1b[2Jx")), f"evil-sam/\\x1b[2Jx: {NOT_ALLOWED}"),
    "F16": Case(placed(odd_name(b"::error::x")), NOT_ALLOWED),
    "F17": Case(placed(odd_name(b"x" * 255)), "xxx"),
    "F18": Case(placed(odd_name(b"Submission.YAML")), f"Submission.YAML: {NOT_ALLOWED}"),
    "F19": Case(placed(odd_name(b"predictions.parquet ")), f"{DATA} : {NOT_ALLOWED}"),
    "F20": Case(placed(odd_name("predictions\u200b.parquet".encode())), NOT_ALLOWED),
    "F21": Case(extra(".gitmodules"), f".gitmodules: {NOT_ALLOWED}"),
    "F22": Case(extra(".git/config"), ".git: folders are not allowed"),
    "F23": Case(extra("model.safetensors"), "weights are referenced by sha256, never submitted"),
    "F24": Case(extra("counts.parquet"), "counts.parquet: not listed in submission.toml"),
    "F25": Case(placed(sparse), f"{TOML}: files[0].size_bytes: file has 94371848 bytes"),
    "F26": Case(bytes_of(lambda table: zipped()), f"{DATA}: no PAR1 magic"),
    "F27": Case(bytes_of(lambda table: b"PAR1" + b"\0" * 64 + FOOTER), f"{DATA}: "),
    "F28": Case(bytes_of(lambda table: b"PAR1" + FOOTER), f"{DATA}: "),
    "F29": Case(bytes_of(lambda table: b"PARE" + b"\0" * 64 + b"PARE"), f"{DATA}: no PAR1 magic"),
    **{
        f"F{30 + number}": Case(sent(slug=slug), "slug must ")
        for number, slug in enumerate(
            ("index", "com3", "lpt9", "aux", "My_Model", "a--b", "-a-b", "a-b-", "a.b.c",
             "s\u0430m", "x" * 41, "ab")
        )
    },
}  # fmt: skip


MANIFESTS: dict[str, Case] = {
    "Z01": Case(text_of(b"\xef\xbb\xbfslug = 'a'"), f"{TOML}: byte 0: has a byte-order mark"),
    "Z02": Case(text_of("a = 1\na = 2\n"), "no TOML: cannot overwrite a value (at line 2,"),
    "Z03": Case(text_of("[a]\nb = 1\nb = 2\n"), "no TOML: cannot overwrite a value (at line 3,"),
    "Z04": Case(text_of("%YAML 1.1\n---\na: 1\n"), f"{TOML}: no TOML: "),
    "Z05": Case(text_of(f"[{'a.' * 100}a]"), f"{TOML}: a.a.a.a.a.a.a.a.a: nested deeper than 8"),
    "Z06": Case(text_of("a = [" + "1," * 20000 + "]"), "more than 10000 values"),
    "Z07": Case(text_of("a = [" + " 1,\n" * 40000 + "]"), "160006 bytes, limit 65536"),
    "Z08": Case(text_of("k" * 60000 + " = 1\n"), f"{TOML}: "),
    "Z09": Case(text_of("\u2028 = 1\n"), f"{TOML}: no TOML: "),
    "Z10": Case(text_of(b"a = '\xc0\x80'\n"), f"{TOML}: byte 5: not UTF-8"),
    "Z11": Case(text_of(b"a = '\xed\xa0\x80'\n"), f"{TOML}: byte 5: not UTF-8"),
    "Z12": Case(text_of("a = '" + "a" * 65000), f"{TOML}: no TOML: "),
    "Z13": Case(edited("\nversion = 1\n", "\nversion = 0x0\n"), "version: want an integer"),
    "Z14": Case(edited("\nversion = 1\n", "\nversion = 1e0\n"), "version: want an integer"),
    "Z15": Case(edited("\nversion = 1\n", "\nversion = yes\n"), "no TOML: invalid value (at line"),
    "Z16": Case(edited("\nversion = 1\n", "\nversion = true\n"), "version: want an integer"),
    "Z17": Case(edited("\nversion = 1\n", "\nversion = -1\n"), "version: want an integer"),
    "Z18": Case(edited("\nversion = 1\n", "\nversion = 999999999999999999\n"), "version: "),
    "Z19": Case(sent(version=1.0), "version: "),
    "Z20": Case(sent(run__wall_s=float("inf")), "run.wall_s: want a number 0..1e+09"),
    "Z21": Case(sent(run__wall_s=-1.0), "run.wall_s: want a number 0..1e+09"),
    "Z22": Case(sent(run__wall_s=1e300), "run.wall_s: want a number 0..1e+09"),
    "Z23": Case(sent(files__0__size_bytes=-1), "files[0].size_bytes: want an integer"),
    "Z24": Case(sent(files__0__size_bytes=1 << 62), "files[0].size_bytes: want an integer"),
    "Z25": Case(sent(files__0__sha256="AB" * 32), "files[0].sha256: "),
    "Z26": Case(sent(files__0__sha256="ab" * 31), "files[0].sha256: "),
    "Z27": Case(sent(files__0__path="../../x.parquet"), "files[0].path: "),
    "Z28": Case(sent(files__0__path="C:\\x.parquet"), "files[0].path: "),
    "Z29": Case(sent(files__0__path="predictions.parquet\0.txt"),
                "files[0].path: 'predictions.parquet\\x00.txt' unknown"),
    "Z30": Case(sent(authors__0__github_id=True), "authors[0].github_id: "),
    "Z31": Case(sent(authors__0__github_id=-5), "authors[0].github_id: "),
    "Z32": Case(sent(authors__0__github_id=1 << 70), "authors[0].github_id: "),
    "Z33": Case(sent(authors=[]), "authors: "),
    "Z34": Case(sent(authors=None), "authors: "),
    "Z35": Case(sent(model__prompts=["box", "box"]), "model.prompts: "),
    "Z36": Case(sent(model__prompts=[]), "model.prompts: "),
    "Z37": Case(sent(model__prompts=["text"]), "model.prompts[0]: "),
    "Z38": Case(sent(model__prompts=["box", "point", "everything"]), "references missing"),
    "Z39": Case(sent(run__started_at="9999-12-31T23:59:59-23:59"), "run"),
    "Z40": Case(sent(run__finished_at="2999-01-01T00:00:00Z"),
                "run.finished_at: lies in the future"),
    "Z41": Case(sent(model__code_url="https://[::1]/x"), "model.code_url: "),
    "Z42": Case(sent(model__code_url="https://example.org:22/x"), "model.code_url: "),
    "Z43": Case(sent(model__code_url="https://ex\u0430mple.org/x"), "model.code_url: "),
    "Z44": Case(sent(model__code_url="https://e.org/" + "a" * 5000), "model.code_url: "),
    "Z45": Case(sent(model__parameters=1 << 90), "model.parameters: "),
    "Z46": Case(sent(model__input_size_px=0), "model.input_size_px: "),
    "Z47": Case(name("\U0001d412\U0001d400\U0001d40c"),
                "model.name: character U+1D412 not allowed"),
    "Z48": Case(name("\uff33\uff21\uff2d"), "model.name: character U+FF33 not allowed"),
    "Z49": Case(name("S\u200dAM"), "model.name: U+200D (format character) not allowed"),
    "Z50": Case(name("SAM \U0001f3c6"), "model.name: character U+1F3C6 not allowed"),
    "Z51": Case(name("\u3164"), "model.name: "),
    "Z52": Case(name("SAM\u00a0ViT-B"), "model.name: U+00A0 not allowed"),
    "Z53": Case(name("0fficial SAM"), "model.name: reserved word 'official'"),
    "Z54": Case(name("S.A.M. ViT-B"), "model.name: looks like existing name"),
    "Z55": Case(named(Accepted("uni-seg", "UniSeg", frozenset({1})), model__name="Un1Seg"),
                "model.name: looks like existing name 'UniSeg'"),
    "Z56": Case(sent(slug="sam-vit-b"), "slug: is a known model, which only the project submits"),
    "Z57": Case(sent(notes="x" * 2001), "notes: 2001 characters, limit 2000"),
    "Z58": Case(sent(notes="a\r\nb"), "notes: control character U+000D not allowed"),
    "Z59": Case(sent(notes="a\u2066b"), "notes: U+2066 (format character) not allowed"),
    "Z60": Case(sent(training_data=["COSMOS"] * 201), "training_data: 201 entries, limit 200"),
    "Z61": Case(sent(tier="official"), "tier: "),
    "Z62": Case(sent(terms_accepted="true"), "terms_accepted: "),
    "Z63": Case(sent(schema_version=99), "schema_version: "),
    "Z64": Case(
        sent(files=[{"path": DATA, "sha256": "ab" * 32, "size_bytes": n} for n in (5, 6)]),
        "files: track core wants predictions.parquet",
    ),
    "Z65": Case(
        sent(packs=[{"name": "demo-phantoms"} | dict.fromkeys(
            ("content_sha256", "prompts_sha256", "sample_sha256"), f"{n}" * 64) for n in (1, 2)]),
        "packs: a pack is there twice",
    ),
    "Z66": Case(sent(packs__0__name="../../etc"), "packs[0].name: "),
    "Z67": Case(sent(run__versions={"torch": "2.0\n2.1"}), "run.versions"),
    "Z68": Case(sent(run__versions={f"p{n}": "1" for n in range(41)}), "run.versions: "),
    "Z69": Case(sent(model__checkpoint={"sha256": "ab" * 32, "format": "pickle"}),
                "model.checkpoint.format: "),
    "Z70": Case(sent(authors__0__orcid="0000-0002-1825-009\u0667"), "authors[0].orcid: "),
    "Z71": Case(edited("\nversion = 1\n", f"\nversion = {'9' * 5000}\n"), "no TOML: exceeds the"),
    "Z72": Case(edited("\nversion = 1\n", f"\nversion = 0x{'f' * 50000}\n"),
                f"{TOML}: version: an integer of more than 64 bits"),
    "Z73": Case(edited("\nversion = 1\n", "\nversion = 2024-01-01\n"), "version: want an integer"),
    "Z74": Case(edited("\nversion = 1\n", "\nversion = nan\n"), "version: want an integer"),
    "Z75": Case(edited('\nslug = "evil-sam"\n', "\nslug = 2024-01-01T00:00:00\n"),
                "slug: want text, got 2024-01-01 00:00:00"),
    "Z76": Case(edited('\nslug = "evil-sam"\n', "\nslug = [['evil-sam']]\n"), "slug: want text"),
    "Z77": Case(edited('started_at = "', "started_at = 07:32:00 # "),
                "run.started_at: 07:32:00 is not an RFC 3339 time"),
    "Z78": Case(edited('started_at = "', "started_at = 2024-01-01T00:00:00 # "),
                "run.started_at: '2024-01-01T00:00:00' is not an RFC 3339 time"),
    "Z79": Case(edited("\nauthors = [", "\nauthors = [2024-01-01, 2024-01-01, "),
                "authors: an entry is there twice"),
    "Z80": Case(edited("\nversion = 1\n", "\nversion = 1\n[model]\nname = 'x'\n"), "no TOML: "),
    "Z81": Case(edited("\nversion = 1\n", "\nversion = 1\nmodel.x = 1\n"), "no TOML: "),
    "Z82": Case(edited("\nversion = 1\n", "\rversion = 1\n"), "no TOML: "),
    "Z83": Case(text_of("a = " + "{a=" * 3000), f"{TOML}: nested deeper than 8"),
    "Z84": Case(text_of("a = " + "[" * 9 + "]" * 9), "nested deeper than 8"),
    "Z85": Case(text_of("[[a]]\n" * 9000), "schema_version: missing"),
    "Z86": Case(text_of("\n".join(f"a{n} = 1" for n in range(6000))), "missing"),
    "Z87": Case(text_of("".join(f"[{'a.' * 150}k{n}]\n" for n in range(200))), "nested deeper"),
    "Z88": Case(text_of('a = "\\ud800"\n'), "no TOML: "),
    "Z89": Case(text_of('a = """' + '\\' * 60000), "no TOML: "),
    "Z90": Case(edited("training_data = []", "training_data = 'none'"),
                "training_data: want a list, got 'none'"),
}  # fmt: skip
