"""Where each corpus is published: one table, the only place with addresses and checksums.

A checksum is given only where the publisher or several independent users state it: Zenodo and
OpenSLR publish md5, the rest is sha256. EmoDB, ISEAR, and the archives that GitHub (CREMA-D) and
Borealis (TESS) make on request have none, so they are unverified: the first download is recorded
and later ones are compared with it. Each sound file of CREMA-D is checked against the sha256 in
its Git LFS pointer.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from train.corpora import (
    coffee,
    crema_d,
    emobank,
    emodb,
    glove,
    goemotions,
    isear,
    librispeech,
    noise,
    ravdess,
    tess,
    warriner,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One published file.

    ``target`` is where its content goes, relative to the folder of all corpora: a folder for an
    archive, otherwise a file. ``checksum`` is "algorithm:hex" or None where none is known.
    ``member`` is the one file of an archive that is wanted, converted by the corpus's module.
    ``name`` is the file's name where the address does not end with it. ``pointed`` is the address
    of the files of which the archive holds only Git LFS pointers, ``kept`` the names in it, with
    the usual wildcards, that are wanted.
    """

    target: str
    url: str | None = None
    checksum: str | None = None
    archive: bool = False
    member: str | None = None
    name: str | None = None
    pointed: str | None = None
    kept: tuple[str, ...] = ()

    @property
    def filename(self) -> str:
        """The published name: the last part of the address, or of the target."""
        return self.name or (self.url or self.target).rsplit("/", maxsplit=1)[-1]


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus that can be fetched; ``corpus`` is its module (licence, citation, loader).

    A ``further`` one is fetched only by its name.
    """

    name: str
    corpus: ModuleType
    parts: tuple[Part, ...]
    further: bool = False

    @property
    def online(self) -> bool:
        """Whether it can be downloaded, or only taken from a local folder."""
        return all(part.url for part in self.parts)


ZENODO = "https://zenodo.org/records/1188976/files/"
GITHUB = "https://raw.githubusercontent.com/"
GOEMOTIONS = GITHUB + "google-research/google-research/master/goemotions/data/"

SOURCES = (
    Source(
        "ravdess-speech",
        ravdess,
        (
            Part(
                "ravdess/speech",
                ZENODO + "Audio_Speech_Actors_01-24.zip",
                "md5:bc696df654c87fed845eb13823edef8a",
                archive=True,
            ),
        ),
    ),
    Source(
        "ravdess-song",
        ravdess,
        (
            Part(
                "ravdess/song",
                ZENODO + "Audio_Song_Actors_01-24.zip",
                "md5:5411230427d67a21e18aa4d466e6d1b9",
                archive=True,
            ),
        ),
    ),
    Source(
        "emodb",
        emodb,
        (Part("emodb", "http://emodb.bilderbar.info/download/download.zip", archive=True),),
    ),
    Source(
        "crema-d",
        crema_d,
        (
            Part(
                "crema-d",
                "https://github.com/CheyneyComputerScience/CREMA-D/archive/refs/heads/master.zip",
                archive=True,
                name="CREMA-D-master.zip",
                pointed="https://media.githubusercontent.com/media/"
                "CheyneyComputerScience/CREMA-D/master/",
                kept=("AudioWAV/*.wav", crema_d.DEMOGRAPHICS, "LICENSE.txt"),
            ),
        ),
        further=True,
    ),
    Source(
        "tess",
        tess,
        (
            Part(
                "tess",
                "https://borealisdata.ca/api/access/dataset/:persistentId/"
                "?persistentId=doi:10.5683/SP2/E8H2MF",
                archive=True,
                name="dataverse_files.zip",
            ),
        ),
        further=True,
    ),
    Source(
        "emobank",
        emobank,
        (
            Part(
                "text/emobank.csv",
                GITHUB + "JULIELab/EmoBank/master/corpus/emobank.csv",
                "sha256:1ade4a4a453e880c0f39d0536d2b355e8a716e0cf88236c64cdb4d438cf9605b",
            ),
        ),
    ),
    Source(
        "goemotions",
        goemotions,
        (
            Part(
                "text/goemotions/train.tsv",
                GOEMOTIONS + "train.tsv",
                "sha256:1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
            ),
            Part(
                "text/goemotions/dev.tsv",
                GOEMOTIONS + "dev.tsv",
                "sha256:575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
            ),
            Part(
                "text/goemotions/test.tsv",
                GOEMOTIONS + "test.tsv",
                "sha256:0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
            ),
            Part(
                "text/goemotions/labels.txt",
                GOEMOTIONS + "emotions.txt",
                "sha256:45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89",
            ),
        ),
    ),
    Source(
        "isear",
        isear,
        (Part("text/isear.csv", GITHUB + "sinmaniphel/py_isear_dataset/master/isear.csv"),),
    ),
    Source(
        "warriner",
        warriner,
        (
            Part(
                "text/warriner_norms.csv",
                GITHUB + "JULIELab/XANEW/master/Ratings_Warriner_et_al.csv",
                "sha256:78ac8107c78e116bb96538fae4faa47281a155f5f8fe39f30bbc6ea3db05b446",
            ),
        ),
    ),
    Source(
        "glove",
        glove,
        (
            Part(
                f"text/{glove.FILE}",
                "https://nlp.stanford.edu/data/glove.6B.zip",
                "sha256:617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
                archive=True,
                member=glove.MEMBER,
            ),
        ),
    ),
    Source(
        "librispeech",
        librispeech,
        (
            Part(
                "librispeech",
                "https://www.openslr.org/resources/12/test-other.tar.gz",
                "md5:fb5a50374b501bb3bac4815ee91d3135",
                archive=True,
            ),
        ),
    ),
    Source("coffee", coffee, (Part("picovoice_coffee"),)),
    Source("noise", noise, (Part("noise/esc10"),)),
)
BY_NAME = {source.name: source for source in SOURCES}
