"""What scripts/stress.py and scripts/bench.py share.

target      which server, and how to start a private one
stage       what a scenario is;  world  fresh properties and technicians to race for
scenarios   who asks for what, scenario_* those in several acts;  acts  one after the other
players     the three clients, players_* those who move, reserve and wait;  plays  all of it by name
wire        HTTP/1.1 as bytes;  steps, crowd, barrier  plays over many sockets and processes, released at one moment
reading     what MongoDB and Redis hold afterwards;  offers  whether free slots can be held
verdict     the rules by name;  rules_*, timeline  one function for each
measure     percentiles and histograms;  report, chart  what people read
naive       the deliberately naive server
bench_*     the measured operations, their loop, their costs, preloaded bookings;  bare_app  the yardstick

The package imports neither `api` nor `services`: a proof must not lean on the code that it judges.
"""
