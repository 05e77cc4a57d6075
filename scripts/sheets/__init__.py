"""The parts of scripts/import.py and scripts/export.py.

sheet        a CSV file: its header, its rows, and faults in their shape;  dialect  how it is written
cells        a value as the text of a cell, and back; protection against spreadsheet formulas
local_times  times without an offset, in one zone
problems     the faults of a file, and how they are printed
table        what the three kinds of records have in common, and how a row is read
catalogue_table, booking_table   the columns of each kind, and what a row means
scratch      ids and spans in a temporary database, so that memory stays steady
checking     the first reading of the files, which writes nothing
loading      the second reading, which writes
importing    an import: both readings and the summary;  dumping  an export
stores       the installation to use;  outcome  the exit status;  progress  what a person sees meanwhile
sample       large files for measurements
"""
