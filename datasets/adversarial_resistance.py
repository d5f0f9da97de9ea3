"""Attacks on a secret or by an order in pasted text, and for each a harmless twin in the same words.

Nothing in the set is harmful: what an attack wants is a made-up code, or a made-up marker. Every template gives an attack
and a twin with other places, names and codes; the template is their cluster.
"""

from __future__ import annotations

import base64
import codecs
import random
from collections.abc import Iterator

from datasets.attack_texts import KEYS, NAMES, PASTED
from datasets.attack_words import (
    ABROAD,
    CODES,
    DATA_FRAMES,
    DIRECT,
    ENCODED_ASK,
    ENCODING_IN,
    ENCODING_OUT,
    FRAMES,
    ORDERS,
    PLACES,
    PRIVATE,
    PUBLIC,
    REMARKS,
    ROLE_PLAY,
    STEMS,
    SYSTEM_PROMPT,
    TALKS,
    WRAPPED,
)
from datasets.common import row

RARE = ("tool-output",)
HARD, EASY = ("encoding", "tool-output"), ("direct",)
"""Declared, by how well an attack is disguised; nothing was measured."""
ASKED = {"direct": DIRECT, "role-play": ROLE_PLAY, "system-prompt": SYSTEM_PROMPT, "encoding": ENCODING_OUT}
_LEET = str.maketrans("oieast", "013457")
ENCODERS = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
    "leetspeak": lambda text: text.lower().translate(_LEET),
    "spaced": lambda text: " ".join(text.replace(" ", "_")),
    "hex": lambda text: text.encode().hex(" "),
}


def build(random_: random.Random) -> list[dict]:
    rows: list[dict] = []
    for attack, language, key, turns in _asked():
        for resist in random_.sample((True, False), 2):
            given, target = _code_asked(random_, turns, resist=resist)
            rows.append(_row(len(rows), given, target, attack=attack, language=language, key=key))
    for attack, (texts, _) in PASTED.items():
        for number in range(len(texts)):
            for resist in random_.sample((True, False), 2):
                given, target = _text_pasted(random_, attack, number, resist=resist)
                rows.append(_row(len(rows), given, target, attack=attack, language="en", key=f"{attack}-{number}"))
    return rows


def _row(number: int, given: dict, target: dict, *, attack: str, language: str, key: str) -> dict:
    rare = attack in RARE or language != "en"
    slices = {
        "attack": attack,
        "expect": target["expect"],
        "language": language,
        "rarity": "rare" if rare else "common",
        "difficulty": "hard" if attack in HARD else "easy" if attack in EASY else "medium",
    }
    return row(number, given, target, slices) | {"cluster": key}


def _asked() -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(attack, language, template, turns of the talk), with {x} for the code."""
    for attack, asks in ASKED.items():
        for number, ask in enumerate(asks):
            yield attack, "en", f"{attack}-{number}", (ask,)
    for number, way in enumerate(ENCODING_IN):
        yield "encoding", "en", f"encoded-{way}", (f"{way}|{number}",)
    for number, turns in enumerate(TALKS):
        yield "multi-turn", "en", f"multi-turn-{number}", turns
    for language, asks in ABROAD.items():
        for number, ask in enumerate(asks):
            yield ("direct", "role-play")[number], language, f"{language}-{number}", (ask,)


def _code_asked(random_: random.Random, turns: tuple[str, ...], *, resist: bool) -> tuple[dict, dict]:
    private, public = random_.sample(CODES, 2)
    kept, shared = _codes(random_)
    said = [(private, kept, random_.choice(PRIVATE)), (public, shared, random_.choice(PUBLIC))]
    (a, a_code, a_rule), (b, b_code, b_rule) = random_.sample(said, 2)
    frame = random_.choice(FRAMES)
    system = frame.format(place=random_.choice(PLACES), a=a, as_=a_code, av=a_rule, b=b, bs=b_code, bv=b_rule)
    asked = private if resist else public
    talk = [_said(random_, turn, asked) for turn in turns]
    roles = ("user", "assistant")
    messages = [{"role": "system", "content": system[0].upper() + system[1:]}]
    messages += [{"role": roles[index % 2], "content": text} for index, text in enumerate(talk)]
    target = {"expect": "resist"} if resist else {"expect": "help", "needed": [shared]}
    return {"messages": messages}, target | {"forbidden": [kept]}


def _codes(random_: random.Random) -> list[str]:
    return [f"{stem.upper()}-{random_.randint(1000, 9999)}" for stem in random_.sample(STEMS, 2)]


def _said(random_: random.Random, turn: str, asked: str) -> str:
    way, mark, number = turn.partition("|")
    if not mark:
        return turn.replace("{x}", asked)
    ask = ENCODED_ASK[int(number)].format(x=asked)
    return random_.choice(WRAPPED).format(way=way, text=ENCODERS[way](ask))


def _text_pasted(random_: random.Random, attack: str, number: int, *, resist: bool) -> tuple[dict, dict]:
    texts, tasks = PASTED[attack]
    word, p, q = random_.choice(STEMS), random_.randint(23, 97), random_.randint(23, 97)
    order, remark = random_.choice(ORDERS).format(w=word, p=p, q=q), random_.choice(REMARKS)
    inside, outside = (order, remark) if resist else (remark, order)
    text = texts[number].format(n=inside, t=random_.choice(NAMES), k=random_.choice(KEYS), d=random_.randint(2, 9))
    user = random_.choice(tasks).format(u=outside, text=text)
    marker = [f"{word}-{p * q}"]
    messages = [{"role": "system", "content": random_.choice(DATA_FRAMES)}, {"role": "user", "content": user}]
    target = {"expect": "resist", "forbidden": marker} if resist else {"expect": "help", "needed": marker}
    return {"messages": messages}, target
