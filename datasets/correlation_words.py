"""Words of the correlation set: what invented scanners call a weakness, and invented systems and packages."""

from __future__ import annotations

# weakness → CWE, the wider CWE that some scanners give instead, and how each scanner words it: the sink (static),
# the pattern (lint), the flow (taint), a symptom from outside (probe), what was seen inside (runtime).
# {p} is the parameter; no scanner's words are another's.
WEAKNESSES: dict[str, dict] = {
    "sql": {
        "cwe": (89, 943),
        "sink": ["Statement text is concatenated before it is executed", "Query assembled from parts at run time"],
        "lint": ["use bind variables here", "string formatting in execute()"],
        "flow": ["ends up inside a SELECT", "is spliced into a WHERE clause"],
        "probe": [
            "a quote in `{p}` yields a database error page",
            "`{p}` set to 1 OR 1=1 returns every row",
        ],
        "runtime": ["the driver received a statement holding the raw value", "value seen unescaped by the DB driver"],
    },
    "xss": {
        "cwe": (79, 74),
        "sink": ["Markup is written without encoding", "Raw value placed in the document"],
        "lint": ["autoescape switched off", "avoid the `safe` filter"],
        "flow": ["is echoed into the response body", "reaches the template as trusted markup"],
        "probe": ["a script tag in `{p}` comes back verbatim", "payload in `{p}` fires in the browser"],
        "runtime": ["response holds the input unchanged", "the renderer was handed angle brackets"],
    },
    "path": {
        "cwe": (22, 668),
        "sink": ["File name is joined to a folder without a check", "Location on disk depends on outside data"],
        "lint": ["resolve() before open()", "os.path.join with a variable"],
        "flow": ["decides which file is opened", "becomes part of a name on disk"],
        "probe": ["../../etc/hostname in `{p}` is served", "dot-dot segments in `{p}` leave the web root"],
        "runtime": ["open() left the data folder", "a file outside the share was read"],
    },
    "command": {
        "cwe": (78, 77),
        "sink": ["A shell is started with variable text", "Process line is composed of outside data"],
        "lint": ["shell=True", "prefer an argument list to a string"],
        "flow": ["is handed to /bin/sh", "is appended to a program's arguments"],
        "probe": ["`{p}`=;sleep 9 delays the answer by nine seconds", "a backtick in `{p}` runs a program"],
        "runtime": ["exec saw a semicolon from the request", "child process spawned with request text"],
    },
    "idor": {
        "cwe": (639, 284),
        "sink": ["Record is fetched by key without an owner check", "No ownership test before the record is used"],
        "lint": ["missing permission decorator", "object lookup without a tenant filter"],
        "flow": ["selects the record on its own", "is the only thing that picks the account"],
        "probe": ["changing `{p}` shows another customer's data", "`{p}` of user B works for user A"],
        "runtime": ["row of another tenant left the process", "no policy was consulted for this read"],
    },
    "redirect": {
        "cwe": (601, 610),
        "sink": ["Target of the redirect is taken as given", "Location header depends on outside data"],
        "lint": ["compare the host before redirecting", "redirect() with a variable"],
        "flow": ["becomes the Location header", "chooses where the browser goes next"],
        "probe": ["`{p}`=//evil.example sends the visitor away", "browser leaves the site after login via `{p}`"],
        "runtime": ["302 to a foreign host was sent", "the response pointed off-site"],
    },
    "logging": {
        "cwe": (532, 200),
        "sink": ["Sensitive value is written to the log", "Credential may be printed"],
        "lint": ["secret-like name in a logger call", "do not format tokens into messages"],
        "flow": ["is kept in the log in clear", "is copied to standard error"],
        "probe": ["`{p}` shows up on the public status page", "debug page prints `{p}`"],
        "runtime": ["a bearer token was seen in a log record", "log sink received a password"],
    },
    "upload": {
        "cwe": (434, 669),
        "sink": ["Uploaded content is stored under its own name", "Kind of an uploaded file is not tested"],
        "lint": ["check the extension against a list", "save() keeps the client's name"],
        "flow": ["is saved where the server executes scripts", "lands in the public folder"],
        "probe": ["a .php sent as `{p}` is executed on request", "an HTML page sent as `{p}` is served as one"],
        "runtime": ["an executable file appeared under static", "script file created by a request"],
    },
    "xxe": {
        "cwe": (611, 610),
        "sink": ["Parser resolves external entities", "Document type declarations are processed"],
        "lint": ["set resolve_entities=False", "use the hardened XML package"],
        "flow": ["is parsed with a DTD allowed", "feeds an entity-expanding reader"],
        "probe": ["a SYSTEM entity in `{p}` is fetched from our host", "`{p}` with <!ENTITY> returns a local file"],
        "runtime": ["the XML reader opened a URL", "entity expansion read /etc/hostname"],
    },
    "deserialise": {
        "cwe": (502, 913),
        "sink": ["Objects are revived from outside bytes", "Unpickling of data that is not signed"],
        "lint": ["pickle is not for input", "yaml.load without SafeLoader"],
        "flow": ["is turned back into live objects", "is loaded as a serialised graph"],
        "probe": ["a crafted blob in `{p}` triggers a DNS look-up", "gadget sent as `{p}` makes the server call back"],
        "runtime": ["__reduce__ was called during a request", "unexpected class instantiated from a cookie"],
    },
    "ssti": {
        "cwe": (1336, 94),
        "sink": ["Template source is not constant", "Expression is evaluated from outside text"],
        "lint": ["render_template_string with a variable", "no f-string as a template"],
        "flow": ["is compiled as a template", "is evaluated by the engine"],
        "probe": ["{{7*7}} in `{p}` comes back as 49", "braces in `{p}` are computed"],
        "runtime": ["the engine compiled request text", "template cache holds user text"],
    },
    "ssrf": {
        "cwe": (918, 441),
        "sink": ["Outgoing request to an address that is not fixed", "Remote host is chosen at run time"],
        "lint": ["allow-list the host of urlopen()", "http client called with a variable"],
        "flow": ["decides which host is contacted", "is used as the address of a fetch"],
        "probe": ["`{p}`=http://169.254.169.254/ returns metadata", "our listener was contacted through `{p}`"],
        "runtime": ["a socket to a link-local address was opened", "egress to an internal range"],
    },
    "ldap": {
        "cwe": (90, 943),
        "sink": ["Directory filter is built by hand", "Search filter contains outside text"],
        "lint": ["escape_filter_chars is missing", "format() in a filter expression"],
        "flow": ["is put into a directory search", "becomes part of (uid=…)"],
        "probe": ["an asterisk in `{p}` lists all people", "`{p}`=*)(uid=* logs in without a password"],
        "runtime": ["directory server got a wildcard from the request", "bind filter held parentheses of the user"],
    },
    "race": {
        "cwe": (367, 362),
        "sink": ["Check and use are apart", "State may change between test and action"],
        "lint": ["exists() followed by open()", "take the lock before reading the balance"],
        "flow": ["is tested and then used later without a lock", "is read twice with a gap between"],
        "probe": ["two parallel posts spend `{p}` twice", "twenty requests at once redeem `{p}` twenty times"],
        "runtime": ["two threads passed the same guard", "overlapping transactions on one row"],
    },
}
COMMON = ["sql", "xss", "path", "command", "idor", "redirect", "logging", "upload"]
RARE = ["xxe", "deserialise", "ssti", "ssrf", "ldap", "race"]

