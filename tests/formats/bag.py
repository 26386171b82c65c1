"""Validates a folder as a bag (RFC 8493) with the library of the Library of Congress; prints what is wrong, and fails then."""

import sys

import bagit

try:
    bagit.Bag(sys.argv[1]).validate()
except bagit.BagError as error:
    sys.exit(str(error))
