# SPDX-License-Identifier: Apache-2.0
"""Whether the name of a submitter is that of a person: results are submitted by organisations."""

from __future__ import annotations

import re

_GIVEN = """
    aaron adam adrian ahmed akira alan alberto alejandro aleksandr alessandro alexander alexandre alexandra alexey alice
    ali amir amit ana anders andrea andreas andrei andrew anil anja anna anne anthony antonio arjun arun ashish aya
    barbara ben benjamin bernhard bjorn brian bruno carl carlos carlo caroline catherine charles chen chloe chris
    christian christine christoph christopher claire clara claudia colby csaba dan daniel daniela david deepak denis
    dieter diego dmitri dmitry dominik donald eduardo edward elena elias elisabeth elizabeth emil emily emma eric erik
    ernst eva fabian fabio fatima felix fernando filip florian francesco francisco frank franz gabriel george georg
    giovanni giulia giuseppe gregory guido gustavo hannah hans harald hassan heinrich helen helena henrik henry hiroshi
    honson hugo ian igor ingrid irina isabel ivan jack jacob jakob james jan jane jason javier jean jeffrey jens jeremy
    jessica jie jing joao joerg johan johannes john jonas jonathan jorge jose josef joseph joshua juan judith julia
    julian julien julius jun jurgen kai karen karl karin katharina katherine kathrin keiko kenji kevin klaus kumar lars
    laura laurent lea lena leo leon li lijun lin linda lisa louis luca lucas lucia luis lukas magnus manuel marc marco
    marcus maria marie mario marion mark markus marta martin martina mary masahiro mateusz matteo matthew matthias
    maximilian mehmet mei michael michal michel miguel mikael mike mikhail milan ming mohamed mohammad mohammed mona
    monica naoki natalia nathan neil nicholas nicolas nicole nikhil nikola nina noah olaf ole oleg oliver olivier omar
    oscar oskar pablo paolo patricia patrick paul paula pavel pedro peter petra philip philipp philippe pierre pietro
    priya rachel rafael rahul rainer rajesh ralf ravi rebecca renate ricardo richard robert roberto robin roger roland
    ruth ryan sabine sam samuel sandeep sandra sanjay sara sarah satoshi scott sebastian sergei sergey sergio shreya
    silvia simon sofia sophia sophie stefan stefanie stefano stephan stephane stephanie stephen steven sun sunil susan
    susanne sven sylvia takashi takeshi tamara tanja tao teresa thierry thomas tim timothy tobias tom tomas tomasz
    torsten ulrich ursula vera victor vijay vikram vincent vladimir walter wei werner william wolfgang xiao xin yan yang
    yasmin yi yong yosef yuki yuri yusuf yves zhang zoe
"""
GIVEN_NAMES = frozenset(_GIVEN.split())
"""The first word of a person's name is one of these; an unknown name is taken for an organisation's."""

_ORGANISATION = """
    ab academy ag ai association bv center centre co college company computing consortium consulting corp corporation
    design devices electronics engineering foundation gmbh group hardware inc incorporated industries institute
    instruments international lab laboratories laboratory labs limited llc ltd microelectronics microsystems network
    networks oy plc project research robotics sa sas school semi semiconductor semiconductors silicon software solutions
    srl studio studios systems team tech technologies technology university works
"""
ORGANISATION_WORDS = frozenset(_ORGANISATION.split())
"""With one of these a name is that of an organisation: Robert Bosch GmbH."""

_HANDLE = re.compile(r"\(?@[\w.-]{1,40}\)?")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*\.?")
_MAX_NAME = 100


def is_person(name: str) -> bool:
    """Return whether a name reads as that of a person: given name and surname, or a name with a user name.

    Args:
        name: As the system description or the folder has it.

    Examples:
        >>> [is_person(name) for name in ("Kai_Jiang", "Robert Bosch GmbH", "Silicon Labs", "Jo Doe (@jodoe)")]
        [True, False, False, True]
    """
    parts = name[:_MAX_NAME].replace("_", " ").split()
    words = [part for part in parts if not _HANDLE.fullmatch(part)]
    plain = [word.lower().strip(".,") for word in words]
    if not 2 <= len(words) <= 4 or not all(_WORD.fullmatch(word) for word in words):
        return False
    named = plain[0] in GIVEN_NAMES or len(words) < len(parts)
    return named and not ORGANISATION_WORDS & set(plain)
