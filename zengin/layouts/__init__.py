"""The tables of the four formats: one module per business.

Source: Zengin standard record formats (JBA), 91/21/03/01.
"""
