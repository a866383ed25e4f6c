"""What names of files mean in the import files of the catalog: those names, and no other."""

from __future__ import annotations

import pytest

from cosmos_board.data.imports.spec.load import load_spec
from cosmos_board.data.imports.spec.rules import find_name, is_skipped

SIDES = ("left", "right")
BOTH_SIDES = {
    "kidney": "kidney", "adrenal_gland": "adrenal-gland", "heart_atrium": "heart-atrium",
    "iliac_artery": "iliac-artery", "iliac_vena": "iliac-vein", "humerus": "humerus",
    "scapula": "scapula", "clavicula": "clavicle", "femur": "femur", "hip": "hip",
    "gluteus_maximus": "gluteus", "gluteus_medius": "gluteus", "gluteus_minimus": "gluteus",
    "autochthon": "autochthonous-muscle", "iliopsoas": "iliopsoas",
}  # fmt: skip
ALONE = {
    "spleen": "spleen", "gallbladder": "gallbladder", "liver": "liver", "stomach": "stomach",
    "aorta": "aorta", "inferior_vena_cava": "inferior-vena-cava", "pancreas": "pancreas",
    "portal_vein_and_splenic_vein": "portal-and-splenic-vein", "esophagus": "esophagus",
    "trachea": "trachea", "heart_myocardium": "lv-myocardium", "brain": "brain",
    "heart_ventricle_left": "left-ventricle", "heart_ventricle_right": "right-ventricle",
    "pulmonary_artery": "pulmonary-artery", "duodenum": "duodenum", "colon": "colon",
    "sacrum": "sacrum", "face": "face", "urinary_bladder": "bladder",
}  # fmt: skip
LOBES = ("upper_lobe_left", "lower_lobe_left", "upper_lobe_right", "middle_lobe_right",
         "lower_lobe_right")  # fmt: skip
VERTEBRAE = [f"{part}{n}" for part, last in (("C", 7), ("T", 12), ("L", 5))
             for n in range(1, last + 1)]  # fmt: skip
TOTALSEGMENTATOR = {
    **ALONE,
    **{f"{name}_{side}": meaning for name, meaning in BOTH_SIDES.items() for side in SIDES},
    **{f"lung_{lobe}": "lung" for lobe in LOBES},
    **{f"vertebrae_{name}": "vertebra" for name in VERTEBRAE},
    **{f"rib_{side}_{number}": "rib" for side in SIDES for number in range(1, 13)},
    "small_bowel": None,
}
"""The 104 names of its first release."""

HAN_SEG = {
    "A_Carotid_L": "carotid-artery", "A_Carotid_R": "carotid-artery", "Arytenoid": None,
    "Bone_Mandible": None, "Brainstem": "brainstem", "BuccalMucosa": "buccal-mucosa",
    "Cavity_Oral": None, "Cochlea_L": None, "Cochlea_R": None, "Cricopharyngeus": None,
    "Esophagus_S": "esophagus", "Eye_AL": "eyeball", "Eye_AR": "eyeball", "Eye_PL": "eyeball",
    "Eye_PR": "eyeball", "Glnd_Lacrimal_L": None, "Glnd_Lacrimal_R": None,
    "Glnd_Submand_L": "submandibular-gland", "Glnd_Submand_R": "submandibular-gland",
    "Glnd_Thyroid": None, "Glottis": None, "Larynx_SG": "larynx", "Lips": None,
    "OpticChiasm": None, "OpticNrv_L": "optic-nerve", "OpticNrv_R": "optic-nerve",
    "Parotid_L": "parotid-gland", "Parotid_R": "parotid-gland", "Pituitary": None,
    "SpinalCord": "spinal-cord",
}  # fmt: skip
FOREIGN = {
    "totalsegmentator": ("kidney_cyst_left", "kidney_cyst_right", "lung_vessels", "lung_nodules",
                         "lung_trachea_bronchia", "vertebrae_S1", "hip_implant", "rib_cartilages",
                         "heart", "femur_quadriceps_left", "costal_cartilages"),
    "han-seg": ("Parotid_L_tumour", "A_Carotid_L_plaque", "Thyroid"),
}  # fmt: skip
"""Names of other releases and structures, which begin like those."""


@pytest.mark.parametrize(
    ("dataset", "names"), [("totalsegmentator", TOTALSEGMENTATOR), ("han-seg", HAN_SEG)]
)
def test_each_published_name_has_its_meaning_and_a_foreign_one_has_none(
    dataset: str, names: dict[str, str | None]
) -> None:
    (entry,) = load_spec(dataset).images
    (mask,) = entry.masks

    for name, meaning in names.items():
        assert find_name(name, mask.names) == (meaning and (meaning,)), name
        assert is_skipped(name, mask.skip) == (meaning is None), name
    for name in FOREIGN[dataset]:
        assert find_name(name, mask.names) is None, name
        assert not is_skipped(name, mask.skip), name
    assert len(names) == {"totalsegmentator": 104, "han-seg": 30}[dataset]
