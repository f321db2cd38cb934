"""Families of diffusion models: what is known of each before it is loaded, and how its network is asked.

table.py     FAMILIES: one row a family
family.py    what a row says (without torch)
backbone.py  what the shared pipeline asks of a loaded network
one module or folder a family, with `open_model(checkpoint, family, configs)`
"""