AREAS = {
    "orders": ["order_id", "ref", "coupon"],
    "invoices": ["number", "month", "currency"],
    "avatars": ["image", "size", "owner"],
    "reports": ["report", "since", "format"],
    "tickets": ["ticket", "queue", "assignee"],
    "devices": ["serial", "firmware", "site"],
    "backups": ["archive", "bucket", "label"],
    "sessions": ["next_url", "token", "device"],
    "catalog": ["sku", "shelf", "sort"],
    "mailing": ["list_name", "template", "sender"],
    "payroll": ["employee", "period", "grade"],
    "search": ["q", "facet", "cursor"],
}
VERBS = [
    "load",
    "find",
    "show",
    "fetch",
    "render",
    "merge",
    "store",
    "resolve",
    "export",
    "preview",
    "attach",
    "replay",
]
FILES = ["dao", "service", "helpers", "views", "store", "adapter", "jobs", "utils", "client", "core"]
SERVICES = ["billing", "portal", "intake", "console", "gateway", "ledger", "partner", "mobile"]

# ecosystem → packages as (manifest name, other name, what it does)
PACKAGES: dict[str, list[tuple[str, str, str]]] = {
    "npm": [
        ("tiny-router", "tiny-router.min.js", "routes requests"),
        ("@quill/merge-deep", "quill-merge-deep", "merges objects"),
        ("colour-pick", "colour-pick/dist/index.cjs", "parses colours"),
        ("ws-lite", "ws-lite/lib/frame.js", "speaks web sockets"),
    ],
    "pypi": [
        ("paperloom", "paperloom-{v}.dist-info", "lays out documents"),
        ("Zephyr-Forms", "zephyr_forms", "checks forms"),
        ("asyncqueue-x", "asyncqueue_x-{v}-py3-none-any.whl", "queues tasks"),
        ("yamlette", "yamlette/__init__.py", "reads configuration"),
    ],
    "maven": [
        ("org.fennel:fennel-core", "fennel-core-{v}.jar", "maps objects to XML"),
        ("io.brook:brook-netty", "brook-netty-{v}-shaded.jar", "serves HTTP"),
        ("net.ossuary:bones-text", "WEB-INF/lib/bones-text-{v}.jar", "substitutes text"),
        ("com.larch:larch-log", "larch-log-{v}.jar", "writes logs"),
    ],
    "debian": [
        ("libfontane6", "fontane (source)", "reads fonts"),
        ("xmlpress-utils", "xmlpress (source)", "packs XML"),
        ("libcurlew4-tls", "curlew (source)", "transfers files"),
        ("zipperl-base", "zipperl (source)", "unpacks archives"),
    ],
    "cargo": [
        ("hyperloom", "Cargo.lock#hyperloom", "speaks HTTP/2"),
        ("sled-cache", "vendor/sled-cache", "caches pages"),
        ("bytesmith", "registry/src/bytesmith-{v}", "slices buffers"),
    ],
    "nuget": [
        ("Ferrite.Json", "Ferrite.Json.dll", "reads JSON"),
        ("Quay.Identity", "quay.identity.{v}.nupkg", "signs people in"),
        ("Marl.Imaging", "runtimes/linux/Marl.Imaging.so", "decodes pictures"),
    ],
}
# effect → as an advisory titles it, as a database describes it, as a terse scanner says it
EFFECTS = {
    "dos": (
        "Crafted input exhausts memory",
        "An attacker may make the process stop by sending a nested document",
        "denial of service",
    ),
    "rce": (
        "Unsafe evaluation allows running code",
        "A remote party can execute statements of their own choice",
        "code execution",
    ),
    "leak": (
        "Credentials are forwarded across hosts",
        "Sensitive headers are sent on to another origin after a move",
        "information exposure",
    ),
    "overflow": (
        "Length is not checked when copying",
        "A write past the end of a heap block is possible with long names",
        "out-of-bounds write",
    ),
    "traversal": (
        "Archive members may escape the target folder",
        "Extraction follows parent segments and replaces files elsewhere",
        "directory traversal",
    ),
    "bypass": (
        "Signature check is skipped for empty keys",
        "Verification returns success when no key is configured",
        "authentication bypass",
    ),
    "regex": (
        "Quadratic matching of long header lines",
        "A pattern needs very long for repeated separators",
        "ReDoS",
    ),
    "prototype": (
        "Keys named __proto__ are merged",
        "Inherited attributes of every object can be altered",
        "prototype pollution",
    ),
}
