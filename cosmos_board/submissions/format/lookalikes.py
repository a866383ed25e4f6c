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
_DRAWN_AS_NOTHING = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
)  # fmt: skip
"""Letters and marks that Unicode lets a font leave out (Default_Ignorable_Code_Point)."""

_FOLDED = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "2": "z"})


def is_drawn_as_nothing(sign: str) -> bool:
    """Return whether a font may leave `sign` out."""
    return any(first <= ord(sign) <= last for first, last in _DRAWN_AS_NOTHING)


def skeleton(text: str) -> str:
    r"""Return what `text` looks like: two names with one skeleton cannot be told apart.

    Only letters and digits count: neither spaces nor signs, marks or what is drawn as nothing.

    Example:
        >>> skeleton("\u0405\u0410\u041c") == skeleton("sam") == skeleton("S.A-M\u3164.")
        True
    """
    text = "".join(sign for sign in text if not is_drawn_as_nothing(sign))
    replaced = "".join(_LOOKS_LIKE.get(sign, sign) for sign in unicodedata.normalize("NFKC", text))
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", replaced) if sign.isalnum())
    return plain.casefold().replace("rn", "m").replace("vv", "w").translate(_FOLDED)
