"""The closed lists of Waldur's API, in its spelling. Published clients fail on other values, so none is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class OfferingState(StrEnum):
    """State of an offering. "Unavailable" only comes from other portals; clients before 7.9.3 do not know it."""

    DRAFT = "Draft"
    ACTIVE = "Active"
    PAUSED = "Paused"
    ARCHIVED = "Archived"
    UNAVAILABLE = "Unavailable"


class BillingType(StrEnum):
    """How a component is charged: per plan unit, by use, by limit, once at the start, or on a change of plan."""

    FIXED = "fixed"
    USAGE = "usage"
    LIMIT = "limit"
    ONE = "one"
    FEW = "few"


class LimitPeriod(StrEnum):
    """The period that a component's limit_amount is counted in."""

    MONTH = "month"
    QUARTERLY = "quarterly"
    ANNUAL = "annual"
    TOTAL = "total"


class BillingUnit(StrEnum):
    """The unit of a plan."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_MONTH = "half_month"
    DAY = "day"
    HOUR = "hour"
    QUANTITY = "quantity"


class ScopeState(StrEnum):
    """State of the backend object of an offering."""

    CREATION_SCHEDULED = "CREATION_SCHEDULED"
    CREATING = "CREATING"
    UPDATE_SCHEDULED = "UPDATE_SCHEDULED"
    UPDATING = "UPDATING"
    DELETION_SCHEDULED = "DELETION_SCHEDULED"
    DELETING = "DELETING"
    OK = "OK"
    ERRED = "ERRED"


class OptionType(StrEnum):
    """Type of a field of an order form (`options`, `resource_options`)."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    MONEY = "money"
    STRING = "string"
    TEXT = "text"
    HTML_TEXT = "html_text"
    SELECT_STRING = "select_string"
    SELECT_STRING_MULTI = "select_string_multi"
    DATE = "date"
    TIME = "time"
    SELECT_OPENSTACK_TENANT = "select_openstack_tenant"
    SELECT_MULTIPLE_OPENSTACK_TENANTS = "select_multiple_openstack_tenants"
    SELECT_OPENSTACK_INSTANCE = "select_openstack_instance"
    SELECT_MULTIPLE_OPENSTACK_INSTANCES = "select_multiple_openstack_instances"
    CONDITIONAL_CASCADE = "conditional_cascade"
    COMPONENT_MULTIPLIER = "component_multiplier"


# Keys of plugin_options with closed lists of values. Unset options are left out; None: the option may be null.
PLUGIN_OPTIONS: Mapping[str, frozenset[str | None]] = {
    "username_generation_policy": frozenset(
        {"service_provider", "anonymized", "full_name", "waldur_username", "freeipa", "identity_claim"}
    ),
    "account_scope": frozenset({"offering", "provider"}),
    "billing_source": frozenset({"placement", "quota"}),
    "uid_source": frozenset({"pool", "user_attribute"}),
    "gid_source": frozenset({"pool", "user_attribute"}),
    "storage_mode": frozenset({"fixed", "dynamic"}),
    "deployment_mode": frozenset({"self_managed", "managed"}),
    "account_name_generation_policy": frozenset({"project_slug", None}),
}

OFFERING_STATES = frozenset(state.value for state in OfferingState)
BILLING_TYPES = frozenset(kind.value for kind in BillingType)
LIMIT_PERIODS = frozenset(period.value for period in LimitPeriod)
BILLING_UNITS = frozenset(unit.value for unit in BillingUnit)
SCOPE_STATES = frozenset(state.value for state in ScopeState)
OPTION_TYPES = frozenset(kind.value for kind in OptionType)

