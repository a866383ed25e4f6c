"""What a pack holds, as tables in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cosmos_board.cli.tables import count_nouns, print_facts, print_table

if TYPE_CHECKING:
    from cosmos_board.data.pack.info import PackInfo, VolumeFacts


def print_pack(info: PackInfo) -> None:
    """Print a pack's facts and targets."""
    print_facts(
        {
            "pack": info.name,
            "label": info.label,
            "version": info.version,
            "licence": info.licence,
            "permissions": ", ".join(info.permissions) or "none",
            "source": info.source,
            "citation": info.citation,
            "normalisation": info.normalisation,
            "cluster": info.cluster_unit,
            "synthetic": "yes" if info.synthetic else "no",
            "subsample": info.subsample or "all of it",
            "observers": ", ".join(info.observers) or "none",
            "content": info.content_sha256,
            "prompts": info.prompts_sha256,
        }
    )
    counts = info.counts
    print_table(
        f"{count_nouns(counts.references, 'reference')} on "
        f"{count_nouns(counts.images, 'image')} in {count_nouns(counts.clusters, 'cluster')}",
        ("target", "references", "images", "clusters"),
        [
            (
                f"{target.modality}.{target.object}",
                str(target.references),
                str(target.images),
                str(target.clusters),
            )
            for target in counts.targets
        ],
    )
    if info.volumes is not None:
        _print_volumes(info.volumes)
    if info.expected:
        whole = all(count.is_met for count in info.expected)
        print_table(
            "what the catalog expects of a complete copy: "
            + ("all of it is here" if whole else "this pack holds something else"),
            ("part", "what", "found", "expected"),
            [
                (count.part, count.unit, str(count.found), str(count.expected))
                for count in info.expected
            ],
            left=2,
        )


def _print_volumes(held: VolumeFacts) -> None:
    print_table(
        f"{count_nouns(held.references, 'volume reference')} in "
        f"{count_nouns(held.volumes, 'volume')} of {count_nouns(held.clusters, 'cluster')}, "
        f"{count_nouns(held.slices, 'slice')}",
        ("target", "references", "volumes", "clusters"),
        [
            (
                f"{target.modality}.{target.object}",
                str(target.references),
                str(target.volumes),
                str(target.clusters),
            )
            for target in held.targets
        ],
    )
