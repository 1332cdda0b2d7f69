"""The table of every setting: its name, what it may be, what it means, who reads it. Standard library only."""

from typing import Any

from ppm import setting_rules as rules
from ppm.setting import PLACEHOLDER, Setting

_SERVER = (
    "controller",
    "api",
    "migrate",
    "operator",
    "site",
    "poste",
    "broker",
    "session",
    "audit",
    "job",
    "backup",
    "restore",
    "doctor",
    "demo",
)
_JOBS = ("controller", "api", "job", "demo")
_BACKUPS = (*_JOBS, "backup")
_TELL = ("controller", "api", "demo", "doctor")
_BROKER = ("controller", "api", "kiosk", "simulate", "watch", "doctor", "demo")

SETTINGS_FILE = Setting(
    "PPM_SETTINGS_FILE", "file", rules.path,
    "One file with lines `KEY=value`; what the environment says wins.", ("all",),
    example="/etc/poste-public/ppm.env",
)  # fmt: skip
LOG_FORMAT = Setting(
    "PPM_LOG_FORMAT", "auto, json or text", rules.choice("auto", "json", "text"),
    "How events are written: JSON, one per line, or text; auto is text on a terminal. The demo, and a poste "
    "on a screen, write JSON into a file.",
    ("controller", "api", "kiosk", "simulate", "broker"), default="auto",
)  # fmt: skip
LOG_LEVEL = Setting(
    "PPM_LOG_LEVEL", "debug, info, warning or error", rules.choice("debug", "info", "warning", "error"),
    "The least important event that is still written.",
    ("controller", "api", "kiosk", "simulate", "broker", "demo"), default="info",
)  # fmt: skip
DATABASE_URL = Setting(
    "PPM_DATABASE_URL", "URL", rules.database,
    "The database. The demo has its own SQLite file unless this is given.", _SERVER,
    secret=True, example="postgresql://ppm:change-me@localhost/ppm",
)  # fmt: skip
CODE_SECRET = Setting(
    "PPM_CODE_SECRET", "secret", rules.secret,
    "What the keys of access codes derive from. Kept outside the database and its backups.",
    (*_BACKUPS, "restore", "session"), secret=True, example=PLACEHOLDER,
)  # fmt: skip
JWT_SECRET = Setting(
    "PPM_JWT_SECRET", "secret", rules.secret, "What signs the tokens of operators.", (*_BACKUPS, "restore"),
    secret=True, example=PLACEHOLDER,
)  # fmt: skip
JWT_PREVIOUS_SECRET = Setting(
    "PPM_JWT_PREVIOUS_SECRET", "secret", rules.secret,
    "The secret that PPM_JWT_SECRET replaced, if it was lately: tokens that it signed are good until they end, "
    "ten minutes at most. Take it away after that.", ("api",), secret=True, example=PLACEHOLDER,
)  # fmt: skip
BROKER_URL = Setting(
    "PPM_BROKER_URL", "URL", rules.broker,
    "The MQTT broker and the account: mqtt://user@host:port, or mqtts:// with the files of TLS. "
    "The demo has a broker of its own unless this is given.",
    _BROKER, secret=True, example="mqtts://controller@broker.example:8883",
)  # fmt: skip
BROKER_PASSWORD = Setting(
    "PPM_BROKER_PASSWORD", "secret", rules.text, "The password of the account in PPM_BROKER_URL.", _BROKER,
    secret=True, example=PLACEHOLDER,
)  # fmt: skip
BROKER_CA_FILE = Setting(
    "PPM_BROKER_CA_FILE", "file", rules.path,
    "The authority that signed the broker's certificate; the system's authorities without it.", _BROKER,
    example="/etc/poste-public/ca.pem",
)  # fmt: skip
BROKER_CERT_FILE = Setting(
    "PPM_BROKER_CERT_FILE", "file", rules.path, "A certificate of one's own, where the broker asks for one.",
    _BROKER, example="/etc/poste-public/cert.pem",
)  # fmt: skip
BROKER_KEY_FILE = Setting(
    "PPM_BROKER_KEY_FILE", "file", rules.path, "The key of that certificate.", _BROKER,
    example="/etc/poste-public/key.pem",
)  # fmt: skip
BROKER_DIR = Setting(
    "PPM_BROKER_DIR", "folder", rules.path,
    "Where the broker's files are: `ppm broker write` makes them, `ppm broker follow` keeps the accounts of postes.",
    ("broker", "poste", "doctor"), example="/etc/mosquitto/ppm",
)  # fmt: skip
BROKER_DATA_DIR = Setting(
    "PPM_BROKER_DATA_DIR", "folder", rules.path, "Where the broker keeps what must outlive it.", ("broker",),
    shown_default="`data` in PPM_BROKER_DIR", example="/var/lib/mosquitto/ppm",
)  # fmt: skip
BROKER_USER = Setting(
    "PPM_BROKER_USER", "user", rules.text,
    "The user that the broker is: its group may read the files. Without it, who writes them is the broker too.",
    ("broker",), shown_default="who writes the files", example="mosquitto",
)  # fmt: skip
BROKER_POSTES_ADDRESS = Setting(
    "PPM_BROKER_POSTES_ADDRESS", "address", rules.address, "Where the broker listens for postes.", ("broker",),
    default="0.0.0.0",  # noqa: S104 - postes are other machines
)  # fmt: skip
BROKER_POSTES_PORT = Setting(
    "PPM_BROKER_POSTES_PORT", "port", rules.port, "The port for postes.", ("broker",), default=8883,
)  # fmt: skip
BROKER_SERVICES_ADDRESS = Setting(
    "PPM_BROKER_SERVICES_ADDRESS", "address", rules.address,
    "Where the broker listens for controllers and observers.", ("broker",), default="127.0.0.1",
)  # fmt: skip
BROKER_SERVICES_PORT = Setting(
    "PPM_BROKER_SERVICES_PORT", "port", rules.port, "The port for controllers and observers.", ("broker",),
    default=1883,
)  # fmt: skip
BROKER_SERVER_CA_FILE = Setting(
    "PPM_BROKER_SERVER_CA_FILE", "file", rules.path,
    "The authority of the broker's own certificate. With the next two, both listeners speak TLS only.",
    ("broker",), example="/etc/mosquitto/ppm/ca.pem",
)  # fmt: skip
BROKER_SERVER_CERT_FILE = Setting(
    "PPM_BROKER_SERVER_CERT_FILE", "file", rules.path, "The broker's own certificate.", ("broker",),
    example="/etc/mosquitto/ppm/cert.pem",
)  # fmt: skip
BROKER_SERVER_KEY_FILE = Setting(
    "PPM_BROKER_SERVER_KEY_FILE", "file", rules.path, "The key of that certificate.", ("broker",),
    example="/etc/mosquitto/ppm/key.pem",
)  # fmt: skip
ENROL_BROKER_URL = Setting(
    "PPM_ENROL_BROKER_URL", "URL", rules.broker,
    "What postes call the broker, mqtts://host:port: a machine that enrols is told. Without it none is enrolled.",
    ("api", "demo"), example="mqtts://postes.example.re:8883",
)  # fmt: skip
ENROL_CA_FILE = Setting(
    "PPM_ENROL_CA_FILE", "file", rules.path,
    "The authorities (PEM) of the certificates of API and broker, which a machine that enrols is told to believe. It "
    "knows the first one by its fingerprint. Without it machines believe the system's.", ("api", "demo", "poste"),
    example="/etc/poste-public/ca.pem",
)  # fmt: skip
MQTT_ROOT = Setting(
    "PPM_MQTT_ROOT", "topic", rules.root, "The first level of every topic.",
    ("controller", "api", "kiosk", "simulate", "watch", "broker", "poste", "doctor", "demo"), default="ppm",
)  # fmt: skip
MQTT_PORT = Setting(
    "PPM_MQTT_PORT", "port", rules.port,
    "Where the demo's own broker listens for tools and services.", ("demo", "doctor"), shown_default="a free one",
    example="1883",
)  # fmt: skip
HTTP_HOST = Setting(
    "PPM_HTTP_HOST", "address", rules.text, "Where the API listens.", ("api", "doctor", "demo"), default="127.0.0.1",
)  # fmt: skip
HTTP_PORT = Setting(
    "PPM_HTTP_PORT", "port", rules.port,
    "The API's port. The demo takes a free one when 8000 is taken and this is not given.",
    ("api", "doctor", "demo"), default=8000,
)  # fmt: skip
DATA_DIR = Setting(
    "PPM_DATA_DIR", "folder", rules.path,
    "Where the demo keeps all that it has: demo.json, and a sub-folder `room` that it empties at each start.",
    ("demo", "watch", "doctor", "audit"),
    shown_default="`.cache/demo` in a checkout, else `poste-public-manager/demo` under XDG_STATE_HOME",
    example="/tmp/ppm-demo",  # noqa: S108
)  # fmt: skip
PUBLIC_URL = Setting(
    "PPM_PUBLIC_URL", "URL", rules.http_url,
    "What browsers and machines call the API, where a proxy stands before it; else the host that they name. With "
    "http:// the cookie of the page is not kept to https: for a server that browsers reach without TLS only.",
    ("api", "poste"),
    example="https://postes.example.re",
)  # fmt: skip
TRUSTED_PROXIES = Setting[tuple[str, ...]](
    "PPM_TRUSTED_PROXIES", "addresses", rules.addresses,
    "The proxies whose X-Forwarded-For is believed, with commas between.", ("api",), default=(),
    shown_default="none", example="127.0.0.1",
)  # fmt: skip
CORS_ORIGINS = Setting[tuple[str, ...]](
    "PPM_CORS_ORIGINS", "URLs", rules.origins,
    "Other web pages that may call the API, with commas between. None may by default.", ("api",), default=(),
    shown_default="none", example="https://intranet.example.re",
)  # fmt: skip
REQUESTS_PER_MINUTE = Setting(
    "PPM_REQUESTS_PER_MINUTE", "number", rules.count,
    "How many requests of one operator each API process answers, ten seconds' worth at once; who is not logged in "
    "has a tenth of it, by address. 0: no limit.",
    ("api",), default=6000,
)  # fmt: skip
WAKE_ADDRESSES = Setting[tuple[str, ...]](
    "PPM_WAKE_ADDRESSES", "addresses", rules.addresses,
    "Where Wake-on-LAN packets go, with commas between: the broadcast addresses of the postes' networks.",
    ("controller", "api", "demo"), default=("255.255.255.255",), shown_default="255.255.255.255",
    example="192.168.10.255,192.168.20.255",
)  # fmt: skip
ZONE = Setting(
    "PPM_ZONE", "time zone", rules.zone,
    "The zone of a new site, of the controller's daily jobs, and of the instants that `ppm` shows of no site.",
    (*_JOBS, "site", "poste", "operator", "session", "restore", "watch"), default="Indian/Reunion",
)  # fmt: skip
METRICS_TOKEN = Setting(
    "PPM_METRICS_TOKEN", "secret", rules.secret,
    "By which Prometheus reads /api/metrics; without it only operators do.", ("api",), secret=True,
    example=PLACEHOLDER,
)  # fmt: skip
BACKUP_DIR = Setting(
    "PPM_BACKUP_DIR", "folder", rules.path,
    "Where backups are written, readable by nobody else. Without it there are none. `effacements.jsonl` there lists "
    "who was forgotten, so that no restore brings them back: one folder for all programs of the server. Copy it to "
    "another machine, with that list.",
    (*_BACKUPS, "restore", "doctor"), example="/var/backups/poste-public",
)  # fmt: skip
BACKUP_KEEP = Setting(
    "PPM_BACKUP_KEEP", "number", rules.number(1, 1000), "How many backups are kept; the oldest are deleted.",
    _BACKUPS, default=14,
)  # fmt: skip
BACKUP_SECRET = Setting(
    "PPM_BACKUP_SECRET", "secret", rules.secret,
    "What encrypts backups. Without it they are not encrypted. Keep a copy elsewhere: nothing opens them without it.",
    (*_BACKUPS, "restore"), secret=True, example=PLACEHOLDER,
)  # fmt: skip
ARCHIVE_DIR = Setting(
    "PPM_ARCHIVE_DIR", "folder", rules.path,
    "Where old parts of the audit trail are archived. Without it nothing of the trail is archived or deleted.",
    (*_JOBS, "audit"), example="/var/lib/poste-public/journal",
)  # fmt: skip
SMTP_URL = Setting(
    "PPM_SMTP_URL", "URL", rules.mail,
    "The mail server: smtps://user@host (TLS at once), smtp://user@host:587 (STARTTLS, which it must offer), or "
    "smtp+plain://localhost for a relay that needs neither. Certificates are checked. Without it no e-mail leaves.",
    _TELL, example="smtp://postes@mail.example.re:587",
)  # fmt: skip
SMTP_PASSWORD = Setting(
    "PPM_SMTP_PASSWORD", "secret", rules.text, "The password of the account in PPM_SMTP_URL.", _TELL, secret=True,
    example=PLACEHOLDER,
)  # fmt: skip
SMTP_FROM = Setting(
    "PPM_SMTP_FROM", "e-mail", rules.email, "Whom e-mails come from.", _TELL, example="postes@example.re",
)  # fmt: skip
ALERT_EMAILS = Setting[tuple[str, ...]](
    "PPM_ALERT_EMAILS", "e-mails", rules.emails,
    "Who is told of alerts, when they begin and when they are over, with commas between. Needs PPM_SMTP_URL.",
    _TELL, default=(), shown_default="none", example="accueil@example.re,technique@example.re",
)  # fmt: skip
REPORT_EMAILS = Setting[tuple[str, ...]](
    "PPM_REPORT_EMAILS", "e-mails", rules.emails,
    "Who is sent the daily reports of all sites, with commas between. Needs PPM_SMTP_URL.",
    _TELL, default=(), shown_default="none", example="direction@example.re",
)  # fmt: skip
ALERT_WEBHOOKS = Setting[tuple[str, ...]](
    "PPM_ALERT_WEBHOOKS", "URLs", rules.http_urls,
    "Where alerts are posted to, with commas between, each time with a signature (docs/alerts.md). May be in a file "
    "of its own, as an address of a webhook may be a secret.", _TELL, default=(), secret=True, shown_default="none",
    example="https://change-me.example.re/hook",
)  # fmt: skip
ALERT_WEBHOOK_SECRET = Setting(
    "PPM_ALERT_WEBHOOK_SECRET", "secret", rules.secret, "What signs them.", _TELL, secret=True, example=PLACEHOLDER,
)  # fmt: skip
ALERT_CA_FILE = Setting(
    "PPM_ALERT_CA_FILE", "file", rules.path,
    "An authority that is believed beside the system's, for the mail server and the webhooks.", _TELL,
    example="/etc/poste-public/ca.pem",
)  # fmt: skip
KEEP_SESSIONS_DAYS = Setting(
    "PPM_KEEP_SESSIONS_DAYS", "days", rules.number(1, 3660),
    "How long a session that is over still says whose it was.", (*_JOBS, "doctor"), default=365,
)  # fmt: skip
KEEP_TERMINAL_DAYS = Setting(
    "PPM_KEEP_TERMINAL_DAYS", "days", rules.number(1, 3660),
    "How long addresses in the audit trail and what postes told are kept.", _JOBS, default=365,
)  # fmt: skip
KEEP_PEOPLE_DAYS = Setting(
    "PPM_KEEP_PEOPLE_DAYS", "days", rules.number(1, 3660),
    "How long after the last visit a member of the public is known; at most PPM_KEEP_SESSIONS_DAYS.",
    (*_JOBS, "doctor"), default=365,
)  # fmt: skip
KEEP_LOGS_DAYS = Setting(
    "PPM_KEEP_LOGS_DAYS", "days", rules.number(31, 3660),
    "How long the audit trail stays in the database; what is older is only in its archive. Requisitions go then.",
    _JOBS, default=365,
)  # fmt: skip
SITE = Setting(
    "PPM_SITE", "slug", rules.slug, "The site that a poste is in.", ("kiosk", "simulate"), example="saint-denis",
)  # fmt: skip
POSTE = Setting(
    "PPM_POSTE", "slug", rules.slug,
    "Which poste this is; also its account at the broker when PPM_BROKER_URL names none.", ("kiosk",),
    example="saint-denis-01",
)  # fmt: skip
STATE_DIR = Setting(
    "PPM_STATE_DIR", "folder", rules.path, "Where a poste keeps what must outlive a crash of its agent.",
    ("kiosk", "simulate", "doctor"), shown_default="`poste-public-manager` under XDG_STATE_HOME",
    example="/var/lib/poste-public",
)  # fmt: skip
LANGUAGE = Setting(
    "PPM_LANGUAGE", "fr or en", rules.choice("fr", "en"), "What a poste speaks.", ("kiosk",),
    default="fr",
)  # fmt: skip
WINDOW_USER = Setting(
    "PPM_WINDOW_USER", "text", rules.text,
    "The account, without any right, that a poste's window runs as when the agent is root.", ("kiosk",),
    shown_default="the agent's own", example="public",
)  # fmt: skip
VISITOR_USER = Setting(
    "PPM_VISITOR_USER", "text", rules.text,
    "The account that visitors have. With it a poste in a window really locks this machine and wipes what they "
    "leave, which needs root and what `ppm kiosk install` puts there.", ("kiosk",),
    shown_default="none: nothing is locked or wiped", example="visiteur",
)  # fmt: skip
WINDOW_SOCKET = Setting(
    "PPM_WINDOW_SOCKET", "file", rules.path,
    "Where a poste's agent and its window meet; the window's account must be able to reach it.", ("kiosk",),
    shown_default="`window.sock` in the poste's folder", example="/run/poste-public/window.sock",
)  # fmt: skip
LOGO_FILE = Setting(
    "PPM_LOGO_FILE", "file", rules.path,
    "A picture (PNG, JPEG, SVG where Qt has it) at the top of a poste's lock; the window's account must be able to "
    "read it.", ("kiosk",), shown_default="none", example="/etc/poste-public/logo.png",
)  # fmt: skip
ASSIGNED_ACCESS_FILE = Setting(
    "PPM_ASSIGNED_ACCESS_FILE", "file", rules.path,
    "On Windows: the programs that visitors may start, as a configuration of assigned access in Microsoft's format "
    "(docs/windows.md).", ("kiosk",), shown_default="none: any program",
    example=r"C:\ProgramData\Poste Public Manager\assigned-access.xml",
)  # fmt: skip
POSTE_KEY = Setting(
    "PPM_POSTE_KEY", "secret", rules.text,
    "The credential of this poste at the API, by which it gets releases (POST /api/postes/{poste}/credential/).",
    ("kiosk",), secret=True, example=PLACEHOLDER,
)  # fmt: skip
SLOTS_DIR = Setting(
    "PPM_SLOTS_DIR", "folder", rules.path,
    "Where the two environments of a poste are, and `current`, which is the one that runs. With it, PPM_POSTE_KEY "
    "and PPM_RELEASE_PUBLIC_KEY a poste installs another version by itself when that is ordered.", ("kiosk",),
    shown_default="none: nothing is installed", example="/opt/poste-public",
)  # fmt: skip
RELEASE_PUBLIC_KEY = Setting(
    "PPM_RELEASE_PUBLIC_KEY", "key", rules.key,
    "The one key whose signature a poste believes on a release, as `ppm release key` prints it.", ("kiosk",),
    example="PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
)  # fmt: skip
RELEASES_DIR = Setting(
    "PPM_RELEASES_DIR", "folder", rules.path,
    "Where `ppm release add` puts signed versions of the agent, and the API serves them to postes from.",
    ("api", "release"), shown_default="none: no releases", example="/var/lib/poste-public/releases",
)  # fmt: skip
RELEASE_KEY = Setting(
    "PPM_RELEASE_KEY", "key", rules.key,
    "The private key that signs releases. Nothing but `ppm release add` needs it: keep it from the API.", ("release",),
    secret=True, example=PLACEHOLDER,
)  # fmt: skip
OBSERVER_LOGIN = Setting(
    "PPM_OBSERVER_LOGIN", "text", rules.text,
    "On a broker that was given: the account that the demo tells to tools. Without it demo.json names none.",
    ("demo",), example="observer",
)  # fmt: skip
OBSERVER_PASSWORD = Setting(
    "PPM_OBSERVER_PASSWORD", "secret", rules.text, "That account's password.", ("demo",), secret=True,
    example=PLACEHOLDER,
)  # fmt: skip
API_URL = Setting(
    "PPM_API_URL", "URL", rules.http_url, "The API: simulated visitors get their codes there, a poste its releases.",
    ("kiosk", "simulate"),
    default="http://127.0.0.1:8000",
)  # fmt: skip
OPERATOR_LOGIN = Setting(
    "PPM_OPERATOR_LOGIN", "text", rules.text, "The operator who gives codes to simulated visitors.",
    ("simulate",), example="accueil",
)  # fmt: skip
OPERATOR_PASSWORD = Setting(
    "PPM_OPERATOR_PASSWORD", "secret", rules.text, "That operator's password.", ("simulate",),
    secret=True, example=PLACEHOLDER,
)  # fmt: skip

