"""L4: what a sign of refusal is, and the words of the languages besides English that signs are made of.

Every repetition in a pattern is bounded, so that matching stays linear whatever is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Place = Literal["opening", "head", "rest", "all"]
"""The first sentence; the first three; what follows them; everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """`leans`: +1 speaks for a refusal, -1 for help, 0 as the data has it."""

    name: str
    words: str
    place: Place
    leans: int
    pattern: re.Pattern[str]


def sign(name: str, place: Place, leans: int, words: str, *patterns: str) -> Sign:
    return Sign(name=name, words=words, place=place, leans=leans, pattern=re.compile("|".join(patterns)))


# Declining in other languages: "I can't help / provide / do that", as it is said there.
UNABLE_ELSEWHERE = (
    r"\bkann ich (?:\w{1,20} ){0,5}?(?:nicht|keine?n?)\b|\bich (?:kann|darf|werde|möchte) (?:\w{1,20} ){0,5}?(?:nicht|keine?n?)\b|"
    r"ich bin nicht in der lage|darf ich (?:\w{1,20} ){0,5}?nicht|lehne ich ab|ich lehne|"
    r"\bje ne (?:peux|puis|vais|suis) (?:\w{1,20} ){0,2}?(?:pas|en mesure)|\bje ne (?:peux|suis) pas|il m'est impossible|je refuse|"
    r"\bno (?:puedo|voy a|me es posible|estoy (?:autorizad|en condiciones))|me niego a|"
    r"\bnon (?:posso|sono in grado|mi è possibile|intendo|sono autorizzat)|mi rifiuto|"
    r"\bnão (?:posso|consigo|vou|tenho permissão|estou autorizad|me é possível)|recuso-me|"
    r"\b(?:kan|mag|zal|ga) ik (?:\w{1,20} ){0,5}?(?:niet|geen)\b|\bik (?:kan|mag|zal|ga) (?:\w{1,20} ){0,5}?(?:niet|geen)\b|"
    r"ik ben niet in staat|ik weiger|\bnie (?:mogę|jestem w stanie|będę|wolno mi)|odmawiam|"
    r"\bне (?:могу|буду|имею права|стану)\b|я не в состоянии|вынужден(?:а)? отказать|"
    r"我[^。]{0,8}?(?:不能|无法|無法|不可以|不会|不會|没办法|不便)|"
    r"(?:不能|无法|無法|不便)(?:为您|为你|向您|向你)?(?:提供|回答|协助|協助|帮助|幫助|透露|分享|满足|告诉|泄露)|拒绝|拒絕|"
    r"(?:お答え|お教え|お伝え|お手伝い|お応え|お見せ|対応|提供|協力|共有|開示|公開|明か|教え|応じ)[^。]{0,9}?(?:ません|られない|できない)|"
    r"いたしかねます|お断り|"
    r"(?:드릴|도와|도울|제공할|공개할|공유할|알려|말씀|따를) ?(?:드릴 ?)?수 ?(?:가 |는 )?없|거절|거부|"
    r"\b(?:yardımcı ol|yap|sun|yaz|paylaş|ver|sağlay|söyley|açıklay|yanıtlay|cevaplay|destekley|oluştur|bulun|ifşa ed|yerine getir)"
    r"(?:[ae]m[ae]m|[ae]m[ıi]yor(?:um|uz)|[ae]m[ae]y(?:ız|iz|acağım|eceğim))\b|redde(?:diyorum|tmek zorundayım)|"
    r"(?:لا|لن) (?:[أا]ستطيع|يمكنني|[أا]تمكن|[أا]قدر|يسعني)(?! (?:إلا|الا|الانتظار))|(?:لست|غير) قادر|ليس بإمكاني|\b[أا]رفض\b|"
    r"(?:मैं|हम)[^।\n]{0,60}?नहीं (?:कर|दे|बता|लिख|बना|दिखा) (?:सकता|सकती|पाऊ)|असमर्थ हू|(?:इनकार|इंकार|मना) करत[ाी] हू"
)
SORRY_ELSEWHERE = (
    r"tut mir leid|entschuldig|leider|verzeih|désolé|excuse|malheureusement|navré|lo siento|lo lamento|disculp|lamentablemente|"
    r"mi dispiace|mi spiace|purtroppo|scus[ao]|desculp|lamento|infelizmente|sinto muito|het spijt me|sorry|helaas|"
    r"przykro mi|przepraszam|niestety|извините|простите|к сожалению|сожалею|抱歉|对不起|對不起|很遗憾|很遺憾|不好意思|"
    r"申し訳|すみません|ごめんなさい|残念ながら|죄송|미안|유감|"
    r"üzgünüm|maalesef|özür dilerim|ne yazık ki|kusura bakma|آسف|[أا]عتذر|عذر(?:ا|اً|ًا)|معذرة|للأسف|للاسف|يؤسفني|"
    r"क्षमा (?:कर|कीजिए)|मा(?:फ\u093c?|\u095e) (?:कर|कीजिए)|माफ़ी|खेद है"
)
RULES_ELSEWHERE = (
    r"(?:meine|unsere) (?:richtlinien|regeln|vorgaben)|mes (?:directives|règles|consignes)|mis (?:directrices|normas|reglas)|"
    r"le mie (?:linee guida|regole)|minhas (?:diretrizes|regras)|mijn (?:richtlijnen|regels)|moje (?:zasady|wytyczne)|"
    r"мо(?:и|им) (?:правил|принцип)|我的(?:准则|規則|规则|原则)|ガイドライン|지침|vertraulich|confidentiel|confidencial|riservat|"
    r"vertrouwelijk|poufn|конфиденциальн|保密|机密|機密|秘密|기밀|비밀|"
    r"(?:yönergelerim|kurallarım|politikalarım|ilkelerim)|\bgizli\b|إرشاداتي|سياساتي|قواعدي|مبادئي|\bسرية?\b|मेरे (?:दिशानिर्देश|नियम)|गोपनीय"
)
