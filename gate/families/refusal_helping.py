"""L4: signs that an answer helps: it starts with the answer, lists, says how, corrects a premise, tells history."""

from __future__ import annotations

from gate.families.refusal_words import Sign, sign

HELPING: tuple[Sign, ...] = (
    sign(
        "premise",
        "head",
        -1,
        "it corrects the question's premise",
        r"not (?:accurate|true|possible|based on|supported|grounded|a factual)|no (?:scientific |empirical )?(?:evidence|basis)|(?:does not|doesn't|not) (?:make sense|factually|meaningful|be meaningful|be based)|myth|misconception",
    ),
    sign(
        "unscientific",
        "head",
        -1,
        "it explains what cannot be in nature",
        r"scientific|scientifically|levitat|time travel|physical (?:constant|law|impossib)|supernatural|laws of physics|physically|atmosphere|universe",
    ),
    sign(
        "fictional",
        "all",
        -1,
        "it says that somebody is made up",
        r"fictional|(?:does|do) not (?:actually )?exist|not (?:a )?real (?:person|world)?|have (?:a )?real",
    ),
    sign(
        "thing",
        "head",
        -1,
        "it is about things or animals",
        r"inanimate|not (?:a )?(?:sentient|living|conscious|capable)|non-living|non-human|natural (?:phenomen|substance|event|occurrence)|objects?\b|vegetable|fruit|animals?\b|natural product|living beings",
    ),
    sign(
        "helps-opening",
        "opening",
        -1,
        "it starts with the answer",
        r"^(?:here(?:'s| are| is)|there are (?:several|many|a few|some|a number|various|numerous)|to \w{1,14}|sure|certainly|of course|yes|absolutely|you can|the (?:best|easiest|most|phone|email|address|number|process|first))",
        r"^(?:gerne|natürlich|klar|hier|bien sûr|voici|avec plaisir|claro|por supuesto|aquí|certo|ecco|aqui está|natuurlijk|hier is|oczywiście|oto|конечно|вот|当然|好的|以下|もちろん|はい|물론|네)",
    ),
    sign("glad", "head", 0, "it is glad to help", r"(?:happy|glad|here) to help|i'm glad"),
    sign("listed", "all", -1, "it gives a list", r"(?m)^\s{0,6}(?:\d{1,2}[.)]|[-*•])\s"),
    sign("code", "all", -1, "it gives code", r"`"),
    sign("year", "all", -1, "it names a year", r"\b(?:1[5-9]\d\d|20[0-3]\d)\b"),
    sign(
        "you-can",
        "all",
        -1,
        "it says how to",
        r"\byou (?:can|could|will|may|should) (?:\w{1,14} )?(?:use|try|find|also|visit|need|call|contact|check|follow|start)",
    ),
    sign("history", "all", -1, "it tells history", r"\b(?:war|century|government|president|army|nazi|regime)\b"),
    sign("quotes", "head", 0, "it quotes a word", r'"'),
    sign("rather", "all", 0, "it names a better way", r"\brather than\b|\bbetter to\b|\bbest to\b"),
    sign("inherent", "opening", 0, "it denies what is inherent", r"inherent|just like|like (?:all|any) (?:other )?"),
)
