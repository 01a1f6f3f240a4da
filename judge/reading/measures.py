"""Tables of units: their names in English and Chinese, what they measure, and their sizes."""

from collections.abc import Mapping

from judge.reading.words import terms

# names: (what is measured, its power, the size in metres, grams, seconds, dollars, ...)
BASIC: Mapping[str, tuple[str, int, str]] = {
    "m meter meters metre metres 米": ("length", 1, "1"),
    "km kilometer kilometers kilometre kilometres 千米 公里": ("length", 1, "1000"),
    "cm centimeter centimeters centimetre centimetres 厘米": ("length", 1, "1/100"),
    "mm millimeter millimeters millimetre millimetres 毫米": ("length", 1, "1/1000"),
    "分米": ("length", 1, "1/10"),
    "里": ("length", 1, "500"),
    "亩": ("length", 2, "2000/3"),
    "in inch inches 英寸": ("length", 1, "0.0254"),
    "ft foot feet": ("length", 1, "0.3048"),
    "yd yard yards": ("length", 1, "0.9144"),
    "mi mile miles": ("length", 1, "1609.344"),
    "pc parsec parsecs": ("length", 1, "3.0856775814913673e16"),
    "ly lightyear lightyears": ("length", 1, "9460730472580800"),
    "Å angstrom angstroms ångström": ("length", 1, "1/10000000000"),
    "AU": ("length", 1, "149597870700"),
    "acre acres": ("length", 2, "4046.8564224"),
    "hectare hectares 公顷": ("length", 2, "10000"),
    "l L liter liters litre litres 升": ("length", 3, "1/1000"),
    "ml milliliter milliliters millilitre millilitres 毫升": ("length", 3, "1/1000000"),
    "gal gallon gallons": ("length", 3, "0.003785411784"),
    "quart quarts": ("length", 3, "0.000946352946"),
    "pint pints": ("length", 3, "0.000473176473"),
    "kg kilogram kilograms 千克 公斤": ("mass", 1, "1000"),
    "g gm gram grams 克": ("mass", 1, "1"),
    "mg milligram milligrams 毫克": ("mass", 1, "1/1000"),
    "斤": ("mass", 1, "500"),
    "吨": ("mass", 1, "1000000"),
    "lb lbs pound pounds": ("mass", 1, "453.59237"),
    "oz ounce ounces": ("mass", 1, "28.349523125"),
    "ton tons tonne tonnes": ("ton", 1, "1"),
    "s sec secs second seconds 秒": ("time", 1, "1"),
    "min mins minute minutes 分钟": ("time", 1, "60"),
    "h hr hrs hour hours 小时": ("time", 1, "3600"),
    "day days 天": ("time", 1, "86400"),
    "week weeks 周": ("time", 1, "604800"),
    "month months 个月": ("month", 1, "1"),
    "year years yr yrs 年 岁": ("month", 1, "12"),
    "dollar dollars usd 美元": ("dollar", 1, "1"),
    "cent cents 美分": ("dollar", 1, "1/100"),
    "euro euros eur": ("euro", 1, "1"),
    "gbp sterling": ("sterling", 1, "1"),
    "yuan rmb cny 元": ("yuan", 1, "1"),
    "角": ("yuan", 1, "1/10"),
    "yen jpy": ("yen", 1, "1"),
    "ruble rubles руб рубль рубля рублей": ("ruble", 1, "1"),
    "rupee rupees": ("rupee", 1, "1"),
    "degree degrees deg degs 度": ("degree", 1, "1"),
    "radian radians rad rads 弧度": ("radian", 1, "1"),
    "percent pct": ("percent", 1, "1"),
    "celsius 摄氏度": ("celsius", 1, "1"),
    "fahrenheit": ("fahrenheit", 1, "1"),
    "A amp amps ampere amperes": ("current", 1, "1"),
    "K kelvin kelvins": ("kelvin", 1, "1"),
    "mol mole moles": ("mole", 1, "1"),
    "person persons people 人": ("person", 1, "1"),
    "dB decibel decibels": ("decibel", 1, "1"),
}
# names: (the same in other units, how many of them)
DERIVED: Mapping[str, tuple[str, str]] = {
    "N newton newtons 牛": ("kg m s^-2", "1"),
    "dyn dyne dynes": ("g cm s^-2", "1"),
    "Nm": ("N m", "1"),
    "Ns": ("N s", "1"),
    "J joule joules 焦": ("N m", "1"),
    "erg ergs": ("J", "1/10000000"),
    "eV electronvolt electronvolts": ("J", "1.602176634e-19"),
    "cal calorie calories": ("J", "4.184"),
    "W watt watts 瓦": ("J / s", "1"),
    "Wh": ("J", "3600"),
    "Pa pascal pascals": ("N m^-2", "1"),
    "bar bars": ("Pa", "100000"),
    "atm": ("Pa", "101325"),
    "Hz hertz": ("s^-1", "1"),
    "C coulomb coulombs": ("A s", "1"),
    "V volt volts": ("J C^-1", "1"),
    "F farad farads": ("C V^-1", "1"),
    "ohm ohms Ohm Ω Omega": ("V A^-1", "1"),
    "T tesla teslas": ("V s m^-2", "1"),
    "G gauss Gauss": ("T", "1/10000"),
    "Wb weber webers": ("V s", "1"),
    "henry henries": ("V s A^-1", "1"),
}
PREFIXES = {
    ("P", "peta"): 15, ("T", "tera"): 12, ("G", "giga"): 9, ("M", "mega"): 6, ("k", "kilo"): 3,
    ("d", "deci"): -1, ("c", "centi"): -2, ("m", "milli"): -3, ("u", "micro"): -6,
    ("μ", "micro"): -6, ("n", "nano"): -9, ("p", "pico"): -12, ("f", "femto"): -15,
}  # fmt: skip
PREFIXED = frozenset(
    terms("""
        m g s A K N Nm Ns J W Wh V Pa Hz eV C F T L l mol bar cal pc ohm Ohm Ω Omega Wb meter
        metre meters metres gram grams second seconds amp amps ampere amperes newton newtons joule
        joules watt watts volt volts pascal pascals hertz electronvolt electronvolts coulomb
        coulombs farad farads ohms tesla teslas liter liters litre litres mole moles calorie
        calories parsec parsecs
    """)
)
OTHER_LANGUAGES = {
    "m": "mètre mètres metro metros м метр метра метров",
    "km": "kilomètre kilomètres kilómetro kilómetros км",
    "cm": "zentimeter centimètre centimètres centímetro centímetros см",
    "mm": "millimètre millimètres milímetro milímetros мм",
    "l": "litro litros л литр литра литров",
    "kg": "kilogramm kilogramme kilogrammes kilogramo kilogramos кг",
    "g": "gramm gramme grammes gramo gramos г грамм",
    "s": "sekunde sekunden seconde secondes segundo segundos с сек секунд",
    "min": "minuten minuto minutos мин минут минуты",
    "h": "stunde stunden heure heures hora horas ч час часа часов",
    "day": "tage jour jours día días день дня дней",
    "week": "woche wochen semaine semaines semana semanas",
    "year": "jahr jahre année années año años год года лет",
    "degree": "grad degré degrés grado grados градус градуса градусов",
    "percent": "prozent",
}
"""Names of units in German, French, Spanish and Russian."""
SECOND_MEANINGS = {"ms": "m s", "pound": "sterling", "pounds": "sterling"}
"""What a unit's word may mean instead, where the other side shows that it does."""
