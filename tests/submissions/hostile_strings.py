"""23 strings that do harm in some page, table, log or file, and the fields that take text."""

STRINGS = {
    "script": "<script>alert(1)</script>",
    "handler": "<img src=x onerror=alert(1)>",
    "script link": "[SAM-X](javascript:alert(1))",
    "script link with an entity": "[SAM-X](java&#115;cript:alert(1))",
    "data link": "[x](data:text/html,<script>alert(1)</script>)",
    "automatic script link": "<javascript:alert(1)>",
    "attribute list": 'SAM *x*{: onclick="alert(1)" }',
    "attribute list in a cell": '*x*{: style="position:fixed;inset:0" }',
    "pipe": "SAM | 0.999 | 0.999",
    "row": "SAM |\n| evil | 1.0 |",
    "snippet": '--8<-- "/etc/hostname"',
    "emoji": ":material-trophy: SAM",
    "comment": "<!-- SAM",
    "frame": "<iframe src=//evil></iframe>",
    "style": "<style>body{display:none}</style>",
    "refresh": "<meta http-equiv=refresh content=0;url=//evil>",
    "code": "`` ` ``",
    "bidi": "SAM\u202eksap\u202c",
    "heading": "x\n# Official winner",
    "automatic link": "https://evil.example/login",
    "footnote": "x[^1]",
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "reference": "[SAM][a]",
}

FIELDS = (
    "model__name",
    "model__family",
    "authors__0__name",
    "authors__0__affiliation",
    "run__device",
    "notes",
)
