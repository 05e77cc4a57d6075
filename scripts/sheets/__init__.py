"""The parts of scripts/import.py and scripts/export.py. What a file means, and how it is read, is in services.sheets.

files        a file of this machine, or standard input, as a sheet
importing    an import: both readings of all files and the summary;  dumping  an export
printing     the problems, one on each line;  progress  what a person sees meanwhile
stores       the installation to use;  outcome  the exit status
sample       large files for measurements
"""
