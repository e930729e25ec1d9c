"""Nets in other engines' formats: one file for each."""
