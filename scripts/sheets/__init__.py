"""What scripts/import.py and scripts/export.py are made of.

problems    one thing that is wrong in a file, and where they are told
sheet       a CSV file: its header, its rows, what is wrong with their shape
cells       one cell as text, and back; what a spreadsheet must not run
catalogue_rows, booking_rows   which columns there are, and what a row means
scratch     ids and spans in a temporary database, so that memory stays steady
checking    the first reading, which writes nothing;  loading  the second one, which writes
importing   both of them, and the summary;  dumping  the way out
stores      which installation;  progress  what is seen meanwhile
sample      makes large files to measure with
"""
