"""Hostile submissions by id: how each is made and what must be said of it.

What the corpus calls `manifest.yaml` is our `submission.toml`, its `results.parquet` our
`predictions.parquet`. Where a case names a column, count or route that the core track does not
have, `maps_to` says which rule of ours stands in its way.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cosmos_board.submissions.checks.submission import Accepted
from cosmos_board.submissions.history.git import Change
from tests.submissions import hostile_files as files
from tests.submissions.hostile_makers import (
    Case,
    bytes_of,
    changes,
    copied_references,
    executable,
    extension,
    extra,
    flip_codec,
    forged_values,
    histogram,
    huge,
    link,
    misnamed,
    name,
    named,
    nested,
    redirected,
    row_of,
    same_mask,
    sent,
    sent_column,
    table_of,
    text_of,
    trailing_space,
    unequal_runs,
)

SAM = Accepted("sam-base", "SAM", frozenset({1}))
MANIFEST = Change("submissions/evil-sam/submission.toml", "100644")
CASES: dict[str, Case] = {
    "P01": Case(
        link("predictions.parquet", "/proc/self/environ"),
        "predictions.parquet: symlink not allowed",
    ),
    "P02": Case(
        link("submission.toml", "../../.git/config"), "submission.toml: symlink not allowed"
    ),
    "P03": Case(
        changes(Change("submissions/evil-sam/submod", "160000")),
        "submissions/evil-sam/submod: submodule not allowed",
    ),
    "P04": Case(executable, "submission.toml: executable bit not allowed"),
    "P05": Case(
        changes(MANIFEST, Change(".github/workflows/submission.yml", "100644")),
        ".github/workflows/submission.yml: path outside submissions/<slug>/",
    ),
    "P07": Case(extra(".gitattributes"), ".gitattributes: file name not in the allowed set"),
    "P10": Case(extra("A.yaml"), "A.yaml: file name not in the allowed set"),
    "P12": Case(extra("CON"), "CON: file name not in the allowed set"),
    "P14": Case(extra("weights.pt"), "weights are referenced by sha256, never submitted"),
    "P16": Case(extra("sub/a/submission.toml"), "evil-sam/sub: folders are not allowed"),
    "P18": Case(sent(slug="xn--sm-8ja"), "submissions/xn--sm-8ja: slug must not start with xn--"),
    "P19": Case(
        changes(*[Change(f"submissions/a/{n}", "100644") for n in range(3001)]),
        "PR: 3001 changed files, limit 200",
    ),
    "P20": Case(huge, "predictions.parquet: 105906176 bytes, limit 99614720"),
    "P21": Case(
        bytes_of(lambda table: b"version https://git-lfs.github.com/spec/v1\n"),
        "predictions.parquet: no PAR1 magic (Git LFS pointer?)",
    ),
    "Y01": Case(
        text_of("a." * 30_000 + "a = 1"),
        "submission.toml: line 1: more than 200 dots",
        "keys of many parts, for which the parser takes quadratic time, for a bomb of anchors",
    ),
    "Y02": Case(
        text_of("[a]\nx = 1\n[a]\ny = 2\n"),
        "submission.toml: no TOML: cannot declare ('a',) twice (at line 3,",
        "one table written twice for one merged into itself",
    ),
    "Y03": Case(text_of("a = " + "[" * 5000), "submission.toml: nested deeper than 8"),
    "Y05": Case(
        text_of("a = !!python/object/apply:os.system ['id']"),
        "submission.toml: no TOML: invalid value (at line 1, column 5)",
    ),
    "Y08": Case(
        text_of("a = 1\n---\nb = 2\n"), "submission.toml: no TOML: expected '=' after a key"
    ),
    "Y09": Case(text_of(""), "submission.toml: schema_version: missing"),
    "Y10": Case(text_of("- a"), "submission.toml: no TOML: "),
    "Y11": Case(text_of("? [a, b]\n: c\n"), "submission.toml: no TOML: "),
    "Y12": Case(text_of("a = 1".encode("utf-16")), "submission.toml: byte 0: not UTF-8"),
    "Y13": Case(text_of('a = "x\0y"'), "submission.toml: no TOML: illegal character '\\x00'"),
    "Y15": Case(sent(run__batch_size="9" * 5000), "run.batch_size: want an integer 1..65536"),
    "Y16": Case(
        sent(run__started_at="2024-13-45"), "run.started_at: '2024-13-45' is not an RFC 3339 time"
    ),
    "M03": Case(
        misnamed,
        "slug: 'other-model' does not match the folder 'evil-sam'",
    ),
    "M06": Case(name("<img src=x onerror=alert(1)>"), "model.name: character '<' not allowed"),
    "M07": Case(name("[SAM](javascript:alert(1))"), "model.name: character '[' not allowed"),
    "M08": Case(name('SAM *x*{: onclick="alert(1)" }'), "model.name: character '*' not allowed"),
    "M09": Case(
        name('*x*{: style="position:fixed;inset:0" }'), "model.name: character '*' not allowed"
    ),
    "M11": Case(name("SAM |\n| evil | 1.0 |"), "model.name: control character U+000A not allowed"),
    "M12": Case(name('--8<-- "/etc/passwd"'), "model.name: character '<' not allowed"),
    "M13": Case(name("{{ config }}"), "model.name: character '{' not allowed"),
    "M14": Case(name("https://evil.example/login"), "model.name: character ':' not allowed"),
    "M15": Case(name("SAM\u202eksap"), "model.name: U+202E (format character) not allowed"),
    "M17": Case(name("S\u0410M"), "model.name: mixes scripts LATIN and CYRILLIC"),
    "M18": Case(
        named(SAM, model__name="\u0405\u0410\u041c"),
        "model.name: looks like existing name 'SAM' (owner id 1)",
    ),
    "M20": Case(
        named(SAM, model__name="sam"), "model.name: equals existing name 'SAM' after case folding"
    ),
    "M21": Case(name("SAM (official)"), "model.name: reserved word 'official'"),
    "M22": Case(name("x" * 5000), "model.name: 5000 characters, limit 60"),
    "M24": Case(name("Z" + "\u0301" * 40), "model.name: more than 2 combining marks in a row"),
    "M25": Case(name('=HYPERLINK("http://evil","SAM")'), "model.name: character '=' not allowed"),
    "M26": Case(name("+1"), "model.name: must start with a letter or digit"),
    "M27": Case(
        sent(model__code_url="javascript:alert(1)"),
        "model.code_url: scheme 'javascript' not allowed, want https",
    ),
    "M30": Case(
        sent(model__code_url="https://github.com@evil.example/x"),
        "model.code_url: user info not allowed",
    ),
    "M31": Case(
        sent(model__code_url="https://xn--gthub-n4a.com/x"),
        "model.code_url: host must be plain ASCII without xn--",
    ),
    "M32": Case(
        sent(model__code_url="http://169.254.169.254/latest"),
        "model.code_url: scheme 'http' not allowed, want https",
    ),
    "M33": Case(
        sent(files__0__url="https://127.0.0.1/x"),
        "files[0].url: host '127.0.0.1' not in the allowed hosts",
        "files[].url",
    ),
    "M34": Case(
        redirected,
        "files[0].url: redirect to '10.0.0.1' refused",
        "fetch of files[].url",
    ),
    "M39": Case(sent(files__0__path="/etc/passwd"), "files[0].path: absolute path not allowed"),
    "M40": Case(sent(files__0__sha256="9a" * 32), "manifest says 9a9a9a9a9a9a..."),
    "M42": Case(
        sent(authors=[{"name": f"A{chr(97 + n % 26)}", "github_id": n + 1} for n in range(500)]),
        "authors: 500 entries, limit 50",
    ),
    "M43": Case(sent(authors__0__name="</td><td>"), "authors[0].name: character '<' not allowed"),
    "M44": Case(
        sent(authors__0__orcid="0000-0000-0000-0000"), "authors[0].orcid: check digit wrong"
    ),
    "M45": Case(sent(contact="a@b.com\nBcc: x@y"), "contact: control character U+000A not allowed"),
    "M46": Case(sent(licence="GPL-\u221e"), "licence: 'GPL-\\u221e' is not an SPDX identifier"),
    "M48": Case(
        sent(packs__0__sample_sha256="ab" * 32),
        "packs[0].sample_sha256: abababababab... retired or unknown",
        "packs[].sample_sha256",
    ),
    "M49": Case(
        sent(protocol="cosmos-0"), "protocol: 'cosmos-0' retired or unknown, want cosmos-1"
    ),
    "M51": Case(sent(training_data=["COSMOS-teest"]), "training_data[0]: 'COSMOS-teest' unknown"),
    "M53": Case(sent(run__dtype="fp8-magic"), "run.dtype: 'fp8-magic' unknown, want one of: fp32"),
    "M55": Case(
        sent(run__finished_at="2001-01-01T00:00:00Z"), "run.finished_at: earlier than started_at"
    ),
    "M56": Case(sent(run__wall_s=float("nan")), "run.wall_s: want a number 0..1e+09"),
    "M57": Case(sent(score=0.9999), "score: unknown field (scores are always computed)"),
    "M58": Case(sent(verified=True), "verified: unknown field (set by maintainers only)"),
    "M59": Case(sent(notes="@everyone @a @b"), "notes: character '@' not allowed"),
    "M60": Case(
        sent(notes="::error file=x::pwned"),
        "notes: '::' at line start not allowed".replace("::", ": :"),
    ),
    "M61": Case(sent(notes="\x1b[2J"), "notes: control character U+001B not allowed"),
    "Q01": Case(bytes_of(lambda table: b""), "predictions.parquet: too short for Parquet"),
    "Q02": Case(bytes_of(lambda table: b"hello world!"), "predictions.parquet: no PAR1 magic"),
    "Q03": Case(
        bytes_of(lambda table: files.to_bytes(table)[:-500]),
        "predictions.parquet: no PAR1 tail (truncated?)",
    ),
    "Q04": Case(
        bytes_of(lambda table: files.cut_footer(files.to_bytes(table), 1 << 31)),
        "predictions.parquet: footer 2147483648 bytes, limit",
    ),
    "Q06": Case(bytes_of(flip_codec), "predictions.parquet: "),
    "Q07": Case(bytes_of(histogram), "predictions.parquet: "),
    "Q08": Case(
        bytes_of(
            lambda table: files.rename_in_footer(
                files.to_bytes(table, store_schema=False), b"candidate", b"candidat\xff"
            )
        ),
        "predictions.parquet: schema: column name is not UTF-8",
    ),
    "Q10": Case(
        table_of(lambda table: files.with_columns(table, width=None)),
        "column 'width': missing",
        "width for fn",
    ),
    "Q11": Case(
        table_of(
            lambda table: files.with_columns(
                table, candidate=table["candidate"].cast(pa.float64()).combine_chunks()
            )
        ),
        "column 'candidate': DOUBLE, want INT32",
        "candidate for tp",
    ),
    "Q13": Case(
        bytes_of(lambda table: files.to_bytes(pa.table({f"c{n}": [1] for n in range(5000)}))),
        "predictions.parquet: 5000 columns, want 7",
        "5,000 columns for 20,000, to keep the test quick",
    ),
    "Q14": Case(
        bytes_of(
            lambda table: files.to_bytes(pa.table({"counts": pa.array([np.zeros(10**6, np.int8)])}))
        ),
        "column 'counts': nested columns not allowed",
    ),
    "Q15": Case(
        table_of(nested), "predictions.parquet: unreadable: OSError: Parquet schema too deeply"
    ),
    "Q16": Case(
        bytes_of(lambda table: files.many_rows(3_000_000)),
        "predictions.parquet: 3000000 rows, limit 216",
    ),
    "Q18": Case(
        bytes_of(lambda table: files.long_words(table, 200, 8 << 20)),
        "row group 0 column 'prompt': ratio",
    ),
    "Q20": Case(
        bytes_of(
            lambda table: files.to_bytes(
                files.with_columns(table.slice(0, 1), rle=pa.array([b"\0" * (65 << 20)])),
                compression="zstd",
                use_dictionary=False,
            )
        ),
        "row group 0 column 'rle': 68157475 bytes, limit 67108864",
        "65 MiB for 1 GiB, and rle for prompt",
    ),
    "Q21": Case(bytes_of(forged_values), "predictions.parquet: "),
    "Q23": Case(
        bytes_of(lambda table: files.to_bytes(table, compression="brotli")),
        "codec BROTLI not allowed",
    ),
    "Q25": Case(table_of(extension), "column 'candidate': extension types not allowed"),
    "R03": Case(row_of(reference_id=None), "row 17: reference_id: null"),
    "R04": Case(trailing_space, "row 17: reference_id: "),
    "R06": Case(
        table_of(
            lambda table: pa.concat_tables(
                [table.slice(0, 18), table.slice(17, 1), table.slice(18)]
            )
        ),
        "row 18: duplicate key (",
    ),
    "R07": Case(row_of(prompt="Box"), "row 17: prompt: 'Box' unknown"),
    "R08": Case(row_of(candidate=99), "row 17: candidate: 99 outside 0..2", "candidate for trial"),
    "R09": Case(
        table_of(lambda table: table.slice(0, len(table) - 2)), "references missing for prompt"
    ),
    "R12": Case(row_of(height=48, width=48), "row 17: size 48x48, index says 96x96"),
    "R13": Case(row_of(height=64, width=144), "row 17: size 64x144, index says 96x96"),
    "R14": Case(sent_column("tp", -5), "column 'tp': unknown", "the core track has no counts"),
    "R16": Case(sent_column("tp", 900), "column 'tp': unknown", "the core track has no counts"),
    "R18": Case(
        copied_references, "% of rows are perfect; held for review (limit 20 %)", held=True
    ),
    "R20": Case(sent_column("hd95", 1), "column 'hd95': unknown", "scores are never submitted"),
    "R21": Case(sent_column("hd95", 2), "column 'hd95': unknown", "scores are never submitted"),
    "R22": Case(
        row_of(predicted_iou=9999.0),
        "row 17: predicted_iou: 9999.0 outside -10..10",
        "predicted_iou",
    ),
    "R23": Case(sent_column("t_ms", 0), "column 't_ms': unknown", "timings are never submitted"),
    "R24": Case(same_mask, "answers share one mask", "the mask itself for its hash"),
    "R27": Case(
        sent(packs__0__name="totalsegmentator"),
        "rows from 'totalsegmentator': public rows not permitted, use the summary route",
    ),
    "L01": Case(row_of(rle=b"0"), "row 17: rle: runs sum to 0, image has 9216 pixels"),
    "L04": Case(row_of(rle=b"`PPPPPPm1"), "row 17: rle: number longer than 6 characters"),
    "L06": Case(row_of(rle=unequal_runs([5, -3, 9214])), "row 17: rle: negative run"),
    "L07": Case(
        table_of(
            lambda table: files.with_columns(
                table, height=pa.array([1 << 20] * len(table), pa.int32())
            )
        ),
        "row 0: rle: h=1048576 outside 1..16384",
    ),
    "L09": Case(
        table_of(
            lambda table: files.with_columns(table, height=pa.array([3 * 10**9] * len(table)))
        ),
        "column 'height': INT64, want INT32",
    ),
    "L10": Case(
        table_of(lambda table: files.with_columns(table, height=pa.array([4.0] * len(table)))),
        "column 'height': DOUBLE, want INT32",
    ),
    "L11": Case(row_of(rle=b"PPPPPPP"), "row 17: rle: counts ends inside a number"),
    "L12": Case(row_of(rle=b"1\x001"), "row 17: rle: counts byte outside '0'..'o'"),
    "L14": Case(
        row_of(rle=np.random.default_rng(0).integers(48, 80, 10**7, np.uint8).tobytes()),
        "row 17: rle: counts length 10000000 outside 1..4000000",
    ),
    "L16": Case(
        table_of(lambda table: files.with_columns(table, rle=pa.array([[1, 2]] * len(table)))),
        "column 'rle': nested columns not allowed",
    ),
    "L17": Case(row_of(rle=b""), "row 17: rle: counts length 0 outside 1..9217"),
    "L18": Case(
        table_of(lambda table: files.with_columns(table, rle=pa.array([[0.0, 1e9]] * len(table)))),
        "column 'rle': nested columns not allowed",
        "a polygon is a list",
    ),
    "G03": Case(extra("preview.svg"), "preview.svg: file name not in the allowed set"),
    "G04": Case(extra("README.md"), "README.md: file name not in the allowed set"),
    "G05": Case(extra("results.csv"), "results.csv: file name not in the allowed set"),
    "G06": Case(extra("image.dcm"), "image.dcm: file name not in the allowed set"),
    "X03": Case(
        changes(MANIFEST, Change("requirements.txt", "100644")),
        "requirements.txt: path outside submissions/<slug>/",
    ),
    "O09": Case(
        changes(
            Change("submissions/aaa/submission.toml", "100644"),
            Change("submissions/bbb/submission.toml", "100644"),
        ),
        "PR: 2 slugs changed, want 1",
    ),
}
