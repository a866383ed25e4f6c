"""What the page of intervals calls the laws, the scores and the cases of the simulations."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_board.site.language.words import Words


@dataclass(frozen=True, slots=True)
class Law:
    """What is promised, under which keys the simulations count it."""

    keys: tuple[str, ...]
    anchor: str
    title: str
    text: str
    promise: str


def laws(words: Words) -> list[Law]:
    """Return the laws in the order of the page."""
    covers = words("Law: at least 93 %. Mean width of the intervals in small figures.")
    return [
        Law(
            ("target",),
            "target",
            words("The score of a target"),
            words(
                "The truth is what a model would score on endlessly many patients like these. A "
                "cluster is a patient (a volume or an image where patients are not known)."
            ),
            covers,
        ),
        Law(
            ("board",),
            "board",
            words("A mean over targets"),
            words(
                "Only targets with at least 10 clusters count, in the score and in its interval. "
                "5×20+5×4 is five targets of 20 clusters and five of 4, which stand apart."
            ),
            covers,
        ),
        Law(
            ("pooled",),
            "pooled",
            words("A target from several datasets"),
            words(
                "The clusters of all datasets are pooled: 10+10×1 is one dataset of 10 clusters "
                "and ten of one each."
            ),
            covers,
        ),
        Law(
            ("difference",),
            "difference",
            words("The difference of two models"),
            words(
                "Both answer the same references, so that clusters that are hard for both cancel."
            ),
            covers,
        ),
        Law(
            ("unlike",),
            "unlike",
            words("The difference of two models that fail at different rates"),
            words(
                "A sample may show no failure at all, and nothing in it says which of the two will "
                "fail. So the printed interval allows for one more failure of either model; "
                "verdicts rest on the interval without that, and on laws of their own below."
            ),
            covers,
        ),
        *_table_laws(words),
        *_printed_laws(words),
    ]


def _table_laws(words: Words) -> list[Law]:
    return [
        Law(
            ("false-better",),
            "false-better",
            words("Equal models"),
            words("How often a board of equal models calls one of them better than another."),
            words("Law: at most 5 %."),
        ),
        Law(
            ("all",),
            "all",
            words("All differences of a board at once"),
            words(
                "How often every interval of a board of equal models holds the truth, and with "
                "them every range of ranks."
            ),
            words("Law: at least 93 %. Mean width of the intervals in small figures."),
        ),
        Law(
            ("ranks",),
            "ranks",
            words("All ranges of ranks at once"),
            words("Neighbours in rank differ by 0.01 or by 0.003."),
            words("Law: at least 93 %."),
        ),
        Law(
            ("wrong-sign",),
            "wrong-sign",
            words("A model that fails rarely"),
            words(
                "It fails on 8 % of clusters and is better by 0.03 on the others: it is truly "
                "worse by 0.043. How often is it called better?"
            ),
            words("Law: at most 2.5 %."),
        ),
        Law(
            ("power",),
            "power",
            words("The least difference that could be shown"),
            words(
                "“Not separated” names the least difference that would be shown in 80 % of such "
                "boards. Here models truly differ by as much (small figures): how often is it "
                "shown?"
            ),
            words("Law: 75 % to 85 %."),
        ),
    ]


def _printed_laws(words: Words) -> list[Law]:
    through = words(
        "The same from end to end: runs are written, added to a database, and what the command "
        "prints is read. Targets with too few clusters score half as much as the others, so that "
        "an interval about all of them would miss."
    )
    covers = words("Law: at least 93 %. Mean width of the intervals in small figures.")
    return [
        Law(("printed-score",), "printed-score", words("What “rank” prints"), through, covers),
        Law(
            ("printed-difference",),
            "printed-difference",
            words("What “compare” prints"),
            through,
            covers,
        ),
        Law(
            ("printed-advice",),
            "printed-advice",
            words("What “advise” prints"),
            words(
                "The best of fifty options is chosen, and its score comes from the same patients. "
                "How often does the interval hold what the chosen option truly scores?"
            ),
            covers,
        ),
        Law(
            ("printed-false-better",),
            "printed-false-better",
            words("Letters of equal models that “rank” prints"),
            words("How often two of ten equal models share no letter."),
            words("Law: at most 5 %."),
        ),
    ]


def describe_scores(words: Words, *, short: bool = False) -> list[tuple[str, str]]:
    """Return what scores are called, and how they are drawn.

    Args:
        words: The language.
        short: Return keys and names instead of names and definitions.
    """
    listed = [
        ("normal", words("normal"), words("normal, mean 0.70, standard deviation 0.08")),
        ("skewed-left", words("skewed left"), words("Beta(8, 2): mostly good, a tail of bad ones")),
        ("skewed-right", words("skewed right"), words("Beta(1.2, 6): a hard target")),
        *(
            (
                f"zeros-{share}",
                words("{share} % fail", share=share),
                words("about 0.92, but {share} % of clusters score 0", share=share),
            )
            for share in (3, 5, 10)
        ),
        (
            "references-5",
            words("5 % of references fail"),
            words("about 0.92, but 5 % of single references score 0"),
        ),
        ("mixed", words("mixed"), words("targets follow the kinds above in turn")),
        ("low-wide", words("low and wide"), words("Beta(0.6, 1.4): mean 0.30, from 0 to 1")),
        ("normal-wide", words("normal, wide"), words("normal, mean 0.55, standard deviation 0.12")),
        ("steady", words("high and steady"), words("normal, mean 0.90, standard deviation 0.02")),
        ("rare", words("fails rarely"), words("0.91, but 8 % of clusters score 0; against 0.88")),
        *(
            (
                f"fails-{first}-{second}",
                words("{first} % fail, {second} % fail", first=first, second=second),
                words(
                    "about 0.92 in both, but {first} % of clusters score 0 in one model and "
                    "{second} % in the other",
                    first=first,
                    second=second,
                ),
            )
            for first, second in ((3, 0), (5, 0), (10, 0), (10, 3))
        ),
    ]
    if short:
        return [(key, name) for key, name, _ in listed]
    return [(name, text) for _, name, text in listed]


def describe_case(words: Words, case: str) -> str:
    """Return the words of a case, which may have several parts."""
    names = {
        "uneven": words("1 to 20 references a cluster"),
        "shared": words("targets share clusters"),
        "datasets": words("several datasets"),
        "shared-0.3": words("targets share clusters, correlation 0.3"),
        "shared-0.6": words("targets share clusters, correlation 0.6"),
        "shared-1": words("clusters fail in all targets or in none"),
        "datasets-alike": words("datasets alike"),
        "datasets-differ": words("datasets differ"),
        "independent": words("models independent"),
        "options-equal": words("options equal"),
        "options-differ": words("models differ by steps of 0.01"),
        "spread-0.02": words("standard deviation 0.02 without failures"),
        "spread-0.05": words("standard deviation 0.05 without failures"),
        "alike": words("clusters as hard for both"),
        "alike-lower": words("clusters as hard for both; one scores 5 % lower"),
    }
    return words.listing([names[part] for part in case.split()]) if case else ""
