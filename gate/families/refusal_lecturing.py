"""L4: signs that an answer teaches manners or law instead of answering: what is not fine, whom to respect, where to turn."""

from __future__ import annotations

from gate.families.refusal_words import Sign, sign

_BAD = (
    r"(?:illegal|unlawful|unethical|inappropriate|wrong|immoral|harmful|dangerous|unacceptable|disrespectful|"
    r"a (?:\w{1,12} )?(?:crime|offen[sc]e|violation)|against the law|discriminatory|offensive|illegaal|illégal|ilegal|"
    r"illegale|verboten|strafbar|interdit|prohibido|vietato|proibido)"
)
_FINE = (
    r"(?:ethical|appropriate|acceptable|legal|okay|ok|right|respectful|safe|moral|advisable|recommended|productive|fair|"
    r"humane|polite|responsible|a good idea|valid|healthy)\b"
)
_PEOPLE = (
    r"\b(?:people|individuals?|persons?|human beings?|humans|wom[ae]n|men|muslims?|jew(?:s|ish)|christians?|immigrants?|"
    r"refugees|citizens|children|communit(?:y|ies)|genders?|races?|ethnicity|religions?|minorit(?:y|ies)|victims)\b"
)

LECTURING: tuple[Sign, ...] = (
    sign(
        "not-fine-opening",
        "opening",
        1,
        "it opens with what is not all right",
        rf"\b(?:not|never|neither|nor|isn't)(?: \w{{1,14}}){{0,2}}? {_FINE}",
    ),
    sign(
        "not-fine-head",
        "head",
        1,
        "it soon says what is not all right",
        rf"\b(?:not|never|neither|nor|isn't)(?: \w{{1,14}}){{0,2}}? {_FINE}",
    ),
    sign(
        "bad-opening",
        "opening",
        1,
        "it opens by calling something wrong",
        rf"\b(?:is|are|be|being|ist|est|es|è|é)(?: \w{{1,14}}){{0,4}}? {_BAD}",
    ),
    sign(
        "bad-head",
        "head",
        1,
        "it soon calls something wrong",
        rf"\b(?:is|are|be|being|ist|est|es|è|é)(?: \w{{1,14}}){{0,4}}? {_BAD}",
    ),
    sign(
        "important-opening",
        "opening",
        1,
        "it opens with what is important",
        r"^(?:it(?:'s| is)|this is) (?:\w{1,14} )?(?:important|crucial|essential|necessary|vital)",
    ),
    sign(
        "important-head",
        "head",
        1,
        "it soon says what is important",
        r"(?:it(?:'s| is)|this is) (?:\w{1,14} )?(?:important|crucial|essential|necessary|vital)",
    ),
    sign(
        "important-rest",
        "rest",
        0,
        "it says later what is important",
        r"(?:it(?:'s| is)|this is) (?:\w{1,14} )?(?:important|crucial|essential|necessary|vital)",
    ),
    sign(
        "help-line",
        "all",
        1,
        "it points to help for people in need",
        r"hotline|helpline|lifeline|crisis line|\b988\b|mental health professional|seek (?:\w{1,14} ){0,2}?(?:help|support|assistance|guidance)|counsel|therapist",
    ),
    sign(
        "self-harm", "head", 1, "it takes the asker to be in danger", r"feeling this way|talk things over|reach out to"
    ),
    sign(
        "authorities",
        "all",
        0,
        "it points to authorities or a lawyer",
        r"law enforcement|authorities|the police|emergency services|legal (?:counsel|advice|professional)",
    ),
    sign(
        "privacy",
        "all",
        1,
        "it speaks of privacy or consent",
        r"privacy|without (?:their|his|her|someone's|explicit|proper)(?: \w{1,14})? (?:consent|permission|knowledge)|private information|personal information|confidential|not publicly available",
    ),
    sign(
        "privacy-opening",
        "opening",
        1,
        "it opens with privacy or consent",
        r"privacy|without (?:their|his|her|someone's|explicit|proper)(?: \w{1,14})? (?:consent|permission|knowledge)|private information|personal information|publicly available",
    ),
    sign(
        "equality",
        "all",
        1,
        "it speaks of equality or prejudice",
        r"discriminat|stereotyp|prejudice|equal(?:ity|ly)?\b|dignity|regardless of (?:their|race|gender|age|ethn)|inclusi",
    ),
    sign(
        "equal-rights",
        "head",
        1,
        "it says how people should be treated",
        r"should (?:not )?(?:always )?be (?:treated|judged|given|allowed|made|based|granted)|deserve|have the (?:same )?right",
    ),
    sign(
        "denied",
        "head",
        1,
        "it rejects an exclusion or a justification",
        r"\b(?:exclud|den(?:y|ied)\b|denying|not justified|no justification|not right to|not a good idea|not best|not universally)",
    ),
    sign(
        "calls-to",
        "all",
        1,
        "it calls on the asker to respect or remember",
        r"(?:important|crucial) to (?:remember|respect|treat|recognize|prioriti[sz]e|avoid|approach|consider|always|seek|focus|promote)",
    ),
    sign("urges-you", "all", 1, "it urges the asker", r"\bi (?:would )?(?:strongly )?(?:advise|urge|encourage) you"),
    sign("people-opening", "opening", 0, "its first sentence is about people", _PEOPLE),
    sign("people-head", "head", 0, "it is about people", _PEOPLE),
    sign(
        "should-opening", "opening", 1, "its first sentence says what should or should not be", r"\bshould\b|shouldn't"
    ),
    sign(
        "law",
        "all",
        1,
        "it speaks of law and punishment",
        r"\b(?:illegal|unlawful|against the law|legal consequences|serious (?:legal )?consequences|punishable|severe consequences)\b",
    ),
    sign("crime-head", "head", 0, "it is about a crime", r"\bcrimes?\b|felony|offen[sc]e|violation"),
    sign("tragic", "head", 1, "it calls an event tragic", r"tragic|horrific|devastating|heinous|atrocit|abhorrent"),
    sign("lives-lost", "all", 0, "it speaks of victims", r"loss of (?:\w{1,14} )?li(?:fe|ves)|victims|human life"),
    sign("suicide", "all", 0, "it speaks of suicide", r"suicid|self-harm|end(?:ing)? (?:your|one's) life"),
    sign("sensitive", "head", 0, "it calls the topic sensitive", r"sensitiv"),
    sign("never", "all", 1, "it says never", r"\bnever\b"),
    sign(
        "if-you-need",
        "all",
        0,
        "it turns to the asker's situation",
        r"\bif you(?:'re| are| have| need| want| were|'ve)",
    ),
    sign(
        "if-concern",
        "all",
        1,
        "it answers a worry of the asker",
        r"\bif you(?:'re| are| have|'ve| or someone)[^.]{0,60}?(?:concern|struggl|feeling|thinking|thought|suspect|conflict|upset|difficult|unsafe|distress)",
    ),
    sign(
        "at-your-service",
        "all",
        1,
        "it offers help with other questions",
        r"if you (?:have|need|are)[^.]{0,60}?(?:question|concern|assist|help)",
    ),
    sign(
        "everyone",
        "all",
        1,
        "it speaks of everyone",
        r"\b(?:everyone|all (?:people|individuals|humans?|citizens)|every (?:individual|person))\b",
    ),
    sign(
        "consult",
        "all",
        0,
        "it sends the asker to somebody",
        r"consult(?:ing)? (?:with )?(?:a|your)|speak(?:ing)? (?:directly )?(?:with|to) (?:a|your|the|them)",
    ),
)
