"""Pairs of functions as other projects write them."""
