"""What the starter datasets share: the canary, a row, invented words."""

from __future__ import annotations

CANARY = "driftgate-canary-7b1f"
"""In the id of every sample, so that training on a dataset can be noticed."""

# (cwe, rarity, language, finding, unsafe code, safe twin, line of the flaw); {t}, {v} and {f} vary.
FLAWS = [
    (
        "CWE-89",
        "common",
        "python",
        "query built from input",
        'def {f}(db, {v}):\n    sql = "SELECT * FROM {t} WHERE id = \'" + {v} + "\'"\n    return db.execute(sql)',
        'def {f}(db, {v}):\n    sql = "SELECT * FROM {t} WHERE id = ?"\n    return db.execute(sql, ({v},))',
        2,
    ),
    (
        "CWE-78",
        "common",
        "python",
        "process started from input",
        "import subprocess\ndef {f}({v}):\n    return subprocess.run('ls /srv/{t}/' + {v}, shell=True)",
        "import subprocess\ndef {f}({v}):\n    return subprocess.run(['ls', '--', '/srv/{t}/' + {v}], shell=False)",
        3,
    ),
    (
        "CWE-79",
        "common",
        "javascript",
        "value written into a page",
        "function {f}({v}) {{\n  const box = document.getElementById('{t}');\n  box.innerHTML = {v};\n}}",
        "function {f}({v}) {{\n  const box = document.getElementById('{t}');\n  box.textContent = {v};\n}}",
        3,
    ),
    (
        "CWE-22",
        "common",
        "python",
        "file opened by name",
        "import os\ndef {f}({v}):\n    path = os.path.join('/srv/{t}', {v})\n    return open(path).read()",
        "import os\ndef {f}({v}):\n    path = os.path.join('/srv/{t}', os.path.basename({v}))\n    return open(path).read()",
        3,
    ),
    (
        "CWE-502",
        "rare",
        "python",
        "data deserialised",
        "import pickle\ndef {f}({v}):\n    # {t} from the queue\n    return pickle.loads({v})",
        "import json\ndef {f}({v}):\n    # {t} from the queue\n    return json.loads({v})",
        4,
    ),
    (
        "CWE-918",
        "rare",
        "python",
        "request to a computed address",
        "import requests\ndef {f}({v}):\n    return requests.get({v} + '/{t}', timeout=5)",
        "import requests\ndef {f}({v}):\n    return requests.get('https://{t}.example/' + str(int({v})), timeout=5)",
        3,
    ),
    (
        "CWE-787",
        "rare",
        "c",
        "copy into a fixed buffer",
        "void {f}(const char *{v}) {{\n  char {t}[16];\n  strcpy({t}, {v});\n}}",
        'void {f}(const char *{v}) {{\n  char {t}[16];\n  snprintf({t}, sizeof {t}, "%s", {v});\n}}',
        3,
    ),
    (
        "CWE-327",
        "rare",
        "java",
        "digest of a password",
        'byte[] {f}(byte[] {v}) throws Exception {{\n  // {t}\n  return MessageDigest.getInstance("MD5").digest({v});\n}}',
        "byte[] {f}(char[] {v}, byte[] salt) throws Exception {{\n  // {t}\n  return kdf(new PBEKeySpec({v}, salt, 600000, 256));\n}}",
        3,
    ),
]
TOPICS = ["orders", "invoices", "avatars", "reports", "tickets", "devices", "backups", "sessions"]
NAMES = ["name", "ref", "token", "entry", "label", "item", "key", "part"]
VERBS = ["load", "find", "show", "fetch", "open_one", "render", "handle", "read_one"]
STEMS = ["amber", "basalt", "cobalt", "dahlia", "ember", "fjord", "garnet", "harbor", "indigo", "juniper"]


def row(number: int, given: dict, target: object, slices: dict) -> dict:
    return {"id": f"{CANARY}-{number:03d}", "input": given, "target": target, "slices": slices}