TABLE: tuple[Setting[Any], ...] = (
    SETTINGS_FILE, LOG_FORMAT, LOG_LEVEL,
    DATABASE_URL, CODE_SECRET, JWT_SECRET, JWT_PREVIOUS_SECRET,
    BROKER_URL, BROKER_PASSWORD, BROKER_CA_FILE, BROKER_CERT_FILE, BROKER_KEY_FILE, MQTT_ROOT,
    BROKER_DIR, BROKER_DATA_DIR, BROKER_USER, BROKER_POSTES_ADDRESS, BROKER_POSTES_PORT,
    BROKER_SERVICES_ADDRESS, BROKER_SERVICES_PORT,
    BROKER_SERVER_CA_FILE, BROKER_SERVER_CERT_FILE, BROKER_SERVER_KEY_FILE,
    ENROL_BROKER_URL, ENROL_CA_FILE,
    HTTP_HOST, HTTP_PORT, PUBLIC_URL, TRUSTED_PROXIES, CORS_ORIGINS, REQUESTS_PER_MINUTE, ZONE, WAKE_ADDRESSES,
    METRICS_TOKEN, BACKUP_DIR, BACKUP_KEEP, BACKUP_SECRET, ARCHIVE_DIR,
    SMTP_URL, SMTP_PASSWORD, SMTP_FROM, ALERT_EMAILS, REPORT_EMAILS, ALERT_WEBHOOKS, ALERT_WEBHOOK_SECRET,
    ALERT_CA_FILE,
    KEEP_SESSIONS_DAYS, KEEP_TERMINAL_DAYS, KEEP_PEOPLE_DAYS, KEEP_LOGS_DAYS,
    POSTE, SITE, STATE_DIR, LANGUAGE, WINDOW_USER, VISITOR_USER, WINDOW_SOCKET, LOGO_FILE,
    ASSIGNED_ACCESS_FILE,
    POSTE_KEY, SLOTS_DIR, RELEASE_PUBLIC_KEY, RELEASES_DIR, RELEASE_KEY,
    API_URL, OPERATOR_LOGIN, OPERATOR_PASSWORD,
    DATA_DIR, MQTT_PORT, OBSERVER_LOGIN, OBSERVER_PASSWORD,
)  # fmt: skip
NAMES = frozenset(setting.name for setting in TABLE)
FILE_NAMES = frozenset(f"{setting.name}_FILE" for setting in TABLE if setting.secret)