_COUNTRIES = """
AD Andorra; AE United Arab Emirates; AF Afghanistan; AG Antigua and Barbuda; AI Anguilla; AL Albania; AM Armenia;
AO Angola; AQ Antarctica; AR Argentina; AS American Samoa; AT Austria; AU Australia; AW Aruba; AX Åland Islands;
AZ Azerbaijan; BA Bosnia and Herzegovina; BB Barbados; BD Bangladesh; BE Belgium; BF Burkina Faso; BG Bulgaria;
BH Bahrain; BI Burundi; BJ Benin; BL Saint Barthélemy; BM Bermuda; BN Brunei; BO Bolivia; BQ Caribbean Netherlands;
BR Brazil; BS Bahamas; BT Bhutan; BV Bouvet Island; BW Botswana; BY Belarus; BZ Belize; CA Canada;
CC Cocos (Keeling) Islands; CD Congo (Democratic Republic); CF Central African Republic; CG Congo (Republic);
CH Switzerland; CI Côte d’Ivoire; CK Cook Islands; CL Chile; CM Cameroon; CN China; CO Colombia; CR Costa Rica;
CU Cuba; CV Cape Verde; CW Curaçao; CX Christmas Island; CY Cyprus; CZ Czechia; DE Germany; DJ Djibouti; DK Denmark;
DM Dominica; DO Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia; EG Egypt; EH Western Sahara; ER Eritrea;
ES Spain; ET Ethiopia; EU European Union; FI Finland; FJ Fiji; FK Falkland Islands; FM Micronesia; FO Faroe Islands;
FR France; GA Gabon; GB United Kingdom; GD Grenada; GE Georgia; GF French Guiana; GG Guernsey; GH Ghana;
GI Gibraltar; GL Greenland; GM Gambia; GN Guinea; GP Guadeloupe; GQ Equatorial Guinea; GR Greece;
GS South Georgia and the South Sandwich Islands; GT Guatemala; GU Guam; GW Guinea-Bissau; GY Guyana; HK Hong Kong;
HM Heard Island and McDonald Islands; HN Honduras; HR Croatia; HT Haiti; HU Hungary; ID Indonesia; IE Ireland;
IL Israel; IM Isle of Man; IN India; IO British Indian Ocean Territory; IQ Iraq; IR Iran; IS Iceland; IT Italy;
JE Jersey; JM Jamaica; JO Jordan; JP Japan; KE Kenya; KG Kyrgyzstan; KH Cambodia; KI Kiribati; KM Comoros;
KN Saint Kitts and Nevis; KP North Korea; KR South Korea; KW Kuwait; KY Cayman Islands; KZ Kazakhstan; LA Laos;
LB Lebanon; LC Saint Lucia; LI Liechtenstein; LK Sri Lanka; LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg;
LV Latvia; LY Libya; MA Morocco; MC Monaco; MD Moldova; ME Montenegro; MF Saint Martin (French part); MG Madagascar;
MH Marshall Islands; MK North Macedonia; ML Mali; MM Myanmar; MN Mongolia; MO Macao; MP Northern Mariana Islands;
MQ Martinique; MR Mauritania; MS Montserrat; MT Malta; MU Mauritius; MV Maldives; MW Malawi; MX Mexico; MY Malaysia;
MZ Mozambique; NA Namibia; NC New Caledonia; NE Niger; NF Norfolk Island; NG Nigeria; NI Nicaragua; NL Netherlands;
NO Norway; NP Nepal; NR Nauru; NU Niue; NZ New Zealand; OM Oman; PA Panama; PE Peru; PF French Polynesia;
PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland; PM Saint Pierre and Miquelon; PN Pitcairn;
PR Puerto Rico; PS Palestine; PT Portugal; PW Palau; PY Paraguay; QA Qatar; RE Réunion; RO Romania; RS Serbia;
RU Russia; RW Rwanda; SA Saudi Arabia; SB Solomon Islands; SC Seychelles; SD Sudan; SE Sweden; SG Singapore;
SH Saint Helena, Ascension and Tristan da Cunha; SI Slovenia; SJ Svalbard and Jan Mayen; SK Slovakia;
SL Sierra Leone; SM San Marino; SN Senegal; SO Somalia; SR Suriname; SS South Sudan; ST São Tomé and Príncipe;
SV El Salvador; SX Sint Maarten (Dutch part); SY Syria; SZ Eswatini; TC Turks and Caicos Islands; TD Chad;
TF French Southern Territories; TG Togo; TH Thailand; TJ Tajikistan; TK Tokelau; TL Timor-Leste; TM Turkmenistan;
TN Tunisia; TO Tonga; TR Türkiye; TT Trinidad and Tobago; TV Tuvalu; TW Taiwan; TZ Tanzania; UA Ukraine; UG Uganda;
UM United States Minor Outlying Islands; US United States; UY Uruguay; UZ Uzbekistan; VA Holy See;
VC Saint Vincent and the Grenadines; VE Venezuela; VG Virgin Islands (British); VI Virgin Islands (U.S.);
VN Vietnam; VU Vanuatu; WF Wallis and Futuna; WS Samoa; YE Yemen; YT Mayotte; ZA South Africa; ZM Zambia;
ZW Zimbabwe;
"""
# ISO 3166-1 alpha-2 (249 codes) and EU, with the English names in everyday use. "" means unknown in the API.
COUNTRIES: Mapping[str, str] = dict(re.findall(r"([A-Z]{2}) ([^;]+);", _COUNTRIES))


def is_country(code: object) -> bool:
    """Whether the API accepts this as a country: a code in upper case, or "" for unknown."""
    return isinstance(code, str) and (code == "" or code in COUNTRIES)


def country_name(code: str) -> str:
    """The English name of a country, or the code itself if it is unknown."""
    return COUNTRIES.get(code, code)


def is_limit_period(value: object) -> bool:
    """Whether the API accepts this as a limit period: one of the list, "" or null."""
    return value is None or value == "" or (isinstance(value, str) and value in LIMIT_PERIODS)
