"""CSV files of an org's records: what each cell and each row means, whether a file can be imported, and its import.

sheet        a CSV file: its header, its rows, and faults in their shape;  dialect  how it is written
cells        a value as the text of a cell, and back; protection against spreadsheet formulas
local_times  times without an offset, in one zone
problems     the faults of a file;  progress  who hears how far an import is
table        what all kinds of records have in common, and how a row is read
catalogue_table, booking_table, buildings   the columns of each kind, and what a row means
scratch      ids and spans in a temporary database, so that memory stays steady
checking     the first reading of a file, which writes nothing
loading      the second reading, which writes
desk         an import of one text within one request;  samples  a small file of each kind
"""
