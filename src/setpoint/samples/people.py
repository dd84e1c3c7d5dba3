"""Names, companies, places and the team of the sample: all invented, all on reserved domains and numbers."""

from dataclasses import dataclass

from setpoint.domain.vocabulary import Channel, ResponseMode

SHARED_MAILBOX = "hello@fernhill.test"

FIRST_NAMES = (
    "Aaliyah", "Adam", "Aiko", "Alejandra", "Amir", "Anika", "Beatriz", "Ben", "Camille", "Carlos", "Chidi",
    "Clara", "Dana", "Elif", "Emeka", "Erin", "Fatima", "Felix", "Freya", "Gareth", "Grace", "Hana", "Hugo",
    "Ines", "Ivan", "Jasmin", "Joao", "Jonas", "Kavya", "Keiko", "Lars", "Leila", "Liam", "Lucia", "Magnus",
    "Mei", "Mateo", "Nadia", "Niamh", "Noah", "Olga", "Omar", "Priya", "Quinn", "Rafael", "Renée", "Rosa",
    "Sanjay", "Sofia", "Søren", "Tariq", "Thandi", "Tomas", "Uma", "Viktor", "Wen", "Yara", "Yusuf", "Zoe",
)  # fmt: skip

LAST_NAMES = (
    "Adeyemi", "Almeida", "Andersson", "Arnaud", "Baker", "Banerjee", "Becker", "Bianchi", "Bouchard",
    "Castillo", "Chen", "Costa", "Dahl", "Delgado", "Doyle", "Eriksen", "Farouk", "Ferreira", "Fischer",
    "Gallagher", "Garcia", "Haddad", "Hansen", "Hughes", "Ibrahim", "Ito", "Jansen", "Jovanovic", "Kaya",
    "Keller", "Kim", "Kowalski", "Lefevre", "Lindqvist", "Lopez", "Mbeki", "Meyer", "Mishra", "Moreau",
    "Nakamura", "Novak", "O'Connor", "Okafor", "Olsen", "Park", "Pereira", "Petrov", "Quiroga", "Rao",
    "Reyes", "Rossi", "Sato", "Schmidt", "Silva", "Tanaka", "Thompson", "Vargas", "Walker", "Yilmaz",
)  # fmt: skip

COMPANY_HEADS = (
    "Amber", "Birch", "Blue Anchor", "Brightwater", "Cedar", "Copper", "Corner", "Delta", "Eastgate",
    "Foxglove", "Granite", "Greenway", "Harbor", "Highfield", "Iron Bridge", "Juniper", "Kestrel", "Lakeside",
    "Linden", "Meadow", "Millstone", "Northgate", "Oakhurst", "Orchard", "Pinecrest", "Quarry", "Redwood",
    "Riverbend", "Saltmarsh", "Silver Birch", "Stonebridge", "Sunfield", "Thistle", "Westbrook", "Willow",
)  # fmt: skip

COMPANY_TAILS = (
    "Beverages", "Building Supply", "Components", "Distribution", "Electrical", "Foods", "Garden Trade",
    "Hardware", "Home Goods", "Imports", "Kitchens", "Medical Supply", "Outdoor", "Packaging", "Paper",
    "Pet Supply", "Sports", "Textiles", "Tools", "Trading", "Toys & Games", "Wholesale",
)  # fmt: skip

AREA_CODES = (205, 212, 303, 312, 404, 415, 469, 503, 512, 602, 612, 617, 702, 704, 713, 801, 813, 860, 916)
"""With the exchange 555 and a line from 0100 to 0199, a number that is reserved for fiction."""

DOMAIN_ENDINGS = ("test", "test", "example.com")

TIMEZONES = (
    ("America/New_York", -4), ("America/Chicago", -5), ("America/Denver", -6), ("America/Los_Angeles", -7),
    ("Europe/London", 1), ("Europe/Berlin", 2), ("Africa/Lagos", 1), ("Asia/Kolkata", 5),
)  # fmt: skip
"""Zone and the hours by which its office day is moved; whole hours of summer are near enough for sending."""

SETTERS = (
    ("Maya", "maya.lindholm@fernhill.test"),
    ("Theo", "theo.abara@fernhill.test"),
    ("Carmen", "carmen.ruiz@fernhill.test"),
    ("Jonah", "jonah.weiss@fernhill.test"),
    ("Isla", "isla.mackay@fernhill.test"),
    ("Ravi", "ravi.menon@fernhill.test"),
)

PROVIDERS = ("calendly", "gohighlevel")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign of the team. `threshold` is the confidence from which a draft may send itself."""

    external_id: str
    name: str
    channel: Channel
    response_mode: ResponseMode
    warm: bool
    threshold: float


_AUTO, _MANAGED = ResponseMode.AI_AUTO_SEND, ResponseMode.SETTER_MANAGED

CAMPAIGNS = (
    Campaign("C01", "Wholesalers, first contact", Channel.EMAIL, _AUTO, False, 0.85),
    Campaign("C02", "Stock-out guide, downloads", Channel.EMAIL, _AUTO, True, 0.85),
    Campaign("C03", "Wholesalers, hand-picked", Channel.EMAIL, _MANAGED, False, 0.90),
    Campaign("C04", "Trade fair, met at the stand", Channel.EMAIL, _MANAGED, True, 0.90),
    Campaign("C05", "Quiet for half a year", Channel.SMS, _AUTO, False, 0.85),
    Campaign("C06", "Webinar, registered", Channel.SMS, _AUTO, True, 0.80),
    Campaign("C07", "Trial ended", Channel.SMS, _MANAGED, False, 0.90),
    Campaign("C08", "Asked for a call", Channel.SMS, _MANAGED, True, 0.85),
    Campaign("C09", "Supply chain leads, new", Channel.LINKEDIN, _AUTO, False, 0.90),
    Campaign("C10", "Followers of the page", Channel.LINKEDIN, _AUTO, True, 0.85),
    Campaign("C11", "Operations directors", Channel.LINKEDIN, _MANAGED, False, 0.90),
    Campaign("C12", "Introduced by a customer", Channel.LINKEDIN, _MANAGED, True, 0.90),
)
"""Ordered by channel, then mode, then audience: `4 * channel + 2 * managed + warm` finds one."""
