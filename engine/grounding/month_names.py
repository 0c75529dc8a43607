"""Names of months, weekdays and ordinal day words as data, in seven languages (CLDR, with common abbreviations).

All names are folded: small letters without accents. A name that is an everyday word of another language
(Portuguese `out`, Italian `set`) is left to the languages that are asked for.
"""

from collections.abc import Iterable, Mapping

MONTHS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
        "september sept sep", "october oct", "november nov", "december dec",
    ),
    "de": (
        "januar janner jan", "februar feber feb", "marz maerz mrz mar", "april apr", "mai", "juni jun", "juli jul",
        "august aug", "september sept sep", "oktober okt", "november nov", "dezember dez",
    ),
    "fr": (
        "janvier janv", "fevrier fevr fev", "mars", "avril avr", "mai", "juin", "juillet juil", "aout",
        "septembre sept", "octobre oct", "novembre nov", "decembre dec",
    ),
    "es": (
        "enero ene", "febrero feb", "marzo mar", "abril abr", "mayo may", "junio jun", "julio jul", "agosto ago",
        "septiembre setiembre sept sep", "octubre oct", "noviembre nov", "diciembre dic",
    ),
    "it": (
        "gennaio gen", "febbraio feb", "marzo mar", "aprile apr", "maggio mag", "giugno giu", "luglio lug",
        "agosto ago", "settembre set", "ottobre ott", "novembre nov", "dicembre dic",
    ),
    "pt": (
        "janeiro jan", "fevereiro fev", "marco mar", "abril abr", "maio mai", "junho jun", "julho jul", "agosto ago",
        "setembro set", "outubro out", "novembro nov", "dezembro dez",
    ),
    "nl": (
        "januari jan", "februari feb", "maart mrt", "april apr", "mei", "juni jun", "juli jul", "augustus aug",
        "september sept sep", "oktober okt", "november nov", "december dec",
    ),
}  # fmt: skip

WEEKDAYS: Mapping[str, tuple[str, ...]] = {
    "en": ("monday mon", "tuesday tues tue", "wednesday wed", "thursday thurs thur thu", "friday fri", "saturday sat",
           "sunday sun"),
    "de": ("montag mo", "dienstag di", "mittwoch mi", "donnerstag do", "freitag fr", "samstag sonnabend sa",
           "sonntag so"),
    "fr": ("lundi lun", "mardi mar", "mercredi mer", "jeudi jeu", "vendredi ven", "samedi sam", "dimanche dim"),
    "es": ("lunes lun", "martes mar", "miercoles mie", "jueves jue", "viernes vie", "sabado sab", "domingo dom"),
    "it": ("lunedi lun", "martedi mar", "mercoledi mer", "giovedi gio", "venerdi ven", "sabato sab", "domenica dom"),
    "pt": ("segunda-feira seg", "terca-feira ter", "quarta-feira qua", "quinta-feira qui", "sexta-feira sex",
           "sabado sab", "domingo dom"),
    "nl": ("maandag ma", "dinsdag di", "woensdag wo", "donderdag do", "vrijdag vr", "zaterdag za", "zondag zo"),
}  # fmt: skip

RELATIVE_DAYS: Mapping[str, Mapping[str, int]] = {
    "en": {"the day after tomorrow": 2, "day after tomorrow": 2, "tomorrow": 1, "today": 0, "tonight": 0,
           "yesterday": -1, "the day before yesterday": -2, "day before yesterday": -2},
    "de": {"ubermorgen": 2, "morgen": 1, "heute": 0, "gestern": -1, "vorgestern": -2},
    "fr": {"apres-demain": 2, "demain": 1, "aujourd'hui": 0, "hier": -1, "avant-hier": -2},
    "es": {"pasado manana": 2, "manana": 1, "hoy": 0, "ayer": -1, "anteayer": -2},
    "it": {"dopodomani": 2, "domani": 1, "oggi": 0, "ieri": -1},
    "pt": {"depois de amanha": 2, "amanha": 1, "hoje": 0, "ontem": -1},
    "nl": {"overmorgen": 2, "morgen": 1, "vandaag": 0, "gisteren": -1, "eergisteren": -2},
}  # fmt: skip

LANGUAGES = tuple(MONTHS)
_EVERYDAY_WORDS = frozenset({"out", "set"})  # of English, where the abbreviation is Portuguese or Italian


def checked_languages(languages: Iterable[str] | None) -> tuple[str, ...]:
    """The languages asked for, all where none is named. Raises ValueError for one that there is no data for."""
    chosen = LANGUAGES if languages is None else tuple(languages)
    for language in chosen:
        if language not in MONTHS:
            raise ValueError(f"no month names for the language {language!r}; there are {', '.join(LANGUAGES)}")
    return chosen


def month_numbers(languages: Iterable[str]) -> dict[str, int]:
    """Folded name → 1 to 12."""
    chosen = tuple(languages)
    numbers = {name: i for x in chosen for i, names in enumerate(MONTHS[x], 1) for name in names.split()}
    return {name: i for name, i in numbers.items() if "en" not in chosen or name not in _EVERYDAY_WORDS}


def weekday_numbers(languages: Iterable[str]) -> dict[str, frozenset[int]]:
    """Folded name → days, Monday is 0; an abbreviation of several languages may be several days."""
    numbers: dict[str, frozenset[int]] = {}
    for language in languages:
        for i, names in enumerate(WEEKDAYS[language]):
            for name in names.split():
                numbers[name] = numbers.get(name, frozenset()) | {i}
    return numbers


def relative_days(languages: Iterable[str]) -> dict[str, int]:
    """Folded word → days from today."""
    return {word: days for language in languages for word, days in RELATIVE_DAYS[language].items()}
