"""The strings that formats and types name, as regular languages: one definition each, a GBNF file where GBNF can say it."""
