"""Names that look alike: each letter is replaced by what a reader would take it for."""

from __future__ import annotations

import unicodedata

_LOOKS_LIKE = {
    **dict(zip("АВЕКМНОРСТУХЅІЈҮԚԜ", "ABEKMHOPCTYXSIJYQW", strict=True)),
    **dict(zip("аеорсухѕіјԛԝһԁ", "aeopcyxsijqwhd", strict=True)),
    **dict(zip("кмтвнгпб", "kmtbhrn6", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("αικνορτυχγϲη", "aikvoptuxycn", strict=True)),
    **dict(zip("ӏѵѴԌ", "lvVG", strict=True)),
    **dict(zip("ՍՕսօո", "UOuon", strict=True)),
    **dict(zip("ıłøđħŁØĐĦ", "ilodhLODH", strict=True)),
    **dict(zip("一口工人ーロ丨", "-oIA-ol", strict=True)),
}
_FOLDED = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "2": "z"})


def skeleton(text: str) -> str:
    r"""Return what `text` looks like: two names with one skeleton cannot be told apart.

    Example:
        >>> skeleton("\u0405\u0410\u041c") == skeleton("sam") == skeleton("S A-M")
        True
    """
    replaced = "".join(_LOOKS_LIKE.get(sign, sign) for sign in unicodedata.normalize("NFKC", text))
    plain = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", replaced)
        if not unicodedata.category(sign).startswith("M") and sign not in " -_"
    )
    return plain.casefold().replace("rn", "m").replace("vv", "w").translate(_FOLDED)
