"""What scripts/stress.py and scripts/bench.py share.

client      the server under test, servers and orgs that a run makes for itself; plays over many sockets and processes
players     one client of a run, its requests, and what each kind of client does
scenarios   who asks for what, act by act, and how deadlines are moved near
rules       what both stores hold afterwards, one function for each rule, and the verdict
bench       the measured operations, their costs, preloaded bookings, and the bare app as yardstick
measure     percentiles and histograms;  report  what people read;  naive  the deliberately naive server

The package imports nothing of `api`, `services` and `models`: a proof must not lean on the code that it judges.
"""
