"""Words that names are told from: which names are words too, and what in a name names nobody."""

from typing import Final

_ALSO_WORDS = """
will may mark grace hope bill rob art sue rich dean drew joy dawn june april august summer autumn faith max page
young long day price king case best guy pat miles chase chance chip buck rose lily ivy daisy holly hazel olive ruby
pearl jade amber crystal star sky rain river forest stone wood woods hill field park lane cook mason hunter fisher
porter turner walker west north east south brown black white green gray grey gold silver bell ball banks bush church
cross fox wolf swan love loving good little rice bean berry cherry frank earnest major duke prince noble peace
patience charity mercy harmony melody angel dale glen cliff sandy stormy sunny rusty dusty skip trip ray don van
wade reed read bond hand head short small strong wise sharp quick power powers law lord friend child man english
french german sage basil clay cash penny sterling diamond gem apple target shell gap box block square notion slack
ramp linear front gong stripe monday delta visa ford meta oracle alphabet intercom drift chime affirm indeed calm
snap zoom loom toast sweet match bolt glide flow wave brave edge focus impact summit pinnacle apex anchor beacon
bridge compass harbor spark pulse signal scale shift core base basis link network media digital global national
general standard first united american total prime premier elite alpha beta vision mission next new open smart
simple direct express central capital group partners solutions services systems consulting marketing design studio
cedar copper granite meadow orchard redwood willow thistle corner quarry highfield
"""
ALSO_WORDS: Final = frozenset(_ALSO_WORDS.split())
"""First names, last names and names of companies that turn up in messages as the words they are."""

_LEGAL_FORMS = """
inc llc ltd limited gmbh ag kg ug corp corporation co company plc bv nv sa sas sarl srl spa pty ab as oy aps llp lp
pvt kk se
"""
LEGAL_FORMS: Final = frozenset(_LEGAL_FORMS.split())
"""What stands behind a company's name in its register."""

TITLES: Final = frozenset(
    ["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "jr", "sr", "ii", "iii", "iv", "phd", "mba", "md"]
)
"""What stands before and behind a person's name."""

_UNNAMING = """
van der von de la del della dos das da di bin al el den ter
ten the le los ibn info hello contact sales office admin support team mail email help service noreply reply hi me
marketing billing accounts enquiries inquiries test user post kontakt welcome booking bookings appointments lead
"""
UNNAMING: Final = TITLES | frozenset(_UNNAMING.split())
"""Titles, particles of last names, and mailboxes that belong to nobody: not taken for a name by themselves."""

_ENDINGS_LIKE_WORDS = """
ad ai am as at be best by bet call care date day do fit free fun gay go guide here how id in info is it its live ltd
md me meet mov my new next no now of off one or pay place plus pm post py read red rent run sale save sh so talk
team then think this tips to today top us vote watch we what when will win work works you zip
"""
ENDINGS_LIKE_WORDS: Final = frozenset(_ENDINGS_LIKE_WORDS.split())
"""Endings of hosts that are words, or endings of files, as well: "thursday.is that fine", "readme.md"."""
