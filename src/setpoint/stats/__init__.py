"""Estimates, intervals and tests over plain numbers and arrays.

Where a method is made for leads and bookings it speaks of them. Nothing here knows where the numbers come from.
"""
